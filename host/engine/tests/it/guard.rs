//! Mass lock-outs are held back.

use matricula_core::Text;
use matricula_core::run::{Counts, OutcomeKind, RunStatus};
use serde_json::json;

use crate::source::person;
use crate::world::World;

async fn academy_of(size: u64) -> World {
    let world = World::new().await;
    *world.source.page.lock().unwrap() = 10;
    for id in 1..=size {
        world.source.put(person(id, &format!("Person{id}")));
    }
    world.run().await;
    world.academy.take_journal();
    world
}

fn end(world: &World, ids: std::ops::RangeInclusive<u64>) {
    for id in ids {
        world
            .source
            .set(id, "contract_end_date", json!("2026-03-01"));
    }
}

#[tokio::test]
async fn up_to_a_fifth_is_applied() {
    let world = academy_of(30).await;
    end(&world, 1..=6);
    assert_eq!(
        world.run().await.counts,
        Counts {
            deactivated: 6,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn more_than_a_fifth_is_staged_and_everything_else_applied() {
    let world = academy_of(30).await;
    end(&world, 1..=7);
    world.source.set(8, "position", json!("Lead"));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(
        run.counts,
        Counts {
            updated: 1,
            staged: 7,
            ..Counts::default()
        }
    );
    assert_eq!(
        world.academy.take_journal(),
        [("update".into(), json!({"position": "Lead"}))]
    );
    assert!(world.academy.is_active("person1@example.com"));
    assert_eq!(
        run.notes,
        [Text::said(
            "7 of 30 people would lose access in this cycle; the flow allows at most 20 %: they are staged until \
             an owner approves or discards them",
            "7 von 30 Personen würden in diesem Durchgang den Zugang verlieren; der Flow erlaubt höchstens 20 %: \
             die Sperrungen warten, bis jemand sie freigibt oder verwirft"
        )]
    );
    let staged = world
        .told(&run)
        .await
        .into_iter()
        .filter(|(_, kind, _)| *kind == OutcomeKind::Staged);
    assert_eq!(staged.count(), 7);

    // It stays so, without a row for anybody, until somebody decides.
    let again = world.run_full().await;
    assert_eq!(
        again.counts,
        Counts {
            unchanged: 23,
            staged: 7,
            ..Counts::default()
        }
    );
    assert_eq!(world.outcomes(&again).await, []);

    assert_eq!(
        world
            .engine
            .decide(&world.automation().await.id, true)
            .await
            .unwrap(),
        7
    );
    let approved = world.run().await;
    assert_eq!(
        approved.counts,
        Counts {
            deactivated: 7,
            ..Counts::default()
        }
    );
    assert!(!world.academy.is_active("person1@example.com"));
}

#[tokio::test]
async fn discarded_deactivations_are_not_asked_about_again() {
    let world = academy_of(30).await;
    end(&world, 1..=20);
    assert_eq!(world.run().await.counts.staged, 20);
    world
        .engine
        .decide(&world.automation().await.id, false)
        .await
        .unwrap();
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 30,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.take_journal(), []);
}

#[tokio::test]
async fn a_mistake_that_is_corrected_at_the_source_leaves_nothing_behind() {
    let world = academy_of(30).await;
    end(&world, 1..=20);
    assert_eq!(world.run().await.counts.staged, 20);
    for id in 1..=20 {
        world.source.set(id, "contract_end_date", json!(null));
    }
    let run = world.run().await;
    assert_eq!((run.status, run.counts.staged), (RunStatus::Succeeded, 0));
    assert_eq!(world.academy.take_journal(), []);
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 30,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn small_academies_are_not_guarded_by_share() {
    let world = academy_of(19).await;
    end(&world, 1..=10);
    assert_eq!(
        world.run().await.counts,
        Counts {
            deactivated: 10,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn what_an_owner_was_asked_about_waits_for_the_owner() {
    let world = academy_of(30).await;
    end(&world, 1..=7);
    assert_eq!(world.run().await.counts.staged, 7);
    // One of them is corrected: the other six are no more than a fifth, but the owner has been asked.
    world.source.set(1, "contract_end_date", json!(null));
    let run = world.run().await;
    assert_eq!((run.status, run.counts.staged), (RunStatus::Partial, 6));
    assert_eq!(world.academy.take_journal(), []);
    world
        .engine
        .decide(&world.automation().await.id, true)
        .await
        .unwrap();
    assert_eq!(world.run().await.counts.deactivated, 6);
}
