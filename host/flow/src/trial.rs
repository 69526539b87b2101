//! An expression that an owner is writing: what is wrong with it, and what it gives.

use serde::Serialize;
use serde_json::{Value, json};

use crate::flow::Flow;
use crate::mapping::{Overrides, Problem, split};
use crate::person::FieldValue;
use crate::program::Program;

/// What came of an expression that was tried.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tried {
    /// What is wrong with it, by position; empty: it can be kept as it is.
    pub problems: Vec<Problem>,
    /// The top-level attributes of the source that it reads, sorted; empty if something is wrong with it.
    pub reads: Vec<String>,
    /// What it gives for the record; null clears the attribute. An account of another person is
    /// `{"person": key}`. None: nothing is wrong and no record was given, or see `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Why it gives nothing for the record: something in the record or in the settings is wrong, or the record lacks an
    /// attribute, in which case the target's value is left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Flow {
    /// Checks an expression that an owner is writing for an open attribute as [`Flow::program`] does, and, if
    /// it is right and a record is given, evaluates it with these settings, defaults filled in; what they say
    /// of the mapping (`$map`) is not looked at. The work that is done is bounded, whatever is given.
    pub fn try_expression(
        &self,
        field: &str,
        expression: &str,
        record: Option<&Value>,
        settings: &Value,
    ) -> Tried {
        let (at, expression) = match self.0.checked_expression(field, expression) {
            Ok(checked) => checked,
            Err(problems) => {
                return Tried {
                    problems,
                    ..Tried::default()
                };
            }
        };
        let mut tried = Tried {
            reads: expression.attributes.iter().cloned().collect(),
            ..Tried::default()
        };
        let Some(record) = record else {
            return tried;
        };
        let (form, _) = split(settings);
        let program = self.0.form.fill(&form).and_then(|settings| {
            let overrides = Overrides::from([(at, Some(expression))]);
            Program::build(self.clone(), settings, None, overrides)
        });
        match program.map_err(|wrong| wrong.to_string()) {
            Err(reason) => tried.error = Some(reason),
            Ok(program) => match program.try_field(at, record) {
                Ok(FieldValue::Value(value)) => tried.value = Some(value),
                Ok(FieldValue::Reference(key)) => {
                    let value = key.map_or(Value::Null, |key| json!({ "person": key.as_str() }));
                    tried.value = Some(value);
                }
                Ok(FieldValue::Absent) => {
                    let message = "the record lacks what it reads: the attribute is left as it is";
                    tried.error = Some(message.to_owned());
                }
                Err(wrong) => tried.error = Some(wrong.message),
            },
        }
        tried
    }
}
