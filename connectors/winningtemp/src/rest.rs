//! Requests to Winningtemp's REST API, and what its refusals mean.
//!
//! The API is documented as OAuth 2.0 with client credentials. Two ways of sending these are reported by
//! clients: by Basic authentication, and in headers `ClientId` and `ClientSecret`. The first is what OAuth has
//! every server accept (RFC 6749 §2.3.1), so that is what the manifest says; the host asks for the token,
//! which lives an hour and is not refreshed but asked for anew.

use matricula_sdk::{Context, Failure, FailureKind, Request, Response, Result, json};
use serde_json::Value;

pub(crate) const SYSTEM: &str = "Winningtemp";
pub(crate) const BASE: &str = "https://api.winningtemp.com";

/// Whether the credential has what the API needs. The secret among it is the host's.
pub(crate) fn is_set_up(cx: &Context<'_>) -> bool {
    cx.credential("client_id")
        .is_some_and(|id| !id.trim().is_empty())
}

/// What is to be entered where the credential has nothing for the API.
pub(crate) const TO_ENTER: &str = "read through Winningtemp's API: enter Client ID and Client secret in the \
    credential, which a system administrator makes in Winningtemp under Settings › Apps › Developer API";

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

/// The failure that an answer other than 2xx means.
fn refused(response: &Response) -> Failure {
    let status = response.status;
    let (kind, message) = match status {
        401 => (
            FailureKind::Auth,
            format!(
                "Winningtemp rejected the API credentials (status {status}): enter Client ID and Client secret anew"
            ),
        ),
        403 => (
            FailureKind::Permission,
            format!("Winningtemp does not allow this with the API credentials (status {status})"),
        ),
        429 => (
            FailureKind::RateLimited,
            format!(
                "Winningtemp asks for fewer requests (status {status}); it is tried again later"
            ),
        ),
        408 | 425 | 500.. => (
            FailureKind::Unavailable,
            format!("Winningtemp could not answer (status {status}); it is tried again later"),
        ),
        _ => (
            FailureKind::Protocol,
            format!("Winningtemp's API answered in a way that is not known here (status {status})"),
        ),
    };
    let failure = Failure::new(kind, message).code(status.to_string());
    match response.retry_after_ms() {
        Some(wait) if matches!(status, 429 | 503) => failure.retry_after_ms(wait),
        _ => failure,
    }
}
