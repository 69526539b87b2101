//! A preview says what a run does, and does nothing.

use matricula_core::run::{Counts, OutcomeKind};
use serde_json::json;

use crate::source::person;
use crate::world::World;

#[tokio::test]
async fn a_preview_writes_nothing_and_agrees_with_the_run_after_it() {
    let world = World::new().await;
    *world.source.page.lock().unwrap() = 10;
    for id in 1..=25 {
        world.source.put(person(id, &format!("Person{id}")));
    }
    world
        .academy
        .insert(json!({"email": "PERSON1@example.com", "first_name": "Old", "active": true}));
    let preview = world.preview().await;
    assert_eq!(
        preview.counts,
        Counts {
            created: 24,
            updated: 1,
            ..Counts::default()
        }
    );
    let adopted = preview.people.iter().find(|person| person.adopts).unwrap();
    assert_eq!(adopted.who.as_deref(), Some("person1@example.com"));
    let name = adopted
        .changes
        .iter()
        .find(|change| change.attribute == "first_name")
        .unwrap();
    assert_eq!(
        (name.old.clone(), name.new.clone()),
        (Some(json!("Old")), json!("Person1"))
    );
    assert_eq!(world.academy.take_journal(), []);
    assert_eq!(world.run().await.counts, preview.counts);

    for id in 1..=10 {
        world
            .source
            .set(id, "contract_end_date", json!("2026-03-01"));
    }
    world.source.set(11, "position", json!("Lead"));
    world.academy.take_journal();
    let preview = world.preview().await;
    assert_eq!(
        preview.counts,
        Counts {
            updated: 1,
            staged: 10,
            ..Counts::default()
        }
    );
    assert!(preview.guard.is_some());
    let changed = preview
        .people
        .iter()
        .find(|person| person.kind == OutcomeKind::Updated)
        .unwrap();
    assert_eq!(changed.changes[0].old, Some(json!("Engineer")));
    assert_eq!(world.academy.take_journal(), []);
    assert_eq!(world.run().await.counts, preview.counts);
}
