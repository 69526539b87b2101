//! How long to wait before trying again.

use std::time::Duration;

use jiff::Timestamp;
use matricula_core::Failure;
use rand::RngExt;

use crate::Options;

/// The wait before attempt `attempt` + 1 (the first attempt is 1): what the remote asked for, else a wait
/// that doubles, each with up to a quarter more so that many automations do not come back together.
pub(crate) fn wait(options: &Options, attempt: u32, failure: &Failure) -> Duration {
    let doubled = options
        .first_wait
        .saturating_mul(1 << attempt.saturating_sub(1).min(16));
    let base = failure
        .retry_after
        .unwrap_or(doubled)
        .min(options.longest_wait);
    base + base.mul_f64(rand::rng().random_range(0.0..0.25))
}

/// Whether a remote says that it wants to be left alone for longer than a run waits: then the run ends where it is, and
/// the schedule comes back. Nobody who stops it has to sit that out, and other automations have its place meanwhile.
pub(crate) fn is_for_later(options: &Options, failure: &Failure) -> bool {
    failure
        .retry_after
        .is_some_and(|wait| wait > options.longest_wait)
}

/// When somebody who failed `attempts` times is tried again: after 5, 15 and 45 minutes and so on, a day
/// at most.
pub(crate) fn retry_at(now: Timestamp, attempts: u32) -> Timestamp {
    let minutes = 5u64.saturating_mul(3u64.saturating_pow(attempts.saturating_sub(1).min(8)));
    now.saturating_add(Duration::from_secs(60 * minutes.min(24 * 60)))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use matricula_core::FailureKind;

    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_honour_the_remote() {
        let options = Options::default();
        let failure = Failure::new(FailureKind::Unavailable, "x");
        for (attempt, base) in [(1, 0.5), (2, 1.0), (5, 8.0), (12, 60.0)] {
            let seconds = wait(&options, attempt, &failure).as_secs_f64();
            assert!(
                (base..=base * 1.25).contains(&seconds),
                "{attempt}: {seconds}"
            );
        }
        let asked = failure.with_retry_after(Duration::from_secs(7));
        assert!((7.0..=8.75).contains(&wait(&options, 1, &asked).as_secs_f64()));
    }

    #[test]
    fn a_run_does_not_sit_out_what_takes_longer_than_it_waits() {
        let options = Options::default();
        let after = |kind, seconds| {
            let failure = Failure::new(kind, "x").with_retry_after(Duration::from_secs(seconds));
            is_for_later(&options, &failure)
        };
        assert!(!after(FailureKind::Unavailable, 60));
        assert!(after(FailureKind::Unavailable, 61));
        assert!(!after(FailureKind::RateLimited, 60));
        assert!(after(FailureKind::RateLimited, 900));
        assert!(!is_for_later(
            &options,
            &Failure::new(FailureKind::Unavailable, "x")
        ));
    }

    #[test]
    fn people_are_retried_with_growing_distance() {
        let at = |attempts| retry_at(Timestamp::UNIX_EPOCH, attempts).as_second() / 60;
        assert_eq!(
            [at(1), at(2), at(3), at(9), at(100)],
            [5, 15, 45, 1440, 1440]
        );
    }
}
