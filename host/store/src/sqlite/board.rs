//! The port [`Board`] on the thread of the connection.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::board::{Board, Card, CardFilter, KeptAnswer, Reservation, Tested, Use};
use matricula_core::credential::Credential;
use matricula_core::notice::Notice;
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, CredentialId, TenantId};

use super::answers::{self, Claim};
use super::{SqliteStore, cards, credentials, notices, retention};

#[async_trait]
impl Board for SqliteStore {
    async fn cards(
        &self,
        tenant: &TenantId,
        filter: &CardFilter,
        now: Timestamp,
    ) -> Result<Vec<Card>, StoreError> {
        let (tenant, filter) = (tenant.clone(), filter.clone());
        self.worker
            .read(move |tx| cards::page(tx, &tenant, &filter, now))
            .await
    }

    async fn card(&self, id: &AutomationId, now: Timestamp) -> Result<Option<Card>, StoreError> {
        let id = id.clone();
        self.worker.read(move |tx| cards::of(tx, &id, now)).await
    }

    async fn automations_by_flow(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let tenant = tenant.clone();
        self.worker
            .read(move |tx| cards::by_flow(tx, tenant.as_str()))
            .await
    }

    async fn notices(
        &self,
        tenant: &TenantId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, Notice)>, StoreError> {
        let tenant = tenant.clone();
        self.worker
            .read(move |tx| notices::newest(tx, tenant.as_str(), before, limit))
            .await
    }

    async fn retention(&self, tenant: &TenantId) -> Result<Option<u32>, StoreError> {
        let tenant = tenant.clone();
        self.worker
            .read(move |tx| retention::days(tx, tenant.as_str()))
            .await
    }

    async fn set_tested(
        &self,
        credential: &CredentialId,
        tested: Tested,
    ) -> Result<(), StoreError> {
        let id = credential.clone();
        self.worker
            .write(move |tx| credentials::set_tested(tx, id.as_str(), tested))
            .await
    }

    async fn credentials_where(
        &self,
        connector: &str,
        method: &str,
        field: &str,
        value: &str,
        limit: u32,
    ) -> Result<Vec<Credential>, StoreError> {
        let [connector, method, field, value] =
            [connector, method, field, value].map(str::to_owned);
        self.worker
            .read(move |tx| credentials::of_value(tx, [&connector, &method], &field, &value, limit))
            .await
    }

    async fn tested(&self, tenant: &TenantId) -> Result<Vec<(CredentialId, Tested)>, StoreError> {
        let tenant = tenant.clone();
        self.worker
            .read(move |tx| credentials::tested(tx, tenant.as_str()))
            .await
    }

    async fn revision(&self, credential: &CredentialId) -> Result<Option<[u8; 32]>, StoreError> {
        let id = credential.clone();
        self.worker
            .read(move |tx| credentials::revision(tx, id.as_str()))
            .await
    }

    async fn uses(&self, tenant: &TenantId) -> Result<Vec<Use>, StoreError> {
        let tenant = tenant.clone();
        self.worker
            .read(move |tx| credentials::uses(tx, tenant.as_str()))
            .await
    }

    async fn reserve(
        &self,
        tenant: &TenantId,
        key: &str,
        request: [u8; 32],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let claim = self.claim(tenant, key, request);
        self.worker
            .write(move |tx| answers::reserve(tx, &claim, now, until))
            .await
    }

    async fn answer(
        &self,
        tenant: &TenantId,
        key: &str,
        request: [u8; 32],
        answer: Option<&KeptAnswer>,
        keep: Timestamp,
    ) -> Result<(), StoreError> {
        let (claim, answer) = (self.claim(tenant, key, request), answer.cloned());
        self.worker
            .write(move |tx| answers::answer(tx, &claim, answer.as_ref(), keep))
            .await
    }

    async fn drop_answers(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.worker
            .write(move |tx| answers::drop_old(tx, now, limit))
            .await
    }
}

impl SqliteStore {
    fn claim(&self, tenant: &TenantId, key: &str, request: [u8; 32]) -> Claim {
        Claim {
            vault: Arc::clone(&self.vault),
            tenant: tenant.as_str().to_owned(),
            key: key.to_owned(),
            request,
        }
    }
}
