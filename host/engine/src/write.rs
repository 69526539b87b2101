//! Writing: batches side by side, each change retried by what its failure says.
//!
//! A failure tells whether the change may have been made. If it was not, it is simply tried again. If
//! nobody can tell, an update is repeated (setting a value twice sets it once), but for a new account the
//! target is asked first, so that a lost answer never makes a second one. A batch whose component trapped
//! is taken apart, so that one poisonous change does not take its neighbours with it.

use std::sync::Arc;

use matricula_core::connector::{self, Receipt};
use matricula_core::{Effect, Failure, FailureKind, SourceKey, TargetId};
use serde_json::{Map, Value};
use tokio::task::{JoinError, JoinSet};
use tracing::Instrument as _;
use xxhash_rust::xxh3::xxh3_64;

use crate::target::{Patience, Target};

/// One change, with what finds its account again.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) key: SourceKey,
    pub(crate) target: Option<TargetId>,
    /// None removes the account.
    pub(crate) data: Option<Map<String, Value>>,
    pub(crate) identity: Option<(String, String)>,
}

/// What became of a batch of work: one result each (none: not tried), and what makes going on pointless.
pub(crate) struct Written {
    pub(crate) results: Vec<Option<Result<Receipt, Failure>>>,
    pub(crate) stop: Option<Failure>,
}

/// Writes everything, as many calls at a time as the operation allows. Each batch is a task of its own, so
/// that all cores work.
pub(crate) async fn write(target: &Arc<Target>, run: &str, work: Vec<Work>) -> Written {
    let total = work.len();
    let concurrency = target.operation.concurrency.max(1) as usize;
    let largest = target.operation.batch.max(1) as usize;
    let mut written = Written {
        results: (0..total).map(|_| None).collect(),
        stop: None,
    };
    let run: Arc<str> = run.into();
    let mut numbered = work.into_iter().enumerate();
    let mut left = total;
    let mut tasks = JoinSet::new();
    loop {
        // Calls under way come to their end, since what they change has to be recorded; none is begun any
        // more once going on is pointless.
        while written.stop.is_none() && tasks.len() < concurrency {
            // Smaller batches towards the end, so that all calls end together and the remote is never idle.
            let batch = (left / (2 * concurrency)).clamp(1, largest);
            let chunk: Vec<(usize, Work)> = numbered.by_ref().take(batch).collect();
            if chunk.is_empty() {
                break;
            }
            left -= chunk.len();
            let (target, run) = (Arc::clone(target), Arc::clone(&run));
            let batch = async move { write_batch(&target, &run, chunk).await };
            tasks.spawn(batch.in_current_span());
        }
        let Some(answer) = tasks.join_next().await else {
            return written;
        };
        let (results, stop) =
            answer.unwrap_or_else(|error| (Results::new(), Some(broke_off(&error))));
        for (place, result) in results {
            if let Some(slot) = written.results.get_mut(place) {
                *slot = Some(result);
            }
        }
        written.stop = written.stop.or(stop);
    }
}

/// A batch whose task ended without an answer: nobody knows what it has changed, and the page is read again.
fn broke_off(error: &JoinError) -> Failure {
    Failure::new(
        FailureKind::Internal,
        format!("a batch of changes broke off: {error}"),
    )
    .with_effect(Effect::Unknown)
}

type Results = Vec<(usize, Result<Receipt, Failure>)>;

async fn write_batch(
    target: &Target,
    run: &str,
    mut open: Vec<(usize, Work)>,
) -> (Results, Option<Failure>) {
    let mut done = Results::new();
    let mut patience = Patience::new(&target.engine, &*target.observer);
    loop {
        let answer = send(target, run, &open).await;
        let mut again: Option<Failure> = None;
        let mut left = Vec::new();
        match answer {
            Err(failure) if failure.kind.stops_everything() => return (done, Some(failure)),
            Err(failure) if failure.kind == FailureKind::Fault && open.len() > 1 => {
                if failure.effect != Effect::None {
                    open = match resolve_doubts(target, open).await {
                        Ok(open) => open,
                        Err(failure) => return (done, Some(failure)),
                    };
                }
                for single in open {
                    let (results, stop) = Box::pin(write_batch(target, run, vec![single])).await;
                    done.extend(results);
                    if stop.is_some() {
                        return (done, stop);
                    }
                }
                return (done, None);
            }
            Err(failure) if failure.kind.is_transient() => {
                left = open;
                again = Some(failure);
            }
            Err(failure) => {
                done.extend(
                    open.into_iter()
                        .map(|(place, _)| (place, Err(failure.clone()))),
                );
                return (done, None);
            }
            Ok(outcomes) => {
                for ((place, work), outcome) in open.into_iter().zip(outcomes) {
                    match outcome {
                        Err(failure) if ends_the_run(&failure) => {
                            return (done, Some(failure));
                        }
                        Err(failure) if failure.kind.is_transient() => {
                            left.push((place, work));
                            again = Some(worse(again, failure));
                        }
                        outcome => done.push((place, outcome)),
                    }
                }
            }
        }
        let Some(failure) = again else {
            return (done, None);
        };
        if !patience.again(&failure).await {
            // An outage is not the fault of these people: the run is left and goes on from here later.
            return (done, Some(failure));
        }
        if failure.effect != Effect::None {
            match resolve_doubts(target, left).await {
                Ok(resolved) => left = resolved,
                Err(failure) => return (done, Some(failure)),
            }
        }
        open = left;
    }
}

/// Of two failures the one that asks for more care.
fn worse(first: Option<Failure>, second: Failure) -> Failure {
    match first {
        Some(mut first) => {
            if second.effect != Effect::None {
                first.effect = second.effect;
            }
            first.retry_after = first.retry_after.max(second.retry_after);
            first
        }
        None => second,
    }
}

/// Whoever may have got an account by a request without an answer: if the target has it, it is brought up
/// to date instead of made again.
async fn resolve_doubts(
    target: &Target,
    mut open: Vec<(usize, Work)>,
) -> Result<Vec<(usize, Work)>, Failure> {
    for (_, work) in &mut open {
        if work.target.is_some() {
            continue;
        }
        let Some((attribute, value)) = &work.identity else {
            continue;
        };
        let found = target.find(attribute, std::slice::from_ref(value)).await?;
        if let [account] = found.first().map_or(&[][..], Vec::as_slice) {
            work.target = Some(account.target.clone());
        }
    }
    Ok(open)
}

async fn send(
    target: &Target,
    run: &str,
    open: &[(usize, Work)],
) -> Result<Vec<Result<Receipt, Failure>>, Failure> {
    let changes: Vec<connector::Change> = open
        .iter()
        .map(|(_, work)| {
            let data = work.data.as_ref().map_or_else(
                || "null".to_owned(),
                |data| serde_json::to_string(data).unwrap_or_else(|_| "{}".to_owned()),
            );
            // The same change of the same run has the same key, however often it is tried.
            let idempotency_key = format!("{run}:{}:{:x}", work.key, xxh3_64(data.as_bytes()));
            connector::Change {
                idempotency_key,
                target: work.target.clone(),
                data,
            }
        })
        .collect();
    let key = changes
        .first()
        .map_or_else(String::new, |change| change.idempotency_key.clone());
    let call = target.call(key);
    let connector = &target.side.connector;
    let outcomes = connector
        .write(&call, &target.name, &target.prepared, &changes)
        .await?;
    if outcomes.len() == changes.len() {
        return Ok(outcomes);
    }
    Err(Failure::new(
        FailureKind::Protocol,
        format!(
            "the connector answered {} of {} changes",
            outcomes.len(),
            changes.len()
        ),
    )
    .with_effect(Effect::Unknown))
}

/// Whether the failure of one change will be that of every other. A service may protect single accounts,
/// so a missing right is the matter of the one.
pub(crate) fn ends_the_run(failure: &Failure) -> bool {
    failure.kind.stops_everything() && failure.kind != FailureKind::Permission
}
