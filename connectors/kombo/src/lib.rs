//! Any HR system behind Kombo as a source of employees, and a place for their documents.
//!
//! Kombo keeps a copy of each customer's HR system in one shape; what is read here is that copy, as old as
//! Kombo's last sync, and what is written goes through Kombo to the HR system. A credential stands for one
//! *integration*, one customer's connection.

// The line that exports the component expands to code that needs it.
#![deny(unsafe_code)]

mod api;
mod check;
mod documents;
mod employees;
mod failures;
mod filename;
mod integration;
mod lookup;
mod record;

use matricula_sdk::{
    Change, Choices, Connector, Context, Failure, FailureKind, Found, Need, Page, Preparation,
    Read, Receipt, Report, Result,
};

pub(crate) const SYSTEM: &str = "Kombo";
pub(crate) const EMPLOYEES: &str = "employees";
pub(crate) const UPLOAD_DOCUMENT: &str = "upload-document";

/// The connector.
pub struct Kombo;

impl Connector for Kombo {
    fn check(cx: &Context<'_>, needs: &[Need]) -> Result<Report> {
        check::check(cx, needs)
    }

    fn options(
        cx: &Context<'_>,
        field: &str,
        search: Option<&str>,
        position: Option<&str>,
    ) -> Result<Choices> {
        lookup::options(cx, field, search, position)
    }

    fn read(cx: &Context<'_>, read: &Read) -> Result<Page> {
        match read.stream.as_str() {
            EMPLOYEES => employees::read(cx, read),
            other => Err(not_offered(&format!("the stream {other}"))),
        }
    }

    fn prepare(_: &Context<'_>, operation: &str, attributes: &[String]) -> Result<Preparation> {
        documents::known(operation)?;
        Ok(documents::prepare(attributes))
    }

    /// Kombo lists nobody's documents, which the manifest says by an operation without `find`.
    fn find(
        _: &Context<'_>,
        operation: &str,
        _: &str,
        _: &str,
        _: &[String],
    ) -> Result<Vec<Vec<Found>>> {
        documents::known(operation)?;
        Err(not_offered("a list of somebody's documents"))
    }

    fn write(
        cx: &Context<'_>,
        operation: &str,
        _: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt>>> {
        documents::known(operation)?;
        Ok(documents::write(cx, changes))
    }
}

pub(crate) fn not_offered(what: &str) -> Failure {
    let message = format!("Kombo's connector does not offer {what}");
    Failure::new(FailureKind::Internal, message).code("not-offered")
}

matricula_sdk::export!(Kombo, manifest = "../manifest.json");
