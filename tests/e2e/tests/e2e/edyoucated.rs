//! Employees from Personio to edyoucated: accounts of those inside, teams from attributes.

mod changes;

use matricula_sandbox::{Account, Builder, Effect, Entry, Fault, FaultKind, Sandbox, System};
use serde_json::{Value, json};

use crate::cycle::{date, today};
use crate::teams::{assert_right, move_to_department_of, unit};
use crate::world::World;

const FLOW: &str = "sync-employees-to-edyoucated";
const EDYOUCATED: System = System::Edyoucated;

fn start(sandbox: Builder) -> World {
    World::start_for(&["personio", "edyoucated"], sandbox)
}

fn run(world: &World, arguments: &[&str]) -> Value {
    let (run, code) = world.run_flow(FLOW, arguments);
    assert_eq!((code, &run["status"]), (0, &json!("succeeded")), "{run:#}");
    run
}

/// Whether somebody is to have an account.
fn belongs(world: &World, id: u64, external: bool) -> bool {
    let people = world.sandbox.people();
    let inside = people.text(id, "employment_type") != "external";
    people.text(id, "status") != "inactive" && (external || inside)
}

/// Whether somebody's account is to be active.
fn works(world: &World, id: u64) -> bool {
    let begun = date(world, id, "hire_date").is_none_or(|day| day <= today());
    let ended = ["contract_end_date", "termination_date"]
        .into_iter()
        .filter_map(|key| date(world, id, key))
        .any(|day| day < today());
    begun && !ended && world.sandbox.people().text(id, "status") != "inactive"
}

/// The account of everybody who is to have one, and no others.
fn assert_in_step(world: &World, external: bool) -> usize {
    let accounts = world.sandbox.accounts_of(EDYOUCATED);
    let mut count = 0;
    for id in world.sandbox.people().ids() {
        let account = accounts.by_external_id(&id.to_string());
        assert_eq!(account.is_some(), belongs(world, id, external), "{id}");
        let Some(account) = account else { continue };
        let people = world.sandbox.people();
        let email = people.text(id, "email").trim().to_lowercase();
        assert_eq!(account.user_name, email);
        assert_eq!(
            account.text("/name/givenName"),
            Some(people.text(id, "first_name").trim())
        );
        assert_eq!(
            account.text("/name/familyName"),
            Some(people.text(id, "last_name").trim())
        );
        assert_eq!(account.active, works(world, id), "{id}");
        count += 1;
    }
    assert_eq!(accounts.len(), count);
    count
}

/// People with an account that may be used, in the source's order.
fn active(world: &World) -> Vec<u64> {
    let ids = world.sandbox.people().ids().into_iter();
    ids.filter(|&id| belongs(world, id, false) && works(world, id))
        .collect()
}

/// Two people who work in different departments.
fn of_two_departments(world: &World) -> (u64, u64) {
    let ids = active(world);
    let first = ids
        .iter()
        .find(|&&id| unit(world, id, "department").is_some());
    let first = *first.unwrap();
    let department = unit(world, first, "department");
    let other = ids.iter().find(|&&id| {
        let of_other = unit(world, id, "department");
        of_other.is_some() && of_other != department
    });
    (first, *other.unwrap())
}

fn account(world: &World, id: u64) -> Account {
    world.account_at(EDYOUCATED, id)
}

fn teams(world: &World, id: u64) -> Vec<String> {
    world
        .sandbox
        .groups(EDYOUCATED)
        .names_of(&account(world, id).id)
}

/// The writes since the journal was cleared.
fn writes(world: &World) -> Vec<Entry> {
    let entries = world.sandbox.journal().entries().into_iter();
    entries
        .filter(|e| e.system == EDYOUCATED && e.method != "GET")
        .collect()
}

#[test]
fn those_inside_have_accounts_and_teams_and_the_second_cycle_writes_nothing() {
    let world = start(Sandbox::builder().people(120).seed(11));
    let first = run(&world, &[]);
    assert_eq!(
        (&first["flow"], &first["cycle"]),
        (&json!(FLOW), &json!("full"))
    );
    let count = assert_in_step(&world, false);
    assert!(
        (80..120).contains(&count),
        "some are external or gone: {count}"
    );
    assert_eq!(first["counts"]["created"], count);
    assert_right(&world, EDYOUCATED, &["department"]);
    for group in world.sandbox.groups(EDYOUCATED).list() {
        let external_id = group.external_id.unwrap();
        assert!(
            external_id.starts_with("matricula:department:"),
            "{external_id}"
        );
    }
    let id = active(&world)[0];
    let known = account(&world, id).resource;
    assert_eq!(known["preferredLanguage"], "de");
    assert_eq!(
        known["title"],
        world.sandbox.people().text(id, "position").trim()
    );

    world.sandbox.journal().clear();
    let second = world.counts_of(FLOW, &[]);
    assert_eq!(
        (&second["unchanged"], &second["updated"]),
        (&json!(count), &json!(0))
    );
    let third = run(&world, &[]);
    assert_eq!(third["cycle"], "incremental");
    assert!(writes(&world).is_empty(), "{:#?}", writes(&world));
}

#[test]
fn whoever_changes_department_changes_team() {
    let world = start(Sandbox::builder().people(60).seed(3));
    run(&world, &[]);
    let (id, other) = of_two_departments(&world);
    let (from, to) = (teams(&world, id), teams(&world, other));
    world.sandbox.journal().clear();
    move_to_department_of(&world, id, other);
    let moved = run(&world, &[]);
    assert_eq!(moved["counts"]["updated"], 1, "{moved:#}");
    assert_ne!(from, to);
    assert_eq!(teams(&world, id), to);
    assert_eq!(teams(&world, other), to);
    assert_right(&world, EDYOUCATED, &["department"]);
    // Out of the one and into the other: the account itself has no reason to be written.
    let written = writes(&world);
    assert!(
        written.iter().all(|e| e.target.contains("/Groups/")),
        "{written:#?}"
    );
    assert_eq!(written.len(), 2, "{written:#?}");

    // A department with another name is the same team with another name.
    let people = world.sandbox.people();
    let department = people.value(other, "department").unwrap();
    let key = department["attributes"]["id"].clone();
    let team = format!("matricula:department:{key}");
    let before = world
        .sandbox
        .groups(EDYOUCATED)
        .by_external_id(&team)
        .unwrap();
    for person in people.ids() {
        if people.value(person, "department").unwrap()["attributes"]["id"] == key {
            let mut renamed = department.clone();
            renamed["attributes"]["name"] = "Learning & Growth".into();
            people.set(person, "department", renamed);
        }
    }
    world.sandbox.journal().clear();
    run(&world, &[]);
    let after = world
        .sandbox
        .groups(EDYOUCATED)
        .by_external_id(&team)
        .unwrap();
    assert_eq!(
        (&after.id, after.name.as_str()),
        (&before.id, "Department Learning & Growth")
    );
    assert_eq!(after.members, before.members);
    assert_eq!(writes(&world).len(), 1, "one group, one request");
}

#[test]
fn whoever_leaves_is_deactivated_and_out_of_all_teams_and_comes_back_into_them() {
    let world = start(Sandbox::builder().people(60).seed(3));
    let by = [
        "--setting",
        r#"teams_from=["department","employment_type"]"#,
    ];
    run(&world, &by);
    let id = of_two_departments(&world).0;
    let before = (account(&world, id), teams(&world, id));
    assert_eq!(before.1.len(), 2);
    let people = world.sandbox.people();
    people.terminate(id, today().yesterday().unwrap());
    let left = run(&world, &by);
    assert_eq!(left["counts"]["deactivated"], 1, "{left:#}");
    assert!(!account(&world, id).active);
    assert_eq!(teams(&world, id), Vec::<String>::new());
    assert_right(&world, EDYOUCATED, &["department", "employment_type"]);

    people.rehire(id, today());
    let back = run(&world, &by);
    assert_eq!(back["counts"]["reactivated"], 1, "{back:#}");
    let after = (account(&world, id), teams(&world, id));
    assert!(after.0.active);
    assert_eq!(
        (&after.0.id, after.1),
        (&before.0.id, before.1),
        "the same account, the same teams"
    );

    // Somebody who is deleted in Personio is missing from two complete reads before anything happens.
    people.remove(id);
    let mut all = vec!["--full"];
    all.extend(by);
    run(&world, &all);
    assert!(account(&world, id).active);
    run(&world, &all);
    assert!(!account(&world, id).active);
    assert_eq!(teams(&world, id), Vec::<String>::new());
}

#[test]
fn one_refused_person_does_not_hold_up_the_others() {
    let world = start(Sandbox::builder().people(40).seed(3));
    let refused = Fault::new(FaultKind::Status(400))
        .system(EDYOUCATED)
        .method("POST");
    let refused = world.sandbox.faults().add(refused.path("/Users").nth(4));
    let (first, code) = world.run_flow(FLOW, &[]);
    assert_eq!(
        (code, &first["status"]),
        (6, &json!("partial")),
        "{first:#}"
    );
    assert_eq!(first["counts"]["failed"], 1);
    let accounts = world.sandbox.accounts_of(EDYOUCATED);
    assert_eq!(first["counts"]["created"], accounts.len());
    assert_right(&world, EDYOUCATED, &["department"]);
    assert_eq!(world.sandbox.faults().fired(refused), 1);
    // Who was refused is tried again after a while, and at once when something is new.
    let missing = world.sandbox.people().ids().into_iter();
    let mut missing = missing.filter(|id| {
        belongs(&world, *id, false) && accounts.by_external_id(&id.to_string()).is_none()
    });
    world
        .sandbox
        .people()
        .set(missing.next().unwrap(), "position", "Trainer");
    let again = run(&world, &[]);
    assert_eq!(again["counts"]["created"], 1, "{again:#}");
    assert_in_step(&world, false);
    assert_right(&world, EDYOUCATED, &["department"]);
}

#[test]
fn a_member_whom_edyoucated_refuses_fails_alone() {
    let world = start(Sandbox::builder().people(40).seed(3));
    run(&world, &["--setting", "teams_from=[]"]);
    assert!(world.sandbox.groups(EDYOUCATED).is_empty());
    // Behind our back: the account is gone, and nothing in Personio says so.
    let id = of_two_departments(&world).0;
    assert!(
        world
            .sandbox
            .accounts_of(EDYOUCATED)
            .remove(&account(&world, id).id)
    );
    let (run, code) = world.run_flow(FLOW, &["--setting", "teams_from=null"]);
    assert_eq!((code, &run["status"]), (6, &json!("partial")), "{run:#}");
    assert_eq!(run["counts"]["failed"], 1, "{run:#}");
    assert_right(&world, EDYOUCATED, &["department"]);
    let placed = world.sandbox.accounts_of(EDYOUCATED).list().into_iter();
    let placed =
        placed.filter(|a| a.active && !world.sandbox.groups(EDYOUCATED).names_of(&a.id).is_empty());
    assert!(placed.count() > 20);
}

#[test]
fn edyoucated_is_waited_for() {
    let world = start(Sandbox::builder().people(30).seed(3));
    for (path, nth) in [("/Users", 5), ("/Groups", 3)] {
        let fault = Fault::new(FaultKind::TooManyRequests(Some(1))).system(EDYOUCATED);
        world.sandbox.faults().add(fault.path(path).nth(nth));
    }
    run(&world, &[]);
    assert_eq!(world.sandbox.journal().stats().limited, 2);
    assert_in_step(&world, false);
    assert_right(&world, EDYOUCATED, &["department"]);
    assert_eq!(world.counts_of(FLOW, &[])["updated"], 0);
}

#[test]
fn external_people_come_and_go_with_the_setting() {
    let world = start(Sandbox::builder().people(90).seed(11));
    let inside = {
        run(&world, &[]);
        assert_in_step(&world, false)
    };
    run(&world, &["--full", "--setting", "external_people=true"]);
    let all = assert_in_step(&world, true);
    assert!(all > inside, "{all} {inside}");
    assert_right(&world, EDYOUCATED, &["department"]);

    run(&world, &["--full", "--setting", "external_people=false"]);
    for account in world.sandbox.accounts_of(EDYOUCATED).list() {
        let id: u64 = account.external_id.as_deref().unwrap().parse().unwrap();
        let inside = belongs(&world, id, false) && works(&world, id);
        assert_eq!(account.active, inside, "{id}");
    }
    assert_right(&world, EDYOUCATED, &["department"]);
}

#[test]
fn teams_that_are_chosen_no_more_lose_those_whom_we_put_into_them() {
    let world = start(Sandbox::builder().people(50).seed(11));
    let groups = world.sandbox.groups(EDYOUCATED);
    let kinds = [
        "department",
        "team",
        "office",
        "supervisor",
        "employment_type",
    ];
    let all = format!("teams_from={}", json!(kinds));
    run(&world, &["--setting", &all]);
    assert_right(&world, EDYOUCATED, &kinds);
    let count = groups.len();
    assert!(count > 10, "{count}");

    // Somebody at edyoucated has put a person of another office into a team of ours, and has a team of their own.
    let office = groups
        .list()
        .into_iter()
        .find(|g| g.name.starts_with("Office "))
        .unwrap();
    let accounts = world.sandbox.accounts_of(EDYOUCATED).list();
    let guest = accounts
        .iter()
        .find(|a| a.active && !office.members.contains(&a.id))
        .unwrap();
    groups.add_member(&office.id, &guest.id).unwrap();
    let theirs = groups.insert(json!({"displayName": "Book club"})).unwrap();
    groups.add_member(&theirs.id, &guest.id).unwrap();

    world.sandbox.journal().clear();
    run(
        &world,
        &[
            "--full",
            "--setting",
            r#"teams_from=["department","team","supervisor"]"#,
        ],
    );
    assert_eq!(groups.len(), count + 1, "an empty team stays");
    assert_eq!(groups.get(&office.id).unwrap().members, [guest.id.as_str()]);
    assert_eq!(groups.get(&theirs.id).unwrap().members, [guest.id.as_str()]);
    assert!(groups.remove(&theirs.id) && groups.remove(&office.id));
    assert_right(&world, EDYOUCATED, &["department", "team", "supervisor"]);
    let only_groups = writes(&world)
        .iter()
        .all(|e| e.effect == Some(Effect::Grouped));
    assert!(only_groups, "{:#?}", writes(&world));

    world.sandbox.journal().clear();
    run(&world, &["--full", "--setting", "teams_from=[]"]);
    assert_right(&world, EDYOUCATED, &[]);
    run(&world, &["--full", "--setting", "teams_from=[]"]);
    let removals = writes(&world).len();
    assert!(removals <= count, "each team at most once: {removals}");
}

#[test]
fn settings_say_what_is_carried() {
    let world = start(Sandbox::builder().people(20).seed(3));
    let settings = [
        "--setting",
        "job_title=false",
        "--setting",
        "language=en",
        "--setting",
        "team_names=de",
    ];
    run(&world, &settings);
    for account in world.sandbox.accounts_of(EDYOUCATED).list() {
        assert_eq!(account.resource.get("title"), None);
        assert_eq!(account.text("/preferredLanguage"), Some("en"));
    }
    let groups = world.sandbox.groups(EDYOUCATED).list();
    assert!(!groups.is_empty());
    assert!(
        groups
            .iter()
            .all(|group| group.name.starts_with("Abteilung "))
    );
}
