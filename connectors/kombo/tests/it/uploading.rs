//! Documents put into personnel files.

use matricula_connector_kombo::Kombo;
use matricula_sdk::{
    Change, Connector as _, Disposition, Effect, Failure, FailureKind, Receipt, Result,
};
use serde_json::{Value, json};

use crate::support::{assert_private, error, play};

const UPLOAD: &str =
    "POST https://api.kombo.dev/v1/hris/employees/26vafvWSRmbhNcxJYqjCzuJg/documents";

fn document() -> Value {
    json!({
        "employee": "26vafvWSRmbhNcxJYqjCzuJg", "category": "3Cjwu7nA7pH5cX5X1NAPmb7M",
        "title": "Brandschutz: Übung, 2026-03-04 (4711)",
        "file": {
            "id": "f0e1d2c3", "name": "FS-3.pdf", "media_type": "application/pdf", "size": 5120,
            "sha256": "a".repeat(64)
        }
    })
}

fn write(exchanges: Value, data: &Value) -> Result<Receipt> {
    let change = Change {
        idempotency_key: "k".into(),
        remote_id: None,
        data: data.to_string(),
    };
    play(exchanges, |cx| {
        let attributes = ["employee", "category", "title", "file"].map(str::to_owned);
        let prepared = Kombo::prepare(cx, "upload-document", &attributes).unwrap();
        assert!(prepared.unavailable.is_empty());
        let mut written =
            Kombo::write(cx, "upload-document", &prepared.prepared, &[change]).unwrap();
        assert_eq!(written.len(), 1);
        written.pop().unwrap()
    })
}

fn answered(mut exchange: Value) -> Result<Receipt> {
    exchange["via"] = json!("compose");
    exchange["request"] = json!(UPLOAD);
    exchange["headers"] = json!([["content-type", "application/json"]]);
    exchange["body"] = json!({
        "category_id": "3Cjwu7nA7pH5cX5X1NAPmb7M",
        "document": {
            "name": "Brandschutz - Übung, 2026-03-04 (4711).pdf",
            "content_type": "application/pdf",
            "data": "base64:f0e1d2c3"
        }
    });
    let outcome = write(json!([exchange]), &document());
    if let Err(failure) = &outcome {
        assert_private(failure);
        assert!(!format!("{failure:?}").contains("Brandschutz"));
    }
    outcome
}

#[test]
fn a_document_is_put_into_a_file_and_has_no_identity() {
    let done =
        json!({"status": "success", "data": {}, "warnings": [{"message": "Ada has no file"}]});
    assert_eq!(
        answered(json!({"response": done})).unwrap(),
        Receipt {
            remote_id: None,
            disposition: Disposition::Created
        }
    );
}

/// Nothing that may have been carried out is said not to have been.
#[test]
fn what_a_refusal_says_of_the_effect() {
    use Effect::{None as Nothing, Unknown};
    use FailureKind::{Auth, Input, Permission, RateLimited, Unavailable};
    for (exchange, kind, effect) in [
        (
            json!({"status": 400, "response": error("PLATFORM.INPUT_INVALID")}),
            Input,
            Nothing,
        ),
        (
            json!({"status": 400, "response": error("REMOTE.INPUT_INVALID")}),
            Input,
            Nothing,
        ),
        (
            json!({"status": 400, "response": error("INTEGRATION.ACTION_DISABLED")}),
            Permission,
            Nothing,
        ),
        (
            json!({"status": 400, "response": error("INTEGRATION.PERMISSION_MISSING")}),
            Permission,
            Nothing,
        ),
        (
            json!({"status": 401, "response": error("PLATFORM.AUTHENTICATION_INVALID")}),
            Auth,
            Nothing,
        ),
        (
            json!({"status": 429, "response": error("PLATFORM.CONCURRENCY_LIMIT_EXCEEDED")}),
            RateLimited,
            Nothing,
        ),
        (json!({"status": 404, "response": ""}), Input, Nothing),
        (
            json!({"status": 502, "response": error("REMOTE.UNKNOWN_HTTP_ERROR")}),
            Unavailable,
            Unknown,
        ),
        (
            json!({"status": 504, "response": error("PLATFORM.TASK_TIMED_OUT")}),
            Unavailable,
            Unknown,
        ),
        (
            json!({"status": 503, "response": error("REMOTE.SERVICE_UNAVAILABLE")}),
            Unavailable,
            Unknown,
        ),
        (
            json!({"status": 500, "response": "<html>"}),
            Unavailable,
            Unknown,
        ),
        (json!({"response": "<html>"}), Unavailable, Unknown),
        (
            json!({"response": {"status": "error"}}),
            Unavailable,
            Unknown,
        ),
        (json!({"error": "interrupted"}), Unavailable, Unknown),
        (json!({"error": "timeout"}), Unavailable, Unknown),
        (json!({"error": "connect"}), Unavailable, Nothing),
    ] {
        let shown = exchange.to_string();
        let failure: Failure = answered(exchange).unwrap_err();
        assert_eq!((failure.kind, failure.effect), (kind, effect), "{shown}");
    }
}

#[test]
fn who_is_gone_is_named_as_the_reason_with_and_without_a_code() {
    for (status, response, named) in [
        (404, json!(""), true),
        (404, error("PLATFORM.INPUT_INVALID"), true),
        (400, error("PLATFORM.INPUT_INVALID"), false),
    ] {
        let failure: Failure =
            answered(json!({"status": status, "response": response})).unwrap_err();
        assert_eq!(
            (failure.kind, failure.effect),
            (FailureKind::Input, Effect::None)
        );
        let about = failure.message.contains("the employee");
        assert_eq!(about, named, "{failure:?}");
    }
    // A connection that is gone is another matter.
    let gone = json!({"status": 404, "response": error("PLATFORM.INTEGRATION_NOT_FOUND")});
    assert_eq!(answered(gone).unwrap_err().kind, FailureKind::Auth);
}

#[test]
fn what_cannot_be_sent_is_not() {
    for (change, code) in [
        (
            json!({"file": {"id": "f", "media_type": "image/png", "size": 1, "sha256": ""}}),
            "file-type",
        ),
        (json!({"category": null}), "incomplete"),
        (json!({"title": " "}), "incomplete"),
    ] {
        let mut data = document();
        for (name, value) in change.as_object().unwrap() {
            data[name] = value.clone();
        }
        let failure = write(json!([]), &data).unwrap_err();
        assert_eq!(failure.code.as_deref(), Some(code), "{failure:?}");
        assert_eq!(failure.kind, FailureKind::Input);
    }
}
