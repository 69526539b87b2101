//! What Engagedly's refusals mean.
//!
//! Errors name fields and codes, and have a message besides, which may quote the value that was refused. So
//! the message is never passed on, a field only if it looks like one, and a code only if it is documented.

use matricula_sdk::{Effect, Failure, FailureKind, Response};
use serde_json::Value;

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Nothing at Engagedly changes by it.
    Reading,
    /// A user, or something that users point to, is made.
    Creating,
    /// A user is changed.
    Changing,
}

impl Doing {
    /// What is known of the change when the answer is lost.
    pub(crate) fn lost(self) -> Effect {
        match self {
            Self::Reading => Effect::None,
            Self::Creating | Self::Changing => Effect::Unknown,
        }
    }
}

const CODES: [&str; 2] = ["missing_field", "duplicate_value"];
const TYPES: [&str; 5] = [
    "api_connection_error",
    "authentication_error",
    "invalid_request_error",
    "validation_error",
    "rate_limit_exceeded",
];

/// The shortest rest after too many requests, where the answer does not say how long it is.
const REST: u64 = 60_000;

/// What an error body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    kind: Option<&'static str>,
    /// Field and code of each error.
    errors: Vec<(Option<String>, Option<&'static str>)>,
}

impl Told {
    pub(crate) fn read(response: &Response) -> Self {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let known = |value: Option<&Value>, among: &[&'static str]| {
            let value = value?.as_str()?;
            among.iter().copied().find(|known| *known == value)
        };
        let errors = body.get("errors").and_then(Value::as_array);
        let errors = errors.map(Vec::as_slice).unwrap_or_default();
        Self {
            kind: known(body.get("error_type"), &TYPES),
            errors: errors
                .iter()
                .take(5)
                .map(|error| (field(error.get("field")), known(error.get("code"), &CODES)))
                .collect(),
        }
    }

    /// The fields whose value another user has; none if the refusal is about anything else.
    pub(crate) fn duplicates(&self) -> Option<Vec<&str>> {
        let all = self
            .errors
            .iter()
            .all(|(_, code)| *code == Some("duplicate_value"));
        (all && !self.errors.is_empty()).then(|| self.fields(None))
    }

    fn fields(&self, code: Option<&str>) -> Vec<&str> {
        self.errors
            .iter()
            .filter(|error| code.is_none() || error.1 == code)
            .filter_map(|(field, _)| field.as_deref())
            .collect()
    }

    fn code(&self) -> Option<&'static str> {
        self.errors.iter().find_map(|(_, code)| *code).or(self.kind)
    }
}

/// The name of a field, if it is one.
fn field(value: Option<&Value>) -> Option<String> {
    let name = value?.as_str()?.trim();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let valid = !name.is_empty() && name.len() <= 60 && name.bytes().all(is_name);
    valid.then(|| name.to_owned())
}

/// Whether the body is a web page, as proxies and login walls send it.
fn is_page(response: &Response) -> bool {
    let first = response
        .body
        .iter()
        .find(|byte| !byte.is_ascii_whitespace());
    first == Some(&b'<')
}

/// The failure that an answer other than 2xx means.
pub(crate) fn refused(response: &Response, doing: Doing) -> Failure {
    let status = response.status;
    let told = Told::read(response);
    let said = match told.code() {
        Some(code) => format!("status {status}, {code}"),
        None => format!("status {status}"),
    };
    let failure = match status {
        401 => Failure::new(
            FailureKind::Auth,
            format!(
                "Engagedly rejected the client key and the secret key ({said}): generate new ones under \
                 Integrations › Engagedly API and enter both in the credential"
            ),
        ),
        402 if doing != Doing::Reading => Failure::new(
            FailureKind::Conflict,
            format!(
                "Engagedly found the values right and refused the request all the same ({said}): look at the user \
                 and at the organisation's plan there"
            ),
        ),
        403 => Failure::new(
            FailureKind::Permission,
            format!(
                "Engagedly does not allow this with these keys ({said}): let a Site Administrator generate them"
            ),
        ),
        404 if doing == Doing::Changing => Failure::new(
            FailureKind::NotFound,
            format!("the user is no longer in Engagedly ({said})"),
        ),
        409 => Failure::new(
            FailureKind::Unavailable,
            format!(
                "another request changes the same in Engagedly at this moment ({said}); it is tried again later"
            ),
        ),
        429 => Failure::new(
            FailureKind::RateLimited,
            format!("Engagedly asks for a rest ({said}); it is tried again later"),
        )
        .retry_after_ms(response.retry_after_ms().unwrap_or(REST)),
        402 | 408 | 425 | 500.. => Failure::new(
            FailureKind::Unavailable,
            format!("Engagedly could not answer ({said}); it is tried again later"),
        )
        .effect(doing.lost()),
        _ if is_page(response) => Failure::new(
            FailureKind::Unavailable,
            format!("Engagedly sent a web page instead of data ({said}); it is tried again later"),
        )
        .effect(doing.lost()),
        400 | 422 if doing != Doing::Reading => invalid(&told, &said),
        _ => Failure::new(
            FailureKind::Protocol,
            format!("Engagedly answered in a way that its documentation does not have ({said})"),
        ),
    };
    let failure = match response.retry_after_ms() {
        Some(wait) if status == 503 => failure.retry_after_ms(wait),
        _ => failure,
    };
    failure.code(
        told.code()
            .map_or_else(|| status.to_string(), str::to_owned),
    )
}

/// Values that are not accepted.
fn invalid(told: &Told, said: &str) -> Failure {
    if let Some(fields) = told.duplicates() {
        let fields = match fields.as_slice() {
            [] => "a value".to_owned(),
            fields => fields.join(", "),
        };
        return Failure::new(
            FailureKind::Conflict,
            format!(
                "another user in Engagedly has this already: {fields} ({said}); change or remove that user"
            ),
        );
    }
    let missing = told.fields(Some("missing_field"));
    let message = if missing.is_empty() {
        let fields = match told.fields(None).as_slice() {
            [] => String::new(),
            fields => format!(": {}", fields.join(", ")),
        };
        format!(
            "Engagedly does not accept what is to be set{fields} ({said}); correct it in the source"
        )
    } else {
        format!(
            "Engagedly demands a value for {} ({said}): enter it in the source, or map the attribute in the \
             automation",
            missing.join(", ")
        )
    };
    Failure::new(FailureKind::Input, message)
}

/// Whether what follows in a batch would fail the same way, or would only wait for its deadline.
pub(crate) fn ends_batch(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::Auth | FailureKind::Config | FailureKind::RateLimited
    ) || matches!(
        failure.code.as_deref(),
        Some("timeout" | "connect" | "tls" | "budget-exhausted")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn response(status: u16, body: &Value) -> Response {
        let body = match body {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        Response {
            status,
            headers: vec![("retry-after".to_owned(), "180".to_owned())],
            body: body.into_bytes(),
        }
    }

    #[test]
    fn each_status_has_its_meaning() {
        let of = |status: u16, doing: Doing| {
            let failure = refused(&response(status, &json!({})), doing);
            (failure.kind, failure.effect)
        };
        use Doing::{Changing, Creating, Reading};
        assert_eq!(of(401, Changing), (FailureKind::Auth, Effect::None));
        assert_eq!(of(402, Changing), (FailureKind::Conflict, Effect::None));
        assert_eq!(of(402, Reading), (FailureKind::Unavailable, Effect::None));
        assert_eq!(of(403, Creating), (FailureKind::Permission, Effect::None));
        assert_eq!(of(404, Changing), (FailureKind::NotFound, Effect::None));
        assert_eq!(of(404, Reading), (FailureKind::Protocol, Effect::None));
        assert_eq!(of(405, Changing), (FailureKind::Protocol, Effect::None));
        assert_eq!(of(406, Reading), (FailureKind::Protocol, Effect::None));
        assert_eq!(of(409, Creating), (FailureKind::Unavailable, Effect::None));
        assert_eq!(of(415, Creating), (FailureKind::Protocol, Effect::None));
        assert_eq!(of(400, Reading), (FailureKind::Protocol, Effect::None));
        assert_eq!(of(400, Creating), (FailureKind::Input, Effect::None));
        assert_eq!(of(422, Changing), (FailureKind::Input, Effect::None));
        assert_eq!(of(429, Creating), (FailureKind::RateLimited, Effect::None));
        assert_eq!(
            of(500, Creating),
            (FailureKind::Unavailable, Effect::Unknown)
        );
        assert_eq!(of(503, Reading), (FailureKind::Unavailable, Effect::None));
        let page = refused(&response(400, &json!("<html>")), Changing);
        assert_eq!(
            (page.kind, page.effect),
            (FailureKind::Unavailable, Effect::Unknown)
        );
    }

    #[test]
    fn the_rest_that_is_asked_for_is_passed_on() {
        let body = json!({"error_type": "rate_limit_exceeded", "message": "Please retry later."});
        let mut answer = response(429, &body);
        let failure = refused(&answer, Doing::Reading);
        assert_eq!(failure.retry_after_ms, Some(180_000));
        assert_eq!(failure.code.as_deref(), Some("rate_limit_exceeded"));
        answer.headers.clear();
        assert_eq!(refused(&answer, Doing::Reading).retry_after_ms, Some(REST));
    }

    #[test]
    fn fields_are_named_and_values_are_not() {
        let body = json!({"error_type": "validation_error", "errors": [
            {"field": "custom-attribute-93cbf", "message": "Mandatory attribute missing", "code": "missing_field"},
            {"field": "ada@example.org is no field", "message": "ada@example.org", "code": "ada@example.org"},
        ]});
        let failure = refused(&response(422, &body), Doing::Creating);
        assert_eq!(
            failure.message,
            "Engagedly demands a value for custom-attribute-93cbf (status 422, missing_field): enter it in the \
             source, or map the attribute in the automation"
        );
        let body =
            json!({"error_type": "ada@example.org", "errors": [{"message": "ada@example.org"}]});
        let failure = refused(&response(422, &body), Doing::Creating);
        assert_eq!(failure.code.as_deref(), Some("422"));
        assert!(!failure.message.contains("ada"), "{}", failure.message);
    }

    #[test]
    fn a_value_that_somebody_has_is_told_from_a_wrong_one() {
        let told = |errors: Value| {
            let body = json!({"error_type": "validation_error", "errors": errors});
            let told = Told::read(&response(422, &body));
            told.duplicates().map(|fields| fields.join("+"))
        };
        let taken = |field: &str| json!({"field": field, "code": "duplicate_value"});
        assert_eq!(told(json!([taken("email")])).as_deref(), Some("email"));
        let both = json!([taken("email"), taken("employee_id")]);
        assert_eq!(told(both).as_deref(), Some("email+employee_id"));
        let mixed = json!([taken("email"), {"field": "last_name", "code": "missing_field"}]);
        assert_eq!(told(mixed), None);
        assert_eq!(told(json!([])), None);
    }

    #[test]
    fn a_batch_goes_on_after_one_bad_change() {
        let ends = |status| ends_batch(&refused(&response(status, &json!({})), Doing::Changing));
        assert!(ends(401) && ends(429));
        assert!(!ends(403) && !ends(404) && !ends(422) && !ends(500));
    }
}
