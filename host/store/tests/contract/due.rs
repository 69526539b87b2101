//! Whose moment has come.

use matricula_core::AutomationId;
use matricula_core::standing::Lifecycle;

use super::made_up::*;

async fn due(store: &AnyStore, now: i64, limit: u32) -> Vec<String> {
    let due = store.due(at(now), "somebody else", limit).await.unwrap();
    due.into_iter()
        .map(|standing| standing.automation.as_str().to_owned())
        .collect()
}

async fn at_moment(store: &AnyStore, id: &str, moment: Option<i64>) -> AutomationId {
    let id = enrolled(store, id).await.automation;
    changed(store, &id, |standing| {
        standing.next_run_at = moment.map(at);
    })
    .await;
    id
}

pub async fn the_longest_waiting_first(store: AnyStore) {
    for (id, moment) in [
        ("a", Some(3_000)),
        ("b", Some(1_000)),
        ("c", Some(2_000)),
        ("d", Some(9_000)),
        ("e", None),
        ("f", Some(-5)),
    ] {
        at_moment(&store, id, moment).await;
    }
    assert_eq!(due(&store, 3_000, 9).await, ["f", "b", "c", "a"]);
    assert_eq!(due(&store, 2_999, 9).await, ["f", "b", "c"]);
    assert_eq!(due(&store, 3_000, 2).await, ["f", "b"]);
    assert_eq!(due(&store, -6, 9).await, [""; 0]);
    let first = &store.due(at(0), "somebody else", 9).await.unwrap()[0];
    let same = store.standing(&first.automation).await.unwrap();
    assert_eq!(same.as_ref(), Some(first), "whole");
}

pub async fn not_who_runs(store: AnyStore) {
    let id = at_moment(&store, "a", Some(1_000)).await;
    at_moment(&store, "b", Some(1_100)).await;
    let lease = take(&store, &id, "node-a").await.unwrap();
    assert_eq!(due(&store, 1_999, 9).await, ["b"]);
    assert_eq!(due(&store, 1_999, 1).await, ["b"]);
    let own = store.due(at(1_999), "node-a", 9).await.unwrap();
    assert_eq!(own.len(), 2, "what is one's own is due all the same");
    // Whoever held it until two thousand is not heard of any more.
    assert_eq!(due(&store, 2_000, 9).await, ["a", "b"]);
    store.renew(&lease, at(5_000)).await.unwrap();
    assert_eq!(due(&store, 4_999, 9).await, ["b"]);
    store.release(&lease).await.unwrap();
    assert_eq!(due(&store, 1_500, 9).await, ["a", "b"]);
}

pub async fn who_is_no_more_holds_nothing(store: AnyStore) {
    let mut leases = Vec::new();
    for (id, holder) in [("a", "gone"), ("b", "gone"), ("c", "alive")] {
        let id = at_moment(&store, id, Some(1_000)).await;
        leases.push(take(&store, &id, holder).await.unwrap());
    }
    let mut holders = store.holders(at(1_500)).await.unwrap();
    holders.sort();
    assert_eq!(holders, ["alive", "gone"]);
    assert_eq!(
        store.holders(at(2_000)).await.unwrap(),
        [""; 0],
        "all have run out"
    );
    assert_eq!(store.evict("gone").await.unwrap(), 2);
    assert_eq!(store.evict("gone").await.unwrap(), 0);
    assert_eq!(due(&store, 1_500, 9).await, ["a", "b"]);
    assert_eq!(store.holders(at(1_500)).await.unwrap(), ["alive"]);
    let id = leases[0].automation.clone();
    let taken = take(&store, &id, "alive").await.unwrap();
    assert!(taken.fence > leases[0].fence);
}

pub async fn not_who_was_stopped(store: AnyStore) {
    let id = at_moment(&store, "a", Some(1_000)).await;
    let write = async |lifecycle| {
        changed(&store, &id, |standing| standing.lifecycle = lifecycle).await;
        due(&store, 1_000, 9).await
    };
    assert_eq!(write(Lifecycle::Deactivated).await, [""; 0]);
    assert_eq!(store.next_due().await.unwrap(), None);
    assert_eq!(write(Lifecycle::Paused).await, ["a"], "to be probed");
    assert_eq!(write(Lifecycle::Active).await, ["a"]);
}

pub async fn when_the_next_one_is(store: AnyStore) {
    assert_eq!(store.next_due().await.unwrap(), None);
    let first = at_moment(&store, "a", Some(1_000)).await;
    at_moment(&store, "b", Some(9_000)).await;
    at_moment(&store, "c", None).await;
    assert_eq!(store.next_due().await.unwrap(), Some(at(1_000)));
    // While it runs, it is due again once its lease has run out, if not given back.
    let lease = take(&store, &first, "node-a").await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(2_000)));
    store.renew(&lease, at(10_000)).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(9_000)));
    store.release(&lease).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(1_000)));
    changed(&store, &first, |standing| {
        standing.next_run_at = Some(at(20_000));
    })
    .await;
    take(&store, &first, "node-a").await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(9_000)));
    let second = AutomationId::new("b");
    store.remove_automation(&second, at(1)).await.unwrap();
    let next = store.next_due().await.unwrap();
    assert_eq!(next, Some(at(20_000)), "later than the lease runs out");
}
