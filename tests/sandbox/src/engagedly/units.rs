//! `/beta/departments`, `/beta/businesses`, `/beta/locations`, `/beta/job_titles`.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::organisation::{Entry, Organisation, Unit};
use super::{Outcome, Problem, Refusal, data, page, paged};
use crate::answer::Answer;
use crate::request::Call;

pub(super) fn list(organisation: &Organisation, unit: Unit, call: &Call) -> Outcome {
    let (number, size) = page(call)?;
    let entries = organisation.entries(unit);
    let shown: Vec<Value> = entries
        .iter()
        .skip((number - 1) * size)
        .take(size)
        .map(|entry| shown(organisation, unit, entry, false))
        .collect();
    Ok(paged(&shown, entries.len(), number, size))
}

pub(super) fn get(organisation: &Organisation, unit: Unit, id: &str) -> Outcome {
    let mut entries = organisation.entries(unit).iter();
    let entry = entries
        .find(|entry| entry.id == id)
        .ok_or_else(Refusal::not_found)?;
    let shown = shown(organisation, unit, entry, true);
    Ok(data(StatusCode::OK, &shown))
}

pub(super) fn post(organisation: &mut Organisation, unit: Unit, body: &Value) -> Outcome {
    let (name, members, more) = check(organisation, unit, body, None)?;
    let id = organisation.add(unit, &name);
    set(organisation, unit, &id, &name, members, more);
    let answer = get(organisation, unit, &id)?;
    Ok(Answer {
        status: StatusCode::CREATED,
        ..answer
    })
}

pub(super) fn put(organisation: &mut Organisation, unit: Unit, id: &str, body: &Value) -> Outcome {
    get(organisation, unit, id)?;
    let (name, members, more) = check(organisation, unit, body, Some(id))?;
    set(organisation, unit, id, &name, members, more);
    get(organisation, unit, id)
}

pub(super) fn delete(organisation: &mut Organisation, unit: Unit, id: &str) -> Outcome {
    get(organisation, unit, id)?;
    organisation
        .entries_mut(unit)
        .retain(|entry| entry.id != id);
    for user in &mut organisation.users {
        user.departments.retain(|held| held != id);
        user.businesses.retain(|held| held != id);
    }
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

type Checked = (String, Option<Vec<String>>, Map<String, Value>);

fn check(
    organisation: &Organisation,
    unit: Unit,
    body: &Value,
    own: Option<&str>,
) -> Result<Checked, Refusal> {
    let invalid = |problem| Err(Refusal::Invalid(vec![problem]));
    let name = body["name"].as_str().unwrap_or_default().trim();
    if name.is_empty() {
        return invalid(Problem::missing("name"));
    }
    if organisation.is_taken(unit, name, own) {
        return invalid(Problem::duplicate("name"));
    }
    let mut members = None;
    let mut more = Map::new();
    for (key, value) in body.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("name", _) => {}
            ("members", Value::Array(ids)) if unit.has_members() => {
                let ids: Vec<String> = ids
                    .iter()
                    .filter_map(|id| id.as_str().map(str::to_owned))
                    .collect();
                if !ids.iter().all(|id| organisation.find(id).is_some()) {
                    return invalid(Problem::wrong("members", "does not exist"));
                }
                members = Some(ids);
            }
            (key, Value::String(_)) if fields(unit).contains(&key) => {
                more.insert(key.to_owned(), value.clone());
            }
            (key, _) => return invalid(Problem::wrong(key, "is unknown")),
        }
    }
    Ok((name.to_owned(), members, more))
}

fn fields(unit: Unit) -> &'static [&'static str] {
    match unit {
        Unit::Department | Unit::Business => &[],
        Unit::Location => &[
            "address_line1",
            "address_line2",
            "city",
            "state",
            "country",
            "postal_code",
        ],
        Unit::JobTitle => &["description", "responsibilities"],
    }
}

fn set(
    organisation: &mut Organisation,
    unit: Unit,
    id: &str,
    name: &str,
    members: Option<Vec<String>>,
    more: Map<String, Value>,
) {
    let mut entries = organisation.entries_mut(unit).iter_mut();
    if let Some(entry) = entries.find(|entry| entry.id == id) {
        name.clone_into(&mut entry.name);
        entry.more.extend(more);
    }
    let Some(members) = members else { return };
    for user in &mut organisation.users {
        let held = match unit {
            Unit::Department => &mut user.departments,
            _ => &mut user.businesses,
        };
        held.retain(|held| held != id);
        if members.contains(&user.id) {
            held.push(id.to_owned());
        }
    }
}

fn shown(organisation: &Organisation, unit: Unit, entry: &Entry, alone: bool) -> Value {
    let id = &entry.id;
    if !unit.has_members() {
        let mut shown = json!({"id": id.parse::<u64>().ok(), "name": entry.name});
        for field in fields(unit) {
            shown[*field] = entry.more.get(*field).cloned().unwrap_or_default();
        }
        return shown;
    }
    let is_member = |held: &Vec<String>| held.iter().any(|held| held == id);
    let members: Vec<Value> = organisation
        .users
        .iter()
        .filter(|user| match unit {
            Unit::Department => is_member(&user.departments),
            _ => is_member(&user.businesses),
        })
        .map(|user| {
            json!({"id": user.id, "name": format!("{} {}", user.text("first_name"), user.text("last_name")),
                "email": user.text("email"), "first_name": user.text("first_name"), "middle_name": null,
                "last_name": user.text("last_name"), "display_picture": null, "is_admin": false})
        })
        .collect();
    let mut shown = json!({"id": id, "name": entry.name, "members_count": members.len(), "administrators_count": 0});
    if alone {
        shown["members"] = json!(members);
    }
    shown
}
