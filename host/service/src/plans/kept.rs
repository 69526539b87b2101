//! A plan that is kept: how it goes on, when it is given up, and which one makes room for another.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use matricula_core::run::Counts;
use matricula_core::{Failure, FailureKind, TenantId};
use matricula_engine::{Event, Observer, Planned};
use tokio::task::AbortHandle;

use super::{Plan, PlanStatus, Subject};

/// People in finished plans, all together: some hundred bytes each. A plan with more of them is given up, since a
/// system that goes on and on would fill the memory.
const PEOPLE: usize = 200_000;

/// A plan that is kept; the oldest begun comes first.
pub(super) struct Kept {
    pub(super) tenant: TenantId,
    pub(super) subject: Subject,
    pub(super) state: Mutex<State>,
    pub(super) task: OnceLock<AbortHandle>,
}

pub(super) struct State {
    pub(super) plan: Plan,
    pub(super) people: Arc<Vec<Planned>>,
}

impl Kept {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stop(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    /// Whether it is being made. One whose task is gone and has not said how it ended has failed.
    pub(super) fn is_running(&self) -> bool {
        let gone = self.task.get().is_some_and(AbortHandle::is_finished);
        let mut state = self.state();
        if gone && state.plan.status == PlanStatus::Running {
            let message = "the plan was given up by a fault of this server; its log tells more";
            state.fail(Failure::new(FailureKind::Internal, message));
        }
        state.plan.status == PlanStatus::Running
    }
}

impl State {
    pub(super) fn fail(&mut self, failure: Failure) {
        self.plan.status = PlanStatus::Failed;
        self.plan.failure = Some(failure);
    }
}

impl Observer for Kept {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Started { cycle, .. } => self.state().plan.cycle = Some(*cycle),
            Event::Page {
                read,
                total,
                counts,
            } => {
                let mut state = self.state();
                state.plan.read = *read;
                state.plan.total = *total;
                state.plan.counts = **counts;
                if shown(counts) > PEOPLE as u64 {
                    state.fail(Failure::new(
                        FailureKind::Input,
                        format!("more than {PEOPLE} people or documents would be changed, which is too many to look at"),
                    ));
                    drop(state);
                    self.stop();
                }
            }
            _ => {}
        }
    }
}

/// Those of whom a plan has a row.
fn shown(counts: &Counts) -> u64 {
    counts.total().saturating_sub(counts.unchanged)
}

/// Drops the oldest of these that is finished; whether there was one.
pub(super) fn drop_oldest(kept: &mut VecDeque<Arc<Kept>>, of: impl Fn(&Kept) -> bool) -> bool {
    let oldest = kept.iter().position(|kept| of(kept) && !kept.is_running());
    oldest.and_then(|at| kept.remove(at)).is_some()
}

pub(super) fn make_room_for_people(kept: &mut VecDeque<Arc<Kept>>, last: &Arc<Kept>) {
    let people =
        |kept: &VecDeque<Arc<Kept>>| -> usize { kept.iter().map(|k| k.state().people.len()).sum() };
    let former = |kept: &Kept| !std::ptr::eq(kept, Arc::as_ptr(last));
    while people(kept) > PEOPLE && drop_oldest(kept, former) {}
}

#[cfg(test)]
mod tests {
    use matricula_core::run::OutcomeKind;

    use jiff::Timestamp;
    use serde_json::Map;

    use super::*;

    fn kept(id: &str, status: PlanStatus, people: usize) -> Arc<Kept> {
        let planned = Planned {
            key: "1".into(),
            who: None,
            kind: OutcomeKind::Created,
            code: None,
            reason: None,
            adopts: false,
            changes: Vec::new(),
        };
        Arc::new(Kept {
            tenant: "t".into(),
            subject: Subject {
                flow: "sync".to_owned(),
                source: "source".into(),
                target: "target".into(),
                settings: Map::new(),
            },
            state: Mutex::new(State {
                plan: Plan {
                    status,
                    ..Plan::new(id.to_owned(), "sync".to_owned(), Timestamp::MAX)
                },
                people: Arc::new(vec![planned; people]),
            }),
            task: OnceLock::new(),
        })
    }

    fn left(kept: &VecDeque<Arc<Kept>>) -> Vec<String> {
        kept.iter()
            .map(|kept| kept.state().plan.id.clone())
            .collect()
    }

    #[test]
    fn the_oldest_that_is_finished_makes_room_for_people() {
        let last = kept("last", PlanStatus::Done, PEOPLE / 2);
        let mut all = VecDeque::from([
            kept("running", PlanStatus::Running, 0),
            kept("oldest", PlanStatus::Done, PEOPLE / 2),
            kept("old", PlanStatus::Done, PEOPLE / 2),
            Arc::clone(&last),
        ]);
        make_room_for_people(&mut all, &last);
        assert_eq!(left(&all), ["running", "old", "last"]);
        let large = kept("large", PlanStatus::Done, PEOPLE + 1);
        all.push_back(Arc::clone(&large));
        make_room_for_people(&mut all, &large);
        assert_eq!(left(&all), ["running", "large"]);
    }

    #[tokio::test]
    async fn a_plan_of_a_system_that_goes_on_and_on_is_given_up() {
        let plan = kept("endless", PlanStatus::Running, 0);
        let task = tokio::spawn(std::future::pending::<()>());
        plan.task.set(task.abort_handle()).unwrap();
        let mut counts = Counts {
            unchanged: 10 * PEOPLE as u64,
            created: PEOPLE as u64 - 1,
            skipped: 1,
            ..Counts::default()
        };
        let page = |counts: &Counts| {
            plan.event(&Event::Page {
                read: counts.created,
                total: None,
                counts,
            });
        };
        page(&counts);
        assert!(plan.is_running());
        counts.created += 1;
        page(&counts);
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(!plan.is_running());
        let failure = plan.state().plan.failure.clone().unwrap();
        assert!(failure.message.contains("200000"), "{failure}");
    }
}
