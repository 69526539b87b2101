//! Employees, page by page.
//!
//! **Incremental reads** ask for what changed since a moment and for who is gone (`updated_after` with
//! `include_deleted`). That moment is the former read's first call, less [`OVERLAP`]: Kombo writes down what a sync
//! found while the sync is still going on, and its clock is not ours. What comes twice is the same to the host.
//!
//! **A full read is complete** once Kombo has no further page, unless its data is known to be out of date
//! (`data_expired_at`): then who is missing may only not have been read yet, and a field that has just been let
//! through is null with everybody until Kombo has read it. So who is missing is not taken for gone, and null not
//! for empty. Who is deleted is not asked for, since absence says it.
//!
//! **A cursor that Kombo no longer knows** starts the walk anew; the host knows by key whom it has had.

use matricula_sdk::{Context, FailureKind, Page, Read, Result, json, time};
use serde::{Deserialize, Serialize};

use crate::api::{self, Listed};
use crate::integration::Integration;
use crate::{failures, record};

/// How far before the former read's beginning the next one starts, in milliseconds.
const OVERLAP: u64 = 10 * 60 * 1000;

/// The most employees in a page that Kombo allows.
const LARGEST_PAGE: u32 = 250;

/// How often a walk may start anew.
const RESTARTS: u32 = 2;

/// Where a reading has got to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Position {
    cursor: Option<String>,
    /// When the reading began, Unix milliseconds.
    began: u64,
    /// Attributes that the connection does not deliver.
    undelivered: Vec<String>,
    /// Whether Kombo's data was known to be out of date.
    stale: bool,
    /// Whether somebody came without an identity.
    unnamed: bool,
    restarts: u32,
}

/// Where an incremental read starts.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// Unix milliseconds.
    after: u64,
}

/// One page.
pub(crate) fn read(cx: &Context<'_>, read: &Read) -> Result<Page> {
    let since: Option<State> = match &read.state {
        Some(state) => Some(json::token("state", state)?),
        None => None,
    };
    let mut at: Position = match &read.position {
        Some(position) => json::token("position", position)?,
        None => begin(cx, read)?,
    };
    let listed = match api::list(cx, &path(&at, since.as_ref(), read.limit)) {
        // Nothing else in the question can be wrong.
        Err(failure)
            if at.cursor.is_some()
                && at.restarts < RESTARTS
                && matches!(
                    failure.kind,
                    FailureKind::Protocol | FailureKind::NotFound | FailureKind::Input
                )
                && failure.code.as_deref() != Some("no-list") =>
        {
            at.cursor = None;
            at.restarts += 1;
            return Ok(Page {
                next: Some(json::to_token("position", &at)?),
                ..Page::default()
            });
        }
        other => other?,
    };

    let Listed { results, next } = listed;
    let mut items = Vec::with_capacity(results.len());
    for employee in &results {
        let delivered = read
            .attributes
            .iter()
            .map(String::as_str)
            .filter(|name| !at.undelivered.iter().any(|missing| missing == name));
        match record::item(employee, delivered, at.stale) {
            // Without an identity nobody can be told from another: absence means nothing then.
            None => at.unnamed = true,
            Some(item) => items.push(item),
        }
    }
    let mut page = Page {
        items,
        ..Page::default()
    };
    match next {
        Some(_) => {
            at.cursor = next;
            page.next = Some(json::to_token("position", &at)?);
        }
        None => {
            page.complete = since.is_none() && !at.stale && !at.unnamed;
            let state = State {
                after: at.began.saturating_sub(OVERLAP),
            };
            page.state = Some(json::to_token("state", &state)?);
        }
    }
    Ok(page)
}

fn begin(cx: &Context<'_>, read: &Read) -> Result<Position> {
    let integration = Integration::get(cx)?;
    // Kombo goes on giving out what it read before: whoever left since would keep their access, and nobody be told.
    if integration.status == "INVALID" {
        return Err(failures::of_code("INTEGRATION.AUTHENTICATION_INVALID"));
    }
    let undelivered = integration.undelivered(&read.attributes);
    Ok(Position {
        cursor: None,
        began: cx.now_ms(),
        undelivered: undelivered
            .into_iter()
            .map(|(name, _)| name.to_owned())
            .collect(),
        stale: integration.data_expired_at.is_some(),
        unnamed: false,
        restarts: 0,
    })
}

fn path(at: &Position, since: Option<&State>, limit: u32) -> String {
    let mut path = format!("hris/employees?page_size={}", limit.clamp(1, LARGEST_PAGE));
    if let Some(State { after }) = since {
        let seconds = i64::try_from(after / 1000).unwrap_or(i64::MAX);
        let moment = time::text(seconds).replace('Z', ".000Z");
        path.push_str("&updated_after=");
        path.push_str(&api::encoded(&moment));
        path.push_str("&include_deleted=true");
    }
    if let Some(cursor) = &at.cursor {
        path.push_str("&cursor=");
        path.push_str(&api::encoded(cursor));
    }
    path
}
