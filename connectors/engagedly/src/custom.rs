//! Attributes that an organisation has made up.
//!
//! A flow names them by title, as people know them, or by key. A value is brought into the form that the
//! attribute takes; one that cannot be is refused here, since Engagedly's own refusal names only the key. Whatever is
//! wrong concerns those who have a value for it: nobody who only has to be blocked waits for the mapping's correction.

use matricula_sdk::{Context, Failure, FailureKind, Result, json as body};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::api;

const PATH: &str = "user-attributes";

/// One of the organisation's own attributes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Custom {
    #[serde(rename = "k")]
    pub(crate) key: String,
    #[serde(rename = "n")]
    pub(crate) title: String,
    #[serde(rename = "d")]
    pub(crate) kind: String,
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<String>,
    #[serde(skip)]
    pub(crate) mandatory: bool,
}

/// An attribute of Engagedly's own that every user must have.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) custom: Vec<Custom>,
    /// Key and title of the system's attributes that are mandatory.
    pub(crate) mandatory: Vec<(String, String)>,
}

impl Catalogue {
    /// All of the organisation's attributes; none where it has no such list.
    pub(crate) fn read(cx: &Context<'_>) -> Result<Option<Self>> {
        let Some(data) = api::get_if_there(cx, PATH)? else {
            return Ok(None);
        };
        let mut catalogue = Self::default();
        for entry in api::list(data, PATH)? {
            let text = |name: &str| entry.get(name).and_then(body::text).map(str::to_owned);
            let Some(key) = text("attribute_key") else {
                continue;
            };
            let title = text("name").unwrap_or_else(|| key.clone());
            let mandatory = entry["mandatory"] == true;
            if entry["preset"] == true {
                if mandatory {
                    catalogue.mandatory.push((key, title));
                }
                continue;
            }
            let options = entry["attribute_options"].as_array();
            let options = options.into_iter().flatten();
            let options = options.filter_map(|option| body::text(option.get("value")?));
            catalogue.custom.push(Custom {
                options: options.map(str::to_owned).collect(),
                kind: text("data_type").unwrap_or_default(),
                key,
                title,
                mandatory,
            });
        }
        Ok(Some(catalogue))
    }
}

/// The values to send, by key; null where the attribute has nothing that stands for no value.
pub(crate) fn values(known: &[Custom], wanted: &Map<String, Value>) -> Result<Map<String, Value>> {
    let mut values = Map::new();
    for (name, value) in wanted {
        let attribute = attribute(known, name)?;
        let converted = convert(attribute, value).ok_or_else(|| {
            Failure::new(
                FailureKind::Input,
                format!(
                    "Engagedly's attribute \"{}\" does not take this value: {}",
                    attribute.title,
                    takes(attribute)
                ),
            )
            .code("custom-value")
        })?;
        if values.insert(attribute.key.clone(), converted).is_some() {
            return Err(Failure::new(
                FailureKind::Input,
                format!(
                    "the automation gives Engagedly's attribute \"{}\" twice, by its title and by its key",
                    attribute.title
                ),
            )
            .code("custom-attribute"));
        }
    }
    Ok(values)
}

fn attribute<'k>(known: &'k [Custom], name: &str) -> Result<&'k Custom> {
    let name = name.trim();
    if let Some(attribute) = known.iter().find(|attribute| attribute.key == name) {
        return Ok(attribute);
    }
    let titled = |same: &dyn Fn(&str) -> bool| -> Vec<&'k Custom> {
        known
            .iter()
            .filter(|attribute| same(&attribute.title))
            .collect()
    };
    let mut found = titled(&|title| title == name);
    if found.is_empty() {
        let folded = name.to_lowercase();
        found = titled(&|title| title.to_lowercase() == folded);
    }
    let (what, to_do) = match found.as_slice() {
        [attribute] => return Ok(attribute),
        [] => ("no", "choose one of those that are there"),
        _ => ("several", "name the one that is meant by its key"),
    };
    Err(Failure::new(
        FailureKind::Input,
        format!(
            "Engagedly has {what} custom attributes called \"{name}\": {to_do}, in the automation's mapping"
        ),
    )
    .code("custom-attribute"))
}

fn takes(attribute: &Custom) -> String {
    match attribute.kind.as_str() {
        "number" => "it is a number".to_owned(),
        "boolean" => "it is yes or no".to_owned(),
        "date" => "it is a date".to_owned(),
        "single-select" | "multiple-select" => {
            "it takes only what can be chosen there; add the choice in Engagedly".to_owned()
        }
        "document" => "files cannot be sent to it".to_owned(),
        _ => "it is a text".to_owned(),
    }
}

/// The value as the attribute takes it; none if it cannot take it. Only texts and lists can be empty: yes or no
/// takes nothing else, a choice one of those that there are, and numbers and dates are told with examples only.
fn convert(attribute: &Custom, value: &Value) -> Option<Value> {
    if value.is_null() {
        return Some(match attribute.kind.as_str() {
            "number" | "boolean" | "date" | "single-select" | "document" => Value::Null,
            "multiple-select" => json!([]),
            _ => json!(""),
        });
    }
    match attribute.kind.as_str() {
        "number" => match value {
            Value::Number(_) => Some(value.clone()),
            Value::String(text) => {
                let number: Value = serde_json::from_str(text.trim()).ok()?;
                number.is_number().then_some(number)
            }
            _ => None,
        },
        "boolean" => value.is_boolean().then(|| value.clone()),
        "single-select" => Some(json!(choice(attribute, value)?)),
        "multiple-select" => {
            let one = std::slice::from_ref(value);
            let values = value.as_array().map_or(one, Vec::as_slice);
            let choices: Option<Vec<&str>> = values
                .iter()
                .map(|value| choice(attribute, value))
                .collect();
            Some(json!(choices?))
        }
        "document" => None,
        // A date is a text to both.
        _ => match value {
            Value::String(_) => Some(value.clone()),
            Value::Number(number) => Some(json!(number.to_string())),
            _ => None,
        },
    }
}

fn choice<'a>(attribute: &'a Custom, value: &'a Value) -> Option<&'a str> {
    let text = value.as_str()?.trim();
    let options = &attribute.options;
    let exact = options.iter().find(|option| *option == text);
    let found = exact.or_else(|| {
        let folded = text.to_lowercase();
        options
            .iter()
            .find(|option| option.to_lowercase() == folded)
    });
    found.map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn custom(key: &str, title: &str, kind: &str, options: &[&str]) -> Custom {
        Custom {
            key: key.to_owned(),
            title: title.to_owned(),
            kind: kind.to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            mandatory: false,
        }
    }

    fn sent(wanted: Value) -> std::result::Result<Value, Option<String>> {
        let known = [
            custom("custom-attribute-1", "Cost center", "text", &[]),
            custom("custom-attribute-2", "Grade", "number", &[]),
            custom("custom-attribute-3", "Remote", "boolean", &[]),
            custom("custom-attribute-4", "Shirt", "single-select", &["S", "M"]),
            custom(
                "custom-attribute-5",
                "Skills",
                "multiple-select",
                &["Rust", "Go"],
            ),
            custom("custom-attribute-6", "Twice", "text", &[]),
            custom("custom-attribute-7", "Twice", "text", &[]),
            custom("custom-attribute-8", "CV", "document", &[]),
        ];
        let wanted = wanted.as_object().cloned().unwrap_or_default();
        match values(&known, &wanted) {
            Ok(values) => Ok(Value::Object(values)),
            Err(failure) => Err(failure.code),
        }
    }

    #[test]
    fn titles_become_keys_and_values_what_the_attribute_takes() {
        let wanted = json!({"cost CENTER": 47, "Grade": " 8.5 ", "custom-attribute-3": true, "Shirt": "m",
            "Skills": ["rust", "Go"], "custom-attribute-6": null});
        let expected = json!({"custom-attribute-1": "47", "custom-attribute-2": 8.5, "custom-attribute-3": true,
            "custom-attribute-4": "M", "custom-attribute-5": ["Rust", "Go"], "custom-attribute-6": ""});
        assert_eq!(sent(wanted), Ok(expected));
        assert_eq!(
            sent(json!({"Skills": "GO"})),
            Ok(json!({"custom-attribute-5": ["Go"]}))
        );
        assert_eq!(
            sent(json!({"Grade": null, "Remote": null, "Shirt": null, "Skills": null})),
            Ok(
                json!({"custom-attribute-2": null, "custom-attribute-3": null, "custom-attribute-4": null,
                "custom-attribute-5": []})
            )
        );
    }

    #[test]
    fn what_it_does_not_take_and_what_there_is_not_is_refused() {
        for wrong in [
            json!({"Grade": "high"}),
            json!({"Remote": "yes"}),
            json!({"Shirt": "XXL"}),
            json!({"Skills": ["Rust", "Cobol"]}),
            json!({"Cost center": ["a"]}),
            json!({"CV": "x"}),
        ] {
            assert_eq!(
                sent(wrong.clone()),
                Err(Some("custom-value".into())),
                "{wrong}"
            );
        }
        for unknown in [
            json!({"Room": "1"}),
            json!({"Twice": "1"}),
            json!({"Shirt": "S", "custom-attribute-4": "M"}),
        ] {
            assert_eq!(
                sent(unknown.clone()),
                Err(Some("custom-attribute".into())),
                "{unknown}"
            );
        }
    }
}
