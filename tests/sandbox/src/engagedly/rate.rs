//! The limit: 200 requests in any minute for a client key, then a cool-down that grows.
//!
//! The documentation says how long the cool-downs are (1, 3, 5, 10, 15 minutes), that they grow "on repeated
//! violations", and that a "quiet period" resets them. The stricter reading is taken: a request during a
//! cool-down is another violation and begins the next longer one; the quiet period is the longest cool-down
//! again, without a violation. All this is on the sandbox's clock, so that a test need not wait; one whose requests
//! come from another process, which has a clock of its own, may make a minute shorter instead.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// In minutes.
const REST: [i32; 5] = [1, 3, 5, 10, 15];
const QUIET: i32 = 15;

/// The requests of a client key.
pub(crate) struct Rate {
    most: usize,
    /// How long a minute is.
    minute: SignedDuration,
    taken: VecDeque<Timestamp>,
    closed_until: Option<Timestamp>,
    /// How many violations there were without a quiet period between them.
    violations: usize,
}

/// What the headers say.
pub(super) struct State {
    pub limit: usize,
    pub remaining: usize,
    /// Unix time in seconds.
    pub reset: i64,
}

impl Rate {
    pub(crate) fn new(most: usize, minute: Duration) -> Self {
        Self {
            most,
            minute: SignedDuration::try_from(minute).unwrap_or(SignedDuration::MAX),
            taken: VecDeque::new(),
            closed_until: None,
            violations: 0,
        }
    }

    /// Counts a request; how long to wait if it is one too many.
    pub(super) fn admit(&mut self, now: Timestamp) -> Result<(), Duration> {
        self.forget(now);
        let closed = self.closed_until.is_some_and(|until| now < until);
        if !closed && self.taken.len() < self.most {
            self.taken.push_back(now);
            return Ok(());
        }
        let quiet = self.closed_until.is_some_and(|until| {
            let end = until.saturating_add(self.minute.saturating_mul(QUIET));
            end.is_ok_and(|end| end <= now)
        });
        if quiet {
            self.violations = 0;
        }
        let minutes = REST.get(self.violations).or(REST.last()).copied();
        let rest = self.minute.saturating_mul(minutes.unwrap_or(QUIET));
        self.violations += 1;
        self.closed_until = now.saturating_add(rest).ok();
        Err(rest.unsigned_abs())
    }

    pub(super) fn state(&mut self, now: Timestamp) -> State {
        self.forget(now);
        let oldest = self.taken.front().copied().unwrap_or(now);
        let free = oldest.saturating_add(self.minute).unwrap_or(now);
        let closed = self.closed_until.filter(|until| now < *until);
        State {
            limit: self.most,
            remaining: match closed {
                Some(_) => 0,
                None => self.most - self.taken.len().min(self.most),
            },
            // A part of a second more counts as one.
            reset: closed.unwrap_or(free).as_second() + 1,
        }
    }

    fn forget(&mut self, now: Timestamp) {
        let minute = self.minute;
        let over = |at: Timestamp| at.saturating_add(minute).is_ok_and(|end| end <= now);
        while self.taken.front().is_some_and(|at| over(*at)) {
            self.taken.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn minutes(outcome: Result<(), Duration>) -> u64 {
        outcome.err().map_or(0, |wait| wait.as_secs() / 60)
    }

    #[test]
    fn the_cool_down_grows_with_each_violation() {
        let mut rate = Rate::new(2, MINUTE);
        assert!(rate.admit(at(0)).is_ok() && rate.admit(at(30)).is_ok());
        assert_eq!(rate.state(at(30)).remaining, 0);
        assert_eq!(rate.state(at(30)).reset, at(61).as_second());
        assert_eq!(minutes(rate.admit(at(31))), 1);
        // Asking again makes it worse.
        assert_eq!(minutes(rate.admit(at(32))), 3);
        assert_eq!(minutes(rate.admit(at(33))), 5);
        assert_eq!(minutes(rate.admit(at(34))), 10);
        assert_eq!(minutes(rate.admit(at(35))), 15);
        assert_eq!(minutes(rate.admit(at(36))), 15);
        assert_eq!(rate.state(at(37)).reset, at(36 + 15 * 60).as_second() + 1);
        assert!(rate.admit(at(36 + 15 * 60)).is_ok());
    }

    #[test]
    fn whoever_waits_is_let_in_and_a_quiet_period_is_a_new_beginning() {
        let mut rate = Rate::new(1, MINUTE);
        let mut exceed = |from: i64| {
            assert!(rate.admit(at(from)).is_ok());
            minutes(rate.admit(at(from + 1)))
        };
        assert_eq!(exceed(0), 1);
        // Not quiet for long enough.
        assert_eq!(exceed(61), 3);
        assert_eq!(exceed(62 + 180 + 898), 5);
        assert_eq!(exceed(62 + 180 + 900 + 300 + 900), 1);
    }

    #[test]
    fn a_window_slides() {
        let mut rate = Rate::new(2, MINUTE);
        assert!(rate.admit(at(0)).is_ok() && rate.admit(at(59)).is_ok());
        assert!(rate.admit(at(60)).is_ok());
        assert_eq!(minutes(rate.admit(at(118))), 1);
    }

    #[test]
    fn a_shorter_minute_makes_everything_shorter() {
        let mut rate = Rate::new(1, Duration::from_secs(2));
        assert!(rate.admit(at(0)).is_ok() && rate.admit(at(2)).is_ok());
        assert_eq!(rate.admit(at(3)), Err(Duration::from_secs(2)));
        assert_eq!(rate.admit(at(4)), Err(Duration::from_secs(6)));
        assert!(rate.admit(at(10)).is_ok());
    }
}
