//! What the store is asked for metrics. However many ask for them, the store is asked once a second.

use std::time::Duration;

use jiff::Timestamp;
use matricula_core::agenda::{Ledger, Overview};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How old an answer may be.
const FRESH: Duration = Duration::from_secs(1);

/// What the store knows as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) schedule: Overview,
    /// Deliveries of notices that wait.
    pub(crate) deliveries: u64,
}

/// The last answer, or that there was none.
#[derive(Default)]
pub(crate) struct Watched(Mutex<Option<(Timestamp, Option<Seen>)>>);

impl Watched {
    /// What the store says, or said less than a second ago; none if it does not answer within `limit`. Those who
    /// come while it is being asked wait for the same answer.
    pub(crate) async fn look(
        &self,
        store: &dyn Ledger,
        now: Timestamp,
        limit: Duration,
    ) -> Option<Seen> {
        let mut last = self.0.lock().await;
        if let Some((at, seen)) = *last {
            // A clock that was set back must not keep an answer for as long as that.
            if at.duration_until(now).unsigned_abs() < FRESH {
                return seen;
            }
        }
        let question = async {
            Some(Seen {
                schedule: store.overview(now).await.ok()?,
                deliveries: store.waiting().await.ok()?,
            })
        };
        let seen = timeout(limit, question).await.ok().flatten();
        *last = Some((now, seen));
        seen
    }
}
