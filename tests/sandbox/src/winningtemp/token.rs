//! Access tokens: an hour each, never refreshed.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::refusal;
use crate::answer::Answer;
use crate::lock;
use crate::request::{Call, pairs};
use crate::rng::Rng;
use crate::shared::Shared;

const LIFE: Duration = Duration::from_secs(3600);

pub(crate) struct Tokens(Mutex<(Rng, HashMap<String, Timestamp>)>);

impl Tokens {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new((Rng::new(seed ^ 0x57AF), HashMap::new())))
    }

    fn issue(&self, now: Timestamp) -> String {
        let (rng, issued) = &mut *lock(&self.0);
        let token = format!("wt-{:016x}{:016x}", rng.next(), rng.next());
        issued.insert(token.clone(), now);
        token
    }

    pub(super) fn valid(&self, token: &str, now: Timestamp) -> bool {
        let issued = lock(&self.0).1.get(token).copied();
        issued.is_some_and(|at| now.duration_since(at).unsigned_abs() < LIFE)
    }

    pub(crate) fn revoke(&self) {
        lock(&self.0).1.clear();
    }
}

/// What `Authorization: Basic` holds.
fn basic(call: &Call) -> Option<Vec<u8>> {
    let (scheme, encoded) = call.header("authorization")?.split_once(' ')?;
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    is_basic.then(|| STANDARD.decode(encoded.trim()).ok())?
}

pub(super) fn issue(shared: &Shared, call: &Call) -> Answer {
    if call.method != Method::POST {
        return refusal(StatusCode::METHOD_NOT_ALLOWED, "A token is had by POST.");
    }
    let known = &shared.config.credentials;
    let (id, secret) = (
        &known.winningtemp_client_id,
        &known.winningtemp_client_secret,
    );
    let headers = call.header("clientid") == Some(id.as_str())
        && call.header("clientsecret") == Some(secret.as_str());
    let basic = basic(call).is_some_and(|pair| pair == format!("{id}:{secret}").as_bytes());
    if !headers && !basic {
        return refusal(StatusCode::UNAUTHORIZED, "The client is not known.");
    }
    if basic && call.media_type() == "application/x-www-form-urlencoded" {
        let form = pairs(&String::from_utf8_lossy(&call.body));
        let grant = form.iter().find(|(key, _)| key == "grant_type");
        if grant.is_some_and(|(_, grant)| grant != "client_credentials") {
            return refusal(StatusCode::BAD_REQUEST, "This grant is not offered.");
        }
    }
    let token = shared.winningtemp_tokens.issue(shared.clock.now());
    Answer::json(
        StatusCode::OK,
        &json!({"access_token": token, "token_type": "Bearer", "expires_in": LIFE.as_secs()}),
    )
}
