//! Several changes in one request against recorded exchanges.

use crate::common::{BASE, PROFILE};
use matricula_scim::{CORE, Client};
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Change, Disposition, Effect, Failure, FailureKind, Receipt};
use serde_json::{Value, json};

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const OFFERED: &str = r#"{"b":{"n":10,"s":100000}}"#;

type Outcome = Result<Receipt, Failure>;

fn write(prepared: &str, exchanges: &[Value], changes: &[Change]) -> Vec<Outcome> {
    let transcript = Transcript::new(Value::from(exchanges.to_vec()));
    let cx = transcript.context(&json!({}));
    let client = Client::new(&cx, BASE, &PROFILE).unwrap();
    let outcomes = client.write(prepared, changes).unwrap();
    transcript.done();
    assert_eq!(outcomes.len(), changes.len());
    outcomes
}

fn at(method: &str, path: &str) -> String {
    format!("{method} {BASE}{path}")
}

fn create(name: &str) -> Change {
    Change {
        idempotency_key: name.into(),
        remote_id: None,
        data: json!({"external_id": name, "email": format!("{name}@example.org")}).to_string(),
    }
}

fn update(id: &str) -> Change {
    Change {
        remote_id: Some(id.into()),
        data: json!({"position": "Clerk"}).to_string(),
        ..create(id)
    }
}

fn delete(id: &str) -> Change {
    Change {
        data: "null".into(),
        ..update(id)
    }
}

fn resource(name: &str) -> Value {
    let mail = format!("{name}@example.org");
    json!({
        "schemas": [CORE], "externalId": name, "userName": mail,
        "emails": [{"type": "work", "value": mail, "primary": true}],
    })
}

fn creating(place: usize, name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": format!("c{place}"), "data": resource(name)})
}

fn clerk() -> Value {
    json!({
        "schemas": [PATCH_OP],
        "Operations": [{"op": "replace", "path": "title", "value": "Clerk"}],
    })
}

fn updating(id: &str) -> Value {
    json!({"method": "PATCH", "path": format!("/Users/{id}"), "data": clerk()})
}

fn deleting(id: &str) -> Value {
    json!({"method": "DELETE", "path": format!("/Users/{id}")})
}

fn bulk(operations: Value, answers: Value) -> Value {
    json!({
        "request": at("POST", "Bulk"),
        "headers": [["content-type", "application/scim+json"]],
        "body": {"schemas": [REQUEST], "Operations": operations},
        "response": {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], "Operations": answers},
    })
}

fn location(id: &str) -> String {
    format!("https://scim.example.com/v2/Users/{id}")
}

fn created(place: usize, id: &str) -> Value {
    json!({"method": "POST", "bulkId": format!("c{place}"), "status": "201", "location": location(id)})
}

fn done(method: &str, id: &str) -> Value {
    json!({"method": method, "status": "204", "location": location(id)})
}

fn is(id: &str, disposition: Disposition) -> Outcome {
    Ok(Receipt {
        remote_id: Some(id.into()),
        disposition,
    })
}

fn made(id: &str) -> Outcome {
    is(id, Disposition::Created)
}

fn failed(outcome: &Outcome) -> (FailureKind, Effect) {
    let failure = outcome.as_ref().unwrap_err();
    (failure.kind, failure.effect)
}

/// A single creation.
fn post(name: &str, id: &str) -> Value {
    json!({"request": at("POST", "Users"), "body": resource(name), "status": 201, "response": {"id": id}})
}

/// A search for an external id that finds this.
fn search(name: &str, found: Value) -> Value {
    let path = format!("Users?filter=externalId%20eq%20%22{name}%22");
    json!({"request": at("GET", &path), "response": {"totalResults": 1, "Resources": found}})
}

#[test]
fn one_request_carries_the_batch_whatever_the_order_of_the_answers() {
    let exchange = bulk(
        json!([
            creating(0, "ada"),
            updating("u1"),
            deleting("u2"),
            creating(3, "bob")
        ]),
        json!([
            created(3, "b1"),
            done("DELETE", "u2"),
            // Drafts of the standard had an object.
            {"method": "POST", "bulkId": "c0", "status": {"code": 201}, "location": location("a1")},
            {"method": "patch", "status": 200, "location": location("u1"), "response": {"id": "u1"}},
        ]),
    );
    let changes = [create("ada"), update("u1"), delete("u2"), create("bob")];
    assert_eq!(
        write(OFFERED, &[exchange], &changes),
        [
            made("a1"),
            is("u1", Disposition::Updated),
            is("u2", Disposition::Deleted),
            made("b1"),
        ]
    );
}

#[test]
fn a_single_change_is_a_single_request() {
    assert_eq!(
        write(OFFERED, &[post("ada", "a1")], &[create("ada")]),
        [made("a1")]
    );
}

#[test]
fn a_batch_is_split_by_what_the_service_takes() {
    let exchanges = [
        bulk(
            json!([creating(0, "ada"), creating(1, "bob")]),
            json!([created(0, "a1"), created(1, "b1")]),
        ),
        // What is left over alone goes singly.
        post("cyd", "c1"),
    ];
    let changes = [create("ada"), create("bob"), create("cyd")];
    let all = [made("a1"), made("b1"), made("c1")];
    assert_eq!(
        write(r#"{"b":{"n":2,"s":100000}}"#, &exchanges, &changes),
        all
    );
    // Two operations of some 230 bytes each and what is around them.
    assert_eq!(write(r#"{"b":{"n":9,"s":750}}"#, &exchanges, &changes), all);
    let single = [post("ada", "a1"), post("bob", "b1"), post("cyd", "c1")];
    assert_eq!(write(r#"{"b":{"n":9,"s":100}}"#, &single, &changes), all);
}

#[test]
fn a_request_that_is_refused_as_such_has_changed_nothing() {
    for status in [400, 403, 404, 413, 501] {
        let mut refused = bulk(json!([creating(0, "ada"), creating(1, "bob")]), json!([]));
        refused["status"] = json!(status);
        let exchanges = [
            refused,
            post("ada", "a1"),
            post("bob", "b1"),
            post("cyd", "c1"),
            post("dan", "d1"),
        ];
        // The second part of the batch is not sent in bulk any more.
        let changes = [create("ada"), create("bob"), create("cyd"), create("dan")];
        assert_eq!(
            write(r#"{"b":{"n":2,"s":100000}}"#, &exchanges, &changes),
            [made("a1"), made("b1"), made("c1"), made("d1")],
            "{status}"
        );
    }
}

#[test]
fn a_change_that_is_refused_goes_every_way_of_a_single_one() {
    let duplicate = json!({
        "method": "POST", "bulkId": "c0", "status": "409",
        "response": {"scimType": "uniqueness", "status": "409"},
    });
    let invalid = json!({"method": "PATCH", "location": location("u1"), "status": "400"});
    let exchanges = [
        bulk(
            json!([creating(0, "ada"), updating("u1"), creating(2, "bob")]),
            json!([duplicate, invalid, created(2, "b1")]),
        ),
        json!({"request": at("POST", "Users"), "body": resource("ada"), "status": 409}),
        search(
            "ada",
            json!([{"id": "a1", "externalId": "ada", "userName": "ada@example.org",
            "emails": [{"type": "work", "value": "ada@example.org"}]}]),
        ),
        json!({"request": at("PATCH", "Users/u1"), "body": clerk(), "status": 400}),
    ];
    let changes = [create("ada"), update("u1"), create("bob")];
    let outcomes = write(OFFERED, &exchanges, &changes);
    assert_eq!(outcomes[0], is("a1", Disposition::Adopted));
    assert_eq!(failed(&outcomes[1]), (FailureKind::Input, Effect::None));
    assert_eq!(outcomes[2], made("b1"));
}

#[test]
fn a_change_without_an_answer_is_looked_for_before_it_is_made_again() {
    let exchanges = [
        bulk(
            json!([creating(0, "ada"), creating(1, "bob"), updating("u1")]),
            // An account without its identity, and nothing of the others.
            json!([{"method": "POST", "bulkId": "c0", "status": "201"}]),
        ),
        search(
            "ada",
            json!([{"id": "a1", "externalId": "ada", "userName": "ada@example.org"}]),
        ),
        search(
            "ada",
            json!([{"id": "a1", "externalId": "ada", "userName": "ada@example.org",
            "emails": [{"type": "work", "value": "ada@example.org"}]}]),
        ),
        search("bob", json!([])),
        json!({
            "request": at("GET", "Users?filter=userName%20eq%20%22bob%40example.org%22"),
            "response": {"totalResults": 0, "Resources": []},
        }),
        post("bob", "b1"),
        json!({"request": at("PATCH", "Users/u1"), "body": clerk(), "status": 204}),
    ];
    let changes = [create("ada"), create("bob"), update("u1")];
    assert_eq!(
        write(OFFERED, &exchanges, &changes),
        [
            is("a1", Disposition::Adopted),
            made("b1"),
            is("u1", Disposition::Updated),
        ]
    );
}

#[test]
fn a_lost_answer_leaves_the_effect_of_every_change_unknown() {
    for (error, status) in [
        (Some("interrupted"), 200),
        (Some("timeout"), 200),
        (None, 502),
        (None, 500),
    ] {
        let mut lost = bulk(json!([creating(0, "ada"), updating("u1")]), json!([]));
        lost["status"] = json!(status);
        lost["error"] = json!(error);
        let outcomes = write(OFFERED, &[lost], &[create("ada"), update("u1")]);
        for outcome in &outcomes {
            let unknown = (FailureKind::Unavailable, Effect::Unknown);
            assert_eq!(failed(outcome), unknown, "{error:?} {status}");
        }
    }
}

#[test]
fn what_the_next_request_would_meet_is_met_once() {
    let two = |place: usize, names: [&str; 2]| {
        json!([creating(place, names[0]), creating(place + 1, names[1])])
    };
    let mut busy = bulk(two(0, ["ada", "bob"]), json!([]));
    busy["status"] = json!(429);
    busy["response_headers"] = json!([["retry-after", "3"]]);
    let changes = [create("ada"), create("bob"), create("cyd"), create("dan")];
    let prepared = r#"{"b":{"n":2,"s":100000}}"#;
    for outcome in write(prepared, &[busy], &changes) {
        assert_eq!(failed(&outcome), (FailureKind::RateLimited, Effect::None));
        assert_eq!(outcome.unwrap_err().retry_after_ms, Some(3000));
    }
    // No answer in time: what was under way is in doubt, the rest was not sent.
    let mut slow = bulk(two(0, ["ada", "bob"]), json!([]));
    slow["error"] = json!("timeout");
    let effects: Vec<Effect> = write(prepared, &[slow], &changes)
        .iter()
        .map(|outcome| failed(outcome).1)
        .collect();
    assert_eq!(
        effects,
        [Effect::Unknown, Effect::Unknown, Effect::None, Effect::None]
    );
    // A service that has had enough in the middle of it.
    let partly = bulk(
        two(0, ["ada", "bob"]),
        json!([created(0, "a1"), {"method": "POST", "bulkId": "c1", "status": "429"}]),
    );
    let outcomes = write(prepared, &[partly], &changes);
    assert_eq!(outcomes[0], made("a1"));
    for outcome in &outcomes[1..] {
        assert_eq!(failed(outcome), (FailureKind::RateLimited, Effect::None));
    }
}

#[test]
fn a_change_that_cannot_be_written_is_not_sent() {
    let empty = Change {
        data: json!({"email": null}).to_string(),
        ..create("eve")
    };
    let nothing = Change {
        data: json!({"location": "Berlin"}).to_string(),
        ..update("u1")
    };
    let exchange = bulk(
        json!([creating(1, "ada"), creating(3, "bob")]),
        json!([created(1, "a1"), created(3, "b1")]),
    );
    let outcomes = write(
        OFFERED,
        &[exchange],
        &[empty, create("ada"), nothing, create("bob")],
    );
    assert_eq!(failed(&outcomes[0]), (FailureKind::Input, Effect::None));
    assert_eq!(
        outcomes[1..],
        [made("a1"), is("u1", Disposition::Unchanged), made("b1")]
    );
}

/// A value that is refused keeps nobody in, be it one that no service takes or one that this one does not.
#[test]
fn whoever_is_to_be_shut_out_is_whatever_else_is_refused() {
    let blocking = json!({
        "schemas": [PATCH_OP],
        "Operations": [{"op": "replace", "path": "active", "value": false}],
    });
    let leaves = |data: Value| Change {
        data: data.to_string(),
        ..update("a1")
    };
    let both = json!({
        "schemas": [PATCH_OP],
        "Operations": [
            {"op": "replace", "path": "title", "value": "Clerk"}, {"op": "replace", "path": "active", "value": false}
        ],
    });
    let refused = |status: u16, kind: &str| json!({"request": at("PATCH", "Users/a1"), "body": both, "status": status, "response": {"scimType": kind}});
    let block = json!({"request": at("PATCH", "Users/a1"), "body": blocking, "status": 204});
    let leaver = leaves(json!({"position": "Clerk", "active": false}));
    for (status, scim_type, kind) in [
        (400, "invalidValue", FailureKind::Input),
        (409, "uniqueness", FailureKind::Conflict),
    ] {
        let exchanges = [refused(status, scim_type), block.clone()];
        let outcomes = write("{}", &exchanges, std::slice::from_ref(&leaver));
        let failure = outcomes[0].as_ref().unwrap_err();
        assert_eq!((failure.kind, failure.effect), (kind, Effect::Applied));
    }
    // The same with somebody else, where the two would have been one request.
    let nameless = leaves(json!({"email": null, "active": false}));
    let second = json!({"request": at("PATCH", "Users/a2"), "body": clerk(), "status": 204});
    let outcomes = write(OFFERED, &[block, second], &[nameless, update("a2")]);
    let failure = outcomes[0].as_ref().unwrap_err();
    assert_eq!(
        (failure.code.as_deref(), failure.effect),
        (Some("empty"), Effect::Applied)
    );
    assert!(outcomes[1].is_ok());
    // A refusal of the blocking itself, and what is no refusal, stay what they are.
    let unavailable =
        json!({"request": at("PATCH", "Users/a1"), "body": both, "status": 503, "response": {}});
    let outcomes = write("{}", &[unavailable], &[leaver]);
    assert_eq!(outcomes[0].as_ref().unwrap_err().effect, Effect::Unknown);
}
