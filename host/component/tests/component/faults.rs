//! One test per way to go wrong; after each the same component works.

use std::sync::Arc;
use std::time::{Duration, Instant};

use matricula_component::Limits;
use matricula_core::connector::{Change, Connector as _};
use matricula_core::egress::SendError;
use matricula_core::{Effect, Failure, FailureKind};

use crate::support::{
    FakeEgress, Remote, answering, assert_fault, assert_works, call, call_through, load, read,
};

#[tokio::test]
async fn a_panic_is_told_without_personal_data() {
    let component = load(Limits::default());
    let failure = read(&component, &call(), "panic").await.unwrap_err();
    assert_fault(&component, &failure, "component.panicked").await;
    let (start, end) = failure.message.split_once("read.rs:").unwrap();
    assert_eq!(
        start,
        "fixtures 0.1.0 failed while reading panic; this is a fault of the connector: tell its \
         author: panicked at tests/fixtures/src/"
    );
    let (_, message) = end.split_once(": ").unwrap();
    assert_eq!(message, "cannot read \"…\" of <e-mail> [31mred [0m");
}

#[tokio::test(flavor = "current_thread")]
async fn a_busy_loop_ends_at_its_deadline_on_one_thread() {
    let component = load(Limits::default());
    let mut call = call();
    call.deadline = Duration::from_millis(100);
    let begin = Instant::now();
    let failure = read(&component, &call, "loop").await.unwrap_err();
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(100), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_fault(&component, &failure, "component.timed-out").await;
    assert_eq!(
        failure.message,
        "fixtures 0.1.0 was ended while reading loop: it took longer than 100ms, the limit of this \
         call"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_busy_loop_does_not_keep_others_from_running() {
    let component = load(Limits::default());
    let mut busy = call();
    busy.deadline = Duration::from_millis(300);
    let begin = Instant::now();
    let (failure, first) = tokio::join!(read(&component, &busy, "loop"), async {
        read(&component, &call(), "good").await.unwrap();
        begin.elapsed()
    });
    assert_eq!(
        failure.unwrap_err().code.as_deref(),
        Some("component.timed-out")
    );
    assert!(first < Duration::from_millis(250), "{first:?}");
}

#[tokio::test]
async fn the_host_s_limit_is_shorter_than_a_call_s_wish() {
    let component = load(Limits {
        deadline: Duration::from_millis(50),
        ..Limits::default()
    });
    let failure = read(&component, &call(), "loop").await.unwrap_err();
    assert!(
        failure.message.contains("longer than 50ms"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn waiting_for_a_remote_ends_at_the_deadline_too() {
    let component = load(Limits::default());
    let mut call = call_through(FakeEgress::new(Remote::NeverAnswers));
    call.deadline = Duration::from_millis(50);
    let failure = read(&component, &call, "request").await.unwrap_err();
    assert_fault(&component, &failure, "component.timed-out").await;
}

#[tokio::test]
async fn eating_memory_ends_at_the_limit() {
    let component = load(Limits::default());
    let failure = read(&component, &call(), "memory").await.unwrap_err();
    assert_fault(&component, &failure, "component.out-of-memory").await;
    assert_eq!(
        failure.message,
        "fixtures 0.1.0 was ended while reading memory: it wanted more than 32 MiB of memory, the \
         limit of a call; this is a fault of the connector: tell its author"
    );
}

#[tokio::test]
async fn endless_recursion_is_a_trap() {
    let component = load(Limits::default());
    let failure = read(&component, &call(), "recursion").await.unwrap_err();
    assert_fault(&component, &failure, "component.trapped").await;
    assert!(
        failure.message.ends_with("the stack is exhausted"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_component_cannot_exit() {
    let component = load(Limits::default());
    let failure = read(&component, &call(), "exit").await.unwrap_err();
    assert_fault(&component, &failure, "component.trapped").await;
}

#[tokio::test]
async fn without_a_slot_within_the_deadline_nothing_begins() {
    let component = load(Limits {
        calls: 1,
        ..Limits::default()
    });
    let holding = call_through(FakeEgress::new(Remote::NeverAnswers));
    let mut waiting = call();
    waiting.deadline = Duration::from_millis(50);
    tokio::select! {
        biased;
        _ = read(&component, &holding, "request") => panic!("nothing answers it"),
        outcome = read(&component, &waiting, "good") => {
            let failure = outcome.unwrap_err();
            // Nobody's fault, and it passes.
            assert_eq!(failure.kind, FailureKind::Unavailable, "{failure:?}");
            assert_eq!(failure.code.as_deref(), Some("component.saturated"));
            assert_eq!(failure.effect, Effect::None);
        }
    }
    assert_works(&component).await;
}

fn assert_fault_code(failure: &Failure, code: &str) {
    assert_eq!(failure.kind, FailureKind::Fault, "{failure:?}");
    assert_eq!(failure.code.as_deref(), Some(code), "{failure:?}");
}

fn order(order: &str) -> [Change; 1] {
    let data = serde_json::json!({ "do": order }).to_string();
    [Change {
        idempotency_key: "change".into(),
        target: None,
        data,
    }]
}

#[tokio::test]
async fn a_failure_that_passes_says_how_long_the_remote_wants_to_be_left_alone() {
    let component = load(Limits::default());
    let unsent = SendError::Connect("it has asked for patience".into());
    let egress = FakeEgress::new(Remote::Fails(unsent));
    let read_it = async || {
        let call = call_through(Arc::clone(&egress));
        read(&component, &call, "down").await.unwrap_err()
    };
    assert_eq!(read_it().await.retry_after, None);
    let rest = Duration::from_secs(180);
    *egress.rest.lock().unwrap() = rest;
    assert_eq!(read_it().await.retry_after, Some(rest));
    let call = call_through(Arc::clone(&egress));
    let outcomes = component.write(&call, "upsert", "", &order("down")).await;
    let failure = outcomes.unwrap().remove(0).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert_eq!(failure.retry_after, Some(rest));
    // What waiting does not help against stays as it is.
    let outcomes = component.write(&call, "upsert", "", &order("refuse")).await;
    let failure = outcomes.unwrap().remove(0).unwrap_err();
    assert_eq!(failure.retry_after, None);
}

#[tokio::test]
async fn a_write_that_broke_off_after_a_request_may_have_had_an_effect() {
    let component = load(Limits::default());
    let mut call = call();
    call.deadline = Duration::from_millis(200);
    for (name, code) in [
        ("panic-after-request", "component.panicked"),
        ("loop-after-request", "component.timed-out"),
    ] {
        let failure = component
            .write(&call, "upsert", "", &order(name))
            .await
            .unwrap_err();
        assert_fault_code(&failure, code);
        assert_eq!(failure.effect, Effect::Unknown, "{name}");
    }
    assert_works(&component).await;
}

#[tokio::test]
async fn a_write_that_sent_nothing_had_no_effect() {
    let component = load(Limits::default());
    let failure = component
        .write(&call(), "upsert", "", &order("panic"))
        .await
        .unwrap_err();
    assert_fault(&component, &failure, "component.panicked").await;
    let refused = FakeEgress::new(Remote::Fails(SendError::Connect("refused".into())));
    let order = order("panic-after-request");
    let failure = component
        .write(&call_through(refused), "upsert", "", &order)
        .await
        .unwrap_err();
    assert_fault(&component, &failure, "component.panicked").await;
}

#[tokio::test]
async fn a_write_with_another_number_of_outcomes_is_not_believed() {
    let component = load(Limits::default());
    for (name, effect) in [
        ("wrong-number", Effect::None),
        ("wrong-number-after-request", Effect::Unknown),
    ] {
        let egress = answering();
        let failure = component
            .write(&call_through(egress), "upsert", "", &order(name))
            .await
            .unwrap_err();
        assert_eq!(
            (failure.kind, failure.effect),
            (FailureKind::Protocol, effect)
        );
        assert_eq!(
            failure.message,
            "fixtures 0.1.0 broke the contract while writing upsert: it returned 0 outcomes of 1 \
             changes"
        );
    }
}
