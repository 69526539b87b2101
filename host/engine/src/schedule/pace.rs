//! How patient the schedule is, and how it spreads its load.

use std::time::Duration;

use jiff::Timestamp;
use matricula_core::AutomationId;
use matricula_core::standing::Standing;
use xxhash_rust::xxh3::xxh3_64;

/// How long an event from outside waits for others like it.
pub const GATHER: Duration = Duration::from_secs(5);

/// How patient the schedule is.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Cycles of all automations at a time.
    pub cycles: usize,
    /// Cycles of one credential at a time.
    pub per_credential: usize,
    /// Between two looks at what ought to be due.
    pub reconcile_every: Duration,
    /// How long after a webhook a cycle begins, so that many events make one.
    pub gather: Duration,
    /// Runs that fail in a row until an automation is in quarantine.
    pub failures: u32,
    /// For how long a remote is believed that says when it will be there again, before that counts as failing.
    pub announced: Duration,
    /// The least time between two cycles in quarantine, and after a day there.
    pub quarantine: (Duration, Duration),
    /// The share of failed people, and how many there must be, from which a run counts as failed here.
    pub bad_share: (f64, u64),
    /// Between two probes of a paused automation: the first time, and the longest.
    pub probe: (Duration, Duration),
}

impl Default for Pace {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            cycles: 16,
            per_credential: 2,
            reconcile_every: minutes(1),
            gather: GATHER,
            failures: 10,
            announced: minutes(24 * 60),
            quarantine: (minutes(60), minutes(360)),
            bad_share: (0.4, 50),
            probe: (minutes(5), minutes(24 * 60)),
        }
    }
}

/// What sets an automation off from the others: any number, always the same.
pub fn spread(id: &AutomationId) -> u64 {
    xxh3_64(id.as_str().as_bytes())
}

impl Pace {
    /// When a paused automation is probed after so many attempts: the distance doubles, a day at most.
    pub(super) fn probe_at(&self, now: Timestamp, attempts: u32) -> Timestamp {
        let (first, longest) = self.probe;
        later(
            now,
            first.saturating_mul(1 << attempts.min(16)).min(longest),
        )
    }

    /// When an automation whose last runs failed is tried again: soon after the first failures, at its own
    /// pace after more, and slowly in quarantine.
    pub(super) fn retry_at(&self, standing: &Standing, now: Timestamp) -> Timestamp {
        let interval = standing.cadence.interval(now);
        let Some(hold) = &standing.hold else {
            return later(now, soon(standing.failures, interval));
        };
        let (first, later_on) = self.quarantine;
        let day = Duration::from_secs(24 * 3600);
        let slow = match now.duration_since(hold.since).try_into() {
            Ok(held) if Duration::max(held, day) == held => later_on,
            _ => first,
        };
        later(now, interval.map_or(slow, |interval| interval.max(slow)))
    }
}

/// For how long an automation with runs that failed in a row has been tried by now, quarantine aside.
pub(super) fn tried_for(standing: &Standing, now: Timestamp) -> Duration {
    let interval = standing.cadence.interval(now);
    let distances = (1..standing.failures).map(|failures| soon(failures, interval));
    distances.fold(Duration::ZERO, Duration::saturating_add)
}

/// How soon after so many failures in a row it is tried again.
fn soon(failures: u32, interval: Option<Duration>) -> Duration {
    let soon = Duration::from_secs(60)
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(Duration::from_secs(3600));
    interval.map_or(soon, |interval| soon.min(interval))
}

pub(super) fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
