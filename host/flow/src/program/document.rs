//! What becomes of a record in a flow that delivers documents.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use matricula_core::SourceKey;
use serde_json::Value;

use super::{EXPRESSION, MISSING, Program, failed};
use crate::document::DocumentRules;
use crate::expression::{Compiled, Expression, Outcome, TODAY, Val, View};
use crate::paper::Paper;
use crate::person::RecordError;

/// The expressions that only documents have, with the settings in them.
#[derive(Debug)]
pub(super) struct Documents {
    once: Compiled,
    /// The attributes that `once` uses, as places among [`Program::attributes`].
    once_slots: Vec<usize>,
    unless: Vec<Compiled>,
    /// The same for `unless`.
    unless_slots: Vec<usize>,
    remarks: Vec<Compiled>,
}

impl Documents {
    pub(super) fn new(
        rules: &DocumentRules,
        alias: &str,
        attributes: &[String],
        settings: &Value,
    ) -> Self {
        let compile =
            |expression: &Expression| Compiled::new(expression, alias, attributes, settings);
        let slots = |expressions: &[&Expression]| -> Vec<usize> {
            let used = |name: &String| {
                expressions
                    .iter()
                    .any(|expression| expression.attributes.contains(name))
            };
            let places = attributes.iter().enumerate();
            places
                .filter(|(_, name)| used(name))
                .map(|(at, _)| at)
                .collect()
        };
        let unless: Vec<&Expression> = rules.unless.iter().map(|(_, reason)| reason).collect();
        let remarks = rules.remarks.iter();
        Self {
            once: compile(&rules.once),
            once_slots: slots(&[&rules.once]),
            unless_slots: slots(&unless),
            unless: unless.into_iter().map(compile).collect(),
            remarks: remarks
                .map(|(_, remark)| Compiled::new(remark, alias, &rules.remark_attributes, settings))
                .collect(),
        }
    }
}

impl Program {
    /// The value for which the effect of a record happens once: what `once` gives, a number as text.
    ///
    /// # Errors
    /// The record has none (`missing-attribute`), it is not of the kind that the source describes
    /// (`invalid-value`), or `once` cannot be computed (`expression`), as in a flow that keeps accounts.
    pub fn once(&self, record: &Value) -> Result<SourceKey, RecordError> {
        let (_, documents) = self.documents()?;
        let view = self.view(record)?;
        self.check(&view, &documents.once_slots)?;
        let text = match documents.once.evaluate(&view) {
            Outcome::Value(Val::Text(text)) => text.into_owned(),
            Outcome::Value(Val::Int(number)) => number.to_string(),
            Outcome::Value(Val::Double(number)) => number.to_string(),
            Outcome::Value(Val::Json(Value::Number(number))) => number.to_string(),
            Outcome::Value(Val::Null) => String::new(),
            Outcome::Absent(name) => return Err(self.undecided("which document this is", name)),
            outcome => return Err(failed("once", None, &outcome, "a text or a number")),
        };
        if text.trim().is_empty() {
            return Err(RecordError {
                code: MISSING,
                attribute: None,
                message: "it cannot be said which document this is: once gives nothing".into(),
            });
        }
        Ok(SourceKey::new(text))
    }

    /// What the flow makes of a record at a moment. Only remarks depend on the moment, by the day that it
    /// is in UTC.
    ///
    /// # Errors
    /// The first reason for which nothing can be made of it, as of [`Program::evaluate`]; also for a record
    /// of which it cannot be said whether a condition under `unless` holds. A remark that depends on
    /// an attribute which may not be read does not hold.
    pub fn document(&self, record: &Value, now: Timestamp) -> Result<Paper, RecordError> {
        let (rules, documents) = self.documents()?;
        let flow = &*self.flow.0;
        let view = self.view(record)?;
        self.check(&view, &self.scope_slots)?;
        if !self.in_scope(&view)? {
            return Ok(Paper::nothing(false, None, flow.fields.len()));
        }
        self.check(&view, &documents.unless_slots)?;
        for ((name, _), reason) in rules.unless.iter().zip(&documents.unless) {
            let holds = match reason.evaluate(&view) {
                Outcome::Absent(absent) => {
                    let what = format!("whether it is wanted (unless {name})");
                    return Err(self.undecided(&what, absent));
                }
                outcome => holds(name, &outcome)?,
            };
            if holds {
                return Ok(Paper::nothing(true, Some(name.clone()), flow.fields.len()));
            }
        }
        self.check(&view, &self.other_slots)?;
        let remark = self.remark(rules, documents, record, now)?;
        Ok(Paper {
            in_scope: true,
            unless: None,
            remark,
            fields: self.values(&view)?,
        })
    }

    fn remark(
        &self,
        rules: &DocumentRules,
        documents: &Documents,
        record: &Value,
        now: Timestamp,
    ) -> Result<Option<String>, RecordError> {
        let today = Value::from(now.to_zoned(TimeZone::UTC).date().to_string());
        let flow = &*self.flow.0;
        let view = View::new(&flow.alias, &rules.remark_attributes, record).with(TODAY, &today);
        for ((name, _), remark) in rules.remarks.iter().zip(&documents.remarks) {
            let holds = match remark.evaluate(&view) {
                Outcome::Absent(_) => false,
                outcome => holds(name, &outcome)?,
            };
            if holds {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    fn documents(&self) -> Result<(&DocumentRules, &Documents), RecordError> {
        let rules = self.flow.0.document.as_ref();
        rules.zip(self.documents.as_ref()).ok_or(RecordError {
            code: EXPRESSION,
            attribute: None,
            message: "the flow delivers no documents".into(),
        })
    }

    fn undecided(&self, what: &str, absent: String) -> RecordError {
        RecordError {
            code: MISSING,
            message: format!(
                "it cannot be said {what}: {absent} may not be read; {}",
                self.allow(&absent)
            ),
            attribute: Some(absent),
        }
    }
}

/// Whether a condition holds; null does not.
fn holds(name: &str, outcome: &Outcome<'_>) -> Result<bool, RecordError> {
    match outcome {
        Outcome::Value(Val::Bool(holds)) => Ok(*holds),
        Outcome::Value(Val::Null) => Ok(false),
        outcome => Err(failed(name, None, outcome, "true or false")),
    }
}
