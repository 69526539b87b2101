//! The ports of the schedule: how automations stand, the history of changes, and what people are to be told.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::id::{AutomationId, RunId, SourceKey, TenantId};
use crate::journal::Entry;
use crate::notice::{Channel, Contact, Delivery, Notice};
use crate::run::{Counts, Run};
use crate::standing::Standing;
use crate::store::StoreError;

/// A change of how an automation stands, with what is written about it in the same transaction.
#[derive(Debug, Clone)]
pub struct Change {
    /// How it stands now; taken only if the store still has the version that it was made from. The store
    /// counts the version up.
    pub standing: Standing,
    /// For the history.
    pub journal: Vec<Entry>,
    /// For those who want to be told.
    pub notices: Vec<Notice>,
    /// Reasons that no longer stand: what was posted for this automation is withdrawn, so that it is told
    /// again if it comes back.
    pub withdrawn: Vec<crate::notice::NoticeKind>,
}

impl Change {
    /// Only how it stands; nothing is written about it.
    pub fn to(standing: Standing) -> Self {
        Self {
            standing,
            journal: Vec::new(),
            notices: Vec::new(),
            withdrawn: Vec::new(),
        }
    }
}

/// What the schedule looks like as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Overview {
    /// Automations that run.
    pub active: u64,
    /// Of these, those at a slower pace.
    pub quarantined: u64,
    /// Automations whose credentials are probed.
    pub paused: u64,
    /// Automations that were stopped.
    pub deactivated: u64,
    /// Automations that are due and not running.
    pub due: u64,
    /// Automations of which no run has begun for twice their interval.
    pub overdue: u64,
    /// For how long the first of those that are due has been.
    pub lag: std::time::Duration,
}

/// What the runs of an automation did in a span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many there were.
    pub runs: u64,
    /// How many of them did not come to their end.
    pub failed: u64,
    /// The sums of what they wrote; of the others (`unchanged`, `staged` and so on) the last run's.
    pub counts: Counts,
}

/// Which runs are wanted.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only of this automation.
    pub automation: Option<AutomationId>,
    /// Only with this status.
    pub status: Option<crate::run::RunStatus>,
    /// Older than this one.
    pub before: Option<RunId>,
    /// The most.
    pub limit: u32,
}

/// How automations stand, and what is kept about them.
#[async_trait]
pub trait Agenda: Send + Sync {
    /// Takes an automation into the schedule. [`StoreError::Exists`] if it is there already,
    /// [`StoreError::NotFound`] if the store does not know the automation.
    async fn enroll(&self, change: &Change) -> Result<(), StoreError>;
    /// How one stands.
    async fn standing(&self, id: &AutomationId) -> Result<Option<Standing>, StoreError>;
    /// How a tenant's, or all, stand: after this one, ascending by id.
    async fn standings(
        &self,
        tenant: Option<&TenantId>,
        after: Option<&AutomationId>,
        limit: u32,
    ) -> Result<Vec<Standing>, StoreError>;
    /// Those whose moment has come, the longest waiting first, without those that somebody else than `me`
    /// holds a lease of that has not run out.
    async fn due(&self, now: Timestamp, me: &str, limit: u32) -> Result<Vec<Standing>, StoreError>;
    /// Who holds a lease that has not run out, each once.
    async fn holders(&self, now: Timestamp) -> Result<Vec<String>, StoreError>;
    /// Gives back every lease of a holder that is known to be no more; how many there were.
    async fn evict(&self, holder: &str) -> Result<u64, StoreError>;
    /// When the next one is due.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;
    /// Writes a change; `false`, and nothing written, if it was made from an older version.
    async fn change(&self, change: &Change) -> Result<bool, StoreError>;
    /// The history, the newest first: of one automation or a tenant's, older than this row.
    async fn journal(
        &self,
        tenant: &TenantId,
        automation: Option<&AutomationId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, Entry)>, StoreError>;
    /// Adds to the history.
    async fn note(&self, entry: &Entry) -> Result<(), StoreError>;
    /// The schedule as a whole.
    async fn overview(&self, now: Timestamp) -> Result<Overview, StoreError>;
    /// What the runs of an automation did that ended in this span.
    async fn tally(
        &self,
        id: &AutomationId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Tally, StoreError>;
    /// Runs of a tenant, the newest first.
    async fn runs_of(&self, tenant: &TenantId, filter: &RunFilter) -> Result<Vec<Run>, StoreError>;

    /// Keeps the text of a flow file; what it is found by again: its SHA-256 in hexadecimal digits.
    async fn keep_file(&self, text: &str) -> Result<String, StoreError>;
    /// The text of a flow file.
    async fn file(&self, digest: &str) -> Result<Option<String>, StoreError>;

    /// Keeps the SHA-256 of the secret in an automation's address for webhooks; none takes it away.
    async fn set_hook(&self, id: &AutomationId, digest: Option<[u8; 32]>)
    -> Result<(), StoreError>;
    /// The digest, to be compared in constant time.
    async fn hook(&self, id: &AutomationId) -> Result<Option<[u8; 32]>, StoreError>;

    /// Drops runs (with their outcomes) that ended before this, of a tenant; delivered notices and history
    /// as well. At most so many runs at a time; how many there were.
    async fn prune(
        &self,
        tenant: &TenantId,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError>;
    /// Every tenant with an automation, with the days for which its runs are kept, where it has chosen.
    async fn tenants(&self) -> Result<Vec<(TenantId, Option<u32>)>, StoreError>;
    /// Keeps runs for so many days; none: as long as the product does by itself.
    async fn set_retention(&self, tenant: &TenantId, days: Option<u32>) -> Result<(), StoreError>;
    /// Removes one person of an automation's source: link, pending references, outcomes; how many rows.
    async fn erase(&self, id: &AutomationId, key: &SourceKey) -> Result<u64, StoreError>;
    /// Removes the link of one person, so that the next full cycle matches them anew.
    async fn forget(&self, id: &AutomationId, key: &SourceKey) -> Result<bool, StoreError>;
    /// Lets those who failed be tried at once instead of at their growing distance; how many.
    async fn retry_now(&self, id: &AutomationId, now: Timestamp) -> Result<u64, StoreError>;
    /// Forgets what full cycles and changes were seen, so that the next cycle evaluates everybody anew.
    async fn reevaluate(&self, id: &AutomationId) -> Result<(), StoreError>;
}

/// What people are to be told.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Posts a notice; `false` if it has been told and still stands.
    async fn post(&self, notice: &Notice) -> Result<bool, StoreError>;
    /// Notices that nobody has been chosen for yet, oldest first.
    async fn unaddressed(&self, limit: u32) -> Result<Vec<(i64, Notice)>, StoreError>;
    /// Chooses the ways by which a notice goes; none: it is done.
    async fn address(
        &self,
        notice: i64,
        channels: &[Channel],
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Deliveries whose moment has come, oldest first.
    async fn deliverable(&self, now: Timestamp, limit: u32) -> Result<Vec<Delivery>, StoreError>;
    /// It has arrived.
    async fn delivered(&self, delivery: i64, now: Timestamp) -> Result<(), StoreError>;
    /// It has not arrived and is tried again; none: never.
    async fn postponed(
        &self,
        delivery: i64,
        until: Option<Timestamp>,
        error: &str,
    ) -> Result<(), StoreError>;
    /// How many deliveries wait.
    async fn waiting(&self) -> Result<u64, StoreError>;
    /// Who is told about an automation.
    async fn contacts(&self, id: &AutomationId) -> Result<Vec<Contact>, StoreError>;
    /// Automations with somebody who gets the daily report: after this one, ascending by id.
    async fn reporting(
        &self,
        after: Option<&AutomationId>,
        limit: u32,
    ) -> Result<Vec<AutomationId>, StoreError>;
    /// Sets who is told.
    async fn set_contacts(&self, id: &AutomationId, contacts: &[Contact])
    -> Result<(), StoreError>;
}

/// Everything that a store does. Whatever implements the four ports is one.
pub trait Ledger: crate::store::Store + Agenda + Outbox + crate::board::Board {}

impl<T: crate::store::Store + Agenda + Outbox + crate::board::Board> Ledger for T {}
