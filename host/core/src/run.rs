//! Runs: the record of each cycle, and how far it has come.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::id::{AutomationId, RunId, SourceKey, TargetId};
use crate::person::Person;
use crate::text::Text;

/// How much a cycle reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CycleKind {
    /// The whole population.
    Full,
    /// The changes since the state.
    Incremental,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// It is still going, or was cut off and will be resumed.
    Running,
    /// Everybody was dealt with.
    Succeeded,
    /// It came to its end, but somebody failed, is staged or is ambiguous.
    Partial,
    /// It did not come to its end.
    Failed,
    /// Somebody stopped it. What it had written stays.
    Stopped,
}

/// Who or what started a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Trigger {
    /// A person.
    Manual {
        /// Who.
        by: Person,
    },
    /// It was due.
    Schedule,
    /// The source or the target said that something has changed.
    Webhook,
}

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeKind {
    /// An account was made, or a document delivered.
    Created,
    /// An account was changed, or an existing one adopted; a document lay there already.
    Updated,
    /// Nothing to do.
    Unchanged,
    /// Access was taken away.
    Deactivated,
    /// Access was given back.
    Reactivated,
    /// Not meant to have an account; a document that is not wanted, or waits for its person.
    Skipped,
    /// A deactivation that the guard holds back.
    Staged,
    /// Several accounts match; of a document nobody knows whether it arrived.
    Ambiguous,
    /// It could not be done.
    Failed,
}

impl OutcomeKind {
    /// Its stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Deactivated => "deactivated",
            Self::Reactivated => "reactivated",
            Self::Skipped => "skipped",
            Self::Staged => "staged",
            Self::Ambiguous => "ambiguous",
            Self::Failed => "failed",
        }
    }
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Accounts made.
    pub created: u64,
    /// Accounts changed.
    pub updated: u64,
    /// Nothing to do.
    pub unchanged: u64,
    /// Access taken away.
    pub deactivated: u64,
    /// Access given back.
    pub reactivated: u64,
    /// Not meant to have an account.
    pub skipped: u64,
    /// Held back by the guard.
    pub staged: u64,
    /// Several accounts match.
    pub ambiguous: u64,
    /// Could not be done.
    pub failed: u64,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, kind: OutcomeKind) {
        *self.of(kind) += 1;
    }

    /// Takes one back, when a later step of the cycle says something else of the same person.
    pub fn take(&mut self, kind: OutcomeKind) {
        let count = self.of(kind);
        *count = count.saturating_sub(1);
    }

    fn of(&mut self, kind: OutcomeKind) -> &mut u64 {
        match kind {
            OutcomeKind::Created => &mut self.created,
            OutcomeKind::Updated => &mut self.updated,
            OutcomeKind::Unchanged => &mut self.unchanged,
            OutcomeKind::Deactivated => &mut self.deactivated,
            OutcomeKind::Reactivated => &mut self.reactivated,
            OutcomeKind::Skipped => &mut self.skipped,
            OutcomeKind::Staged => &mut self.staged,
            OutcomeKind::Ambiguous => &mut self.ambiguous,
            OutcomeKind::Failed => &mut self.failed,
        }
    }

    /// How many changes were written to the target.
    pub fn writes(&self) -> u64 {
        self.created + self.updated + self.deactivated + self.reactivated
    }

    /// How many people were looked at.
    pub fn total(&self) -> u64 {
        self.writes() + self.unchanged + self.skipped + self.staged + self.ambiguous + self.failed
    }
}

/// How many requests went out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// To the source.
    pub source: u64,
    /// To the target.
    pub target: u64,
}

/// The record of one cycle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The automation.
    pub automation: AutomationId,
    /// The flow's name.
    pub flow: String,
    /// Who or what started it.
    pub trigger: Trigger,
    /// How much it reads.
    pub cycle: CycleKind,
    /// How it stands.
    pub status: RunStatus,
    /// When it was triggered.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How many of each.
    pub counts: Counts,
    /// How many requests went out.
    pub requests: Requests,
    /// Why it did not come to its end.
    pub error: Option<Failure>,
    /// What an owner should know of the run as a whole, once each.
    #[serde(deserialize_with = "crate::text::kept")]
    pub notes: Vec<Text>,
}

/// What became of one record, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The person in the source, or the document.
    pub key: SourceKey,
    /// The account, or what the document is in the target, where there is one.
    pub target: Option<TargetId>,
    /// What was done.
    pub kind: OutcomeKind,
    /// Stable code of the reason (`end-reached`, `missing-attribute`).
    pub code: Option<String>,
    /// Why, and what to do, without personal data.
    pub reason: Option<String>,
    /// Names of the changed attributes, never their values.
    pub changed: Vec<String>,
}

/// The steps of a cycle, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Read, scope, map, match, plan, apply: page by page.
    Read,
    /// Who is missing; whose dates have come. Of documents: what the source has no more.
    Leave,
    /// Guard, then apply the deactivations.
    Deactivate,
    /// References whose other end now has an account.
    Refer,
    /// Who is put into groups and taken out of them.
    Group,
}

/// How far a run has come; committed with every page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The step.
    pub phase: Phase,
    /// Where reading goes on.
    pub position: Option<String>,
    /// Where the next run may start; known at the last page.
    pub state: Option<String>,
    /// Whether what was read is the whole population; known at the last page.
    pub complete: bool,
    /// How many records were read.
    pub read: u64,
    /// How many the remote announced.
    pub total: Option<u64>,
    /// What flow and settings it runs with; another one cannot go on from here.
    #[serde(default)]
    pub program: String,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            phase: Phase::Read,
            position: None,
            state: None,
            complete: false,
            read: 0,
            total: None,
            program: String::new(),
        }
    }
}
