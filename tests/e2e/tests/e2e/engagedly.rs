//! Employees from Personio to Engagedly.

mod cleared;
mod many;

use jiff::civil::Date;
use matricula_sandbox::{Builder, Fault, FaultKind, Sandbox, System, Unit};
use serde_json::{Value, json};

use crate::served::{Server, wait_for};
use crate::world::World;

const FLOW: &str = "sync-employees-to-engagedly";

fn today() -> Date {
    jiff::Zoned::now().date()
}

/// A dozen people, all of whom work, without Engagedly's limit, which runs of a few seconds would meet.
fn builder() -> Builder {
    Sandbox::builder().people(12).engagedly_limit(None)
}

fn start(builder: Builder) -> World {
    let world = World::start_for(&["personio", "engagedly"], builder);
    let people = world.sandbox.people();
    for id in people.ids() {
        people.rehire(id, "2020-02-01".parse().unwrap());
    }
    world
}

fn user(world: &World, id: u64) -> Value {
    let email = world.sandbox.people().text(id, "email");
    let found = world.sandbox.engagedly().user(&email);
    found.unwrap_or_else(|| panic!("{id} has no user"))
}

/// What something that Personio names is called there.
fn named(world: &World, id: u64, key: &str) -> Value {
    let value = world.sandbox.people().value(id, key).unwrap_or_default();
    value["attributes"]["name"].clone()
}

fn writes(world: &World) -> u64 {
    world.writes_to(System::Engagedly)
}

fn count(world: &World, unit: Unit, name: &str) -> usize {
    let names = world.sandbox.engagedly().names(unit);
    names.iter().filter(|known| *known == name).count()
}

#[test]
fn everybody_has_a_user_with_what_users_point_to_and_the_second_cycle_writes_nothing() {
    let world = start(builder());
    let (first, code) = world.run_flow(FLOW, &[]);
    assert_eq!(
        (code, &first["counts"]["created"]),
        (0, &json!(12)),
        "{first:#}"
    );
    let people = world.sandbox.people();
    assert_eq!(world.sandbox.engagedly().users().len(), 12);
    let mut managed = 0;
    for id in people.ids() {
        let user = user(&world, id);
        assert_eq!(user["first_name"], people.text(id, "first_name"));
        assert_eq!(user["last_name"], people.text(id, "last_name"));
        assert_eq!(user["employee_id"], id.to_string());
        assert_eq!(user["status"], "Active");
        assert_eq!(user["joining_date"], "2020-02-01");
        assert_eq!(
            user["departments"][0]["name"],
            named(&world, id, "department")
        );
        assert_eq!(
            user["business_unit"][0]["name"],
            named(&world, id, "subcompany")
        );
        assert_eq!(user["location"]["name"], named(&world, id, "office"));
        let position = people.text(id, "position");
        assert_eq!(
            user["job_title"]["name"].as_str().unwrap_or_default(),
            position
        );
        let supervisor = people.value(id, "supervisor").unwrap_or_default();
        let supervisor = supervisor["attributes"]["id"]["value"].as_u64();
        if let Some(supervisor) = supervisor {
            managed += 1;
            let manager = people.text(supervisor, "email").to_lowercase();
            assert_eq!(user["primary_reporter"]["email"], manager);
        }
    }
    assert!(managed > 0, "nobody has a supervisor");
    for unit in [
        Unit::Department,
        Unit::Business,
        Unit::Location,
        Unit::JobTitle,
    ] {
        for name in world.sandbox.engagedly().names(unit) {
            assert_eq!(count(&world, unit, &name), 1, "{name}");
        }
    }

    world.sandbox.journal().clear();
    assert_eq!(world.counts_of(FLOW, &[])["unchanged"], 12);
    assert_eq!(writes(&world), 0);
    let (third, _) = world.run_flow(FLOW, &[]);
    assert_eq!(third["cycle"], "incremental");
    assert_eq!(writes(&world), 0);
}

#[test]
fn a_plan_makes_nothing_not_even_a_department() {
    let world = start(builder());
    let people = world.sandbox.people();
    let address = people.text(people.ids()[0], "email");
    present(&world, &json!({"email": address}));
    world.sandbox.journal().clear();
    let said = world.matricula(&["plan", FLOW, "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (&plan["counts"]["created"], &plan["counts"]["updated"]),
        (&json!(11), &json!(1))
    );
    assert_eq!(writes(&world), 0);
    let (run, _) = world.run_flow(FLOW, &[]);
    assert_eq!(run["counts"], plan["counts"]);
}

#[test]
fn a_department_that_is_new_is_made_once_and_one_that_is_there_is_found() {
    let world = start(builder());
    world.sandbox.engagedly().add(Unit::Location, "HEAD office");
    let people = world.sandbox.people();
    let ids = people.ids();
    people.set(ids[0], "office", "Head Office");
    world.run_flow(FLOW, &[]);
    assert_eq!(user(&world, ids[0])["location"]["name"], "HEAD office");
    assert_eq!(count(&world, Unit::Location, "Head Office"), 0);

    world.sandbox.journal().clear();
    for id in &ids[..3] {
        people.set(*id, "department", "Compilers");
    }
    people.set(ids[3], "position", Value::Null);
    people.set_email(ids[4], "new.name@example.com");
    let (run, code) = world.run_flow(FLOW, &[]);
    assert_eq!((code, &run["counts"]["updated"]), (0, &json!(5)), "{run:#}");
    assert_eq!(count(&world, Unit::Department, "Compilers"), 1);
    for id in &ids[..3] {
        assert_eq!(user(&world, *id)["departments"][0]["name"], "Compilers");
    }
    assert_eq!(user(&world, ids[3])["job_title"], Value::Null);
    assert_eq!(user(&world, ids[4])["employee_id"], ids[4].to_string());
    // Five people and a department.
    assert_eq!(writes(&world), 6);
    assert_eq!(world.sandbox.engagedly().users().len(), 12);
}

#[test]
fn who_leaves_is_deactivated_with_the_reason_and_who_comes_back_activated() {
    let world = start(builder());
    let reason = ["--setting", "block_reason=voluntary"];
    world.counts_of(FLOW, &reason);
    let people = world.sandbox.people();
    let id = people.ids()[5];
    people.terminate(id, today());
    world.sandbox.journal().clear();
    let (run, code) = world.run_flow(FLOW, &[]);
    assert_eq!(
        (code, &run["counts"]["deactivated"]),
        (0, &json!(1)),
        "{run:#}"
    );
    let left = user(&world, id);
    assert_eq!(
        (&left["status"], &left["block_reason_code"]),
        (&json!("Blocked"), &json!("voluntary"))
    );
    assert_eq!(writes(&world), 1);

    people.rehire(id, today());
    let (run, code) = world.run_flow(FLOW, &[]);
    assert_eq!(
        (code, &run["counts"]["reactivated"]),
        (0, &json!(1)),
        "{run:#}"
    );
    let back = user(&world, id);
    assert_eq!(
        (&back["status"], &back["id"]),
        (&json!("Active"), &left["id"])
    );
    assert_eq!(back["joining_date"], today().to_string());

    // A reason that can no longer be given ends the run before anything is sent.
    world.sandbox.engagedly().archive_reason("voluntary");
    people.terminate(id, today());
    world.sandbox.journal().clear();
    let (run, _) = world.run_flow(FLOW, &[]);
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("failed"), &json!("choice-gone")),
        "{run:#}"
    );
    assert_eq!(writes(&world), 0);
}

#[test]
fn only_active_people_or_everybody() {
    let world = start(builder());
    let people = world.sandbox.people();
    let ids = people.ids();
    let (onboarding, leave, left) = (ids[0], ids[1], ids[2]);
    people.set_status(onboarding, "onboarding");
    people.set(onboarding, "hire_date", "2099-01-01");
    people.set_status(leave, "leave");
    people.terminate(left, "2024-01-31".parse().unwrap());
    let counts = world.counts_of(FLOW, &[]);
    assert_eq!(
        (&counts["created"], &counts["skipped"]),
        (&json!(10), &json!(2)),
        "{counts:#}"
    );
    assert_eq!(user(&world, leave)["status"], "Active");

    let counts = world.counts_of(FLOW, &["--setting", "people=all"]);
    assert_eq!(counts["created"], 2, "{counts:#}");
    // Somebody's manager may be among the two.
    let others = counts["unchanged"].as_u64().zip(counts["updated"].as_u64());
    assert_eq!(
        others.map(|(same, changed)| same + changed),
        Some(10),
        "{counts:#}"
    );
    for id in [onboarding, left] {
        let user = user(&world, id);
        assert_eq!(
            (&user["status"], &user["block_reason_code"]),
            (&json!("Blocked"), &json!("not_known"))
        );
    }
}

fn present(world: &World, more: &Value) -> String {
    let mut user = json!({"first_name": "By", "last_name": "Hand", "phone_number": "+49 30 1"});
    for (name, value) in more.as_object().unwrap() {
        user[name] = value.clone();
    }
    world.sandbox.engagedly().insert(&user).unwrap()
}

#[test]
fn users_who_are_there_are_recognised_by_address() {
    let world = start(builder());
    let people = world.sandbox.people();
    let ids = people.ids();
    let address = people.text(ids[0], "email").to_uppercase();
    let known = present(&world, &json!({"email": address, "employee_id": "E1"}));
    let (run, code) = world.run_flow(FLOW, &["--setting", "employee_ids=keep"]);
    assert_eq!(code, 0, "{run:#}");
    assert_eq!(
        (&run["counts"]["created"], &run["counts"]["updated"]),
        (&json!(11), &json!(1)),
        "{run:#}"
    );
    let user = user(&world, ids[0]);
    assert_eq!(
        (&user["id"], &user["employee_id"]),
        (&json!(known), &json!("E1"))
    );
    assert_eq!(user["last_name"], people.text(ids[0], "last_name"));
    // What the flow has nothing for stays.
    assert_eq!(user["phone_number"], "+49 30 1");
}

#[test]
fn users_who_are_there_are_recognised_by_employee_id() {
    let world = start(builder());
    let people = world.sandbox.people();
    let ids = people.ids();
    let known = present(
        &world,
        &json!({"email": "old@example.com", "employee_id": ids[0].to_string()}),
    );
    // Somebody else's, with an address that a person has now.
    let taken = people.text(ids[1], "email");
    present(&world, &json!({"email": taken, "employee_id": "E1"}));
    let (run, _) = world.run_flow(FLOW, &["--setting", "identifier=employee_id"]);
    assert_eq!(run["status"], "partial", "{run:#}");
    let counts = &run["counts"];
    assert_eq!(
        (&counts["created"], &counts["updated"], &counts["failed"]),
        (&json!(10), &json!(1), &json!(1))
    );
    assert_eq!(user(&world, ids[0])["id"], known);
    assert_eq!(user(&world, ids[1])["last_name"], "Hand");
}

#[test]
fn one_person_who_is_refused_keeps_no_other() {
    let world = start(builder());
    let people = world.sandbox.people();
    let refused = Fault::new(FaultKind::Status(422))
        .system(System::Engagedly)
        .method("POST");
    world
        .sandbox
        .faults()
        .add(refused.path("/beta/users").nth(4));
    let (run, code) = world.run_flow(FLOW, &[]);
    assert_eq!((code, &run["status"]), (6, &json!("partial")), "{run:#}");
    assert_eq!(
        (&run["counts"]["created"], &run["counts"]["failed"]),
        (&json!(11), &json!(1)),
        "{run:#}"
    );

    let missing = people.ids().into_iter().find(|id| {
        let address = people.text(*id, "email");
        world.sandbox.engagedly().user(&address).is_none()
    });
    people.set(missing.unwrap(), "last_name", "Corrected");
    let (run, code) = world.run_flow(FLOW, &[]);
    assert_eq!((code, &run["counts"]["created"]), (0, &json!(1)), "{run:#}");
    assert_eq!(user(&world, missing.unwrap())["last_name"], "Corrected");
}

#[test]
fn whatever_breaks_nobody_and_nothing_is_made_twice() {
    for kind in [
        FaultKind::TooManyRequests(Some(1)),
        FaultKind::Status(500),
        FaultKind::LostAnswer,
        FaultKind::ResetMidBody,
        FaultKind::HtmlError,
    ] {
        let name = kind.name();
        let world = start(builder());
        let fault = |path: &str, nth: u64| {
            let fault = Fault::new(kind.clone())
                .system(System::Engagedly)
                .method("POST");
            fault.path(path).nth(nth)
        };
        world.sandbox.faults().add(fault("/beta/users", 3));
        world.sandbox.faults().add(fault("/beta/departments", 2));
        let (run, code) = world.run_flow(FLOW, &[]);
        assert_eq!(code, 0, "{name}: {run:#}");
        let engagedly = world.sandbox.engagedly();
        assert_eq!(engagedly.users().len(), 12, "{name}");
        for department in engagedly.names(Unit::Department) {
            assert_eq!(count(&world, Unit::Department, &department), 1, "{name}");
        }
        world.sandbox.journal().clear();
        assert_eq!(world.counts_of(FLOW, &[])["unchanged"], 12, "{name}");
        assert_eq!(writes(&world), 0, "{name}");
    }
}

#[test]
fn an_owner_fills_attributes_of_the_organisation() {
    let world = start(builder());
    let map = r#"$map={"custom_attributes": "{\"cost center\": string(e.id), \"Languages\": [\"english\"]}", "level": "\"L\" + string(e.id)"}"#;
    world.counts_of(FLOW, &["--setting", map]);
    let id = world.sandbox.people().ids()[0];
    let user = user(&world, id);
    let custom = &user["custom_attributes"];
    assert_eq!(custom["custom-attribute-93cbf"]["value"], id.to_string());
    assert_eq!(
        custom["custom-attribute-5d2c8"]["value"],
        json!(["English"])
    );
    assert_eq!(user["level"], format!("L{id}"));
}

#[test]
fn rights_that_are_missing_are_named() {
    let world = start(builder());
    world.sandbox.engagedly().forbid(None, "job_titles");
    let said = world.matricula(&["credential", "test", "engagedly"]);
    assert_eq!(said.code, 5, "{said:?}");
    assert!(said.out.contains("Job titles"), "{said:?}");
    assert!(said.out.contains("Site Administrator"), "{said:?}");
    let (run, _) = world.run_flow(FLOW, &[]);
    assert_eq!(run["error"]["kind"], "permission", "{run:#}");
    assert_eq!(writes(&world), 0);
}

/// When it runs.
fn cadence(world: &World) -> Value {
    let shown = world.matricula(&["automation", "show", FLOW, "--json"]);
    let shown: Value = serde_json::from_str(&shown.out).unwrap_or_else(|_| panic!("{shown:?}"));
    shown["cadence"].clone()
}

#[test]
fn it_runs_twice_a_day_or_once_where_an_owner_wants_that() {
    let at = |expression: &str| json!({"kind": "cron", "expression": expression, "time_zone": "Europe/Berlin"});
    let world = start(builder());
    assert_eq!(world.matricula(&["start", FLOW, "--yes"]).code, 0);
    assert_eq!(cadence(&world), at("0 5,17 * * *"));

    let world = start(builder());
    let once = ["--cron", "0 5 * * *", "--time-zone", "Europe/Berlin"];
    let once = world.matricula(&[&["start", FLOW, "--yes"], &once[..]].concat());
    assert_eq!(once.code, 0, "{once:?}");
    assert_eq!(cadence(&world), at("0 5 * * *"));
    // Kept by a cycle, and by a new setting.
    let (run, code) = world.run_flow(FLOW, &["--setting", "block_reason=voluntary"]);
    assert_eq!(code, 0, "{run:#}");
    assert_eq!(cadence(&world), at("0 5 * * *"));
}

/// What people are told of, in order.
fn told(world: &World) -> Vec<(i64, String)> {
    let store = rusqlite::Connection::open(world.data.path().join("matricula.db")).unwrap();
    let mut notices = store
        .prepare("SELECT kind, reason FROM notice ORDER BY id")
        .unwrap();
    let rows = notices.query_map((), |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn each_success_is_told() {
    const FIRST: i64 = 0;
    const SUCCEEDED: i64 = 8;
    let world = start(builder());
    let report = ["start", FLOW, "--yes", "--report", "ada@example.com"];
    assert_eq!(world.matricula(&report).code, 0);
    let server = Server::start(&world);
    let first = (FIRST, "first".to_owned());
    wait_for(&world, "the first cycle", || {
        told(&world) == [first.clone()]
    });
    for run in 2..=3 {
        assert_eq!(world.matricula(&["automation", "run", FLOW]).code, 0);
        let done = (SUCCEEDED, run.to_string());
        wait_for(&world, "the next one", || {
            told(&world).last() == Some(&done)
        });
    }
    assert_eq!(told(&world).len(), 3);
    assert_eq!(server.terminate(), Some(0));
}
