//! Gone from two successive complete full reads, out of scope, deleted.

use matricula_core::Text;
use matricula_core::run::Counts;
use serde_json::json;

use crate::source::{Fault, person};
use crate::world::{FLOW, World};

async fn four(flow: &str) -> World {
    let world = World::with_flow(flow).await;
    for (id, name) in [(1, "Ada"), (2, "Bob"), (3, "Cy"), (4, "Di")] {
        world.source.put(person(id, name));
    }
    world.run().await;
    world.academy.take_journal();
    world
}

#[tokio::test]
async fn somebody_missing_twice_is_blocked() {
    let world = four(FLOW).await;
    world.source.remove(2);
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 3,
            ..Counts::default()
        }
    );
    assert!(world.academy.is_active("bob@example.com"));
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 3,
            deactivated: 1,
            ..Counts::default()
        }
    );
    assert!(!world.academy.is_active("bob@example.com"));
    // Once.
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 3,
            ..Counts::default()
        }
    );

    world.source.put(person(2, "Bob"));
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 3,
            reactivated: 1,
            ..Counts::default()
        }
    );
    assert!(world.academy.is_active("bob@example.com"));
}

#[tokio::test]
async fn a_read_that_was_not_complete_never_counts_as_absence() {
    let world = four(FLOW).await;
    for _ in 0..3 {
        // Two pages: three people and one.
        world.source.fault(1, Fault::Short(1));
        world.source.fault(2, Fault::Incomplete);
        let run = world.run_full().await;
        assert_eq!(
            run.counts,
            Counts {
                unchanged: 2,
                ..Counts::default()
            }
        );
        assert_eq!(
            run.notes,
            [Text::said(
                "HR did not give its whole population (2 read of 4): nobody is taken for gone in this run",
                "HR hat nicht alle Personen geliefert (2 von 4 gelesen): in diesem Durchgang gilt niemand als \
                 ausgeschieden"
            )]
        );
    }
    assert_eq!(world.academy.take_journal(), []);
}

#[tokio::test]
async fn missing_once_and_back_again_starts_the_count_anew() {
    let world = four(FLOW).await;
    let bob = world.source.get(2);
    for _ in 0..2 {
        world.source.remove(2);
        world.counts().await;
        world.source.put(bob.clone());
        world.counts().await;
    }
    assert!(world.academy.is_active("bob@example.com"));
    assert_eq!(world.academy.take_journal(), []);
}

#[tokio::test]
async fn leavers_are_kept_or_deleted_as_the_flow_says() {
    let kept = four(&FLOW.replace("leavers: block", "leavers: keep")).await;
    kept.source.remove(2);
    kept.counts().await;
    assert_eq!(
        kept.counts().await,
        Counts {
            unchanged: 3,
            ..Counts::default()
        }
    );
    assert!(kept.academy.is_active("bob@example.com"));

    let deleted = four(&FLOW.replace("leavers: block", "leavers: delete")).await;
    deleted.source.remove(2);
    deleted.counts().await;
    assert_eq!(
        deleted.counts().await,
        Counts {
            unchanged: 3,
            deactivated: 1,
            ..Counts::default()
        }
    );
    assert_eq!(deleted.academy.accounts.lock().unwrap().len(), 3);
    deleted.source.put(person(2, "Bob"));
    assert_eq!(
        deleted.counts().await,
        Counts {
            unchanged: 3,
            created: 1,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn out_of_scope_is_blocked_and_back_in_scope_is_opened() {
    let mut world = four(FLOW).await;
    world.source.put(person(5, "Eve"));
    world
        .source
        .set(5, "department", json!({"id": 2, "name": "Sales"}));
    world.set_settings(json!({"departments": ["IT"]}));
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 4,
            skipped: 1,
            ..Counts::default()
        }
    );
    world
        .source
        .set(1, "department", json!({"id": 2, "name": "Sales"}));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            deactivated: 1,
            ..Counts::default()
        }
    );
    assert!(!world.academy.is_active("ada@example.com"));
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 3,
            skipped: 2,
            ..Counts::default()
        }
    );

    world
        .source
        .set(1, "department", json!({"id": 1, "name": "IT"}));
    assert_eq!(
        world.run().await.counts,
        Counts {
            reactivated: 1,
            ..Counts::default()
        }
    );
    assert!(world.academy.is_active("ada@example.com"));
}
