//! Personio's API v2: its token, and the documents in an employee's file.
//!
//! Where the documentation leaves something open, this is the reading taken:
//! - A document's id is that of v1 as text, as it is with people. The order is that of the ids.
//! - A page holds 10 unless `limit` says otherwise. The address of the next page has all of the
//!   question in it; a cursor without `owner_id` is refused.
//! - `created_at.gte` and `created_at.lt` want moments with a zone.
//! - A token that is none is answered by 401, one without the scope by 403.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::documents::Document;
use crate::answer::{Answer, JSON, personio_problem};
use crate::lock;
use crate::request::{Call, pairs};
use crate::rng::Rng;
use crate::serve::Twist;
use crate::shared::Shared;

const LARGEST_PAGE: usize = 200;
const DEFAULT_PAGE: usize = 10;
const READ: &str = "documents:read";
const DOCUMENTS: &str = "/v2/document-management/documents";

/// A token and when it was given out.
type Token = (String, Timestamp);

/// Tokens of v2: one for each set of scopes, the same for its whole life.
pub(crate) struct PersonioTokensV2 {
    life: Duration,
    inner: Mutex<(Rng, HashMap<String, Token>)>,
}

impl PersonioTokensV2 {
    pub(crate) fn new(seed: u64, life: Duration) -> Self {
        Self {
            life,
            inner: Mutex::new((Rng::new(seed ^ 0x7062), HashMap::new())),
        }
    }

    /// The token in force for these scopes and the seconds it has left.
    fn issue(&self, scope: &str, now: Timestamp) -> (String, i64) {
        let (rng, tokens) = &mut *lock(&self.inner);
        let life = i64::try_from(self.life.as_secs()).unwrap_or(i64::MAX);
        if let Some((token, issued)) = tokens.get(scope) {
            let left = life.saturating_sub(now.as_second() - issued.as_second());
            if left > 0 {
                return (token.clone(), left);
            }
        }
        let token = format!("papi-{:016x}{:016x}", rng.next(), rng.next());
        tokens.insert(scope.to_owned(), (token.clone(), now));
        (token, life)
    }

    /// The scopes of a token that is in force.
    fn scope(&self, token: &str, now: Timestamp) -> Option<String> {
        let (_, tokens) = &*lock(&self.inner);
        let found = tokens.iter().find(|(_, (known, issued))| {
            known == token && now.duration_since(*issued).unsigned_abs() < self.life
        });
        found.map(|(scope, _)| scope.clone())
    }

    pub(crate) fn revoke(&self) {
        lock(&self.inner).1.clear();
    }
}

pub(super) fn handle(shared: &Shared, call: &Call, path: &str, twist: Twist) -> Answer {
    if path == "/v2/auth/token" {
        return token(shared, call);
    }
    let now = shared.clock.now();
    let scope = call
        .bearer()
        .and_then(|token| shared.personio_tokens_v2.scope(token, now));
    let Some(scope) = scope else {
        let detail = "The access token is missing, invalid or expired.";
        return personio_problem(StatusCode::UNAUTHORIZED, "Unauthorized", detail);
    };
    if path != DOCUMENTS {
        return personio_problem(
            StatusCode::NOT_FOUND,
            "Not found",
            "There is no such resource.",
        );
    }
    if call.method != Method::GET {
        let detail = "The method is not supported.";
        return personio_problem(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail);
    }
    if !scope.split(' ').any(|s| s == READ) {
        let detail = format!("The scope {READ} is needed.");
        return personio_problem(StatusCode::FORBIDDEN, "Forbidden", &detail);
    }
    match Query::read(call) {
        Ok(query) => documents(shared, &query, twist),
        Err(detail) => personio_problem(StatusCode::BAD_REQUEST, "Bad request", &detail),
    }
}

fn token(shared: &Shared, call: &Call) -> Answer {
    let refusal = |error: &str, description: &str| {
        let body = json!({
            "timestamp": shared.clock.now(),
            "trace_id": "baaaaaad-0000-4000-8000-000000000002",
            "error": error,
            "error_description": description,
            "error_uri":
                format!("https://developer.personio.de/reference/errors#credentials.oauth2.{error}"),
            "meta": {},
        });
        Answer::new(
            StatusCode::BAD_REQUEST,
            "application/problem+json",
            body.to_string(),
        )
    };
    if call.method != Method::POST || call.media_type() != "application/x-www-form-urlencoded" {
        let description = "The request must be a POST of application/x-www-form-urlencoded.";
        return refusal("invalid_request", description);
    }
    let form = pairs(&String::from_utf8_lossy(&call.body));
    let field = |key: &str| form.iter().find(|(k, _)| k == key).map(|p| p.1.as_str());
    match field("grant_type") {
        None => return refusal("invalid_request", "grant_type is missing."),
        Some("client_credentials") => {}
        Some(_) => return refusal("unsupported_grant_type", "Use client_credentials."),
    }
    let expected = &shared.config.credentials;
    if field("client_id") != Some(&expected.personio_client_id)
        || field("client_secret") != Some(&expected.personio_client_secret)
    {
        return refusal("invalid_client", "Client authentication failed");
    }
    let mut granted = vec!["personio:persons:read", READ, "documents:write"];
    if !shared.documents.readable() {
        granted.retain(|scope| *scope != READ);
    }
    let asked: Vec<&str> = field("scope")
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    if asked.iter().any(|scope| !granted.contains(scope)) {
        return refusal(
            "invalid_scope",
            "The requested scope is not granted to the client.",
        );
    }
    if !asked.is_empty() {
        granted.retain(|scope| asked.contains(scope));
    }
    let scope = granted.join(" ");
    let (token, expires_in) = shared.personio_tokens_v2.issue(&scope, shared.clock.now());
    let body = json!({
        "access_token": token,
        "expires_in": expires_in,
        "refresh_token": null,
        "token_type": "Bearer",
        "scope": scope,
    });
    Answer::json(StatusCode::OK, &body)
}

struct Query {
    owner: String,
    category: Option<String>,
    from: Option<Timestamp>,
    before: Option<Timestamp>,
    limit: usize,
    /// The id of the last document of the page before.
    after: u64,
    /// The question as it came, without its cursor.
    rest: String,
}

impl Query {
    fn read(call: &Call) -> Result<Self, String> {
        let mut query = Self {
            owner: String::new(),
            category: None,
            from: None,
            before: None,
            limit: DEFAULT_PAGE,
            after: 0,
            rest: String::new(),
        };
        for (key, value) in call.query_pairs() {
            let invalid = || format!("Provided value for {key} is not valid");
            let moment = || value.parse::<Timestamp>().map(Some).map_err(|_| invalid());
            match key.as_str() {
                "owner_id" => query.owner = value,
                "category_id" => query.category = Some(value),
                "created_at.gte" => query.from = moment()?,
                "created_at.lt" => query.before = moment()?,
                "limit" => match value.parse() {
                    Ok(limit @ 1..=LARGEST_PAGE) => query.limit = limit,
                    _ => return Err(invalid()),
                },
                "cursor" => {
                    let id = value.strip_prefix("cur_");
                    let id = id.and_then(|id| u64::from_str_radix(id, 36).ok());
                    query.after = id.ok_or_else(invalid)?;
                }
                _ => return Err(format!("The parameter {key} is not known")),
            }
        }
        if query.owner.is_empty() {
            return Err("The parameter owner_id is required".to_owned());
        }
        let kept = call.query.split('&').filter(|p| !p.starts_with("cursor="));
        query.rest = kept.collect::<Vec<_>>().join("&");
        Ok(query)
    }
}

fn documents(shared: &Shared, query: &Query, twist: Twist) -> Answer {
    // An id that is no number is nobody's, and no category's.
    let owner: Option<u64> = query.owner.parse().ok();
    let category = query.category.as_ref().map(|c| c.parse::<u64>().ok());
    let found = shared.documents.select(|d| {
        Some(d.employee) == owner
            && category.is_none_or(|c| c == Some(d.category))
            && query.from.is_none_or(|from| d.created_at >= from)
            && query.before.is_none_or(|before| d.created_at < before)
    });
    let offset = found.partition_point(|d| d.id <= query.after);
    let data: Vec<Value> = twist
        .window(offset, query.limit, found.len())
        .into_iter()
        .filter_map(|range| found.get(range))
        .flatten()
        .map(item)
        .collect();
    let base = format!(
        "{}{DOCUMENTS}?{}",
        shared.config.public_personio_url, query.rest
    );
    let mut links = json!({"self": {"href": base}});
    let end = offset + query.limit;
    if let (Some(last), true) = (found.get(end - 1), end < found.len()) {
        links["next"] = json!({"href": format!("{base}&cursor=cur_{}", base36(last.id))});
    }
    let body = json!({"_data": data, "_meta": {"links": links}});
    Answer::new(StatusCode::OK, JSON, body.to_string())
}

fn item(document: &Document) -> Value {
    json!({
        "id": document.id.to_string(),
        "name": document.title,
        "date": document.date,
        "comment": document.comment,
        "category": {"id": document.category.to_string()},
        "owner": {"id": document.employee.to_string()},
        "document_type": "UPLOADED",
        "size": document.size,
        "created_at": document.created_at,
        "virus_scan": {"status": "PASSED"},
        "esignature": {"status": null},
    })
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        let digit = u32::try_from(number % 36).unwrap_or(0);
        digits.extend(char::from_digit(digit, 36));
        number /= 36;
    }
    digits.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back() {
        for id in [1, 35, 36, 7_310_001] {
            assert_eq!(u64::from_str_radix(&base36(id), 36), Ok(id));
        }
    }
}
