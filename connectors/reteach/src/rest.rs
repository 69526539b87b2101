//! Reading through reteach's REST API.
//!
//! The API is for one academy: the credential's client id, secret and code stand for it, and the host
//! turns them into a token. Lists come in pages by number. The published description does not say whether
//! `resultCount` counts the page or the whole list, nor what the largest page is, so a reading ends only
//! where that is certain: at an empty page, or at a count that is larger than a page.

use matricula_sdk::{
    Context, Failure, FailureKind, Item, Page, Read, Request, Response, Result, json as body,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) const BASE: &str = "https://api.reteach.io";
pub(crate) const SYSTEM: &str = "reteach";
const LARGEST_PAGE: u32 = 100;
/// What the API sends when no size is asked for, so no page that is not the last is smaller.
const DEFAULT_PAGE: u64 = 25;

/// An attribute of a participant and its name in the API.
pub(crate) const CUSTOMER: &[(&str, &str)] = &[
    ("id", "id"),
    ("external_id", "externalId"),
    ("user_name", "userName"),
    ("email", "email"),
    ("first_name", "firstName"),
    ("last_name", "lastName"),
    ("display_name", "displayName"),
    ("gender", "gender"),
    ("birth_date", "birthDate"),
    ("language", "language"),
    ("timezone", "timezone"),
    ("company", "company"),
    ("department", "department"),
    ("team", "team"),
    ("location", "location"),
    ("position", "position"),
    ("manager_id", "managerId"),
    ("status", "status"),
    ("user_type", "userType"),
    ("source", "source"),
    ("authentication_method", "authenticationMethod"),
    ("tags", "tags"),
    ("registered_at", "registeredAt"),
    ("last_login_at", "lastLoginAt"),
    ("set_active_at", "setActiveAt"),
    ("set_inactive_at", "setInactiveAt"),
];

/// Whether the credential has what the API needs. The secrets among it are the host's.
pub(crate) fn is_set_up(cx: &Context<'_>) -> bool {
    cx.credential("client_id")
        .is_some_and(|id| !id.trim().is_empty())
}

/// The credential must have what the API needs.
pub(crate) fn demand(cx: &Context<'_>, what: &str) -> Result<()> {
    if is_set_up(cx) {
        return Ok(());
    }
    let message = format!("{what} are {TO_ENTER}");
    Err(Failure::new(FailureKind::Config, message).code("no-api-credentials"))
}

/// What is to be entered where the credential has nothing for the API.
pub(crate) const TO_ENTER: &str = "read through reteach's API: enter Client ID, Client secret and Client code \
    in the credential, which are in reteach under Settings › Integrations › API credentials";

/// The name of the academy that the credential stands for.
pub(crate) fn academy(cx: &Context<'_>) -> Result<Option<String>> {
    let me = get(cx, "me")?;
    Ok(me.get("name").and_then(body::text).map(str::to_owned))
}

/// Where a reading of all participants has got to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    page: u32,
    /// The size of a page must not change on the way.
    limit: u32,
    /// How many participants have been seen.
    seen: u64,
    /// How many there are, once that is certain.
    total: Option<u64>,
    /// The first participant of the page before.
    first: Option<String>,
}

/// One page of the participants.
pub(crate) fn customers(cx: &Context<'_>, read: &Read) -> Result<Page> {
    demand(cx, "participants")?;
    let mut position = match &read.position {
        Some(position) => body::token("position", position)?,
        None => {
            let limit = read.limit.clamp(1, LARGEST_PAGE);
            Position {
                page: 1,
                limit,
                seen: 0,
                total: None,
                first: None,
            }
        }
    };
    let answer = get(
        cx,
        &format!("customer?limit={}&page={}", position.limit, position.page),
    )?;
    let results = list(&answer, "participants")?;

    let came = results.len() as u64;
    let count = answer.get("resultCount").and_then(whole);
    position.total = position.total.or(count.filter(|count| *count > came));
    let items: Vec<Item> = results
        .iter()
        .filter_map(|customer| item(customer, read))
        .collect();
    let first = items.first().map(|item| item.key.clone());
    if first.is_some() && first == position.first {
        return Err(repeated("participants"));
    }

    position.seen += items.len() as u64;
    let all_seen = position.total.is_some_and(|total| position.seen >= total);
    let ended = all_seen || is_last(came, count, position.limit);
    let mut page = Page {
        items,
        total: position.total,
        ..Page::default()
    };
    if ended {
        let total = position.total.unwrap_or(position.seen);
        page.complete = position.seen >= total;
    } else {
        position.page += 1;
        position.first = first;
        page.next = serde_json::to_string(&position).ok();
    }
    Ok(page)
}

/// None without an identity.
fn item(customer: &Value, read: &Read) -> Option<Item> {
    let key = body::id(customer.get("id")?)?;
    let mut data = Map::new();
    for (attribute, name) in CUSTOMER {
        let wanted = read.attributes.is_empty() || read.attributes.iter().any(|a| a == attribute);
        if wanted && let Some(value) = value(customer, attribute, name) {
            data.insert((*attribute).to_owned(), value);
        }
    }
    Some(Item {
        key,
        deleted: false,
        data: Value::Object(data).to_string(),
    })
}

/// None if the API did not send the attribute.
fn value(customer: &Value, attribute: &str, name: &str) -> Option<Value> {
    let text = |value: &Value| body::id(value).map_or(Value::Null, Value::String);
    match attribute {
        "manager_id" => {
            let manager = customer
                .get("manager")
                .filter(|manager| manager.is_object());
            let id = customer.get(name).filter(|id| !id.is_null());
            let given = id.or_else(|| manager.and_then(|m| m.get("id")));
            given
                .or_else(|| customer.get(name))
                .or_else(|| customer.get("manager"))
                .map(text)
        }
        "tags" => {
            let tags = customer.get(name)?;
            let tag = |tag: &Value| body::id(tag.get("name").unwrap_or(tag)).map(Value::String);
            let tags = tags.as_array().into_iter().flatten().filter_map(tag);
            Some(Value::Array(tags.collect()))
        }
        _ => customer.get(name).map(text),
    }
}

/// The list in an answer.
pub(crate) fn list<'a>(answer: &'a Value, of: &str) -> Result<&'a [Value]> {
    let results = answer.get("results").unwrap_or(answer).as_array();
    results.map(Vec::as_slice).ok_or_else(|| {
        Failure::new(
            FailureKind::Protocol,
            format!("reteach sent something else than a list of {of}"),
        )
        .code("no-list")
    })
}

/// A number of things, also where it comes as text.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// Whether no page can follow this one: it is empty, or what it announces is all that came and less than any
/// page that is not the last.
pub(crate) fn is_last(came: u64, count: Option<u64>, limit: u32) -> bool {
    came == 0 || count == Some(came) && came < DEFAULT_PAGE.min(limit.into())
}

/// The API does not heed the number of the page.
pub(crate) fn repeated(of: &str) -> Failure {
    Failure::new(
        FailureKind::Protocol,
        format!("reteach sends the same page of {of} again and again"),
    )
    .code("repeated-page")
}

/// Reads what is at a path of the API.
pub(crate) fn get(cx: &Context<'_>, path: &str) -> Result<Value> {
    let request = Request::get(format!("{BASE}/{path}")).header("accept", "application/json");
    let response = cx
        .send(request)
        .map_err(|error| error.into_failure(SYSTEM, false))?;
    if !response.is_success() {
        return Err(refused(&response));
    }
    body::body(&response, SYSTEM)
}

/// The failure that an answer other than 2xx means.
pub(crate) fn refused(response: &Response) -> Failure {
    let status = response.status;
    let (kind, message) = match status {
        401 => (
            FailureKind::Auth,
            format!(
                "reteach rejected the API credentials (status {status}): enter Client ID, Client secret and \
                 Client code anew, all three of them"
            ),
        ),
        403 => (
            FailureKind::Permission,
            format!("reteach does not allow this with the API credentials (status {status})"),
        ),
        429 => (
            FailureKind::RateLimited,
            format!("reteach asks for fewer requests (status {status}); it is tried again later"),
        ),
        408 | 425 | 500.. => (
            FailureKind::Unavailable,
            format!("reteach could not answer (status {status}); it is tried again later"),
        ),
        _ => (
            FailureKind::Protocol,
            format!("reteach's API answered in a way that is not known here (status {status})"),
        ),
    };
    let failure = Failure::new(kind, message).code(status.to_string());
    match response.retry_after_ms() {
        Some(wait) if matches!(status, 429 | 503) => failure.retry_after_ms(wait),
        _ => failure,
    }
}
