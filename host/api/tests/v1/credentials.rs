//! Credentials: added, tested, asked with, written anew, removed.

use matricula_sandbox::{Fault, FaultKind, System};
use matricula_session::sign_hs256;
use serde_json::{Value, json};

use super::world::{Answer, OTHER, OWNER, SECRET, World};

impl World {
    fn fields(&self, secret: &str) -> Value {
        let known = self.sandbox.credentials();
        json!({
            "public": { "client_id": known.personio_client_id },
            "secrets": { "client_secret": secret },
        })
    }

    /// Asks as an owner who reads German.
    async fn in_german(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut claims = self.claims(OWNER);
        claims["locale"] = "de-AT".into();
        let token = sign_hs256(SECRET.as_bytes(), "shared", claims.as_object().unwrap());
        let request = self.request(Some(&token), method, path, &[], body.as_ref());
        self.send(request).await
    }

    async fn add(&self, name: &str, secret: &str) -> Answer {
        let mut body = self.fields(secret);
        body["name"] = name.into();
        body["connector"] = "personio".into();
        self.post(OWNER, "/credentials", body).await
    }

    fn right(&self) -> String {
        self.sandbox.credentials().personio_client_secret.clone()
    }
}

fn pointers(problem: &Answer) -> Vec<(String, String)> {
    let errors = problem.json()["errors"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pair = |error: &Value| (text(&error["pointer"]), text(&error["code"]));
    errors.as_array().unwrap().iter().map(pair).collect()
}

fn pair(a: &str, b: &str) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

#[tokio::test]
async fn a_secret_goes_in_and_never_comes_out() {
    let world = World::new().await;
    let added = world.add("hr", "hunter2-of-the-tests").await;
    assert_eq!(added.status, 201, "{added:?}");
    let credential = added.ok();
    assert_eq!(credential["method"], "api-credentials");
    assert_eq!(credential["tested"], Value::Null);
    assert_eq!(credential["used_by"], json!([]));
    let path = format!("/credentials/{}", credential["id"].as_str().unwrap());
    let read = world.get(OWNER, &path).await;
    assert_eq!(read.header("etag"), added.header("etag"));
    assert_eq!(read.ok(), credential);
    let listed = world.get(OWNER, "/credentials").await;
    for answer in [&added, &read, &listed] {
        assert!(!answer.text.contains("hunter2"), "{answer:?}");
    }
    let again = world.add("hr", "another").await;
    assert_eq!(again.problem(), (409, "store.exists".to_owned()));
}

#[tokio::test]
async fn what_does_not_fit_is_told_field_by_field() {
    let world = World::new().await;
    let body = |public: Value, secrets: Value| json!({ "name": "hr", "connector": "personio", "public": public, "secrets": secrets });
    let misplaced = body(json!({ "client_secret": "hunter2" }), json!({ "x/y": "1" }));
    let refused = world.post(OWNER, "/credentials", misplaced).await;
    assert_eq!(refused.problem(), (422, "credential.fields".to_owned()));
    assert_eq!(
        pointers(&refused),
        [
            pair("/public/client_secret", "field.half"),
            pair("/secrets/x~1y", "field.unknown"),
            pair("/public/client_id", "field.missing"),
        ]
    );
    assert!(!refused.text.contains("hunter2"));

    let empty = world
        .post(OWNER, "/credentials", body(json!({}), json!({})))
        .await;
    assert_eq!(empty.problem().0, 422);
    assert_eq!(pointers(&empty).len(), 2);

    let mut other = body(json!({}), json!({}));
    other["connector"] = "@webhook".into();
    let refused = world.post(OWNER, "/credentials", other).await;
    assert_eq!(refused.problem(), (404, "connector.unknown".to_owned()));
    let mut nameless = body(json!({}), json!({}));
    nameless["name"] = "".into();
    let refused = world.post(OWNER, "/credentials", nameless).await;
    assert_eq!(pointers(&refused), [pair("/name", "body.bounds")]);
    let mut unasked = body(json!({}), json!({}));
    unasked["tenant"] = "beta".into();
    let refused = world.post(OWNER, "/credentials", unasked).await;
    assert_eq!(refused.problem(), (400, "body.invalid".to_owned()));
}

#[tokio::test]
async fn a_test_is_kept_until_the_credential_is_written_anew() {
    let world = World::new().await;
    let added = world.add("hr", "a wrong secret").await;
    let path = format!("/credentials/{}", added.ok()["id"].as_str().unwrap());
    let test = format!("{path}/test");
    let tested = world.post(OWNER, &test, json!({})).await.ok();
    assert_eq!(tested["ok"], false);
    assert_eq!(tested["failure"]["kind"], "auth", "{tested}");
    let kept = || async {
        let credential = world.get(OWNER, &path).await.ok();
        (
            credential["tested"].clone(),
            credential["tested_at"].clone(),
        )
    };
    let at = Value::from("2026-03-02T09:00:00Z");
    assert_eq!(kept().await, ("failed".into(), at.clone()));

    let tag = added.header("etag");
    let put = |tag: String, body: Value| {
        let (world, path) = (&world, &path);
        async move {
            let headers = [("if-match", tag.as_str())];
            world.ask(OWNER, "PUT", path, &headers, Some(body)).await
        }
    };
    let unsaid = world
        .ask(OWNER, "PUT", &path, &[], Some(world.fields("x")))
        .await;
    assert_eq!(unsaid.problem(), (428, "precondition.missing".to_owned()));
    let stale = put("\"stale\"".to_owned(), world.fields("x")).await;
    assert_eq!(stale.problem(), (412, "precondition.failed".to_owned()));
    let replaced = put(tag.clone(), world.fields(&world.right())).await;
    assert_eq!(replaced.ok()["name"], "hr");
    let tag = replaced.header("etag");
    assert_eq!(kept().await, (Value::Null, Value::Null));

    let flow = json!({ "flow": "sync-employees" });
    let tested = world.post(OWNER, &test, flow).await.ok();
    assert_eq!(tested["failure"], Value::Null, "{tested}");
    assert_eq!(tested["ok"], true, "{tested}");
    assert_eq!(kept().await, ("ok".into(), at));

    let mut other = world.fields(&world.right());
    other["public"]["client_id"] = "another-client".into();
    let replaced = put(tag.clone(), other).await;
    assert_eq!(replaced.ok()["public"]["client_id"], "another-client");
    assert_ne!(replaced.header("etag"), tag);
    let unknown = world
        .post(OWNER, &test, json!({ "flow": "no-such-flow" }))
        .await;
    assert_eq!(unknown.problem(), (404, "flow.unknown".to_owned()));
}

#[tokio::test]
async fn the_list_says_where_each_is_used_and_is_read_in_pages() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    world.estate(OTHER).await;
    let first = world.get(OWNER, "/credentials?limit=2").await.ok();
    let next = first["next"].as_str().unwrap();
    let path = format!("/credentials?limit=2&cursor={next}");
    let second = world.get(OWNER, &path).await.ok();
    assert_eq!(second["next"], Value::Null);
    let names = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        let name = |item: &Value| item["name"].as_str().unwrap().to_owned();
        items.iter().map(name).collect()
    };
    assert_eq!(names(&first), ["alpha-academy", "alpha-hr"]);
    // The address for webhooks lies beside them in the store.
    assert_eq!(names(&second), ["alpha-spare"]);
    let used = &first["items"][1]["used_by"][0];
    assert_eq!(used["automation"], estate.automation.as_str());
    assert_eq!(used["title"]["en"], "Sync employees to reteach");
    let only = world
        .get(OWNER, "/credentials?connector=personio")
        .await
        .ok();
    assert_eq!(names(&only), ["alpha-hr"]);
    let webhook = format!("/credentials/{}", estate.webhook);
    assert_eq!(world.get(OWNER, &webhook).await.problem().0, 404);
    let wrong = world.get(OWNER, "/credentials?cursor=x").await;
    assert_eq!(wrong.problem(), (400, "cursor.invalid".to_owned()));
}

#[tokio::test]
async fn choices_and_samples_come_live_from_the_system() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let hr = format!("/credentials/{}", estate.hr.id);
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for _ in 0..50 {
        let path = format!("{hr}/lookups/document-categories?limit=1{cursor}");
        let page = world.get(OWNER, &path).await.ok();
        assert!(page["items"].as_array().unwrap().len() <= 1);
        let labels = page["items"].as_array().unwrap().iter();
        seen.extend(labels.map(|choice| choice["label"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    let categories = world.sandbox.documents().categories();
    let mut known: Vec<String> = categories.into_iter().map(|of| of.name).collect();
    known.sort();
    seen.sort();
    assert!(known.len() > 1);
    assert_eq!(seen, known);

    let samples = world
        .get(OWNER, &format!("{hr}/samples?stream=employees"))
        .await
        .ok();
    let samples = samples["items"].as_array().unwrap();
    assert_eq!(samples.len(), 3);
    let ids = world.sandbox.people().ids();
    for sample in samples {
        let key: u64 = sample["key"].as_str().unwrap().parse().unwrap();
        assert!(ids.contains(&key));
        assert_eq!(
            sample["record"]["email"],
            world.sandbox.people().text(key, "email")
        );
    }
    for (path, code) in [
        ("lookups/nothing", "connector.not-offered"),
        ("samples?stream=nothing", "connector.not-offered"),
    ] {
        let unknown = world.get(OWNER, &format!("{hr}/{path}")).await;
        assert_eq!(unknown.problem(), (404, code.to_owned()));
    }
    assert_eq!(
        world.get(OWNER, &format!("{hr}/samples")).await.problem().0,
        400
    );

    let down = Fault::new(FaultKind::Status(500)).system(System::Personio);
    world.sandbox.faults().add(down);
    let failed = world
        .get(OWNER, &format!("{hr}/samples?stream=employees"))
        .await;
    assert_eq!(failed.problem(), (424, "remote.failed".to_owned()));
}

#[tokio::test]
async fn one_that_is_used_stays() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let remove = |id: String| {
        let world = &world;
        async move {
            let path = format!("/credentials/{id}");
            world
                .ask(OWNER, "DELETE", &path, &[("if-match", "*")], None)
                .await
        }
    };
    let used = remove(estate.hr.id.to_string()).await;
    assert_eq!(used.problem(), (409, "store.in-use".to_owned()));
    assert_eq!(remove(estate.spare.id.to_string()).await.status, 204);
    assert_eq!(remove(estate.spare.id.to_string()).await.problem().0, 404);
    // An address for webhooks is none of them.
    assert_eq!(remove(estate.webhook.clone()).await.problem().0, 404);
}

#[tokio::test]
async fn what_a_test_finds_is_told_in_the_reader_s_language() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let refused = Fault::new(FaultKind::Status(403))
        .system(System::Reteach)
        .path("/me");
    world.sandbox.faults().add(refused);
    let english = "reteach does not allow this with the API credentials (status 403)";
    let german = "reteach erlaubt das mit diesen API-Zugangsdaten nicht (Status 403)";

    let test = format!("/credentials/{}/test", estate.spare.id);
    let flow = json!({ "flow": "sync-employees" });
    let told = world.post(OWNER, &test, flow.clone()).await.text;
    assert!(
        told.contains(english) && told.contains("First name"),
        "{told}"
    );
    let told = world.in_german("POST", &test, Some(flow)).await.text;
    assert!(told.contains(german) && told.contains("Vorname"), "{told}");
    assert!(!told.contains(english), "{told}");

    let start = json!({
        "flow": "sync-employees", "source": estate.hr.id, "target": estate.spare.id,
    });
    let began = world.in_german("POST", "/plans", Some(start.clone())).await;
    let path = format!("/plans/{}", began.ok()["id"].as_str().unwrap());
    let plan = loop {
        let plan = world.get(OWNER, &path).await.ok();
        if plan["status"] != "running" {
            break plan;
        }
        tokio::task::yield_now().await;
    };
    assert!(plan["target"].to_string().contains(german), "{plan}");

    let refused = world.in_german("POST", "/automations", Some(start)).await;
    assert_eq!(refused.problem(), (422, "credential.rights".to_owned()));
    assert_eq!(refused.json()["errors"][0]["message"], german);
}
