//! Certificates, read from the participations that have one.
//!
//! The published description of the API says how participations are filtered and paged, but not what is in
//! their `certificate`. This relies on an identity, the number, dates of issue, expiry and revocation, what
//! replaced it, and the address of the file; each is read leniently, and what has another shape than a date
//! is passed on as it came, so that the host's check of the record names it. `customer.id` is taken for the
//! identity that the academy's SCIM service gives to the same person.
//!
//! **When a read ends** is decided as for every list ([`crate::paging`]), and counted in participations, since
//! one without a certificate counts too where the filter is not heeded.
//!
//! **Where the next incremental read starts**: a day before the newest completion seen, never after now. A
//! completion can be entered late, and a certificate be issued after its completion. What comes later than a
//! day, and whatever happens to a certificate afterwards, is met by the host's full reads.

use matricula_sdk::{Context, Failure, FailureKind, Item, Page, Read, Result, json, time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::paging::Walk;
use crate::rest;

/// How late a completion may be entered, in seconds.
const LATE: i64 = 24 * 3600;

/// The attributes of a certificate.
pub(crate) const ATTRIBUTES: [&str; 12] = [
    "id",
    "person",
    "course",
    "course_id",
    "completed_on",
    "completed_at",
    "issued_on",
    "expires_on",
    "revoked_on",
    "replaced_by",
    "number",
    "file",
];

/// Where a reading has got to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    walk: Walk,
    /// The newest completion so far, Unix seconds.
    newest: Option<i64>,
}

/// Where an incremental read starts.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// The newest completion seen, Unix seconds.
    newest: i64,
}

/// Whether participations can be read at all.
pub(crate) fn probe(cx: &Context<'_>) -> Result<()> {
    let answer = rest::get(cx, &address(&Walk::begin(1), None))?;
    rest::list(&answer, "participations").map(|_| ())
}

/// One page of the certificates.
pub(crate) fn read(cx: &Context<'_>, read: &Read) -> Result<Page> {
    rest::demand(cx, "certificates")?;
    let since: Option<State> = match &read.state {
        Some(state) => Some(json::token("state", state)?),
        None => None,
    };
    let mut at = match &read.position {
        Some(position) => json::token("position", position)?,
        None => Position {
            walk: Walk::begin(read.limit),
            newest: since.as_ref().map(|state| state.newest),
        },
    };
    let answer = rest::get(cx, &address(&at.walk, since.as_ref()))?;
    let (participations, ended) = at.walk.take(&answer, "participations")?;
    if !participations.is_empty() && participations.iter().all(|one| one.get("id").is_none()) {
        return Err(Failure::new(
            FailureKind::Protocol,
            "reteach sent participations without an id, so none can be told from another",
        )
        .code("no-id"));
    }

    let now = i64::try_from(cx.now_ms() / 1000).unwrap_or(i64::MAX);
    let mut items = Vec::with_capacity(participations.len());
    for participation in participations {
        let Some(certificate) = certificate(participation) else {
            continue;
        };
        let completed = participation.get("completedAt").and_then(Value::as_str);
        let completed = completed.and_then(time::parse).map(|at| at.min(now));
        at.newest = at.newest.max(completed);
        match item(participation, certificate, read) {
            Some(item) => items.push(item),
            None => at.walk.doubt(),
        }
    }

    let mut page = Page {
        items,
        total: at.walk.total(),
        ..Page::default()
    };
    if ended {
        let whole = at.walk.is_whole();
        page.complete = since.is_none() && whole;
        page.state = match (at.newest, &read.state) {
            // It is asked for again from where this one began.
            (_, Some(former)) if !whole => Some(former.clone()),
            (Some(newest), _) => Some(json::to_token("state", &State { newest })?),
            (None, former) => former.clone(),
        };
    } else {
        page.next = Some(json::to_token("position", &at)?);
    }
    Ok(page)
}

fn address(walk: &Walk, since: Option<&State>) -> String {
    let mut path = format!("participation?hasCertificate=true&{}", walk.query());
    if let Some(State { newest }) = since {
        path.push_str("&completedAtSince=");
        path.push_str(&time::text(newest.saturating_sub(LATE)));
    }
    path
}

/// The certificate of a participation: an object with anything in it by which one could be known.
fn certificate(participation: &Value) -> Option<&Value> {
    let certificate = participation.get("certificate")?;
    ["id", "url", "number"]
        .iter()
        .any(|name| certificate.get(name).is_some_and(|value| !value.is_null()))
        .then_some(certificate)
}

/// None if nothing tells it from others.
fn item(participation: &Value, certificate: &Value, read: &Read) -> Option<Item> {
    // Of a certificate that has no identity of its own the participation's stands in, marked as such since
    // the two are counted separately.
    let key = certificate.get("id").and_then(json::id).or_else(|| {
        let participation = json::id(participation.get("id")?)?;
        Some(format!("participation-{participation}"))
    })?;
    let mut data = Map::new();
    for name in ATTRIBUTES {
        let wanted = read.attributes.is_empty() || read.attributes.iter().any(|a| a == name);
        if !wanted {
            continue;
        }
        let value = match name {
            "id" => Some(Value::from(key.as_str())),
            _ => value(name, participation, certificate),
        };
        if let Some(value) = value {
            data.insert(name.to_owned(), value);
        }
    }
    Some(Item {
        key,
        deleted: false,
        data: Value::Object(data).to_string(),
    })
}

/// None for what must not be null and did not come.
fn value(name: &str, participation: &Value, certificate: &Value) -> Option<Value> {
    let of_certificate = |field: &str| certificate.get(field).unwrap_or(&Value::Null);
    match name {
        "person" => reference(participation, "customer", "customerId").map(Value::String),
        "course" => {
            let course = participation.get("course")?;
            json::id(course.get("name").unwrap_or(course)).map(Value::String)
        }
        "course_id" => reference(participation, "course", "courseId").map(Value::String),
        "completed_on" => given(day(participation.get("completedAt")?)),
        "completed_at" => given(moment(participation.get("completedAt")?)),
        "issued_on" => Some(day(of_certificate("issuedAt"))),
        "expires_on" => Some(day(of_certificate("expiresAt"))),
        "revoked_on" => Some(day(of_certificate("revokedAt"))),
        "replaced_by" => Some(identity(of_certificate("replacedBy"))),
        "number" => Some(identity(of_certificate("number"))),
        "file" => {
            let address = json::text(certificate.get("url")?)?;
            let absolute = match address.strip_prefix('/') {
                Some(path) if !path.starts_with('/') => format!("{}/{path}", rest::BASE),
                _ => address.to_owned(),
            };
            Some(Value::String(absolute))
        }
        _ => None,
    }
}

fn given(value: Value) -> Option<Value> {
    Some(value).filter(|value| !value.is_null())
}

/// The identity of an object beside, or the one that is given by itself.
fn reference(of: &Value, object: &str, plain: &str) -> Option<String> {
    let inner = of.get(object);
    inner
        .and_then(|inner| json::id(inner.get("id")?))
        .or_else(|| json::id(of.get(plain)?))
        // Some lists give only the identity where others give the whole object.
        .or_else(|| json::id(inner?))
}

/// The first ten characters of what begins with a date. Nothing is null; any other shape stays as it came,
/// because a revocation that cannot be read must not look like none.
fn day(value: &Value) -> Value {
    match value {
        Value::Bool(false) => Value::Null,
        Value::String(text) => match text.trim() {
            "" => Value::Null,
            text if time::begins_with_date(text) => Value::from(&text[..10]),
            text => Value::from(text),
        },
        other => other.clone(),
    }
}

/// A moment, to the second and in UTC; otherwise as [`day`].
fn moment(value: &Value) -> Value {
    match value.as_str().and_then(time::parse) {
        Some(seconds) => Value::from(time::text(seconds)),
        None => match value {
            Value::String(text) if text.trim().is_empty() => Value::Null,
            other => other.clone(),
        },
    }
}

/// Text, a number as text, or the identity of an object.
fn identity(value: &Value) -> Value {
    let text = json::id(value.get("id").unwrap_or(value));
    match (text, value) {
        (Some(text), _) => Value::String(text),
        (None, Value::String(_) | Value::Bool(false)) => Value::Null,
        (None, other) => other.clone(),
    }
}
