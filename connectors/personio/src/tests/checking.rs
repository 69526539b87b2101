//! Which attributes a credential may read.

use matricula_sdk::{Connector, FailureKind, Need, Report, Result};
use serde_json::json;

use super::{Transcript, config, recorded};
use crate::Personio;

fn check(transcript: &Transcript, attributes: &[&str]) -> Result<Report> {
    let attributes = attributes.iter().map(ToString::to_string).collect();
    let need = Need {
        subject: "employees".into(),
        attributes,
    };
    let report = Personio::check(&transcript.context(&config()), &[need.clone(), need]);
    transcript.done();
    report
}

fn missing(report: &Report) -> Vec<&str> {
    assert!(report.findings.iter().all(|finding| !finding.ok));
    report
        .findings
        .iter()
        .map(|finding| finding.subject.as_str())
        .collect()
}

#[test]
fn every_missing_attribute_is_named_once_as_the_owner_sees_it() {
    let transcript = recorded!("check-english.json");
    let wanted = [
        "id",
        "first_name",
        "email",
        "contract_end_date",
        "dynamic_8",
        "dynamic_9",
        "unheard_of",
    ];
    let report = check(&transcript, &wanted).unwrap();
    assert_eq!(
        missing(&report),
        ["Contract ends", "dynamic_9", "unheard_of"]
    );
    assert_eq!(
        report.findings[0].message,
        "these credentials may not read \"Contract ends\": in Personio, open Marketplace > Connected \
         integrations, choose the integration, tick \"Contract ends\" among the readable employee \
         attributes and save"
    );
    assert_eq!(
        report.account.as_deref(),
        Some("Personio API client papi-demo")
    );
}

#[test]
fn a_german_account_is_answered_with_its_own_names() {
    let transcript = recorded!("check-german.json");
    let report = check(
        &transcript,
        &["first_name", "status", "contract_end_date", "office"],
    )
    .unwrap();
    assert_eq!(missing(&report), ["Vertragsende", "Standort"]);
}

#[test]
fn an_attribute_under_a_key_of_this_account_is_found_by_its_universal_name() {
    let transcript = recorded!("check-english.json");
    let report = check(&transcript, &["date_of_birth"]).unwrap();
    assert_eq!(missing(&report), ["Birthday"]);
    assert!(
        report.findings[0]
            .message
            .contains("under the key dynamic_7")
    );
}

#[test]
fn nothing_is_wrong_when_everything_may_be_read() {
    let transcript = recorded!("check-english.json");
    assert!(
        check(&transcript, &["id", "email", "dynamic_7"])
            .unwrap()
            .findings
            .is_empty()
    );
}

#[test]
fn wrong_credentials_are_a_failure_and_no_finding() {
    let transcript = Transcript::new(json!([{
        "request": "GET https://api.personio.de/v1/company/employees/attributes", "error": "unauthenticated"
    }]));
    let failure = check(&transcript, &["email"]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Auth);
    assert!(
        failure
            .message
            .starts_with("Personio rejected the credentials")
    );
}
