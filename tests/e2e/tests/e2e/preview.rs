//! `plan` says what `run` does, and writes nothing anywhere.

use serde_json::Value;

use crate::world::World;

#[test]
fn a_plan_writes_nothing_and_the_run_keeps_to_it() {
    let world = World::people(80);
    let said = world.matricula(&["plan", "sync-employees", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let plan: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(plan["counts"]["created"], 80, "{plan:#}");
    assert_eq!(world.writes(), 0);
    let (run, _) = world.run(&[]);
    assert_eq!(run["counts"], plan["counts"]);

    let id = world.sandbox.people().ids()[0];
    let old = world.sandbox.people().text(id, "position");
    world
        .sandbox
        .people()
        .set(id, "position", "Lighthouse Keeper");
    let said = world.matricula(&["plan", "sync-employees"]);
    for text in [old.as_str(), "Lighthouse Keeper"] {
        assert!(said.out.contains(text), "{text} in {}", said.out);
    }
    assert_eq!(world.sandbox.accounts().list().len(), 80);
}
