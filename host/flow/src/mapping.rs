//! What owners may map otherwise than the flow file does.
//!
//! A file opens attributes of its `map` to owners (`mapping`). An automation's settings then may hold
//! [`MAP_SETTING`]: an expression instead of the file's for an attribute, or null where it is not to be
//! written at all. An owner's expression is checked as the file's are, against the same names and for the same
//! attribute, so nothing of a record becomes reachable that the file's author could not have reached.
//! Attributes by which accounts are found stay closed: with another value for them the next cycle would find
//! other accounts. So do documents: what was delivered is not made anew when its title changes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::check::{described, used};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::expression::{Expression, IN_LET, LONGEST};
use crate::flow::{Checked, Field, SourceAttribute};
use crate::parts::Checker;
use crate::settings::{SettingError, SettingsError};
use crate::yaml::{Data, Name, Node, Report, Snippet, Source, Span};

/// The setting that maps attributes otherwise; not part of the form.
pub(crate) const MAP_SETTING: &str = "$map";

/// The keys of `mapping`.
pub(crate) const MAPPING_KEYS: [&str; 1] = ["open"];

/// What a file opens to owners.
#[derive(Debug, Default)]
pub(crate) enum Open {
    #[default]
    Nothing,
    /// Whatever nothing depends on: neither found by nor required.
    All,
    These(Vec<Name>),
}

/// What is wrong with an owner's expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line of the expression; counts from 1.
    pub line: usize,
    /// In characters; counts from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What owners have put in the place of the file's expressions, by place among the flow's fields; none:
/// the attribute is not written.
pub(crate) type Overrides = BTreeMap<usize, Option<Expression>>;

pub(crate) fn mapping(node: Option<&Node>, report: &mut Report<'_>) -> Open {
    let Some(node) = node else {
        return Open::Nothing;
    };
    let fields = node.fields("mapping", &MAPPING_KEYS, report);
    // What is no map has been reported.
    if !matches!(node.data, Data::Map(_)) {
        return Open::Nothing;
    }
    let Some(open) = fields.need("open", "mapping", report) else {
        return Open::Nothing;
    };
    let items = match &open.data {
        Data::Text(all) if all == "all" => return Open::All,
        Data::List(items) => items,
        _ => {
            report.add_with(
                open.first(),
                "open must be a list of attributes, or all",
                Some("for example open: [position, company]".into()),
            );
            return Open::Nothing;
        }
    };
    let mut names: Vec<Name> = Vec::with_capacity(items.len());
    for item in items {
        let Some(name) = item.text("open", report) else {
            continue;
        };
        if names.iter().any(|known| known.text == name.text) {
            report.add(name.span, format!("\"{}\" is opened twice", name.text));
        } else {
            names.push(name);
        }
    }
    Open::These(names)
}

/// Opens fields. `mapped` are the attributes under `map`, `found_by` those of the match rules.
pub(crate) fn open(
    open: &Open,
    mapped: &[String],
    found_by: &[String],
    fields: &mut [Field],
    report: &mut Report<'_>,
) {
    let names = match open {
        Open::Nothing => return,
        Open::All => {
            for field in fields {
                let spec = &mut field.spec;
                spec.open = !spec.required && !found_by.contains(&spec.name);
            }
            return;
        }
        Open::These(names) => names,
    };
    for name in names {
        if !mapped.contains(&name.text) {
            report.add_with(
                name.span,
                format!("map has no attribute \"{}\"", name.text),
                did_you_mean(&name.text, mapped.iter().map(String::as_str)),
            );
        } else if found_by.contains(&name.text) {
            report.add_with(
                name.span,
                format!(
                    "accounts are found by \"{}\", so it stays closed",
                    name.text
                ),
                Some("with another value for it the next cycle would find other accounts".into()),
            );
        } else if let Some(field) = fields.iter_mut().find(|field| field.spec.name == name.text) {
            field.spec.open = true;
        }
    }
}

/// The settings of the form, and what they say of the mapping, if anything.
pub(crate) fn split(settings: &Value) -> (Cow<'_, Value>, Option<&Value>) {
    match settings {
        Value::Object(entries) if entries.contains_key(MAP_SETTING) => {
            let form = entries.iter().filter(|(name, _)| *name != MAP_SETTING);
            let form: Map<String, Value> = form
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            let map = entries.get(MAP_SETTING).filter(|map| !map.is_null());
            (Cow::Owned(Value::Object(form)), map)
        }
        settings => (Cow::Borrowed(settings), None),
    }
}

/// What an owner maps otherwise; everything that is wrong with it is added to `wrong`.
pub(crate) fn overrides(flow: &Checked, map: &Value, wrong: &mut Vec<SettingError>) -> Overrides {
    let mut overrides = Overrides::new();
    let Value::Object(entries) = map else {
        let message = "must be an object of expressions by attribute";
        wrong.push(SettingError::new(MAP_SETTING, message));
        return overrides;
    };
    for (name, value) in entries {
        match flow.override_of(name, value) {
            Ok((at, expression)) => {
                overrides.insert(at, expression);
            }
            Err(problems) => wrong.extend(
                problems
                    .into_iter()
                    .map(|problem| SettingError::mapped(name, problem)),
            ),
        }
    }
    overrides
}

/// The expression of each field, in order; none: the owner leaves it out.
pub(crate) fn effective<'e>(
    flow: &'e Checked,
    overrides: &'e Overrides,
) -> impl Iterator<Item = Option<&'e Expression>> {
    let fields = flow.fields.iter().enumerate();
    fields.map(|(at, field)| match overrides.get(&at) {
        Some(expression) => expression.as_ref(),
        None => Some(&field.expression),
    })
}

/// The attributes that are read, sorted, and what is known of each.
pub(crate) struct Read {
    pub attributes: Vec<String>,
    pub source_attributes: Vec<Arc<SourceAttribute>>,
}

impl Read {
    /// With the kinds of groups that are `kept`, for each of the flow.
    pub fn of(flow: &Checked, overrides: &Overrides, kept: &[bool]) -> Result<Self, SettingsError> {
        if overrides.is_empty() && kept.iter().all(|kept| *kept) {
            return Ok(Self {
                attributes: flow.attributes.clone(),
                source_attributes: flow.source_attributes.clone(),
            });
        }
        let mapped = effective(flow, overrides).flatten();
        let document = flow.document.as_ref();
        let sets = flow.groups.iter().flat_map(|groups| &groups.sets);
        let sets = sets.zip(kept).filter(|(_, kept)| **kept);
        let used = used(
            flow.scope.as_ref(),
            &flow.matches,
            mapped,
            &flow.access,
            sets.map(|(set, _)| set),
            document,
        );
        let known = |name: &String| {
            let at = flow.attributes.binary_search(name).ok()?;
            flow.source_attributes.get(at).cloned()
        };
        let attribute = |name: &String| match known(name) {
            Some(attribute) => Ok(attribute),
            None => SourceAttribute::new(name, &flow.schema)
                .map(Arc::new)
                .map_err(|reason| {
                    let message = format!("the manifest is wrong about {name}: {reason}");
                    SettingsError(vec![SettingError::new(MAP_SETTING, message)])
                }),
        };
        Ok(Self {
            source_attributes: used.iter().map(attribute).collect::<Result<_, _>>()?,
            attributes: used.into_iter().collect(),
        })
    }
}

/// Differs where the same record could give something else, see [`crate::Program::digest`].
pub(crate) fn digest(flow: &Checked, settings: &Value, overrides: &Overrides, read: &Read) -> u128 {
    let mut meaning = format!("{}\n{settings}", flow.meaning);
    if !overrides.is_empty() {
        let mapped: Vec<(usize, Option<String>)> = overrides
            .iter()
            .map(|(at, expression)| (*at, expression.as_ref().map(Expression::meaning)))
            .collect();
        let read: Vec<(&String, &Value)> = read
            .attributes
            .iter()
            .map(|name| (name, described(&flow.schema, name)))
            .collect();
        meaning.push_str(&json!({ "map": mapped, "read": read }).to_string());
    }
    xxh3_128(meaning.as_bytes())
}

impl Problem {
    /// Something that is wrong with all of it.
    pub(crate) fn new(message: impl Into<String>, hint: Option<String>) -> Self {
        Self {
            line: 1,
            column: 1,
            message: message.into(),
            hint,
        }
    }
}

impl From<Diagnostic> for Problem {
    fn from(found: Diagnostic) -> Self {
        // An owner has no file to write helpers into.
        let shorter = |hint: String| {
            if hint == IN_LET {
                "write it shorter".to_owned()
            } else {
                hint
            }
        };
        Self {
            line: found.line,
            column: found.column,
            message: found.message,
            hint: found.hint.map(shorter),
        }
    }
}

impl Checked {
    /// The place of a field that is open.
    fn open_field(&self, name: &str) -> Result<(usize, &Field), Problem> {
        let opened = || {
            let open = self.specs.iter().filter(|spec| spec.open);
            open.map(|spec| spec.name.as_str())
        };
        let known = self
            .fields
            .iter()
            .enumerate()
            .find(|(_, field)| field.spec.name == name);
        match known {
            Some((at, field)) if field.spec.open => Ok((at, field)),
            Some(_) => Err(Problem::new(
                format!("{name} is not open: the flow decides about it"),
                None,
            )),
            None => Err(Problem::new(
                format!("the flow writes no attribute \"{name}\""),
                did_you_mean(name, opened()),
            )),
        }
    }

    /// What an entry of [`MAP_SETTING`] means: the place of the field, and its expression unless it is left out.
    fn override_of(
        &self,
        name: &str,
        value: &Value,
    ) -> Result<(usize, Option<Expression>), Vec<Problem>> {
        let (at, field) = self.open_field(name).map_err(|problem| vec![problem])?;
        match value {
            Value::String(text) => {
                let expression = self.own_expression(field, text)?;
                Ok((at, Some(expression)))
            }
            Value::Null if field.spec.required => Err(vec![Problem::new(
                "is needed: no account can be made without it",
                None,
            )]),
            Value::Null => Ok((at, None)),
            _ => Err(vec![Problem::new(
                "must be an expression, or null where it is not to be written",
                None,
            )]),
        }
    }

    /// Checks an expression for an attribute as if it stood in the file.
    pub(crate) fn checked_expression(
        &self,
        name: &str,
        text: &str,
    ) -> Result<(usize, Expression), Vec<Problem>> {
        let (at, field) = self.open_field(name).map_err(|problem| vec![problem])?;
        Ok((at, self.own_expression(field, text)?))
    }

    fn own_expression(&self, field: &Field, text: &str) -> Result<Expression, Vec<Problem>> {
        // Nothing is built from a text that will be refused.
        if text.len() > LONGEST {
            let message = format!("the expression is longer than {LONGEST} bytes");
            let hint = Some("write it shorter".to_owned());
            return Err(vec![Problem::new(message, hint)]);
        }
        let name = &field.spec.name;
        let source = Source::new(name, text);
        let mut report = Report::new(&source);
        let mut checker = Checker {
            names: &self.names,
            files: &[],
            report: &mut report,
        };
        let expression = checker.field(
            &Name {
                text: name.clone(),
                span: Span { start: 0, end: 1 },
            },
            Snippet::whole(text),
            &field.of,
            field.spec.reference,
            field.spec.required,
        );
        match expression {
            Some(expression) if report.found.is_empty() => Ok(expression),
            _ => {
                let found = crate::Diagnostics(report.found).sorted();
                Err(found.0.into_iter().map(Problem::from).collect())
            }
        }
    }
}
