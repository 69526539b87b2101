//! What owners do about single people of an automation.

use matricula_core::journal::Deed;
use matricula_core::{AutomationId, Person, SourceKey, TenantId};
use serde_json::{Value, json};

use crate::Matricula;
use crate::error::Error;

impl Matricula {
    /// Lets those who failed be tried at once instead of at their growing distance; how many.
    ///
    /// # Errors
    /// [`Error::Deactivated`] if somebody has stopped the automation.
    pub async fn retry_failed(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        by: &Person,
    ) -> Result<u64, Error> {
        super::change::running(&self.standing(tenant, id).await?)?;
        let count = self.store.retry_now(id, self.clock.now()).await?;
        self.run_now(tenant, id, false, by).await?;
        Ok(count)
    }

    /// Evaluates everybody anew, whether or not anything about them has changed.
    ///
    /// # Errors
    /// [`Error::Deactivated`] if somebody has stopped the automation.
    pub async fn reevaluate(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        by: &Person,
    ) -> Result<(), Error> {
        super::change::running(&self.standing(tenant, id).await?)?;
        self.store.reevaluate(id).await?;
        self.run_now(tenant, id, true, by).await?;
        Ok(())
    }

    /// Forgets which account belongs to one person; the next full cycle matches them anew. `false` if there is
    /// no link of this key.
    ///
    /// # Errors
    /// [`Error::AutomationUnknown`].
    pub async fn forget(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        key: &SourceKey,
        by: &Person,
    ) -> Result<bool, Error> {
        self.automation_by_id(tenant, id).await?;
        let forgotten = self.store.forget(id, key).await?;
        if forgotten {
            // Without the key: the history outlives the person's erasure.
            self.journal(tenant, id, Deed::LinkForgotten, Value::Null, by)
                .await?;
        }
        Ok(forgotten)
    }

    /// Removes one person, by their key in the source, from every automation of a tenant that reads this
    /// source: link, references and outcomes. How many rows there were. Who is still in the source is met
    /// again by the next full cycle.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn erase(
        &self,
        tenant: &TenantId,
        connector: Option<&str>,
        key: &SourceKey,
        by: &Person,
    ) -> Result<u64, Error> {
        let credentials = self.credentials(tenant).await?;
        let mut rows = 0;
        for automation in self.store.automations(tenant).await? {
            let reads = credentials
                .iter()
                .find(|credential| credential.id == automation.source)
                .map(|credential| credential.connector.as_str());
            if connector.is_some() && reads != connector {
                continue;
            }
            let erased = self.store.erase(&automation.id, key).await?;
            if erased > 0 {
                self.journal(
                    tenant,
                    &automation.id,
                    Deed::PersonErased,
                    json!({ "rows": erased }),
                    by,
                )
                .await?;
            }
            rows += erased;
        }
        Ok(rows)
    }
}
