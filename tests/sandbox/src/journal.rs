//! What the fakes were asked, in order.
//!
//! A request is entered when it has arrived whole and completed when its answer is decided, so a
//! test that kills the client in between still finds it here, with `status: None`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::lock;
use crate::system::System;

/// What a request is for, which is what tests count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A request for an access token.
    Token,
    /// A page of a list: employees, SCIM users and groups, customers, participations, documents. A search
    /// with a filter is a page too.
    Page,
    /// Any other read.
    Read,
    /// POST, PUT, PATCH or DELETE of an account or a group, POST of a document.
    Write,
}

/// What a request did to accounts or groups of a target, or to documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// An account came into being.
    Created,
    /// An account was changed.
    Updated,
    /// A write that left everything as it was.
    Unchanged,
    /// An account was deleted.
    Deleted,
    /// A group came into being, was changed or was deleted.
    Grouped,
    /// A document came into being in an employee's file.
    Stored,
}

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Grows by one with each request to any of the systems; the first is 1. Never reused.
    pub number: u64,
    /// Who was asked.
    pub system: System,
    /// What for.
    pub kind: Kind,
    /// How many requests of this kind the system has had, this one included, since the start or the
    /// last `Journal::clear`.
    pub nth: u64,
    /// The HTTP method.
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// Time since the sandbox started, in milliseconds.
    pub at_ms: u64,
    /// The status answered; `None` while in progress, or when the connection was closed without one.
    pub status: Option<u16>,
    /// What the request did to an account or a document; decided by the handling, even if the answer was lost.
    pub effect: Option<Effect>,
    /// The same for each operation of a bulk request; empty for any other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bulk: Vec<Effect>,
    /// The name of the fault that was played on this request.
    pub fault: Option<&'static str>,
    /// The value of `X-Personio-App-ID`.
    pub app_id: Option<String>,
    /// The bodies, if the journal was asked to keep them.
    #[serde(skip)]
    pub bodies: Option<Bodies>,
}

/// The bodies of one request.
#[derive(Clone, Debug, Default)]
pub struct Bodies {
    /// What was sent; empty for a form with files.
    pub request: Bytes,
    /// What the handler answered, before any fault spoilt it; empty for a file.
    pub response: Bytes,
}

/// Sums over the journal since the start or the last `Journal::clear`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests to each system.
    pub requests: Counts,
    /// Write requests to each system, whatever was answered.
    pub writes: Counts,
    /// Token requests to each system.
    pub tokens: Counts,
    /// Pages asked of each system.
    pub pages: Counts,
    /// Accounts that came into being.
    pub created: u64,
    /// Writes that changed an account.
    pub updated: u64,
    /// Writes that left an account as it was.
    pub unchanged: u64,
    /// Accounts that were deleted.
    pub deleted: u64,
    /// Changes to groups.
    pub grouped: u64,
    /// Documents that came into being.
    pub stored: u64,
    /// Answers with status 429.
    pub limited: u64,
    /// Faults played.
    pub faults: u64,
}

/// A number for each system. As JSON, an object by the systems' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; System::ALL.len()]);

impl Counts {
    /// The number of one system.
    pub fn of(&self, system: System) -> u64 {
        self.0.get(system.index()).copied().unwrap_or_default()
    }

    fn add(&mut self, system: System) {
        if let Some(count) = self.0.get_mut(system.index()) {
            *count += 1;
        }
    }
}

impl Serialize for Counts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(System::ALL.into_iter().zip(self.0))
    }
}

/// The journal; clones show the same entries.
#[derive(Clone)]
pub struct Journal {
    started: Instant,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    /// Entries removed by `clear`; the number of the entry at index 0 is this plus one.
    forgotten: u64,
    entries: Vec<Entry>,
    nth: HashMap<(System, Kind), u64>,
    stats: Stats,
    keep_bodies: bool,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            inner: Arc::default(),
        }
    }
}

impl Journal {
    /// All entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.inner).entries.clone()
    }

    /// The entries with a greater number.
    pub fn since(&self, number: u64) -> Vec<Entry> {
        let inner = lock(&self.inner);
        let skip = usize::try_from(number.saturating_sub(inner.forgotten)).unwrap_or(usize::MAX);
        inner.entries.iter().skip(skip).cloned().collect()
    }

    /// How many entries satisfy a condition.
    pub fn count(&self, condition: impl Fn(&Entry) -> bool) -> usize {
        lock(&self.inner)
            .entries
            .iter()
            .filter(|e| condition(e))
            .count()
    }

    /// The number of the newest entry; 0 before the first.
    pub fn last_number(&self) -> u64 {
        let inner = lock(&self.inner);
        inner.forgotten + inner.entries.len() as u64
    }

    /// Sums since the start or the last `clear`.
    pub fn stats(&self) -> Stats {
        lock(&self.inner).stats.clone()
    }

    /// Requests that a system has had.
    pub fn requests(&self, system: System) -> u64 {
        lock(&self.inner).stats.requests.of(system)
    }

    /// Write requests that a system has had, whatever was answered.
    pub fn writes(&self, system: System) -> u64 {
        lock(&self.inner).stats.writes.of(system)
    }

    /// Accounts that came into being.
    pub fn creates(&self) -> u64 {
        lock(&self.inner).stats.created
    }

    /// Forgets all entries and sums; numbers go on growing, `nth` starts over.
    pub fn clear(&self) {
        let mut inner = lock(&self.inner);
        inner.forgotten += inner.entries.len() as u64;
        inner.entries = Vec::new();
        inner.nth.clear();
        inner.stats = Stats::default();
    }

    /// Whether the bodies of the requests that follow are kept. Off at first.
    pub fn keep_bodies(&self, keep: bool) {
        lock(&self.inner).keep_bodies = keep;
    }

    /// Enters a request and returns a copy of its entry.
    pub(crate) fn begin(
        &self,
        system: System,
        kind: Kind,
        method: &str,
        target: &str,
        app_id: Option<String>,
        body: &Bytes,
    ) -> Entry {
        let at_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut inner = lock(&self.inner);
        let nth = inner.nth.entry((system, kind)).or_insert(0);
        *nth += 1;
        let nth = *nth;
        inner.stats.requests.add(system);
        match kind {
            Kind::Token => inner.stats.tokens.add(system),
            Kind::Page => inner.stats.pages.add(system),
            Kind::Write => inner.stats.writes.add(system),
            Kind::Read => {}
        }
        let bodies = inner.keep_bodies.then(|| Bodies {
            request: body.clone(),
            response: Bytes::new(),
        });
        let entry = Entry {
            number: inner.forgotten + inner.entries.len() as u64 + 1,
            system,
            kind,
            nth,
            method: method.to_owned(),
            target: target.to_owned(),
            at_ms,
            status: None,
            effect: None,
            bulk: Vec::new(),
            fault: None,
            app_id,
            bodies,
        };
        inner.entries.push(entry.clone());
        entry
    }

    /// Completes an entry with what is known about it now.
    pub(crate) fn finish(&self, entry: &Entry) {
        let mut inner = lock(&self.inner);
        let stats = &mut inner.stats;
        for effect in entry.effect.iter().chain(&entry.bulk) {
            let count = match effect {
                Effect::Created => &mut stats.created,
                Effect::Updated => &mut stats.updated,
                Effect::Unchanged => &mut stats.unchanged,
                Effect::Deleted => &mut stats.deleted,
                Effect::Grouped => &mut stats.grouped,
                Effect::Stored => &mut stats.stored,
            };
            *count += 1;
        }
        if entry.status == Some(429) {
            inner.stats.limited += 1;
        }
        if entry.fault.is_some() {
            inner.stats.faults += 1;
        }
        let Some(index) = entry.number.checked_sub(inner.forgotten + 1) else {
            return;
        };
        if let Some(place) = usize::try_from(index)
            .ok()
            .and_then(|i| inner.entries.get_mut(i))
        {
            *place = entry.clone();
        }
    }

    /// Notes that the answer to a completed request was never sent.
    pub(crate) fn lose(&self, number: u64) {
        let mut inner = lock(&self.inner);
        let index = number
            .checked_sub(inner.forgotten + 1)
            .and_then(|i| usize::try_from(i).ok());
        if let Some(entry) = index.and_then(|i| inner.entries.get_mut(i)) {
            entry.status = None;
        }
    }

    /// Time since the sandbox started.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
