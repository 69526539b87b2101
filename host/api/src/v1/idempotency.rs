//! Requests that change something: carried out to their end, and carried out once.
//!
//! A client that hangs up takes its request down with it, in the middle of whatever it was doing. So everything
//! but reading goes on in a task of its own, within the time that any request has. A POST with an
//! `Idempotency-Key` is answered once: whoever sends it again within a day gets the first answer, so that a
//! client that has not heard the answer may ask for it.
//!
//! What is refused for the moment (a status from 500 on, or `Retry-After`) gives the key back: it was not done.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use matricula_core::TenantId;
use matricula_core::board::{KeptAnswer, Reservation};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::extract::{Signed, read_body};
use crate::Shared;
use crate::problem::Problem;

/// The header with the key.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The longest key.
pub(super) const LONGEST: usize = 128;
/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Headers of an answer that are kept with it.
const HEADERS: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];

/// Whether a key says anything at this address: not where a session is made, since its token is given once, nor
/// where somebody's record is tried and nothing is changed.
pub(super) fn heeded(path: &str) -> bool {
    !path.contains("/session/") && !path.ends_with("/expressions")
}

/// Wraps every route of the API.
pub(super) async fn once(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let heeded = heeded(request.uri().path());
    let whole = async move {
        let keyed = heeded && *request.method() == Method::POST;
        match keyed && request.headers().contains_key(KEY) {
            true => with_key(&shared, request, next).await,
            false => within(&shared, next.run(request)).await,
        }
    };
    let answer = tokio::spawn(whole).await;
    answer.unwrap_or_else(|error| {
        tracing::error!(%error, "A request could not be carried out.");
        Problem::UNKNOWN.into_response()
    })
}

async fn within(shared: &Shared, answer: impl Future<Output = Response>) -> Response {
    let answer = timeout(shared.options.remote_within, answer).await;
    answer.unwrap_or_else(|_| Problem::REQUEST_SLOW.into_response())
}

async fn with_key(shared: &Arc<Shared>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let signed = match Signed::from_request_parts(&mut parts, shared).await {
        Ok(signed) => signed,
        Err(problem) => return problem.into_response(),
    };
    if !signed.session.may_change() {
        // It is refused in any case.
        return within(shared, next.run(Request::from_parts(parts, body))).await;
    }
    let key = match key_of(&parts.headers) {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
    };
    let body = match timeout(shared.options.body_within, read_body(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(problem)) => return problem.into_response(),
        Err(_) => return Problem::BODY_SLOW.into_response(),
    };
    let digest = digest(&[
        parts.uri.path().as_bytes(),
        parts.uri.query().unwrap_or_default().as_bytes(),
        header(&parts.headers, &CONTENT_TYPE),
        &body,
    ]);
    let now = shared.options.clock.now();
    // Longer than a request may take, since an answer is still to be written then.
    let until = later(now, shared.options.remote_within + Duration::from_secs(60));
    let tenant = signed.tenant();
    let store = shared.matricula.store();
    let reserved = store.reserve(tenant, &key, digest, now, until).await;
    match reserved {
        Ok(Reservation::Taken) => {}
        Ok(Reservation::Busy) => return Problem::IDEMPOTENCY_BUSY.into_response(),
        Ok(Reservation::Mismatch) => return Problem::IDEMPOTENCY_MISMATCH.into_response(),
        Ok(Reservation::Answered(answer)) => return replay(answer),
        Err(error) => return Problem::from(error).into_response(),
    }
    let mut held = Held(Some((Arc::clone(shared), tenant.clone(), key, digest)));
    let request = Request::from_parts(parts, Body::from(body));
    let answer = within(shared, next.run(request)).await;
    let passes = answer.status().is_server_error() || answer.headers().contains_key(RETRY_AFTER);
    if passes {
        held.settle(None).await;
        return answer;
    }
    let (parts, body) = answer.into_parts();
    // An answer to a POST is in memory as a whole.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Problem::UNKNOWN.into_response();
    };
    let worth = |name: &HeaderName| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    };
    let kept = KeptAnswer {
        status: parts.status.as_u16(),
        headers: HEADERS.iter().filter_map(worth).collect(),
        body: body.to_vec(),
    };
    held.settle(Some(&kept)).await;
    Response::from_parts(parts, Body::from(body))
}

/// A key that this request has taken. It is given back if the request does not come to an end.
struct Held(Option<(Arc<Shared>, TenantId, String, [u8; 32])>);

impl Held {
    async fn settle(&mut self, answer: Option<&KeptAnswer>) {
        if let Some((shared, tenant, key, digest)) = self.0.take() {
            settle(&shared, &tenant, &key, digest, answer).await;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some((shared, tenant, key, digest)) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { settle(&shared, &tenant, &key, digest, None).await });
        }
    }
}

/// An answer that cannot be kept is given all the same: what was asked for was done.
async fn settle(
    shared: &Shared,
    tenant: &TenantId,
    key: &str,
    digest: [u8; 32],
    answer: Option<&KeptAnswer>,
) {
    let keep = later(shared.options.clock.now(), KEPT);
    let store = shared.matricula.store();
    if let Err(error) = store.answer(tenant, key, digest, answer, keep).await {
        tracing::warn!(%error, "The answer to a request could not be kept for its idempotency key.");
    }
}

fn replay(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

fn key_of(headers: &HeaderMap) -> Result<String, Problem> {
    let mut keys = headers.get_all(KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(Problem::IDEMPOTENCY_INVALID);
    };
    let visible = key.as_bytes().iter().all(u8::is_ascii_graphic);
    let key = key.to_str().ok().filter(|key| visible && !key.is_empty());
    let key = key.filter(|key| key.len() <= LONGEST);
    key.map(str::to_owned).ok_or(Problem::IDEMPOTENCY_INVALID)
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a [u8] {
    headers.get(name).map_or(&[], HeaderValue::as_bytes)
}

/// What is asked, so that no two different requests look the same: each part with its length.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(keys: &[&str]) -> Result<String, &'static str> {
        let headers = keys
            .iter()
            .map(|key| (KEY, HeaderValue::from_str(key).unwrap()));
        key_of(&headers.collect()).map_err(|problem| problem.code)
    }

    #[test]
    fn a_key_is_visible_and_short_and_one() {
        let longest = "k".repeat(LONGEST);
        assert_eq!(key(&[&longest]), Ok(longest.clone()));
        for wrong in [
            &[""] as &[&str],
            &["a b"],
            &["a", "a"],
            &[&format!("{longest}k")],
        ] {
            assert_eq!(key(wrong), Err("idempotency.invalid"), "{wrong:?}");
        }
    }

    #[test]
    fn requests_differ_wherever_they_differ() {
        assert_eq!(digest(&[b"ab", b"c"]), digest(&[b"ab", b"c"]));
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert!(heeded("/api/v1/automations"));
        assert!(!heeded("/api/v1/session/renew"));
        assert!(!heeded("/api/v1/flows/{name}/expressions"));
    }
}
