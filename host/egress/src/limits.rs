//! The remote's documented rate limits: a sliding-window log for each.
//!
//! A request takes a place in every window that applies, and gives it back the window's length after
//! its *answer*: the remote counts arrivals, which lie somewhere between sending and answer, so however
//! the network delays requests, no window of the remote's clock sees more than allowed. A place is
//! waited for in a queue, first come, first served. The longest window is asked first, so that whoever
//! waits for it holds no place in a shorter one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use matricula_core::clock::Clock;
use matricula_core::egress::SendError;
use matricula_core::manifest::Limit;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::budget::{Budget, after, until};

/// The limits of one credential.
pub(crate) struct Limiter {
    clock: Arc<dyn Clock>,
    windows: Vec<Arc<Window>>,
}

/// One limit.
struct Window {
    limit: Limit,
    /// Held while waiting for a place; tokio's mutex is fair.
    queue: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    given_back: Notify,
}

#[derive(Default)]
struct State {
    /// Places of requests that have no answer yet.
    open: u32,
    /// When the others were answered, oldest first.
    answered: VecDeque<Timestamp>,
}

/// A place in each window that applies. Dropping it starts the time after which they are free again.
pub(crate) struct Places {
    clock: Arc<dyn Clock>,
    windows: Vec<Arc<Window>>,
    sent: bool,
}

impl Limiter {
    pub(crate) fn new(clock: Arc<dyn Clock>, limits: &[Limit]) -> Self {
        let mut windows: Vec<_> = limits
            .iter()
            .map(|limit| {
                Arc::new(Window {
                    limit: limit.clone(),
                    queue: tokio::sync::Mutex::default(),
                    state: Mutex::default(),
                    given_back: Notify::new(),
                })
            })
            .collect();
        windows.sort_by_key(|window| std::cmp::Reverse(window.limit.seconds));
        Self { clock, windows }
    }

    /// Waits for a place in every window that applies to the request.
    pub(crate) async fn enter(
        &self,
        method: &str,
        path: &str,
        budget: &Budget,
    ) -> Result<Places, SendError> {
        let mut places = Places {
            clock: Arc::clone(&self.clock),
            windows: Vec::new(),
            sent: false,
        };
        for window in self
            .windows
            .iter()
            .filter(|window| window.applies(method, path))
        {
            window.enter(&*self.clock, budget).await?;
            places.windows.push(Arc::clone(window));
        }
        Ok(places)
    }
}

impl Window {
    fn applies(&self, method: &str, path: &str) -> bool {
        self.limit
            .method
            .as_deref()
            .is_none_or(|only| only.eq_ignore_ascii_case(method))
            && path.starts_with(&self.limit.path)
    }

    fn length(&self) -> Duration {
        Duration::from_secs(self.limit.seconds.into())
    }

    async fn enter(&self, clock: &dyn Clock, budget: &Budget) -> Result<(), SendError> {
        let _first = timeout(budget.left(), self.queue.lock())
            .await
            .map_err(|_| self.full())?;
        loop {
            let wait = {
                let mut state = self.state();
                let now = clock.now();
                while state
                    .answered
                    .front()
                    .is_some_and(|answered| after(*answered, self.length()) <= now)
                {
                    state.answered.pop_front();
                }
                if state.open as usize + state.answered.len() < self.limit.requests as usize {
                    state.open += 1;
                    return Ok(());
                }
                state
                    .answered
                    .front()
                    .map(|oldest| until(now, after(*oldest, self.length())))
            };
            match wait {
                // Waiting in vain would only hold up those behind.
                Some(wait) if wait > budget.left() => return Err(self.full()),
                Some(wait) => clock.sleep(wait).await,
                None => timeout(budget.left(), self.given_back.notified())
                    .await
                    .map_err(|_| self.full())?,
            }
        }
    }

    fn leave(&self, answered: Option<Timestamp>) {
        let mut state = self.state();
        state.open = state.open.saturating_sub(1);
        state.answered.extend(answered);
        drop(state);
        self.given_back.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing was sent, and a later call may succeed: that is what `Connect` says.
    fn full(&self) -> SendError {
        SendError::Connect(format!(
            "the documented limit of {} requests in {} s leaves no room within the time of this call",
            self.limit.requests, self.limit.seconds
        ))
    }
}

impl Places {
    /// From now on the remote may have counted the request.
    pub(crate) fn sent(&mut self) {
        self.sent = true;
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        let answered = self.sent.then(|| self.clock.now());
        for window in &self.windows {
            window.leave(answered);
        }
    }
}

#[cfg(test)]
mod tests {
    use matricula_core::clock::SimClock;
    use proptest::prelude::*;

    use super::*;

    const LONG: Duration = Duration::from_secs(24 * 3600);

    fn limit(requests: u32, seconds: u32) -> Limit {
        Limit {
            method: None,
            path: String::new(),
            requests,
            seconds,
        }
    }

    fn clock() -> SimClock {
        SimClock::new("2026-11-21T12:00:00Z".parse().unwrap())
    }

    fn budget(clock: &SimClock, total: Duration) -> Budget {
        Budget::new(Arc::new(clock.clone()), total)
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(future)
    }

    /// Sends `latencies.len()` requests at once, each answered after its latency; returns when each was
    /// sent and answered.
    fn load(limits: &[Limit], latencies: &[u64]) -> Vec<(Timestamp, Timestamp)> {
        let clock = clock();
        let limiter = Limiter::new(Arc::new(clock.clone()), limits);
        run(async {
            let budget = budget(&clock, LONG);
            let requests = latencies.iter().map(|latency| {
                let (limiter, clock, budget) = (&limiter, &clock, &budget);
                async move {
                    let mut places = limiter.enter("GET", "/v1/employees", budget).await.unwrap();
                    places.sent();
                    let sent = clock.now();
                    // The others run meanwhile.
                    for _ in 0..latency % 7 {
                        tokio::task::yield_now().await;
                    }
                    clock.advance(Duration::from_millis(*latency));
                    (sent, clock.now())
                }
            });
            futures::future::join_all(requests).await
        })
    }

    /// The most requests that any window of `seconds` saw, if each arrived at `moment`.
    fn busiest(arrivals: &mut [Timestamp], seconds: u32) -> usize {
        arrivals.sort();
        let length = Duration::from_secs(seconds.into());
        (0..arrivals.len())
            .map(|first| {
                let end = after(arrivals[first], length);
                arrivals[first..].iter().take_while(|at| **at < end).count()
            })
            .max()
            .unwrap_or(0)
    }

    /// Mostly so short that the limits are what holds requests up; the clock runs on for each.
    fn latency() -> impl Strategy<Value = u64> {
        prop_oneof![40 => 0_u64..3, 1 => 0_u64..900]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn no_window_ever_sees_more_than_allowed(
            latencies in proptest::collection::vec(latency(), 1..700),
            arrivals in any::<u64>(),
        ) {
            let times = load(&[limit(15, 1), limit(300, 60)], &latencies);
            // Wherever between sending and answer the remote counts.
            let mut seed = arrivals;
            let mut at: Vec<_> = times
                .iter()
                .map(|(sent, answered)| {
                    seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    let share = (seed >> 33) as f64 / f64::from(u32::MAX >> 1);
                    after(*sent, until(*sent, *answered).mul_f64(share.min(1.0)))
                })
                .collect();
            prop_assert!(busiest(&mut at, 1) <= 15);
            prop_assert!(busiest(&mut at, 60) <= 300);
        }
    }

    #[test]
    fn a_limit_is_used_to_the_full() {
        let times = load(&[limit(15, 1), limit(300, 60)], &[0; 700]);
        let start = times[0].0;
        let last = times.iter().map(|(sent, _)| *sent).max().unwrap();
        // 300 in 20 bursts, 300 more in the second minute, 100 in the third.
        assert_eq!(until(start, last), Duration::from_secs(120 + 6));
    }

    #[test]
    fn places_are_given_in_the_order_of_asking() {
        let clock = clock();
        let limiter = Limiter::new(Arc::new(clock.clone()), &[limit(2, 1)]);
        let order = Mutex::new(Vec::new());
        run(async {
            let budget = budget(&clock, LONG);
            let requests = (0..20).map(|number| {
                let (limiter, order, budget) = (&limiter, &order, &budget);
                async move {
                    let mut places = limiter.enter("GET", "/", budget).await.unwrap();
                    places.sent();
                    order.lock().unwrap().push(number);
                }
            });
            futures::future::join_all(requests).await;
        });
        assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn a_limit_only_holds_for_its_method_and_path() {
        let clock = clock();
        let only = Limit {
            method: Some("get".into()),
            path: "/v1/e".into(),
            ..limit(1, 60)
        };
        let limiter = Limiter::new(Arc::new(clock.clone()), &[only]);
        run(async {
            let none = budget(&clock, Duration::ZERO);
            let mut first = limiter
                .enter("GET", "/v1/employees", &budget(&clock, LONG))
                .await
                .unwrap();
            first.sent();
            drop(first);
            assert!(limiter.enter("GET", "/v1/employees", &none).await.is_err());
            assert!(limiter.enter("POST", "/v1/employees", &none).await.is_ok());
            assert!(limiter.enter("GET", "/v1/auth", &none).await.is_ok());
        });
    }

    #[test]
    fn who_cannot_be_served_in_time_is_told_at_once_and_nothing_was_sent() {
        let clock = clock();
        let limiter = Limiter::new(Arc::new(clock.clone()), &[limit(1, 60)]);
        run(async {
            let mut first = limiter
                .enter("GET", "/", &budget(&clock, LONG))
                .await
                .unwrap();
            first.sent();
            drop(first);
            let before = clock.now();
            let error = limiter
                .enter("GET", "/", &budget(&clock, Duration::from_secs(30)))
                .await;
            assert!(
                matches!(error.err(), Some(SendError::Connect(why)) if why.contains("1 requests in 60 s"))
            );
            assert_eq!(clock.now(), before);
            assert!(
                limiter
                    .enter("GET", "/", &budget(&clock, Duration::from_secs(61)))
                    .await
                    .is_ok()
            );
            assert_eq!(until(before, clock.now()), Duration::from_secs(60));
        });
    }

    #[test]
    fn a_request_that_never_left_costs_no_place() {
        let clock = clock();
        let limiter = Limiter::new(Arc::new(clock.clone()), &[limit(1, 60)]);
        run(async {
            let budget = budget(&clock, Duration::from_secs(1));
            drop(limiter.enter("GET", "/", &budget).await.unwrap());
            drop(limiter.enter("GET", "/", &budget).await.unwrap());
        });
    }
}
