//! What owners see of documents, and what they decide about those that nobody knows of.

use std::collections::BTreeSet;

use matricula_core::document::{Document, DocumentDecision, DocumentState};
use matricula_core::journal::Deed;
use matricula_core::notice::NoticeKind;
use matricula_core::standing::Lifecycle;
use matricula_core::{AutomationId, Person, SourceKey, TenantId};
use serde_json::json;

use crate::Matricula;
use crate::error::Error;
use crate::lifecycle::Done;

/// Rows in hand at a time.
const PAGE: u32 = 1000;

/// What came of a decision about documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// How many were decided about.
    pub count: u64,
    /// Those of the keys given that were not doubtful, ascending; nothing was decided about them.
    pub not_doubtful: Vec<SourceKey>,
}

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

    /// Decides about doubtful documents, all or those with these keys. What is to be sent again is sent at once
    /// if the automation runs by itself. When no document is doubtful any more, the notice about them no longer
    /// stands.
    ///
    /// # Errors
    /// [`Error::AutomationUnknown`].
    pub async fn decide_documents(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        keys: Option<&[SourceKey]>,
        decision: DocumentDecision,
        by: &Person,
    ) -> Result<Decided, Error> {
        self.automation_by_id(tenant, id).await?;
        let not_doubtful = self.not_doubtful(id, keys.unwrap_or_default()).await?;
        let count = self.store.decide_documents(id, keys, decision).await?;
        let decided = Decided {
            count,
            not_doubtful,
        };
        if count == 0 {
            return Ok(decided);
        }
        let details = json!({ "documents": count, "decision": decision });
        if self.store.standing(id).await?.is_none() {
            self.journal(tenant, id, Deed::DocumentsDecided, details, by)
                .await?;
            return Ok(decided);
        }
        let doubtful = [DocumentState::Doubtful];
        let left = self.store.documents_in(id, &doubtful, None, 1).await?;
        let done = Done {
            withdrawn: match left.is_empty() {
                true => vec![NoticeKind::Staged],
                false => Vec::new(),
            },
            ..Done::new(Deed::DocumentsDecided, details)
        };
        self.alter(tenant, id, Some(by), Some(done), |standing| {
            let again = decision == DocumentDecision::SendAgain;
            if again && standing.lifecycle != Lifecycle::Deactivated {
                self.demand(standing, self.by_hand(by, false));
            }
            Ok(())
        })
        .await?;
        Ok(decided)
    }

    async fn not_doubtful(
        &self,
        id: &AutomationId,
        keys: &[SourceKey],
    ) -> Result<Vec<SourceKey>, Error> {
        let keys: BTreeSet<&SourceKey> = keys.iter().collect();
        let keys: Vec<SourceKey> = keys.into_iter().cloned().collect();
        let rows = self.store.documents(id, &keys).await?;
        let doubtful = |row: &Option<Document>| {
            row.as_ref()
                .is_some_and(|row| row.state == DocumentState::Doubtful)
        };
        let keys = keys.into_iter().zip(rows);
        Ok(keys
            .filter(|(_, row)| !doubtful(row))
            .map(|(key, _)| key)
            .collect())
    }
}
