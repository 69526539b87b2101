//! Winningtemp's REST API.

use jiff::SignedDuration;
use matricula_sandbox::{Sandbox, System};
use serde_json::{Value, json};

use crate::http::{Reply, get, send};

fn sandbox() -> Sandbox {
    Sandbox::builder().people(0).start_blocking().unwrap()
}

fn ask(sandbox: &Sandbox, headers: &[(&str, &str)], body: &str) -> Reply {
    let url = format!("{}/auth", sandbox.url(System::Winningtemp));
    send("POST", &url, headers, body.as_bytes()).unwrap()
}

/// `sandbox-winningtemp-id:sandbox-winningtemp-secret`.
const BASIC: (&str, &str) = (
    "authorization",
    "Basic c2FuZGJveC13aW5uaW5ndGVtcC1pZDpzYW5kYm94LXdpbm5pbmd0ZW1wLXNlY3JldA==",
);
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn token(sandbox: &Sandbox) -> String {
    let reply = ask(sandbox, &[BASIC, FORM], "grant_type=client_credentials");
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["access_token"].as_str().unwrap().to_owned()
}

fn read(sandbox: &Sandbox, path: &str, token: &str) -> Reply {
    get(
        &format!("{}{path}", sandbox.url(System::Winningtemp)),
        token,
    )
}

#[test]
fn a_client_is_known_by_its_credentials_and_a_token_lives_an_hour() {
    let sandbox = sandbox();
    sandbox.clock().set("2026-11-21T08:00:00Z".parse().unwrap());
    assert_eq!(
        ask(&sandbox, &[FORM], "grant_type=client_credentials").status,
        401
    );
    let wrong = ("authorization", "Basic d3Jvbmc6d3Jvbmc=");
    assert_eq!(
        ask(&sandbox, &[wrong, FORM], "grant_type=client_credentials").status,
        401
    );
    assert_eq!(
        ask(&sandbox, &[BASIC, FORM], "grant_type=password").status,
        400
    );
    let own = [
        ("ClientId", "sandbox-winningtemp-id"),
        ("ClientSecret", "sandbox-winningtemp-secret"),
    ];
    assert_eq!(ask(&sandbox, &own, "").json()["expires_in"], 3600);

    let first = token(&sandbox);
    assert_eq!(read(&sandbox, "/users/v2", &first).status, 200);
    sandbox.clock().advance(SignedDuration::from_hours(1));
    assert_eq!(read(&sandbox, "/users/v2", &first).status, 401);
    let second = token(&sandbox);
    assert_eq!(read(&sandbox, "/teams/v2", &second).status, 200);
    sandbox.revoke_tokens(System::Winningtemp);
    assert_eq!(read(&sandbox, "/teams/v2", &second).status, 401);
}

#[test]
fn what_came_by_scim_is_shown_page_by_page() {
    let sandbox = sandbox();
    let accounts = sandbox.accounts_of(System::WinningtempScim);
    for n in 0..130 {
        let email = format!("person-{n}@example.com");
        accounts
            .insert(json!({
                "userName": email, "active": n != 7,
                "name": {"givenName": "Person", "familyName": n.to_string()},
                "emails": [{"value": email, "primary": true}],
            }))
            .unwrap();
    }
    let group = sandbox.groups(System::WinningtempScim);
    group
        .insert(json!({"displayName": "Department IT"}))
        .unwrap();
    let token = token(&sandbox);
    let first = read(&sandbox, "/users/v2", &token).json();
    assert_eq!(first["data"].as_array().unwrap().len(), 100);
    assert_eq!(first["pagination"]["totalCount"], 130);
    let one = &first["data"][7];
    assert_eq!(
        (&one["email"], &one["isActive"]),
        (&json!("person-7@example.com"), &json!(false))
    );
    let same = format!("/users/v2/{}", one["id"].as_str().unwrap());
    assert_eq!(&read(&sandbox, &same, &token).json(), one);
    assert_eq!(read(&sandbox, "/users/v2/nobody", &token).status, 404);

    let next = first["pagination"]["next"].as_str().unwrap();
    let second = read(&sandbox, next, &token).json();
    assert_eq!(second["data"].as_array().unwrap().len(), 30);
    assert_eq!(second["pagination"]["next"], Value::Null);
    let teams = read(&sandbox, "/teams/v2", &token).json();
    assert_eq!(teams["data"][0]["name"], "Department IT");
}
