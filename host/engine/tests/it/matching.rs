//! Who has an account already.

use matricula_core::run::{Counts, OutcomeKind, RunStatus};
use serde_json::json;

use crate::source::person;
use crate::world::World;

fn account(email: &str) -> serde_json::Value {
    json!({"email": email, "first_name": "Old", "active": true})
}

#[tokio::test]
async fn an_existing_account_is_adopted_by_address_whatever_its_case() {
    let world = World::new().await;
    world.academy.insert(account("ADA@example.com"));
    world.source.put(person(1, "Ada"));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            updated: 1,
            ..Counts::default()
        }
    );
    assert_eq!(
        world.told(&run).await,
        [(
            "1".to_owned(),
            OutcomeKind::Updated,
            Some("adopted".to_owned())
        )]
    );
    assert_eq!(world.academy.accounts.lock().unwrap().len(), 1);
    assert_eq!(
        world.academy.by_email("ada@example.com")["first_name"],
        "Ada"
    );
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 1,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn an_adopted_account_that_is_right_already_costs_no_write() {
    let world = World::new().await;
    world.academy.insert(json!({
        "external_id": "1", "email": "ada@example.com", "first_name": "Ada", "position": "Engineer",
        "department": "IT", "active": true,
    }));
    world.source.put(person(1, "Ada"));
    assert_eq!(
        world.run().await.counts,
        Counts {
            updated: 1,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.take_journal(), []);
}

#[tokio::test]
async fn the_external_id_comes_before_the_address() {
    let world = World::new().await;
    world.academy.insert(account("ada@example.com"));
    world
        .academy
        .insert(json!({"external_id": "1", "email": "other@example.com", "active": true}));
    world.source.put(person(1, "Ada"));
    let run = world.run().await;
    // The account with the external id is meant; its new address is taken by the other one, which is for
    // the academy to say: the fake does not mind.
    assert_eq!(run.counts.updated, 1);
    let accounts = world.academy.accounts.lock().unwrap();
    assert_eq!(accounts["a2"]["email"], "ada@example.com");
    assert!(!accounts["a1"].contains_key("external_id"));
}

#[tokio::test]
async fn several_candidates_are_for_an_owner_to_decide() {
    let world = World::new().await;
    world.academy.insert(account("ada@example.com"));
    world.academy.insert(account("Ada@example.com"));
    world.source.put(person(1, "Ada"));
    world.source.put(person(2, "Bob"));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(
        run.counts,
        Counts {
            created: 1,
            ambiguous: 1,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.take_journal().len(), 1);
    let again = world.run_full().await;
    assert_eq!(
        again.counts,
        Counts {
            unchanged: 1,
            ambiguous: 1,
            ..Counts::default()
        }
    );

    // Once there is only one, it is found without anybody touching the source.
    world.academy.accounts.lock().unwrap().remove("a2");
    world.clock.advance(std::time::Duration::from_secs(400));
    assert_eq!(
        world.run().await.counts,
        Counts {
            unchanged: 1,
            updated: 1,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn many_people_are_matched_by_listing_the_accounts_once() {
    let world = World::new().await;
    *world.source.page.lock().unwrap() = 20;
    for id in 1..=30 {
        world.source.put(person(id, &format!("Person{id}")));
    }
    for id in 1..=5 {
        world
            .academy
            .insert(account(&format!("PERSON{id}@example.com")));
    }
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            created: 25,
            updated: 5,
            ..Counts::default()
        }
    );
    assert_eq!(*world.academy.found.lock().unwrap(), 0);
    assert_eq!(*world.academy.listed.lock().unwrap(), 3);
    assert_eq!(world.academy.accounts.lock().unwrap().len(), 30);
}

#[tokio::test]
async fn two_records_with_one_address_do_not_share_an_account() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world.run().await;
    world.academy.take_journal();
    world.source.put(person(2, "Ada"));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            failed: 1,
            ..Counts::default()
        }
    );
    assert_eq!(
        world.told(&run).await[0].2.as_deref(),
        Some("account-taken")
    );
    assert_eq!(world.academy.take_journal(), []);
}

#[tokio::test]
async fn a_rehire_under_a_new_record_takes_the_old_account_over() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world
        .source
        .set(1, "contract_end_date", json!("2026-01-31"));
    world.run().await;
    world.academy.take_journal();
    world.source.put(person(9, "Ada"));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            reactivated: 1,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.accounts.lock().unwrap().len(), 1);
    assert!(world.academy.is_active("ada@example.com"));
    assert_eq!(
        world.academy.by_email("ada@example.com")["external_id"],
        "9"
    );
    // The old record is still there and changes nothing.
    world.academy.take_journal();
    assert_eq!(world.run_full().await.status, RunStatus::Succeeded);
    world.source.set(1, "position", json!("Retired"));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            skipped: 1,
            ..Counts::default()
        }
    );
    assert_eq!(world.told(&run).await[0].2.as_deref(), Some("superseded"));
    assert_eq!(world.academy.take_journal(), []);
}

#[tokio::test]
async fn an_account_that_vanished_is_made_anew() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world.run().await;
    world.academy.accounts.lock().unwrap().clear();
    world.source.set(1, "position", json!("Lead"));
    assert_eq!(
        world.run().await.counts,
        Counts {
            created: 1,
            ..Counts::default()
        }
    );
    assert_eq!(
        world.academy.by_email("ada@example.com")["position"],
        "Lead"
    );
}

#[tokio::test]
async fn an_account_changes_hands_within_one_page() {
    let world = World::new().await;
    world.source.put(person(1, "Ada"));
    world
        .source
        .set(1, "contract_end_date", json!("2026-01-31"));
    world.run().await;
    // On the day of the rehire both records are touched.
    world.source.set(1, "position", json!("Former"));
    world.source.put(person(9, "Ada"));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            reactivated: 1,
            ..Counts::default()
        }
    );
    let account = world.academy.by_email("ada@example.com");
    assert_eq!(
        (&account["external_id"], &account["position"]),
        (&json!("9"), &json!("Engineer"))
    );
    for _ in 0..2 {
        world.source.set(1, "position", json!("Still former"));
        world.run().await;
        assert_eq!(
            world.academy.by_email("ada@example.com")["position"],
            "Engineer"
        );
    }
}
