//! Lists: pages of at most 50, numbered from 1.

use matricula_sdk::{Context, Failure, FailureKind, Result, json};
use serde_json::Value;

use crate::api;
use crate::refusal::Doing;

/// The most entries in a page; more is refused with 400.
pub(crate) const LARGEST: u32 = 50;

/// The most pages that one call goes through: less than a call may send requests.
const PAGES: u32 = 150;

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Value>,
    /// How many there are in all, if it says.
    pub(crate) total: Option<u64>,
    /// Whether there are more pages.
    pub(crate) more: bool,
}

/// A page of what is at `path`. `query` is added as it is.
pub(crate) fn page(
    cx: &Context<'_>,
    path: &str,
    query: &str,
    page: u32,
    size: u32,
) -> Result<Listing> {
    read(cx, path, query, page, size)?.ok_or_else(|| {
        Failure::new(
            FailureKind::Protocol,
            format!("Engagedly's API has no {path} (status 404)"),
        )
        .code("404")
    })
}

/// As [`page`]; none where the API has no such list.
fn read(
    cx: &Context<'_>,
    path: &str,
    query: &str,
    page: u32,
    size: u32,
) -> Result<Option<Listing>> {
    let response = api::send(
        cx,
        "GET",
        &format!("{path}?page={page}&size={size}{query}"),
        None,
    )?;
    if response.status == 404 {
        return Ok(None);
    }
    let mut answer = api::answer(&response, Doing::Reading)?;
    let entries = answer.get_mut("data").map_or(Value::Null, Value::take);
    let entries = api::list(entries, path)?;
    let pagination = &answer["pagination"];
    let more = match pagination["has_more"].as_bool() {
        Some(more) => more && !entries.is_empty(),
        None => entries.len() as u64 >= u64::from(size),
    };
    Ok(Some(Listing {
        total: pagination["total_records"].as_u64(),
        more,
        entries,
    }))
}

/// Every entry of a list; none where the API has no such list.
pub(crate) fn all(
    cx: &Context<'_>,
    path: &str,
    mut visit: impl FnMut(Value),
) -> Result<Option<()>> {
    let mut before: Option<String> = None;
    for number in 1..=PAGES {
        let Some(listing) = read(cx, path, "", number, LARGEST)? else {
            return Ok(None);
        };
        let first = listing.entries.first().and_then(identity);
        if first.is_some() && first == before {
            return Err(repeated(path));
        }
        before = first;
        listing.entries.into_iter().for_each(&mut visit);
        if !listing.more {
            return Ok(Some(()));
        }
    }
    Err(Failure::new(
        FailureKind::Protocol,
        format!("Engagedly has more than {PAGES} pages of {path}"),
    )
    .code("too-many-pages"))
}

/// The identifier of an entry, be it a number or a text.
pub(crate) fn identity(entry: &Value) -> Option<String> {
    json::id(entry.get("id")?)
}

pub(crate) fn repeated(what: &str) -> Failure {
    Failure::new(
        FailureKind::Protocol,
        format!("Engagedly sends the same page of {what} again and again"),
    )
    .code("repeated-page")
}
