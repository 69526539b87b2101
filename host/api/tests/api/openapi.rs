//! The description of the API, from which the page's types are made.

use std::collections::BTreeSet;

use matricula_api::openapi;
use serde_json::Value;

#[test]
fn the_description_that_is_kept_is_that_of_the_code() {
    let kept = include_str!("../../openapi.json");
    let now = openapi().to_pretty_json().unwrap();
    // Not by assert_eq: the two are long.
    assert!(
        kept.trim_end() == now,
        "host/api/openapi.json is out of date: run `cargo xtask openapi`"
    );
}

#[test]
fn every_operation_says_what_it_is_for_and_how_it_fails() {
    let api = serde_json::to_value(openapi()).unwrap();
    let mut ids = BTreeSet::new();
    for (path, operations) in api["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{what}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{what}");
            let default = &operation["responses"]["default"]["content"];
            assert!(default["application/problem+json"].is_object(), "{what}");
            // Clients name their functions by it.
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{what}: {id} is there twice");
        }
    }
    assert!(ids.len() > 10);
}

#[test]
fn every_schema_that_is_named_is_there() {
    fn walk(value: &Value, schemas: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(name)) = members.get("$ref") {
                    let name = name.strip_prefix("#/components/schemas/").unwrap();
                    assert!(schemas[name].is_object(), "{name}");
                }
                members.values().for_each(|value| walk(value, schemas));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, schemas)),
            _ => {}
        }
    }
    let api = serde_json::to_value(openapi()).unwrap();
    walk(&api, &api["components"]["schemas"]);
}
