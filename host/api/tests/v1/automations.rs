//! Automations: started, changed, stopped, decided about.

use serde_json::{Value, json};

use super::world::{Answer, Estate, OTHER, OWNER, VIEWER, World};

fn deeds(history: &Value) -> Vec<String> {
    let items = history["items"].as_array().unwrap();
    let deed = |item: &Value| item["deed"].as_str().unwrap().to_owned();
    items.iter().map(deed).collect()
}

impl World {
    async fn patch(&self, estate: &Estate, tag: &str, body: Value) -> Answer {
        let headers = [("if-match", tag)];
        self.ask(OWNER, "PATCH", &estate.path(""), &headers, Some(body))
            .await
    }

    async fn act(&self, estate: &Estate, deed: &str) -> Answer {
        let path = estate.path(deed);
        self.ask(OWNER, "POST", &path, &[], None).await
    }
}

fn pointers(problem: &Answer) -> Vec<String> {
    let errors = problem.json()["errors"].clone();
    let errors = errors.as_array().cloned().unwrap_or_default();
    let pointer = |error: &Value| error["pointer"].as_str().unwrap().to_owned();
    errors.iter().map(pointer).collect()
}

#[tokio::test]
async fn a_flow_is_started_once() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let body = json!({
        "flow": "sync-employees", "source": estate.hr.id, "target": estate.spare.id,
        "settings": { "last_day": "open" }, "schedule": { "kind": "every", "seconds": 600 },
        "contacts": [{ "email": "erika@example.com", "language": "de", "alerts": true, "report": true }],
        "accept_findings": true,
    });
    let started = world.post(OWNER, "/automations", body.clone()).await;
    assert_eq!(started.status, 201, "{started:?}");
    let automation = started.ok();
    let path = started.header("location");
    let path = path.strip_prefix("/api/v1").unwrap();
    let read = world.get(OWNER, path).await;
    assert_eq!(read.ok(), automation);
    assert_eq!(read.header("etag"), started.header("etag"));
    assert_eq!(automation["state"], "active");
    assert_eq!(automation["version"], "1.0.0");
    assert_eq!(
        automation["title"]["de"],
        "Synchronisiere Mitarbeitende zu reteach"
    );
    assert_eq!(automation["source"]["name"], "alpha-hr");
    assert_eq!(automation["source"]["title"]["en"], "Personio");
    assert_eq!(automation["target"]["connector"], "reteach");
    assert_eq!(automation["settings"]["last_day"], "open");
    assert_eq!(automation["schedule"], body["schedule"]);
    assert_eq!(automation["contacts"], body["contacts"]);
    assert_eq!(automation["update_available"], false);
    let again = world.post(OWNER, "/automations", body).await;
    assert_eq!(
        again.problem(),
        (409, "automation.already-started".to_owned())
    );
    // Whoever needs somebody comes first: the one of the estate has somebody staged.
    let list = world.get(OWNER, "/automations?limit=1").await.ok();
    assert_eq!(list["items"][0]["id"], estate.automation.as_str());
    assert_eq!(list["items"][0]["staged"], 1);
    assert_eq!(list["items"][0]["doubtful"], 2);
    assert_eq!(list["items"][0]["population"]["linked"], 2);
    assert_eq!(list["items"][0]["health"][0]["status"], "partial");
    let next = list["next"].as_str().unwrap();
    let rest = world
        .get(OWNER, &format!("/automations?limit=1&cursor={next}"))
        .await;
    let rest = rest.ok();
    assert_eq!(rest["items"][0], automation);
    assert_eq!(rest["next"], Value::Null);
    for (query, found) in [
        ("flow=sync-employees", 2),
        ("flow=other", 0),
        ("state=active", 2),
        ("state=deactivated", 0),
    ] {
        let list = world
            .get(OWNER, &format!("/automations?{query}"))
            .await
            .ok();
        assert_eq!(list["items"].as_array().unwrap().len(), found, "{query}");
    }
    assert_eq!(
        world.get(OWNER, "/automations?state=lost").await.status,
        400
    );
}

#[tokio::test]
async fn a_start_that_cannot_work_says_what_is_wrong() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let other = world.estate(OTHER).await;
    let good = json!({
        "flow": "sync-employees", "source": estate.hr.id, "target": estate.spare.id, "accept_findings": true,
    });
    let contact = json!([{ "email": "nobody", "language": "en", "alerts": true, "report": false }]);
    let short = json!({ "kind": "every", "seconds": 1 });
    let cases: [(&str, Value, u16, &str, &[&str]); 10] = [
        ("flow", json!("sync"), 404, "flow.unknown", &[]),
        (
            "flow",
            json!("../flows/sync-employees"),
            404,
            "flow.unknown",
            &[],
        ),
        (
            "source",
            json!("nowhere"),
            422,
            "credential.unknown",
            &["/source"],
        ),
        (
            "target",
            json!(other.academy.id),
            422,
            "credential.unknown",
            &["/target"],
        ),
        (
            "target",
            json!(estate.hr.id),
            422,
            "credential.mismatch",
            &[],
        ),
        (
            "settings",
            json!({ "last_day": "never" }),
            422,
            "settings.wrong",
            &["/settings/last_day"],
        ),
        ("schedule", short, 422, "schedule.too-often", &[]),
        ("contacts", contact, 422, "contact.wrong", &[]),
        ("extra", json!(1), 400, "body.invalid", &["/extra"]),
        ("flow", json!(1), 400, "body.invalid", &["/flow"]),
    ];
    for (name, value, status, code, at) in cases {
        let mut body = good.clone();
        body[name] = value;
        let refused = world.post(OWNER, "/automations", body.clone()).await;
        let (found, said) = refused.problem();
        assert_eq!(found, status, "{body}: {refused:?}");
        assert_eq!(said, code, "{body}: {refused:?}");
        assert_eq!(pointers(&refused), at, "{body}: {refused:?}");
    }
    let list = world.get(OWNER, "/automations").await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_change_is_taken_as_a_whole_or_not_at_all() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let read = world.get(OWNER, &estate.path("")).await;
    let (before, tag) = (read.ok(), read.header("etag"));
    let headers: [(&str, &str); 0] = [];
    let path = estate.path("");
    let blind = world
        .ask(OWNER, "PATCH", &path, &headers, Some(json!({})))
        .await;
    assert_eq!(blind.problem(), (428, "precondition.missing".to_owned()));
    let good = json!({ "last_day": "open" });
    for wrong in [
        json!({ "settings": good, "schedule": { "kind": "every", "seconds": 1 } }),
        json!({ "settings": good, "target": estate.hr.id }),
        json!({ "settings": good, "source": "nowhere" }),
        json!({ "settings": { "last_day": "never" }, "contacts": [] }),
        json!({ "settings": good, "contacts": [
            { "email": "a@example", "language": "en", "alerts": true, "report": true }] }),
    ] {
        let refused = world.patch(&estate, &tag, wrong.clone()).await;
        assert_eq!(refused.status, 422, "{wrong}: {refused:?}");
        assert_eq!(world.get(OWNER, &path).await.ok(), before, "{wrong}");
    }
    let body = json!({
        "settings": good, "schedule": { "kind": "on-demand" }, "contacts": [], "target": estate.spare.id,
    });
    let changed = world.patch(&estate, &tag, body).await;
    let now = changed.ok();
    assert_eq!(now["settings"]["last_day"], "open");
    // What was not named stays.
    assert_eq!(now["settings"]["departments"][0], "alpha department");
    assert_eq!(now["schedule"], json!({ "kind": "on-demand" }));
    assert_eq!(now["contacts"], json!([]));
    assert_eq!(now["target"]["name"], "alpha-spare");
    let stale = world.patch(&estate, &tag, json!({ "contacts": [] })).await;
    assert_eq!(stale.problem(), (412, "precondition.failed".to_owned()));
    let back = json!({ "settings": { "last_day": null } });
    let back = world.patch(&estate, &changed.header("etag"), back).await;
    assert_eq!(back.ok()["settings"].get("last_day"), None);
    let history = world.get(OWNER, &estate.path("/history")).await.ok();
    let expected = [
        "settings-changed",
        "credential-changed",
        "contacts-changed",
        "schedule-changed",
        "settings-changed",
        "started",
    ];
    assert_eq!(deeds(&history), expected);
    assert_eq!(history["items"][0]["actor"]["name"], "alpha person");
    let page = world
        .get(OWNER, &estate.path("/history?limit=2"))
        .await
        .ok();
    let next = page["next"].as_str().unwrap();
    let path = estate.path(&format!("/history?limit=9&cursor={next}"));
    assert_eq!(deeds(&world.get(OWNER, &path).await.ok()), expected[2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_of_the_same_state_one_is_taken() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let tag = world.get(OWNER, &estate.path("")).await.header("etag");
    let change = |seconds| {
        let body = json!({ "schedule": { "kind": "every", "seconds": seconds } });
        world.patch(&estate, &tag, body)
    };
    let (a, b, c) = futures::join!(change(600), change(700), change(800));
    let mut statuses = [a, b, c].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412]);
}

#[tokio::test]
async fn an_automation_is_stopped_started_and_removed() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let path = estate.path("");
    let remove = async || {
        world
            .ask(OWNER, "DELETE", &path, &[("if-match", "*")], None)
            .await
    };
    assert_eq!(
        remove().await.problem(),
        (409, "automation.active".to_owned())
    );
    let tag = world.get(OWNER, &path).await.header("etag");
    let stopped = world.act(&estate, "/deactivate").await;
    assert_eq!(stopped.ok()["state"], "deactivated");
    assert_eq!(stopped.ok()["next_run_at"], Value::Null);
    assert_ne!(stopped.header("etag"), tag);
    let run = world.post(OWNER, &estate.path("/run"), json!({})).await;
    assert_eq!(run.problem(), (409, "automation.deactivated".to_owned()));
    for deed in ["/retry", "/reevaluate"] {
        assert_eq!(world.act(&estate, deed).await.status, 409, "{deed}");
    }
    let started = world.act(&estate, "/reactivate").await;
    assert_eq!(started.ok()["state"], "active");
    assert_eq!(started.header("etag"), tag);
    for deed in ["/retry", "/reevaluate"] {
        world.act(&estate, deed).await.ok();
    }
    let run = world
        .post(OWNER, &estate.path("/run"), json!({ "full": true }))
        .await;
    assert_eq!(run.ok()["next_run_at"], "2026-03-02T09:00:00Z");
    world.act(&estate, "/deactivate").await.ok();
    assert_eq!(remove().await.status, 204);
    assert_eq!(
        world.get(OWNER, &path).await.problem(),
        (404, "automation.unknown".to_owned())
    );
    assert_eq!(remove().await.status, 404);
}

#[tokio::test]
async fn a_new_version_of_the_flow_waits_to_be_adopted() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let file = world.flows.path().join("sync-employees.flow.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("version: 1.0.0", "version: 1.0.10")).unwrap();
    let waits = world.get(OWNER, &estate.path("")).await.ok();
    assert_eq!(
        (&waits["version"], &waits["update_available"]),
        (&json!("1.0.0"), &json!(true))
    );
    let adopted = world.act(&estate, "/adopt").await.ok();
    assert_eq!(adopted["version"], "1.0.10");
    assert_eq!(adopted["update_available"], false);
    // A file that is broken meanwhile breaks nobody's list.
    std::fs::write(&file, "flow: [").unwrap();
    let list = world.get(OWNER, "/automations").await.ok();
    assert_eq!(list["items"][0]["version"], "1.0.10");
    assert_eq!(list["items"][0]["update_available"], false);
}

#[tokio::test]
async fn an_address_for_webhooks_works_until_the_next_one() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let mut addresses = Vec::new();
    for _ in 0..2 {
        let made = world.act(&estate, "/hook").await.ok();
        addresses.push(made["address"].as_str().unwrap().to_owned());
    }
    let mut statuses = Vec::new();
    for address in &addresses {
        let request = axum::http::Request::post(address).body(axum::body::Body::empty());
        statuses.push(world.send(request.unwrap()).await.status.as_u16());
    }
    assert_eq!(statuses, [404, 202]);
}

#[tokio::test]
async fn what_waits_is_decided_about() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let staged = world.get(VIEWER, &estate.path("/staged")).await.ok();
    let expected = json!({
        "key": "alpha-staged", "target": "alpha-staged", "reason": "end-reached", "action": "block",
    });
    assert_eq!(staged["items"], json!([expected]));
    let decide = async |rest: &str, body: Value| {
        let answer = world.post(OWNER, &estate.path(rest), body).await;
        answer.ok()["decided"].as_u64().unwrap()
    };
    // Whoever saw two and not this one has not decided about this one.
    let others = json!({ "decision": "approve", "expected": 2 });
    let others = world.post(OWNER, &estate.path("/staged"), others).await;
    assert_eq!(others.problem(), (409, "staged.changed".to_owned()));
    let seen = json!({ "decision": "discard", "expected": 1 });
    assert_eq!(decide("/staged", seen).await, 1);
    assert_eq!(decide("/staged", json!({ "decision": "approve" })).await, 0);
    let wrong = world
        .post(
            OWNER,
            &estate.path("/staged"),
            json!({ "decision": "maybe" }),
        )
        .await;
    assert_eq!(wrong.problem(), (400, "body.invalid".to_owned()));

    let open = world
        .get(VIEWER, &estate.path("/documents?limit=1"))
        .await
        .ok();
    assert_eq!(open["items"][0]["key"], "alpha-paper");
    assert_eq!(open["items"][0]["state"], "doubtful");
    let next = open["next"].as_str().unwrap();
    let rest = world
        .get(VIEWER, &estate.path(&format!("/documents?cursor={next}")))
        .await;
    assert_eq!(rest.ok()["items"][0]["key"], "alpha-sheet");
    let one = json!({ "decision": "arrived", "keys": ["alpha-paper", "nobody's"] });
    assert_eq!(decide("/documents", one).await, 1);
    assert_eq!(
        decide("/documents", json!({ "decision": "send-again" })).await,
        1
    );
    let open = world.get(VIEWER, &estate.path("/documents")).await.ok();
    assert_eq!(open["items"][0]["state"], "again");

    let forget = async || {
        let path = estate.path("/people/alpha-linked");
        world.ask(OWNER, "DELETE", &path, &[], None).await.status
    };
    assert_eq!(forget().await, 204);
    assert_eq!(forget().await, 404);
    let read = world.get(OWNER, &estate.path("")).await.ok();
    assert_eq!((&read["staged"], &read["doubtful"]), (&json!(0), &json!(0)));
}
