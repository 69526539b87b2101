//! Shapes that several resources share: the domain's words as JSON, described.
//!
//! The domain's own types have no description of their own, since nothing below this crate knows of `OpenAPI`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use matricula_core::run::{Counts, CycleKind, Run, RunStatus, Trigger};
use matricula_core::{Cadence, Failure, FailureKind, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A text by language: `{"en": "…", "de": "…"}`.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[schema(as = Text)]
pub(crate) struct Words(BTreeMap<String, String>);

impl From<Text> for Words {
    fn from(text: Text) -> Self {
        Self(text.0)
    }
}

impl From<&Text> for Words {
    fn from(text: &Text) -> Self {
        Self(text.0.clone())
    }
}

/// When cycles are due.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Cadence)]
#[serde(rename_all = "kebab-case", tag = "kind", deny_unknown_fields)]
pub(crate) enum CadenceShape {
    /// At an interval.
    Every {
        /// In seconds.
        #[schema(minimum = 1)]
        seconds: u64,
    },
    /// At times on the wall.
    Cron {
        /// Five fields.
        #[schema(max_length = 200)]
        expression: String,
        /// An IANA name.
        #[schema(max_length = 100)]
        time_zone: String,
    },
    /// Only when asked for.
    OnDemand {},
}

impl From<Cadence> for CadenceShape {
    fn from(cadence: Cadence) -> Self {
        match cadence {
            Cadence::Every { seconds } => Self::Every { seconds },
            Cadence::Cron {
                expression,
                time_zone,
            } => Self::Cron {
                expression,
                time_zone,
            },
            Cadence::OnDemand => Self::OnDemand {},
        }
    }
}

impl From<CadenceShape> for Cadence {
    fn from(shape: CadenceShape) -> Self {
        match shape {
            CadenceShape::Every { seconds } => Self::Every { seconds },
            CadenceShape::Cron {
                expression,
                time_zone,
            } => Self::Cron {
                expression,
                time_zone,
            },
            CadenceShape::OnDemand {} => Self::OnDemand,
        }
    }
}

/// What went wrong, and what to do.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Failure)]
pub(crate) struct FailureShape {
    /// Whose fault it is and whether it passes.
    #[schema(value_type = String)]
    kind: FailureKind,
    /// Stable name.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// For people.
    message: String,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

impl From<Failure> for FailureShape {
    fn from(failure: Failure) -> Self {
        Self {
            kind: failure.kind,
            code: failure.code,
            message: failure.message,
            retry_after: failure.retry_after.map(|wait| wait.as_secs()),
        }
    }
}

/// How many people or documents of each outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = Counts)]
pub(crate) struct CountsShape {
    created: u64,
    updated: u64,
    unchanged: u64,
    deactivated: u64,
    reactivated: u64,
    skipped: u64,
    staged: u64,
    ambiguous: u64,
    failed: u64,
}

impl From<Counts> for CountsShape {
    fn from(counts: Counts) -> Self {
        Self {
            created: counts.created,
            updated: counts.updated,
            unchanged: counts.unchanged,
            deactivated: counts.deactivated,
            reactivated: counts.reactivated,
            skipped: counts.skipped,
            staged: counts.staged,
            ambiguous: counts.ambiguous,
            failed: counts.failed,
        }
    }
}

/// Who or what started a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Trigger)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum TriggerShape {
    /// A person.
    Manual {
        /// Who.
        by: ByShape,
    },
    /// It was due.
    Schedule,
    /// A remote system said that something has changed.
    Webhook,
}

/// Who did something.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = By)]
pub(crate) struct ByShape {
    /// What they are called.
    pub(crate) name: String,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) picture: Option<String>,
}

/// One cycle.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Run)]
pub(crate) struct RunShape {
    /// Its number.
    id: i64,
    /// The automation's id.
    automation: String,
    /// The flow's name.
    flow: String,
    /// Who or what started it.
    trigger: TriggerShape,
    /// `full` or `incremental`.
    #[schema(value_type = String)]
    cycle: CycleKind,
    /// How it stands.
    #[schema(value_type = String)]
    status: RunStatus,
    /// When it was triggered.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// How many of each.
    counts: CountsShape,
    /// How many requests went out.
    requests: RequestsShape,
    /// Why it did not come to its end.
    error: Option<FailureShape>,
    /// What an owner should know of the run as a whole.
    notes: Vec<Words>,
}

/// How many requests went out.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Requests)]
pub(crate) struct RequestsShape {
    /// To the source.
    source: u64,
    /// To the target.
    target: u64,
}

impl From<Run> for RunShape {
    fn from(run: Run) -> Self {
        Self {
            id: run.id.0,
            automation: run.automation.to_string(),
            flow: run.flow,
            trigger: match run.trigger {
                Trigger::Manual { by } => TriggerShape::Manual {
                    by: ByShape {
                        name: by.name,
                        picture: by.picture,
                    },
                },
                Trigger::Schedule => TriggerShape::Schedule,
                Trigger::Webhook => TriggerShape::Webhook,
            },
            cycle: run.cycle,
            status: run.status,
            started_at: run.started_at,
            finished_at: run.finished_at,
            counts: run.counts.into(),
            requests: RequestsShape {
                source: run.requests.source,
                target: run.requests.target,
            },
            error: run.error.map(FailureShape::from),
            notes: run.notes.into_iter().map(Words::from).collect(),
        }
    }
}
