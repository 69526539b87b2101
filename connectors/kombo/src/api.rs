//! Requests, and the envelope around every answer.

use matricula_sdk::{Context, Failure, FailureKind, Request, Response, Result, json};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::{SYSTEM, failures};

/// What stays as it is in a path or a query (RFC 3986, unreserved).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A value in an address.
pub(crate) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

/// The address of a path below `/v1`, in the region that the credential names.
pub(crate) fn address(cx: &Context<'_>, path: &str) -> Result<String> {
    let base = cx.credential("api_url").unwrap_or_default().trim();
    let base = base.trim_end_matches('/').trim_end_matches("/v1");
    if base.is_empty() {
        return Err(Failure::new(
            FailureKind::Config,
            "the credential does not say where Kombo's API is: enter https://api.kombo.dev or \
             https://api.us.kombo.dev",
        )
        .code("no-address"));
    }
    Ok(format!("{base}/v1/{path}"))
}

/// What is at a path: the member `data` of the answer.
pub(crate) fn get(cx: &Context<'_>, path: &str) -> Result<Value> {
    let request = Request::get(address(cx, path)?).header("accept", "application/json");
    let response = cx
        .send(request)
        .map_err(|error| error.into_failure(SYSTEM, false))?;
    data(&response)
}

/// The member `data` of an answer.
pub(crate) fn data(response: &Response) -> Result<Value> {
    if !response.is_success() {
        return Err(failures::refused(response, false));
    }
    let mut body = json::body(response, SYSTEM)?;
    match body.get_mut("data").map(Value::take) {
        Some(data) if body.get("status").and_then(Value::as_str) == Some("success") => Ok(data),
        _ => Err(Failure::new(
            FailureKind::Protocol,
            "Kombo sent an answer that does not say whether it succeeded",
        )
        .code("no-envelope")),
    }
}

/// A page of a list.
pub(crate) struct Listed {
    pub(crate) results: Vec<Value>,
    /// Where it goes on.
    pub(crate) next: Option<String>,
}

/// A page of the list at a path.
pub(crate) fn list(cx: &Context<'_>, path: &str) -> Result<Listed> {
    let mut data = get(cx, path)?;
    let next = match data.get("next") {
        None | Some(Value::Null) => None,
        Some(Value::String(next)) if !next.is_empty() => Some(next.clone()),
        Some(_) => return Err(no_list()),
    };
    match data.get_mut("results").map(Value::take) {
        Some(Value::Array(results)) => Ok(Listed { results, next }),
        _ => Err(no_list()),
    }
}

fn no_list() -> Failure {
    Failure::new(
        FailureKind::Protocol,
        "Kombo sent something else than a list",
    )
    .code("no-list")
}
