//! What comes back: bounded, cleaned, and told apart when it breaks.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use matricula_core::egress::{Egress, SendError};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::support::*;

const KEY: &str = "a-rather-long-key-0001";

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A session with a server that answers with these bytes and then does as told.
async fn answering(bytes: Vec<u8>, hang: bool) -> std::sync::Arc<matricula_egress::Session> {
    let port = raw(move |mut stream| {
        let bytes = bytes.clone();
        async move {
            head(&mut stream).await;
            let _ = stream.write_all(&bytes).await;
            if hang {
                std::future::pending::<()>().await;
            }
        }
    })
    .await;
    Case::new(&clock())
        .map(
            "https://api.example.com",
            &format!("http://127.0.0.1:{port}"),
        )
        .session()
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_interrupted() {
    for bytes in [
        // A body shorter than announced, also as chunks and compressed; no answer at all; nonsense.
        &b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"data\":["[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    ] {
        let session = answering(bytes.to_vec(), false).await;
        let result = get(&session, "/").await;
        assert!(
            matches!(result, Err(SendError::Interrupted(_))),
            "{:?}: {result:?}",
            String::from_utf8_lossy(bytes)
        );
        assert_eq!(session.requests(), 1);
    }
    let mut truncated = gzip(&[b'x'; 10_000]);
    truncated.truncate(truncated.len() / 2);
    let mut bytes = format!(
        "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        truncated.len()
    )
    .into_bytes();
    bytes.extend(truncated);
    let result = get(&*answering(bytes, false).await, "/").await;
    assert!(
        matches!(result, Err(SendError::Interrupted(_))),
        "{result:?}"
    );
}

#[tokio::test]
async fn more_than_announced_is_not_taken_for_the_answer_or_for_the_next_one() {
    let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    let session = answering(bytes.to_vec(), false).await;
    for _ in 0..2 {
        assert_eq!(get(&session, "/").await.unwrap().body, "ok");
    }
}

#[tokio::test]
async fn a_slow_answer_is_a_timeout() {
    for bytes in [
        &b""[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
    ] {
        let session = answering(bytes.to_vec(), true).await;
        let mut wish = request("GET", "https://api.example.com/");
        wish.timeout = Some(Duration::from_millis(60));
        assert_eq!(
            session.send(wish, LONG).await.unwrap_err(),
            SendError::Timeout
        );
        let short = Duration::from_millis(60);
        let result = session
            .send(request("GET", "https://api.example.com/"), short)
            .await;
        assert_eq!(result.unwrap_err(), SendError::Timeout);
    }
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = Case::new(&clock()).map(
        "https://api.example.com",
        &format!("http://127.0.0.1:{port}"),
    );
    let error = get(&refused.session(), "/").await.unwrap_err();
    assert!(
        matches!(&error, SendError::Connect(why) if why.starts_with("https://api.example.com cannot be reached: ")),
        "{error:?}"
    );
    let unknown = get(&Case::new(&clock()).session(), "/").await.unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "nothing was sent: https://api.example.com cannot be reached: the name cannot be resolved: no such \
         host is known"
    );
}

#[tokio::test]
async fn an_answer_is_bounded_announced_or_not_compressed_or_not() {
    const LIMIT: usize = 16 * 1024 * 1024;
    let clock = clock();
    let server = Server::start(&clock, |seen| async move {
        match seen.target.as_str() {
            "/whole" => reply(200, vec![b'x'; LIMIT]),
            "/compressed" => reply(200, gzip(b"{\"data\":[]}")).with("content-encoding", "gzip"),
            "/bomb" => reply(200, gzip(&vec![0; LIMIT + 1])).with("content-encoding", "gzip"),
            _ => reply(200, vec![b'x'; LIMIT + 1]),
        }
    })
    .await;
    let session = Case::at(&clock, &server).session();
    assert_eq!(get(&session, "/whole").await.unwrap().body.len(), LIMIT);
    let compressed = get(&session, "/compressed").await.unwrap();
    assert_eq!(compressed.body, "{\"data\":[]}");
    assert_eq!(header(&compressed, "content-encoding"), None);
    assert_eq!(server.seen()[1].header("accept-encoding"), Some("gzip"));
    for path in ["/bomb", "/large"] {
        let error = get(&session, path).await.unwrap_err();
        assert!(
            matches!(&error, SendError::TooLarge(why) if why.contains("16 MiB")),
            "{path}: {error:?}"
        );
    }
    // Announced: refused without reading; endless: refused on the way.
    let announced = answering(
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".to_vec(),
        true,
    )
    .await;
    assert!(matches!(
        get(&announced, "/").await,
        Err(SendError::TooLarge(_))
    ));
    let endless = raw(|mut stream| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 65536]).await.is_ok() {}
    })
    .await;
    let case = Case::new(&clock).map(
        "https://api.example.com",
        &format!("http://127.0.0.1:{endless}"),
    );
    assert!(matches!(
        get(&case.session(), "/").await,
        Err(SendError::TooLarge(_))
    ));
}

#[tokio::test]
async fn what_was_injected_does_not_come_back() {
    let clock = clock();
    let server = Server::start(&clock, |seen| async move {
        let sent = seen.header("authorization").unwrap_or_default().to_owned();
        reply(
            if seen.target == "/fails" { 400 } else { 200 },
            format!("you sent {sent}"),
        )
        .with("x-echo", sent.clone())
        .with("authorization", sent.clone())
        .with("set-cookie", "session=1")
        .with("www-authenticate", sent.clone())
        .with("proxy-authenticate", sent)
        .with("X-Request-ID", "7")
        .with("etag", "W/\"1\"")
    })
    .await;
    let case = Case::at(&clock, &server).secret("key", KEY).scheme(
        "https://api.example.com",
        json!({"type": "bearer", "token": "{key}"}),
    );
    let session = case.session();
    for path in ["/works", "/fails"] {
        let answer = get(&session, path).await.unwrap();
        assert_eq!(answer.body, "you sent Bearer [removed]", "{path}");
        assert_eq!(header(&answer, "x-echo"), Some("Bearer [removed]"));
        let mut names: Vec<_> = answer
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["content-type", "date", "etag", "x-echo", "x-request-id"][1..].to_vec()
        );
    }
    let error = get(&session, &format!("https://{KEY}.example.org/"))
        .await
        .unwrap_err();
    assert!(!error.to_string().contains(KEY), "{error}");
}
