//! What an error looks like: a problem document (RFC 9457).
//!
//! ```json
//! {"type": "urn:matricula:problem:store.busy", "title": "The store is busy",
//!  "status": 503, "code": "store.busy", "detail": "…"}
//! ```
//!
//! `code` stays the same when the wording gets better. What is wrong with single values of a request stands in
//! `errors`, each with a JSON pointer. No text tells a path of this machine, a secret, or a message of the
//! database.

use std::borrow::Cow;

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// What is wrong with one value of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Where: a JSON pointer into the body.
    pub(crate) pointer: String,
    /// What, for programs.
    pub(crate) code: Cow<'static, str>,
    /// What, for people.
    pub(crate) message: String,
}

/// A problem document.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument<'a> {
    /// `urn:matricula:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The kind of problem in a few words.
    title: &'a str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// Stable name of the problem.
    code: &'a str,
    /// What happened and what to do.
    detail: &'a str,
    /// What is wrong with single values.
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [FieldError],
}

/// Why a request is not answered with what it asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: Cow<'static, str>,
    pub(crate) errors: Vec<FieldError>,
    /// Seconds after which it is worth another try.
    pub(crate) retry_after: Option<u8>,
    /// What is left of the request is not read.
    pub(crate) closes: bool,
}

impl Problem {
    pub(crate) const fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: Cow::Borrowed(detail),
            errors: Vec::new(),
            retry_after: None,
            closes: false,
        }
    }

    const fn later(code: &'static str, title: &'static str, detail: &'static str) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title, detail);
        problem.retry_after = Some(5);
        problem
    }

    const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    const fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    const fn after(mut self, seconds: u8) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With another explanation.
    pub(crate) fn saying(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With what is wrong with single values.
    pub(crate) fn at(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    pub(crate) const NOT_FOUND: Self = Self::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "There is nothing at this address",
        "Check the address.",
    );
    pub(crate) const METHOD: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method.not-allowed",
        "This address has no such method",
        "The header Allow names those that it has.",
    );
    pub(crate) const BODY_TOO_LARGE: Self = Self::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body.too-large",
        "The body is too large",
        "An event may have 64 KiB, any other request 256 KiB.",
    )
    .closing();
    pub(crate) const BODY_SLOW: Self = Self::new(
        StatusCode::REQUEST_TIMEOUT,
        "body.slow",
        "The body did not arrive in time",
        "Send the request again, as a whole.",
    )
    .closing();
    pub(crate) const BODY_INVALID: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "body.invalid",
        "The body cannot be understood",
        "Send JSON of the shape that the reference at /api/docs shows.",
    );
    pub(crate) const BODY_TYPE: Self = Self::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "body.type",
        "The body is of another type",
        "Send it with Content-Type: application/json.",
    );
    pub(crate) const QUERY_INVALID: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "query.invalid",
        "A parameter of the address cannot be understood",
        "The reference at /api/docs shows which there are.",
    );
    pub(crate) const CURSOR_INVALID: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "cursor.invalid",
        "The cursor is not one of this list",
        "Begin again without a cursor.",
    );
    pub(crate) const REQUEST_SLOW: Self = Self::later(
        "request.slow",
        "The request took too long",
        "It was given up; try again later.",
    )
    .closing();
    pub(crate) const STORE_SILENT: Self = Self::later(
        "store.silent",
        "The store does not answer",
        "It did not answer in time; try again later.",
    );
    pub(crate) const STORE_BUSY: Self = Self::later(
        "store.busy",
        "The store is busy",
        "The database is locked by another process, or its disk is full; try again later.",
    );
    pub(crate) const STORE_FAILED: Self = Self::later(
        "store.failed",
        "The store fails",
        "The database reported an error; the server's log and disk tell more.",
    );
    pub(crate) const AUTOMATION_BUSY: Self = Self::later(
        "automation.busy",
        "The automation is being changed",
        "Others change it at this moment; try again later.",
    );
    pub(crate) const SCHEDULE_OFF: Self = Self::later(
        "schedule.off",
        "The schedule is not kept",
        "This process is starting or ending.",
    );
    pub(crate) const UNKNOWN: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Something went wrong in the server",
        "The server's log tells more.",
    );
    pub(crate) const SESSION_MISSING: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "session.missing",
        "Nobody is signed in",
        "Send a session token: Authorization: Bearer …",
    );
    pub(crate) const SESSION_INVALID: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "session.invalid",
        "The session token is not accepted",
        "Ask the page that embeds this one for a new token; the server's log says what is wrong with this one.",
    );
    pub(crate) const SESSION_EXPIRED: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "session.expired",
        "The session has ended",
        "Ask for a new token.",
    );
    pub(crate) const SIGNATURE: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "signature.wrong",
        "The signature of the event is not right",
        "Sign the body as it is sent, with the secret that the system shows for its webhooks.",
    );
    pub(crate) const NO_PAGE: Self = Self::new(
        StatusCode::NOT_FOUND,
        "page.missing",
        "This server was built without its page",
        "Install Node 20 or newer and build with `cargo xtask page`.",
    );
    pub(crate) const NOT_LOCAL: Self = Self::new(
        StatusCode::NOT_FOUND,
        "session.not-local",
        "There is no local sign-in here",
        "Open the page from the application that embeds it.",
    );
    pub(crate) const CODE_WRONG: Self = Self::new(
        StatusCode::FORBIDDEN,
        "session.code",
        "The sign-in link is no longer good",
        "It works once and for a quarter of an hour; `matricula serve` prints the next one.",
    );
    pub(crate) const CODE_TRIES: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "session.tries",
        "Too many wrong sign-in links",
        "Try again in a minute.",
    )
    .after(60);
    pub(crate) const VIEWER: Self = Self::new(
        StatusCode::FORBIDDEN,
        "role.viewer",
        "Your role may look and not change",
        "Ask somebody with the role owner.",
    );
    pub(crate) const NOT_BOUGHT: Self = Self::new(
        StatusCode::FORBIDDEN,
        "flow.not-bought",
        "This automation is not part of your plan",
        "Ask the vendor of the application for it.",
    );
    pub(crate) const UNTESTED: Self = Self::new(
        StatusCode::CONFLICT,
        "flow.untested",
        "The flow has to be tested before it is activated",
        "Make a plan of the same settings and credentials, look at it, and name it in `plan`. It is kept for a quarter of an hour.",
    );
    pub(crate) const CREDENTIAL_FIELDS: Self = Self::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "credential.fields",
        "The credential does not fit",
        "Fields are unknown, missing or in the wrong half; the connector says which there are.",
    );
    pub(crate) const PLANS_RUNNING: Self = Self::later(
        "plans.running",
        "Too many plans are being made",
        "Wait for one of them to end, or stop it.",
    )
    .with_status(StatusCode::TOO_MANY_REQUESTS);
    pub(crate) const STAGED_CHANGED: Self = Self::new(
        StatusCode::CONFLICT,
        "staged.changed",
        "Others wait for the decision now",
        "Look at the list again, then decide.",
    );
    pub(crate) const PRECONDITION_MISSING: Self = Self::new(
        StatusCode::PRECONDITION_REQUIRED,
        "precondition.missing",
        "The change does not say what it is based on",
        "Send If-Match with the ETag that was read, or *.",
    );
    pub(crate) const PRECONDITION_FAILED: Self = Self::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition.failed",
        "Somebody has changed it meanwhile",
        "Read it again and repeat the change.",
    );
}

/// What changes, and too many at a time.
impl Problem {
    pub(crate) const AUTOMATION_ACTIVE: Self = Self::new(
        StatusCode::CONFLICT,
        "automation.active",
        "The automation is not deactivated",
        "Deactivate it first; then it can be removed.",
    );
    pub(crate) const WEBHOOKS_MANY: Self = Self::new(
        StatusCode::CONFLICT,
        "webhooks.too-many",
        "There are too many addresses for webhooks",
        "Remove one that is not needed any more: every notice is sent to each of them.",
    );
    pub(crate) const CREDENTIALS_MANY: Self = Self::new(
        StatusCode::CONFLICT,
        "credentials.too-many",
        "There are too many credentials",
        "Remove one that no automation uses.",
    );
    pub(crate) const REMOTE_BUSY: Self = Self::later(
        "remote.busy",
        "Other requests wait for remote systems",
        "Try again once the tests, previews and changes that you have begun are done.",
    )
    .with_status(StatusCode::TOO_MANY_REQUESTS);
    pub(crate) const REMOTES_BUSY: Self = Self::later(
        "remote.busy",
        "Too many requests wait for remote systems",
        "Try again in a few seconds.",
    );
    pub(crate) const EVENTS_TOO_MANY: Self = Self::later(
        "events.too-many",
        "Too many streams of events",
        "Close a page that shows a running automation, and try again.",
    )
    .with_status(StatusCode::TOO_MANY_REQUESTS);
    pub(crate) const IDEMPOTENCY_INVALID: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "idempotency.invalid",
        "The idempotency key cannot be one",
        "Idempotency-Key has 1 to 128 visible characters of ASCII, and is sent once.",
    );
    pub(crate) const IDEMPOTENCY_MISMATCH: Self = Self::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency.mismatch",
        "The idempotency key was used for another request",
        "Take a new key for each request; keep the key only to send the same request again.",
    );
    pub(crate) const IDEMPOTENCY_BUSY: Self = Self::later(
        "idempotency.busy",
        "The same request is still under way",
        "Send it again later to have its answer.",
    )
    .with_status(StatusCode::CONFLICT);
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = ProblemDocument {
            kind: format!("urn:matricula:problem:{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            errors: &self.errors,
        };
        let body = serde_json::to_string(&document).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(u16::from(seconds)));
        }
        if self.status == StatusCode::UNAUTHORIZED && self.code != Self::SIGNATURE.code {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
