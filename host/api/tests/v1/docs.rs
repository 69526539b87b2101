//! The reference, for people.

use axum::body::Body;
use axum::http::Request;

use super::world::{Answer, World};

impl World {
    async fn page(&self, path: &str) -> Answer {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        self.send(request).await
    }
}

#[tokio::test]
async fn the_reference_is_whole_and_has_nothing_inline() {
    let world = World::new().await;
    let page = world.page("/api/docs").await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(!page.text.contains("<style") && !page.text.contains("style="));
    let mut parts = 0;
    for mark in ["src=\"", "href=\""] {
        for found in page.text.split(mark).skip(1) {
            let name = found.split('"').next().unwrap();
            if name.starts_with("data:") {
                continue;
            }
            let part = world.page(&format!("/api/{name}")).await;
            assert_eq!(part.status, 200, "{name}");
            let kind = part.header("content-type");
            let expected = if name.ends_with(".css") {
                "text/css"
            } else {
                "text/javascript"
            };
            assert!(kind.starts_with(expected), "{name}: {kind}");
            assert!(part.text.len() > 100, "{name}");
            parts += 1;
        }
    }
    assert_eq!(parts, 3);
    let inline = page.text.split("<script").skip(1);
    assert!(inline.clone().count() > 0 && inline.clone().all(|tag| tag.contains("src=")));
    for missing in [
        "/api/docs/index.html",
        "/api/docs/swagger-initializer.js",
        "/api/docs/x",
    ] {
        assert_eq!(world.page(missing).await.status, 404, "{missing}");
    }
    assert_eq!(
        world.page("/api/v1/openapi.json").await.json()["openapi"],
        "3.1.0"
    );
}
