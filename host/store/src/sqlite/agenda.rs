//! The port [`Agenda`] on the thread of the connection.

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::agenda::{Agenda, Change, Overview, RunFilter, Tally};
use matricula_core::journal::Entry;
use matricula_core::run::Run;
use matricula_core::standing::Standing;
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, SourceKey, TenantId};

use super::{
    SqliteStore, automations, documents, files, groups, journal, links, retention, runs, standings,
};

/// Rows that are dropped at a time.
const SHORT: u32 = 1_000;

#[async_trait]
impl Agenda for SqliteStore {
    async fn enroll(&self, change: &Change) -> Result<(), StoreError> {
        let change = change.clone();
        self.worker
            .write(move |tx| standings::enroll(tx, &change))
            .await
    }

    async fn standing(&self, id: &AutomationId) -> Result<Option<Standing>, StoreError> {
        let id = id.clone();
        self.worker.read(move |tx| standings::of(tx, &id)).await
    }

    async fn standings(
        &self,
        tenant: Option<&TenantId>,
        after: Option<&AutomationId>,
        limit: u32,
    ) -> Result<Vec<Standing>, StoreError> {
        let (tenant, after) = (tenant.cloned(), after.cloned());
        self.worker
            .read(move |tx| standings::page(tx, tenant.as_ref(), after.as_ref(), limit))
            .await
    }

    async fn due(&self, now: Timestamp, me: &str, limit: u32) -> Result<Vec<Standing>, StoreError> {
        let me = me.to_owned();
        self.worker
            .read(move |tx| standings::due(tx, now, &me, limit))
            .await
    }

    async fn holders(&self, now: Timestamp) -> Result<Vec<String>, StoreError> {
        self.worker
            .read(move |tx| automations::holders(tx, now))
            .await
    }

    async fn evict(&self, holder: &str) -> Result<u64, StoreError> {
        let holder = holder.to_owned();
        self.worker
            .write(move |tx| automations::evict(tx, &holder))
            .await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.worker.read(standings::next_due).await
    }

    async fn change(&self, change: &Change) -> Result<bool, StoreError> {
        let change = change.clone();
        self.worker
            .write(move |tx| standings::change(tx, &change))
            .await
    }

    async fn journal(
        &self,
        tenant: &TenantId,
        automation: Option<&AutomationId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, Entry)>, StoreError> {
        let (tenant, automation) = (tenant.clone(), automation.cloned());
        self.worker
            .read(move |tx| journal::newest(tx, &tenant, automation.as_ref(), before, limit))
            .await
    }

    async fn note(&self, entry: &Entry) -> Result<(), StoreError> {
        let entry = entry.clone();
        self.worker.write(move |tx| journal::add(tx, &entry)).await
    }

    async fn overview(&self, now: Timestamp) -> Result<Overview, StoreError> {
        self.worker
            .read(move |tx| standings::overview(tx, now))
            .await
    }

    async fn tally(
        &self,
        id: &AutomationId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Tally, StoreError> {
        let id = id.clone();
        self.worker
            .read(move |tx| runs::tally(tx, automations::number(tx, &id)?, from, to))
            .await
    }

    async fn runs_of(&self, tenant: &TenantId, filter: &RunFilter) -> Result<Vec<Run>, StoreError> {
        let (tenant, filter) = (tenant.clone(), filter.clone());
        self.worker
            .read(move |tx| runs::newest(tx, tenant.as_str(), &filter))
            .await
    }

    async fn keep_file(&self, text: &str) -> Result<String, StoreError> {
        let text = text.to_owned();
        self.worker.write(move |tx| files::keep(tx, &text)).await
    }

    async fn file(&self, digest: &str) -> Result<Option<String>, StoreError> {
        let digest = digest.to_owned();
        self.worker.read(move |tx| files::text(tx, &digest)).await
    }

    async fn set_hook(
        &self,
        id: &AutomationId,
        digest: Option<[u8; 32]>,
    ) -> Result<(), StoreError> {
        let id = id.clone();
        self.worker
            .write(move |tx| standings::set_hook(tx, automations::number(tx, &id)?, digest))
            .await
    }

    async fn hook(&self, id: &AutomationId) -> Result<Option<[u8; 32]>, StoreError> {
        let id = id.clone();
        self.worker
            .read(move |tx| standings::hook(tx, automations::number(tx, &id)?))
            .await
    }

    /// In short transactions, so that cycles get their turn in between; notices and history go before the
    /// runs, and all of them.
    async fn prune(
        &self,
        tenant: &TenantId,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        for part in [retention::drop_notices, retention::drop_history] {
            loop {
                let tenant = tenant.clone();
                let dropped = self
                    .worker
                    .write(move |tx| part(tx, tenant.as_str(), before, SHORT))
                    .await?;
                if dropped < u64::from(SHORT) {
                    break;
                }
            }
        }
        let tenant = tenant.clone();
        self.worker
            .write(move |tx| retention::drop_runs(tx, tenant.as_str(), before, limit))
            .await
    }

    async fn tenants(&self) -> Result<Vec<(TenantId, Option<u32>)>, StoreError> {
        self.worker.read(retention::tenants).await
    }

    async fn set_retention(&self, tenant: &TenantId, days: Option<u32>) -> Result<(), StoreError> {
        let tenant = tenant.clone();
        self.worker
            .write(move |tx| retention::set_retention(tx, tenant.as_str(), days))
            .await
    }

    /// The log holds pages as they were before; it is written back and emptied.
    async fn erase(&self, id: &AutomationId, key: &SourceKey) -> Result<u64, StoreError> {
        let (id, key) = (id.clone(), key.clone());
        let erased = self
            .worker
            .write(move |tx| retention::erase(tx, automations::number(tx, &id)?, key.as_str()))
            .await?;
        self.worker
            .alone(|connection| retention::empty_log(connection))
            .await?;
        Ok(erased)
    }

    async fn forget(&self, id: &AutomationId, key: &SourceKey) -> Result<bool, StoreError> {
        let (id, key) = (id.clone(), key.clone());
        self.worker
            .write(move |tx| links::forget(tx, automations::number(tx, &id)?, key.as_str()))
            .await
    }

    async fn retry_now(&self, id: &AutomationId, now: Timestamp) -> Result<u64, StoreError> {
        let id = id.clone();
        self.worker
            .write(move |tx| {
                let number = automations::number(tx, &id)?;
                groups::retry_now(tx, number, now)?;
                Ok(links::retry_now(tx, number, now)? + documents::retry_now(tx, number, now)?)
            })
            .await
    }

    async fn reevaluate(&self, id: &AutomationId) -> Result<(), StoreError> {
        let id = id.clone();
        self.worker
            .write(move |tx| standings::reevaluate(tx, automations::number(tx, &id)?))
            .await
    }
}
