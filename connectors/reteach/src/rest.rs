//! Requests to reteach's REST API, and what its refusals mean.
//!
//! The API is for one academy: the credential's client id, secret and code stand for it, and the host
//! turns them into a token.

use matricula_sdk::{Context, Failure, FailureKind, Request, Response, Result, json};
use serde_json::Value;

pub(crate) const BASE: &str = "https://api.reteach.io";
pub(crate) const SYSTEM: &str = "reteach";

/// Whether the credential has what the API needs. The secrets among it are the host's.
pub(crate) fn is_set_up(cx: &Context<'_>) -> bool {
    cx.credential("client_id")
        .is_some_and(|id| !id.trim().is_empty())
}

/// The credential must have what the API needs.
pub(crate) fn demand(cx: &Context<'_>, what: &str) -> Result<()> {
    if is_set_up(cx) {
        return Ok(());
    }
    let message = format!("{what} are {TO_ENTER}");
    Err(Failure::new(FailureKind::Config, message).code("no-api-credentials"))
}

/// What is to be entered where the credential has nothing for the API.
pub(crate) const TO_ENTER: &str = "read through reteach's API: enter Client ID, Client secret and Client code \
    in the credential, which are in reteach under Settings › Integrations › API credentials";

/// The name of the academy that the credential stands for.
pub(crate) fn academy(cx: &Context<'_>) -> Result<Option<String>> {
    let me = get(cx, "me")?;
    Ok(me.get("name").and_then(json::text).map(str::to_owned))
}

/// Reads what is at a path of the API.
pub(crate) fn get(cx: &Context<'_>, path: &str) -> Result<Value> {
    let request = Request::get(format!("{BASE}/{path}")).header("accept", "application/json");
    let response = cx
        .send(request)
        .map_err(|error| error.into_failure(SYSTEM, false))?;
    if !response.is_success() {
        return Err(refused(&response));
    }
    json::body(&response, SYSTEM)
}

/// The list in an answer.
pub(crate) fn list<'a>(answer: &'a Value, of: &str) -> Result<&'a [Value]> {
    let results = answer.get("results").unwrap_or(answer).as_array();
    results.map(Vec::as_slice).ok_or_else(|| {
        Failure::new(
            FailureKind::Protocol,
            format!("reteach sent something else than a list of {of}"),
        )
        .code("no-list")
    })
}

/// The failure that an answer other than 2xx means.
pub(crate) fn refused(response: &Response) -> Failure {
    let status = response.status;
    let (kind, message) = match status {
        401 => (
            FailureKind::Auth,
            format!(
                "reteach rejected the API credentials (status {status}): enter Client ID, Client secret and \
                 Client code anew, all three of them"
            ),
        ),
        403 => (
            FailureKind::Permission,
            format!("reteach does not allow this with the API credentials (status {status})"),
        ),
        429 => (
            FailureKind::RateLimited,
            format!("reteach asks for fewer requests (status {status}); it is tried again later"),
        ),
        408 | 425 | 500.. => (
            FailureKind::Unavailable,
            format!("reteach could not answer (status {status}); it is tried again later"),
        ),
        _ => (
            FailureKind::Protocol,
            format!("reteach's API answered in a way that is not known here (status {status})"),
        ),
    };
    let failure = Failure::new(kind, message).code(status.to_string());
    match response.retry_after_ms() {
        Some(wait) if matches!(status, 429 | 503) => failure.retry_after_ms(wait),
        _ => failure,
    }
}
