//! How long a call may still take.
//!
//! Waiting for a rate limit goes by the [`Clock`], so that tests and simulations drive it; the network
//! goes by real time, because a socket does not know about simulations. A call is bounded by both.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use matricula_core::clock::Clock;
use tokio::time::Instant;

/// What is left of a call's time.
pub(crate) struct Budget {
    clock: Arc<dyn Clock>,
    by_clock: Timestamp,
    by_network: Instant,
}

impl Budget {
    /// A budget that begins now.
    pub(crate) fn new(clock: Arc<dyn Clock>, total: Duration) -> Self {
        // A deadline beyond the end of time is no deadline.
        let total = total.min(Duration::from_secs(365 * 24 * 3600));
        let by_clock = after(clock.now(), total);
        Self {
            clock,
            by_clock,
            by_network: Instant::now() + total,
        }
    }

    /// How much is left; zero when it is over.
    pub(crate) fn left(&self) -> Duration {
        let network = self.by_network.saturating_duration_since(Instant::now());
        network.min(until(self.clock.now(), self.by_clock))
    }
}

/// The moment `wait` after `now`.
pub(crate) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// How long it is from `now` until `then`; zero if it has passed.
pub(crate) fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}
