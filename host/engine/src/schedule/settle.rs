//! What follows from the end of a run. Pure: from how the automation stood and how the run ended to how it
//! stands now, what is written into its history, and what people are told.

use jiff::Timestamp;
use matricula_core::agenda::Change;
use matricula_core::journal::{Actor, Deed, Entry};
use matricula_core::notice::{Facts, Notice, NoticeKind, Records};
use matricula_core::run::{CycleKind, Run, RunStatus, Trigger};
use matricula_core::standing::{Hold, Lifecycle, Standing};
use matricula_core::{Failure, FailureKind};
use serde_json::{Value, json};

use super::pace::{Pace, later, spread, tried_for};
use super::scheduler::About;
use crate::LONGEST_WAIT;

/// Settles the end of runs.
pub(super) struct Settling<'a> {
    pub(super) pace: &'a Pace,
    pub(super) now: Timestamp,
    /// What notices say of the flow.
    pub(super) about: &'a About,
}

/// A change under way.
struct Draft<'a> {
    settling: &'a Settling<'a>,
    change: Change,
    run: Option<&'a Run>,
}

impl Settling<'_> {
    /// After a run that came to an end of some kind. `begun`: when it was taken up.
    pub(super) fn run(&self, standing: &Standing, run: &Run, begun: Timestamp) -> Change {
        let mut draft = Draft::new(self, standing, Some(run));
        // A run that was resumed has read before what was demanded since.
        draft.begun(begun, run.started_at);
        let now = draft.standing();
        now.last_run = Some(run.id);
        now.last_ended_at = Some(self.now);
        if now.lifecycle == Lifecycle::Deactivated {
            // Somebody stopped it in the meantime: whatever became of the run has no consequence.
            return draft.finish();
        }
        match (run.status, &run.error) {
            (RunStatus::Succeeded | RunStatus::Partial, _) => draft.ended(run),
            (RunStatus::Failed, Some(failure)) if failure.kind.stops_everything() => {
                draft.pause(failure);
            }
            (RunStatus::Failed, failure) => {
                let failure = failure.clone().unwrap_or_else(unknown);
                draft.failed(&failure);
            }
            // Stopped by somebody, or halted with the process: nothing follows from it.
            (RunStatus::Stopped | RunStatus::Running, _) => {}
        }
        draft.doubts(run);
        draft.finish()
    }

    /// After an attempt that did not even become a run.
    pub(super) fn failure(
        &self,
        standing: &Standing,
        failure: &Failure,
        begun: Timestamp,
    ) -> Change {
        let mut draft = Draft::new(self, standing, None);
        draft.begun(begun, begun);
        if standing.lifecycle == Lifecycle::Deactivated {
            return draft.finish();
        }
        if failure.kind.stops_everything() {
            draft.pause(failure);
        } else {
            draft.failed(failure);
        }
        draft.finish()
    }

    /// After a probe of a paused automation that failed. One that succeeds is followed by a cycle at once, and
    /// only a cycle that ends well ends the pause: a probe may be content with what a cycle is refused.
    pub(super) fn probe(&self, standing: &Standing, failure: &Failure) -> Change {
        let mut draft = Draft::new(self, standing, None);
        if standing.lifecycle != Lifecycle::Paused {
            return draft.finish();
        }
        // A run that was asked for has had its answer.
        draft.standing().demand = None;
        match failure.kind.stops_everything() {
            true => draft.pause(failure),
            // An outage says nothing of the credentials.
            false => draft.failed(failure),
        }
        draft.finish()
    }
}

impl<'a> Draft<'a> {
    fn new(settling: &'a Settling<'a>, standing: &Standing, run: Option<&'a Run>) -> Self {
        Self {
            settling,
            change: Change::to(standing.clone()),
            run,
        }
    }

    fn standing(&mut self) -> &mut Standing {
        &mut self.change.standing
    }

    /// What was demanded before the run was first begun has been done by it. Moments are kept in milliseconds.
    fn begun(&mut self, begun: Timestamp, first: Timestamp) {
        let standing = self.standing();
        standing.last_started_at = Some(begun);
        let done = |at: Timestamp| at.as_millisecond() <= first.as_millisecond();
        if standing
            .demand
            .as_ref()
            .is_some_and(|demand| done(demand.at))
        {
            standing.demand = None;
        }
        if standing.overdue {
            standing.overdue = false;
            self.change.withdrawn.push(NoticeKind::Overdue);
        }
    }

    fn ended(&mut self, run: &Run) {
        let (share, least) = self.settling.pace.bad_share;
        let counts = &run.counts;
        let bad = counts.failed >= least && counts.failed as f64 > share * counts.total() as f64;
        if bad {
            let message = format!(
                "{} of {} {} failed; see the run for the reasons",
                counts.failed,
                counts.total(),
                match self.settling.about.records {
                    Records::People => "people",
                    Records::Documents => "documents",
                }
            );
            let failure = Failure::new(FailureKind::Internal, message).with_code("too-many-failed");
            return self.failed(&failure);
        }
        self.release();
        let now = self.settling.now;
        let first = self.standing().last_succeeded_at.is_none();
        self.standing().last_succeeded_at = Some(now);
        if first {
            self.tell(NoticeKind::FirstSuccess, "first", None);
        } else if run.status == RunStatus::Succeeded
            && self.settling.about.tells_success
            // Events come by the hundred, and of most there is nothing to tell.
            && (run.trigger != Trigger::Webhook || counts.writes() > 0)
        {
            self.tell(NoticeKind::Succeeded, &run.id.0.to_string(), None);
        }
        if counts.staged > 0 {
            self.tell(NoticeKind::Staged, "guard", None);
        } else if run.cycle == CycleKind::Full && !self.is_in_doubt(run) {
            self.change.withdrawn.push(NoticeKind::Staged);
        }
    }

    /// Whether the run met documents of which nobody knows whether they arrived. An incremental one meets new
    /// ones only.
    fn is_in_doubt(&self, run: &Run) -> bool {
        self.settling.about.records == Records::Documents && run.counts.ambiguous > 0
    }

    /// However the run ended, a document in doubt stays where it is until somebody decides; and no later
    /// incremental run would meet it again.
    fn doubts(&mut self, run: &Run) {
        if self.is_in_doubt(run) {
            self.tell(NoticeKind::Staged, "doubtful", None);
        }
    }

    /// Whatever held it no longer does.
    fn release(&mut self) {
        self.standing().failures = 0;
        let Some(hold) = self.standing().hold.take() else {
            return;
        };
        let deed = match self.standing().lifecycle {
            Lifecycle::Paused => Deed::Resumed,
            _ => Deed::Recovered,
        };
        self.standing().lifecycle = Lifecycle::Active;
        self.note(deed, json!({ "since": hold.since }));
        self.tell(
            NoticeKind::Recovered,
            &hold.since.to_string(),
            Some(hold.since),
        );
        self.change
            .withdrawn
            .extend([NoticeKind::Paused, NoticeKind::Quarantined]);
    }

    /// Every further call would fail the same way until somebody does something about it.
    fn pause(&mut self, failure: &Failure) {
        let now = self.settling.now;
        let standing = self.standing();
        let was_paused = standing.lifecycle == Lifecycle::Paused;
        let former = standing.hold.take().filter(|_| was_paused);
        let same = former
            .as_ref()
            .is_some_and(|hold| hold.failure.kind == failure.kind);
        standing.lifecycle = Lifecycle::Paused;
        standing.hold = Some(Hold {
            failure: failure.clone(),
            since: former.as_ref().map_or(now, |hold| hold.since),
            attempts: former.as_ref().map_or(0, |hold| hold.attempts + 1),
        });
        if same {
            return;
        }
        self.note(Deed::Paused, reason(failure));
        self.tell(NoticeKind::Paused, kind(failure), None);
    }

    fn failed(&mut self, failure: &Failure) {
        let now = self.settling.now;
        let Pace {
            failures: limit,
            announced,
            ..
        } = *self.settling.pace;
        let standing = self.standing();
        standing.failures = standing.failures.saturating_add(1);
        if let Some(hold) = &mut standing.hold {
            hold.attempts += 1;
            if standing.lifecycle == Lifecycle::Active {
                hold.failure = failure.clone();
            }
            return;
        }
        if standing.failures < limit {
            return;
        }
        // Whoever says when it will be there again is not broken; but it is not believed for ever.
        let later = failure.kind.is_transient() && failure.retry_after > Some(LONGEST_WAIT);
        if later && tried_for(standing, now) < announced {
            return;
        }
        standing.hold = Some(Hold {
            failure: failure.clone(),
            since: now,
            attempts: 0,
        });
        self.note(Deed::Quarantined, reason(failure));
        self.tell(NoticeKind::Quarantined, kind(failure), None);
    }

    fn note(&mut self, deed: Deed, details: Value) {
        let standing = &self.change.standing;
        let entry = Entry {
            at: self.settling.now,
            tenant: standing.tenant.clone(),
            automation: Some(standing.automation.clone()),
            actor: Actor::System,
            deed,
            details,
        };
        self.change.journal.push(entry);
    }

    fn tell(&mut self, kind: NoticeKind, reason: &str, since: Option<Timestamp>) {
        let standing = &self.change.standing;
        let notice = Notice {
            kind,
            tenant: standing.tenant.clone(),
            automation: Some(standing.automation.clone()),
            reason: reason.to_owned(),
            at: self.settling.now,
            facts: Facts {
                title: self.settling.about.title.clone(),
                records: self.settling.about.records,
                failure: standing.hold.as_ref().map(|hold| hold.failure.clone()),
                counts: self.run.map(|run| run.counts),
                run: self.run.map(|run| run.id),
                since,
                ..Facts::default()
            },
        };
        self.change.notices.push(notice);
    }

    /// The next moment, by how it stands now.
    fn finish(mut self) -> Change {
        let Settling { pace, now, .. } = *self.settling;
        let next = next_run_at(self.standing(), pace, now);
        self.standing().next_run_at = next;
        for notice in &mut self.change.notices {
            notice.facts.next_at = next;
        }
        self.change
    }
}

/// When an automation that has just ended a run, or is only now looked at, is due next.
pub(super) fn next_run_at(standing: &Standing, pace: &Pace, now: Timestamp) -> Option<Timestamp> {
    if standing.lifecycle == Lifecycle::Deactivated {
        return None;
    }
    let mut next = if standing.lifecycle == Lifecycle::Paused {
        let attempts = standing.hold.as_ref().map_or(0, |hold| hold.attempts);
        Some(pace.probe_at(now, attempts))
    } else if standing.failures > 0 {
        Some(pace.retry_at(standing, now))
    } else {
        // A cadence is checked before it is kept; one that cannot be read any more is looked at again.
        let next = standing.cadence.next(now, spread(&standing.automation));
        next.unwrap_or_else(|error| {
            tracing::error!(automation = %standing.automation, %error, "The schedule cannot be kept.");
            Some(later(now, std::time::Duration::from_secs(3600)))
        })
    };
    if let Some(demand) = &standing.demand {
        let at = later(demand.at, gathering(demand, pace)).max(now);
        next = Some(next.map_or(at, |next| next.min(at)));
    }
    next
}

/// How long a demand waits for others like it.
pub(super) fn gathering(
    demand: &matricula_core::standing::Demand,
    pace: &Pace,
) -> std::time::Duration {
    match demand.trigger {
        Trigger::Webhook => pace.gather,
        _ => std::time::Duration::ZERO,
    }
}

fn reason(failure: &Failure) -> Value {
    json!({ "kind": failure.kind, "code": failure.code, "message": failure.message })
}

fn kind(failure: &Failure) -> &'static str {
    match failure.kind {
        FailureKind::Auth => "auth",
        FailureKind::Permission => "permission",
        FailureKind::Config => "config",
        _ => "failures",
    }
}

fn unknown() -> Failure {
    Failure::new(FailureKind::Internal, "the run ended without a reason")
}
