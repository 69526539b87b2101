//! Values against the schemas of a manifest, fast enough for every attribute of every record.
//!
//! A schema of the usual keywords is compiled to a `Check`; one with others is left to `jsonschema`.
//! What is wrong is said without the value.

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde_json::{Map, Value};

use crate::expression::functions::day;

/// The keywords that a [`Check`] knows; annotations begin with `x-` or are among these too.
const KEYWORDS: [&str; 21] = [
    "type",
    "format",
    "enum",
    "const",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "items",
    "properties",
    "patternProperties",
    "additionalProperties",
    "required",
    "title",
    "description",
    "default",
    "examples",
    "$comment",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// A compiled schema.
#[derive(Debug)]
pub(crate) enum Check {
    Usual(Box<Usual>),
    Other(Box<jsonschema::Validator>),
}

#[derive(Debug, Default)]
pub(crate) struct Usual {
    /// JSON types; empty allows all.
    types: Vec<Kind>,
    format: Option<Format>,
    choices: Option<Vec<Value>>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    items: Option<Check>,
    properties: Vec<(String, Check)>,
    patterns: Vec<(regex::Regex, Check)>,
    closed: bool,
    required: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    Text,
    List,
    Object,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Date,
    Moment,
}

/// What is wrong with a value: where inside it (`.name`), and what (`is not a date`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub path: String,
    pub what: String,
}

impl Check {
    /// Compiles a schema.
    pub fn new(schema: &Value) -> Result<Self, String> {
        match schema {
            Value::Object(schema) if is_usual(schema) => {
                Ok(Self::Usual(Box::new(Usual::new(schema)?)))
            }
            schema => jsonschema::options()
                .should_validate_formats(true)
                .build(schema)
                .map(|validator| Self::Other(Box::new(validator)))
                .map_err(|error| error.to_string()),
        }
    }

    /// What is wrong with a value; none: nothing.
    pub fn problem(&self, value: &Value) -> Option<Problem> {
        match self {
            Self::Usual(usual) => usual.problem(value),
            Self::Other(validator) if validator.is_valid(value) => None,
            Self::Other(_) => Some(Problem::new("is not of the kind that it must be")),
        }
    }
}

impl Problem {
    fn new(what: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            what: what.into(),
        }
    }

    fn below(mut self, step: &str) -> Self {
        self.path.insert_str(0, step);
        self
    }
}

fn is_usual(schema: &Map<String, Value>) -> bool {
    let known = |key: &String| KEYWORDS.contains(&key.as_str()) || key.starts_with("x-");
    let plain = |key: &str| matches!(schema.get(key), None | Some(Value::Bool(_)));
    schema.keys().all(known) && plain("additionalProperties")
}

impl Usual {
    fn new(schema: &Map<String, Value>) -> Result<Self, String> {
        let mut usual = Self::default();
        match schema.get("type") {
            None => {}
            Some(Value::String(name)) => usual.types.push(kind(name)?),
            Some(Value::Array(names)) => {
                for name in names {
                    usual.types.push(kind(name.as_str().unwrap_or_default())?);
                }
            }
            Some(_) => return Err("\"type\" must be a text or a list of texts".into()),
        }
        usual.format = match schema.get("format").and_then(Value::as_str) {
            Some("date") => Some(Format::Date),
            Some("date-time") => Some(Format::Moment),
            _ => None,
        };
        usual.choices = match (schema.get("enum"), schema.get("const")) {
            (Some(Value::Array(values)), _) => Some(values.clone()),
            (_, Some(value)) => Some(vec![value.clone()]),
            _ => None,
        };
        let length = |key: &str| schema.get(key).and_then(Value::as_u64);
        usual.min_length = length("minLength");
        usual.max_length = length("maxLength");
        let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
        usual.minimum = limit("minimum");
        usual.maximum = limit("maximum");
        usual.items = schema.get("items").map(Check::new).transpose()?;
        for (name, schema) in object(schema, "properties") {
            usual.properties.push((name.clone(), Check::new(schema)?));
        }
        for (pattern, schema) in object(schema, "patternProperties") {
            let pattern = regex::Regex::new(pattern).map_err(|error| error.to_string())?;
            usual.patterns.push((pattern, Check::new(schema)?));
        }
        usual.closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        if let Some(Value::Array(names)) = schema.get("required") {
            usual.required = names
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
        }
        Ok(usual)
    }

    fn problem(&self, value: &Value) -> Option<Problem> {
        if !self.types.is_empty() && !self.types.iter().any(|kind| kind.is(value)) {
            return Some(Problem::new(format!("is not {}", self.wanted())));
        }
        if let Some(choices) = &self.choices
            && !choices.contains(value)
        {
            return Some(Problem::new("is none of the values that it can have"));
        }
        match value {
            Value::String(text) => self.text_problem(text),
            Value::Number(number) => {
                let number = number.as_f64()?;
                let low = self.minimum.is_some_and(|minimum| number < minimum);
                let high = self.maximum.is_some_and(|maximum| number > maximum);
                if low {
                    Some(Problem::new("is too small"))
                } else {
                    high.then(|| Problem::new("is too large"))
                }
            }
            Value::Array(items) => {
                let check = self.items.as_ref()?;
                let wrong = |(at, item)| {
                    check
                        .problem(item)
                        .map(|problem| problem.below(&format!("[{at}]")))
                };
                items.iter().enumerate().find_map(wrong)
            }
            Value::Object(entries) => self.object_problem(entries),
            Value::Null | Value::Bool(_) => None,
        }
    }

    fn text_problem(&self, text: &str) -> Option<Problem> {
        match self.format {
            Some(Format::Date) if day(text).is_none() => {
                return Some(Problem::new("is not a date"));
            }
            Some(Format::Moment) if !is_moment(text) => {
                return Some(Problem::new("is not a date with time"));
            }
            _ => {}
        }
        if self.min_length.is_none() && self.max_length.is_none() {
            return None;
        }
        let length = text.chars().count() as u64;
        if self.min_length.is_some_and(|least| length < least) {
            return Some(Problem::new("is too short"));
        }
        let most = self.max_length.filter(|most| length > *most)?;
        Some(Problem::new(format!("is longer than {most} characters")))
    }

    fn object_problem(&self, entries: &Map<String, Value>) -> Option<Problem> {
        if let Some(name) = self
            .required
            .iter()
            .find(|name| !entries.contains_key(*name))
        {
            return Some(Problem::new("is missing").below(&format!(".{name}")));
        }
        for (name, check) in &self.properties {
            if let Some(value) = entries.get(name)
                && let Some(problem) = check.problem(value)
            {
                return Some(problem.below(&format!(".{name}")));
            }
        }
        if self.patterns.is_empty() && !self.closed {
            return None;
        }
        for (name, value) in entries {
            let mut known = self.properties.iter().any(|(property, _)| property == name);
            for (pattern, check) in &self.patterns {
                if pattern.is_match(name) {
                    known = true;
                    if let Some(problem) = check.problem(value) {
                        return Some(problem.below(&format!(".{name}")));
                    }
                }
            }
            if self.closed && !known {
                return Some(Problem::new("is unknown").below(&format!(".{name}")));
            }
        }
        None
    }

    /// What it must be, null left out.
    fn wanted(&self) -> String {
        let date = self.format == Some(Format::Date);
        let named = self
            .types
            .iter()
            .filter(|kind| **kind != Kind::Null)
            .map(|kind| match kind {
                Kind::Text if date => "a date",
                Kind::Text if self.format.is_some() => "a date with time",
                Kind::Text => "a text",
                Kind::Boolean => "true or false",
                Kind::Integer => "a whole number",
                Kind::Number => "a number",
                Kind::List => "a list",
                Kind::Object => "an object",
                Kind::Null => "empty",
            });
        let named: Vec<&str> = named.collect();
        if named.is_empty() {
            "empty".into()
        } else {
            named.join(" or ")
        }
    }
}

fn object<'s>(
    schema: &'s Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = (&'s String, &'s Value)> {
    schema
        .get(key)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn kind(name: &str) -> Result<Kind, String> {
    Ok(match name {
        "null" => Kind::Null,
        "boolean" => Kind::Boolean,
        "integer" => Kind::Integer,
        "number" => Kind::Number,
        "string" => Kind::Text,
        "array" => Kind::List,
        "object" => Kind::Object,
        other => return Err(format!("\"{other}\" is no JSON type")),
    })
}

impl Kind {
    fn is(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Null, Value::Null)
            | (Self::Boolean, Value::Bool(_))
            | (Self::Number, Value::Number(_))
            | (Self::Text, Value::String(_))
            | (Self::List, Value::Array(_))
            | (Self::Object, Value::Object(_)) => true,
            (Self::Integer, Value::Number(number)) => {
                !number.is_f64() || number.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            _ => false,
        }
    }
}

/// A date with time, with or without an offset.
fn is_moment(text: &str) -> bool {
    text.parse::<Timestamp>().is_ok() || text.parse::<DateTime>().is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(schema: Value, value: Value) -> Option<String> {
        let problem = Check::new(&schema).unwrap().problem(&value);
        problem.map(|Problem { path, what }| format!("{path} {what}"))
    }

    #[test]
    fn what_is_wrong_is_named_without_the_value() {
        let date = json!({"type": ["string", "null"], "format": "date", "x-label": {"en": "End"}});
        assert_eq!(problem(date.clone(), json!("2026-02-28")), None);
        assert_eq!(problem(date.clone(), Value::Null), None);
        assert_eq!(
            problem(date.clone(), json!("2026-02-30")).unwrap(),
            " is not a date"
        );
        assert_eq!(
            problem(date.clone(), json!("0000-00-00")).unwrap(),
            " is not a date"
        );
        assert_eq!(problem(date, json!(20260228)).unwrap(), " is not a date");
        let object = json!({"type": ["object", "null"], "properties": {"id": {"type": "integer"}}});
        assert_eq!(
            problem(object.clone(), json!({"id": "x"})).unwrap(),
            ".id is not a whole number"
        );
        assert_eq!(
            problem(object.clone(), json!({"id": 1.0, "other": true})),
            None
        );
        assert_eq!(problem(object, json!([])).unwrap(), " is not an object");
        let list = json!({"type": "array", "items": {"type": "string", "maxLength": 2}});
        assert_eq!(
            problem(list, json!(["a", "abc"])).unwrap(),
            "[1] is longer than 2 characters"
        );
        let choice = json!({"enum": ["a", "b", null]});
        assert_eq!(problem(choice.clone(), json!("a")), None);
        assert_eq!(
            problem(choice, json!("c")).unwrap(),
            " is none of the values that it can have"
        );
        let range = json!({"type": "number", "minimum": 0, "maximum": 1});
        assert_eq!(problem(range.clone(), json!(2)).unwrap(), " is too large");
        assert_eq!(problem(range, json!(-1)).unwrap(), " is too small");
        let moment = json!({"type": "string", "format": "date-time"});
        assert_eq!(
            problem(moment.clone(), json!("2026-02-28T10:00:00+01:00")),
            None
        );
        assert_eq!(
            problem(moment, json!("2026-02-30T10:00:00Z")).unwrap(),
            " is not a date with time"
        );
        let closed = json!({"properties": {"a": {}}, "patternProperties": {"^x_": {"type": "null"}},
            "additionalProperties": false, "required": ["a"]});
        assert_eq!(problem(closed.clone(), json!({"a": 1, "x_b": null})), None);
        assert_eq!(
            problem(closed.clone(), json!({"a": 1, "b": 1})).unwrap(),
            ".b is unknown"
        );
        assert_eq!(
            problem(closed.clone(), json!({"a": 1, "x_b": 1})).unwrap(),
            ".x_b is not empty"
        );
        assert_eq!(problem(closed, json!({})).unwrap(), ".a is missing");
    }

    #[test]
    fn keywords_that_are_not_compiled_are_checked_all_the_same() {
        let schema = json!({"type": "string", "pattern": "^[A-Z]+$"});
        assert_eq!(problem(schema.clone(), json!("ABC")), None);
        assert!(problem(schema, json!("abc")).is_some());
        let either = json!({"anyOf": [{"type": "string"}, {"type": "integer"}]});
        assert!(problem(either.clone(), json!(true)).is_some());
        assert_eq!(problem(either, json!(3)), None);
        assert!(Check::new(&json!({"type": "strin"})).is_err());
    }
}
