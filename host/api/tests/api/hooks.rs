//! Events of remote systems.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use matricula_core::run::Trigger;
use matricula_core::standing::Lifecycle;
use matricula_store::{SqliteStore, Vault};
use tracing::Level;

use crate::support::{World, Written};

const EVENT: &str = r#"{"company_id": "1", "event_name": "person.updated",
    "occurred_at": "2026-03-02T09:00:00Z", "payload": {"person_id": "7"}}"#;

#[tokio::test]
async fn many_events_make_one_demand() {
    let world = World::new();
    let (id, secret) = world.automation("one", Lifecycle::Active).await;
    let before = world.standing(&id).await;
    let address = format!("/hooks/one/{secret}");
    for _ in 0..20 {
        let answer = world.ask("POST", &address, EVENT).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::ACCEPTED, "")
        );
        world.clock.advance(Duration::from_millis(100));
    }
    let after = world.standing(&id).await;
    assert_eq!(after.version, before.version + 1);
    let demand = after.demand.unwrap();
    assert_eq!(demand.trigger, Trigger::Webhook);
    assert!(!demand.full);
    assert!(after.next_run_at < before.next_run_at);
}

#[tokio::test]
async fn whatever_is_wrong_looks_the_same() {
    let world = World::new();
    let (id, secret) = world.automation("one", Lifecycle::Active).await;
    let (_, other) = world.automation("two", Lifecycle::Active).await;
    let before = world.standing(&id).await;
    let long = "x".repeat(300);
    let mut answers = Vec::new();
    for address in [
        format!("/hooks/one/{other}"),
        format!("/hooks/one/{secret}0"),
        format!("/hooks/one/{}", &secret[1..]),
        format!("/hooks/nobody/{secret}"),
        format!("/hooks/{long}/{secret}"),
        format!("/hooks/one/{long}"),
        format!("/hooks/one/%ff{secret}"),
        format!("/hooks/one/{secret}/more"),
    ] {
        let answer = world.ask("POST", &address, EVENT).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{address}");
        assert_eq!(answer.code(), "not-found");
        answers.push((answer.text, answer.headers));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(world.standing(&id).await, before);
}

#[tokio::test]
async fn who_was_stopped_takes_events_without_effect() {
    let world = World::new();
    for (name, lifecycle) in [
        ("stopped", Lifecycle::Deactivated),
        ("paused", Lifecycle::Paused),
    ] {
        let (id, secret) = world.automation(name, lifecycle).await;
        let before = world.standing(&id).await;
        let answer = world
            .ask("POST", &format!("/hooks/{name}/{secret}"), EVENT)
            .await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{name}");
        assert_eq!(world.standing(&id).await, before);
    }
}

#[tokio::test]
async fn asking_for_an_address_tells_and_does_nothing() {
    let world = World::new();
    let (id, secret) = world.automation("one", Lifecycle::Active).await;
    let before = world.standing(&id).await;
    for address in [format!("/hooks/one/{secret}"), "/hooks/no/body".to_owned()] {
        let answer = world.get(&address).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::NO_CONTENT, "")
        );
    }
    assert_eq!(world.standing(&id).await, before);
    let answer = world
        .ask("PUT", &format!("/hooks/one/{secret}"), EVENT)
        .await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.code(), "method.not-allowed");
    assert!(answer.headers["allow"].to_str().unwrap().contains("POST"));
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let world = World::new();
    let (id, secret) = world.automation("one", Lifecycle::Active).await;
    let address = format!("/hooks/one/{secret}");
    let before = world.standing(&id).await;
    // A body without an announced length is counted as it comes.
    let of = |kibibytes: usize| {
        let chunks = vec![Bytes::from(vec![b'x'; 1024]); kibibytes];
        Body::from_stream(stream::iter(chunks).map(Ok::<_, std::io::Error>))
    };
    for body in [of(65), Body::from(vec![b'x'; 65 * 1024])] {
        let answer = world.ask("POST", &address, body).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer.code(), "body.too-large");
        assert_eq!(answer.headers["connection"], "close");
    }
    assert_eq!(world.standing(&id).await, before);
    for body in [of(64), Body::from("not JSON \u{0}"), Body::empty()] {
        let answer = world.ask("POST", &address, body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let store = SqliteStore::in_memory(Vault::new(&[7; 32])).unwrap();
    let world = World::over(store, |options| {
        options.body_within = Duration::from_millis(20);
    });
    let (id, secret) = world.automation("one", Lifecycle::Active).await;
    let before = world.standing(&id).await;
    let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = world
        .ask("POST", &format!("/hooks/one/{secret}"), never)
        .await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(answer.code(), "body.slow");
    assert_eq!(world.standing(&id).await, before);
}

#[tokio::test]
async fn a_locked_store_is_to_be_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.sqlite");
    let patience = Duration::from_millis(20);
    let store = SqliteStore::open_with_patience(&file, Vault::new(&[7; 32]), patience).unwrap();
    let world = World::over(store, |_| {});
    let (id, secret) = world.automation("one", Lifecycle::Active).await;
    let address = format!("/hooks/one/{secret}");
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = world.ask("POST", &address, EVENT).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "store.busy");
    assert_eq!(answer.headers["retry-after"], "5");
    assert!(!answer.text.contains("sqlite"), "{}", answer.text);
    other.execute_batch("ROLLBACK").unwrap();
    let answer = world.ask("POST", &address, EVENT).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert!(world.standing(&id).await.demand.is_some());
}

#[tokio::test]
async fn the_secret_is_in_no_log() {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::info!("the log is read");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.sqlite");
    let patience = Duration::from_millis(20);
    let store = SqliteStore::open_with_patience(&file, Vault::new(&[7; 32]), patience).unwrap();
    let world = World::over(store, |_| {});
    let (_, secret) = world.automation("one", Lifecycle::Active).await;
    let other = rusqlite::Connection::open(&file).unwrap();
    // Over a connection as well, for what the server's own crates log.
    let (address, end, served) = crate::serve::served(&world, Default::default()).await;
    let path = format!("/hooks/one/{secret}");
    // Twice: what another test's thread was the first to pass by is only logged after this.
    for _ in 0..2 {
        tracing::callsite::rebuild_interest_cache();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let answer = crate::serve::exchange(address, &crate::serve::post(&path, EVENT)).await;
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
        other.execute_batch("ROLLBACK").unwrap();
        for path in [
            path.clone(),
            format!("{path}1"),
            path.replace("one", "two"),
            format!("{path}/more"),
        ] {
            world.ask("POST", &path, EVENT).await;
            let raw = crate::serve::post(&path, EVENT);
            assert!(!crate::serve::exchange(address, &raw).await.is_empty());
        }
    }
    end.send_replace(true);
    served.await.unwrap();
    let text = written.text();
    assert!(text.contains("the log is read"), "{text}");
    assert!(
        !text.contains(&secret) && !text.contains("hooks/"),
        "{text}"
    );
}
