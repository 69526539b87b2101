//! SCIM services besides the academy's, and what a flavour changes.

use matricula_sandbox::{Attribute, Extension, PatchAnswer, Sandbox, ScimSchemas, System, Tags};
use serde_json::{Value, json};

use crate::http::{Reply, scim_at};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:reteach:2.0:User";

fn call(sandbox: &Sandbox, system: System, method: &str, path: &str, body: &Value) -> Reply {
    scim_at(sandbox, system, method, path, body, &[])
}

fn made(sandbox: &Sandbox, system: System, more: &[(&str, Value)]) -> Reply {
    let mut user = json!({"schemas": [CORE], "userName": "ada@example.com"});
    for (key, value) in more {
        user[*key] = value.clone();
    }
    call(sandbox, system, "POST", "/Users", &user)
}

#[test]
fn services_have_accounts_and_tokens_of_their_own() {
    let sandbox = Sandbox::builder().people(0).start_blocking().unwrap();
    let systems = [System::Scim, System::Edyoucated, System::WinningtempScim];
    for system in systems {
        assert_eq!(made(&sandbox, system, &[]).status, 201, "{system}");
        assert_eq!(sandbox.accounts_of(system).len(), 1);
        assert_eq!(sandbox.journal().writes(system), 1);
    }
    let ids: std::collections::BTreeSet<String> = systems
        .iter()
        .map(|&s| sandbox.accounts_of(s).list().remove(0).id)
        .collect();
    assert_eq!(ids.len(), 3, "an id means nothing elsewhere");
    assert!(sandbox.url(System::WinningtempScim).ends_with("/api/scim"));
    let token = [("authorization", "Bearer sandbox-scim-token")];
    let url = format!("{}/Users", sandbox.url(System::Edyoucated));
    let reply = crate::http::send("GET", &url, &token, b"").unwrap();
    assert_eq!(reply.status, 401);
    assert_eq!(sandbox.origins().len(), System::ALL.len());
}

#[test]
fn edyoucated_keeps_to_the_standard() {
    let sandbox = Sandbox::builder().people(0).start_blocking().unwrap();
    let system = System::Edyoucated;
    let more = [
        ("title", json!("Head of Learning")),
        (ENTERPRISE, json!({"department": "IT"})),
    ];
    let reply = made(&sandbox, system, &more);
    assert_eq!(reply.status, 201, "{reply:?}");
    let user = reply.json();
    let location = user["meta"]["location"].as_str().unwrap();
    assert!(location.starts_with("https://edyoucated.example.com/scim/v2/Users/"));
    let refused = made(
        &sandbox,
        system,
        &[(EXTENSION, json!({"gender": "female"}))],
    );
    assert_eq!(
        (refused.status, refused.json()["scimType"].clone()),
        (400, json!("invalidSyntax"))
    );
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": false}],
    });
    let path = format!("/Users/{}", user["id"].as_str().unwrap());
    let patched = call(&sandbox, system, "PATCH", &path, &body);
    assert_eq!((patched.status, patched.body.len()), (204, 0));
    let ids = |path: &str| {
        let list = call(&sandbox, system, "GET", path, &Value::Null).json();
        let list = list["Resources"].as_array().unwrap().iter();
        list.map(|d| d["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids("/Schemas"),
        [
            CORE,
            "urn:ietf:params:scim:schemas:core:2.0:Group",
            ENTERPRISE
        ]
    );
    assert_eq!(ids("/ResourceTypes"), ["User", "Group"]);
}

#[test]
fn winningtemp_knows_what_it_documents() {
    let sandbox = Sandbox::builder().people(0).start_blocking().unwrap();
    let system = System::WinningtempScim;
    let known = [
        ("externalId", json!("17")),
        ("name", json!({"givenName": "Ada", "familyName": "Muster"})),
        (
            "emails",
            json!([{"value": "ada@example.com", "primary": true}]),
        ),
        ("active", json!(true)),
    ];
    assert_eq!(made(&sandbox, system, &known).status, 201);
    for (key, value) in [
        ("title", json!("Boss")),
        (ENTERPRISE, json!({"department": "IT"})),
    ] {
        let refused = made(
            &sandbox,
            system,
            &[("userName", json!("bob")), (key, value)],
        );
        assert_eq!(refused.status, 400, "{key}");
    }
    assert_eq!(
        call(&sandbox, system, "GET", "/Schemas", &Value::Null).status,
        404
    );
    assert_eq!(
        call(&sandbox, system, "GET", "/Groups", &Value::Null).status,
        200
    );
}

#[test]
fn an_extension_can_be_anybodys() {
    const OWN: Extension = Extension {
        urn: "urn:example:2.0:Worker",
        name: "Worker",
        attributes: &[
            Attribute::text("shoeSize", "Size of the safety shoes"),
            Attribute::yes_or_no("driver", "Whether she may drive"),
        ],
    };
    let builder = Sandbox::builder()
        .people(0)
        .flavour(System::WinningtempScim, |flavour| {
            flavour.extension = Some(OWN);
            flavour.schemas = ScimSchemas::WithExtension;
        });
    let sandbox = builder.start_blocking().unwrap();
    let system = System::WinningtempScim;
    let worker = json!({"shoeSize": "42", "driver": true});
    let reply = made(&sandbox, system, &[(OWN.urn, worker.clone())]);
    assert_eq!((reply.status, reply.json()[OWN.urn].clone()), (201, worker));
    assert_eq!(reply.json()["schemas"], json!([CORE, OWN.urn]));
    let path = format!("/Schemas/{}", OWN.urn);
    let schema = call(&sandbox, system, "GET", &path, &Value::Null).json();
    assert_eq!(schema["attributes"][0]["name"], "shoeSize");
    let core = call(
        &sandbox,
        system,
        "GET",
        &format!("/Schemas/{CORE}"),
        &Value::Null,
    )
    .json();
    let core = core["attributes"].as_array().unwrap().iter();
    let names: Vec<&str> = core.map(|a| a["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["userName", "name", "active", "emails", "groups"]);
}

#[test]
fn versions_may_be_missing_or_needed() {
    let deactivate = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": false}],
    });
    for tags in [Tags::No, Tags::Required] {
        let builder = Sandbox::builder().people(0);
        let builder = builder.flavour(System::Scim, |flavour| flavour.tags = tags);
        let sandbox = builder
            .patch_answer(PatchAnswer::Account)
            .start_blocking()
            .unwrap();
        let reply = made(&sandbox, System::Scim, &[]);
        let path = format!("/Users/{}", reply.json()["id"].as_str().unwrap());
        let patch = |headers: &[(&str, &str)]| {
            scim_at(&sandbox, System::Scim, "PATCH", &path, &deactivate, headers).status
        };
        let version = reply.json()["meta"].get("version").cloned();
        if tags == Tags::No {
            assert_eq!((reply.header("etag"), version), (None, None));
            assert_eq!(patch(&[("if-match", "W/\"9\"")]), 200);
        } else {
            assert_eq!(version, Some(json!("W/\"1\"")));
            assert_eq!(patch(&[]), 428);
            assert_eq!(patch(&[("if-match", "W/\"9\"")]), 412);
            assert_eq!(patch(&[("if-match", "W/\"1\"")]), 200);
        }
        let config = call(
            &sandbox,
            System::Scim,
            "GET",
            "/ServiceProviderConfig",
            &Value::Null,
        );
        assert_eq!(config.json()["etag"]["supported"], tags == Tags::Required);
    }
}

#[test]
fn a_service_may_do_without_groups_and_without_saying_what_it_can() {
    let builder = Sandbox::builder()
        .people(0)
        .flavour(System::Scim, |flavour| {
            flavour.groups = false;
            flavour.config = false;
        });
    let sandbox = builder.start_blocking().unwrap();
    let group =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "IT"});
    for (method, path, body) in [
        ("GET", "/Groups", &Value::Null),
        ("POST", "/Groups", &group),
        ("GET", "/ServiceProviderConfig", &Value::Null),
    ] {
        assert_eq!(
            call(&sandbox, System::Scim, method, path, body).status,
            404,
            "{path}"
        );
    }
    let schemas = call(&sandbox, System::Scim, "GET", "/Schemas", &Value::Null).json();
    assert!(!schemas.to_string().contains("core:2.0:Group"));
    assert!(!schemas.to_string().contains("\"groups\""));

    let builder = Sandbox::builder().people(0);
    let builder = builder.flavour(System::Scim, |flavour| flavour.group_external_id = false);
    let sandbox = builder.start_blocking().unwrap();
    let mut group = group.clone();
    assert_eq!(
        call(&sandbox, System::Scim, "POST", "/Groups", &group).status,
        201
    );
    group["externalId"] = json!("1");
    assert_eq!(
        call(&sandbox, System::Scim, "POST", "/Groups", &group).status,
        400
    );
    let filter = "/Groups?filter=externalId%20eq%20%221%22";
    assert_eq!(
        call(&sandbox, System::Scim, "GET", filter, &Value::Null).status,
        400
    );
}
