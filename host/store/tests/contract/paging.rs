//! People whose date has come, and people who are leaving.

use matricula_core::SourceKey;
use matricula_core::link::{Decision, Leaving, LeavingReason, Link};
use matricula_core::store::Population;

use super::made_up::*;

fn keys(links: &[Link]) -> Vec<&str> {
    links.iter().map(|link| link.key.as_str()).collect()
}

pub async fn dates_come_due(store: AnyStore) {
    let running = Running::new(store).await;
    let due = |key: &str, millis| Link {
        access_changes_at: Some(at(millis)),
        ..member(key)
    };
    // By date the other way round than by key.
    running
        .write([
            due("a", 300),
            due("b", 200),
            due("c", 100),
            due("d", 301),
            member("e"),
            due("f", -5),
        ])
        .await;
    let read = async |now, after: Option<&str>, limit| {
        let after = after.map(SourceKey::new);
        running
            .store
            .access_due(&running.id, at(now), after.as_ref(), limit)
            .await
            .unwrap()
    };
    assert_eq!(
        read(300, None, 10).await,
        [due("a", 300), due("b", 200), due("c", 100), due("f", -5)]
    );
    assert_eq!(keys(&read(300, None, 2).await), ["a", "b"]);
    assert_eq!(keys(&read(300, Some("b"), 2).await), ["c", "f"]);
    assert_eq!(keys(&read(299, None, 10).await), ["b", "c", "f"]);
    assert_eq!(keys(&read(-6, None, 10).await), [""; 0]);

    running.write([member("b"), due("c", 400)]).await;
    assert_eq!(keys(&read(300, None, 10).await), ["a", "f"]);
}

pub async fn leaving_by_decision(store: AnyStore) {
    use Decision::{Approved, Discarded, Open, Staged};
    let running = Running::new(store).await;
    running
        .write([
            leaving("a", Staged),
            leaving("b", Open),
            leaving("c", Approved),
            leaving("d", Discarded),
            leaving("e", Open),
            member("f"),
        ])
        .await;
    let read = async |decisions: &[Decision], after: Option<&str>, limit| {
        let after = after.map(SourceKey::new);
        running
            .store
            .leaving(&running.id, decisions, after.as_ref(), limit)
            .await
            .unwrap()
    };
    assert_eq!(
        read(&[Open], None, 10).await,
        [leaving("b", Open), leaving("e", Open)]
    );
    assert_eq!(
        keys(&read(&[Approved, Staged, Open], None, 3).await),
        ["a", "b", "c"]
    );
    assert_eq!(
        keys(&read(&[Approved, Staged, Open], Some("c"), 3).await),
        ["e"]
    );
    assert_eq!(keys(&read(&[Discarded], None, 10).await), ["d"]);
    assert_eq!(keys(&read(&[], None, 10).await), [""; 0]);

    let population = running.store.population(&running.id, at(0)).await.unwrap();
    assert_eq!(
        population,
        Population {
            linked: 6,
            active: 6,
            leaving: 3,
            retries_due: 0
        }
    );
}

pub async fn decisions(store: AnyStore) {
    use Decision::{Approved, Discarded, Open, Staged};
    let running = Running::new(store).await;
    running
        .write([
            leaving("a", Staged),
            leaving("b", Open),
            leaving("c", Staged),
        ])
        .await;
    assert_eq!(
        running.store.decide(&running.id, Approved).await.unwrap(),
        2
    );
    assert_eq!(
        running.store.decide(&running.id, Discarded).await.unwrap(),
        0,
        "decided already"
    );
    assert_eq!(running.link("a").await, Some(leaving("a", Approved)));
    assert_eq!(running.link("b").await, Some(leaving("b", Open)));
    assert_eq!(running.link("c").await, Some(leaving("c", Approved)));
}

/// An owner may decide between a cycle's reading of a link and its writing of the same link.
pub async fn a_decision_is_not_taken_back(store: AnyStore) {
    use Decision::{Approved, Discarded, Open, Staged};
    let running = Running::new(store).await;
    for decision in [Approved, Discarded] {
        running.write([member("a")]).await;
        running.write([leaving("a", Staged)]).await;
        running.store.decide(&running.id, decision).await.unwrap();
        let stale = Link {
            missed: 2,
            ..leaving("a", Staged)
        };
        running.write([stale.clone()]).await;
        assert_eq!(
            running.link("a").await,
            Some(Link {
                missed: 2,
                ..leaving("a", decision)
            })
        );

        let reason = LeavingReason::Gone;
        let other = stale
            .leaving
            .clone()
            .map(|leaving| Leaving { reason, ..leaving });
        let other = Link {
            leaving: other,
            ..stale
        };
        running.write([other.clone()]).await;
        assert_eq!(
            running.link("a").await,
            Some(other),
            "another reason is asked about again"
        );
    }
    running.write([leaving("b", Approved)]).await;
    running.write([leaving("b", Open)]).await;
    assert_eq!(running.link("b").await, Some(leaving("b", Open)));
    running.write([member("b")]).await;
    assert_eq!(running.link("b").await, Some(member("b")));
}
