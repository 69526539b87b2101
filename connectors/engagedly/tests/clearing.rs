//! What is cleared, and what of it cannot be.

mod common;

use common::{ADAM, adam, adam_alone, change, ok, play, sent, with, write};
use matricula_connector_engagedly::Engagedly;
use matricula_sdk::{Connector as _, Disposition, Effect, FailureKind, Receipt, Result};
use serde_json::{Value, json};

const READ: &str = "GET users/b62167d0-2718-4e45-9721-27535991becf?include=primary_reporter";
const PATCH: &str = "PATCH users/b62167d0-2718-4e45-9721-27535991becf";
const ACTIVATE: &str = "PUT users/b62167d0-2718-4e45-9721-27535991becf/activate";
const DEACTIVATE: &str = "PUT users/b62167d0-2718-4e45-9721-27535991becf/deactivate";

fn required(more: Value) -> Value {
    with(
        json!({"first_name": "Adam", "last_name": "Smith", "email": "adam.smith@example.com"}),
        more,
    )
}

fn one(exchanges: Value, id: Option<&str>, data: Value) -> Result<Receipt> {
    write(exchanges, json!({}), &[change(id, data)]).remove(0)
}

fn done(disposition: Disposition) -> Result<Receipt> {
    Ok(Receipt {
        remote_id: Some(ADAM.to_owned()),
        disposition,
    })
}

/// Engagedly's description has no null for a date, no empty text, and nothing else that takes one away.
#[test]
fn a_date_cannot_be_cleared_and_that_is_said() {
    let data = json!({"joining_date": null, "birth_date": null, "promotion_date": null, "review_date": null,
        "location": null});
    let dated = with(
        adam_alone(),
        json!({"birthdate_as_date": "1990-01-02", "promotion_date": "2027-01-01", "review_date": "Jan 02, 2027"}),
    );
    let body = required(json!({"location": ""}));
    let exchanges = json!([ok(READ, &dated), sent(PATCH, &body, &dated)]);
    let failure = one(exchanges, Some(ADAM), data.clone()).unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_deref(), failure.effect),
        (FailureKind::Input, Some("not-clearable"), Effect::Applied)
    );
    for name in [
        "joining_date",
        "birth_date",
        "promotion_date",
        "review_date",
    ] {
        assert!(failure.message.contains(name), "{}", failure.message);
    }

    // Nothing else to write: nothing is sent, and a date that there is not is none to clear.
    let still = with(adam_alone(), json!({"location": null}));
    let failure = one(json!([ok(READ, &still)]), Some(ADAM), data.clone()).unwrap_err();
    assert_eq!(failure.effect, Effect::None);
    assert!(
        !failure.message.contains("birth_date"),
        "{}",
        failure.message
    );

    // Somebody has cleared it by hand.
    let by_hand = with(
        adam_alone(),
        json!({"location": null, "joining_date": null}),
    );
    assert_eq!(
        one(json!([ok(READ, &by_hand)]), Some(ADAM), data),
        done(Disposition::Unchanged)
    );
}

#[test]
fn a_date_that_cannot_be_cleared_keeps_nobody_in_or_out() {
    let shut_out = sent(DEACTIVATE, &json!({}), &adam());
    let data = json!({"joining_date": null, "active": false});
    let failure = one(json!([ok(READ, &adam_alone()), shut_out]), Some(ADAM), data).unwrap_err();
    assert_eq!(
        (failure.code.as_deref(), failure.effect),
        (Some("not-clearable"), Effect::Applied)
    );
    let blocked = with(adam_alone(), json!({"status": "Blocked"}));
    let data = json!({"joining_date": null, "active": true});
    let failure = one(
        json!([ok(READ, &blocked), ok(ACTIVATE, &adam())]),
        Some(ADAM),
        data,
    )
    .unwrap_err();
    assert_eq!(
        (failure.code.as_deref(), failure.effect),
        (Some("not-clearable"), Effect::Applied)
    );
}

#[test]
fn texts_and_lists_of_the_organisations_own_can_be_emptied() {
    let data = json!({"custom_attributes": {"Department": null, "Languages": null}});
    let body = required(
        json!({"custom_attributes": {"custom-attribute-93cbf": "", "custom-attribute-5d2c8": []}}),
    );
    let exchanges = json!([ok(READ, &adam_alone()), sent(PATCH, &body, &adam())]);
    assert_eq!(
        one(exchanges, Some(ADAM), data.clone()),
        done(Disposition::Updated)
    );
    // Where there is none, there is none to empty.
    let bare = with(adam_alone(), json!({"custom_attributes": {}}));
    assert_eq!(
        one(json!([ok(READ, &bare)]), Some(ADAM), data.clone()),
        done(Disposition::Unchanged)
    );
    let body = required(json!({}));
    assert_eq!(
        one(
            json!([sent("POST users", &body, &adam())]),
            None,
            with(required(json!({})), data)
        ),
        done(Disposition::Created)
    );
}

#[test]
fn a_choice_that_cannot_be_taken_back_is_named_by_its_title() {
    let held = json!({"custom-attribute-5hirt": {"name": "Shirt", "value": "M"}});
    let known = json!([{"name": "Shirt", "attribute_key": "custom-attribute-5hirt", "preset": false,
        "mandatory": false, "data_type": "single-select", "attribute_options": [{"id": 1, "value": "M"}]}]);
    let user = with(adam_alone(), json!({"custom_attributes": held}));
    let exchanges = json!([ok(READ, &user), ok("GET user-attributes", &known)]);
    let change = change(Some(ADAM), json!({"custom_attributes": {"Shirt": null}}));
    let failure = play(
        exchanges,
        &json!({"credential": {}, "settings": {}}),
        |cx| {
            let mut outcomes = Engagedly::write(cx, "upsert-user", r#"{"names": {}}"#, &[change]);
            outcomes.as_mut().unwrap().remove(0).unwrap_err()
        },
    );
    assert_eq!(
        (failure.code.as_deref(), failure.effect),
        (Some("not-clearable"), Effect::None)
    );
    assert!(failure.message.contains("Shirt"), "{}", failure.message);
}
