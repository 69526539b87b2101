//! The parts of a flow file that hold no expressions: `schedule`, `leavers`, `guard`.

use std::time::Duration;

use crate::diagnostic::did_you_mean;
use crate::flow::{Leavers, Schedule};
use crate::guard::Guard;
use crate::yaml::{Data, Name, Node, Report, Span};

/// Cycles nearer than this to each other would only meet the remotes' rate limits.
const SHORTEST: Duration = Duration::from_mins(1);
const LONGEST: Duration = Duration::from_hours(24 * 31);

pub(crate) fn leavers(node: Option<&Node>, report: &mut Report<'_>) -> (Leavers, Span) {
    let Some(node) = node else {
        return (Leavers::Block, Span { start: 0, end: 0 });
    };
    let leavers = match node.text("leavers", report) {
        Some(Name { text, .. }) if text == "block" => Leavers::Block,
        Some(Name { text, .. }) if text == "keep" => Leavers::Keep,
        Some(Name { text, .. }) if text == "delete" => Leavers::Delete,
        Some(name) => {
            report.add_with(
                name.span,
                format!("\"{}\" is nothing that can be done with leavers", name.text),
                did_you_mean(&name.text, ["block", "keep", "delete"]),
            );
            Leavers::Block
        }
        None => Leavers::Block,
    };
    (leavers, node.span)
}

pub(crate) fn guard(node: Option<&Node>, report: &mut Report<'_>) -> Guard {
    let mut guard = Guard::default();
    let Some(node) = node else { return guard };
    let fields = node.fields("guard", &["share", "from", "count"], report);
    if let Some(node) = fields.get("share") {
        #[expect(
            clippy::cast_precision_loss,
            reason = "anything but 0 and 1 is refused"
        )]
        let share = match node.data {
            Data::Int(share) => Some(share as f64),
            Data::Float(share) => Some(share),
            _ => None,
        };
        match share.filter(|share| (0.0..=1.0).contains(share)) {
            Some(share) => guard.share = share,
            None => report.add_with(
                node.first(),
                "share must be a number from 0 to 1",
                Some("0.2 is 20 %".into()),
            ),
        }
    }
    let mut whole = |key: &str, into: &mut u64| {
        let Some(node) = fields.get(key) else { return };
        match node.data {
            Data::Int(number) if number >= 0 => *into = number.unsigned_abs(),
            _ => report.add(
                node.first(),
                format!("{key} must be a whole number, 0 or more"),
            ),
        }
    };
    whole("from", &mut guard.from);
    whole("count", &mut guard.count);
    guard
}

pub(crate) fn schedule(node: Option<&Node>, report: &mut Report<'_>) -> Schedule {
    let mut schedule = Schedule {
        every: None,
        full: Duration::from_hours(24),
    };
    let Some(node) = node else { return schedule };
    let fields = node.fields("schedule", &["every", "full"], report);
    if let Some(node) = fields.get("every") {
        schedule.every = duration(node, "every", report);
    }
    if let Some(node) = fields.get("full") {
        schedule.full = duration(node, "full", report).unwrap_or(schedule.full);
    }
    if schedule.every.is_some_and(|every| every > schedule.full) {
        let span = fields
            .get("full")
            .or(fields.get("every"))
            .map_or(fields.span, Node::first);
        let message =
            "full cycles (full, 24h where it is not given) cannot come more often than cycles";
        report.add(span, message);
    }
    schedule
}

fn duration(node: &Node, what: &str, report: &mut Report<'_>) -> Option<Duration> {
    let hint = Some("a number with m, h or d, for example 5m, 24h or 7d".to_owned());
    let Data::Text(text) = &node.data else {
        report.add_with(node.first(), format!("{what} must be a span of time"), hint);
        return None;
    };
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let seconds = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    };
    let duration = digits
        .parse::<u64>()
        .ok()
        .zip(seconds)
        .and_then(|(number, seconds)| number.checked_mul(seconds))
        .map(Duration::from_secs);
    match duration {
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
