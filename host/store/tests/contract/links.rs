//! Links, one by one and as a population.

use std::collections::BTreeMap;

use matricula_core::link::{Decision, Link};
use matricula_core::store::{Commit, Population};
use matricula_core::{SourceKey, TargetId};
use proptest::prelude::*;

use super::made_up::*;

pub async fn any_link_survives(store: AnyStore) {
    let running = Running::new(store).await;
    property(any_link(any::<String>()), 256, async move |link| {
        // Two writes, because the second takes another way than the first. The second must not be the
        // one that an owner's decision survives.
        let mut before = link.clone();
        before.leaving = None;
        running.write([before]).await;
        running.write([link.clone()]).await;
        prop_assert_eq!(running.link(link.key.as_str()).await, Some(link));
        Ok(())
    })
    .await;
}

pub async fn odd_keys(store: AnyStore) {
    let running = Running::new(store).await;
    running.write(ODD.map(member)).await;
    for key in ODD {
        assert_eq!(running.link(key).await, Some(member(key)), "{key:?}");
    }
    let targets = ODD.map(|key| TargetId::new(format!("account-{key}")));
    let found = running
        .store
        .linked_to(&running.id, &targets)
        .await
        .unwrap();
    assert_eq!(found, ODD.map(|key| Some(SourceKey::new(key))));
}

pub async fn keys_come_in_order(store: AnyStore) {
    let running = Running::new(store).await;
    let missed = |key: &str| Link {
        missed: key.len() as u8,
        ..person(key)
    };
    running.write(ODD.map(missed)).await;
    let mut expected: Vec<_> = ODD
        .iter()
        .map(|key| (SourceKey::new(*key), key.len() as u8))
        .collect();
    expected.sort();
    for limit in [1, 5, 100] {
        let mut found: Vec<(SourceKey, u8)> = Vec::new();
        loop {
            let after = found.last().map(|(key, _)| key);
            let page = running.store.keys(&running.id, after, limit).await.unwrap();
            assert!(page.len() <= limit as usize);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, expected, "in pages of {limit}");
    }

    let asked = ["9", "never seen", "a", "9"].map(SourceKey::new);
    let links = running.store.links(&running.id, &asked).await.unwrap();
    assert_eq!(
        links,
        [
            Some(missed("9")),
            None,
            Some(missed("a")),
            Some(missed("9"))
        ]
    );
    assert_eq!(running.store.links(&running.id, &[]).await.unwrap(), []);
}

pub async fn accounts_are_found(store: AnyStore) {
    let running = Running::new(store).await;
    running.write([member("1"), member("2"), person("3")]).await;
    let asked = ["account-2", "account-3", "account-1"].map(TargetId::new);
    let found = async || running.store.linked_to(&running.id, &asked).await.unwrap();
    let (one, two, three) = (
        SourceKey::new("1"),
        SourceKey::new("2"),
        SourceKey::new("3"),
    );
    assert_eq!(found().await, [Some(two), None, Some(one)]);

    let moved = Link {
        target: Some(TargetId::new("account-3")),
        ..person("3")
    };
    let left = Link {
        target: None,
        ..member("1")
    };
    running.write([moved, left]).await;
    assert_eq!(
        found().await,
        [Some(SourceKey::new("2")), Some(three), None]
    );
}

pub async fn automations_do_not_meet(store: AnyStore) {
    let one = Running::of(store.clone(), "one").await;
    let two = Running::of(store.clone(), "two").await;
    one.write_all(vec![written(
        leaving("1", Decision::Staged),
        Some(vec![wants("manager", "2")]),
    )])
    .await;
    one.write([member("2")]).await;
    two.write([person("1")]).await;

    assert_eq!(two.link("1").await, Some(person("1")));
    assert_eq!(two.link("2").await, None);
    let account = [TargetId::new("account-1")];
    assert_eq!(store.linked_to(&two.id, &account).await.unwrap(), [None]);
    assert_eq!(store.decide(&two.id, Decision::Approved).await.unwrap(), 0);
    assert_eq!(store.resolvable(&two.id, None, 10).await.unwrap(), []);
    assert_eq!(store.resolvable(&one.id, None, 10).await.unwrap().len(), 1);
    assert_eq!(
        store.population(&two.id, at(0)).await.unwrap(),
        Population::default()
    );
    assert_eq!(
        store.keys(&two.id, None, 10).await.unwrap(),
        [(SourceKey::new("1"), 0)]
    );
}

/// After any sequence of writes, the numbers are those that counting one by one gives.
pub async fn population_is_right_after_anything(store: AnyStore) {
    let running = Running::new(store).await;
    let mut now: BTreeMap<SourceKey, Link> = BTreeMap::new();
    let known = std::sync::Mutex::new(std::mem::take(&mut now));
    let pages = proptest::collection::vec(any_link("[a-e]"), 1..6);
    property((pages, any_time()), 128, async move |(page, now)| {
        let links = page
            .iter()
            .cloned()
            .map(|link| written(link, None))
            .collect();
        running
            .store
            .commit(
                &running.lease,
                Commit {
                    links,
                    ..running.page()
                },
            )
            .await
            .unwrap();
        let keys: Vec<SourceKey> = page.iter().map(|link| link.key.clone()).collect();
        let stored = running.store.links(&running.id, &keys).await.unwrap();
        let counted = running.store.population(&running.id, now).await.unwrap();

        let mut known = known.lock().unwrap();
        known.extend(
            stored
                .into_iter()
                .flatten()
                .map(|link| (link.key.clone(), link)),
        );
        let count = |wanted: &dyn Fn(&Link) -> bool| {
            known.values().filter(|link| wanted(link)).count() as u64
        };
        let undecided = [Decision::Open, Decision::Staged];
        let expected = Population {
            linked: count(&|link| link.target.is_some()),
            active: count(&|link| link.target.is_some() && link.active),
            leaving: count(&|link| {
                link.leaving
                    .as_ref()
                    .is_some_and(|leaving| undecided.contains(&leaving.decision))
            }),
            retries_due: count(&|link| {
                let trouble = link.trouble.as_ref();
                trouble
                    .and_then(|trouble| trouble.not_before)
                    .is_some_and(|due| due <= now)
            }),
        };
        prop_assert_eq!(counted, expected);
        Ok(())
    })
    .await;
}
