//! Reading the employees page by page.
//!
//! **When a read ends.** The offset goes on by as many records as came, not by as many as were asked for, so
//! that a short page leaves no gap. The read ends at the announced total, or at an empty page, whichever
//! comes first; where no total is announced, also at a page with nobody new. So it cannot loop.
//!
//! **When it was the whole population.** The host takes people who are missing from a whole read for
//! leavers, so `complete` must not be said lightly. Offsets run over a list that lives: who is hired, deleted
//! or sorts elsewhere while we read (the list is not in the order of identifiers) moves everybody behind
//! them, and a person is read twice or never. `complete` is said only if
//!
//! - every page announced the same total, and no employee came without an identifier;
//! - nobody came twice, within a page or across pages: a second coming of one means that another has slipped
//!   past. Who has been seen travels in the position ([`crate::seen`]), all of them while that is
//!   small, and the previous page always;
//! - as many people came as were announced, and at least one: a company without employees is a credential
//!   that lost its rights.
//!
//! What this cannot see: between two requests somebody already read is deleted while somebody else is hired
//! behind the offset. Then one person is overlooked once; the host needs two whole reads to believe it.
//!
//! **Where the next incremental read starts.** At the *start* of this one, which is therefore in the position,
//! less an overlap: Personio was seen to report changes 45 minutes late, so twice that; and
//! `updated_since` has no zone, nothing says whether it is read as UTC or as the account's time, so for an
//! account west of Greenwich, which the offsets in its dates give away, as much again as it is west.
//! Who is reported twice costs nothing: the host writes only differences. An incremental read that was not
//! whole hands back the state it was given, and the next one asks again.

use std::collections::BTreeMap;

use matricula_sdk::{Context, Item, Page, Read, Result, json};
use serde::{Deserialize, Serialize};

use crate::answer::{self, Answer};
use crate::failures::{self, Right};
use crate::records::{Record, RecordSeed, Wanted};
use crate::seen::{Seen, Written};
use crate::{BASE, time, universal};

/// The most employees that Personio puts on a page.
pub(crate) const PAGE: u32 = 100;

/// How late Personio may report a change: twice of what was seen.
const LATE_MS: u64 = 90 * 60 * 1000;

/// Where a read goes on.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    /// How many records have come, with repetitions.
    offset: u64,
    /// When the read began, Unix milliseconds.
    began: u64,
    /// What the first page announced.
    total: Option<u64>,
    /// How many different people have come.
    people: u64,
    /// Something happened that makes the read less than whole.
    doubt: bool,
    /// How far west the account is, in minutes.
    west: u16,
    /// Everybody so far, within bounds.
    seen: Written,
    /// The previous page.
    last: Written,
    /// Under which keys the account keeps attributes that have a universal name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    keys: BTreeMap<String, String>,
}

/// Where an incremental read starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    /// `YYYY-MM-DDTHH:MM:SS`, as Personio takes it.
    since: String,
    /// How far west the account is, in minutes; an incremental read without people shows no dates.
    #[serde(default, skip_serializing_if = "is_zero")]
    west: u16,
}

fn is_zero(minutes: &u16) -> bool {
    *minutes == 0
}

/// The address of a page.
pub(crate) fn address(limit: u32, offset: u64, attributes: &str) -> String {
    format!("{BASE}/company/employees?limit={limit}&offset={offset}{attributes}")
}

/// Reads one page.
pub(crate) fn read(cx: &Context<'_>, read: &Read) -> Result<Page> {
    let since: Option<State> = read
        .state
        .as_deref()
        .map(|state| json::token("state", state))
        .transpose()?;
    let position: Option<Position> = read
        .position
        .as_deref()
        .map(|position| json::token("position", position))
        .transpose()?;

    let keys = match &position {
        Some(position) => position.keys.clone(),
        None => universal::keys(cx, &read.attributes)?,
    };
    let wanted = Wanted::new(&read.attributes, &keys);
    let offset = position.as_ref().map_or(0, |position| position.offset);
    let mut url = address(read.limit.clamp(1, PAGE), offset, &wanted.query());
    if let Some(state) = &since {
        url.push_str("&updated_since=");
        url.push_str(&state.since);
    }
    let answer = answer::get(cx, Right::ReadEmployees, url, RecordSeed(&wanted))?;

    let mut walk = match position {
        Some(position) => Walk::resume(&position)?,
        None => Walk::begin(cx.now_ms(), since.as_ref(), answer.total, keys),
    };
    let total = answer.total;
    let (items, over) = walk.take(answer)?;
    if !over {
        let next = Some(json::to_token("position", &walk.position())?);
        return Ok(Page {
            items,
            next,
            total,
            ..Page::default()
        });
    }
    let whole = walk.is_whole(total);
    let state = if since.is_none() || whole {
        Some(json::to_token("state", &walk.state())?)
    } else {
        read.state.clone()
    };
    Ok(Page {
        items,
        next: None,
        state,
        complete: since.is_none() && whole && walk.people > 0,
        total,
    })
}

/// A read under way.
struct Walk {
    offset: u64,
    began: u64,
    total: Option<u64>,
    people: u64,
    doubt: bool,
    west: u16,
    seen: Seen,
    last: Seen,
    keys: BTreeMap<String, String>,
}

impl Walk {
    fn begin(
        now_ms: u64,
        since: Option<&State>,
        total: Option<u64>,
        keys: BTreeMap<String, String>,
    ) -> Self {
        Self {
            offset: 0,
            began: now_ms,
            total,
            people: 0,
            doubt: false,
            west: since.map_or(0, |state| state.west),
            seen: Seen::default(),
            last: Seen::default(),
            keys,
        }
    }

    fn resume(position: &Position) -> Result<Self> {
        Ok(Self {
            offset: position.offset,
            began: position.began,
            total: position.total,
            people: position.people,
            doubt: position.doubt,
            west: position.west,
            seen: Seen::read(&position.seen)?,
            last: Seen::read(&position.last)?,
            keys: position.keys.clone(),
        })
    }

    /// The people of a page who have not come before, and whether that was the last page.
    fn take(&mut self, answer: Answer<Record>) -> Result<(Vec<Item>, bool)> {
        let came = answer.data.len() as u64;
        let mut items = Vec::with_capacity(answer.data.len());
        let mut new: Vec<u64> = Vec::with_capacity(answer.data.len());
        for record in answer.data {
            self.west = self.west.max(record.west);
            match record.id {
                Some(id)
                    if !self.seen.contains(id) && !self.last.contains(id) && !new.contains(&id) =>
                {
                    new.push(id);
                    items.push(Item {
                        key: id.to_string(),
                        deleted: false,
                        data: record.data,
                    });
                }
                // Somebody twice, or somebody without a name in this system: nothing to hand on, but the
                // read is no longer whole.
                _ => self.doubt = true,
            }
        }
        self.people += items.len() as u64;
        if came > 0 && self.people == 0 {
            return Err(failures::nobody_has_an_id());
        }
        self.doubt |= answer.total.is_none() || answer.total != self.total;
        self.offset += came;
        let over = came == 0
            || match answer.total {
                Some(total) => self.offset >= total,
                None => items.is_empty(),
            };
        self.seen.extend(new.iter().copied());
        self.last = Seen::default();
        self.last.extend(new);
        Ok((items, over))
    }

    fn is_whole(&self, total: Option<u64>) -> bool {
        !self.doubt && total == Some(self.people)
    }

    fn state(&self) -> State {
        let overlap = LATE_MS + u64::from(self.west) * 60_000;
        State {
            since: time::text(self.began.saturating_sub(overlap)),
            west: self.west,
        }
    }

    fn position(self) -> Position {
        Position {
            offset: self.offset,
            began: self.began,
            total: self.total,
            people: self.people,
            doubt: self.doubt,
            west: self.west,
            seen: self.seen.write(),
            last: self.last.write(),
            keys: self.keys,
        }
    }
}
