//! How many requests a second go through a session on the loopback, beside a bare `reqwest` client.
//!
//! ```sh
//! cargo run --release -p matricula-egress --example throughput
//! ```
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement, run by hand, that prints its table"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::routing::get;
use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use matricula_core::clock::Clock;
use matricula_core::credential::{Credential, Secrets};
use matricula_core::egress::{Egress as _, Request};
use matricula_core::manifest::Manifest;
use matricula_egress::{Gateway, Policy};

const REQUESTS: usize = 20_000;

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
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let page = format!(
        r#"{{"data":[{}"{{}}"]}}"#,
        r#"{"first_name":"Ada"},"#.repeat(17_000)
    );
    let app = Router::new()
        .route("/", get(|| async { "{\"success\":true}" }))
        .route("/page", get(move || std::future::ready(page.clone())));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let manifest = Manifest::parse(
        br#"{"contract":"1.0","id":"example","version":"1.0.0","title":{"en":"Example"},
        "origins":["https://api.example.com"],
        "limits":[{"requests":4000000,"seconds":1}],
        "authentication":[{"id":"key","title":{},"sessions":[
            {"origin":"https://api.example.com","scheme":{"type":"bearer","token":"{key}"}}],
            "fields":[{"name":"key","title":{},"secret":true}]}]}"#,
    )
    .unwrap();
    let credential = Credential {
        id: "credential".into(),
        tenant: "tenant".into(),
        connector: "example".into(),
        method: "key".into(),
        name: "Example".into(),
        public: BTreeMap::new(),
        created_at: Timestamp::now(),
    };
    let secrets = Secrets::new([("key".to_owned(), "a-rather-long-key-0001".to_owned())]);
    let mut policy = Policy::default();
    policy
        .map_origin(
            "https://api.example.com",
            &format!("http://127.0.0.1:{port}"),
        )
        .unwrap();
    let gateway = Gateway::new(policy, Arc::new(SystemClock)).unwrap();
    let session = gateway.session(&manifest, &credential, secrets).unwrap();
    let bare = reqwest::Client::builder()
        .tls_backend_preconfigured(
            rustls::ClientConfig::builder_with_provider(Arc::new(
                rustls::crypto::ring::default_provider(),
            ))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
        )
        .no_proxy()
        .build()
        .unwrap();

    println!(
        "{:>12} {:>12} {:>14} {:>14}",
        "what", "at a time", "session req/s", "bare req/s"
    );
    for (what, path, requests) in [
        ("small", "/", REQUESTS),
        ("340 kB page", "/page", REQUESTS / 20),
    ] {
        for at_a_time in [1, 16, 64] {
            let rate = |took: Duration| requests as f64 / took.as_secs_f64();
            let started = Instant::now();
            stream::iter(0..requests)
                .for_each_concurrent(at_a_time, |_| async {
                    let request = Request {
                        method: "GET".into(),
                        url: format!("https://api.example.com{path}"),
                        headers: vec![("Accept".into(), "application/json".into())],
                        body: None,
                        timeout: None,
                    };
                    let answer = session
                        .send(request, Duration::from_secs(60))
                        .await
                        .unwrap();
                    assert_eq!(answer.status, 200);
                })
                .await;
            let ours = rate(started.elapsed());
            let started = Instant::now();
            let url = format!("http://127.0.0.1:{port}{path}");
            stream::iter(0..requests)
                .for_each_concurrent(at_a_time, |_| async {
                    let answer = bare.get(&url).send().await.unwrap();
                    assert!(!answer.bytes().await.unwrap().is_empty());
                })
                .await;
            println!(
                "{what:>12} {at_a_time:>12} {ours:>14.0} {:>14.0}",
                rate(started.elapsed())
            );
        }
    }
}
