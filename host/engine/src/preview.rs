//! What a cycle would do, without doing it.
//!
//! The pages, the plans and the guard are those of a run; what a run would commit is kept here in memory,
//! reduced to the people whom something would happen to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use matricula_core::automation::Automation;
use matricula_core::link::{Decision, Link};
use matricula_core::run::{Counts, CycleKind, OutcomeKind, Run, RunStatus, Trigger};
use matricula_core::{Person, RunId, SourceKey, Text};
use matricula_flow::Program;
use matricula_flow::guard::{Verdict, verdict};
use serde_json::{Map, Value};

use crate::begin::due;
use crate::cycle::Cycle;
use crate::groups::{Forecast, Foreseen, Groups, Offer};
use crate::matching::{Matcher, parse};
use crate::observe::{Change, Event, Observer, Planned, Preview};
use crate::page::{self, plan_page};
use crate::pages::Reader;
use crate::plan::{self, Intent};
use crate::side::Sides;
use crate::target::Target;
use crate::{Engine, EngineError, choices, documents, hash};

/// Links in hand at a time.
const ROWS: u32 = 1000;

/// What a run would have committed so far.
#[derive(Default)]
struct Ledger {
    counts: Counts,
    people: Vec<Planned>,
    /// Who would lose access, with how an owner recognises them.
    leaving: Vec<(Link, Option<String>)>,
    groups: Forecast,
    /// Adopted accounts that could be used until now.
    adopted_active: u64,
    seen: HashSet<u64>,
}

/// Plans a cycle.
pub(crate) async fn preview(
    engine: &Engine,
    automation: &Automation,
    program: &Arc<Program>,
    sides: &Sides,
    observer: &Arc<dyn Observer>,
) -> Result<Preview, EngineError> {
    let kind = due(engine, automation, program, sides, false).await?;
    observer.event(&Event::Started {
        cycle: kind,
        resumed_at: None,
    });
    let delivers = program.flow().delivery().is_some();
    let (program, mut notes) = choices::resolve(engine, sides, program, &**observer).await?;
    let program = &program;
    let target = Target::prepare(engine, &sides.target, program, observer).await?;
    notes.extend(target.left_out());
    let groups =
        match Groups::prepare(engine, &automation.id, &sides.target, program, observer).await? {
            Offer::Made(groups) => Some(*groups),
            Offer::None(note) => {
                notes.extend(note);
                None
            }
        };
    let run = Run {
        id: RunId(0),
        automation: automation.id.clone(),
        flow: program.flow().name().to_owned(),
        trigger: Trigger::Manual {
            by: Person::named("preview"),
        },
        cycle: kind,
        status: RunStatus::Running,
        started_at: engine.clock.now(),
        finished_at: None,
        counts: Counts::default(),
        requests: Default::default(),
        error: None,
        notes: Vec::new(),
    };
    let mut cycle = Cycle::for_preview(
        engine,
        automation,
        program,
        sides,
        observer,
        Arc::new(target),
        run,
    );
    cycle.groups = groups;
    if delivers {
        return documents::preview(&cycle, notes).await;
    }
    let mut ledger = Ledger::default();
    let complete = ledger.read(&cycle).await?;
    ledger.absent(&cycle, complete).await?;
    ledger.already_leaving(&cycle).await?;
    let guard = ledger.ask_guard(&cycle).await?;
    notes.extend(ledger.groups.notes());
    ledger
        .people
        .sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    Ok(Preview {
        cycle: kind,
        counts: ledger.counts,
        people: ledger.people,
        guard,
        notes,
    })
}

impl Ledger {
    async fn read(&mut self, cycle: &Cycle<'_>) -> Result<bool, EngineError> {
        let mut reader = Reader::start(cycle.engine, &cycle.sides.source, cycle.read_request());
        let mut matcher = Matcher::default();
        let (mut complete, mut read, mut total) = (false, 0, None);
        while let Some(page) = reader.next(&**cycle.observer).await? {
            let planner = cycle.planner();
            let planned = plan_page(cycle, &planner, &mut matcher, &page.items).await?;
            self.seen.extend(
                page.items
                    .iter()
                    .filter(|i| !i.deleted)
                    .map(|i| hash::key(&i.key)),
            );
            read += page.items.len() as u64;
            total = page.total.or(total);
            complete = page.complete && cycle.run.cycle == CycleKind::Full;
            self.take(cycle, planned).await?;
            cycle.observer.event(&Event::Page {
                read,
                total,
                counts: &self.counts,
            });
        }
        Ok(complete)
    }

    async fn take(
        &mut self,
        cycle: &Cycle<'_>,
        mut planned: page::Planned,
    ) -> Result<(), EngineError> {
        for kind in planned.untouched {
            self.counts.add(kind);
        }
        for (link, outcome, kind) in planned.settled {
            if plan::is_leaving(&link) {
                self.leaving.push((link, None));
                continue;
            }
            if let Some(kind) = kind {
                self.counts.add(kind);
            }
            if let Some(outcome) = outcome {
                self.people.push(Planned {
                    key: outcome.key,
                    who: None,
                    kind: outcome.kind,
                    code: outcome.code,
                    reason: outcome.reason,
                    adopts: false,
                    changes: Vec::new(),
                });
            }
        }
        let held = held(cycle, &planned.intents).await?;
        let mut groups = self.groups.look_ahead(cycle, &mut planned.intents).await?;
        for (intent, who) in planned.intents {
            if intent.adopts && intent.link.active {
                self.adopted_active += 1;
            }
            if intent.is_leaving() {
                self.leaving.push((intent.link, who));
                continue;
            }
            self.counts.add(intent.kind);
            if intent.kind != OutcomeKind::Unchanged {
                let groups = groups.remove(&intent.link.key).unwrap_or_default();
                self.people.push(describe(intent, who, &held, groups));
            }
        }
        Ok(())
    }

    async fn absent(&mut self, cycle: &Cycle<'_>, complete: bool) -> Result<(), EngineError> {
        if complete {
            let missing = cycle.missing(&self.seen).await?;
            self.leaving.extend(
                missing
                    .into_iter()
                    .filter(plan::is_leaving)
                    .map(|link| (link, None)),
            );
        }
        let mut after: Option<SourceKey> = None;
        loop {
            let due = cycle.dates_due(after.as_ref()).await?;
            let Some((last, _)) = due.last() else {
                return Ok(());
            };
            after = Some(last.key.clone());
            for (link, opens) in due {
                if !self.seen.insert(hash::key(&link.key)) {
                    continue;
                }
                if opens {
                    self.counts.add(OutcomeKind::Reactivated);
                    self.people.push(by_code(
                        &link,
                        None,
                        OutcomeKind::Reactivated,
                        "date-reached",
                    ));
                } else if plan::is_leaving(&link) {
                    self.leaving.push((link, None));
                }
            }
        }
    }

    /// Deactivations that an earlier cycle has left open or staged, of people not read in this one.
    async fn already_leaving(&mut self, cycle: &Cycle<'_>) -> Result<(), EngineError> {
        let mut noted: HashSet<u64> = self
            .leaving
            .iter()
            .map(|(l, _)| hash::key(&l.key))
            .collect();
        let decisions = [Decision::Open, Decision::Staged, Decision::Approved];
        let mut after: Option<SourceKey> = None;
        loop {
            let store = &cycle.engine.store;
            let rows = store
                .leaving(&cycle.automation.id, &decisions, after.as_ref(), ROWS)
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(last.key.clone());
            for link in rows {
                if noted.insert(hash::key(&link.key)) {
                    self.leaving.push((link, None));
                }
            }
        }
    }

    async fn ask_guard(&mut self, cycle: &Cycle<'_>) -> Result<Option<Text>, EngineError> {
        let now = cycle.engine.clock.now();
        let population = cycle
            .engine
            .store
            .population(&cycle.automation.id, now)
            .await?;
        let decision = |link: &Link| link.leaving.as_ref().map(|leaving| leaving.decision);
        let approved = |link: &Link| decision(link) == Some(Decision::Approved);
        let undecided = self
            .leaving
            .iter()
            .filter(|(link, _)| !approved(link))
            .count() as u64;
        let active = population.active + self.adopted_active;
        let held = match verdict(cycle.program.flow().guard(), active, undecided) {
            Verdict::Apply => None,
            Verdict::Hold { reason } => Some(reason),
        };
        for (link, who) in std::mem::take(&mut self.leaving) {
            let asked = decision(&link) == Some(Decision::Staged);
            let kind = if asked || (held.is_some() && !approved(&link)) {
                OutcomeKind::Staged
            } else {
                OutcomeKind::Deactivated
            };
            let code = plan::blocked_code(link.leaving.as_ref().map(|leaving| leaving.reason));
            self.counts.add(kind);
            self.people.push(by_code(&link, who, kind, code));
        }
        Ok(held)
    }
}

fn by_code(link: &Link, who: Option<String>, kind: OutcomeKind, code: &str) -> Planned {
    Planned {
        key: link.key.clone(),
        who,
        kind,
        code: Some(code.to_owned()),
        reason: plan::explain(code).map(str::to_owned),
        adopts: false,
        changes: Vec::new(),
    }
}

type Held = HashMap<SourceKey, Map<String, Value>>;

/// What the accounts hold whose change is shown; only hashes of it are stored.
async fn held(
    cycle: &Cycle<'_>,
    intents: &[(Intent, Option<String>)],
) -> Result<Held, EngineError> {
    let mut keys = Vec::new();
    let mut ids = Vec::new();
    for (intent, _) in intents {
        if let (Some(target), false, None) =
            (&intent.link.target, intent.data.is_empty(), &intent.held)
        {
            keys.push(intent.link.key.clone());
            ids.push(target.as_str().to_owned());
        }
    }
    let mut held = HashMap::new();
    let batch = cycle.target.operation.batch.max(1) as usize;
    for (keys, ids) in keys.chunks(batch).zip(ids.chunks(batch)) {
        let found = cycle.target.find("remote-id", ids).await?;
        for (key, accounts) in keys.iter().zip(found) {
            if let Some(account) = accounts.first() {
                held.insert(key.clone(), parse(&account.data)?);
            }
        }
    }
    Ok(held)
}

fn describe(intent: Intent, who: Option<String>, held: &Held, groups: Foreseen) -> Planned {
    let account = intent.held.as_ref().or_else(|| held.get(&intent.link.key));
    let old = |attribute: &str| {
        account.map(|account| account.get(attribute).cloned().unwrap_or(Value::Null))
    };
    let changes = intent
        .data
        .iter()
        .map(|(attribute, new)| Change {
            attribute: attribute.clone(),
            old: old(attribute),
            new: new.clone(),
        })
        .chain(groups.changes)
        .collect();
    let (code, reason) = match groups.refused {
        Some(refused) => (Some(refused.code), Some(refused.reason)),
        None => {
            let reason = intent.code.and_then(plan::explain);
            (intent.code, reason.map(str::to_owned))
        }
    };
    Planned {
        key: intent.link.key.clone(),
        who,
        kind: intent.kind,
        code: code.map(str::to_owned),
        reason,
        adopts: intent.adopts,
        changes,
    }
}
