//! The port to the store.
//!
//! Everything that a page changes goes into one [`Commit`]: links, outcomes, counts and position are
//! written in a single transaction that is checked against the [`Lease`]. A process that lost its lease
//! cannot commit any more, so two of them never write for the same automation.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::automation::{Automation, Memory};
use crate::credential::{Credential, Secrets};
use crate::document::{Document, DocumentDecision, DocumentFigures, DocumentState};
use crate::group::{DueMembership, Group, GroupChanges, Membership};
use crate::id::{AutomationId, CredentialId, RunId, SourceKey, TargetId, TenantId};
use crate::link::{Decision, Link, PendingReference, ResolvableReference};
use crate::run::{CycleKind, Outcome, OutcomeKind, Progress, Run, Trigger};

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process has taken the automation over.
    #[error("another process has taken over this automation; nothing was written")]
    LeaseLost,
    /// There is something of that name already.
    #[error("{0}")]
    Exists(String),
    /// It is still needed.
    #[error("{0}")]
    InUse(String),
    /// What was addressed does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The vault's key does not fit this store.
    #[error("{0}")]
    WrongKey(String),
    /// The database is locked or full for a while.
    #[error("the database is busy or full: {0}")]
    Busy(String),
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(String),
}

/// The right to run an automation, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The automation.
    pub automation: AutomationId,
    /// Who holds it.
    pub owner: String,
    /// Counts up with every acquisition; an older one can no longer commit.
    pub fence: i64,
}

/// A link to be written, with the references that could not be resolved yet (they replace those that were
/// pending before).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkWrite {
    /// The whole link.
    pub link: Link,
    /// Its pending references, in place of those in the store; none leaves those alone.
    pub references: Option<Vec<PendingReference>>,
    /// Attributes whose pending reference has been applied and is dropped.
    pub resolved: Vec<String>,
}

/// Everything that one page changes.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The run with its counts as they are after this page.
    pub run: Run,
    /// How far it has come.
    pub progress: Progress,
    /// Links that changed.
    pub links: Vec<LinkWrite>,
    /// Documents that changed.
    pub documents: Vec<Document>,
    /// Documents that are forgotten, since the source has them no more and nothing came of them.
    pub forgotten: Vec<SourceKey>,
    /// Groups and who belongs to them; written after the links.
    pub groups: GroupChanges,
    /// What became of the records; `unchanged` ones have no row.
    pub outcomes: Vec<Outcome>,
    /// Hashes of the keys that were seen since the last commit, appended to those of the run.
    pub seen: Vec<u64>,
}

/// Which outcomes of a run are wanted.
#[derive(Debug, Clone, Default)]
pub struct OutcomeFilter {
    /// Only these.
    pub kinds: Vec<OutcomeKind>,
    /// After this row.
    pub after: Option<i64>,
    /// The most.
    pub limit: u32,
}

/// How many people an automation knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Population {
    /// With an account.
    pub linked: u64,
    /// With an account that may be used.
    pub active: u64,
    /// With a deactivation that no owner has decided about.
    pub leaving: u64,
    /// Who failed and may be tried again now.
    pub retries_due: u64,
}

/// Automations, credentials, links and runs.
#[async_trait]
pub trait Store: Send + Sync {
    /// Adds a credential; its secrets are encrypted.
    async fn add_credential(
        &self,
        credential: &Credential,
        secrets: &Secrets,
    ) -> Result<(), StoreError>;
    /// Writes a credential's method, public fields and secrets anew, under the same id: what refers to it
    /// stays as it is. [`StoreError::NotFound`] if there is none of this id, tenant, connector and name.
    async fn replace_credential(
        &self,
        credential: &Credential,
        secrets: &Secrets,
    ) -> Result<(), StoreError>;
    /// One credential.
    async fn credential(&self, id: &CredentialId) -> Result<Option<Credential>, StoreError>;
    /// A tenant's credentials.
    async fn credentials(&self, tenant: &TenantId) -> Result<Vec<Credential>, StoreError>;
    /// The secrets of a credential.
    async fn secrets(&self, id: &CredentialId) -> Result<Secrets, StoreError>;
    /// Removes a credential that no automation uses.
    async fn remove_credential(&self, id: &CredentialId) -> Result<(), StoreError>;

    /// Adds or replaces an automation; its memory is left alone where it exists.
    async fn put_automation(&self, automation: &Automation) -> Result<(), StoreError>;
    /// One automation.
    async fn automation(&self, id: &AutomationId) -> Result<Option<Automation>, StoreError>;
    /// Removes an automation with its links, runs and everything else that is kept about it.
    /// [`StoreError::InUse`] while it is being run.
    async fn remove_automation(&self, id: &AutomationId, now: Timestamp) -> Result<(), StoreError>;
    /// A tenant's automations.
    async fn automations(&self, tenant: &TenantId) -> Result<Vec<Automation>, StoreError>;

    /// Takes the right to run an automation: if nobody has it, if the one who had it has let it run out,
    /// or if `gone` says of the one who has it that it is no more.
    async fn acquire(
        &self,
        automation: &AutomationId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        gone: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<Lease>, StoreError>;
    /// Keeps it for longer.
    async fn renew(&self, lease: &Lease, until: Timestamp) -> Result<(), StoreError>;
    /// Gives it back.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;

    /// The run that still has its progress, with how far it had come: it was cut off, or it failed and was
    /// not finished so that the next one goes on from there.
    async fn unfinished(
        &self,
        automation: &AutomationId,
    ) -> Result<Option<(Run, Progress)>, StoreError>;
    /// Begins a run.
    async fn begin(
        &self,
        lease: &Lease,
        flow: &str,
        trigger: &Trigger,
        cycle: CycleKind,
        now: Timestamp,
    ) -> Result<Run, StoreError>;
    /// Writes what a page changed, in one transaction.
    async fn commit(&self, lease: &Lease, commit: Commit) -> Result<(), StoreError>;
    /// Ends a run: its final record, and what it leaves for the next one. Forgets what was seen.
    async fn finish(
        &self,
        lease: &Lease,
        run: &Run,
        memory: Option<&Memory>,
    ) -> Result<(), StoreError>;
    /// The hashes of all keys seen by a run, in no order.
    async fn seen(&self, run: RunId) -> Result<Vec<u64>, StoreError>;

    /// The links of these keys, in their order; none for one never seen.
    async fn links(
        &self,
        automation: &AutomationId,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<Link>>, StoreError>;
    /// Who is linked to these accounts, in their order.
    async fn linked_to(
        &self,
        automation: &AutomationId,
        targets: &[TargetId],
    ) -> Result<Vec<Option<SourceKey>>, StoreError>;
    /// The keys after this one, ascending, with whether each was missed before.
    async fn keys(
        &self,
        automation: &AutomationId,
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<(SourceKey, u8)>, StoreError>;
    /// Links whose access changes by date at or before `now`, after this key, ascending by key.
    async fn access_due(
        &self,
        automation: &AutomationId,
        now: Timestamp,
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError>;
    /// Links with a deactivation in one of these states, after this key, ascending by key.
    async fn leaving(
        &self,
        automation: &AutomationId,
        decisions: &[Decision],
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError>;
    /// Pending references whose other end has an account now, after this key, ascending by key.
    async fn resolvable(
        &self,
        automation: &AutomationId,
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<ResolvableReference>, StoreError>;
    /// How many people the automation knows.
    async fn population(
        &self,
        automation: &AutomationId,
        now: Timestamp,
    ) -> Result<Population, StoreError>;
    /// Writes an owner's decision on every staged deactivation; how many there were.
    async fn decide(
        &self,
        automation: &AutomationId,
        decision: Decision,
    ) -> Result<u64, StoreError>;

    /// The groups of these keys, in their order; none for one never seen.
    async fn groups(
        &self,
        automation: &AutomationId,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<Group>>, StoreError>;
    /// Whether the automation has kept any group, ever.
    async fn keeps_groups(&self, automation: &AutomationId) -> Result<bool, StoreError>;
    /// As which group each of these is kept, in their order.
    async fn kept_as(
        &self,
        automation: &AutomationId,
        targets: &[TargetId],
    ) -> Result<Vec<Option<SourceKey>>, StoreError>;
    /// What is known of the memberships of these people, in their order; by group.
    async fn memberships(
        &self,
        automation: &AutomationId,
        keys: &[SourceKey],
    ) -> Result<Vec<Vec<Membership>>, StoreError>;
    /// Memberships for which something is to be written and may be tried now, of groups that are there, after
    /// this group and person, ascending by group and person.
    async fn memberships_due(
        &self,
        automation: &AutomationId,
        now: Timestamp,
        after: Option<(&SourceKey, &SourceKey)>,
        limit: u32,
    ) -> Result<Vec<DueMembership>, StoreError>;

    /// The documents of these keys, in their order; none for one never seen.
    async fn documents(
        &self,
        automation: &AutomationId,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<Document>>, StoreError>;
    /// Documents in one of these states, after this key, ascending by key.
    async fn documents_in(
        &self,
        automation: &AutomationId,
        states: &[DocumentState],
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<Document>, StoreError>;
    /// Which document was delivered as each of these, in their order.
    async fn delivered_as(
        &self,
        automation: &AutomationId,
        targets: &[TargetId],
    ) -> Result<Vec<Option<SourceKey>>, StoreError>;
    /// How many documents the automation knows. `people` is the automation whose links say whose account is
    /// whose.
    async fn document_figures(
        &self,
        automation: &AutomationId,
        people: Option<&AutomationId>,
        now: Timestamp,
    ) -> Result<DocumentFigures, StoreError>;
    /// Writes somebody's decision about documents that are doubtful. Those with these keys, or all; how many
    /// there were.
    async fn decide_documents(
        &self,
        automation: &AutomationId,
        keys: Option<&[SourceKey]>,
        decision: DocumentDecision,
    ) -> Result<u64, StoreError>;

    /// The newest runs first.
    async fn runs(&self, tenant: &TenantId, limit: u32) -> Result<Vec<Run>, StoreError>;
    /// One run.
    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError>;
    /// What became of the records of a run; each with its row for paging.
    async fn outcomes(
        &self,
        run: RunId,
        filter: &OutcomeFilter,
    ) -> Result<Vec<(i64, Outcome)>, StoreError>;
}
