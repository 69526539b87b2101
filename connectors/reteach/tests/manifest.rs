//! The manifest says what the code does.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::collections::BTreeSet;

use matricula_connector_reteach::PROFILE;
use matricula_core::manifest::{Manifest, Scheme, properties};

fn manifest() -> Manifest {
    Manifest::parse(include_bytes!("../manifest.json")).unwrap()
}

#[test]
fn the_attributes_are_those_of_the_profile() {
    let manifest = manifest();
    let known: BTreeSet<&str> = PROFILE
        .attributes
        .iter()
        .map(|attribute| attribute.name)
        .collect();
    for schema in [
        &manifest.operations["upsert-user"].schema,
        &manifest.streams["accounts"].schema,
    ] {
        let described: BTreeSet<&str> = properties(schema)
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(described, known);
    }
    let described = properties(&manifest.operations["upsert-user"].schema).unwrap();
    for attribute in PROFILE.attributes {
        assert_eq!(described[attribute.name]["x-label"]["en"], attribute.label);
    }
}

#[test]
fn secrets_are_marked_and_only_the_api_may_be_left_out() {
    let manifest = manifest();
    let method = &manifest.authentication[0];
    let is = |test: fn(&matricula_core::manifest::Field) -> bool| -> Vec<&str> {
        method
            .fields
            .iter()
            .filter(|field| test(field))
            .map(|field| field.name.as_str())
            .collect()
    };
    assert_eq!(
        is(|field| field.secret),
        ["scim_token", "client_secret", "client_code"]
    );
    assert_eq!(is(|field| field.required), ["scim_url", "scim_token"]);
    let Scheme::Token(token) = &method.sessions[1].scheme else {
        panic!("a token exchange")
    };
    assert_eq!(token.fields["grant_type"], "authorization_code");
    assert_eq!(
        token.refresh.as_ref().unwrap().fields["refresh_token"],
        "{refresh_token}"
    );
}
