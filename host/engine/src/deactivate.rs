//! Taking access away: the guard looks at all of a cycle's deactivations together, then they are applied or
//! staged. Everything else of the cycle has been applied by then.

use matricula_core::connector::Receipt;
use matricula_core::link::{Decision, Leaving, LeavingAction, Link};
use matricula_core::run::{Outcome, OutcomeKind, Phase};
use matricula_core::store::LinkWrite;
use matricula_core::{Failure, FailureKind, SourceKey, Text};
use matricula_flow::guard::{Verdict, verdict};
use serde_json::{Map, Value};

use crate::cycle::Cycle;
use crate::observe::Event;
use crate::plan;
use crate::write::{Work, write};
use crate::{EngineError, backoff};

/// People in hand at a time.
const PEOPLE: u32 = 200;

impl Cycle<'_> {
    /// Opens accounts whose date has come, asks the guard, and applies or stages.
    pub(crate) async fn deactivate(&mut self) -> Result<(), EngineError> {
        self.follow_dates().await?;
        let now = self.engine.clock.now();
        let population = self
            .engine
            .store
            .population(&self.automation.id, now)
            .await?;
        let held = match verdict(
            self.program.flow().guard(),
            population.active,
            population.leaving,
        ) {
            Verdict::Apply => None,
            Verdict::Hold { reason } => Some(reason),
        };
        // An owner who has been asked about somebody decides, whatever happens to the others meanwhile.
        let asked = [Decision::Open, Decision::Staged];
        let apply = [Decision::Open, Decision::Approved];
        match held {
            Some(reason) => {
                self.note(Text::said(
                    format!(
                        "{}: they are staged until an owner approves or discards them",
                        reason.get("en")
                    ),
                    format!(
                        "{}: die Sperrungen warten, bis jemand sie freigibt oder verwirft",
                        reason.get("de")
                    ),
                ));
                self.stage(&asked).await?;
                self.apply_leaving(&apply[1..]).await?;
            }
            None => {
                self.stage(&asked[1..]).await?;
                self.apply_leaving(&apply).await?;
            }
        }
        self.progress.phase = Phase::Refer;
        self.commit(Vec::new(), Vec::new()).await
    }

    async fn follow_dates(&mut self) -> Result<(), EngineError> {
        let mut after: Option<SourceKey> = None;
        loop {
            let due = self.dates_due(after.as_ref()).await?;
            let Some((last, _)) = due.last() else {
                return Ok(());
            };
            after = Some(last.key.clone());
            let (open, settled): (Vec<_>, Vec<_>) = due.into_iter().partition(|(_, opens)| *opens);
            let mut links: Vec<LinkWrite> =
                settled.into_iter().map(|(link, _)| keep(link)).collect();
            let mut outcomes = Vec::new();
            let people = open.into_iter().map(|(link, _)| link).collect();
            let stop = self
                .set_access(people, true, &mut links, &mut outcomes)
                .await;
            self.commit(links, outcomes).await?;
            if let Some(failure) = stop {
                return Err(failure.into());
            }
        }
    }

    /// Those found in this cycle are staged with an outcome; those staged before are counted.
    async fn stage(&mut self, decisions: &[Decision]) -> Result<(), EngineError> {
        // A run that was cut off in this step counts from its beginning.
        self.run.counts.staged = 0;
        self.told.retain(|_, kind| *kind != OutcomeKind::Staged);
        let mut after: Option<SourceKey> = None;
        loop {
            let people = self
                .engine
                .store
                .leaving(&self.automation.id, decisions, after.as_ref(), PEOPLE)
                .await?;
            let Some(last) = people.last() else {
                return Ok(());
            };
            after = Some(last.key.clone());
            let mut links = Vec::new();
            let mut outcomes = Vec::new();
            for mut link in people {
                self.count(&link.key, OutcomeKind::Staged);
                let Some(leaving) = &mut link.leaving else {
                    continue;
                };
                if leaving.decision == Decision::Staged {
                    continue;
                }
                leaving.decision = Decision::Staged;
                let code = plan::blocked_code(Some(leaving.reason));
                let outcome = Outcome {
                    key: link.key.clone(),
                    target: link.target.clone(),
                    kind: OutcomeKind::Staged,
                    code: Some(code.to_owned()),
                    reason: plan::explain(code).map(str::to_owned),
                    changed: Vec::new(),
                };
                self.observer.event(&Event::Outcome(&outcome));
                outcomes.push(outcome);
                links.push(keep(link));
            }
            self.commit(links, outcomes).await?;
        }
    }

    async fn apply_leaving(&mut self, decisions: &[Decision]) -> Result<(), EngineError> {
        let mut after: Option<SourceKey> = None;
        loop {
            let people = self
                .engine
                .store
                .leaving(&self.automation.id, decisions, after.as_ref(), PEOPLE)
                .await?;
            let Some(last) = people.last() else {
                return Ok(());
            };
            after = Some(last.key.clone());
            let mut links = Vec::new();
            let mut outcomes = Vec::new();
            let stop = self
                .set_access(people, false, &mut links, &mut outcomes)
                .await;
            self.commit(links, outcomes).await?;
            if let Some(failure) = stop {
                return Err(failure.into());
            }
        }
    }

    /// Opens accounts, or takes access away as each link's leaving says.
    async fn set_access(
        &mut self,
        people: Vec<Link>,
        open: bool,
        links: &mut Vec<LinkWrite>,
        outcomes: &mut Vec<Outcome>,
    ) -> Option<Failure> {
        let active = self.target.operation.active.clone().unwrap_or_default();
        let work = people
            .iter()
            .map(|link| Work {
                key: link.key.clone(),
                target: link.target.clone(),
                data: (!deletes(link))
                    .then(|| Map::from_iter([(active.clone(), Value::Bool(open))])),
                identity: None,
            })
            .collect();
        let written = write(&self.target, &self.run_key(), work).await;
        for (link, result) in people.into_iter().zip(written.results) {
            let Some(result) = result else { continue };
            let (link, outcome) = self.access_set(link, open, &active, result);
            self.count(&outcome.key, outcome.kind);
            self.observer.event(&Event::Outcome(&outcome));
            outcomes.push(outcome);
            links.push(keep(link));
        }
        written.stop
    }

    fn access_set(
        &self,
        mut link: Link,
        open: bool,
        active: &str,
        result: Result<Receipt, Failure>,
    ) -> (Link, Outcome) {
        let kind = if open {
            OutcomeKind::Reactivated
        } else {
            OutcomeKind::Deactivated
        };
        match result {
            Err(failure) if failure.kind != FailureKind::NotFound => {
                // A deactivation stays in the link and a date is looked at again: the next cycle tries it.
                if open {
                    link.access_changes_at = Some(backoff::retry_at(self.engine.clock.now(), 1));
                }
                let code = failure.code.as_deref().unwrap_or("failed").to_owned();
                let outcome = plan::outcome(&link, OutcomeKind::Failed, &code, failure.message);
                (link, outcome)
            }
            result => {
                let deleted = deletes(&link);
                let vanished = result.is_err();
                if open && vanished {
                    link.active = false;
                    link.target = None;
                    link.applied = Default::default();
                    link.record = 0;
                    let reason = "the account no longer exists at the target; it is made anew in the next full cycle";
                    let outcome = plan::outcome(&link, OutcomeKind::Failed, "not-found", reason);
                    return (link, outcome);
                }
                let leaving = link.leaving.take();
                let code = code(leaving.as_ref(), open);
                let outcome = Outcome {
                    key: link.key.clone(),
                    target: link.target.clone(),
                    kind,
                    code: code.map(str::to_owned),
                    reason: code.and_then(plan::explain).map(str::to_owned),
                    changed: if deleted {
                        Vec::new()
                    } else {
                        vec![active.to_owned()]
                    },
                };
                link.active = open;
                link.trouble = None;
                if deleted || vanished {
                    link.target = None;
                    link.applied = Default::default();
                    link.record = 0;
                }
                (link, outcome)
            }
        }
    }
}

fn deletes(link: &Link) -> bool {
    matches!(
        &link.leaving,
        Some(Leaving {
            action: LeavingAction::Delete,
            ..
        })
    )
}

fn code(leaving: Option<&Leaving>, open: bool) -> Option<&'static str> {
    if open {
        return Some("date-reached");
    }
    leaving.map(|leaving| plan::blocked_code(Some(leaving.reason)))
}

fn keep(link: Link) -> LinkWrite {
    LinkWrite {
        link,
        references: None,
        resolved: Vec::new(),
    }
}
