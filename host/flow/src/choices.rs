//! What the host does about settings: choices that are looked up, values that it fills in itself, and
//! settings that are only needed together with a value of another.

use jiff::Timestamp;
use matricula_core::manifest::Manifest;
use serde_json::{Map, Value};

use crate::diagnostic::did_you_mean;
use crate::settings::SettingError;
use crate::yaml::{Data, Fields, Name, Node, Report};

/// A setting whose choices are looked up in one of the flow's two systems.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChoiceSetting {
    /// The setting's name.
    pub setting: String,
    /// The connector that knows the choices.
    pub connector: String,
    /// The lookup of that connector.
    pub lookup: String,
    /// Whether the setting takes a list of choices.
    pub many: bool,
    /// Where the setting is null: the choice of the first of these names that there is is taken. Empty: null
    /// stays null.
    pub named: Vec<String>,
}

/// Checks that the lookup that a choice names exists.
pub(crate) fn options(node: &Node, connectors: [&Manifest; 2], report: &mut Report<'_>) {
    let fields = node.fields("x-options", &["connector", "lookup"], report);
    let connector = fields.need("connector", "x-options", report);
    let lookup = fields.need("lookup", "x-options", report);
    let Some(connector) = connector.and_then(|node| node.text("connector", report)) else {
        return;
    };
    let Some(lookup) = lookup.and_then(|node| node.text("lookup", report)) else {
        return;
    };
    match connectors
        .iter()
        .find(|manifest| manifest.id == connector.text)
    {
        Some(manifest) if manifest.lookups.contains_key(&lookup.text) => {}
        Some(manifest) => report.add_with(
            lookup.span,
            format!("{} has no lookup \"{}\"", manifest.id, lookup.text),
            did_you_mean(&lookup.text, manifest.lookups.keys().map(String::as_str)),
        ),
        None => report.add_with(
            connector.span,
            format!("\"{}\" is none of the flow's connectors", connector.text),
            did_you_mean(
                &connector.text,
                connectors.map(|manifest| manifest.id.as_str()),
            ),
        ),
    }
}

/// Checks `x-default-named` and `x-fill` of a setting, and hides a setting that the host fills in.
pub(crate) fn annotate(
    name: &Name,
    fields: &Fields<'_>,
    schema: &mut Map<String, Value>,
    report: &mut Report<'_>,
) {
    let nullable = is_nullable(fields, schema);
    if let Some(node) = fields.get("x-default-named") {
        let named = match &node.data {
            Data::List(items) if !items.is_empty() => items
                .iter()
                .all(|item| matches!(&item.data, Data::Text(name) if !name.trim().is_empty())),
            _ => false,
        };
        let span = fields.key("x-default-named");
        if !named {
            let message = "x-default-named must be a list of names";
            report.add(node.first(), message);
        } else if fields.get("x-options").is_none() {
            let message = "x-default-named only goes with x-options, where it looks for the names";
            report.add(span, message);
        } else if !nullable {
            report.add_with(
                span,
                format!(
                    "setting {} is never null, so no default is looked for",
                    name.text
                ),
                Some("write type: [string, \"null\"] and default: null".into()),
            );
        }
    }
    if let Some(node) = fields.get("x-fill")
        && let Some(fill) = node.text("x-fill", report)
    {
        let moment = schema
            .get("format")
            .is_some_and(|format| format == "date-time");
        if fill.text != "start" {
            report.add_with(
                fill.span,
                format!("\"{}\" is nothing that a setting is filled with", fill.text),
                did_you_mean(&fill.text, ["start"]),
            );
        } else if !moment || !nullable {
            report.add_with(
                fields.key("x-fill"),
                format!("setting {} cannot hold the moment of the start", name.text),
                Some("write type: [string, \"null\"], format: date-time and default: null".into()),
            );
        }
        schema.insert("x-hidden".into(), true.into());
    }
}

/// Whether null is a value of a setting: for one that the owner left empty.
fn is_nullable(fields: &Fields<'_>, schema: &Map<String, Value>) -> bool {
    let required = fields
        .get("required")
        .is_some_and(|node| matches!(node.data, Data::Bool(true)));
    let default = schema.get("default");
    !required && default.is_none_or(Value::is_null)
}

/// Checks that what stands under `x-needed-when` are values of other settings.
pub(crate) fn needed_when(settings: &[(Name, Node)], report: &mut Report<'_>) {
    for (own, node) in settings {
        let Data::Map(entries) = &node.data else {
            continue;
        };
        let Some((_, condition)) = entries.iter().find(|(key, _)| key.text == "x-needed-when")
        else {
            continue;
        };
        for (name, value) in condition.entries("x-needed-when", report) {
            let others = settings.iter().filter(|(other, _)| other.text != own.text);
            let Some((_, other)) = others.clone().find(|(other, _)| other.text == name.text) else {
                report.add_with(
                    name.span,
                    format!("there is no other setting \"{}\"", name.text),
                    did_you_mean(&name.text, others.map(|(other, _)| other.text.as_str())),
                );
                continue;
            };
            let other = other.json();
            if let Some(choices) = other.get("enum").and_then(Value::as_array)
                && !choices.contains(&value.json())
            {
                let message = format!("this is none of the values of the setting {}", name.text);
                let known = choices.iter().filter_map(Value::as_str);
                let hint = did_you_mean(value.json().as_str().unwrap_or_default(), known);
                report.add_with(value.first(), message, hint);
            }
        }
    }
}

/// The settings that are needed beside the others and are not there.
pub(crate) fn missing(schema: &Value, settings: &Value) -> Vec<SettingError> {
    let mut missing = Vec::new();
    for (name, property) in properties(schema) {
        let Some(condition) = property.get("x-needed-when").and_then(Value::as_object) else {
            continue;
        };
        let given = settings.get(name).is_some_and(|value| !value.is_null());
        let needed = condition
            .iter()
            .all(|(other, value)| settings.get(other) == Some(value));
        if needed && !given {
            let values = condition.iter().map(|(other, value)| match value {
                Value::String(text) => format!("{other} is {text}"),
                value => format!("{other} is {value}"),
            });
            let values: Vec<String> = values.collect();
            let message = format!("is needed where {}", values.join(" and "));
            missing.push(SettingError::new(name, message));
        }
    }
    missing
}

/// The settings of a form whose choices are looked up, in the form's order.
pub(crate) fn choices(schema: &Value) -> Vec<ChoiceSetting> {
    let order = schema.get("x-order").and_then(Value::as_array);
    let names = order.into_iter().flatten().filter_map(Value::as_str);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    names
        .filter_map(|name| {
            let property = schema.get("properties")?.get(name)?;
            let options = property.get("x-options")?;
            let named = property.get("x-default-named").and_then(Value::as_array);
            Some(ChoiceSetting {
                setting: name.to_owned(),
                connector: text(options.get("connector")),
                lookup: text(options.get("lookup")),
                many: property.get("type").is_some_and(|kind| kind == "array"),
                named: named
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            })
        })
        .collect()
}

/// Fills in the moment of the start where it is not filled in yet; to the second.
pub(crate) fn at_start(schema: &Value, settings: &mut Value, now: Timestamp) {
    if settings.is_null() {
        *settings = Value::Object(Map::new());
    }
    let Some(settings) = settings.as_object_mut() else {
        return;
    };
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    for (name, property) in properties(schema) {
        let filled = settings.get(name).is_some_and(|value| !value.is_null());
        if !filled && property.get("x-fill").is_some_and(|fill| fill == "start") {
            settings.insert(name.clone(), now.to_string().into());
        }
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten()
}
