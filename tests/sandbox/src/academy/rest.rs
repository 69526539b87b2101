//! The academy's REST API: token, academy, customers (which are the accounts). Participations and
//! certificates are in `participation.rs`.
//!
//! Where the documentation leaves something open, this is the reading taken:
//! - `resultCount` is the number of all results, not of those on the page.
//! - `limit` above 100 is refused with 400.
//! - A refresh goes to the same URL with `grant_type` `refresh_token`; refresh tokens do not change.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::participation;
use super::schema::{ENTERPRISE, EXTENSION};
use super::store::{Store, moment};
use crate::answer::{Answer, rest_error};
use crate::lock;
use crate::request::{Call, decoded};
use crate::rng::Rng;
use crate::serve::Twist;
use crate::shared::Shared;

pub(super) const DEFAULT_PAGE: usize = 25;
pub(super) const LARGEST_PAGE: usize = 100;

pub(crate) struct RestTokens {
    life: Duration,
    inner: Mutex<Issued>,
}

struct Issued {
    rng: Rng,
    access: HashMap<String, Timestamp>,
    refresh: Option<String>,
}

impl RestTokens {
    pub(crate) fn new(seed: u64, life: Duration) -> Self {
        let inner = Issued {
            rng: Rng::new(seed ^ 0x4E57),
            access: HashMap::new(),
            refresh: None,
        };
        Self {
            life,
            inner: Mutex::new(inner),
        }
    }

    fn issue(&self, now: Timestamp) -> Value {
        let issued = &mut *lock(&self.inner);
        let token = format!("rt-{:016x}{:016x}", issued.rng.next(), issued.rng.next());
        issued.access.insert(token.clone(), now);
        let rng = &mut issued.rng;
        let refresh = issued
            .refresh
            .get_or_insert_with(|| format!("rr-{:016x}", rng.next()));
        json!({
            "access_token": token,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": self.life.as_secs(),
        })
    }

    fn refreshes(&self, token: &str) -> bool {
        lock(&self.inner).refresh.as_deref() == Some(token)
    }

    fn valid(&self, token: &str, now: Timestamp) -> bool {
        let issued = lock(&self.inner);
        issued
            .access
            .get(token)
            .is_some_and(|&at| now.duration_since(at).unsigned_abs() < self.life)
    }

    pub(crate) fn revoke(&self) {
        let mut issued = lock(&self.inner);
        issued.access.clear();
        issued.refresh = None;
    }
}

pub(crate) fn handle_rest(shared: &Shared, call: &Call, twist: Twist) -> Answer {
    let path = call.path.trim_end_matches('/');
    if path == "/oauth/authorize" {
        return authorize(shared, call);
    }
    let now = shared.clock.now();
    if !call
        .bearer()
        .is_some_and(|token| shared.rest_tokens.valid(token, now))
    {
        return rest_error(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    if call.method != Method::GET {
        return rest_error(
            StatusCode::NOT_FOUND,
            &format!("Cannot {} {path}", call.method),
        );
    }
    match path {
        "/me" => Answer::json(
            StatusCode::OK,
            &json!({
                "id": "a1b2c3d4-0000-4000-8000-000000000001",
                "name": "Example Academy",
                "baseUrl": "https://academy.example.com",
            }),
        ),
        "/customer" => customers(shared, call, twist),
        "/participation" => participation::list(shared, call, twist),
        "/certificates" => participation::certificates(shared, call, twist),
        _ => {
            let parts: Vec<&str> = path.split('/').skip(1).collect();
            match parts.as_slice() {
                ["customer", identifier] => customer(shared, &decoded(identifier, false)),
                ["participation", id] => participation::one(shared, id),
                ["certificates", id, "file"] => participation::file(shared, id),
                _ => rest_error(StatusCode::NOT_FOUND, &format!("Cannot GET {path}")),
            }
        }
    }
}

fn authorize(shared: &Shared, call: &Call) -> Answer {
    if call.method != Method::POST {
        return rest_error(StatusCode::NOT_FOUND, "Cannot GET /oauth/authorize");
    }
    if call.media_type() != "application/json" {
        return rest_error(StatusCode::BAD_REQUEST, "The body must be application/json");
    }
    let Ok(body) = serde_json::from_slice::<Value>(&call.body) else {
        return rest_error(StatusCode::BAD_REQUEST, "The body is not JSON");
    };
    let field = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let expected = &shared.config.credentials;
    let client = field("client_id") == expected.reteach_client_id
        && field("client_secret") == expected.reteach_client_secret;
    let granted = match field("grant_type") {
        "authorization_code" => field("code") == expected.reteach_client_code,
        "refresh_token" => shared.rest_tokens.refreshes(field("refresh_token")),
        _ => return rest_error(StatusCode::BAD_REQUEST, "Unsupported grant_type"),
    };
    if client && granted {
        Answer::json(
            StatusCode::OK,
            &shared.rest_tokens.issue(shared.clock.now()),
        )
    } else {
        rest_error(StatusCode::UNAUTHORIZED, "Invalid client credentials")
    }
}

fn customers(shared: &Shared, call: &Call, twist: Twist) -> Answer {
    let (mut limit, mut page, mut external_id) = (DEFAULT_PAGE, 1usize, None);
    for (key, value) in call.query_pairs() {
        match (key.as_str(), value.parse::<usize>()) {
            ("limit", Ok(n @ 1..=LARGEST_PAGE)) => limit = n,
            ("page", Ok(n @ 1..)) => page = n,
            ("limit" | "page", _) => {
                let message = format!("{key} must be a number from 1 (limit: to {LARGEST_PAGE})");
                return rest_error(StatusCode::BAD_REQUEST, &message);
            }
            ("externalId", _) => external_id = Some(value),
            _ => {}
        }
    }
    shared.accounts.with(|store| {
        let found = external_id.map(|id| store.by_external_id(&id).into_iter().collect::<Vec<_>>());
        let total = found.as_ref().map_or(store.len(), Vec::len);
        let ranges = twist.window((page - 1).saturating_mul(limit), limit, total);
        let slots: Vec<usize> = match &found {
            Some(found) => ranges
                .into_iter()
                .filter_map(|r| found.get(r))
                .flatten()
                .copied()
                .collect(),
            None => ranges.into_iter().flat_map(|r| store.list(r)).collect(),
        };
        let results: Vec<Value> = slots.into_iter().map(|slot| record(store, slot)).collect();
        let body = json!({"resultCount": twist.total(total), "results": results});
        Answer::json(StatusCode::OK, &body)
    })
}

fn customer(shared: &Shared, identifier: &str) -> Answer {
    shared
        .accounts
        .with(|store| match identified(store, identifier) {
            Some(slot) => Answer::json(StatusCode::OK, &record(store, slot)),
            None => rest_error(StatusCode::NOT_FOUND, "Customer not found"),
        })
}

/// The account that an identifier means: id, external id, user name or e-mail address.
pub(super) fn identified(store: &Store, identifier: &str) -> Option<usize> {
    store
        .find(identifier)
        .or_else(|| store.by_external_id(identifier))
        .or_else(|| store.by_user_name(identifier))
        .or_else(|| store.by_email(identifier))
}

/// An account as the REST API shows it.
pub(super) fn record(store: &Store, slot: usize) -> Value {
    let user = store.user(slot);
    let Some(account) = store.record(slot) else {
        return Value::Null;
    };
    let get = |key: &str| user.get(key).cloned().unwrap_or(Value::Null);
    let part = |of: &str, key: &str| {
        user.get(of)
            .and_then(|o| o.get(key))
            .cloned()
            .unwrap_or(Value::Null)
    };
    let email = user
        .get("emails")
        .and_then(Value::as_array)
        .and_then(|list| {
            let primary = list
                .iter()
                .find(|e| e.get("primary") == Some(&Value::Bool(true)));
            primary.or(list.first())?.get("value").cloned()
        });
    let manager_id = part(ENTERPRISE, "manager")
        .get("value")
        .cloned()
        .unwrap_or(Value::Null);
    let manager = manager_id.as_str().and_then(|id| {
        let manager = store.user(store.find(id)?);
        Some(json!({"id": id, "userName": manager.get("userName")}))
    });
    let blocked = user.get("active") == Some(&Value::Bool(false));
    let mut out = Map::new();
    for (key, value) in [
        ("id", account.id.as_ref().into()),
        ("externalId", get("externalId")),
        ("userName", get("userName")),
        ("email", email.unwrap_or(Value::Null)),
        ("firstName", part("name", "givenName")),
        ("lastName", part("name", "familyName")),
        ("displayName", get("displayName")),
        ("gender", part(EXTENSION, "gender")),
        ("birthDate", Value::Null),
        ("language", get("preferredLanguage")),
        ("timezone", get("timezone")),
        ("company", part(ENTERPRISE, "organization")),
        ("department", part(ENTERPRISE, "department")),
        ("team", part(ENTERPRISE, "division")),
        ("location", part(EXTENSION, "location")),
        ("position", get("title")),
        ("manager", manager.unwrap_or(Value::Null)),
        ("managerId", manager_id),
        ("status", if blocked { "blocked" } else { "active" }.into()),
        ("userType", get("userType")),
        ("source", "scim".into()),
        ("authenticationMethod", "password".into()),
        ("tags", json!([])),
        ("note", Value::Null),
        ("registeredAt", moment(account.created).to_string().into()),
        ("lastLoginAt", Value::Null),
        ("setActiveAt", part(EXTENSION, "contractStart")),
        ("setInactiveAt", part(EXTENSION, "contractEnd")),
        ("expiredNotificationMail", Value::Null),
    ] {
        out.insert(key.to_owned(), value);
    }
    Value::Object(out)
}
