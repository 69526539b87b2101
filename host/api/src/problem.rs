//! What an error looks like: a problem document (RFC 9457).
//!
//! ```json
//! {"type": "urn:matricula:problem:store.busy", "title": "The store is busy",
//!  "status": 503, "code": "store.busy", "detail": "…"}
//! ```
//!
//! `code` stays the same when the wording gets better. All texts are constants, so that no path, secret or
//! message of the database can come to be among them.

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request is not answered with what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: &'static str,
    /// Seconds after which it is worth another try.
    pub(crate) retry_after: Option<u8>,
    /// What is left of the request is not read.
    pub(crate) closes: bool,
}

impl Problem {
    const fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: &'static str,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail,
            retry_after: None,
            closes: false,
        }
    }

    const fn later(code: &'static str, title: &'static str, detail: &'static str) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, title, detail);
        problem.retry_after = Some(5);
        problem
    }

    const fn closing(mut self) -> Self {
        self.closes = true;
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
        "An event may have 64 KiB.",
    )
    .closing();
    pub(crate) const BODY_SLOW: Self = Self::new(
        StatusCode::REQUEST_TIMEOUT,
        "body.slow",
        "The body did not arrive in time",
        "Send the request again, as a whole.",
    )
    .closing();
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
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": format!("urn:matricula:problem:{}", self.code),
            "title": self.title,
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(u16::from(seconds)));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
