//! Dates decide, in the time zone of the workplace.

use matricula_core::run::{Counts, CycleKind, OutcomeKind, RunStatus};
use matricula_core::{Failure, FailureKind};
use serde_json::json;

use crate::source::person;
use crate::target::Fault;
use crate::world::World;

#[tokio::test]
async fn people_outside_their_contract_are_added_and_blocked() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world.source.put(person(2, "Future"));
    world.source.set(2, "hire_date", json!("2026-04-01"));
    world.source.put(person(3, "Past"));
    world
        .source
        .set(3, "contract_end_date", json!("2023-03-31"));
    world.source.put(person(4, "Gone"));
    world.source.set(4, "status", json!("inactive"));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            created: 4,
            ..Counts::default()
        }
    );
    let active = ["ada", "future", "past", "gone"]
        .map(|name| world.academy.is_active(&format!("{name}@example.com")));
    assert_eq!(active, [true, false, false, false]);
    let created = |key: &str, code: Option<&str>| {
        (
            key.to_owned(),
            OutcomeKind::Created,
            code.map(str::to_owned),
        )
    };
    assert_eq!(
        world.told(&run).await,
        [
            created("1", None),
            created("2", Some("start-pending")),
            created("3", Some("end-reached")),
            created("4", Some("barred"))
        ]
    );
}

#[tokio::test]
async fn a_date_takes_effect_after_local_midnight_without_the_record_changing() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world
        .source
        .set(1, "contract_end_date", json!("2026-03-10"));
    world.run().await;
    // Berlin is an hour ahead of UTC in winter.
    world.at("2026-03-09T22:59:00Z");
    world.run().await;
    world.at("2026-03-09T22:59:59Z");
    let before = world.run().await;
    assert_eq!(
        (before.cycle, before.counts),
        (CycleKind::Incremental, Counts::default())
    );
    assert!(world.academy.is_active("ada@example.com"));
    world.at("2026-03-09T23:00:00Z");
    let after = world.run().await;
    assert_eq!(after.cycle, CycleKind::Incremental);
    assert_eq!(
        after.counts,
        Counts {
            deactivated: 1,
            ..Counts::default()
        }
    );
    assert!(!world.academy.is_active("ada@example.com"));
}

#[tokio::test]
async fn the_first_day_opens_the_account_on_both_sides_of_a_daylight_saving_change() {
    let world = World::new().await;
    for (id, name, start) in [(1, "Ada", "2026-03-29"), (2, "Bob", "2026-03-30")] {
        world.source.put(person(id, name));
        world.source.set(id, "hire_date", json!(start));
    }
    world.run().await;
    // The night before the clocks go forward midnight is at 23:00 UTC, the night after at 22:00 UTC.
    world.at("2026-03-28T22:59:59Z");
    world.run().await;
    assert!(!world.academy.is_active("ada@example.com"));
    world.at("2026-03-28T23:00:00Z");
    assert_eq!(world.run().await.counts.reactivated, 1);
    assert!(world.academy.is_active("ada@example.com"));
    world.at("2026-03-29T21:59:59Z");
    assert_eq!(world.run().await.counts.reactivated, 0);
    world.at("2026-03-29T22:00:00Z");
    assert_eq!(world.run().await.counts.reactivated, 1);
    assert!(world.academy.is_active("bob@example.com"));
}

#[tokio::test]
async fn a_rehire_reactivates_the_old_account() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world
        .source
        .set(1, "contract_end_date", json!("2026-03-01"));
    world.run().await;
    assert!(!world.academy.is_active("ada@example.com"));
    world.academy.take_journal();
    world
        .source
        .set(1, "contract_end_date", json!("2027-03-01"));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            reactivated: 1,
            ..Counts::default()
        }
    );
    assert_eq!(
        world.academy.take_journal(),
        [("update".into(), json!({"active": true}))]
    );
}

#[tokio::test]
async fn a_contract_end_that_can_no_longer_be_read_still_holds() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world
        .source
        .set(1, "contract_end_date", json!("2026-03-10"));
    world.run().await;
    world.source.hide("contract_end_date");
    world.run_full().await;
    assert!(world.academy.is_active("ada@example.com"));
    world.at("2026-03-10T12:00:00Z");
    assert_eq!(world.run().await.counts.deactivated, 1);
}

#[tokio::test]
async fn each_end_that_can_be_read_counts_and_one_that_cannot_stays() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world
        .source
        .set(1, "contract_end_date", json!("2026-03-10"));
    world.run().await;
    world.source.hide("contract_end_date");
    world.source.set(1, "termination_date", json!("2026-03-05"));
    world.run_full().await;
    world.at("2026-03-05T12:00:00Z");
    assert_eq!(world.run().await.counts.deactivated, 1);
    // The termination is taken back: the contract's end still stands.
    world.source.set(1, "termination_date", json!(null));
    assert_eq!(world.run().await.counts.reactivated, 1);
    world.at("2026-03-10T12:00:00Z");
    assert_eq!(world.run().await.counts.deactivated, 1);
}

#[tokio::test]
async fn whoever_has_left_is_blocked_even_if_the_rest_cannot_be_written() {
    let world = World::new().await;
    for (id, name) in [(1, "Ada"), (2, "Bob"), (3, "Cy")] {
        world.source.put(person(id, name));
    }
    world.run().await;
    // The record has become unusable.
    world.source.set(1, "status", json!("inactive"));
    world.source.set(1, "email", json!(null));
    // The academy refuses another value of the same record.
    world
        .source
        .set(2, "contract_end_date", json!("2026-03-01"));
    world.source.set(2, "position", json!("x"));
    let refused = Failure::new(FailureKind::Input, "not accepted");
    world.academy.fault("a2", Fault::Fail(refused));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(
        run.counts,
        Counts {
            failed: 2,
            ..Counts::default()
        }
    );
    assert!(!world.academy.is_active("ada@example.com"));
    assert!(!world.academy.is_active("bob@example.com"));
}

#[tokio::test]
async fn a_rehire_entered_before_the_first_day_gets_the_old_account_on_that_day() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world
        .source
        .set(1, "contract_end_date", json!("2026-01-31"));
    world.run().await;
    world.source.put(person(9, "Ada"));
    world.source.set(9, "hire_date", json!("2026-03-16"));
    assert_eq!(
        world.run().await.counts,
        Counts {
            skipped: 1,
            ..Counts::default()
        }
    );
    for moment in ["2026-03-16T05:00:00Z", "2026-03-16T05:05:00Z"] {
        world.at(moment);
        world.run().await;
    }
    assert!(world.academy.is_active("ada@example.com"));
    assert_eq!(
        world.academy.by_email("ada@example.com")["external_id"],
        "9"
    );
    assert_eq!(world.run().await.cycle, CycleKind::Incremental);
}
