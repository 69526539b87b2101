//! The manifest says what the code does.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::collections::BTreeSet;

use matricula_connector_edyoucated::PROFILE;
use matricula_core::manifest::{Field, Manifest, properties};

fn manifest() -> Manifest {
    Manifest::parse(include_bytes!("../manifest.json")).unwrap()
}

#[test]
fn the_attributes_are_those_of_the_profile() {
    let manifest = manifest();
    let attributes = PROFILE.attributes.iter();
    let known: BTreeSet<&str> = attributes.map(|attribute| attribute.name).collect();
    let users = &manifest.operations["upsert-user"].schema;
    for schema in [users, &manifest.streams["accounts"].schema] {
        let described = properties(schema).unwrap().keys().map(String::as_str);
        assert_eq!(described.collect::<BTreeSet<_>>(), known);
    }
    let described = properties(users).unwrap();
    for attribute in PROFILE.attributes {
        assert_eq!(described[attribute.name]["x-label"]["en"], attribute.label);
    }
    assert_eq!(users.get("patternProperties").is_some(), PROFILE.own);
}

#[test]
fn groups_are_those_of_the_accounts() {
    let manifest = manifest();
    let groups = &manifest.operations["upsert-group"];
    assert_eq!(groups.members_of.as_deref(), Some("upsert-user"));
}

/// The names of a method's fields of which this is true.
fn fields(manifest: &Manifest, method: &str, is: fn(&Field) -> bool) -> Vec<String> {
    let fields = manifest.method(method).unwrap().fields.iter();
    fields
        .filter(|field| is(field))
        .map(|field| field.name.clone())
        .collect()
}

#[test]
fn the_token_is_secret_and_nothing_may_be_left_out() {
    let manifest = manifest();
    assert_eq!(
        fields(&manifest, "scim", |field| field.secret),
        ["scim_token"]
    );
    assert_eq!(
        fields(&manifest, "scim", |field| field.required),
        ["scim_url", "scim_token"]
    );
}

#[test]
fn nobody_is_created_without_names_and_an_address() {
    let users = &manifest().operations["upsert-user"];
    assert_eq!(
        users.schema["required"],
        serde_json::json!(["email", "first_name", "last_name"])
    );
    assert_eq!(users.active.as_deref(), Some("active"));
}
