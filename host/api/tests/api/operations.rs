//! Health, readiness, metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use matricula_core::clock::Clock as _;
use matricula_core::run::{Counts, CycleKind, Requests, Run, RunStatus, Trigger};
use matricula_core::standing::Lifecycle;
use matricula_core::{AutomationId, RunId};
use matricula_engine::schedule::Gauge as _;
use matricula_store::{SqliteStore, Vault};
use serde_json::json;

use crate::support::{TENANT, World};

/// Every sample of a text by its name with labels; checks each line on the way.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "# EOF" {
            assert_eq!(lines.peek(), None);
            return samples;
        }
        if let Some(comment) = line.strip_prefix("# ") {
            let (kind, rest) = comment.split_once(' ').unwrap();
            assert!(["HELP", "TYPE", "UNIT"].contains(&kind), "{line}");
            assert!(rest.starts_with("matricula_"), "{line}");
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("matricula_"), "{line}");
        if let Some((_, labels)) = name.split_once('{') {
            let label = labels.split_once('=').unwrap().0;
            let known = [
                "state",
                "status",
                "outcome",
                "side",
                "signature",
                "le",
                "version",
            ];
            assert!(known.contains(&label), "{line}");
        }
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(samples.insert(name.to_owned(), value), None, "{line}");
    }
    panic!("no end: {text}");
}

fn run(status: RunStatus, counts: Counts) -> Run {
    Run {
        id: RunId(7),
        automation: AutomationId::new("automation-of-the-tests"),
        flow: "sync-employees".to_owned(),
        trigger: Trigger::Schedule,
        cycle: CycleKind::Full,
        status,
        started_at: "2026-03-02T09:00:00Z".parse().unwrap(),
        finished_at: None,
        counts,
        requests: Requests {
            source: 3,
            target: 4,
        },
        error: None,
        notes: Vec::new(),
    }
}

#[tokio::test]
async fn ready_while_the_schedule_is_kept() {
    let world = World::new();
    assert_eq!(world.get("/healthz").await.json(), json!({"status": "ok"}));
    let answer = world.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "schedule.off");
    world.readiness.set(true);
    let answer = world.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), json!({"status": "ready"}));
    world.readiness.set(false);
    assert_eq!(world.get("/readyz").await.code(), "schedule.off");
}

#[tokio::test]
async fn not_ready_while_the_store_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.sqlite");
    let store = SqliteStore::open(&file, Vault::new(&[7; 32])).unwrap();
    let world = World::over(store, |options| {
        options.store_within = Duration::from_millis(200);
    });
    world.readiness.set(true);
    let (_, secret) = world.automation("one", Lifecycle::Active).await;
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The store waits for the other process with this, and everything else waits behind it.
    let answer = world.ask("POST", &format!("/hooks/one/{secret}"), "").await;
    assert_eq!(answer.code(), "store.silent");
    let answer = world.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "store.silent");
    assert_eq!(world.get("/healthz").await.status, StatusCode::OK);
    let answer = world.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    let told = samples(&answer.text);
    assert_eq!(told["matricula_store_answers"], 0.0);
    assert_eq!(told["matricula_cycles_total{status=\"succeeded\"}"], 0.0);
    assert!(!told.contains_key("matricula_automations_due"));
    other.execute_batch("ROLLBACK").unwrap();
    // As soon as the store has noticed.
    while world.get("/readyz").await.status != StatusCode::OK {}
    world.clock.advance(Duration::from_secs(1));
    let told = samples(&world.get("/metrics").await.text);
    assert_eq!(told["matricula_store_answers"], 1.0);
}

#[tokio::test]
async fn metrics_line_by_line() {
    let world = World::new();
    world.readiness.set(true);
    for (id, lifecycle) in [
        ("a", Lifecycle::Active),
        ("b", Lifecycle::Active),
        ("c", Lifecycle::Paused),
        ("d", Lifecycle::Deactivated),
    ] {
        world.automation(id, lifecycle).await;
    }
    // The two active ones, and the one that is probed, have been due for 90 seconds.
    world.clock.advance(Duration::from_secs(3600 + 90));
    let metrics = &world.metrics;
    metrics.begun(Duration::from_millis(700));
    metrics.begun(Duration::from_secs(20));
    let counts = Counts {
        created: 2,
        unchanged: 30,
        failed: 1,
        ..Counts::default()
    };
    let took = Duration::from_millis(250);
    metrics.ended(Some(&run(RunStatus::Partial, counts)), took);
    metrics.ended(Some(&run(RunStatus::Succeeded, counts)), took);
    // What is interrupted tells its counts once it has been resumed.
    metrics.ended(Some(&run(RunStatus::Running, counts)), took);
    metrics.ended(None, took);

    let answer = world.get("/metrics").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = &answer.text;
    for private in [TENANT, "automation-of-the-tests", "sync-employees"] {
        assert!(!text.contains(private), "{text}");
    }
    let told = samples(text);
    for (name, value) in [
        ("matricula_build_info{version=\"1.2.3\"}", 1.0),
        ("matricula_automations{state=\"active\"}", 2.0),
        ("matricula_automations{state=\"quarantined\"}", 0.0),
        ("matricula_automations{state=\"paused\"}", 1.0),
        ("matricula_automations{state=\"deactivated\"}", 1.0),
        ("matricula_automations_due", 3.0),
        ("matricula_automations_overdue", 0.0),
        ("matricula_lag_seconds", 90.0),
        ("matricula_cycles_running", 0.0),
        ("matricula_schedule_kept", 1.0),
        ("matricula_store_answers", 1.0),
        ("matricula_deliveries_waiting", 0.0),
        ("matricula_cycles_total{status=\"succeeded\"}", 1.0),
        ("matricula_cycles_total{status=\"partial\"}", 1.0),
        ("matricula_cycles_total{status=\"failed\"}", 0.0),
        ("matricula_cycles_total{status=\"stopped\"}", 0.0),
        ("matricula_cycles_total{status=\"interrupted\"}", 1.0),
        ("matricula_cycles_total{status=\"not-begun\"}", 1.0),
        ("matricula_people_total{outcome=\"created\"}", 4.0),
        ("matricula_people_total{outcome=\"updated\"}", 0.0),
        ("matricula_people_total{outcome=\"unchanged\"}", 60.0),
        ("matricula_people_total{outcome=\"deactivated\"}", 0.0),
        ("matricula_people_total{outcome=\"reactivated\"}", 0.0),
        ("matricula_people_total{outcome=\"skipped\"}", 0.0),
        ("matricula_people_total{outcome=\"staged\"}", 0.0),
        ("matricula_people_total{outcome=\"ambiguous\"}", 0.0),
        ("matricula_people_total{outcome=\"failed\"}", 2.0),
        ("matricula_requests_total{side=\"source\"}", 6.0),
        ("matricula_requests_total{side=\"target\"}", 8.0),
        ("matricula_begin_lag_seconds_count", 2.0),
        ("matricula_begin_lag_seconds_sum", 20.7),
        ("matricula_begin_lag_seconds_bucket{le=\"1.0\"}", 1.0),
        ("matricula_begin_lag_seconds_bucket{le=\"30.0\"}", 2.0),
        ("matricula_cycle_duration_seconds_count", 4.0),
        ("matricula_cycle_duration_seconds_sum", 1.0),
        ("matricula_cycle_duration_seconds_bucket{le=\"0.1\"}", 0.0),
        ("matricula_cycle_duration_seconds_bucket{le=\"0.5\"}", 4.0),
    ] {
        assert_eq!(told.get(name), Some(&value), "{name} in {text}");
    }
}

#[tokio::test]
async fn the_store_is_asked_once_a_second() {
    let world = World::new();
    let active = "matricula_automations{state=\"active\"}";
    let begin = world.clock.now();
    assert_eq!(samples(&world.get("/metrics").await.text)[active], 0.0);
    world.automation("one", Lifecycle::Active).await;
    world.clock.advance(Duration::from_millis(900));
    assert_eq!(samples(&world.get("/metrics").await.text)[active], 0.0);
    world.clock.advance(Duration::from_millis(100));
    assert_eq!(samples(&world.get("/metrics").await.text)[active], 1.0);
    // A clock that is set back does not make the answer last.
    world.automation("two", Lifecycle::Active).await;
    world.clock.set(begin - Duration::from_secs(3600));
    assert_eq!(samples(&world.get("/metrics").await.text)[active], 2.0);
}

#[tokio::test]
async fn what_there_is_not_is_a_problem() {
    let world = World::new();
    let answer = world.get("/api/v1/nothing").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.code(), "not-found");
    let answer = world.ask("POST", "/metrics", "").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.code(), "method.not-allowed");
    let answer = world.ask("HEAD", "/healthz", "").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
}

#[tokio::test]
async fn a_request_ends_in_time() {
    let store = SqliteStore::in_memory(Vault::new(&[7; 32])).unwrap();
    let world = World::over(store, |options| {
        options.request_within = Duration::from_millis(20);
    });
    let never = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    let answer = world
        .ask("POST", "/hooks/a/b", axum::body::Body::from_stream(never))
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.code(), "request.slow");
}
