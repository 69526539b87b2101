//! Requests to Engagedly's API. The host adds the keys.

use matricula_sdk::{Context, Failure, FailureKind, Request, Response, Result, json};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::refusal::{Doing, refused};

pub(crate) const SYSTEM: &str = "Engagedly";

const BASE: &str = "https://api.engagedly.com/beta";

/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A value as part of an address.
pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, ENCODED).to_string()
}

/// Sends a request; any answer is returned, whatever its status.
pub(crate) fn send(
    cx: &Context<'_>,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Response> {
    let mut request =
        Request::new(method, format!("{BASE}/{path}")).header("accept", "application/json");
    match body {
        Some(body) => request = request.json(body),
        // Whatever changes something must be JSON by its type, also where there is nothing to say.
        None if method != "GET" => request = request.header("content-type", "application/json"),
        None => {}
    }
    cx.send(request)
        .map_err(|error| error.into_failure(SYSTEM, method != "GET"))
}

/// The `data` of an answer; null where a success has no body, as 204 has none.
pub(crate) fn data(response: &Response, doing: Doing) -> Result<Value> {
    let mut answer = answer(response, doing)?;
    Ok(answer.get_mut("data").map_or(Value::Null, Value::take))
}

/// The whole of a successful answer.
pub(crate) fn answer(response: &Response, doing: Doing) -> Result<Value> {
    if !response.is_success() {
        return Err(refused(response, doing));
    }
    if response.body.is_empty() && doing != Doing::Reading {
        return Ok(Value::Null);
    }
    let answer = json::body(response, SYSTEM).map_err(|failure| failure.effect(doing.lost()))?;
    // Documented only as true; whatever else it says, it is no success.
    if answer.get("success") == Some(&Value::Bool(false)) {
        let failure = Failure::new(
            FailureKind::Protocol,
            "Engagedly answered that it was no success, and not why",
        );
        return Err(failure.code("no-success").effect(doing.lost()));
    }
    Ok(answer)
}

/// Reads what is at a path.
pub(crate) fn get(cx: &Context<'_>, path: &str) -> Result<Value> {
    data(&send(cx, "GET", path, None)?, Doing::Reading)
}

/// Reads what is at a path; none where there is nothing.
pub(crate) fn get_if_there(cx: &Context<'_>, path: &str) -> Result<Option<Value>> {
    let response = send(cx, "GET", path, None)?;
    match response.status {
        404 => Ok(None),
        _ => data(&response, Doing::Reading).map(Some),
    }
}

/// The list in what was read.
pub(crate) fn list(data: Value, of: &str) -> Result<Vec<Value>> {
    match data {
        Value::Array(entries) => Ok(entries),
        _ => Err(Failure::new(
            FailureKind::Protocol,
            format!("Engagedly sent something else than a list of {of}"),
        )
        .code("no-list")),
    }
}
