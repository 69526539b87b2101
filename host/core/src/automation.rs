//! A flow that a tenant has started.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{AutomationId, CredentialId, TenantId};

/// A flow with its credentials, settings and state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Automation {
    /// Its identity.
    pub id: AutomationId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The flow's name.
    pub flow: String,
    /// Access to the source.
    pub source: CredentialId,
    /// Access to the target.
    pub target: CredentialId,
    /// What the owner filled in.
    pub settings: Value,
    /// SHA-256 of the flow file that it runs, which the store keeps; none: the file as it lies in the folder.
    pub file: Option<String>,
    /// Seeds the hashes of applied values, so that they say nothing outside this automation.
    pub salt: u64,
    /// When it was started.
    pub created_at: Timestamp,
    /// What the cycles left behind.
    pub memory: Memory,
}

/// What one cycle leaves for the next.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Where the source's changes go on.
    pub state: Option<String>,
    /// When the last full cycle that was complete began.
    pub full_at: Option<Timestamp>,
    /// What flow and settings that full cycle ran with; another one makes the next cycle full.
    pub program: Option<String>,
}
