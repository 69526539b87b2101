//! The files of certificates, and the test of a credential that is to read them.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use matricula_connector_reteach::Reteach;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Connector, Effect, FailureKind, File, Need, Report, Result};
use serde_json::{Value, json};

fn config() -> Value {
    json!({"credential": {"scim_url": "https://academy.example.com/scim/v2", "client_id": "c"}})
}

mod file {
    use super::*;

    const FILE: &str = "https://api.reteach.io/certificates/1003/file?v=2";

    fn fetch(mut exchange: Value) -> Result<File> {
        exchange["via"] = json!("fetch");
        exchange["request"] = json!(format!("GET {FILE}"));
        let transcript = Transcript::new(json!([exchange]));
        let fetched = Reteach::fetch(&transcript.context(&config()), "certificates", FILE);
        transcript.done();
        fetched
    }

    #[test]
    fn is_held_by_the_host() {
        let file = json!({
            "id": "f1", "name": "FS-3.pdf", "media_type": "application/pdf", "size": 5120,
            "sha256": "a".repeat(64)
        });
        let fetched = fetch(json!({"file": file})).unwrap();
        assert_eq!(serde_json::to_value(fetched).unwrap(), file);
    }

    #[test]
    fn that_cannot_be_had_says_why() {
        for (exchange, kind, code) in [
            (json!({"status": 404}), FailureKind::NotFound, "file-gone"),
            (json!({"status": 410}), FailureKind::NotFound, "file-gone"),
            (
                json!({"error": "too-large"}),
                FailureKind::Input,
                "file-too-large",
            ),
            (json!({"status": 302}), FailureKind::Input, "file-elsewhere"),
            (json!({"status": 204}), FailureKind::Protocol, "no-file"),
            (json!({"status": 401}), FailureKind::Auth, "401"),
            (
                json!({"error": "unauthenticated"}),
                FailureKind::Auth,
                "unauthenticated",
            ),
            (json!({"status": 403}), FailureKind::Permission, "403"),
            (json!({"status": 429}), FailureKind::RateLimited, "429"),
            (json!({"status": 503}), FailureKind::Unavailable, "503"),
            (
                json!({"error": "interrupted"}),
                FailureKind::Unavailable,
                "interrupted",
            ),
        ] {
            let failure = fetch(exchange.clone()).unwrap_err();
            assert_eq!(
                (failure.kind, failure.code.as_deref(), failure.effect),
                (kind, Some(code), Effect::None),
                "{exchange}"
            );
        }
    }

    #[test]
    fn is_only_fetched_from_the_api_itself() {
        let transcript = Transcript::new(json!([]));
        let cx = transcript.context(&config());
        for address in [
            "https://files.example.com/1.pdf",
            "https://api.reteach.io.example.com/1.pdf",
            "https://api.reteach.io@example.com/1.pdf",
            "https://api.reteach.io:444/1.pdf",
            "https://api.reteach.io:4430/1.pdf",
            "https://api.reteach.io\\@example.com/1.pdf",
            "https://api.reteach.io/\\example.com/1.pdf",
            "https://api.reteach.io/1.pdf\r\nHost: example.com",
            "http://api.reteach.io/1.pdf",
            "https://api.reteach.io",
            "//api.reteach.io/1.pdf",
            "/1.pdf",
            "file:///1.pdf",
            "",
        ] {
            let failure = Reteach::fetch(&cx, "certificates", address).unwrap_err();
            assert_eq!(
                (failure.kind, failure.code.as_deref()),
                (FailureKind::Input, Some("file-elsewhere")),
                "{address}"
            );
        }
        for address in [
            "https://API.reteach.io/1.pdf",
            "https://api.reteach.io:443/1.pdf",
        ] {
            let exchange = json!([
                {"via": "fetch", "request": format!("GET {address}"), "status": 404}
            ]);
            let transcript = Transcript::new(exchange);
            let cx = transcript.context(&config());
            let failure = Reteach::fetch(&cx, "certificates", address).unwrap_err();
            assert_eq!(failure.code.as_deref(), Some("file-gone"));
        }
    }

    #[test]
    fn is_only_there_for_certificates() {
        let transcript = Transcript::new(json!([]));
        let cx = transcript.context(&config());
        let failure = Reteach::fetch(&cx, "customers", FILE).unwrap_err();
        assert_eq!(failure.code.as_deref(), Some("not-offered"));
    }
}

mod check {
    use super::*;

    fn check(config: Value, mut exchanges: Vec<Value>) -> Report {
        let scim = "GET https://academy.example.com/scim/v2";
        let mut all = vec![json!({
            "request": format!("{scim}/Users?startIndex=1&count=1"),
            "response": {
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": 0, "Resources": []
            }
        })];
        all.append(&mut exchanges);
        let need = Need {
            subject: "certificates".into(),
            attributes: vec!["course".into(), "file".into()],
        };
        let transcript = Transcript::new(Value::Array(all));
        let report = Reteach::check(&transcript.context(&config), &[need]).unwrap();
        transcript.done();
        report
    }

    fn me(status: u16) -> Value {
        let request = "GET https://api.reteach.io/me";
        json!({"request": request, "status": status, "response": {"name": "Example Academy"}})
    }

    fn list(status: u16) -> Value {
        json!({
            "request": "GET https://api.reteach.io/participation?hasCertificate=true&limit=1&page=1",
            "status": status, "response": {"resultCount": 9, "results": [{"id": 1}]}
        })
    }

    fn missing(report: &Report) -> Vec<(&str, &str)> {
        let findings = report.findings.iter().filter(|finding| !finding.ok);
        findings
            .map(|finding| (finding.subject.as_str(), finding.message.as_str()))
            .collect()
    }

    #[test]
    fn certificates_that_can_be_read_are_a_finding_that_says_so() {
        let report = check(config(), vec![me(200), list(200)]);
        assert_eq!(missing(&report), []);
        assert_eq!(report.findings.last().unwrap().subject, "Certificates");
        assert_eq!(report.account.as_deref(), Some("Example Academy"));
    }

    #[test]
    fn a_missing_right_is_named_by_what_it_is_for() {
        let report = check(config(), vec![me(200), list(403)]);
        assert_eq!(
            missing(&report),
            [(
                "Certificates",
                "the participations, which the certificates are read from, cannot be read: reteach does not \
                 allow this with the API credentials (status 403)"
            )]
        );
        // Something else than the credentials keeps the academy's name from being read.
        let report = check(config(), vec![me(403), list(200)]);
        assert_eq!(missing(&report)[0].0, "API credentials");
        assert!(report.findings.last().unwrap().ok);
    }

    #[test]
    fn who_reads_german_is_told_in_german() {
        let in_german = |mut config: Value| {
            config["language"] = json!("de");
            config
        };
        let report = check(in_german(config()), vec![me(200), list(200)]);
        let last = report.findings.last().unwrap();
        assert_eq!(
            (last.subject.as_str(), last.message.as_str()),
            ("Zertifikate", "können gelesen werden")
        );
        let report = check(in_german(config()), vec![me(200), list(403)]);
        assert_eq!(
            missing(&report),
            [(
                "Zertifikate",
                "die Teilnahmen, aus denen die Zertifikate gelesen werden, lassen sich nicht lesen: reteach erlaubt \
                 das mit diesen API-Zugangsdaten nicht (Status 403)"
            )]
        );
        let empty = json!({"credential": {"scim_url": "https://academy.example.com/scim/v2"}});
        let report = check(in_german(empty), vec![]);
        assert_eq!(
            missing(&report),
            [(
                "API-Zugangsdaten",
                "Zertifikate werden über die API von reteach gelesen: Client-ID, Client-Secret und Client-Code in den \
                 Zugangsdaten eintragen; sie stehen in reteach unter Einstellungen › Integrationen › API-Zugangsdaten"
            )]
        );
    }

    #[test]
    fn what_is_to_be_entered_is_named_field_by_field() {
        let empty = json!({"credential": {"scim_url": "https://academy.example.com/scim/v2"}});
        let report = check(empty, vec![]);
        let [(subject, message)] = missing(&report)[..] else {
            panic!("{report:?}")
        };
        assert_eq!(subject, "API credentials");
        for field in ["certificates", "Client ID", "Client secret", "Client code"] {
            assert!(message.contains(field), "{message}");
        }
        // A secret that was left empty is not seen here: the API turns the request down.
        let report = check(config(), vec![me(401)]);
        let [(_, message)] = missing(&report)[..] else {
            panic!("{report:?}")
        };
        assert!(
            message.contains("Client secret and Client code"),
            "{message}"
        );
    }
}
