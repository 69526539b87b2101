//! Rate limits, as the remote sees them.

use std::time::Duration;

use futures::future::join_all;
use matricula_core::clock::Clock as _;
use matricula_core::egress::{Egress, SendError};
use serde_json::json;

use crate::support::*;

fn ms(from: jiff::Timestamp, to: jiff::Timestamp) -> i128 {
    to.duration_since(from).as_millis()
}

#[tokio::test]
async fn no_second_and_no_minute_sees_more_requests_than_documented() {
    let clock = clock();
    let start = clock.now();
    let server = Server::start(&clock, |_| async { reply(200, "") }).await;
    let case = Case::at(&clock, &server)
        .limits(json!([{"requests": 15, "seconds": 1}, {"requests": 300, "seconds": 60}]));
    let session = case.session();
    let answers = join_all((0..400).map(|_| get(&session, "/employees"))).await;
    assert!(answers.iter().all(Result::is_ok));
    let mut at: Vec<_> = server
        .seen()
        .iter()
        .map(|seen| ms(start, seen.at))
        .collect();
    at.sort_unstable();
    assert_eq!(at.len(), 400);
    for (length, most) in [(1_000, 15), (60_000, 300)] {
        for (first, begin) in at.iter().enumerate() {
            let inside = at[first..]
                .iter()
                .take_while(|at| **at < begin + length)
                .count();
            assert!(inside <= most, "{inside} within {length} ms from {begin}");
        }
    }
}

#[tokio::test]
async fn documented_limits_are_used_to_the_full() {
    let clock = clock();
    let start = clock.now();
    let server = Server::start(&clock, |_| async { reply(200, "") }).await;
    let case = Case::at(&clock, &server)
        .limits(json!([{"requests": 15, "seconds": 1}, {"requests": 300, "seconds": 60}]));
    let session = case.session();
    // One after the other: a simulated wait would otherwise be over before an open request is answered.
    for _ in 0..400 {
        get(&session, "/employees").await.unwrap();
    }
    assert_eq!(ms(start, clock.now()), 66_000);
}

#[tokio::test]
async fn the_operator_may_leave_documented_limits_out() {
    let clock = clock();
    let start = clock.now();
    let server = Server::start(&clock, |_| async { reply(200, "") }).await;
    let case = Case::at(&clock, &server)
        .limits(json!([{"requests": 1, "seconds": 60}]))
        .policy(|policy| policy.ignore_documented_limits(true));
    let session = case.session();
    for _ in 0..5 {
        get(&session, "/").await.unwrap();
    }
    assert_eq!(clock.now(), start);
}

#[tokio::test]
async fn a_call_does_not_wait_longer_than_it_may() {
    let clock = clock();
    let start = clock.now();
    let server = Server::start(&clock, |_| async { reply(200, "") }).await;
    let session = Case::at(&clock, &server)
        .limits(json!([{"requests": 1, "seconds": 60}]))
        .session();
    let send = |seconds| {
        session.send(
            request("GET", "https://api.example.com/"),
            Duration::from_secs(seconds),
        )
    };
    send(30).await.unwrap();
    assert_eq!(
        send(30).await.unwrap_err(),
        SendError::Connect(
            "the documented limit of 1 requests in 60 s leaves no room within the time of this call".into()
        )
    );
    assert_eq!(clock.now(), start, "it is told at once");
    assert_eq!(session.requests(), 1);
    send(90).await.unwrap();
    assert_eq!(ms(start, clock.now()), 60_000);
}

#[tokio::test]
async fn a_remote_that_asks_for_patience_gets_it_and_the_component_its_answer() {
    let clock = clock();
    let start = clock.now();
    let server = Server::start(&clock, |seen| async move {
        match seen.target.as_str() {
            "/seconds" => reply(429, "slow down").with("retry-after", "20"),
            "/date" => reply(429, "").with("retry-after", "Sat, 21 Nov 2026 12:01:00 GMT"),
            "/spent" => reply(200, "")
                .with("x-ratelimit-remaining", "0")
                .with("x-ratelimit-reset", "7"),
            _ => reply(200, ""),
        }
    })
    .await;
    let session = Case::at(&clock, &server).session();
    let mut waited = Vec::new();
    for path in ["/seconds", "/date", "/spent"] {
        let answer = get(&session, path).await.unwrap();
        assert_eq!(answer.status, if path == "/spent" { 200 } else { 429 });
        get(&session, "/next").await.unwrap();
        waited.push(ms(start, clock.now()));
    }
    assert_eq!(waited, [20_000, 60_000, 67_000]);
    let answer = get(&session, "/seconds").await.unwrap();
    assert_eq!(
        (header(&answer, "retry-after"), &answer.body[..]),
        (Some("20"), &b"slow down"[..])
    );

    let short = Duration::from_secs(5);
    let error = session
        .send(request("GET", "https://api.example.com/next"), short)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SendError::Connect(why) if why.contains("asked for patience")),
        "{error:?}"
    );
}

#[tokio::test]
async fn token_requests_keep_to_the_limits_too() {
    let clock = clock();
    let start = clock.now();
    let server = Server::start(&clock, |_| async { reply(200, "{\"access_token\":\"t\"}") }).await;
    let case = Case::at(&clock, &server)
        .secret("key", "k")
        .limits(json!([{"path": "/oauth", "method": "POST", "requests": 1, "seconds": 60}]))
        .scheme(
            "https://api.example.com",
            json!({"type": "token", "url": "https://api.example.com/oauth/token", "body": "form",
                "fields": {"key": "{key}"}, "token": "/access_token", "default_life": 0}),
        );
    let session = case.session();
    get(&session, "/a").await.unwrap();
    get(&session, "/b").await.unwrap();
    assert_eq!(server.count("/oauth/token"), 2);
    assert_eq!(ms(start, clock.now()), 60_000);
}
