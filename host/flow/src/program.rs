//! A flow with an owner's settings: turns one record into one person, or (in `document`) into one document.

mod access;
mod document;
mod groups;

use std::sync::Arc;

use matricula_core::SourceKey;
use serde_json::Value;

use self::access::{is_zone, last_day_open};
use self::document::Documents;
use self::groups::{Grouping, groupings};
use crate::expression::{Compiled, Expression, Outcome, Val, View};
use crate::flow::{Field, FieldSpec, Flow, SourceAttribute};
use crate::groups::kept;
use crate::mapping::{self, MAP_SETTING, Overrides, Read, digest};
use crate::person::{AccessValues, FieldValue, Person, RecordError};
use crate::schema::Problem;
use crate::settings::{SettingError, SettingsError};

/// A flow with settings. Immutable; share it in an `Arc`.
#[derive(Debug)]
pub struct Program {
    flow: Flow,
    settings: Value,
    digest: u128,
    /// Sorted.
    attributes: Vec<String>,
    /// For each of `attributes`.
    source_attributes: Vec<Arc<SourceAttribute>>,
    scope: Option<Compiled>,
    /// The attributes that the scope uses, as places among `attributes`; they are checked first.
    scope_slots: Vec<usize>,
    /// The others.
    other_slots: Vec<usize>,
    matches: Vec<Compiled>,
    /// For each field of the flow; none: the owner leaves it out.
    fields: Vec<Option<Filling>>,
    from: Option<Compiled>,
    until: Vec<Compiled>,
    barred: Option<Compiled>,
    last_day: Option<Compiled>,
    time_zone: Option<Compiled>,
    /// For each kind of groups of the flow; none: the settings say that it is not kept.
    groups: Vec<Option<Grouping>>,
    documents: Option<Documents>,
}

/// How a field is filled.
#[derive(Debug)]
struct Filling {
    compiled: Compiled,
    /// The attributes that it uses, sorted.
    attributes: Vec<String>,
}

impl Program {
    pub(crate) fn new(flow: Flow, settings: &Value) -> Result<Self, SettingsError> {
        let (form, map) = mapping::split(settings);
        let mut wrong = Vec::new();
        let overrides = map.map(|map| mapping::overrides(&flow.0, map, &mut wrong));
        let filled = match flow.0.form.fill(&form) {
            Ok(filled) if wrong.is_empty() => filled,
            filled => {
                let mut all = filled.err().map(|error| error.0).unwrap_or_default();
                all.extend(wrong);
                return Err(SettingsError(all));
            }
        };
        Self::build(flow, filled, map, overrides.unwrap_or_default())
    }

    /// The flow with settings whose defaults are filled in, `map` among them if given, and with what it means.
    pub(crate) fn build(
        flow: Flow,
        mut settings: Value,
        map: Option<&Value>,
        overrides: Overrides,
    ) -> Result<Self, SettingsError> {
        let checked = &*flow.0;
        let kept = kept(checked, &settings)?;
        let read = Read::of(checked, &overrides, &kept)?;
        let digest = digest(checked, &settings, &overrides, &read);
        let Read {
            attributes,
            source_attributes,
        } = read;
        let compile = |expression: &Expression| {
            Compiled::new(expression, &checked.alias, &attributes, &settings)
        };
        let optional = |expression: &Option<Expression>| expression.as_ref().map(compile);
        let in_scope = |name: &String| {
            checked
                .scope
                .as_ref()
                .is_some_and(|scope| scope.attributes.contains(name))
        };
        let (scope_slots, other_slots) =
            (0..attributes.len()).partition(|at| attributes.get(*at).is_some_and(in_scope));
        let mut program = Self {
            scope: optional(&checked.scope),
            scope_slots,
            other_slots,
            matches: checked
                .matches
                .iter()
                .map(|rule| compile(&rule.expression))
                .collect(),
            fields: mapping::effective(checked, &overrides)
                .map(|expression| {
                    expression.map(|expression| Filling {
                        compiled: compile(expression),
                        attributes: expression.attributes.iter().cloned().collect(),
                    })
                })
                .collect(),
            from: optional(&checked.access.from),
            until: checked.access.until.iter().map(compile).collect(),
            barred: optional(&checked.access.barred),
            last_day: optional(&checked.access.last_day),
            time_zone: optional(&checked.access.time_zone),
            groups: groupings(checked, &kept, compile),
            documents: checked
                .document
                .as_ref()
                .map(|rules| Documents::new(rules, &checked.alias, &attributes, &settings)),
            flow: flow.clone(),
            attributes,
            source_attributes,
            settings: Value::Null,
            digest,
        };
        if let (Some(map), Some(settings)) = (map, settings.as_object_mut()) {
            settings.insert(MAP_SETTING.to_owned(), map.clone());
        }
        program.settings = settings;
        program.check_constants()?;
        Ok(program)
    }

    /// What depends on the settings alone must be right before any record is read.
    fn check_constants(&self) -> Result<(), SettingsError> {
        let constant = |expression: &Option<Compiled>| expression.as_ref()?.constant().cloned();
        let mut wrong = Vec::new();
        if let Some(zone) = constant(&self.time_zone)
            && !zone.as_str().is_some_and(is_zone)
        {
            let message = "is not a time zone such as Europe/Berlin";
            wrong.push(SettingError::new("time_zone", message));
        }
        if let Some(word) = constant(&self.last_day)
            && word.as_str().and_then(last_day_open).is_none()
        {
            let message = "must be \"blocked\" or \"open\"";
            wrong.push(SettingError::new("last_day", message));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(SettingsError(wrong))
        }
    }

    /// The settings, defaults filled in, with `$map` if there is one: with them the flow gives the same program.
    pub fn settings(&self) -> &Value {
        &self.settings
    }

    /// Changes whenever the same record could give another person or document: with the flow's meaning (not its
    /// titles, guard or schedule), the settings, what the owner maps otherwise, and the schemas of what it uses.
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// The flow.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The top-level attributes of the source that are read, sorted: those of the file's expressions and of the owner's,
    /// without those that only a replaced expression or a kind of groups that is not kept uses. What the owner must allow the credential to
    /// read, and all that is asked for.
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }

    /// The attributes of the target that are written, in the file's order: those of [`Flow::fields`] that the owner has
    /// not left out. Of one that is left out a person's value is always [`FieldValue::Absent`].
    pub fn written(&self) -> impl Iterator<Item = &FieldSpec> {
        let fields = self.flow.0.specs.iter().zip(&self.fields);
        fields
            .filter(|(_, filling)| filling.is_some())
            .map(|(spec, _)| spec)
    }

    /// What the flow makes of a record. Attributes that the flow does not use are not looked at.
    ///
    /// # Errors
    /// The first reason for which nothing can be made of it.
    pub fn evaluate(&self, record: &Value) -> Result<Person, RecordError> {
        let flow = &*self.flow.0;
        let view = self.view(record)?;
        self.check(&view, &self.scope_slots)?;
        if !self.in_scope(&view)? {
            return Ok(Person::out_of_scope(
                flow.fields.len(),
                flow.matches.len(),
                flow.groups().len(),
            ));
        }
        self.check(&view, &self.other_slots)?;
        let mut matches = Vec::with_capacity(self.matches.len());
        for (compiled, rule) in self.matches.iter().zip(&flow.matches) {
            matches.push(self.match_value(compiled, &rule.attribute, &view)?);
        }
        Ok(Person {
            in_scope: true,
            fields: self.values(&view)?,
            matches,
            access: self.access(&view)?,
            groups: self.groups(&view)?,
        })
    }

    /// When the person of a record may come in, where the rest of it need not be right: whoever has left
    /// is blocked even if their record has become unusable.
    ///
    /// # Errors
    /// A date or another value that access depends on cannot be used.
    pub fn access_of(&self, record: &Value) -> Result<AccessValues, RecordError> {
        self.access(&View::new(&self.flow.0.alias, &self.attributes, record))
    }

    /// The value of one field, of a record of which nothing else need be right.
    pub(crate) fn try_field(&self, at: usize, record: &Value) -> Result<FieldValue, RecordError> {
        let view = self.view(record)?;
        let fields = self.fields.get(at).zip(self.flow.0.fields.get(at));
        let Some((Some(filling), field)) = fields else {
            return Ok(FieldValue::Absent);
        };
        let places = filling.attributes.iter();
        let slots: Vec<usize> = places
            .filter_map(|name| self.attributes.binary_search(name).ok())
            .collect();
        self.check(&view, &slots)?;
        self.field(filling, field, &view)
    }

    fn view<'r>(&'r self, record: &'r Value) -> Result<View<'r>, RecordError> {
        if record.is_object() {
            Ok(View::new(&self.flow.0.alias, &self.attributes, record))
        } else {
            Err(RecordError {
                code: INVALID,
                attribute: None,
                message: "the record is not an object".into(),
            })
        }
    }

    /// Checks attributes against the stream's schema.
    fn check(&self, view: &View<'_>, slots: &[usize]) -> Result<(), RecordError> {
        for slot in slots {
            let Some(value) = view.slot(*slot) else {
                continue;
            };
            let (Some(name), Some(attribute)) = (
                self.attributes.get(*slot),
                self.source_attributes.get(*slot),
            ) else {
                continue;
            };
            if let Some(Problem { path, what }) = attribute.check.problem(value) {
                return Err(RecordError {
                    code: INVALID,
                    attribute: Some(name.clone()),
                    message: format!(
                        "{name}{path} {what}; correct \"{}\" in {}",
                        attribute.title.get("en"),
                        self.flow.0.source_title
                    ),
                });
            }
        }
        Ok(())
    }

    fn in_scope<'r>(&'r self, view: &View<'r>) -> Result<bool, RecordError> {
        let Some(scope) = &self.scope else {
            return Ok(true);
        };
        match scope.evaluate(view) {
            Outcome::Value(Val::Bool(in_scope)) => Ok(in_scope),
            Outcome::Absent(name) => Err(RecordError {
                code: MISSING,
                message: format!(
                    "it cannot be said whether the {} is in scope: {name} may not be read; {}",
                    if self.documents.is_some() {
                        "document"
                    } else {
                        "person"
                    },
                    self.allow(&name)
                ),
                attribute: Some(name),
            }),
            outcome => Err(failed("scope", None, &outcome, "true or false")),
        }
    }

    fn match_value<'r>(
        &self,
        compiled: &'r Compiled,
        name: &str,
        view: &View<'r>,
    ) -> Result<Option<String>, RecordError> {
        match compiled.evaluate(view) {
            Outcome::Absent(_) | Outcome::Value(Val::Null) => Ok(None),
            Outcome::Value(Val::Text(text)) if text.trim().is_empty() => Ok(None),
            Outcome::Value(Val::Text(text)) => Ok(Some(text.into_owned())),
            Outcome::Value(Val::Int(number)) => Ok(Some(number.to_string())),
            outcome => Err(failed(
                &format!("match by {name}"),
                Some(name),
                &outcome,
                "a text",
            )),
        }
    }

    /// The value of each field, in order.
    fn values<'r>(&'r self, view: &View<'r>) -> Result<Vec<FieldValue>, RecordError> {
        let fields = self.fields.iter().zip(&self.flow.0.fields);
        fields
            .map(|(filling, field)| match filling {
                Some(filling) => self.field(filling, field, view),
                None => Ok(FieldValue::Absent),
            })
            .collect()
    }

    fn field<'r>(
        &self,
        filling: &'r Filling,
        field: &Field,
        view: &View<'r>,
    ) -> Result<FieldValue, RecordError> {
        let name = field.spec.name.as_str();
        let outcome = filling.compiled.evaluate(view);
        if field.spec.required {
            let absent = match &outcome {
                Outcome::Absent(absent) => Some(Some(absent.as_str())),
                Outcome::Value(Val::Null) => Some(None),
                Outcome::Value(Val::Text(text)) if text.trim().is_empty() => Some(None),
                _ => None,
            };
            if let Some(absent) = absent {
                return Err(self.missing(&field.spec.name, filling, absent));
            }
        }
        let value = match outcome {
            Outcome::Absent(_) => return Ok(FieldValue::Absent),
            Outcome::Value(value) if field.spec.reference => {
                return match value {
                    Val::Null => Ok(FieldValue::Reference(None)),
                    Val::Text(key) if key.trim().is_empty() => Ok(FieldValue::Reference(None)),
                    Val::Text(key) => Ok(FieldValue::Reference(Some(SourceKey::new(key)))),
                    Val::Int(key) => {
                        Ok(FieldValue::Reference(Some(SourceKey::new(key.to_string()))))
                    }
                    other => Err(failed(
                        name,
                        Some(name),
                        &Outcome::Value(other),
                        "a person's key",
                    )),
                };
            }
            Outcome::Value(value) => value.into_json(),
            failure @ Outcome::Failed(_) => {
                return Err(failed(name, Some(name), &failure, "a value"));
            }
        };
        match field.check.problem(&value) {
            None => Ok(FieldValue::Value(value)),
            Some(Problem { path, what }) => Err(RecordError {
                code: INVALID,
                attribute: Some(name.to_owned()),
                message: format!("{name}{path} {what}"),
            }),
        }
    }

    /// A target attribute without which nothing can be created has no value.
    fn missing(&self, name: &str, filling: &Filling, absent: Option<&str>) -> RecordError {
        let message = match absent {
            Some(absent) => format!(
                "no {name}: {absent} may not be read; {}",
                self.allow(absent)
            ),
            None if filling.attributes.is_empty() => {
                format!("no {name}: the automation's settings give none")
            }
            None => {
                let labels = filling
                    .attributes
                    .iter()
                    .map(|used| format!("\"{}\"", self.label(used)));
                let labels: Vec<String> = labels.collect();
                let system = &self.flow.0.source_title;
                format!("no {name}: enter {} in {system}", labels.join(" or "))
            }
        };
        RecordError {
            code: MISSING,
            attribute: Some(name.to_owned()),
            message,
        }
    }

    /// What makes an attribute readable.
    fn allow(&self, attribute: &str) -> String {
        let top = attribute.split('.').next().unwrap_or(attribute);
        let system = &self.flow.0.source_title;
        format!(
            "allow the credential to read \"{}\" in {system}",
            self.label(top)
        )
    }

    fn label<'a>(&'a self, attribute: &'a str) -> &'a str {
        let at = self.attributes.iter().position(|known| known == attribute);
        at.and_then(|at| self.source_attributes.get(at))
            .map_or(attribute, |known| known.title.get("en"))
    }
}

fn failed(what: &str, attribute: Option<&str>, outcome: &Outcome<'_>, wanted: &str) -> RecordError {
    let message = match outcome {
        Outcome::Failed(reason) => format!("{what} cannot be computed: {reason}"),
        Outcome::Value(_) | Outcome::Absent(_) => {
            format!("{what} cannot be computed: it does not give {wanted}")
        }
    };
    RecordError {
        code: EXPRESSION,
        attribute: attribute.map(str::to_owned),
        message,
    }
}

const MISSING: &str = "missing-attribute";
const INVALID: &str = "invalid-value";
const EXPRESSION: &str = "expression";
