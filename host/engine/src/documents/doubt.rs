//! Did it arrive? The target is asked what the person's file holds, and what it tells is compared with what
//! was to be sent: by hashes, so that the record need not be at hand.
//!
//! Two documents that differ in nothing that the target tells are only told apart by a text of their own; a
//! flow puts the document's number into the comment for that.

use std::collections::HashSet;

use futures::{StreamExt, stream};
use matricula_core::connector::Found;
use matricula_core::document::{Document, DocumentState};
use matricula_core::run::{Outcome, OutcomeKind};
use matricula_core::{FailureKind, TargetId};
use serde_json::{Map, Value};

use super::carrier::Carrier;
use super::plan;
use crate::EngineError;
use crate::matching::parse;

/// What the target says.
pub(super) enum Resolved {
    /// It arrived.
    There(TargetId),
    /// It did not.
    NotThere,
    /// The target does not let itself be asked.
    Unknowable,
}

/// Asks about one document. An error says that the target cannot be asked at this moment.
pub(super) async fn resolve(
    carrier: &Carrier,
    document: &Document,
) -> Result<Resolved, EngineError> {
    let target = &carrier.target;
    let Some(owner) = &document.owner else {
        return Ok(Resolved::NotThere);
    };
    if !target.operation.find.contains(&carrier.owner) {
        return Ok(Resolved::Unknowable);
    }
    wait_out(carrier, document).await;
    let asked = target
        .find(&carrier.owner, &[owner.as_str().to_owned()])
        .await;
    let found = match asked {
        Ok(mut found) => found.pop().unwrap_or_default(),
        Err(failure) => match failure.kind {
            FailureKind::Permission => return Ok(Resolved::Unknowable),
            FailureKind::NotFound => return Ok(Resolved::NotThere),
            _ => return Err(failure.into()),
        },
    };
    let mut candidates: Vec<TargetId> = Vec::new();
    for Found { target, data } in found {
        if is_same(carrier, document, &parse(&data)?) {
            candidates.push(target);
        }
    }
    if candidates.is_empty() {
        return Ok(Resolved::NotThere);
    }
    // One that is known to be another document is not this one, however alike they are.
    let taken = carrier
        .engine
        .store
        .delivered_as(&carrier.automation, &candidates)
        .await?;
    let taken: HashSet<usize> = taken
        .iter()
        .enumerate()
        .filter(|(_, key)| key.as_ref().is_some_and(|key| *key != document.key))
        .map(|(place, _)| place)
        .collect();
    let free = candidates
        .into_iter()
        .enumerate()
        .find(|(place, _)| !taken.contains(place));
    Ok(match free {
        Some((_, target)) => Resolved::There(target),
        None => Resolved::NotThere,
    })
}

/// A remote may still be at work on a request that it has not answered.
async fn wait_out(carrier: &Carrier, document: &Document) {
    let grace = carrier.engine.options.doubt_grace;
    let Some(until) = document
        .sent_at
        .and_then(|sent| sent.checked_add(grace).ok())
    else {
        return;
    };
    let left = until.duration_since(carrier.engine.clock.now());
    // A clock that was put back does not make anybody wait longer.
    if let Ok(left) = std::time::Duration::try_from(left)
        && !left.is_zero()
    {
        carrier.engine.clock.sleep(left.min(grace)).await;
    }
}

fn is_same(carrier: &Carrier, document: &Document, held: &Map<String, Value>) -> bool {
    let mut compared = 0;
    for (attribute, tag) in &carrier.told_apart {
        let (Some(sent), Some(value)) = (document.sent.get(*tag), held.get(attribute)) else {
            continue;
        };
        if plan::sent(value, carrier.salt) != sent {
            return false;
        }
        compared += 1;
    }
    let size = held.get("size").and_then(Value::as_u64);
    if let (Some(sent), Some(size)) = (document.size, size)
        && sent != size
    {
        return false;
    }
    compared > 0
}

/// Asks about several at a time; what was learned before the target could not be asked any more is kept.
pub(super) async fn resolve_all(
    carrier: &Carrier,
    documents: Vec<Document>,
) -> (Vec<(Document, Resolved)>, Option<EngineError>) {
    let concurrency = carrier.target.operation.concurrency.max(1) as usize;
    let mut answers = stream::iter(documents)
        .map(|document| async move {
            let resolved = resolve(carrier, &document).await;
            (document, resolved)
        })
        .buffer_unordered(concurrency);
    let mut resolved = Vec::new();
    while let Some((document, answer)) = answers.next().await {
        match answer {
            Ok(answer) => resolved.push((document, answer)),
            Err(error) => return (resolved, Some(error)),
        }
    }
    (resolved, None)
}

/// Writes into a document's row what was learned; what there is to tell.
pub(super) fn apply(document: &mut Document, resolved: Resolved) -> Option<Outcome> {
    match resolved {
        Resolved::There(target) => {
            document.state = DocumentState::Delivered;
            document.target = Some(target);
            document.attempts = 0;
            document.not_before = None;
            Some(plan::outcome(document, OutcomeKind::Created, "arrived"))
        }
        Resolved::NotThere => {
            document.state = DocumentState::Again;
            document.record = 0;
            None
        }
        Resolved::Unknowable => {
            document.state = DocumentState::Doubtful;
            Some(plan::outcome(document, OutcomeKind::Ambiguous, "doubtful"))
        }
    }
}
