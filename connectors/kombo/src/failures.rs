//! What Kombo's refusals mean.
//!
//! Codes decide, as Kombo asks for; the status only where there is none. Its messages may quote people, and
//! the address of its log page leads to whole requests: neither is passed on.

use matricula_sdk::{Effect, Failure, FailureKind, Response};
use serde_json::Value;

/// How long to wait where Kombo has not read the HR system yet, which takes from seconds to hours: longer than a
/// run waits, so that it ends and the next one looks again.
const SETTING_UP_MS: u64 = 5 * 60_000;

/// How long to wait where too much is under way or came at once, unless Kombo says otherwise.
const BUSY_MS: u64 = 1_000;

/// The code of a refusal.
pub(crate) fn code(response: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let code = body.get("error")?.get("code")?.as_str()?;
    // It becomes the failure's own code, so it must look like one.
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (!code.is_empty() && code.len() <= 60 && code.chars().all(plain)).then(|| code.to_owned())
}

/// The failure that an answer other than 2xx means. `changes` says that the request was to change something.
pub(crate) fn refused(response: &Response, changes: bool) -> Failure {
    let code = code(response);
    let known = code.as_deref().and_then(|code| meaning(code, changes));
    let (kind, effect, message) = known.unwrap_or_else(|| by_status(response.status));
    let failure = Failure::new(kind, message)
        .code(code.unwrap_or_else(|| format!("http-{}", response.status)))
        .effect(if changes { effect } else { Effect::None });
    let wait = response.retry_after_ms();
    match kind {
        FailureKind::RateLimited => failure.retry_after_ms(wait.unwrap_or(BUSY_MS)),
        FailureKind::Unavailable if is_setting_up(&failure) => {
            failure.retry_after_ms(wait.unwrap_or(SETTING_UP_MS))
        }
        FailureKind::Unavailable => match wait {
            Some(wait) => failure.retry_after_ms(wait),
            None => failure,
        },
        _ => failure,
    }
}

/// The failure that a code means, where Kombo tells it in other words.
pub(crate) fn of_code(code: &str) -> Failure {
    let (kind, _, message) = meaning(code, false).unwrap_or_else(|| by_status(0));
    Failure::new(kind, message).code(code)
}

/// Whether Kombo has not read the HR system yet.
pub(crate) fn is_setting_up(failure: &Failure) -> bool {
    failure.code.as_deref() == Some("INTEGRATION.SETUP_SYNC_PENDING")
}

/// What a code means, and whether something may have been changed all the same.
fn meaning(code: &str, changes: bool) -> Option<(FailureKind, Effect, String)> {
    use Effect::{None as Nothing, Unknown};
    use FailureKind as Kind;
    let (kind, effect, message) = match code {
        "PLATFORM.AUTHENTICATION_INVALID" => (
            Kind::Auth,
            Nothing,
            "Kombo rejected the API key: whoever has the Kombo account creates a new one there under Secrets, and puts it \
             in place of this one",
        ),
        "PLATFORM.IP_NOT_WHITELISTED" => (
            Kind::Permission,
            Nothing,
            "Kombo does not let this server in: add its address to the allowed ones in Kombo's settings",
        ),
        "PLATFORM.INTEGRATION_NOT_FOUND" => (
            Kind::Auth,
            Nothing,
            "Kombo does not know the connection to the HR system (any more): connect it anew",
        ),
        "INTEGRATION.AUTHENTICATION_INVALID" => (
            Kind::Auth,
            Nothing,
            "the HR system rejected the access that Kombo has to it: connect it anew",
        ),
        "INTEGRATION.INACTIVE" => (
            Kind::Auth,
            Nothing,
            "the connection to the HR system is switched off in Kombo: switch it on there, or connect anew",
        ),
        "INTEGRATION.PERMISSION_MISSING" => (
            Kind::Permission,
            Nothing,
            "the HR system does not let Kombo do this: give the access that was made for Kombo there the right it \
             lacks",
        ),
        "INTEGRATION.SETUP_INCOMPLETE" => (
            Kind::Permission,
            Nothing,
            "the connection to the HR system is not set up to the end: finish its setup in Kombo's window",
        ),
        "INTEGRATION.QA_FAILED" => (
            Kind::Permission,
            Nothing,
            "Kombo has found faults in the connection to the HR system and holds it back: ask Kombo",
        ),
        "INTEGRATION.MODEL_DISABLED" | "INTEGRATION.ACTION_DISABLED" => (
            Kind::Permission,
            Nothing,
            "this is not enabled for the connection: enable it in its scope in Kombo",
        ),
        "INTEGRATION.MODEL_NOT_AVAILABLE" | "INTEGRATION.ACTION_NOT_AVAILABLE" => (
            Kind::Config,
            Nothing,
            "Kombo does not offer this for the connected HR system",
        ),
        "INTEGRATION.SETUP_SYNC_PENDING" => (
            Kind::Unavailable,
            Nothing,
            "Kombo is still reading the HR system for the first time, which can take hours; this goes on by itself \
             afterwards",
        ),
        "PLATFORM.CONCURRENCY_LIMIT_EXCEEDED" => (
            Kind::RateLimited,
            Nothing,
            "Kombo has as many requests to this HR system under way as it takes at a time",
        ),
        "PLATFORM.RATE_LIMIT_EXCEEDED" => {
            (Kind::RateLimited, Nothing, "Kombo asks for fewer requests")
        }
        "REMOTE.RATE_LIMIT_EXCEEDED" => (
            Kind::RateLimited,
            Nothing,
            "the HR system asks Kombo for fewer requests",
        ),
        "PLATFORM.TASK_TIMED_OUT" | "REMOTE.SERVICE_UNAVAILABLE" => (
            Kind::Unavailable,
            Unknown,
            "the HR system did not answer Kombo",
        ),
        "REMOTE.UNKNOWN_HTTP_ERROR" => (
            Kind::Unavailable,
            Unknown,
            "the HR system answered Kombo with an error",
        ),
        "PLATFORM.UNKNOWN_ERROR" => (Kind::Unavailable, Unknown, "Kombo had an error of its own"),
        "PLATFORM.INPUT_INVALID" if changes => {
            (Kind::Input, Nothing, "Kombo does not take what was sent")
        }
        "PLATFORM.INPUT_INVALID" => (
            Kind::Protocol,
            Nothing,
            "Kombo does not take the question as it was asked",
        ),
        "REMOTE.INPUT_INVALID" => (
            Kind::Input,
            Nothing,
            "the HR system does not take what was sent",
        ),
        _ => return None,
    };
    Some((kind, effect, message.to_owned()))
}

fn by_status(status: u16) -> (FailureKind, Effect, String) {
    let (kind, effect, what) = match status {
        401 => (FailureKind::Auth, Effect::None, "rejected the API key"),
        403 => (FailureKind::Permission, Effect::None, "does not allow this"),
        404 => (
            FailureKind::NotFound,
            Effect::None,
            "does not know what was asked for",
        ),
        429 => (
            FailureKind::RateLimited,
            Effect::None,
            "asks for fewer requests",
        ),
        408 | 500.. => (
            FailureKind::Unavailable,
            Effect::Unknown,
            "could not answer",
        ),
        400..500 => (
            FailureKind::Input,
            Effect::None,
            "does not take what was sent",
        ),
        _ => (
            FailureKind::Protocol,
            Effect::Unknown,
            "answered in a way that is not known here",
        ),
    };
    (kind, effect, format!("Kombo {what} (status {status})"))
}
