//! PATCH by RFC 7644 §3.5.2, with the forms that Entra ID sends: operations in capitals, keys that
//! are paths in an operation without path, booleans as words, a manager as a bare id.

use serde_json::{Map, Value};

use super::check::{Refusal, complete, members, one_primary, value_of};
use super::flavour::MemberRemoval;
use super::path::{Path, Target, same};
use super::schema::{self, Spec, Type};
use super::vocabulary::{Kind, Vocabulary};

const MESSAGE: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Replace,
    Remove,
}

/// Applies a PATCH body to a user or a group, which is as before unless the whole succeeds.
pub(super) fn apply(
    user: &mut Map<String, Value>,
    body: &Value,
    own: Vocabulary,
) -> Result<(), Refusal> {
    let names_message = member(body, "schemas")
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(|s| s.as_str() == Some(MESSAGE)));
    if !names_message {
        return Err(Refusal::bad(
            "invalidSyntax",
            format!("`schemas` does not name {MESSAGE}."),
        ));
    }
    let operations = member(body, "Operations")
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty())
        .ok_or_else(|| {
            Refusal::bad("invalidSyntax", "`Operations` is not a list of operations.")
        })?;
    let mut changed = user.clone();
    for operation in operations {
        one(&mut changed, operation, own)?;
    }
    changed.retain(|_, value| !hollow(value));
    complete(&changed, own)?;
    *user = changed;
    Ok(())
}

fn hollow(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// A member of an object by its name without case.
fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object
        .as_object()?
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, v)| v)
}

fn one(user: &mut Map<String, Value>, operation: &Value, own: Vocabulary) -> Result<(), Refusal> {
    let word = member(operation, "op")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let op = match word.to_ascii_lowercase().as_str() {
        "add" => Op::Add,
        "replace" => Op::Replace,
        "remove" => Op::Remove,
        _ => {
            return Err(Refusal::bad(
                "invalidSyntax",
                format!("Unknown operation `{word}`."),
            ));
        }
    };
    let value = member(operation, "value").unwrap_or(&Value::Null);
    match member(operation, "path") {
        Some(Value::String(path)) => at(user, op, &Path::parse(path, own)?, value, own),
        None | Some(Value::Null) if op == Op::Remove => {
            Err(Refusal::bad("noTarget", "`remove` needs a path."))
        }
        None | Some(Value::Null) => {
            let Some(object) = value.as_object() else {
                return Err(Refusal::bad(
                    "invalidValue",
                    "Without a path, the value is an object.",
                ));
            };
            for (path, value) in object {
                if path.eq_ignore_ascii_case("schemas") {
                    continue;
                }
                at(user, op, &Path::parse(path, own)?, value, own)?;
            }
            Ok(())
        }
        Some(_) => Err(Refusal::bad("invalidPath", "The path is not a string.")),
    }
}

fn at(
    user: &mut Map<String, Value>,
    op: Op,
    path: &Path,
    value: &Value,
    own: Vocabulary,
) -> Result<(), Refusal> {
    if path.read_only() {
        return Err(Refusal::bad("mutability", "The attribute is read-only."));
    }
    if own.kind == Kind::Group && op == Op::Remove && remove_members(user, path, value, own)? {
        return Ok(());
    }
    let container = match path.urn {
        None => user,
        Some(urn) => {
            let slot = user.entry(urn).or_insert_with(|| Value::Object(Map::new()));
            match slot.as_object_mut() {
                Some(container) => container,
                None => {
                    return Err(Refusal::bad(
                        "invalidValue",
                        "The extension is not an object.",
                    ));
                }
            }
        }
    };
    match &path.target {
        Target::Extension(specs) => whole_extension(container, op, specs, value),
        Target::Attribute {
            spec,
            only: None,
            sub: None,
        } => attribute(container, op, spec, value),
        Target::Attribute {
            spec,
            only: None,
            sub: Some(sub),
        } if !spec.multi => sub_attribute(container, op, spec, sub, value),
        Target::Attribute { spec, only, sub } => {
            elements(container, op, spec, only.as_ref(), *sub, value)
        }
    }
}

/// Takes members out as the service allows it; false if the operation is one of the standard's own forms,
/// or is not about members.
///
/// The standard has a filter in the path. Entra ID sends the members as the operation's value, which the
/// standard does not provide for: read by the letter, `remove` of `members` removes them all.
fn remove_members(
    group: &mut Map<String, Value>,
    path: &Path,
    value: &Value,
    own: Vocabulary,
) -> Result<bool, Refusal> {
    let Target::Attribute { spec, only, sub } = &path.target else {
        return Ok(false);
    };
    if spec.name != "members" {
        return Ok(false);
    }
    let refused = |kind, detail: &str| Err(Refusal::bad(kind, detail));
    let by_value = only.is_none() && sub.is_none() && !value.is_null();
    match own.removal {
        MemberRemoval::Never => return refused("mutability", "Members are replaced, not removed."),
        MemberRemoval::ByValue if only.is_some() => {
            return refused("invalidPath", "Members are not selected by a filter.");
        }
        MemberRemoval::ByFilter if by_value => {
            return refused("invalidValue", "`remove` takes no value.");
        }
        _ if !by_value => return Ok(false),
        MemberRemoval::ByFilterOrAll => return Ok(false),
        MemberRemoval::ByFilter | MemberRemoval::ByValue | MemberRemoval::Any => {}
    }
    let Some(Value::Array(gone)) = value_of(spec, value)? else {
        return Ok(true);
    };
    if let Some(Value::Array(members)) = group.get_mut("members") {
        members.retain(|member| gone.iter().all(|g| g.get("value") != member.get("value")));
    }
    Ok(true)
}

fn whole_extension(
    container: &mut Map<String, Value>,
    op: Op,
    specs: &'static [Spec],
    value: &Value,
) -> Result<(), Refusal> {
    if op == Op::Remove {
        container.clear();
        return Ok(());
    }
    let Some(object) = value.as_object() else {
        return Err(Refusal::bad("invalidValue", "An extension is an object."));
    };
    for (key, value) in object {
        let spec = schema::find(specs, key)
            .ok_or_else(|| Refusal::bad("invalidPath", format!("Unknown attribute {key}.")))?;
        attribute(container, op, spec, value)?;
    }
    Ok(())
}

fn attribute(
    container: &mut Map<String, Value>,
    op: Op,
    spec: &'static Spec,
    value: &Value,
) -> Result<(), Refusal> {
    let new = if op == Op::Remove {
        None
    } else {
        value_of(spec, value)?
    };
    let Some(new) = new else {
        container.remove(spec.name);
        return Ok(());
    };
    match (container.get_mut(spec.name), new) {
        (Some(Value::Array(old)), Value::Array(more)) if op == Op::Add => {
            for element in more {
                if !old.contains(&element) {
                    old.push(element);
                }
            }
            one_primary(old);
        }
        // Sub-attributes that are not named stay, except that another manager is another person.
        (Some(Value::Object(old)), Value::Object(more)) if spec.name != "manager" => {
            old.extend(more);
        }
        (_, new) => {
            container.insert(spec.name.to_owned(), new);
        }
    }
    Ok(())
}

fn sub_attribute(
    container: &mut Map<String, Value>,
    op: Op,
    spec: &'static Spec,
    sub: &'static Spec,
    value: &Value,
) -> Result<(), Refusal> {
    let mut object = match container.remove(spec.name) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    let new = if op == Op::Remove {
        None
    } else {
        value_of(sub, value)?
    };
    // An empty id is how some clients say that there is no manager.
    let new = new.filter(|v| !(spec.name == "manager" && v.as_str() == Some("")));
    if spec.name == "manager" && sub.name == "value" {
        object.clear();
    }
    match new {
        Some(value) => object.insert(sub.name.to_owned(), value),
        None => object.remove(sub.name),
    };
    if !object.is_empty() {
        container.insert(spec.name.to_owned(), Value::Object(object));
    }
    Ok(())
}

/// Elements of a multi-valued attribute: those that a filter selects, or all.
fn elements(
    container: &mut Map<String, Value>,
    op: Op,
    spec: &'static Spec,
    only: Option<&(&'static Spec, Value)>,
    sub: Option<&'static Spec>,
    value: &Value,
) -> Result<(), Refusal> {
    let Type::Complex(subs) = spec.kind else {
        return Err(Refusal::bad(
            "invalidPath",
            format!("{} has no parts.", spec.name),
        ));
    };
    let selected = |element: &Value| only.is_none_or(|(by, v)| same(by, element.get(by.name), v));
    let mut list = match container.remove(spec.name) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    if op == Op::Remove && sub.is_none() {
        list.retain(|element| !selected(element));
    } else {
        let mut change = Map::new();
        let mut removed = None;
        match sub {
            Some(sub) => match if op == Op::Remove {
                None
            } else {
                value_of(sub, value)?
            } {
                Some(value) => {
                    change.insert(sub.name.to_owned(), value);
                }
                None => removed = Some(sub.name),
            },
            None => change = members(spec.name, subs, value)?,
        }
        let makes_primary = change.get("primary") == Some(&Value::Bool(true));
        let mut found = false;
        for element in &mut list {
            let hit = selected(element);
            let Some(object) = element.as_object_mut() else {
                continue;
            };
            if hit {
                found = true;
                object.extend(change.clone());
                if let Some(name) = removed {
                    object.remove(name);
                }
            } else if makes_primary && object.contains_key("primary") {
                object.insert("primary".to_owned(), false.into());
            }
        }
        if !found {
            match (op, only) {
                // The filter says what the missing element looks like; only `add` may make it.
                (Op::Add, Some((by, wanted))) => {
                    change.insert(by.name.to_owned(), wanted.clone());
                    list.push(Value::Object(change));
                }
                (Op::Remove, _) => {}
                _ => {
                    let detail = format!("No element of {} matches the path.", spec.name);
                    return Err(Refusal::bad("noTarget", detail));
                }
            }
        }
        list.retain(|element| !hollow(element));
    }
    if !list.is_empty() {
        container.insert(spec.name.to_owned(), Value::Array(list));
    }
    Ok(())
}
