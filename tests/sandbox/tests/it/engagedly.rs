//! Engagedly's API.

use jiff::SignedDuration;
use matricula_sandbox::{Fault, FaultKind, Sandbox, System, Unit};
use serde_json::{Value, json};

use crate::http::{Reply, send};

fn start() -> Sandbox {
    Sandbox::builder().people(0).start_blocking().unwrap()
}

fn ask(sandbox: &Sandbox, line: &str, body: &Value) -> Reply {
    let (method, path) = line.split_once(' ').unwrap();
    let url = format!("{}/beta/{path}", sandbox.url(System::Engagedly));
    let headers = [
        ("clientkey", "sandbox-engagedly-client"),
        ("secretkey", "sandbox-engagedly-secret"),
        ("content-type", "application/json"),
    ];
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    send(method, &url, &headers, body.as_bytes()).unwrap()
}

fn get(sandbox: &Sandbox, path: &str) -> Reply {
    ask(sandbox, &format!("GET {path}"), &Value::Null)
}

fn ada() -> Value {
    json!({"first_name": "Ada", "last_name": "Example", "email": "Ada@example.com"})
}

fn with(mut body: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Field and code of everything that is refused.
fn refused(reply: &Reply) -> Vec<(String, Value)> {
    assert_eq!(reply.status, 422, "{reply:?}");
    let json = reply.json();
    assert_eq!(json["error_type"], "validation_error");
    let errors = json["errors"].as_array().unwrap().iter();
    errors
        .map(|error| {
            (
                error["field"].as_str().unwrap().to_owned(),
                error["code"].clone(),
            )
        })
        .collect()
}

#[test]
fn a_user_is_made_changed_blocked_and_activated() {
    let sandbox = start();
    let engagedly = sandbox.engagedly();
    let department = engagedly.add(Unit::Department, "Support");
    let location = engagedly.add(Unit::Location, "Berlin");
    let boss = engagedly
        .insert(&with(ada(), json!({"email": "boss@example.com"})))
        .unwrap();
    let body = with(
        ada(),
        json!({"employee_id": "E1", "departments": [department], "location": location, "manager_id": boss,
            "joining_date": "Jan 02, 2022", "custom_attributes": {"custom-attribute-d3b49": 3},
            "custom-attribute-93cbf": "4711"}),
    );
    let made = ask(&sandbox, "POST users", &body);
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!(
        (&made["success"], &made["data"]["status"]),
        (&json!(true), &json!("Active"))
    );
    let id = made["data"]["id"].as_str().unwrap();
    assert_eq!(id.len(), 36);

    let user =
        get(&sandbox, &format!("users/{id}?include=primary_reporter")).json()["data"].clone();
    assert_eq!(user["departments"][0]["name"], "Support");
    assert_eq!(user["location"], json!({"id": location, "name": "Berlin"}));
    assert_eq!(user["primary_reporter"]["id"], boss);
    assert_eq!(user["joining_date"], "2022-01-02");
    assert_eq!(
        user["custom_attributes"]["custom-attribute-93cbf"],
        json!({"name": "Cost center", "value": "4711"})
    );
    assert_eq!(
        (&user["phone_number"], &user["secondary_phone_number"]),
        (&Value::Null, &json!(""))
    );

    // In a list less is told, and managers only where they are asked for.
    let listed = get(&sandbox, "users?email=ADA%40example.com").json();
    assert_eq!(
        listed["pagination"],
        json!({"page": 1, "size": 25, "has_more": false, "total_records": 1})
    );
    assert_eq!(listed["data"][0]["id"], id);
    assert!(listed["data"][0].get("primary_reporter").is_none());
    assert!(listed["data"][0].get("promotion_date").is_none());

    let patch = format!("PATCH users/{id}");
    let body = with(
        ada(),
        json!({"departments": [], "location": "", "manager_id": ""}),
    );
    let changed = ask(&sandbox, &patch, &body).json()["data"].clone();
    assert_eq!(
        (&changed["departments"], &changed["location"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(
        (&changed["joining_date"], &changed["employee_id"]),
        (&json!("2022-01-02"), &json!("E1"))
    );

    let blocked = ask(
        &sandbox,
        &format!("PUT users/{id}/deactivate"),
        &json!({"block_reason_code": "voluntary"}),
    );
    let blocked = blocked.json()["data"].clone();
    assert_eq!(
        (&blocked["status"], &blocked["block_reason_code"]),
        (&json!("Blocked"), &json!("voluntary"))
    );
    let reasons = get(&sandbox, "users/block-reason-codes").json();
    assert_eq!(
        (&reasons["status"], &reasons["success"]),
        (&json!(200), &Value::Null)
    );
    assert_eq!(reasons["data"][1]["blocked_users_count"], 1);
    let active =
        ask(&sandbox, &format!("PUT users/{id}/activate"), &json!({})).json()["data"].clone();
    assert_eq!(
        (&active["status"], &active["block_reason_code"]),
        (&json!("Active"), &Value::Null)
    );
    assert_eq!(sandbox.journal().writes(System::Engagedly), 4);
}

#[test]
fn what_is_missing_taken_or_unknown_is_refused() {
    let sandbox = start();
    let engagedly = sandbox.engagedly();
    assert_eq!(ask(&sandbox, "POST users", &ada()).status, 201);
    let of = |body: Value| refused(&ask(&sandbox, "POST users", &body));
    let is = |field: &str, code: Value| vec![(field.to_owned(), code)];
    assert_eq!(
        of(with(ada(), json!({"email": "ADA@example.com"}))),
        is("email", json!("duplicate_value"))
    );
    let other = with(ada(), json!({"email": "b@example.com"}));
    assert_eq!(
        of(with(other.clone(), json!({"last_name": ""}))),
        is("last_name", json!("missing_field"))
    );
    for (field, value) in [
        ("departments", json!(["x"])),
        ("departments", json!("x")),
        ("location", json!("1")),
        ("manager_id", json!("x")),
        ("joining_date", json!("02.01.2022")),
        ("joining_date", json!("")),
        ("joining_date", Value::Null),
        ("birth_date", Value::Null),
        ("custom-attribute-d3b49", Value::Null),
        ("phone_number", json!(49)),
        ("level", Value::Null),
        ("gender", json!("female")),
        ("custom-attribute-d3b49", json!("3")),
        ("custom-attribute-00000", json!("3")),
        ("email", json!("nobody")),
    ] {
        assert_eq!(
            of(with(other.clone(), json!({field: value}))),
            is(field, Value::Null),
            "{field}"
        );
    }
    let options = json!({"custom_attributes": {"custom-attribute-5d2c8": ["English", "Klingon"]}});
    assert_eq!(
        of(with(other.clone(), options)),
        is("custom-attribute-5d2c8", Value::Null)
    );

    engagedly.define(
        json!({"name": "Room", "attribute_key": "custom-attribute-r", "preset": false,
        "mandatory": true, "data_type": "text", "attribute_options": null}),
    );
    assert_eq!(
        of(other.clone()),
        is("custom-attribute-r", json!("missing_field"))
    );
    let id = engagedly.user("ada@example.com").unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // The schema requires these of a PATCH too.
    let patched = ask(
        &sandbox,
        &format!("PATCH users/{id}"),
        &json!({"level": "1", "custom-attribute-r": "1"}),
    );
    assert_eq!(refused(&patched).len(), 3);
    let deactivate = format!("PUT users/{id}/deactivate");
    engagedly.archive_reason("voluntary");
    let reason = json!({"block_reason_code": "voluntary"});
    assert_eq!(
        refused(&ask(&sandbox, &deactivate, &reason)),
        is("block_reason_code", Value::Null)
    );
    assert_eq!(ask(&sandbox, &deactivate, &Value::Null).status, 200);
    assert_eq!(
        ask(&sandbox, "PUT users/x/activate", &json!({})).status,
        404
    );
}

#[test]
fn requests_are_held_to_the_rules_for_all_of_them() {
    let sandbox = start();
    let url = format!("{}/beta/users", sandbox.url(System::Engagedly));
    let reply = send(
        "GET",
        &url,
        &[("clientkey", "sandbox-engagedly-client")],
        b"",
    )
    .unwrap();
    assert_eq!(
        (reply.status, &reply.json()["error_type"]),
        (401, &json!("authentication_error"))
    );
    let keys = [
        ("clientkey", "sandbox-engagedly-client"),
        ("secretkey", "sandbox-engagedly-secret"),
    ];
    let plain = [keys[0], keys[1], ("content-type", "text/plain")];
    assert_eq!(send("POST", &url, &plain, b"{}").unwrap().status, 415);
    let html = [keys[0], keys[1], ("accept", "text/html")];
    assert_eq!(send("GET", &url, &html, b"").unwrap().status, 406);
    assert_eq!(ask(&sandbox, "DELETE users/x", &Value::Null).status, 405);
    assert_eq!(ask(&sandbox, "POST users", &json!([])).status, 400);
    assert_eq!(get(&sandbox, "nothing").status, 404);
    for query in [
        "page=0",
        "size=51",
        "size=0",
        "size=-1",
        "page=x",
        "include=everything",
    ] {
        let reply = get(&sandbox, &format!("users?{query}"));
        assert_eq!(
            (reply.status, &reply.json()["error_type"]),
            (400, &json!("invalid_request_error")),
            "{query}"
        );
    }
    sandbox.engagedly().forbid(Some("POST"), "departments");
    assert_eq!(
        ask(&sandbox, "POST departments", &json!({"name": "A"})).status,
        403
    );
    assert_eq!(get(&sandbox, "departments").status, 200);
    sandbox.engagedly().allow_all();
    assert_eq!(
        ask(&sandbox, "POST departments", &json!({"name": "A"})).status,
        201
    );
}

#[test]
fn departments_have_uuids_and_members_and_locations_numbers() {
    let sandbox = start();
    let id = sandbox.engagedly().insert(&ada()).unwrap();
    let made = ask(
        &sandbox,
        "POST departments",
        &json!({"name": " Support ", "members": [id]}),
    )
    .json()["data"]
        .clone();
    assert_eq!(
        (&made["name"], &made["members_count"]),
        (&json!("Support"), &json!(1))
    );
    assert_eq!(made["members"][0]["id"], id);
    let listed = get(&sandbox, "departments").json()["data"][0].clone();
    assert!(listed.get("members").is_none());
    let taken = ask(&sandbox, "POST departments", &json!({"name": "SUPPORT"}));
    assert_eq!(
        refused(&taken),
        [("name".to_owned(), json!("duplicate_value"))]
    );
    assert_eq!(
        refused(&ask(&sandbox, "POST businesses", &json!({}))),
        [("name".to_owned(), json!("missing_field"))]
    );

    let path = format!("departments/{}", made["id"].as_str().unwrap());
    let renamed = ask(
        &sandbox,
        &format!("PUT {path}"),
        &json!({"name": "support"}),
    );
    assert_eq!(renamed.json()["data"]["name"], "support");
    let gone = ask(&sandbox, &format!("DELETE {path}"), &Value::Null);
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    assert_eq!(get(&sandbox, &path).status, 404);
    assert_eq!(sandbox.engagedly().users()[0]["departments"], json!([]));

    let place = json!({"name": "Berlin", "city": "Berlin"});
    let place = ask(&sandbox, "POST locations", &place).json()["data"].clone();
    assert!(place["id"].is_u64());
    assert_eq!(
        (&place["city"], &place["country"]),
        (&json!("Berlin"), &Value::Null)
    );
    let title =
        ask(&sandbox, "POST job_titles", &json!({"name": "Engineer"})).json()["data"].clone();
    let titled = with(ada(), json!({"job_title": title["id"].to_string()}));
    let user = ask(&sandbox, &format!("PATCH users/{id}"), &titled).json()["data"].clone();
    assert_eq!(
        user["job_title"],
        json!({"id": title["id"], "name": "Engineer"})
    );
}

#[test]
fn another_process_sees_the_users() {
    let sandbox = start();
    let id = sandbox.engagedly().insert(&ada()).unwrap();
    sandbox.engagedly().block(&id, Some("voluntary"));
    let admin = |path: &str| {
        let url = format!("{}/{path}", sandbox.admin_url());
        send("GET", &url, &[], b"").unwrap().json()
    };
    assert_eq!(
        admin("engagedly/users")[0]["block_reason_code"],
        "voluntary"
    );
    assert_eq!(
        admin("stats")["services"]["engagedly"],
        json!({"accounts": 1, "blocked": 1})
    );
}

#[test]
fn lists_come_in_pages() {
    let sandbox = start();
    for number in 0..53 {
        let user = with(ada(), json!({"email": format!("{number}@example.com")}));
        sandbox.engagedly().insert(&user).unwrap();
    }
    let page = |query: &str| get(&sandbox, &format!("users?{query}")).json();
    let (first, second) = (page("page=1&size=50"), page("page=2&size=50"));
    assert_eq!(first["data"].as_array().unwrap().len(), 50);
    assert_eq!(first["pagination"]["has_more"], true);
    assert_eq!(second["data"].as_array().unwrap().len(), 3);
    assert_eq!(second["pagination"]["has_more"], false);
    assert_eq!(page("")["data"].as_array().unwrap().len(), 25);
    sandbox
        .faults()
        .add(Fault::new(FaultKind::ShortPage(2)).system(System::Engagedly));
    assert_eq!(page("page=2&size=50")["data"].as_array().unwrap().len(), 1);
}

#[test]
fn two_hundred_requests_a_minute_and_then_a_rest_that_grows() {
    let sandbox = start();
    sandbox.clock().set("2026-11-22T08:00:00Z".parse().unwrap());
    for number in 1..=200 {
        let reply = get(&sandbox, "user-attributes");
        assert_eq!(reply.status, 200, "{number}");
        assert_eq!(
            reply.header("x-ratelimit-remaining"),
            Some((200 - number).to_string().as_str())
        );
    }
    let reply = get(&sandbox, "user-attributes");
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some("60"))
    );
    assert_eq!(reply.header("x-ratelimit-limit"), Some("200"));
    assert_eq!(reply.json()["error_type"], "rate_limit_exceeded");
    sandbox.clock().advance(SignedDuration::from_secs(59));
    assert_eq!(
        get(&sandbox, "user-attributes").header("retry-after"),
        Some("180")
    );
    sandbox.clock().advance(SignedDuration::from_secs(180));
    assert_eq!(get(&sandbox, "user-attributes").status, 200);
}

#[test]
fn without_a_limit_and_with_faults() {
    let sandbox = Sandbox::builder()
        .people(0)
        .engagedly_limit(None)
        .start_blocking()
        .unwrap();
    assert_eq!(get(&sandbox, "users").header("x-ratelimit-limit"), None);
    sandbox
        .faults()
        .add(Fault::new(FaultKind::TooManyRequests(Some(1))).times(1));
    let reply = get(&sandbox, "users");
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some("1"))
    );
    assert_eq!(reply.json()["error_type"], "rate_limit_exceeded");
    sandbox
        .faults()
        .add(Fault::new(FaultKind::Status(500)).times(1));
    assert_eq!(
        get(&sandbox, "users").json()["error_type"],
        "api_connection_error"
    );
}
