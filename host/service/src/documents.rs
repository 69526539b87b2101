//! What owners see of documents, and what they decide about those that nobody knows of.

use matricula_core::document::{Document, DocumentState};
use matricula_core::journal::Deed;
use matricula_core::standing::Lifecycle;
use matricula_core::{AutomationId, Person, SourceKey, TenantId};
use serde_json::json;

use crate::Matricula;
use crate::error::Error;

/// Rows in hand at a time.
const PAGE: u32 = 1000;

impl Matricula {
    /// Every document of an automation that is wanted and not delivered, by key.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn open_documents(&self, automation: &AutomationId) -> Result<Vec<Document>, Error> {
        let states = [
            DocumentState::Waiting,
            DocumentState::Intended,
            DocumentState::Failed,
            DocumentState::Doubtful,
            DocumentState::Again,
        ];
        let mut open: Vec<Document> = Vec::new();
        loop {
            let after = open.last().map(|document| document.key.clone());
            let page = self
                .store
                .documents_in(automation, &states, after.as_ref(), PAGE)
                .await?;
            if page.is_empty() {
                return Ok(open);
            }
            open.extend(page);
        }
    }

    /// Decides about doubtful documents, all or those with these keys: `arrived`, or to be sent again, at once if
    /// the automation runs by itself. How many there were.
    ///
    /// # Errors
    /// [`Error::AutomationUnknown`].
    pub async fn decide_documents(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        keys: Option<&[SourceKey]>,
        arrived: bool,
        by: &Person,
    ) -> Result<u64, Error> {
        self.automation_by_id(tenant, id).await?;
        let decision = match arrived {
            true => DocumentState::Delivered,
            false => DocumentState::Again,
        };
        let count = self.store.decide_documents(id, keys, decision).await?;
        if count == 0 {
            return Ok(0);
        }
        let details = json!({ "documents": count, "decision": decision });
        self.journal(tenant, id, Deed::DocumentsDecided, details, by)
            .await?;
        let standing = self.store.standing(id).await?;
        let runs = standing.is_some_and(|standing| standing.lifecycle != Lifecycle::Deactivated);
        if runs && !arrived {
            self.run_now(tenant, id, false, by).await?;
        }
        Ok(count)
    }
}
