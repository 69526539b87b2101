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
    let end = access.until.and_then(|until| {
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
