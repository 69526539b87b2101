//! Connections, over the loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use matricula_api::{ServeOptions, serve_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::World;

/// Far longer than anything here takes: a test fails instead of hanging.
const LONG: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_millis(200);
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

pub async fn serving(
    router: Router,
    options: ServeOptions,
) -> (SocketAddr, watch::Sender<bool>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ended) = watch::channel(false);
    let served = tokio::spawn(serve_with(listener, router, options, ended));
    (address, end, served)
}

pub async fn served(
    world: &World,
    options: ServeOptions,
) -> (SocketAddr, watch::Sender<bool>, JoinHandle<()>) {
    serving(world.router.clone(), options).await
}

pub fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Everything that comes until the server closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = timeout(LONG, stream.read_to_end(&mut answer))
        .await
        .expect("the server closes");
    String::from_utf8(answer).unwrap()
}

pub async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    rest(&mut stream).await
}

fn soon() -> ServeOptions {
    ServeOptions {
        head_within: SOON,
        stalled_after: SOON,
        ..ServeOptions::default()
    }
}

#[tokio::test]
async fn a_head_that_trickles_keeps_no_place() {
    let world = World::new();
    let one = ServeOptions {
        connections: 1,
        ..soon()
    };
    let (address, _end, _served) = served(&world, one).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /healthz HTT").await.unwrap();
    // The only place is taken; this one is served once the slow one was closed.
    let answer = exchange(address, HEALTH).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let told = rest(&mut slow).await;
    assert!(!told.contains("200"), "{told}");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let world = World::new();
    let (address, _end, _served) = served(&world, soon()).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let kept = HEALTH.replace("Connection: close\r\n", "");
    idle.write_all(kept.as_bytes()).await.unwrap();
    let told = rest(&mut idle).await;
    assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    let mut silent = TcpStream::connect(address).await.unwrap();
    rest(&mut silent).await;
}

#[tokio::test]
async fn a_body_that_trickles_is_answered_and_closed() {
    let store = matricula_store::SqliteStore::in_memory(matricula_store::Vault::new(&[7; 32]));
    let world = World::over(store.unwrap(), |options| options.body_within = SOON);
    let (address, _end, _served) = served(&world, ServeOptions::default()).await;
    let request = "POST /hooks/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx";
    let answer = exchange(address, request).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("body.slow"), "{answer}");
}

#[tokio::test]
async fn who_does_not_read_is_given_up() {
    let world = World::new();
    let one = ServeOptions {
        connections: 1,
        head_within: LONG,
        ..soon()
    };
    let (address, _end, _served) = served(&world, one).await;
    let mut deaf = TcpStream::connect(address).await.unwrap();
    let ask = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(100);
    let asking = async { while deaf.write_all(ask.as_bytes()).await.is_ok() {} };
    timeout(LONG, asking).await.expect("the server closes");
    let answer = exchange(address, HEALTH).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let world = World::new();
    let (address, _end, _served) = served(&world, ServeOptions::default()).await;
    let request = HEALTH.replace("localhost", &"x".repeat(100_000));
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be closed before all of it is written.
    let _ = stream.write_all(request.as_bytes()).await;
    let answer = rest(&mut stream).await;
    assert!(!answer.contains("200"), "{answer}");
}

#[tokio::test]
async fn what_is_under_way_ends_before_the_server() {
    let (entered, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (entered, go) = (Arc::clone(&entered), Arc::clone(&go));
        move || async move {
            entered.notify_one();
            go.notified().await;
            "done"
        }
    };
    let router = Router::new().route("/slow", get(handler));
    let (address, end, served) = serving(router, ServeOptions::default()).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let request = "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let asked = tokio::spawn(async move { exchange(address, request).await });
    entered.notified().await;
    end.send_replace(true);
    // Who asks for nothing is not waited for.
    assert_eq!(rest(&mut idle).await, "");
    assert!(!served.is_finished());
    go.notify_one();
    assert!(asked.await.unwrap().ends_with("done"));
    timeout(LONG, served).await.expect("it ends").unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn what_never_ends_is_cut_off() {
    let entered = Arc::new(Notify::new());
    let told = Arc::clone(&entered);
    let never = move || async move {
        told.notify_one();
        std::future::pending::<()>().await;
    };
    let options = ServeOptions {
        farewell: SOON,
        ..ServeOptions::default()
    };
    let router = Router::new().route("/never", get(never));
    let (address, end, served) = serving(router, options).await;
    let request = "GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let asked = tokio::spawn(async move { exchange(address, request).await });
    entered.notified().await;
    end.send_replace(true);
    timeout(LONG, served).await.expect("it ends").unwrap();
    assert_eq!(asked.await.unwrap(), "");
}
