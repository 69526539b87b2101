//! Putting people into a group and taking them out, in whatever way a service understands.

use super::*;

#[test]
fn one_request_renames_adds_and_removes() {
    let all = patch(json!([
        {"op": "replace", "path": "displayName", "value": "Department R&D"},
        add(&["u1", "u2"]), remove("u3"), remove("u\\\"4"),
    ]));
    let data = json!({"name": "Department R&D", "add": ["u1", "u2"], "remove": ["u3", "u\"4"]});
    assert_eq!(
        one(&[all], change(Some("g1"), data)),
        did(Disposition::Updated)
    );
    let answered = {
        let mut exchange = patch(json!([add(&["u1"])]));
        exchange["status"] = json!(200);
        exchange["response"] = json!({"id": "g1"});
        exchange
    };
    assert_eq!(
        one(&[answered], members(&["u1"], &[])),
        did(Disposition::Updated)
    );
    assert_eq!(one(&[], members(&[], &[])), did(Disposition::Unchanged));
    // Somebody who leaves and comes back in the same change stays.
    let both = [patch(json!([add(&["u1"])]))];
    assert_eq!(
        one(&both, members(&["u1"], &["u1"])),
        did(Disposition::Updated)
    );
}

#[test]
fn whoever_is_no_member_or_one_already_is_no_error() {
    let no_target = || {
        refused(
            patch(json!([remove("u1"), remove("u2")])),
            400,
            Some("noTarget"),
        )
    };
    let one_left = [
        no_target(),
        group(Some(&["u2", "u9"])),
        patch(json!([remove("u2")])),
    ];
    assert_eq!(
        one(&one_left, members(&[], &["u1", "u2"])),
        did(Disposition::Updated)
    );
    let nobody_left = [no_target(), group(Some(&["u9"]))];
    assert_eq!(
        one(&nobody_left, members(&[], &["u1", "u2"])),
        did(Disposition::Unchanged)
    );
    // Whose members are not shown may have some.
    let hidden = [
        no_target(),
        group(None),
        refused(patch(json!([remove("u1")])), 400, Some("noTarget")),
        patch(json!([remove("u2")])),
    ];
    assert_eq!(
        one(&hidden, members(&[], &["u1", "u2"])),
        did(Disposition::Updated)
    );
    let empty = [
        no_target(),
        group(None),
        refused(patch(json!([remove("u1")])), 400, Some("noTarget")),
        refused(patch(json!([remove("u2")])), 400, Some("noTarget")),
    ];
    assert_eq!(
        one(&empty, members(&[], &["u1", "u2"])),
        did(Disposition::Unchanged)
    );
    let there = [
        refused(
            patch(json!([add(&["u1", "u2"])])),
            400,
            Some("invalidValue"),
        ),
        group(Some(&["u2"])),
        patch(json!([add(&["u1"])])),
    ];
    assert_eq!(
        one(&there, members(&["u1", "u2"], &[])),
        did(Disposition::Updated)
    );
}

#[test]
fn a_path_that_is_not_understood_leaves_everybody_else_in() {
    let not_understood = refused(
        patch(json!([add(&["u3"]), remove("u1")])),
        400,
        Some("invalidPath"),
    );
    let rest = |ids: Value| json!({"op": "replace", "path": "members", "value": ids});
    let shown = [
        not_understood,
        group(Some(&["u1", "u9"])),
        patch(json!([rest(
            json!([{"value": "u9", "type": "User"}, {"value": "u3"}])
        )])),
        // The next change of the batch does not try what was refused.
        group(Some(&["u9", "u3"])),
        patch(json!([rest(json!([{"value": "u3", "type": "User"}]))])),
    ];
    let changes = [members(&["u3"], &["u1"]), members(&[], &["u9"])];
    let updated = || did(Disposition::Updated);
    assert_eq!(write(PLAIN, &shown, &changes), [updated(), updated()]);
}

#[test]
fn members_that_are_not_shown_are_removed_by_value() {
    let exchanges = [
        refused(patch(json!([remove("u1")])), 400, Some("invalidPath")),
        group(None),
        patch(json!([{"op": "remove", "path": "members", "value": [{"value": "u1"}]}])),
    ];
    assert_eq!(
        one(&exchanges, members(&[], &["u1"])),
        did(Disposition::Updated)
    );
}

#[test]
fn without_patch_the_group_is_replaced_and_nobody_lost() {
    let put = |version: Value, members: Value| {
        json!({
            "request": at("PUT", "Groups/g1"), "headers": version,
            "body": {"schemas": [GROUP], "id": "g1", "displayName": "Department IT", "members": members},
        })
    };
    let version = || json!([["if-match", "W/\"3\""]]);
    let exchanges = [
        group(Some(&["u1", "u9"])),
        put(
            version(),
            json!([{"value": "u9", "type": "User"}, {"value": "u2"}]),
        ),
        group(Some(&["u2", "u9"])),
    ];
    let change = || members(&["u2"], &["u1"]);
    let outcomes = write(r#"{"p":false}"#, &exchanges, &[change(), change()]);
    assert_eq!(
        outcomes,
        [did(Disposition::Updated), did(Disposition::Unchanged)]
    );
    let mut unheard_of = patch(json!([add(&["u2"])]));
    unheard_of["status"] = json!(501);
    let exchanges = [
        unheard_of,
        group(None),
        put(version(), json!([{"value": "u2"}])),
    ];
    assert_eq!(
        one(&exchanges, members(&["u2"], &[])),
        did(Disposition::Updated)
    );
}

#[test]
fn a_version_refused_is_read_and_sent() {
    let mut again = patch(json!([add(&["u1"])]));
    again["headers"] = json!([["if-match", "W/\"3\""]]);
    let exchanges = [
        refused(patch(json!([add(&["u1"])])), 412, None),
        group(Some(&[])),
        again,
    ];
    assert_eq!(
        one(&exchanges, members(&["u1"], &[])),
        did(Disposition::Updated)
    );
}

#[test]
fn a_group_that_is_gone_is_said_to_be() {
    let exchanges = [
        refused(patch(json!([add(&["u1"])])), 404, None),
        json!({"request": at("GET", "Groups/g1"), "status": 404}),
    ];
    let outcome = failed(one(&exchanges, members(&["u1"], &[])));
    assert_eq!(
        outcome,
        (FailureKind::NotFound, "404".to_owned(), Effect::None)
    );
}

#[test]
fn somebody_whom_the_service_does_not_know_is_the_changes_fault() {
    let unknown = (
        FailureKind::Input,
        "unknown-member".to_owned(),
        Effect::None,
    );
    for (status, kind) in [
        (404, None),
        (400, Some("invalidValue")),
        (400, Some("noTarget")),
    ] {
        let exchanges = [
            refused(patch(json!([add(&["u1"])])), status, kind),
            group(Some(&["u9"])),
        ];
        assert_eq!(
            failed(one(&exchanges, members(&["u1"], &[]))),
            unknown,
            "{status}"
        );
    }
    let rest = json!({"op": "replace", "path": "members", "value": [{"value": "u1"}]});
    let exchanges = [
        refused(
            patch(json!([add(&["u1"]), remove("u9")])),
            400,
            Some("invalidValue"),
        ),
        group(Some(&["u9"])),
        refused(patch(json!([rest])), 400, Some("invalidValue")),
    ];
    assert_eq!(failed(one(&exchanges, members(&["u1"], &["u9"]))), unknown);
}

/// To a service that follows the standard, removing named members from `members` is removing everybody.
#[test]
fn nobody_else_is_at_risk_while_somebody_added_may_be_what_was_refused() {
    let exchanges = [
        refused(
            patch(json!([add(&["u1"]), remove("u9")])),
            400,
            Some("invalidValue"),
        ),
        group(None),
    ];
    assert_eq!(
        failed(one(&exchanges, members(&["u1"], &["u9"]))),
        (
            FailureKind::Input,
            "unknown-member".to_owned(),
            Effect::None
        )
    );
}

#[test]
fn what_every_change_would_meet_is_met_once() {
    let mut busy = refused(patch(json!([add(&["u1"])])), 429, None);
    busy["response_headers"] = json!([["retry-after", "3"]]);
    let changes = [members(&["u1"], &[]), members(&["u2"], &[])];
    let outcomes = write(PLAIN, &[busy], &changes);
    assert!(outcomes.iter().all(|outcome| {
        let failure = outcome.as_ref().unwrap_err();
        failure.kind == FailureKind::RateLimited && failure.retry_after_ms == Some(3000)
    }));
    let denied = refused(patch(json!([add(&["u1"])])), 403, None);
    assert_eq!(
        failed(one(&[denied], members(&["u1"], &[]))).0,
        FailureKind::Permission
    );
}

#[test]
fn a_name_that_is_taken_is_a_conflict() {
    let taken = refused(
        patch(json!([{"op": "replace", "path": "displayName", "value": "Department IT"}])),
        409,
        Some("uniqueness"),
    );
    let failure = one(
        &[taken],
        change(Some("g1"), json!({"name": "Department IT"})),
    )
    .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Conflict);
    assert_eq!(
        failure.message,
        "another group in Example has this name or external id (status 409, uniqueness): change or remove \
         that group"
    );
}

#[test]
fn a_group_can_be_deleted_and_deleting_it_again_is_no_error() {
    let delete = |status: u16| json!({"request": at("DELETE", "Groups/g1"), "status": status});
    let gone = || Change {
        data: "null".into(),
        ..members(&[], &[])
    };
    let outcomes = write(PLAIN, &[delete(204), delete(404)], &[gone(), gone()]);
    assert_eq!(
        outcomes,
        [did(Disposition::Deleted), did(Disposition::Deleted)]
    );
}
