//! What dates mean at a moment: may this person come in?
//!
//! The rule is about calendar days at the workplace, not about instants: blocked while the local day is
//! before `from`, and from the first instant of the day `until` (or of the day after it, where the last
//! day is open). A local day begins at its first instant that exists: where a daylight-saving change
//! skips midnight that is one o'clock, and where a zone has left a whole day out it is the first instant
//! of the next one.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use matricula_core::link::{Access, LeavingReason};

/// How somebody stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether the account may be used.
    pub allowed: bool,
    /// Why not.
    pub reason: Option<LeavingReason>,
    /// The next moment at which `allowed` changes without anything else changing; none: never.
    pub changes_at: Option<Timestamp>,
}

/// How somebody with this access stands at `now`.
///
/// Barred comes before any date. Where both dates forbid, the reason is the end: waiting for the start
/// would not help. A zone that is not known (one that the time zone database has dropped since the link
/// was written) counts as UTC.
pub fn standing(access: &Access, now: Timestamp) -> Standing {
    if access.barred {
        let reason = Some(LeavingReason::Barred);
        return Standing {
            allowed: false,
            reason,
            changes_at: None,
        };
    }
    let zone = TimeZone::get(&access.zone).unwrap_or(TimeZone::UTC);
    let start = match access.from {
        None => Some(Timestamp::MIN),
        // A day that begins after the last representable instant never comes.
        Some(from) => day_begins(from, &zone),
    };
    let end = access.end().and_then(|until| {
        let blocked_on = if access.last_day_open {
            until.tomorrow().ok()?
        } else {
            until
        };
        day_begins(blocked_on, &zone)
    });
    let started = start.is_some_and(|start| start <= now);
    let ended = end.is_some_and(|end| end <= now);
    let changes_at = if ended {
        None
    } else if started {
        end
    } else {
        // Somebody whose end comes before the start is never let in.
        start.filter(|start| end.is_none_or(|end| *start < end))
    };
    let reason = match (started, ended) {
        (_, true) => Some(LeavingReason::EndReached),
        (false, false) => Some(LeavingReason::StartPending),
        (true, false) => None,
    };
    Standing {
        allowed: reason.is_none(),
        reason,
        changes_at,
    }
}

/// The first instant of a day; none where it lies outside of what can be represented (the year 9999,
/// with which some people say "without end").
fn day_begins(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let noon = day.at(12, 0, 0, 0).to_zoned(zone.clone()).ok()?;
    Some(noon.start_of_day().ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn access(from: Option<&str>, until: Option<&str>, zone: &str) -> Access {
        Access {
            from: from.map(|day| day.parse().unwrap()),
            until: vec![until.map(|day| day.parse().unwrap())],
            zone: zone.to_owned(),
            ..Access::default()
        }
    }

    fn at(moment: &str) -> Timestamp {
        moment.parse().unwrap()
    }

    /// The access changes exactly at this moment, and is told a second and a year before.
    fn turns(access: &Access, moment: &str, to: bool) {
        let second = jiff::SignedDuration::from_secs(1);
        let moment = at(moment);
        let before = standing(access, moment - second);
        assert_eq!(
            (before.allowed, before.changes_at),
            (!to, Some(moment)),
            "{access:?}"
        );
        let long_before = standing(access, moment - second * 86_400 * 300);
        assert_eq!(long_before.changes_at, Some(moment));
        assert_eq!(standing(access, moment).allowed, to, "{access:?}");
        assert_ne!(standing(access, moment).changes_at, Some(moment));
    }

    #[test]
    fn on_both_sides_of_midnight() {
        turns(
            &access(Some("2026-06-01"), None, "Europe/Berlin"),
            "2026-05-31T22:00:00Z",
            true,
        );
        turns(
            &access(None, Some("2026-06-01"), "Europe/Berlin"),
            "2026-05-31T22:00:00Z",
            false,
        );
        turns(
            &access(Some("2026-06-01"), None, "America/Los_Angeles"),
            "2026-06-01T07:00:00Z",
            true,
        );
        turns(
            &access(None, Some("2026-06-01"), "Pacific/Kiritimati"),
            "2026-05-31T10:00:00Z",
            false,
        );
        turns(
            &access(None, Some("2026-06-01"), "Asia/Kathmandu"),
            "2026-05-31T18:15:00Z",
            false,
        );
    }

    #[test]
    fn the_last_day_can_be_open() {
        let open = Access {
            last_day_open: true,
            ..access(None, Some("2026-06-01"), "Europe/Berlin")
        };
        turns(&open, "2026-06-01T22:00:00Z", false);
    }

    #[test]
    fn around_the_changes_of_the_clocks() {
        // Berlin, 29 March 2026: from +1 to +2 at 2 o'clock. 25 October: back.
        turns(
            &access(Some("2026-03-29"), None, "Europe/Berlin"),
            "2026-03-28T23:00:00Z",
            true,
        );
        turns(
            &access(Some("2026-03-30"), None, "Europe/Berlin"),
            "2026-03-29T22:00:00Z",
            true,
        );
        turns(
            &access(None, Some("2026-10-25"), "Europe/Berlin"),
            "2026-10-24T22:00:00Z",
            false,
        );
        turns(
            &access(None, Some("2026-10-26"), "Europe/Berlin"),
            "2026-10-25T23:00:00Z",
            false,
        );
        // New York, 8 March and 1 November 2026.
        turns(
            &access(Some("2026-03-08"), None, "America/New_York"),
            "2026-03-08T05:00:00Z",
            true,
        );
        turns(
            &access(Some("2026-03-09"), None, "America/New_York"),
            "2026-03-09T04:00:00Z",
            true,
        );
        turns(
            &access(None, Some("2026-11-01"), "America/New_York"),
            "2026-11-01T04:00:00Z",
            false,
        );
        turns(
            &access(None, Some("2026-11-02"), "America/New_York"),
            "2026-11-02T05:00:00Z",
            false,
        );
    }

    #[test]
    fn a_day_without_midnight_begins_when_it_begins() {
        // Beirut, 29 March 2026, and Cairo, 24 April 2026: clocks go from 0 to 1 o'clock.
        turns(
            &access(Some("2026-03-29"), None, "Asia/Beirut"),
            "2026-03-28T22:00:00Z",
            true,
        );
        turns(
            &access(Some("2026-04-24"), None, "Africa/Cairo"),
            "2026-04-23T22:00:00Z",
            true,
        );
        // Santiago, 6 September 2026: from 0 to 1 o'clock, west of Greenwich.
        turns(
            &access(None, Some("2026-09-06"), "America/Santiago"),
            "2026-09-06T04:00:00Z",
            false,
        );
        // Havana, 1 November 2026: from 1 back to 0 o'clock, midnight comes twice and the first counts.
        turns(
            &access(None, Some("2026-11-01"), "America/Havana"),
            "2026-11-01T04:00:00Z",
            false,
        );
        // Samoa left 30 December 2011 out.
        turns(
            &access(Some("2011-12-30"), None, "Pacific/Apia"),
            "2011-12-30T10:00:00Z",
            true,
        );
    }

    #[test]
    fn reasons() {
        let zone = "Europe/Berlin";
        let now = at("2026-06-15T12:00:00Z");
        let reason = |access: &Access| {
            let standing = standing(access, now);
            (standing.reason, standing.changes_at.is_some())
        };
        assert_eq!(reason(&access(None, None, zone)), (None, false));
        assert_eq!(
            reason(&access(Some("2026-06-15"), None, zone)),
            (None, false)
        );
        assert_eq!(
            reason(&access(None, Some("2026-06-16"), zone)),
            (None, true)
        );
        let pending = Some(LeavingReason::StartPending);
        assert_eq!(
            reason(&access(Some("2026-06-16"), None, zone)),
            (pending, true)
        );
        let ended = Some(LeavingReason::EndReached);
        assert_eq!(
            reason(&access(None, Some("2026-06-15"), zone)),
            (ended, false)
        );
        // Ended before it began: nothing will change.
        assert_eq!(
            reason(&access(Some("2026-07-01"), Some("2026-06-01"), zone)),
            (ended, false)
        );
        assert_eq!(
            reason(&access(Some("2026-07-02"), Some("2026-07-01"), zone)),
            (pending, false)
        );
        let barred = Access {
            barred: true,
            ..access(Some("2026-07-01"), None, zone)
        };
        assert_eq!(reason(&barred), (Some(LeavingReason::Barred), false));
    }

    #[test]
    fn without_end() {
        let now = at("2026-06-15T12:00:00Z");
        for zone in ["Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
            let open = Access {
                last_day_open: true,
                ..access(None, Some("9999-12-31"), zone)
            };
            assert!(standing(&open, now).allowed, "{zone}");
            assert!(
                standing(&access(None, Some("9999-12-31"), zone), now).allowed,
                "{zone}"
            );
            assert!(
                standing(&access(Some("0001-01-01"), None, zone), now).allowed,
                "{zone}"
            );
            assert!(
                !standing(&access(Some("9999-12-31"), None, zone), now).allowed,
                "{zone}"
            );
        }
        assert!(standing(&access(None, None, "Moon/Base"), now).allowed);
    }

    proptest! {
        /// The rule in the words of the design, by calendar days, says the same at every moment; and what
        /// `changes_at` announces is when it next says something else.
        #[test]
        fn agrees_with_the_calendar(
            (from, until, last_day_open, offset) in
                (prop::option::of(0_i32..700), prop::option::of(0_i32..700), any::<bool>(), 0_i64..700 * 86_400),
            zone in prop::sample::select(vec![
                "Europe/Berlin", "America/New_York", "Asia/Beirut", "Africa/Cairo", "America/Havana",
                "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe", "UTC",
            ]),
        ) {
            let first = jiff::civil::date(2025, 6, 1);
            let day = |after: i32| first + jiff::Span::new().days(after);
            let access = Access {
                from: from.map(day), until: vec![None, until.map(day)], last_day_open, zone: zone.to_owned(), barred: false,
            };
            let by_calendar = |moment: Timestamp| {
                let today = moment.to_zoned(TimeZone::get(zone).unwrap()).date();
                let started = access.from.is_none_or(|from| today >= from);
                let over = access.end().is_some_and(|until| {
                    if last_day_open { today > until } else { today >= until }
                });
                started && !over
            };
            let now = at("2025-06-01T00:00:00Z") + jiff::SignedDuration::from_secs(offset);
            let standing = standing(&access, now);
            prop_assert_eq!(standing.allowed, by_calendar(now));
            prop_assert_eq!(standing.allowed, standing.reason.is_none());
            if let Some(change) = standing.changes_at {
                prop_assert!(change > now);
                prop_assert_eq!(by_calendar(change), !standing.allowed);
                prop_assert_eq!(by_calendar(change - jiff::SignedDuration::from_nanos(1)), standing.allowed);
            } else {
                let later = now + jiff::SignedDuration::from_hours(24 * 365 * 3);
                prop_assert_eq!(by_calendar(later), standing.allowed);
            }
        }
    }
}
