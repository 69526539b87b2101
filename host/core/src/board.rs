//! The port of what people look at: automations at a glance, notices, credentials with their last test, and the
//! answers that are given once more to a request that is sent once more.
//!
//! Everything here is asked for while somebody waits for a page, so each question is bounded and answered from
//! an index, however many automations a store has.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::automation::Automation;
use crate::credential::Credential;
use crate::id::{AutomationId, CredentialId, RunId, TenantId};
use crate::notice::{Contact, Notice};
use crate::run::{Run, RunStatus};
use crate::standing::{Lifecycle, Standing};
use crate::store::StoreError;

/// The most runs that the health of an automation is made of.
pub const BEATS: usize = 30;

/// Why an automation needs somebody; the most urgent first, which is also the order of the list. One that
/// somebody has stopped needs nobody, whatever waits there: nothing comes of it before it runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Attention {
    /// It is paused: a credential or a setting does not work.
    Paused,
    /// Deactivations or documents wait for a decision.
    Decision,
    /// It runs at the slower pace.
    Quarantined,
    /// No run has begun for twice the interval, and it was told.
    Overdue,
    /// It needs nobody.
    None,
}

/// One of the last runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Which.
    pub run: RunId,
    /// How it ended, or that it runs.
    pub status: RunStatus,
    /// When it began.
    pub started_at: Timestamp,
}

/// An automation at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// How it stands.
    pub standing: Standing,
    /// Why it needs somebody.
    pub attention: Attention,
    /// Whether a run is under way: somebody holds a lease that has not run out.
    pub running: bool,
    /// Its last run that is still kept, also one that is under way.
    pub last_run: Option<Run>,
    /// The last runs, the oldest first; at most [`BEATS`].
    pub health: Vec<Beat>,
    /// People whose deactivation waits for a decision.
    pub staged: u64,
    /// Documents that wait for a decision.
    pub doubtful: u64,
    /// What it was started with.
    pub automation: Automation,
    /// Who is told about it.
    pub contacts: Vec<Contact>,
    /// People with an account.
    pub linked: u64,
    /// People with an account that may be used.
    pub active: u64,
}

/// Where a list of cards goes on: after the card with these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardPosition {
    /// Its attention.
    pub attention: Attention,
    /// Its flow's name.
    pub flow: String,
    /// Its id.
    pub automation: AutomationId,
}

/// Which cards are wanted.
#[derive(Debug, Clone, Default)]
pub struct CardFilter {
    /// Only of this flow.
    pub flow: Option<String>,
    /// Only those that stand so.
    pub lifecycle: Option<Lifecycle>,
    /// After this one.
    pub after: Option<CardPosition>,
    /// The most.
    pub limit: u32,
}

/// What came of testing a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestResult {
    /// It has every right that was asked for.
    Ok,
    /// Rights are missing.
    Findings,
    /// The remote system rejects it or cannot be reached.
    Failed,
}

/// A credential's last test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tested {
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub result: TestResult,
}

/// An automation that uses a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The credential.
    pub credential: CredentialId,
    /// The automation.
    pub automation: AutomationId,
    /// Its flow's name.
    pub flow: String,
}

/// An answer that is kept for a request that may be sent again. It can hold what is shown only once (an
/// address with its secret), so it is encrypted where it is kept, and its text is not printed.
///
/// It holds nobody of a source: erasing a person does not look into answers. So nothing is kept of a request
/// that changes nothing and is told about a person (an expression that is tried on somebody's record).
#[derive(Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// HTTP status.
    pub status: u16,
    /// Headers worth repeating.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for KeptAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptAnswer")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What is known of a request's idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reservation {
    /// Nobody has used it: it is this request's now.
    Taken,
    /// The same request is under way.
    Busy,
    /// Another request had it.
    Mismatch,
    /// The same request was answered.
    Answered(KeptAnswer),
}

/// What people look at.
#[async_trait]
pub trait Board: Send + Sync {
    /// A tenant's automations that were started: by attention, flow and id.
    async fn cards(
        &self,
        tenant: &TenantId,
        filter: &CardFilter,
        now: Timestamp,
    ) -> Result<Vec<Card>, StoreError>;
    /// One of them.
    async fn card(&self, id: &AutomationId, now: Timestamp) -> Result<Option<Card>, StoreError>;
    /// How many automations that were started a tenant has of each flow, ascending by flow; those it has none
    /// of are left out.
    async fn automations_by_flow(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<(String, u64)>, StoreError>;

    /// What was told to a tenant, the newest first, older than this row.
    async fn notices(
        &self,
        tenant: &TenantId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, Notice)>, StoreError>;
    /// For how many days a tenant's runs are kept; none: as long as the product does by itself.
    async fn retention(&self, tenant: &TenantId) -> Result<Option<u32>, StoreError>;

    /// Keeps what came of testing a credential; writing a credential anew forgets it.
    /// [`StoreError::NotFound`] if there is no such credential.
    async fn set_tested(&self, credential: &CredentialId, tested: Tested)
    -> Result<(), StoreError>;
    /// The last tests of a tenant's credentials.
    async fn tested(&self, tenant: &TenantId) -> Result<Vec<(CredentialId, Tested)>, StoreError>;
    /// What changes whenever a credential is written anew, also if it is with the same fields; nothing of its secrets
    /// can be told from it. None if there is no such credential.
    async fn revision(&self, credential: &CredentialId) -> Result<Option<[u8; 32]>, StoreError>;
    /// Credentials for a connector by one of its methods, whichever tenant's, of which this open field has this
    /// value; at most so many.
    async fn credentials_where(
        &self,
        connector: &str,
        method: &str,
        field: &str,
        value: &str,
        limit: u32,
    ) -> Result<Vec<Credential>, StoreError>;
    /// Which automations use a tenant's credentials, also those that were not started: by credential, flow and
    /// automation. One that reads and writes with the same credential uses it once.
    async fn uses(&self, tenant: &TenantId) -> Result<Vec<Use>, StoreError>;

    /// Takes an idempotency key for a request, known by the SHA-256 of what it asks; the store keeps that as
    /// secret as the answer, since a request may hold what can be guessed. A key that was taken and not answered
    /// is free again from `until` on, so that a process that has ended in between keeps nobody waiting for ever;
    /// one that was answered, from the `keep` of [`Board::answer`] on.
    async fn reserve(
        &self,
        tenant: &TenantId,
        key: &str,
        request: [u8; 32],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Reservation, StoreError>;
    /// Keeps the answer to a request that has taken the key, until `keep`; none gives the key back. Does nothing
    /// if the time of the key was over and another request has it now.
    async fn answer(
        &self,
        tenant: &TenantId,
        key: &str,
        request: [u8; 32],
        answer: Option<&KeptAnswer>,
        keep: Timestamp,
    ) -> Result<(), StoreError>;
    /// Drops keys whose time is over, at most so many at a time; how many.
    async fn drop_answers(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
