//! Testing a credential: every right that is missing is named in the reader's language.

mod common;

use common::{no, ok, page, play, texts, url};
use matricula_connector_engagedly::Engagedly;
use matricula_sdk::{Connector, FailureKind, Need, Report, Result};
use serde_json::{Value, json};

fn check(exchanges: Value, language: &str, attributes: &[&str]) -> Result<Report> {
    let config = json!({"credential": {"client_key": "0123456789abcdef"}, "language": language});
    let needs = [Need {
        subject: "upsert-user".into(),
        attributes: texts(attributes),
    }];
    play(exchanges, &config, |cx| Engagedly::check(cx, &needs))
}

fn told(report: &Report) -> Vec<(bool, &str)> {
    let findings = report.findings.iter();
    findings
        .map(|finding| (finding.ok, finding.subject.as_str()))
        .collect()
}

const USERS: &str = "GET users?page=1&size=1";

fn reasons() -> Value {
    json!({"request": format!("GET {}", url("users/block-reason-codes")), "response": {"status": 200, "data": []}})
}

#[test]
fn what_is_needed_is_tried() {
    let exchanges = json!([
        page(USERS, &json!([{"id": "u"}]), 47, true),
        page("GET departments?page=1&size=1", &json!([]), 0, false),
        page("GET locations?page=1&size=1", &json!([]), 0, false),
        reasons(),
        ok("GET user-attributes", &json!([])),
    ]);
    let report = check(exchanges, "en", &["email", "departments", "location"]).unwrap();
    assert_eq!(report.account.as_deref(), Some("012345…"));
    assert_eq!(
        told(&report),
        [
            (true, "Users"),
            (true, "Departments"),
            (true, "Locations"),
            (true, "Reasons for deactivation")
        ]
    );
    assert_eq!(report.findings[0].message, "can be read: 47");
}

#[test]
fn missing_rights_are_named_in_german() {
    let exchanges = json!([
        no(USERS, 403, &json!([])),
        no("GET businesses?page=1&size=1", 404, &json!([])),
        no("GET job_titles?page=1&size=1", 403, &json!([])),
        no("GET users/block-reason-codes", 403, &json!([])),
        no("GET user-attributes", 403, &json!([])),
    ]);
    let report = check(
        exchanges,
        "de-AT",
        &["job_title", "businesses", "custom_attributes"],
    )
    .unwrap();
    assert_eq!(
        told(&report),
        [
            (false, "Menschen"),
            (false, "Geschäftsbereiche"),
            (false, "Stellenbezeichnungen"),
            (false, "Gründe der Deaktivierung"),
            (false, "Attribute von Menschen"),
        ]
    );
    for finding in [&report.findings[0], &report.findings[2]] {
        assert!(
            finding.message.contains("Site Administrator"),
            "{}",
            finding.message
        );
        assert!(
            finding.message.starts_with("diese Schlüssel"),
            "{}",
            finding.message
        );
    }
    assert!(report.findings[1].message.contains("ausgelassen"));
}

#[test]
fn what_engagedly_demands_and_nobody_gives_is_named() {
    let attribute = |key: &str, name: &str, preset: bool| json!({"attribute_key": key, "name": name, "preset": preset, "mandatory": true, "data_type": "text"});
    let catalogue = json!([
        attribute("email", "E-mail", true),
        attribute("joining_date", "Joining date", true),
        attribute("custom-attribute-93cbf", "Cost center", false),
    ]);
    let tried = |catalogue: &Value| {
        json!([
            page(USERS, &json!([]), 0, false),
            reasons(),
            ok("GET user-attributes", catalogue)
        ])
    };
    let report = check(tried(&catalogue), "en", &["email"]).unwrap();
    assert_eq!(
        told(&report)[2..],
        [(false, "Joining date"), (false, "Cost center")]
    );
    let report = check(
        tried(&catalogue),
        "en",
        &["email", "joining_date", "custom_attributes"],
    )
    .unwrap();
    assert_eq!(told(&report)[2..], [(true, "Cost center")]);
}

#[test]
fn rejected_keys_end_the_test() {
    let rejected = json!({"request": format!("GET {}", url("users?page=1&size=1")), "status": 401, "response":
        {"error_type": "authentication_error", "errors": []}});
    let failure = check(json!([rejected]), "de", &[]).unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::Auth, Some("authentication_error"))
    );
    let failure = check(
        json!([
            page(USERS, &json!([]), 0, false),
            no("GET users/block-reason-codes", 500, &json!([]))
        ]),
        "de",
        &[],
    )
    .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
}
