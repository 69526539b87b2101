//! A vendor's keys where the vendor publishes them (RFC 7517).
//!
//! They are fetched when the first token needs one and kept for ten minutes. A `kid` that is not among them
//! means that the vendor has a new key, or that somebody is guessing: so it fetches again, once a minute.
//! While the vendor's server is away, the last good set is used for up to a day; whether an outage of theirs
//! stops people from working here is decided by how much older a withdrawn key may get, and a day is what an
//! outage may last at most.
//!
//! One fetch is under way per vendor. It runs in a task of its own: somebody who sends a token and hangs up
//! cannot stop it half-way, and cannot use up the minute of those who come after.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use matricula_core::clock::Clock;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex as Flight;
use url::Url;

use crate::error::{FetchError, Reason};
use crate::fetch::Fetch;
use crate::key::Key;

/// How long a set is used without asking again, in seconds.
const FRESH: i64 = 10 * 60;
/// How long a set is used if asking fails, in seconds.
const USABLE: i64 = 24 * 60 * 60;
/// How long after a fetch the next one may come, in seconds.
const PAUSE: i64 = 60;
/// The same while there is no set at all and everybody is locked out.
const PAUSE_WITHOUT: i64 = 5;

/// The published keys of one vendor.
pub(crate) struct Published {
    vendor: String,
    url: Url,
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    flight: Arc<Flight<()>>,
}

#[derive(Default)]
struct State {
    kept: Option<Kept>,
    /// When the last fetch ended, however it did.
    tried: Option<Timestamp>,
    failing: bool,
}

struct Kept {
    keys: HashMap<String, Arc<Key>>,
    at: Timestamp,
}

/// What the kept set says about a key.
enum Look {
    Found(Arc<Key>),
    /// It is to be fetched; until then there may be an old one.
    Due(Option<Arc<Key>>),
    Unknown,
    Unavailable,
}

impl Published {
    pub(crate) fn new(
        vendor: &str,
        url: Url,
        fetch: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            vendor: vendor.to_owned(),
            url,
            fetch,
            clock,
            state: Mutex::default(),
            flight: Arc::default(),
        }
    }

    /// The key of this name.
    pub(crate) async fn key(self: &Arc<Self>, kid: &str) -> Result<Arc<Key>, Reason> {
        match self.look(kid) {
            Look::Found(key) => return Ok(key),
            Look::Unknown => return Err(self.unknown()),
            Look::Unavailable => return Err(self.unavailable()),
            Look::Due(old) => {
                let turn = match (Arc::clone(&self.flight).try_lock_owned(), old) {
                    (Ok(turn), _) => turn,
                    // Somebody is fetching; an old key is good enough for that long.
                    (Err(_), Some(old)) => return Ok(old),
                    (Err(_), None) => Arc::clone(&self.flight).lock_owned().await,
                };
                // Whoever waited finds what the other one has fetched.
                if matches!(self.look(kid), Look::Due(_)) {
                    let this = Arc::clone(self);
                    let fetching = tokio::spawn(async move {
                        this.refresh().await;
                        drop(turn);
                    });
                    if fetching.await.is_err() {
                        self.ended(Err(FetchError("the fetch broke off".into())));
                    }
                }
            }
        }
        match self.look(kid) {
            Look::Found(key) | Look::Due(Some(key)) => Ok(key),
            Look::Unknown => Err(self.unknown()),
            Look::Due(None) | Look::Unavailable => Err(self.unavailable()),
        }
    }

    fn look(&self, kid: &str) -> Look {
        let now = self.clock.now();
        let state = self.state();
        let kept = state
            .kept
            .as_ref()
            .filter(|kept| age(kept.at, now) < USABLE);
        let pause = if kept.is_some() { PAUSE } else { PAUSE_WITHOUT };
        let due = state.tried.is_none_or(|tried| age(tried, now) >= pause);
        let Some(kept) = kept else {
            return if due {
                Look::Due(None)
            } else {
                Look::Unavailable
            };
        };
        let fresh = age(kept.at, now) < FRESH;
        match kept.keys.get(kid).cloned() {
            Some(key) if fresh || !due => Look::Found(key),
            None if !due => Look::Unknown,
            old => Look::Due(old),
        }
    }

    async fn refresh(&self) {
        let fetched = self.fetch.fetch(&self.url).await;
        self.ended(fetched.and_then(|body| self.read(&body)));
    }

    fn ended(&self, fetched: Result<HashMap<String, Arc<Key>>, FetchError>) {
        let now = self.clock.now();
        let mut state = self.state();
        state.tried = Some(now);
        match fetched {
            Ok(keys) => {
                tracing::debug!(
                    vendor = self.vendor,
                    keys = keys.len(),
                    "The vendor's keys were fetched."
                );
                state.kept = Some(Kept { keys, at: now });
                if std::mem::take(&mut state.failing) {
                    tracing::info!(
                        vendor = self.vendor,
                        "The vendor's keys can be fetched again."
                    );
                }
            }
            // Once, not with each try.
            Err(error) if !state.failing => {
                state.failing = true;
                tracing::warn!(
                    vendor = self.vendor,
                    url = %self.url,
                    %error,
                    "The vendor's keys cannot be fetched; the last good ones are used for a day at most."
                );
            }
            Err(_) => {}
        }
    }

    /// The usable keys of a JWKS. A set without any is the vendor's word too: all keys are withdrawn.
    fn read(&self, body: &[u8]) -> Result<HashMap<String, Arc<Key>>, FetchError> {
        #[derive(Deserialize)]
        struct Jwks {
            keys: Vec<Value>,
        }
        let set: Jwks = serde_json::from_slice(body).map_err(|_| {
            FetchError("the answer is no JWKS: an object with a list of keys".into())
        })?;
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            match Key::from_jwk(jwk) {
                Ok((kid, key)) => match keys.entry(kid) {
                    Entry::Vacant(entry) => {
                        entry.insert(Arc::new(key));
                    }
                    Entry::Occupied(entry) => {
                        tracing::warn!(
                            vendor = self.vendor,
                            kid = ?entry.key(),
                            "Two published keys have this kid; the first is used."
                        );
                    }
                },
                Err(problem) => tracing::debug!(
                    vendor = self.vendor,
                    kid = ?jwk.get("kid"),
                    problem,
                    "A published key is left out."
                ),
            }
        }
        Ok(keys)
    }

    fn unknown(&self) -> Reason {
        Reason::UnknownKey {
            vendor: self.vendor.clone(),
        }
    }

    fn unavailable(&self) -> Reason {
        Reason::KeysUnavailable {
            vendor: self.vendor.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds since then. A moment in the future is one of a clock that has since been set back: it counts as
/// long ago.
fn age(then: Timestamp, now: Timestamp) -> i64 {
    let age = now.as_second() - then.as_second();
    if age < 0 { i64::MAX } else { age }
}
