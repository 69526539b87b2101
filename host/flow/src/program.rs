//! A flow with an owner's settings: turns one record into one person, or (in `document`) into one document.

mod document;

use std::borrow::Cow;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use matricula_core::SourceKey;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use self::document::Documents;
use crate::expression::functions::day;
use crate::expression::{Compiled, Expression, Outcome, Val, View};
use crate::flow::{Field, Flow};
use crate::person::{AccessValues, DEFAULT_ZONE, FieldValue, Person, Reading, RecordError};
use crate::schema::Problem;
use crate::settings::{SettingError, SettingsError};

/// A flow with settings. Immutable; share it in an `Arc`.
#[derive(Debug)]
pub struct Program {
    flow: Flow,
    settings: Value,
    digest: u128,
    scope: Option<Compiled>,
    /// The attributes that the scope uses, as places among [`Flow::attributes`]; they are checked first.
    scope_slots: Vec<usize>,
    /// The others.
    other_slots: Vec<usize>,
    matches: Vec<Compiled>,
    fields: Vec<Compiled>,
    from: Option<Compiled>,
    until: Vec<Compiled>,
    barred: Option<Compiled>,
    last_day: Option<Compiled>,
    time_zone: Option<Compiled>,
    documents: Option<Documents>,
}

impl Program {
    pub(crate) fn new(flow: Flow, settings: &Value) -> Result<Self, SettingsError> {
        let checked = &*flow.0;
        let settings = checked.form.fill(settings)?;
        let compile = |expression: &Expression| {
            Compiled::new(expression, &checked.alias, &checked.attributes, &settings)
        };
        let optional = |expression: &Option<Expression>| expression.as_ref().map(compile);
        let in_scope = |name: &String| {
            checked
                .scope
                .as_ref()
                .is_some_and(|scope| scope.attributes.contains(name))
        };
        let (scope_slots, other_slots) = (0..checked.attributes.len())
            .partition(|at| checked.attributes.get(*at).is_some_and(in_scope));
        let digest = xxh3_128(format!("{}\n{settings}", checked.meaning).as_bytes());
        let program = Self {
            scope: optional(&checked.scope),
            scope_slots,
            other_slots,
            matches: checked
                .matches
                .iter()
                .map(|rule| compile(&rule.expression))
                .collect(),
            fields: checked
                .fields
                .iter()
                .map(|field| compile(&field.expression))
                .collect(),
            from: optional(&checked.access.from),
            until: checked.access.until.iter().map(compile).collect(),
            barred: optional(&checked.access.barred),
            last_day: optional(&checked.access.last_day),
            time_zone: optional(&checked.access.time_zone),
            documents: checked
                .document
                .as_ref()
                .map(|rules| Documents::new(rules, &checked.alias, &checked.attributes, &settings)),
            flow: flow.clone(),
            settings,
            digest,
        };
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
            let message = "is not a time zone such as Europe/Berlin".to_owned();
            wrong.push(SettingError {
                name: "time_zone".into(),
                message,
            });
        }
        if let Some(word) = constant(&self.last_day)
            && word.as_str().and_then(last_day_open).is_none()
        {
            let message = "must be \"blocked\" or \"open\"".to_owned();
            wrong.push(SettingError {
                name: "last_day".into(),
                message,
            });
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(SettingsError(wrong))
        }
    }

    /// The settings, defaults filled in.
    pub fn settings(&self) -> &Value {
        &self.settings
    }

    /// Changes whenever the same record could give another person or document: with the flow's meaning (not its
    /// titles, guard or schedule), the settings, and the schemas of what it uses.
    pub fn digest(&self) -> u128 {
        self.digest
    }

    /// The flow.
    pub fn flow(&self) -> &Flow {
        &self.flow
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
            return Ok(Person::out_of_scope(flow.fields.len(), flow.matches.len()));
        }
        self.check(&view, &self.other_slots)?;
        let mut matches = Vec::with_capacity(self.matches.len());
        for (compiled, rule) in self.matches.iter().zip(&flow.matches) {
            matches.push(self.match_value(compiled, &rule.attribute, &view)?);
        }
        let mut fields = Vec::with_capacity(self.fields.len());
        for (compiled, field) in self.fields.iter().zip(&flow.fields) {
            fields.push(self.field(compiled, field, &view)?);
        }
        Ok(Person {
            in_scope: true,
            fields,
            matches,
            access: self.access(&view)?,
        })
    }

    /// When the person of a record may come in, where the rest of it need not be right: whoever has left
    /// is blocked even if their record has become unusable.
    ///
    /// # Errors
    /// A date or another value that access depends on cannot be used.
    pub fn access_of(&self, record: &Value) -> Result<AccessValues, RecordError> {
        let flow = &*self.flow.0;
        self.access(&View::new(&flow.alias, &flow.attributes, record))
    }

    fn view<'r>(&'r self, record: &'r Value) -> Result<View<'r>, RecordError> {
        let flow = &*self.flow.0;
        if record.is_object() {
            Ok(View::new(&flow.alias, &flow.attributes, record))
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
        let flow = &*self.flow.0;
        for slot in slots {
            let Some(value) = view.slot(*slot) else {
                continue;
            };
            let (Some(name), Some(attribute)) = (
                flow.attributes.get(*slot),
                flow.source_attributes.get(*slot),
            ) else {
                continue;
            };
            if let Some(Problem { path, what }) = attribute.check.problem(value) {
                return Err(RecordError {
                    code: INVALID,
                    attribute: Some(name.clone()),
                    message: format!(
                        "{name}{path} {what}; correct \"{}\" in {}",
                        attribute.label, flow.source_title
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

    fn field<'r>(
        &self,
        compiled: &'r Compiled,
        field: &Field,
        view: &View<'r>,
    ) -> Result<FieldValue, RecordError> {
        let name = field.spec.name.as_str();
        let outcome = compiled.evaluate(view);
        if field.spec.required {
            let absent = match &outcome {
                Outcome::Absent(absent) => Some(Some(absent.as_str())),
                Outcome::Value(Val::Null) => Some(None),
                Outcome::Value(Val::Text(text)) if text.trim().is_empty() => Some(None),
                _ => None,
            };
            if let Some(absent) = absent {
                return Err(self.missing(field, absent));
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
    fn missing(&self, field: &Field, absent: Option<&str>) -> RecordError {
        let name = &field.spec.name;
        let message = match absent {
            Some(absent) => format!(
                "no {name}: {absent} may not be read; {}",
                self.allow(absent)
            ),
            None if field.expression.attributes.is_empty() => {
                format!("no {name}: the automation's settings give none")
            }
            None => {
                let labels = field
                    .expression
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
            attribute: Some(name.clone()),
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
        let flow = &*self.flow.0;
        let at = flow.attributes.iter().position(|known| known == attribute);
        at.and_then(|at| flow.source_attributes.get(at))
            .map_or(attribute, |known| &known.label)
    }

    fn access<'r>(&'r self, view: &View<'r>) -> Result<AccessValues, RecordError> {
        let from = match &self.from {
            Some(from) => read_date(from, "from", view)?,
            None => Reading::Known(None),
        };
        let until: Vec<Reading<Option<Date>>> = self
            .until
            .iter()
            .map(|one| read_date(one, "until", view))
            .collect::<Result<_, _>>()?;
        let barred = match self.barred.as_ref().map(|barred| barred.evaluate(view)) {
            None | Some(Outcome::Value(Val::Null)) => Reading::Known(false),
            Some(Outcome::Value(Val::Bool(barred))) => Reading::Known(barred),
            Some(Outcome::Absent(_)) => Reading::Absent,
            Some(outcome) => return Err(failed("barred", None, &outcome, "true or false")),
        };
        let last_day_open = match &self.last_day {
            None => false,
            Some(last_day) => {
                let word = self.word(last_day, "last_day", view)?;
                last_day_open(&word).ok_or_else(|| RecordError {
                    code: INVALID,
                    attribute: None,
                    message: "last_day must give \"blocked\" or \"open\"".into(),
                })?
            }
        };
        let zone = match &self.time_zone {
            None => DEFAULT_ZONE.to_owned(),
            Some(zone) => self.word(zone, "time_zone", view)?.into_owned(),
        };
        let known = self
            .time_zone
            .as_ref()
            .is_none_or(|zone| zone.constant().is_some());
        if !known && !is_zone(&zone) {
            return Err(RecordError {
                code: INVALID,
                attribute: None,
                message: "time_zone does not give a time zone such as Europe/Berlin".into(),
            });
        }
        Ok(AccessValues {
            from,
            until,
            barred,
            last_day_open,
            zone,
        })
    }

    fn word<'r>(
        &self,
        compiled: &'r Compiled,
        what: &str,
        view: &View<'r>,
    ) -> Result<Cow<'r, str>, RecordError> {
        match compiled.evaluate(view) {
            Outcome::Value(Val::Text(text)) => Ok(text),
            Outcome::Absent(name) => Err(RecordError {
                code: MISSING,
                message: format!("no {what}: {name} may not be read; {}", self.allow(&name)),
                attribute: Some(name),
            }),
            outcome => Err(failed(what, None, &outcome, "a text")),
        }
    }
}

fn read_date<'r>(
    compiled: &'r Compiled,
    what: &str,
    view: &View<'r>,
) -> Result<Reading<Option<Date>>, RecordError> {
    match compiled.evaluate(view) {
        Outcome::Absent(_) => Ok(Reading::Absent),
        Outcome::Value(Val::Null) => Ok(Reading::Known(None)),
        Outcome::Value(Val::Text(text)) => match day(&text) {
            Some(date) => Ok(Reading::Known(Some(date))),
            None => Err(RecordError {
                code: INVALID,
                attribute: None,
                message: format!("what access declares as {what} is not a date"),
            }),
        },
        outcome => Err(failed(what, None, &outcome, "a date")),
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

fn is_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

fn last_day_open(word: &str) -> Option<bool> {
    match word {
        "blocked" => Some(false),
        "open" => Some(true),
        _ => None,
    }
}

const MISSING: &str = "missing-attribute";
const INVALID: &str = "invalid-value";
const EXPRESSION: &str = "expression";
