//! Requests that are sent again with the same key.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{Answer, OTHER, OWNER, VIEWER, Who, World};

async fn hook(world: &World, who: Who, path: &str, key: &str) -> Answer {
    let headers = [("idempotency-key", key)];
    world.ask(who, "POST", path, &headers, None).await
}

#[tokio::test]
async fn the_first_answer_is_given_again_for_a_day() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let path = estate.path("/hook");
    let first = hook(&world, OWNER, &path, "k1").await;
    let address = first.ok()["address"].clone();
    assert!(!first.headers.contains_key("idempotency-replayed"));
    let again = hook(&world, OWNER, &path, "k1").await;
    assert_eq!(again.ok()["address"], address);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("content-type"), "application/json");
    assert_eq!(again.status, first.status);
    // Another key, or none, is another request.
    assert_ne!(
        hook(&world, OWNER, &path, "k2").await.ok()["address"],
        address
    );
    let history = world.get(OWNER, &estate.path("/history")).await.ok();
    let renewed = history["items"].as_array().unwrap().iter();
    let renewed = renewed.filter(|entry| entry["deed"] == "hook-renewed");
    assert_eq!(renewed.count(), 2);
    world.clock.advance(Duration::from_secs(24 * 3600 + 1));
    let late = hook(&world, OWNER, &path, "k1").await;
    assert_ne!(late.ok()["address"], address);
}

#[tokio::test]
async fn a_key_belongs_to_one_request_of_one_tenant() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let other = world.estate(OTHER).await;
    let key = [("idempotency-key", "k")];
    let post =
        async |who, path: &str, body: Value| world.ask(who, "POST", path, &key, Some(body)).await;
    let body = json!({ "full": true });
    let first = post(OWNER, &estate.path("/run"), body.clone()).await;
    let etag = first.header("etag");
    first.ok();
    let mismatch = (422, "idempotency.mismatch".to_owned());
    let changed = post(OWNER, &estate.path("/run"), json!({ "full": false })).await;
    assert_eq!(changed.problem(), mismatch);
    let elsewhere = post(OWNER, &estate.path("/staged"), body.clone()).await;
    assert_eq!(elsewhere.problem(), mismatch);
    let again = post(OWNER, &estate.path("/run"), body.clone()).await;
    assert_eq!(again.header("etag"), etag);
    assert_eq!(again.ok()["id"], estate.automation.as_str());
    // The same key of another tenant is another key; a viewer has none.
    let theirs = post(OTHER, &other.path("/run"), body.clone()).await.ok();
    assert_eq!(theirs["id"], other.automation.as_str());
    let looked = post(VIEWER, &estate.path("/run"), body.clone()).await;
    assert_eq!(looked.problem(), (403, "role.viewer".to_owned()));
    let wrong = [("idempotency-key", "with a space")];
    let path = estate.path("/run");
    let refused = world.ask(OWNER, "POST", &path, &wrong, Some(body)).await;
    assert_eq!(refused.problem(), (400, "idempotency.invalid".to_owned()));
}

#[tokio::test]
async fn what_was_refused_is_refused_again_without_being_looked_at() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    world
        .matricula
        .deactivate(
            &estate.tenant,
            &estate.automation,
            &matricula_core::Person::named("x"),
        )
        .await
        .unwrap();
    let path = estate.path("/retry");
    let first = hook(&world, OWNER, &path, "k").await;
    assert_eq!(first.problem(), (409, "automation.deactivated".to_owned()));
    let by = matricula_core::Person::named("x");
    world
        .matricula
        .reactivate(&estate.tenant, &estate.automation, &by)
        .await
        .unwrap();
    let again = hook(&world, OWNER, &path, "k").await;
    assert_eq!(again.problem(), first.problem());
    assert_eq!(again.header("idempotency-replayed"), "true");
    hook(&world, OWNER, &path, "k2").await.ok();
}

#[tokio::test]
async fn what_failed_may_be_tried_again_with_its_key() {
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
    // The operator is writing the file at this moment.
    let file = world.flows.path().join("sync-employees.flow.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "flow: [").unwrap();
    assert_eq!(start().await.status, 500);
    std::fs::write(&file, &text).unwrap();
    let started = start().await;
    assert_eq!(started.status, 201, "{started:?}");
    let again = start().await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), started.header("location"));
    assert_eq!(again.ok(), started.ok());
}

/// A client that hangs up: its request is carried out all the same, and the answer is there for it.
#[tokio::test]
async fn a_client_that_hangs_up_finds_its_answer() {
    use std::future::Future as _;
    use std::task::{Context, Waker};

    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let path = estate.path("/hook");
    {
        let mut asked = std::pin::pin!(hook(&world, OWNER, &path, "k"));
        let mut context = Context::from_waker(Waker::noop());
        assert!(asked.as_mut().poll(&mut context).is_pending());
    }
    let busy = (409, "idempotency.busy".to_owned());
    let answer = loop {
        let again = hook(&world, OWNER, &path, "k").await;
        match again.status.as_u16() {
            409 => assert_eq!(again.problem(), busy),
            _ => break again,
        }
    };
    answer.ok();
    assert_eq!(answer.header("idempotency-replayed"), "true");
    let history = world.get(OWNER, &estate.path("/history")).await.ok();
    let renewed = history["items"].as_array().unwrap().iter();
    let renewed = renewed.filter(|entry| entry["deed"] == "hook-renewed");
    assert_eq!(renewed.count(), 1);
}
