//! Signing in to a system in a window of its own, what vendors give, and the events that such a system signs.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use matricula_core::credential::{Credential, Gifts, Given, Secrets};
use matricula_core::run::Trigger;
use matricula_core::{AutomationId, CredentialId, Person, TenantId};
use matricula_sandbox::{Fault, FaultKind, System};
use matricula_service::{NewCredential, Selection, Terms};
use matricula_session::sign_hs256;
use serde_json::{Value, json};

use super::world::{Answer, OTHER, OWNER, SECRET, VIEWER, Who, World, connectors};

const ADDRESS: &str = "/hooks/connector/kombo";

impl World {
    /// Asks as somebody whose token says what Kombo wants to know.
    async fn signed_in(&self, who: Who, method: &str, path: &str, body: Value) -> Answer {
        let mut claims = self.claims(who);
        claims["email"] = format!("{}@example.com", who.tenant).into();
        claims["organization"] = format!("{} Inc.", who.tenant).into();
        claims["locale"] = "de".into();
        let token = sign_hs256(SECRET.as_bytes(), "shared", claims.as_object().unwrap());
        let headers = [("if-match", "*")];
        let request = self.request(Some(&token), method, path, &headers, Some(&body));
        self.send(request).await
    }

    /// A window's address, and the token that somebody gets who signs in there.
    async fn window(&self, who: Who, body: Value) -> (Value, String) {
        let answer = self.signed_in(who, "POST", "/connectors/kombo/connect", body);
        let window = answer.await.ok();
        let token = self
            .sandbox
            .kombo()
            .sign_in(window["link"].as_str().unwrap());
        (window, token.unwrap())
    }

    /// A credential that somebody has connected.
    async fn connected(&self, who: Who, name: &str) -> Value {
        let (_, token) = self.window(who, json!({ "method": "connect" })).await;
        let added =
            json!({ "name": name, "connector": "kombo", "method": "connect", "token": token });
        self.signed_in(who, "POST", "/credentials", added)
            .await
            .ok()
    }

    async fn event(&self, body: &str, signature: Option<&str>) -> Answer {
        let mut request = Request::post(ADDRESS);
        if let Some(signature) = signature {
            request = request.header("x-kombo-signature", signature);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    /// An automation that reads by this credential.
    async fn automation_by(&self, tenant: &TenantId, source: &Credential) -> AutomationId {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../flows");
        let file = "sync-employees-from-kombo.flow.yaml";
        std::fs::copy(root.join(file), self.flows.path().join(file)).unwrap();
        let flow = self.matricula.offered("sync-employees-from-kombo").unwrap();
        let name = format!("{} academy", source.name);
        let academy = self.credential(tenant, &name, "reteach").await;
        let selection = Selection {
            source: Some(source.name.clone()),
            target: Some(academy.name),
            ..Selection::default()
        };
        let terms = Terms {
            accept_findings: true,
            ..Terms::default()
        };
        let by = Person::named("somebody");
        let started = self.matricula.start(tenant, &flow, &selection, &terms, &by);
        let id = started.await.unwrap().automation;
        // The first cycle is wanted from the start; it is as if it had been.
        let mut standing = self.store.standing(&id).await.unwrap().unwrap();
        standing.demand = None;
        let change = matricula_core::agenda::Change::to(standing);
        assert!(self.store.change(&change).await.unwrap());
        id
    }

    async fn wanted(&self, id: &AutomationId) -> Option<Trigger> {
        let standing = self.store.standing(id).await.unwrap().unwrap();
        standing.demand.map(|demand| demand.trigger)
    }
}

fn northwind(who: Who) -> TenantId {
    TenantId::new(format!("northwind/{}", who.tenant))
}

#[tokio::test]
async fn a_window_is_offered_where_the_vendor_gives_what_it_needs() {
    let world = World::new().await;
    let methods = world.get(OWNER, "/connectors/kombo").await.ok()["methods"].clone();
    let ids: Vec<&Value> = methods
        .as_array()
        .unwrap()
        .iter()
        .map(|of| &of["id"])
        .collect();
    assert_eq!(ids, ["connect", "key"]);
    assert_eq!(
        (
            &methods[0]["sign_in"],
            &methods[0]["renews"],
            &methods[0]["fields"]
        ),
        (&json!(true), &json!(true), &json!([]))
    );
    assert_eq!(methods[1]["sign_in"], false);
    // Another vendor gives nothing.
    let mut claims = world.claims(OWNER);
    claims["iss"] = "southridge".into();
    let token = sign_hs256(SECRET.as_bytes(), "shared", claims.as_object().unwrap());
    let request = world.request(Some(&token), "GET", "/connectors/kombo", &[], None);
    let methods = world.send(request).await.ok()["methods"].clone();
    assert_eq!(methods.as_array().unwrap().len(), 1);
    assert_eq!(methods[0]["id"], "key");
    let body = json!({ "method": "connect" });
    let request = world.request(
        Some(&token),
        "POST",
        "/connectors/kombo/connect",
        &[],
        Some(&body),
    );
    assert_eq!(
        world.send(request).await.problem(),
        (422, "credential.fields".to_owned())
    );
}

#[tokio::test]
async fn somebody_connects_and_nothing_of_the_vendors_is_told() {
    let world = World::new().await;
    let (window, token) = world.window(OWNER, json!({ "method": "connect" })).await;
    let sandbox = world.sandbox.url(System::Kombo);
    assert_eq!(
        (&window["widget"], &window["frame"]),
        (&json!("kombo"), &json!(sandbox))
    );
    assert!(
        window["link"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{sandbox}/v1?token="))
    );
    assert_eq!(window["expires_at"], "2026-03-02T10:00:00Z");

    let added = json!({ "name": "HR", "connector": "kombo", "method": "connect", "token": token });
    let answer = world.signed_in(OWNER, "POST", "/credentials", added).await;
    let made = answer.ok();
    let known = world.sandbox.kombo();
    let own =
        |of: &matricula_sandbox::Integration| of.origin_id.as_deref() == Some("northwind/alpha");
    let integration = known.integrations().into_iter().find(own).unwrap();
    assert_eq!(
        (
            integration.email.as_str(),
            integration.organization.as_str()
        ),
        ("alpha@example.com", "alpha Inc.")
    );
    assert_eq!(made["public"], json!({ "integration_id": integration.id }));
    let id = made["id"].as_str().unwrap();
    let tested = world
        .post(OWNER, &format!("/credentials/{id}/test"), json!({}))
        .await;
    assert_eq!(tested.ok()["failure"], Value::Null, "{tested:?}");
    let listed = world.get(OWNER, "/credentials").await;
    for told in [&answer, &tested, &listed] {
        assert!(!told.text.contains("sandbox-kombo"), "{told:?}");
    }
    // Nor is it kept: what the vendor gives tomorrow counts tomorrow.
    let secrets = world.store.secrets(&CredentialId::new(id)).await.unwrap();
    assert_eq!(secrets.iter().count(), 0);
}

#[tokio::test]
async fn what_names_a_connection_cannot_be_typed() {
    let world = World::new().await;
    let beta = world.connected(OTHER, "theirs").await;
    let theirs = beta["public"]["integration_id"].as_str().unwrap();
    let refused = async |body: Value| {
        let answer = world.signed_in(OWNER, "POST", "/credentials", body).await;
        assert_eq!(answer.problem(), (422, "credential.fields".to_owned()));
        let error = answer.json()["errors"][0].clone();
        (
            error["pointer"].as_str().unwrap().to_owned(),
            error["code"].as_str().unwrap().to_owned(),
        )
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let (_, token) = world.window(OWNER, json!({ "method": "connect" })).await;
    let with = |more: Value| {
        let mut body = json!({ "name": "HR", "connector": "kombo", "method": "connect" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let typed = with(json!({ "token": token, "public": { "integration_id": theirs } }));
    assert_eq!(
        refused(typed).await,
        pair("/public/integration_id", "field.not-entered")
    );
    let typed = with(json!({ "token": token, "secrets": { "api_key": "own" } }));
    assert_eq!(
        refused(typed).await,
        pair("/secrets/api_key", "field.not-entered")
    );
    assert_eq!(
        refused(with(json!({}))).await,
        pair("/token", "field.missing")
    );
    let mut key = with(json!({
        "token": token, "public": { "api_url": "https://api.kombo.dev", "integration_id": theirs }, "secrets": { "api_key": "own" },
    }));
    key["method"] = "key".into();
    assert_eq!(refused(key).await, pair("/token", "field.unknown"));
}

#[tokio::test]
async fn a_token_is_good_for_the_tenant_that_opened_the_window() {
    let world = World::new().await;
    let (_, token) = world.window(OTHER, json!({ "method": "connect" })).await;
    let added = json!({ "name": "HR", "connector": "kombo", "method": "connect", "token": token });
    let stolen = world
        .signed_in(OWNER, "POST", "/credentials", added.clone())
        .await;
    assert_eq!(stolen.problem(), (422, "connect.refused".to_owned()));
    world
        .signed_in(OTHER, "POST", "/credentials", added)
        .await
        .ok();
    let none = json!({ "name": "x", "connector": "kombo", "method": "connect", "token": "../../check-api-key" });
    let none = world.signed_in(OWNER, "POST", "/credentials", none).await;
    assert_eq!(none.problem(), (422, "connect.refused".to_owned()));
}

#[tokio::test]
async fn a_token_whose_answer_was_lost_makes_one_credential() {
    let world = World::new().await;
    let (_, token) = world.window(OWNER, json!({ "method": "connect" })).await;
    let added = json!({ "name": "HR", "connector": "kombo", "method": "connect", "token": token });
    let session = world.token(OWNER);
    let add = async || {
        let headers = [("idempotency-key", "one")];
        let request = world.request(
            Some(&session),
            "POST",
            "/credentials",
            &headers,
            Some(&added),
        );
        world.send(request).await
    };
    let first = add().await;
    // Nor is the token offered a second time.
    let asked = world.sandbox.journal().requests(System::Kombo);
    let again = add().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.ok()["id"], first.ok()["id"]);
    assert_eq!(world.sandbox.journal().requests(System::Kombo), asked);
    let all = world.get(OWNER, "/credentials").await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_connection_is_signed_in_to_anew_and_stays_the_same() {
    let world = World::new().await;
    let made = world.connected(OWNER, "HR").await;
    let id = made["id"].as_str().unwrap();
    let path = format!("/credentials/{id}");
    let again = json!({ "method": "connect", "credential": id });
    let (_, token) = world.window(OWNER, again.clone()).await;
    let body = json!({ "method": "connect", "token": token });
    let renewed = world.signed_in(OWNER, "PUT", &path, body).await.ok();
    assert_eq!(renewed["public"], made["public"]);
    // A new connection has other people.
    let (_, token) = world.window(OWNER, json!({ "method": "connect" })).await;
    let body = json!({ "method": "connect", "token": token });
    let other = world.signed_in(OWNER, "PUT", &path, body).await;
    assert_eq!(other.problem(), (409, "connect.other".to_owned()));
    let kept = world.get(OWNER, &path).await.ok();
    assert_eq!(kept["public"], made["public"]);

    let ask = async |who, body| {
        let answer = world.signed_in(who, "POST", "/connectors/kombo/connect", body);
        answer.await.problem()
    };
    assert_eq!(
        ask(OTHER, again).await,
        (404, "credential.unknown".to_owned())
    );
    let viewer = json!({ "method": "connect" });
    assert_eq!(ask(VIEWER, viewer).await, (403, "role.viewer".to_owned()));
    let window = json!({ "method": "key" });
    assert_eq!(
        ask(OWNER, window).await,
        (404, "connect.unknown".to_owned())
    );
}

#[tokio::test]
async fn what_keeps_a_window_closed_is_told() {
    let world = World::new().await;
    let body = json!({ "method": "connect" });
    let without = world
        .post(OWNER, "/connectors/kombo/connect", body.clone())
        .await;
    assert_eq!(without.problem(), (422, "connect.email".to_owned()));
    let refused = Fault::new(FaultKind::Status(401)).system(System::Kombo);
    world.sandbox.faults().add(refused);
    let answer = world
        .signed_in(OWNER, "POST", "/connectors/kombo/connect", body)
        .await;
    assert_eq!(answer.problem(), (424, "remote.failed".to_owned()));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("key of this application"), "{detail}");
    assert!(!detail.contains("sandbox-kombo-key"), "{detail}");
}

#[tokio::test]
async fn the_page_may_frame_the_windows_of_its_vendor_alone() {
    let world = World::new().await;
    let policy = async |vendor: &str| {
        let request = Request::get(format!("/app/?vendor={vendor}"));
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        answer.header("content-security-policy")
    };
    let own = format!("; frame-src {}", world.sandbox.url(System::Kombo));
    let northwind = policy("northwind").await;
    assert!(northwind.ends_with(&own), "{northwind}");
    for vendor in ["southridge", "nobody", ""] {
        let policy = policy(vendor).await;
        assert!(!policy.contains("frame-src"), "{policy}");
    }
}

#[tokio::test]
async fn the_page_is_there_though_a_connector_is_not() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["kombo.wasm", "personio.wasm", "reteach.wasm"] {
        std::fs::copy(connectors().join(file), folder.path().join(file)).unwrap();
    }
    let world = World::with(folder.path().to_owned()).await;
    std::fs::remove_file(folder.path().join("kombo.wasm")).unwrap();
    let request = Request::get("/app/?vendor=northwind").body(Body::empty());
    let answer = world.send(request.unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let policy = answer.header("content-security-policy");
    assert!(!policy.contains("frame-src"), "{policy}");
}

#[tokio::test]
async fn what_a_vendor_gives_no_longer_is_for_the_operator_to_give_again() {
    let world = World::new().await;
    let connected = Credential {
        id: CredentialId::new("connected"),
        tenant: TenantId::new("southridge/alpha"),
        connector: "kombo".to_owned(),
        method: "connect".to_owned(),
        name: "HR".to_owned(),
        public: [("integration_id".to_owned(), "personio:1".to_owned())].into(),
        created_at: "2026-03-02T09:00:00Z".parse().unwrap(),
    };
    let tried = world.matricula.try_credential(&connected, None, "en").await;
    assert!(tried.is_err(), "it is not kept: {tried:?}");
    let none = Secrets::default();
    world.store.add_credential(&connected, &none).await.unwrap();
    let tried = world.matricula.try_credential(&connected, None, "en").await;
    let failure = tried.unwrap().unwrap_err();
    assert_eq!(failure.code.as_deref(), Some("connect.not-given"));
    assert!(!failure.message.contains("enter"), "{failure:?}");
}

#[tokio::test]
async fn what_a_vendor_gives_has_to_be_taken_by_somebody() {
    let world = World::new().await;
    let gives = |connector: &str, open: &[(&str, &str)]| {
        let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        let mut given = Given::default();
        let gifts = Gifts {
            open: open.iter().map(own).collect(),
            hidden: Secrets::default(),
        };
        given.insert("northwind", connector, gifts);
        world.matricula.give(given).unwrap_err().to_string()
    };
    assert!(gives("nothing", &[]).contains("there is no connector"));
    let unknown = gives("kombo", &[("integration_id", "x")]);
    assert!(
        unknown.contains("no field integration_id to give: there are api_url"),
        "{unknown}"
    );
    let open = gives("kombo", &[("api_key", "sk-open")]);
    assert!(open.contains("write api_key_env or api_key_file"), "{open}");
    assert!(!open.contains("sk-open"), "{open}");
    let half = gives("kombo", &[("api_url", "https://api.kombo.dev")]);
    assert!(half.contains("api_key is not given"), "{half}");
}

#[tokio::test]
async fn a_signed_event_sets_off_the_cycles_of_its_connection() {
    let world = World::new().await;
    let mut automations = Vec::new();
    for who in [OWNER, OTHER] {
        let made = world.connected(who, "HR").await;
        let id = CredentialId::new(made["id"].as_str().unwrap());
        let tenant = northwind(who);
        let credential = world
            .matricula
            .credential_by_id(&tenant, &id)
            .await
            .unwrap();
        automations.push((world.automation_by(&tenant, &credential).await, credential));
    }
    let [(alpha, hr), (beta, _)] = &automations[..] else {
        unreachable!()
    };
    let kombo = world.sandbox.kombo();
    let event = kombo.data_changed(&hr.public["integration_id"]);
    let signature = kombo.signature(&event);

    let other = kombo.signature("another body");
    let doubled = format!("{signature}, {signature}");
    for wrong in [
        None,
        Some(""),
        Some("?"),
        Some(other.as_str()),
        Some(&doubled),
    ] {
        let answer = world.event(&event, wrong).await;
        assert_eq!(answer.problem(), (401, "signature.wrong".to_owned()));
        assert!(!answer.headers.contains_key("www-authenticate"));
    }
    let changed = event.replace("data-changed", "data-deleted");
    assert_eq!(
        world.event(&changed, Some(&signature)).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(world.wanted(alpha).await, None);

    assert_eq!(
        world.event(&event, Some(&signature)).await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(world.wanted(alpha).await, Some(Trigger::Webhook));
    assert_eq!(world.wanted(beta).await, None);

    // What is signed rightly and matters to nobody is taken, so that the address is not given up.
    for event in [
        kombo.data_changed("personio:nobody"),
        event.replace("data-changed", "sync-finished"),
        "no JSON".to_owned(),
        String::new(),
    ] {
        let signature = kombo.signature(&event);
        assert_eq!(
            world.event(&event, Some(&signature)).await.status,
            StatusCode::ACCEPTED,
            "{event}"
        );
    }
    assert_eq!(world.wanted(beta).await, None);
    let metrics = world
        .send(Request::get("/metrics").body(Body::empty()).unwrap())
        .await
        .text;
    assert!(
        metrics.contains("matricula_events_total{signature=\"taken\"} 5"),
        "{metrics}"
    );
    assert!(
        metrics.contains("matricula_events_total{signature=\"refused\"} 6"),
        "{metrics}"
    );
}

#[tokio::test]
async fn nobody_who_types_a_connection_keeps_its_events_from_others() {
    let world = World::new().await;
    let made = world.connected(OWNER, "HR").await;
    let id = CredentialId::new(made["id"].as_str().unwrap());
    let tenant = northwind(OWNER);
    let hr = world.matricula.credential_by_id(&tenant, &id).await;
    let hr = hr.unwrap();
    let automation = world.automation_by(&tenant, &hr).await;
    for number in 0..150 {
        let typed = Credential {
            // Before all others.
            id: CredentialId::new(format!("!{number}")),
            tenant: northwind(OTHER),
            method: "key".to_owned(),
            name: number.to_string(),
            ..hr.clone()
        };
        let none = Secrets::default();
        world.store.add_credential(&typed, &none).await.unwrap();
    }
    let kombo = world.sandbox.kombo();
    let event = kombo.data_changed(&hr.public["integration_id"]);
    let signature = kombo.signature(&event);
    let taken = world.event(&event, Some(&signature)).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED);
    assert_eq!(world.wanted(&automation).await, Some(Trigger::Webhook));
}

#[tokio::test]
async fn a_secret_of_its_own_speaks_for_its_credential_alone() {
    let world = World::new().await;
    let kombo = world.sandbox.kombo();
    let known = world.sandbox.credentials().clone();
    let tenant = northwind(OWNER);
    let mut automations = Vec::new();
    for (name, secret) in [("own", "a secret of its own"), ("none", "")] {
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
            pairs
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(own)
                .collect()
        };
        let new = NewCredential {
            name: name.to_owned(),
            connector: "kombo".to_owned(),
            method: Some("key".to_owned()),
            public: own(&[
                ("api_url", "https://api.kombo.dev"),
                ("integration_id", &known.kombo_integration_id),
            ])
            .into_iter()
            .collect(),
            secrets: Secrets::new(own(&[
                ("api_key", &known.kombo_api_key),
                ("webhook_secret", secret),
            ])),
        };
        let credential = world.matricula.add_credential(&tenant, new).await.unwrap();
        automations.push(world.automation_by(&tenant, &credential).await);
    }
    let event = kombo.data_changed(&known.kombo_integration_id);
    // The vendor's own secret is right and speaks for none of them: their keys are not the vendor's.
    let vendors = kombo.signature(&event);
    assert_eq!(
        world.event(&event, Some(&vendors)).await.status,
        StatusCode::ACCEPTED
    );
    for id in &automations {
        assert_eq!(world.wanted(id).await, None);
    }
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"a secret of its own");
    let tag = ring::hmac::sign(&key, event.as_bytes());
    let own = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE, tag);
    assert_eq!(
        world.event(&event, Some(&own)).await.status,
        StatusCode::ACCEPTED
    );
    assert_eq!(world.wanted(&automations[0]).await, Some(Trigger::Webhook));
    assert_eq!(world.wanted(&automations[1]).await, None);
    // An empty secret signs nothing.
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"");
    let tag = ring::hmac::sign(&key, event.as_bytes());
    let empty = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE, tag);
    assert_eq!(
        world.event(&event, Some(&empty)).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn only_systems_that_sign_have_such_an_address() {
    let world = World::new().await;
    for path in [
        "/hooks/connector/personio",
        "/hooks/connector/nothing",
        "/hooks/connector/%2e%2e",
    ] {
        let request = Request::post(path).body(Body::from("{}")).unwrap();
        assert_eq!(
            world.send(request).await.problem(),
            (404, "not-found".to_owned()),
            "{path}"
        );
    }
    let large = Request::post(ADDRESS)
        .body(Body::from(vec![b'x'; 65 * 1024]))
        .unwrap();
    assert_eq!(
        world.send(large).await.problem(),
        (413, "body.too-large".to_owned())
    );
    let probe = Request::get(ADDRESS).body(Body::empty()).unwrap();
    assert_eq!(world.send(probe).await.status, StatusCode::NO_CONTENT);
}
