//! What a service's refusal means.
//!
//! The `detail` of a SCIM error often quotes the value that was refused, so it never goes into a message:
//! only the status and the `scimType`, and of that only the words that RFC 7644 §3.12 defines.

use matricula_sdk::{Effect, Failure, FailureKind, Response};
use serde_json::Value;

use crate::client::Of;
use crate::path::member;
use crate::profile::Profile;

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// Nothing at the service changes by it.
    Reading,
    /// An account is made.
    Creating,
    /// An account is changed or removed.
    Writing,
}

impl Doing {
    fn lost(self) -> Effect {
        match self {
            Self::Reading => Effect::None,
            Self::Creating | Self::Writing => Effect::Unknown,
        }
    }
}

const SCIM_TYPES: [&str; 10] = [
    "invalidFilter",
    "tooMany",
    "uniqueness",
    "mutability",
    "invalidSyntax",
    "invalidPath",
    "noTarget",
    "invalidValue",
    "invalidVers",
    "sensitive",
];

/// The `scimType` of an error, if it is one that the standard knows.
pub(crate) fn scim_type(response: &Response) -> Option<&'static str> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let given = member(&body, "scimType")?.as_str()?;
    SCIM_TYPES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(given))
}

/// Whether the body is a web page, as proxies and login walls send it.
pub(crate) fn is_page(response: &Response) -> bool {
    response
        .body
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
        == Some(&b'<')
}

/// Whether the body is a SCIM error, so that there is a SCIM service.
fn is_error(response: &Response) -> bool {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    body.as_ref()
        .and_then(|body| member(body, "schemas"))
        .is_some()
}

/// Whether the service refuses a second account of the same name.
pub(crate) fn is_duplicate(response: &Response) -> bool {
    match response.status {
        409 => matches!(scim_type(response), None | Some("uniqueness")),
        400 => scim_type(response) == Some("uniqueness"),
        _ => false,
    }
}

/// The failure that an answer other than 2xx means.
pub(crate) fn refused(profile: &Profile, response: &Response, of: Of, doing: Doing) -> Failure {
    let system = profile.system;
    let noun = of.noun();
    let status = response.status;
    let kind = scim_type(response);
    let told = match kind {
        Some(kind) => format!("status {status}, {kind}"),
        None => format!("status {status}"),
    };
    let unavailable =
        |message: String| Failure::new(FailureKind::Unavailable, message).effect(doing.lost());
    let failure = match status {
        _ if is_duplicate(response) => {
            let by = match of {
                Of::Users => "e-mail address",
                Of::Groups => "name",
            };
            Failure::new(
                FailureKind::Conflict,
                format!(
                    "another {noun} in {system} has this {by} or external id ({told}): change or remove that \
                     {noun}"
                ),
            )
        }
        401 => Failure::new(
            FailureKind::Auth,
            format!(
                "{system} rejected the {} ({told}): enter a new one in the credential",
                profile.secret
            ),
        ),
        403 => Failure::new(
            FailureKind::Permission,
            format!(
                "{system} does not allow this with the {} ({told}): check what it may do in {system}",
                profile.secret
            ),
        ),
        404 if doing == Doing::Reading || doing == Doing::Creating && !is_error(response) => {
            Failure::new(
                FailureKind::Config,
                format!(
                    "{system} has no SCIM service at this address ({told}): check the address in the credential"
                ),
            )
        }
        404 | 410 if doing == Doing::Writing => Failure::new(
            FailureKind::NotFound,
            format!("the {noun} is no longer in {system} ({told})"),
        ),
        409 => Failure::new(
            FailureKind::Conflict,
            format!(
                "the {noun} in {system} is in a state that forbids this ({told}): look at it there"
            ),
        ),
        429 => Failure::new(
            FailureKind::RateLimited,
            format!("{system} asks for fewer requests ({told}); it is tried again later"),
        ),
        408 | 425 | 500.. => unavailable(format!(
            "{system} could not answer ({told}); it is tried again later"
        )),
        412 | 428 => Failure::new(
            FailureKind::Unavailable,
            format!(
                "the {noun} is being changed in {system} at the same time ({told}); it is tried again later"
            ),
        ),
        _ if is_page(response) => unavailable(format!(
            "{system} sent a web page instead of data ({told}); it is tried again later"
        )),
        400 | 404 | 422 if doing != Doing::Reading => Failure::new(
            FailureKind::Input,
            format!(
                "{system} does not accept what is to be set for this {noun} ({told}): correct it in the source"
            ),
        ),
        _ => Failure::new(
            FailureKind::Protocol,
            format!(
                "{system} answered in a way that a SCIM service does not ({told}): check the address in the credential"
            ),
        ),
    };
    let code = kind.map_or_else(|| status.to_string(), str::to_owned);
    let failure = failure.code(code);
    match response.retry_after_ms() {
        Some(wait) if matches!(status, 429 | 503) => failure.retry_after_ms(wait),
        _ => failure,
    }
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
    use super::*;

    const PROFILE: Profile = Profile {
        system: "Example",
        secret: "SCIM token",
        secret_de: "SCIM-Token",
        own: false,
        attributes: &[],
        page: 100,
    };

    fn response(status: u16, body: &str) -> Response {
        let headers = vec![("retry-after".to_owned(), "7".to_owned())];
        Response {
            status,
            headers,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn each_status_has_its_meaning() {
        let of = |status, body| {
            let failure = refused(&PROFILE, &response(status, body), Of::Users, Doing::Writing);
            (failure.kind, failure.effect)
        };
        assert_eq!(of(401, ""), (FailureKind::Auth, Effect::None));
        assert_eq!(of(403, ""), (FailureKind::Permission, Effect::None));
        assert_eq!(of(404, ""), (FailureKind::NotFound, Effect::None));
        assert_eq!(of(409, ""), (FailureKind::Conflict, Effect::None));
        assert_eq!(
            of(409, r#"{"scimType":"mutability"}"#),
            (FailureKind::Conflict, Effect::None)
        );
        assert_eq!(
            of(400, r#"{"scimType":"uniqueness"}"#),
            (FailureKind::Conflict, Effect::None)
        );
        assert_eq!(of(400, "{}"), (FailureKind::Input, Effect::None));
        assert_eq!(
            of(400, " <html>"),
            (FailureKind::Unavailable, Effect::Unknown)
        );
        assert_eq!(of(429, ""), (FailureKind::RateLimited, Effect::None));
        assert_eq!(
            of(500, "<html>"),
            (FailureKind::Unavailable, Effect::Unknown)
        );
        assert_eq!(of(302, ""), (FailureKind::Protocol, Effect::None));
        let read = refused(&PROFILE, &response(503, ""), Of::Users, Doing::Reading);
        assert_eq!(
            (read.effect, read.retry_after_ms),
            (Effect::None, Some(7000))
        );
        assert_eq!(
            refused(&PROFILE, &response(500, ""), Of::Users, Doing::Reading).retry_after_ms,
            None
        );
    }

    #[test]
    fn a_missing_service_is_told_from_a_missing_reference() {
        let kind = |body| refused(&PROFILE, &response(404, body), Of::Users, Doing::Creating).kind;
        assert_eq!(kind("<html>"), FailureKind::Config);
        assert_eq!(
            kind(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404"}"#),
            FailureKind::Input
        );
    }

    #[test]
    fn the_detail_and_made_up_types_are_not_passed_on() {
        let body = r#"{"scimType":"invalidValue","detail":"ada@example.org is not valid"}"#;
        let failure = refused(&PROFILE, &response(400, body), Of::Users, Doing::Writing);
        assert_eq!(failure.code.as_deref(), Some("invalidValue"));
        assert!(!failure.message.contains("ada"), "{}", failure.message);
        let body = r#"{"scimType":"ada@example.org"}"#;
        let failure = refused(&PROFILE, &response(400, body), Of::Users, Doing::Writing);
        assert_eq!(failure.code.as_deref(), Some("400"));
        assert!(!failure.message.contains("ada"), "{}", failure.message);
    }

    #[test]
    fn a_batch_goes_on_after_one_bad_change() {
        let ends = |status| {
            ends_batch(&refused(
                &PROFILE,
                &response(status, ""),
                Of::Users,
                Doing::Writing,
            ))
        };
        assert!(ends(401) && ends(429));
        // A service may protect single accounts, an owner's say.
        assert!(!ends(403));
        assert!(!ends(400) && !ends(404) && !ends(409) && !ends(500));
    }
}
