//! `POST /v1/auth`: one token per credential, the same for its whole life.

use std::sync::Mutex;
use std::time::Duration;

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::{Answer, personio_error};
use crate::limits::{Window, admit};
use crate::request::{Call, pairs};
use crate::rng::Rng;
use crate::shared::Shared;
use crate::{Limits, lock};

pub(crate) struct PersonioTokens {
    life: Duration,
    inner: Mutex<(Rng, Option<(String, Timestamp)>)>,
}

impl PersonioTokens {
    pub(crate) fn new(seed: u64, life: Duration) -> Self {
        Self {
            life,
            inner: Mutex::new((Rng::new(seed ^ 0x7060), None)),
        }
    }

    /// The token in force and the seconds it has left.
    fn issue(&self, now: Timestamp) -> (String, i64) {
        let (rng, current) = &mut *lock(&self.inner);
        let life = i64::try_from(self.life.as_secs()).unwrap_or(i64::MAX);
        if let Some((token, issued)) = current {
            let left = life.saturating_sub(now.as_second() - issued.as_second());
            if left > 0 {
                return (token.clone(), left);
            }
        }
        let token = format!("papi-{:016x}{:016x}", rng.next(), rng.next());
        *current = Some((token.clone(), now));
        (token, life)
    }

    fn valid(&self, token: &str, now: Timestamp) -> bool {
        lock(&self.inner)
            .1
            .as_ref()
            .is_some_and(|(current, issued)| {
                current == token && now.duration_since(*issued).unsigned_abs() < self.life
            })
    }

    pub(crate) fn revoke(&self) {
        lock(&self.inner).1 = None;
    }
}

/// Personio's rate limits.
pub(crate) struct PersonioLimits {
    tokens: Window,
    second: Window,
    minute: Window,
    all: Window,
    uploads: Window,
    tokens_v2: Window,
    documents_v2: Window,
}

impl PersonioLimits {
    pub(crate) fn new(limits: &Limits) -> Self {
        let minute = Duration::from_secs(60);
        Self {
            tokens: Window::new(limits.tokens_per_minute, minute).with_cool_down(minute),
            second: Window::new(limits.employees_per_second, Duration::from_secs(1)),
            minute: Window::new(limits.employees_per_minute, minute),
            all: Window::new(limits.requests_per_minute, minute),
            uploads: Window::new(limits.uploads_per_minute, minute),
            tokens_v2: Window::new(limits.v2_tokens_per_minute, minute).with_cool_down(minute),
            // As many in the time in which they grow back.
            documents_v2: Window::new(
                limits.v2_documents_burst,
                Duration::from_secs(1) * limits.v2_documents_burst
                    / limits.v2_documents_per_second.max(1),
            ),
        }
    }

    /// Whether a request for this path is within the limits.
    pub(super) fn admit(&mut self, method: &Method, path: &str, now: Duration) -> bool {
        let Self {
            tokens,
            second,
            minute,
            all,
            uploads,
            tokens_v2,
            documents_v2,
        } = self;
        match path {
            "/v1/auth" => admit(&mut [tokens, all], now),
            "/v1/company/documents" if method == Method::POST => admit(&mut [uploads, all], now),
            "/v2/auth/token" => admit(&mut [tokens_v2], now),
            _ if path.starts_with("/v2/") => admit(&mut [documents_v2], now),
            _ if path.starts_with("/v1/company/employees") => {
                admit(&mut [second, minute, all], now)
            }
            _ => admit(&mut [all], now),
        }
    }
}

pub(super) fn authenticate(shared: &Shared, call: &Call) -> Answer {
    if call.method != Method::POST {
        return personio_error(StatusCode::METHOD_NOT_ALLOWED, 405, "Method not allowed");
    }
    let named = |key: &str| matches!(key, "client_id" | "client_secret");
    if call.query_pairs().iter().any(|(key, _)| named(key)) {
        return personio_error(
            StatusCode::FORBIDDEN,
            403,
            "Credentials in the query string are not supported. Send them in the request body.",
        );
    }
    let given = match call.media_type().as_str() {
        "application/json" => serde_json::from_slice(&call.body)
            .ok()
            .and_then(|body: Value| {
                let text = |key: &str| Some(body.get(key)?.as_str()?.to_owned());
                Some((text("client_id")?, text("client_secret")?))
            }),
        "application/x-www-form-urlencoded" => {
            let form = pairs(&String::from_utf8_lossy(&call.body));
            let text = |key: &str| form.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
            text("client_id").zip(text("client_secret"))
        }
        _ => None,
    };
    let Some((id, secret)) = given else {
        let message = "The client id field and the client secret field are required.";
        return personio_error(StatusCode::BAD_REQUEST, 400, message);
    };
    let expected = &shared.config.credentials;
    if id != expected.personio_client_id || secret != expected.personio_client_secret {
        return personio_error(
            StatusCode::FORBIDDEN,
            403,
            "Provided authorization is not valid",
        );
    }
    let (token, expires_in) = shared.personio_tokens.issue(shared.clock.now());
    let scope = if shared.documents.readable() {
        "employees:read documents:read documents:write"
    } else {
        "employees:read documents:write"
    };
    let data = json!({"token": token, "expires_in": expires_in, "scope": scope});
    Answer::json(StatusCode::OK, &json!({"success": true, "data": data}))
}

/// The token of a request that may go on; else the status and message for one that may not.
pub(super) fn authorized(
    shared: &Shared,
    call: &Call,
) -> Result<String, (StatusCode, &'static str)> {
    match call.bearer() {
        None => Err((StatusCode::UNAUTHORIZED, "Authorization is not provided")),
        Some(token) if shared.personio_tokens.valid(token, shared.clock.now()) => {
            Ok(token.to_owned())
        }
        Some(_) => Err((StatusCode::FORBIDDEN, "Provided authorization is not valid")),
    }
}
