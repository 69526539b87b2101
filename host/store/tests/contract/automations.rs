//! Automations and what cycles leave behind.

use matricula_core::automation::{Automation, Memory};
use matricula_core::credential::Credential;
use matricula_core::run::RunStatus;
use matricula_core::store::StoreError;
use matricula_core::{CredentialId, TenantId};

use super::made_up::*;

fn memory() -> Memory {
    Memory {
        state: Some("2026-11-21T10:00:00Z".to_owned()),
        full_at: Some(at(1_700_000_000_123)),
        program: Some("c0ffee".to_owned()),
    }
}

pub async fn an_automation_survives(store: AnyStore) {
    set_up(&store, "first").await;
    let second = Automation {
        salt: 0,
        settings: serde_json::Value::Null,
        created_at: at(1_800_000_000_000),
        memory: memory(),
        ..automation("second")
    };
    store.put_automation(&second).await.unwrap();
    assert_eq!(
        store.automations(&tenant()).await.unwrap(),
        [automation("first"), second]
    );
    assert_eq!(
        store.automations(&TenantId::new("other")).await.unwrap(),
        []
    );
}

pub async fn memory_is_left_alone(store: AnyStore) {
    let running = Running::new(store).await;
    let mut run = running.run.clone();
    run.status = RunStatus::Succeeded;
    running
        .store
        .finish(&running.lease, &run, Some(&memory()))
        .await
        .unwrap();

    let changed = Automation {
        settings: serde_json::json!({}),
        salt: 7,
        ..automation("automation")
    };
    running.store.put_automation(&changed).await.unwrap();
    let kept = Automation {
        memory: memory(),
        ..changed
    };
    assert_eq!(running.store.automations(&tenant()).await.unwrap(), [kept]);
}

pub async fn credentials_must_be_the_tenants(store: AnyStore) {
    set_up(&store, "automation").await;
    let other = TenantId::new("other");
    let theirs = Credential {
        tenant: other.clone(),
        ..credential("theirs")
    };
    store.add_credential(&theirs, &secrets()).await.unwrap();

    for id in ["theirs", "nobodys"] {
        let wrong = Automation {
            target: CredentialId::new(id),
            ..automation("automation")
        };
        let error = store.put_automation(&wrong).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::NotFound(text) if text.contains(id)),
            "{error}"
        );
    }
    let stolen = Automation {
        tenant: other,
        source: theirs.id.clone(),
        target: theirs.id,
        ..automation("automation")
    };
    let error = store.put_automation(&stolen).await.unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    assert_eq!(
        store.automations(&tenant()).await.unwrap(),
        [automation("automation")]
    );
}
