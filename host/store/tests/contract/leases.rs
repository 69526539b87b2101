//! Who may run an automation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use matricula_core::AutomationId;
use matricula_core::automation::Memory;
use matricula_core::run::{CycleKind, Progress};
use matricula_core::store::{Commit, StoreError};

use super::made_up::*;

pub async fn one_owner_at_a_time(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    let lease = take(&store, &id, "node-a").await.unwrap();
    assert_eq!(
        (lease.automation.clone(), lease.owner.as_str()),
        (id.clone(), "node-a")
    );
    assert_eq!(take(&store, &id, "node-b").await, None);
    let other = set_up(&store, "another").await;
    assert!(
        take(&store, &other, "node-b").await.is_some(),
        "each automation has a lease of its own"
    );

    store.renew(&lease, at(9_000)).await.unwrap();
    assert_eq!(
        store
            .acquire(&id, "node-b", at(8_999), at(9_999), &|_| false)
            .await
            .unwrap(),
        None
    );
}

pub async fn the_same_owner_again(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    let first = take(&store, &id, "node-a").await.unwrap();
    let asked = AtomicUsize::new(0);
    let gone = |_: &str| asked.fetch_add(1, Ordering::Relaxed) > usize::MAX - 1;
    let again = store
        .acquire(&id, "node-a", at(1_500), at(2_500), &gone)
        .await
        .unwrap()
        .unwrap();
    assert!(again.fence > first.fence);
    assert_eq!(
        asked.into_inner(),
        0,
        "nobody asks whether they are there themselves"
    );
    assert_eq!(
        store.renew(&first, at(9_000)).await,
        Err(StoreError::LeaseLost)
    );
    store.renew(&again, at(9_000)).await.unwrap();
}

pub async fn what_ran_out_is_free(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    let first = take(&store, &id, "node-a").await.unwrap();
    let no = |_: &str| false;
    assert_eq!(
        store
            .acquire(&id, "node-b", at(1_999), at(3_000), &no)
            .await
            .unwrap(),
        None
    );
    // Nobody took it: who held it may go on.
    store.renew(&first, at(2_000)).await.unwrap();
    let second = store
        .acquire(&id, "node-b", at(2_000), at(3_000), &no)
        .await
        .unwrap()
        .unwrap();
    assert!(second.fence > first.fence);
    assert_eq!(
        store.renew(&first, at(9_000)).await,
        Err(StoreError::LeaseLost)
    );
    assert_eq!(store.release(&first).await, Err(StoreError::LeaseLost));
}

pub async fn the_gone_are_replaced(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    let first = take(&store, &id, "node-a").await.unwrap();
    let dead = "node-a".to_owned();
    let gone = |owner: &str| owner == dead;
    let second = store
        .acquire(&id, "node-b", at(1_001), at(2_001), &gone)
        .await
        .unwrap()
        .unwrap();
    assert!(second.fence > first.fence);
    assert_eq!(
        store
            .acquire(&id, "node-c", at(1_002), at(2_002), &gone)
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store.renew(&first, at(9_000)).await,
        Err(StoreError::LeaseLost)
    );
}

pub async fn given_back(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    let first = take(&store, &id, "node-a").await.unwrap();
    store.release(&first).await.unwrap();
    assert_eq!(store.release(&first).await, Err(StoreError::LeaseLost));
    let second = take(&store, &id, "node-b").await.unwrap();
    assert!(second.fence > first.fence, "the fence goes on counting");
}

pub async fn one_of_many(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    let owners = (0..16).map(|node| {
        let (store, id) = (Arc::clone(&store), id.clone());
        tokio::spawn(async move { take(&store, &id, &format!("node-{node}")).await })
    });
    let mut leases = Vec::new();
    for owner in owners.collect::<Vec<_>>() {
        leases.extend(owner.await.unwrap());
    }
    assert_eq!(leases.len(), 1, "{leases:?}");
}

pub async fn who_lost_it_writes_nothing(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([member("1")]).await;
    let Running {
        store,
        id,
        lease,
        run,
    } = &running;
    store
        .acquire(id, "node-b", at(2_000), at(3_000), &|_| false)
        .await
        .unwrap()
        .unwrap();

    let before = store.unfinished(id).await.unwrap();
    let page = Commit {
        progress: Progress {
            read: 99,
            ..Progress::default()
        },
        links: vec![written(member("2"), None)],
        seen: vec![1],
        ..running.page()
    };
    let lost = Err(StoreError::LeaseLost);
    assert_eq!(store.commit(lease, page).await, lost);
    assert_eq!(
        store.finish(lease, run, Some(&Memory::default())).await,
        lost
    );
    let begun = store
        .begin(lease, FLOW, &manual(), CycleKind::Full, at(1))
        .await;
    assert_eq!(begun.map(drop), lost);
    assert_eq!(store.unfinished(id).await.unwrap(), before);
    assert_eq!(running.link("2").await, None);
    assert!(store.seen(run.id).await.unwrap().is_empty());
}

pub async fn an_automation_must_exist(store: AnyStore) {
    let id = AutomationId::new("nowhere");
    let error = store
        .acquire(&id, "node-a", at(1), at(2), &|_| false)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
    let error = store.links(&id, &[]).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
}
