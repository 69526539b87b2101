//! People and teams through the REST API.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

use matricula_connector_winningtemp::Winningtemp;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Connector, FailureKind, Page, Read, Result};
use serde_json::{Value, json};

const API: &str = "https://api.winningtemp.com";

fn read(stream: &str, exchanges: &Value, position: Option<String>) -> Result<Page> {
    let transcript = Transcript::new(exchanges.clone());
    let config = json!({"credential": {"client_id": "c"}, "settings": {}});
    let read = Read {
        stream: stream.into(),
        position,
        limit: 100,
        ..Read::default()
    };
    let page = Winningtemp::read(&transcript.context(&config), &read);
    transcript.done();
    page
}

fn answer(path: &str, response: &Value) -> Value {
    json!([{"request": format!("GET {API}/{path}"), "response": response}])
}

fn data(page: &Page) -> Vec<Value> {
    page.items
        .iter()
        .map(|item| serde_json::from_str(&item.data).unwrap())
        .collect()
}

#[test]
fn people_come_page_by_page_while_a_next_one_is_named() {
    let first = answer(
        "users/v2",
        &json!({
            "data": [{"id": "u1", "firstName": "Ada", "lastName": "Example", "email": "ada@example.com"}],
            "pagination": {"totalCount": 2, "next": "/users/v2?from=1"},
        }),
    );
    let page = read("users", &first, None).unwrap();
    assert_eq!((page.complete, page.total), (false, Some(2)));
    assert_eq!(
        data(&page),
        [
            json!({"id": "u1", "email": "ada@example.com", "first_name": "Ada", "last_name": "Example"})
        ]
    );
    // An address in full is one as well, and fields have whatever case.
    let second = answer(
        "users/v2?from=1",
        &json!({"data": [{"Id": 2, "EmailAddress": "bob@example.com"}], "pagination": {"totalCount": 2, "next": null}}),
    );
    let page = read("users", &second, page.next).unwrap();
    assert!(page.complete && page.next.is_none());
    assert_eq!(page.items[0].key, "2");
    assert_eq!(
        data(&page),
        [json!({"id": "2", "email": "bob@example.com"})]
    );
}

#[test]
fn teams_have_a_name_a_type_and_a_category() {
    let exchanges = answer(
        "teams/v2",
        &json!({"data": [{"id": "t1", "name": "IT", "teamType": "Core", "category": "Department"}]}),
    );
    let page = read("teams", &exchanges, None).unwrap();
    assert!(page.complete);
    assert_eq!(
        data(&page),
        [json!({"id": "t1", "name": "IT", "type": "Core", "category": "Department"})]
    );
}

#[test]
fn a_list_that_is_not_whole_does_not_say_so() {
    for (case, response) in [
        (
            "more than came",
            json!({"data": [{"id": "u1"}], "pagination": {"totalCount": 9}}),
        ),
        (
            "pages that are told of in another way",
            json!({"data": [{"id": "u1"}], "pagination": {"page": 1, "pageSize": 1, "pages": 9}}),
        ),
        (
            "no identity",
            json!({"data": [{"id": "u1"}, {"email": "x@example.com"}], "pagination": {"next": null}}),
        ),
        (
            "a next page of somebody else",
            json!({"data": [{"id": "u1"}], "pagination": {"totalCount": 9, "next": "https://example.org/users"}}),
        ),
        (
            "the same page again",
            json!({"data": [{"id": "u1"}], "pagination": {"totalCount": 9, "next": "/users/v2"}}),
        ),
    ] {
        let page = read("users", &answer("users/v2", &response), None).unwrap();
        assert!(!page.complete && page.next.is_none(), "{case}");
        assert_eq!(page.items.len(), 1, "{case}");
    }
}

#[test]
fn refusals_are_told_apart() {
    for (status, kind) in [
        (401, FailureKind::Auth),
        (403, FailureKind::Permission),
        (429, FailureKind::RateLimited),
        (503, FailureKind::Unavailable),
        (418, FailureKind::Protocol),
    ] {
        let exchanges = json!([{
            "request": format!("GET {API}/users/v2"), "status": status, "response_headers": [["retry-after", "7"]],
        }]);
        let failure = read("users", &exchanges, None).unwrap_err();
        assert_eq!(failure.kind, kind);
        let waits = matches!(status, 429 | 503).then_some(7000);
        assert_eq!(failure.retry_after_ms, waits, "{status}");
    }
    let no_list = answer("users/v2", &json!({"users": []}));
    let failure = read("users", &no_list, None).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("no-list"));
}

#[test]
fn without_credentials_for_it_the_api_is_not_asked() {
    let transcript = Transcript::new(json!([]));
    let read = Read {
        stream: "users".into(),
        ..Read::default()
    };
    let cx = transcript.context(&json!({"credential": {}}));
    let failure = Winningtemp::read(&cx, &read).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Config);
    assert!(failure.message.contains("Client ID"));
}
