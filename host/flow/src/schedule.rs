//! The parts of a flow file that say when something happens: `schedule` and `report`.
//!
//! Whether a schedule can be kept is judged from a fixed moment, so that a file which is right stays right.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::{self, TimeZone};
use matricula_core::Cadence;
use matricula_core::cadence::CadenceError;

use crate::diagnostic::nearest;
use crate::flow::{self, Schedule};
use crate::yaml::{Data, Fields, Node, Report};

/// The keys of `schedule`.
pub(crate) const SCHEDULE_KEYS: [&str; 5] = ["every", "cron", "time_zone", "full", "webhook"];

/// The keys of `report`.
pub(crate) const REPORT_KEYS: [&str; 2] = ["daily", "time_zone"];

/// Cycles nearer than this to each other would only meet the remotes' rate limits.
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(24 * 31);

/// 2026-01-01: from when on a schedule must come due.
const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

const DEFAULT_ZONE: &str = "UTC";

pub(crate) fn schedule(node: Option<&Node>, report: &mut Report<'_>) -> Schedule {
    let mut schedule = Schedule {
        cadence: Cadence::OnDemand,
        full: Duration::from_hours(24),
        webhook: false,
    };
    let Some(node) = node else { return schedule };
    let fields = node.fields("schedule", &SCHEDULE_KEYS, report);
    if let Some(node) = fields.get("full") {
        schedule.full = duration(node, "full", report).unwrap_or(schedule.full);
    }
    match fields.get("webhook").map(|node| (node, &node.data)) {
        None => {}
        Some((_, Data::Bool(webhook))) => schedule.webhook = *webhook,
        Some((node, _)) => {
            let message = format!("webhook must be true or false, not {}", node.what());
            report.add(node.first(), message);
        }
    }
    schedule.cadence = cadence(&fields, schedule.full, report);
    schedule
}

/// When cycles are due; what is wrong leaves them to somebody's demand.
fn cadence(fields: &Fields<'_>, full: Duration, report: &mut Report<'_>) -> Cadence {
    let every = fields
        .get("every")
        .and_then(|node| duration(node, "every", report));
    // An expression that cannot be read is reported even if its time zone is wrong too.
    let zone = time_zone(fields, report).unwrap_or_else(|| DEFAULT_ZONE.to_owned());
    let cron = fields.get("cron").and_then(|node| cron(node, zone, report));
    match (fields.get("every"), fields.get("cron")) {
        (Some(_), Some(_)) => {
            let (every, cron) = (fields.key("every"), fields.key("cron"));
            let second = if every.start > cron.start {
                every
            } else {
                cron
            };
            report.add_with(
                second,
                "a schedule has either every or cron",
                Some("every is an interval, cron gives times of the day".into()),
            );
        }
        (_, None) if fields.get("time_zone").is_some() => report.add_with(
            fields.key("time_zone"),
            "time_zone only goes with cron",
            Some("for example cron: \"0 4 * * *\"".into()),
        ),
        _ => {}
    }
    if every.is_some_and(|every| every > full) {
        let span = fields
            .get("full")
            .or(fields.get("every"))
            .map_or(fields.span, Node::first);
        let message =
            "full cycles (full, 24h where it is not given) cannot come more often than cycles";
        report.add(span, message);
    }
    match (every, cron) {
        (_, Some(cron)) => cron,
        (Some(every), None) => Cadence::every(every),
        (None, None) => Cadence::OnDemand,
    }
}

fn cron(node: &Node, time_zone: String, report: &mut Report<'_>) -> Option<Cadence> {
    let text = node.text("cron", report)?;
    let cadence = Cadence::Cron {
        expression: text.text.trim().to_owned(),
        time_zone,
    };
    match cadence.check(SHORTEST, NOW) {
        Ok(()) => Some(cadence),
        Err(error) => {
            let hint = matches!(error, CadenceError::Expression { .. }).then(|| {
                "minute, hour, day of the month, month, day of the week between quotes, for example \
                 \"0 6,18 * * *\""
                    .to_owned()
            });
            report.add_with(text.span, error.to_string(), hint);
            None
        }
    }
}

/// The IANA name under `time_zone` as the database writes it, UTC where there is none; nothing if it is wrong.
fn time_zone(fields: &Fields<'_>, report: &mut Report<'_>) -> Option<String> {
    let Some(node) = fields.get("time_zone") else {
        return Some(DEFAULT_ZONE.to_owned());
    };
    let text = node.text("time_zone", report)?;
    let zone = TimeZone::get(&text.text)
        .ok()
        .filter(|zone| !zone.is_unknown());
    match zone {
        Some(zone) => Some(zone.iana_name().map_or(text.text, str::to_owned)),
        None => {
            report.add_with(
                text.span,
                format!("there is no time zone \"{}\"", text.text),
                Some(meant_zone(&text.text)),
            );
            None
        }
    }
}

/// A hint: the zone with the nearest name, or that of the place alone.
fn meant_zone(name: &str) -> String {
    let known: Vec<String> = tz::db().available().map(|zone| zone.to_string()).collect();
    let known = || known.iter().map(String::as_str);
    let place = name.trim().replace(' ', "_");
    let of_place = |zone: &&str| {
        zone.rsplit_once('/')
            .is_some_and(|(_, own)| own.eq_ignore_ascii_case(&place))
    };
    match nearest(&place, known()).or_else(|| known().find(of_place)) {
        Some(zone) => format!("did you mean \"{zone}\"?"),
        None => "give an IANA name such as Europe/Berlin or UTC".to_owned(),
    }
}

pub(crate) fn daily_report(node: Option<&Node>, report: &mut Report<'_>) -> Option<flow::Report> {
    let node = node?;
    let fields = node.fields("report", &REPORT_KEYS, report);
    if !matches!(node.data, Data::Map(_)) {
        return None;
    }
    let time = fields
        .need("daily", "report", report)
        .and_then(|node| time_of_day(node, report));
    let time_zone = time_zone(&fields, report);
    Some(flow::Report {
        time: time?,
        time_zone: time_zone?,
    })
}

fn time_of_day(node: &Node, report: &mut Report<'_>) -> Option<Time> {
    let text = node.text("daily", report)?;
    let number = |digits: &str| {
        let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        two.then(|| digits.parse::<i8>().ok()).flatten()
    };
    let time = text
        .text
        .split_once(':')
        .and_then(|(hour, minute)| Time::new(number(hour)?, number(minute)?, 0, 0).ok());
    if time.is_none() {
        report.add_with(
            text.span,
            format!("\"{}\" is not a time of the day", text.text),
            Some("hours and minutes from 00:00 to 23:59, for example \"06:00\"".into()),
        );
    }
    time
}

/// A span of time as flow files and commands write it: a number with `s`, `m`, `h` or `d`.
pub fn span(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(split);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(seconds).map(Duration::from_secs)
}

fn duration(node: &Node, what: &str, report: &mut Report<'_>) -> Option<Duration> {
    let hint = Some("a number with m, h or d, for example 5m, 24h or 7d".to_owned());
    let Data::Text(text) = &node.data else {
        report.add_with(node.first(), format!("{what} must be a span of time"), hint);
        return None;
    };
    match span(text) {
        None => {
            report.add_with(node.span, format!("\"{text}\" is not a span of time"), hint);
            None
        }
        Some(duration) if !(SHORTEST..=LONGEST).contains(&duration) => {
            report.add(node.span, format!("{what} must be between 1m and 31d"));
            None
        }
        duration => duration,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::yaml::Source;

    #[test]
    fn a_zone_is_proposed_by_its_name_or_its_place() {
        for (given, meant) in [
            ("Europe/Berln", "did you mean \"Europe/Berlin\"?"),
            ("Berlin", "did you mean \"Europe/Berlin\"?"),
            ("america/new york", "did you mean \"America/New_York\"?"),
            ("new york", "did you mean \"America/New_York\"?"),
            (
                "Middle Earth",
                "give an IANA name such as Europe/Berlin or UTC",
            ),
        ] {
            assert_eq!(meant_zone(given), meant, "{given}");
        }
    }

    #[test]
    fn schedules_are_judged_from_the_beginning_of_2026() {
        assert_eq!(NOW.to_string(), "2026-01-01T00:00:00Z");
    }

    proptest! {
        /// Whatever stands there, it is read or reported.
        #[test]
        fn any_text_is_either_read_or_reported(
            cron in "([0-9*,/#LWH?-]{1,5} ){4}[0-9*,/#LWHa-z?-]{1,5}|\\PC{0,20}",
            daily in "[0-9:]{0,6}|\\PC{0,6}",
        ) {
            let quoted = |text: &str| serde_json::Value::from(text).to_string();
            let text = format!("s: {{ cron: {} }}\nr: {{ daily: {} }}\n", quoted(&cron), quoted(&daily));
            let source = Source::new("f", &text);
            let Ok(root) = source.read() else { return Ok(()) };
            let mut report = Report::new(&source);
            let fields = root.fields("f", &["s", "r"], &mut report);
            let schedule = schedule(fields.get("s"), &mut report);
            prop_assert_eq!(report.found.is_empty(), schedule.cadence != Cadence::OnDemand);
            let before = report.found.len();
            let daily = daily_report(fields.get("r"), &mut report);
            prop_assert_eq!(report.found.len() == before, daily.is_some());
        }
    }
}
