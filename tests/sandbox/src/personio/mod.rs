//! Personio's API v1: token, employees, their attributes, documents and their categories. What there
//! is of v2 is in `v2.rs`.
//!
//! Where the documentation leaves something open, this is the reading taken:
//! - `limit` above 100 is refused with 400 rather than cut down.
//! - `updated_since` is in UTC and means strictly after; a value with a zone is refused.
//! - `expires_in` is what the token has left, not its whole life.
//! - A wrong or expired token is answered by 403 as in the specification's example, a missing one
//!   by 401.
//! - Refused requests do not count towards a rate limit.

mod captured;
mod directory;
mod documents;
mod field;
mod made;
mod people;
mod token;
mod upload;
mod v2;
mod words;

pub(crate) use directory::Directory;
pub use documents::{Category, Document, Documents};
pub use people::People;
pub(crate) use token::{PersonioLimits, PersonioTokens};
pub(crate) use v2::PersonioTokensV2;

use bytes::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::answer::{Answer, JSON, personio_error, personio_failure};
use crate::lock;
use crate::request::Call;
use crate::serve::Twist;
use crate::shared::Shared;

const LARGEST_PAGE: usize = 100;
const DEFAULT_PAGE: usize = 50;

/// What Personio says when it does not want to say what is wrong, the trailing blank included.
const TROUBLE: &str = "Es ist ein Problem aufgetreten ";

pub(crate) fn handle(shared: &Shared, call: &Call, twist: Twist) -> Answer {
    let path = call.path.trim_end_matches('/');
    let admitted = match &mut *lock(&shared.personio_limits) {
        Some(limits) => limits.admit(&call.method, path, shared.journal.elapsed()),
        None => true,
    };
    if !admitted {
        let message = "Too Many Attempts.";
        return personio_failure(path, StatusCode::TOO_MANY_REQUESTS, message);
    }
    if path.starts_with("/v2/") {
        return v2::handle(shared, call, path, twist);
    }
    if path == "/v1/auth" {
        return token::authenticate(shared, call);
    }
    let token = match token::authorized(shared, call) {
        Ok(token) => token,
        Err((status, message)) => {
            return personio_error(status, i64::from(status.as_u16()), message);
        }
    };
    let documents = path == "/v1/company/documents";
    if call.method != if documents { Method::POST } else { Method::GET } {
        return personio_error(StatusCode::METHOD_NOT_ALLOWED, 405, TROUBLE);
    }
    let answer = match path.strip_prefix("/v1/company/") {
        Some("employees") => employees(shared, call, twist),
        Some("employees/attributes" | "employees/custom-attributes") => attributes(shared),
        Some("document-categories") => categories(shared),
        Some("documents") => upload::upload(shared, call),
        Some(rest) => match rest.strip_prefix("employees/").map(str::parse) {
            Some(Ok(id)) => employee(shared, id),
            _ => personio_error(StatusCode::NOT_FOUND, 404, TROUBLE),
        },
        None => personio_error(StatusCode::NOT_FOUND, 404, TROUBLE),
    };
    if answer.status.is_success() {
        answer.header(AUTHORIZATION, &format!("Bearer {token}"))
    } else {
        answer
    }
}

#[derive(Default)]
struct Query {
    limit: Option<usize>,
    offset: usize,
    keys: Option<Vec<String>>,
    since: Option<i64>,
    email: Option<String>,
}

impl Query {
    fn read(call: &Call) -> Result<Self, String> {
        let mut query = Self::default();
        for (key, value) in call.query_pairs() {
            match key.as_str() {
                "limit" => match value.parse() {
                    Ok(limit @ 1..=LARGEST_PAGE) => query.limit = Some(limit),
                    _ => {
                        return Err(format!("The limit must be between 1 and {LARGEST_PAGE}."));
                    }
                },
                "offset" => {
                    query.offset = value
                        .parse()
                        .map_err(|_| "The offset must be at least 0.".to_owned())?;
                }
                "updated_since" => query.since = Some(since(&value)?),
                "email" => query.email = Some(value),
                _ if key.starts_with("attributes[") && key.ends_with(']') => {
                    query.keys.get_or_insert_default().push(value);
                }
                _ => {}
            }
        }
        Ok(query)
    }
}

/// `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS`, in UTC, as Unix seconds.
fn since(text: &str) -> Result<i64, String> {
    let refusal = || format!("The updated since {text} is not a valid date.");
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let moment = match shape.as_str() {
        "0000-00-00" => text
            .parse::<jiff::civil::Date>()
            .map(|date| date.to_datetime(jiff::civil::Time::midnight())),
        "0000-00-00T00:00:00" => text.parse::<jiff::civil::DateTime>(),
        _ => return Err(refusal()),
    };
    let utc = moment
        .and_then(|m| m.to_zoned(jiff::tz::TimeZone::UTC))
        .map_err(|_| refusal())?;
    Ok(utc.timestamp().as_second())
}

fn employees(shared: &Shared, call: &Call, twist: Twist) -> Answer {
    let query = match Query::read(call) {
        Ok(query) => query,
        Err(message) => return personio_error(StatusCode::BAD_REQUEST, 400, &message),
    };
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    shared.people.with(|directory| {
        let wanted = directory.select(query.keys.as_deref());
        // The e-mail filter is ignored together with updated_since.
        let matching = match (query.since, &query.email) {
            (Some(since), _) => Some(directory.changed_after(since, &wanted)),
            (None, Some(email)) => Some(directory.with_email(email)),
            (None, None) => None,
        };
        let len = matching.as_ref().map_or(directory.len(), Vec::len);
        let mut out = Vec::with_capacity(limit.min(len) * (64 + wanted.len() * 110) + 256);
        out.extend_from_slice(b"{\"success\":true,\"data\":[");
        let mut first = true;
        for position in twist.window(query.offset, limit, len).into_iter().flatten() {
            if !first {
                out.push(b',');
            }
            first = false;
            let place = match &matching {
                Some(places) => places.get(position).copied().unwrap_or(usize::MAX),
                None => position,
            };
            directory.write(place, &wanted, &mut out);
        }
        let metadata = json!({
            "total_elements": twist.total(len),
            "current_page": query.offset / limit,
            "total_pages": len.div_ceil(limit),
        });
        let tail = format!(
            "],\"metadata\":{metadata},\"offset\":{},\"limit\":{limit}}}",
            query.offset
        );
        out.extend_from_slice(tail.as_bytes());
        Answer::new(StatusCode::OK, JSON, Bytes::from(out))
    })
}

fn employee(shared: &Shared, id: u64) -> Answer {
    shared
        .people
        .with(|directory| match directory.position(id) {
            None => personio_error(StatusCode::NOT_FOUND, 404, TROUBLE),
            Some(place) => {
                let mut out = b"{\"success\":true,\"data\":".to_vec();
                directory.write(place, &directory.select(None), &mut out);
                out.push(b'}');
                Answer::new(StatusCode::OK, JSON, Bytes::from(out))
            }
        })
}

fn attributes(shared: &Shared) -> Answer {
    let data: Vec<Value> = shared.people.with(|directory| {
        let describe = |a: &field::Attribute| {
            json!({
                "key": a.key,
                "label": a.label,
                "type": a.kind,
                "universal_id": a.universal_id,
                "options": a.options,
            })
        };
        directory.readable().map(describe).collect()
    });
    Answer::json(StatusCode::OK, &json!({"success": true, "data": data}))
}

fn categories(shared: &Shared) -> Answer {
    let categories = shared.documents.categories().into_iter();
    let data: Vec<Value> = categories
        .map(|c| json!({"id": c.id, "type": "DocumentCategory", "attributes": {"name": c.name}}))
        .collect();
    Answer::json(StatusCode::OK, &json!({"success": true, "data": data}))
}
