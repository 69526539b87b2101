//! An owner's settings: the form's schema, and what is wrong with what was filled in.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, Validator};
use matricula_core::manifest::Manifest;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::choices::{self, ChoiceSetting};
use crate::diagnostic::did_you_mean;
use crate::expression::functions::day;
use crate::expression::types::{Shape, Type};
use crate::file::is_identifier;
use crate::mapping::{MAP_SETTING, Problem};
use crate::yaml::{Data, Fields, Name, Node, Report, Span};

/// The keys of a setting. Keywords of JSON Schema; `required: true` demands that the owner gives a value.
pub(crate) const KEYS: [&str; 20] = [
    "type",
    "enum",
    "items",
    "format",
    "default",
    "title",
    "description",
    "required",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "x-options",
    "x-labels",
    "x-default-named",
    "x-fill",
    "x-needed-when",
];
/// The keys of a list's items.
const ITEM_KEYS: [&str; 6] = [
    "type",
    "enum",
    "format",
    "minLength",
    "maxLength",
    "x-labels",
];
const TYPES: [&str; 5] = ["string", "integer", "number", "boolean", "array"];
const FORMATS: [&str; 5] = ["time-zone", "date", "date-time", "email", "uri"];

/// One setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingError {
    /// The setting; `$map.attribute` for an owner's expression.
    pub name: String,
    /// What is wrong with it.
    pub message: String,
    /// JSON pointer to it in the settings: `/name`, or `/$map/attribute` for an owner's expression.
    pub pointer: String,
    /// In an expression: where; counts from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// In characters; counts from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// In an expression: what was probably meant, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl SettingError {
    pub(crate) fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            pointer: format!("/{}", escaped(&name)),
            name,
            message: message.into(),
            line: None,
            column: None,
            hint: None,
        }
    }

    /// About what an owner wrote for an attribute of the target.
    pub(crate) fn mapped(attribute: &str, problem: Problem) -> Self {
        Self {
            pointer: format!("/{MAP_SETTING}/{}", escaped(attribute)),
            name: format!("{MAP_SETTING}.{attribute}"),
            message: problem.message,
            line: Some(problem.line),
            column: Some(problem.column),
            hint: problem.hint,
        }
    }
}

/// A key as part of a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Every setting that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct SettingsError(pub Vec<SettingError>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            write!(f, "setting {}: {}", error.name, error.message)?;
            if let (Some(line), Some(column)) = (error.line, error.column) {
                write!(f, " (at {line}:{column})")?;
            }
            if let Some(hint) = &error.hint {
                write!(f, "; {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}

/// The settings of a flow.
#[derive(Debug)]
pub(crate) struct Form {
    pub schema: Value,
    pub choices: Vec<ChoiceSetting>,
    validator: Validator,
}

impl Form {
    /// Checks what a flow file says of its settings. `connectors` are those of the flow.
    pub fn read(
        settings: &[(Name, Node)],
        connectors: [&Manifest; 2],
        report: &mut Report<'_>,
    ) -> Option<Self> {
        let before = report.found.len();
        let mut properties = Map::new();
        let (mut order, mut required) = (Vec::new(), Vec::new());
        for (name, node) in settings {
            let sound = report.found.len();
            if !is_identifier(&name.text) {
                report.add_with(
                    name.span,
                    format!("\"{}\" is not a name that expressions can use", name.text),
                    Some("a name is made of letters, digits and _".into()),
                );
            }
            let fields = node.fields(&format!("setting {}", name.text), &KEYS, report);
            let schema = setting(name, node, &fields, connectors, report);
            if fields
                .get("required")
                .is_some_and(|node| matches!(node.data, Data::Bool(true)))
            {
                required.push(name.text.clone());
            }
            if report.found.len() == sound {
                check_default(name, &schema, fields.get("default"), report);
            }
            order.push(name.text.clone());
            properties.insert(name.text.clone(), schema);
        }
        choices::needed_when(settings, report);
        if report.found.len() > before {
            return None;
        }
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
            "x-order": order,
        });
        match validator(&schema) {
            Ok(validator) => Some(Self {
                choices: choices::choices(&schema),
                schema,
                validator,
            }),
            Err(reason) => {
                let span = settings
                    .first()
                    .map_or(Span { start: 0, end: 1 }, |(name, _)| name.span);
                report.add(span, format!("the settings are no JSON Schema: {reason}"));
                None
            }
        }
    }

    /// What is known of the settings in expressions. One without a value is null.
    pub fn shape(&self) -> Shape {
        let properties = self.schema.get("properties").and_then(Value::as_object);
        let properties = properties.into_iter().flatten().map(|(name, schema)| {
            let of = Type::of_schema(schema, name);
            let given = schema.get("default").is_some() || self.required(name);
            (name.clone(), if given { of } else { of.or_null() })
        });
        Shape {
            name: "settings".into(),
            properties: properties.collect(),
            patterns: Vec::new(),
            open: false,
        }
    }

    fn required(&self, name: &str) -> bool {
        let required = self.schema.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|required| required == name))
    }

    /// The settings with their defaults filled in.
    pub fn fill(&self, given: &Value) -> Result<Value, SettingsError> {
        let mut filled = match given {
            Value::Object(entries) => entries.clone(),
            Value::Null => Map::new(),
            _ => {
                let mut error = SettingError::new("settings", "must be an object");
                error.pointer = String::new();
                return Err(SettingsError(vec![error]));
            }
        };
        // A form sends null for what was left empty.
        filled.retain(|_, value| !value.is_null());
        let properties = self.schema.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            if let Some(default) = schema.get("default") {
                filled.entry(name).or_insert_with(|| default.clone());
            }
        }
        let filled = Value::Object(filled);
        let wrong = self.wrong(&filled);
        if wrong.is_empty() {
            Ok(filled)
        } else {
            Err(SettingsError(wrong))
        }
    }

    fn wrong(&self, settings: &Value) -> Vec<SettingError> {
        let mut wrong = Vec::new();
        for error in self.validator.iter_errors(settings) {
            let path = error.instance_path().to_string();
            let name = path
                .trim_start_matches('/')
                .split('/')
                .next()
                .unwrap_or_default();
            match error.kind() {
                ValidationErrorKind::AdditionalProperties { unexpected } => {
                    for name in unexpected {
                        let hint = did_you_mean(name, self.names());
                        let message = match hint {
                            Some(hint) => format!("is unknown; {hint}"),
                            None => "is unknown; the flow has no settings".into(),
                        };
                        wrong.push(SettingError::new(name, message));
                    }
                }
                ValidationErrorKind::Required { property } => {
                    let name = property.as_str().unwrap_or_default();
                    wrong.push(SettingError::new(name, "is needed"));
                }
                kind => wrong.push(SettingError::new(name, explain(kind))),
            }
        }
        wrong.extend(choices::missing(&self.schema, settings));
        wrong.sort_by(|a, b| a.name.cmp(&b.name));
        wrong
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.schema.get("x-order").and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str)
    }
}

fn explain(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Type { kind } => {
            let kind = match kind {
                TypeKind::Single(kind) => Some(*kind),
                TypeKind::Multiple(kinds) => kinds.iter().find(|kind| *kind != JsonType::Null),
            };
            let wanted = match kind.map(JsonType::as_str) {
                Some("string") => "a text",
                Some("array") => "a list",
                Some("integer") => "a whole number",
                Some("number") => "a number",
                Some("boolean") => "true or false",
                _ => "of another kind",
            };
            format!("must be {wanted}")
        }
        ValidationErrorKind::Enum { options } => {
            let options = options
                .as_array()
                .into_iter()
                .flatten()
                .map(|option| match option {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
            format!("must be one of {}", options.collect::<Vec<_>>().join(", "))
        }
        ValidationErrorKind::Format { format } => match format.as_str() {
            "time-zone" => "is not a time zone such as Europe/Berlin".into(),
            "date" => "is not a date (YYYY-MM-DD)".into(),
            "date-time" => "is not a moment such as 2026-03-15T12:00:00Z".into(),
            "email" => "is not an e-mail address".into(),
            "uri" => "is not an address such as https://example.com".into(),
            other => format!("is not of the format {other}"),
        },
        ValidationErrorKind::Minimum { limit } => format!("must be {limit} or more"),
        ValidationErrorKind::Maximum { limit } => format!("must be {limit} or less"),
        ValidationErrorKind::MinLength { limit } => format!("needs {limit} characters or more"),
        ValidationErrorKind::MaxLength { limit } => format!("takes {limit} characters or less"),
        ValidationErrorKind::MinItems { limit } => format!("needs {limit} entries or more"),
        ValidationErrorKind::MaxItems { limit } => format!("takes {limit} entries or less"),
        ValidationErrorKind::UniqueItems => "has an entry twice".into(),
        _ => "cannot have this value".into(),
    }
}

/// Annotations are ours (`x-title` holds a text in several languages), so only the rest is validated.
fn validator(schema: &Value) -> Result<Validator, String> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("time-zone", |zone: &str| TimeZone::get(zone).is_ok())
        .with_format("date-time", |text: &str| text.parse::<Timestamp>().is_ok())
        .with_format("date", |text: &str| day(text).is_some())
        .build(schema)
        .map_err(|error| error.to_string())
}

fn setting(
    name: &Name,
    node: &Node,
    fields: &Fields<'_>,
    connectors: [&Manifest; 2],
    report: &mut Report<'_>,
) -> Value {
    let what = format!("setting {}", name.text);
    let mut schema = Map::new();
    if fields.get("type").is_none() && fields.get("enum").is_none() {
        report.add(name.span, format!("{what} needs a \"type\" or an \"enum\""));
    }
    fields.need("title", &what, report);
    for (key, value) in node.entries(&what, report) {
        match key.text.as_str() {
            "title" | "description" => {
                let texts = value.texts(&key.text, report);
                schema.insert(key.text.clone(), texts.get("en").into());
                schema.insert(format!("x-{}", key.text), json!(texts));
            }
            "items" => {
                let items = value.fields("items", &ITEM_KEYS, report);
                kinds(&items, report);
                schema.insert("items".into(), value.json());
            }
            "x-options" => choices::options(value, connectors, report),
            "required" if !matches!(value.data, Data::Bool(_)) => {
                report.add(value.first(), "required must be true or false");
            }
            _ => {}
        }
        let ours = ["title", "description", "items", "required"];
        if !ours.contains(&key.text.as_str()) {
            schema.insert(key.text.clone(), value.json());
        }
    }
    kinds(fields, report);
    if schema.get("type").is_some_and(|kind| kind == "array") {
        // A list that was left empty is an empty list.
        schema.entry("default").or_insert_with(|| json!([]));
    }
    choices::annotate(name, fields, &mut schema, report);
    Value::Object(schema)
}

/// Checks that a setting's default is one of its values.
fn check_default(name: &Name, schema: &Value, default: Option<&Node>, report: &mut Report<'_>) {
    match validator(schema) {
        Err(reason) => {
            report.add(
                name.span,
                format!("setting {} is no JSON Schema: {reason}", name.text),
            );
        }
        Ok(validator) => {
            let Some(default) = default else { return };
            if let Some(error) = validator.iter_errors(&default.json()).next() {
                report.add(
                    default.first(),
                    format!("the default {}", explain(error.kind())),
                );
            }
        }
    }
}

/// The type in `[type, "null"]`, of a setting that the owner can leave empty.
fn or_null<'n>(node: &'n Node, items: &'n [Node], report: &mut Report<'_>) -> &'n Node {
    match items {
        [of, null] if matches!(&null.data, Data::Text(null) if null == "null") => {
            if matches!(&of.data, Data::Text(of) if of == "array") {
                report.add(
                    of.span,
                    "a list is never null: left empty, it is an empty list",
                );
            }
            of
        }
        [of, ..] => {
            let hint = Some("for example type: [string, \"null\"]".to_owned());
            report.add_with(node.first(), "several types must be one and \"null\"", hint);
            of
        }
        [] => node,
    }
}

/// Checks `type`, `format`, `enum` and `x-labels`.
fn kinds(fields: &Fields<'_>, report: &mut Report<'_>) {
    for (key, known) in [("type", &TYPES[..]), ("format", &FORMATS[..])] {
        let node = fields.get(key).map(|node| match &node.data {
            Data::List(items) if key == "type" => or_null(node, items, report),
            _ => node,
        });
        if let Some(node) = node
            && let Some(name) = node.text(key, report)
            && !known.contains(&name.text.as_str())
        {
            report.add_with(
                name.span,
                format!("\"{}\" is not a {key} that a setting can have", name.text),
                did_you_mean(&name.text, known.iter().copied()),
            );
        }
    }
    for (key, whole) in [
        ("minLength", true),
        ("maxLength", true),
        ("minItems", true),
        ("maxItems", true),
        ("minimum", false),
        ("maximum", false),
    ] {
        if let Some(node) = fields.get(key) {
            let fits = match node.data {
                Data::Int(number) => !whole || number >= 0,
                Data::Float(_) => !whole,
                _ => false,
            };
            if !fits {
                report.add(node.first(), format!("{key} must be a number"));
            }
        }
    }
    let choices = match fields.get("enum") {
        Some(Node {
            data: Data::List(items),
            ..
        }) if !items.is_empty() => items.iter().map(Node::json).collect(),
        Some(node) => {
            report.add(node.first(), "enum must be a list of values");
            Vec::new()
        }
        None => Vec::new(),
    };
    if let Some(labels) = fields.get("x-labels") {
        for (choice, label) in labels.entries("x-labels", report) {
            if !choices
                .iter()
                .any(|value| value.as_str() == Some(&choice.text))
            {
                let message = format!("\"{}\" is none of the values under enum", choice.text);
                report.add(choice.span, message);
            }
            label.texts("a label", report);
        }
    }
}
