//! Documents put into personnel files.

use matricula_sdk::{
    Change, Connector, Disposition, Effect, Failure, FailureKind, Receipt, Result,
};
use serde_json::{Value, json};

use super::{Transcript, config};
use crate::Personio;

const UPLOAD: &str = "POST https://api.personio.de/v1/company/documents";
const CATEGORIES: &str = "GET https://api.personio.de/v1/company/document-categories";

fn data() -> Value {
    json!({
        "employee": "13649297", "category": "12", "title": "Brandschutz: Übung", "date": "2026-03-04",
        "comment": "Brandschutz, completed on 2026-03-04 (certificate 4711)",
        "file": {
            "id": "f1", "name": "FS-3.pdf", "media_type": "application/pdf", "size": 5120,
            "sha256": "a".repeat(64)
        }
    })
}

fn parts() -> Value {
    json!([
        {"name": "title", "text": "Brandschutz: Übung"},
        {"name": "employee_id", "text": "13649297"},
        {"name": "category_id", "text": "12"},
        {"name": "date", "text": "2026-03-04"},
        {"name": "comment", "text": "Brandschutz, completed on 2026-03-04 (certificate 4711)"},
        {
            "name": "file", "file": "f1", "filename": "Brandschutz-Uebung.pdf",
            "media_type": "application/pdf"
        }
    ])
}

fn made(id: impl Into<Value>) -> Value {
    let attributes = json!({"title": "Brandschutz", "employee": {"type": "Employee"}});
    json!({"success": true, "data": {"id": id.into(), "type": "Document", "attributes": attributes}})
}

fn change(data: &Value) -> Change {
    Change {
        idempotency_key: "k".into(),
        remote_id: None,
        data: data.to_string(),
    }
}

fn write(exchanges: Value, changes: &[Change]) -> Vec<Result<Receipt>> {
    let transcript = Transcript::new(exchanges);
    let cx = transcript.context(&config());
    let prepared = Personio::prepare(&cx, "upload-document", &[]).unwrap();
    let written = Personio::write(&cx, "upload-document", &prepared.prepared, changes).unwrap();
    transcript.done();
    written
}

fn answered(mut exchange: Value, then: &[Value]) -> Result<Receipt> {
    exchange["via"] = json!("upload");
    exchange["request"] = json!(UPLOAD);
    exchange["headers"] = json!([["x-personio-app-id", "MATRICULA"]]);
    exchange["parts"] = parts();
    let mut exchanges = vec![exchange];
    exchanges.extend(then.iter().cloned());
    let mut outcomes = write(Value::Array(exchanges), &[change(&data())]);
    let outcome = outcomes.pop().unwrap();
    if let Err(failure) = &outcome {
        let shown = format!("{failure:?}");
        for private in ["Brandschutz", "4711", "Übung"] {
            assert!(!shown.contains(private), "{shown}");
        }
    }
    outcome
}

fn refused(exchange: Value, then: &[Value]) -> (FailureKind, Option<String>, Effect) {
    let Failure {
        kind, code, effect, ..
    } = answered(exchange, then).unwrap_err();
    (kind, code, effect)
}

fn categories(ids: &[u64]) -> Value {
    let category = |id: &u64| json!({"id": id, "attributes": {"name": "Other documents"}});
    let data: Vec<Value> = ids.iter().map(category).collect();
    json!({"request": CATEGORIES, "response": {"success": true, "data": data}})
}

#[test]
fn a_document_is_one_form_with_everything_in_it() {
    for (status, id) in [(201, json!(88)), (200, json!("88"))] {
        let receipt = answered(json!({"status": status, "response": made(id)}), &[]);
        assert_eq!(
            receipt,
            Ok(Receipt {
                remote_id: Some("88".into()),
                disposition: Disposition::Created
            })
        );
    }
}

#[test]
fn what_is_empty_is_left_out_and_numbers_are_taken_for_ids() {
    for empty in [json!(null), json!("")] {
        let mut data = data();
        data["employee"] = json!(13_649_297);
        data["category"] = json!(12);
        data["date"] = json!(null);
        data["comment"] = empty;
        let mut sent = parts();
        sent.as_array_mut().unwrap().drain(3..5);
        let exchange =
            json!([{"via": "upload", "request": UPLOAD, "parts": sent, "response": made(1)}]);
        assert!(write(exchange, &[change(&data)])[0].is_ok());
    }
}

#[test]
fn each_document_has_an_outcome_of_its_own() {
    let exchange = |status: u16| json!({"via": "upload", "request": UPLOAD, "parts": parts(), "status": status, "response": made(5)});
    let changes = [change(&data()), change(&data()), change(&data())];
    let outcomes = write(
        json!([exchange(500), exchange(201), exchange(429)]),
        &changes,
    );
    assert!(outcomes[0].is_err() && outcomes[1].is_ok() && outcomes[2].is_err());
}

#[test]
fn no_answer_or_one_that_cannot_be_read_leaves_it_open() {
    let html = "<html>502 Bad Gateway</html>";
    for exchange in [
        json!({"error": "timeout"}),
        json!({"error": "interrupted"}),
        json!({"status": 500, "response": {"success": false, "error": {"code": 0, "message": "x"}}}),
        json!({"status": 502, "response": html}),
        json!({"status": 504, "response": ""}),
        json!({"status": 408, "response": ""}),
        json!({"status": 201, "response": ""}),
        json!({"status": 200, "response": html}),
        json!({"status": 201, "response": "{\"success\":true,\"da"}),
        json!({"status": 200, "response": {}}),
        json!({"status": 200, "response": []}),
        json!({"status": 200, "response": {"success": false, "error": {"code": 503, "message": "x"}}}),
        // No reason at all: a fault that passes.
        json!({"status": 200, "response": {"success": false}}),
    ] {
        let (kind, _, effect) = refused(exchange.clone(), &[]);
        assert_eq!(
            (kind, effect),
            (FailureKind::Unavailable, Effect::Unknown),
            "{exchange}"
        );
    }
}

#[test]
fn a_document_that_was_made_is_made_even_if_its_id_is_missing() {
    let receipt = answered(json!({"response": {"success": true, "data": null}}), &[]).unwrap();
    assert_eq!(
        (receipt.remote_id, receipt.disposition),
        (None, Disposition::Created)
    );
    let receipt = answered(json!({"response": {"data": {"id": 7}}}), &[]).unwrap();
    assert_eq!(receipt.remote_id.as_deref(), Some("7"));
}

#[test]
fn what_was_not_sent_or_was_turned_down_had_no_effect() {
    let error = |message: &str| json!({"success": false, "error": {"code": 0, "message": message}});
    for (exchange, kind, code) in [
        (
            json!({"error": "connect"}),
            FailureKind::Unavailable,
            "connect",
        ),
        (json!({"error": "tls"}), FailureKind::Unavailable, "tls"),
        (
            json!({"error": "unauthenticated"}),
            FailureKind::Auth,
            "unauthenticated",
        ),
        (
            json!({"status": 401, "response": error("x")}),
            FailureKind::Auth,
            "http-401",
        ),
        (
            json!({"status": 403, "response": error("x")}),
            FailureKind::Permission,
            "http-403",
        ),
        (
            json!({"status": 400, "response": error("missing scope")}),
            FailureKind::Input,
            "http-400",
        ),
        (
            json!({"status": 413, "response": "<html>"}),
            FailureKind::Input,
            "file-too-large",
        ),
        (json!({"status": 415}), FailureKind::Input, "http-415"),
        (json!({"status": 429}), FailureKind::RateLimited, "http-429"),
        (json!({"status": 302}), FailureKind::Protocol, "http-302"),
    ] {
        let (was, with, effect) = refused(exchange.clone(), &[]);
        assert_eq!(
            (was, with.as_deref(), effect),
            (kind, Some(code), Effect::None),
            "{exchange}"
        );
    }
    let limited = json!({"status": 429, "response_headers": [["retry-after", "20"]]});
    assert_eq!(
        answered(limited, &[]).unwrap_err().retry_after_ms,
        Some(20_000)
    );
    let missing = answered(json!({"status": 403}), &[]).unwrap_err();
    assert!(
        missing.message.contains("right \"Documents: write\""),
        "{}",
        missing.message
    );
}

#[test]
fn a_missing_employee_is_told_from_a_missing_category() {
    let employee = (
        FailureKind::Input,
        Some("employee-unknown".to_owned()),
        Effect::None,
    );
    let category = (
        FailureKind::Config,
        Some("category-unknown".to_owned()),
        Effect::None,
    );
    let gone = |message: &str| json!({"status": 404, "response": {"success": false, "error": {"message": message, "code": 0}}});
    let model = |name: &str| gone(&format!("No query results for model [{name}] 12"));
    assert_eq!(refused(model("Employee"), &[]), employee);
    assert_eq!(refused(model("App\\Models\\Employee"), &[]), employee);
    assert_eq!(refused(model("DocumentCategory"), &[]), category);
    // Also where it is said with 200.
    let mut twohundred = model("DocumentCategory");
    twohundred["status"] = json!(200);
    assert_eq!(refused(twohundred, &[]), category);
    // In words that depend on the account's language the categories tell.
    let german = || gone("Es ist ein Problem aufgetreten ");
    assert_eq!(refused(german(), &[categories(&[1, 2])]), category);
    assert_eq!(refused(german(), &[categories(&[1, 12])]), employee);
    let html = json!({"status": 404, "response": "<html>"});
    assert_eq!(refused(html, &[categories(&[12])]), employee);
    // It was a no, even if it cannot be found out to what.
    let down = json!({"request": CATEGORIES, "status": 500});
    let (kind, _, effect) = refused(german(), &[down]);
    assert_eq!((kind, effect), (FailureKind::Unavailable, Effect::None));
}

#[test]
fn fields_that_are_not_accepted_are_named_without_their_values() {
    let invalid = |data: Value| {
        let error =
            json!({"message": "The given data was invalid.", "code": 0, "error_data": data});
        json!({"status": 422, "response": {"success": false, "error": error}})
    };
    let failure = answered(
        invalid(json!({
            "file": ["The file must be a file of type: pdf"], "title": ["Brandschutz is too long"],
            "ada@example.com": ["Übung"]
        })),
        &[],
    )
    .unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (FailureKind::Input, Effect::None)
    );
    assert_eq!(
        failure.message,
        "Personio does not accept the document (status 422): look at Title, File"
    );
    let nothing = answered(json!({"status": 422, "response": "?"}), &[]).unwrap_err();
    assert_eq!(
        nothing.message,
        "Personio does not accept the document (status 422)"
    );
    // The category alone: is it there at all?
    let category = || invalid(json!({"category_id": ["The selected category id is invalid."]}));
    let code = |ids: &[u64]| refused(category(), &[categories(ids)]);
    assert_eq!(code(&[1]).1.as_deref(), Some("category-unknown"));
    assert_eq!(code(&[12]).1.as_deref(), Some("http-422"));
}

#[test]
fn what_cannot_be_uploaded_is_not_sent() {
    let without = |name: &str, value: Value| {
        let mut data = data();
        data[name] = value;
        let failure = write(json!([]), &[change(&data)])
            .pop()
            .unwrap()
            .unwrap_err();
        (failure.kind, failure.code.unwrap_or_default())
    };
    let incomplete = (FailureKind::Input, "incomplete".to_owned());
    for name in ["employee", "category", "title"] {
        assert_eq!(without(name, Value::Null), incomplete, "{name}");
        assert_eq!(without(name, json!(" ")), incomplete, "{name}");
    }
    assert_eq!(without("file", Value::Null).0, FailureKind::Internal);
    let html = json!({"id": "f", "media_type": "text/html", "size": 1, "sha256": ""});
    assert_eq!(
        without("file", html),
        (FailureKind::Input, "file-type".to_owned())
    );
    let changed = Change {
        remote_id: Some("88".into()),
        ..change(&data())
    };
    let removed = change(&Value::Null);
    for outcome in write(json!([]), &[changed, removed]) {
        assert_eq!(outcome.unwrap_err().code.as_deref(), Some("not-offered"));
    }
}

#[test]
fn preparing_asks_nothing() {
    let transcript = Transcript::new(json!([]));
    let cx = transcript.context(&config());
    let asked = ["employee".to_owned(), "colour".to_owned()];
    let preparation = Personio::prepare(&cx, "upload-document", &asked).unwrap();
    assert_eq!(preparation.prepared, r#"["employee","colour"]"#);
    assert_eq!(preparation.unavailable, ["colour"]);
    let other = Personio::prepare(&cx, "upsert-user", &[]).unwrap_err();
    assert_eq!(other.code.as_deref(), Some("not-offered"));
    assert!(Personio::write(&cx, "upsert-user", "", &[]).is_err());
    assert!(Personio::find(&cx, "upsert-user", "", "employee", &[]).is_err());
}
