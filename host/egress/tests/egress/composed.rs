//! Held files that are sent on inside a body, in base64.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use matricula_core::egress::{Egress, Request, SendError};
use matricula_core::file::{FileId, Piece};
use serde_json::Value;

use crate::support::*;
use crate::uploads::{Fetched, with_token};

const TO: &str = "https://api.example.com/documents";

fn bytes(text: &str) -> Piece {
    Piece::Bytes(Bytes::copy_from_slice(text.as_bytes()))
}

fn post() -> Request {
    let mut post = request("POST", TO);
    post.headers
        .push(("content-type".into(), "application/json".into()));
    post
}

/// The file in a body as a server reads it.
fn file(seen: &Seen) -> Bytes {
    let announced = seen.header("content-length").unwrap().parse();
    assert_eq!(announced, Ok(seen.bytes.len()));
    assert_eq!(seen.header("transfer-encoding"), None);
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let body: Value = serde_json::from_slice(&seen.bytes).unwrap();
    STANDARD
        .decode(body["data"].as_str().unwrap())
        .unwrap()
        .into()
}

fn around(id: &FileId) -> Vec<Piece> {
    vec![
        bytes("{\"data\":\""),
        Piece::Base64(id.clone()),
        bytes("\"}"),
    ]
}

/// Sizes around the border of a group of three bytes, and of a piece that is read at a time.
#[tokio::test]
async fn a_file_of_any_size_arrives_whole_and_its_length_is_told_before() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(201, "{}") }).await;
    let case = Case::at(&clock, &server);
    for size in [0, 1, 2, 64_502, 64_503, 64_504, 129_024, 3_000_000] {
        let fetched = Fetched::new(&case, size).await;
        let session = fetched.house.session(&case);
        let answer = session
            .compose(post(), around(&fetched.id), LONG)
            .await
            .unwrap();
        assert_eq!(answer.status, 201);
        assert_eq!(session.requests(), 1);
        assert!(
            file(server.seen().last().unwrap()) == fetched.content,
            "{size}"
        );
    }
}

#[tokio::test]
async fn a_body_is_made_anew_for_a_renewed_token() {
    let clock = clock();
    let asked = Arc::new(AtomicUsize::new(0));
    let server = Server::start(&clock, move |seen| {
        let asked = Arc::clone(&asked);
        async move {
            match seen.target.as_str() {
                "/auth" => {
                    let number = asked.fetch_add(1, Ordering::SeqCst);
                    reply(200, format!("{{\"token\":\"token-{number}\"}}"))
                }
                _ if seen.header("authorization") == Some("Bearer token-1") => reply(201, ""),
                _ => reply(401, "no"),
            }
        }
    })
    .await;
    let case = with_token(Case::at(&clock, &server));
    let fetched = Fetched::new(&case, 200_000).await;
    let session = fetched.house.session(&case);
    let answer = session.compose(post(), around(&fetched.id), LONG).await;
    assert_eq!(answer.unwrap().status, 201);
    let seen = server.seen();
    let bodies: Vec<_> = seen
        .iter()
        .filter(|seen| seen.target == "/documents")
        .map(file)
        .collect();
    assert!(bodies == [fetched.content.clone(), fetched.content]);
}

#[tokio::test]
async fn bodies_that_break_the_rules_are_not_sent() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(201, "") }).await;
    let case = Case::at(&clock, &server);
    let fetched = Fetched::new(&case, 10).await;
    let session = fetched.house.session(&case);
    let with = |change: fn(&mut Request)| {
        let mut request = post();
        change(&mut request);
        request
    };
    for (request, pieces, expected) in [
        (
            with(|r| r.method = "GET".into()),
            around(&fetched.id),
            "OriginNotAllowed",
        ),
        (
            with(|r| r.body = Some("x".into())),
            around(&fetched.id),
            "OriginNotAllowed",
        ),
        (
            with(|r| r.headers.push(("content-length".into(), "1".into()))),
            around(&fetched.id),
            "OriginNotAllowed",
        ),
        (
            with(|r| r.url = "https://evil.example.org/".into()),
            around(&fetched.id),
            "OriginNotAllowed",
        ),
        (post(), vec![bytes("x"); 65], "TooLarge"),
        (
            post(),
            vec![bytes(&"y".repeat(9 * 1024 * 1024)); 2],
            "TooLarge",
        ),
        (post(), around(&FileId("0".repeat(32))), "Connect"),
    ] {
        let error: SendError = session.compose(request, pieces, LONG).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    }
    assert!(server.seen().is_empty());
    assert_eq!(session.requests(), 0);
}
