//! The port [`Store`] on the thread of the connection.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::agenda::{Agenda, RunFilter};
use matricula_core::automation::{Automation, Memory};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::document::{Document, DocumentDecision, DocumentFigures, DocumentState};
use matricula_core::group::{DueMembership, Group, Membership};
use matricula_core::link::{Decision, Link, ResolvableReference};
use matricula_core::run::{CycleKind, Outcome, Progress, Run, Trigger};
use matricula_core::store::{Commit, Lease, OutcomeFilter, Population, Store, StoreError};
use matricula_core::{AutomationId, CredentialId, RunId, SourceKey, TargetId, TenantId};

use super::links::first;
use super::{SqliteStore, automations, credentials, documents, groups, links, runs};

#[async_trait]
impl Store for SqliteStore {
    async fn add_credential(
        &self,
        credential: &Credential,
        secrets: &Secrets,
    ) -> Result<(), StoreError> {
        let vault = Arc::clone(&self.vault);
        let (credential, secrets) = (credential.clone(), secrets.clone());
        self.worker
            .write(move |tx| credentials::add(tx, &vault, &credential, &secrets))
            .await
    }

    async fn replace_credential(
        &self,
        credential: &Credential,
        secrets: &Secrets,
    ) -> Result<(), StoreError> {
        let vault = Arc::clone(&self.vault);
        let (credential, secrets) = (credential.clone(), secrets.clone());
        self.worker
            .write(move |tx| credentials::replace(tx, &vault, &credential, &secrets))
            .await
    }

    async fn credential(&self, id: &CredentialId) -> Result<Option<Credential>, StoreError> {
        let id = id.clone();
        self.worker
            .read(move |tx| credentials::by_id(tx, id.as_str()))
            .await
    }

    async fn credentials(&self, tenant: &TenantId) -> Result<Vec<Credential>, StoreError> {
        let tenant = tenant.clone();
        self.worker
            .read(move |tx| credentials::of_tenant(tx, tenant.as_str()))
            .await
    }

    async fn secrets(&self, id: &CredentialId) -> Result<Secrets, StoreError> {
        let id = id.clone();
        let (credential, sealed) = self
            .worker
            .read(move |tx| credentials::sealed(tx, id.as_str()))
            .await?;
        self.vault.open(&credential, &sealed)
    }

    async fn remove_credential(&self, id: &CredentialId) -> Result<(), StoreError> {
        let id = id.clone();
        self.worker
            .write(move |tx| credentials::remove(tx, id.as_str()))
            .await
    }

    async fn put_automation(&self, automation: &Automation) -> Result<(), StoreError> {
        let automation = automation.clone();
        self.worker
            .write(move |tx| automations::put(tx, &automation))
            .await
    }

    async fn automation(&self, id: &AutomationId) -> Result<Option<Automation>, StoreError> {
        let id = id.clone();
        self.worker
            .read(move |tx| automations::by_id(tx, &id))
            .await
    }

    async fn remove_automation(&self, id: &AutomationId, now: Timestamp) -> Result<(), StoreError> {
        let id = id.clone();
        self.worker
            .write(move |tx| automations::remove(tx, &id, now))
            .await
    }

    async fn automations(&self, tenant: &TenantId) -> Result<Vec<Automation>, StoreError> {
        let tenant = tenant.clone();
        self.worker
            .read(move |tx| automations::of_tenant(tx, tenant.as_str()))
            .await
    }

    /// Looks, asks `gone` here, and takes the lease only if it still stands as it was seen. Otherwise
    /// somebody else has done something with it, and it is looked at again.
    async fn acquire(
        &self,
        automation: &AutomationId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        gone: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<Lease>, StoreError> {
        loop {
            let id = automation.clone();
            let seen = self
                .worker
                .read(move |tx| automations::tenure(tx, &id))
                .await?;
            let free = match seen.owner.as_deref() {
                None => true,
                Some(holder) => holder == owner || seen.has_run_out(now) || gone(holder),
            };
            if !free {
                return Ok(None);
            }
            let (id, owner) = (automation.clone(), owner.to_owned());
            let taken = self
                .worker
                .write(move |tx| automations::take(tx, &id, &seen, owner, until))
                .await?;
            if taken.is_some() {
                return Ok(taken);
            }
        }
    }

    async fn renew(&self, lease: &Lease, until: Timestamp) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.worker
            .write(move |tx| automations::renew(tx, &lease, until))
            .await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.worker
            .write(move |tx| automations::release(tx, &lease))
            .await
    }

    async fn unfinished(
        &self,
        automation: &AutomationId,
    ) -> Result<Option<(Run, Progress)>, StoreError> {
        let id = automation.clone();
        self.worker
            .read(move |tx| runs::unfinished(tx, automations::number(tx, &id)?))
            .await
    }

    async fn begin(
        &self,
        lease: &Lease,
        flow: &str,
        trigger: &Trigger,
        cycle: CycleKind,
        now: Timestamp,
    ) -> Result<Run, StoreError> {
        let (lease, flow, trigger) = (lease.clone(), flow.to_owned(), trigger.clone());
        self.worker
            .write(move |tx| runs::begin(tx, &lease, flow, trigger, cycle, now))
            .await
    }

    async fn commit(&self, lease: &Lease, commit: Commit) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.worker
            .write(move |tx| runs::commit(tx, &lease, &commit))
            .await
    }

    async fn finish(
        &self,
        lease: &Lease,
        run: &Run,
        memory: Option<&Memory>,
    ) -> Result<(), StoreError> {
        let (lease, run, memory) = (lease.clone(), run.clone(), memory.cloned());
        self.worker
            .write(move |tx| runs::finish(tx, &lease, &run, memory.as_ref()))
            .await
    }

    async fn seen(&self, run: RunId) -> Result<Vec<u64>, StoreError> {
        self.worker.read(move |tx| runs::seen(tx, run)).await
    }

    async fn links(
        &self,
        automation: &AutomationId,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<Link>>, StoreError> {
        let (id, keys) = (automation.clone(), keys.to_vec());
        self.worker
            .read(move |tx| links::of_keys(tx, automations::number(tx, &id)?, &keys))
            .await
    }

    async fn linked_to(
        &self,
        automation: &AutomationId,
        targets: &[TargetId],
    ) -> Result<Vec<Option<SourceKey>>, StoreError> {
        let (id, targets) = (automation.clone(), targets.to_vec());
        self.worker
            .read(move |tx| links::linked_to(tx, automations::number(tx, &id)?, &targets))
            .await
    }

    async fn keys(
        &self,
        automation: &AutomationId,
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<(SourceKey, u8)>, StoreError> {
        let (id, first) = (automation.clone(), first(after));
        self.worker
            .read(move |tx| links::keys(tx, automations::number(tx, &id)?, &first, limit))
            .await
    }

    async fn access_due(
        &self,
        automation: &AutomationId,
        now: Timestamp,
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError> {
        let (id, first) = (automation.clone(), first(after));
        self.worker
            .read(move |tx| {
                links::access_due(tx, automations::number(tx, &id)?, now, &first, limit)
            })
            .await
    }

    async fn leaving(
        &self,
        automation: &AutomationId,
        decisions: &[Decision],
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError> {
        let (id, decisions, first) = (automation.clone(), decisions.to_vec(), first(after));
        self.worker
            .read(move |tx| {
                links::leaving(tx, automations::number(tx, &id)?, &decisions, &first, limit)
            })
            .await
    }

    async fn resolvable(
        &self,
        automation: &AutomationId,
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<ResolvableReference>, StoreError> {
        let (id, first) = (automation.clone(), first(after));
        self.worker
            .read(move |tx| links::resolvable(tx, automations::number(tx, &id)?, &first, limit))
            .await
    }

    async fn population(
        &self,
        automation: &AutomationId,
        now: Timestamp,
    ) -> Result<Population, StoreError> {
        let id = automation.clone();
        self.worker
            .read(move |tx| links::population(tx, automations::number(tx, &id)?, now))
            .await
    }

    async fn decide(
        &self,
        automation: &AutomationId,
        decision: Decision,
    ) -> Result<u64, StoreError> {
        let id = automation.clone();
        self.worker
            .write(move |tx| links::decide(tx, automations::number(tx, &id)?, decision))
            .await
    }

    async fn groups(
        &self,
        automation: &AutomationId,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<Group>>, StoreError> {
        let (id, keys) = (automation.clone(), keys.to_vec());
        self.worker
            .read(move |tx| groups::of_keys(tx, automations::number(tx, &id)?, &keys))
            .await
    }

    async fn keeps_groups(&self, automation: &AutomationId) -> Result<bool, StoreError> {
        let id = automation.clone();
        self.worker
            .read(move |tx| groups::any(tx, automations::number(tx, &id)?))
            .await
    }

    async fn kept_as(
        &self,
        automation: &AutomationId,
        targets: &[TargetId],
    ) -> Result<Vec<Option<SourceKey>>, StoreError> {
        let (id, targets) = (automation.clone(), targets.to_vec());
        self.worker
            .read(move |tx| groups::kept_as(tx, automations::number(tx, &id)?, &targets))
            .await
    }

    async fn memberships(
        &self,
        automation: &AutomationId,
        keys: &[SourceKey],
    ) -> Result<Vec<Vec<Membership>>, StoreError> {
        let (id, keys) = (automation.clone(), keys.to_vec());
        self.worker
            .read(move |tx| groups::memberships(tx, automations::number(tx, &id)?, &keys))
            .await
    }

    async fn memberships_due(
        &self,
        automation: &AutomationId,
        now: Timestamp,
        after: Option<(&SourceKey, &SourceKey)>,
        limit: u32,
    ) -> Result<Vec<DueMembership>, StoreError> {
        let id = automation.clone();
        let group = after.map_or(String::new(), |(group, _)| group.to_string());
        let key = first(after.map(|(_, key)| key));
        self.worker
            .read(move |tx| {
                groups::due(
                    tx,
                    automations::number(tx, &id)?,
                    now,
                    (&group, &key),
                    limit,
                )
            })
            .await
    }

    async fn documents(
        &self,
        automation: &AutomationId,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<Document>>, StoreError> {
        let (id, keys) = (automation.clone(), keys.to_vec());
        self.worker
            .read(move |tx| documents::of_keys(tx, automations::number(tx, &id)?, &keys))
            .await
    }

    async fn documents_in(
        &self,
        automation: &AutomationId,
        states: &[DocumentState],
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<Document>, StoreError> {
        let (id, states, first) = (automation.clone(), states.to_vec(), first(after));
        self.worker
            .read(move |tx| {
                documents::in_states(tx, automations::number(tx, &id)?, &states, &first, limit)
            })
            .await
    }

    async fn delivered_as(
        &self,
        automation: &AutomationId,
        targets: &[TargetId],
    ) -> Result<Vec<Option<SourceKey>>, StoreError> {
        let (id, targets) = (automation.clone(), targets.to_vec());
        self.worker
            .read(move |tx| documents::delivered_as(tx, automations::number(tx, &id)?, &targets))
            .await
    }

    /// An automation `people` that has been removed has no links, so nobody is known by it.
    async fn document_figures(
        &self,
        automation: &AutomationId,
        people: Option<&AutomationId>,
        now: Timestamp,
    ) -> Result<DocumentFigures, StoreError> {
        let (id, people) = (automation.clone(), people.cloned());
        self.worker
            .read(move |tx| {
                let people = match people {
                    Some(people) => automations::find(tx, &people)?,
                    None => None,
                };
                documents::figures(tx, automations::number(tx, &id)?, people, now)
            })
            .await
    }

    async fn decide_documents(
        &self,
        automation: &AutomationId,
        keys: Option<&[SourceKey]>,
        decision: DocumentDecision,
    ) -> Result<u64, StoreError> {
        let (id, keys) = (automation.clone(), keys.map(<[SourceKey]>::to_vec));
        self.worker
            .write(move |tx| {
                let number = automations::number(tx, &id)?;
                documents::decide(tx, number, keys.as_deref(), decision)
            })
            .await
    }

    async fn runs(&self, tenant: &TenantId, limit: u32) -> Result<Vec<Run>, StoreError> {
        let filter = RunFilter {
            limit,
            ..RunFilter::default()
        };
        self.runs_of(tenant, &filter).await
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.worker.read(move |tx| runs::by_id(tx, id)).await
    }

    async fn outcomes(
        &self,
        run: RunId,
        filter: &OutcomeFilter,
    ) -> Result<Vec<(i64, Outcome)>, StoreError> {
        let filter = filter.clone();
        self.worker
            .read(move |tx| runs::outcomes(tx, run, &filter))
            .await
    }
}
