//! The admin endpoints for documents and their categories.

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, found, nothing, number, read};
use crate::request::Call;
use crate::shared::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCategory {
    name: String,
}

pub(super) fn route(shared: &Shared, call: &Call, parts: &[&str]) -> Outcome {
    let documents = &shared.documents;
    match (&call.method, parts) {
        (&Method::GET, ["documents"]) => Ok(json!(documents.list())),
        (&Method::DELETE, ["documents", id]) => found(documents.remove(number(id)?)),
        (&Method::POST, ["documents", right @ ("hide" | "show")]) => {
            documents.set_readable(*right == "show");
            Ok(Value::Null)
        }
        (&Method::GET, ["categories"]) => Ok(json!(documents.categories())),
        (&Method::POST, ["categories"]) => {
            let new: NewCategory = read(call)?;
            Ok(json!({"id": documents.add_category(&new.name)}))
        }
        (&Method::DELETE, ["categories", id]) => found(documents.remove_category(number(id)?)),
        _ => Err(nothing()),
    }
}
