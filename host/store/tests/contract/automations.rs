//! Automations and what cycles leave behind.

use matricula_core::agenda::Change;
use matricula_core::automation::{Automation, Memory};
use matricula_core::credential::Credential;
use matricula_core::journal::Deed;
use matricula_core::notice::{Channel, NoticeKind};
use matricula_core::run::{Outcome, OutcomeKind, RunStatus};
use matricula_core::store::{Commit, Population, StoreError};
use matricula_core::{AutomationId, CredentialId, SourceKey, TenantId};

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

pub async fn the_file_that_it_runs(store: AnyStore) {
    set_up(&store, "automation").await;
    let text = "version: 1\nname: “Employees”\n";
    let unknown = Automation {
        file: Some("00".repeat(32)),
        ..automation("automation")
    };
    let error = store.put_automation(&unknown).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::NotFound(text) if text.contains("flow file")),
        "{error}"
    );

    let digest = store.keep_file(text).await.unwrap();
    assert_eq!(store.keep_file(text).await.unwrap(), digest);
    assert_eq!(
        store.keep_file("abc").await.unwrap(),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(store.file(&digest).await.unwrap().as_deref(), Some(text));
    assert_eq!(store.file("none").await.unwrap(), None);
    for file in [Some(digest), None] {
        let changed = Automation {
            file,
            ..automation("automation")
        };
        store.put_automation(&changed).await.unwrap();
        assert_eq!(store.automation(&changed.id).await.unwrap(), Some(changed));
    }
    let nowhere = AutomationId::new("nowhere");
    assert_eq!(store.automation(&nowhere).await.unwrap(), None);
}

pub async fn removed_with_everything(store: AnyStore) {
    let other = enrolled(&store, "another").await.automation;
    let standing = enrolled(&store, "automation").await;
    let id = standing.automation.clone();
    let change = Change {
        journal: vec![entry(Some(&id), Deed::Started)],
        notices: vec![notice(Some(&id), NoticeKind::Paused, "auth")],
        ..silent(standing)
    };
    assert!(store.change(&change).await.unwrap());
    let [(told, _)] = &store.unaddressed(9).await.unwrap()[..] else {
        panic!("one notice")
    };
    let way = Channel::Webhook {
        endpoint: CredentialId::new("hook"),
        url: "https://hooks.example.com/".to_owned(),
    };
    store.address(*told, &[way], at(1)).await.unwrap();
    store.set_hook(&id, Some([1; 32])).await.unwrap();
    let running = Running::of(store, "automation").await;
    let key = SourceKey::new("1");
    let page = Commit {
        links: vec![written(member("1"), Some(vec![wants("manager", "2")]))],
        outcomes: vec![Outcome {
            key: key.clone(),
            target: None,
            kind: OutcomeKind::Created,
            code: None,
            reason: None,
            changed: Vec::new(),
        }],
        seen: vec![1],
        documents: vec![waiting("7", "account-1")],
        ..running.page()
    };
    let Running {
        store, lease, run, ..
    } = &running;
    store.commit(lease, page).await.unwrap();
    store.release(lease).await.unwrap();

    store.remove_automation(&id, at(1_500)).await.unwrap();
    assert_eq!(store.automation(&id).await.unwrap(), None);
    assert_eq!(store.standing(&id).await.unwrap(), None);
    assert_eq!(store.run(run.id).await.unwrap(), None);
    assert_eq!(store.journal(&tenant(), None, None, 9).await.unwrap(), []);
    assert_eq!(store.deliverable(at(9), 9).await.unwrap(), []);
    assert!(store.seen(run.id).await.unwrap().is_empty());
    let error = store.remove_automation(&id, at(1_500)).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");

    // Of the same name again: nothing of the former one is there.
    set_up(store, "automation").await;
    assert_eq!(running.link("1").await, None);
    assert_eq!(running.document("7").await, None);
    assert_eq!(store.hook(&id).await.unwrap(), None);
    assert_eq!(
        store.population(&id, at(0)).await.unwrap(),
        Population::default()
    );
    assert!(store.standing(&other).await.unwrap().is_some());
}

pub async fn not_while_it_runs(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    take(&store, &id, "node-a").await.unwrap();
    let error = store.remove_automation(&id, at(1_999)).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::InUse(text) if text.contains("is being run")),
        "{error}"
    );
    assert!(store.automation(&id).await.unwrap().is_some());
    // The lease has run out.
    store.remove_automation(&id, at(2_000)).await.unwrap();
}
