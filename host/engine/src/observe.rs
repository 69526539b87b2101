//! What can be watched of a run, and what a preview shows.

use std::sync::Arc;

use matricula_core::run::{Counts, CycleKind, Outcome, OutcomeKind, Phase, RunStatus};
use matricula_core::{SourceKey, Text};
use serde::Serialize;
use serde_json::Value;

/// Something that happened in a run.
#[derive(Debug)]
pub enum Event<'a> {
    /// It began.
    Started {
        /// How much it reads.
        cycle: CycleKind,
        /// It goes on with a run that was cut off, after this many records.
        resumed_at: Option<u64>,
    },
    /// A step began.
    Phase(Phase),
    /// A page was dealt with.
    Page {
        /// Records read so far.
        read: u64,
        /// Records announced.
        total: Option<u64>,
        /// Counts so far.
        counts: &'a Counts,
    },
    /// A record got an outcome other than unchanged.
    Outcome(&'a Outcome),
    /// The remote asked for patience or failed; it is tried again.
    Waiting {
        /// For how long.
        seconds: f64,
        /// Why.
        reason: &'a str,
    },
    /// It ended.
    Ended {
        /// How.
        status: RunStatus,
        /// The final counts.
        counts: &'a Counts,
    },
}

/// Watches a run. Called from the run itself and from the tasks that write: it must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Watches nothing.
pub struct Silent;

impl Silent {
    /// Nothing, as a run takes it.
    pub fn observer() -> Arc<dyn Observer> {
        Arc::new(Self)
    }
}

impl Observer for Silent {
    fn event(&self, _: &Event<'_>) {}
}

/// What a cycle would do.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// How much it would read.
    pub cycle: CycleKind,
    /// What would become of everybody.
    pub counts: Counts,
    /// Everybody whom something would happen to, or who needs an owner; in a flow of documents, every document
    /// that something would become of.
    pub people: Vec<Planned>,
    /// Why the guard would hold the deactivations back.
    pub guard: Option<Text>,
    /// What an owner should know.
    pub notes: Vec<Text>,
}

/// What would become of one person or document. For the owner's eyes: it holds values.
#[derive(Debug, Clone, Serialize)]
pub struct Planned {
    /// The person in the source, or the document.
    pub key: SourceKey,
    /// How an owner recognises the person: the value of the last match rule, usually the e-mail address. Of a
    /// document: whose it is, at the target.
    pub who: Option<String>,
    /// What would be done.
    pub kind: OutcomeKind,
    /// Stable code of the reason.
    pub code: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Whether an existing account would be adopted.
    pub adopts: bool,
    /// Old and new values.
    pub changes: Vec<Change>,
}

/// One attribute that would change.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// The attribute.
    pub attribute: String,
    /// What the account holds, where it is known.
    pub old: Option<Value>,
    /// What would be written.
    pub new: Value,
}
