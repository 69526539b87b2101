//! The academy's SCIM service.

use matricula_sandbox::{Effect, PatchAnswer, Sandbox, ScimSchemas};
use serde_json::{Value, json};

use crate::http::{Reply, scim, scim_with, send};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:reteach:2.0:User";

fn start() -> Sandbox {
    Sandbox::builder()
        .people(0)
        .start_blocking()
        .expect("a sandbox")
}

fn user(name: &str, external_id: &str) -> Value {
    json!({
        "schemas": [CORE, ENTERPRISE, EXTENSION],
        "userName": name,
        "externalId": external_id,
        "name": {"givenName": "Ada", "familyName": "Muster"},
        "emails": [{"type": "work", "value": name, "primary": true}],
        "active": true,
        ENTERPRISE: {"organization": "Beispiel GmbH", "department": "IT"},
        EXTENSION: {"gender": "female", "contractEnd": "2026-12-31"},
    })
}

fn create(sandbox: &Sandbox, name: &str, external_id: &str) -> String {
    let reply = scim(sandbox, "POST", "/Users", &user(name, external_id));
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["id"].as_str().unwrap().to_owned()
}

fn patch(sandbox: &Sandbox, id: &str, operations: &Value) -> Reply {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    });
    scim(sandbox, "PATCH", &format!("/Users/{id}"), &body)
}

/// The status and `scimType` of an error.
fn error(reply: &Reply) -> (u16, Option<String>) {
    let body = reply.json();
    assert_eq!(
        body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:Error"])
    );
    assert_eq!(body["status"], reply.status.to_string());
    (reply.status, body["scimType"].as_str().map(str::to_owned))
}

fn bad(kind: &str) -> (u16, Option<String>) {
    (400, Some(kind.to_owned()))
}

#[test]
fn create_read_replace_delete() {
    let sandbox = start();
    let reply = scim(&sandbox, "POST", "/Users", &user("Ada@example.com", "1"));
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("content-type"), Some("application/scim+json"));
    let made = reply.json();
    let id = made["id"].as_str().unwrap();
    let location = format!("{}/Users/{id}", sandbox.scim_url());
    assert_eq!(reply.header("location"), Some(location.as_str()));
    assert_eq!(made["meta"]["location"], location);
    assert_eq!(reply.header("etag"), Some("W/\"1\""));
    assert_eq!(made["schemas"], json!([CORE, ENTERPRISE, EXTENSION]));

    let path = format!("/Users/{id}");
    assert_eq!(scim(&sandbox, "GET", &path, &Value::Null).json(), made);
    let none = scim_with(
        &sandbox,
        "GET",
        &path,
        &Value::Null,
        &[("if-none-match", "W/\"1\"")],
    );
    assert_eq!(none.status, 304);

    let less = json!({"schemas": [CORE], "userName": "ada@example.com"});
    let wrong = scim_with(&sandbox, "PUT", &path, &less, &[("if-match", "W/\"9\"")]);
    assert_eq!(error(&wrong), (412, None));
    let put = scim_with(&sandbox, "PUT", &path, &less, &[("if-match", "W/\"1\"")]);
    assert_eq!((put.status, put.header("etag")), (200, Some("W/\"2\"")));
    assert_eq!(put.json()["externalId"], Value::Null);
    assert_eq!(put.json()["schemas"], json!([CORE]));

    let gone = scim(&sandbox, "DELETE", &path, &Value::Null);
    assert_eq!((gone.status, gone.body.len()), (204, 0));
    for method in ["GET", "DELETE"] {
        assert_eq!(
            error(&scim(&sandbox, method, &path, &Value::Null)),
            (404, None)
        );
    }
    assert_eq!(error(&patch(&sandbox, id, &json!([]))), (404, None));
    let stats = sandbox.journal().stats();
    assert_eq!((stats.created, stats.updated, stats.deleted), (1, 1, 1));
    // The name and the external id are free again.
    create(&sandbox, "ADA@example.com", "1");
}

#[test]
fn names_and_external_ids_are_unique() {
    let sandbox = start();
    create(&sandbox, "ada@example.com", "1");
    let other = create(&sandbox, "bob@example.com", "2");
    let conflict = (409, Some("uniqueness".to_owned()));
    let same_name = scim(&sandbox, "POST", "/Users", &user("ADA@Example.com", "3"));
    assert_eq!(error(&same_name), conflict);
    let same_id = scim(&sandbox, "POST", "/Users", &user("cem@example.com", "1"));
    assert_eq!(error(&same_id), conflict);
    let op = json!([{"op": "replace", "path": "userName", "value": "Ada@example.com"}]);
    assert_eq!(error(&patch(&sandbox, &other, &op)), conflict);
    assert_eq!(
        sandbox.accounts().get(&other).unwrap().user_name,
        "bob@example.com"
    );
    assert_eq!(sandbox.accounts().len(), 2);
}

#[test]
fn what_is_wrong_is_refused() {
    let sandbox = start();
    let post = |body: Value| scim(&sandbox, "POST", "/Users", &body);
    assert_eq!(
        error(&post(json!({"schemas": [CORE]}))),
        bad("invalidValue")
    );
    assert_eq!(
        error(&post(json!({"userName": "a@example.com"}))),
        bad("invalidSyntax")
    );
    for (key, value, kind) in [
        ("shoeSize", json!(42), "invalidSyntax"),
        ("urn:example:unknown:2.0:User", json!({}), "invalidSyntax"),
        ("active", json!("maybe"), "invalidValue"),
        ("title", json!(5), "invalidValue"),
        ("name", json!("Ada"), "invalidValue"),
        ("emails", json!([{"value": 1}]), "invalidValue"),
        (
            EXTENSION,
            json!({"contractEnd": "31.12.2026"}),
            "invalidValue",
        ),
        (
            ENTERPRISE,
            json!({"manager": {"value": "nobody"}}),
            "invalidValue",
        ),
    ] {
        let mut body = json!({"schemas": [CORE], "userName": "a@example.com"});
        body[key] = value;
        assert_eq!(error(&post(body)), bad(kind), "{key}");
    }
    assert!(sandbox.accounts().is_empty());

    let url = format!("{}/Users", sandbox.scim_url());
    let body = user("a@example.com", "1").to_string();
    let token = ("authorization", "Bearer sandbox-scim-token");
    let plain = send(
        "POST",
        &url,
        &[token, ("content-type", "text/plain")],
        body.as_bytes(),
    )
    .unwrap();
    assert_eq!(error(&plain), (415, None));
    let broken = send(
        "POST",
        &url,
        &[token, ("content-type", "application/json")],
        b"{",
    )
    .unwrap();
    assert_eq!(error(&broken), bad("invalidSyntax"));
    let anonymous = send("GET", &url, &[], b"").unwrap();
    assert_eq!(error(&anonymous), (401, None));
    assert!(anonymous.header("www-authenticate").is_some());
}

#[test]
fn patch_paths() {
    let sandbox = start();
    let id = create(&sandbox, "ada@example.com", "1");
    let boss = create(&sandbox, "boss@example.com", "2");
    let ops = json!([
        {"op": "replace", "path": "title", "value": "Lead"},
        {"op": "replace", "path": "name.givenName", "value": "Adele"},
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "new@example.com"},
        {"op": "add", "path": "emails[type eq \"home\"].value", "value": "home@example.com"},
        {"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": "HR"},
        {"op": "add", "path": format!("{ENTERPRISE}:manager.value"), "value": boss},
        {"op": "replace", "path": format!("{EXTENSION}:gender"), "value": "diverse"},
        {"op": "remove", "path": format!("{EXTENSION}:contractEnd")},
        {"op": "replace", "path": "active", "value": "False"},
        {"op": "replace", "path": format!("{CORE}:USERNAME"), "value": "new@example.com"},
    ]);
    let reply = patch(&sandbox, &id, &ops);
    assert_eq!(
        (reply.status, reply.header("etag")),
        (200, Some("W/\"2\"")),
        "{reply:?}"
    );
    let now = sandbox.accounts().get(&id).unwrap();
    assert_eq!(reply.json(), now.resource);
    assert_eq!(now.text("/title"), Some("Lead"));
    assert_eq!(
        now.resource["name"],
        json!({"givenName": "Adele", "familyName": "Muster"})
    );
    assert_eq!(
        now.resource["emails"],
        json!([{"type": "work", "value": "new@example.com", "primary": true},
               {"type": "home", "value": "home@example.com"}])
    );
    assert_eq!(
        (now.enterprise("department"), now.enterprise("organization")),
        (Some("HR"), Some("Beispiel GmbH"))
    );
    assert_eq!(now.manager(), Some(boss.as_str()));
    assert_eq!(
        (now.extension("gender"), now.extension("contractEnd")),
        (Some("diverse"), None)
    );
    assert_eq!(
        (now.active, now.user_name.as_str()),
        (false, "new@example.com")
    );
    assert!(sandbox.accounts().by_user_name("ada@example.com").is_none());

    // The same again changes nothing, and says so.
    let before = sandbox.accounts().get(&id).unwrap();
    assert_eq!(patch(&sandbox, &id, &ops).status, 200);
    assert_eq!(sandbox.accounts().get(&id).unwrap(), before);
    assert_eq!(
        sandbox.journal().entries().last().unwrap().effect,
        Some(Effect::Unchanged)
    );
}

#[test]
fn patch_without_path_and_whole_objects() {
    let sandbox = start();
    let id = create(&sandbox, "ada@example.com", "1");
    let boss = create(&sandbox, "boss@example.com", "2");
    let manager = format!("{ENTERPRISE}:manager");
    let mut value = json!({
        "displayName": "Ada M.",
        "name.familyName": "Neu",
        "emails[type eq \"work\"].value": "x@example.com",
        ENTERPRISE: {"department": "Legal"},
    });
    value[manager.as_str()] = json!({"value": boss, "displayName": "ignored"});
    let reply = patch(&sandbox, &id, &json!([{"op": "replace", "value": value}]));
    assert_eq!(reply.status, 200, "{reply:?}");
    let now = sandbox.accounts().get(&id).unwrap();
    assert_eq!(
        (now.text("/displayName"), now.text("/name/familyName")),
        (Some("Ada M."), Some("Neu"))
    );
    assert_eq!(now.text("/emails/0/value"), Some("x@example.com"));
    assert_eq!(now.enterprise("department"), Some("Legal"));
    assert_eq!(
        now.enterprise("organization"),
        Some("Beispiel GmbH"),
        "what is not named stays"
    );
    assert_eq!(now.resource[ENTERPRISE]["manager"], json!({"value": boss}));

    for (op, nobody) in [
        ("replace", json!("")),
        ("replace", Value::Null),
        ("remove", Value::Null),
    ] {
        let bare = json!([{"op": "add", "path": manager, "value": boss}]);
        assert_eq!(patch(&sandbox, &id, &bare).status, 200);
        assert_eq!(
            sandbox.accounts().get(&id).unwrap().manager(),
            Some(boss.as_str())
        );
        let clear = json!([{"op": op, "path": manager, "value": nobody}]);
        assert_eq!(patch(&sandbox, &id, &clear).status, 200, "{clear}");
        assert_eq!(
            sandbox.accounts().get(&id).unwrap().manager(),
            None,
            "{clear}"
        );
    }
    let whole = json!([{"op": "replace", "path": EXTENSION, "value": {"location": "Wien", "gender": null}}]);
    assert_eq!(patch(&sandbox, &id, &whole).status, 200);
    let now = sandbox.accounts().get(&id).unwrap();
    assert_eq!(
        (now.extension("location"), now.extension("gender")),
        (Some("Wien"), None)
    );
    assert_eq!(now.extension("contractEnd"), Some("2026-12-31"));
    assert_eq!(
        patch(&sandbox, &id, &json!([{"op": "remove", "path": EXTENSION}])).status,
        200
    );
    assert_eq!(
        sandbox.accounts().get(&id).unwrap().resource["schemas"],
        json!([CORE, ENTERPRISE])
    );
}

#[test]
fn a_patch_happens_whole_or_not_at_all() {
    let sandbox = start();
    let id = create(&sandbox, "ada@example.com", "1");
    let before = sandbox.accounts().get(&id).unwrap();
    for (operation, kind) in [
        (
            json!({"op": "replace", "path": "shoeSize", "value": 1}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "name.nick", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "urn:example:2.0:User:x", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "emails[type eq", "value": "x"}),
            "invalidPath",
        ),
        (
            json!({"op": "replace", "path": "title", "value": 1}),
            "invalidValue",
        ),
        (
            json!({"op": "replace", "path": "id", "value": "x"}),
            "mutability",
        ),
        (
            json!({"op": "replace", "path": "groups", "value": []}),
            "mutability",
        ),
        (json!({"op": "remove", "path": "userName"}), "invalidValue"),
        (json!({"op": "remove"}), "noTarget"),
        (
            json!({"op": "replace", "path": "emails[type eq \"home\"].value", "value": "x"}),
            "noTarget",
        ),
        (
            json!({"op": "move", "path": "title", "value": "x"}),
            "invalidSyntax",
        ),
        (json!({"op": "replace", "value": "x"}), "invalidValue"),
    ] {
        let ops = json!([{"op": "replace", "path": "title", "value": "Changed"}, operation]);
        assert_eq!(error(&patch(&sandbox, &id, &ops)), bad(kind), "{operation}");
        assert_eq!(sandbox.accounts().get(&id).unwrap(), before);
    }
    let stats = sandbox.journal().stats();
    assert_eq!(
        (stats.updated, stats.unchanged),
        (0, 0),
        "a refused write has no effect"
    );
}

#[test]
fn a_patch_may_be_answered_by_nothing() {
    let sandbox = Sandbox::builder()
        .people(0)
        .patch_answer(PatchAnswer::NoContent)
        .start_blocking()
        .unwrap();
    let id = create(&sandbox, "ada@example.com", "1");
    let reply = patch(
        &sandbox,
        &id,
        &json!([{"op": "replace", "path": "active", "value": false}]),
    );
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert_eq!(reply.header("etag"), Some("W/\"2\""));
    assert_eq!(sandbox.accounts().blocked(), 1);
}

#[test]
fn filters_and_pages() {
    let sandbox = Sandbox::builder()
        .people(0)
        .scim_page(40)
        .start_blocking()
        .unwrap();
    let accounts = sandbox.accounts();
    for n in 0..100 {
        accounts
            .insert(user(&format!("P{n}@example.com"), &format!("Id{n}")))
            .unwrap();
    }
    let list = |query: &str| {
        let reply = scim(&sandbox, "GET", &format!("/Users?{query}"), &Value::Null);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    };
    let names = |answer: &Value| -> Vec<String> {
        let found = answer["Resources"].as_array().unwrap();
        found
            .iter()
            .map(|r| r["userName"].as_str().unwrap().to_owned())
            .collect()
    };
    for (filter, hit) in [
        ("userName+eq+%22p7%40EXAMPLE.com%22", true),
        ("externalId%20eq%20%22Id7%22", true),
        ("externalId%20eq%20%22id7%22", false),
        ("emails%20eq%20%22p7%40example.com%22", true),
        ("emails.value%20EQ%20%22P7%40example.com%22", true),
        (
            "emails%5Btype%20eq%20%22work%22%5D.value%20eq%20%22p7%40example.com%22",
            true,
        ),
        (
            "emails%5Btype%20eq%20%22home%22%5D.value%20eq%20%22p7%40example.com%22",
            false,
        ),
        (
            "externalId%20eq%20%22Id7%22%20and%20active%20eq%20true",
            true,
        ),
        (
            "externalId%20eq%20%22Id7%22%20and%20active%20eq%20false",
            false,
        ),
    ] {
        let answer = list(&format!("filter={filter}"));
        let expected: &[&str] = if hit { &["P7@example.com"] } else { &[] };
        assert_eq!(names(&answer), expected, "{filter}");
        assert_eq!(answer["totalResults"], expected.len());
    }
    let wrong = scim(
        &sandbox,
        "GET",
        "/Users?filter=userName%20sw%20%22p%22",
        &Value::Null,
    );
    assert_eq!(error(&wrong), bad("invalidFilter"));

    let first = list("count=1000");
    assert_eq!(
        (
            first["totalResults"].as_u64(),
            first["itemsPerPage"].as_u64(),
            first["startIndex"].as_u64()
        ),
        (Some(100), Some(40), Some(1))
    );
    let last = list("startIndex=81&count=40");
    assert_eq!(names(&last).len(), 20);
    assert_eq!(names(&last)[0], "P80@example.com");
    assert_eq!(list("count=0")["totalResults"], 100);
    assert_eq!(names(&list("startIndex=-3&count=1")), ["P0@example.com"]);

    accounts.remove(&accounts.by_external_id("Id10").unwrap().id);
    assert_eq!(
        names(&list("startIndex=10&count=2")),
        ["P9@example.com", "P11@example.com"]
    );
    assert_eq!(list("count=0")["totalResults"], 99);
}

#[test]
fn schemas_say_what_is_offered() {
    let sandbox = start();
    let answer = scim(&sandbox, "GET", "/Schemas", &Value::Null).json();
    let ids: Vec<_> = answer["Resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["id"])
        .collect();
    let group = "urn:ietf:params:scim:schemas:core:2.0:Group";
    assert_eq!(ids, [CORE, group, ENTERPRISE, EXTENSION]);
    let one = scim(
        &sandbox,
        "GET",
        &format!("/Schemas/{EXTENSION}"),
        &Value::Null,
    )
    .json();
    let names: Vec<_> = one["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| &a["name"])
        .collect();
    assert_eq!(
        names,
        [
            "gender",
            "location",
            "employmentType",
            "contractStart",
            "contractEnd"
        ]
    );
    let config = scim(&sandbox, "GET", "/ServiceProviderConfig", &Value::Null).json();
    assert_eq!(
        (&config["patch"]["supported"], &config["bulk"]["supported"]),
        (&json!(true), &json!(false))
    );
    let types = scim(&sandbox, "GET", "/ResourceTypes", &Value::Null).json();
    assert_eq!(
        types["Resources"][0]["schemaExtensions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    let without = Sandbox::builder()
        .people(0)
        .schemas(ScimSchemas::WithoutExtension)
        .start_blocking()
        .unwrap();
    let answer = scim(&without, "GET", "/Schemas", &Value::Null).json();
    assert_eq!(answer["totalResults"], 3);
    assert_eq!(
        error(&scim(
            &without,
            "POST",
            "/Users",
            &user("a@example.com", "1")
        )),
        bad("invalidSyntax")
    );
    let id = without
        .accounts()
        .insert(json!({"userName": "a@example.com"}))
        .unwrap()
        .id;
    let op = json!([{"op": "add", "path": format!("{EXTENSION}:gender"), "value": "male"}]);
    assert_eq!(error(&patch(&without, &id, &op)), bad("invalidPath"));

    let silent = Sandbox::builder()
        .people(0)
        .schemas(ScimSchemas::NotFound)
        .start_blocking()
        .unwrap();
    assert_eq!(scim(&silent, "GET", "/Schemas", &Value::Null).status, 404);
}

#[test]
fn many_accounts_stay_quick() {
    let sandbox = start();
    let accounts = sandbox.accounts();
    for n in 0..20_000 {
        accounts
            .insert(user(&format!("p{n}@example.com"), &n.to_string()))
            .unwrap();
    }
    let begin = std::time::Instant::now();
    for n in (0..20_000).step_by(250) {
        let found = scim(
            &sandbox,
            "GET",
            &format!("/Users?filter=externalId%20eq%20%22{n}%22"),
            &Value::Null,
        );
        assert_eq!(found.json()["totalResults"], 1);
    }
    let each = begin.elapsed() / 80;
    // A scan that parses every account would take a second or more in this build.
    assert!(each.as_millis() < 100, "{each:?}");
}
