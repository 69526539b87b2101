//! Did it arrive? Asked of the target after a lost answer, and for whatever a killed process has left.
//!
//! There: it is delivered. Not there: it may still be on its way, so it is neither sent again in this cycle nor
//! before any request that was under way has had its time; then it is looked for once more. Where the target
//! does not let itself be asked, a person decides.

use std::collections::HashSet;
use std::time::Duration;

use futures::{StreamExt, stream};
use matricula_core::document::{Document, DocumentState};
use matricula_core::run::OutcomeKind;
use matricula_core::{SourceKey, TargetId};

use super::ROWS;
use super::carrier::Carrier;
use super::listing::Listing;
use super::plan::{self, Settled};
use crate::EngineError;
use crate::cycle::Cycle;

/// What the target says.
pub(super) enum Answer {
    /// These lie there and look like it.
    There(Vec<TargetId>),
    /// It does not lie there.
    NotThere,
    /// The target does not let itself be asked.
    Closed,
    /// It could not be asked this time.
    Unanswered,
}

/// Asks about one document.
pub(super) async fn ask(carrier: &Carrier, document: &Document) -> Result<Answer, EngineError> {
    let Some(owner) = &document.owner else {
        return Ok(Answer::NotThere);
    };
    // Nothing is learned by waiting.
    if !carrier.can_list() {
        return Ok(Answer::Closed);
    }
    wait_out(carrier, document).await;
    Ok(match carrier.list(owner).await? {
        Listing::Open(lying) => {
            let same = lying
                .into_iter()
                .filter(|one| carrier.is_same(document, one));
            let targets: Vec<TargetId> = same.map(|one| one.target).collect();
            match targets.is_empty() {
                true => Answer::NotThere,
                false => Answer::There(targets),
            }
        }
        Listing::Closed => Answer::Closed,
        Listing::Unreadable(failure) => {
            tracing::warn!(
                code = failure.code.as_deref(),
                "It could not be asked whether a document arrived."
            );
            Answer::Unanswered
        }
    })
}

/// A remote may still be at work on a request that it has not answered.
async fn wait_out(carrier: &Carrier, document: &Document) {
    let grace = carrier.engine.options.doubt_grace;
    let until = document
        .sent_at
        .and_then(|sent| sent.checked_add(grace).ok());
    let Some(until) = until else { return };
    // A clock that was put back does not make anybody wait longer.
    if let Ok(left) = Duration::try_from(until.duration_since(carrier.engine.clock.now()))
        && !left.is_zero()
    {
        carrier.engine.clock.sleep(left.min(grace)).await;
    }
}

impl Cycle<'_> {
    /// What an answer makes of a document. `claimed` are those that others have been found to be.
    pub(super) fn resolve(
        &self,
        mut document: Document,
        answer: Answer,
        claimed: &mut HashSet<TargetId>,
    ) -> Settled {
        let free = match answer {
            Answer::There(targets) => targets.into_iter().find(|one| !claimed.contains(one)),
            Answer::NotThere => None,
            Answer::Closed => {
                document.state = DocumentState::Doubtful;
                return Settled::told(document, OutcomeKind::Ambiguous, "doubtful");
            }
            Answer::Unanswered => {
                document.state = DocumentState::Intended;
                return Settled::told(document, OutcomeKind::Failed, "unanswered");
            }
        };
        if let Some(target) = free {
            claimed.insert(target.clone());
            document.deliver_as(Some(target));
            return Settled::told(document, OutcomeKind::Created, "arrived");
        }
        let options = &self.engine.options;
        let earliest = document
            .sent_at
            .and_then(|sent| sent.checked_add(options.file_deadline).ok());
        let now = self.engine.clock.now();
        let why = ("lost", plan::explain("lost"));
        plan::failed(document, now, earliest, why)
    }

    /// Asks the target about every document of which nobody knows whether it arrived.
    pub(super) async fn settle_doubts(&mut self, carrier: &Carrier) -> Result<(), EngineError> {
        let concurrency = carrier.target.operation.concurrency.max(1) as usize;
        let mut claimed = HashSet::new();
        let mut after: Option<SourceKey> = None;
        loop {
            let rows = self
                .engine
                .store
                .documents_in(
                    &self.automation.id,
                    &[DocumentState::Intended],
                    after.as_ref(),
                    ROWS,
                )
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(last.key.clone());
            let mut answers = stream::iter(rows)
                .map(|document| async move {
                    let answer = ask(carrier, &document).await;
                    (document, answer)
                })
                .buffer_unordered(concurrency);
            let mut documents = Vec::new();
            let mut outcomes = Vec::new();
            while let Some((document, answer)) = answers.next().await {
                let settled = self.resolve(document, answer?, &mut claimed);
                self.settle(settled, &mut documents, &mut outcomes);
            }
            drop(answers);
            self.commit_documents(documents, Vec::new(), outcomes)
                .await?;
        }
    }
}
