//! To which groups a case expects the person to belong: by kind a name, null for none, or key and name.

use serde_json::Value;

use super::Failures;
use crate::diagnostic::did_you_mean;
use crate::flow::Flow;
use crate::person::{Person, Reading};
use crate::yaml::{Data, Fields, Report};

/// What can be expected of a group besides its name.
const GROUP_KEYS: [&str; 2] = ["key", "name"];

/// What is expected of groups.
#[derive(Default)]
pub(super) struct Expect(Vec<(String, Value)>);

impl Expect {
    pub(super) fn read(flow: &Flow, fields: &Fields<'_>, report: &mut Report<'_>) -> Self {
        let Some(node) = fields.get("groups") else {
            return Self::default();
        };
        let mut expected = Vec::new();
        for (kind, node) in node.entries("groups", report) {
            let known = flow.groups().iter().map(|spec| spec.kind.as_str());
            if known.clone().all(|known| known != kind.text) {
                report.add_with(
                    kind.span,
                    format!("there is no kind of groups \"{}\" in this flow", kind.text),
                    did_you_mean(&kind.text, known),
                );
            }
            match &node.data {
                Data::Map(_) => {
                    node.fields(&kind.text, &GROUP_KEYS, report);
                }
                Data::Text(_) | Data::Null => {}
                _ => report.add_with(
                    node.first(),
                    format!("{} must be a group's name, not {}", kind.text, node.what()),
                    Some("or { key: …, name: … }, or null where there is none".into()),
                ),
            }
            expected.push((kind.text.clone(), node.json()));
        }
        Self(expected)
    }

    pub(super) fn compare(&self, flow: &Flow, person: &Person, failures: &mut Failures) {
        for (kind, expected) in &self.0 {
            let what = format!("groups {kind}");
            let group = match reading(flow, person, kind) {
                Some(Reading::Known(group)) => group.as_ref(),
                Some(Reading::Absent) | None => {
                    failures
                        .0
                        .push(format!("{what}: expected {expected}, is absent"));
                    continue;
                }
            };
            let name = group.map(|group| Value::from(group.name.as_str()));
            let Value::Object(parts) = expected else {
                failures.compare(&what, expected, &name.unwrap_or_default());
                continue;
            };
            for (part, expected) in parts {
                let value = match part.as_str() {
                    "name" => name.clone(),
                    _ => group.and_then(|group| {
                        let key = group.key.as_str().split_once(':');
                        key.map(|(_, key)| Value::from(key))
                    }),
                };
                let expected = match expected {
                    Value::Number(number) => Value::from(number.to_string()),
                    other => other.clone(),
                };
                failures.compare(
                    &format!("{what} {part}"),
                    &expected,
                    &value.unwrap_or_default(),
                );
            }
        }
    }
}

/// What the record says of a kind of groups; none: the flow has no such kind.
pub(super) fn reading<'p>(
    flow: &Flow,
    person: &'p Person,
    kind: &str,
) -> Option<&'p Reading<Option<crate::GroupValue>>> {
    let at = flow.groups().iter().position(|spec| spec.kind == kind)?;
    person.groups.get(at)
}
