//! Which groups somebody is to be in, by what the source has of them.

use matricula_sandbox::System;
use serde_json::Value;

use crate::world::World;

/// The name of a department, team or office of somebody; `None` if there is none.
pub fn unit(world: &World, id: u64, key: &str) -> Option<String> {
    let unit = world.sandbox.people().value(id, key)?;
    let name = unit["attributes"]["name"].as_str()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// First and last name of somebody's supervisor.
pub fn supervisor(world: &World, id: u64) -> Option<String> {
    let supervisor = world.sandbox.people().value(id, "supervisor")?;
    let part = |key: &str| supervisor["attributes"][key]["value"].as_str();
    Some(format!(
        "{} {}",
        part("first_name")?.trim(),
        part("last_name")?.trim()
    ))
}

/// The English names of the groups that somebody is to be in, sorted.
pub fn wanted(world: &World, id: u64, kinds: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = kinds
        .iter()
        .filter_map(|&kind| match kind {
            "department" => Some(format!("Department {}", unit(world, id, kind)?)),
            "team" => Some(format!("Team {}", unit(world, id, kind)?)),
            "office" => Some(format!("Office {}", unit(world, id, kind)?)),
            "supervisor" => Some(format!("{}'s team", supervisor(world, id)?)),
            "employment_type" => {
                let kind = world.sandbox.people().text(id, kind);
                (!kind.is_empty()).then(|| format!("Employment type {kind}"))
            }
            other => panic!("there are no groups by {other}"),
        })
        .collect();
    names.sort();
    names
}

/// Everybody with an account that may be used is in exactly the right groups, and nobody else is in any.
pub fn assert_right(world: &World, system: System, kinds: &[&str]) {
    let groups = world.sandbox.groups(system);
    for account in world.sandbox.accounts_of(system).list() {
        let key = account.external_id.as_deref().unwrap();
        // Some flows say whose numbers these are.
        let id: u64 = key.trim_start_matches("personio:").parse().unwrap();
        let wanted = if account.active {
            wanted(world, id, kinds)
        } else {
            Vec::new()
        };
        assert_eq!(groups.names_of(&account.id), wanted, "groups of {id}");
    }
}

/// Puts somebody into the department that another person is in.
pub fn move_to_department_of(world: &World, id: u64, other: u64) {
    let people = world.sandbox.people();
    let department = people.value(other, "department").unwrap();
    assert_ne!(department, people.value(id, "department").unwrap());
    assert_ne!(department, Value::Null);
    assert!(people.set(id, "department", department));
}
