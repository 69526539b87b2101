//! Cycles that are set off from outside.
//!
//! An automation has an address with a secret of its own; only the secret's hash is kept. What is sent to it
//! is a hint and nothing else: the cycle asks the source itself, so a forged event costs one cycle at most.
//! Many events within a few seconds make one cycle, since an automation has one demand at a time.

use matricula_core::journal::Deed;
use matricula_core::run::Trigger;
use matricula_core::standing::{Demand, Lifecycle, Standing};
use matricula_core::{AutomationId, Person, TenantId};
use matricula_engine::schedule::GATHER;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::Matricula;
use crate::automation::random_id;
use crate::error::Error;

impl Matricula {
    /// Makes the secret of an automation's address anew; the former one no longer works. Shown only now.
    ///
    /// # Errors
    /// [`Error::AutomationUnknown`].
    pub async fn renew_hook(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        by: &Person,
    ) -> Result<String, Error> {
        self.standing(tenant, id).await?;
        let secret = format!("{}{}", random_id()?, random_id()?);
        let digest: [u8; 32] = Sha256::digest(&secret).into();
        self.store.set_hook(id, Some(digest)).await?;
        self.journal(tenant, id, Deed::HookRenewed, Value::Null, by)
            .await?;
        Ok(secret)
    }

    /// Takes an event for an automation: a cycle follows within seconds. `false` if the address or its secret
    /// is wrong, which cannot be told apart from outside.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn hook(&self, id: &AutomationId, secret: &str) -> Result<bool, Error> {
        let given: [u8; 32] = Sha256::digest(secret).into();
        // An automation without an address costs the same time as one with another secret.
        let kept = self.store.hook(id).await?;
        let fits = same(&given, &kept.unwrap_or_default()) & kept.is_some();
        if !fits {
            return Ok(false);
        }
        let Some(standing) = self.store.standing(id).await? else {
            return Ok(false);
        };
        self.wake(&standing).await?;
        Ok(true)
    }

    /// Wants a cycle of an automation that runs and of which none is wanted yet.
    pub(super) async fn wake(&self, standing: &Standing) -> Result<(), Error> {
        if standing.lifecycle != Lifecycle::Active || standing.demand.is_some() {
            return Ok(());
        }
        let now = self.clock.now();
        let demand = Demand {
            trigger: Trigger::Webhook,
            full: false,
            at: now,
        };
        let at = now.saturating_add(GATHER).unwrap_or(now);
        let id = &standing.automation;
        self.alter(&standing.tenant, id, None, None, |standing| {
            if standing.lifecycle == Lifecycle::Active && standing.demand.is_none() {
                standing.demand = Some(demand.clone());
                standing.next_run_at = Some(standing.next_run_at.map_or(at, |next| next.min(at)));
            }
            Ok(())
        })
        .await?;
        Ok(())
    }
}

/// In a time that does not depend on where they differ.
fn same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    let differing = one
        .iter()
        .zip(other)
        .fold(0, |differing, (a, b)| differing | (a ^ b));
    std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_the_same_everywhere_is_the_same() {
        let one = [7; 32];
        assert!(same(&one, &[7; 32]));
        for place in [0, 15, 31] {
            let mut other = one;
            other[place] ^= 1;
            assert!(!same(&one, &other));
        }
    }
}
