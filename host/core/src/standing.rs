//! How an automation stands: whether it runs, when it is next due, and what keeps it from running.
//!
//! An automation that is not deactivated always has a next moment, also one that is paused (then its
//! credentials are probed) or in quarantine (then it runs at a slower pace). It never ends by itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::automation::Automation;
use crate::cadence::Cadence;
use crate::failure::Failure;
use crate::id::{AutomationId, CredentialId, RunId, TenantId};
use crate::run::Trigger;

/// Whether an automation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lifecycle {
    /// Its cycles come when they are due.
    Active,
    /// Its credentials or settings do not work: they are probed, and it goes on by itself once they do.
    Paused,
    /// Somebody has stopped it.
    Deactivated,
}

/// A run that somebody or something asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// Who or what.
    pub trigger: Trigger,
    /// Read the whole population.
    pub full: bool,
    /// When.
    pub at: Timestamp,
}

/// What keeps an automation from its pace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// What went wrong, and what to do.
    pub failure: Failure,
    /// Since when.
    pub since: Timestamp,
    /// How often it was probed or tried since.
    pub attempts: u32,
}

/// How an automation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The automation.
    pub automation: AutomationId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The flow's name.
    pub flow: String,
    /// Access to the source.
    pub source: CredentialId,
    /// Access to the target.
    pub target: CredentialId,
    /// Whether it runs.
    pub lifecycle: Lifecycle,
    /// When its cycles are due.
    pub cadence: Cadence,
    /// When it is next looked at; none only if it is deactivated, or runs on demand and nothing is demanded.
    pub next_run_at: Option<Timestamp>,
    /// The run that was asked for and has not begun.
    pub demand: Option<Demand>,
    /// Why it is paused or in quarantine; an active automation with one is in quarantine.
    pub hold: Option<Hold>,
    /// Runs that failed in a row.
    pub failures: u32,
    /// The last run.
    pub last_run: Option<RunId>,
    /// When the last run began.
    pub last_started_at: Option<Timestamp>,
    /// When a run last came to its end.
    pub last_ended_at: Option<Timestamp>,
    /// When a run was last a success.
    pub last_succeeded_at: Option<Timestamp>,
    /// Whether it was told that no run has begun for twice the interval.
    pub overdue: bool,
    /// Counts up with each change; the store takes a change only of what it was made from.
    pub version: i64,
}

impl Standing {
    /// An automation that has just been taken into the schedule: active, and nothing has happened yet.
    pub fn new(automation: &Automation, cadence: Cadence, next_run_at: Option<Timestamp>) -> Self {
        Self {
            automation: automation.id.clone(),
            tenant: automation.tenant.clone(),
            flow: automation.flow.clone(),
            source: automation.source.clone(),
            target: automation.target.clone(),
            lifecycle: Lifecycle::Active,
            cadence,
            next_run_at,
            demand: None,
            hold: None,
            failures: 0,
            last_run: None,
            last_started_at: None,
            last_ended_at: None,
            last_succeeded_at: None,
            overdue: false,
            version: 0,
        }
    }

    /// Whether it runs at the slower pace.
    pub fn is_quarantined(&self) -> bool {
        self.lifecycle == Lifecycle::Active && self.hold.is_some()
    }
}
