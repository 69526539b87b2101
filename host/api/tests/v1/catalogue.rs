//! Flows and connectors, as an owner chooses among them.

use axum::http::StatusCode;
use matricula_core::automation::Memory;
use matricula_core::clock::Clock as _;
use matricula_core::run::{CycleKind, Trigger};
use matricula_session::sign_hs256;
use serde_json::{Value, json};

use super::world::{Answer, OWNER, SECRET, World};

impl World {
    /// Asks as an owner whose tenant has bought only these flows.
    async fn with_flows(
        &self,
        flows: &[&str],
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut claims = self.claims(OWNER);
        claims["flows"] = json!(flows);
        let token = sign_hs256(SECRET.as_bytes(), "shared", claims.as_object().unwrap());
        let request = self.request(Some(&token), method, path, &[], body.as_ref());
        self.send(request).await
    }

    async fn flow_names(&self) -> Vec<String> {
        let flows = self.get(OWNER, "/flows").await.ok();
        let items = flows["items"].as_array().unwrap();
        let name = |flow: &Value| flow["name"].as_str().unwrap().to_owned();
        items.iter().map(name).collect()
    }
}

fn named<'a>(items: &'a Value, name: &str) -> &'a Value {
    let items = items.as_array().unwrap();
    items.iter().find(|item| item["name"] == name).unwrap()
}

#[tokio::test]
async fn a_flow_says_what_it_reads_writes_and_needs() {
    let world = World::new().await;
    world.estate(OWNER).await;
    assert_eq!(
        world.flow_names().await,
        ["sync-certificates", "sync-employees"]
    );
    let flow = world.get(OWNER, "/flows/sync-employees").await.ok();
    assert_eq!(flow["source"]["title"]["de"], "Personio");
    assert!(flow["source"]["icon"].as_str().unwrap().starts_with("<svg"));
    assert_eq!(flow["target"]["connector"], "reteach");
    assert_eq!(flow["records"], "people");
    assert_eq!(flow["available"], true);
    assert_eq!(flow["schedule"], json!({ "kind": "every", "seconds": 300 }));
    assert_eq!(flow["automations"], 1);
    assert_eq!(flow["leavers"], "block");
    assert_eq!(
        named(&flow["reads"], "first_name")["title"]["de"],
        "Vorname"
    );
    let position = named(&flow["writes"], "position");
    assert_eq!(
        (&position["open"], &position["required"]),
        (&true.into(), &false.into())
    );
    assert!(
        position["expression"]
            .as_str()
            .unwrap()
            .contains("e.position")
    );
    assert_eq!(named(&flow["writes"], "email")["open"], false);
    assert_eq!(flow["needs"]["source"][0]["subject"], "employees");
    let settings = &flow["settings_schema"]["properties"];
    assert_eq!(
        settings["departments"]["x-options"]["lookup"],
        "departments"
    );

    let documents = world.get(OWNER, "/flows/sync-certificates").await.ok();
    assert_eq!(documents["records"], "documents");
    assert_eq!(documents["automations"], 0);
    let required = &documents["requires"][0];
    assert_eq!(required["flow"], "sync-employees");
    assert_eq!(required["title"]["en"], "Sync employees to reteach");
}

#[tokio::test]
async fn what_was_not_bought_is_shown_and_cannot_be_used() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let only = ["sync-certificates"];
    let flows = world.with_flows(&only, "GET", "/flows", None).await.ok();
    assert_eq!(
        named(&flows["items"], "sync-certificates")["available"],
        true
    );
    assert_eq!(named(&flows["items"], "sync-employees")["available"], false);
    let tried = json!({ "field": "position", "expression": "e.position" });
    let path = "/flows/sync-employees/expressions";
    let refused = world.with_flows(&only, "POST", path, Some(tried)).await;
    assert_eq!(refused.problem(), (403, "flow.not-bought".to_owned()));
    let plan = json!({
        "flow": "sync-employees", "source": estate.hr.id, "target": estate.spare.id,
    });
    let refused = world.with_flows(&only, "POST", "/plans", Some(plan)).await;
    assert_eq!(refused.problem(), (403, "flow.not-bought".to_owned()));
}

#[tokio::test]
async fn a_file_that_changes_is_seen_and_one_that_is_wrong_takes_nothing_from_others() {
    let world = World::new().await;
    let file = world.flows.path().join("sync-employees.flow.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let version = || async {
        let flow = world.get(OWNER, "/flows/sync-employees").await.ok();
        flow["version"].as_str().unwrap().to_owned()
    };
    assert_eq!(version().await, "1.0.0");
    std::fs::write(&file, text.replace("version: 1.0.0", "version: 1.10.0")).unwrap();
    assert_eq!(version().await, "1.10.0");
    std::fs::write(&file, text.replace("e.hire_date", "e.hired")).unwrap();
    assert_eq!(world.flow_names().await, ["sync-certificates"]);
    std::fs::write(&file, &text).unwrap();
    let copy = world.flows.path().join("another-name.flow.yaml");
    std::fs::write(copy, &text).unwrap();
    assert_eq!(
        world.flow_names().await,
        ["sync-certificates", "sync-employees"]
    );
    std::fs::remove_file(&file).unwrap();
    assert_eq!(world.flow_names().await, ["sync-certificates"]);
}

#[tokio::test]
async fn a_flow_is_never_asked_for_by_a_path() {
    let world = World::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let from = world.flows.path().join("sync-employees.flow.yaml");
    let hidden = elsewhere.path().join("x.yaml");
    std::fs::copy(from, &hidden).unwrap();
    let absolute = hidden.to_str().unwrap().replace('/', "%2F");
    for name in [
        absolute.as_str(),
        "..%2Fsync-employees",
        "sync-employees.flow.yaml",
        "sync%00",
        "%20",
    ] {
        let answer = world.get(OWNER, &format!("/flows/{name}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}: {answer:?}");
        let folder = world.flows.path().to_str().unwrap();
        assert!(!answer.text.contains(folder), "{answer:?}");
    }
}

#[tokio::test]
async fn requirements_are_told_for_the_credentials_that_were_chosen() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let asked = |query: String| {
        let world = &world;
        async move {
            let path = format!("/flows/sync-certificates/requirements?{query}");
            let items = world.get(OWNER, &path).await.ok();
            let required = items["items"][0].clone();
            (required["met"].clone(), required["automation"].clone())
        }
    };
    let its = Value::from(estate.automation.as_str());
    let pair = format!("source={}&target={}", estate.academy.id, estate.hr.id);
    assert_eq!(asked(pair.clone()).await, (false.into(), its.clone()));

    let now = world.clock.now();
    let until = now + std::time::Duration::from_secs(60);
    let lease = world
        .store
        .acquire(&estate.automation, "tests", now, until, &|_| false);
    let lease = lease.await.unwrap().unwrap();
    let run = world
        .store
        .begin(
            &lease,
            "sync-employees",
            &Trigger::Schedule,
            CycleKind::Full,
            now,
        )
        .await
        .unwrap();
    let memory = Memory {
        full_at: Some(now),
        ..Memory::default()
    };
    world
        .store
        .finish(&lease, &run, Some(&memory))
        .await
        .unwrap();

    assert_eq!(asked(pair).await, (true.into(), its.clone()));
    assert_eq!(asked(String::new()).await, (true.into(), its.clone()));
    assert_eq!(
        asked(format!("target={}", estate.hr.id)).await,
        (true.into(), its)
    );
    let other = format!("source={}&target={}", estate.spare.id, estate.hr.id);
    assert_eq!(asked(other).await, (false.into(), Value::Null));
}

#[tokio::test]
async fn an_expression_is_tried_while_it_is_written() {
    let world = World::new().await;
    let tried = |field: &'static str, expression: &'static str, record: Value| {
        let world = &world;
        async move {
            let body = json!({ "field": field, "expression": expression, "record": record });
            let path = "/flows/sync-employees/expressions";
            world.post(OWNER, path, body).await.ok()
        }
    };
    let record = json!({ "id": 1, "position": "Engineer" });
    let right = tried("position", "upper(e.position)", record.clone()).await;
    assert_eq!(right["ok"], true, "{right}");
    assert_eq!(right["value"], "ENGINEER");
    assert_eq!(right["reads"], json!(["position"]));
    let unknown = tried("position", "e.positon", Value::Null).await;
    assert_eq!(unknown["ok"], false);
    let problem = &unknown["problems"][0];
    assert_eq!(
        (&problem["line"], &problem["column"]),
        (&1.into(), &3.into()),
        "{unknown}"
    );
    assert!(problem["hint"].as_str().unwrap().contains("position"));
    let closed = tried("email", "e.email", Value::Null).await;
    assert_eq!(closed["ok"], false);

    let long = json!({ "field": "position", "expression": "a".repeat(4097) });
    let refused = world
        .post(OWNER, "/flows/sync-employees/expressions", long)
        .await;
    assert_eq!(refused.problem(), (400, "body.invalid".to_owned()));
    assert_eq!(refused.json()["errors"][0]["pointer"], "/expression");
}

#[tokio::test]
async fn a_connector_says_how_to_sign_in_and_what_it_reads() {
    let world = World::new().await;
    let all = world.get(OWNER, "/connectors").await.ok();
    let ids: Vec<_> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["id"])
        .collect();
    assert!(
        ids.contains(&&"personio".into()) && ids.contains(&&"reteach".into()),
        "{ids:?}"
    );
    let personio = world.get(OWNER, "/connectors/personio").await.ok();
    let method = &personio["methods"][0];
    assert!(
        method["help"]["de"]
            .as_str()
            .unwrap()
            .contains("Marketplace")
    );
    let secret = named(&method["fields"], "client_secret");
    assert_eq!(
        (&secret["secret"], &secret["required"]),
        (&true.into(), &true.into())
    );
    let employees = named(&personio["streams"], "employees");
    assert_eq!(
        named(&employees["attributes"], "email")["title"]["de"],
        "E-Mail"
    );
    let unknown = world.get(OWNER, "/connectors/nowhere").await;
    assert_eq!(unknown.problem(), (404, "connector.unknown".to_owned()));
}
