//! Components that are refused, and components that misbehave in a run.

use crate::world::{World, connectors};

#[test]
fn what_is_no_connector_is_refused_with_the_reason() {
    let folder = tempfile::TempDir::new().unwrap();
    for name in ["personio.wasm", "reteach.wasm"] {
        std::fs::copy(connectors().join(name), folder.path().join(name)).unwrap();
    }
    let world = World::people(3).with_connectors(folder.path());
    std::fs::write(folder.path().join("personio.wasm"), b"not wasm at all").unwrap();
    let said = world.matricula(&["run", "sync-employees"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains("personio.wasm"), "{said:?}");

    // A module without a component around it.
    std::fs::write(folder.path().join("personio.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let said = world.matricula(&["connector", "inspect", "personio"]);
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.err.contains("component"), "{said:?}");
}

const INTO_FIXTURES: &str = "
flow: sync-employees
version: 1.0.0
title: { en: Into a component that misbehaves }
source: { connector: personio, stream: employees, as: e }
target: { connector: fixtures, operation: upsert }
schedule: { every: 5m }
match:
  - email: lower(trim(e.email))
map:
  email: coalesce(lower(trim(e.email)), '')
  do: coalesce(e.position, '')
";

#[test]
fn a_component_that_panics_fails_one_person_with_the_reason_and_the_next_run_works() {
    let flows = tempfile::TempDir::new().unwrap();
    std::fs::write(flows.path().join("sync-employees.flow.yaml"), INTO_FIXTURES).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    for (from, to) in [
        ("personio.wasm", "personio.wasm"),
        ("reteach.wasm", "reteach.wasm"),
        ("fixtures/fixtures.wasm", "fixtures.wasm"),
    ] {
        std::fs::copy(connectors().join(from), folder.path().join(to)).unwrap();
    }
    let world = World::people(20)
        .with_connectors(folder.path())
        .with_flows(flows.path());
    let added = world.matricula(&["credential", "add", "fixtures", "--name", "fixtures"]);
    assert_eq!(added.code, 0, "{added:?}");
    // The fixture does what the first change of a batch says: its neighbours are tried again alone.
    let id = world.sandbox.people().ids()[0];
    world.sandbox.people().set(id, "position", "panic");

    let (run, code) = world.run(&[]);
    assert_eq!(
        (code, run["status"].as_str()),
        (6, Some("partial")),
        "{run:#}"
    );
    // The fixture finds an account for everybody.
    assert_eq!(run["counts"]["updated"], 19, "{run:#}");
    assert_eq!(run["counts"]["failed"], 1);
    let shown = world.matricula(&["run", "show", &run["run"].to_string(), "--json"]);
    assert!(shown.out.contains("component.panicked"), "{shown:?}");

    world.sandbox.people().set(id, "position", "Engineer");
    let (run, code) = world.run(&["--full"]);
    assert_eq!(
        (code, &run["counts"]["updated"]),
        (0, &serde_json::json!(1)),
        "{run:#}"
    );
}
