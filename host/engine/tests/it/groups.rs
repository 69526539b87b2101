//! Groups of accounts: made from departments and sites, and kept as people come, move and leave.

use std::time::Duration;

use matricula_core::connector::Connector;
use matricula_core::group::Membership;
use matricula_core::run::{Counts, OutcomeKind, Run, RunStatus};
use matricula_core::store::Store;
use matricula_core::{Effect, Failure, FailureKind, SourceKey, Text};
use serde_json::{Value, json};

use crate::source::person;
use crate::teams::{Fault, Team};
use crate::world::{FLOW, World};

fn flow() -> String {
    format!(
        r#"{FLOW}
groups:
  operation: upsert-group
  sets:
    department:
      when: '"department" in settings.teams'
      key: e.department.id
      name: '"Department " + e.department.name'
      title: {{ en: Department }}
    title:
      when: '"title" in settings.teams'
      key: e.position
      name: e.position
      title: {{ en: Title }}
"#
    )
    .replace(
        "settings:\n",
        "settings:\n  teams: { type: array, items: { enum: [department, title] }, default: [department], \
         title: { en: Teams from } }\n",
    )
}

const IT: &str = "Department IT";
const SALES: &str = "Department Sales";

fn department(id: u64, name: &str) -> Value {
    json!({"id": id, "name": name})
}

fn counts(pairs: &[(OutcomeKind, u64)]) -> Counts {
    let mut counts = Counts::default();
    for (kind, number) in pairs {
        (0..*number).for_each(|_| counts.add(*kind));
    }
    counts
}

/// Ada and Bob in IT, Cy in sales, Di in no department.
async fn four() -> World {
    let world = World::with_flow(&flow()).await;
    for (id, name) in [(1, "Ada"), (2, "Bob"), (3, "Cy"), (4, "Di")] {
        world.source.put(person(id, name));
    }
    world.source.set(3, "department", department(2, "Sales"));
    world.source.set(4, "department", Value::Null);
    world
}

async fn four_in_step() -> World {
    let world = four().await;
    assert_eq!(world.run().await.status, RunStatus::Succeeded);
    forget(&world);
    world
}

fn forget(world: &World) {
    world.academy.take_journal();
    world.academy.teams.take_journal();
    *world.academy.teams.asked.lock().unwrap() = 0;
    *world.academy.teams.found.lock().unwrap() = 0;
}

/// Who is in a group, by first name.
fn members(world: &World, group: &str) -> Vec<String> {
    let accounts = world.academy.accounts.lock().unwrap();
    let team = world.academy.teams.by_name(group);
    let mut names: Vec<String> = team
        .members
        .iter()
        .map(|member| match accounts.get(member) {
            Some(account) => account["first_name"].as_str().unwrap().to_owned(),
            None => member.clone(),
        })
        .collect();
    names.sort();
    names
}

fn account(world: &World, name: &str) -> String {
    let accounts = world.academy.accounts.lock().unwrap();
    let found = accounts
        .iter()
        .find(|(_, account)| account["first_name"] == name);
    found.unwrap().0.clone()
}

/// Nothing is to be done any more.
async fn settled(world: &World, number: u64) {
    forget(world);
    assert_eq!(
        world.counts().await,
        counts(&[(OutcomeKind::Unchanged, number)])
    );
    assert_eq!(world.academy.take_journal(), []);
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 0);
    assert_eq!(*world.academy.teams.found.lock().unwrap(), 0);
}

async fn of(world: &World, key: &str) -> Vec<Membership> {
    let id = world.automation().await.id;
    let keys = [SourceKey::new(key)];
    world.store.memberships(&id, &keys).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_first_cycle_makes_groups_and_the_next_one_does_nothing() {
    let world = four().await;
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(run.counts, counts(&[(OutcomeKind::Created, 4)]));
    assert_eq!(run.notes, []);
    assert_eq!(world.academy.teams.names(), [IT, SALES]);
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    assert_eq!(members(&world, SALES), ["Cy"]);
    let identity = world.academy.teams.by_name(IT).external_id;
    assert_eq!(identity.as_deref(), Some("matricula:department:1"));
    // One to make each group, one to fill it; one outcome a person.
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 4);
    assert_eq!(world.outcomes(&run).await.len(), 4);

    settled(&world, 4).await;
    let run = world.run().await;
    assert_eq!(run.counts, Counts::default());
    let run = world.run_full().await;
    assert_eq!(world.outcomes(&run).await, []);
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 0);
}

#[tokio::test]
async fn whoever_moves_is_taken_out_and_put_in() {
    let world = four_in_step().await;
    // Only the group differs for Bob, for Di a field as well.
    world.source.set(2, "department", department(3, "IT"));
    world.source.set(4, "department", department(2, "Sales"));
    let run = world.run().await;
    assert_eq!(run.counts, counts(&[(OutcomeKind::Updated, 2)]));
    assert_eq!(run.status, RunStatus::Succeeded);
    // Another department of the same name is another group.
    assert_eq!(world.academy.teams.names(), [IT, IT, SALES]);
    assert_eq!(members(&world, SALES), ["Cy", "Di"]);
    let told: Vec<_> = world
        .outcomes(&run)
        .await
        .into_iter()
        .map(|outcome| (outcome.key.to_string(), outcome.kind, outcome.changed))
        .collect();
    let groups = vec!["groups".to_owned()];
    let field = vec!["department".to_owned()];
    let mut expected = vec![
        ("2".to_owned(), OutcomeKind::Updated, groups.clone()),
        ("4".to_owned(), OutcomeKind::Updated, groups),
        ("4".to_owned(), OutcomeKind::Updated, field),
    ];
    let mut found = told.clone();
    for list in [&mut expected, &mut found] {
        list.sort();
    }
    assert_eq!(found, expected);
    let it: Vec<Team> = world
        .academy
        .teams
        .teams
        .lock()
        .unwrap()
        .values()
        .filter(|team| team.name == IT)
        .cloned()
        .collect();
    assert_eq!(it[0].members.len(), 1);
    assert_eq!(it[1].members.len(), 1);
    assert_ne!(it[0].members, it[1].members);
    settled(&world, 4).await;

    world.source.set(4, "department", Value::Null);
    world.run().await;
    assert_eq!(members(&world, SALES), ["Cy"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn a_department_that_is_renamed_is_renamed_once() {
    let world = four_in_step().await;
    *world.source.page.lock().unwrap() = 1;
    for id in [1, 2] {
        world
            .source
            .set(id, "department", department(1, "Engineering"));
    }
    // A record that is behind does not rename it back.
    world.source.set(4, "department", department(1, "IT"));
    world.run().await;
    let renames: Vec<Value> = world
        .academy
        .teams
        .take_journal()
        .into_iter()
        .filter(|entry| entry.get("rename").is_some())
        .collect();
    assert_eq!(renames.len(), 1, "{renames:?}");
    assert_eq!(
        members(&world, "Department Engineering"),
        ["Ada", "Bob", "Di"]
    );
    settled(&world, 4).await;
}

#[tokio::test]
async fn whoever_leaves_is_taken_out_and_whoever_comes_back_is_put_in() {
    let world = four_in_step().await;
    world
        .source
        .set(1, "contract_end_date", json!("2026-03-01"));
    let run = world.run().await;
    assert_eq!(run.counts, counts(&[(OutcomeKind::Deactivated, 1)]));
    assert_eq!(members(&world, IT), ["Bob"]);
    assert_eq!(world.outcomes(&run).await.len(), 1);
    settled(&world, 4).await;

    world.source.set(1, "contract_end_date", Value::Null);
    let run = world.run().await;
    assert_eq!(run.counts, counts(&[(OutcomeKind::Reactivated, 1)]));
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    settled(&world, 4).await;

    // By date, without the record being read: in a year, and gone from the source.
    world
        .source
        .set(2, "contract_end_date", json!("2027-01-01"));
    world.source.remove(3);
    world.run_full().await;
    world.at("2027-01-02T11:00:00Z");
    let run = world.run_full().await;
    assert_eq!(run.counts.deactivated, 2, "{run:?}");
    assert_eq!(members(&world, IT), ["Ada"]);
    assert_eq!(members(&world, SALES), [""; 0], "an empty group stays");
    settled(&world, 3).await;
}

#[tokio::test]
async fn whoever_begins_later_is_put_in_on_the_day() {
    let world = four().await;
    world.source.set(3, "hire_date", json!("2026-04-01"));
    world.run().await;
    assert_eq!(
        members(&world, SALES),
        [""; 0],
        "made, since it will be needed"
    );
    world.at("2026-04-01T11:00:00Z");
    world.run().await;
    assert_eq!(members(&world, SALES), ["Cy"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn for_those_who_left_long_ago_no_group_is_made() {
    let world = four().await;
    world
        .source
        .set(3, "contract_end_date", json!("2015-01-01"));
    world.run().await;
    assert_eq!(world.academy.teams.names(), [IT]);
    settled(&world, 4).await;
    world.source.set(3, "contract_end_date", Value::Null);
    world.run().await;
    assert_eq!(members(&world, SALES), ["Cy"]);
}

#[tokio::test]
async fn whoever_is_staged_stays_until_somebody_decides() {
    let world = World::with_flow(&flow()).await;
    for id in 1..=25 {
        world.source.put(person(id, &format!("Person{id}")));
    }
    world.run().await;
    forget(&world);
    for id in 1..=10 {
        world.source.set(id, "status", json!("inactive"));
    }
    let run = world.run().await;
    assert_eq!(run.counts.staged, 10);
    assert_eq!(members(&world, IT).len(), 25);
    let id = world.automation().await.id;
    world.engine.decide(&id, true).await.unwrap();
    world.run().await;
    assert_eq!(members(&world, IT).len(), 15);
}

#[tokio::test]
async fn what_cannot_be_read_leaves_memberships_alone() {
    let world = four_in_step().await;
    world.source.hide("department");
    world.counts().await;
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    assert_eq!(world.academy.teams.take_journal(), [Value::Null; 0]);
    assert_eq!(of(&world, "1").await.len(), 1);
}

#[tokio::test]
async fn groups_that_are_turned_off_lose_whom_we_put_in_and_nobody_else() {
    let mut world = four_in_step().await;
    let it = world.academy.teams.id_of(IT);
    world
        .academy
        .teams
        .teams
        .lock()
        .unwrap()
        .get_mut(&it)
        .unwrap()
        .members
        .insert("foreigner".to_owned());
    world.set_settings(json!({"teams": ["title"]}));
    let run = world.run().await;
    assert_eq!(run.counts, counts(&[(OutcomeKind::Updated, 4)]));
    assert_eq!(members(&world, IT), ["foreigner"]);
    assert_eq!(members(&world, SALES), [""; 0]);
    assert_eq!(members(&world, "Engineer"), ["Ada", "Bob", "Cy", "Di"]);
    settled(&world, 4).await;
    assert_eq!(members(&world, IT), ["foreigner"]);

    world.set_settings(json!({"teams": ["title", "department"]}));
    world.run().await;
    assert_eq!(members(&world, IT), ["Ada", "Bob", "foreigner"]);
    assert_eq!(
        world.academy.teams.names(),
        [IT, SALES, "Engineer"],
        "found again"
    );
    settled(&world, 4).await;
}

#[tokio::test]
async fn a_group_of_the_same_name_is_taken_over() {
    let world = four().await;
    let existing = world.academy.teams.insert(IT, &["foreigner"]);
    world.academy.teams.insert("department sales", &[]);
    let preview = world.preview().await;
    let note = Text::said(
        "1 existing group was found by its name and is kept up to date from now on".to_owned(),
        "1 vorhandene Gruppe wurde am Namen erkannt und wird ab jetzt gepflegt".to_owned(),
    );
    assert!(preview.notes.contains(&note), "{:?}", preview.notes);
    let run = world.run().await;
    assert_eq!(run.notes, [note], "once, and without names");
    assert_eq!(world.academy.teams.id_of(IT), existing);
    assert_eq!(members(&world, IT), ["Ada", "Bob", "foreigner"]);
    assert_eq!(
        members(&world, SALES),
        ["Cy"],
        "another case is another name"
    );
    settled(&world, 4).await;
}

#[tokio::test]
async fn of_several_groups_of_one_name_none_is_touched() {
    let world = four().await;
    world.academy.teams.insert(IT, &[]);
    let second = world.academy.teams.insert(IT, &[]);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Created, 2), (OutcomeKind::Ambiguous, 2)])
    );
    let told = world.told(&run).await;
    let of = |key: &str| -> Vec<_> {
        let theirs = told.iter().filter(|(told, ..)| told == key);
        theirs
            .map(|(_, kind, code)| (*kind, code.as_deref()))
            .collect()
    };
    assert_eq!(
        of("1"),
        [
            (OutcomeKind::Created, None),
            (OutcomeKind::Ambiguous, Some("group-ambiguous"))
        ]
    );
    assert!(
        world
            .academy
            .teams
            .teams
            .lock()
            .unwrap()
            .values()
            .all(|team| { team.name != IT || team.members.is_empty() })
    );
    let run = world.run_full().await;
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Unchanged, 2), (OutcomeKind::Ambiguous, 2)])
    );

    world.academy.teams.teams.lock().unwrap().remove(&second);
    world.clock.advance(Duration::from_secs(400));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn a_group_that_has_vanished_is_made_anew() {
    let world = four_in_step().await;
    let it = world.academy.teams.id_of(IT);
    let vanish = || {
        let mut teams = world.academy.teams.teams.lock().unwrap();
        teams.retain(|_, team| team.name != IT);
    };
    vanish();
    // A record says what it is called.
    world.source.put(person(5, "Eve"));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Created, 1), (OutcomeKind::Updated, 2)])
    );
    assert_eq!(members(&world, IT), ["Ada", "Bob", "Eve"]);
    assert_ne!(world.academy.teams.id_of(IT), it);
    settled(&world, 5).await;

    // No record does: somebody is gone.
    world.source.remove(5);
    world.run_full().await;
    vanish();
    let run = world.run_full().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(world.academy.teams.names(), [SALES]);
    let run = world.run().await;
    assert_eq!(run.counts.updated, 2, "{run:?}");
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn a_group_that_vanishes_before_it_is_renamed_is_made_anew() {
    let world = four_in_step().await;
    world.academy.teams.teams.lock().unwrap().clear();
    for id in [1, 2] {
        world
            .source
            .set(id, "department", department(1, "Engineering"));
    }
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(world.academy.teams.names(), ["Department Engineering"]);
    assert_eq!(members(&world, "Department Engineering"), ["Ada", "Bob"]);
}

#[tokio::test]
async fn one_member_who_is_refused_fails_alone() {
    let world = World::with_flow(&flow()).await;
    for id in 1..=130 {
        world.source.put(person(id, &format!("Person{id}")));
    }
    world.source.set(130, "status", json!("inactive"));
    world.run().await;
    assert_eq!(members(&world, IT).len(), 129);
    let person77 = account(&world, "Person77");
    let mut world = world;
    world
        .academy
        .teams
        .unwelcome
        .lock()
        .unwrap()
        .insert(person77.clone());
    world.set_settings(json!({"teams": ["title"]}));
    forget(&world);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(
        (run.counts.updated, run.counts.failed),
        (128, 1),
        "{:?}",
        run.counts
    );
    assert_eq!(members(&world, "Engineer").len(), 128);
    let failed: Vec<_> = world
        .outcomes(&run)
        .await
        .into_iter()
        .filter(|outcome| outcome.kind == OutcomeKind::Failed)
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].key, SourceKey::new("77"));
    assert_eq!(failed[0].code.as_deref(), Some("group-failed"));
    assert_eq!(failed[0].reason.as_deref(), Some("there is no such member"));

    // Counted as failed until it is tried again.
    forget(&world);
    let run = world.run_full().await;
    assert_eq!(run.counts.failed, 1, "{:?}", run.counts);
    assert_eq!(run.counts.unchanged, 129);
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 0);
    world.clock.advance(Duration::from_secs(400));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Unchanged, 129), (OutcomeKind::Failed, 1)])
    );
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 1);
    world.academy.teams.unwelcome.lock().unwrap().clear();
    world.clock.advance(Duration::from_secs(1000));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Unchanged, 129), (OutcomeKind::Updated, 1)])
    );
    settled(&world, 130).await;
}

#[tokio::test]
async fn a_group_that_takes_nobody_is_not_asked_for_each_of_many() {
    let mut world = World::with_flow(&flow()).await;
    *world.source.page.lock().unwrap() = 100;
    for id in 1..=450 {
        world.source.put(person(id, &format!("Person{id}")));
    }
    world.set_settings(json!({"teams": []}));
    world.run().await;
    world.academy.teams.insert(IT, &[]);
    world
        .academy
        .teams
        .closed
        .lock()
        .unwrap()
        .insert(IT.to_owned());
    world.set_settings(json!({"teams": ["department"]}));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(run.counts, counts(&[(OutcomeKind::Failed, 450)]));
    // Five changes, and the first one's members.
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 105);
    assert_eq!(world.outcomes(&run).await.len(), 450);
}

#[tokio::test]
async fn lost_answers_make_nothing_twice() {
    let world = four().await;
    world.academy.teams.fault(IT, Fault::Lose);
    world.academy.teams.fault("g1", Fault::Lose);
    world.academy.teams.fault("g2", Fault::Lose);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(world.academy.teams.names(), [IT, SALES]);
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn a_group_that_cannot_be_made_fails_its_people_alone() {
    let world = four().await;
    let refused = Failure::new(FailureKind::Permission, "the key may not write groups");
    world.academy.teams.fault(IT, Fault::Fail(refused));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Created, 2), (OutcomeKind::Failed, 2)])
    );
    assert_eq!(world.academy.accounts.lock().unwrap().len(), 4);
    assert_eq!(members(&world, SALES), ["Cy"]);
    world.clock.advance(Duration::from_secs(400));
    assert_eq!(world.run().await.status, RunStatus::Succeeded);
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn an_outage_while_groups_are_written_is_gone_on_with() {
    let world = four().await;
    for _ in 0..6 {
        let down = Failure::new(FailureKind::Unavailable, "down").with_effect(Effect::None);
        world.academy.teams.fault("g1", Fault::Fail(down));
    }
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Failed);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    assert_eq!(members(&world, SALES), ["Cy"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn an_academy_without_groups_is_said_once_and_looked_at_again_later() {
    let world = four().await;
    *world.academy.teams.unavailable.lock().unwrap() = ["external_id", "name", "add", "remove"]
        .map(str::to_owned)
        .to_vec();
    let note = Text::said(
        "Academy does not offer groups: nobody is put into any".to_owned(),
        "Academy bietet keine Gruppen an: niemand wird einer Gruppe zugeordnet".to_owned(),
    );
    for _ in 0..2 {
        assert!(world.preview().await.notes.contains(&note));
        let run = world.run_full().await;
        assert_eq!(
            (run.status, &run.notes[..]),
            (RunStatus::Succeeded, &[note.clone()][..])
        );
    }
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 0);
    world.academy.teams.unavailable.lock().unwrap().clear();
    let run = world.run_full().await;
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Updated, 3), (OutcomeKind::Unchanged, 1)])
    );
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
}

#[tokio::test]
async fn where_no_kind_is_chosen_nothing_is_said_of_groups() {
    let mut world = four().await;
    let unavailable = ["external_id", "name", "add", "remove"].map(str::to_owned);
    *world.academy.teams.unavailable.lock().unwrap() = unavailable.to_vec();
    world.set_settings(json!({"teams": []}));
    let run = world.run().await;
    assert_eq!(
        (run.status, &run.notes[..]),
        (RunStatus::Succeeded, &[][..])
    );
    assert_eq!(world.preview().await.notes, []);
}

#[tokio::test]
async fn groups_without_an_identity_are_found_by_name() {
    let world = four().await;
    world
        .academy
        .teams
        .unavailable
        .lock()
        .unwrap()
        .push("external_id".to_owned());
    world.run().await;
    assert_eq!(world.academy.teams.by_name(IT).external_id, None);
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn an_account_that_vanished_is_put_in_anew() {
    let world = four_in_step().await;
    let former = account(&world, "Ada");
    world.academy.accounts.lock().unwrap().remove(&former);
    world.source.set(1, "position", json!("Lead"));
    world.run().await;
    let it = world.academy.teams.by_name(IT);
    assert!(it.members.contains(&account(&world, "Ada")));
    settled(&world, 4).await;
}

#[tokio::test]
async fn a_rehire_under_another_record_stays_in_the_group() {
    let world = four_in_step().await;
    world.source.set(1, "status", json!("inactive"));
    world.run().await;
    assert_eq!(members(&world, IT), ["Bob"]);
    let mut again = person(9, "Ada");
    again["department"] = department(1, "IT");
    world.source.put(again);
    world.run().await;
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    assert_eq!(of(&world, "9").await.len(), 1);
    forget(&world);
    world.run_full().await;
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_preview_says_who_comes_into_which_group() {
    let world = four().await;
    let preview = world.preview().await;
    let made = Text::said(
        "2 groups would be made".to_owned(),
        "2 Gruppen würden angelegt".to_owned(),
    );
    assert!(preview.notes.contains(&made), "{:?}", preview.notes);
    let change = |preview: &matricula_engine::Preview, key: &str| {
        let planned = preview
            .people
            .iter()
            .find(|planned| planned.key.as_str() == key);
        let changes = &planned.unwrap().changes;
        let group = changes
            .iter()
            .find(|change| change.attribute == "groups.department");
        group.map(|change| (change.old.clone(), change.new.clone()))
    };
    assert_eq!(change(&preview, "1"), Some((Some(Value::Null), json!(IT))));
    assert_eq!(change(&preview, "4"), None);
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 0);
    assert_eq!(world.run().await.counts, preview.counts);

    // Cy's only change is the group; nobody else's record says what the former one is called.
    world.source.set(3, "department", department(1, "Sales"));
    world.source.set(2, "department", department(2, "Sales"));
    let preview = world.preview().await;
    assert_eq!(preview.counts, counts(&[(OutcomeKind::Updated, 2)]));
    let known = json!("Department Sales");
    assert_eq!(change(&preview, "3").unwrap().0, Some(known));
    assert_eq!(change(&preview, "2").unwrap().1, json!(SALES));
    assert_eq!(world.run().await.counts, preview.counts);
    world.source.set(1, "department", Value::Null);
    let preview = world.preview().await;
    assert_eq!(change(&preview, "1"), Some((None, Value::Null)));
}

/// Drops the future of a run after so many steps, as a killed process would be; whether it came to its end.
async fn cut_off(world: &World, steps: i32) -> bool {
    let run = world.try_run(false);
    let mut run = std::pin::pin!(run);
    let mut left = steps;
    let ended: Option<Run> = std::future::poll_fn(|cx| {
        left -= 1;
        match run.as_mut().poll(cx) {
            std::task::Poll::Ready(result) => std::task::Poll::Ready(result.ok()),
            std::task::Poll::Pending if left <= 0 => std::task::Poll::Ready(None),
            std::task::Poll::Pending => std::task::Poll::Pending,
        }
    })
    .await;
    // The lease of a process that is gone runs out.
    world.clock.advance(Duration::from_secs(600));
    ended.is_some()
}

#[tokio::test]
async fn a_cycle_cut_off_at_any_await_makes_no_group_twice_and_loses_nobody() {
    for steps in 1..600 {
        let world = four().await;
        let first = cut_off(&world, steps).await;
        let run = world.run().await;
        assert_eq!(run.status, RunStatus::Succeeded, "after {steps}: {run:?}");
        assert_eq!(world.academy.teams.names(), [IT, SALES], "after {steps}");
        assert_eq!(members(&world, IT), ["Ada", "Bob"], "after {steps}");
        assert_eq!(members(&world, SALES), ["Cy"], "after {steps}");

        // People move, leave and come while cycles are cut off, and change their minds in between.
        world.source.set(1, "department", department(2, "Sales"));
        world.source.set(2, "status", json!("inactive"));
        world.source.set(4, "department", department(1, "IT"));
        let second = cut_off(&world, steps).await;
        world.source.set(1, "department", department(1, "IT"));
        world.source.set(2, "status", json!("active"));
        world.source.set(4, "department", department(3, "Law"));
        let run = world.run().await;
        assert_eq!(run.status, RunStatus::Succeeded, "after {steps}: {run:?}");
        let run = world.run_full().await;
        assert_eq!(run.status, RunStatus::Succeeded, "after {steps}: {run:?}");
        assert_eq!(members(&world, IT), ["Ada", "Bob"], "after {steps}");
        assert_eq!(members(&world, SALES), ["Cy"], "after {steps}");
        assert_eq!(members(&world, "Department Law"), ["Di"], "after {steps}");
        settled(&world, 4).await;
        if first && second {
            return;
        }
    }
    panic!("the run never came to its end");
}

#[tokio::test]
async fn the_academy_says_that_its_groups_are_of_its_accounts() {
    let world = four().await;
    let operation = &world.academy.manifest().operations["upsert-group"];
    assert_eq!(operation.members_of.as_deref(), Some("upsert-user"));
}
