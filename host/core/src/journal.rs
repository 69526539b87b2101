//! The history of changes: who did what to an automation, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{AutomationId, TenantId};
use crate::person::Person;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Actor {
    /// Somebody.
    Person(Person),
    /// The product by itself.
    System,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// The automation was started.
    Started,
    /// It was stopped.
    Deactivated,
    /// It was started again.
    Reactivated,
    /// It was paused because of a failure.
    Paused,
    /// It goes on after a pause.
    Resumed,
    /// It runs at the slower pace after too many failures.
    Quarantined,
    /// It runs at its own pace again.
    Recovered,
    /// Settings were changed.
    SettingsChanged,
    /// The schedule was changed.
    ScheduleChanged,
    /// Another credential is used, or the same was written anew.
    CredentialChanged,
    /// Another version of the flow's file is used.
    FlowAdopted,
    /// Staged deactivations were approved.
    Approved,
    /// Staged deactivations were discarded.
    Discarded,
    /// Somebody said whether doubtful documents had arrived.
    DocumentsDecided,
    /// Who is told was changed.
    ContactsChanged,
    /// The link of one person was forgotten.
    LinkForgotten,
    /// Everything about one person was erased.
    PersonErased,
    /// Its secret address for webhooks was made anew.
    HookRenewed,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Whose automation.
    pub tenant: TenantId,
    /// Which; none for what concerns the tenant.
    pub automation: Option<AutomationId>,
    /// Who.
    pub actor: Actor,
    /// What.
    pub deed: Deed,
    /// More about it: names and old and new settings, never a secret and nothing about a person of the source.
    pub details: Value,
}
