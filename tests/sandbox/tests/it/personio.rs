//! Personio's API v1.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use matricula_sandbox::{Effect, Kind, Language, Limits, Sandbox, System};
use serde_json::{Value, json};

use crate::http::{get, personio_token, send};

fn start(people: usize) -> Sandbox {
    Sandbox::builder()
        .people(people)
        .limits(None)
        .start_blocking()
        .expect("a sandbox")
}

fn employees(sandbox: &Sandbox, query: &str) -> Value {
    let url = format!("{}/v1/company/employees{query}", sandbox.personio_url());
    let reply = get(&url, &personio_token(sandbox));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn ids(answer: &Value) -> Vec<u64> {
    let data = answer["data"].as_array().expect("data");
    data.iter()
        .map(|e| e["attributes"]["id"]["value"].as_u64().expect("an id"))
        .collect()
}

#[test]
fn token_is_had_by_body_only_and_stays_the_same() {
    let sandbox = start(1);
    let url = format!("{}/v1/auth", sandbox.personio_url());
    let json = [("content-type", "application/json")];
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let good = "client_id=sandbox-personio-id&client_secret=sandbox-personio-secret";

    let first = personio_token(&sandbox);
    assert!(first.starts_with("papi-"), "{first}");
    let again = send("POST", &url, &form, good.as_bytes()).unwrap();
    assert_eq!(again.json()["data"]["token"], first.as_str());
    assert_eq!(again.json()["success"], true);

    let query = send("POST", &format!("{url}?{good}"), &[], b"").unwrap();
    assert_eq!(
        (query.status, query.json()["success"].clone()),
        (403, json!(false))
    );
    let wrong = br#"{"client_id":"sandbox-personio-id","client_secret":"no"}"#;
    assert_eq!(send("POST", &url, &json, wrong).unwrap().status, 403);
    assert_eq!(send("POST", &url, &json, b"{}").unwrap().status, 400);
    assert_eq!(send("POST", &url, &json, b"{").unwrap().status, 400);
    assert_eq!(send("GET", &url, &[], b"").unwrap().status, 405);
    assert_eq!(sandbox.journal().count(|e| e.kind == Kind::Token), 7);
}

#[test]
fn token_expires_by_the_sandbox_clock() {
    let sandbox = start(1);
    sandbox.clock().set("2026-11-21T08:00:00Z".parse().unwrap());
    let url = format!("{}/v1/company/employees", sandbox.personio_url());
    let token = personio_token(&sandbox);
    let reply = get(&url, &token);
    assert_eq!(
        reply.header("authorization"),
        Some(format!("Bearer {token}").as_str())
    );

    sandbox.clock().advance(SignedDuration::from_secs(86_399));
    assert_eq!(get(&url, &token).status, 200);
    assert_eq!(personio_token(&sandbox), token, "one second is left");
    sandbox.clock().advance(SignedDuration::from_secs(1));
    let late = get(&url, &token);
    assert_eq!(late.status, 403);
    assert_eq!(
        late.json()["error"]["message"],
        "Provided authorization is not valid"
    );
    let next = personio_token(&sandbox);
    assert_ne!(next, token);
    assert_eq!(get(&url, &next).status, 200);
    sandbox.revoke_tokens(System::Personio);
    assert_eq!(get(&url, &next).status, 403);
    let missing = send("GET", &url, &[], b"").unwrap();
    assert_eq!(missing.status, 401);
    assert_eq!(
        missing.json()["error"]["message"],
        "Authorization is not provided"
    );
}

#[test]
fn pages_by_record_offset_and_at_most_a_hundred() {
    let sandbox = start(250);
    let all = sandbox.people().ids();
    let mut seen = Vec::new();
    for offset in [0, 100, 200] {
        let page = employees(&sandbox, &format!("?limit=100&offset={offset}"));
        assert_eq!(
            page["metadata"],
            json!({"total_elements": 250, "current_page": offset / 100, "total_pages": 3})
        );
        assert_eq!(
            (page["offset"].as_u64(), page["limit"].as_u64()),
            (Some(offset), Some(100))
        );
        seen.extend(ids(&page));
    }
    assert_eq!(seen, all);
    assert_eq!(
        ids(&employees(&sandbox, "")).len(),
        50,
        "fifty without a limit"
    );
    assert_eq!(ids(&employees(&sandbox, "?offset=7&limit=3")), all[7..10]);
    assert!(ids(&employees(&sandbox, "?offset=250")).is_empty());

    let token = personio_token(&sandbox);
    for bad in [
        "limit=101",
        "limit=0",
        "limit=x",
        "offset=-1",
        "updated_since=yesterday",
    ] {
        let url = format!("{}/v1/company/employees?{bad}", sandbox.personio_url());
        let reply = get(&url, &token);
        assert_eq!(reply.status, 400, "{bad}");
        assert_eq!(reply.json()["success"], false);
    }
}

#[test]
fn attributes_restrict_and_hidden_ones_are_absent() {
    let sandbox = start(3);
    let page = employees(
        &sandbox,
        "?attributes[]=first_name&attributes%5B%5D=email&attributes[]=x",
    );
    let keys: Vec<_> = page["data"][0]["attributes"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(keys, ["email", "first_name"]);

    assert!(sandbox.people().hide("email") && !sandbox.people().hide("nothing"));
    let page = employees(&sandbox, "?attributes[]=first_name&attributes[]=email");
    let keys: Vec<_> = page["data"][0]["attributes"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(keys, ["first_name"]);
    let url = format!("{}/v1/company/employees/attributes", sandbox.personio_url());
    let token = personio_token(&sandbox);
    let allowed = get(&url, &token).json();
    let rows = allowed["data"].as_array().unwrap();
    assert!(rows.iter().all(|r| r["key"] != "email"));
    let status = rows.iter().find(|r| r["key"] == "dynamic_9100003").unwrap();
    assert_eq!(
        *status,
        json!({"key": "dynamic_9100003", "label": "Marital status", "type": "list",
               "universal_id": null, "options": ["single", "married", "divorced"]})
    );
    assert!(sandbox.people().show("email"));
    assert!(
        get(&url, &token).json()["data"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r["key"] == "email")
    );
}

#[test]
fn labels_are_in_the_account_language() {
    let sandbox = Sandbox::builder()
        .people(1)
        .language(Language::German)
        .start_blocking()
        .unwrap();
    let one = &employees(&sandbox, "")["data"][0]["attributes"];
    assert_eq!(one["contract_end_date"]["label"], "Vertragsende");
    assert_eq!(
        one["contract_end_date"]["universal_id"],
        "contract_end_date"
    );
}

#[test]
fn one_employee_and_the_german_404() {
    let sandbox = start(2);
    let id = sandbox.people().ids()[1];
    let token = personio_token(&sandbox);
    let base = format!("{}/v1/company", sandbox.personio_url());
    let one = get(&format!("{base}/employees/{id}"), &token).json();
    assert_eq!(one["data"], employees(&sandbox, "?offset=1")["data"][0]);
    let none = get(&format!("{base}/employees/1"), &token);
    assert_eq!(none.status, 404);
    assert_eq!(
        none.json(),
        json!({"success": false, "error": {"code": 404, "message": "Es ist ein Problem aufgetreten "}})
    );
    let categories = get(&format!("{base}/document-categories"), &token).json();
    assert_eq!(
        categories["data"][0]["attributes"]["name"],
        "Other documents"
    );
}

#[test]
fn updated_since_looks_at_the_attributes_asked_for() {
    let sandbox = Sandbox::builder()
        .people(20)
        .limits(None)
        .now("2026-11-21T08:00:00Z".parse().unwrap())
        .start_blocking()
        .unwrap();
    let people = sandbox.people();
    let everybody = people.ids();
    assert!(ids(&employees(&sandbox, "?updated_since=2026-11-21T08:00:00")).is_empty());
    assert_eq!(
        ids(&employees(&sandbox, "?updated_since=2000-01-01")),
        everybody
    );

    sandbox.clock().set("2026-11-21T09:00:00Z".parse().unwrap());
    assert!(people.set(everybody[4], "position", "Chief"));
    assert!(people.set(everybody[9], "fix_salary", 1));
    people.hide("fix_salary");
    let changed = employees(&sandbox, "?updated_since=2026-11-21T08:30:00");
    assert_eq!(
        ids(&changed),
        [everybody[4]],
        "a hidden attribute does not count"
    );
    assert_eq!(changed["metadata"]["total_elements"], 1);
    let attributes = &changed["data"][0]["attributes"];
    assert_eq!(attributes["position"]["value"], "Chief");
    let modified = attributes["last_modified_at"]["value"].as_str().unwrap();
    assert_eq!(
        modified.parse::<jiff::Timestamp>().unwrap(),
        sandbox.clock().now()
    );

    let asks = "&attributes[]=id&attributes[]=email";
    assert!(
        ids(&employees(
            &sandbox,
            &format!("?updated_since=2026-11-21T08:30:00{asks}")
        ))
        .is_empty()
    );
    assert!(
        ids(&employees(&sandbox, "?updated_since=2026-11-21T09:00:00")).is_empty(),
        "strictly after"
    );
    assert!(people.touch(everybody[2]));
    assert_eq!(
        ids(&employees(
            &sandbox,
            &format!("?updated_since=2026-11-21T08:30:00{asks}")
        )),
        [everybody[2]]
    );
}

#[test]
fn email_finds_one_exactly() {
    let sandbox = start(200);
    let people = sandbox.people();
    let id = people.ids()[150];
    let email = people.text(id, "email");
    assert_eq!(ids(&employees(&sandbox, &format!("?email={email}"))), [id]);
    assert!(
        ids(&employees(
            &sandbox,
            &format!("?email={}", email.to_uppercase())
        ))
        .is_empty()
    );
    people.set_email(id, "new+name@example.com");
    assert_eq!(
        ids(&employees(&sandbox, "?email=new%2Bname%40example.com")),
        [id]
    );
}

#[test]
fn people_can_be_changed() {
    let sandbox = start(10);
    let people = sandbox.people();
    let all = people.ids();
    let (boss, one) = (all[0], all[1]);
    assert!(people.set_supervisor(one, Some(boss)) && people.set_email(boss, "boss@example.com"));
    assert!(people.set(one, "department", "Forschung") && people.set(one, "office", ""));
    assert!(people.terminate(one, "2026-12-31".parse().unwrap()));
    let row = employees(&sandbox, "?offset=1&limit=1")["data"][0]["attributes"].clone();
    assert_eq!(
        row["supervisor"]["value"]["attributes"]["email"]["value"],
        "boss@example.com"
    );
    assert_eq!(
        row["department"]["value"]["attributes"]["name"],
        "Forschung"
    );
    assert_eq!(row["department"]["value"]["type"], "Department");
    assert_eq!(row["office"]["value"], "");
    assert_eq!(row["status"]["value"], "inactive");
    assert_eq!(
        row["contract_end_date"]["value"],
        "2026-12-31T00:00:00+01:00"
    );
    assert!(people.rehire(one, "2027-07-01".parse().unwrap()));
    let row = employees(&sandbox, "?offset=1&limit=1")["data"][0]["attributes"].clone();
    assert_eq!(
        row["hire_date"]["value"], "2027-07-01T00:00:00+02:00",
        "summer time"
    );
    assert_eq!(row["termination_date"]["value"], Value::Null);
    assert!(people.set(one, "hire_date", "2026-02-31"));
    assert_eq!(
        people.value(one, "hire_date"),
        Some(json!("2026-02-31")),
        "impossible dates pass"
    );

    let new = people
        .add(&[("first_name", json!("Neu")), ("dynamic_1", json!("x"))])
        .unwrap();
    assert_eq!(people.add(&[("id", json!(new))]), None, "the id is taken");
    let last = employees(&sandbox, "?offset=10")["data"][0]["attributes"].clone();
    assert_eq!(last["id"]["value"], json!(new));
    assert_eq!(last["dynamic_1"]["value"], "x");
    assert_eq!(
        (
            last["email"]["value"].clone(),
            last["team"]["value"].clone()
        ),
        (json!(""), Value::Null)
    );
    assert!(people.remove(boss) && !people.remove(boss) && !people.set(boss, "email", "x"));
    let answer = employees(&sandbox, "?limit=100");
    assert_eq!(answer["metadata"]["total_elements"], 10);
    assert_eq!(
        answer["data"][0]["attributes"]["supervisor"]["value"],
        Value::Null,
        "boss is gone"
    );
}

#[test]
fn a_captured_answer_is_served_as_it_is() {
    let captured = br#"{ "success": true, "data": [
      {"type":"Employee","attributes":{
        "id":{"label":"ID","value":13,"type":"integer","universal_id":"id"},
        "email":{"label":"Email","value":"a@example.com","type":"standard","universal_id":"email"},
        "fix_salary":{"label":"Fixed salary","value":4333.330,"type":"decimal","universal_id":"fix_salary","currency":"GBP"},
        "last_modified_at":{"label":"Last modified","value":"2023-03-05T12:23:37+01:00","type":"date","universal_id":"last_modified_at"}}},
      {"type":"Employee","attributes":{
        "id":{"label":"ID","value":12,"type":"integer","universal_id":"id"},
        "dynamic_7":{"label":"Key \"x\"","value":"","type":"standard","universal_id":null}}}]}"#;
    let sandbox = Sandbox::builder()
        .employees_answer(&captured[..])
        .limits(None)
        .start_blocking()
        .unwrap();
    let url = format!("{}/v1/company/employees", sandbox.personio_url());
    let reply = get(&url, &personio_token(&sandbox));
    let text = String::from_utf8(reply.body.clone()).unwrap();
    assert!(
        text.contains(r#""value":4333.330,"type":"decimal""#),
        "{text}"
    );
    let original: Value = serde_json::from_slice(captured).unwrap();
    assert_eq!(reply.json()["data"], original["data"]);
    let people = sandbox.people();
    assert_eq!(people.ids(), [13, 12]);
    assert!(ids(&employees(&sandbox, "?updated_since=2023-03-05T11:23:37")).is_empty());
    assert_eq!(
        ids(&employees(&sandbox, "?updated_since=2023-03-05T11:23:36")),
        [13]
    );

    assert!(people.set(13, "fix_salary", 5) && people.set_supervisor(12, Some(13)));
    let now = employees(&sandbox, "");
    let salary = &now["data"][0]["attributes"]["fix_salary"];
    assert_eq!(
        (salary["value"].clone(), salary["currency"].clone()),
        (json!(5), json!("GBP"))
    );
    assert_ne!(
        now["data"][0]["attributes"]["last_modified_at"],
        original["data"][0]["attributes"]["last_modified_at"]
    );
    let supervisor = &now["data"][1]["attributes"]["supervisor"]["value"]["attributes"];
    assert_eq!(supervisor["email"]["value"], "a@example.com");
}

#[test]
fn limits_are_refused_without_retry_after() {
    let limits = Limits {
        employees_per_second: 3,
        tokens_per_minute: 2,
        ..Limits::default()
    };
    let sandbox = Sandbox::builder()
        .people(1)
        .limits(Some(limits))
        .start_blocking()
        .unwrap();
    let token = personio_token(&sandbox);
    let url = format!("{}/v1/company/employees", sandbox.personio_url());
    let threads: Vec<_> = (0..20)
        .map(|_| {
            let (url, token) = (url.clone(), token.clone());
            std::thread::spawn(move || get(&url, &token))
        })
        .collect();
    let replies: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    let refused: Vec<_> = replies.iter().filter(|r| r.status == 429).collect();
    assert!(
        !refused.is_empty() && refused.len() <= 17,
        "{}",
        refused.len()
    );
    assert!(refused.iter().all(|r| r.header("retry-after").is_none()));
    assert_eq!(refused[0].json()["success"], false);
    assert_eq!(sandbox.journal().stats().limited, refused.len() as u64);

    personio_token(&sandbox);
    let auth = send(
        "POST",
        &format!("{}/v1/auth", sandbox.personio_url()),
        &[],
        b"",
    )
    .unwrap();
    assert_eq!(auth.status, 429, "the third token request of the minute");
}

#[test]
fn the_journal_tells_what_was_asked() {
    let sandbox = start(3);
    let token = personio_token(&sandbox);
    let url = format!("{}/v1/company/employees?limit=2", sandbox.personio_url());
    sandbox.journal().keep_bodies(true);
    let bearer = format!("Bearer {token}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("x-personio-app-id", "MATRICULA"),
    ];
    send("GET", &url, &headers, b"").unwrap();
    let journal = sandbox.journal();
    let entry = &journal.since(1)[0];
    assert_eq!((entry.number, entry.nth, entry.kind), (2, 1, Kind::Page));
    assert_eq!(entry.target, "/v1/company/employees?limit=2");
    assert_eq!((entry.status, entry.effect), (Some(200), None::<Effect>));
    assert_eq!(entry.app_id.as_deref(), Some("MATRICULA"));
    assert!(
        entry
            .bodies
            .as_ref()
            .unwrap()
            .response
            .starts_with(b"{\"success\":true")
    );
    assert_eq!(
        (
            journal.requests(System::Personio),
            journal.writes(System::Scim)
        ),
        (2, 0)
    );
    journal.clear();
    send("GET", &url, &headers, b"").unwrap();
    let numbers: BTreeSet<_> = journal
        .entries()
        .iter()
        .map(|e| (e.number, e.nth))
        .collect();
    assert_eq!(numbers, BTreeSet::from([(3, 1)]));
}
