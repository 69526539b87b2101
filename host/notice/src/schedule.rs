//! When something that did not arrive is tried again.

use std::time::Duration;

use jiff::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// After each failed attempt at a webhook; then it is given up. The distances that the Standard Webhooks
/// specification proposes.
const WEBHOOK: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(30 * MINUTE),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(10 * HOUR),
];

/// After each failed attempt at a mail; from then on the last one. Servers that greylist ask for a few minutes.
const MAIL: [Duration; 5] = [
    Duration::from_secs(MINUTE),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(15 * MINUTE),
    Duration::from_secs(HOUR),
    Duration::from_secs(2 * HOUR),
];

/// A mail that could not be delivered for so long tells of something that is over.
const MAIL_KEPT: Duration = Duration::from_secs(72 * HOUR);

/// After each failure of the mail server itself; from then on the last one.
const LINE: [Duration; 4] = [
    Duration::from_secs(MINUTE),
    Duration::from_secs(2 * MINUTE),
    Duration::from_secs(5 * MINUTE),
    Duration::from_secs(15 * MINUTE),
];

/// The longest that a receiver may ask to wait.
const PATIENCE: Duration = Duration::from_secs(24 * HOUR);

/// When a webhook is tried again that has failed `attempts` times before this one; none: never.
pub(crate) fn webhook(attempts: u32, asked: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
    let wait = *WEBHOOK.get(usize::try_from(attempts).unwrap_or(usize::MAX))?;
    Some(after(
        now,
        asked.map_or(wait, |asked| wait.max(asked.min(PATIENCE))),
    ))
}

/// When a mail is tried again that has failed `attempts` times before this one; none: never.
pub(crate) fn mail(attempts: u32, posted: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let next = after(now, nth(&MAIL, attempts));
    kept(posted, next).then_some(next)
}

/// Whether a mail that was posted then is still worth sending at this moment.
pub(crate) fn kept(posted: Timestamp, at: Timestamp) -> bool {
    at <= after(posted, MAIL_KEPT)
}

/// How long a mail server is left alone that has failed `failures` times in a row before this one.
pub(crate) fn line(failures: u32) -> Duration {
    nth(&LINE, failures)
}

/// The longest that a mail server is left alone.
pub(crate) const LINE_LONGEST: Duration = LINE[LINE.len() - 1];

pub(crate) fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

fn nth(waits: &[Duration], attempts: u32) -> Duration {
    let index = usize::try_from(attempts).unwrap_or(usize::MAX);
    waits
        .get(index)
        .or(waits.last())
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn webhooks_follow_the_specification_and_end() {
        let now = at("2026-11-21T00:00:00Z");
        let waits: Vec<_> = (0..7)
            .map(|attempts| webhook(attempts, None, now).unwrap().as_second() - now.as_second())
            .collect();
        assert_eq!(waits, [5, 300, 1800, 7200, 18000, 36000, 36000]);
        assert_eq!(webhook(7, None, now), None);
        assert_eq!(webhook(u32::MAX, Some(Duration::from_secs(1)), now), None);
    }

    #[test]
    fn a_receiver_may_ask_for_more_patience_but_not_for_ever() {
        let now = at("2026-11-21T00:00:00Z");
        let asked = |seconds| webhook(0, Some(Duration::from_secs(seconds)), now).unwrap();
        assert_eq!(asked(1), at("2026-11-21T00:00:05Z"));
        assert_eq!(asked(600), at("2026-11-21T00:10:00Z"));
        assert_eq!(asked(90 * 24 * 3600), at("2026-11-22T00:00:00Z"));
    }

    #[test]
    fn mail_is_tried_for_three_days() {
        let posted = at("2026-11-21T00:00:00Z");
        let mut now = posted;
        let mut minutes = Vec::new();
        for attempts in 0.. {
            let Some(next) = mail(attempts, posted, now) else {
                break;
            };
            minutes.push((next.as_second() - now.as_second()) / 60);
            now = next;
        }
        assert_eq!(minutes[..6], [1, 5, 15, 60, 120, 120]);
        let total: i64 = minutes.iter().sum();
        assert!((70 * 60..=72 * 60).contains(&total), "{total}");
    }

    #[test]
    fn a_server_that_is_down_is_asked_every_quarter_of_an_hour() {
        let minutes: Vec<_> = (0..6)
            .map(|failures| line(failures).as_secs() / 60)
            .collect();
        assert_eq!(minutes, [1, 2, 5, 15, 15, 15]);
    }
}
