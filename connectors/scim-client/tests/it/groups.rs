//! Groups against recorded exchanges. A service's ways are written out in each test, since they differ by one
//! answer.

use crate::common::{BASE, PLAIN, PROFILE};
use matricula_scim::{Client, GROUP, Groups};
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Change, Disposition, Effect, Failure, FailureKind, Receipt};
use serde_json::{Value, json};

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

fn at(method: &str, path: &str) -> String {
    format!("{method} {BASE}{path}")
}

fn play<T>(exchanges: &[Value], call: impl FnOnce(&Client<'_>) -> T) -> T {
    let transcript = Transcript::new(Value::from(exchanges.to_vec()));
    let cx = transcript.context(&json!({}));
    let result = call(&Client::new(&cx, BASE, &PROFILE).unwrap());
    transcript.done();
    result
}

fn write(prepared: &str, exchanges: &[Value], changes: &[Change]) -> Vec<Result<Receipt, Failure>> {
    play(exchanges, |client| {
        client.write_groups(prepared, changes).unwrap()
    })
}

fn one(exchanges: &[Value], change: Change) -> Result<Receipt, Failure> {
    write(PLAIN, exchanges, &[change]).remove(0)
}

fn change(id: Option<&str>, data: Value) -> Change {
    Change {
        idempotency_key: "k".into(),
        remote_id: id.map(str::to_owned),
        data: data.to_string(),
    }
}

fn members(add: &[&str], remove: &[&str]) -> Change {
    change(Some("g1"), json!({"add": add, "remove": remove}))
}

fn did(disposition: Disposition) -> Result<Receipt, Failure> {
    Ok(Receipt {
        remote_id: Some("g1".into()),
        disposition,
    })
}

fn failed(outcome: Result<Receipt, Failure>) -> (FailureKind, String, Effect) {
    let failure = outcome.unwrap_err();
    assert!(!failure.message.contains("u1"), "{}", failure.message);
    (
        failure.kind,
        failure.code.unwrap_or_default(),
        failure.effect,
    )
}

fn patch(operations: Value) -> Value {
    json!({
        "request": at("PATCH", "Groups/g1"), "status": 204,
        "headers": [["content-type", "application/scim+json"]],
        "body": {"schemas": [PATCH_OP], "Operations": operations},
    })
}

fn refused(mut exchange: Value, status: u16, kind: Option<&str>) -> Value {
    exchange["status"] = json!(status);
    exchange["response"] =
        json!({"schemas": [ERROR], "status": status.to_string(), "detail": "u1 is wrong"});
    if let Some(kind) = kind {
        exchange["response"]["scimType"] = json!(kind);
    }
    exchange
}

fn add(ids: &[&str]) -> Value {
    let value: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
    json!({"op": "add", "path": "members", "value": value})
}

fn remove(id: &str) -> Value {
    json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})
}

fn group(members: Option<&[&str]>) -> Value {
    let mut group = json!({
        "schemas": [GROUP], "id": "g1", "displayName": "Department IT",
        "meta": {"resourceType": "Group", "version": "W/\"3\""},
    });
    if let Some(members) = members {
        group["members"] = members
            .iter()
            .map(|id| json!({"value": id, "display": "Somebody", "type": "User"}))
            .collect();
    }
    json!({"request": at("GET", "Groups/g1"), "response": group})
}

fn found(filter: &str, groups: Value) -> Value {
    let path = format!("Groups?filter={filter}&excludedAttributes=members");
    let total = groups.as_array().unwrap().len();
    json!({"request": at("GET", &path), "response": {"totalResults": total, "Resources": groups}})
}

const BY_ID: &str = "externalId%20eq%20%22matricula%3Adepartment%3A17%22";
const BY_NAME: &str = "displayName%20eq%20%22Department%20IT%22";

fn department(add: &[&str]) -> Change {
    change(
        None,
        json!({"external_id": "matricula:department:17", "name": "Department IT", "add": add}),
    )
}

fn post(status: u16, response: Value) -> Value {
    json!({
        "request": at("POST", "Groups"), "status": status, "response": response,
        "body": {
            "schemas": [GROUP], "displayName": "Department IT", "externalId": "matricula:department:17",
            "members": [{"value": "u1"}],
        },
    })
}

mod create {
    use super::*;

    #[test]
    fn a_group_is_made_with_its_members() {
        let outcome = one(&[post(201, json!({"id": "g1"}))], department(&["u1"]));
        assert_eq!(outcome, did(Disposition::Created));
        let mut located = post(201, Value::Null);
        located["response_headers"] =
            json!([["location", "https://scim.example.com/v2/Groups/g1"]]);
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
}

mod change_members {
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
}

mod learn {
    use super::*;

    const ATTRIBUTES: [&str; 4] = ["external_id", "name", "add", "remove"];
    const LIST: &str = "Groups?startIndex=1&count=1&excludedAttributes=members";
    const SEARCH: &str = "Groups?filter=externalId%20eq%20%22matricula%22&excludedAttributes=members&startIndex=1&count=1";

    fn answer(path: &str, status: u16) -> Value {
        let groups = json!({"totalResults": 0, "Resources": []});
        json!({"request": at("GET", path), "status": status, "response": groups})
    }

    fn prepare(filter: bool, answers: &[Value]) -> Result<Vec<String>, Failure> {
        let asked: Vec<String> = ATTRIBUTES.iter().map(|name| (*name).to_owned()).collect();
        let config = json!({"etag": {"supported": true}, "filter": {"supported": filter}});
        let config = json!({"request": at("GET", "ServiceProviderConfig"), "response": config});
        let exchanges: Vec<Value> = [config]
            .into_iter()
            .chain(answers.iter().cloned())
            .collect();
        let prepared = play(&exchanges, |client| client.prepare_groups(&asked))?;
        assert!(prepared.prepared.contains(r#""e":true"#), "{prepared:?}");
        Ok(prepared.unavailable)
    }

    #[test]
    fn one_search_tells_that_there_are_groups_with_external_ids() {
        assert_eq!(prepare(true, &[answer(SEARCH, 200)]), Ok(vec![]));
        // Some answer a search without a result by 404.
        assert_eq!(
            prepare(true, &[answer(SEARCH, 404), answer(LIST, 200)]),
            Ok(vec![])
        );
        assert_eq!(prepare(false, &[answer(LIST, 200)]), Ok(vec![]));
    }

    #[test]
    fn groups_that_cannot_be_searched_by_external_id_are_found_by_name_alone() {
        let answers = [answer(SEARCH, 400), answer(LIST, 200)];
        assert_eq!(prepare(true, &answers).unwrap(), ["external_id"]);
    }

    #[test]
    fn a_service_without_groups_has_no_attribute_of_one() {
        for status in [403, 404, 501] {
            let answers = [answer(SEARCH, status), answer(LIST, status)];
            assert_eq!(prepare(true, &answers).unwrap(), ATTRIBUTES, "{status}");
        }
        for (status, kind) in [(401, FailureKind::Auth), (503, FailureKind::Unavailable)] {
            let answers = [answer(SEARCH, status), answer(LIST, status)];
            assert_eq!(prepare(true, &answers).unwrap_err().kind, kind);
        }
    }

    #[test]
    fn what_may_not_be_seen_is_told_from_what_there_is_not() {
        let ask = |status: u16, response: Value| {
            let path = "Groups?startIndex=1&count=1&excludedAttributes=members";
            let exchange =
                json!({"request": at("GET", path), "status": status, "response": response});
            play(&[exchange], |client| client.groups())
        };
        assert_eq!(
            ask(200, json!({"totalResults": 0})),
            Ok(Groups::Offered(Some(0)))
        );
        assert_eq!(ask(403, Value::Null), Ok(Groups::Forbidden));
        assert_eq!(ask(404, Value::Null), Ok(Groups::NotOffered));
    }
}

mod find {
    use super::*;

    fn find(
        prepared: &str,
        attribute: &str,
        values: &[&str],
        exchanges: &[Value],
    ) -> Vec<Vec<(String, Value)>> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let found = play(exchanges, |client| {
            client.find_groups(prepared, attribute, &values).unwrap()
        });
        let read = |found: matricula_sdk::Found| {
            (found.remote_id, serde_json::from_str(&found.data).unwrap())
        };
        found
            .into_iter()
            .map(|list| list.into_iter().map(read).collect())
            .collect()
    }

    #[test]
    fn groups_are_found_by_external_id_and_by_name_exactly() {
        let it = json!({"id": "g1", "displayName": "Department IT", "externalId": "matricula:department:17"});
        let data = json!({"external_id": "matricula:department:17", "name": "Department IT"});
        let same = || vec![("g1".to_owned(), data.clone())];
        assert_eq!(
            find(
                PLAIN,
                "external_id",
                &["matricula:department:17"],
                &[found(BY_ID, json!([it]))]
            ),
            [same()]
        );
        let other = json!({"id": "g2", "displayName": "DEPARTMENT IT"});
        assert_eq!(
            find(
                PLAIN,
                "name",
                &["Department IT", ""],
                &[found(BY_NAME, json!([it, other]))]
            ),
            [same(), vec![]]
        );
        let by_id = json!({"request": at("GET", "Groups/g1"), "response": {"id": "g1", "displayName": "X"}});
        assert_eq!(
            find(PLAIN, "remote-id", &["g1"], &[by_id]),
            [vec![(
                "g1".to_owned(),
                json!({"external_id": null, "name": "X"})
            )]]
        );
    }

    #[test]
    fn a_service_that_cannot_search_is_gone_through_page_by_page() {
        let page = |at_index: u32, groups: Value| {
            let path = format!("Groups?startIndex={at_index}&count=100&excludedAttributes=members");
            json!({"request": at("GET", &path), "response": {"totalResults": 3, "Resources": groups}})
        };
        let group = |id: &str, name: &str| json!({"id": id, "displayName": name});
        let exchanges = [
            page(1, json!([group("g1", "Team A"), group("g2", "Team B")])),
            page(3, json!([group("g3", "Team C")])),
        ];
        let found = find(
            r#"{"f":false}"#,
            "name",
            &["Team C", "Team D", "Team A"],
            &exchanges,
        );
        let ids = found
            .iter()
            .map(|list| list.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>());
        assert_eq!(ids.collect::<Vec<_>>(), [vec!["g3"], vec![], vec!["g1"]]);
    }

    #[test]
    fn groups_are_not_found_by_anything_else() {
        let outcome = play(&[], |client| {
            client.find_groups(PLAIN, "members", &["u1".to_owned()])
        });
        let Err(failure) = outcome else {
            panic!("found")
        };
        assert_eq!(failure.code.as_deref(), Some("not-offered"));
    }
}
