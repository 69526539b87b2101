//! Attributes that are written only when an account is made (`initial`): a default, which from then on belongs to
//! whoever uses the account. An account that was there before keeps what it has.

use crate::diagnostic::did_you_mean;
use crate::flow::Field;
use crate::yaml::{Data, Name, Node, Report};

pub(crate) fn initial(node: Option<&Node>, report: &mut Report<'_>) -> Vec<Name> {
    let Some(node) = node else { return Vec::new() };
    let Data::List(items) = &node.data else {
        report.add_with(
            node.first(),
            format!("initial must be a list of attributes, not {}", node.what()),
            Some("for example initial: [language]".into()),
        );
        return Vec::new();
    };
    let mut names: Vec<Name> = Vec::with_capacity(items.len());
    for item in items {
        let Some(name) = item.text("initial", report) else {
            continue;
        };
        if names.iter().any(|known| known.text == name.text) {
            report.add(name.span, format!("\"{}\" is named twice", name.text));
        } else {
            names.push(name);
        }
    }
    names
}

/// Marks fields. `mapped` are the attributes under `map`, `found_by` those of the match rules.
pub(crate) fn mark(
    names: &[Name],
    mapped: &[String],
    found_by: &[String],
    fields: &mut [Field],
    report: &mut Report<'_>,
) {
    for name in names {
        if !mapped.contains(&name.text) {
            report.add_with(
                name.span,
                format!("map has no attribute \"{}\"", name.text),
                did_you_mean(&name.text, mapped.iter().map(String::as_str)),
            );
        } else if found_by.contains(&name.text) {
            let message = format!(
                "accounts are found by \"{}\", so it is kept up to date",
                name.text
            );
            let hint = "an account that is found by another rule has to get it too".to_owned();
            report.add_with(name.span, message, Some(hint));
        } else if let Some(field) = fields.iter_mut().find(|field| field.spec.name == name.text) {
            if field.spec.reference {
                let message = format!(
                    "\"{}\" is an account of somebody, which may come later",
                    name.text
                );
                report.add_with(
                    name.span,
                    message,
                    Some("references are kept up to date".into()),
                );
            } else {
                field.spec.initial = true;
            }
        }
    }
}
