//! The events that a system signs, and the automations that they set off.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::run::Trigger;
use matricula_core::{AutomationId, CredentialId, Person, TenantId};
use matricula_service::{NewCredential, Selection, Terms};

use crate::world::{Answer, OTHER, OWNER, Who, World};

const ADDRESS: &str = "/hooks/connector/kombo";

impl World {
    async fn event(&self, body: &str, signature: Option<&str>) -> Answer {
        let mut request = Request::post(ADDRESS);
        if let Some(signature) = signature {
            request = request.header("x-kombo-signature", signature);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap())
            .await
    }

    /// An automation that reads by this credential.
    pub(super) async fn automation_by(
        &self,
        tenant: &TenantId,
        source: &Credential,
    ) -> AutomationId {
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
