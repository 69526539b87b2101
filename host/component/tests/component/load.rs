//! What is not loaded, and what is said about it. The components are written by hand: each is wrong in
//! one way.

use matricula_component::{Limits, LoadError, Refusal, inspect};
use matricula_core::connector::Connector as _;

use crate::support::{assert_works, call, fixtures, host, only, read};

fn manifest(contract: &str, more: &str) -> String {
    format!(
        r#"{{"contract":"{contract}","id":"odd","version":"1.0.0","title":{{"en":"Odd"}},
        "authentication":[],"origins":[]{more}}}"#
    )
}

fn section(manifest: &str) -> String {
    let text = manifest.replace('"', "\\\"").replace('\n', " ");
    format!("(@custom \"matricula:manifest\" \"{text}\")")
}

pub(crate) fn component(body: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {body})")).unwrap()
}

pub(crate) fn good_manifest() -> String {
    section(&manifest("1.0", ""))
}

/// Both ways to find out must agree, and the text begins with the name that was given.
fn refused(bytes: &[u8]) -> LoadError {
    let error = host(Limits::default())
        .load_bytes("odd.wasm", bytes)
        .unwrap_err();
    assert_eq!(
        inspect("odd.wasm", bytes).unwrap_err().to_string(),
        error.to_string()
    );
    assert!(error.to_string().starts_with("odd.wasm: "), "{error}");
    error
}

#[test]
fn a_component_that_does_nothing_is_loaded() {
    let bytes = component(&good_manifest());
    let loaded = host(Limits::default())
        .load_bytes("odd.wasm", &bytes)
        .unwrap();
    let manifest = inspect("odd.wasm", &bytes).unwrap();
    assert_eq!(
        matricula_core::connector::Connector::manifest(&*loaded),
        &manifest
    );
}

#[test]
fn a_file_that_is_not_there() {
    let error = host(Limits::default())
        .load("nowhere.wasm".as_ref())
        .unwrap_err();
    assert!(matches!(error.refusal, Refusal::Unreadable(_)));
    assert!(
        error
            .to_string()
            .starts_with("nowhere.wasm: cannot be read"),
        "{error}"
    );
}

#[test]
fn a_file_that_is_no_webassembly() {
    for bytes in [&b""[..], b"\0asm", b"#!/bin/sh\nexit 0\n"] {
        assert_eq!(
            refused(bytes).to_string(),
            "odd.wasm: is no WebAssembly component; build it with `cargo build --target \
             wasm32-wasip2`"
        );
    }
}

#[test]
fn a_core_module() {
    let error = refused(&wat::parse_str("(module)").unwrap());
    assert!(matches!(error.refusal, Refusal::CoreModule), "{error}");
}

#[test]
fn a_component_that_was_cut_short() {
    let whole = std::fs::read(fixtures()).unwrap();
    for length in [9, 100, whole.len() / 2, whole.len() - 1] {
        let error = refused(&whole[..length]);
        assert!(
            matches!(error.refusal, Refusal::Invalid(_)),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_component_with_a_function_that_does_not_type_check() {
    let body = "(core module (func (result i32)))";
    let error = refused(&component(&format!("{}{body}", good_manifest())));
    assert!(matches!(error.refusal, Refusal::Invalid(_)), "{error}");
}

#[test]
fn a_component_that_needs_more_of_webassembly_than_connectors_do() {
    for module in [
        "(memory i64 1)",
        "(memory 1 1 shared)",
        "(memory 1) (memory 1)",
    ] {
        let body = format!("{}(core module {module})", good_manifest());
        let error = refused(&component(&body));
        assert!(
            matches!(error.refusal, Refusal::Invalid(_)),
            "{module}: {error}"
        );
    }
}

#[test]
fn no_manifest_or_two_or_a_huge_one() {
    let error = refused(&component(""));
    assert!(matches!(error.refusal, Refusal::NoManifest), "{error}");
    let nested = format!("(core module {})", good_manifest());
    assert!(
        inspect("odd.wasm", &component(&nested)).is_ok(),
        "where the linker leaves it"
    );
    let error = refused(&component(&format!("{}{nested}", good_manifest())));
    assert!(
        matches!(error.refusal, Refusal::SeveralManifests),
        "{error}"
    );
    let error = refused(&component(&section(&"x".repeat(600 * 1024))));
    assert!(
        matches!(error.refusal, Refusal::ManifestTooLarge { size: 614_400 }),
        "{error}"
    );
    let error = refused(&component(&section("no json")));
    assert!(matches!(error.refusal, Refusal::Manifest(_)), "{error}");
}

#[test]
fn a_newer_contract() {
    let error = refused(&component(&section(&manifest("1.9", ",\"unheard-of\":1"))));
    assert_eq!(
        error.to_string(),
        "odd.wasm: the component is built for contract 1.9, this host speaks 1.2: update Matricula, \
         or build the component with an older SDK"
    );
}

#[test]
fn forbidden_imports_are_named() {
    for (import, advice) in [
        ("wasi:sockets/tcp@0.2.6", "the way to the network is"),
        ("wasi:filesystem/types@0.2.6", "they have no files"),
        (
            "wasi:http/outgoing-handler@0.2.6",
            "the way to the network is",
        ),
        ("wasi:clocks/wall-clock@0.2.6", "the time is"),
        ("wasi:random/random@0.2.6", "they are deterministic"),
        (
            "matricula:connector/files@1.1.0",
            "build it with the SDK of this version",
        ),
        ("example:other/thing@1.0.0", "without other interfaces"),
    ] {
        // Even where the manifest is missing: the import says most about what it is.
        for manifest in [String::new(), good_manifest()] {
            let body = format!("{manifest}(import \"{import}\" (instance))");
            let error = refused(&component(&body)).to_string();
            let expected = format!("odd.wasm: imports {import}, which connectors do not get; ");
            assert!(
                error.starts_with(&expected) && error.contains(advice),
                "{error}"
            );
        }
    }
}

#[test]
fn a_promise_that_is_not_kept() {
    let schema = r#""title":{"en":"x"},"schema":{"properties":{}}"#;
    for (more, expected) in [
        (
            format!(r#","streams":{{"people":{{{schema},"page":1}}}}"#),
            "the stream people in its manifest but does not export matricula:connector/source;",
        ),
        (
            format!(r#","operations":{{"upsert":{{{schema}}}}}"#),
            "the operation upsert in its manifest but does not export \
             matricula:connector/destination;",
        ),
        (
            r#","lookups":{"colours":{"title":{"en":"x"}}}"#.to_owned(),
            "the lookup colours in its manifest but does not export matricula:connector/lookup;",
        ),
    ] {
        let error = refused(&component(&section(&manifest("1.0", &more)))).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn records_with_files_that_nothing_fetches() {
    let files = r#","streams":{"papers":{"title":{"en":"x"},"page":1,"schema":{"properties":
        {"paper":{"type":"string","x-file":true}}}}}"#;
    let body = format!(
        "{} (instance $source) (export \"matricula:connector/source@1.1.0\" (instance $source))",
        section(&manifest("1.1", files))
    );
    let error = refused(&component(&body)).to_string();
    assert!(
        error.contains(
            "files for the stream papers in its manifest but does not export \
             matricula:connector/attachments;"
        ),
        "{error}"
    );
}

/// The contract's versions of one series fit each other, in both directions of a call.
#[tokio::test]
async fn a_component_that_was_built_for_an_older_contract_works() {
    for version in [b"@1.0.0", b"@1.1.0"] {
        let mut bytes = std::fs::read(fixtures()).unwrap();
        // Names of the same length: nothing else of the component changes.
        let newer = &b"@1.2.0"[..];
        let mut replaced = 0;
        while let Some(at) = bytes.windows(newer.len()).position(|name| name == newer) {
            bytes[at..at + version.len()].copy_from_slice(version);
            replaced += 1;
        }
        assert!(replaced > 0, "the fixtures are built for this contract");
        let host = host(Limits::default());
        let older = host.load_bytes("older.wasm", &bytes).unwrap();
        assert_works(&older).await;
        let page = read(&older, &call(), "request").await.unwrap();
        assert_eq!(only(&page)["status"], 200);
    }
}

#[tokio::test]
async fn what_a_component_does_not_export_it_does_not_offer() {
    let loaded = host(Limits::default())
        .load_bytes("odd.wasm", &component(&good_manifest()))
        .unwrap();
    let failure = loaded
        .fetch(&call(), "papers", "https://example.com/1.pdf", 1000)
        .await
        .unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("not-offered"), "{failure:?}");
    assert_eq!(
        failure.message,
        "odd 1.0.0 does not offer fetching a file of papers"
    );
}

#[test]
fn an_export_of_another_type_than_the_contract_s() {
    let body = format!(
        "{} (instance $source) (export \"matricula:connector/source@1.0.0\" (instance $source))",
        good_manifest()
    );
    let error = host(Limits::default())
        .load_bytes("odd.wasm", &component(&body))
        .unwrap_err();
    assert!(matches!(error.refusal, Refusal::Incompatible(_)), "{error}");
    assert!(
        error.to_string().contains("matricula:connector/source"),
        "{error}"
    );
}

#[test]
fn more_memories_than_a_connector_may_have_or_larger_ones() {
    let small = "(core module $m (memory 1)) ";
    let body = format!(
        "{}{small}{}",
        good_manifest(),
        "(core instance (instantiate $m)) ".repeat(3)
    );
    let error = host(Limits::default())
        .load_bytes("odd.wasm", &component(&body))
        .unwrap_err();
    assert!(
        matches!(error.refusal, Refusal::TooMuch { memories: 3, .. }),
        "{error}"
    );
    // 64 MiB from the start.
    let body = format!(
        "{}(core module $m (memory 1024)) (core instance (instantiate $m))",
        good_manifest()
    );
    let error = host(Limits::default())
        .load_bytes("odd.wasm", &component(&body))
        .unwrap_err();
    let bytes = 64 * 1024 * 1024;
    assert!(
        matches!(error.refusal, Refusal::TooMuch { memory, .. } if memory == bytes),
        "{error}"
    );
}
