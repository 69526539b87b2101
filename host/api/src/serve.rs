//! Connections: taken, limited, and ended.
//!
//! `axum::serve` has no limits of its own: a client that sends its headers a byte at a time keeps a connection for
//! ever, and shutting down waits for it. So connections are served with hyper itself, which knows a time for
//! headers (also for the next request of a connection that is kept). A client that does not read is given up by
//! `patient`; a body that trickles, by the router. HTTP/1.1 without TLS: a server stands behind a proxy that has both.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::patient::Patient;

/// The longest head of a request. What is read ahead is kept for each connection.
const HEAD: usize = 32 * 1024;
/// Between two tries when no connection can be taken, as when all file descriptors are in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// How connections are kept.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// How long the head of a request may take to arrive, and how long a connection may be idle.
    pub head_within: Duration,
    /// How long a client may read nothing of what it is sent.
    pub stalled_after: Duration,
    /// Connections at a time; others wait to be taken.
    pub connections: usize,
    /// How long requests that are under way may still take once the server ends.
    pub farewell: Duration,
}

impl Default for ServeOptions {
    /// Ten seconds for a head, thirty for a stalled client, 512 connections, ten seconds at the end.
    fn default() -> Self {
        Self {
            head_within: Duration::from_secs(10),
            stalled_after: Duration::from_secs(30),
            connections: 512,
            farewell: Duration::from_secs(10),
        }
    }
}

/// Answers what comes in until `end` says so (or its sender is gone), then lets requests that are under way end.
pub async fn serve(listener: TcpListener, router: Router, end: watch::Receiver<bool>) {
    serve_with(listener, router, ServeOptions::default(), end).await;
}

/// The same, with how connections are kept.
pub async fn serve_with(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    mut end: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(options.connections.max(1)));
    let mut open = JoinSet::new();
    let mut in_trouble = false;
    loop {
        let place = tokio::select! {
            biased;
            () = ended(&mut end) => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            biased;
            () = ended(&mut end) => break,
            accepted = listener.accept() => accepted,
        };
        // Those that have ended are let go of.
        while open.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                in_trouble = false;
                let kept = keep(stream, router.clone(), options.clone(), end.clone());
                open.spawn(async move {
                    kept.await;
                    drop(place);
                });
            }
            Err(error) => {
                if !std::mem::replace(&mut in_trouble, true) {
                    tracing::warn!(%error, "A connection could not be taken; it is tried again.");
                }
                tokio::select! {
                    () = ended(&mut end) => break,
                    () = tokio::time::sleep(ACCEPT_PAUSE) => {}
                }
            }
        }
    }
    drop(listener);
    let all_ended = async { while open.join_next().await.is_some() {} };
    if timeout(options.farewell, all_ended).await.is_err() {
        tracing::warn!(
            connections = open.len(),
            "Requests that were still under way were cut off at the end."
        );
        open.shutdown().await;
    }
}

/// Serves one connection. How it ends is the client's affair, and an error may quote what was asked for.
async fn keep(
    stream: TcpStream,
    router: Router,
    options: ServeOptions,
    mut end: watch::Receiver<bool>,
) {
    // Answers are small and written at once.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Patient::new(stream, options.stalled_after));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.head_within)
        .max_buf_size(HEAD)
        .serve_connection(io, TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = ended(&mut end) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// A sender that is gone is an end as well.
async fn ended(end: &mut watch::Receiver<bool>) {
    let _ = end.wait_for(|end| *end).await;
}
