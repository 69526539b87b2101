//! The flow that ships, against the manifests that ship.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use matricula_core::Cadence;
use matricula_core::manifest::Manifest;
use matricula_flow::{Flow, FlowFile, testing};

const FLOW: &str = include_str!("../../../flows/sync-employees.flow.yaml");
const TESTS: &str = include_str!("../../../flows/sync-employees.test.yaml");
const PERSONIO: &[u8] = include_bytes!("../../../connectors/personio/manifest.json");
const RETEACH: &[u8] = include_bytes!("../../../connectors/reteach/manifest.json");

fn flow() -> Flow {
    let file = FlowFile::parse("flows/sync-employees.flow.yaml", FLOW)
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    let source = Manifest::parse(PERSONIO).unwrap();
    let target = Manifest::parse(RETEACH).unwrap();
    assert!(
        file.unknown_connectors(&["personio", "reteach"])
            .0
            .is_empty()
    );
    Flow::check(file, &source, &target).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[test]
fn it_fits_the_manifests() {
    let flow = flow();
    assert_eq!(flow.title().get("en"), "Sync employees to reteach");
    assert_eq!(
        flow.title().get("de"),
        "Synchronisiere Mitarbeitende zu reteach"
    );
    assert_eq!(
        flow.attributes(),
        [
            "contract_end_date",
            "department",
            "email",
            "employment_type",
            "first_name",
            "gender",
            "hire_date",
            "id",
            "last_name",
            "office",
            "position",
            "status",
            "subcompany",
            "supervisor",
            "termination_date",
        ]
    );
    assert_eq!(flow.match_rules(), ["external_id", "email"]);
    let field = |name: &str| {
        flow.fields()
            .iter()
            .find(|field| field.name == name)
            .unwrap()
    };
    assert!(field("manager").reference && field("email").required);
    assert!(!field("email").reference && !field("manager").required);
    let schedule = flow.schedule();
    assert_eq!(schedule.cadence, Cadence::Every { seconds: 300 });
    assert!(!schedule.webhook && flow.requires().is_empty());
    let report = flow.report().unwrap();
    assert_eq!(report.time, jiff::civil::time(7, 0, 0, 0));
    assert_eq!(report.time_zone, "Europe/Berlin");
    assert_eq!(flow.text(), FLOW);
}

#[test]
fn its_cases_pass() {
    let results = testing::run(&flow(), "flows/sync-employees.test.yaml", TESTS)
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    assert!(results.len() > 25);
    for result in results {
        assert_eq!(result.failures, Vec::<String>::new(), "{}", result.name);
    }
}
