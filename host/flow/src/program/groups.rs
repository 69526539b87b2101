//! Which groups the person of a record belongs to.

use matricula_core::SourceKey;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::{Program, failed};
use crate::expression::functions::number_text;
use crate::expression::{Compiled, Expression, Outcome, Val, View};
use crate::flow::Checked;
use crate::person::{GroupValue, Reading, RecordError};

/// The longest name, in characters.
const LONGEST_NAME: usize = 200;

/// The longest key within its kind, in characters: target systems take identifiers of 255.
const LONGEST_KEY: usize = 128;

/// The expressions of one kind, with the settings in them.
#[derive(Debug)]
pub(super) struct Grouping {
    key: Compiled,
    name: Compiled,
}

/// For each kind of the flow; none: it is not kept.
pub(super) fn groupings(
    flow: &Checked,
    kept: &[bool],
    compile: impl Fn(&Expression) -> Compiled,
) -> Vec<Option<Grouping>> {
    let sets = flow.groups.iter().flat_map(|rules| &rules.sets);
    sets.zip(kept)
        .map(|(set, kept)| {
            kept.then(|| Grouping {
                key: compile(&set.key),
                name: compile(&set.name),
            })
        })
        .collect()
}

impl Program {
    /// Whether groups of any kind are kept with these settings.
    pub fn keeps_groups(&self) -> bool {
        self.groups.iter().any(Option::is_some)
    }

    pub(super) fn groups<'r>(
        &'r self,
        view: &View<'r>,
    ) -> Result<Vec<Reading<Option<GroupValue>>>, RecordError> {
        let kinds = self.groups.iter().zip(self.flow.groups());
        kinds
            .map(|(grouping, spec)| match grouping {
                Some(grouping) => group(grouping, &spec.kind, view),
                None => Ok(Reading::Known(None)),
            })
            .collect()
    }
}

fn group<'r>(
    grouping: &'r Grouping,
    kind: &str,
    view: &View<'r>,
) -> Result<Reading<Option<GroupValue>>, RecordError> {
    let wrong = |what: &str, outcome: &Outcome<'_>, wanted: &str| {
        let group = format!("groups.{kind}");
        failed(&format!("{group}.{what}"), Some(&group), outcome, wanted)
    };
    let key = match grouping.key.evaluate(view) {
        Outcome::Absent(_) => return Ok(Reading::Absent),
        Outcome::Value(Val::Null) => return Ok(Reading::Known(None)),
        Outcome::Value(Val::Text(text)) => one_line(&text),
        Outcome::Value(Val::Int(number)) => number.to_string(),
        Outcome::Value(Val::Double(number)) => number_text(number),
        Outcome::Value(Val::Json(Value::Number(number))) => number.to_string(),
        outcome => return Err(wrong("key", &outcome, "a text or a number")),
    };
    // Of a group that there is not no name is asked.
    if key.is_empty() {
        return Ok(Reading::Known(None));
    }
    let name = match grouping.name.evaluate(view) {
        Outcome::Absent(_) => return Ok(Reading::Absent),
        Outcome::Value(Val::Null) => return Ok(Reading::Known(None)),
        Outcome::Value(Val::Text(text)) => one_line(&text),
        outcome => return Err(wrong("name", &outcome, "a text")),
    };
    let name = match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => name.get(..end).unwrap_or_default().trim_end().to_owned(),
        None => name,
    };
    let value = (!name.is_empty()).then(|| GroupValue {
        key: SourceKey::new(format!("{kind}:{}", bounded(key))),
        name,
    });
    Ok(Reading::Known(value))
}

/// A text on one line, without white space around it. Control characters are what a remote refuses or
/// drops, and would then not find again.
fn one_line(text: &str) -> String {
    let text = text.trim();
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let words = text.split(char::is_control).map(str::trim);
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// A key that is too long becomes its beginning and a hash of all of it.
fn bounded(key: String) -> String {
    match key.char_indices().nth(LONGEST_KEY) {
        None => key,
        Some(_) => {
            let beginning: String = key.chars().take(LONGEST_KEY - 17).collect();
            format!("{beginning}-{:016x}", xxh3_64(key.as_bytes()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(one_line(" Sales\r\n and\tIT \u{7} "), "Sales and IT");
        assert_eq!(one_line(" \u{0} \n"), "");
        assert_eq!(one_line("Forschung  & Lehre"), "Forschung  & Lehre");
    }

    #[test]
    fn long_keys_stay_apart_and_bounded() {
        assert_eq!(bounded("ä".repeat(128)), "ä".repeat(128));
        let (one, other) = (bounded("ä".repeat(129)), bounded("ä".repeat(130)));
        assert_ne!(one, other);
        assert_eq!(one.chars().count(), LONGEST_KEY);
        assert_eq!(one, bounded("ä".repeat(129)));
        assert!(one.starts_with(&"ä".repeat(111)));
    }
}
