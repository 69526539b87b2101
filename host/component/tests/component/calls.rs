//! Every function of the contract, there and back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use matricula_component::Limits;
use matricula_core::connector::{Change, Connector as _, Disposition, Need, ReadRequest};
use matricula_core::egress::SendError;
use matricula_core::{Effect, FailureKind, SourceKey, TargetId};
use serde_json::json;
use tokio::sync::Barrier;

use crate::support::{
    FakeEgress, Remote, assert_works, call, call_through, load, only, read, request,
};

#[tokio::test]
async fn a_page_is_read() {
    let component = load(Limits::default());
    assert_eq!(component.manifest().id, "fixtures");
    assert_eq!(component.digest().len(), 64);
    let page = read(&component, &call(), "good").await.unwrap();
    assert_eq!(page.items[1].key, SourceKey::from("2"));
    assert_eq!(page.items[1].data, r#"{"name":"Grace"}"#);
    assert_eq!(
        (page.next, page.complete, page.total),
        (None, true, Some(3))
    );
    assert_eq!(page.state.as_deref(), Some("2026-11-21"));
}

#[tokio::test]
async fn pages_lead_from_one_to_the_next() {
    let component = load(Limits::default());
    let mut request = ReadRequest {
        limit: 400,
        ..request("people-1000")
    };
    let mut sizes = Vec::new();
    loop {
        let page = component.read(&call(), &request).await.unwrap();
        sizes.push(page.items.len());
        assert!(
            (300..380).contains(&page.items[0].data.len()),
            "{}",
            page.items[0].data
        );
        request.position = page.next;
        if request.position.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [400, 400, 200]);
}

#[tokio::test]
async fn a_credential_is_checked_and_options_are_listed() {
    let component = load(Limits::default());
    let needs = [Need {
        subject: "people".into(),
        attributes: vec!["forbidden".into()],
    }];
    let report = component.check(&call(), &needs).await.unwrap();
    assert_eq!(report.account.as_deref(), Some("Springfield"));
    assert_eq!(
        (report.findings[0].ok, &*report.findings[0].subject),
        (false, "people")
    );
    let choices = component
        .options(&call(), "colours", Some("r"), None)
        .await
        .unwrap();
    assert_eq!(choices.items[0].label, "colours/r/-");
    assert_eq!(choices.next.as_deref(), Some("2"));
}

fn change(target: Option<&str>, data: serde_json::Value) -> Change {
    Change {
        idempotency_key: "change".into(),
        target: target.map(TargetId::from),
        data: data.to_string(),
    }
}

#[tokio::test]
async fn changes_are_prepared_found_and_written_one_outcome_each() {
    let component = load(Limits::default());
    let attributes = ["email".to_owned(), "gender".to_owned()];
    let preparation = component
        .prepare(&call(), "upsert", &attributes)
        .await
        .unwrap();
    assert_eq!(preparation.unavailable, ["gender"]);
    let values = ["ada@example.com".to_owned(), "grace@example.com".to_owned()];
    let found = component
        .find(&call(), "upsert", "", "email", &values)
        .await
        .unwrap();
    assert_eq!(
        found[1][0].target,
        TargetId::from("id of grace@example.com")
    );
    assert_eq!(found[1][0].data, r#"{"email":"grace@example.com"}"#);

    let changes = [
        change(None, json!({})),
        change(Some("7"), json!({ "do": "refuse" })),
        change(Some("8"), json!(null)),
    ];
    let prepared = &preparation.prepared;
    let outcomes = component
        .write(&call(), "upsert", prepared, &changes)
        .await
        .unwrap();
    let created = outcomes[0].as_ref().unwrap();
    assert_eq!(
        created.target,
        Some(TargetId::from("prepared upsert/change"))
    );
    assert_eq!(created.disposition, Disposition::Created);
    let refused = outcomes[1].as_ref().unwrap_err();
    assert_eq!(refused.kind, FailureKind::Input);
    assert_eq!(
        outcomes[2].as_ref().unwrap().disposition,
        Disposition::Deleted
    );

    let all = [change(None, json!({ "do": "fail" }))];
    let failure = component
        .write(&call(), "upsert", "", &all)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (FailureKind::Config, Effect::None)
    );
}

#[tokio::test]
async fn a_request_goes_out_with_what_is_left_of_the_deadline() {
    let component = load(Limits::default());
    let egress = FakeEgress::new(Remote::Answers(Bytes::from_static(b"12345")));
    let mut call = call_through(Arc::clone(&egress));
    call.deadline = Duration::from_secs(5);
    let page = read(&component, &call, "slow-wish").await.unwrap();
    assert_eq!(
        only(&page),
        json!({ "status": 200, "headers": [["x-test", "yes"]], "length": 5 })
    );
    let requests = egress.requests.lock().unwrap();
    let (request, remaining) = &requests[0];
    assert_eq!(
        (&*request.method, &*request.url),
        ("GET", "https://fixtures.example.com/slow")
    );
    // Less than the deadline, so that the component can still say that there was no answer.
    assert!(*remaining < Duration::from_millis(4600), "{remaining:?}");
    assert_eq!(request.timeout, Some(*remaining));
}

#[tokio::test]
async fn the_reason_why_there_is_no_answer_reaches_the_component() {
    let component = load(Limits::default());
    for (error, expected) in [
        (
            SendError::OriginNotAllowed("no".into()),
            "Denied(OriginNotAllowed)",
        ),
        (
            SendError::AddressBlocked("no".into()),
            "Denied(AddressBlocked)",
        ),
        (SendError::TooLarge("no".into()), "Denied(TooLarge)"),
        (
            SendError::BudgetExhausted("no".into()),
            "Denied(BudgetExhausted)",
        ),
        (SendError::Timeout, "Timeout"),
        (SendError::Connect("refused".into()), "Connect(\"refused\")"),
        (SendError::Tls("expired".into()), "Tls(\"expired\")"),
        (
            SendError::Unauthenticated("wrong".into()),
            "Unauthenticated(\"wrong\")",
        ),
        (
            SendError::Interrupted("reset".into()),
            "Interrupted(\"reset\")",
        ),
    ] {
        let call = call_through(FakeEgress::new(Remote::Fails(error)));
        let page = read(&component, &call, "request").await.unwrap();
        assert_eq!(only(&page), json!({ "error": expected }));
    }
}

#[tokio::test]
async fn the_world_of_a_component_is_empty() {
    let component = load(Limits::default());
    let page = read(&component, &call(), "environment").await.unwrap();
    assert_eq!(
        only(&page),
        json!({ "arguments": [], "variables": [], "input": 0 })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_of_one_component_run_at_the_same_time() {
    const CALLS: usize = 48;
    let component = load(Limits::default());
    // No request is answered before all calls have sent theirs.
    let egress = FakeEgress::new(Remote::Gathers(Barrier::new(CALLS)));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..CALLS {
        let (component, call) = (Arc::clone(&component), call_through(Arc::clone(&egress)));
        calls.spawn(async move { read(&component, &call, "request").await });
    }
    for page in calls.join_all().await {
        assert_eq!(only(&page.unwrap())["status"], 200);
    }
    assert_works(&component).await;
}

#[tokio::test]
async fn a_call_that_is_given_up_gives_its_slot_back() {
    let component = load(Limits {
        calls: 1,
        ..Limits::default()
    });
    let waiting = call_through(FakeEgress::new(Remote::NeverAnswers));
    {
        let first = read(&component, &waiting, "request");
        let wait = tokio::time::timeout(Duration::from_millis(20), first);
        assert!(wait.await.is_err());
    }
    assert_works(&component).await;
}

#[tokio::test]
async fn a_component_outlives_the_host_that_loaded_it() {
    // `load` drops its host; busy loops must still be ended.
    let component = load(Limits::default());
    let mut call = call();
    call.deadline = Duration::from_millis(50);
    let failure = read(&component, &call, "loop").await.unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("component.timed-out"));
}
