//! The manifest says what the code does.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use std::collections::BTreeSet;

use matricula_connector_engagedly::ATTRIBUTES;
use matricula_core::manifest::{Manifest, Scheme, properties};

fn manifest() -> Manifest {
    Manifest::parse(include_bytes!("../manifest.json")).unwrap()
}

#[test]
fn the_attributes_are_those_of_the_code() {
    let manifest = manifest();
    let known: BTreeSet<&str> = ATTRIBUTES.iter().copied().collect();
    for schema in [
        &manifest.operations["upsert-user"].schema,
        &manifest.streams["accounts"].schema,
    ] {
        let described = properties(schema).unwrap();
        let described: BTreeSet<&str> = described.keys().map(String::as_str).collect();
        assert_eq!(described, known);
    }
}

#[test]
fn the_documented_limits_are_kept() {
    let manifest = manifest();
    assert_eq!(manifest.streams["accounts"].page, 50);
    let limit = &manifest.limits[0];
    assert_eq!(
        (limit.requests, limit.seconds, limit.path.as_str()),
        (200, 60, "/beta")
    );
    // What is missing is made once only if nothing else makes it at the same time.
    assert_eq!(manifest.operations["upsert-user"].concurrency, 1);
    assert!(!manifest.operations["upsert-user"].deletes);
}

#[test]
fn the_keys_go_into_headers_and_one_is_secret() {
    let manifest = manifest();
    let method = &manifest.authentication[0];
    let secret: Vec<bool> = method.fields.iter().map(|field| field.secret).collect();
    assert_eq!(secret, [false, true]);
    let Scheme::Headers { headers } = &method.sessions[0].scheme else {
        panic!("headers")
    };
    assert_eq!(headers["ClientKey"], "{client_key}");
    assert_eq!(headers["SecretKey"], "{secret_key}");
}
