//! Finding users, listing them, options and what is prepared, against the documentation's examples.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod common;

use common::{ADAM, JANE, SUPPORT, adam, adam_alone, no, ok, page, play, texts, url, with};
use matricula_connector_engagedly::Engagedly;
use matricula_sdk::{Choices, Connector, FailureKind, Found, Read, Result};
use serde_json::{Value, json};

fn find(exchanges: Value, attribute: &str, values: &[&str]) -> Result<Vec<Vec<Found>>> {
    play(exchanges, &json!({}), |cx| {
        Engagedly::find(cx, "upsert-user", "{}", attribute, &texts(values))
    })
}

fn ids(found: Result<Vec<Vec<Found>>>) -> Vec<Vec<String>> {
    let ids = |list: Vec<Found>| list.into_iter().map(|found| found.remote_id).collect();
    found.unwrap().into_iter().map(ids).collect()
}

#[test]
fn a_user_is_found_by_address_and_told_in_our_attributes() {
    let found = find(
        json!([page(
            "GET users?page=1&size=50&include=primary_reporter&email=adam.smith%2Bx%40example.com",
            &json!([with(adam(), json!({"email": "Adam.Smith+X@example.com"}))]),
            1,
            false
        )]),
        "email",
        &["adam.smith+x@example.com", " "],
    )
    .unwrap();
    assert_eq!(found[1], []);
    assert_eq!(found[0][0].remote_id, ADAM);
    let data: Value = serde_json::from_str(&found[0][0].data).unwrap();
    assert_eq!(
        data,
        json!({"email": "Adam.Smith+X@example.com", "first_name": "Adam", "middle_name": null, "last_name": "Smith",
            "employee_id": "E007", "employee_type": "Non-Exempt", "job_title": "Manager",
            "departments": "Customer Support", "businesses": "Manufacturing Unit", "location": "Bengaluru",
            "joining_date": "2024-01-15", "birth_date": null, "level": null, "phone_number": null,
            "custom_attributes": {"Department": "Product Management", "Languages": ["English", "Kannada"]},
            "active": true})
    );
}

#[test]
fn a_filter_that_is_ignored_finds_nobody_else() {
    let line = "GET users?page=1&size=50&include=primary_reporter&email=ada%40example.org";
    let found = find(
        json!([page(line, &json!([adam()]), 1, false)]),
        "email",
        &["ada@example.org"],
    );
    assert_eq!(ids(found), [Vec::<String>::new()]);
}

#[test]
fn a_user_is_found_by_identifier() {
    let line = format!("GET users/{ADAM}?include=primary_reporter");
    let found = find(
        json!([
            ok(&line, &adam_alone()),
            no("GET users/a%2Fb?include=primary_reporter", 404, &json!([]))
        ]),
        "remote-id",
        &[ADAM, "a/b"],
    )
    .unwrap();
    let data: Value = serde_json::from_str(&found[0][0].data).unwrap();
    assert_eq!(data["manager"], JANE);
    assert_eq!(data["secondary_phone_number"], Value::Null);
    assert_eq!(found[1], []);
}

#[test]
fn by_employee_id_everybody_is_gone_through_once_for_all() {
    let other = |id: &str, employee: &str| with(adam(), json!({"id": id, "employee_id": employee}));
    let found = find(
        json!([
            page(
                "GET users?page=1&size=50",
                &json!([adam(), other("2", "E008")]),
                4,
                true
            ),
            page(
                "GET users?page=2&size=50",
                &json!([other("2", "E008"), other("3", "E007"), other("4", "e007")]),
                4,
                false
            ),
        ]),
        "employee_id",
        &["E007", "E008", "E009", ""],
    );
    assert_eq!(
        ids(found),
        [texts(&[ADAM, "3"]), texts(&["2"]), Vec::new(), Vec::new()]
    );
    assert_eq!(
        ids(find(json!([]), "employee_id", &["", " "])),
        [Vec::<String>::new(), Vec::new()]
    );
}

/// A call may send so many requests and no more.
#[test]
fn who_cannot_be_gone_through_to_is_said_with_what_helps() {
    let pages: Vec<Value> = (1..=150)
        .map(|number| {
            let user = json!([{"id": format!("u{number}"), "employee_id": format!("E{number}")}]);
            page(
                &format!("GET users?page={number}&size=50"),
                &user,
                7600,
                true,
            )
        })
        .collect();
    let failure = find(Value::from(pages), "employee_id", &["E7600"]).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Config);
    assert!(failure.message.contains("e-mail"), "{}", failure.message);
}

fn accounts(
    exchange: Value,
    position: Option<String>,
    attributes: &[&str],
) -> Result<matricula_sdk::Page> {
    let read = Read {
        stream: "accounts".into(),
        attributes: texts(attributes),
        position,
        limit: 500,
        ..Read::default()
    };
    play(json!([exchange]), &json!({}), |cx| {
        Engagedly::read(cx, &read)
    })
}

#[test]
fn all_users_are_read_in_pages_of_fifty() {
    let manager = json!({"primary_reporter": {"id": JANE, "name": "Jane Doe"}});
    let first = page(
        "GET users?page=1&size=50&include=primary_reporter",
        &json!([with(adam(), manager)]),
        2,
        true,
    );
    let first = accounts(first, None, &[]).unwrap();
    assert!(first.items[0].data.contains(JANE));
    assert_eq!((first.total, first.complete), (Some(2), false));
    let blocked = with(
        adam(),
        json!({"id": "2", "status": "Blocked", "primary_reporter": null}),
    );
    let last = page(
        "GET users?page=2&size=50&include=primary_reporter",
        &json!([blocked]),
        2,
        false,
    );
    let last = accounts(last, first.next.clone(), &["manager", "active"]).unwrap();
    assert_eq!(last.items[0].data, r#"{"active":false,"manager":null}"#);
    assert!(last.complete && last.next.is_none());

    let short = page(
        "GET users?page=2&size=50",
        &json!([with(adam(), json!({"id": "2"}))]),
        3,
        false,
    );
    assert!(
        !accounts(short, first.next.clone(), &["email"])
            .unwrap()
            .complete
    );
    let again = page("GET users?page=2&size=50", &json!([adam()]), 2, true);
    let again = accounts(again, first.next, &["email"]).unwrap_err();
    assert_eq!(again.code.as_deref(), Some("repeated-page"));
}

#[test]
fn the_end_is_seen_without_being_told() {
    let mut page = page("GET users?page=1&size=50", &json!([adam()]), 1, false);
    page["response"]["pagination"] = json!({});
    let read = accounts(page, None, &["email"]).unwrap();
    assert!(read.complete && read.next.is_none());
}

#[test]
fn what_is_no_list_is_said() {
    for body in [
        json!({"success": true, "data": {"id": 1}}),
        json!({"success": true}),
    ] {
        let exchange =
            json!({"request": format!("GET {}", url("users?page=1&size=50")), "response": body});
        let failure = accounts(exchange, None, &["email"]).unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_deref()),
            (FailureKind::Protocol, Some("no-list"))
        );
    }
    let exchange =
        json!({"request": format!("GET {}", url("users?page=1&size=50")), "response": "<html>"});
    assert_eq!(
        accounts(exchange, None, &["email"]).unwrap_err().kind,
        FailureKind::Unavailable
    );
    let exchange = json!({"request": format!("GET {}", url("users?page=1&size=50")), "response": {"success": false}});
    assert_eq!(
        accounts(exchange, None, &["email"])
            .unwrap_err()
            .code
            .as_deref(),
        Some("no-success")
    );
    let exchange =
        json!({"request": format!("GET {}", url("users?page=1&size=50")), "error": "timeout"});
    assert_eq!(
        accounts(exchange, None, &["email"])
            .unwrap_err()
            .code
            .as_deref(),
        Some("timeout")
    );
}

/// Answers of the documentation.
fn attributes() -> Value {
    json!([
        {"name": "Title", "attribute_key": "title", "preset": true, "mandatory": false, "data_type": "single-select",
         "attribute_options": [{"id": 313, "value": "Mr."}]},
        {"name": "Department", "attribute_key": "custom-attribute-93cbf", "preset": false, "mandatory": false,
         "data_type": "text", "attribute_options": null},
        {"name": "Languages", "attribute_key": "custom-attribute-5d2c8", "preset": false, "mandatory": true,
         "data_type": "multiple-select", "attribute_options": [{"id": 1, "value": "English"}, {"id": 2, "value": "German"}]},
    ])
}

#[test]
fn only_what_the_flow_uses_is_learned() {
    let exchanges = json!([
        page(
            "GET departments?page=1&size=50",
            &json!([{"id": SUPPORT, "name": " Customer Support ", "members_count": 10}]),
            1,
            false
        ),
        page(
            "GET job_titles?page=1&size=50",
            &json!([{"id": 11424, "name": "Software Engineer"}]),
            2,
            true
        ),
        page(
            "GET job_titles?page=2&size=50",
            &json!([{"id": 11503, "name": "Manager"}, {"id": 1, "name": null}]),
            2,
            false
        ),
        no("GET locations?page=1&size=50", 404, &json!([])),
        ok("GET user-attributes", &attributes()),
    ]);
    let preparation = play(exchanges, &json!({}), |cx| {
        let wanted = texts(&[
            "email",
            "departments",
            "job_title",
            "location",
            "custom_attributes",
            "gender",
        ]);
        Engagedly::prepare(cx, "upsert-user", &wanted).unwrap()
    });
    assert_eq!(preparation.unavailable, ["location", "gender"]);
    let prepared: Value = serde_json::from_str(&preparation.prepared).unwrap();
    assert_eq!(
        prepared,
        json!({"names": {"departments": [["Customer Support", SUPPORT]],
                "job_title": [["Software Engineer", "11424"], ["Manager", "11503"]]},
            "custom": [{"k": "custom-attribute-93cbf", "n": "Department", "d": "text"},
                {"k": "custom-attribute-5d2c8", "n": "Languages", "d": "multiple-select", "o": ["English", "German"]}]})
    );
}

#[test]
fn however_many_names_there_are_what_travels_stays_small() {
    let many: Vec<Value> = (0..50)
        .map(|number| json!({"id": number, "name": format!("{number} {}", "x".repeat(600))}))
        .collect();
    let exchanges = json!([
        page("GET locations?page=1&size=50", &json!(many), 50, false),
        page("GET departments?page=1&size=50", &json!(many), 50, false),
        page("GET businesses?page=1&size=50", &json!(many), 50, false),
        page("GET job_titles?page=1&size=50", &json!(many), 50, false),
    ]);
    let preparation = play(exchanges, &json!({}), |cx| {
        let wanted = texts(&["location", "departments", "businesses", "job_title"]);
        Engagedly::prepare(cx, "upsert-user", &wanted).unwrap()
    });
    assert!(
        preparation.prepared.len() < 48 * 1024,
        "{}",
        preparation.prepared.len()
    );
}

#[test]
fn a_list_that_may_not_be_read_ends_the_preparation() {
    let exchanges = json!([no("GET departments?page=1&size=50", 403, &json!([]))]);
    let failure = play(exchanges, &json!({}), |cx| {
        Engagedly::prepare(cx, "upsert-user", &texts(&["departments"])).unwrap_err()
    });
    assert_eq!(failure.kind, FailureKind::Permission);
    assert!(
        failure.message.contains("Site Administrator"),
        "{}",
        failure.message
    );
}

fn options(exchange: Value, field: &str, search: Option<&str>, position: Option<&str>) -> Choices {
    play(json!([exchange]), &json!({}), |cx| {
        Engagedly::options(cx, field, search, position).unwrap()
    })
}

fn values(choices: &Choices) -> Vec<&str> {
    choices
        .items
        .iter()
        .map(|choice| choice.value.as_str())
        .collect()
}

#[test]
fn options_are_names_codes_and_keys() {
    let list = json!([{"id": 3927, "name": "Head Office", "city": "Bengaluru"}, {"id": 1, "name": "Berlin"}]);
    let first = options(
        page("GET locations?page=1&size=50", &list, 3, true),
        "locations",
        Some("ber"),
        None,
    );
    assert_eq!(values(&first), ["Berlin"]);
    let next = first.next.unwrap();
    let rest = page("GET locations?page=2&size=50", &json!([]), 3, false);
    assert_eq!(
        options(rest, "locations", None, Some(&next)),
        Choices::default()
    );

    // The one envelope that differs.
    let reasons = json!({"request": format!("GET {}", url("users/block-reason-codes")), "response": {"status": 200, "data": [
        {"code": "involuntary", "display_text": "Involuntary",
         "description": "Initiated by the business. Example, RIF (Reduction in Force)", "source": "system",
         "archived": false, "created_by": null, "updated_at": "2024-01-15T10:00:00.000Z", "blocked_users_count": 2},
        {"code": "sabbatical", "display_text": "Sabbatical", "description": null, "source": "organisation", "archived": true},
        {"code": "voluntary", "display_text": "Voluntary", "description": "Initiated by the individual.",
         "source": "system", "archived": false},
    ]}});
    let reasons = options(reasons, "block-reasons", None, None);
    assert_eq!(values(&reasons), ["involuntary", "voluntary"]);
    assert_eq!(reasons.items[1].label, "Voluntary");
    assert_eq!(
        reasons.items[1].hint.as_deref(),
        Some("Initiated by the individual.")
    );

    let custom = options(
        ok("GET user-attributes", &attributes()),
        "custom-attributes",
        None,
        None,
    );
    assert_eq!(
        values(&custom),
        ["custom-attribute-93cbf", "custom-attribute-5d2c8"]
    );
    assert_eq!(custom.items[0].label, "Department");

    let unknown = play(json!([]), &json!({}), |cx| {
        Engagedly::options(cx, "permissions", None, None).unwrap_err()
    });
    assert_eq!(unknown.code.as_deref(), Some("not-offered"));
}
