//! Bulk requests to a SCIM service.

use matricula_sandbox::{Bulk, Effect, Sandbox, System};
use serde_json::{Value, json};

use crate::http::{Reply, scim};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn start(operations: usize, bytes: usize) -> Sandbox {
    let bulk = Bulk { operations, bytes };
    let builder = Sandbox::builder().people(0);
    let builder = builder.flavour(System::Scim, |f| f.bulk = Some(bulk));
    builder.start_blocking().expect("a sandbox")
}

fn send(sandbox: &Sandbox, more: &Value, operations: &[Value]) -> Reply {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    scim(sandbox, "POST", "/Bulk", &body)
}

fn user(bulk_id: &str, name: &str) -> Value {
    let data = json!({"schemas": [CORE], "userName": name});
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data})
}

/// The `bulkId` and the status of each result, in their order.
fn statuses(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status, 200, "{reply:?}");
    let results = reply.json()["Operations"].clone();
    let results = results.as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    results
        .map(|r| (text(&r["bulkId"]), text(&r["status"])))
        .collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter()
        .map(|&(a, b)| (a.to_owned(), b.to_owned()))
        .collect()
}

#[test]
fn references_lead_to_what_the_same_request_makes() {
    let sandbox = start(10, 100_000);
    let mut ada = user("ada", "ada");
    ada["data"]["schemas"] = json!([CORE, ENTERPRISE]);
    ada["data"][ENTERPRISE] = json!({"manager": {"value": "bulkId:bob"}});
    let members = json!([{"value": "bulkId:ada"}, {"value": "bulkId:bob"}]);
    let data = json!({"schemas": [GROUP], "displayName": "IT", "members": members});
    let group = json!({"method": "POST", "path": "/Groups", "bulkId": "it", "data": data});
    let operations = [json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "title", "value": "Boss"}],
    })];
    let patch = json!({"method": "PATCH", "path": "/Users/bulkId:bob", "data": operations[0]});
    let reply = send(
        &sandbox,
        &json!({}),
        &[ada, group, patch, user("bob", "bob")],
    );
    // Bob is made first: the others wait for him.
    assert_eq!(
        statuses(&reply),
        pairs(&[("bob", "201"), ("ada", "201"), ("it", "201"), ("", "200")])
    );
    let bob = sandbox.accounts().by_user_name("bob").unwrap();
    let ada = sandbox.accounts().by_user_name("ada").unwrap();
    assert_eq!(
        (ada.manager(), bob.text("/title")),
        (Some(bob.id.as_str()), Some("Boss"))
    );
    assert_eq!(sandbox.groups(System::Scim).names_of(&ada.id), ["IT"]);
    let results = reply.json()["Operations"].clone();
    let location = format!("{}/Users/{}", sandbox.scim_url(), bob.id);
    assert_eq!(
        (&results[0]["location"], &results[0]["version"]),
        (&json!(location), &json!("W/\"1\""))
    );
    assert_eq!(
        (&results[3]["location"], &results[3]["version"]),
        (&json!(location), &json!("W/\"2\""))
    );
    let entry = sandbox.journal().entries().pop().unwrap();
    assert_eq!(
        entry.bulk,
        [
            Effect::Created,
            Effect::Created,
            Effect::Grouped,
            Effect::Updated
        ]
    );
    assert_eq!(
        (
            sandbox.journal().creates(),
            sandbox.journal().writes(System::Scim)
        ),
        (2, 1)
    );
}

#[test]
fn one_failure_is_that_operations_alone() {
    let sandbox = start(10, 100_000);
    let ada = sandbox
        .accounts()
        .insert(json!({"userName": "ada"}))
        .unwrap();
    let stale =
        json!({"method": "DELETE", "path": format!("/Users/{}", ada.id), "version": "W/\"9\""});
    let gone = json!({"method": "DELETE", "path": "/Users/nobody"});
    let needy = json!({
        "method": "POST", "path": "/Groups", "bulkId": "g",
        "data": {"schemas": [GROUP], "displayName": "IT", "members": [{"value": "bulkId:twice"}]},
    });
    let nameless =
        json!({"method": "POST", "path": "/Users", "data": {"schemas": [CORE], "userName": "x"}});
    let reply = send(
        &sandbox,
        &json!({}),
        &[
            user("twice", "ADA"),
            stale,
            gone,
            needy,
            nameless,
            user("bob", "bob"),
        ],
    );
    assert_eq!(
        statuses(&reply),
        pairs(&[
            ("twice", "409"),
            ("", "412"),
            ("", "404"),
            ("g", "409"),
            ("", "400"),
            ("bob", "201")
        ])
    );
    let results = reply.json()["Operations"].clone();
    assert_eq!(results[0]["response"]["scimType"], "uniqueness");
    assert_eq!(results[0].get("location"), None);
    assert_eq!(sandbox.accounts().len(), 2);
}

#[test]
fn after_so_many_errors_nothing_more_is_done() {
    let sandbox = start(10, 100_000);
    sandbox
        .accounts()
        .insert(json!({"userName": "ada"}))
        .unwrap();
    let operations = [
        user("1", "ada"),
        user("2", "bob"),
        user("3", "ada"),
        user("4", "cem"),
    ];
    let reply = send(&sandbox, &json!({"failOnErrors": 2}), &operations);
    assert_eq!(
        statuses(&reply),
        pairs(&[("1", "409"), ("2", "201"), ("3", "409")])
    );
    assert_eq!(sandbox.accounts().len(), 2);
}

#[test]
fn whoever_waits_for_each_other_is_refused() {
    let sandbox = start(10, 100_000);
    let manager = |of: &str, name: &str| {
        let mut user = user(name, name);
        user["data"]["schemas"] = json!([CORE, ENTERPRISE]);
        user["data"][ENTERPRISE] = json!({"manager": {"value": format!("bulkId:{of}")}});
        user
    };
    let operations = [
        manager("b", "a"),
        manager("a", "b"),
        user("c", "c"),
        manager("x", "d"),
    ];
    let reply = send(&sandbox, &json!({}), &operations);
    assert_eq!(
        statuses(&reply),
        pairs(&[("c", "201"), ("a", "409"), ("b", "409"), ("d", "409")])
    );
}

#[test]
fn limits_are_said_and_kept() {
    let sandbox = start(2, 600);
    let config = scim(&sandbox, "GET", "/ServiceProviderConfig", &Value::Null).json();
    assert_eq!(
        config["bulk"],
        json!({"supported": true, "maxOperations": 2, "maxPayloadSize": 600})
    );
    let reply = send(
        &sandbox,
        &json!({}),
        &[user("1", "a"), user("2", "b"), user("3", "c")],
    );
    assert_eq!(reply.status, 413);
    let long = "x".repeat(600);
    assert_eq!(send(&sandbox, &json!({}), &[user("1", &long)]).status, 413);
    assert!(sandbox.accounts().is_empty());
    let reply = scim(&sandbox, "POST", "/Bulk", &json!({"Operations": []}));
    assert_eq!(
        (reply.status, reply.json()["scimType"].clone()),
        (400, json!("invalidSyntax"))
    );

    let without = Sandbox::builder().people(0).start_blocking().unwrap();
    assert_eq!(send(&without, &json!({}), &[user("1", "a")]).status, 501);
    let config = scim(&without, "GET", "/ServiceProviderConfig", &Value::Null).json();
    assert_eq!(config["bulk"]["supported"], false);
}
