//! People and teams as the REST API lists them.
//!
//! Published are the addresses and the frame of an answer, `{"data": […], "pagination": {…}}`. What the
//! pagination holds is not published, nor how the next page is asked for, nor what the fields of an entry are
//! called. So nothing is guessed that could go wrong unseen: an address of the next page is followed if the
//! answer gives one, a number of entries that is larger than what came makes the reading incomplete, and so does
//! a pagination that says neither; fields are taken by whichever of their usual names is there.

use matricula_sdk::{Context, Failure, FailureKind, Item, Page, Read, Result, json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::rest;

/// A list of the API.
pub(crate) struct List {
    /// Its path.
    path: &'static str,
    /// What its entries are called, for messages.
    what: &'static str,
    /// Attributes and the names that their fields may have; the first is the key.
    fields: &'static [(&'static str, &'static [&'static str])],
}

const ID: &[&str] = &["id", "userId", "teamId", "uuid"];

/// `/users/v2`.
pub(crate) const PEOPLE: List = List {
    path: "users/v2",
    what: "people",
    fields: &[
        ("id", ID),
        ("email", &["email", "emailAddress", "userName"]),
        ("first_name", &["firstName", "givenName"]),
        ("last_name", &["lastName", "familyName"]),
    ],
};

/// `/teams/v2`.
pub(crate) const TEAMS: List = List {
    path: "teams/v2",
    what: "teams",
    fields: &[
        ("id", ID),
        ("name", &["name", "displayName"]),
        ("type", &["teamType", "type"]),
        ("category", &["category"]),
    ],
};

/// Where a reading has got to.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Walk {
    /// Path and query of the next page.
    next: String,
    /// How many entries have come.
    seen: u64,
    /// Some entry could not be handed on.
    doubt: bool,
}

/// One page of a list.
pub(crate) fn read(cx: &Context<'_>, list: &List, read: &Read) -> Result<Page> {
    if !rest::is_set_up(cx) {
        let message = format!("{} are {}", list.what, rest::TO_ENTER);
        return Err(Failure::new(FailureKind::Config, message).code("no-api-credentials"));
    }
    let mut walk = match &read.position {
        Some(position) => json::token("position", position)?,
        None => Walk {
            next: list.path.to_owned(),
            seen: 0,
            doubt: false,
        },
    };
    let answer = rest::get(cx, &walk.next)?;
    let entries = entries(&answer, list)?;
    let mut items = Vec::with_capacity(entries.len());
    for entry in entries {
        match item(entry, list, &read.attributes) {
            Some(item) => items.push(item),
            None => walk.doubt = true,
        }
    }
    walk.seen += entries.len() as u64;
    let total = total(&answer);
    let mut page = Page {
        items,
        total,
        ..Page::default()
    };
    match next(&answer) {
        // The same page again would never end.
        Some(next) if next != walk.next && !entries.is_empty() => {
            walk.next = next;
            page.next = Some(json::to_token("position", &walk)?);
        }
        _ => {
            let all = match total {
                Some(total) => walk.seen >= total,
                None => is_last(&answer),
            };
            page.complete = !walk.doubt && all;
        }
    }
    Ok(page)
}

/// How many entries a list has, where the answer tells, else how many came on its first page.
pub(crate) fn count(cx: &Context<'_>, list: &List) -> Result<u64> {
    let answer = rest::get(cx, list.path)?;
    let came = entries(&answer, list)?.len() as u64;
    Ok(total(&answer).unwrap_or(came))
}

fn entries<'a>(answer: &'a Value, list: &List) -> Result<&'a [Value]> {
    let entries = answer.get("data").unwrap_or(answer).as_array();
    entries.map(Vec::as_slice).ok_or_else(|| {
        let what = format!(
            "Winningtemp sent something else than a list of {}",
            list.what
        );
        Failure::new(FailureKind::Protocol, what).code("no-list")
    })
}

/// None without an identity.
fn item(entry: &Value, list: &List, attributes: &[String]) -> Option<Item> {
    let key = list
        .fields
        .first()
        .and_then(|(_, names)| field(entry, names))
        .and_then(json::id)?;
    let mut data = Map::new();
    for (attribute, names) in list.fields {
        let wanted = attributes.is_empty() || attributes.iter().any(|a| a == attribute);
        if wanted && let Some(value) = field(entry, names) {
            let text = json::id(value).map_or(Value::Null, Value::String);
            data.insert((*attribute).to_owned(), text);
        }
    }
    Some(Item {
        key,
        deleted: false,
        data: Value::Object(data).to_string(),
    })
}

/// What has the first of these names that is there, in whatever case.
fn field<'a>(object: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let object = object.as_object()?;
    names.iter().find_map(|name| {
        let found = object
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    })
}

fn total(answer: &Value) -> Option<u64> {
    let names = ["totalCount", "totalRecords", "totalItems", "total"];
    field(answer.get("pagination")?, &names)?.as_u64()
}

const NEXT: [&str; 4] = ["next", "nextPage", "nextPageUrl", "nextLink"];

/// Whether an answer without a number of entries says that nothing follows: it has no pages, or no next one.
fn is_last(answer: &Value) -> bool {
    match answer.get("pagination") {
        None | Some(Value::Null) => true,
        Some(pagination) => field(pagination, &NEXT).is_some_and(Value::is_null),
    }
}

/// Path and query of the next page. An address of another system is none.
fn next(answer: &Value) -> Option<String> {
    let address = json::text(field(answer.get("pagination")?, &NEXT)?)?;
    let path = address.strip_prefix(rest::BASE).unwrap_or(address);
    path.strip_prefix('/').map(str::to_owned)
}
