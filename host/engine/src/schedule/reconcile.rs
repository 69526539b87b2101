//! What the schedule of an automation ought to be. Pure, and asked of all of them every minute, so that no
//! automation stays without a next moment for longer than that, whatever has happened to it.

use std::time::Duration;

use jiff::Timestamp;
use matricula_core::agenda::Change;
use matricula_core::notice::{Facts, Notice, NoticeKind};
use matricula_core::standing::{Lifecycle, Standing};

use super::pace::{Pace, later};
use super::scheduler::About;
use super::settle::next_run_at;

/// What is known of now.
pub(super) struct Present<'a> {
    pub(super) pace: &'a Pace,
    pub(super) now: Timestamp,
    /// Since when this process has kept the schedule without a gap: what was due before cannot be blamed on it
    /// having been forgotten.
    pub(super) awake_since: Timestamp,
}

impl Present<'_> {
    /// The change that puts it right; none if nothing is wrong. `running`: its cycle runs in this process.
    pub(super) fn correct(
        &self,
        standing: &Standing,
        running: bool,
        about: impl Fn() -> About,
    ) -> Option<Change> {
        let mut right = standing.clone();
        let mut notices = Vec::new();
        let latest = next_run_at(standing, self.pace, self.now);
        right.next_run_at = match (standing.next_run_at, latest) {
            (Some(next), Some(latest)) => Some(next.min(latest)),
            (_, latest) => latest,
        };
        if !running && !standing.overdue && self.is_overdue(standing) {
            right.overdue = true;
            let About { title, records, .. } = about();
            notices.push(Notice {
                kind: NoticeKind::Overdue,
                tenant: standing.tenant.clone(),
                automation: Some(standing.automation.clone()),
                reason: "overdue".to_owned(),
                at: self.now,
                facts: Facts {
                    title,
                    records,
                    since: standing.next_run_at,
                    run: standing.last_run,
                    ..Facts::default()
                },
            });
        }
        (right != *standing).then(|| Change {
            notices,
            ..Change::to(right)
        })
    }

    /// Whether it has been due for a whole interval, which is twice the interval since it last began.
    fn is_overdue(&self, standing: &Standing) -> bool {
        let Some(due) = standing.next_run_at else {
            return false;
        };
        let Some(interval) = standing.cadence.interval(self.now) else {
            return false;
        };
        let patience = interval.max(Duration::from_secs(60));
        standing.lifecycle == Lifecycle::Active
            && self.now > later(due.max(self.awake_since), patience)
    }
}
