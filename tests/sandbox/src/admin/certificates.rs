//! The admin endpoints for certificates.

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, bad, found, nothing, read};
use crate::request::Call;
use crate::shared::Shared;
use crate::{Holder, Issue, Trouble};

/// The body of `POST /certificates`: who gets it, and what there is to say of it beyond that.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCertificate {
    /// The external id of the account, which is the employee's id; or
    employee: Option<Value>,
    /// the id of the account.
    account: Option<String>,
    course: Option<String>,
    completed_at: Option<jiff::Timestamp>,
    bytes: Option<u64>,
    trouble: Option<Trouble>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTrouble {
    trouble: Option<Trouble>,
}

pub(super) fn route(shared: &Shared, call: &Call, parts: &[&str]) -> Outcome {
    let certificates = &shared.certificates;
    match (&call.method, parts) {
        (&Method::GET, ["certificates"]) => {
            let pairs = call.query_pairs();
            let hashes = !pairs.iter().any(|(k, v)| k == "hashes" && v == "no");
            // Hashing files that nobody has asked for yet may take a while.
            Ok(json!(tokio::task::block_in_place(
                || certificates.list(hashes)
            )))
        }
        (&Method::POST, ["certificates"]) => {
            let new: NewCertificate = read(call)?;
            let holder = match (new.employee, new.account) {
                (Some(Value::String(id)), None) => Holder::Employee(id),
                (Some(Value::Number(id)), None) => Holder::Employee(id.to_string()),
                (None, Some(id)) => Holder::Account(id),
                _ => return Err(bad("give `employee` (a number or a text) or `account`")),
            };
            let id = certificates.issue(&Issue {
                holder,
                course: new.course,
                completed_at: new.completed_at,
                bytes: new.bytes,
                trouble: new.trouble,
            });
            Ok(json!({"id": id}))
        }
        (&Method::POST, ["certificates", id, "revoke"]) => found(certificates.revoke(id)),
        (&Method::PUT, ["certificates", id, "trouble"]) => {
            let new: NewTrouble = read(call)?;
            found(certificates.set_trouble(id, new.trouble))
        }
        _ => Err(nothing()),
    }
}
