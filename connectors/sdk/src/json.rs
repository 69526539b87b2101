//! Helpers for bodies that do not keep their promises.

use serde_json::Value;

use crate::failure::{Failure, FailureKind, Result};
use crate::http::Response;

/// The body as JSON, or a failure that says what came instead: nothing, a web page, or broken JSON. The
/// body itself is not quoted, since it may hold personal data.
pub fn body(response: &Response, system: &str) -> Result<Value> {
    serde_json::from_slice(&response.body).map_err(|error| {
        let (kind, what) = match kind_of(&response.body) {
            Body::Empty => (FailureKind::Unavailable, "an empty answer".to_owned()),
            Body::Page => (
                FailureKind::Unavailable,
                "a web page instead of data".to_owned(),
            ),
            Body::Other => (
                FailureKind::Protocol,
                format!("JSON that cannot be read ({error})"),
            ),
        };
        Failure::new(
            kind,
            format!("{system} sent {what} (status {})", response.status),
        )
        .code("unreadable")
    })
}

enum Body {
    Empty,
    Page,
    Other,
}

fn kind_of(body: &[u8]) -> Body {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Body::Empty,
        Some(b'<') => Body::Page,
        Some(_) => Body::Other,
    }
}

/// Text that is not blank.
pub fn text(value: &Value) -> Option<&str> {
    value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// An identifier that may come as a number or as text.
pub fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A position or state to hand out, read back by [`token`]. A failure to write it is no end of a read:
/// return it.
pub fn to_token(what: &str, of: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(of).map_err(|error| {
        Failure::new(
            FailureKind::Internal,
            format!("this connector cannot write its {what}: {error}"),
        )
    })
}

/// A position or state, as [`to_token`] handed it out.
pub fn token<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(
            FailureKind::Internal,
            format!("the {what} \"{text}\" is none of this connector's: {error}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: &str) -> Response {
        Response {
            status: 502,
            headers: Vec::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_token_is_read_back_and_one_that_cannot_be_written_is_a_failure() {
        let written = to_token("position", &(3, "c")).unwrap();
        assert_eq!(
            token::<(u32, String)>("position", &written).unwrap(),
            (3, "c".to_owned())
        );
        let foreign = token::<u32>("position", &written).unwrap_err();
        assert_eq!(foreign.kind, FailureKind::Internal);
        // JSON has no such key.
        let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
        let failure = to_token("state", &unwritable).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal);
        assert!(
            failure
                .message
                .starts_with("this connector cannot write its state")
        );
    }

    #[test]
    fn says_what_came_instead_of_json() {
        let failure = |text| body(&response(text), "Personio").unwrap_err();
        assert_eq!(
            failure("  ").message,
            "Personio sent an empty answer (status 502)"
        );
        assert_eq!(failure("<html>").kind, FailureKind::Unavailable);
        assert_eq!(failure("{\"a\":").kind, FailureKind::Protocol);
        assert_eq!(
            body(&response("{}"), "Personio").unwrap(),
            serde_json::json!({})
        );
    }
}
