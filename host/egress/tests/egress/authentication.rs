//! Schemes that need no token request.

use matricula_core::egress::{Egress, SendError};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn each_scheme_adds_what_the_manifest_says() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, "") }).await;
    for (scheme, name, value) in [
        (
            json!({"type": "bearer", "token": "{key}"}),
            "authorization",
            "Bearer s3cr3t-key",
        ),
        (
            json!({"type": "basic", "user": "{user}", "password": "{key}"}),
            "authorization",
            "Basic YWRhOnMzY3IzdC1rZXk=",
        ),
        (
            json!({"type": "headers", "headers": {"X-Api-Key": "Token {user}/{key}"}}),
            "x-api-key",
            "Token ada/s3cr3t-key",
        ),
    ] {
        let case = Case::at(&clock, &server)
            .public("user", "ada")
            .secret("key", "s3cr3t-key")
            .scheme("https://api.example.com", scheme.clone());
        let session = case.session();
        get(&session, "/").await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.header(name), Some(value), "{scheme}");

        // What the scheme sets, a component does not.
        let mut forged = request("GET", "https://api.example.com/");
        forged.headers.push((name.to_uppercase(), "mine".into()));
        let error = session.send(forged, LONG).await;
        assert!(
            matches!(error, Err(SendError::OriginNotAllowed(_))),
            "{scheme}"
        );
    }
}

#[tokio::test]
async fn a_rule_for_an_empty_field_does_not_apply_and_the_next_one_does() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, "") }).await;
    let case = |first: &str, second: &str| {
        Case::at(&clock, &server)
            .secret("first", first)
            .secret("second", second)
            .scheme(
                "https://api.example.com",
                json!({"type": "bearer", "token": "{first}"}),
            )
            .scheme(
                "https://api.example.com",
                json!({"type": "bearer", "token": "{second}"}),
            )
    };
    for (first, second, sent) in [
        ("one", "two", Some("Bearer one")),
        ("", "two", Some("Bearer two")),
        ("", "", None),
    ] {
        get(&case(first, second).session(), "/").await.unwrap();
        assert_eq!(server.seen().pop().unwrap().header("authorization"), sent);
    }
}

#[tokio::test]
async fn headers_and_body_of_the_component_arrive() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(201, "made") }).await;
    let session = Case::at(&clock, &server).session();
    let mut create = request("POST", "https://api.example.com/Users?x=1");
    create.headers = vec![
        ("Content-Type".into(), "application/scim+json".into()),
        ("If-Match".into(), "W/\"1\"".into()),
    ];
    create.body = Some("{\"userName\":\"ada@example.com\"}".into());
    let answer = session.send(create, LONG).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (201, &b"made"[..]));
    let seen = server.seen().pop().unwrap();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("POST", "/Users?x=1")
    );
    assert_eq!(seen.header("content-type"), Some("application/scim+json"));
    assert_eq!(seen.header("if-match"), Some("W/\"1\""));
    assert_eq!(seen.body, "{\"userName\":\"ada@example.com\"}");
}

#[tokio::test]
async fn the_longest_path_that_fits_decides() {
    let clock = clock();
    let server = Server::start(&clock, |seen| async move {
        match seen.target.as_str() {
            "/v2/auth/token" => reply(200, "{\"access_token\":\"token-of-v2\"}"),
            "/v1/moved" => reply(302, "").with("location", "/v2/moved"),
            "/v2/moved" => reply(307, "").with("location", "/v1/end"),
            _ => reply(200, ""),
        }
    })
    .await;
    let bearer = |token: &str| json!({"type": "bearer", "token": token});
    let origin = "https://api.example.com";
    let case = Case::at(&clock, &server)
        .secret("key", "a-rather-long-key-0001")
        .scheme_at(origin, "/v2/files/", bearer("files {key}"))
        .scheme_at(origin, "", bearer("all {key}"))
        .scheme_at(
            origin,
            "/v2/",
            json!({"type": "token", "url": "https://api.example.com/v2/auth/token", "body": "form",
                "fields": {"client_secret": "{key}"}, "token": "/access_token"}),
        )
        // Of two alike the first counts.
        .scheme_at(origin, "/v2/files/", bearer("late {key}"));
    let session = case.session();
    for (path, expected) in [
        ("/v1/moved", "all, token, v2, all"),
        ("/v2/files/1", "files"),
        ("/v2/files", "v2"),
        ("/v2", "all"),
        ("/v1/../v2/x?y=/v2/files/", "v2"),
        ("/?/v2/", "all"),
    ] {
        let before = server.seen().len();
        assert_eq!(get(&session, path).await.unwrap().status, 200, "{path}");
        let how: Vec<_> = server.seen()[before..]
            .iter()
            .map(|seen| match seen.header("authorization") {
                None => "token",
                Some("Bearer token-of-v2") => "v2",
                Some("Bearer all a-rather-long-key-0001") => "all",
                Some("Bearer files a-rather-long-key-0001") => "files",
                Some(other) => panic!("{other}"),
            })
            .collect();
        assert_eq!(how.join(", "), expected, "{path}");
    }
    for path in ["v2/", "/v2?x", "https://api.example.com/v2/"] {
        let case =
            Case::at(&clock, &server)
                .secret("key", "k")
                .scheme_at(origin, path, bearer("{key}"));
        let made = case
            .gateway()
            .session(&case.manifest(), &case.credential(), case.secrets());
        let error = made.err().unwrap().to_string();
        assert!(error.contains("of a session is none"), "{error}");
    }
}
