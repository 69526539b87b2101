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
