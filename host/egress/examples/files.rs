//! What files cost that pass through: how much the process grows by, and how fast they are.
//!
//! ```sh
//! cargo run --release -p matricula-egress --example files -- 500 20 8
//! ```
//!
//! Files, megabytes each, at a time. The servers run in a process of their own, so that what is measured
//! is ours. The hold lies in the system's folder for temporary files (`TMPDIR`).
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement, run by hand, that prints its table"
)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request as Asked};
use axum::routing::{get, post};
use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use matricula_core::clock::Clock;
use matricula_core::credential::{Credential, Secrets};
use matricula_core::egress::{Egress as _, Request};
use matricula_core::file::{Content, Part};
use matricula_core::manifest::Manifest;
use matricula_egress::{Gateway, Policy, Session};

const PIECE: usize = 64 * 1024;

struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "serve") {
        return serve().await;
    }
    let number = |at: usize, usual: u64| {
        arguments
            .get(at)
            .map_or(usual, |argument| argument.parse().unwrap())
    };
    let (files, megabytes, at_a_time) = (number(0, 500), number(1, 20), number(2, 8) as usize);
    let size = megabytes * 1_000_000;

    let mut server = Command::new(std::env::current_exe().unwrap())
        .arg("serve")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    let mut said = BufReader::new(server.stdout.take().unwrap());
    said.read_line(&mut port).unwrap();
    let to = format!("http://127.0.0.1:{}", port.trim());

    let folder = tempfile::tempdir().unwrap();
    let mut policy = Policy::default();
    policy.map_origin("https://api.example.com", &to).unwrap();
    let gateway = Gateway::new(policy, Arc::new(SystemClock))
        .unwrap()
        .with_hold(folder.path().into());
    let (source, target) = (session(&gateway, "source"), session(&gateway, "target"));

    // What connections, threads and buffers take is there before it is measured.
    pass(&source, &target, 1_000_000, at_a_time).await;
    let before = resident();
    let most = AtomicU64::new(before);
    let started = Instant::now();
    stream::iter(0..files)
        .for_each_concurrent(at_a_time, |_| async {
            pass(&source, &target, size, 1).await;
            most.fetch_max(resident(), Ordering::Relaxed);
        })
        .await;
    let took = started.elapsed().as_secs_f64();
    let most = most.into_inner().max(resident());
    println!("{files} files of {megabytes} MB, {at_a_time} at a time, in {took:.1} s");
    println!(
        "throughput: {:.0} MB/s in and as much out, {:.1} files/s",
        (files * megabytes) as f64 / took,
        files as f64 / took
    );
    println!(
        "resident: {:.1} MB before, {:.1} MB at most, grown by {:.1} MB (highest mark {:.1} MB)",
        before as f64 / 1000.0,
        most as f64 / 1000.0,
        (most - before) as f64 / 1000.0,
        status("VmHWM:") as f64 / 1000.0,
    );
    server.kill().unwrap();
    server.wait().unwrap();
}

/// Fetches files and sends them on.
async fn pass(source: &Session, target: &Session, size: u64, files: usize) {
    stream::iter(0..files)
        .for_each_concurrent(None, |_| async {
            let long = Duration::from_secs(600);
            let request = |method: &str, path: &str| Request {
                method: method.into(),
                url: format!("https://api.example.com{path}"),
                headers: Vec::new(),
                body: None,
                timeout: None,
            };
            let asked = request("GET", &format!("/file/{size}"));
            let (_, file) = source.fetch(asked, size, long).await.unwrap();
            let file = file.unwrap();
            assert_eq!(file.size, size);
            let part = Part {
                name: "file".into(),
                filename: Some("certificate.pdf".into()),
                media_type: None,
                content: Content::File(file.id.clone()),
            };
            let sent = request("POST", "/documents");
            let answer = target.upload(sent, vec![part], long).await.unwrap();
            let arrived: u64 = str::from_utf8(&answer.body).unwrap().parse().unwrap();
            assert!(arrived > size);
            source.release(&file.id);
        })
        .await;
}

fn session(gateway: &Gateway, id: &str) -> Arc<Session> {
    let manifest = Manifest::parse(
        br#"{"contract":"1.1","id":"example","version":"1.0.0","title":{"en":"Example"},
        "origins":["https://api.example.com"],
        "authentication":[{"id":"key","title":{},"sessions":[
            {"origin":"https://api.example.com","scheme":{"type":"bearer","token":"{key}"}}],
            "fields":[{"name":"key","title":{},"secret":true}]}]}"#,
    )
    .unwrap();
    let credential = Credential {
        id: id.into(),
        tenant: "tenant".into(),
        connector: "example".into(),
        method: "key".into(),
        name: "Example".into(),
        public: BTreeMap::new(),
        created_at: Timestamp::now(),
    };
    let secrets = Secrets::new([("key".to_owned(), "a-rather-long-key-0001".to_owned())]);
    gateway.session(&manifest, &credential, secrets).unwrap()
}

/// Both remotes: one gives files, the other counts what arrives.
async fn serve() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let piece = Bytes::from([&b"%PDF-1.7\n"[..], &[b'x'; PIECE]].concat()).slice(..PIECE);
    let file = get(move |Path(size): Path<usize>| {
        let piece = piece.clone();
        let pieces = stream::iter((0..size).step_by(PIECE))
            .map(move |at| Ok::<_, std::io::Error>(piece.slice(..PIECE.min(size - at))));
        async { Body::from_stream(pieces) }
    });
    let documents = post(|asked: Asked| async {
        let pieces = asked.into_body().into_data_stream();
        let count = |sum: usize, piece: Result<Bytes, axum::Error>| async move {
            sum + piece.unwrap().len()
        };
        pieces.fold(0, count).await.to_string()
    });
    let app = Router::new()
        .route("/file/{size}", file)
        .route("/documents", documents);
    axum::serve(listener, app).await.unwrap();
}

/// What the process has in memory now, in kB.
fn resident() -> u64 {
    status("VmRSS:")
}

fn status(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let Some(found) = status.lines().find_map(|text| text.strip_prefix(line)) else {
        panic!("no {line} in /proc/self/status");
    };
    found.trim().trim_end_matches(" kB").parse().unwrap()
}
