//! Sizes and budgets: what a component sends, logs and returns.

use std::sync::Arc;

use bytes::Bytes;
use matricula_component::Limits;
use matricula_core::FailureKind;
use matricula_core::connector::{Change, Connector as _};
use matricula_core::egress::{Egress as _, SendError};
use serde_json::json;

use crate::support::{
    FakeEgress, Logged, Remote, answering, assert_fault, assert_works, call, call_through, load,
    only, read,
};

#[tokio::test]
async fn requests_are_counted() {
    let component = load(Limits {
        requests: 7,
        ..Limits::default()
    });
    let egress = answering();
    let page = read(&component, &call_through(egress.clone()), "many-requests")
        .await
        .unwrap();
    assert_eq!(
        only(&page),
        json!({ "sent": 7, "error": "Denied(BudgetExhausted)" })
    );
    assert_eq!(egress.requests(), 7);
    // Per call, not per component.
    read(&component, &call(), "request").await.unwrap();
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_sent() {
    let component = load(Limits::default());
    let egress = answering();
    let page = read(&component, &call_through(egress.clone()), "big-request")
        .await
        .unwrap();
    assert_eq!(only(&page), json!({ "error": "Denied(TooLarge)" }));
    assert_eq!(egress.requests(), 0);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_handed_over() {
    let component = load(Limits {
        response_body: 100,
        ..Limits::default()
    });
    let egress = FakeEgress::new(Remote::Answers(Bytes::from_static(&[b'x'; 101])));
    let page = read(&component, &call_through(egress), "request")
        .await
        .unwrap();
    assert_eq!(only(&page), json!({ "error": "Denied(TooLarge)" }));
}

#[tokio::test]
async fn why_a_request_was_denied_is_in_the_log() {
    let (logged, _guard) = Logged::start(tracing::Level::INFO);
    let component = load(Limits::default());
    let reason = "https://internal.example.org is not allowed; allow it in egress.allow";
    let egress = FakeEgress::new(Remote::Fails(SendError::OriginNotAllowed(reason.into())));
    let page = read(&component, &call_through(egress), "forbidden")
        .await
        .unwrap();
    assert_eq!(only(&page), json!({ "error": "Denied(OriginNotAllowed)" }));
    assert!(logged.text().contains(reason), "{}", logged.text());
}

#[tokio::test]
async fn log_lines_are_counted_and_cut() {
    let (logged, _guard) = Logged::start(tracing::Level::INFO);
    let component = load(Limits {
        log_lines: 10,
        ..Limits::default()
    });
    assert_eq!(
        read(&component, &call(), "log-spam")
            .await
            .unwrap()
            .items
            .len(),
        3
    );
    let text = logged.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 11, "{text}");
    assert!(
        lines
            .iter()
            .all(|line| line.len() < 4300 && line.contains("fixtures"))
    );
    assert!(
        lines[10].contains("the rest of its lines is dropped"),
        "{}",
        lines[10]
    );
}

#[tokio::test]
async fn a_log_line_shows_no_personal_data() {
    let (logged, _guard) = Logged::start(tracing::Level::INFO);
    read(&load(Limits::default()), &call(), "personal-log")
        .await
        .unwrap();
    let text = logged.text();
    assert!(
        text.contains("refused for <e-mail> email=… status=429"),
        "{text}"
    );
    assert!(!text.contains("ada@example.com"), "{text}");
}

#[tokio::test]
async fn standard_error_is_dropped_but_its_end() {
    let (logged, _guard) = Logged::start(tracing::Level::DEBUG);
    let component = load(Limits::default());
    assert_eq!(
        read(&component, &call(), "stderr-spam")
            .await
            .unwrap()
            .items
            .len(),
        3
    );
    let text = logged.text();
    let line = text
        .lines()
        .find(|line| line.contains("Standard error:"))
        .unwrap();
    assert!(line.len() < 9 * 1024, "{}", line.len());
}

#[tokio::test]
async fn a_record_that_is_too_large_ends_the_call() {
    let component = load(Limits {
        memory: 64 * 1024 * 1024,
        ..Limits::default()
    });
    let page = read(&component, &call(), "huge-record").await.unwrap();
    assert_eq!(page.items[0].data.len(), 12 * 1024 * 1024);
    // Within its own memory, but more than may be handed over at once.
    let failure = read(&component, &call(), "larger-record")
        .await
        .unwrap_err();
    assert_fault(&component, &failure, "component.trapped").await;
}

#[tokio::test]
async fn a_page_that_breaks_the_contract_is_not_taken() {
    let component = load(Limits::default());
    for (stream, reason) in [
        ("too-many", "5000 records, of which 100 were asked for"),
        (
            "huge-position",
            "a position of 102400 bytes, of which 65536 are allowed",
        ),
        (
            "huge-state",
            "a state of 102400 bytes, of which 65536 are allowed",
        ),
        (
            "huge-key",
            "a record with an identity of 4096 bytes, of which 1024 are allowed",
        ),
        ("no-key", "a record without an identity"),
    ] {
        let failure = read(&component, &call(), stream).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Protocol, "{failure:?}");
        assert_eq!(
            failure.message,
            format!(
                "fixtures 0.1.0 broke the contract while reading {stream}: it returned {reason}"
            )
        );
    }
    assert_works(&component).await;
}

#[tokio::test]
async fn a_page_that_leads_to_itself_is_not_taken() {
    let component = load(Limits::default());
    let request = matricula_core::connector::ReadRequest {
        position: Some("here".into()),
        ..crate::support::request("stuck")
    };
    let failure = component.read(&call(), &request).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(
        failure.message.ends_with("which would never end"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn what_a_destination_returns_is_checked() {
    let component = load(Limits::default());
    let failure = component
        .prepare(&call(), "huge-prepared", &[])
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Protocol);
    let values = ["a".to_owned(), "b".to_owned()];
    let failure = component
        .find(&call(), "upsert", "", "wrong-number", &values)
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(
        failure.message.ends_with("1 answers to 2 questions"),
        "{}",
        failure.message
    );
    let data = json!({ "do": "huge-id" }).to_string();
    let change = Change {
        idempotency_key: "change".into(),
        target: None,
        data,
    };
    let failure = component
        .write(&call(), "upsert", "", &[change])
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Protocol);
}

#[tokio::test]
async fn a_failure_is_cut() {
    let failure = read(&load(Limits::default()), &call(), "failure")
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::RateLimited);
    assert!(failure.message.len() <= 4096 && failure.message.ends_with("ä…"));
    assert_eq!(failure.code.as_ref().map(String::len), Some(64));
    assert_eq!(
        failure.retry_after,
        Some(std::time::Duration::from_secs(86_400))
    );
}

#[tokio::test]
async fn without_a_pool_everything_works_and_is_limited_too() {
    // More slots than there are addresses: instances are allocated on demand.
    let host = crate::support::host(Limits {
        calls: 1_000_000,
        ..Limits::default()
    });
    assert!(!host.is_pooled());
    let component = host.load(&crate::support::fixtures()).unwrap();
    let failure = read(&component, &call(), "memory").await.unwrap_err();
    assert_fault(&component, &failure, "component.out-of-memory").await;
    let failure = read(&component, &call(), "recursion").await.unwrap_err();
    assert_fault(&component, &failure, "component.trapped").await;
    let egress: Arc<FakeEgress> = answering();
    assert!(
        read(&component, &call_through(egress), "request")
            .await
            .is_ok()
    );
}
