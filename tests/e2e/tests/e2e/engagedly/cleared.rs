//! What is no longer so in Personio, and what of it Engagedly's API can follow.

use matricula_sandbox::Unit;
use serde_json::{Value, json};

use super::{FLOW, builder, count, start, user, writes};
use crate::world::World;

/// What the last run says of the only person it says anything of.
fn only_outcome(world: &World, run: &Value) -> Value {
    let said = world.matricula(&["run", "show", &run["run"].to_string(), "--json"]);
    let shown: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let outcomes = shown["outcomes"].as_array().unwrap();
    assert_eq!(outcomes.len(), 1, "{shown:#}");
    outcomes[0].clone()
}

#[test]
fn what_is_emptied_is_cleared_and_of_a_date_it_is_said_that_it_cannot_be() {
    let world = start(builder());
    world.counts_of(FLOW, &[]);
    let people = world.sandbox.people();
    let supervised = |id: &u64| !user(&world, *id)["primary_reporter"].is_null();
    let id = people.ids().into_iter().find(supervised).unwrap();
    for key in [
        "position",
        "department",
        "office",
        "subcompany",
        "supervisor",
        "hire_date",
    ] {
        people.set(id, key, Value::Null);
    }
    world.sandbox.journal().clear();
    let (run, code) = world.run_flow(FLOW, &[]);
    assert_eq!((code, &run["counts"]["failed"]), (6, &json!(1)), "{run:#}");
    let outcome = only_outcome(&world, &run);
    assert_eq!(
        (&outcome["key"], &outcome["code"]),
        (&json!(id.to_string()), &json!("not-clearable"))
    );
    let reason = outcome["reason"].as_str().unwrap();
    assert!(reason.contains("joining_date"), "{reason}");
    // All but the date is as it is in Personio, by one request that nobody refused.
    let cleared = user(&world, id);
    for name in ["job_title", "location", "primary_reporter"] {
        assert_eq!(cleared[name], Value::Null, "{name}");
    }
    for name in ["departments", "business_unit"] {
        assert_eq!(cleared[name], json!([]), "{name}");
    }
    assert_eq!(cleared["joining_date"], "2020-02-01");
    let journal = world.sandbox.journal();
    assert_eq!(writes(&world), 1);
    assert_eq!(journal.count(|entry| entry.status == Some(422)), 0);

    // The person is not tried again with each cycle, and is still said to be left.
    journal.clear();
    let (run, _) = world.run_flow(FLOW, &["--full"]);
    assert_eq!(run["counts"]["failed"], 1, "{run:#}");
    let own = cleared["id"].as_str().unwrap().to_owned();
    assert_eq!(journal.count(|entry| entry.target.contains(&own)), 0);

    // Another date can be written, and then all is well.
    people.set(id, "hire_date", "2021-03-01");
    let counts = world.counts_of(FLOW, &[]);
    assert_eq!(counts["failed"], 0, "{counts:#}");
    assert_eq!(user(&world, id)["joining_date"], "2021-03-01");
}

/// Engagedly has no identifier of Personio's for a department, and a person comes with the name: a rename looks as
/// if all had moved.
#[test]
fn a_department_that_is_renamed_is_a_new_one_unless_it_is_renamed_there_too() {
    let world = start(builder());
    let people = world.sandbox.people();
    let ids = people.ids();
    let in_department = |id: u64, name: &str| {
        let value = json!({"type": "Department", "attributes": {"id": 990_017, "name": name}});
        people.set(id, "department", value)
    };
    for id in &ids {
        in_department(*id, "Tools");
    }
    world.counts_of(FLOW, &[]);
    for id in &ids {
        in_department(*id, "Tools and Parts");
    }
    let counts = world.counts_of(FLOW, &[]);
    assert_eq!(counts["updated"], ids.len(), "{counts:#}");
    for name in ["Tools", "Tools and Parts"] {
        assert_eq!(count(&world, Unit::Department, name), 1, "{name}");
    }
    for id in &ids {
        let departments = user(&world, *id)["departments"].clone();
        assert_eq!(departments.as_array().unwrap().len(), 1);
        assert_eq!(departments[0]["name"], "Tools and Parts");
    }

    // What the flow's text advises: renamed in Engagedly first, it is found by its new name.
    let engagedly = world.sandbox.engagedly();
    assert!(engagedly.rename(Unit::Department, "Tools and Parts", "Workshop"));
    for id in &ids {
        in_department(*id, "Workshop");
    }
    world.sandbox.journal().clear();
    let (run, code) = world.run_flow(FLOW, &["--full"]);
    assert_eq!(code, 0, "{run:#}");
    assert_eq!(count(&world, Unit::Department, "Workshop"), 1);
    assert_eq!(count(&world, Unit::Department, "Tools and Parts"), 0);
    assert_eq!(writes(&world), 0);
}
