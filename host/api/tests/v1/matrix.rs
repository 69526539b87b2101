//! Two tenants × two roles × every operation that the description of the API has.
//!
//! The cases are made from the description: an operation that is added without an example here fails the test.
//! Each is asked by nobody, by a viewer of the tenant whose things the address names, by both roles of another
//! tenant, and last by the owner: that it works for the owner shows that the others were refused for what they
//! are.

use matricula_api::openapi;
use serde_json::{Value, json};

use super::world::{Answer, Estate, OTHER, OWNER, VIEWER, Who, World};

const OTHER_VIEWER: Who = Who {
    role: "viewer",
    ..OTHER
};

/// How an operation is asked for something of the tenant alpha.
struct Example {
    /// The address with its parameters.
    path: String,
    body: Option<Value>,
    /// What the owner of alpha gets.
    own: u16,
    /// What the owner of beta gets: one of these.
    other: &'static [u16],
    /// Whether a viewer of alpha gets what its owner gets.
    viewer: bool,
    /// Whether the owner's answer shows something of alpha.
    shows: bool,
    /// No session is needed.
    public: bool,
}

impl Example {
    fn new(path: &str, own: u16, other: &'static [u16]) -> Self {
        Self {
            path: path.to_owned(),
            body: None,
            own,
            other,
            viewer: false,
            shows: false,
            public: false,
        }
    }

    fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    fn shows(mut self) -> Self {
        self.shows = true;
        self
    }

    fn viewer(mut self) -> Self {
        self.viewer = true;
        self
    }

    fn public(mut self) -> Self {
        self.public = true;
        self.viewer()
    }
}

const GONE: &[u16] = &[404];
/// What a body names is not there.
const UNKNOWN: &[u16] = &[404, 422];
const FINE: &[u16] = &[200];
const MADE: &[u16] = &[201];

/// None: there is no example for this operation.
fn example(operation: &str, path: &str, alpha: &Estate, plan: &str) -> Option<Example> {
    let named = match path {
        p if p.starts_with("/automations/") => alpha.automation.as_str().to_owned(),
        p if p.starts_with("/runs/") => alpha.run.to_string(),
        p if p.starts_with("/credentials/") => alpha.hr.id.to_string(),
        p if p.starts_with("/webhooks/") => alpha.webhook.clone(),
        p if p.starts_with("/plans/") => plan.to_owned(),
        p if p.starts_with("/connectors/") => "personio".to_owned(),
        _ => String::new(),
    };
    let filled = path
        .replace("{id}", &named)
        .replace("{key}", "alpha-linked");
    let here = |own, other| Example::new(&filled, own, other);
    let at = |path: String, own, other| Example::new(&path, own, other);
    let sides =
        json!({ "flow": "sync-employees", "source": alpha.hr.id, "target": alpha.spare.id });
    let fields = json!({
        "public": { "client_id": "alpha-client" }, "secrets": { "client_secret": "alpha-secret" },
    });
    Some(match operation {
        "GET /session" => here(200, FINE).viewer().shows(),
        "POST /session/local" => here(404, GONE).body(json!({ "code": "x" })).public(),
        "POST /session/renew" => here(404, GONE).viewer(),

        "GET /automations" | "GET /runs" | "GET /notices" | "GET /webhooks"
        | "GET /credentials" | "GET /tenant" => here(200, FINE).viewer().shows(),
        "GET /flows" | "GET /connectors" | "GET /connectors/{id}" => here(200, FINE).viewer(),
        // This one has no window; that this is told shows that it was found.
        "POST /connectors/{id}/connect" => {
            here(404, GONE).body(json!({ "method": "api-credentials" }))
        }
        "GET /flows/{name}" => at("/flows/sync-employees".into(), 200, FINE).viewer(),
        "GET /flows/{name}/requirements" => {
            let (source, target) = (&alpha.hr.id, &alpha.academy.id);
            let query = format!("?source={source}&target={target}");
            let path = format!("/flows/sync-certificates/requirements{query}");
            at(path, 200, UNKNOWN).viewer()
        }
        "POST /flows/{name}/expressions" => {
            at("/flows/sync-employees/expressions".into(), 200, FINE)
                .body(json!({ "field": "external_id", "expression": "string(e.id)" }))
        }

        "GET /automations/{id}"
        | "GET /automations/{id}/history"
        | "GET /automations/{id}/staged"
        | "GET /automations/{id}/documents"
        | "GET /runs/{id}"
        | "GET /runs/{id}/records"
        | "GET /runs/{id}/records.csv"
        | "GET /credentials/{id}" => here(200, GONE).viewer().shows(),
        "GET /automations/{id}/events" => here(200, GONE).viewer(),

        "POST /automations" => {
            let mut body = sides;
            body["accept_findings"] = true.into();
            here(201, UNKNOWN).body(body).shows()
        }
        "PATCH /automations/{id}" => here(200, GONE).body(json!({ "contacts": [] })).shows(),
        // It is active; that this is told shows that it was found.
        "DELETE /automations/{id}" => here(409, GONE),
        "POST /automations/{id}/run" => here(200, GONE).body(json!({ "full": true })).shows(),
        "POST /automations/{id}/deactivate"
        | "POST /automations/{id}/reactivate"
        | "POST /automations/{id}/retry"
        | "POST /automations/{id}/reevaluate"
        | "POST /automations/{id}/adopt"
        | "POST /automations/{id}/hook" => here(200, GONE).shows(),
        "POST /automations/{id}/staged" => here(200, GONE).body(json!({ "decision": "approve" })),
        "POST /automations/{id}/documents" => {
            here(200, GONE).body(json!({ "decision": "arrived" }))
        }
        "DELETE /automations/{id}/people/{key}" => here(204, GONE),

        "POST /credentials" => {
            let mut body = fields;
            body["name"] = "another".into();
            body["connector"] = "personio".into();
            here(201, MADE).body(body)
        }
        "PUT /credentials/{id}" => here(200, GONE).body(fields).shows(),
        // An automation uses it.
        "DELETE /credentials/{id}" => here(409, GONE),
        "POST /credentials/{id}/test" => here(200, GONE).body(json!({})),
        "GET /credentials/{id}/lookups/{name}" => {
            at(filled.replace("{name}", "departments"), 200, GONE).viewer()
        }
        "GET /credentials/{id}/samples" => at(format!("{filled}?stream=employees"), 200, GONE),

        "POST /plans" => here(202, UNKNOWN).body(sides),
        "GET /plans/{id}" | "GET /plans/{id}/people" => here(200, GONE),
        "DELETE /plans/{id}" => here(204, GONE),

        "PATCH /tenant" => here(200, FINE).body(json!({ "retention_days": 7 })).shows(),
        // Beta has nobody of this key.
        "POST /tenant/erasures" => here(200, FINE).body(json!({ "key": "alpha-linked" })),
        "POST /webhooks" => here(201, MADE)
            .body(json!({ "name": "a webhook", "url": "https://hooks.example.org/x" })),
        "DELETE /webhooks/{id}" => here(204, GONE),
        _ => return None,
    })
}

/// Every operation of the description, as method and path below `/api/v1`.
fn operations() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&openapi().to_json().unwrap()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/api/v1").unwrap();
        for method in item.as_object().unwrap().keys() {
            let methods = ["get", "post", "put", "patch", "delete", "head", "options"];
            if methods.contains(&method.as_str()) {
                operations.push((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    assert!(operations.len() > 20, "{operations:?}");
    operations
}

struct Matrix {
    world: World,
    alpha: Estate,
    beta: Estate,
    plan: String,
}

impl Matrix {
    async fn new() -> Self {
        let world = World::new().await;
        let alpha = world.estate(OWNER).await;
        let beta = world.estate(OTHER).await;
        let body = json!({
            "flow": "sync-employees", "source": alpha.hr.id, "target": alpha.spare.id,
        });
        let begun = world.post(OWNER, "/plans", body).await;
        let mut plan = "no-plan-yet".to_owned();
        if operations().contains(&("POST".to_owned(), "/plans".to_owned())) {
            plan = begun.ok()["id"].as_str().unwrap().to_owned();
            let path = format!("/plans/{plan}");
            while world.get(OWNER, &path).await.ok()["status"] == "running" {
                tokio::task::yield_now().await;
            }
        }
        Self {
            world,
            alpha,
            beta,
            plan,
        }
    }

    fn example(&self, method: &str, path: &str) -> Example {
        let operation = format!("{method} {path}");
        example(&operation, path, &self.alpha, &self.plan)
            .unwrap_or_else(|| panic!("{operation} has no example in this test: give it one"))
    }

    async fn ask(&self, who: Option<Who>, method: &str, example: &Example) -> Answer {
        let token = who.map(|who| self.world.token(who));
        let headers: &[_] = match method {
            "PATCH" | "PUT" | "DELETE" => &[("if-match", "*")],
            _ => &[],
        };
        let body = example.body.as_ref();
        let request = self
            .world
            .request(token.as_deref(), method, &example.path, headers, body);
        self.world.send(request).await
    }

    /// What only alpha has, beside what the request itself names.
    fn marks(&self, example: &Example) -> Vec<String> {
        let asked = format!("{} {:?}", example.path, example.body);
        let alpha = &self.alpha;
        let own = [
            alpha.automation.to_string(),
            alpha.hr.id.to_string(),
            alpha.academy.id.to_string(),
            alpha.spare.id.to_string(),
            alpha.webhook.clone(),
            self.plan.clone(),
            // Names, addresses, people, reasons and settings of this tenant all have it.
            "alpha".to_owned(),
        ];
        // A person's key has the word as well, which is no reason to look for nothing.
        let named = |mark: &String| mark != "alpha" && asked.contains(mark.as_str());
        own.into_iter().filter(|mark| !named(mark)).collect()
    }

    /// Everything of alpha's that a request could have changed.
    async fn state(&self) -> String {
        let Self { world, alpha, .. } = self;
        let mut state = String::new();
        for path in [
            "/automations?limit=200".to_owned(),
            alpha.path(""),
            alpha.path("/history?limit=200"),
            alpha.path("/staged"),
            alpha.path("/documents"),
            "/runs".to_owned(),
            format!("/runs/{}/records", alpha.run),
            "/notices".to_owned(),
            "/tenant".to_owned(),
        ] {
            let answer = world.get(OWNER, &path).await;
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            state.push_str(&answer.text);
        }
        let store = &world.store;
        let mut credentials = store.credentials(&alpha.tenant).await.unwrap();
        credentials.sort_by(|a, b| a.id.cmp(&b.id));
        for credential in credentials {
            let secrets = store.secrets(&credential.id).await.unwrap();
            let secrets: Vec<_> = secrets.iter().collect();
            state.push_str(&format!("{credential:?} {secrets:?}"));
        }
        let mut automations = store.automations(&alpha.tenant).await.unwrap();
        automations.sort_by(|a, b| a.id.cmp(&b.id));
        let keys = ["alpha-linked", "alpha-staged"].map(Into::into);
        for automation in automations {
            let hook = store.hook(&automation.id).await.unwrap();
            let links = store.links(&automation.id, &keys).await.unwrap();
            state.push_str(&format!("{automation:?} {hook:?} {links:?}"));
        }
        let tested = store.tested(&alpha.tenant).await.unwrap();
        state.push_str(&format!("{tested:?} {}", self.plan_state().await));
        state
    }

    async fn plan_state(&self) -> String {
        match self.plan.as_str() {
            "no-plan-yet" => String::new(),
            plan => {
                let path = format!("/plans/{plan}");
                self.world.get(OWNER, &path).await.text
            }
        }
    }
}

#[tokio::test]
async fn nobody_reads_or_changes_what_is_not_theirs() {
    let matrix = Matrix::new().await;
    let before = matrix.state().await;
    for mark in matrix.marks(&Example::new("", 0, &[])) {
        let planned = mark == matrix.plan || mark == matrix.alpha.webhook;
        assert!(planned || before.contains(&mark), "{mark} is nowhere");
    }
    for (method, path) in operations() {
        let example = matrix.example(&method, &path);
        let marks = matrix.marks(&example);
        let askers = [None, Some(VIEWER), Some(OTHER_VIEWER), Some(OTHER)];
        for who in askers {
            let answer = matrix.ask(who, &method, &example).await;
            let status = answer.status.as_u16();
            let about = format!("{method} {path} by {who:?}: {answer:?}");
            let (expected, is_alphas): (&[u16], bool) = match who {
                _ if example.public => (example.other, false),
                None => (&[401], false),
                Some(VIEWER) if example.viewer => (&[example.own], true),
                Some(VIEWER) => (&[403], false),
                Some(OTHER_VIEWER) if !example.viewer => (&[403], false),
                Some(_) => (example.other, false),
            };
            assert!(expected.contains(&status), "expected {expected:?}: {about}");
            if expected == [403] {
                assert_eq!(answer.problem().1, "role.viewer", "{about}");
            }
            if !is_alphas {
                let told = marks.iter().find(|mark| says(&answer, mark, &example));
                assert_eq!(told, None, "{about}");
            }
            assert_eq!(matrix.state().await, before, "{about}");
        }
    }
}

/// Whether an answer has a mark in it that the request itself did not have.
fn says(answer: &Answer, mark: &str, example: &Example) -> bool {
    let mut text = answer.text.clone();
    let mut named: Vec<String> = example.path.split('/').map(str::to_owned).collect();
    let strings = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(body) = example.body.as_ref().and_then(Value::as_object) {
        let nested = body.values().filter_map(Value::as_object);
        let nested = nested.flat_map(|inner| inner.values().filter_map(strings));
        named.extend(body.values().filter_map(strings).chain(nested));
    }
    for name in named.iter().filter(|name| name.contains("alpha")) {
        text = text.replace(name.as_str(), "");
    }
    text.contains(mark)
}

#[tokio::test]
async fn the_owner_gets_what_the_others_were_refused() {
    for (method, path) in operations() {
        let matrix = Matrix::new().await;
        let example = matrix.example(&method, &path);
        let answer = matrix.ask(Some(OWNER), &method, &example).await;
        let about = format!("{method} {path}: {answer:?}");
        assert_eq!(answer.status.as_u16(), example.own, "{about}");
        if example.shows {
            let text = &answer.text;
            let id = matrix.alpha.automation.as_str();
            assert!(text.contains("alpha") || text.contains(id), "{about}");
        }
        let everybody = format!("{}", matrix.beta.automation);
        assert!(!answer.text.contains(&everybody), "{about}");
        assert!(!answer.text.contains("beta"), "{about}");
    }
}
