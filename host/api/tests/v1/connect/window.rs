//! Opening a window, and what its token makes.

use matricula_core::CredentialId;
use matricula_sandbox::{Fault, FaultKind, System};
use serde_json::{Value, json};

use crate::world::{OTHER, OWNER, VIEWER, World};

#[tokio::test]
async fn somebody_connects_and_nothing_of_the_vendors_is_told() {
    let world = World::new().await;
    let (window, token) = world.window(OWNER, json!({ "method": "connect" })).await;
    let sandbox = world.sandbox.url(System::Kombo);
    assert_eq!(
        (&window["widget"], &window["frame"]),
        (&json!("kombo"), &json!(sandbox))
    );
    assert!(
        window["link"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{sandbox}/v1?token="))
    );
    assert_eq!(window["expires_at"], "2026-03-02T10:00:00Z");

    let added = json!({ "name": "HR", "connector": "kombo", "method": "connect", "token": token });
    let answer = world.signed_in(OWNER, "POST", "/credentials", added).await;
    let made = answer.ok();
    let known = world.sandbox.kombo();
    let own =
        |of: &matricula_sandbox::Integration| of.origin_id.as_deref() == Some("northwind/alpha");
    let integration = known.integrations().into_iter().find(own).unwrap();
    assert_eq!(
        (
            integration.email.as_str(),
            integration.organization.as_str()
        ),
        ("alpha@example.com", "alpha Inc.")
    );
    assert_eq!(made["public"], json!({ "integration_id": integration.id }));
    let id = made["id"].as_str().unwrap();
    let tested = world
        .post(OWNER, &format!("/credentials/{id}/test"), json!({}))
        .await;
    assert_eq!(tested.ok()["failure"], Value::Null, "{tested:?}");
    let listed = world.get(OWNER, "/credentials").await;
    for told in [&answer, &tested, &listed] {
        assert!(!told.text.contains("sandbox-kombo"), "{told:?}");
    }
    // Nor is it kept: what the vendor gives tomorrow counts tomorrow.
    let secrets = world.store.secrets(&CredentialId::new(id)).await.unwrap();
    assert_eq!(secrets.iter().count(), 0);
}

#[tokio::test]
async fn what_names_a_connection_cannot_be_typed() {
    let world = World::new().await;
    let beta = world.connected(OTHER, "theirs").await;
    let theirs = beta["public"]["integration_id"].as_str().unwrap();
    let refused = async |body: Value| {
        let answer = world.signed_in(OWNER, "POST", "/credentials", body).await;
        assert_eq!(answer.problem(), (422, "credential.fields".to_owned()));
        let error = answer.json()["errors"][0].clone();
        (
            error["pointer"].as_str().unwrap().to_owned(),
            error["code"].as_str().unwrap().to_owned(),
        )
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let (_, token) = world.window(OWNER, json!({ "method": "connect" })).await;
    let with = |more: Value| {
        let mut body = json!({ "name": "HR", "connector": "kombo", "method": "connect" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let typed = with(json!({ "token": token, "public": { "integration_id": theirs } }));
    assert_eq!(
        refused(typed).await,
        pair("/public/integration_id", "field.not-entered")
    );
    let typed = with(json!({ "token": token, "secrets": { "api_key": "own" } }));
    assert_eq!(
        refused(typed).await,
        pair("/secrets/api_key", "field.not-entered")
    );
    assert_eq!(
        refused(with(json!({}))).await,
        pair("/token", "field.missing")
    );
    let mut key = with(json!({
        "token": token, "public": { "api_url": "https://api.kombo.dev", "integration_id": theirs }, "secrets": { "api_key": "own" },
    }));
    key["method"] = "key".into();
    assert_eq!(refused(key).await, pair("/token", "field.unknown"));
}

#[tokio::test]
async fn a_token_is_good_for_the_tenant_that_opened_the_window() {
    let world = World::new().await;
    let (_, token) = world.window(OTHER, json!({ "method": "connect" })).await;
    let added = json!({ "name": "HR", "connector": "kombo", "method": "connect", "token": token });
    let stolen = world
        .signed_in(OWNER, "POST", "/credentials", added.clone())
        .await;
    assert_eq!(stolen.problem(), (422, "connect.refused".to_owned()));
    world
        .signed_in(OTHER, "POST", "/credentials", added)
        .await
        .ok();
    let none = json!({ "name": "x", "connector": "kombo", "method": "connect", "token": "../../check-api-key" });
    let none = world.signed_in(OWNER, "POST", "/credentials", none).await;
    assert_eq!(none.problem(), (422, "connect.refused".to_owned()));
}

#[tokio::test]
async fn a_token_whose_answer_was_lost_makes_one_credential() {
    let world = World::new().await;
    let (_, token) = world.window(OWNER, json!({ "method": "connect" })).await;
    let added = json!({ "name": "HR", "connector": "kombo", "method": "connect", "token": token });
    let session = world.token(OWNER);
    let add = async || {
        let headers = [("idempotency-key", "one")];
        let request = world.request(
            Some(&session),
            "POST",
            "/credentials",
            &headers,
            Some(&added),
        );
        world.send(request).await
    };
    let first = add().await;
    // Nor is the token offered a second time.
    let asked = world.sandbox.journal().requests(System::Kombo);
    let again = add().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok()["id"], first.ok()["id"]);
    assert_eq!(world.sandbox.journal().requests(System::Kombo), asked);
    let all = world.get(OWNER, "/credentials").await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_connection_is_signed_in_to_anew_and_stays_the_same() {
    let world = World::new().await;
    let made = world.connected(OWNER, "HR").await;
    let id = made["id"].as_str().unwrap();
    let path = format!("/credentials/{id}");
    let again = json!({ "method": "connect", "credential": id });
    let (_, token) = world.window(OWNER, again.clone()).await;
    let body = json!({ "method": "connect", "token": token });
    let renewed = world.signed_in(OWNER, "PUT", &path, body).await.ok();
    assert_eq!(renewed["public"], made["public"]);
    // A new connection has other people.
    let (_, token) = world.window(OWNER, json!({ "method": "connect" })).await;
    let body = json!({ "method": "connect", "token": token });
    let other = world.signed_in(OWNER, "PUT", &path, body).await;
    assert_eq!(other.problem(), (409, "connect.other".to_owned()));
    let kept = world.get(OWNER, &path).await.ok();
    assert_eq!(kept["public"], made["public"]);

    let ask = async |who, body| {
        let answer = world.signed_in(who, "POST", "/connectors/kombo/connect", body);
        answer.await.problem()
    };
    assert_eq!(
        ask(OTHER, again).await,
        (404, "credential.unknown".to_owned())
    );
    let viewer = json!({ "method": "connect" });
    assert_eq!(ask(VIEWER, viewer).await, (403, "role.viewer".to_owned()));
    let window = json!({ "method": "key" });
    assert_eq!(
        ask(OWNER, window).await,
        (404, "connect.unknown".to_owned())
    );
}

#[tokio::test]
async fn what_keeps_a_window_closed_is_told() {
    let world = World::new().await;
    let body = json!({ "method": "connect" });
    let without = world
        .post(OWNER, "/connectors/kombo/connect", body.clone())
        .await;
    assert_eq!(without.problem(), (422, "connect.email".to_owned()));
    let refused = Fault::new(FaultKind::Status(401)).system(System::Kombo);
    world.sandbox.faults().add(refused);
    let answer = world
        .signed_in(OWNER, "POST", "/connectors/kombo/connect", body)
        .await;
    assert_eq!(answer.problem(), (424, "remote.failed".to_owned()));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("key of this application"), "{detail}");
    assert!(!detail.contains("sandbox-kombo-key"), "{detail}");
}
