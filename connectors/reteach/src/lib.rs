//! A reteach academy as a target of people and a source of certificates.
//!
//! reteach documents one way to write participants, the SCIM 2.0 service of each academy, and one way to
//! read more of them than SCIM has, its REST API. So people are written and found over SCIM
//! ([`matricula_scim`] does the work, the profile here says what goes where), and the streams `customers`
//! and `certificates` come from the REST API, the certificates' files too.

// The line that exports the component expands to code that needs it.
#![deny(unsafe_code)]

mod certificates;
mod check;
mod customers;
mod files;
mod paging;
mod profile;
mod rest;

pub use profile::PROFILE;

/// The attributes of a certificate, as the manifest has them.
pub const CERTIFICATE: &[&str] = &certificates::ATTRIBUTES;

use matricula_scim::{ACCOUNTS, Service};
use matricula_sdk::{
    Change, Connector, Context, Failure, FailureKind, File, Found, Need, Page, Preparation, Read,
    Receipt, Report, Result,
};

const CUSTOMERS: &str = "customers";
const CERTIFICATES: &str = "certificates";

/// What is the academy's SCIM service's.
const SCIM: Service = Service {
    profile: &PROFILE,
    manifest: include_str!("../manifest.json"),
};

/// The connector.
pub struct Reteach;

impl Connector for Reteach {
    fn check(cx: &Context<'_>, needs: &[Need]) -> Result<Report> {
        let report = SCIM.check(cx, needs)?;
        Ok(check::through_api(cx, needs, report))
    }

    fn read(cx: &Context<'_>, read: &Read) -> Result<Page> {
        match read.stream.as_str() {
            ACCOUNTS => SCIM.read(cx, read),
            CUSTOMERS => customers::read(cx, read),
            CERTIFICATES => certificates::read(cx, read),
            other => Err(not_offered("stream", other)),
        }
    }

    fn fetch(cx: &Context<'_>, stream: &str, reference: &str) -> Result<File> {
        match stream {
            CERTIFICATES => files::fetch(cx, reference),
            other => Err(not_offered("files for the stream", other)),
        }
    }

    fn prepare(cx: &Context<'_>, operation: &str, attributes: &[String]) -> Result<Preparation> {
        SCIM.prepare(cx, operation, attributes)
    }

    fn find(
        cx: &Context<'_>,
        operation: &str,
        prepared: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>> {
        SCIM.find(cx, operation, prepared, attribute, values)
    }

    fn write(
        cx: &Context<'_>,
        operation: &str,
        prepared: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt>>> {
        SCIM.write(cx, operation, prepared, changes)
    }
}

fn not_offered(what: &str, name: &str) -> Failure {
    Failure::new(
        FailureKind::Internal,
        format!("reteach has no {what} {name}"),
    )
    .code("not-offered")
}

matricula_sdk::export!(Reteach, manifest = "../manifest.json");
