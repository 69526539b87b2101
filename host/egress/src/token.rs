//! Tokens: one request for all who wait, renewed before their end or when the remote turns one down.
//!
//! Whoever needs a token while another is asking for it waits, and takes the result whatever it is: a
//! remote that refuses is asked once and not fifty times. If the one who asks is cut off by the end of
//! its own call, the next in line asks. Each token has a generation, so that requests that were turned
//! down with an old one do not renew the new one, they just use it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use matricula_core::clock::Clock;
use matricula_core::egress::SendError;
use reqwest::header::HeaderValue;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::budget::{Budget, after};
use crate::exchange::{Exchange, Refusal};
use crate::wire::Wire;

/// A token is renewed this long before its end, or a tenth of its life if that is shorter: a request
/// that has begun must not outlive it.
const MARGIN: Duration = Duration::from_secs(60);

/// A refusal is taken for the remote's word this long, for requests that come after it.
const REFUSAL_KEPT: Duration = Duration::from_secs(5);

/// When a fresh token is turned down like the one before it, the status means something else (a right
/// that is missing). This long it is handed on without another renewal.
const FRUITLESS: Duration = Duration::from_secs(60);

/// A token as it is sent.
pub(crate) struct Token {
    pub(crate) header: HeaderValue,
    pub(crate) generation: u64,
    stale_at: Timestamp,
    refresh: Option<Zeroizing<String>>,
}

/// Where the tokens of one rule come from.
pub(crate) struct TokenSource {
    exchange: Exchange,
    clock: Arc<dyn Clock>,
    current: Mutex<Option<Arc<Token>>>,
    /// Held while asking.
    asking: tokio::sync::Mutex<Last>,
    /// How often the result of asking was made known.
    results: AtomicU64,
    /// Status → generation that was turned down although fresh, and until when that is remembered.
    fruitless: Mutex<HashMap<u16, (u64, Timestamp)>>,
}

/// The last result.
#[derive(Default)]
struct Last {
    result: Option<Result<Arc<Token>, SendError>>,
    refused_until: Option<Timestamp>,
}

impl TokenSource {
    pub(crate) fn new(exchange: Exchange, clock: Arc<dyn Clock>) -> Self {
        Self {
            exchange,
            clock,
            current: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            results: AtomicU64::new(0),
            fruitless: Mutex::default(),
        }
    }

    /// A token to send. `rejected` is the generation that was turned down.
    pub(crate) async fn get(
        &self,
        rejected: Option<u64>,
        wire: &Wire,
        budget: &Budget,
        sent: &AtomicU64,
    ) -> Result<Arc<Token>, SendError> {
        // Read before looking for a token: a result that is made known after this is a new one.
        let seen = self.results.load(Ordering::Acquire);
        if let Some(token) = self.usable(rejected) {
            return Ok(token);
        }
        let mut last = timeout(budget.left(), self.asking.lock())
            .await
            .map_err(|_| {
                SendError::Connect(format!(
                    "{} has not issued a token within the time of this call",
                    wire.gate.system()
                ))
            })?;
        // Somebody asked while this one waited. A token that is stale at birth is good for them all.
        if self.results.load(Ordering::Acquire) != seen {
            match &last.result {
                Some(Ok(token)) if Some(token.generation) != rejected => {
                    return Ok(Arc::clone(token));
                }
                Some(Err(error)) => return Err(error.clone()),
                _ => {}
            }
        }
        if let (Some(until), Some(Err(error))) = (last.refused_until, &last.result)
            && self.clock.now() < until
        {
            return Err(error.clone());
        }

        let known = self.current().clone();
        let refresh = known.as_ref().and_then(|token| token.refresh.as_ref());
        let asked_at = self.clock.now();
        let answer = self
            .exchange
            .ask(refresh.map(|token| token.as_str()), wire, budget, sent)
            .await;
        let refused = matches!(answer, Err(Refusal::Rejected(_)));
        let result = match answer {
            Ok(issued) => {
                wire.scrubber.add_token(&issued.token);
                if let Some(refresh) = &issued.refresh {
                    wire.scrubber.add_token(refresh);
                }
                let bearer = Zeroizing::new(format!("Bearer {}", *issued.token));
                match HeaderValue::from_str(&bearer) {
                    Ok(mut header) => {
                        header.set_sensitive(true);
                        let life = issued.life - MARGIN.min(issued.life / 10);
                        let token = Arc::new(Token {
                            header,
                            generation: known.map_or(0, |token| token.generation) + 1,
                            stale_at: after(asked_at, life),
                            refresh: issued.refresh,
                        });
                        *self.current() = Some(Arc::clone(&token));
                        Ok(token)
                    }
                    Err(_) => Err(SendError::Unauthenticated(format!(
                        "{} issued a token that cannot be sent in a header",
                        wire.gate.system()
                    ))),
                }
            }
            Err(Refusal::Rejected(why)) => Err(SendError::Unauthenticated(why)),
            // For want of this call's own time: no result for anybody else.
            Err(Refusal::Passing(error)) if budget.left().is_zero() => return Err(error),
            Err(Refusal::Passing(error)) => Err(error),
        };
        last.refused_until = refused.then(|| after(self.clock.now(), REFUSAL_KEPT));
        last.result = Some(result.clone());
        self.results.fetch_add(1, Ordering::Release);
        result
    }

    /// Whether an answer with this status to a request with this token calls for another token.
    pub(crate) fn is_turned_down(&self, status: u16, generation: u64) -> bool {
        self.exchange.rejects(status)
            && !self
                .fruitless()
                .get(&status)
                .is_some_and(|(known, until)| *known == generation && self.clock.now() < *until)
    }

    /// Notes the status of an answer to the repeated request.
    pub(crate) fn note_repeated(&self, status: u16, generation: u64) {
        if self.exchange.rejects(status) {
            let until = after(self.clock.now(), FRUITLESS);
            self.fruitless().insert(status, (generation, until));
        }
    }

    fn usable(&self, rejected: Option<u64>) -> Option<Arc<Token>> {
        let token = self.current().clone()?;
        (Some(token.generation) != rejected && self.clock.now() < token.stale_at).then_some(token)
    }

    fn current(&self) -> MutexGuard<'_, Option<Arc<Token>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fruitless(&self) -> MutexGuard<'_, HashMap<u16, (u64, Timestamp)>> {
        self.fruitless
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
