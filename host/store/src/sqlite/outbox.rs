//! The port [`Outbox`] on the thread of the connection.

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::AutomationId;
use matricula_core::agenda::Outbox;
use matricula_core::notice::{Channel, Contact, Delivery, Notice};
use matricula_core::store::StoreError;

use super::{SqliteStore, automations, notices};

#[async_trait]
impl Outbox for SqliteStore {
    async fn post(&self, notice: &Notice) -> Result<bool, StoreError> {
        let notice = notice.clone();
        self.worker
            .write(move |tx| notices::post(tx, &notice))
            .await
    }

    async fn unaddressed(&self, limit: u32) -> Result<Vec<(i64, Notice)>, StoreError> {
        self.worker
            .read(move |tx| notices::unaddressed(tx, limit))
            .await
    }

    async fn address(
        &self,
        notice: i64,
        channels: &[Channel],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let channels = channels.to_vec();
        self.worker
            .write(move |tx| notices::address(tx, notice, &channels, now))
            .await
    }

    async fn deliverable(&self, now: Timestamp, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        self.worker
            .read(move |tx| notices::deliverable(tx, now, limit))
            .await
    }

    async fn delivered(&self, delivery: i64, now: Timestamp) -> Result<(), StoreError> {
        self.worker
            .write(move |tx| notices::delivered(tx, delivery, now))
            .await
    }

    async fn postponed(
        &self,
        delivery: i64,
        until: Option<Timestamp>,
        error: &str,
    ) -> Result<(), StoreError> {
        let error = error.to_owned();
        self.worker
            .write(move |tx| notices::postponed(tx, delivery, until, &error))
            .await
    }

    async fn waiting(&self) -> Result<u64, StoreError> {
        self.worker.read(notices::waiting).await
    }

    async fn contacts(&self, id: &AutomationId) -> Result<Vec<Contact>, StoreError> {
        let id = id.clone();
        self.worker
            .read(move |tx| notices::contacts(tx, automations::number(tx, &id)?))
            .await
    }

    async fn reporting(
        &self,
        after: Option<&AutomationId>,
        limit: u32,
    ) -> Result<Vec<AutomationId>, StoreError> {
        let after = after.cloned();
        self.worker
            .read(move |tx| notices::reporting(tx, after.as_ref(), limit))
            .await
    }

    async fn set_contacts(
        &self,
        id: &AutomationId,
        contacts: &[Contact],
    ) -> Result<(), StoreError> {
        let (id, contacts) = (id.clone(), contacts.to_vec());
        self.worker
            .write(move |tx| notices::set_contacts(tx, automations::number(tx, &id)?, &contacts))
            .await
    }
}
