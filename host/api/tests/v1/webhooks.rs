//! Addresses to which notices are sent.

use serde_json::{Value, json};

use super::world::{OTHER, OWNER, World};

#[tokio::test]
async fn an_address_is_added_with_a_key_that_is_shown_once() {
    let world = World::new().await;
    let body = json!({ "name": "chat", "url": "https://hooks.example.org/x" });
    let added = world.post(OWNER, "/webhooks", body.clone()).await;
    assert_eq!(added.status, 201, "{added:?}");
    let webhook = added.ok();
    let key = webhook["key"].as_str().unwrap();
    assert!(key.starts_with("whsec_"));
    let listed = world.get(OWNER, "/webhooks").await;
    assert!(!listed.text.contains(key));
    let items = listed.ok()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_eq!(items[0]["id"], webhook["id"]);
    assert_eq!(items[0]["url"], "https://hooks.example.org/x");
    let again = world.post(OWNER, "/webhooks", body).await;
    assert_eq!(again.problem(), (409, "store.exists".to_owned()));

    let path = format!("/webhooks/{}", webhook["id"].as_str().unwrap());
    let theirs = world.ask(OTHER, "DELETE", &path, &[], None).await;
    assert_eq!(theirs.problem().0, 404);
    let removed = world.ask(OWNER, "DELETE", &path, &[], None).await;
    assert_eq!(removed.status, 204);
    let left = world.get(OWNER, "/webhooks").await.ok();
    assert_eq!(left["items"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn what_is_no_address_is_refused_and_credentials_stay() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    for url in ["", "nowhere", "ftp://example.org"] {
        let body = json!({ "name": "chat", "url": url });
        let refused = world.post(OWNER, "/webhooks", body).await;
        assert_eq!(refused.status, 422, "{url}: {refused:?}");
    }
    let blank = json!({ "name": " ", "url": "https://hooks.example.org/x" });
    let refused = world.post(OWNER, "/webhooks", blank).await;
    assert_eq!(refused.problem(), (422, "credential.fields".to_owned()));
    let path = format!("/webhooks/{}", estate.spare.id);
    let answer = world.ask(OWNER, "DELETE", &path, &[], None).await;
    assert_eq!(answer.problem().0, 404);
    let spare = format!("/credentials/{}", estate.spare.id);
    assert_eq!(world.get(OWNER, &spare).await.status, 200);
}
