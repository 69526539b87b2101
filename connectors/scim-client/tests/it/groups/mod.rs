//! Groups against recorded exchanges. A service's ways are written out in each test, since they differ by one
//! answer.

mod change_members;
mod create;
mod find;
mod learn;

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
