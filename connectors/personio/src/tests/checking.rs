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
fn who_reads_german_is_told_in_german() {
    let transcript = recorded!("check-german.json");
    let need = Need {
        subject: "employees".into(),
        attributes: vec!["contract_end_date".into()],
    };
    let mut config = config();
    config["language"] = json!("de");
    let report = Personio::check(&transcript.context(&config), &[need]).unwrap();
    transcript.done();
    assert_eq!(
        report.findings[0].message,
        "diese Zugangsdaten dürfen „Vertragsende“ nicht lesen: in Personio Marketplace > Verbundene Integrationen \
         öffnen, die Integration wählen, „Vertragsende“ unter den lesbaren Mitarbeiterattributen ankreuzen und \
         speichern"
    );
    assert_eq!(
        report.account.as_deref(),
        Some("Personio-API-Client papi-demo")
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
fn an_attribute_that_each_account_keeps_under_another_key_is_found_by_its_universal_name() {
    let transcript = recorded!("check-english.json");
    let report = check(&transcript, &["date_of_birth"]).unwrap();
    assert_eq!(missing(&report), Vec::<&str>::new());
    let transcript = Transcript::new(json!([{
        "request": "GET https://api.personio.de/v1/company/employees/attributes",
        "response": {"success": true, "data": [{"key": "email", "label": "Email", "universal_id": "email"}]}
    }]));
    let report = check(&transcript, &["email", "date_of_birth"]).unwrap();
    assert_eq!(missing(&report), ["Birthday"]);
    assert!(report.findings[0].message.contains("tick \"Birthday\""));
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

mod documents {
    use serde_json::Value;

    use super::*;

    fn categories(status: u16) -> Value {
        json!({
            "request": "GET https://api.personio.de/v1/company/document-categories", "status": status,
            "response": {"success": status == 200, "data": []}
        })
    }

    fn listed(status: u16) -> Value {
        json!({
            "request": "GET https://api.personio.de/v2/document-management/documents?owner_id=0&limit=1",
            "status": status, "response": {"_data": []}
        })
    }

    fn check(exchanges: Value) -> Result<Report> {
        let transcript = Transcript::new(exchanges);
        let need = Need {
            subject: "upload-document".into(),
            attributes: vec!["employee".into(), "file".into()],
        };
        let report = Personio::check(&transcript.context(&config()), &[need]);
        transcript.done();
        report
    }

    fn findings(report: &Report) -> Vec<(bool, &str)> {
        let findings = report.findings.iter();
        findings
            .map(|finding| (finding.ok, finding.subject.as_str()))
            .collect()
    }

    #[test]
    fn both_rights_are_tested_and_no_employee_is_read() {
        let report = check(json!([categories(200), listed(200)])).unwrap();
        assert_eq!(
            findings(&report),
            [(true, "Document categories"), (true, "Documents: read")]
        );
        assert_eq!(
            report.account.as_deref(),
            Some("Personio API client papi-demo")
        );
    }

    #[test]
    fn without_the_list_it_is_said_what_is_lost() {
        for status in [401, 403] {
            let report = check(json!([categories(200), listed(status)])).unwrap();
            assert_eq!(
                findings(&report),
                [(true, "Document categories"), (false, "Documents: read")]
            );
            assert_eq!(
                report.findings[1].message,
                "Personio accepts the credentials but they lack the right \"Documents: read\" (documents:read): \
                 in Personio, open Marketplace > Connected integrations, choose the integration and give it \
                 that right; without it documents are uploaded all the same, but one whose answer was lost \
                 cannot be looked up and waits for your decision"
            );
        }
        let mut rejected = listed(200);
        rejected["error"] = json!("unauthenticated");
        let report = check(json!([categories(200), rejected])).unwrap();
        assert!(!report.findings[1].ok, "version 1 accepts the credentials");
    }

    #[test]
    fn in_german_nothing_stays_english() {
        let german = |exchanges: Value| {
            let transcript = Transcript::new(exchanges);
            let need = Need {
                subject: "upload-document".into(),
                attributes: vec!["file".into()],
            };
            let mut config = config();
            config["language"] = json!("de");
            let report = Personio::check(&transcript.context(&config), &[need]).unwrap();
            transcript.done();
            report
        };
        let report = german(json!([categories(200), listed(200)]));
        assert_eq!(
            findings(&report),
            [(true, "Dokumentenkategorien"), (true, "Dokumente: Lesen")]
        );
        assert_eq!(report.findings[0].message, "können gelesen werden");
        let report = german(json!([categories(200), listed(403)]));
        assert_eq!(
            report.findings[1].message,
            "Personio nimmt die Zugangsdaten an, ihnen fehlt aber das Recht „Dokumente: Lesen“ (documents:read): in \
             Personio Marketplace > Verbundene Integrationen öffnen, die Integration wählen und ihr dieses Recht \
             geben; Dokumente werden trotzdem hochgeladen, aber eines, dessen Antwort verloren ging, lässt sich \
             nicht nachschlagen und wartet auf Ihre Entscheidung"
        );
        let mut rejected = listed(200);
        rejected["error"] = json!("unauthenticated");
        let report = german(json!([categories(404), rejected]));
        assert!(
            report.findings[0]
                .message
                .starts_with("Personio hat anders geantwortet als erwartet (http-404); sonst"),
            "{report:?}"
        );
        assert!(
            report.findings[1]
                .message
                .starts_with("Personio gibt diesen Zugangsdaten kein Token"),
            "{report:?}"
        );
    }

    #[test]
    fn categories_that_cannot_be_read_are_a_finding() {
        let report = check(json!([categories(403), listed(200)])).unwrap();
        assert_eq!(
            findings(&report),
            [(false, "Document categories"), (true, "Documents: read")]
        );
    }

    #[test]
    fn wrong_credentials_and_outages_are_failures_and_no_findings() {
        let failure = check(json!([categories(401)])).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Auth);
        let failure = check(json!([categories(200), listed(503)])).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
        let failure = check(json!([categories(429)])).unwrap_err();
        assert_eq!(failure.kind, FailureKind::RateLimited);
    }

    #[test]
    fn both_kinds_of_need_are_looked_at_together() {
        let transcript = Transcript::new(json!([
            {
                "request": "GET https://api.personio.de/v1/company/employees/attributes",
                "response": {"success": true, "data": []}
            },
            categories(200),
            listed(200)
        ]));
        let need = |subject: &str, attribute: &str| Need {
            subject: subject.into(),
            attributes: vec![attribute.into()],
        };
        let needs = [need("upload-document", "file"), need("employees", "email")];
        let report = Personio::check(&transcript.context(&config()), &needs).unwrap();
        assert_eq!(
            findings(&report),
            [
                (false, "Email"),
                (true, "Document categories"),
                (true, "Documents: read")
            ]
        );
        let other = Personio::check(&transcript.context(&config()), &[need("teams", "name")]);
        assert_eq!(other.unwrap_err().code.as_deref(), Some("not-offered"));
    }
}
