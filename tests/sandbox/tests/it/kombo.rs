//! Kombo's API.

use std::io::{Read as _, Write as _};

use jiff::SignedDuration;
use matricula_sandbox::{Sandbox, Setup, Status, System};
use serde_json::{Value, json};

use crate::http::{Reply, send};

const KEY: (&str, &str) = ("authorization", "Bearer sandbox-kombo-key");
const INTEGRATION: (&str, &str) = ("x-integration-id", "personio:SandboxConnection1");

fn started(people: usize) -> Sandbox {
    Sandbox::builder()
        .people(people)
        .now("2026-11-22T08:00:00Z".parse().unwrap())
        .start_blocking()
        .unwrap()
}

fn get(sandbox: &Sandbox, path: &str) -> Reply {
    let url = format!("{}/v1/{path}", sandbox.url(System::Kombo));
    send("GET", &url, &[KEY, INTEGRATION], b"").unwrap()
}

fn post(sandbox: &Sandbox, path: &str, body: &Value) -> Reply {
    let url = format!("{}/v1/{path}", sandbox.url(System::Kombo));
    let headers = [KEY, INTEGRATION, ("content-type", "application/json")];
    send("POST", &url, &headers, body.to_string().as_bytes()).unwrap()
}

fn delete(sandbox: &Sandbox, path: &str) -> Reply {
    let url = format!("{}/v1/{path}", sandbox.url(System::Kombo));
    let headers = [KEY, ("content-type", "application/json")];
    send("DELETE", &url, &headers, b"{}").unwrap()
}

fn refused(reply: &Reply) -> (u16, String) {
    let body = reply.json();
    assert_eq!(body["status"], "error", "{body}");
    let code = body["error"]["code"].as_str().unwrap_or_default();
    (reply.status, code.to_owned())
}

fn employees(sandbox: &Sandbox, query: &str) -> Vec<Value> {
    let reply = get(sandbox, &format!("hris/employees?{query}"));
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    body["data"]["results"].as_array().unwrap().clone()
}

#[test]
fn who_may_ask() {
    let sandbox = started(1);
    let base = format!("{}/v1", sandbox.url(System::Kombo));
    let ask = |path: &str, headers: &[(&str, &str)]| {
        refused(&send("GET", &format!("{base}/{path}"), headers, b"").unwrap())
    };
    let wrong = [("authorization", "Bearer wrong"), INTEGRATION];
    let rejected = (401, "PLATFORM.AUTHENTICATION_INVALID".to_owned());
    assert_eq!(ask("check-api-key", &wrong), rejected);
    assert_eq!(ask("hris/employees", &[INTEGRATION]), rejected);
    let unknown = [KEY, ("x-integration-id", "personio:other")];
    assert_eq!(
        ask("hris/employees", &unknown),
        (404, "PLATFORM.INTEGRATION_NOT_FOUND".to_owned())
    );
    let invalid = (400, "PLATFORM.INPUT_INVALID".to_owned());
    assert_eq!(ask("hris/employees", &[KEY]), invalid);
    assert_eq!(get(&sandbox, "check-api-key").status, 200);
    for query in [
        "page_size=251",
        "page_size=0",
        "limit=5",
        "updated_after=yesterday",
        "include_deleted=yes",
        "cursor=bm9uZQ==",
    ] {
        let reply = get(&sandbox, &format!("hris/employees?{query}"));
        assert_eq!(refused(&reply), invalid, "{query}");
    }
}

#[test]
fn employees_are_those_of_personio_page_by_page() {
    let sandbox = started(7);
    let mut ids = Vec::new();
    let mut path = "hris/employees?page_size=3".to_owned();
    loop {
        let body = get(&sandbox, &path).json();
        for employee in body["data"]["results"].as_array().unwrap() {
            ids.push(employee["id"].as_str().unwrap().to_owned());
        }
        match body["data"]["next"].as_str() {
            Some(next) => path = format!("hris/employees?page_size=3&cursor={next}"),
            None => break,
        }
    }
    let kombo = sandbox.kombo();
    let expected: Vec<String> = sandbox
        .people()
        .ids()
        .into_iter()
        .map(|n| kombo.id(n))
        .collect();
    assert_eq!(ids, expected);

    let people = sandbox.people();
    let number = people.ids()[0];
    people.set(number, "gender", "male");
    people.set(number, "weekly_working_hours", "20");
    people.set(number, "hire_date", "2024-03-01");
    people.set(number, "department", "Sales");
    people.set_supervisor(number, Some(people.ids()[1]));
    let employee = &employees(&sandbox, "page_size=1")[0];
    assert_eq!(employee["remote_id"], number.to_string());
    assert_eq!(employee["gender"], "MALE");
    assert_eq!(employee["employment_type"], "PART_TIME");
    assert_eq!(employee["start_date"], "2024-03-01T00:00:00.000Z");
    let department = employee["groups"].as_array().unwrap().iter();
    let department: Vec<_> = department.filter(|g| g["type"] == "DEPARTMENT").collect();
    assert_eq!(department[0]["name"], "Sales");
    assert_eq!(employee["manager_id"], kombo.id(people.ids()[1]));
    assert_eq!(employee["manager"]["id"], employee["manager_id"]);
}

#[test]
fn what_changed_and_who_is_gone() {
    let sandbox = started(5);
    let people = sandbox.people();
    let ids = people.ids();
    assert_eq!(employees(&sandbox, "").len(), 5);
    let later = "updated_after=2026-11-22T08:00:00.000Z";
    assert_eq!(employees(&sandbox, later).len(), 0);
    sandbox.clock().advance(SignedDuration::from_mins(5));
    people.set(ids[0], "position", "Captain");
    people.remove(ids[1]);
    let changed = employees(&sandbox, later);
    assert_eq!(changed.len(), 1, "the deleted are hidden");
    assert_eq!(changed[0]["changed_at"], "2026-11-22T08:05:00.000Z");
    let changed = employees(&sandbox, &format!("{later}&include_deleted=true"));
    assert_eq!(changed.len(), 2);
    assert_eq!(changed[1]["remote_deleted_at"], "2026-11-22T08:05:00.000Z");
    assert!(changed[1]["last_name"].is_string());
    assert_eq!(employees(&sandbox, "").len(), 4);

    // The deletion policy.
    sandbox.clock().advance(SignedDuration::from_hours(15 * 24));
    let changed = employees(&sandbox, "include_deleted=true");
    let gone = &changed[1];
    assert_eq!(gone["id"], sandbox.kombo().id(ids[1]));
    assert!(
        gone["last_name"].is_null() && gone["work_email"].is_null(),
        "{gone}"
    );

    // Who comes back is the same one.
    people.add(&[("id", ids[1].into()), ("last_name", "Again".into())]);
    let again = employees(&sandbox, "updated_after=2026-11-23");
    assert_eq!(again[0]["id"], sandbox.kombo().id(ids[1]));
    assert!(again[0]["remote_deleted_at"].is_null());
}

#[test]
fn states_in_which_nothing_is_given_out() {
    let sandbox = started(1);
    let kombo = sandbox.kombo();
    let code = || refused(&get(&sandbox, "hris/employees")).1;
    kombo.set_setup(Setup::SyncPending);
    assert_eq!(code(), "INTEGRATION.SETUP_SYNC_PENDING");
    kombo.set_setup(Setup::Incomplete);
    assert_eq!(code(), "INTEGRATION.SETUP_INCOMPLETE");
    kombo.set_setup(Setup::Completed);
    kombo.set_status(Status::Inactive);
    assert_eq!(code(), "INTEGRATION.INACTIVE");
    kombo.set_status(Status::Active);
    kombo.enable("hris_employees", false);
    assert_eq!(code(), "INTEGRATION.MODEL_DISABLED");
    kombo.enable("hris_employees", true);
    kombo.withhold("gender", true);
    assert!(employees(&sandbox, "")[0]["gender"].is_null());
    let described = get(&sandbox, "integrations/personio%3ASandboxConnection1").json();
    let fields = described["data"]["read_models"][0]["fields"]
        .as_array()
        .unwrap()
        .clone();
    let gender = fields.iter().find(|field| field["id"] == "gender").unwrap();
    assert_eq!(
        (&gender["is_available"], &gender["opted_out_by_customer"]),
        (&json!(false), &json!(true))
    );
    let next = get(&sandbox, "hris/groups?page_size=1").json();
    if let Some(cursor) = next["data"]["next"].as_str() {
        kombo.forget_cursors();
        let reply = get(
            &sandbox,
            &format!("hris/groups?page_size=1&cursor={cursor}"),
        );
        assert_eq!(refused(&reply).1, "PLATFORM.INPUT_INVALID");
    }
}

#[test]
fn documents_go_into_personio_and_nothing_comes_back() {
    let sandbox = started(1);
    let kombo = sandbox.kombo();
    let number = sandbox.people().ids()[0];
    // Kombo knows whom it has read.
    employees(&sandbox, "");
    let categories = get(&sandbox, "hris/employee-document-categories").json();
    let category = &categories["data"]["results"][2];
    assert_eq!(category["name"], "Learning certificates");
    let path = format!("hris/employees/{}/documents", kombo.id(number));
    let body = json!({
        "category_id": category["id"],
        "document": {"name": "a.pdf", "content_type": "application/pdf", "data": "JVBERi0="}
    });
    let reply = post(&sandbox, &path, &body);
    assert_eq!(
        reply.json(),
        json!({"status": "success", "data": {}, "warnings": []})
    );
    assert_eq!(reply.header("concurrency-remaining"), Some("30"));
    let documents = sandbox.documents().list();
    let document = &documents[0];
    assert_eq!(
        (document.employee, document.size, &*document.title),
        (number, 5, "a.pdf")
    );

    let refusal = |path: &str, change: fn(&mut Value)| {
        let mut body = body.clone();
        change(&mut body);
        refused(&post(&sandbox, path, &body)).1
    };
    let input = "PLATFORM.INPUT_INVALID";
    assert_eq!(refusal(&path, |b| b["category_id"] = "x".into()), input);
    assert_eq!(
        refusal(&path, |b| b["document"]["data"] = "#".into()),
        input
    );
    assert_eq!(refusal(&path, |b| b["title"] = "x".into()), input);
    assert_eq!(refusal("hris/employees/nobody/documents", |_| ()), input);
    kombo.occupy(30);
    assert_eq!(
        refusal(&path, |_| ()),
        "PLATFORM.CONCURRENCY_LIMIT_EXCEEDED"
    );
    kombo.occupy(0);
    kombo.enable("hris_add_employee_document", false);
    assert_eq!(refusal(&path, |_| ()), "INTEGRATION.ACTION_DISABLED");
    assert_eq!(sandbox.documents().len(), 1);
}

#[test]
fn a_customer_connects_in_a_window() {
    let sandbox = started(1);
    let kombo = sandbox.kombo();
    let mut wish = json!({
        "end_user_email": "owner@example.com", "end_user_organization_name": "Acme",
        "end_user_origin_id": "vendor/acme", "language": "de", "link_type": "EMBEDDED",
        "integration_category": "HRIS"
    });
    let reply = post(&sandbox, "connect/create-link", &wish);
    let link = reply.json()["data"]["link"].as_str().unwrap().to_owned();
    assert!(
        link.starts_with("https://connect.kombo.dev/v1?token="),
        "{link}"
    );
    let token = kombo.sign_in(&link).unwrap();
    assert_eq!(kombo.sign_in(&link), None, "a link is good once");
    let told = get(&sandbox, &format!("connect/integration-by-token/{token}")).json();
    assert_eq!(told["data"]["end_user_origin_id"], "vendor/acme");
    let id = told["data"]["id"].as_str().unwrap();
    assert_eq!(kombo.integration(id).unwrap().organization, "Acme");
    let reply = get(&sandbox, "connect/integration-by-token/other");
    assert_eq!(reply.status, 404);

    kombo.set_status(Status::Invalid);
    let path = format!("integrations/{}/relink", id.replace(':', "%3A"));
    let relink = post(&sandbox, &path, &json!({"language": "en"})).json();
    kombo
        .sign_in(relink["data"]["link"].as_str().unwrap())
        .unwrap();
    assert_eq!(kombo.integration(id).unwrap().status, Status::Active);

    let path = format!("integrations/{}", id.replace(':', "%3A"));
    assert_eq!(delete(&sandbox, &path).status, 200);
    assert!(kombo.integration(id).is_none());
    let gone = delete(&sandbox, &path);
    assert_eq!(gone.status, 404);
    assert_eq!(
        gone.json()["error"]["code"],
        "PLATFORM.INTEGRATION_NOT_FOUND"
    );

    wish["language"] = "xx".into();
    assert_eq!(post(&sandbox, "connect/create-link", &wish).status, 400);
    wish["language"] = Value::Null;
    wish["end_user_email"] = "nobody".into();
    assert_eq!(post(&sandbox, "connect/create-link", &wish).status, 400);
    // The window itself has no key.
    let window = format!("{}/v1?token=x", sandbox.url(System::Kombo));
    let window = send("GET", &window, &[], b"").unwrap();
    assert!(
        String::from_utf8_lossy(&window.body).contains("/v1/sign-in"),
        "{window:?}"
    );
}

#[test]
fn events_are_signed() {
    let sandbox = started(1);
    let kombo = sandbox.kombo();
    let body = kombo.data_changed("personio:SandboxConnection1");
    // Computed by OpenSSL for this secret.
    assert_eq!(
        kombo.signature("{\"a\":1}"),
        "61Kw__J780SaYNbjn_TWukBO2ZOaDoKzdhluk1N-4sc"
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!(
        "http://{}/hooks/connector/kombo",
        listener.local_addr().unwrap()
    );
    let signature = kombo.signature(&body);
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut heard = vec![0; 4096];
        let mut size = 0;
        while !String::from_utf8_lossy(&heard[..size]).contains("hris_employees") {
            size += stream.read(&mut heard[size..]).unwrap();
        }
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .unwrap();
        String::from_utf8_lossy(&heard[..size]).into_owned()
    });
    assert_eq!(kombo.send(&to, &body, &signature).unwrap(), 204);
    let heard = heard.join().unwrap();
    assert!(
        heard.starts_with("POST /hooks/connector/kombo HTTP/1.1\r\n"),
        "{heard}"
    );
    assert!(
        heard.contains(&format!("x-kombo-signature: {signature}\r\n")),
        "{heard}"
    );
}
