//! The manifest says what the code does.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::collections::BTreeSet;

use matricula_connector_winningtemp::PROFILE;
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
    assert_eq!(is(|field| field.secret), ["scim_token", "client_secret"]);
    assert_eq!(is(|field| field.required), ["scim_url", "scim_token"]);
    let Scheme::Token(token) = &method.sessions[1].scheme else {
        panic!("a token exchange")
    };
    assert_eq!(token.fields["grant_type"], "client_credentials");
    let basic = token.basic.as_ref().unwrap();
    assert_eq!(
        (basic.user.as_str(), basic.password.as_str()),
        ("{client_id}", "{client_secret}")
    );
    assert!(token.refresh.is_none(), "Winningtemp has no refresh token");
}
