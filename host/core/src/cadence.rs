//! When cycles are due, computed from the definition alone.
//!
//! The next moment depends on nothing that happened before: whoever has lost it computes it again. That is
//! why a schedule cannot die. Each automation is set off by its own share of the interval ([`Cadence::next`]'s
//! `spread`), so that ten thousand of them are not due in the same second.
//!
//! A time of day is a time on the wall: `30 2 * * *` is due once on the day on which 2:30 does not exist (at
//! 3:30) and once on the day on which it comes twice. An expression for every hour follows the hours that
//! pass.

use std::time::Duration;

use cronexpr::{Crontab, MakeTimestamp};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The furthest that an automation with a time of day is set off.
const WIDEST_SPREAD: Duration = Duration::from_secs(60);

/// When cycles are due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Cadence {
    /// At an interval.
    Every {
        /// Its seconds.
        seconds: u64,
    },
    /// At times of the day.
    Cron {
        /// Minute, hour, day of the month, month, day of the week.
        expression: String,
        /// IANA name of the time zone that it is meant in.
        time_zone: String,
    },
    /// Only when somebody asks.
    OnDemand,
}

/// Why a cadence is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CadenceError {
    /// The expression cannot be read.
    #[error("the schedule \"{expression}\" cannot be read: {reason}")]
    Expression {
        /// What was given.
        expression: String,
        /// Why.
        reason: String,
    },
    /// It matches no moment.
    #[error("the schedule \"{0}\" never comes due: no such day exists")]
    Never(String),
    /// There is no such time zone.
    #[error("there is no time zone \"{0}\"; give an IANA name such as Europe/Berlin or UTC")]
    TimeZone(String),
    /// It is due more often than is allowed here.
    #[error(
        "cycles may not come more often than every {allowed} s here, and this schedule has them every {asked} s"
    )]
    TooOften {
        /// Seconds between two cycles.
        asked: u64,
        /// The shortest that is allowed.
        allowed: u64,
    },
}

impl CadenceError {
    /// A name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Expression { .. } => "schedule.unreadable",
            Self::Never(_) => "schedule.never",
            Self::TimeZone(_) => "schedule.time-zone",
            Self::TooOften { .. } => "schedule.too-often",
        }
    }
}

impl Cadence {
    /// At an interval.
    pub fn every(interval: Duration) -> Self {
        Self::Every {
            seconds: interval.as_secs(),
        }
    }

    /// Whether it can be kept: readable, due at some time, and not more often than every `shortest`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, shortest: Duration, now: Timestamp) -> Result<(), CadenceError> {
        let gap = match self {
            Self::OnDemand => return Ok(()),
            Self::Every { seconds } => *seconds,
            Self::Cron { .. } => {
                let cron = self.cron()?;
                let mut gap = u64::MAX;
                let mut last = cron.next(now)?;
                // The narrowest of a day's or a week's times shows within so many.
                for _ in 0..60 {
                    // A leap day is due, but not within the years that are looked at every time.
                    let Ok(next) = cron.next(last) else { break };
                    gap = gap.min(u64::try_from(last.duration_until(next).as_secs()).unwrap_or(0));
                    last = next;
                }
                gap
            }
        };
        let allowed = shortest.as_secs().max(1);
        if gap < allowed {
            return Err(CadenceError::TooOften {
                asked: gap,
                allowed,
            });
        }
        Ok(())
    }

    /// The first moment after `after`; none if it is only due on demand. `spread` is any number of the
    /// automation's own.
    ///
    /// # Errors
    /// If it cannot be read; a cadence that was checked always can.
    pub fn next(&self, after: Timestamp, spread: u64) -> Result<Option<Timestamp>, CadenceError> {
        match self {
            Self::OnDemand => Ok(None),
            Self::Every { seconds } => {
                let interval = i64::try_from((*seconds).max(1)).unwrap_or(i64::MAX);
                let phase = i64::try_from(spread % interval.unsigned_abs()).unwrap_or(0);
                let second = after.as_second();
                // The largest moment of the automation's own grid that is not after `after`, and one on.
                let last =
                    second.saturating_sub((second.saturating_sub(phase)).rem_euclid(interval));
                let next = Timestamp::from_second(last.saturating_add(interval));
                Ok(Some(next.unwrap_or(Timestamp::MAX)))
            }
            Self::Cron { .. } => {
                let cron = self.cron()?;
                let off = SignedDuration::from_secs(
                    i64::try_from(spread % WIDEST_SPREAD.as_secs()).unwrap_or(0),
                );
                let from = after.saturating_sub(off).unwrap_or(Timestamp::MIN);
                let next = cron.next(from)?.saturating_add(off);
                Ok(Some(next.unwrap_or(Timestamp::MAX)))
            }
        }
    }

    /// How long there is between two cycles around `now`; none if they come on demand only.
    pub fn interval(&self, now: Timestamp) -> Option<Duration> {
        if let Self::Every { seconds } = self {
            return Some(Duration::from_secs(*seconds));
        }
        let first = self.next(now, 0).ok()??;
        let second = self.next(first, 0).ok()??;
        first.duration_until(second).try_into().ok()
    }

    fn cron(&self) -> Result<Cron, CadenceError> {
        let Self::Cron {
            expression,
            time_zone,
        } = self
        else {
            return Err(CadenceError::Never(String::new()));
        };
        let zone =
            TimeZone::get(time_zone).map_err(|_| CadenceError::TimeZone(time_zone.clone()))?;
        // An hour field that names no hour means the hours that pass, not those on the wall.
        let by_wall = !expression
            .split_ascii_whitespace()
            .nth(1)
            .is_some_and(|hour| hour.starts_with('*'));
        let name = if by_wall { "UTC" } else { time_zone };
        let tab = cronexpr::parse_crontab(&format!("{expression} {name}")).map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            CadenceError::Expression {
                expression: expression.clone(),
                reason: reason.trim_start_matches([' ', '^']).to_owned(),
            }
        })?;
        Ok(Cron {
            tab,
            zone,
            by_wall,
            expression: expression.clone(),
        })
    }
}

struct Cron {
    tab: Crontab,
    zone: TimeZone,
    by_wall: bool,
    expression: String,
}

impl Cron {
    fn next(&self, after: Timestamp) -> Result<Timestamp, CadenceError> {
        if !self.by_wall {
            return self.find(after);
        }
        // The wall's time, taken for UTC while it is searched. One that comes twice counts the first time, one
        // that is left out counts as much later as the clock was put forward; either may lie before `after`.
        let mut wall = utc(self.zone.to_datetime(after));
        loop {
            let next = self.find(wall)?;
            let there = TimeZone::UTC.to_datetime(next);
            let moment = self.zone.to_ambiguous_timestamp(there).compatible();
            match moment {
                Ok(moment) if moment > after => return Ok(moment),
                Ok(_) => wall = next,
                Err(_) => return Err(CadenceError::Never(self.expression.clone())),
            }
        }
    }

    fn find(&self, after: Timestamp) -> Result<Timestamp, CadenceError> {
        self.tab
            .find_next(MakeTimestamp(after))
            .map(|zoned| zoned.timestamp())
            .map_err(|_| CadenceError::Never(self.expression.clone()))
    }
}

fn utc(wall: jiff::civil::DateTime) -> Timestamp {
    TimeZone::UTC.to_timestamp(wall).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cron(expression: &str, time_zone: &str) -> Cadence {
        Cadence::Cron {
            expression: expression.to_owned(),
            time_zone: time_zone.to_owned(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn days(cadence: &Cadence, from: &str, count: usize) -> Vec<String> {
        let mut now = at(from);
        (0..count)
            .map(|_| {
                now = cadence.next(now, 0).unwrap().unwrap();
                now.to_string()
            })
            .collect()
    }

    #[test]
    fn a_time_that_is_left_out_is_due_once() {
        let night = cron("30 2 * * *", "Europe/Berlin");
        assert_eq!(
            days(&night, "2026-03-28T00:00:00Z", 3),
            [
                "2026-03-28T01:30:00Z",
                "2026-03-29T01:30:00Z",
                "2026-03-30T00:30:00Z"
            ]
        );
    }

    #[test]
    fn a_time_that_comes_twice_is_due_once() {
        let night = cron("30 2 * * *", "Europe/Berlin");
        assert_eq!(
            days(&night, "2026-10-24T00:00:00Z", 3),
            [
                "2026-10-24T00:30:00Z",
                "2026-10-25T00:30:00Z",
                "2026-10-26T01:30:00Z"
            ]
        );
    }

    #[test]
    fn every_hour_follows_the_hours_that_pass() {
        let hourly = cron("15 * * * *", "Europe/Berlin");
        assert_eq!(
            days(&hourly, "2026-10-24T23:20:00Z", 3),
            [
                "2026-10-25T00:15:00Z",
                "2026-10-25T01:15:00Z",
                "2026-10-25T02:15:00Z"
            ]
        );
        assert_eq!(
            days(&hourly, "2026-03-29T00:00:00Z", 3),
            [
                "2026-03-29T00:15:00Z",
                "2026-03-29T01:15:00Z",
                "2026-03-29T02:15:00Z"
            ]
        );
    }

    #[test]
    fn twice_a_day() {
        let cadence = cron("0 6,18 * * *", "Europe/Berlin");
        assert_eq!(
            days(&cadence, "2026-03-28T12:00:00Z", 3),
            [
                "2026-03-28T17:00:00Z",
                "2026-03-29T04:00:00Z",
                "2026-03-29T16:00:00Z"
            ]
        );
        assert_eq!(
            cadence.interval(at("2026-01-01T00:00:00Z")),
            Some(Duration::from_secs(12 * 3600))
        );
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let now = at("2026-01-01T00:00:00Z");
        let minute = Duration::from_secs(60);
        for (cadence, code, text) in [
            (
                cron("0 0 30 2 *", "UTC"),
                "schedule.never",
                "never comes due",
            ),
            (
                cron("61 * * * *", "UTC"),
                "schedule.unreadable",
                "range 0..=59; found 61",
            ),
            (cron("x", "UTC"), "schedule.unreadable", "malformed"),
            (cron("0 4 * * * UTC", "UTC"), "schedule.unreadable", ""),
            (
                cron("0 4 * * *", "Europe/Berln"),
                "schedule.time-zone",
                "Europe/Berln",
            ),
            (
                Cadence::every(Duration::from_secs(30)),
                "schedule.too-often",
                "every 60 s",
            ),
        ] {
            let error = cadence.check(minute, now).unwrap_err();
            assert_eq!(error.code(), code, "{cadence:?}");
            assert!(error.to_string().contains(text), "{error}");
        }
        let often = cron("0,5 4 * * *", "UTC").check(Duration::from_secs(600), now);
        assert_eq!(often.unwrap_err().code(), "schedule.too-often");
        cron("0 4 * * *", "UTC").check(minute, now).unwrap();
        cron("0 4 29 2 *", "UTC").check(minute, now).unwrap();
        Cadence::OnDemand.check(minute, now).unwrap();
        Cadence::every(minute).check(minute, now).unwrap();
    }

    proptest! {
        #[test]
        fn an_interval_keeps_its_grid(second in 0_i64..4_000_000_000, spread: u64, seconds in 1_u64..100_000) {
            let cadence = Cadence::Every { seconds };
            let after = Timestamp::from_second(second).unwrap();
            let next = cadence.next(after, spread).unwrap().unwrap();
            let wait = next.as_second() - second;
            prop_assert!(wait > 0 && wait.unsigned_abs() <= seconds);
            // Whoever asks in between is told the same.
            let again = cadence.next(Timestamp::from_second(next.as_second() - 1).unwrap(), spread);
            prop_assert_eq!(again.unwrap().unwrap(), next);
        }

        #[test]
        fn a_time_of_day_always_moves_forward(second in 1_700_000_000_i64..2_000_000_000, spread: u64) {
            let after = Timestamp::from_second(second).unwrap();
            let next = cron("30 2 * * *", "Europe/Berlin").next(after, spread).unwrap().unwrap();
            let wait = next.as_second() - second;
            prop_assert!(wait > 0 && wait <= 26 * 3600);
        }
    }
}
