//! Documents: each record of the stream is put into a person's file at the target, once.
//!
//! Read, plan and record as for people, and page by page; but what is written cannot be taken back, so each
//! document's intent is committed before it is sent ([`send`]), and whatever a killed process or a lost answer
//! leaves in doubt is asked of the target before anything is sent again ([`doubt`]). Who waits for a person,
//! has failed or is to be sent again makes the next cycle full, since the store keeps no record's values.

mod carrier;
mod choices;
mod doubt;
mod plan;
mod preview;
mod send;

use std::collections::{HashMap, HashSet};

use matricula_core::connector::Item;
use matricula_core::document::{Document, DocumentState};
use matricula_core::run::{CycleKind, Outcome, OutcomeKind, Phase};
use matricula_core::{Failure, FailureKind, SourceKey, TargetId};
use matricula_flow::Program;
use serde_json::Value;

pub(crate) use choices::resolve;
pub(crate) use preview::preview;

use crate::cycle::Cycle;
use crate::observe::Event;
use crate::pages::{Reader, Stretch};
use crate::side::{People, Sides};
use crate::{EngineError, hash};
use plan::{Assessed, Parcel, Settled};
use send::Sending;

/// Rows in hand at a time.
const ROWS: u32 = 500;

/// A page of documents, sorted into what needs nothing, what is settled and what has to be sent.
#[derive(Default)]
struct Planned {
    /// Of every document in the page.
    keys: Vec<SourceKey>,
    untouched: Vec<(SourceKey, OutcomeKind)>,
    settled: Vec<Settled>,
    parcels: Vec<Parcel>,
}

impl Cycle<'_> {
    /// Reads, plans and delivers until the source has no more pages.
    pub(crate) async fn deliver(&mut self) -> Result<(), EngineError> {
        self.settle_doubts().await?;
        let mut request = self.read_request();
        request.position.clone_from(&self.progress.position);
        // Each document is recorded by itself, so a long stretch costs a killed process nothing.
        let mut reader = Reader::start(self.engine, &self.sides.source, request).greedy();
        while let Some(Stretch { page, .. }) = reader.stretch(&**self.observer).await? {
            self.progress.total = page.total.or(self.progress.total);
            let mut planned = self.plan_documents(&page.items).await?;
            let keys = std::mem::take(&mut planned.keys);
            let untouched = std::mem::take(&mut planned.untouched);
            let read = page.items.len() as u64;
            match self.send(planned, read).await? {
                Sending::Done => {}
                // What was delivered is recorded; the position stays before this page.
                Sending::Halted => return Err(EngineError::Halted),
                Sending::Stopped(failure) => return Err(failure.into()),
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
        let mut records: Vec<(SourceKey, &Item, Value)> = Vec::new();
        let mut places: HashMap<SourceKey, usize> = HashMap::new();
        for item in items.iter().filter(|item| !item.deleted) {
            let record: Value = serde_json::from_str(&item.data).map_err(|_| {
                Failure::new(
                    FailureKind::Protocol,
                    "the connector passed a record that is no JSON",
                )
            })?;
            match planner.key(&item.key, &record) {
                // A page may hold a record twice when the source changes while it is read: the later counts.
                Ok(key) => match places.get(&key).and_then(|place| records.get_mut(*place)) {
                    Some(slot) => *slot = (key, item, record),
                    None => {
                        places.insert(key.clone(), records.len());
                        planned.keys.push(key.clone());
                        records.push((key, item, record));
                    }
                },
                Err(settled) => {
                    planned.keys.push(settled.document.key.clone());
                    planned.settled.push(*settled);
                }
            }
        }
        let keys: Vec<SourceKey> = records.iter().map(|(key, _, _)| key.clone()).collect();
        let rows = self
            .engine
            .store
            .documents(&self.automation.id, &keys)
            .await?;
        let mut addressed = Vec::new();
        for ((key, item, record), row) in records.into_iter().zip(rows) {
            match planner.assess(key, &item.data, &record, row) {
                Assessed::Untouched(key, kind) => planned.untouched.push((key, kind)),
                Assessed::Settled(settled) => planned.settled.push(*settled),
                Assessed::Addressed(one) => addressed.push(*one),
            }
        }
        let owners = self.owners(&addressed).await?;
        for one in addressed {
            let owner = one.account.as_ref().and_then(|account| owners.get(account));
            match planner.address(one, owner.cloned()) {
                Ok(parcel) => planned.parcels.push(*parcel),
                Err(Assessed::Settled(settled)) => planned.settled.push(*settled),
                Err(Assessed::Untouched(key, kind)) => planned.untouched.push((key, kind)),
                Err(Assessed::Addressed(_)) => {}
            }
        }
        Ok(planned)
    }

    /// Whose accounts these are, by the links of the automation that keeps people.
    async fn owners(
        &self,
        addressed: &[plan::Addressed],
    ) -> Result<HashMap<SourceKey, SourceKey>, EngineError> {
        let wanted: HashSet<&SourceKey> = addressed
            .iter()
            .filter_map(|one| one.account.as_ref())
            .collect();
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let people = need_people(self.sides, self.program)?;
        let accounts: Vec<SourceKey> = wanted.into_iter().cloned().collect();
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

    /// Asks the target about every document of which nobody knows whether it arrived.
    async fn settle_doubts(&mut self) -> Result<(), EngineError> {
        let mut after: Option<SourceKey> = None;
        loop {
            let rows = self
                .engine
                .store
                .documents_in(
                    &self.automation.id,
                    &[DocumentState::Intended],
                    after.as_ref(),
                    ROWS,
                )
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(last.key.clone());
            let carrier = self.carrier()?;
            let (resolved, stop) = doubt::resolve_all(&carrier, rows).await;
            let mut documents = Vec::new();
            let mut outcomes = Vec::new();
            for (mut document, resolved) in resolved {
                if let Some(outcome) = doubt::apply(&mut document, resolved) {
                    self.tell(outcome, &mut outcomes);
                }
                documents.push(document);
            }
            self.commit_documents(documents, Vec::new(), outcomes)
                .await?;
            if let Some(error) = stop {
                return Err(error);
            }
        }
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
