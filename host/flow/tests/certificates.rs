//! The flow of certificates that ships, against the manifests that ship.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use matricula_core::Cadence;
use matricula_core::manifest::Manifest;
use matricula_flow::{Flow, FlowFile, testing};
use serde_json::json;

const FLOW: &str = include_str!("../../../flows/sync-certificates.flow.yaml");
const TESTS: &str = include_str!("../../../flows/sync-certificates.test.yaml");
const PERSONIO: &[u8] = include_bytes!("../../../connectors/personio/manifest.json");
const RETEACH: &[u8] = include_bytes!("../../../connectors/reteach/manifest.json");

fn flow() -> Flow {
    let file = FlowFile::parse("flows/sync-certificates.flow.yaml", FLOW)
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    let source = Manifest::parse(RETEACH).unwrap();
    let target = Manifest::parse(PERSONIO).unwrap();
    Flow::check(file, &source, &target).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[test]
fn it_fits_the_manifests() {
    let flow = flow();
    assert_eq!(flow.title().get("en"), "Sync certificates to Personio");
    assert_eq!(
        flow.title().get("de"),
        "Synchronisiere Zertifikate zu Personio"
    );
    let delivery = flow.delivery().unwrap();
    assert_eq!(
        (
            delivery.people.as_str(),
            delivery.file.as_str(),
            delivery.owner.as_str()
        ),
        ("sync-employees", "file", "employee")
    );
    assert_eq!(delivery.rule.largest, 31_457_280);
    assert!(delivery.rule.types.contains(&"application/pdf".to_owned()));
    assert_eq!(
        flow.attributes(),
        [
            "completed_on",
            "course",
            "expires_on",
            "file",
            "id",
            "issued_on",
            "person",
            "replaced_by",
            "revoked_on",
        ]
    );
    assert_eq!(flow.schedule().cadence, Cadence::Every { seconds: 1800 });
    assert_eq!(flow.requires().len(), 1);
    let [category] = flow.choices() else {
        panic!("{:?}", flow.choices());
    };
    assert_eq!(category.setting, "category");
    assert_eq!(category.lookup, "document-categories");
    assert_eq!(
        category.named,
        [
            "Bildungszertifikate",
            "Learning certificates",
            "Sonstige Dokumente",
            "Other documents"
        ]
    );
}

#[test]
fn its_form() {
    let flow = flow();
    let settings = flow.settings_schema();
    assert_eq!(settings["properties"]["started_at"]["x-hidden"], true);
    let error = flow.program(&json!({"carry_over": "since"})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "setting since: is needed where carry_over is since"
    );
    // What an owner reads is there in both languages.
    for (name, setting) in settings["properties"].as_object().unwrap() {
        for key in ["x-title", "x-description"] {
            if let Some(text) = setting.get(key) {
                assert!(text["en"].is_string() && text["de"].is_string(), "{name}");
            }
        }
    }
}

#[test]
fn its_cases_pass() {
    let results = testing::run(&flow(), "flows/sync-certificates.test.yaml", TESTS)
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(results.len() > 25);
    for result in results {
        assert_eq!(result.failures, Vec::<String>::new(), "{}", result.name);
    }
}
