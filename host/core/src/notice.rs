//! What people are told without asking: by mail and by webhooks.
//!
//! A notice is written together with the change that it tells of, and delivered later by somebody else: a
//! mail server that is down delays notices and never a cycle. As long as a reason stands, it is told once.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{AutomationId, CredentialId, TenantId};

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// The first cycle was a success.
    FirstSuccess,
    /// The automation is paused.
    Paused,
    /// It runs at a slower pace.
    Quarantined,
    /// It runs again as it should.
    Recovered,
    /// Something waits for an owner's decision: deactivations (reason `guard`), or documents of which nobody
    /// knows whether they arrived (reason `doubtful`).
    Staged,
    /// No run has begun for twice the interval.
    Overdue,
    /// What was integrated since the last report.
    Report,
    /// A cycle after the first was a success, for flows that tell of each (reason: its run). One that an event set
    /// off is told of only if it changed something.
    Succeeded,
    /// Somebody wants to see whether notices arrive.
    Test,
}

impl NoticeKind {
    /// Its stable name, also in webhooks: `automation.paused`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstSuccess => "automation.first-success",
            Self::Paused => "automation.paused",
            Self::Quarantined => "automation.quarantined",
            Self::Recovered => "automation.recovered",
            Self::Staged => "automation.staged",
            Self::Overdue => "automation.overdue",
            Self::Report => "automation.report",
            Self::Succeeded => "automation.succeeded",
            Self::Test => "test",
        }
    }
}

/// Something that people are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// Whose.
    pub tenant: TenantId,
    /// The automation.
    pub automation: Option<AutomationId>,
    /// Why, for programs (`auth`, `2026-11-21` for a report). Nothing is posted for an automation, kind and
    /// reason that has been posted and not been withdrawn.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// What the texts are made of: see [`Facts`].
    pub facts: Facts,
}

/// What an automation carries, and thereby what its [`Facts::counts`] count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Records {
    /// People, whose accounts it keeps.
    #[default]
    People,
    /// Documents, which it puts into people's files.
    Documents,
}

impl Records {
    /// Its stable name, which is also what several are called in English.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Documents => "documents",
        }
    }
}

/// What the texts of a notice are made of. No personal data: a notice leaves the house.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The flow's title by language.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub title: Value,
    /// What the flow carries; notices that do not say so are about people.
    pub records: Records,
    /// What went wrong, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<crate::Failure>,
    /// How many people or documents were created, changed and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<crate::run::Counts>,
    /// How many runs there were, and how many of them failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<(u64, u64)>,
    /// The run that it tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<crate::RunId>,
    /// From when on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
}

/// Somebody who is told about an automation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Where to.
    pub email: String,
    /// What to call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The language of the texts: `en` or `de`.
    pub language: String,
    /// Is told of failures, pauses, staged changes and recoveries.
    pub alerts: bool,
    /// Gets the daily report, and is told of each success where the flow tells of it.
    pub report: bool,
}

/// One way by which a notice goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Channel {
    /// By mail.
    Mail(Contact),
    /// To an address of the tenant's, which the vault keeps like a credential (connector
    /// [`WEBHOOK`], public field `url`, secret `key`).
    Webhook {
        /// Which.
        endpoint: CredentialId,
        /// Where to.
        url: String,
    },
}

/// The name that addresses for outgoing webhooks have in place of a connector's.
pub const WEBHOOK: &str = "@webhook";

/// One notice on one way.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Its number.
    pub id: i64,
    /// Number of the notice, the same on every way.
    pub notice_id: i64,
    /// What is told.
    pub notice: Notice,
    /// How.
    pub channel: Channel,
    /// How often it was tried.
    pub attempts: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_that_do_not_say_what_they_are_about_are_about_people() {
        let facts: Facts = serde_json::from_str(r#"{"title":{"en":"Sync people"}}"#).unwrap();
        assert_eq!(facts.records, Records::People);
        let documents = Facts {
            records: Records::Documents,
            ..facts
        };
        let kept = serde_json::to_value(&documents).unwrap();
        assert_eq!(kept["records"], "documents");
        assert_eq!(serde_json::from_value::<Facts>(kept).unwrap(), documents);
    }
}
