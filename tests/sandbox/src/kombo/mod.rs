//! Kombo: the employees of Personio's account in Kombo's shape, documents into Personio's files, and the window
//! in which a customer connects. Written from Kombo's `OpenAPI` file and its documentation.
//!
//! Where these leave something open, this is the reading taken:
//! - Questions are held against the `OpenAPI` file: a parameter that it does not have, a page of 251 or a date of
//!   another form is refused with `PLATFORM.INPUT_INVALID`.
//! - A cursor holds for the walk that it began in, and for as long as Kombo keeps it; one that it no longer knows
//!   is refused with `PLATFORM.INPUT_INVALID`.
//! - While the first sync is under way, whatever needs its data is refused with 400.
//! - 30 actions may be under way for a connection; those of others count, and [`Kombo::occupy`] makes them up.
//! - Kombo has read the HR system at the moment in which a walk begins: in truth it is behind by its own
//!   rhythm. Somebody who is gone from it is marked so then, and forgotten 14 days later.

mod actions;
mod connect;
mod employee;
mod events;
mod mirror;
mod query;
mod state;

pub use state::{Integration, Kombo, Setup, Status};

use hyper::header::{HeaderName, RETRY_AFTER};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::request::{Call, decoded};
use crate::serve::Twist;
use crate::shared::Shared;

/// A refusal: status, code, message.
type Refusal = (StatusCode, Option<&'static str>, String);
type Outcome<T> = Result<T, Refusal>;

/// The identity that Kombo gives to an employee.
pub(crate) fn employee_id(number: &str) -> String {
    employee::kombo_id("employee", number)
}

pub(crate) fn handle(shared: &Shared, call: &Call, twist: Twist) -> Answer {
    let path = call.path.trim_end_matches('/');
    // What the browser opens has no key.
    if let Some(answer) = connect::window(shared, call, path) {
        return answer;
    }
    let answer = authorized(shared, call).and_then(|()| route(shared, call, path, twist));
    answer.unwrap_or_else(|(status, code, message)| error(status, code, &message))
}

fn authorized(shared: &Shared, call: &Call) -> Outcome<()> {
    match call.bearer() {
        Some(key) if key == shared.config.credentials.kombo_api_key => Ok(()),
        _ => Err((
            StatusCode::UNAUTHORIZED,
            Some("PLATFORM.AUTHENTICATION_INVALID"),
            "The API key is invalid.".to_owned(),
        )),
    }
}

fn route(shared: &Shared, call: &Call, path: &str, twist: Twist) -> Outcome<Answer> {
    let path = path.strip_prefix("/v1/").ok_or_else(nothing)?;
    let parts: Vec<String> = path.split('/').map(|part| decoded(part, false)).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (&call.method, parts.as_slice()) {
        (&Method::GET, ["check-api-key"]) => {
            let environment = "2Uev1YUTqLFdvMPD3Jtrg2FX";
            Ok(success(
                json!({"environment_id": environment, "customer_id": environment}),
            ))
        }
        (&Method::POST, ["connect", "create-link"]) => connect::create_link(shared, call),
        (&Method::GET, ["connect", "integration-by-token", token]) => {
            connect::by_token(shared, token)
        }
        (&Method::GET, ["integrations", id]) => {
            let integration = known(shared, id)?;
            Ok(success(shared.kombo.described(&integration)))
        }
        (&Method::DELETE, ["integrations", id]) => {
            let integration = known(shared, id)?;
            connect::delete(shared, call, &integration)
        }
        (&Method::POST, ["integrations", id, "relink"]) => {
            let integration = known(shared, id)?;
            connect::relink(shared, call, &integration)
        }
        (&Method::GET, ["hris", "employees"]) => {
            ready(shared, call, "hris_employees")?;
            mirror::employees(shared, call, twist)
        }
        (&Method::GET, ["hris", "groups"]) => {
            ready(shared, call, "hris_teams")?;
            mirror::groups(shared, call, twist)
        }
        (&Method::GET, ["hris", "employee-document-categories"]) => {
            ready(shared, call, "hris_employee_document_categories")?;
            mirror::categories(shared, call, twist)
        }
        (&Method::POST, ["hris", "employees", id, "documents"]) => {
            let integration = addressed(shared, call)?;
            acts(shared, &integration)?;
            let remaining = shared.kombo.remaining().to_string();
            let name = HeaderName::from_static("concurrency-remaining");
            if shared.kombo.remaining() == 0 {
                let answer = error(
                    StatusCode::TOO_MANY_REQUESTS,
                    Some("PLATFORM.CONCURRENCY_LIMIT_EXCEEDED"),
                    "There are 30 requests in flight for this integration.",
                );
                return Ok(answer.header(name, &remaining));
            }
            actions::document(shared, call, id).map(|answer| answer.header(name, &remaining))
        }
        _ => Err(nothing()),
    }
}

/// The connection that a request is about.
fn addressed(shared: &Shared, call: &Call) -> Outcome<Integration> {
    match call.header("x-integration-id") {
        Some(id) => known(shared, id),
        None => Err(invalid("The X-Integration-Id header is missing.")),
    }
}

fn known(shared: &Shared, id: &str) -> Outcome<Integration> {
    shared.kombo.integration(id).ok_or_else(|| {
        (
            StatusCode::NOT_FOUND,
            Some("PLATFORM.INTEGRATION_NOT_FOUND"),
            format!("The integration {id} does not exist."),
        )
    })
}

/// Whether what Kombo has read can be asked for.
fn ready(shared: &Shared, call: &Call, model: &str) -> Outcome<()> {
    let integration = addressed(shared, call)?;
    let refused = |code, message: &str| Err((StatusCode::BAD_REQUEST, Some(code), message.into()));
    match integration.setup {
        Setup::Incomplete => {
            return refused(
                "INTEGRATION.SETUP_INCOMPLETE",
                "The setup of this integration is not complete.",
            );
        }
        Setup::SyncPending => {
            return refused(
                "INTEGRATION.SETUP_SYNC_PENDING",
                "The first sync of this integration has not finished yet.",
            );
        }
        Setup::Completed => {}
    }
    if integration.status == Status::Inactive {
        return refused("INTEGRATION.INACTIVE", "This integration is inactive.");
    }
    if !shared.kombo.is_enabled(model) {
        return refused(
            "INTEGRATION.MODEL_DISABLED",
            "This model is not enabled in the scope config.",
        );
    }
    Ok(())
}

/// Whether something can be changed in the HR system.
fn acts(shared: &Shared, integration: &Integration) -> Outcome<()> {
    let refused = |code, message: &str| Err((StatusCode::BAD_REQUEST, Some(code), message.into()));
    match integration.status {
        Status::Active => {}
        Status::Invalid => {
            return refused(
                "INTEGRATION.AUTHENTICATION_INVALID",
                "The credentials of this integration are invalid.",
            );
        }
        Status::Inactive => {
            return refused("INTEGRATION.INACTIVE", "This integration is inactive.");
        }
    }
    if !shared.kombo.is_enabled("hris_add_employee_document") {
        return refused(
            "INTEGRATION.ACTION_DISABLED",
            "This action is not enabled in the scope config.",
        );
    }
    Ok(())
}

fn nothing() -> Refusal {
    (
        StatusCode::NOT_FOUND,
        None,
        "There is nothing here.".to_owned(),
    )
}

fn invalid(message: impl Into<String>) -> Refusal {
    (
        StatusCode::BAD_REQUEST,
        Some("PLATFORM.INPUT_INVALID"),
        message.into(),
    )
}

fn success(data: Value) -> Answer {
    Answer::json(StatusCode::OK, &json!({"status": "success", "data": data}))
}

fn error(status: StatusCode, code: Option<&str>, message: &str) -> Answer {
    let body = json!({"status": "error", "error": {
        "code": code,
        "title": code.map(|_| "Something went wrong."),
        "message": message,
        "log_url": "https://app.kombo.dev/sandbox/logs?interactionId=123456",
    }});
    Answer::json(status, &body)
}

/// The error for a fault.
pub(crate) fn failure(status: StatusCode, message: &str) -> Answer {
    let code = match status.as_u16() {
        400 => Some("PLATFORM.INPUT_INVALID"),
        401 => Some("PLATFORM.AUTHENTICATION_INVALID"),
        403 => Some("INTEGRATION.PERMISSION_MISSING"),
        429 => Some("PLATFORM.RATE_LIMIT_EXCEEDED"),
        503 => Some("REMOTE.SERVICE_UNAVAILABLE"),
        504 => Some("PLATFORM.TASK_TIMED_OUT"),
        500.. => Some("PLATFORM.UNKNOWN_ERROR"),
        _ => None,
    };
    let answer = error(status, code, message);
    match status {
        // Kombo announces no time; a second is what its documentation advises.
        StatusCode::TOO_MANY_REQUESTS => answer.header(RETRY_AFTER, "1"),
        _ => answer,
    }
}
