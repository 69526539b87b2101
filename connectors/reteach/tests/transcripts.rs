//! The connector against recorded exchanges. What SCIM services do otherwise is tested in
//! `matricula-scim`; here is what is reteach's own.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests may fail the test"
)]

use matricula_connector_reteach::Reteach;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{
    Change, Connector, Context, Disposition, Effect, Failure, FailureKind, Need, Page, Read,
    Receipt, Report,
};
use serde_json::{Value, json};

fn play<T>(name: &str, config: Value, call: impl FnOnce(&Context<'_>) -> T) -> T {
    let path = format!(
        "{}/tests/transcripts/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).expect(&path);
    let transcript = Transcript::new(serde_json::from_str(&text).expect(&path));
    let result = call(&transcript.context(&config));
    transcript.done();
    result
}

fn scim_only() -> Value {
    json!({"credential": {"scim_url": "https://academy.example.com/scim/v2/"}, "settings": {}})
}

fn with_api() -> Value {
    json!({"credential": {"scim_url": "https://academy.example.com/scim/v2", "client_id": "c"}})
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn need(subject: &str, attributes: &[&str]) -> Need {
    Need {
        subject: subject.into(),
        attributes: texts(attributes),
    }
}

const FLOW: &[&str] = &[
    "external_id",
    "email",
    "first_name",
    "last_name",
    "position",
    "company",
    "department",
    "location",
    "gender",
    "employment_type",
    "contract_end",
    "manager",
    "active",
];

#[test]
fn one_person_through_a_run_costs_one_request_a_change() {
    play("run", scim_only(), |cx| {
        let prepared = Reteach::prepare(cx, "upsert-user", &texts(FLOW)).unwrap();
        assert_eq!(prepared.unavailable, Vec::<String>::new());
        let prepared = prepared.prepared;
        let found = Reteach::find(
            cx,
            "upsert-user",
            &prepared,
            "external_id",
            &texts(&["1001"]),
        );
        assert_eq!(found, Ok(vec![vec![]]));

        let change = |id: Option<&str>, data: Value| Change {
            idempotency_key: "k".into(),
            remote_id: id.map(str::to_owned),
            data: data.to_string(),
        };
        let person = json!({
            "external_id": "1001", "email": "ada@example.com", "first_name": "Ada", "last_name": "Example",
            "display_name": "Ada Example", "position": "Clerk", "company": "Example GmbH", "department": "IT",
            "location": "Berlin", "gender": "female", "employment_type": "internal",
            "contract_start": "2026-12-01", "contract_end": "2027-11-30", "language": "de", "manager": null,
            "active": false,
        });
        let later =
            json!({"company": "Example AG", "contract_end": null, "manager": "p9", "active": true});
        let changes = [
            change(None, person),
            change(Some("p1"), later),
            change(Some("p1"), Value::Null),
        ];
        let done = |disposition| {
            Ok(Receipt {
                remote_id: Some("p1".into()),
                disposition,
            })
        };
        assert_eq!(
            Reteach::write(cx, "upsert-user", &prepared, &changes).unwrap(),
            [
                done(Disposition::Created),
                done(Disposition::Updated),
                done(Disposition::Deleted)
            ]
        );
    });
}

#[test]
fn accounts_come_in_the_operations_attributes() {
    let read = Read {
        stream: "accounts".into(),
        limit: 100,
        ..Read::default()
    };
    let page = play("accounts", scim_only(), |cx| {
        Reteach::read(cx, &read).unwrap()
    });
    assert!(page.complete && page.next.is_none());
    assert_eq!(page.items[0].key, "p1");
    let data: Value = serde_json::from_str(&page.items[0].data).unwrap();
    assert_eq!(
        data,
        json!({
            "external_id": "1001", "email": "ada@example.com", "first_name": "Ada", "last_name": "Example",
            "display_name": null, "position": null, "company": "Example GmbH", "department": null,
            "location": null, "gender": null, "employment_type": null, "contract_start": null,
            "contract_end": "2027-11-30", "language": null, "manager": "p9", "active": true,
        })
    );
}

#[test]
fn what_is_not_reteachs_is_refused() {
    let transcript = Transcript::new(json!([]));
    let cx = transcript.context(&scim_only());
    let code = |failure: Failure| failure.code.unwrap();
    assert_eq!(
        code(Reteach::prepare(&cx, "upload-document", &[]).unwrap_err()),
        "not-offered"
    );
    let read = Read {
        stream: "employees".into(),
        ..Read::default()
    };
    assert_eq!(code(Reteach::read(&cx, &read).unwrap_err()), "not-offered");
    let cx = transcript.context(&json!({"credential": {}}));
    let failure = Reteach::prepare(&cx, "upsert-user", &[]).unwrap_err();
    assert_eq!(
        (failure.kind, code(failure)),
        (FailureKind::Config, "no-address".to_owned())
    );
}

mod check {
    use super::*;

    fn check(name: &str, config: Value, needs: &[Need]) -> Result<Report, Failure> {
        play(name, config, |cx| Reteach::check(cx, needs))
    }

    fn missing(report: &Report) -> Vec<&str> {
        report
            .findings
            .iter()
            .filter(|f| !f.ok)
            .map(|f| f.subject.as_str())
            .collect()
    }

    #[test]
    fn each_attribute_that_the_academy_does_not_offer_is_named_as_the_owner_knows_it() {
        let report = check("check", with_api(), &[need("upsert-user", FLOW)]).unwrap();
        assert_eq!(report.account.as_deref(), Some("Example Academy"));
        assert_eq!(
            missing(&report),
            [
                "Location",
                "Gender",
                "Type of employment",
                "End of contract"
            ]
        );
        assert_eq!(
            report.findings.len(),
            FLOW.len() + 2,
            "the token, the API, and each attribute"
        );
        assert_eq!(report.findings[0].message, "accepted; accounts there: 12");
    }

    #[test]
    fn who_reads_german_is_told_in_german() {
        let mut config = with_api();
        config["language"] = json!("de");
        let report = check("check", config, &[need("upsert-user", FLOW)]).unwrap();
        assert_eq!(
            missing(&report),
            [
                "Standort",
                "Geschlecht",
                "Beschäftigungsart",
                "Vertragsende"
            ]
        );
        let said = |subject: &str| {
            let mut findings = report.findings.iter();
            let found = findings.find(|finding| finding.subject == subject);
            found.unwrap().message.as_str()
        };
        assert_eq!(said("SCIM-Token"), "angenommen; Konten dort: 12");
        assert_eq!(said("API-Zugangsdaten"), "angenommen");
        assert_eq!(said("Vorname"), "wird angeboten");
        assert_eq!(
            said("Standort"),
            "wird dort über SCIM nicht angeboten, also ausgelassen: den Support bitten, es in das SCIM-Schema \
             aufzunehmen"
        );
        let mut config = with_api();
        config["language"] = json!("de");
        let report = check("check-api-rejected", config, &[]).unwrap();
        assert_eq!(
            report.findings[1].message,
            "reteach hat die API-Zugangsdaten abgelehnt: Client-ID, Client-Secret und Client-Code neu \
             eintragen, alle drei"
        );
    }

    #[test]
    fn without_api_credentials_only_participants_cannot_be_read() {
        let needs = [
            need("upsert-user", &["email"]),
            need("customers", &["email"]),
        ];
        let report = check("check-scim-only", scim_only(), &needs).unwrap();
        assert_eq!(report.account.as_deref(), Some("academy.example.com"));
        assert_eq!(missing(&report), ["API credentials"]);
        let report = check("check-scim-only", scim_only(), &needs[..1]).unwrap();
        assert_eq!(missing(&report), Vec::<&str>::new());
    }

    #[test]
    fn wrong_api_credentials_are_a_finding() {
        let report = check("check-api-rejected", with_api(), &[]).unwrap();
        assert_eq!(missing(&report), ["API credentials"]);
    }

    #[test]
    fn a_wrong_token_or_address_is_one_clear_sentence() {
        let failure = check("check-token-rejected", with_api(), &[]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Auth);
        assert_eq!(
            failure.message,
            "reteach rejected the SCIM token (status 401): enter a new one in the credential"
        );
        let failure = check("check-wrong-address", with_api(), &[]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Config);
    }
}

mod customers {
    use super::*;

    fn read(limit: u32) -> Read {
        Read {
            stream: "customers".into(),
            limit,
            ..Read::default()
        }
    }

    fn pages(name: &str, mut read: Read) -> Vec<Page> {
        play(name, with_api(), |cx| {
            let mut pages = Vec::new();
            loop {
                let page = Reteach::read(cx, &read).unwrap();
                read.position = page.next.clone();
                pages.push(page);
                if read.position.is_none() {
                    return pages;
                }
            }
        })
    }

    fn sizes(pages: &[Page]) -> Vec<usize> {
        pages.iter().map(|page| page.items.len()).collect()
    }

    #[test]
    fn participants_come_in_our_words() {
        let pages = pages("customers", read(2));
        assert_eq!(sizes(&pages), [2, 1]);
        assert!(pages[1].complete && pages[0].total == Some(3));
        let data = |page: usize, item: usize| -> Value {
            serde_json::from_str(&pages[page].items[item].data).unwrap()
        };
        assert_eq!(
            data(0, 0),
            json!({
                "id": "1", "external_id": "101", "email": "c1@example.com", "first_name": "C1",
                "manager_id": "3", "tags": ["new", "it"], "status": "active",
            }),
            "absent stays absent, and a note is nobody's business"
        );
        assert_eq!(data(0, 1)["manager_id"], Value::Null);
        assert_eq!(data(0, 1)["last_name"], Value::Null);
        assert_eq!(data(1, 0)["manager_id"], "1");
    }

    #[test]
    fn only_what_is_asked_for_is_passed_on() {
        let only = Read {
            attributes: texts(&["email"]),
            ..read(2)
        };
        let pages = pages("customers", only);
        assert_eq!(pages[1].items[0].data, r#"{"email":"c3@example.com"}"#);
    }

    #[test]
    fn a_reading_ends_only_where_that_is_certain() {
        let counted = pages("customers-page-count", read(2));
        assert_eq!(sizes(&counted), [2, 1]);
        assert!(counted[1].complete);
        let capped = pages("customers-capped", read(500));
        assert_eq!(sizes(&capped), [50, 50, 0]);
        assert!(capped[2].complete);
        let short = pages("customers-short", read(2));
        assert_eq!(sizes(&short), [2, 0]);
        assert!(!short[1].complete, "three were announced and did not come");
    }

    #[test]
    fn a_list_with_a_participant_who_has_no_id_is_not_whole() {
        let transcript = Transcript::new(json!([{
            "request": "GET https://api.reteach.io/customer?limit=10&page=1",
            "response": {"resultCount": 2, "results": [{"id": 1}, {"email": "ada@example.com"}]}
        }]));
        let page = Reteach::read(&transcript.context(&with_api()), &read(10)).unwrap();
        transcript.done();
        assert_eq!(
            (page.items.len(), page.next, page.complete),
            (1, None, false)
        );
    }

    #[test]
    fn each_refusal_has_its_meaning() {
        let failure = |name: &str| {
            play(&format!("customers-{name}"), with_api(), |cx| {
                Reteach::read(cx, &read(2)).unwrap_err()
            })
        };
        let kinds = [
            ("401", FailureKind::Auth),
            ("403", FailureKind::Permission),
            ("429", FailureKind::RateLimited),
            ("500-page", FailureKind::Unavailable),
            ("page", FailureKind::Unavailable),
            ("empty", FailureKind::Unavailable),
            ("interrupted", FailureKind::Unavailable),
            ("no-list", FailureKind::Protocol),
        ];
        for (name, kind) in kinds {
            let failure = failure(name);
            assert_eq!(
                (failure.kind, failure.effect),
                (kind, Effect::None),
                "{name}"
            );
        }
        assert_eq!(failure("429").retry_after_ms, Some(5000));
    }

    #[test]
    fn a_service_that_does_not_page_is_noticed() {
        play("customers-repeated", with_api(), |cx| {
            let first = Reteach::read(cx, &read(2)).unwrap();
            let again = Read {
                position: first.next,
                ..read(2)
            };
            let failure = Reteach::read(cx, &again).unwrap_err();
            assert_eq!(failure.code.as_deref(), Some("repeated-page"));
        });
    }

    #[test]
    fn without_api_credentials_nothing_is_sent() {
        let transcript = Transcript::new(json!([]));
        let failure = Reteach::read(&transcript.context(&scim_only()), &read(2)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Config);
    }
}
