//! The stream of an automation's events, as far as its head and its first event.

use axum::body::Body;
use futures::StreamExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::world::{OTHER, OWNER, VIEWER, Who, World};

async fn open(world: &World, who: Who, path: &str) -> axum::response::Response {
    let token = world.token(who);
    let request = world.request(Some(&token), "GET", path, &[], None);
    world.router.clone().oneshot(request).await.unwrap()
}

async fn first(body: Body) -> String {
    let chunk = body.into_data_stream().next().await.unwrap().unwrap();
    String::from_utf8(chunk.to_vec()).unwrap()
}

#[tokio::test]
async fn the_first_event_is_how_it_stands() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let answer = open(&world, VIEWER, &estate.path("/events")).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
    let text = first(answer.into_body()).await;
    let data = text.strip_prefix("event: standing\ndata: ").unwrap();
    let standing: Value = serde_json::from_str(data.trim_end()).unwrap();
    assert_eq!(standing, world.get(OWNER, &estate.path("")).await.ok());
}

#[tokio::test]
async fn a_person_has_four_streams_at_a_time() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let other = world.estate(OTHER).await;
    let path = estate.path("/events");
    let mut open_streams = Vec::new();
    for _ in 0..4 {
        let answer = open(&world, OWNER, &path).await;
        assert_eq!(answer.status(), 200);
        open_streams.push(answer);
    }
    let fifth = world.get(OWNER, &path).await;
    assert_eq!(fifth.problem(), (429, "events.too-many".to_owned()));
    assert!(fifth.headers.contains_key("retry-after"));
    // Another person of the tenant, and another tenant.
    assert_eq!(world.get(VIEWER, &path).await.status, 200);
    assert_eq!(world.get(OTHER, &other.path("/events")).await.status, 200);
    assert_eq!(world.get(OTHER, &path).await.status, 404);
    open_streams.pop();
    assert_eq!(world.get(OWNER, &path).await.status, 200);
}

#[tokio::test]
async fn it_ends_with_the_session() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let answer = open(&world, OWNER, &estate.path("/events")).await;
    world.clock.advance(std::time::Duration::from_secs(301));
    let mut stream = answer.into_body().into_data_stream();
    assert!(stream.next().await.is_none());
}
