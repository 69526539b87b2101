//! The connector against recorded exchanges. What SCIM services do otherwise is tested in `matricula-scim`;
//! here is what goes where, and the test of a credential.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use matricula_connector_scim::Scim;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{
    Change, Connector, Context, Disposition, Failure, FailureKind, Need, Read, Receipt, Report,
};
use serde_json::{Value, json};

const BASE: &str = "https://learn.example.com/scim/v2";
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const LEARN: &str = "urn:example:learn:1.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn play<T>(exchanges: Vec<Value>, language: &str, call: impl FnOnce(&Context<'_>) -> T) -> T {
    let transcript = Transcript::new(Value::from(exchanges));
    let config = json!({"credential": {"scim_url": format!("{BASE}/")}, "language": language});
    let result = call(&transcript.context(&config));
    transcript.done();
    result
}

fn get(path: &str, response: Value) -> Value {
    json!({"request": format!("GET {BASE}/{path}"), "response": response})
}

fn status(mut exchange: Value, status: u16) -> Value {
    exchange["status"] = json!(status);
    exchange
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn change(id: Option<&str>, data: Value) -> Change {
    Change {
        idempotency_key: "k".into(),
        remote_id: id.map(str::to_owned),
        data: data.to_string(),
    }
}

fn named(name: &str) -> Value {
    json!({"name": name, "type": "string", "mutability": "readWrite", "multiValued": false})
}

/// What a service says of itself that knows everything, part of it under names of its own.
fn descriptions() -> Vec<Value> {
    let names = |names: &[&str]| -> Value { names.iter().map(|name| named(name)).collect() };
    let parts = |name: &str, many: bool, parts: &[&str]| json!({"name": name, "type": "complex", "multiValued": many, "subAttributes": names(parts)});
    let mut core = names(&[
        "userName",
        "displayName",
        "title",
        "preferredLanguage",
        "timezone",
        "userType",
    ]);
    core.as_array_mut().unwrap().extend([
        parts("name", false, &["givenName", "familyName", "formatted"]),
        parts("emails", true, &["value", "type"]),
        parts("phoneNumbers", true, &["value", "type"]),
    ]);
    let mut enterprise = names(&[
        "employeeNumber",
        "organization",
        "division",
        "department",
        "costCenter",
    ]);
    enterprise
        .as_array_mut()
        .unwrap()
        .push(parts("manager", false, &["value"]));
    let own = json!([
        named("officeLocation"), named("gender"), named("employeeType"),
        {"name": "dateOfBirth", "type": "dateTime"}, {"name": "startDate", "type": "dateTime"},
        named("contractStartDate"), named("contractEndDate"), named("dateOfTermination"),
        {"name": "badge", "type": "integer"},
    ]);
    vec![
        get(
            "ServiceProviderConfig",
            json!({"patch": {"supported": true}, "filter": {"supported": true}}),
        ),
        get(
            "Schemas",
            json!({"totalResults": 3, "Resources": [
                {"id": CORE, "attributes": core},
                {"id": ENTERPRISE, "attributes": enterprise},
                {"id": LEARN, "attributes": own},
            ]}),
        ),
    ]
}

fn ada() -> Value {
    json!({
        "external_id": "7", "email": "ada@example.org", "first_name": "Ada", "last_name": "Example",
        "display_name": "Ada Example", "position": "Clerk", "phone": "+49 30 1234", "language": "de",
        "time_zone": "Europe/Berlin", "user_type": "Employee", "employee_number": "1001", "company": "Example GmbH",
        "division": "North", "department": "IT", "cost_center": "4711", "manager": "m1", "location": "Berlin",
        "gender": "female", "birth_date": "1990-12-10", "employment_type": "internal", "hire_date": "2024-01-01",
        "contract_start": "2024-01-01", "contract_end": "2026-12-31", "termination_date": "2026-11-30",
        "active": true,
    })
}

#[test]
fn everything_goes_where_the_service_has_it() {
    let mut person = ada();
    let asked: Vec<String> = person.as_object().unwrap().keys().cloned().collect();
    let mut exchanges = descriptions();
    exchanges.push(json!({
        "request": format!("POST {BASE}/Users"),
        "headers": [["content-type", "application/scim+json"]],
        "status": 201,
        "response": {"id": "a1"},
        "body": {
            "schemas": [CORE, LEARN, ENTERPRISE],
            "userName": "ada@example.org", "externalId": "7", "displayName": "Ada Example", "title": "Clerk",
            "name": {"givenName": "Ada", "familyName": "Example"},
            "emails": [{"type": "work", "value": "ada@example.org", "primary": true}],
            "phoneNumbers": [{"type": "work", "value": "+49 30 1234", "primary": true}],
            "preferredLanguage": "de", "timezone": "Europe/Berlin", "userType": "Employee", "active": true,
            ENTERPRISE: {
                "employeeNumber": "1001", "organization": "Example GmbH", "division": "North", "department": "IT",
                "costCenter": "4711", "manager": {"value": "m1"},
            },
            LEARN: {
                "officeLocation": "Berlin", "gender": "female", "dateOfBirth": "1990-12-10T00:00:00Z",
                "employeeType": "internal", "startDate": "2024-01-01T00:00:00Z",
                "contractStartDate": "2024-01-01", "contractEndDate": "2026-12-31",
                "dateOfTermination": "2026-11-30", "badge": 12,
            },
        },
    }));
    play(exchanges, "en", |cx| {
        let asked: Vec<String> = asked
            .into_iter()
            .chain(texts(&["x_badge", "x_desk"]))
            .collect();
        let prepared = Scim::prepare(cx, "upsert-user", &asked).unwrap();
        assert_eq!(prepared.unavailable, ["x_desk"]);
        person["x_badge"] = json!(12);
        person["x_desk"] = json!("by the window");
        let changes = [change(None, person)];
        let outcomes = Scim::write(cx, "upsert-user", &prepared.prepared, &changes).unwrap();
        let created = Receipt {
            remote_id: Some("a1".into()),
            disposition: Disposition::Created,
        };
        assert_eq!(outcomes, [Ok(created)]);
    });
}

#[test]
fn a_service_that_tells_nothing_of_itself_has_the_standards_attributes() {
    let silent = vec![
        status(get("ServiceProviderConfig", Value::Null), 404),
        status(get("Schemas", Value::Null), 404),
    ];
    let asked: Vec<String> = ada().as_object().unwrap().keys().cloned().collect();
    let mut unavailable = play(silent, "en", |cx| Scim::prepare(cx, "upsert-user", &asked))
        .unwrap()
        .unavailable;
    unavailable.sort();
    assert_eq!(
        unavailable,
        [
            "birth_date",
            "contract_end",
            "contract_start",
            "employment_type",
            "gender",
            "hire_date",
            "location",
            "termination_date",
        ]
    );
}

#[test]
fn groups_are_learned_found_and_written() {
    let at = "Groups?filter=externalId%20eq%20%22matricula%3Adepartment%3A17%22&excludedAttributes=members";
    let exchanges = vec![
        get(
            "ServiceProviderConfig",
            json!({"patch": {"supported": true}}),
        ),
        get(
            "Groups?filter=externalId%20eq%20%22matricula%22&excludedAttributes=members&startIndex=1&count=1",
            json!({"totalResults": 0}),
        ),
        get(at, json!({"totalResults": 0, "Resources": []})),
        json!({
            "request": format!("POST {BASE}/Groups"), "status": 201, "response": {"id": "g1"},
            "body": {"schemas": [GROUP], "displayName": "Department IT", "externalId": "matricula:department:17"},
        }),
        json!({
            "request": format!("PATCH {BASE}/Groups/g1"), "status": 204,
            "body": {"schemas": [PATCH_OP], "Operations": [
                {"op": "add", "path": "members", "value": [{"value": "a1"}]},
                {"op": "remove", "path": "members[value eq \"b1\"]"},
            ]},
        }),
    ];
    play(exchanges, "en", |cx| {
        let attributes = texts(&["external_id", "name", "add", "remove"]);
        let prepared = Scim::prepare(cx, "upsert-group", &attributes).unwrap();
        assert_eq!(prepared.unavailable, Vec::<String>::new());
        let prepared = prepared.prepared;
        let key = texts(&["matricula:department:17"]);
        let found = Scim::find(cx, "upsert-group", &prepared, "external_id", &key);
        assert_eq!(found, Ok(vec![vec![]]));
        let changes = [
            change(
                None,
                json!({"external_id": key[0], "name": "Department IT"}),
            ),
            change(Some("g1"), json!({"add": ["a1"], "remove": ["b1"]})),
        ];
        let outcomes = Scim::write(cx, "upsert-group", &prepared, &changes).unwrap();
        let did: Vec<_> = outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap().disposition)
            .collect();
        assert_eq!(did, [Disposition::Created, Disposition::Updated]);
    });
}

#[test]
fn accounts_come_in_the_operations_attributes() {
    let list = json!({"totalResults": 1, "Resources": [{
        "id": "a1", "userName": "ada@example.org", "title": "Clerk", "active": true,
        ENTERPRISE: {"department": "IT", "manager": {"value": "m1"}},
    }]});
    let read = Read {
        stream: "accounts".into(),
        attributes: texts(&["email", "position", "department", "manager", "active"]),
        limit: 50,
        ..Read::default()
    };
    let page = play(vec![get("Users?startIndex=1&count=50", list)], "en", |cx| {
        Scim::read(cx, &read)
    })
    .unwrap();
    assert!(page.complete);
    let data: Value = serde_json::from_str(&page.items[0].data).unwrap();
    assert_eq!(
        data,
        json!({
            "email": "ada@example.org", "position": "Clerk", "department": "IT", "manager": "m1", "active": true,
        })
    );
}

#[test]
fn what_is_not_of_a_scim_service_is_refused() {
    play(vec![], "en", |cx| {
        let code = |failure: Failure| failure.code.unwrap();
        let failure = Scim::prepare(cx, "upload-document", &[]).unwrap_err();
        assert_eq!(
            failure.message,
            "the SCIM service has no operation upload-document"
        );
        assert_eq!(code(failure), "not-offered");
        let read = Read {
            stream: "employees".into(),
            ..Read::default()
        };
        assert_eq!(code(Scim::read(cx, &read).unwrap_err()), "not-offered");
        let find = Scim::find(cx, "upsert-course", "{}", "name", &[]);
        assert_eq!(code(find.unwrap_err()), "not-offered");
        assert_eq!(
            code(Scim::write(cx, "upsert-course", "{}", &[]).unwrap_err()),
            "not-offered"
        );
    });
}

mod check {
    use super::*;

    fn need(subject: &str, attributes: &[&str]) -> Need {
        Need {
            subject: subject.into(),
            attributes: texts(attributes),
        }
    }

    fn users(response: Value) -> Value {
        get("Users?startIndex=1&count=1", response)
    }

    fn groups(response: Value) -> Value {
        get(
            "Groups?startIndex=1&count=1&excludedAttributes=members",
            response,
        )
    }

    fn some(total: u64) -> Value {
        json!({"totalResults": total, "Resources": [{"id": "x1"}]})
    }

    fn check(exchanges: Vec<Value>, language: &str, needs: &[Need]) -> Result<Report, Failure> {
        play(exchanges, language, |cx| Scim::check(cx, needs))
    }

    fn said(report: &Report) -> Vec<(bool, &str, &str)> {
        let findings = report.findings.iter();
        findings
            .map(|f| (f.ok, f.subject.as_str(), f.message.as_str()))
            .collect()
    }

    #[test]
    fn a_credential_alone_is_tested_by_a_look_at_the_accounts() {
        let report = check(vec![users(some(12))], "en", &[]).unwrap();
        assert_eq!(report.account.as_deref(), Some("learn.example.com"));
        assert_eq!(
            said(&report),
            [(true, "token or password", "accepted; accounts there: 12")]
        );
    }

    #[test]
    fn what_the_service_lacks_is_named_in_the_readers_language() {
        let bare = |schemas: Value| {
            vec![
                users(some(12)),
                get("ServiceProviderConfig", json!({})),
                get("Schemas", schemas),
                groups(some(3)),
            ]
        };
        let schemas = || json!([{"id": CORE, "attributes": [named("title")]}]);
        let needs = [
            need(
                "upsert-user",
                &["email", "position", "department", "gender", "x_badge"],
            ),
            need("upsert-group", &["name"]),
        ];
        let report = check(bare(schemas()), "en", &needs).unwrap();
        let missing = "not offered over SCIM there, so it is left out: ask the support to add it to the SCIM schema";
        assert_eq!(
            said(&report)[1..],
            [
                (true, "E-mail", "offered"),
                (true, "Job title", "offered"),
                (false, "Department", missing),
                (false, "Gender", missing),
                (false, "x_badge", missing),
                (true, "Groups", "offered; groups there: 3"),
            ]
        );
        let report = check(bare(schemas()), "de", &needs).unwrap();
        let missing = "wird dort über SCIM nicht angeboten, also ausgelassen: den Support bitten, es in das SCIM-Schema \
                       aufzunehmen";
        assert_eq!(
            said(&report),
            [
                (true, "Token oder Passwort", "angenommen; Konten dort: 12"),
                (true, "E-Mail", "wird angeboten"),
                (true, "Position", "wird angeboten"),
                (false, "Abteilung", missing),
                (false, "Geschlecht", missing),
                (false, "x_badge", missing),
                (true, "Gruppen", "werden angeboten; Gruppen dort: 3"),
            ]
        );
    }

    #[test]
    fn missing_rights_are_named_in_the_readers_language() {
        let denied = || {
            vec![
                status(users(Value::Null), 403),
                status(groups(Value::Null), 403),
            ]
        };
        let needs = [
            need("upsert-user", &["email"]),
            need("upsert-group", &["name"]),
        ];
        let report = check(denied(), "en", &needs).unwrap();
        let [
            (false, token, users_message),
            (false, of_groups, groups_message),
        ] = said(&report)[..]
        else {
            panic!("{report:?}")
        };
        assert_eq!((token, of_groups), ("token or password", "Groups"));
        assert!(
            users_message.contains("right to read and write users"),
            "{users_message}"
        );
        assert!(
            groups_message.contains("right to read and write groups"),
            "{groups_message}"
        );
        let report = check(denied(), "de", &needs).unwrap();
        let messages: Vec<&str> = report.findings.iter().map(|f| f.message.as_str()).collect();
        assert!(
            messages[0].contains("Recht geben, Benutzer zu lesen"),
            "{messages:?}"
        );
        assert!(
            messages[1].contains("Recht geben, Gruppen zu lesen"),
            "{messages:?}"
        );
    }

    #[test]
    fn a_service_without_groups_is_said_to_have_none() {
        let exchanges = vec![users(some(0)), status(groups(Value::Null), 501)];
        let report = check(exchanges, "de", &[need("upsert-group", &["name"])]).unwrap();
        assert_eq!(
            said(&report)[1],
            (
                false,
                "Gruppen",
                "werden dort über SCIM nicht angeboten, also kommt niemand in Gruppen"
            )
        );
    }

    #[test]
    fn a_rejected_credential_and_a_wrong_address_are_one_clear_sentence() {
        let failure = check(vec![status(users(Value::Null), 401)], "en", &[]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Auth);
        assert_eq!(
            failure.message,
            "the SCIM service rejected the token or password (status 401): enter a new one in the credential"
        );
        let failure = check(vec![status(users(json!("<html>")), 404)], "en", &[]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Config);
        let mut unreachable = users(Value::Null);
        unreachable["error"] = json!("unauthenticated");
        let failure = check(vec![unreachable], "en", &[]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Auth, "no token is issued");
    }
}
