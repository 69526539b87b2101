//! Groups of accounts at the target, made from what people have in common.
//!
//! A flow names kinds of groups (`groups`): a department, somebody's team. A record says of each kind to which
//! group of it the person belongs, by a key that stays when the group is renamed; so a person is in at most
//! one group of a kind. Whether a kind is kept at all is the owner's decision (`when`), which therefore sees the
//! settings alone: of a kind that is not kept nothing is read.

use matricula_core::Text;
use matricula_core::manifest::{Manifest, Operation};
use serde_json::{Value, json};

use crate::diagnostic::did_you_mean;
use crate::expression::types::{BOOL, NULL, NUMBER, TEXTUAL};
use crate::expression::{Compiled, Expression, Outcome, Val, View, parse};
use crate::file::{FlowFile, expression};
use crate::flow::Checked;
use crate::parts::{Checker, suggest_member};
use crate::settings::{SettingError, SettingsError};
use crate::yaml::{Data, Fields, Name, Report, Snippet, Source};

/// The keys of `groups`.
pub(crate) const GROUPS_KEYS: [&str; 2] = ["operation", "sets"];

/// The keys of a kind.
pub(crate) const SET_KEYS: [&str; 4] = ["when", "key", "name", "title"];

/// The longest name of a kind: it is part of the identity of each of its groups.
const LONGEST_KIND: usize = 40;

/// One kind of groups that a flow keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSpec {
    /// Its name, which never changes: a-z, 0-9 and _, at most 40 characters.
    pub kind: String,
    /// What owners call it in previews and runs.
    pub title: Text,
}

/// What a file says of groups.
#[derive(Debug)]
pub(crate) struct GroupPart {
    pub operation: Option<Name>,
    pub sets: Vec<SetPart>,
}

/// What it says of one kind; what is none has been reported.
#[derive(Debug)]
pub(crate) struct SetPart {
    pub kind: Name,
    pub title: Text,
    pub when: Option<Snippet>,
    pub key: Option<Snippet>,
    pub name: Option<Snippet>,
}

/// The kinds of groups of a flow, checked and compiled.
#[derive(Debug)]
pub(crate) struct GroupRules {
    /// The operation of the target by which groups are kept.
    pub operation: String,
    pub specs: Vec<GroupSpec>,
    /// For each of `specs`.
    pub sets: Vec<SetRules>,
}

/// The expressions of one kind.
#[derive(Debug)]
pub(crate) struct SetRules {
    /// Uses the settings alone.
    pub when: Option<Expression>,
    pub key: Expression,
    pub name: Expression,
}

impl SetRules {
    /// The expressions that see the record.
    pub fn all(&self) -> impl Iterator<Item = &Expression> {
        [&self.key, &self.name].into_iter()
    }
}

impl GroupRules {
    /// What decides to which groups a record belongs.
    pub fn meaning(&self) -> Value {
        let sets = self.specs.iter().zip(&self.sets);
        let sets: Value = sets
            .map(|(spec, set)| {
                json!([
                    spec.kind,
                    set.when.as_ref().map(Expression::meaning),
                    set.key.meaning(),
                    set.name.meaning(),
                ])
            })
            .collect();
        json!({ "operation": self.operation, "sets": sets })
    }
}

pub(crate) fn group_part(
    source: &Source,
    top: &Fields<'_>,
    report: &mut Report<'_>,
) -> Option<GroupPart> {
    let node = top.get("groups")?;
    let fields = node.fields("groups", &GROUPS_KEYS, report);
    // What is no map has been reported.
    if !matches!(node.data, Data::Map(_)) {
        return None;
    }
    let operation = fields
        .need("operation", "groups", report)
        .and_then(|node| node.text("operation", report));
    let mut sets = Vec::new();
    if let Some(node) = fields.need("sets", "groups", report) {
        let entries = node.entries("sets", report);
        if entries.is_empty() && matches!(node.data, Data::Map(_)) {
            report.add(node.first(), "sets needs at least one kind of groups");
        }
        for (kind, node) in entries {
            is_kind(kind, report);
            let fields = node.fields(&kind.text, &SET_KEYS, report);
            if !matches!(node.data, Data::Map(_)) {
                continue;
            }
            let title = fields
                .need("title", &kind.text, report)
                .map(|node| node.texts("title", report))
                .unwrap_or_default();
            let mut needed = |key: &str| {
                let node = fields.need(key, &kind.text, report)?;
                expression(source, node, key, report)
            };
            let (key, name) = (needed("key"), needed("name"));
            let when = fields
                .get("when")
                .and_then(|node| expression(source, node, "when", report));
            sets.push(SetPart {
                kind: kind.clone(),
                title,
                when,
                key,
                name,
            });
        }
    }
    Some(GroupPart { operation, sets })
}

fn is_kind(kind: &Name, report: &mut Report<'_>) {
    let plain = kind.text.starts_with(|c: char| c.is_ascii_lowercase())
        && kind
            .text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !plain {
        report.add_with(
            kind.span,
            format!("\"{}\" cannot be the name of a kind of groups", kind.text),
            Some("a name is made of a-z, 0-9 and _, for example cost_center".into()),
        );
    } else if kind.text.len() > LONGEST_KIND {
        let message = format!("the name of a kind is longer than {LONGEST_KIND} characters");
        report.add(kind.span, message);
    }
}

/// Checks what a file says of groups against the manifest of its target and its expressions against what names
/// mean.
pub(crate) fn rules(
    part: GroupPart,
    file: &FlowFile,
    target: &Manifest,
    operation: Option<&Operation>,
    checker: &mut Checker<'_, '_, '_>,
) -> Option<GroupRules> {
    let operation = part
        .operation
        .filter(|name| keeps_groups(name, file, target, operation, checker.report));
    let mut specs = Vec::with_capacity(part.sets.len());
    let mut sets = Vec::with_capacity(part.sets.len());
    for set in part.sets {
        let when = set.when.map(|snippet| checker.when(snippet));
        let key = set.key.and_then(|snippet| checker.key(snippet));
        let name = set.name.and_then(|snippet| checker.name(snippet));
        if let (Some(key), Some(name)) = (key, name) {
            sets.push(SetRules {
                when: when.flatten(),
                key,
                name,
            });
            specs.push(GroupSpec {
                kind: set.kind.text,
                title: set.title,
            });
        }
    }
    Some(GroupRules {
        operation: operation?.text,
        specs,
        sets,
    })
}

/// Whether an operation of the target keeps groups of the accounts that the flow keeps; if not, that is reported.
fn keeps_groups(
    name: &Name,
    file: &FlowFile,
    target: &Manifest,
    operation: Option<&Operation>,
    report: &mut Report<'_>,
) -> bool {
    // Whatever is wrong with the target itself has been reported.
    if operation.is_none() {
        return false;
    }
    let accounts = &file.target.1.text;
    let fits = |operation: &Operation| operation.members_of.as_deref() == Some(accounts.as_str());
    let found = target.operations.get(&name.text);
    if found.is_some_and(fits) {
        return true;
    }
    let id = &target.id;
    let message = match found {
        None => format!("{id} has no operation \"{}\"", name.text),
        Some(_) => format!("{} of {id} keeps no groups of {accounts}", name.text),
    };
    let known = target.operations.iter();
    let known = known.filter(|(_, operation)| fits(operation));
    let hint = did_you_mean(&name.text, known.map(|(name, _)| name.as_str()));
    let none = || {
        format!(
            "its manifest marks no operation with members_of: {accounts}, so it offers no groups"
        )
    };
    report.add_with(name.span, message, Some(hint.unwrap_or_else(none)));
    false
}

impl Checker<'_, '_, '_> {
    fn when(&mut self, snippet: Snippet) -> Option<Expression> {
        let text = snippet.text.trim().to_owned();
        let (expression, span) = self.expression(snippet)?;
        if let Some(attribute) = expression.attributes.first() {
            let message =
                format!("when is decided by the settings alone, and this reads {attribute}");
            let hint = "whoever is in no group of this kind has the key null".to_owned();
            self.report.add_with(span, message, Some(hint));
            return None;
        }
        self.must_give(expression, span, "when", BOOL, |of| {
            of.has(BOOL)
                .then(|| format!("write coalesce({text}, false)"))
        })
    }

    fn key(&mut self, snippet: Snippet) -> Option<Expression> {
        let text = snippet.text.trim().to_owned();
        let kinds = TEXTUAL | NUMBER | NULL;
        self.giving(snippet, "key", kinds, |of| {
            if of.has(BOOL) {
                return Some(format!("write string({text})"));
            }
            suggest_member(of, "id", kinds & !NULL)
                .map(|member| format!("did you mean {text}.{member}?"))
        })
    }

    /// Where texts are joined and one is null there is no name, as [`crate::expression`] says.
    fn name(&mut self, snippet: Snippet) -> Option<Expression> {
        let text = snippet.text.trim().to_owned();
        let span = snippet.span(0, snippet.text.trim_end().len());
        let parsed = parse(snippet, self.report)?.joining();
        let expression = self.names.check(parsed, self.report)?;
        self.must_give(expression, span, "name", TEXTUAL | NULL, |of| {
            if of.has(NUMBER | BOOL) {
                return Some(format!("write string({text})"));
            }
            suggest_member(of, "name", TEXTUAL)
                .map(|member| format!("did you mean {text}.{member}?"))
        })
    }
}

/// Which kinds are kept with these settings, defaults filled in: for each of [`crate::Flow::groups`].
///
/// # Errors
/// It cannot be said of a kind.
pub(crate) fn kept(flow: &Checked, settings: &Value) -> Result<Vec<bool>, SettingsError> {
    let Some(rules) = &flow.groups else {
        return Ok(Vec::new());
    };
    let mut kept = Vec::with_capacity(rules.sets.len());
    let mut wrong = Vec::new();
    for (spec, set) in rules.specs.iter().zip(&rules.sets) {
        let Some(when) = &set.when else {
            kept.push(true);
            continue;
        };
        let compiled = Compiled::new(when, &flow.alias, &[], settings);
        let nobody = Value::Null;
        let reason = match compiled.evaluate(&View::new(&flow.alias, &[], &nobody)) {
            Outcome::Value(Val::Bool(on)) => {
                kept.push(on);
                continue;
            }
            Outcome::Failed(reason) => reason,
            Outcome::Value(_) | Outcome::Absent(_) => "it does not give true or false".to_owned(),
        };
        let name = format!("groups.{}.when", spec.kind);
        wrong.push(SettingError::new(
            name,
            format!("cannot be computed: {reason}"),
        ));
    }
    if wrong.is_empty() {
        Ok(kept)
    } else {
        Err(SettingsError(wrong))
    }
}
