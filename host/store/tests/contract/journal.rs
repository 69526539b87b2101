//! The history of changes.

use matricula_core::journal::{Actor, Deed, Entry};
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, Person, TenantId};

use super::made_up::*;

pub async fn the_newest_entries_first(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    let person = Person {
        email: Some("owner@example.com".to_owned()),
        picture: Some("https://example.com/owner.png".to_owned()),
        ..Person::named("Öwner")
    };
    let written = [
        Entry {
            actor: Actor::Person(person),
            ..entry(Some(&id), Deed::Started)
        },
        Entry {
            actor: Actor::System,
            at: at(9_000),
            details: serde_json::Value::Null,
            ..entry(Some(&id), Deed::Quarantined)
        },
        // The clock was set back; the order is that of writing.
        entry(None, Deed::CredentialChanged),
    ];
    for entry in &written {
        store.note(entry).await.unwrap();
    }
    let (mut before, mut found) = (None, Vec::new());
    loop {
        let page = store.journal(&tenant(), None, before, 2).await.unwrap();
        let Some((row, _)) = page.last() else { break };
        assert!(page.len() <= 2);
        before = Some(*row);
        found.extend(page.into_iter().map(|(_, entry)| entry));
    }
    found.reverse();
    assert_eq!(found, written);
}

pub async fn of_one_automation_or_a_tenant(store: AnyStore) {
    let [one, two] = ["one", "two"].map(|id| set_up(&store, id));
    let (one, two) = (one.await, two.await);
    for (id, deed) in [
        (&one, Deed::Started),
        (&two, Deed::Started),
        (&one, Deed::Paused),
    ] {
        store.note(&entry(Some(id), deed)).await.unwrap();
    }
    let read = async |tenant: &TenantId, id: Option<&AutomationId>| -> Vec<Deed> {
        let found = store.journal(tenant, id, None, 9).await.unwrap();
        found.into_iter().map(|(_, entry)| entry.deed).collect()
    };
    assert_eq!(
        read(&tenant(), Some(&one)).await,
        [Deed::Paused, Deed::Started]
    );
    assert_eq!(read(&tenant(), Some(&two)).await, [Deed::Started]);
    assert_eq!(read(&tenant(), None).await.len(), 3);
    let other = TenantId::new("other");
    assert_eq!(read(&other, None).await, []);
    assert_eq!(
        read(&other, Some(&one)).await,
        [],
        "somebody else's automation"
    );
    assert_eq!(
        read(&tenant(), Some(&AutomationId::new("nowhere"))).await,
        []
    );
}

pub async fn the_automation_must_exist(store: AnyStore) {
    let nowhere = AutomationId::new("nowhere");
    let error = store
        .note(&entry(Some(&nowhere), Deed::Started))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
    assert_eq!(store.journal(&tenant(), None, None, 9).await.unwrap(), []);
}
