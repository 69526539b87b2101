//! The first step of a cycle: page by page, from the source into the target.
//!
//! A stretch of pages is committed as a whole: links, outcomes, counts and the position after it.

use matricula_core::connector::{Disposition, ReadRequest, Receipt};
use matricula_core::link::Trouble;
use matricula_core::run::{CycleKind, Outcome, OutcomeKind, Phase};
use matricula_core::store::LinkWrite;
use matricula_core::{Failure, FailureKind};
use tracing::Instrument as _;

use crate::cycle::Cycle;
use crate::matching::Matcher;
use crate::observe::Event;
use crate::page::{Planned, plan_page, plan_unlinked, resolve_references};
use crate::pages::{Reader, Stretch};
use crate::plan::{self, Intent, Mapped};
use crate::write::{Work, write};
use crate::{EngineError, backoff, hash};

/// Pages without any change share a commit; so many at the most.
const PAGES_PER_COMMIT: u32 = 20;

impl Cycle<'_> {
    /// Reads, plans, writes and commits until the source has no more pages.
    pub(crate) async fn read(&mut self) -> Result<(), EngineError> {
        let mut request = self.read_request();
        request.position.clone_from(&self.progress.position);
        let mut reader = Reader::start(self.engine, &self.sides.source, request);
        let mut matcher = Matcher::default();
        let mut quiet = 0;
        while let Some(stretch) = reader.stretch(&**self.observer).await? {
            let begun = self.engine.clock.now();
            let Stretch { page, pages } = stretch;
            let mut planned = {
                let planner = self.planner();
                plan_page(self, &planner, &mut matcher, &page.items).await?
            };
            self.progress.read += page.items.len() as u64;
            self.progress.total = page.total.or(self.progress.total);
            let is_quiet = planned.is_quiet();
            let span = tracing::debug_span!("page", read = self.progress.read);
            let applied = self.apply(&mut matcher, &mut planned).instrument(span);
            let (links, outcomes, stop) = applied.await?;
            if let Some(failure) = stop {
                // What succeeded is kept; the position stays before these pages.
                self.progress.read -= page.items.len() as u64;
                self.commit(links, outcomes).await?;
                return Err(failure.into());
            }
            let present = page.items.iter().filter(|item| !item.deleted);
            let before = self.seen.len();
            self.seen.extend(present.map(|item| hash::key(&item.key)));
            if self.run.cycle == CycleKind::Incremental {
                self.met.extend(self.seen.iter().skip(before));
            }
            let last = page.next.is_none();
            self.progress.position = page.next;
            if last {
                self.progress.phase = Phase::Leave;
                self.progress.state = page.state;
                self.progress.complete = page.complete && self.run.cycle == CycleKind::Full;
            }
            quiet = if is_quiet { quiet + pages } else { 0 };
            if last || !is_quiet || quiet >= PAGES_PER_COMMIT {
                quiet = 0;
                self.commit(links, outcomes).await?;
            }
            reader.took(begun, self.engine.clock.now());
            self.observer.event(&Event::Page {
                read: self.progress.read,
                total: self.progress.total,
                counts: &self.run.counts,
            });
        }
        Ok(())
    }

    /// What this cycle reads.
    pub(crate) fn read_request(&self) -> ReadRequest {
        let (_, stream) = self.program.flow().source();
        let manifest = self.sides.source.connector.manifest();
        ReadRequest {
            stream: stream.to_owned(),
            attributes: self.program.attributes().to_vec(),
            position: None,
            state: match self.run.cycle {
                CycleKind::Full => None,
                CycleKind::Incremental => self.automation.memory.state.clone(),
            },
            limit: manifest
                .streams
                .get(stream)
                .map_or(100, |stream| stream.page),
        }
    }

    /// Writes what was planned. An account that has vanished at the target is looked for and made anew.
    async fn apply(
        &mut self,
        matcher: &mut Matcher,
        planned: &mut Planned,
    ) -> Result<(Vec<LinkWrite>, Vec<Outcome>, Option<Failure>), EngineError> {
        let mut links = Vec::new();
        let mut outcomes = Vec::new();
        for kind in planned.untouched.drain(..) {
            self.run.counts.add(kind);
        }
        // Before the people, since what becomes of them is written down with what became of their groups.
        if let Some(failure) = self.make_groups(&planned.intents).await? {
            return Ok((links, outcomes, Some(failure)));
        }
        self.take_settled(planned, &mut links, &mut outcomes);
        let mut vanished = Vec::new();
        let intents = std::mem::take(&mut planned.intents);
        let mut stop = self
            .write_intents(intents, &mut links, &mut outcomes, Some(&mut vanished))
            .await;
        if stop.is_none() && !vanished.is_empty() {
            let mut anew = Planned::default();
            match self.plan_anew(matcher, vanished, &mut anew).await {
                Ok(()) => {
                    self.take_settled(&mut anew, &mut links, &mut outcomes);
                    stop = self
                        .write_intents(anew.intents, &mut links, &mut outcomes, None)
                        .await;
                }
                // What was written before is recorded all the same.
                Err(EngineError::Failure(failure)) => stop = Some(failure),
                Err(error) => return Err(error),
            }
        }
        Ok((links, outcomes, stop))
    }

    /// Plans those whose account has vanished as if they had never had one.
    async fn plan_anew(
        &self,
        matcher: &mut Matcher,
        vanished: Vec<Mapped>,
        anew: &mut Planned,
    ) -> Result<(), EngineError> {
        let planner = self.planner();
        let references = resolve_references(self, &vanished).await?;
        plan_unlinked(self, &planner, matcher, vanished, &references, anew).await
    }

    fn take_settled(
        &mut self,
        planned: &mut Planned,
        links: &mut Vec<LinkWrite>,
        outcomes: &mut Vec<Outcome>,
    ) {
        for (link, outcome, kind) in planned.settled.drain(..) {
            if let Some(kind) = kind {
                self.count(&link.key, kind);
            }
            outcomes.extend(outcome);
            links.push(LinkWrite {
                link,
                references: None,
                resolved: Vec::new(),
            });
        }
    }

    async fn write_intents(
        &mut self,
        intents: Vec<(Intent, Option<String>)>,
        links: &mut Vec<LinkWrite>,
        outcomes: &mut Vec<Outcome>,
        mut vanished: Option<&mut Vec<Mapped>>,
    ) -> Option<Failure> {
        let mut writing = Vec::new();
        let mut work = Vec::new();
        for (intent, _) in intents {
            if intent.data.is_empty() {
                self.record(intent, None, links, outcomes);
                continue;
            }
            work.push(Work {
                key: intent.link.key.clone(),
                target: intent.link.target.clone(),
                data: Some(intent.data.clone()),
                identity: intent.identity.clone(),
            });
            writing.push(intent);
        }
        let written = write(&self.target, &self.run_key(), work).await;
        for (intent, result) in writing.into_iter().zip(written.results) {
            match (result, &mut vanished) {
                // Never tried: the page will be planned again.
                (None, _) => {}
                (Some(Ok(receipt)), _) => self.record(intent, Some(receipt), links, outcomes),
                (Some(Err(failure)), Some(vanished))
                    if failure.kind == FailureKind::NotFound && intent.link.target.is_some() =>
                {
                    vanished.push(without_account(intent));
                }
                (Some(Err(failure)), _) => self.record_failure(intent, failure, links, outcomes),
            }
        }
        written.stop
    }

    fn record(
        &mut self,
        intent: Intent,
        receipt: Option<Receipt>,
        links: &mut Vec<LinkWrite>,
        outcomes: &mut Vec<Outcome>,
    ) {
        let refused = self.belong(&intent);
        let trouble = refused
            .as_ref()
            .map(|refused| self.group_trouble(&intent, refused));
        let left = self.is_left(&intent);
        let leaving = intent.is_leaving();
        let changed = intent.changed();
        let Intent {
            mut link,
            mut kind,
            mut code,
            references,
            adopts,
            ..
        } = intent;
        if let Some(receipt) = receipt {
            link.target = receipt.target.or(link.target);
            if kind == OutcomeKind::Created && receipt.disposition == Disposition::Adopted {
                kind = OutcomeKind::Updated;
                code = Some("adopted");
            }
            if kind == OutcomeKind::Updated
                && receipt.disposition == Disposition::Unchanged
                && !adopts
            {
                kind = OutcomeKind::Unchanged;
            }
        }
        link.trouble = trouble;
        if left {
            link.record = 0;
        }
        if !leaving && kind == OutcomeKind::Unchanged && refused.is_none() {
            self.count(&link.key, kind);
        }
        if kind != OutcomeKind::Unchanged {
            if !leaving {
                self.count(&link.key, kind);
            }
            let outcome = Outcome {
                key: link.key.clone(),
                target: link.target.clone(),
                kind,
                code: code.map(str::to_owned),
                reason: code.and_then(plan::explain).map(str::to_owned),
                changed,
            };
            self.observer.event(&Event::Outcome(&outcome));
            outcomes.push(outcome);
        }
        if let Some(refused) = refused {
            let outcome = plan::outcome(&link, refused.kind, refused.code, refused.reason);
            self.count(&link.key, outcome.kind);
            self.observer.event(&Event::Outcome(&outcome));
            outcomes.push(outcome);
        }
        links.push(LinkWrite {
            link,
            references: Some(references),
            resolved: Vec::new(),
        });
    }

    fn record_failure(
        &mut self,
        intent: Intent,
        failure: Failure,
        links: &mut Vec<LinkWrite>,
        outcomes: &mut Vec<Outcome>,
    ) {
        self.belong(&intent);
        let Intent {
            before: mut link, ..
        } = intent;
        let attempts = link.trouble.as_ref().map_or(0, |trouble| trouble.attempts) + 1;
        let now = self.engine.clock.now();
        link.trouble = Some(Trouble {
            ambiguous: false,
            attempts,
            not_before: Some(backoff::retry_at(now, attempts)),
        });
        let code = failure
            .code
            .unwrap_or_else(|| kind_code(failure.kind).to_owned());
        let outcome = plan::outcome(&link, OutcomeKind::Failed, &code, failure.message);
        self.count(&link.key, OutcomeKind::Failed);
        self.observer.event(&Event::Outcome(&outcome));
        outcomes.push(outcome);
        links.push(LinkWrite {
            link,
            references: None,
            resolved: Vec::new(),
        });
    }
}

/// Somebody whose account is gone at the target, as if never linked.
fn without_account(intent: Intent) -> Mapped {
    let mut link = intent.before;
    link.target = None;
    link.active = false;
    link.applied = Default::default();
    Mapped {
        link,
        person: intent.person,
        standing: intent.standing,
    }
}

fn kind_code(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Auth => "auth",
        FailureKind::Permission => "permission",
        FailureKind::Config => "config",
        FailureKind::Input => "input",
        FailureKind::NotFound => "not-found",
        FailureKind::Conflict => "conflict",
        FailureKind::RateLimited => "rate-limited",
        FailureKind::Unavailable => "unavailable",
        FailureKind::Protocol => "protocol",
        FailureKind::Internal => "internal",
        FailureKind::Fault => "component.fault",
    }
}
