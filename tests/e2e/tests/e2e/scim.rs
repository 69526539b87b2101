//! Employees from Personio to any SCIM service, with the habits that services have.

mod sign_in;

use matricula_sandbox::{
    Attribute, Builder, Bulk, Extension, Fault, FaultKind, MemberRemoval, PatchAnswer, Sandbox,
    ScimSchemas, System, Tags,
};
use serde_json::{Value, json};

use crate::cycle::{may_come_in, today};
use crate::teams::{assert_right, move_to_department_of, unit};
use crate::world::World;

const FLOW: &str = "sync-employees-to-scim";
const BY: &str = r#"teams_from=["department","supervisor"]"#;
const KINDS: [&str; 2] = ["department", "supervisor"];
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn start(sandbox: Builder) -> World {
    World::start_for(&["personio", "scim"], sandbox)
}

fn run(world: &World, arguments: &[&str]) -> Value {
    let mut all = vec!["--setting", BY];
    all.extend(arguments);
    let (run, code) = world.run_flow(FLOW, &all);
    assert_eq!((code, &run["status"]), (0, &json!("succeeded")), "{run:#}");
    run
}

/// Everybody has an account, those who work there an active one, and is in the right groups.
fn assert_right_at(world: &World) {
    world.assert_in_step();
    for id in world.sandbox.people().ids() {
        assert_eq!(world.account(id).active, may_come_in(world, id), "{id}");
    }
    assert_right(world, System::Scim, &KINDS);
}

fn workers(world: &World) -> Vec<u64> {
    let ids = world.sandbox.people().ids().into_iter();
    ids.filter(|&id| may_come_in(world, id)).collect()
}

#[test]
fn everybody_has_an_account_and_groups_and_the_second_cycle_writes_nothing() {
    let world = start(Sandbox::builder().people(150).seed(5));
    let first = run(&world, &[]);
    assert_eq!(first["counts"]["created"], 150);
    assert_right_at(&world);
    let mut managed = 0;
    for id in world.sandbox.people().ids() {
        let supervisor = world.sandbox.people().value(id, "supervisor").unwrap();
        let supervisor = supervisor["attributes"]["id"]["value"].as_u64();
        let manager = supervisor.map(|id| world.account(id).id);
        let account = world.account(id);
        assert_eq!(account.manager(), manager.as_deref(), "{id}");
        let department = unit(&world, id, "department");
        assert_eq!(
            account.enterprise("department").map(str::trim),
            department.as_deref()
        );
        managed += usize::from(manager.is_some());
    }
    assert!(managed > 140, "{managed}");

    world.sandbox.journal().clear();
    let second = world.counts_of(FLOW, &["--setting", BY]);
    assert_eq!(
        (&second["unchanged"], &second["updated"]),
        (&json!(150), &json!(0))
    );
    assert_eq!(run(&world, &[])["cycle"], "incremental");
    assert_eq!(world.writes(), 0);
}

#[test]
fn changes_leavers_and_rehires_follow_in_the_next_cycle() {
    let world = start(Sandbox::builder().people(60).seed(5));
    run(&world, &[]);
    let people = world.sandbox.people();
    let ids = workers(&world);
    let (mover, leaver) = (ids[0], ids[1]);
    let department = unit(&world, mover, "department");
    let other = ids.iter().find(|&&id| {
        let of_other = unit(&world, id, "department");
        of_other.is_some() && of_other != department
    });
    move_to_department_of(&world, mover, *other.unwrap());
    people.set_email(mover, "new.name@example.com");
    people.set_supervisor(mover, Some(ids[5]));
    people.terminate(leaver, today());
    let changed = run(&world, &[]);
    assert_eq!(
        (
            &changed["counts"]["updated"],
            &changed["counts"]["deactivated"]
        ),
        (&json!(1), &json!(1)),
        "{changed:#}"
    );
    let account = world.account(mover);
    assert_eq!(account.user_name, "new.name@example.com");
    assert_eq!(account.manager(), Some(world.account(ids[5]).id.as_str()));
    assert_right_at(&world);

    people.rehire(leaver, today());
    let back = run(&world, &[]);
    assert_eq!(back["counts"]["reactivated"], 1, "{back:#}");
    assert_right_at(&world);
    assert_eq!(world.sandbox.journal().creates(), 60);
}

#[test]
fn one_refused_person_does_not_hold_up_the_others() {
    let world = start(Sandbox::builder().people(40).seed(5));
    let fault = Fault::new(FaultKind::Status(400)).system(System::Scim);
    world
        .sandbox
        .faults()
        .add(fault.method("POST").path("/Users").nth(9));
    let (first, code) = world.run_flow(FLOW, &["--setting", BY]);
    assert_eq!(
        (code, &first["status"]),
        (6, &json!("partial")),
        "{first:#}"
    );
    assert_eq!(
        (&first["counts"]["created"], &first["counts"]["failed"]),
        (&json!(39), &json!(1))
    );
    assert_right(&world, System::Scim, &KINDS);
    // Who was refused is tried again after a while, and at once when something is new.
    let accounts = world.sandbox.accounts();
    let missing = world.sandbox.people().ids().into_iter();
    let mut missing = missing.filter(|id| accounts.by_external_id(&id.to_string()).is_none());
    let missing = missing.next().unwrap();
    world.sandbox.people().set(missing, "position", "Trainer");
    assert_eq!(run(&world, &[])["counts"]["created"], 1);
    assert_right_at(&world);
}

#[test]
fn requests_are_repeated_when_the_service_says_so_and_never_doubled() {
    let world = start(Sandbox::builder().people(50).seed(5));
    let faults = [
        (FaultKind::TooManyRequests(Some(1)), "POST", "/Users"),
        (FaultKind::TooManyRequests(Some(1)), "PATCH", "/Groups"),
        (FaultKind::LostAnswer, "POST", "/Users"),
        (FaultKind::LostAnswer, "POST", "/Groups"),
        (FaultKind::LostAnswer, "PATCH", "/Groups"),
        (FaultKind::Status(503), "POST", "/Groups"),
    ];
    let set: Vec<u64> = faults
        .into_iter()
        .map(|(kind, method, path)| {
            let fault = Fault::new(kind).system(System::Scim).method(method);
            world.sandbox.faults().add(fault.path(path).times(1))
        })
        .collect();
    run(&world, &[]);
    for fault in set {
        assert_eq!(world.sandbox.faults().fired(fault), 1);
    }
    assert_right_at(&world);
    let groups = world.sandbox.groups(System::Scim).list();
    let mut names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), groups.len(), "no group is there twice");
    assert_eq!(world.sandbox.journal().creates(), 50);
}

/// A first cycle, a change of departments, a leaver: the same result whatever the habits.
fn serves(name: &str, habits: impl FnOnce(Builder) -> Builder) -> World {
    let world = start(habits(Sandbox::builder().people(25).seed(5)));
    run(&world, &[]);
    assert_right_at(&world);
    let ids = workers(&world);
    let people = world.sandbox.people();
    let other = ids.iter().find(|&&id| {
        let of_other = unit(&world, id, "department");
        of_other.is_some() && of_other != unit(&world, ids[0], "department")
    });
    move_to_department_of(&world, ids[0], *other.unwrap());
    people.terminate(ids[1], today());
    let changed = run(&world, &[]);
    assert_eq!(changed["counts"]["deactivated"], 1, "{name}: {changed:#}");
    assert_right_at(&world);
    world.sandbox.journal().clear();
    run(&world, &["--full"]);
    assert_eq!(world.writes(), 0, "{name}");
    world
}

#[test]
fn however_members_are_removed() {
    for removal in [
        MemberRemoval::ByFilter,
        MemberRemoval::ByFilterOrAll,
        MemberRemoval::ByValue,
        MemberRemoval::Never,
    ] {
        serves(&format!("{removal:?}"), |sandbox| {
            sandbox.flavour(System::Scim, |f| f.removal = removal)
        });
    }
}

#[test]
fn whether_there_are_versions_and_answers_to_a_patch() {
    serves("without versions", |sandbox| {
        sandbox.flavour(System::Scim, |f| {
            f.tags = Tags::No;
            f.patch = PatchAnswer::NoContent;
        })
    });
    serves("insisting on versions", |sandbox| {
        sandbox.flavour(System::Scim, |f| f.tags = Tags::Required)
    });
    serves("saying nothing about itself", |sandbox| {
        sandbox.flavour(System::Scim, |f| {
            f.config = false;
            f.schemas = ScimSchemas::NotFound;
            f.extension = None;
        })
    });
    serves("without external ids of groups", |sandbox| {
        sandbox.flavour(System::Scim, |f| f.group_external_id = false)
    });
}

#[test]
fn several_accounts_at_once_where_that_is_offered() {
    let bulk = Bulk {
        operations: 7,
        bytes: 20_000,
    };
    serves("bulk", |sandbox| {
        sandbox.flavour(System::Scim, |f| f.bulk = Some(bulk))
    });
    let builder = Sandbox::builder().people(40).seed(5);
    let world = start(builder.flavour(System::Scim, |f| f.bulk = Some(bulk)));
    run(&world, &[]);
    let entries = world.sandbox.journal().entries();
    let bulks: Vec<_> = entries
        .iter()
        .filter(|e| e.target.ends_with("/Bulk"))
        .collect();
    assert!(bulks.len() >= 6, "{}", bulks.len());
    assert!(
        bulks
            .iter()
            .all(|e| e.status == Some(200) && e.bulk.len() <= 7)
    );
    assert_eq!(world.sandbox.journal().creates(), 40);

    // A bulk request whose answer is lost has happened; nobody is made twice.
    let builder = Sandbox::builder().people(40).seed(5);
    let world = start(builder.flavour(System::Scim, |f| f.bulk = Some(bulk)));
    for kind in [
        FaultKind::LostAnswer,
        FaultKind::Status(413),
        FaultKind::Status(501),
    ] {
        let fault = Fault::new(kind).system(System::Scim).path("/Bulk");
        world.sandbox.faults().add(fault.times(1));
    }
    run(&world, &[]);
    assert_right_at(&world);
    assert_eq!(world.sandbox.journal().creates(), 40);
}

#[test]
fn a_service_without_groups_is_said_once_and_people_come_all_the_same() {
    let builder = Sandbox::builder().people(20).seed(5);
    let world = start(builder.flavour(System::Scim, |f| f.groups = false));
    let first = run(&world, &[]);
    world.assert_in_step();
    let notes = first["notes"].as_array().unwrap();
    let about: Vec<&Value> = notes
        .iter()
        .filter(|n| n.to_string().contains("group"))
        .collect();
    assert_eq!(about.len(), 1, "{first:#}");
}

#[test]
fn what_a_service_calls_its_attributes_is_learned() {
    const STAFF: Extension = Extension {
        urn: "urn:ietf:params:scim:schemas:extension:acme:2.0:User",
        name: "Staff",
        attributes: &[
            Attribute::text("gender", "Gender"),
            Attribute::day("hireDate", "First day, YYYY-MM-DD"),
        ],
    };
    let builder = Sandbox::builder().people(20).seed(5);
    let world = start(builder.flavour(System::Scim, |f| f.extension = Some(STAFF)));
    run(&world, &[]);
    let mut genders = 0;
    for id in world.sandbox.people().ids() {
        let account = world.account(id).resource;
        let people = world.sandbox.people();
        let hired = people.text(id, "hire_date");
        let known = &account[STAFF.urn];
        assert_eq!(known["hireDate"].as_str(), hired.get(..10), "{id}");
        genders += usize::from(known["gender"].is_string());
        assert!(account[ENTERPRISE].is_object());
    }
    assert!(genders > 10, "{genders}");
}
