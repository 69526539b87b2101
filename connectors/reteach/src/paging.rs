//! Lists of the REST API, page by page.
//!
//! Pages are numbered. The published description does not say whether `resultCount` counts the page or the
//! whole list, nor what the largest page is, so a reading ends only where that is certain: at an empty page,
//! or at a count that is larger than a page. A list that grows meanwhile shows some entries twice; the host
//! knows by key what it has had.

use matricula_sdk::{Failure, FailureKind, Result, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rest;

/// The most entries asked for at once, as the manifest says.
const LARGEST_PAGE: u32 = 100;

/// What the API sends when no size is asked for, so no page that is not the last is smaller.
const DEFAULT_PAGE: u64 = 25;

/// Where a reading of a list has got to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Walk {
    page: u32,
    /// The size of a page must not change on the way.
    limit: u32,
    /// How many entries have come, whatever became of them.
    seen: u64,
    /// How many there are, once that is certain.
    total: Option<u64>,
    /// Something happened that makes the reading less than whole.
    doubt: bool,
    /// The first entry of the page before.
    first: Option<String>,
    /// What the page before announced.
    count: Option<u64>,
}

impl Walk {
    pub(crate) fn begin(limit: u32) -> Self {
        Self {
            page: 1,
            limit: limit.clamp(1, LARGEST_PAGE),
            seen: 0,
            total: None,
            doubt: false,
            first: None,
            count: None,
        }
    }

    /// What is to be asked for.
    pub(crate) fn query(&self) -> String {
        format!("limit={}&page={}", self.limit, self.page)
    }

    /// Takes the page that was asked for: its entries, called `what`, and whether it was the last.
    pub(crate) fn take<'a>(
        &mut self,
        answer: &'a Value,
        what: &str,
    ) -> Result<(&'a [Value], bool)> {
        let entries = rest::list(answer, what)?;
        let came = entries.len() as u64;
        let count = answer.get("resultCount").and_then(whole);
        let first = entries.first().and_then(|entry| json::id(entry.get("id")?));
        if first.is_some() && first == self.first && count == self.count {
            return Err(Failure::new(
                FailureKind::Protocol,
                format!("reteach sends the same page of {what} again and again"),
            )
            .code("repeated-page"));
        }

        self.seen += came;
        let total = count.filter(|count| *count > came).or(self.total);
        self.doubt |= self.total.is_some() && self.total != total;
        self.total = total;
        self.first = first;
        self.count = count;
        self.page += 1;
        let nothing_left = came < DEFAULT_PAGE.min(self.limit.into()) && count == Some(came);
        let ended = came == 0 || nothing_left || total.is_some_and(|total| self.seen >= total);
        Ok((entries, ended))
    }

    /// An entry could not be handed on.
    pub(crate) fn doubt(&mut self) {
        self.doubt = true;
    }

    /// Whether as much came as was announced, all of which could be handed on. Asked after the last page.
    pub(crate) fn is_whole(&self) -> bool {
        !self.doubt && self.seen == self.total.unwrap_or(self.seen)
    }

    pub(crate) fn total(&self) -> Option<u64> {
        self.total
    }
}

/// A number of things, also where it comes as text.
fn whole(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}
