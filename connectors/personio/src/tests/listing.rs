//! The documents in somebody's personnel file.

use matricula_sdk::{Connector, Effect, Failure, FailureKind, Found, Result};
use serde_json::{Value, json};

use super::{Transcript, config};
use crate::Personio;

const LIST: &str = "https://api.personio.de/v2/document-management/documents";

fn page(owner: &str, cursor: &str, documents: Value, next: Value) -> Value {
    let cursor = match cursor {
        "" => String::new(),
        cursor => format!("&cursor={cursor}"),
    };
    json!({
        "request": format!("GET {LIST}?owner_id={owner}&limit=200{cursor}"),
        "headers": [["x-personio-app-id", "MATRICULA"]],
        "response": {"_data": documents, "_meta": {"links": {"self": {"href": "x"}, "next": next}}}
    })
}

fn href(link: impl Into<String>) -> Value {
    json!({"href": link.into()})
}

fn find(exchanges: Value, employees: &[&str]) -> Result<Vec<Vec<Found>>> {
    let transcript = Transcript::new(exchanges);
    let employees: Vec<String> = employees.iter().map(ToString::to_string).collect();
    let cx = transcript.context(&config());
    let found = Personio::find(&cx, "upload-document", "[]", "employee", &employees);
    transcript.done();
    found
}

fn refused(exchange: Value) -> Failure {
    let mut exchange = exchange;
    exchange["request"] = json!(format!("GET {LIST}?owner_id=5&limit=200"));
    let failure = find(json!([exchange]), &["5"]).unwrap_err();
    assert_eq!(failure.effect, Effect::None);
    assert!(!failure.message.contains("ada"), "{}", failure.message);
    failure
}

fn ids(found: &[Found]) -> Vec<&str> {
    found.iter().map(|found| found.remote_id.as_str()).collect()
}

fn data(found: &Found) -> Value {
    serde_json::from_str(&found.data).unwrap()
}

#[test]
fn a_document_comes_in_the_operations_attributes() {
    let document = json!({
        "id": "88", "name": " Fire safety ", "date": "2026-03-04T00:00:00Z", "comment": "certificate 4711",
        "category": {"id": 12}, "owner": {"id": "5"}, "document_type": "pdf", "size": 5120,
        "created_at": "2026-03-05T10:00:00Z", "virus_scan": {"status": "PASSED"}
    });
    let found = find(
        json!([page("5", "", json!([document]), Value::Null)]),
        &["5"],
    )
    .unwrap();
    assert_eq!(ids(&found[0]), ["88"]);
    assert_eq!(
        data(&found[0][0]),
        json!({
            "title": " Fire safety ", "date": "2026-03-04", "comment": "certificate 4711", "category": "12",
            "size": 5120
        })
    );
}

#[test]
fn numbers_texts_and_gaps_are_taken_as_they_come() {
    let documents = json!([
        {"id": 1, "name": null, "date": null, "comment": null, "category": null, "size": "5120"},
        {"id": 2, "category": "12", "size": 5120.0, "owner": {"id": 5}},
        {"id": 3, "size": {"bytes": 5}, "owner": 5},
    ]);
    let found = find(json!([page("5", "", documents, json!({}))]), &["5"]).unwrap();
    assert_eq!(ids(&found[0]), ["1", "2", "3"]);
    assert_eq!(
        data(&found[0][0]),
        json!({"title": null, "date": null, "comment": null, "category": null, "size": 5120})
    );
    assert_eq!(data(&found[0][1]), json!({"category": "12", "size": 5120}));
    assert_eq!(data(&found[0][2]), json!({}), "what is not told is absent");
}

#[test]
fn every_page_of_every_owner_is_read_and_nobody_elses_documents_are_theirs() {
    let found = find(
        json!([
            page(
                "5",
                "",
                json!([{"id": 1}, {"id": 9, "owner": {"id": 6}}]),
                href(format!("{LIST}?cursor=cur_2%3D"))
            ),
            page(
                "5",
                "cur_2%3D",
                json!([]),
                href("/v2/document-management/documents?owner_id=5&cursor=c3#x")
            ),
            page("5", "c3", json!([{"id": 2}]), href("")),
            // Of whom Personio does not know.
            page("6", "", json!([]), Value::Null),
            page(
                "a%26b",
                "",
                json!([{"id": 3}]),
                href("https://elsewhere.example.com/?cursor=c4")
            ),
            page("a%26b", "c4", json!([]), json!({"href": null})),
        ]),
        &["5", "6", "a&b"],
    )
    .unwrap();
    let lists: Vec<Vec<&str>> = found.iter().map(|found| ids(found)).collect();
    assert_eq!(lists, [vec!["1", "2"], vec![], vec!["3"]]);
    assert_eq!(find(json!([]), &[]).unwrap(), Vec::<Vec<Found>>::new());
}

#[test]
fn a_list_that_may_lack_something_is_no_list() {
    for response in [
        json!({}),
        json!([]),
        json!({"_data": null}),
        json!({"_data": {"0": {"id": 1}}}),
        json!({"data": []}),
        json!({"_data": [{"name": "ada"}]}),
        json!({"_data": [5]}),
        json!({"_data": [], "_meta": {"links": {"next": {"href": format!("{LIST}?owner_id=5")}}}}),
        json!({"_data": [], "_meta": {"links": {"next": {"href": format!("{LIST}?cursor=")}}}}),
        json!({"_data": [], "_meta": {"links": {"next": {"href": format!("{LIST}?cursor=a b")}}}}),
        json!({"_data": [], "_meta": {"links": {"next": {"href": 5}}}}),
        json!({"_data": [], "_meta": {"links": {"next": {"link": "x"}}}}),
        json!({"_data": [], "_meta": {"links": {"next": true}}}),
    ] {
        let failure = refused(json!({"response": response.clone()}));
        assert_eq!(failure.kind, FailureKind::Protocol, "{response}");
    }
    let again = |cursor: &str| {
        page(
            "5",
            cursor,
            json!([{"id": 1}]),
            href(format!("{LIST}?cursor=c1")),
        )
    };
    let failure = find(json!([again(""), again("c1")]), &["5"]).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("repeated-page"));
    // One owner's failure is everybody's: none of the lists is given.
    let exchanges = json!([
        page("5", "", json!([{"id": 1}]), Value::Null),
        {"request": format!("GET {LIST}?owner_id=6&limit=200"), "status": 500}
    ]);
    assert_eq!(
        find(exchanges, &["5", "6"]).unwrap_err().kind,
        FailureKind::Unavailable
    );
}

#[test]
fn a_missing_right_is_named_in_every_dress() {
    let problem = |title: &str| json!({"personio_trace_id": "t", "errors": [{"title": title, "detail": "ada"}]});
    for exchange in [
        json!({"status": 401, "response": problem("Unauthorized Request")}),
        json!({"status": 403, "response": problem("Forbidden")}),
        json!({"status": 403, "response": ""}),
        json!({"status": 400, "response": problem("Unauthorized token")}),
    ] {
        let failure = refused(exchange.clone());
        assert_eq!(failure.kind, FailureKind::Permission, "{exchange}");
        assert!(
            failure
                .message
                .contains("the right \"Documents: read\" (documents:read)"),
            "{}",
            failure.message
        );
    }
}

#[test]
fn each_refusal_has_its_meaning() {
    for (exchange, kind) in [
        (json!({"error": "unauthenticated"}), FailureKind::Auth),
        (json!({"error": "timeout"}), FailureKind::Unavailable),
        (json!({"error": "interrupted"}), FailureKind::Unavailable),
        (
            json!({"status": 500, "response": "<html>"}),
            FailureKind::Unavailable,
        ),
        (
            json!({"status": 200, "response": "<html>"}),
            FailureKind::Unavailable,
        ),
        (
            json!({"status": 200, "response": ""}),
            FailureKind::Unavailable,
        ),
        (json!({"status": 404}), FailureKind::Protocol),
        (
            json!({"status": 400, "response": {"errors": [{"detail": "ada"}]}}),
            FailureKind::Protocol,
        ),
        (json!({"status": 302}), FailureKind::Protocol),
    ] {
        assert_eq!(refused(exchange.clone()).kind, kind, "{exchange}");
    }
    // Version 2 says 429 without saying how long.
    let limited = refused(json!({"status": 429}));
    assert_eq!(
        (limited.kind, limited.retry_after_ms),
        (FailureKind::RateLimited, Some(1000))
    );
}

#[test]
fn documents_are_found_by_their_owner_alone() {
    let transcript = Transcript::new(json!([]));
    let cx = transcript.context(&config());
    for attribute in ["title", "remote-id"] {
        let found = Personio::find(&cx, "upload-document", "", attribute, &["1".to_owned()]);
        assert_eq!(found.unwrap_err().code.as_deref(), Some("not-offered"));
    }
}
