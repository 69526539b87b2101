//! Which group it is: renamed, found by its identity or its name, vanished.

use std::time::Duration;

use matricula_core::Text;
use matricula_core::run::{OutcomeKind, RunStatus};
use serde_json::{Value, json};

use crate::groups::{IT, SALES, counts, department, flow, four, four_in_step, members, settled};
use crate::source::person;

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
    let preview = world.preview().await;
    let run = world.run().await;
    assert_eq!(run.counts, preview.counts);
    let ada = preview
        .people
        .iter()
        .find(|planned| planned.key.as_str() == "1")
        .unwrap();
    assert_eq!(ada.code.as_deref(), Some("group-ambiguous"));
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

    // Another department of the same name is not taken for the group that is kept already.
    world.source.set(4, "department", department(9, "IT"));
    world.source.set(3, "department", department(8, "IT"));
    world.run().await;
    assert_eq!(world.academy.teams.names(), [IT, IT, IT, SALES]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn where_names_are_unique_two_departments_of_one_name_are_told_apart() {
    for hidden in [false, true] {
        let world = four().await;
        if hidden {
            *world.academy.teams.unavailable.lock().unwrap() = vec!["external_id".to_owned()];
        }
        *world.academy.teams.unique.lock().unwrap() = true;
        world.source.set(4, "department", department(3, "IT"));
        let run = world.run().await;
        assert_eq!(run.counts, counts(&[(OutcomeKind::Created, 4)]));
        assert_eq!(members(&world, IT), ["Ada", "Bob"]);
        assert_eq!(members(&world, "Department IT (3)"), ["Di"]);
        settled(&world, 4).await;
        // Whoever moves into the other one is not taken out of both.
        world.source.set(4, "department", department(1, "IT"));
        world.run().await;
        assert_eq!(members(&world, IT), ["Ada", "Bob", "Di"]);
        settled(&world, 4).await;
    }
}

#[tokio::test]
async fn a_preview_says_that_a_group_is_renamed_and_what_a_flow_keeps_no_more() {
    let mut world = four_in_step().await;
    // The record of somebody who is blocked is as old as that.
    world.source.set(1, "status", json!("inactive"));
    world.run().await;
    world.source.set(1, "department", department(1, "Old"));
    let preview = world.preview().await;
    assert_eq!(preview.notes, []);
    world.run().await;
    assert_eq!(world.academy.teams.names(), [IT, SALES]);

    world
        .source
        .set(2, "department", department(1, "Engineering"));
    // Ada's record comes before Bob's, and names no group.
    world.source.set(1, "department", department(1, "Older"));
    let renamed = Text::said(
        "1 group would be renamed".to_owned(),
        "1 Gruppe würde umbenannt".to_owned(),
    );
    assert_eq!(world.preview().await.notes, [renamed]);
    world.run().await;
    assert_eq!(
        world.academy.teams.names(),
        ["Department Engineering", SALES]
    );

    let flow = flow().replace("department:\n", "division:\n");
    world.set_flow(&flow);
    world.set_settings(json!({"teams": []}));
    let preview = world.preview().await;
    assert_eq!(world.run().await.counts, preview.counts);
    assert_eq!(preview.counts.updated, 2);
    let lost = preview.people.iter().flat_map(|person| &person.changes);
    assert!(
        lost.clone().count() == 2
            && lost.into_iter().all(|change| {
                change.attribute == "groups.department" && change.new == Value::Null
            })
    );
    assert_eq!(members(&world, SALES), [""; 0]);
}
