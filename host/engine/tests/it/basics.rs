//! Created, unchanged, changed.

use matricula_core::Text;
use matricula_core::run::{Counts, CycleKind, OutcomeKind, RunStatus};
use serde_json::json;

use crate::source::person;
use crate::world::World;

#[tokio::test]
async fn the_second_cycle_writes_nothing() {
    let world = World::new().await;
    for id in 1..=8 {
        world.source.put(person(id, &format!("Person{id}")));
    }
    let first = world.run().await;
    assert_eq!(first.cycle, CycleKind::Full);
    assert_eq!(
        first.counts,
        Counts {
            created: 8,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.take_journal().len(), 8);

    let second = world.counts().await;
    assert_eq!(
        second,
        Counts {
            unchanged: 8,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.take_journal(), []);
    let third = world.run().await;
    assert_eq!(
        (third.cycle, third.counts),
        (CycleKind::Incremental, Counts::default())
    );
}

#[tokio::test]
async fn only_what_changed_is_written() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world.source.put(person(2, "Bob"));
    world.run().await;
    world.academy.take_journal();

    world.source.set(1, "position", json!("Lead"));
    world.source.set(2, "department", json!(null));
    let run = world.run().await;
    assert_eq!(run.cycle, CycleKind::Incremental);
    assert_eq!(
        run.counts,
        Counts {
            updated: 2,
            ..Counts::default()
        }
    );
    let mut journal = world.academy.take_journal();
    journal.sort_by_key(|(_, data)| data.to_string());
    assert_eq!(
        journal,
        [
            ("update".into(), json!({"department": null})),
            ("update".into(), json!({"position": "Lead"}))
        ]
    );
    let outcomes = world.outcomes(&run).await;
    assert_eq!(outcomes[0].changed, ["position"]);
}

#[tokio::test]
async fn a_changed_address_changes_the_account_in_place() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world.run().await;
    world
        .source
        .set(1, "email", json!("Ada.Married@Example.com"));
    assert_eq!(
        world.run().await.counts,
        Counts {
            updated: 1,
            ..Counts::default()
        }
    );
    assert_eq!(
        world.academy.by_email("ada.married@example.com")["external_id"],
        "1"
    );
    assert_eq!(world.academy.accounts.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_attribute_that_may_not_be_read_is_left_alone() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world.source.put(person(2, "Bob"));
    world.run().await;
    world.academy.take_journal();
    world.source.hide("position");
    world.source.hide("department");
    world.source.hide("contract_end_date");
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 2,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.take_journal(), []);
    assert_eq!(
        world.academy.by_email("ada@example.com")["position"],
        "Engineer"
    );
}

#[tokio::test]
async fn what_the_academy_does_not_offer_is_said_once_and_left_out() {
    let world = World::new().await;
    *world.academy.unavailable.lock().unwrap() = vec!["position".into(), "department".into()];
    world.source.put(person(1, "Ada"));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded);
    assert_eq!(
        run.notes,
        [Text::said(
            "Academy does not offer these attributes, they are left out: position, department",
            "Academy bietet diese Attribute nicht an, sie werden ausgelassen: position, department"
        )]
    );
    assert!(
        !world
            .academy
            .by_email("ada@example.com")
            .contains_key("position")
    );

    // Once it is offered, everybody gets it.
    world.academy.unavailable.lock().unwrap().clear();
    assert_eq!(
        world.counts().await,
        Counts {
            updated: 1,
            ..Counts::default()
        }
    );
    assert_eq!(
        world.academy.by_email("ada@example.com")["position"],
        "Engineer"
    );
}

#[tokio::test]
async fn one_bad_record_does_not_stop_the_rest() {
    let world = World::new().await;
    for id in 1..=5 {
        world.source.put(person(id, &format!("Person{id}")));
    }
    world.source.set(2, "email", json!(null));
    world
        .source
        .set(4, "contract_end_date", json!("2026-02-31"));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(
        run.counts,
        Counts {
            created: 3,
            failed: 2,
            ..Counts::default()
        }
    );
    let outcomes = world.outcomes(&run).await;
    let of = |key: &str| outcomes.iter().find(|o| o.key.as_str() == key).unwrap();
    assert_eq!(of("2").kind, OutcomeKind::Failed);
    assert_eq!(of("2").code.as_deref(), Some("missing-attribute"));
    assert_eq!(of("4").code.as_deref(), Some("invalid-value"));
    assert!(
        of("4")
            .reason
            .as_ref()
            .unwrap()
            .contains("contract_end_date"),
        "{:?}",
        of("4")
    );

    // They stay failed without being told again, and the run is not green.
    let again = world.run_full().await;
    assert_eq!(again.status, RunStatus::Partial);
    assert_eq!(
        again.counts,
        Counts {
            unchanged: 3,
            failed: 2,
            ..Counts::default()
        }
    );
    assert_eq!(world.outcomes(&again).await, []);

    world.source.set(2, "email", json!("two@example.com"));
    world
        .source
        .set(4, "contract_end_date", json!("2027-02-28"));
    assert_eq!(
        world.run().await.counts,
        Counts {
            created: 2,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn changed_settings_make_the_next_cycle_full() {
    let mut world = World::new().await;
    world.source.put(person(1, "Ada"));
    world.run().await;
    world.set_settings(json!({"departments": ["Sales"]}));
    let run = world.run().await;
    assert_eq!(run.cycle, CycleKind::Full);
    assert_eq!(
        run.counts,
        Counts {
            deactivated: 1,
            ..Counts::default()
        }
    );
    assert!(!world.academy.is_active("ada@example.com"));
    assert_eq!(world.run().await.cycle, CycleKind::Incremental);
}

#[tokio::test]
async fn a_clock_that_is_put_back_makes_the_next_cycle_full() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world.run().await;
    world.at("2026-03-01T11:00:00Z");
    assert_eq!(world.run().await.cycle, CycleKind::Full);
    assert_eq!(world.run().await.cycle, CycleKind::Incremental);
}

#[tokio::test]
async fn a_day_after_the_last_full_cycle_comes_another() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world.run().await;
    world.at("2026-03-03T09:00:00Z");
    assert_eq!(world.run().await.cycle, CycleKind::Incremental);
    // On the day on which the clock is put forward, a daily cycle comes after 23 hours.
    world.at("2026-03-03T10:00:00Z");
    assert_eq!(world.run().await.cycle, CycleKind::Full);
}

#[tokio::test]
async fn what_is_initial_is_written_when_an_account_is_made_and_never_again() {
    let world = World::with_flow(&format!("{}initial: [position]\n", crate::world::FLOW)).await;
    world.academy.insert(json!({
        "email": "bob@example.com", "first_name": "Bob", "position": "Own words", "active": true,
    }));
    world.source.put(person(1, "Ada"));
    world.source.put(person(2, "Bob"));
    world.run().await;
    let position = |email: &str| world.academy.by_email(email)["position"].clone();
    assert_eq!(
        (position("ada@example.com"), position("bob@example.com")),
        (json!("Engineer"), json!("Own words"))
    );

    world.academy.take_journal();
    world.source.set(1, "position", json!("Lead"));
    world.source.set(2, "position", json!("Lead"));
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 2,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.take_journal(), []);
    let changes = world.preview().await.people;
    assert!(changes.is_empty(), "{changes:?}");
}
