use matricula_core::file::FileRule;
use matricula_core::manifest::{BodyKind, Manifest, Scheme, properties};

use crate::documents;
use crate::normal::Kind;

pub fn parsed() -> Manifest {
    Manifest::parse(include_bytes!("../../manifest.json")).unwrap()
}

#[test]
fn the_host_accepts_it() {
    let manifest = parsed();
    assert_eq!(manifest.id, "personio");
    assert_eq!(manifest.version, "1.1.0");
    assert_eq!(manifest.origins, ["https://api.personio.de"]);
    let stream = &manifest.streams["employees"];
    assert_eq!(
        (stream.page, stream.incremental),
        (crate::paging::PAGE, true)
    );
    assert_eq!(
        manifest.lookups.keys().collect::<Vec<_>>(),
        ["companies", "departments", "document-categories", "offices"]
    );
}

#[test]
fn credentials_go_into_the_body_of_a_token_request() {
    let manifest = parsed();
    let method = manifest.method("api-credentials").unwrap();
    let secret: Vec<_> = method
        .fields
        .iter()
        .map(|field| (field.name.as_str(), field.secret))
        .collect();
    assert_eq!(secret, [("client_id", false), ("client_secret", true)]);
    let Scheme::Token(token) = &method.sessions[0].scheme else {
        panic!("{:?}", method.sessions)
    };
    assert_eq!(token.url, "https://api.personio.de/v1/auth");
    assert_eq!(token.body, BodyKind::Json);
    assert_eq!(token.fields["client_secret"], "{client_secret}");
    assert_eq!(
        (token.token.as_str(), token.success.as_deref()),
        ("/data/token", Some("/success"))
    );
    assert_eq!(token.rejected, [401, 403]);
}

#[test]
fn version_2_has_a_token_of_its_own() {
    let manifest = parsed();
    let sessions = &manifest.authentication[0].sessions;
    assert_eq!(
        (sessions[0].path.as_str(), sessions[1].path.as_str()),
        ("", "/v2/")
    );
    assert_eq!(sessions[1].origin, sessions[0].origin);
    let Scheme::Token(token) = &sessions[1].scheme else {
        panic!("{sessions:?}")
    };
    assert_eq!(token.url, "https://api.personio.de/v2/auth/token");
    assert_eq!(token.body, BodyKind::Form);
    assert_eq!(token.fields["grant_type"], "client_credentials");
    assert_eq!(
        (token.token.as_str(), token.rejected.as_slice()),
        ("/access_token", &[401][..])
    );
}

#[test]
fn documents_are_uploaded_once_and_no_faster_than_personio_allows() {
    let manifest = parsed();
    let upload = &manifest.operations["upload-document"];
    assert!(upload.once && !upload.deletes && upload.active.is_none());
    assert_eq!((upload.batch, upload.concurrency), (1, 4));
    assert_eq!(upload.find, ["employee"]);
    let described = properties(&upload.schema).unwrap();
    let mut known = documents::ATTRIBUTES;
    known.sort_unstable();
    assert_eq!(described.keys().collect::<Vec<_>>(), known);
    for (name, property) in described {
        for language in ["en", "de"] {
            assert!(property["x-label"][language].is_string(), "{name}");
        }
    }
    assert_eq!(described["employee"]["x-reference"], true);
    let rule: FileRule = serde_json::from_value(described["file"]["x-file"].clone()).unwrap();
    assert_eq!(
        rule.types,
        documents::TYPES.map(|(media_type, _)| media_type)
    );
    assert_eq!(rule.largest, 30 * 1024 * 1024);
    let limit = |path: &str| {
        let limit = manifest.limits.iter().find(|limit| limit.path == path);
        limit.map(|limit| (limit.method.as_deref(), limit.requests, limit.seconds))
    };
    assert_eq!(limit("/v1/company/documents"), Some((Some("POST"), 60, 60)));
    assert_eq!(limit("/v2/document-management"), Some((None, 30, 1)));
}

#[test]
fn texts_are_there_in_both_languages() {
    let manifest = parsed();
    let method = &manifest.authentication[0];
    let mut texts = vec![
        &manifest.title,
        &manifest.summary,
        &method.title,
        &method.help,
    ];
    texts.extend(
        method
            .fields
            .iter()
            .flat_map(|field| [&field.title, &field.help]),
    );
    texts.extend(manifest.lookups.values().map(|lookup| &lookup.title));
    texts.extend(manifest.streams.values().map(|stream| &stream.title));
    texts.extend(
        manifest
            .operations
            .values()
            .map(|operation| &operation.title),
    );
    for text in texts {
        assert_eq!(text.0.keys().collect::<Vec<_>>(), ["de", "en"]);
        assert!(text.0.values().all(|text| !text.is_empty()));
    }
}

#[test]
fn every_attribute_is_named_and_written_by_a_rule_of_its_own() {
    let manifest = parsed();
    let schema = &manifest.streams["employees"].schema;
    assert!(
        schema.get("required").is_none(),
        "what may not be read is absent"
    );
    for (key, property) in properties(schema).unwrap() {
        for language in ["en", "de"] {
            let label = property["x-label"][language].as_str().unwrap_or_default();
            assert!(!label.is_empty(), "{key} has no name in {language}");
        }
        assert_ne!(
            Kind::of(key),
            Kind::Custom,
            "{key} is in the schema but not in `normal`"
        );
    }
}
