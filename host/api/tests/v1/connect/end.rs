//! How a connection ends with the last credential of it.

use axum::http::StatusCode;
use matricula_core::credential::Secrets;
use matricula_core::{CredentialId, TenantId};
use matricula_sandbox::{Fault, FaultKind, System};
use serde_json::{Value, json};

use crate::world::{Answer, OTHER, OWNER, VIEWER, Who, World};

impl World {
    fn is_connected(&self, credential: &Value) -> bool {
        let id = credential["public"]["integration_id"].as_str().unwrap();
        self.sandbox.kombo().integration(id).is_some()
    }

    async fn remove(&self, who: Who, credential: &Value, query: &str) -> Answer {
        let path = format!("/credentials/{}{query}", credential["id"].as_str().unwrap());
        self.ask(who, "DELETE", &path, &[("if-match", "*")], None)
            .await
    }

    /// A second credential of the same connection.
    async fn another(&self, of: &Value) -> Value {
        let tenant = TenantId::new(format!("northwind/{}", OWNER.tenant));
        let id = CredentialId::new(of["id"].as_str().unwrap());
        let mut credential = self.store.credential(&id).await.unwrap().unwrap();
        assert_eq!(credential.tenant, tenant);
        credential.id = CredentialId::new("another");
        credential.name = "another".to_owned();
        let none = Secrets::default();
        self.store.add_credential(&credential, &none).await.unwrap();
        json!({ "id": "another", "public": of["public"] })
    }
}

#[tokio::test]
async fn a_connection_ends_with_its_credential() {
    let world = World::new().await;
    let methods = world.get(OWNER, "/connectors/kombo").await.ok()["methods"].clone();
    assert_eq!(
        (&methods[0]["ends"], &methods[1]["ends"]),
        (&json!(true), &json!(false))
    );
    let made = world.connected(OWNER, "HR").await;
    let kept = world.connected(OWNER, "Other").await;
    assert!(world.is_connected(&made));
    let others = world.remove(OTHER, &made, "").await;
    assert_eq!(others.problem(), (404, "credential.unknown".to_owned()));
    let viewer = world.remove(VIEWER, &made, "").await;
    assert_eq!(viewer.problem(), (403, "role.viewer".to_owned()));
    assert!(world.is_connected(&made));
    let removed = world.remove(OWNER, &made, "").await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert!(!world.is_connected(&made));
    assert!(world.is_connected(&kept));
    let again = world.remove(OWNER, &made, "").await;
    assert_eq!(again.problem(), (404, "credential.unknown".to_owned()));
}

#[tokio::test]
async fn a_connection_that_is_not_ended_keeps_its_credential_until_that_is_wanted() {
    let world = World::new().await;
    let made = world.connected(OWNER, "HR").await;
    for (status, retry) in [(503, true), (401, false), (409, false), (429, true)] {
        let refused = Fault::new(FaultKind::Status(status)).system(System::Kombo);
        world.sandbox.faults().add(refused);
        let answer = world.remove(OWNER, &made, "").await;
        assert_eq!(answer.problem(), (424, "connect.not-ended".to_owned()));
        assert_eq!(
            answer.headers.contains_key("retry-after"),
            retry,
            "{status}"
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("the credential is kept"), "{detail}");
        assert!(!detail.contains("sandbox-kombo-key"), "{detail}");
        world.sandbox.faults().clear();
        assert!(world.is_connected(&made));
    }
    let wrong = world.remove(OWNER, &made, "?connection=sell").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let removed = world.remove(OWNER, &made, "?connection=keep").await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert!(world.is_connected(&made));
}

#[tokio::test]
async fn a_connection_whose_end_was_not_heard_of_does_not_stay() {
    let world = World::new().await;
    let made = world.connected(OWNER, "HR").await;
    // Every answer is lost, however often it is asked.
    let lost = Fault::new(FaultKind::LostAnswer).system(System::Kombo);
    world.sandbox.faults().add(lost);
    let unheard = world.remove(OWNER, &made, "").await;
    assert_eq!(unheard.problem(), (424, "connect.not-ended".to_owned()));
    assert!(!world.is_connected(&made));
    world.sandbox.faults().clear();
    let removed = world.remove(OWNER, &made, "").await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_connection_is_not_ended_while_anybody_needs_it() {
    let world = World::new().await;
    let made = world.connected(OWNER, "HR").await;
    let another = world.another(&made).await;
    let removed = world.remove(OWNER, &another, "").await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert!(world.is_connected(&made), "another credential is of it");

    let tenant = TenantId::new(format!("northwind/{}", OWNER.tenant));
    let id = CredentialId::new(made["id"].as_str().unwrap());
    let credential = world.store.credential(&id).await.unwrap().unwrap();
    world.automation_by(&tenant, &credential).await;
    let used = world.remove(OWNER, &made, "").await;
    assert_eq!(used.status, StatusCode::CONFLICT);
    assert!(world.is_connected(&made), "an automation reads by it");
}
