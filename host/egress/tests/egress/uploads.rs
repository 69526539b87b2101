//! Held files that are sent on as parts of a form.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream;
use matricula_core::clock::Clock;
use matricula_core::egress::{Egress, Request, Response, SendError};
use matricula_core::file::{Content, FileId, Part};
use matricula_egress::Session;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::*;

const TO: &str = "https://api.example.com/documents";

/// A file on its way: a source that gives it and the session that fetched it.
pub(crate) struct Fetched {
    pub(crate) house: House,
    source: Arc<Session>,
    pub(crate) id: FileId,
    pub(crate) content: Bytes,
}

impl Fetched {
    pub(crate) async fn new(case: &Case, size: usize) -> Self {
        let content = Bytes::from([&b"%PDF-1.7\n"[..], &noise(size)].concat());
        let given = content.clone();
        let server = Server::start(&case.clock, move |_| {
            std::future::ready(reply(200, given.clone()))
        })
        .await;
        let house = House::of(case.gateway_with(|policy| {
            policy
                .map_origin("https://source.example.com", &server.origin())
                .unwrap();
        }));
        let mut other = Case::new(&case.clock).origins(&["https://source.example.com"]);
        other.manifest["id"] = json!("source");
        let mut credential = other.credential();
        credential.connector = "source".into();
        credential.id = "source".into();
        let source = house
            .gateway
            .session(&other.manifest(), &credential, other.secrets())
            .unwrap();
        let request = request("GET", "https://source.example.com/certificate.pdf");
        let (_, file) = source.fetch(request, 64_000_000, LONG).await.unwrap();
        Self {
            house,
            source,
            id: file.unwrap().id,
            content,
        }
    }

    fn part(&self) -> Part {
        part(
            "file",
            Some("Certificate.pdf"),
            Content::File(self.id.clone()),
        )
    }
}

fn part(name: &str, filename: Option<&str>, content: Content) -> Part {
    Part {
        name: name.into(),
        filename: filename.map(str::to_owned),
        media_type: None,
        content,
    }
}

fn text(name: &str, value: &str) -> Part {
    part(
        name,
        None,
        Content::Bytes(Bytes::copy_from_slice(value.as_bytes())),
    )
}

async fn upload(session: &Session, parts: Vec<Part>) -> Result<Response, SendError> {
    session.upload(request("POST", TO), parts, LONG).await
}

/// A field as a server reads it: name, file name, content type, content.
type Read = (String, Option<String>, Option<String>, Bytes);

async fn read(seen: &Seen) -> Vec<Read> {
    let announced = seen.header("content-length").unwrap().parse();
    assert_eq!(announced, Ok(seen.bytes.len()));
    assert_eq!(seen.header("transfer-encoding"), None);
    let boundary = multer::parse_boundary(seen.header("content-type").unwrap()).unwrap();
    let body = seen.bytes.clone();
    let body = stream::once(async move { Ok::<_, std::convert::Infallible>(body) });
    let mut form = multer::Multipart::new(body, boundary);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.unwrap() {
        fields.push((
            field.name().unwrap().to_owned(),
            field.file_name().map(str::to_owned),
            field.content_type().map(ToString::to_string),
            field.bytes().await.unwrap(),
        ));
    }
    fields
}

#[tokio::test]
async fn a_form_arrives_as_it_was_meant() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(201, "{\"id\":1}") }).await;
    let case = Case::at(&clock, &server);
    let fetched = Fetched::new(&case, 3_000_000).await;
    let session = fetched.house.session(&case);
    let mut named = fetched.part();
    named.filename = Some("a \"b\"\r\nX: y; ü.pdf".into());
    let mut typed = text("meta", "{}");
    typed.media_type = Some("application/json".into());
    let parts = vec![
        text("title", "Fire safety – ü \r\n--x\r\n"),
        named,
        typed,
        text("größe", ""),
        fetched.part(),
    ];
    let answer = upload(&session, parts).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (201, &b"{\"id\":1}"[..]));
    let seen = &server.seen()[0];
    let pdf = Some("application/pdf".to_owned());
    let expected: Vec<Read> = vec![
        (
            "title".into(),
            None,
            None,
            "Fire safety – ü \r\n--x\r\n".into(),
        ),
        (
            "file".into(),
            Some("a _b_X_ y; ü.pdf".into()),
            pdf.clone(),
            fetched.content.clone(),
        ),
        (
            "meta".into(),
            None,
            Some("application/json".into()),
            "{}".into(),
        ),
        ("größe".into(), None, None, Bytes::new()),
        (
            "file".into(),
            Some("Certificate.pdf".into()),
            pdf,
            fetched.content.clone(),
        ),
    ];
    assert!(read(seen).await == expected);
    assert_eq!(session.requests(), 1);
}

#[tokio::test]
async fn one_file_may_be_sent_several_times_at_once_and_let_go_meanwhile() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(201, "") }).await;
    let case = Case::at(&clock, &server);
    let fetched = Fetched::new(&case, 2_000_001).await;
    let session = fetched.house.session(&case);
    let uploads = join_all((0..6).map(|_| upload(&session, vec![fetched.part()])));
    let release = async {
        tokio::task::yield_now().await;
        fetched.source.release(&fetched.id);
    };
    let (answers, ()) = tokio::join!(uploads, release);
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().status == 201)
    );
    for seen in server.seen() {
        assert!(read(&seen).await[0].3 == fetched.content);
    }
    assert_eq!(server.seen().len(), 6);
    assert!(upload(&session, vec![fetched.part()]).await.is_err());
}

pub(crate) fn with_token(case: Case) -> Case {
    case.secret("key", "a-rather-long-key-0001").scheme(
        "https://api.example.com",
        json!({"type": "token", "url": "https://api.example.com/auth", "body": "json",
            "fields": {"key": "{key}"}, "token": "/token"}),
    )
}

#[tokio::test]
async fn a_form_is_made_anew_for_a_renewed_token() {
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
    let fetched = Fetched::new(&case, 1_000_000).await;
    let session = fetched.house.session(&case);
    let parts = vec![text("title", "x"), fetched.part()];
    assert_eq!(upload(&session, parts).await.unwrap().status, 201);
    let seen = server.seen();
    let targets: Vec<_> = seen.iter().map(|seen| seen.target.as_str()).collect();
    assert_eq!(targets, ["/auth", "/documents", "/auth", "/documents"]);
    let (first, second) = (read(&seen[1]).await, read(&seen[3]).await);
    assert!(first == second && second[1].3 == fetched.content);
    assert_eq!(session.requests(), 4);
}

#[tokio::test]
async fn a_refusal_that_comes_before_the_whole_form_is_an_answer() {
    let port = raw(|mut stream| async move {
        let asked = head(&mut stream).await;
        let answer: &[u8] = if asked.starts_with("POST /auth") {
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 13\r\n\r\n{\"token\":\"t\"}"
        } else {
            b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n"
        };
        stream.write_all(answer).await.unwrap();
        std::future::pending().await
    })
    .await;
    let to = format!("http://127.0.0.1:{port}");
    let case = with_token(Case::new(&clock()).map("https://api.example.com", &to));
    let fetched = Fetched::new(&case, 20_000_000).await;
    let session = fetched.house.session(&case);
    let answer = upload(&session, vec![fetched.part()]).await.unwrap();
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn what_became_of_a_form_is_told_apart() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap().port();
    drop(listener);
    let port = raw(|mut stream| async move {
        let asked = head(&mut stream).await;
        let mut left = 1_000_000;
        while left > 0 {
            left -= stream.read(&mut vec![0; left]).await.unwrap();
        }
        if asked.starts_with("POST /slow") {
            std::future::pending().await
        }
    })
    .await;
    for (port, path, expected) in [
        (nobody, "", "Connect"),
        (port, "/breaks", "Interrupted"),
        (port, "/slow", "Timeout"),
    ] {
        let case = Case::new(&clock()).map(
            "https://api.example.com",
            &format!("http://127.0.0.1:{port}"),
        );
        let fetched = Fetched::new(&case, 1_100_000).await;
        let session = fetched.house.session(&case);
        let mut wish = request("POST", &format!("https://api.example.com{path}"));
        wish.timeout = (path == "/slow").then(|| Duration::from_millis(300));
        let parts = vec![fetched.part()];
        let error = session.upload(wish, parts, LONG).await.unwrap_err();
        assert!(
            format!("{error:?}").starts_with(expected),
            "{path}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_form_keeps_to_the_limits_and_is_never_redirected() {
    let clock = clock();
    let start = clock.now();
    let server = Server::start(&clock, |_| async {
        reply(308, "").with("location", "/again")
    })
    .await;
    let case = Case::at(&clock, &server)
        .limits(json!([{"path": "/documents", "method": "POST", "requests": 1, "seconds": 60}]));
    let fetched = Fetched::new(&case, 10).await;
    let session = fetched.house.session(&case);
    for _ in 0..2 {
        let answer = upload(&session, vec![fetched.part()]).await.unwrap();
        assert_eq!(answer.status, 308);
    }
    assert_eq!(server.seen().len(), 2);
    assert_eq!(clock.now().duration_since(start).as_secs(), 60);
}

#[tokio::test]
async fn forms_that_break_the_rules_are_not_sent() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(201, "") }).await;
    let case = Case::at(&clock, &server);
    let fetched = Fetched::new(&case, 10).await;
    let session = fetched.house.session(&case);
    let post = || request("POST", TO);
    let with = |change: fn(&mut Request)| {
        let mut request = post();
        change(&mut request);
        request
    };
    let typed = |media_type: &str| Part {
        media_type: Some(media_type.into()),
        ..text("x", "y")
    };
    for (request, parts, expected) in [
        (
            with(|r| r.method = "GET".into()),
            vec![text("x", "y")],
            "OriginNotAllowed",
        ),
        (
            with(|r| r.body = Some("x".into())),
            vec![text("x", "y")],
            "OriginNotAllowed",
        ),
        (
            with(|r| r.headers.push(("Content-Type".into(), "text/plain".into()))),
            vec![text("x", "y")],
            "OriginNotAllowed",
        ),
        (
            with(|r| r.headers.push(("content-length".into(), "1".into()))),
            vec![text("x", "y")],
            "OriginNotAllowed",
        ),
        (
            with(|r| r.url = "https://evil.example.org/".into()),
            vec![fetched.part()],
            "OriginNotAllowed",
        ),
        (post(), vec![], "OriginNotAllowed"),
        (post(), vec![text("", "y")], "OriginNotAllowed"),
        (
            post(),
            vec![text("x\"; filename=\"y", "y")],
            "OriginNotAllowed",
        ),
        (
            post(),
            vec![text("x\r\nX-Evil: 1", "y")],
            "OriginNotAllowed",
        ),
        (
            post(),
            vec![typed("text/plain\r\nX-Evil: 1")],
            "OriginNotAllowed",
        ),
        (post(), vec![typed("nonsense")], "OriginNotAllowed"),
        (post(), vec![text("x", "y"); 65], "TooLarge"),
        (
            post(),
            vec![text("x", &"y".repeat(9 * 1024 * 1024)); 2],
            "TooLarge",
        ),
        (
            post(),
            vec![part("file", None, Content::File(FileId("0".repeat(32))))],
            "Connect",
        ),
    ] {
        let error = session.upload(request, parts, LONG).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    }
    assert!(server.seen().is_empty());
    assert_eq!(session.requests(), 0);
    // Without a file no hold is needed.
    let answer = upload(&case.session(), vec![text("x", "y")]).await.unwrap();
    assert_eq!(answer.status, 201);
}
