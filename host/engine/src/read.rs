//! The first step of a cycle: page by page, from the source into the target.
//!
//! Reading runs ahead by a page or two in a task of its own, so that the source, the planning and the
//! target work at the same time; what it holds is bounded. A page is committed as a whole: links,
//! outcomes, counts and the position after it.

use std::collections::{HashMap, HashSet};

use matricula_core::connector::{Disposition, Item, Page, ReadRequest, Receipt};
use matricula_core::link::{LeavingReason, Link, Trouble};
use matricula_core::run::{CycleKind, Outcome, OutcomeKind, Phase};
use matricula_core::store::LinkWrite;
use matricula_core::{Failure, FailureKind, SourceKey, TargetId};
use matricula_flow::FieldValue;
use tokio::sync::mpsc;

use crate::cycle::Cycle;
use crate::matching::{Matched, Matcher};
use crate::observe::{Event, Observer};
use crate::plan::{self, Assessed, Intent, Mapped, Planner};
use crate::side::Side;
use crate::target::Patience;
use crate::write::{Work, write};
use crate::{Engine, EngineError, backoff, hash};

/// Pages that are read ahead.
const AHEAD: usize = 2;
/// Pages without any change share a commit; so many at the most.
const PAGES_PER_COMMIT: u32 = 20;

/// Pages of the source, read ahead.
pub(crate) struct Reader {
    pages: mpsc::Receiver<Message>,
    task: tokio::task::JoinHandle<()>,
}

enum Message {
    Page(Page),
    Waiting(f64, String),
    Failed(Failure),
}

/// Passes waits on to the run that consumes the pages.
struct Relay(mpsc::Sender<Message>);

impl Observer for Relay {
    fn event(&self, event: &Event<'_>) {
        if let Event::Waiting { seconds, reason } = event {
            // A full queue means that pages are waiting: nobody misses the notice.
            let _ = self
                .0
                .try_send(Message::Waiting(*seconds, (*reason).to_owned()));
        }
    }
}

impl Reader {
    /// Reads on from a position.
    pub(crate) fn start(engine: &Engine, side: &Side, mut request: ReadRequest) -> Self {
        let (sender, pages) = mpsc::channel(AHEAD);
        let (engine, side) = (engine.clone(), side.clone());
        let task = tokio::spawn(async move {
            let relay = Relay(sender.clone());
            loop {
                let mut patience = Patience::new(&engine, &relay);
                let key = format!("read:{}", request.stream);
                let page = loop {
                    let call = side.call(
                        engine.clock.now(),
                        key.clone(),
                        engine.options.call_deadline,
                    );
                    match side.connector.read(&call, &request).await {
                        Err(failure) if patience.again(&failure).await => {}
                        result => break result,
                    }
                };
                let (message, next) = match page {
                    Ok(page) if page.next.is_some() && page.next == request.position => {
                        let stuck = format!(
                            "{} answers with the same page again and again",
                            side.title()
                        );
                        (
                            Message::Failed(Failure::new(FailureKind::Protocol, stuck)),
                            None,
                        )
                    }
                    Ok(page) => {
                        let next = page.next.clone();
                        (Message::Page(page), next)
                    }
                    Err(failure) => (Message::Failed(failure), None),
                };
                if sender.send(message).await.is_err() || next.is_none() {
                    return;
                }
                request.position = next;
            }
        });
        Self { pages, task }
    }

    /// The next page; none after the last one.
    pub(crate) async fn next(&mut self, observer: &dyn Observer) -> Result<Option<Page>, Failure> {
        loop {
            match self.pages.recv().await {
                Some(Message::Page(page)) => return Ok(Some(page)),
                Some(Message::Failed(failure)) => return Err(failure),
                Some(Message::Waiting(seconds, reason)) => {
                    observer.event(&Event::Waiting {
                        seconds,
                        reason: &reason,
                    });
                }
                None => return Ok(None),
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A page, sorted into what needs nothing, what is settled and what has to be written.
#[derive(Default)]
pub(crate) struct Planned {
    pub(crate) untouched: Vec<OutcomeKind>,
    pub(crate) settled: Vec<(Link, Option<Outcome>, Option<OutcomeKind>)>,
    pub(crate) intents: Vec<(Intent, Option<String>)>,
}

impl Planned {
    fn settle(&mut self, link: Link, outcome: Outcome) {
        let kind = outcome.kind;
        self.settled.push((link, Some(outcome), Some(kind)));
    }

    fn is_quiet(&self) -> bool {
        self.settled.is_empty() && self.intents.is_empty()
    }
}

/// Plans a page: shared by runs and previews.
pub(crate) async fn plan_page(
    cycle: &Cycle<'_>,
    planner: &Planner<'_>,
    matcher: &mut Matcher,
    items: &[Item],
) -> Result<Planned, EngineError> {
    let items = last_of_each(items);
    let keys: Vec<SourceKey> = items.iter().map(|item| item.key.clone()).collect();
    let known = cycle
        .engine
        .store
        .links(&cycle.automation.id, &keys)
        .await?;

    let mut planned = Planned::default();
    let mut mapped: Vec<Mapped> = Vec::new();
    for (item, link) in items.into_iter().zip(known) {
        if item.deleted {
            if let Some(link) = link {
                planned.settled.extend(gone(planner, link));
            }
            continue;
        }
        match planner.assess(item, link) {
            Assessed::Untouched(kind) => planned.untouched.extend(kind),
            Assessed::Settled(link, outcome, kind) => planned.settled.push((*link, outcome, kind)),
            Assessed::Mapped(one) => mapped.push(*one),
        }
    }
    if mapped.is_empty() {
        return Ok(planned);
    }

    let references = resolve_references(cycle, &mapped).await?;
    let (linked, unlinked): (Vec<_>, Vec<_>) = mapped
        .into_iter()
        .partition(|mapped| mapped.link.target.is_some());
    for one in linked {
        let who = who(&one);
        planned
            .intents
            .push((planner.update(one, &references), who));
    }
    plan_unlinked(cycle, planner, matcher, unlinked, &references, &mut planned).await?;
    Ok(planned)
}

/// A page may hold somebody twice when the source changes while it is read: the later one counts.
fn last_of_each(items: &[Item]) -> Vec<&Item> {
    let mut places: HashMap<&SourceKey, usize> = HashMap::with_capacity(items.len());
    let mut unique: Vec<&Item> = Vec::with_capacity(items.len());
    for item in items {
        match places.get(&item.key) {
            Some(place) => {
                if let Some(slot) = unique.get_mut(*place) {
                    *slot = item;
                }
            }
            None => {
                places.insert(&item.key, unique.len());
                unique.push(item);
            }
        }
    }
    unique
}

/// The source says itself that somebody is gone.
fn gone(
    planner: &Planner<'_>,
    mut link: Link,
) -> Option<(Link, Option<Outcome>, Option<OutcomeKind>)> {
    if link.missed >= 2 {
        return None;
    }
    link.missed = 2;
    link.record = 0;
    link.trouble = None;
    planner.leave(
        &mut link,
        LeavingReason::Gone,
        planner.program.flow().leavers(),
    );
    Some((link, None, None))
}

async fn resolve_references(
    cycle: &Cycle<'_>,
    mapped: &[Mapped],
) -> Result<HashMap<SourceKey, TargetId>, EngineError> {
    let wanted: HashSet<&SourceKey> = mapped
        .iter()
        .flat_map(|one| &one.person.fields)
        .filter_map(|field| match field {
            FieldValue::Reference(Some(key)) => Some(key),
            _ => None,
        })
        .collect();
    let wanted: Vec<SourceKey> = wanted.into_iter().cloned().collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let links = cycle
        .engine
        .store
        .links(&cycle.automation.id, &wanted)
        .await?;
    Ok(links
        .into_iter()
        .flatten()
        .filter_map(|link| Some((link.key, link.target?)))
        .collect())
}

/// How an owner recognises somebody: by what the last rule matches, usually the e-mail address.
fn who(mapped: &Mapped) -> Option<String> {
    mapped.person.matches.last().cloned().flatten()
}

async fn plan_unlinked(
    cycle: &Cycle<'_>,
    planner: &Planner<'_>,
    matcher: &mut Matcher,
    people: Vec<Mapped>,
    references: &HashMap<SourceKey, TargetId>,
    planned: &mut Planned,
) -> Result<(), EngineError> {
    let rules = planner.program.flow().match_rules();
    let values: Vec<Vec<Option<String>>> = people
        .iter()
        .map(|one| one.person.matches.clone())
        .collect();
    let matched = matcher.matches(&cycle.target, rules, &values).await?;

    let found: Vec<TargetId> = matched
        .iter()
        .filter_map(|matched| match matched {
            Matched::One(account) => Some(account.target.clone()),
            _ => None,
        })
        .collect();
    let owners = cycle
        .engine
        .store
        .linked_to(&cycle.automation.id, &found)
        .await?;
    let mut owners: HashMap<TargetId, SourceKey> = found
        .into_iter()
        .zip(owners)
        .filter_map(|(target, owner)| Some((target, owner?)))
        .collect();

    for (one, matched) in people.into_iter().zip(matched) {
        let who = who(&one);
        match matched {
            Matched::None => planned.intents.push((planner.create(one, references), who)),
            Matched::Several(count) => {
                let mut link = one.link;
                link.trouble = Some(trouble(&link, true, planner));
                let reason = format!(
                    "{count} accounts match; nothing was written: keep one of them, or give the right one this \
                     person's external id"
                );
                let outcome = plan::outcome(&link, OutcomeKind::Ambiguous, "ambiguous", reason);
                planned.settle(link, outcome);
            }
            Matched::One(account) => {
                let target = account.target.clone();
                if let Some(owner) = owners.get(&target).filter(|owner| **owner != one.link.key) {
                    let Some(former) =
                        take_over(cycle, planner, &one, (owner, &target), planned).await?
                    else {
                        continue;
                    };
                    // What this page had planned for the former owner is void with the account.
                    let former = planned
                        .intents
                        .extract_if(.., |(intent, _)| intent.link.key == former.key)
                        .map(|(intent, _)| Link {
                            target: None,
                            leaving: None,
                            ..intent.before
                        })
                        .last()
                        .unwrap_or(former);
                    planned.settled.push((former, None, None));
                }
                owners.insert(target, one.link.key.clone());
                planned
                    .intents
                    .push((planner.adopt(one, account, references), who));
            }
        }
    }
    Ok(())
}

/// The account that matches belongs to another person of the source already. If that one has left, this is
/// a rehire under a new record: the account changes hands. Otherwise nothing is written.
async fn take_over(
    cycle: &Cycle<'_>,
    planner: &Planner<'_>,
    one: &Mapped,
    (owner, target): (&SourceKey, &TargetId),
    planned: &mut Planned,
) -> Result<Option<Link>, EngineError> {
    let owner = cycle
        .engine
        .store
        .links(&cycle.automation.id, std::slice::from_ref(owner))
        .await?
        .into_iter()
        .flatten()
        .next();
    let mut link = one.link.clone();
    match owner {
        Some(mut former)
            if !former.active && former.target.as_ref() == Some(target) && one.standing.allowed =>
        {
            former.target = None;
            former.leaving = None;
            return Ok(Some(former));
        }
        Some(_) if !one.standing.allowed => {
            link.trouble = None;
            let reason = "the account belongs to another record of the same person, who may not come in by \
                          this one now";
            let outcome = plan::outcome(&link, OutcomeKind::Skipped, "superseded", reason);
            planned.settle(link, outcome);
        }
        _ => {
            link.trouble = Some(trouble(&link, false, planner));
            let reason = "the matching account belongs to another person of the source; two records share \
                          an identity: correct one of them there";
            let outcome = plan::outcome(&link, OutcomeKind::Failed, "account-taken", reason);
            planned.settle(link, outcome);
        }
    }
    Ok(None)
}

fn trouble(link: &Link, ambiguous: bool, planner: &Planner<'_>) -> Trouble {
    let attempts = link.trouble.as_ref().map_or(0, |trouble| trouble.attempts) + 1;
    Trouble {
        ambiguous,
        attempts,
        not_before: Some(backoff::retry_at(planner.now, attempts)),
    }
}

impl Cycle<'_> {
    /// Reads, plans, writes and commits until the source has no more pages.
    pub(crate) async fn read(&mut self) -> Result<(), EngineError> {
        let mut request = self.read_request();
        request.position.clone_from(&self.progress.position);
        let mut reader = Reader::start(self.engine, &self.sides.source, request);
        let mut matcher = Matcher::default();
        let mut quiet = 0;
        while let Some(page) = reader.next(self.observer).await? {
            let mut planned = {
                let planner = self.planner();
                plan_page(self, &planner, &mut matcher, &page.items).await?
            };
            self.progress.read += page.items.len() as u64;
            self.progress.total = page.total.or(self.progress.total);
            let is_quiet = planned.is_quiet();
            let (links, outcomes, stop) = self.apply(&mut matcher, &mut planned).await?;
            if let Some(failure) = stop {
                // What succeeded is kept; the position stays before this page.
                self.progress.read -= page.items.len() as u64;
                self.commit(links, outcomes).await?;
                return Err(failure.into());
            }
            let present = page.items.iter().filter(|item| !item.deleted);
            self.seen.extend(present.map(|item| hash::key(&item.key)));
            let last = page.next.is_none();
            self.progress.position = page.next;
            if last {
                self.progress.phase = Phase::Leave;
                self.progress.state = page.state;
                self.progress.complete = page.complete && self.run.cycle == CycleKind::Full;
            }
            quiet = if is_quiet { quiet + 1 } else { 0 };
            if last || !is_quiet || quiet >= PAGES_PER_COMMIT {
                quiet = 0;
                self.commit(links, outcomes).await?;
            }
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
            attributes: self.program.flow().attributes().to_vec(),
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
        if !leaving && kind == OutcomeKind::Unchanged {
            self.run.counts.add(kind);
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
