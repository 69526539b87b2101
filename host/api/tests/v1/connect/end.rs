//! How a connection ends with the last credential of it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use matricula_core::credential::{Credential, Secrets};
use matricula_core::{CredentialId, TenantId};
use matricula_sandbox::{Fault, FaultKind, System};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use tracing::Level;

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

    async fn stored(&self, credential: &Value) -> Credential {
        let id = CredentialId::new(credential["id"].as_str().unwrap());
        self.store.credential(&id).await.unwrap().unwrap()
    }

    /// A second credential of the same connection, or of one that is called so.
    async fn another(&self, of: &Value, name: &str, integration: Option<&str>) -> Value {
        let mut credential = self.stored(of).await;
        assert_eq!(credential.tenant, alpha());
        credential.id = CredentialId::new(name.replace(' ', "-"));
        credential.name = name.to_owned();
        if let Some(id) = integration {
            let name = "integration_id".to_owned();
            credential.public.insert(name, id.to_owned());
        }
        let none = Secrets::default();
        self.store.add_credential(&credential, &none).await.unwrap();
        json!({ "id": credential.id, "public": credential.public })
    }

    /// Waits until the sandbox has ended a connection.
    async fn disconnected(&self, credential: &Value) {
        while self.is_connected(credential) {
            tokio::task::yield_now().await;
        }
    }
}

fn alpha() -> TenantId {
    TenantId::new(format!("northwind/{}", OWNER.tenant))
}

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn take(&self) -> String {
        let taken = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(taken).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
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
        // What has failed at the system's may have been done all the same.
        let known = detail.contains("and so is the connection");
        assert_eq!(known, status < 500, "{detail}");
        assert_eq!(detail.contains("try again"), retry, "{detail}");
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
    let detail = unheard.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("is not known"), "{detail}");
    assert!(!detail.contains("and so is the connection"), "{detail}");
    world.sandbox.faults().clear();
    let removed = world.remove(OWNER, &made, "").await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_connection_is_not_ended_while_anybody_needs_it() {
    let world = World::new().await;
    let made = world.connected(OWNER, "HR").await;
    let another = world.another(&made, "another", None).await;
    let removed = world.remove(OWNER, &another, "").await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert!(world.is_connected(&made), "another credential is of it");

    let credential = world.stored(&made).await;
    world.automation_by(&alpha(), &credential).await;
    let used = world.remove(OWNER, &made, "").await;
    assert_eq!(used.problem(), (409, "store.in-use".to_owned()));
    assert!(world.is_connected(&made), "an automation reads by it");
}

#[tokio::test]
async fn all_that_go_at_once_end_what_they_are_of() {
    let world = World::new().await;
    let made = world.connected(OWNER, "HR").await;
    let mut all = vec![made.clone()];
    for number in 1..8 {
        let name = format!("another {number}");
        all.push(world.another(&made, &name, None).await);
    }
    let token = world.token(OWNER);
    let mut under_way = JoinSet::new();
    for one in &all {
        let path = format!("/credentials/{}", one["id"].as_str().unwrap());
        let any = [("if-match", "*")];
        let request = world.request(Some(&token), "DELETE", &path, &any, None);
        under_way.spawn(world.router.clone().oneshot(request));
    }
    for answer in under_way.join_all().await {
        assert_eq!(answer.unwrap().status(), StatusCode::NO_CONTENT);
    }
    assert!(!world.is_connected(&made));
}

#[tokio::test]
async fn no_automation_gets_a_connection_that_is_being_ended() {
    let world = World::new().await;
    let slow = || Fault::new(FaultKind::Slow(300)).system(System::Kombo);
    let kept = world.connected(OWNER, "Other").await;
    let automation = world
        .automation_by(&alpha(), &world.stored(&kept).await)
        .await;
    let academy = world.credential(&alpha(), "spare", "reteach").await;

    for start in [true, false] {
        let made = world.connected(OWNER, "HR").await;
        world.sandbox.faults().add(slow());
        let given = async {
            // Ended there, and not yet removed here.
            world.disconnected(&made).await;
            match start {
                true => {
                    let body = json!({
                        "flow": "sync-employees-from-kombo", "source": made["id"], "target": academy.id,
                        "accept_findings": true,
                    });
                    world.post(OWNER, "/automations", body).await
                }
                false => {
                    let path = format!("/automations/{automation}");
                    let body = json!({ "source": made["id"] });
                    let any = [("if-match", "*")];
                    world.ask(OWNER, "PATCH", &path, &any, Some(body)).await
                }
            }
        };
        let (removed, given) = tokio::join!(world.remove(OWNER, &made, ""), given);
        assert_eq!(removed.status, StatusCode::NO_CONTENT, "{removed:?}");
        assert_eq!(given.problem(), (422, "credential.unknown".to_owned()));
        world.sandbox.faults().clear();
    }
    assert!(world.is_connected(&kept));
}

#[tokio::test]
async fn a_connection_that_cannot_be_named_keeps_no_credential_for_ever() {
    let world = World::new().await;
    let made = world.connected(OWNER, "HR").await;
    for name in ["", ".."] {
        let nameless = world.another(&made, "another", Some(name)).await;
        let asked = world.sandbox.journal().requests(System::Kombo);
        let answer = world.remove(OWNER, &nameless, "").await;
        assert_eq!(answer.problem(), (424, "connect.not-ended".to_owned()));
        assert!(!answer.headers.contains_key("retry-after"));
        assert_eq!(world.sandbox.journal().requests(System::Kombo), asked);
        let removed = world.remove(OWNER, &nameless, "?connection=keep").await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT);
    }
    assert!(world.is_connected(&made));
}

#[tokio::test]
async fn a_connection_is_not_left_behind_by_another_way_to_sign_in() {
    let world = World::new().await;
    let made = world.connected(OWNER, "HR").await;
    let known = world.sandbox.credentials().clone();
    let path = format!("/credentials/{}", made["id"].as_str().unwrap());
    let typed = json!({
        "method": "key", "secrets": { "api_key": known.kombo_api_key },
        "public": { "api_url": "https://api.kombo.dev", "integration_id": known.kombo_integration_id },
    });
    let any = [("if-match", "*")];
    let answer = world.ask(OWNER, "PUT", &path, &any, Some(typed)).await;
    assert_eq!(answer.problem(), (409, "connect.bound".to_owned()));
    let kept = world.get(OWNER, &path).await.ok();
    assert_eq!(
        (&kept["method"], &kept["public"]),
        (&json!("connect"), &made["public"])
    );
}

#[tokio::test]
async fn what_became_of_a_connection_is_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::INFO)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let remove = async |query: &str, gone: bool, expected: &str| {
        let made = world.connected(OWNER, "HR").await;
        if gone {
            let other = world.another(&made, "another", None).await;
            world.remove(OWNER, &made, "?connection=keep").await;
            let fault = Fault::new(FaultKind::Status(410)).system(System::Kombo);
            world.sandbox.faults().add(fault);
            log.take();
            world.remove(OWNER, &other, query).await;
            world.sandbox.faults().clear();
        } else {
            log.take();
            world.remove(OWNER, &made, query).await;
        }
        let logged = log.take();
        assert!(!logged.contains("WARN"), "{logged}");
        for part in [
            "INFO",
            "A credential is removed.",
            "northwind/alpha",
            "kombo",
            expected,
        ] {
            assert!(logged.contains(part), "{part}: {logged}");
        }
    };
    remove("", false, "connection=\"ended\"").await;
    remove("", true, "connection=\"gone already\"").await;
    remove("?connection=keep", false, "connection=\"kept\"").await;

    let made = world.connected(OWNER, "HR").await;
    let denied = Fault::new(FaultKind::Status(401)).system(System::Kombo);
    world.sandbox.faults().add(denied);
    log.take();
    world.remove(OWNER, &made, "").await;
    let logged = log.take();
    assert!(logged.contains("refuses to end a connection"), "{logged}");
    assert!(!logged.contains("nobody can connect"), "{logged}");
    assert!(!logged.contains("is removed"), "{logged}");
}
