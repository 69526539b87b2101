//! All of it below a path of somebody else's application.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::world::{OWNER, World};

struct Nested<'a> {
    world: &'a World,
    router: Router,
}

impl Nested<'_> {
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, HeaderMap, String) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(
                "authorization",
                format!("Bearer {}", self.world.token(OWNER)),
            )
            .header("content-type", "application/json");
        if body.is_none() {
            request = request.header("content-length", "0");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.router.clone().oneshot(request.body(body).unwrap());
        let (parts, body) = answer.await.unwrap().into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&body).into_owned();
        (parts.status.as_u16(), parts.headers, text)
    }
}

#[tokio::test]
async fn every_address_that_is_told_leads_back() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let nested = Nested {
        world: &world,
        router: Router::new().nest("/our/automations", world.router.clone()),
    };
    let api = "/our/automations/api/v1";

    let plan =
        json!({ "flow": "sync-employees", "source": estate.hr.id, "target": estate.spare.id });
    let path = format!("{api}/plans");
    let (status, headers, text) = nested.ask("POST", &path, Some(plan)).await;
    assert_eq!(status, 202, "{text}");
    let location = headers["location"].to_str().unwrap();
    assert_eq!(nested.ask("GET", location, None).await.0, 200, "{location}");

    let path = format!("{api}{}", estate.path("/hook"));
    let (_, _, made) = nested.ask("POST", &path, None).await;
    let made: Value = serde_json::from_str(&made).unwrap();
    let address = made["address"].as_str().unwrap();
    assert_eq!(nested.ask("POST", address, None).await.0, 202, "{address}");

    let (_, _, description) = nested
        .ask("GET", &format!("{api}/openapi.json"), None)
        .await;
    let description: Value = serde_json::from_str(&description).unwrap();
    assert_eq!(
        description["servers"],
        json!([{ "url": "/our/automations" }])
    );

    // A browser takes these relative to the address that it asked for.
    for (asked, to) in [
        ("/our/automations", "automations/app/"),
        ("/our/automations/app", "app/"),
    ] {
        let (status, headers, _) = nested.ask("GET", asked, None).await;
        assert_eq!(status, 303);
        assert_eq!(headers["location"], to, "{asked}");
    }
    let (_, headers, _) = Nested {
        world: &world,
        router: world.router.clone(),
    }
    .ask("GET", "/", None)
    .await;
    assert_eq!(headers["location"], "app/");
}
