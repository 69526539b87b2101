//! Finding users, and all of them as a stream.
//!
//! Engagedly finds by e-mail address only; by employee ID everybody is gone through, once for all values of
//! a call.

use matricula_sdk::{Context, Failure, FailureKind, Found, Item, Page, Read, Result, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api;
use crate::listing::{self, LARGEST, identity, repeated};
use crate::users;

const USERS: &str = "users";
const REMOTE_ID: &str = "remote-id";

/// The path of one user.
pub(crate) fn path(id: &str) -> String {
    format!("{USERS}/{}", api::encode(id))
}

/// One user, the manager with it; none if there is no such user.
pub(crate) fn user(cx: &Context<'_>, id: &str) -> Result<Option<Value>> {
    api::get_if_there(cx, &format!("{}?include=primary_reporter", path(id)))
}

pub(crate) fn find(
    cx: &Context<'_>,
    attribute: &str,
    values: &[String],
) -> Result<Vec<Vec<Found>>> {
    let users: Vec<Vec<Value>> = match attribute {
        REMOTE_ID => {
            let one = |id: &String| match id.trim() {
                "" => Ok(Vec::new()),
                id => Ok(user(cx, id)?.into_iter().collect()),
            };
            values.iter().map(one).collect::<Result<_>>()?
        }
        "email" => {
            let one = |email: &String| by_email(cx, email.trim());
            values.iter().map(one).collect::<Result<_>>()?
        }
        "employee_id" => by_employee_id(cx, values)?,
        other => {
            return Err(Failure::new(
                FailureKind::Internal,
                format!("users in Engagedly cannot be found by {other}"),
            )
            .code("not-offered"));
        }
    };
    let found = |user: Value| {
        Some(Found {
            remote_id: identity(&user)?,
            data: Value::Object(users::attributes(&user)).to_string(),
        })
    };
    Ok(users
        .into_iter()
        .map(|list| list.into_iter().filter_map(found).collect())
        .collect())
}

/// The users with an e-mail address, compared without regard to case.
pub(crate) fn by_email(cx: &Context<'_>, email: &str) -> Result<Vec<Value>> {
    if email.is_empty() {
        return Ok(Vec::new());
    }
    let query = format!("&include=primary_reporter&email={}", api::encode(email));
    let mut users = listing::page(cx, USERS, &query, 1, LARGEST)?.entries;
    let wanted = email.to_lowercase();
    users.retain(|user| {
        let held = user.get("email").and_then(json::text);
        held.is_some_and(|held| held.to_lowercase() == wanted)
    });
    Ok(users)
}

fn by_employee_id(cx: &Context<'_>, values: &[String]) -> Result<Vec<Vec<Value>>> {
    let mut found: Vec<Vec<Value>> = vec![Vec::new(); values.len()];
    if values.iter().all(|value| value.trim().is_empty()) {
        return Ok(found);
    }
    let mut seen = std::collections::HashSet::new();
    listing::all(cx, USERS, |user| {
        let Some(held) = user.get("employee_id").and_then(json::id) else {
            return;
        };
        // A list that moves while it is read shows some users twice.
        if !identity(&user).is_some_and(|id| seen.insert(id)) {
            return;
        }
        for (value, users) in values.iter().zip(&mut found) {
            if held == value.trim() {
                users.push(user.clone());
            }
        }
    })
    .map_err(|failure| match failure.code.as_deref() {
        Some("too-many-pages") => Failure::new(
            FailureKind::Config,
            "Engagedly has too many users to find single ones by employee ID, since only e-mail addresses can be \
             searched for there: let the automation recognise people by e-mail address",
        )
        .code("too-many-pages"),
        _ => failure,
    })?;
    Ok(found)
}

/// Where a reading of all users has got to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    page: u32,
    /// It must not change on the way.
    size: u32,
    seen: u64,
    /// The first user of the page before.
    first: Option<String>,
}

/// One page of all users, blocked ones too.
pub(crate) fn accounts(cx: &Context<'_>, read: &Read) -> Result<Page> {
    let mut at: Position = match &read.position {
        Some(position) => json::token("position", position)?,
        None => Position {
            page: 1,
            size: read.limit.clamp(1, LARGEST),
            seen: 0,
            first: None,
        },
    };
    let wants =
        |name: &str| read.attributes.is_empty() || read.attributes.iter().any(|a| a == name);
    let query = match wants("manager") {
        true => "&include=primary_reporter",
        false => "",
    };
    let listing = listing::page(cx, USERS, query, at.page, at.size)?;
    let first = listing.entries.first().and_then(identity);
    if first.is_some() && first == at.first {
        return Err(repeated("users"));
    }
    let items: Vec<Item> = listing
        .entries
        .iter()
        .filter_map(|user| {
            let mut data = users::attributes(user);
            data.retain(|name, _| wants(name));
            Some(Item {
                key: identity(user)?,
                deleted: false,
                data: Value::Object(data).to_string(),
            })
        })
        .collect();
    at.seen += items.len() as u64;
    at.page += 1;
    at.first = first;
    let next = match listing.more {
        true => Some(json::to_token("position", &at)?),
        false => None,
    };
    Ok(Page {
        items,
        complete: next.is_none() && listing.total.is_none_or(|total| at.seen >= total),
        next,
        state: None,
        total: listing.total,
    })
}
