//! Engagedly as a target of people.
//!
//! The vendor documents its REST API whole. What shapes this connector: users point to
//! departments, business units, locations and job titles by identifier, so names are resolved first, and
//! what is missing is made ([`names`]); there is no search but by e-mail address; and the limit on requests
//! punishes whoever runs into it with a rest that grows, so the manifest has the limit and the host keeps to
//! it before anything is sent.

// The line that exports the component expands to code that needs it.
#![deny(unsafe_code)]

mod api;
mod check;
mod custom;
mod find;
mod listing;
mod lookup;
mod names;
mod prepared;
mod refusal;
mod users;
mod write;

use matricula_sdk::{
    Change, Choices, Connector, Context, Failure, FailureKind, Found, Need, Page, Preparation,
    Read, Receipt, Report, Result,
};

const UPSERT_USER: &str = "upsert-user";
const ACCOUNTS: &str = "accounts";

/// The attributes of a user, as the manifest has them.
pub const ATTRIBUTES: &[&str] = users::ATTRIBUTES;

/// The connector.
pub struct Engagedly;

impl Connector for Engagedly {
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
            ACCOUNTS => find::accounts(cx, read),
            other => Err(not_offered("stream", other)),
        }
    }

    fn prepare(cx: &Context<'_>, operation: &str, attributes: &[String]) -> Result<Preparation> {
        known(operation)?;
        prepared::prepare(cx, attributes)
    }

    fn find(
        cx: &Context<'_>,
        operation: &str,
        _prepared: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>> {
        known(operation)?;
        find::find(cx, attribute, values)
    }

    fn write(
        cx: &Context<'_>,
        operation: &str,
        prepared: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt>>> {
        known(operation)?;
        write::write(cx, prepared, changes)
    }
}

fn known(operation: &str) -> Result<()> {
    if operation == UPSERT_USER {
        Ok(())
    } else {
        Err(not_offered("operation", operation))
    }
}

fn not_offered(what: &str, name: &str) -> Failure {
    Failure::new(
        FailureKind::Internal,
        format!("Engagedly has no {what} {name}"),
    )
    .code("not-offered")
}

matricula_sdk::export!(Engagedly, manifest = "../manifest.json");
