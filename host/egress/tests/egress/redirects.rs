//! Redirects: followed only where a request could have gone anyway.

use matricula_core::egress::Egress;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn a_redirect_to_another_origin_is_the_answer_and_nothing_goes_there() {
    let clock = clock();
    let elsewhere = Server::start(&clock, |_| async { reply(200, "stolen") }).await;
    let target = elsewhere.origin();
    let server = Server::start(&clock, move |seen| {
        let target = match seen.target.as_str() {
            "/loopback" => target.clone(),
            "/metadata" => "http://169.254.169.254/latest/meta-data/".into(),
            "/downgrade" => "http://api.example.com/".into(),
            "/userinfo" => "https://x@api.example.com/".into(),
            "/file" => "file:///etc/hostname".into(),
            _ => "https://evil.example.org/".into(),
        };
        async move { reply(302, "").with("location", target) }
    })
    .await;
    let case = Case::at(&clock, &server)
        .secret("key", "a-rather-long-key-0001")
        .scheme(
            "https://api.example.com",
            json!({"type": "bearer", "token": "{key}"}),
        );
    let session = case.session();
    for path in [
        "/loopback",
        "/metadata",
        "/downgrade",
        "/userinfo",
        "/file",
        "/evil",
    ] {
        let answer = get(&session, path).await.unwrap();
        assert_eq!(answer.status, 302, "{path}");
        assert!(header(&answer, "location").is_some());
    }
    assert_eq!(server.seen().len(), 6);
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_within_the_manifest_is_followed_with_the_credential_of_its_own_origin() {
    let clock = clock();
    let files = Server::start(&clock, |_| async { reply(200, "file") }).await;
    let server = Server::start(&clock, |seen| async move {
        match seen.target.as_str() {
            "/start" => reply(307, "").with("location", "/middle#part"),
            _ => reply(302, "").with("location", "https://files.example.com/file?id=1"),
        }
    })
    .await;
    let case = Case::at(&clock, &server)
        .origins(&[
            "https://api.example.com",
            "https://files.example.com",
            "https://open.example.com",
        ])
        .map("https://files.example.com", &files.origin())
        .map("https://open.example.com", &files.origin())
        .secret("api", "key-of-the-api-0001")
        .secret("files", "key-of-the-files-01")
        .scheme(
            "https://api.example.com",
            json!({"type": "bearer", "token": "{api}"}),
        )
        .scheme(
            "https://files.example.com",
            json!({"type": "headers", "headers": {"X-Files-Key": "{files}"}}),
        );
    let session = case.session();
    assert_eq!(get(&session, "/start").await.unwrap().body, "file");
    let seen = server.seen();
    assert_eq!(seen[1].target, "/middle");
    for seen in &seen {
        assert_eq!(
            seen.header("authorization"),
            Some("Bearer key-of-the-api-0001")
        );
        assert_eq!(seen.header("x-files-key"), None);
    }
    assert_eq!(files.seen()[0].target, "/file?id=1");
    assert_eq!(files.seen()[0].header("authorization"), None);
    assert_eq!(
        files.seen()[0].header("x-files-key"),
        Some("key-of-the-files-01")
    );
    assert_eq!(session.requests(), 3);

    // An origin without a rule of its own gets nothing.
    get(&session, "https://open.example.com/").await.unwrap();
    assert_eq!(files.seen()[1].header("authorization"), None);
    assert_eq!(files.seen()[1].header("x-files-key"), None);
}

#[tokio::test]
async fn a_change_is_never_redirected_and_a_circle_ends() {
    let clock = clock();
    let server = Server::start(&clock, |_| async {
        reply(308, "").with("location", "/again")
    })
    .await;
    let session = Case::at(&clock, &server).session();
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let answer = session
            .send(request(method, "https://api.example.com/x"), LONG)
            .await;
        assert_eq!(answer.unwrap().status, 308);
    }
    assert_eq!(server.seen().len(), 4);
    assert_eq!(get(&session, "/x").await.unwrap().status, 308);
    assert_eq!(server.seen().len(), 4 + 6, "the request and five redirects");
}
