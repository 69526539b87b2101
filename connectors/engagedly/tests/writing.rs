//! What is written, request by request.

mod common;

use common::{ADAM, JANE, SUPPORT, adam, adam_alone, change, no, ok, page, sent, url, with, write};
use matricula_sdk::{Disposition, Effect, FailureKind, Receipt, Result};
use serde_json::{Value, json};

const READ: &str = "GET users/b62167d0-2718-4e45-9721-27535991becf?include=primary_reporter";
const PATCH: &str = "PATCH users/b62167d0-2718-4e45-9721-27535991becf";
const ACTIVATE: &str = "PUT users/b62167d0-2718-4e45-9721-27535991becf/activate";
const DEACTIVATE: &str = "PUT users/b62167d0-2718-4e45-9721-27535991becf/deactivate";
const BY_EMAIL: &str =
    "GET users?page=1&size=50&include=primary_reporter&email=adam.smith%40example.com";

fn new_adam() -> Value {
    json!({"email": "adam.smith@example.com", "first_name": "Adam", "last_name": "Smith", "employee_id": "E007",
        "active": true})
}

fn done(id: &str, disposition: Disposition) -> Result<Receipt> {
    Ok(Receipt {
        remote_id: Some(id.to_owned()),
        disposition,
    })
}

fn one(exchanges: Value, id: Option<&str>, data: Value) -> Result<Receipt> {
    let mut outcomes = write(exchanges, json!({}), &[change(id, data)]);
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

/// The one change that has no body.
fn activated() -> Value {
    let mut exchange = ok(ACTIVATE, &adam());
    exchange["headers"] = json!([["content-type", "application/json"]]);
    exchange
}

fn required(more: Value) -> Value {
    with(
        json!({"first_name": "Adam", "last_name": "Smith", "email": "adam.smith@example.com"}),
        more,
    )
}

#[test]
fn a_user_is_made_with_what_there_is_by_identifiers() {
    let data = with(
        new_adam(),
        json!({"departments": "customer support", "location": "Bengaluru", "job_title": " Manager ",
            "manager": JANE, "joining_date": "2024-01-15", "phone_number": null, "businesses": null,
            "custom_attributes": {"department": "Product Management"}}),
    );
    let body = required(
        json!({"employee_id": "E007", "departments": [SUPPORT], "location": "3927",
        "job_title": "11503", "manager_id": JANE, "joining_date": "2024-01-15",
        "custom_attributes": {"custom-attribute-93cbf": "Product Management"}}),
    );
    let outcome = one(json!([sent("POST users", &body, &adam())]), None, data);
    assert_eq!(outcome, done(ADAM, Disposition::Created));
}

#[test]
fn whoever_must_not_sign_in_is_blocked_at_once_with_the_reason() {
    let data = with(new_adam(), json!({"active": false}));
    let body = required(json!({"employee_id": "E007"}));
    let blocked = with(
        adam(),
        json!({"status": "Blocked", "block_reason_code": "voluntary"}),
    );
    let exchanges = json!([
        sent("POST users", &body, &adam()),
        sent(
            DEACTIVATE,
            &json!({"block_reason_code": "voluntary"}),
            &blocked
        ),
    ]);
    let outcomes = write(
        exchanges,
        json!({"block_reason": "voluntary"}),
        &[change(None, data.clone())],
    );
    assert_eq!(outcomes, [done(ADAM, Disposition::Created)]);

    // The account is there, whatever became of its blocking.
    let exchanges = json!([
        sent("POST users", &body, &adam()),
        no(DEACTIVATE, 500, &json!([]))
    ]);
    let failure = one(exchanges, None, data).unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (FailureKind::Unavailable, Effect::Applied)
    );
}

#[test]
fn nobody_is_made_without_a_name() {
    let failure = one(json!([]), None, with(new_adam(), json!({"last_name": " "}))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Input);
    assert!(failure.message.contains("last_name"), "{}", failure.message);
}

#[test]
fn an_answer_that_never_came_leaves_a_doubt() {
    for (broken, kind) in [
        (json!({"error": "timeout"}), FailureKind::Unavailable),
        (json!({"error": "interrupted"}), FailureKind::Unavailable),
        (
            json!({"status": 502, "response": "<html>"}),
            FailureKind::Unavailable,
        ),
        (
            json!({"status": 201, "response": "{\"data\":"}),
            FailureKind::Protocol,
        ),
    ] {
        let exchange = with(json!({"request": format!("POST {}", url("users"))}), broken);
        let failure = one(json!([exchange]), None, new_adam()).unwrap_err();
        assert_eq!((failure.kind, failure.effect), (kind, Effect::Unknown));
    }
    let exchange = ok("POST users", &json!({"name": "Adam Smith"}));
    let failure = one(json!([exchange]), None, new_adam()).unwrap_err();
    assert_eq!(
        (failure.code.as_deref(), failure.effect),
        (Some("no-id"), Effect::Applied)
    );
}

#[test]
fn what_has_changed_is_sent_with_what_is_demanded() {
    let data = json!({"job_title": "Manager", "departments": null, "phone_number": "+49 30 1", "manager": null,
        "joining_date": "2024-02-29", "level": null, "location": null, "email": "adam@example.org"});
    let body = json!({"first_name": "Adam", "last_name": "Smith", "email": "adam@example.org", "departments": [],
        "phone_number": "+49 30 1", "manager_id": "", "joining_date": "2024-02-29", "location": ""});
    let exchanges = json!([ok(READ, &adam_alone()), sent(PATCH, &body, &adam())]);
    assert_eq!(
        one(exchanges, Some(ADAM), data),
        done(ADAM, Disposition::Updated)
    );
}

#[test]
fn what_is_so_already_is_not_sent() {
    let data = json!({"email": "adam.smith@example.com", "first_name": "Adam", "middle_name": null,
        "employee_type": "Non-Exempt", "job_title": "manager", "departments": ["Customer Support", "customer support"],
        "location": "Bengaluru", "joining_date": "2024-01-15", "birth_date": null, "manager": JANE,
        "secondary_phone_number": null, "active": true,
        "custom_attributes": {"Department": "Product Management", "Languages": ["English", "Kannada"]}});
    let exchanges = json!([ok(
        READ,
        &with(adam_alone(), json!({"joining_date": "Jan 15, 2024"}))
    )]);
    assert_eq!(
        one(exchanges, Some(ADAM), data),
        done(ADAM, Disposition::Unchanged)
    );
}

#[test]
fn only_custom_attributes_that_differ_are_sent() {
    let data =
        json!({"custom_attributes": {"Department": "Tools", "Languages": ["English", "Kannada"]}});
    let body = required(json!({"custom_attributes": {"custom-attribute-93cbf": "Tools"}}));
    let exchanges = json!([ok(READ, &adam_alone()), sent(PATCH, &body, &adam())]);
    assert_eq!(
        one(exchanges, Some(ADAM), data),
        done(ADAM, Disposition::Updated)
    );
    let unknown = json!({"custom_attributes": {"Room": "1"}});
    let failure = one(json!([ok(READ, &adam_alone())]), Some(ADAM), unknown).unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (FailureKind::Input, Effect::None)
    );
}

#[test]
fn access_alone_costs_one_request() {
    let outcome = one(
        json!([sent(DEACTIVATE, &json!({}), &adam())]),
        Some(ADAM),
        json!({"active": false}),
    );
    assert_eq!(outcome, done(ADAM, Disposition::Updated));
    let outcome = one(json!([activated()]), Some(ADAM), json!({"active": true}));
    assert_eq!(outcome, done(ADAM, Disposition::Updated));
}

#[test]
fn whoever_comes_back_is_activated_first() {
    let blocked = with(
        adam_alone(),
        json!({"status": "Blocked", "block_reason_code": "voluntary"}),
    );
    let data = json!({"active": true, "job_title": null});
    let body = required(json!({"job_title": ""}));
    let exchanges = json!([ok(READ, &blocked), activated(), sent(PATCH, &body, &adam()),]);
    assert_eq!(
        one(exchanges, Some(ADAM), data.clone()),
        done(ADAM, Disposition::Updated)
    );

    let refused = no(
        PATCH,
        422,
        &json!([{"field": "job_title", "message": "x", "code": "missing_field"}]),
    );
    let exchanges = json!([ok(READ, &blocked), activated(), refused]);
    let failure = one(exchanges, Some(ADAM), data).unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (FailureKind::Input, Effect::Applied)
    );
}

#[test]
fn a_value_that_is_refused_keeps_nobody_in() {
    let data = json!({"level": "5", "active": false});
    let refused = no(
        PATCH,
        422,
        &json!([{"field": "level", "message": "x", "code": "missing_field"}]),
    );
    let shut_out = sent(DEACTIVATE, &json!({}), &adam());
    let exchanges = json!([ok(READ, &adam_alone()), refused, shut_out]);
    let failure = one(exchanges, Some(ADAM), data.clone()).unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (FailureKind::Input, Effect::Applied)
    );
    // What does not even get as far as a request.
    let wrong = json!({"custom_attributes": {"Room": "1"}, "active": false});
    let exchanges = json!([ok(READ, &adam_alone()), shut_out]);
    let failure = one(exchanges, Some(ADAM), wrong).unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("custom-attribute"));
    // Nor does it keep anybody else in.
    let other = json!({"custom_attributes": {"Room": "1"}});
    let outcomes = write(
        json!([ok(READ, &adam_alone()), shut_out]),
        json!({}),
        &[
            change(Some(ADAM), other),
            change(Some(ADAM), json!({"active": false})),
        ],
    );
    assert!(outcomes[0].is_err());
    assert_eq!(outcomes[1], done(ADAM, Disposition::Updated));
    // Who is asked for a rest gives it.
    let exchanges = json!([ok(READ, &adam_alone()), no(PATCH, 429, &json!([]))]);
    let failure = one(exchanges, Some(ADAM), data).unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (FailureKind::RateLimited, Effect::None)
    );
}

/// Somebody has taken it away at Engagedly since it was chosen.
#[test]
fn a_reason_that_there_is_no_more_keeps_nobody_in() {
    let gone = with(
        no(
            DEACTIVATE,
            422,
            &json!([{"field": "block_reason_code", "message": "x"}]),
        ),
        json!({"body": {"block_reason_code": "retired"}}),
    );
    let exchanges = json!([gone, sent(DEACTIVATE, &json!({}), &adam())]);
    let outcomes = write(
        exchanges,
        json!({"block_reason": "retired"}),
        &[change(Some(ADAM), json!({"active": false}))],
    );
    assert_eq!(outcomes, [done(ADAM, Disposition::Updated)]);
}

#[test]
fn whoever_is_gone_is_said_to_be() {
    let failure = one(
        json!([no(READ, 404, &json!([]))]),
        Some(ADAM),
        json!({"level": "5"}),
    )
    .unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    let failure = one(
        json!([no(ACTIVATE, 404, &json!([]))]),
        Some(ADAM),
        json!({"active": true}),
    )
    .unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
}

#[test]
fn users_cannot_be_removed() {
    let outcome = write(json!([]), json!({}), &[change(Some(ADAM), Value::Null)]).remove(0);
    assert_eq!(outcome.unwrap_err().code.as_deref(), Some("not-offered"));
}

fn taken(field: &str) -> Value {
    no(
        "POST users",
        422,
        &json!([{"field": field, "message": "adam.smith@example.com is taken", "code": "duplicate_value"}]),
    )
}

#[test]
fn a_user_that_was_made_meanwhile_is_taken_over() {
    for held in [json!("E007"), Value::Null, json!("")] {
        let user = with(adam(), json!({"employee_id": held}));
        let alone = with(adam_alone(), json!({"employee_id": held}));
        let mut exchanges = json!([
            taken("email"),
            page(BY_EMAIL, &json!([user]), 1, false),
            ok(READ, &alone)
        ]);
        if held != "E007" {
            let body = required(json!({"employee_id": "E007"}));
            exchanges
                .as_array_mut()
                .unwrap()
                .push(sent(PATCH, &body, &adam()));
        }
        assert_eq!(
            one(exchanges, None, new_adam()),
            done(ADAM, Disposition::Adopted)
        );
    }
}

#[test]
fn somebody_elses_user_is_not_taken_over() {
    let foreign = with(adam(), json!({"employee_id": "E001"}));
    let exchanges = json!([taken("email"), page(BY_EMAIL, &json!([foreign]), 1, false)]);
    let failure = one(exchanges, None, new_adam()).unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::Conflict, Some("foreign-account"))
    );

    let exchanges = json!([taken("email"), page(BY_EMAIL, &json!([]), 0, false)]);
    let failure = one(exchanges, None, new_adam()).unwrap_err();
    assert!(failure.message.contains("hidden"), "{}", failure.message);

    let exchanges = json!([taken("employee_id"), page(BY_EMAIL, &json!([]), 0, false)]);
    let failure = one(exchanges, None, new_adam()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Conflict);
    assert!(
        failure.message.contains("employee_id"),
        "{}",
        failure.message
    );
    assert!(!failure.message.contains("adam"), "{}", failure.message);
}

#[test]
fn one_bad_user_keeps_no_other() {
    let missing = no(
        "POST users",
        422,
        &json!([{"field": "joining_date", "message": "Mandatory attribute missing",
        "code": "missing_field"}]),
    );
    let other = json!({"email": "jane.doe@example.com", "first_name": "Jane", "last_name": "Doe"});
    let exchanges = json!([missing, sent("POST users", &other, &json!({"id": JANE}))]);
    let outcomes = write(
        exchanges,
        json!({}),
        &[change(None, new_adam()), change(None, other.clone())],
    );
    let failure = outcomes[0].as_ref().unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::Input, Some("missing_field"))
    );
    assert!(
        failure.message.contains("joining_date"),
        "{}",
        failure.message
    );
    assert_eq!(outcomes[1], done(JANE, Disposition::Created));
}

#[test]
fn who_is_asked_for_a_rest_gives_it() {
    let rest = json!({"request": format!("POST {}", url("users")), "status": 429,
        "response_headers": [["retry-after", "60"], ["x-ratelimit-remaining", "0"]],
        "response": {"error_type": "rate_limit_exceeded", "message": "Rate limit exceeded. Please retry later."}});
    let outcomes = write(
        json!([rest]),
        json!({}),
        &[
            change(None, new_adam()),
            change(Some(ADAM), json!({"level": "1"})),
        ],
    );
    for outcome in outcomes {
        let failure = outcome.unwrap_err();
        assert_eq!(failure.kind, FailureKind::RateLimited);
        assert_eq!(
            (failure.retry_after_ms, failure.effect),
            (Some(60_000), Effect::None)
        );
    }
    let rejected = json!([no("POST users", 401, &json!([]))]);
    for outcome in write(
        rejected,
        json!({}),
        &[change(None, new_adam()), change(None, new_adam())],
    ) {
        assert_eq!(outcome.unwrap_err().kind, FailureKind::Auth);
    }
}

#[test]
fn a_department_that_is_new_is_looked_for_and_made_once() {
    let users: Vec<Value> = ["adam", "jane"]
        .iter()
        .map(|name| json!({"email": format!("{name}@example.com"), "first_name": name, "last_name": "Doe"}))
        .collect();
    let wanted = |user: &Value| {
        with(
            user.clone(),
            json!({"departments": ["Compilers", "Customer Support"]}),
        )
    };
    let body = |user: &Value| with(user.clone(), json!({"departments": ["d-9", SUPPORT]}));
    let made = json!({"id": "d-9", "name": "Compilers", "members_count": 0, "members": []});
    let exchanges = json!([
        page(
            "GET departments?page=1&size=50",
            &json!([{"id": SUPPORT, "name": "Customer Support"}]),
            1,
            false
        ),
        sent("POST departments", &json!({"name": "Compilers"}), &made),
        sent("POST users", &body(&users[0]), &json!({"id": ADAM})),
        sent("POST users", &body(&users[1]), &json!({"id": JANE})),
    ]);
    let changes = [
        change(None, wanted(&users[0])),
        change(None, wanted(&users[1])),
    ];
    let outcomes = write(exchanges, json!({}), &changes);
    assert_eq!(
        outcomes,
        [
            done(ADAM, Disposition::Created),
            done(JANE, Disposition::Created)
        ]
    );
}

#[test]
fn what_was_made_since_is_found() {
    let listed = json!([{"id": 7, "name": "Software Engineer"}]);
    let body = required(json!({"employee_id": "E007", "job_title": "7"}));
    let exchanges = json!([
        page("GET job_titles?page=1&size=50", &listed, 1, false),
        sent("POST users", &body, &adam()),
    ]);
    let data = with(new_adam(), json!({"job_title": "software engineer"}));
    assert_eq!(
        one(exchanges, None, data.clone()),
        done(ADAM, Disposition::Created)
    );

    // Between looking and making somebody was quicker.
    let exchanges = json!([
        page("GET job_titles?page=1&size=50", &json!([]), 0, false),
        no(
            "POST job_titles",
            422,
            &json!([{"field": "name", "code": "duplicate_value"}])
        ),
        page("GET job_titles?page=1&size=50", &listed, 1, false),
        sent("POST users", &body, &adam()),
    ]);
    assert_eq!(
        one(exchanges, None, data.clone()),
        done(ADAM, Disposition::Created)
    );

    let exchanges = json!([
        page("GET job_titles?page=1&size=50", &json!([]), 0, false),
        no(
            "POST job_titles",
            422,
            &json!([{"field": "name", "code": "duplicate_value"}])
        ),
        page("GET job_titles?page=1&size=50", &json!([]), 0, false),
    ]);
    let failure = one(exchanges, None, data).unwrap_err();
    assert!(
        failure.message.starts_with("Job titles: "),
        "{}",
        failure.message
    );
}

#[test]
fn who_points_to_what_cannot_be_made_is_told_so() {
    let data = with(new_adam(), json!({"location": "Berlin"}));
    let look = || page("GET locations?page=1&size=50", &json!([]), 0, false);
    let exchanges = json!([look(), no("POST locations", 403, &json!([]))]);
    let failure = one(exchanges, None, data.clone()).unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (FailureKind::Permission, Effect::None)
    );
    assert!(
        failure.message.contains("make it there by hand"),
        "{}",
        failure.message
    );

    // A location whose making is in doubt is looked for when the user is tried again.
    let lost = json!({"request": format!("POST {}", url("locations")), "error": "timeout"});
    let failure = one(json!([look(), lost]), None, data).unwrap_err();
    assert_eq!(
        (failure.kind, failure.effect),
        (FailureKind::Unavailable, Effect::None)
    );
}
