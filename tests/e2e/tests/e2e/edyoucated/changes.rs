//! What becomes of accounts and teams that are there: what follows Personio, what is theirs, and when.

use matricula_sandbox::{Account, Sandbox};
use serde_json::{Value, json};

use super::{EDYOUCATED, FLOW, account, active, of_two_departments, run, start, writes};
use crate::teams::{move_to_department_of, unit};
use crate::world::World;

/// Somebody at edyoucated gives an attribute of somebody's account another value.
fn change_there(world: &World, id: u64, attribute: &str, value: &str) {
    let account = account(world, id).id;
    let operations = json!([{"op": "replace", "path": attribute, "value": value}]);
    let accounts = world.sandbox.accounts_of(EDYOUCATED);
    accounts.patch(&account, operations).unwrap();
}

/// An account that edyoucated had before the first cycle.
fn insert(world: &World, address: &str, more: Value) -> Account {
    let mut user = json!({
        "userName": address,
        "emails": [{"value": address, "type": "work", "primary": true}],
    });
    let more = more.as_object().unwrap().clone();
    user.as_object_mut().unwrap().extend(more);
    world.sandbox.accounts_of(EDYOUCATED).insert(user).unwrap()
}

#[test]
fn an_account_follows_its_person_and_keeps_the_language_that_they_chose() {
    let world = start(Sandbox::builder().people(40).seed(3));
    run(&world, &[]);
    let ids = active(&world);
    let (changed, quiet, other) = (ids[0], ids[1], ids[2]);
    let before = account(&world, changed);
    for id in [changed, quiet] {
        change_there(&world, id, "preferredLanguage", "fr");
    }
    let people = world.sandbox.people();
    people.set(changed, "first_name", "Amélie");
    people.set(changed, "last_name", "O'Brien-Sørensen");
    people.set(changed, "position", "Head of \"Learning\"");
    people.set_email(changed, "Amelie.OBrien@example.com");
    world.sandbox.journal().clear();
    let second = run(&world, &[]);
    assert_eq!(
        (&second["cycle"], &second["counts"]["updated"]),
        (&json!("incremental"), &json!(1)),
        "{second:#}"
    );
    let after = account(&world, changed);
    assert_eq!(
        (&after.id, after.user_name.as_str(), after.active),
        (&before.id, "amelie.obrien@example.com", true)
    );
    for (pointer, value) in [
        ("/emails/0/value", "amelie.obrien@example.com"),
        ("/name/givenName", "Amélie"),
        ("/name/familyName", "O'Brien-Sørensen"),
        ("/title", "Head of \"Learning\""),
        ("/preferredLanguage", "fr"),
    ] {
        assert_eq!(after.text(pointer), Some(value), "{pointer}");
    }
    assert_eq!(after.resource["emails"].as_array().unwrap().len(), 1);
    let of_account = |target: &str| target.ends_with(&format!("/Users/{}", before.id));
    let written = writes(&world);
    assert!(
        !written.is_empty() && written.iter().all(|entry| of_account(&entry.target)),
        "nobody else's: {written:#?}"
    );

    // A complete reading finds nothing to put right, and what changes with it is not the language either.
    world.sandbox.journal().clear();
    assert_eq!(world.counts_of(FLOW, &[])["updated"], 0);
    assert!(writes(&world).is_empty(), "{:#?}", writes(&world));
    people.set(changed, "position", Value::Null);
    people.set(quiet, "position", "Trainer");
    let third = world.counts_of(FLOW, &["--setting", "language=en"]);
    assert_eq!(third["updated"], 2, "{third:#}");
    assert_eq!(account(&world, changed).text("/title"), None);
    assert_eq!(account(&world, quiet).text("/title"), Some("Trainer"));
    for (id, language) in [(changed, "fr"), (quiet, "fr"), (other, "de")] {
        let account = account(&world, id);
        assert_eq!(account.text("/preferredLanguage"), Some(language), "{id}");
    }
}

#[test]
fn job_titles_there_stay_as_they_are_unless_they_are_carried_over() {
    let world = start(Sandbox::builder().people(30).seed(3));
    let people = world.sandbox.people();
    let ids = active(&world);
    let (known, new) = (ids[0], ids[1]);
    let address = people.text(known, "email").trim().to_lowercase();
    let theirs = json!({"title": "Captain", "preferredLanguage": "fr"});
    let theirs = insert(&world, &address, theirs);
    let left_alone = ["--setting", "job_title=false"];
    let first = run(&world, &left_alone);
    assert_eq!(first["counts"]["updated"], 1, "adopted: {first:#}");
    let title = |id: u64| account(&world, id).text("/title").map(str::to_owned);
    let captain = || {
        let account = account(&world, known);
        assert_eq!(account.id, theirs.id);
        assert_eq!(account.text("/title"), Some("Captain"));
        assert_eq!(account.text("/preferredLanguage"), Some("fr"));
    };
    captain();
    assert_eq!(title(new), None);
    change_there(&world, new, "title", "First mate");
    for id in [known, new] {
        people.set(id, "position", "Trainer");
    }
    assert_eq!(run(&world, &left_alone)["cycle"], "incremental");
    captain();
    world.counts_of(FLOW, &left_alone);
    captain();
    assert_eq!(title(new).as_deref(), Some("First mate"));

    world.counts_of(FLOW, &["--setting", "job_title=true"]);
    assert_eq!(title(known).as_deref(), Some("Trainer"));
    assert_eq!(title(new).as_deref(), Some("Trainer"));
    // What was carried over once is not taken away when it no longer is.
    people.set(known, "position", "Coach");
    world.counts_of(FLOW, &left_alone);
    assert_eq!(title(known).as_deref(), Some("Trainer"));
}

/// The accounts of those who work in a department, sorted.
fn staff(world: &World, department: &str) -> Vec<String> {
    let mut accounts: Vec<String> = active(world)
        .into_iter()
        .filter(|&id| unit(world, id, "department").as_deref() == Some(department))
        .map(|id| account(world, id).id)
        .collect();
    accounts.sort();
    accounts
}

#[test]
fn a_team_that_has_the_name_already_is_taken_over_with_the_members_it_has() {
    let world = start(Sandbox::builder().people(40).seed(3));
    let guest = insert(&world, "guest@example.org", json!({}));
    let (mover, other) = of_two_departments(&world);
    let department = unit(&world, mover, "department").unwrap();
    let name = format!("Department {department}");
    let groups = world.sandbox.groups(EDYOUCATED);
    let members = json!([{"value": guest.id}]);
    let theirs = groups
        .insert(json!({"displayName": name, "members": members}))
        .unwrap();
    let members = || {
        let named = groups.by_name(&name);
        assert_eq!(named.len(), 1, "{named:#?}");
        assert_eq!(named[0].id, theirs.id);
        named[0].members.clone()
    };
    let with_guest = |mut staff: Vec<String>| {
        staff.push(guest.id.clone());
        staff.sort();
        staff
    };
    let first = run(&world, &[]);
    assert!(
        first["notes"].to_string().contains("1 existing group"),
        "{first:#}"
    );
    let before = staff(&world, &department);
    assert!(!before.is_empty());
    assert_eq!(members(), with_guest(before.clone()));

    move_to_department_of(&world, mover, other);
    run(&world, &[]);
    let after = staff(&world, &department);
    assert_eq!(after.len() + 1, before.len());
    assert_eq!(members(), with_guest(after));

    // Chosen no more, the team is theirs again, with whom they had put into it.
    world.counts_of(FLOW, &["--setting", "teams_from=[]"]);
    assert_eq!(members(), [guest.id.as_str()]);
    let after = world.sandbox.accounts_of(EDYOUCATED).get(&guest.id);
    assert_eq!(after.unwrap().version, guest.version);
}

#[test]
fn it_runs_at_four_every_morning_by_utc() {
    let world = start(Sandbox::builder().people(5).seed(3));
    let begun = world.matricula(&["start", FLOW, "--yes"]);
    assert_eq!(begun.code, 0, "{begun:?}");
    let shown = world.matricula(&["automation", "show", FLOW, "--json"]);
    let shown: Value = serde_json::from_str(&shown.out).unwrap_or_else(|_| panic!("{shown:?}"));
    assert_eq!(
        shown["cadence"],
        json!({"kind": "cron", "expression": "0 4 * * *", "time_zone": "UTC"}),
        "{shown:#}"
    );
}
