//! Personio as a source of employees and a place for their documents.
//!
//! One answer of Personio becomes one page: `paging` asks for it and decides when a read ends and
//! whether it was the whole population; `answer` reads the envelope and `records` what is inside, in one
//! pass over the body; `normal` turns Personio's many ways to say one thing into the manifest's one;
//! `failures` says what went wrong. `check` and `lookup` serve the wizard.
//!
//! `documents` uploads, and `listing` says what lies in somebody's personnel file already. Everything is version 1 of the
//! API except the listing, which only version 2 has.
//!
//! Credentials are exchanged for a token by the host as the manifest says; nothing here sees either.

#![deny(unsafe_code)]

mod answer;
mod check;
mod documents;
mod failures;
mod filename;
mod listing;
mod lookup;
mod manifest;
mod normal;
mod paging;
mod raw;
mod records;
mod seen;
mod time;
mod universal;

#[cfg(test)]
mod tests;

use matricula_sdk::{
    Change, Choices, Connector, Context, Failure, FailureKind, Found, Need, Page, Preparation,
    Read, Receipt, Report, Request, Result,
};

/// The system's name in every message.
const SYSTEM: &str = "Personio";

/// Where Personio answers. The host sends it elsewhere if the operator says so.
const BASE: &str = "https://api.personio.de/v1";

/// The stream of employees.
const EMPLOYEES: &str = "employees";

/// The operation that puts documents into personnel files.
const UPLOAD_DOCUMENT: &str = "upload-document";

/// The connector.
pub struct Personio;

impl Connector for Personio {
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
        if read.stream != EMPLOYEES {
            return Err(not_offered(&format!("the stream {}", read.stream)));
        }
        paging::read(cx, read)
    }

    fn prepare(_: &Context<'_>, operation: &str, attributes: &[String]) -> Result<Preparation> {
        documents::known(operation)?;
        Ok(documents::prepare(attributes))
    }

    fn find(
        cx: &Context<'_>,
        operation: &str,
        _prepared: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>> {
        documents::known(operation)?;
        listing::find(cx, attribute, values)
    }

    fn write(
        cx: &Context<'_>,
        operation: &str,
        _prepared: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt>>> {
        documents::known(operation)?;
        Ok(documents::write(cx, changes))
    }
}

/// A request to Personio, with what every request has.
fn request(method: &str, url: impl Into<String>) -> Request {
    Request::new(method, url)
        .header("accept", "application/json")
        .header("x-personio-app-id", "MATRICULA")
}

/// The caller asked for something that the manifest does not list.
fn not_offered(what: &str) -> Failure {
    Failure::new(
        FailureKind::Internal,
        format!("the {SYSTEM} connector does not offer {what}"),
    )
    .code("not-offered")
}

matricula_sdk::export!(Personio, manifest = "../manifest.json");
