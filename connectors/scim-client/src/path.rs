//! Where an attribute lives in a SCIM resource.
//!
//! A place is written the way PATCH writes it: `title`, `name.givenName`,
//! `emails[type eq "work"].value`, `urn:…:User:department`. So a profile is readable, what was learned from
//! a service is one string per attribute, and the path of an operation needs no second notation.
//!
//! Names and URNs are compared without regard to case, as RFC 7643 §2.1 has it; services do answer
//! `username`.

use serde_json::{Map, Value, json};

/// A place, borrowed from the text it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Path<'a> {
    text: &'a str,
    /// The extension; none is the core schema.
    pub(crate) urn: Option<&'a str>,
    pub(crate) attribute: &'a str,
    /// The `type` of the entry of a multi-valued attribute.
    kind: Option<&'a str>,
    pub(crate) sub: Option<&'a str>,
}

impl<'a> Path<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        // The version in a URN has a dot, so the URN goes first; a filter's value may have neither.
        let (urn, rest) = match text.rsplit_once(':') {
            Some((urn, rest)) => (Some(urn), rest),
            None => (None, text),
        };
        let (attribute, sub) = match rest.rsplit_once('.') {
            Some((attribute, sub)) => (attribute, Some(sub)),
            None => (rest, None),
        };
        let (attribute, kind) = match attribute.split_once('[') {
            Some((name, filter)) => (name, filter.split('"').nth(1)),
            None => (attribute, None),
        };
        Self {
            text,
            urn,
            attribute,
            kind,
            sub,
        }
    }

    /// The path as PATCH writes it.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The path of the whole attribute, without its sub-attribute.
    pub(crate) fn whole(&self) -> &'a str {
        match self.sub {
            Some(sub) => self
                .text
                .get(..self.text.len() - sub.len() - 1)
                .unwrap_or(self.text),
            None => self.text,
        }
    }

    /// Whether it is one entry of a multi-valued attribute.
    pub(crate) fn is_entry(&self) -> bool {
        self.kind.is_some()
    }

    /// What the resource has there; an explicit null is nothing.
    pub(crate) fn get<'r>(&self, resource: &'r Value) -> Option<&'r Value> {
        let holder = match self.urn {
            Some(urn) => member(resource, urn)?,
            None => resource,
        };
        let mut value = member(holder, self.attribute)?;
        if let Some(kind) = self.kind {
            value = value
                .as_array()?
                .iter()
                .find(|entry| is_of_type(entry, kind))?;
        }
        match self.sub {
            // Some services hold a reference as bare text.
            Some(sub) if value.is_object() => member(value, sub),
            Some(_) => value.is_string().then_some(value),
            None => Some(value),
        }
    }

    /// Puts a value there. A complex attribute that is a reference is replaced as a whole, since its
    /// other parts describe the account that was referred to before.
    pub(crate) fn set(&self, resource: &mut Map<String, Value>, value: Value, reference: bool) {
        let holder = match self.urn {
            Some(urn) => object_at(resource, urn),
            None => resource,
        };
        match (self.kind, self.sub) {
            (Some(kind), Some(sub)) => {
                let list = at(holder, self.attribute);
                if !list.is_array() {
                    *list = Value::Array(Vec::new());
                }
                if let Value::Array(entries) = list {
                    set_entry(entries, kind, sub, value);
                }
            }
            (_, Some(sub)) if reference => {
                *at(holder, self.attribute) = json!({ sub: value });
            }
            (_, Some(sub)) => *at(object_at(holder, self.attribute), sub) = value,
            (_, None) => *at(holder, self.attribute) = value,
        }
    }

    /// Takes away what is there.
    pub(crate) fn clear(&self, resource: &mut Map<String, Value>, reference: bool) {
        let holder = match self.urn {
            Some(urn) => match at_existing(resource, urn).and_then(Value::as_object_mut) {
                Some(holder) => holder,
                None => return,
            },
            None => resource,
        };
        match (self.kind, self.sub) {
            (Some(kind), _) => {
                if let Some(Value::Array(entries)) = at_existing(holder, self.attribute) {
                    entries.retain(|entry| !is_of_type(entry, kind));
                }
            }
            (None, Some(sub)) if !reference => {
                if let Some(Value::Object(object)) = at_existing(holder, self.attribute) {
                    remove(object, sub);
                }
            }
            _ => remove(holder, self.attribute),
        }
    }
}

/// A member by its name, whatever the case; null counts as missing.
pub(crate) fn member<'r>(object: &'r Value, name: &str) -> Option<&'r Value> {
    let object = object.as_object()?;
    object
        .get(name)
        .or_else(|| {
            object
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, v)| v)
        })
        .filter(|value| !value.is_null())
}

/// A yes or no that some services write as text.
pub(crate) fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn is_of_type(entry: &Value, kind: &str) -> bool {
    member(entry, "type")
        .and_then(Value::as_str)
        .is_some_and(|found| found.eq_ignore_ascii_case(kind))
}

fn set_entry(entries: &mut Vec<Value>, kind: &str, sub: &str, value: Value) {
    let primary = entries
        .iter()
        .any(|e| member(e, "primary").and_then(boolean) == Some(true));
    match entries.iter_mut().find(|entry| is_of_type(entry, kind)) {
        Some(Value::Object(entry)) => *at(entry, sub) = value,
        _ => {
            // At most one entry may be the primary one.
            let mut entry = json!({ "type": kind, sub: value });
            if !primary && let Value::Object(entry) = &mut entry {
                entry.insert("primary".to_owned(), Value::Bool(true));
            }
            entries.push(entry);
        }
    }
}

fn key_of(object: &Map<String, Value>, name: &str) -> Option<String> {
    if object.contains_key(name) {
        return Some(name.to_owned());
    }
    object
        .keys()
        .find(|key| key.eq_ignore_ascii_case(name))
        .cloned()
}

fn at<'m>(object: &'m mut Map<String, Value>, name: &str) -> &'m mut Value {
    let key = key_of(object, name).unwrap_or_else(|| name.to_owned());
    object.entry(key).or_insert(Value::Null)
}

fn at_existing<'m>(object: &'m mut Map<String, Value>, name: &str) -> Option<&'m mut Value> {
    let key = key_of(object, name)?;
    object.get_mut(&key)
}

fn object_at<'m>(object: &'m mut Map<String, Value>, name: &str) -> &'m mut Map<String, Value> {
    let value = at(object, name);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(object) => object,
        _ => unreachable!("an object was just put there"),
    }
}

fn remove(object: &mut Map<String, Value>, name: &str) {
    if let Some(key) = key_of(object, name) {
        object.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPARTMENT: &str =
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
    const MANAGER: &str =
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
    const MAIL: &str = "emails[type eq \"work\"].value";

    fn with(resource: Value, change: impl FnOnce(&mut Map<String, Value>)) -> Value {
        let Value::Object(mut map) = resource else {
            panic!("an object")
        };
        change(&mut map);
        Value::Object(map)
    }

    #[test]
    fn a_place_is_read_from_its_path() {
        let path = Path::parse(MANAGER);
        assert_eq!(
            path.urn,
            Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")
        );
        assert_eq!((path.attribute, path.sub), ("manager", Some("value")));
        assert_eq!(
            path.whole(),
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
        );
        let path = Path::parse(MAIL);
        assert_eq!(
            (path.attribute, path.kind, path.sub),
            ("emails", Some("work"), Some("value"))
        );
        assert_eq!(Path::parse("title").whole(), "title");
        assert_eq!(Path::parse("name.givenName").whole(), "name");
    }

    #[test]
    fn names_are_found_whatever_their_case_and_null_is_nothing() {
        let resource = json!({
            "Title": "Clerk",
            "nickName": null,
            "URN:ietf:params:scim:schemas:extension:enterprise:2.0:user": {"Department": "IT", "manager": "9"},
            "emails": [{"type": "home", "value": "h@example.org"}, {"type": "Work", "value": "w@example.org"}],
        });
        let get = |path| Path::parse(path).get(&resource).and_then(Value::as_str);
        assert_eq!(get("title"), Some("Clerk"));
        assert_eq!(get("nickName"), None);
        assert_eq!(get(DEPARTMENT), Some("IT"));
        assert_eq!(get(MANAGER), Some("9"));
        assert_eq!(get(MAIL), Some("w@example.org"));
        assert_eq!(get("name.givenName"), None);
    }

    #[test]
    fn a_work_address_is_changed_in_place_or_added_without_a_second_primary_one() {
        let set = |resource| {
            with(resource, |r| {
                Path::parse(MAIL).set(r, json!("new@example.org"), false)
            })["emails"]
                .clone()
        };
        assert_eq!(
            set(json!({})),
            json!([{"type": "work", "value": "new@example.org", "primary": true}])
        );
        assert_eq!(
            set(json!({"emails": [{"value": "h@example.org", "primary": true}]})),
            json!([
                {"value": "h@example.org", "primary": true},
                {"type": "work", "value": "new@example.org"},
            ])
        );
        assert_eq!(
            set(json!({"emails": [{"type": "WORK", "value": "old@example.org", "primary": true}]})),
            json!([{"type": "WORK", "value": "new@example.org", "primary": true}])
        );
    }

    #[test]
    fn a_reference_is_replaced_and_cleared_as_a_whole() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let before =
            json!({urn: {"department": "IT", "manager": {"value": "1", "displayName": "A"}}});
        let path = Path::parse(MANAGER);
        assert_eq!(
            with(before.clone(), |r| path.set(r, json!("2"), true)),
            json!({urn: {"department": "IT", "manager": {"value": "2"}}})
        );
        assert_eq!(
            with(before, |r| path.clear(r, true)),
            json!({urn: {"department": "IT"}})
        );
        assert_eq!(
            with(json!({"id": "1"}), |r| path.clear(r, true)),
            json!({"id": "1"})
        );
    }

    #[test]
    fn clearing_takes_only_what_was_named() {
        let resource = json!({
            "name": {"givenName": "Ada", "familyName": "Example"},
            "emails": [{"type": "work", "value": "w"}, {"type": "home", "value": "h"}],
        });
        let cleared = with(resource, |r| {
            Path::parse("name.givenName").clear(r, false);
            Path::parse(MAIL).clear(r, false);
        });
        assert_eq!(
            cleared,
            json!({"name": {"familyName": "Example"}, "emails": [{"type": "home", "value": "h"}]})
        );
    }
}
