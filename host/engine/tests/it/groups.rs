//! Groups of accounts: made from departments and sites, and kept as people come, move and leave.

use matricula_core::group::Membership;
use matricula_core::run::{Counts, OutcomeKind, RunStatus};
use matricula_core::store::Store;
use matricula_core::{SourceKey, Text};
use serde_json::{Value, json};

use crate::source::person;
use crate::teams::Team;
use crate::world::{FLOW, World};

pub fn flow() -> String {
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

pub const IT: &str = "Department IT";
pub const SALES: &str = "Department Sales";

pub fn department(id: u64, name: &str) -> Value {
    json!({"id": id, "name": name})
}

pub fn counts(pairs: &[(OutcomeKind, u64)]) -> Counts {
    let mut counts = Counts::default();
    for (kind, number) in pairs {
        (0..*number).for_each(|_| counts.add(*kind));
    }
    counts
}

/// Ada and Bob in IT, Cy in sales, Di in no department.
pub async fn four() -> World {
    let world = World::with_flow(&flow()).await;
    for (id, name) in [(1, "Ada"), (2, "Bob"), (3, "Cy"), (4, "Di")] {
        world.source.put(person(id, name));
    }
    world.source.set(3, "department", department(2, "Sales"));
    world.source.set(4, "department", Value::Null);
    world
}

pub async fn four_in_step() -> World {
    let world = four().await;
    assert_eq!(world.run().await.status, RunStatus::Succeeded);
    forget(&world);
    world
}

pub fn forget(world: &World) {
    world.academy.take_journal();
    world.academy.teams.take_journal();
    *world.academy.teams.asked.lock().unwrap() = 0;
    *world.academy.teams.found.lock().unwrap() = 0;
}

/// Who is in a group, by first name.
pub fn members(world: &World, group: &str) -> Vec<String> {
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

pub fn account(world: &World, name: &str) -> String {
    let accounts = world.academy.accounts.lock().unwrap();
    let found = accounts
        .iter()
        .find(|(_, account)| account["first_name"] == name);
    found.unwrap().0.clone()
}

/// Nothing is to be done any more.
pub async fn settled(world: &World, number: u64) {
    forget(world);
    assert_eq!(
        world.counts().await,
        counts(&[(OutcomeKind::Unchanged, number)])
    );
    assert_eq!(world.academy.take_journal(), []);
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 0);
    assert_eq!(*world.academy.teams.found.lock().unwrap(), 0);
}

pub async fn of(world: &World, key: &str) -> Vec<Membership> {
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
