//! Documents: each record of the stream is put into a person's file at the target, once.
//!
//! Read, plan and record as for people; but what is written cannot be taken back. So each document's intent is
//! committed before it is sent ([`send`]), whatever a killed process or a lost answer leaves in doubt is asked
//! of the target ([`doubt`]), and before anything is put into a personnel file it is looked whether it lies
//! there already ([`look`]). Who waits for a person or has failed makes the next cycle full, since the store
//! keeps no record's values.

mod carrier;
mod doubt;
mod listing;
mod look;
mod plan;
mod preview;
mod send;

use std::collections::{HashMap, HashSet};

use matricula_core::connector::Item;
use matricula_core::document::{Document, DocumentState};
use matricula_core::run::{CycleKind, Outcome, OutcomeKind, Phase};
use matricula_core::{Failure, FailureKind, SourceKey, TargetId};
use matricula_flow::{Program, RecordError};
use serde_json::Value;

pub(crate) use preview::preview;

use crate::cycle::Cycle;
use crate::observe::Event;
use crate::pages::{Reader, Stretch};
use crate::side::{People, Sides};
use crate::{EngineError, hash};
use plan::{Assessed, Parcel, Settled, Verdict, Wanted};
use send::StretchEnd;

/// Rows in hand at a time.
const ROWS: u32 = 500;

/// So many documents in a row that come to nothing because a remote does not answer are an outage.
const OUTAGE: u32 = 4;

/// A stretch of documents, sorted into what needs nothing, what is settled and what has to be sent.
#[derive(Default)]
struct Planned {
    /// Of every document in the stretch.
    keys: Vec<SourceKey>,
    untouched: Vec<(SourceKey, OutcomeKind)>,
    /// Rows of which nothing is told.
    quiet: Vec<Document>,
    settled: Vec<Settled>,
    parcels: Vec<Parcel>,
}

/// A record by the key of its document, or why it has none.
type Read<'i> = (SourceKey, Result<(&'i Item, Value), RecordError>);

impl Planned {
    fn take(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Untouched(key, kind) => self.untouched.push((key, kind)),
            // There is nothing to tell: it is counted like one that is untouched.
            Verdict::Settled(settled) if settled.outcome.is_none() => {
                let Settled { document, kind, .. } = *settled;
                self.untouched.push((document.key.clone(), kind));
                self.quiet.push(document);
            }
            Verdict::Settled(settled) => self.settled.push(*settled),
            Verdict::Send(parcel) => self.parcels.push(*parcel),
        }
    }
}

impl Cycle<'_> {
    /// Reads, plans and delivers until the source has no more pages.
    pub(crate) async fn deliver(&mut self) -> Result<(), EngineError> {
        let carrier = self.carrier()?;
        self.settle_doubts(&carrier).await?;
        let mut request = self.read_request();
        request.position.clone_from(&self.progress.position);
        // Each document is recorded by itself, so a long stretch costs a killed process nothing.
        let mut reader = Reader::start(self.engine, &self.sides.source, request).greedy();
        while let Some(Stretch { page, .. }) = reader.stretch(&**self.observer).await? {
            self.progress.total = page.total.or(self.progress.total);
            let mut planned = self.plan_documents(&page.items).await?;
            self.look(&carrier, &mut planned).await?;
            let keys = std::mem::take(&mut planned.keys);
            let untouched = std::mem::take(&mut planned.untouched);
            let read = page.items.len() as u64;
            match self.send(&carrier, planned, read).await? {
                StretchEnd::Done => {}
                // What was delivered is recorded; the position stays before this stretch.
                StretchEnd::Halted => return Err(EngineError::Halted),
                StretchEnd::Stopped(failure) => return Err(failure.into()),
            }
            for (key, kind) in untouched {
                // Whoever got an outcome before this run was cut off is counted as that.
                if !self.told.contains_key(&hash::key(&key)) {
                    self.run.counts.add(kind);
                }
            }
            self.progress.read += read;
            self.seen.extend(keys.iter().map(hash::key));
            let last = page.next.is_none();
            self.progress.position = page.next;
            if last {
                self.progress.phase = Phase::Leave;
                self.progress.state = page.state;
                self.progress.complete = page.complete && self.run.cycle == CycleKind::Full;
            }
            self.commit(Vec::new(), Vec::new()).await?;
            self.observer.event(&Event::Page {
                read: self.progress.read,
                total: self.progress.total,
                counts: &self.run.counts,
            });
        }
        Ok(())
    }

    /// Plans a page: shared by runs and previews.
    async fn plan_documents(&self, items: &[Item]) -> Result<Planned, EngineError> {
        let planner = plan::Planner {
            program: self.program,
            unavailable: &self.target.unavailable,
            salt: self.automation.salt,
            now: self.engine.clock.now(),
        };
        let mut planned = Planned::default();
        let mut records: Vec<Read<'_>> = Vec::new();
        let mut places: HashMap<SourceKey, usize> = HashMap::new();
        for item in items.iter().filter(|item| !item.deleted) {
            let record: Value = serde_json::from_str(&item.data).map_err(|_| {
                Failure::new(
                    FailureKind::Protocol,
                    "the connector passed a record that is no JSON",
                )
            })?;
            let (key, read) = match self.program.once(&record) {
                Ok(key) => (key, Ok((item, record))),
                // It goes by the record's own key.
                Err(error) => (item.key.clone(), Err(error)),
            };
            // A stretch may hold a record twice when the source changes while it is read: the later counts.
            match places.get(&key).and_then(|place| records.get_mut(*place)) {
                Some(slot) => *slot = (key, read),
                None => {
                    places.insert(key.clone(), records.len());
                    planned.keys.push(key.clone());
                    records.push((key, read));
                }
            }
        }
        let rows = self
            .engine
            .store
            .documents(&self.automation.id, &planned.keys)
            .await?;
        let mut wanted: Vec<Wanted> = Vec::new();
        for ((key, read), row) in records.into_iter().zip(rows) {
            let verdict = match read {
                Ok((item, record)) => match planner.assess(key, &item.data, &record, row) {
                    Assessed::Clear(verdict) => verdict,
                    Assessed::Wanted(one) => {
                        wanted.push(*one);
                        continue;
                    }
                },
                Err(error) => planner.without_key(key, row, error),
            };
            planned.take(verdict);
        }
        let owners = self.owners(&wanted).await?;
        for one in wanted {
            let owner = one.account.as_ref().and_then(|account| owners.get(account));
            let owner = owner.cloned();
            planned.take(planner.address(one, owner));
        }
        Ok(planned)
    }

    /// Whose accounts these are, by the links of the automation that keeps people.
    async fn owners(
        &self,
        wanted: &[Wanted],
    ) -> Result<HashMap<SourceKey, SourceKey>, EngineError> {
        let accounts: HashSet<&SourceKey> = wanted
            .iter()
            .filter_map(|one| one.account.as_ref())
            .collect();
        if accounts.is_empty() {
            return Ok(HashMap::new());
        }
        let people = need_people(self.sides, self.program)?;
        let accounts: Vec<SourceKey> = accounts.into_iter().cloned().collect();
        let targets: Vec<TargetId> = accounts
            .iter()
            .map(|account| TargetId::new(account.as_str()))
            .collect();
        let owners = people.store.linked_to(&people.automation, &targets).await?;
        Ok(accounts
            .into_iter()
            .zip(owners)
            .filter_map(|(account, owner)| Some((account, owner?)))
            .collect())
    }

    /// Forgets what is open of documents that a complete read has not met: without a record there is nothing
    /// to send.
    pub(crate) async fn forget_missing(&mut self) -> Result<(), EngineError> {
        if !self.progress.complete {
            return Ok(());
        }
        let seen: HashSet<u64> = self
            .engine
            .store
            .seen(self.run.id)
            .await?
            .into_iter()
            .collect();
        let open = [
            DocumentState::Waiting,
            DocumentState::Failed,
            DocumentState::Again,
        ];
        let mut after: Option<SourceKey> = None;
        loop {
            let rows = self
                .engine
                .store
                .documents_in(&self.automation.id, &open, after.as_ref(), ROWS)
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(last.key.clone());
            let mut outcomes = Vec::new();
            let mut forgotten = Vec::new();
            for document in rows {
                if seen.contains(&hash::key(&document.key)) {
                    continue;
                }
                let outcome = plan::outcome(&document, OutcomeKind::Skipped, "gone-at-source");
                self.tell(outcome, &mut outcomes);
                forgotten.push(document.key);
            }
            if !forgotten.is_empty() {
                self.commit_documents(Vec::new(), forgotten, outcomes)
                    .await?;
            }
        }
    }

    /// Counts what has become of a document, and keeps it for the next commit.
    fn settle(
        &mut self,
        settled: Settled,
        documents: &mut Vec<Document>,
        outcomes: &mut Vec<Outcome>,
    ) {
        if let Some(outcome) = settled.outcome {
            self.tell(outcome, outcomes);
        }
        documents.push(settled.document);
    }

    /// Counts an outcome, shows it, and keeps it for the commit.
    fn tell(&mut self, outcome: Outcome, outcomes: &mut Vec<Outcome>) {
        self.count(&outcome.key, outcome.kind);
        self.observer.event(&Event::Outcome(&outcome));
        outcomes.push(outcome);
    }

    /// Writes documents and outcomes down in one transaction, without looking whether the run is to be halted.
    async fn commit_documents(
        &mut self,
        documents: Vec<Document>,
        forgotten: Vec<SourceKey>,
        outcomes: Vec<Outcome>,
    ) -> Result<(), EngineError> {
        let mut commit = self.page_commit(Vec::new(), outcomes);
        commit.documents = documents;
        commit.forgotten = forgotten;
        self.put(commit).await
    }
}

/// Who says whose account is whose.
pub(crate) fn need_people<'s>(sides: &'s Sides, program: &Program) -> Result<&'s People, Failure> {
    sides.people.as_ref().ok_or_else(|| {
        let people = program
            .flow()
            .delivery()
            .map_or("the other flow", |delivery| delivery.people.as_str());
        let message = format!(
            "{people} is not started on the same two credentials, so nobody can tell whose account is whose: \
             start it first"
        );
        Failure::new(FailureKind::Config, message).with_code("people-missing")
    })
}
