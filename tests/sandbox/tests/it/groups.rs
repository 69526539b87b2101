//! Groups of a SCIM service.

use matricula_sandbox::{Builder, MemberRemoval, Sandbox, System};
use serde_json::{Value, json};

use crate::http::{Reply, scim, scim_with};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn start(builder: Builder) -> Sandbox {
    builder.people(0).start_blocking().expect("a sandbox")
}

/// An account made by hand; its id.
fn account(sandbox: &Sandbox, name: &str) -> String {
    let made = sandbox.accounts().insert(json!({"userName": name}));
    made.expect("an account").id
}

fn create(sandbox: &Sandbox, name: &str, external_id: &str, members: &[&str]) -> Reply {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let body = json!({
        "schemas": [GROUP],
        "displayName": name,
        "externalId": external_id,
        "members": members,
    });
    scim(sandbox, "POST", "/Groups", &body)
}

fn id(reply: &Reply) -> String {
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["id"].as_str().unwrap().to_owned()
}

fn patch(sandbox: &Sandbox, id: &str, operations: &Value) -> Reply {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    });
    scim(sandbox, "PATCH", &format!("/Groups/{id}"), &body)
}

fn error(reply: &Reply) -> (u16, Value) {
    (reply.status, reply.json()["scimType"].clone())
}

fn members(sandbox: &Sandbox, id: &str) -> Vec<String> {
    sandbox.groups(System::Scim).get(id).unwrap().members
}

fn sorted(ids: &[&String]) -> Vec<String> {
    let mut ids: Vec<String> = ids.iter().copied().cloned().collect();
    ids.sort();
    ids
}

#[test]
fn create_read_replace_delete() {
    let sandbox = start(Sandbox::builder());
    let (ada, bob) = (account(&sandbox, "ada"), account(&sandbox, "bob"));
    let reply = create(&sandbox, "Department IT", "d:1", &[&ada, &ada]);
    let group = id(&reply);
    let made = reply.json();
    let location = format!("{}/Groups/{group}", sandbox.scim_url());
    assert_eq!(reply.header("location"), Some(location.as_str()));
    assert_eq!(reply.header("etag"), Some("W/\"1\""));
    assert_eq!(made["meta"]["resourceType"], "Group");
    assert_eq!(
        made["members"].as_array().unwrap().len(),
        1,
        "twice is once"
    );
    assert_eq!(made["members"][0]["value"], ada);
    assert_eq!(
        made["members"][0]["$ref"],
        format!("{}/Users/{ada}", sandbox.scim_url())
    );

    // The user shows the group, which it cannot write.
    let user = scim(&sandbox, "GET", &format!("/Users/{ada}"), &Value::Null).json();
    assert_eq!(
        user["groups"],
        json!([{"value": group, "$ref": location, "display": "Department IT", "type": "direct"}])
    );
    let query = format!("/Users?filter=groups.value%20eq%20%22{group}%22");
    let found = scim(&sandbox, "GET", &query, &Value::Null).json();
    assert_eq!(
        (found["totalResults"].as_u64(), &found["Resources"][0]["id"]),
        (Some(1), &json!(ada))
    );

    let path = format!("/Groups/{group}");
    let whole = json!({"schemas": [GROUP], "displayName": "IT", "members": [{"value": bob}]});
    let wrong = scim_with(&sandbox, "PUT", &path, &whole, &[("if-match", "W/\"7\"")]);
    assert_eq!(error(&wrong), (412, Value::Null));
    let put = scim_with(&sandbox, "PUT", &path, &whole, &[("if-match", "W/\"1\"")]);
    assert_eq!((put.status, put.header("etag")), (200, Some("W/\"2\"")));
    let same = scim(&sandbox, "PUT", &path, &whole);
    assert_eq!(same.header("etag"), Some("W/\"2\""), "nothing changed");
    assert_eq!(members(&sandbox, &group), sorted(&[&bob]));
    assert_eq!(put.json()["externalId"], Value::Null);

    // Whoever is deleted is in no group, which is thereby another version.
    assert!(sandbox.accounts().remove(&bob));
    let now = sandbox.groups(System::Scim).get(&group).unwrap();
    assert_eq!((now.members.len(), now.version), (0, 3));

    assert_eq!(scim(&sandbox, "DELETE", &path, &Value::Null).status, 204);
    assert_eq!(
        error(&scim(&sandbox, "GET", &path, &Value::Null)),
        (404, Value::Null)
    );
    assert_eq!(
        error(&patch(&sandbox, &group, &json!([]))),
        (404, Value::Null)
    );
    let stats = sandbox.journal().stats();
    assert_eq!((stats.grouped, stats.unchanged, stats.created), (3, 1, 0));
}

#[test]
fn groups_are_found_and_paged() {
    let sandbox = start(Sandbox::builder().scim_page(2));
    let ada = account(&sandbox, "ada");
    for n in 1..=5 {
        let members: &[&str] = if n == 4 { &[&ada] } else { &[] };
        id(&create(
            &sandbox,
            &format!("Team {n}"),
            &format!("t:{n}"),
            members,
        ));
    }
    let total = |filter: &str| {
        let query: String = filter.replace(' ', "%20").replace('"', "%22");
        let path = format!("/Groups?filter={query}");
        let reply = scim(&sandbox, "GET", &path, &Value::Null);
        assert_eq!(reply.status, 200, "{reply:?}");
        let list = reply.json();
        (
            list["totalResults"].as_u64().unwrap(),
            list["Resources"][0]["displayName"].clone(),
        )
    };
    assert_eq!(total("displayName eq \"team 3\""), (1, json!("Team 3")));
    assert_eq!(total("externalId eq \"t:2\""), (1, json!("Team 2")));
    assert_eq!(
        total("externalId eq \"T:2\"").0,
        0,
        "external ids have case"
    );
    assert_eq!(
        total(&format!("members.value eq \"{ada}\"")),
        (1, json!("Team 4"))
    );
    assert_eq!(
        total(&format!("members eq \"{ada}\"")),
        (1, json!("Team 4"))
    );
    let refused = scim(
        &sandbox,
        "GET",
        "/Groups?filter=userName%20eq%20%22a%22",
        &Value::Null,
    );
    assert_eq!(error(&refused), (400, json!("invalidFilter")));

    let page = scim(
        &sandbox,
        "GET",
        "/Groups?startIndex=3&count=9",
        &Value::Null,
    )
    .json();
    assert_eq!(
        (page["totalResults"].as_u64(), page["itemsPerPage"].as_u64()),
        (Some(5), Some(2))
    );
    assert_eq!(page["Resources"][0]["displayName"], "Team 3");
    let bare = scim(
        &sandbox,
        "GET",
        "/Groups?startIndex=4&excludedAttributes=members",
        &Value::Null,
    );
    let bare = bare.json()["Resources"][0].clone();
    assert_eq!(
        (bare.get("members"), &bare["displayName"]),
        (None, &json!("Team 4"))
    );
    assert_eq!(sandbox.journal().stats().pages.of(System::Scim), 8);
}

#[test]
fn names_and_external_ids_are_unique() {
    let sandbox = start(Sandbox::builder());
    id(&create(&sandbox, "IT", "1", &[]));
    let other = id(&create(&sandbox, "HR", "2", &[]));
    let conflict = (409, json!("uniqueness"));
    assert_eq!(error(&create(&sandbox, "Sales", "1", &[])), conflict);
    assert_eq!(error(&create(&sandbox, "it", "3", &[])), conflict);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "It"}]);
    assert_eq!(error(&patch(&sandbox, &other, &rename)), conflict);
    let rename = json!([{"op": "replace", "path": "displayName", "value": "hr"}]);
    assert_eq!(patch(&sandbox, &other, &rename).status, 200, "its own name");

    let lax = start(Sandbox::builder().flavour(System::Scim, |f| f.unique_group_names = false));
    id(&create(&lax, "IT", "1", &[]));
    id(&create(&lax, "IT", "2", &[]));
    assert_eq!(lax.groups(System::Scim).by_name("IT").len(), 2);
    assert_eq!(error(&create(&lax, "IT", "2", &[])), conflict);
}

#[test]
fn members_come_and_go_by_patch() {
    let sandbox = start(Sandbox::builder());
    let [ada, bob, cem] = ["ada", "bob", "cem"].map(|name| account(&sandbox, name));
    let group = id(&create(&sandbox, "IT", "1", &[]));
    let apply = |operation: Value| {
        let reply = patch(&sandbox, &group, &json!([operation]));
        assert_eq!(reply.status, 200, "{reply:?}");
        members(&sandbox, &group)
    };
    let add = json!({"op": "add", "path": "members", "value": [{"value": ada}, {"value": bob}]});
    assert_eq!(apply(add.clone()), sorted(&[&ada, &bob]));
    assert_eq!(apply(add), sorted(&[&ada, &bob]), "again is nothing");
    // Entra ID: capitals, no path, a name and members at once.
    let entra =
        json!({"op": "Add", "value": {"displayName": "Computers", "members": [{"value": cem}]}});
    assert_eq!(apply(entra), sorted(&[&ada, &bob, &cem]));
    let gone = json!({"op": "remove", "path": format!("members[value eq \"{ada}\"]")});
    assert_eq!(apply(gone.clone()), sorted(&[&bob, &cem]));
    assert_eq!(
        apply(gone),
        sorted(&[&bob, &cem]),
        "who is not in is no error"
    );
    let list =
        json!({"op": "Remove", "path": "members", "value": [{"value": cem}, {"value": ada}]});
    assert_eq!(apply(list), sorted(&[&bob]));
    let whole = json!({"op": "replace", "path": "members", "value": [{"value": ada}]});
    assert_eq!(apply(whole), sorted(&[&ada]));
    assert_eq!(
        apply(json!({"op": "remove", "path": "members"})),
        sorted(&[])
    );
    assert_eq!(
        sandbox.groups(System::Scim).get(&group).unwrap().name,
        "Computers"
    );

    // All or nothing, and a stranger is named.
    let mixed = json!([
        {"op": "add", "path": "members", "value": [{"value": bob}]},
        {"op": "add", "path": "members", "value": [{"value": "nobody"}]},
    ]);
    let refused = patch(&sandbox, &group, &mixed);
    assert_eq!(error(&refused), (400, json!("invalidValue")));
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("nobody")
    );
    assert_eq!(members(&sandbox, &group), sorted(&[]));
    let nameless = json!([{"op": "remove", "path": "displayName"}]);
    assert_eq!(
        error(&patch(&sandbox, &group, &nameless)),
        (400, json!("invalidValue"))
    );
    let unknown = json!([{"op": "add", "path": "colour", "value": "red"}]);
    assert_eq!(
        error(&patch(&sandbox, &group, &unknown)),
        (400, json!("invalidPath"))
    );
    assert_eq!(
        error(&create(&sandbox, " ", "9", &[])),
        (400, json!("invalidValue"))
    );
}

#[test]
fn services_differ_in_how_members_are_removed() {
    let by_filter =
        |ada: &str| json!({"op": "remove", "path": format!("members[value eq \"{ada}\"]")});
    let by_value =
        |ada: &str| json!({"op": "remove", "path": "members", "value": [{"value": ada}]});
    for (removal, filter, value) in [
        (MemberRemoval::Any, Ok(1), Ok(1)),
        (MemberRemoval::ByFilter, Ok(1), Err("invalidValue")),
        (MemberRemoval::ByFilterOrAll, Ok(1), Ok(0)),
        (MemberRemoval::ByValue, Err("invalidPath"), Ok(1)),
        (MemberRemoval::Never, Err("mutability"), Err("mutability")),
    ] {
        let sandbox = start(Sandbox::builder().flavour(System::Scim, |f| f.removal = removal));
        let (ada, bob) = (account(&sandbox, "ada"), account(&sandbox, "bob"));
        for (name, operation, expected) in
            [("a", by_filter(&ada), filter), ("b", by_value(&ada), value)]
        {
            let group = id(&create(&sandbox, name, name, &[&ada, &bob]));
            let reply = patch(&sandbox, &group, &json!([operation]));
            match expected {
                Ok(left) => assert_eq!(members(&sandbox, &group).len(), left, "{removal:?} {name}"),
                Err(kind) => assert_eq!(error(&reply), (400, json!(kind)), "{removal:?} {name}"),
            }
            let whole = json!([{"op": "replace", "path": "members", "value": [{"value": bob}]}]);
            assert_eq!(patch(&sandbox, &group, &whole).status, 200);
            assert_eq!(members(&sandbox, &group), sorted(&[&bob]));
        }
    }
}

#[test]
fn a_test_sees_and_changes_groups() {
    let sandbox = start(Sandbox::builder());
    let groups = sandbox.groups(System::Scim);
    assert!(groups.is_empty());
    let ada = account(&sandbox, "ada");
    let it = groups
        .insert(json!({"displayName": "IT", "externalId": "x"}))
        .unwrap();
    let hr = groups.insert(json!({"displayName": "HR"})).unwrap();
    assert_eq!(
        groups.add_member(&it.id, &ada).unwrap().members,
        sorted(&[&ada])
    );
    groups.add_member(&hr.id, &ada).unwrap();
    assert!(groups.add_member(&hr.id, "nobody").is_err());
    assert_eq!(groups.names_of(&ada), ["HR", "IT"]);
    assert_eq!(groups.by_external_id("x").unwrap().id, it.id);
    assert!(groups.remove(&it.id) && !groups.remove(&it.id));
    assert_eq!(groups.names_of(&ada), ["HR"]);
    assert_eq!(groups.len(), 1);
    assert!(groups.insert(json!({"externalId": "x"})).is_err());
}
