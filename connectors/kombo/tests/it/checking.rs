//! Testing a credential.

use matricula_connector_kombo::Kombo;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Connector as _, FailureKind, Finding, Need, Report, Result};
use serde_json::{Value, json};

use crate::support::{BASE, INTEGRATION, asked, config, datapoint, error, integration};

fn need(subject: &str, attributes: &[&str]) -> Need {
    Need {
        subject: subject.into(),
        attributes: attributes.iter().map(ToString::to_string).collect(),
    }
}

fn check_in(language: &str, exchanges: Value, needs: &[Need]) -> Result<Report> {
    let transcript = Transcript::new(exchanges);
    let mut config = config();
    config["language"] = json!(language);
    let report = Kombo::check(&transcript.context(&config), needs);
    transcript.done();
    report
}

fn wrong(report: &Report) -> Vec<&Finding> {
    report
        .findings
        .iter()
        .filter(|finding| !finding.ok)
        .collect()
}

#[test]
fn a_connection_that_delivers_everything() {
    let needs = [need("employees", &["id", "gender", "department"])];
    let report = check_in("en", json!([asked(integration())]), &needs).unwrap();
    assert_eq!(
        report.account.as_deref(),
        Some("Example GmbH: Personio through Kombo")
    );
    assert_eq!(report.findings, []);
}

#[test]
fn what_is_not_delivered_is_named_with_what_helps() {
    let mut described = integration();
    described["data"]["read_models"][0]["fields"] = json!([
        datapoint("gender", false, "SUPPORTED", true),
        datapoint("job_title", false, "UNSUPPORTED", false),
        datapoint("termination_date", false, "SUPPORTED", false),
        datapoint("first_name", true, "SUPPORTED", false)
    ]);
    let needs = [need(
        "employees",
        &["first_name", "gender", "job_title", "termination_date"],
    )];
    let english = check_in("en", json!([asked(described.clone())]), &needs).unwrap();
    let told: Vec<_> = wrong(&english)
        .iter()
        .map(|f| (&*f.subject, &*f.message))
        .collect();
    assert_eq!(
        told,
        [
            (
                "Gender",
                "\"Gender\" was left out when Personio was connected: connect it anew and let it be read"
            ),
            (
                "Job title",
                "Kombo does not get \"Job title\" out of Personio: it is left alone at the target"
            ),
            (
                "Termination date",
                "\"Termination date\" is not in the connection's scope: enable it in Kombo under Scopes"
            ),
        ]
    );
    let german = check_in("de-AT", json!([asked(described)]), &needs).unwrap();
    assert_eq!(wrong(&german)[2].subject, "Austrittsdatum");
    assert_eq!(
        german.account.as_deref(),
        Some("Example GmbH: Personio über Kombo")
    );
}

#[test]
fn the_state_of_the_connection_is_told() {
    for (status, setup, ok, part) in [
        ("INVALID", "COMPLETED", false, "rejected the access"),
        ("INACTIVE", "COMPLETED", false, "switched off"),
        ("ACTIVE", "INCOMPLETE", false, "not set up to the end"),
        // Nobody has to do anything about it.
        ("ACTIVE", "FINAL_SYNC_PENDING", true, "begins by itself"),
    ] {
        let mut described = integration();
        described["data"]["status"] = json!(status);
        described["data"]["setup_status"] = json!(setup);
        let report = check_in(
            "en",
            json!([asked(described)]),
            &[need("employees", &["id"])],
        );
        let report = report.unwrap();
        let [finding] = &report.findings[..] else {
            panic!("{report:?}");
        };
        assert_eq!(finding.ok, ok);
        assert!(finding.message.contains(part), "{finding:?}");
    }
}

#[test]
fn employees_that_are_not_delivered_at_all_are_one_finding() {
    let mut described = integration();
    described["data"]["read_models"] =
        json!([datapoint("hris_employees", false, "SUPPORTED", false)]);
    let needs = [need("employees", &["id", "gender", "first_name"])];
    let report = check_in("en", json!([asked(described)]), &needs).unwrap();
    assert_eq!(wrong(&report).len(), 1);
    assert_eq!(report.findings[0].subject, "Employees");
}

fn categories(exchange: Value) -> Value {
    let mut exchange = exchange;
    exchange["request"] = json!(format!(
        "GET {BASE}/hris/employee-document-categories?page_size=1"
    ));
    exchange
}

#[test]
fn documents_that_cannot_be_listed_are_told_of() {
    let list = json!({"response": {"status": "success", "data": {"results": [], "next": null}}});
    let needs = [need("upload-document", &["title"])];
    let report = check_in(
        "en",
        json!([asked(integration()), categories(list.clone())]),
        &needs,
    );
    let report = report.unwrap();
    assert_eq!(wrong(&report), Vec::<&Finding>::new());
    let last = report.findings.last().unwrap();
    assert!(last.message.contains("waits for your decision"), "{last:?}");

    let mut described = integration();
    described["data"]["write_actions"] = json!([
        datapoint("hris_create_employee", true, "SUPPORTED", false),
        datapoint("hris_add_employee_document", false, "SUPPORTED", false)
    ]);
    let disabled = json!({"status": 400, "response": error("INTEGRATION.MODEL_DISABLED")});
    let report = check_in(
        "de",
        json!([asked(described), categories(disabled)]),
        &needs,
    )
    .unwrap();
    let subjects: Vec<_> = wrong(&report).iter().map(|f| f.subject.as_str()).collect();
    assert_eq!(subjects, ["Dokumente verwalten", "Dokumentenkategorien"]);
}

/// A connection may be set up to the end, and its first sync be under way all the same.
#[test]
fn a_first_sync_that_is_under_way_is_told_once_and_is_no_fault() {
    let needs = [
        need("employees", &["id"]),
        need("upload-document", &["title"]),
    ];
    for setup in ["FINAL_SYNC_PENDING", "COMPLETED"] {
        let mut described = integration();
        described["data"]["setup_status"] = json!(setup);
        let pending = json!({"status": 400, "response": error("INTEGRATION.SETUP_SYNC_PENDING")});
        let exchanges = json!([asked(described), categories(pending)]);
        let report = check_in("en", exchanges, &needs).unwrap();
        assert_eq!(wrong(&report), Vec::<&Finding>::new());
        let told = report.findings.iter();
        let told = told.filter(|finding| finding.message.contains("begins by itself"));
        assert_eq!(told.count(), 1, "{report:?}");
    }
}

#[test]
fn a_key_that_is_not_taken_is_no_finding() {
    let refused = json!([{
        "request": INTEGRATION, "status": 401, "response": error("PLATFORM.AUTHENTICATION_INVALID")
    }]);
    let failure = check_in("en", refused, &[need("employees", &["id"])]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    // It may be the application's own, which the reader can neither see nor enter.
    assert!(failure.message.contains("whoever has the Kombo account"));
    assert!(!failure.message.contains("enter"));
    let unknown = check_in("en", json!([]), &[need("payslips", &[])]).unwrap_err();
    assert_eq!(unknown.code.as_deref(), Some("not-offered"));
}
