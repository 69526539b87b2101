//! The parts of a flow file that hold neither expressions nor times: `requires`, `leavers`,
//! `activate`, `notify`, `guard`.

use crate::diagnostic::did_you_mean;
use crate::file::is_name;
use crate::flow::{Activation, Leavers, Requirement};
use crate::guard::Guard;
use crate::yaml::{Data, Name, Node, Report, Span};

/// The keys of an item under `requires`.
pub(crate) const REQUIREMENT_KEYS: [&str; 1] = ["flow"];

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

pub(crate) fn activation(node: Option<&Node>, report: &mut Report<'_>) -> Activation {
    let Some(name) = node.and_then(|node| node.text("activate", report)) else {
        return Activation::default();
    };
    match name.text.as_str() {
        "at-once" => Activation::AtOnce,
        "tested" => Activation::Tested,
        _ => {
            report.add_with(
                name.span,
                format!("\"{}\" is no way in which a flow is activated", name.text),
                did_you_mean(&name.text, ["at-once", "tested"]),
            );
            Activation::default()
        }
    }
}

/// Whether people are told of each success.
pub(crate) fn notify(node: Option<&Node>, report: &mut Report<'_>) -> bool {
    let Some(node) = node else { return false };
    let Data::List(items) = &node.data else {
        report.add_with(
            node.first(),
            format!("notify must be a list, not {}", node.what()),
            Some("for example notify: [success]".into()),
        );
        return false;
    };
    let mut success = false;
    for item in items {
        let Some(name) = item.text("notify", report) else {
            continue;
        };
        if name.text == "success" {
            success = true;
        } else {
            report.add_with(
                name.span,
                format!("\"{}\" is nothing that people are told of", name.text),
                did_you_mean(&name.text, ["success"]),
            );
        }
    }
    success
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

/// The flows that must have succeeded before the one called `own` starts.
pub(crate) fn requires(
    node: Option<&Node>,
    own: Option<&Name>,
    report: &mut Report<'_>,
) -> Vec<Requirement> {
    let Some(node) = node else { return Vec::new() };
    let Data::List(items) = &node.data else {
        report.add_with(
            node.first(),
            format!("requires must be a list of flows, not {}", node.what()),
            Some("one flow a line, for example - flow: sync-employees".into()),
        );
        return Vec::new();
    };
    let mut requires: Vec<Requirement> = Vec::new();
    for item in items {
        let fields = item.fields("a requirement", &REQUIREMENT_KEYS, report);
        // What is no map has been reported.
        if !matches!(item.data, Data::Map(_)) {
            continue;
        }
        let flow = fields
            .need("flow", "a requirement", report)
            .and_then(|node| node.text("flow", report))
            .filter(|name| is_name(name, report));
        let Some(flow) = flow else { continue };
        if own.is_some_and(|own| own.text == flow.text) {
            report.add(flow.span, "a flow cannot require itself");
        } else if requires.iter().any(|known| known.flow == flow.text) {
            report.add(flow.span, format!("\"{}\" is required twice", flow.text));
        } else {
            requires.push(Requirement { flow: flow.text });
        }
    }
    requires
}
