//! Whose turn it is with a tenant's credentials.
//!
//! Whether a connection ends with a credential is looked at before the system is asked to end it, which is for good. So
//! meanwhile nobody may give the credential to an automation, and no other credential of the connection may come or
//! go: whoever adds or removes one has [the tenant's turn](all); whoever changes or removes one, or gives it to an
//! automation, has [its own](each). Nothing waits for ever, since all take turns in this order: an automation's, the
//! tenant's, those of credentials by their id.
//!
//! This holds within one process. Of several at one store (two servers, the command line beside one) one may start an
//! automation while another ends the connection: the store keeps the credential then, and the automation says that it
//! is not connected. So may two that remove the last two credentials of a connection: it stays.

use std::collections::BTreeSet;

use matricula_core::TenantId;
use tokio::sync::OwnedMutexGuard;

use crate::Shared;

/// The turn to add or to remove a tenant's credentials.
pub(super) async fn all(shared: &Shared, tenant: &TenantId) -> OwnedMutexGuard<()> {
    shared.turns.of(format!("credentials/{tenant}")).await
}

/// The turns to change credentials of a tenant, to remove them, or to give them to an automation. They need not exist.
pub(in crate::v1) async fn each<'a>(
    shared: &Shared,
    tenant: &TenantId,
    ids: impl IntoIterator<Item = &'a str>,
) -> Vec<OwnedMutexGuard<()>> {
    // One that is named twice is waited for once.
    let ids: BTreeSet<&str> = ids.into_iter().collect();
    let mut turns = Vec::with_capacity(ids.len());
    for id in ids {
        turns.push(shared.turns.of(format!("credential/{tenant}/{id}")).await);
    }
    turns
}
