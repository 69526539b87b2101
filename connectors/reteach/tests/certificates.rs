//! Certificates against made-up answers in the shape that the connector relies on.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests may fail the test"
)]

use matricula_connector_reteach::{CERTIFICATE, Reteach};
use matricula_core::manifest::{Manifest, properties};
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Connector, Effect, Failure, FailureKind, Page, Read};
use serde_json::{Value, json};

const LIST: &str = "GET https://api.reteach.io/participation?hasCertificate=true";

fn config() -> Value {
    json!({"credential": {"scim_url": "https://academy.example.com/scim/v2", "client_id": "c"}})
}

fn certificates(limit: u32) -> Read {
    Read {
        stream: "certificates".into(),
        limit,
        ..Read::default()
    }
}

/// A participation with a certificate.
fn participation(id: u64) -> Value {
    json!({
        "id": id, "status": "completed", "completedAt": format!("2026-03-{:02}T09:30:00.000Z", id % 28 + 1),
        "course": {"id": 7, "name": "Fire safety"},
        "customer": {"id": format!("p{id}"), "externalId": "101", "email": "ada@example.com"},
        "certificate": {
            "id": 1000 + id, "number": format!("FS-{id}"), "issuedAt": "2026-03-05T10:00:00Z",
            "url": format!("https://api.reteach.io/certificates/{}/file", 1000 + id),
            "expiresAt": null, "revokedAt": null, "replacedBy": null
        }
    })
}

fn page(number: u32, limit: u32, count: impl Into<Value>, ids: std::ops::Range<u64>) -> Value {
    let results: Vec<Value> = ids.map(participation).collect();
    json!({
        "request": format!("{LIST}&limit={limit}&page={number}"),
        "response": {"resultCount": count.into(), "results": results}
    })
}

/// Reads to the end.
fn pages(exchanges: Value, mut read: Read) -> Vec<Page> {
    let transcript = Transcript::new(exchanges);
    let cx = transcript.context(&config());
    let mut pages = Vec::new();
    loop {
        let page = Reteach::read(&cx, &read).expect("a page");
        read.position = page.next.clone();
        pages.push(page);
        if read.position.is_none() {
            transcript.done();
            return pages;
        }
    }
}

fn keys(pages: &[Page]) -> Vec<Vec<&str>> {
    pages
        .iter()
        .map(|page| page.items.iter().map(|item| item.key.as_str()).collect())
        .collect()
}

/// The only certificate of a list of one participation.
fn record(participation: Value) -> Value {
    let exchange = json!([{
        "request": format!("{LIST}&limit=100&page=1"),
        "response": {"resultCount": 1, "results": [participation]}
    }]);
    let pages = pages(exchange, certificates(100));
    serde_json::from_str(&pages[0].items[0].data).unwrap()
}

#[test]
fn a_certificate_comes_in_our_words() {
    let record = record(participation(3));
    assert_eq!(
        record,
        json!({
            "id": "1003", "person": "p3", "course": "Fire safety", "course_id": "7",
            "completed_on": "2026-03-04", "completed_at": "2026-03-04T09:30:00Z", "issued_on": "2026-03-05",
            "expires_on": null, "revoked_on": null, "replaced_by": null, "number": "FS-3",
            "file": "https://api.reteach.io/certificates/1003/file",
        })
    );
}

#[test]
fn the_manifest_describes_what_comes() {
    let manifest = Manifest::parse(include_bytes!("../manifest.json")).unwrap();
    let stream = &manifest.streams["certificates"];
    assert_eq!((stream.page, stream.incremental), (100, true));
    let described = properties(&stream.schema).unwrap();
    let mut known = CERTIFICATE.to_vec();
    known.sort_unstable();
    let mut names: Vec<&str> = described.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, known);
    assert_eq!(described["file"]["x-file"], true);
    let files = described.values().filter(|p| p.get("x-file").is_some());
    assert_eq!(files.count(), 1);
}

#[test]
fn numbers_texts_objects_and_gaps_are_taken_as_they_come() {
    let record = record(json!({
        "id": "5", "completedAt": "2026-02-28T23:59:59.999+01:00", "customer": 17, "courseId": "c9",
        "course": {"name": " First aid "},
        "certificate": {
            "id": " 77 ", "number": 12, "url": "/certificates/77/file", "issuedAt": " 2026-03-01 ",
            "revokedAt": false, "replacedBy": {"id": 78}
        }
    }));
    assert_eq!(
        record,
        json!({
            "id": "77", "person": "17", "course": "First aid", "course_id": "c9",
            "completed_on": "2026-02-28", "completed_at": "2026-02-28T22:59:59Z", "issued_on": "2026-03-01",
            "expires_on": null, "revoked_on": null, "replaced_by": "78", "number": "12",
            "file": "https://api.reteach.io/certificates/77/file",
        })
    );
}

#[test]
fn what_did_not_come_and_must_not_be_null_is_absent() {
    let record = record(json!({
        "id": 5, "completedAt": null, "customer": null, "course": {"id": null, "name": null},
        "certificate": {"id": 1, "url": null}
    }));
    assert_eq!(
        record,
        json!({
            "id": "1", "issued_on": null, "expires_on": null, "revoked_on": null, "replaced_by": null,
            "number": null,
        })
    );
}

#[test]
fn a_revocation_that_cannot_be_read_does_not_look_like_none() {
    let mut odd = participation(1);
    odd["certificate"]["revokedAt"] = json!(true);
    odd["certificate"]["expiresAt"] = json!("next year");
    odd["completedAt"] = json!("2026-02-31T00:00:00Z");
    let record = record(odd);
    assert_eq!(record["revoked_on"], true);
    assert_eq!(record["expires_on"], "next year");
    assert_eq!(record["completed_on"], "2026-02-31");
}

#[test]
fn only_what_is_asked_for_is_passed_on() {
    let only = Read {
        attributes: vec!["course".into()],
        ..certificates(100)
    };
    let pages = pages(json!([page(1, 100, 1, 1..2)]), only);
    assert_eq!(pages[0].items[0].data, r#"{"course":"Fire safety"}"#);
}

#[test]
fn participations_without_a_certificate_are_left_out_and_counted() {
    let mut none = participation(1);
    none["certificate"] = Value::Null;
    let mut empty = participation(2);
    empty["certificate"] = json!({});
    let mut list = participation(3);
    list["certificate"] = json!([]);
    let mut missing = participation(4);
    missing.as_object_mut().unwrap().remove("certificate");
    let results = json!([none, empty, list, missing, participation(5)]);
    let exchange = json!({
        "request": format!("{LIST}&limit=100&page=1"),
        "response": {"resultCount": 5, "results": results}
    });
    let pages = pages(json!([exchange]), certificates(100));
    assert_eq!(keys(&pages), [["1005"]]);
    assert!(pages[0].complete);
}

#[test]
fn a_certificate_without_an_id_goes_by_its_participation() {
    let mut one = participation(8);
    one["certificate"]["id"] = Value::Null;
    assert_eq!(record(one.clone())["id"], "participation-8");
    one["id"] = Value::Null;
    let exchange = json!({
        "request": format!("{LIST}&limit=100&page=1"),
        "response": {"resultCount": 2, "results": [one, participation(9)]}
    });
    let pages = pages(json!([exchange]), certificates(100));
    assert_eq!(keys(&pages), [["1009"]]);
    assert!(!pages[0].complete, "one cannot be told from others");
}

#[test]
fn pages_are_read_to_the_announced_end() {
    let read = pages(
        json!([
            page(1, 2, 5, 1..3),
            page(2, 2, "5", 3..5),
            page(3, 2, 5, 5..6)
        ]),
        certificates(2),
    );
    assert_eq!(
        keys(&read),
        [vec!["1001", "1002"], vec!["1003", "1004"], vec!["1005"]]
    );
    assert_eq!(read[0].total, Some(5));
    assert!(!read[0].complete && read[2].complete);
    assert_eq!((&read[0].state, &read[1].state), (&None, &None));
    // Never more at once than the manifest says.
    let all = pages(json!([page(1, 100, 3, 1..4)]), certificates(5000));
    assert!(all[0].complete);
}

#[test]
fn fewer_than_announced_are_not_all() {
    let short = pages(
        json!([
            page(1, 2, 5, 1..3),
            page(2, 2, 5, 3..4),
            page(3, 2, 5, 0..0)
        ]),
        certificates(2),
    );
    assert_eq!(short.len(), 3);
    assert!(!short[2].complete);
}

#[test]
fn a_list_that_grows_meanwhile_is_not_taken_for_whole() {
    // A new one at the front moves the others on: one comes twice, and the new one not at all.
    let front = pages(
        json!([page(1, 2, 3, 1..3), page(2, 2, 4, 2..4)]),
        certificates(2),
    );
    assert_eq!(keys(&front)[1], ["1002", "1003"], "the host knows 1002");
    assert!(!front[1].complete);
    // New ones at the end are read.
    let end = pages(
        json!([
            page(1, 2, 3, 1..3),
            page(2, 2, 5, 3..5),
            page(3, 2, 5, 5..6)
        ]),
        certificates(2),
    );
    assert_eq!(keys(&end)[2], ["1005"]);
    assert!(!end[2].complete);
}

#[test]
fn a_count_of_the_page_alone_ends_nothing_too_early() {
    let capped = pages(
        json!([
            page(1, 100, 50, 1..51),
            page(2, 100, 50, 51..101),
            page(3, 100, 0, 0..0)
        ]),
        certificates(100),
    );
    assert_eq!(
        capped.iter().map(|page| page.items.len()).sum::<usize>(),
        100
    );
    assert!(capped[2].complete);
    let unannounced = pages(
        json!([page(1, 2, Value::Null, 1..3), page(2, 2, Value::Null, 0..0)]),
        certificates(2),
    );
    assert_eq!(keys(&unannounced), [vec!["1001", "1002"], vec![]]);
}

#[test]
fn an_academy_without_certificates_is_whole() {
    let none = pages(json!([page(1, 100, 0, 0..0)]), certificates(100));
    assert!(none[0].complete && none[0].items.is_empty());
    assert_eq!(none[0].state, None, "there is nothing to go on from");
}

fn incremental(state: &str) -> Read {
    Read {
        state: Some(state.to_owned()),
        ..certificates(2)
    }
}

fn since(mut page: Value, since: &str) -> Value {
    let request = format!(
        "{}&completedAtSince={since}",
        page["request"].as_str().unwrap()
    );
    page["request"] = json!(request);
    page
}

#[test]
fn the_next_read_begins_a_day_before_the_newest_completion() {
    // 28 and 29 of March came first, so order does not matter.
    let first = pages(
        json!([page(1, 2, 3, 26..28), page(2, 2, 3, 1..2)]),
        certificates(2),
    );
    let state = first[1].state.clone().unwrap();
    let at = "2026-03-27T09:30:00Z";
    let second = pages(
        json!([
            since(page(1, 2, 3, 26..28), at),
            since(page(2, 2, 3, 5..6), at)
        ]),
        incremental(&state),
    );
    assert!(!second[1].complete, "only a full read is everything");
    assert_eq!(second[1].state.as_ref(), Some(&state), "it never goes back");
    let none = pages(json!([since(page(1, 2, 0, 0..0), at)]), incremental(&state));
    assert_eq!(none[0].state.as_ref(), Some(&state));
}

#[test]
fn a_completion_in_the_future_does_not_hide_those_before_it() {
    let mut future = participation(1);
    future["completedAt"] = json!("2126-01-01T00:00:00Z");
    let exchange = json!([{
        "request": format!("{LIST}&limit=2&page=1"),
        "response": {"resultCount": 1, "results": [future]}
    }]);
    let read = pages(exchange, certificates(2));
    // A day before the time of the call.
    let next = since(page(1, 2, 0, 0..0), "2026-11-20T12:00:00Z");
    pages(json!([next]), incremental(read[0].state.as_ref().unwrap()));
}

#[test]
fn an_incremental_read_that_was_not_whole_is_asked_again() {
    let first = pages(json!([page(1, 2, 1, 1..2)]), certificates(2));
    let state = first[0].state.clone().unwrap();
    let at = "2026-03-01T09:30:00Z";
    let short = pages(
        json!([
            since(page(1, 2, 5, 20..22), at),
            since(page(2, 2, 5, 0..0), at)
        ]),
        incremental(&state),
    );
    assert_eq!(short[1].state, Some(state));
}

fn refused(exchange: Value) -> Failure {
    let mut exchange = exchange;
    exchange["request"] = json!(format!("{LIST}&limit=2&page=1"));
    let transcript = Transcript::new(json!([exchange]));
    let failure = Reteach::read(&transcript.context(&config()), &certificates(2)).unwrap_err();
    assert_eq!(failure.effect, Effect::None);
    failure
}

#[test]
fn each_refusal_has_its_meaning() {
    for (exchange, kind) in [
        (json!({"status": 401}), FailureKind::Auth),
        (json!({"error": "unauthenticated"}), FailureKind::Auth),
        (json!({"status": 403}), FailureKind::Permission),
        (json!({"status": 429}), FailureKind::RateLimited),
        (json!({"status": 500}), FailureKind::Unavailable),
        (json!({"response": "<html>"}), FailureKind::Unavailable),
        (json!({"error": "timeout"}), FailureKind::Unavailable),
        (json!({"response": {"results": 5}}), FailureKind::Protocol),
        (
            json!({"response": {"results": [{"certificate": {"id": 1}}]}}),
            FailureKind::Protocol,
        ),
        (
            json!({"response": {"results": {"a": 1}}}),
            FailureKind::Protocol,
        ),
    ] {
        assert_eq!(refused(exchange.clone()).kind, kind, "{exchange}");
    }
}

#[test]
fn a_service_that_does_not_page_is_noticed_even_if_nothing_has_a_certificate() {
    let mut same = page(1, 2, 9, 1..3);
    for one in same["response"]["results"].as_array_mut().unwrap() {
        one["certificate"] = Value::Null;
    }
    let mut again = same.clone();
    again["request"] = json!(format!("{LIST}&limit=2&page=2"));
    let transcript = Transcript::new(json!([same, again]));
    let cx = transcript.context(&config());
    let position = Reteach::read(&cx, &certificates(2)).unwrap().next;
    let read = Read {
        position,
        ..certificates(2)
    };
    let failure = Reteach::read(&cx, &read).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("repeated-page"));
}

#[test]
fn without_api_credentials_nothing_is_sent_and_each_field_is_named() {
    let transcript = Transcript::new(json!([]));
    let cx = transcript.context(&json!({"credential": {"client_id": "  "}}));
    let file = "https://api.reteach.io/certificates/1/file";
    for failure in [
        Reteach::read(&cx, &certificates(2)).unwrap_err(),
        Reteach::fetch(&cx, "certificates", file).unwrap_err(),
    ] {
        assert_eq!(failure.code.as_deref(), Some("no-api-credentials"));
        assert_eq!(
            failure.message,
            "certificates are read through reteach's API: enter Client ID, Client secret and Client code in \
             the credential, which are in reteach under Settings › Integrations › API credentials"
        );
    }
}
