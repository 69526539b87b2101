//! Making a group, and taking over one that is refused as a duplicate.

use super::*;

#[test]
fn a_group_is_made_with_its_members() {
    let outcome = one(&[post(201, json!({"id": "g1"}))], department(&["u1"]));
    assert_eq!(outcome, did(Disposition::Created));
    let mut located = post(201, Value::Null);
    located["response_headers"] = json!([["location", "https://scim.example.com/v2/Groups/g1"]]);
    assert_eq!(
        one(&[located], department(&["u1"])),
        did(Disposition::Created)
    );
}

#[test]
fn a_service_that_does_not_say_which_group_it_made_is_asked() {
    let made = [
        post(201, Value::Null),
        found(
            BY_ID,
            json!([{"id": "g1", "externalId": "matricula:department:17"}]),
        ),
    ];
    assert_eq!(one(&made, department(&["u1"])), did(Disposition::Created));
    let lost = [
        post(201, Value::Null),
        found(BY_ID, json!([])),
        found(BY_NAME, json!([])),
    ];
    let outcome = failed(one(&lost, department(&["u1"])));
    assert_eq!(outcome.2, Effect::Applied);
}

#[test]
fn a_duplicate_that_is_ours_or_nobodys_is_taken_over() {
    let taken = || refused(post(409, Value::Null), 409, Some("uniqueness"));
    let ours = [
        taken(),
        found(
            BY_ID,
            json!([{"id": "g1", "externalId": "matricula:department:17", "displayName": "Old"}]),
        ),
        patch(
            json!([{"op": "replace", "path": "displayName", "value": "Department IT"}, add(&["u1"])]),
        ),
    ];
    assert_eq!(one(&ours, department(&["u1"])), did(Disposition::Adopted));
    let nobodys = [
        taken(),
        found(BY_ID, json!([])),
        found(
            BY_NAME,
            json!([{"id": "g1", "displayName": "Department IT", "externalId": ""}]),
        ),
        patch(json!([
            {"op": "replace", "path": "externalId", "value": "matricula:department:17"}, add(&["u1"]),
        ])),
    ];
    assert_eq!(
        one(&nobodys, department(&["u1"])),
        did(Disposition::Adopted)
    );
}

#[test]
fn a_foreign_doubtful_or_hidden_group_is_left_alone() {
    let named = |groups: Value| {
        let taken = refused(post(409, Value::Null), 409, None);
        let exchanges = [taken, found(BY_ID, json!([])), found(BY_NAME, groups)];
        let (kind, code, effect) = failed(one(&exchanges, department(&["u1"])));
        assert_eq!((kind, effect), (FailureKind::Conflict, Effect::None));
        code
    };
    let it = |id: &str, holder: &str| json!({"id": id, "displayName": "Department IT", "externalId": holder});
    assert_eq!(named(json!([it("g1", "hr-7")])), "foreign-group");
    assert_eq!(
        named(json!([it("g1", ""), it("g2", "")])),
        "ambiguous-group"
    );
    // The service compares without regard to case, we do not.
    assert_eq!(
        named(json!([{"id": "g1", "displayName": "department it"}])),
        "uniqueness"
    );
}

#[test]
fn somebody_whom_the_service_does_not_know_fails_the_group_without_a_trace() {
    for status in [400, 404] {
        let exchange = refused(post(status, Value::Null), status, None);
        let outcome = failed(one(&[exchange], department(&["u1"])));
        let unknown = (
            FailureKind::Input,
            "unknown-member".to_owned(),
            Effect::None,
        );
        assert_eq!(outcome, unknown, "{status}");
    }
    let mut lost = post(201, Value::Null);
    lost["error"] = json!("interrupted");
    assert_eq!(failed(one(&[lost], department(&["u1"]))).2, Effect::Unknown);
    let page = post(502, json!("<html>"));
    assert_eq!(failed(one(&[page], department(&["u1"]))).2, Effect::Unknown);
}
