//! Managers: people first, references in a second pass.

use matricula_core::run::Counts;
use serde_json::json;

use crate::source::person;
use crate::world::World;

#[tokio::test]
async fn a_manager_who_comes_later_is_set_in_the_second_pass() {
    let world = World::new().await;
    for (id, name) in [(1, "Ada"), (2, "Bob"), (3, "Cy"), (4, "Boss")] {
        world.source.put(person(id, name));
    }
    for id in [1, 2, 3] {
        world.source.set(id, "supervisor", json!({"id": 4}));
    }
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            created: 4,
            ..Counts::default()
        }
    );
    let boss = {
        let accounts = world.academy.accounts.lock().unwrap();
        accounts
            .iter()
            .find(|(_, account)| account["email"] == "boss@example.com")
            .unwrap()
            .0
            .clone()
    };
    for name in ["ada", "bob", "cy"] {
        assert_eq!(
            world.academy.by_email(&format!("{name}@example.com"))["manager"],
            json!(boss)
        );
    }
    world.academy.take_journal();
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 4,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.take_journal(), []);

    // Another manager, known already: one write, no second pass.
    world.source.set(1, "supervisor", json!({"id": 2}));
    assert_eq!(
        world.run().await.counts,
        Counts {
            updated: 1,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.take_journal().len(), 1);
    world.source.set(1, "supervisor", json!(null));
    world.run().await;
    assert_eq!(
        world.academy.by_email("ada@example.com")["manager"],
        json!(null)
    );
}

#[tokio::test]
async fn an_unknown_manager_never_drops_a_person_and_is_set_once_known() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world.source.set(1, "supervisor", json!({"id": 77}));
    world.source.put(person(2, "Self"));
    world.source.set(2, "supervisor", json!({"id": 2}));
    assert_eq!(
        world.counts().await,
        Counts {
            created: 2,
            ..Counts::default()
        }
    );
    assert!(
        !world
            .academy
            .by_email("ada@example.com")
            .contains_key("manager")
    );
    assert!(
        world
            .academy
            .by_email("self@example.com")
            .contains_key("manager")
    );

    world.source.put(person(77, "Late"));
    assert_eq!(
        world.run().await.counts,
        Counts {
            created: 1,
            updated: 1,
            ..Counts::default()
        }
    );
    assert!(
        world
            .academy
            .by_email("ada@example.com")
            .contains_key("manager")
    );
}
