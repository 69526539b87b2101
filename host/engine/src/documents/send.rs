//! A stretch of documents on its way: fetch, intend, send, record.
//!
//! A few files are fetched while others are sent, so that the slower of the two systems is never idle; what is
//! in hand is bounded by the target's concurrency, on disk as in memory. An intent is committed right before
//! its document is sent, several at a time, and what became of it as soon as that is known. A document in doubt
//! takes no place from others while the target is given time, and lets its file go.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use matricula_core::connector::Receipt;
use matricula_core::document::{Document, DocumentState};
use matricula_core::run::{Outcome, OutcomeKind};
use matricula_core::{Effect, Failure, FailureKind, TargetId};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::carrier::{Carrier, Held};
use super::doubt::{self, Answer};
use super::plan::{self, Parcel, Settled};
use super::{OUTAGE, Planned};
use crate::EngineError;
use crate::cycle::Cycle;
use crate::observe::Event;
use crate::target::Patience;

/// Documents in doubt at a time; beyond that nothing more is sent. So many lost answers at once are an outage.
const IN_DOUBT: usize = 32;

/// So many lost answers in a row are an outage too.
const LOST: u32 = 2 * OUTAGE;

/// How a stretch came to its end.
pub(super) enum StretchEnd {
    /// Every document of it has been dealt with.
    Done,
    /// The run is to be halted.
    Halted,
    /// Going on is pointless.
    Stopped(Failure),
}

/// What a task has done.
enum Finished {
    Fetched(Box<Parcel>, Result<Held, Failure>),
    Sent(Box<Parcel>, Result<Receipt, Failure>),
    Asked(Box<Parcel>, Result<Answer, EngineError>),
}

/// A stretch under way.
struct Round {
    carrier: Arc<Carrier>,
    parcels: VecDeque<Box<Parcel>>,
    ready: VecDeque<(Box<Parcel>, Held)>,
    tasks: JoinSet<Finished>,
    fetching: usize,
    sending: usize,
    in_doubt: usize,
    /// Documents that have not been dealt with.
    open: u64,
    /// So many in a row could not be had or sent although they were tried again and again.
    failing: u32,
    /// What others have been found to be.
    claimed: HashSet<TargetId>,
    stop: Option<Failure>,
    /// What is written down next.
    documents: Vec<Document>,
    outcomes: Vec<Outcome>,
}

impl Cycle<'_> {
    /// Delivers a stretch of `read` records.
    pub(super) async fn send(
        &mut self,
        carrier: &Arc<Carrier>,
        planned: Planned,
        read: u64,
    ) -> Result<StretchEnd, EngineError> {
        let most = self.target.operation.concurrency.max(1) as usize;
        let mut round = Round {
            carrier: Arc::clone(carrier),
            open: planned.parcels.len() as u64,
            parcels: planned.parcels.into_iter().map(Box::new).collect(),
            ready: VecDeque::new(),
            tasks: JoinSet::new(),
            fetching: 0,
            sending: 0,
            in_doubt: 0,
            failing: 0,
            claimed: HashSet::new(),
            stop: None,
            documents: planned.quiet,
            outcomes: Vec::new(),
        };
        for settled in planned.settled {
            self.settle(settled, &mut round.documents, &mut round.outcomes);
        }
        loop {
            let going = round.stop.is_none() && self.halt().is_none();
            if going {
                round.fetch(most);
            }
            let intended = match going {
                true => self.intend(&mut round, most),
                false => Vec::new(),
            };
            self.write_down(&mut round, read).await?;
            round.send(intended);
            let Some(first) = round.tasks.join_next().await else {
                break;
            };
            let mut next = Some(first);
            while let Some(finished) = next {
                match finished {
                    Ok(finished) => self.finished(&mut round, finished)?,
                    // Nobody knows what it has done: its row says that, and the next run asks.
                    Err(error) => {
                        let message = format!(
                            "the work on a document ended unexpectedly ({error}); the next run asks whether it \
                             arrived"
                        );
                        round.stop(Failure::new(FailureKind::Internal, message));
                    }
                }
                next = round.tasks.try_join_next();
            }
        }
        self.write_down(&mut round, read).await?;
        Ok(match round.stop {
            Some(failure) => StretchEnd::Stopped(failure),
            None if round.open > 0 => StretchEnd::Halted,
            None => StretchEnd::Done,
        })
    }

    /// Commits what has come of documents since the last time.
    async fn write_down(&mut self, round: &mut Round, read: u64) -> Result<(), EngineError> {
        if round.documents.is_empty() {
            return Ok(());
        }
        let documents = std::mem::take(&mut round.documents);
        let outcomes = std::mem::take(&mut round.outcomes);
        self.commit_documents(documents, Vec::new(), outcomes)
            .await?;
        self.observer.event(&Event::Page {
            read: self.progress.read + read.saturating_sub(round.open),
            total: self.progress.total,
            counts: &self.run.counts,
        });
        Ok(())
    }

    /// Takes what is ready and may be sent now; its rows go into the next commit.
    fn intend(&self, round: &mut Round, most: usize) -> Vec<(Box<Parcel>, Held)> {
        let mut intended = Vec::new();
        while round.sending + intended.len() < most
            && round.in_doubt < IN_DOUBT
            && let Some((mut parcel, held)) = round.ready.pop_front()
        {
            parcel.document.intend(&held.file, self.engine.clock.now());
            round.documents.push(parcel.document.clone());
            intended.push((parcel, held));
        }
        intended
    }

    fn finished(&mut self, round: &mut Round, finished: Finished) -> Result<(), EngineError> {
        match finished {
            Finished::Fetched(parcel, held) => {
                round.fetching -= 1;
                match held {
                    Ok(held) => round.ready.push_back((parcel, held)),
                    // One file that may not be read is not all of them.
                    Err(failure) if failure.kind == FailureKind::Permission => {
                        self.not_taken(round, *parcel, failure);
                    }
                    Err(failure) if failure.kind.stops_everything() => round.stop(failure),
                    Err(failure) => self.not_taken(round, *parcel, failure),
                }
            }
            Finished::Sent(parcel, answer) => {
                round.sending -= 1;
                match answer {
                    Ok(receipt) => self.arrived(round, *parcel, receipt),
                    Err(failure) if failure.effect != Effect::None => {
                        round.failing += 1;
                        if round.failing >= LOST {
                            round.stop(failure);
                        }
                        round.ask(parcel);
                    }
                    Err(failure) if failure.kind.stops_everything() => {
                        // It is clear that it did not arrive; it is sent as soon as anything can be again.
                        let mut row = parcel.before;
                        match row.sent_at {
                            // An earlier time it may have: it is looked for first.
                            Some(_) => row.fail(|_| self.engine.clock.now()),
                            None => row.state = DocumentState::Again,
                        }
                        round.documents.push(row);
                        round.stop(failure);
                    }
                    Err(failure) => self.not_taken(round, *parcel, failure),
                }
            }
            Finished::Asked(parcel, answer) => {
                round.in_doubt -= 1;
                round.open -= 1;
                let settled = self.resolve(parcel.document, answer?, &mut round.claimed);
                if settled.kind == OutcomeKind::Created {
                    round.failing = 0;
                }
                self.settle(settled, &mut round.documents, &mut round.outcomes);
            }
        }
        Ok(())
    }

    /// It could not be had or was not taken, and it is clear that nothing arrived.
    fn not_taken(&mut self, round: &mut Round, parcel: Parcel, failure: Failure) {
        let code = failure.code.as_deref().unwrap_or("refused");
        let now = self.engine.clock.now();
        let why = (code, failure.message.clone());
        let settled = plan::failed(parcel.before, now, None, why);
        self.settle(settled, &mut round.documents, &mut round.outcomes);
        round.open -= 1;
        if failure.kind.is_transient() {
            round.failing += 1;
            // A remote that asks for patience, or fails for one after the other, is not the fault of these.
            if round.failing >= OUTAGE || failure.kind == FailureKind::RateLimited {
                round.stop(failure);
            }
        }
    }

    fn arrived(&mut self, round: &mut Round, parcel: Parcel, receipt: Receipt) {
        let Parcel {
            mut document,
            remark,
            ..
        } = parcel;
        round.claimed.extend(receipt.target.clone());
        round.failing = 0;
        document.deliver_as(receipt.target);
        let outcome = Outcome {
            key: document.key.clone(),
            target: document.target.clone(),
            kind: OutcomeKind::Created,
            reason: remark.as_deref().map(plan::explain),
            code: remark,
            changed: Vec::new(),
        };
        let settled = Settled {
            document,
            kind: OutcomeKind::Created,
            outcome: Some(outcome),
        };
        self.settle(settled, &mut round.documents, &mut round.outcomes);
        round.open -= 1;
    }
}

impl Round {
    /// Begins to fetch what may be in hand.
    fn fetch(&mut self, most: usize) {
        while self.fetching + self.ready.len() < most
            && let Some(parcel) = self.parcels.pop_front()
        {
            self.fetching += 1;
            let carrier = Arc::clone(&self.carrier);
            let fetch = async move {
                let held = carrier.fetch(&parcel).await;
                Finished::Fetched(parcel, held)
            };
            self.tasks.spawn(fetch.in_current_span());
        }
    }

    /// Sends what has been written down as intended.
    fn send(&mut self, intended: Vec<(Box<Parcel>, Held)>) {
        for (parcel, held) in intended {
            self.sending += 1;
            let carrier = Arc::clone(&self.carrier);
            let send = async move {
                let answer = until_clear(&carrier, &parcel, &held).await;
                Finished::Sent(parcel, answer)
            };
            self.tasks.spawn(send.in_current_span());
        }
    }

    /// Asks what became of a document whose answer was lost.
    fn ask(&mut self, mut parcel: Box<Parcel>) {
        self.in_doubt += 1;
        let carrier = Arc::clone(&self.carrier);
        let ask = async move {
            parcel.document.sent_at = Some(carrier.engine.clock.now());
            let answer = doubt::ask(&carrier, &parcel.document).await;
            Finished::Asked(parcel, answer)
        };
        self.tasks.spawn(ask.in_current_span());
    }

    fn stop(&mut self, failure: Failure) {
        self.stop.get_or_insert(failure);
    }
}

/// Sends a document; what is clearly not done because the target asks for patience is tried again.
async fn until_clear(carrier: &Carrier, parcel: &Parcel, held: &Held) -> Result<Receipt, Failure> {
    let mut patience = Patience::new(&carrier.engine, &*carrier.target.observer);
    loop {
        let answer = carrier
            .send(&parcel.document, &parcel.data, &held.file)
            .await;
        match answer {
            Err(failure) if failure.effect == Effect::None && patience.again(&failure).await => {}
            answer => return answer,
        }
    }
}
