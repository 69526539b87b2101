//! What a connector's author uses.
//!
//! A connector is a type that implements [`Connector`] and one line at the end of its crate:
//!
//! ```ignore
//! matricula_sdk::export!(MyConnector, manifest = "manifest.json");
//! ```
//!
//! The trait's methods have defaults that say "not offered", so a connector writes only what it has. The
//! manifest is embedded as a custom section that the host reads before it runs anything. WIT stays out of
//! sight.
//!
//! A connector never sees a secret and has no clock, no environment and no file system: everything it
//! knows comes in through [`Context`], everything it wants goes out through [`Http`]. Not even the files
//! that it carries come into its memory: the host holds them ([`File`]). So it is a function of
//! its arguments and of the answers it gets, and recorded answers ([`transcript`]) are a complete test
//! that runs natively.

// The generated bindings and the exported section need it; the connector's own code does not.
#![deny(unsafe_code)]

mod component;
mod context;
mod failure;
mod file;
mod host;
mod http;
pub mod json;
pub mod time;
pub mod transcript;
mod types;

pub use context::{Context, Http};
pub use failure::{Effect, Failure, FailureKind, Result};
pub use file::{Content, File, Part, Piece};
pub use http::{Denied, Request, Response, SendError};
pub use types::{
    Change, Choice, Choices, Disposition, Finding, Found, Item, Need, Page, Preparation, Read,
    Receipt, Report,
};

#[doc(hidden)]
pub use component::{Adapter, bindings};

/// Log levels.
pub use component::Level;

/// A system that Matricula can read or write.
///
/// Each method may be called on a fresh instance and may be repeated; nothing is kept between calls.
pub trait Connector {
    /// Tests the credential with the cheapest authenticated calls, and names every right and attribute of
    /// `needs` that it lacks.
    fn check(cx: &Context<'_>, needs: &[Need]) -> Result<Report> {
        let _ = (cx, needs);
        Err(not_offered("a test of the credential"))
    }

    /// Options for a form field.
    fn options(
        cx: &Context<'_>,
        field: &str,
        search: Option<&str>,
        position: Option<&str>,
    ) -> Result<Choices> {
        let _ = (cx, search, position);
        Err(not_offered(&format!("options for {field}")))
    }

    /// Reads one page of a stream.
    fn read(cx: &Context<'_>, read: &Read) -> Result<Page> {
        let _ = cx;
        Err(not_offered(&format!("the stream {}", read.stream)))
    }

    /// Brings the file that a record refers to into the host's hold, with [`Context::fetch`]. `reference`
    /// is the value of an attribute of a record of the stream that its schema marks with `x-file`.
    ///
    /// What it returns must have been fetched in this call; of what it says about it the host believes
    /// only the name. Anything else that was fetched is let go. A file that is larger than the target takes
    /// is [`Denied::TooLarge`].
    fn fetch(cx: &Context<'_>, stream: &str, reference: &str) -> Result<File> {
        let _ = (cx, reference);
        Err(not_offered(&format!("files for the stream {stream}")))
    }

    /// Learns what the target can take; what it returns is handed to each `find` and `write`.
    fn prepare(cx: &Context<'_>, operation: &str, attributes: &[String]) -> Result<Preparation> {
        let _ = (cx, attributes);
        Err(not_offered(&format!("the operation {operation}")))
    }

    /// What the target holds for each value of an attribute: one list per value, in order.
    ///
    /// For an operation that keeps accounts these are the accounts with the value. For one that writes once
    /// (`once` in the manifest) the values name persons, and each list has every document in that person's
    /// personnel file, whoever put it there: what is not in it is taken for not delivered and sent again. So
    /// a list that may lack something is a failure, never a shorter list.
    fn find(
        cx: &Context<'_>,
        operation: &str,
        prepared: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>> {
        let _ = (cx, prepared, attribute, values);
        Err(not_offered(&format!("the operation {operation}")))
    }

    /// Writes a batch: one outcome per change, in order. An `Err` means that none was tried.
    fn write(
        cx: &Context<'_>,
        operation: &str,
        prepared: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt>>> {
        let _ = (cx, prepared, changes);
        Err(not_offered(&format!("the operation {operation}")))
    }
}

fn not_offered(what: &str) -> Failure {
    Failure::new(
        FailureKind::Internal,
        format!("this connector does not offer {what}"),
    )
    .code("not-offered")
}
