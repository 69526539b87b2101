//! Writing people and testing credentials, against recorded exchanges. What SCIM services do otherwise is tested in
//! `matricula-scim`; here is what is Winningtemp's own: the short list that it documents, and more where it is
//! offered.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use matricula_connector_winningtemp::Winningtemp;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Change, Connector, Context, Disposition, FailureKind, Need, Report};
use serde_json::{Value, json};

const SCIM: &str = "https://scim.prod.winningtemp.com/api/scim";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const OWN: &str = "urn:ietf:params:scim:schemas:extension:winningtemp:2.0:User";
const FLOW: [&str; 9] = [
    "external_id",
    "email",
    "first_name",
    "last_name",
    "gender",
    "birth_date",
    "hire_date",
    "termination_date",
    "invitation",
];

fn play<T>(exchanges: Value, more: &Value, call: impl FnOnce(&Context<'_>) -> T) -> T {
    let transcript = Transcript::new(exchanges);
    let mut config = json!({"credential": {"scim_url": SCIM}, "settings": {}});
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Object(fields) => config[name].as_object_mut().unwrap().extend(fields.clone()),
            other => config[name] = other.clone(),
        }
    }
    let result = call(&transcript.context(&config));
    transcript.done();
    result
}

fn get(path: &str, status: u16, response: &Value) -> Value {
    json!({"request": format!("GET {SCIM}/{path}"), "status": status, "response": response})
}

/// A service that says nothing of itself, as Winningtemp's is documented.
fn silent() -> Vec<Value> {
    ["ServiceProviderConfig", "Schemas"]
        .map(|path| get(path, 404, &json!({})))
        .to_vec()
}

/// A service with an extension that has everything.
fn generous() -> Vec<Value> {
    let attribute =
        |name: &str, kind: &str| json!({"name": name, "type": kind, "mutability": "readWrite"});
    vec![
        get("ServiceProviderConfig", 404, &json!({})),
        get(
            "Schemas",
            200,
            &json!({"schemas": [LIST], "totalResults": 2, "Resources": [
                {"id": CORE, "attributes": [
                    attribute("userName", "string"), attribute("active", "boolean"),
                    {"name": "name", "type": "complex", "mutability": "readWrite", "subAttributes": [
                        attribute("givenName", "string"), attribute("familyName", "string")]},
                    {"name": "emails", "type": "complex", "multiValued": true, "mutability": "readWrite",
                        "subAttributes": [attribute("value", "string"), attribute("type", "string")]}]},
                {"id": OWN, "attributes": [
                    attribute("gender", "string"), attribute("birthday", "dateTime"),
                    attribute("hireDate", "string"), attribute("terminationDate", "string"),
                    attribute("sendInvitation", "boolean")]},
            ]}),
        ),
    ]
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn change(id: Option<&str>, data: &Value) -> Change {
    Change {
        idempotency_key: "k".into(),
        remote_id: id.map(str::to_owned),
        data: data.to_string(),
    }
}

fn person() -> Value {
    json!({
        "external_id": "1001", "email": "ada@example.com", "first_name": "Ada", "last_name": "Example",
        "gender": "female", "birth_date": "1990-02-03", "hire_date": "2026-12-01", "termination_date": null,
        "invitation": false, "active": true,
    })
}

#[test]
fn what_the_documented_service_does_not_carry_is_named_and_left_out() {
    let sent = json!({
        "schemas": [CORE], "externalId": "1001", "userName": "ada@example.com", "active": true,
        "name": {"givenName": "Ada", "familyName": "Example"},
        "emails": [{"type": "work", "value": "ada@example.com", "primary": true}],
    });
    let mut exchanges = silent();
    exchanges.push(get(
        "Users?filter=userName%20eq%20%22ada%40example.com%22",
        200,
        &json!({"schemas": [LIST], "totalResults": 0, "Resources": []}),
    ));
    exchanges.push(json!({
        "request": format!("POST {SCIM}/Users"), "body": sent, "status": 201, "response": {"id": "w1"},
    }));
    play(exchanges.into(), &json!({}), |cx| {
        let prepared = Winningtemp::prepare(cx, "upsert-user", &texts(&FLOW)).unwrap();
        assert_eq!(
            prepared.unavailable,
            texts(&[
                "gender",
                "birth_date",
                "hire_date",
                "termination_date",
                "invitation"
            ])
        );
        let emails = texts(&["ada@example.com"]);
        let found = Winningtemp::find(cx, "upsert-user", &prepared.prepared, "email", &emails);
        assert_eq!(found, Ok(vec![vec![]]));
        let changes = [change(None, &person())];
        let receipts = Winningtemp::write(cx, "upsert-user", &prepared.prepared, &changes).unwrap();
        let receipt = receipts[0].as_ref().unwrap();
        assert_eq!(
            (receipt.remote_id.as_deref(), receipt.disposition),
            (Some("w1"), Disposition::Created)
        );
    });
}

#[test]
fn what_the_service_offers_is_carried() {
    let mut exchanges = generous();
    exchanges.push(json!({
        "request": format!("POST {SCIM}/Users"), "status": 201, "response": {"id": "w1"},
        "body": {
            "schemas": [CORE, OWN], "externalId": "1001", "userName": "ada@example.com", "active": true,
            "name": {"givenName": "Ada", "familyName": "Example"},
            "emails": [{"type": "work", "value": "ada@example.com", "primary": true}],
            OWN: {"gender": "female", "birthday": "1990-02-03T00:00:00Z", "hireDate": "2026-12-01",
                "sendInvitation": false},
        },
    }));
    play(exchanges.into(), &json!({}), |cx| {
        let prepared = Winningtemp::prepare(cx, "upsert-user", &texts(&FLOW)).unwrap();
        assert_eq!(prepared.unavailable, Vec::<String>::new());
        let changes = [change(None, &person())];
        let receipts = Winningtemp::write(cx, "upsert-user", &prepared.prepared, &changes).unwrap();
        assert_eq!(
            receipts[0].as_ref().unwrap().disposition,
            Disposition::Created
        );
    });
}

#[test]
fn somebody_who_leaves_is_made_inactive_in_one_request() {
    let mut exchanges = silent();
    exchanges.push(json!({
        "request": format!("PATCH {SCIM}/Users/w1"), "status": 204,
        "body": {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": false}],
        },
    }));
    play(exchanges.into(), &json!({}), |cx| {
        let prepared = Winningtemp::prepare(cx, "upsert-user", &texts(&["active"])).unwrap();
        let changes = [change(Some("w1"), &json!({"active": false}))];
        let receipts = Winningtemp::write(cx, "upsert-user", &prepared.prepared, &changes).unwrap();
        assert!(receipts[0].is_ok(), "{receipts:?}");
    });
}

fn probe() -> Value {
    get(
        "Users?startIndex=1&count=1",
        200,
        &json!({"schemas": [LIST], "totalResults": 3, "Resources": [{"id": "w1"}]}),
    )
}

fn check(exchanges: Vec<Value>, more: &Value, needs: &[(&str, &[&str])]) -> Report {
    let needs: Vec<Need> = needs
        .iter()
        .map(|(subject, attributes)| Need {
            subject: (*subject).to_owned(),
            attributes: texts(attributes),
        })
        .collect();
    play(exchanges.into(), more, |cx| {
        Winningtemp::check(cx, &needs).unwrap()
    })
}

fn findings(report: &Report) -> Vec<(bool, &str)> {
    report
        .findings
        .iter()
        .map(|finding| (finding.ok, finding.subject.as_str()))
        .collect()
}

#[test]
fn a_test_says_what_is_not_carried_in_the_readers_language() {
    let mut exchanges = vec![probe()];
    exchanges.extend(silent());
    let report = check(
        exchanges,
        &json!({"language": "de"}),
        &[(
            "upsert-user",
            &["email", "gender", "birth_date", "invitation"],
        )],
    );
    assert_eq!(report.account.as_deref(), Some("scim.prod.winningtemp.com"));
    assert_eq!(
        findings(&report),
        [
            (true, "SCIM-Token"),
            (true, "E-Mail"),
            (false, "Geschlecht"),
            (false, "Geburtstag"),
            (false, "Automatische Einladung"),
        ]
    );
    assert!(
        report.findings[2]
            .message
            .starts_with("wird dort über SCIM nicht angeboten")
    );
}

const API: &str = "https://api.winningtemp.com";

fn with_api() -> Value {
    json!({"credential": {"client_id": "c"}})
}

#[test]
fn the_api_is_tested_where_there_are_credentials_for_it() {
    let exchanges = vec![
        probe(),
        json!({"request": format!("GET {API}/users/v2"), "response":
            {"data": [{"id": "u1"}, {"id": "u2"}], "pagination": {"totalCount": 71}}}),
        json!({"request": format!("GET {API}/teams/v2"), "response": {"data": [{"id": "t1"}], "pagination": {}}}),
    ];
    let report = check(exchanges, &with_api(), &[("teams", &["name"])]);
    let messages: Vec<&str> = report.findings[1..]
        .iter()
        .map(|f| f.message.as_str())
        .collect();
    assert_eq!(
        messages,
        ["accepted; people there: 71", "accepted; teams there: 1"]
    );
}

#[test]
fn wrong_credentials_for_the_api_are_a_finding_and_not_the_end() {
    let exchanges = vec![
        probe(),
        json!({"request": format!("GET {API}/users/v2"), "error": "unauthenticated"}),
    ];
    let report = check(exchanges, &with_api(), &[("teams", &["name"])]);
    assert_eq!(
        findings(&report),
        [(true, "SCIM token"), (false, "API credentials")]
    );
}

#[test]
fn missing_credentials_for_the_api_are_asked_for_only_if_they_are_needed() {
    let report = check(vec![probe()], &json!({}), &[]);
    assert_eq!(findings(&report), [(true, "SCIM token")]);
    let report = check(
        vec![probe()],
        &json!({"language": "de"}),
        &[("users", &["email"])],
    );
    assert_eq!(
        findings(&report),
        [(true, "SCIM-Token"), (false, "API-Zugangsdaten")]
    );
    assert!(report.findings[1].message.contains("Developer API"));
}

#[test]
fn a_token_that_is_not_accepted_is_a_failure() {
    let failure = play(
        json!([{"request": format!("GET {SCIM}/Users?startIndex=1&count=1"), "status": 401}]),
        &json!({}),
        |cx| Winningtemp::check(cx, &[]).unwrap_err(),
    );
    assert_eq!(failure.kind, FailureKind::Auth);
    assert!(
        failure.message.contains("SCIM token"),
        "{}",
        failure.message
    );
}
