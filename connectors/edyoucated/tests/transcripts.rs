//! The connector against recorded exchanges: what goes where, and what its owner is told. What SCIM services do
//! otherwise is tested in `matricula-scim`.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use matricula_connector_edyoucated::Edyoucated;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Change, Connector, Context, Disposition, FailureKind, Need};
use serde_json::{Value, json};

const BASE: &str = "https://edyoucated.example.com/scim/v2";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn play<T>(exchanges: Value, language: &str, call: impl FnOnce(&Context<'_>) -> T) -> T {
    let transcript = Transcript::new(exchanges);
    let config = json!({"credential": {"scim_url": BASE}, "language": language});
    let result = call(&transcript.context(&config));
    transcript.done();
    result
}

fn at(method: &str, path: &str) -> String {
    format!("{method} {BASE}/{path}")
}

fn change(id: Option<&str>, data: Value) -> Change {
    Change {
        idempotency_key: "k".into(),
        remote_id: id.map(str::to_owned),
        data: data.to_string(),
    }
}

fn dispositions(cx: &Context<'_>, operation: &str, changes: &[Change]) -> Vec<Disposition> {
    let outcomes = Edyoucated::write(cx, operation, "{}", changes).unwrap();
    outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap().disposition)
        .collect()
}

#[test]
fn a_person_is_created_changed_and_deactivated() {
    let patch = |operations: Value| {
        json!({
            "request": at("PATCH", "Users/p1"), "status": 204,
            "body": {"schemas": [PATCH_OP], "Operations": operations},
        })
    };
    let exchanges = json!([
        {
            "request": at("POST", "Users"), "status": 201, "response": {"id": "p1"},
            "body": {
                "schemas": [CORE], "externalId": "7", "userName": "ada@example.com",
                "emails": [{"type": "work", "value": "ada@example.com", "primary": true}],
                "name": {"givenName": "Ada", "familyName": "Example"}, "title": "Engineer",
                "preferredLanguage": "de", "active": true,
            },
        },
        patch(json!([{"op": "replace", "path": "title", "value": "Architect"}])),
        patch(json!([{"op": "replace", "path": "active", "value": false}])),
    ]);
    let person = json!({
        "external_id": "7", "email": "ada@example.com", "first_name": "Ada", "last_name": "Example",
        "job_title": "Engineer", "language": "de", "active": true,
    });
    let changes = [
        change(None, person),
        change(Some("p1"), json!({"job_title": "Architect"})),
        change(Some("p1"), json!({"active": false})),
    ];
    let did = play(exchanges, "en", |cx| {
        dispositions(cx, "upsert-user", &changes)
    });
    assert_eq!(
        did,
        [
            Disposition::Created,
            Disposition::Updated,
            Disposition::Updated
        ]
    );
}

#[test]
fn a_team_is_a_group() {
    let exchanges = json!([
        {
            "request": at("POST", "Groups"), "status": 201, "response": {"id": "t1"},
            "body": {
                "schemas": [GROUP], "externalId": "matricula:supervisor:3", "displayName": "Peter Wright's team",
                "members": [{"value": "p1"}],
            },
        },
        {
            "request": at("PATCH", "Groups/t1"), "status": 204,
            "body": {"schemas": [PATCH_OP], "Operations": [
                {"op": "remove", "path": "members[value eq \"p1\"]"},
            ]},
        },
    ]);
    let team = json!({"external_id": "matricula:supervisor:3", "name": "Peter Wright's team", "add": ["p1"]});
    let changes = [
        change(None, team),
        change(Some("t1"), json!({"remove": ["p1"]})),
    ];
    let did = play(exchanges, "en", |cx| {
        dispositions(cx, "upsert-group", &changes)
    });
    assert_eq!(did, [Disposition::Created, Disposition::Updated]);
}

mod check {
    use super::*;

    fn needs() -> [Need; 2] {
        let need = |subject: &str, attributes: &[&str]| Need {
            subject: subject.into(),
            attributes: attributes.iter().map(|name| (*name).to_owned()).collect(),
        };
        [
            need(
                "upsert-user",
                &["first_name", "job_title", "language", "active"],
            ),
            need("upsert-group", &["name"]),
        ]
    }

    #[test]
    fn everything_is_named_in_the_words_of_edyoucated() {
        let exchanges = json!([
            {"request": at("GET", "Users?startIndex=1&count=1"), "response": {"totalResults": 4, "Resources": []}},
            {"request": at("GET", "ServiceProviderConfig"), "response": {}},
            {"request": at("GET", "Schemas"), "response": [{"id": CORE, "attributes": [
                {"name": "title"}, {"name": "name", "subAttributes": [{"name": "givenName"}]},
            ]}]},
            {
                "request": at("GET", "Groups?startIndex=1&count=1&excludedAttributes=members"),
                "response": {"totalResults": 2, "Resources": []},
            },
        ]);
        let report = play(exchanges, "de", |cx| Edyoucated::check(cx, &needs())).unwrap();
        let said: Vec<(bool, &str)> = report
            .findings
            .iter()
            .map(|finding| (finding.ok, finding.subject.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (true, "SCIM-Token"),
                (true, "Vorname"),
                (true, "Jobtitel"),
                (false, "Standardsprache"),
                (true, "Status"),
                (true, "Gruppen"),
            ]
        );
    }

    #[test]
    fn missing_rights_are_named() {
        let exchanges = json!([
            {"request": at("GET", "Users?startIndex=1&count=1"), "status": 403},
            {"request": at("GET", "Groups?startIndex=1&count=1&excludedAttributes=members"), "status": 403},
        ]);
        let report = play(exchanges, "en", |cx| Edyoucated::check(cx, &needs())).unwrap();
        let messages: Vec<&str> = report.findings.iter().map(|f| f.message.as_str()).collect();
        assert!(
            report.findings.iter().all(|finding| !finding.ok),
            "{report:?}"
        );
        assert!(
            messages[0].contains("users") && messages[1].contains("groups"),
            "{messages:?}"
        );
    }

    #[test]
    fn a_rejected_token_is_one_clear_sentence() {
        let exchanges =
            json!([{"request": at("GET", "Users?startIndex=1&count=1"), "status": 401}]);
        let failure = play(exchanges, "en", |cx| Edyoucated::check(cx, &needs())).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Auth);
        assert_eq!(
            failure.message,
            "edyoucated rejected the SCIM token (status 401): enter a new one in the credential"
        );
    }
}
