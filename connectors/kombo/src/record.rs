//! An employee of Kombo's as a record.
//!
//! Enumerations are open: what Kombo could not map to its own values comes as the HR system wrote it, and goes
//! on so. Days are written as moments; what they mean is told by [`time::day`]. Somebody may be in several
//! groups of a kind, and the order in which they come means nothing: the first by name is taken, so that it is
//! the same one each time. For who belongs to one of several departments, all of their names are told as well.

use matricula_sdk::{Item, json, time};
use serde_json::{Map, Value, json as object};

/// The record of an employee, with these attributes; none if it has no identity. `stale` says that null may only
/// mean that Kombo has not read it yet: then it is left out.
pub(crate) fn item<'a>(
    employee: &Value,
    attributes: impl Iterator<Item = &'a str>,
    stale: bool,
) -> Option<Item> {
    let key = employee.get("id").and_then(json::id)?;
    let deleted = employee
        .get("remote_deleted_at")
        .is_some_and(|at| !at.is_null());
    let mut data = Map::new();
    // Of who is gone Kombo forgets what it knew.
    if !deleted {
        for name in attributes {
            if let Some(value) = value(employee, name).filter(|value| !(stale && is_empty(value))) {
                data.insert(name.to_owned(), value);
            }
        }
    }
    Some(Item {
        key,
        deleted,
        data: Value::Object(data).to_string(),
    })
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// The value of an attribute; none if it did not come.
fn value(employee: &Value, name: &str) -> Option<Value> {
    let group = |kind: &str| employee.get("groups").map(|groups| first(groups, kind));
    match name {
        "department" => group("DEPARTMENT"),
        "departments" => employee
            .get("groups")
            .map(|groups| names(groups, "DEPARTMENT")),
        "team" => group("TEAM"),
        "cost_center" => group("COST_CENTER"),
        "legal_entity" | "work_location" => employee.get(name).map(|thing| match thing {
            Value::Object(_) => object!({ "id": thing["id"], "name": thing["name"] }),
            _ => Value::Null,
        }),
        "date_of_birth" | "start_date" | "termination_date" => employee.get(name).map(day),
        other => employee.get(other).cloned(),
    }
}

/// The group of a kind, as its identity and name.
fn first(groups: &Value, kind: &str) -> Value {
    let groups = groups.as_array().map(Vec::as_slice).unwrap_or_default();
    let named = |group: &&Value| {
        let text = |name: &str| group[name].as_str().unwrap_or_default().to_owned();
        (text("name"), text("id"))
    };
    let of_kind = groups.iter().filter(|group| group["type"] == kind);
    match of_kind.min_by_key(named) {
        Some(group) => object!({ "id": group["id"], "name": group["name"] }),
        None => Value::Null,
    }
}

/// The names of all groups of a kind, in order.
fn names(groups: &Value, kind: &str) -> Value {
    let groups = groups.as_array().map(Vec::as_slice).unwrap_or_default();
    let of_kind = groups.iter().filter(|group| group["type"] == kind);
    let mut names: Vec<&str> = of_kind.filter_map(|group| group["name"].as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.into()
}

/// What is no moment goes on as it came, so that the host's check of the record names it.
fn day(moment: &Value) -> Value {
    match moment.as_str().and_then(time::day) {
        Some(day) => Value::from(day),
        None => moment.clone(),
    }
}
