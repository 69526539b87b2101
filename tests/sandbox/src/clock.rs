//! The time the fakes believe in.
//!
//! `last_modified_at`, `updated_since`, token lives and SCIM's `meta` follow this clock, so a test can
//! stand on any day without waiting. Rate limits do not: they are a matter of real traffic and always
//! follow the machine's monotonic time.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use crate::lock;

/// A settable clock; clones show the same time.
#[derive(Clone, Default)]
pub struct Clock {
    fixed: Arc<Mutex<Option<Timestamp>>>,
}

impl Clock {
    /// The present moment: the one set, or else the machine's.
    pub fn now(&self) -> Timestamp {
        lock(&self.fixed).unwrap_or_else(Timestamp::now)
    }

    /// Stops the clock at a moment.
    pub fn set(&self, now: Timestamp) {
        *lock(&self.fixed) = Some(now);
    }

    /// Moves the clock by a distance and leaves it stopped there. A clock that ran is stopped first.
    pub fn advance(&self, by: SignedDuration) {
        let mut fixed = lock(&self.fixed);
        let now = fixed.unwrap_or_else(Timestamp::now);
        *fixed = Some(now.saturating_add(by).unwrap_or(now));
    }

    /// Lets the clock run with the machine's again.
    pub fn resume(&self) {
        *lock(&self.fixed) = None;
    }
}
