//! The academy's REST API.

use jiff::SignedDuration;
use matricula_sandbox::{Sandbox, System};
use serde_json::{Value, json};

use crate::http::{Reply, get, send};

fn authorize(sandbox: &Sandbox, body: &Value) -> Reply {
    let url = format!("{}/oauth/authorize", sandbox.reteach_url());
    send(
        "POST",
        &url,
        &[("content-type", "application/json")],
        body.to_string().as_bytes(),
    )
    .unwrap()
}

fn by_code(code: &str) -> Value {
    json!({"grant_type": "authorization_code", "code": code, "client_id": "sandbox-reteach-id",
           "client_secret": "sandbox-reteach-secret"})
}

pub fn token(sandbox: &Sandbox) -> Value {
    let reply = authorize(sandbox, &by_code("sandbox-reteach-code"));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

#[test]
fn token_lives_an_hour_and_is_refreshed() {
    let sandbox = Sandbox::builder().people(0).start_blocking().unwrap();
    sandbox.clock().set("2026-11-21T08:00:00Z".parse().unwrap());
    assert_eq!(authorize(&sandbox, &by_code("wrong")).status, 401);
    assert_eq!(
        authorize(&sandbox, &json!({"grant_type": "password"})).status,
        400
    );
    let first = token(&sandbox);
    assert_eq!(first["expires_in"], 3600);
    let me = format!("{}/me", sandbox.reteach_url());
    let access = first["access_token"].as_str().unwrap();
    assert_eq!(get(&me, access).json()["name"], "Example Academy");

    sandbox.clock().advance(SignedDuration::from_hours(1));
    assert_eq!(get(&me, access).status, 401);
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": first["refresh_token"],
        "client_id": "sandbox-reteach-id", "client_secret": "sandbox-reteach-secret"});
    let second = authorize(&sandbox, &refresh).json();
    assert_eq!(
        get(&me, second["access_token"].as_str().unwrap()).status,
        200
    );
    sandbox.revoke_tokens(System::Reteach);
    assert_eq!(authorize(&sandbox, &refresh).status, 401);
    assert_eq!(
        get(&me, second["access_token"].as_str().unwrap()).status,
        401
    );
}

#[test]
fn customers_are_the_accounts() {
    let sandbox = Sandbox::builder().people(0).start_blocking().unwrap();
    let accounts = sandbox.accounts();
    for n in 0..60 {
        let user = json!({"userName": format!("P{n}@example.com"), "externalId": format!("e{n}"),
            "name": {"givenName": "Ada", "familyName": format!("Nr {n}")}, "active": n != 3,
            "emails": [{"type": "work", "value": format!("p{n}@example.com"), "primary": true}]});
        accounts.insert(user).unwrap();
    }
    let token = token(&sandbox)["access_token"].as_str().unwrap().to_owned();
    let base = format!("{}/customer", sandbox.reteach_url());
    let page = get(&base, &token).json();
    assert_eq!(page["resultCount"], 60);
    assert_eq!(page["results"].as_array().unwrap().len(), 25);
    let third = get(&format!("{base}?limit=25&page=3"), &token).json();
    assert_eq!(third["results"].as_array().unwrap().len(), 10);
    assert_eq!(third["results"][0]["externalId"], "e50");
    let found = get(&format!("{base}?externalId=e3"), &token).json();
    assert_eq!(found["resultCount"], 1);
    assert_eq!(found["results"][0]["status"], "blocked");
    let id = accounts.by_external_id("e7").unwrap().id;
    for identifier in [id.as_str(), "p7@example.com", "P7%40EXAMPLE.com", "e7"] {
        let one = get(&format!("{base}/{identifier}"), &token).json();
        assert_eq!(one["id"], id.as_str(), "{identifier}");
        assert_eq!(
            (one["lastName"].as_str(), one["status"].as_str()),
            (Some("Nr 7"), Some("active"))
        );
    }
    assert_eq!(get(&format!("{base}/nobody"), &token).status, 404);
    assert_eq!(get(&format!("{base}?limit=0"), &token).status, 400);
    assert_eq!(get(&base, "wrong").status, 401);
}
