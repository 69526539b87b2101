//! What nobody gets: more than there is for a tenant, what was not bought, what a vendor does not offer.

use matricula_sandbox::{Fault, FaultKind, System};
use matricula_session::sign_hs256;
use serde_json::{Value, json};

use super::world::{Answer, OWNER, SECRET, World};

impl World {
    /// As an owner with other claims.
    async fn claiming(
        &self,
        claims: &[(&str, Value)],
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut all = self.claims(OWNER);
        for (name, value) in claims {
            all[*name] = value.clone();
        }
        let token = sign_hs256(SECRET.as_bytes(), "shared", all.as_object().unwrap());
        let request = self.request(Some(&token), method, path, headers, body.as_ref());
        self.send(request).await
    }
}

#[tokio::test]
async fn a_flow_that_is_not_bought_any_more_may_be_looked_at_and_stopped() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let lost = [("flows", json!(["sync-certificates"]))];
    let before = world.store.standing(&estate.automation).await.unwrap();
    for (deed, body) in [
        ("/run", Some(json!({}))),
        ("/reactivate", None),
        ("/retry", None),
        ("/reevaluate", None),
        ("/adopt", None),
        ("/hook", None),
    ] {
        let path = estate.path(deed);
        let refused = world.claiming(&lost, "POST", &path, &[], body).await;
        let expected = (403, "flow.not-bought".to_owned());
        assert_eq!(refused.problem(), expected, "{deed}");
    }
    let any = [("if-match", "*")];
    for change in [
        json!({ "settings": { "last_day": "open" } }),
        json!({ "schedule": { "kind": "every", "seconds": 60 } }),
        json!({ "source": estate.hr.id }),
        json!({ "target": estate.spare.id }),
    ] {
        let path = estate.path("");
        let refused = world
            .claiming(&lost, "PATCH", &path, &any, Some(change))
            .await;
        assert_eq!(refused.problem(), (403, "flow.not-bought".to_owned()));
    }
    let after = world.store.standing(&estate.automation).await.unwrap();
    assert_eq!(after, before);

    for (method, path, body) in [
        ("GET", "", None),
        ("GET", "/history", None),
        ("PATCH", "", Some(json!({ "contacts": [] }))),
        ("POST", "/staged", Some(json!({ "decision": "approve" }))),
        ("POST", "/deactivate", None),
        ("DELETE", "", None),
    ] {
        let path = estate.path(path);
        let answer = world.claiming(&lost, method, &path, &any, body).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn a_vendor_shows_only_what_it_offers() {
    let world = World::new().await;
    let of_another = [("iss", json!("southridge"))];
    let get = async |path: &str| world.claiming(&of_another, "GET", path, &[], None).await;
    let flows = get("/flows").await.ok();
    let names: Vec<_> = flows["items"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 1, "{flows}");
    assert_eq!(names[0]["name"], "sync-employees");
    get("/flows/sync-employees").await.ok();
    for path in [
        "/flows/sync-certificates",
        "/flows/sync-certificates/requirements",
    ] {
        let expected = (404, "flow.unknown".to_owned());
        assert_eq!(get(path).await.problem(), expected, "{path}");
    }
    let all = world.get(OWNER, "/flows").await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn mails_go_to_so_many_people_and_no_more() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let contact = |email: String, name: &str| json!({ "email": email, "name": name, "language": "en", "alerts": true, "report": true });
    let many: Vec<Value> = (0..51)
        .map(|n| contact(format!("a{n}@example.com"), "A"))
        .collect();
    let long = format!("{}@example.com", "a".repeat(254));
    let cases = [
        (json!(many), "/contacts"),
        (json!([contact(long, "A")]), "/contacts/0/email"),
        (
            json!([contact("a@example.com".to_owned(), &"A".repeat(201))]),
            "/contacts/0/name",
        ),
    ];
    let start = json!({
        "flow": "sync-employees", "source": estate.hr.id, "target": estate.spare.id, "accept_findings": true,
    });
    for (contacts, pointer) in cases {
        let mut body = start.clone();
        body["contacts"] = contacts.clone();
        let started = world.post(OWNER, "/automations", body).await;
        let patch = Some(json!({ "contacts": contacts }));
        let any = [("if-match", "*")];
        let changed = world
            .ask(OWNER, "PATCH", &estate.path(""), &any, patch)
            .await;
        for refused in [started, changed] {
            assert_eq!(refused.problem(), (400, "body.invalid".to_owned()));
            assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
        }
    }
    assert_eq!(
        world
            .store
            .contacts(&estate.automation)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_tenant_has_so_many_addresses_and_credentials_and_no_more() {
    let world = World::new().await;
    let add = async |n: usize| {
        let url = format!("https://hooks.example.org/{n}");
        let body = json!({ "name": format!("chat {n}"), "url": url });
        world.post(OWNER, "/webhooks", body).await
    };
    for n in 0..20 {
        assert_eq!(add(n).await.status, 201);
    }
    assert_eq!(
        add(20).await.problem(),
        (409, "webhooks.too-many".to_owned())
    );

    let add = async |n: usize| {
        let body = json!({
            "name": format!("hr {n}"), "connector": "personio",
            "public": { "client_id": "made-up" }, "secrets": { "client_secret": "made-up" },
        });
        world.post(OWNER, "/credentials", body).await
    };
    for n in 0..500 {
        assert_eq!(add(n).await.status, 201);
    }
    let refused = add(500).await;
    assert_eq!(refused.problem(), (409, "credentials.too-many".to_owned()));
}

/// Two people who both write a secret anew: the second one has to see that the first one did.
#[tokio::test]
async fn a_secret_that_was_written_anew_is_a_change() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let path = format!("/credentials/{}", estate.hr.id);
    let read = world.get(OWNER, &path).await.header("etag");
    let write = async |secret: &str| {
        let body = json!({
            "public": estate.hr.public, "secrets": { "client_secret": secret },
        });
        let headers = [("if-match", read.as_str())];
        world.ask(OWNER, "PUT", &path, &headers, Some(body)).await
    };
    let first = write("one").await;
    assert_ne!(first.header("etag"), read);
    assert_eq!(
        write("two").await.problem(),
        (412, "precondition.failed".to_owned())
    );
    let now = world.get(OWNER, &path).await;
    assert_eq!(now.header("etag"), first.header("etag"));
    // A test changes nothing that somebody writes.
    let tested = world
        .post(OWNER, &format!("{path}/test"), json!({}))
        .await
        .ok();
    assert_eq!(tested["ok"], false);
    let now = world.get(OWNER, &path).await;
    assert_eq!(now.header("etag"), first.header("etag"));
}

#[tokio::test]
async fn who_has_no_token_is_told_how_to_show_one() {
    let world = World::new().await;
    for token in [None, Some("x")] {
        let request = world.request(token, "GET", "/session", &[], None);
        let answer = world.send(request).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

/// The other system is away for a moment: nothing was done, so the key is good for another try.
#[tokio::test]
async fn a_start_is_tried_again_with_its_key_once_the_system_is_back() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let body = json!({
        "flow": "sync-employees", "source": estate.hr.id, "target": estate.spare.id, "accept_findings": true,
    });
    let key = [("idempotency-key", "k")];
    let start = async || {
        let body = Some(body.clone());
        world.ask(OWNER, "POST", "/automations", &key, body).await
    };
    let away = Fault::new(FaultKind::Status(503)).system(System::Personio);
    let away = world.sandbox.faults().add(away);
    let failed = start().await;
    assert_eq!(failed.status, 424, "{failed:?}");
    assert!(failed.headers.contains_key("retry-after"), "{failed:?}");
    world.sandbox.faults().remove(away);
    let started = start().await;
    assert_eq!(started.status, 201, "{started:?}");
}
