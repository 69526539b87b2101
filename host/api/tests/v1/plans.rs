//! Plans: begun, watched, read, stopped.

use std::time::Duration;

use matricula_sandbox::{Fault, FaultKind, System};
use serde_json::{Value, json};

use super::world::{Answer, Estate, OTHER, OWNER, World};

impl World {
    /// Of an automation that would be started.
    async fn begin(&self, estate: &Estate, settings: Value) -> Answer {
        let body = json!({
            "flow": "sync-employees", "source": estate.hr.id, "target": estate.spare.id,
            "settings": settings,
        });
        self.post(OWNER, "/plans", body).await
    }

    /// Its path, once it is no longer being made, and what it is then.
    async fn made(&self, begun: &Answer) -> (String, Value) {
        assert_eq!(begun.status, 202, "{begun:?}");
        let location = begun.header("location");
        let path = location.strip_prefix("/api/v1").unwrap().to_owned();
        loop {
            let plan = self.get(OWNER, &path).await.ok();
            if plan["status"] != "running" {
                return (path, plan);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Lets every question to Personio wait.
    fn hang(&self) {
        let slow = Fault::new(FaultKind::Slow(600_000)).system(System::Personio);
        self.sandbox.faults().add(slow);
    }
}

fn keys(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    let key = |item: &Value| item["key"].as_str().unwrap().to_owned();
    items.iter().map(key).collect()
}

#[tokio::test]
async fn a_plan_says_what_would_become_of_everybody_and_writes_nothing() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let before = world.sandbox.accounts().list().len();
    let begun = world.begin(&estate, json!({})).await;
    assert_eq!(begun.ok()["status"], "running");
    let (path, plan) = world.made(&begun).await;
    assert_eq!(plan["status"], "done", "{plan}");
    assert_eq!((&plan["read"], &plan["cycle"]), (&3.into(), &"full".into()));
    let counts = plan["counts"].as_object().unwrap().values();
    assert_eq!(counts.map(|count| count.as_u64().unwrap()).sum::<u64>(), 3);
    for side in ["source", "target"] {
        assert!(plan[side]["findings"].is_array(), "{plan}");
    }
    assert_eq!(plan["expires_at"], "2026-03-02T09:15:00Z");
    assert_eq!(world.sandbox.accounts().list().len(), before);

    let everybody = world.get(OWNER, &format!("{path}/people")).await.ok();
    let all = keys(&everybody);
    assert_eq!(all.len(), 3, "{everybody}");
    let first = &everybody["items"][0];
    assert!(first["who"].as_str().unwrap().contains('@'), "{first}");
    assert!(!first["changes"].as_array().unwrap().is_empty());

    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = format!("{path}/people?limit=1{cursor}");
        let page = world.get(OWNER, &page).await.ok();
        paged.extend(keys(&page));
        let Some(next) = page["next"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, all);

    let who = first["who"].as_str().unwrap().to_uppercase();
    let found = format!("{path}/people?search={}", who.replace('@', "%40"));
    assert_eq!(keys(&world.get(OWNER, &found).await.ok()), all[..1]);
    let created = format!("{path}/people?kind=created,updated");
    let created = keys(&world.get(OWNER, &created).await.ok()).len() as u64;
    let of = |kind: &str| plan["counts"][kind].as_u64().unwrap();
    assert_eq!(created, of("created") + of("updated"));
    let none = format!("{path}/people?kind=ambiguous");
    assert!(keys(&world.get(OWNER, &none).await.ok()).is_empty());
    let wrong = world.get(OWNER, &format!("{path}/people?kind=gone")).await;
    assert_eq!(wrong.problem(), (400, "query.invalid".to_owned()));

    let stopped = world.ask(OWNER, "DELETE", &path, &[], None).await;
    assert_eq!(stopped.status, 204);
    assert_eq!(world.get(OWNER, &path).await.problem().0, 404);
}

#[tokio::test]
async fn what_cannot_be_planned_is_told_at_once() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let other = world.estate(OTHER).await;
    let wrong = json!({ "last_day": "sometimes", "$map": { "position": "e.positon" } });
    let refused = world.begin(&estate, wrong).await;
    assert_eq!(refused.problem(), (422, "settings.wrong".to_owned()));
    let errors = refused.json()["errors"].clone();
    let mut pointers: Vec<_> = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["pointer"])
        .collect();
    pointers.sort_by_key(|pointer| pointer.to_string());
    assert_eq!(
        pointers,
        [
            &json!("/settings/$map/position"),
            &json!("/settings/last_day")
        ]
    );

    let asked = |flow: &'static str, source: String, target: String, more: Value| {
        let world = &world;
        async move {
            let mut body = json!({ "flow": flow, "source": source, "target": target });
            for (name, value) in more.as_object().unwrap() {
                body[name] = value.clone();
            }
            world.post(OWNER, "/plans", body).await.problem()
        }
    };
    let [hr, spare] = [estate.hr.id.to_string(), estate.spare.id.to_string()];
    let none = json!({});
    let theirs = other.hr.id.to_string();
    for (asked, expected) in [
        (
            asked("sync-employees", theirs, spare.clone(), none.clone()).await,
            (404, "credential.unknown"),
        ),
        (
            asked("sync-employees", spare.clone(), hr.clone(), none.clone()).await,
            (422, "credential.mismatch"),
        ),
        (
            asked("no-such-flow", hr.clone(), spare.clone(), none).await,
            (404, "flow.unknown"),
        ),
        (
            asked(
                "sync-employees",
                hr.clone(),
                spare.clone(),
                json!({ "schedule": { "kind": "every", "seconds": 1 } }),
            )
            .await,
            (422, "schedule.too-often"),
        ),
        (
            asked(
                "sync-employees",
                hr.clone(),
                spare.clone(),
                json!({ "automation": other.automation }),
            )
            .await,
            (404, "automation.unknown"),
        ),
        (
            asked(
                "sync-certificates",
                spare,
                hr,
                json!({ "automation": estate.automation }),
            )
            .await,
            (409, "flow.mismatch"),
        ),
    ] {
        assert_eq!((asked.0, asked.1.as_str()), expected);
    }
}

#[tokio::test]
async fn a_change_of_an_automation_is_planned_with_its_people() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let body = json!({
        "flow": "sync-employees", "source": estate.hr.id, "target": estate.academy.id,
        "automation": estate.automation, "settings": { "departments": null },
    });
    let begun = world.post(OWNER, "/plans", body).await;
    let (path, plan) = world.made(&begun).await;
    assert_eq!(plan["status"], "done", "{plan}");
    // Somebody whose deactivation was staged by the automation's last run.
    let staged = format!("{path}/people?kind=staged");
    assert_eq!(
        keys(&world.get(OWNER, &staged).await.ok()),
        ["alpha-staged"]
    );
    // Everybody else is of some department, and no longer left out.
    assert!(plan["counts"]["created"].as_u64().unwrap() > 0, "{plan}");
    let kept = world
        .store
        .automation(&estate.automation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.settings["departments"], json!(["alpha department"]));
}

#[tokio::test]
async fn a_system_that_rejects_the_credential_fails_the_plan() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let refusal = Fault::new(FaultKind::Status(401)).system(System::Scim);
    world.sandbox.faults().add(refusal);
    let begun = world.begin(&estate, json!({})).await;
    let (path, plan) = world.made(&begun).await;
    assert_eq!(plan["status"], "failed", "{plan}");
    assert_eq!(plan["failure"]["kind"], "auth", "{plan}");
    assert!(keys(&world.get(OWNER, &format!("{path}/people")).await.ok()).is_empty());
}

#[tokio::test]
async fn only_so_many_are_made_at_a_time_and_one_that_is_stopped_makes_room() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    world.hang();
    let first = world.begin(&estate, json!({})).await;
    assert_eq!(world.begin(&estate, json!({})).await.status, 202);
    let third = world.begin(&estate, json!({})).await;
    assert_eq!(third.problem(), (429, "plans.running".to_owned()));
    assert_eq!(third.header("retry-after"), "5");
    let path = format!("/plans/{}", first.ok()["id"].as_str().unwrap());
    let theirs = world.ask(OTHER, "DELETE", &path, &[], None).await;
    assert_eq!(theirs.problem().0, 404);
    let stopped = world.ask(OWNER, "DELETE", &path, &[], None).await;
    assert_eq!(stopped.status, 204);
    assert_eq!(world.begin(&estate, json!({})).await.status, 202);
}

#[tokio::test]
async fn plans_are_kept_for_a_while_and_the_oldest_make_room() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let mut paths = Vec::new();
    for _ in 0..9 {
        let begun = world.begin(&estate, json!({})).await;
        paths.push(world.made(&begun).await.0);
    }
    assert_eq!(world.get(OWNER, &paths[0]).await.problem().0, 404);
    assert_eq!(world.get(OWNER, &paths[1]).await.status, 200);
    world.clock.advance(Duration::from_secs(15 * 60));
    for path in &paths {
        assert_eq!(world.get(OWNER, path).await.problem().0, 404);
    }
}

#[tokio::test]
async fn a_flow_that_is_tested_first_is_started_with_the_test_that_was_seen() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let name = "sync-employees-to-edyoucated";
    let file = format!("{name}.flow.yaml");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../flows");
    std::fs::copy(root.join(&file), world.flows.path().join(&file)).unwrap();
    let shown = world.get(OWNER, &format!("/flows/{name}")).await.ok();
    assert_eq!(shown["activation"], "tested");
    let kinds = shown["groups"].as_array().unwrap().iter();
    let kinds: Vec<&str> = kinds.map(|group| group["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"department"), "{kinds:?}");
    let sync = world.get(OWNER, "/flows/sync-employees").await.ok();
    assert_eq!(
        (&sync["activation"], &sync["groups"]),
        (&"at-once".into(), &json!([]))
    );

    let added = json!({
        "name": "teams", "connector": "edyoucated",
        "public": { "scim_url": "https://edyoucated.example.com/scim/v2" },
        "secrets": { "scim_token": world.sandbox.credentials().edyoucated_token },
    });
    let target = world.post(OWNER, "/credentials", added).await.ok()["id"].clone();
    let of = |settings: Value| json!({ "flow": name, "source": estate.hr.id, "target": target, "settings": settings });
    let start = async |settings: Value, plan: Option<&str>| {
        let mut body = of(settings);
        body["accept_findings"] = true.into();
        body["plan"] = plan.into();
        world.post(OWNER, "/automations", body).await
    };
    let untested = (409, "flow.untested".to_owned());
    assert_eq!(start(json!({}), None).await.problem(), untested);

    let begun = world.post(OWNER, "/plans", of(json!({}))).await;
    let id = begun.ok()["id"].as_str().unwrap().to_owned();
    let (_, plan) = world.made(&begun).await;
    assert_eq!(plan["status"], "done", "{plan}");
    // Of other settings nothing was seen; nor by another tenant.
    let other = json!({ "teams_from": ["office"] });
    assert_eq!(start(other, Some(&id)).await.problem(), untested);
    let mut body = of(json!({}));
    body["plan"] = id.as_str().into();
    let theirs = world.post(OTHER, "/automations", body).await;
    assert_ne!(theirs.status, 201, "{theirs:?}");
    let started = start(json!({}), Some(&id)).await;
    assert_eq!(started.status, 201, "{started:?}");
}
