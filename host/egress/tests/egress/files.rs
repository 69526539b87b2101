//! Files that are fetched into the hold.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use matricula_core::egress::{Egress, SendError};
use matricula_core::file::{Content, FileId, Part};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::*;

const KEY: &str = "a-rather-long-key-0001";
const PDF: &[u8] = b"%PDF-1.7\nwith a-rather-long-key-0001 in it";

fn keyed(case: Case) -> Case {
    case.secret("key", KEY).scheme(
        "https://api.example.com",
        json!({"type": "bearer", "token": "{key}"}),
    )
}

/// A case whose server writes what it is told.
async fn behaving<F, A>(behave: F) -> Case
where
    F: Fn(TcpStream) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let port = raw(behave).await;
    Case::new(&clock()).map(
        "https://api.example.com",
        &format!("http://127.0.0.1:{port}"),
    )
}

#[tokio::test]
async fn a_file_is_held_and_described_and_nowhere_to_be_seen() {
    let clock = clock();
    let server = Server::start(&clock, |seen| async move {
        match seen.target.as_str() {
            "/named" => reply(200, PDF).with("content-type", "text/html").with(
                "content-disposition",
                format!("attachment; filename=\"../{KEY} ü.pdf\""),
            ),
            "/moved" => reply(302, "").with("location", "/named"),
            _ => reply(200, ""),
        }
    })
    .await;
    let case = keyed(Case::at(&clock, &server));
    let house = House::new(&case);
    let session = house.session(&case);
    let (answer, file) = fetch(&session, "/moved").await.unwrap();
    let file = file.unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(header(&answer, "content-type"), Some("text/html"));
    assert_eq!(file.name.as_deref(), Some("_[removed] ü.pdf"));
    assert_eq!(file.media_type, "application/pdf");
    // Of the very bytes: nothing was cut out of them.
    assert_eq!(file.size, PDF.len() as u64);
    assert_eq!(
        file.sha256,
        "702994a68aba254531d6511a21a0a3f40a43eef80c05f5c12e435c72bfd8ae94"
    );
    assert!(house.names().is_empty());
    assert_eq!(session.requests(), 2);
    let asked = &server.seen()[1];
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    assert_eq!(
        asked.header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );

    let (_, empty) = fetch(&session, "/empty").await.unwrap();
    let empty = empty.unwrap();
    assert_eq!((empty.size, empty.name), (0, None));
    assert_eq!(empty.media_type, "application/octet-stream");
    assert_eq!(
        empty.sha256,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_ne!(empty.id, file.id);
}

#[tokio::test]
async fn only_a_success_is_held() {
    let clock = clock();
    let server = Server::start(&clock, |seen| async move {
        let status = seen.target[1..].parse().unwrap();
        reply(
            status,
            if status == 304 {
                String::new()
            } else {
                format!("no {KEY}")
            },
        )
    })
    .await;
    let case = keyed(Case::at(&clock, &server));
    let house = House::new(&case);
    let session = house.session(&case);
    for status in [301, 304, 400, 403, 404, 410, 429, 500] {
        let (answer, file) = fetch(&session, &format!("/{status}")).await.unwrap();
        assert_eq!((answer.status, file), (status, None));
        if status != 304 {
            assert_eq!(answer.body, "no [removed]", "{status}");
        }
    }
}

#[tokio::test]
async fn a_file_is_bounded_whatever_is_announced() {
    let gzip = |content: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    let bomb = gzip(&vec![0; 2_000_000]);
    let mut compressed = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        bomb.len()
    )
    .into_bytes();
    compressed.extend(bomb);
    for start in [
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000001\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n".to_vec(),
        compressed,
    ] {
        let case = behaving(move |mut stream| {
            let start = start.clone();
            async move {
                head(&mut stream).await;
                let _ = stream.write_all(&start).await;
                if !start.ends_with(b"1000001\r\n\r\n") {
                    while stream.write_all(&[b'x'; 65536]).await.is_ok() {}
                }
                std::future::pending().await
            }
        })
        .await;
        let house = House::new(&case);
        let session = house.session(&case);
        let request = request("GET", "https://api.example.com/file");
        let error = session.fetch(request, 1_000_000, LONG).await.unwrap_err();
        assert!(
            matches!(&error, SendError::TooLarge(why) if why.contains("1000000 bytes")),
            "{error:?}"
        );
    }
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, noise(1_000_000)) }).await;
    let case = Case::at(&clock, &server);
    let house = House::new(&case);
    let session = house.session(&case);
    let whole = request("GET", "https://api.example.com/file");
    let (_, file) = session.fetch(whole, 1_000_000, LONG).await.unwrap();
    assert_eq!(file.unwrap().size, 1_000_000);
}

#[tokio::test]
async fn what_breaks_off_or_takes_too_long_is_told_apart_and_holds_nothing() {
    let case = behaving(|mut stream| async move {
        let asked = head(&mut stream).await;
        let start = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n%PDF";
        stream.write_all(start).await.unwrap();
        if asked.starts_with("GET /slow") {
            std::future::pending().await
        }
    })
    .await;
    let house = House::new(&case);
    let session = house.session(&case);
    // More often than the session has places.
    for _ in 0..20 {
        let error = fetch(&session, "/breaks").await.unwrap_err();
        assert!(matches!(error, SendError::Interrupted(_)), "{error:?}");
    }
    let mut slow = request("GET", "https://api.example.com/slow");
    slow.timeout = Some(Duration::from_millis(600));
    let error = session.fetch(slow.clone(), 1000, LONG).await.unwrap_err();
    assert_eq!(error, SendError::Timeout);
    slow.timeout = None;
    let short = Duration::from_millis(600);
    let error = session.fetch(slow, 1000, short).await.unwrap_err();
    assert_eq!(error, SendError::Timeout);
}

#[tokio::test]
async fn a_file_under_a_status_that_means_a_rejected_token_is_the_manifests_fault() {
    let clock = clock();
    let server = Server::start(&clock, |seen| async move {
        match seen.target.as_str() {
            "/auth" => reply(200, r#"{"token": "token-0000000000000001"}"#),
            _ => reply(200, PDF),
        }
    })
    .await;
    let scheme = json!({
        "type": "token", "url": "https://api.example.com/auth", "body": "json", "fields": {},
        "token": "/token", "rejected": [200]
    });
    let case = Case::at(&clock, &server).scheme("https://api.example.com", scheme);
    let house = House::new(&case);
    let error = fetch(&house.session(&case), "/file").await.unwrap_err();
    assert!(
        matches!(&error, SendError::Interrupted(why) if why.ends_with("has to take 200 out of `rejected`")),
        "{error:?}"
    );
}

#[tokio::test]
async fn without_a_folder_nothing_is_fetched() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, PDF) }).await;
    let session = Case::at(&clock, &server).session();
    let error = fetch(&session, "/file").await.unwrap_err();
    assert!(
        matches!(&error, SendError::Connect(why) if why.contains("given no folder")),
        "{error:?}"
    );
    session.release(&FileId("x".into()));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_session_with_too_much_in_its_hands_waits_before_it_sends() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, PDF) }).await;
    let case = Case::at(&clock, &server);
    let house = House::new(&case);
    let session = house.session(&case);
    let mut files = Vec::new();
    for _ in 0..16 {
        files.extend(fetch(&session, "/file").await.unwrap().1);
    }
    let one_more = request("GET", "https://api.example.com/file");
    let short = Duration::from_millis(40);
    let error = session.fetch(one_more, 1000, short).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Connect(why) if why.contains("full")),
        "{error:?}"
    );
    assert_eq!(server.seen().len(), 16);
    let (fetched, ()) = tokio::join!(fetch(&session, "/file"), async {
        tokio::task::yield_now().await;
        session.release(&files[0].id);
    });
    assert!(fetched.unwrap().1.is_some());
}

#[tokio::test]
async fn a_file_goes_when_it_is_released_or_with_its_session() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, PDF) }).await;
    let case = Case::at(&clock, &server);
    let house = House::new(&case);
    let (fetcher, sender) = (house.session(&case), house.session(&case));
    let send = async |id: &FileId| {
        let part = Part {
            name: "file".into(),
            filename: None,
            media_type: None,
            content: Content::File(id.clone()),
        };
        let request = request("POST", "https://api.example.com/documents");
        sender.upload(request, vec![part], LONG).await
    };
    let (_, released) = fetch(&fetcher, "/file").await.unwrap();
    let (_, kept) = fetch(&fetcher, "/file").await.unwrap();
    let (released, kept) = (released.unwrap().id, kept.unwrap().id);
    send(&released).await.unwrap();
    sender.release(&released);
    assert_eq!(server.count("/documents"), 1);
    let gone = "nothing was sent: the file for Example is no longer held by this host: it has to be fetched again";
    assert_eq!(send(&released).await.unwrap_err().to_string(), gone);
    send(&kept).await.unwrap();
    drop(fetcher);
    assert_eq!(send(&kept).await.unwrap_err().to_string(), gone);
    assert_eq!(server.count("/documents"), 2);
}

#[tokio::test]
async fn a_token_that_is_turned_down_is_renewed_before_the_file_comes() {
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
                _ if seen.header("authorization") == Some("Bearer token-1") => reply(200, PDF),
                _ => reply(401, "no"),
            }
        }
    })
    .await;
    let case = Case::at(&clock, &server).secret("key", KEY).scheme(
        "https://api.example.com",
        json!({"type": "token", "url": "https://api.example.com/auth", "body": "json",
            "fields": {"key": "{key}"}, "token": "/token"}),
    );
    let house = House::new(&case);
    let session = house.session(&case);
    let (answer, file) = fetch(&session, "/file").await.unwrap();
    assert_eq!((answer.status, file.unwrap().size), (200, PDF.len() as u64));
    assert_eq!(session.requests(), 4);
}
