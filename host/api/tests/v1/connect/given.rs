//! What a vendor gives, and what the owners of credentials see of it.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use matricula_core::credential::{Credential, Gifts, Given, Secrets};
use matricula_core::{CredentialId, TenantId};
use matricula_sandbox::System;
use matricula_session::sign_hs256;
use serde_json::{Value, json};

use crate::world::{OWNER, SECRET, World, connectors};

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
