//! What goes wrong, and what the host is told.

use matricula_sdk::{Effect, Failure, FailureKind};
use serde_json::{Value, json};

use super::{Transcript, employees, read};

fn failure(mut exchange: Value) -> Failure {
    exchange["request"] = json!(
        "GET https://api.personio.de/v1/company/employees?limit=100&offset=0&attributes%5B%5D=id"
    );
    let transcript = Transcript::new(json!([exchange]));
    let failure = read(&transcript, &employees(&[])).unwrap_err();
    assert_eq!(failure.effect, Effect::None, "reading changes nothing");
    assert!(failure.message.contains("Personio"), "{}", failure.message);
    failure
}

fn refused(status: u16, message: &str) -> Failure {
    let body = json!({"success": false, "error": {"code": status, "message": message}});
    failure(json!({"status": status, "response": body}))
}

#[test]
fn rejected_credentials_are_one_clear_sentence() {
    let rejected = failure(json!({"error": "unauthenticated"}));
    assert_eq!(rejected.kind, FailureKind::Auth);
    assert_eq!(
        rejected.message,
        "Personio rejected the credentials: check the client ID and the client secret"
    );
    for status in [401, 403] {
        let rejected = refused(status, "Es ist ein Problem aufgetreten ");
        assert_eq!(rejected.kind, FailureKind::Auth, "{status}");
        assert_eq!(
            rejected.message,
            format!(
                "Personio rejected the credentials (status {status}): check the client ID and the client \
                 secret, and that the integration may read employees"
            )
        );
    }
    assert_eq!(
        refused(403, "Provided authorization is not valid").kind,
        FailureKind::Auth
    );
}

#[test]
fn a_missing_right_is_told_from_rejected_credentials_where_it_can_be() {
    for message in [
        "Missing permission: employees",
        "Missing right",
        "Dir fehlt die Berechtigung",
    ] {
        let missing = refused(403, message);
        assert_eq!(missing.kind, FailureKind::Permission, "{message}");
        assert!(
            missing
                .message
                .contains("Marketplace > Connected integrations")
        );
        assert!(!missing.message.contains(message));
    }
    assert_eq!(
        refused(400, "insufficient scope").kind,
        FailureKind::Permission
    );
}

#[test]
fn a_refusal_with_status_200_is_a_refusal() {
    let refused = |error: Value| failure(json!({"response": {"success": false, "error": error}}));
    let kind = |code: u16| {
        refused(json!({"code": code, "message": "Es ist ein Problem aufgetreten "})).kind
    };
    assert_eq!(kind(401), FailureKind::Auth);
    assert_eq!(kind(404), FailureKind::NotFound);
    assert_eq!(kind(429), FailureKind::RateLimited);
    assert_eq!(kind(500), FailureKind::Unavailable);
    assert_eq!(kind(0), FailureKind::Unavailable);
    assert_eq!(refused(json!("no")).kind, FailureKind::Unavailable);
    assert_eq!(refused(Value::Null).code.as_deref(), Some("refused"));
    // Even if it comes with data.
    let both =
        json!({"response": {"success": false, "data": [], "metadata": {"total_elements": 0}}});
    assert_eq!(failure(both).kind, FailureKind::Unavailable);
}

#[test]
fn rate_limits_wait_at_least_a_second() {
    let wait = |headers: Value| {
        let limited = failure(json!({"status": 429, "response_headers": headers, "response": ""}));
        assert_eq!(limited.kind, FailureKind::RateLimited);
        limited.retry_after_ms
    };
    assert_eq!(wait(json!([])), Some(1000));
    assert_eq!(wait(json!([["retry-after", "0"]])), Some(1000));
    assert_eq!(wait(json!([["retry-after", "30"]])), Some(30_000));
    assert_eq!(
        wait(json!([["retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"]])),
        Some(1000)
    );
}

#[test]
fn outages_are_outages_in_every_dress() {
    let html = "<html><body>502 Bad Gateway</body></html>";
    for exchange in [
        json!({"status": 500, "response": {"success": false, "error": {"code": 0, "message": "permission"}}}),
        json!({"status": 502, "response": html}),
        json!({"status": 504, "response": ""}),
        json!({"status": 503, "response": {"message": "down"}}),
        json!({"status": 200, "response": html}),
        json!({"status": 200, "response": ""}),
        json!({"status": 204, "response": ""}),
        json!({"status": 200, "response": "{\"success\":true,\"data\":[{\"attri"}),
        json!({"error": "timeout"}),
        json!({"error": "connect"}),
        json!({"error": "tls"}),
        json!({"error": "interrupted"}),
    ] {
        assert_eq!(
            failure(exchange.clone()).kind,
            FailureKind::Unavailable,
            "{exchange}"
        );
    }
    let waiting =
        json!({"status": 503, "response_headers": [["retry-after", "5"]], "response": ""});
    assert_eq!(failure(waiting).retry_after_ms, Some(5000));
}

#[test]
fn an_answer_of_another_shape_is_named_without_quoting_it() {
    for body in [
        json!("[1,2]"),
        json!("{\"success\":true,\"data\":[\"ada@example.com\" oops]}"),
        json!({"success": true}),
        json!({"success": true, "data": {"0": {"ada@example.com": 1}}}),
        json!({"success": true, "data": "ada@example.com"}),
    ] {
        let unreadable = failure(json!({"response": body.clone()}));
        assert_eq!(unreadable.kind, FailureKind::Protocol, "{body}");
        assert_eq!(unreadable.code.as_deref(), Some("unreadable"));
        assert!(
            !unreadable.message.contains("ada"),
            "{}",
            unreadable.message
        );
    }
    let unknown = failure(json!({"status": 404, "response": "<html>"}));
    assert_eq!(unknown.kind, FailureKind::NotFound);
    assert_eq!(
        refused(422, "The given data was invalid.").kind,
        FailureKind::Protocol
    );
}
