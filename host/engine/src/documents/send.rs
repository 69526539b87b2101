//! A stretch of documents on its way: fetch, intend, send, record.
//!
//! A few files are fetched while others are sent, so that the slower of the two systems is never idle; what is
//! in hand is bounded by the target's concurrency, on disk as in memory. An intent is committed right before
//! its document is sent, several at a time, and what became of it as soon as that is known. A document in doubt
//! takes no place from others while the target is given time, and lets its file go.

use std::collections::VecDeque;
use std::sync::Arc;

use matricula_core::connector::Receipt;
use matricula_core::document::{Document, DocumentState};
use matricula_core::run::{Outcome, OutcomeKind};
use matricula_core::{Effect, Failure, FailureKind, TargetId};
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::Planned;
use super::carrier::{Carrier, Held};
use super::doubt::{self, Resolved};
use super::plan::{self, Parcel, Settled};
use crate::EngineError;
use crate::cycle::Cycle;
use crate::observe::Event;
use crate::target::Patience;

/// Documents in doubt at a time; beyond that nothing more is sent. So many lost answers at once are an outage.
const IN_DOUBT: usize = 32;

/// How a stretch came to its end.
pub(super) enum Sending {
    /// Every document of it has been dealt with.
    Done,
    /// The run is to be halted.
    Halted,
    /// Going on is pointless.
    Stopped(Failure),
}

/// What a task has done.
enum Done {
    Fetched(Box<Parcel>, Result<Held, Failure>),
    Sent(Box<Parcel>, Result<Receipt, Failure>),
    Asked(Box<Parcel>, Failure, Result<Resolved, EngineError>),
}

/// What is written down next.
#[derive(Default)]
struct Ledger {
    documents: Vec<Document>,
    outcomes: Vec<Outcome>,
}

/// A stretch under way.
struct Round {
    carrier: Arc<Carrier>,
    parcels: VecDeque<Box<Parcel>>,
    ready: VecDeque<(Box<Parcel>, Held)>,
    tasks: JoinSet<Done>,
    fetching: usize,
    sending: usize,
    in_doubt: usize,
    /// Documents that have not been dealt with.
    open: u64,
    stop: Option<Failure>,
    ledger: Ledger,
}

impl Cycle<'_> {
    /// Delivers a stretch of `read` records.
    pub(super) async fn send(
        &mut self,
        planned: Planned,
        read: u64,
    ) -> Result<Sending, EngineError> {
        let most = self.target.operation.concurrency.max(1) as usize;
        let mut round = Round {
            carrier: self.carrier()?,
            open: planned.parcels.len() as u64,
            parcels: planned.parcels.into_iter().map(Box::new).collect(),
            ready: VecDeque::new(),
            tasks: JoinSet::new(),
            fetching: 0,
            sending: 0,
            in_doubt: 0,
            stop: None,
            ledger: Ledger::default(),
        };
        for settled in planned.settled {
            self.settle(settled, &mut round.ledger);
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
            if !round.ledger.documents.is_empty() {
                let Ledger {
                    documents,
                    outcomes,
                } = std::mem::take(&mut round.ledger);
                self.commit_documents(documents, Vec::new(), outcomes)
                    .await?;
                self.observer.event(&Event::Page {
                    read: self.progress.read + read.saturating_sub(round.open),
                    total: self.progress.total,
                    counts: &self.run.counts,
                });
            }
            round.send(intended);
            let Some(first) = round.tasks.join_next().await else {
                break;
            };
            let mut next = Some(first);
            while let Some(done) = next {
                match done {
                    Ok(done) => self.done(&mut round, done),
                    // Nobody knows what it has done: its row says that, and the next run asks.
                    Err(error) => {
                        let message = format!("a document on its way was dropped: {error}");
                        round.stop(Failure::new(FailureKind::Internal, message));
                    }
                }
                next = round.tasks.try_join_next();
            }
        }
        if !round.ledger.documents.is_empty() {
            let Ledger {
                documents,
                outcomes,
            } = round.ledger;
            self.commit_documents(documents, Vec::new(), outcomes)
                .await?;
        }
        Ok(match round.stop {
            Some(failure) => Sending::Stopped(failure),
            None if round.open > 0 => Sending::Halted,
            None => Sending::Done,
        })
    }

    /// Takes what is ready and may be sent now; its rows go into the next commit.
    fn intend(&self, round: &mut Round, most: usize) -> Vec<(Box<Parcel>, Held)> {
        let mut intended = Vec::new();
        while round.sending + intended.len() < most
            && round.in_doubt < IN_DOUBT
            && let Some((mut parcel, held)) = round.ready.pop_front()
        {
            let document = &mut parcel.document;
            document.state = DocumentState::Intended;
            document.sent_at = Some(self.engine.clock.now());
            document.size = Some(held.file.size);
            document.sha256 = Some(held.file.sha256.clone());
            round.ledger.documents.push(document.clone());
            intended.push((parcel, held));
        }
        intended
    }

    fn done(&mut self, round: &mut Round, done: Done) {
        match done {
            Done::Fetched(parcel, held) => {
                round.fetching -= 1;
                match held {
                    Ok(held) => round.ready.push_back((parcel, held)),
                    Err(failure) if is_of_all(&failure) => round.stop(failure),
                    Err(failure) => self.refuse(round, parcel.document, failure),
                }
            }
            Done::Sent(parcel, answer) => {
                round.sending -= 1;
                match answer {
                    Ok(receipt) => self.deliver_as(round, *parcel, receipt.target, false),
                    Err(failure) if failure.effect != Effect::None => round.ask(parcel, failure),
                    Err(failure) => self.not_taken(round, *parcel, failure),
                }
            }
            Done::Asked(parcel, failure, resolved) => {
                round.in_doubt -= 1;
                match resolved {
                    Ok(Resolved::There(target)) => {
                        self.deliver_as(round, *parcel, Some(target), true);
                    }
                    Ok(Resolved::NotThere) => self.send_again(round, parcel, failure),
                    Ok(Resolved::Unknowable) => {
                        let mut document = parcel.document;
                        let outcome = doubt::apply(&mut document, Resolved::Unknowable);
                        if let Some(outcome) = outcome {
                            self.tell(outcome, &mut round.ledger.outcomes);
                        }
                        round.ledger.documents.push(document);
                        round.open -= 1;
                    }
                    // It stays intended, and the next run asks.
                    Err(error) => round.stop(as_failure(error)),
                }
            }
        }
    }

    /// The target has said that it does not take it, or not now.
    fn not_taken(&mut self, round: &mut Round, parcel: Parcel, failure: Failure) {
        if failure.kind.stops_everything() || failure.kind.is_transient() {
            round.put_back(parcel.document);
            round.stop(failure);
        } else {
            self.refuse(round, parcel.document, failure);
        }
    }

    /// It did not arrive although it was sent.
    fn send_again(&mut self, round: &mut Round, mut parcel: Box<Parcel>, failure: Failure) {
        parcel.attempts += 1;
        let tries = failure.kind.is_transient() && parcel.attempts < self.engine.options.attempts;
        if tries && round.stop.is_none() && self.halt().is_none() {
            round.parcels.push_front(parcel);
        } else {
            self.not_taken(round, *parcel, failure);
        }
    }

    fn settle(&mut self, settled: Settled, ledger: &mut Ledger) {
        let Settled {
            document,
            kind,
            outcome,
        } = settled;
        match outcome {
            Some(outcome) => self.tell(outcome, &mut ledger.outcomes),
            None => self.count(&document.key, kind),
        }
        ledger.documents.push(document);
    }

    fn refuse(&mut self, round: &mut Round, mut document: Document, failure: Failure) {
        let code = failure.code.as_deref().unwrap_or("refused");
        document.sent_at = None;
        let now = self.engine.clock.now();
        let settled = plan::failed(document, now, (code, failure.message));
        self.settle(settled, &mut round.ledger);
        round.open -= 1;
    }

    fn deliver_as(
        &mut self,
        round: &mut Round,
        parcel: Parcel,
        target: Option<TargetId>,
        asked: bool,
    ) {
        let Parcel {
            mut document,
            remark,
            ..
        } = parcel;
        document.state = DocumentState::Delivered;
        document.target = target;
        document.attempts = 0;
        document.not_before = None;
        let code = remark.or_else(|| asked.then(|| "arrived".to_owned()));
        let outcome = Outcome {
            key: document.key.clone(),
            target: document.target.clone(),
            kind: OutcomeKind::Created,
            reason: code.as_deref().map(plan::explain),
            code,
            changed: Vec::new(),
        };
        self.tell(outcome, &mut round.ledger.outcomes);
        round.ledger.documents.push(document);
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
                Done::Fetched(parcel, held)
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
                Done::Sent(parcel, answer)
            };
            self.tasks.spawn(send.in_current_span());
        }
    }

    /// Asks what became of a document whose answer was lost.
    fn ask(&mut self, mut parcel: Box<Parcel>, failure: Failure) {
        self.in_doubt += 1;
        let carrier = Arc::clone(&self.carrier);
        let ask = async move {
            parcel.document.sent_at = Some(carrier.engine.clock.now());
            let resolved = doubt::resolve(&carrier, &parcel.document).await;
            Done::Asked(parcel, failure, resolved)
        };
        self.tasks.spawn(ask.in_current_span());
    }

    /// What is known not to have arrived is sent by a later run.
    fn put_back(&mut self, mut document: Document) {
        doubt::apply(&mut document, Resolved::NotThere);
        self.ledger.documents.push(document);
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

/// Whether a file that was not had is the matter of every document.
fn is_of_all(failure: &Failure) -> bool {
    let stops = failure.kind.stops_everything() && failure.kind != FailureKind::Permission;
    stops || failure.kind.is_transient()
}

fn as_failure(error: EngineError) -> Failure {
    match error {
        EngineError::Failure(failure) => failure,
        other => Failure::new(FailureKind::Unavailable, other.to_string()),
    }
}
