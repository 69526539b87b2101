//! Values: from a SCIM resource to the operation's attributes, and from a change to edits of a resource.

use matricula_sdk::{Failure, FailureKind, Result, json as body};
use serde_json::{Map, Value};

use crate::learned::{Holds, Learned};
use crate::path::{Path, boolean, member};
use crate::profile::{Attribute, Home, Kind, Profile};

/// A resource in the operation's attributes: null for what is empty, nothing for what the service does
/// not offer.
pub(crate) fn data(profile: &Profile, learned: &Learned, resource: &Value) -> Map<String, Value> {
    let mut data = Map::new();
    for attribute in profile.attributes {
        let Some(path) = learned.place(attribute) else {
            continue;
        };
        let value = match attribute.home {
            Home::Login => mail(resource),
            Home::At(_) | Home::Learned(_) => {
                path.get(resource).and_then(|v| read(attribute.kind, v))
            }
        };
        // Whether an account is active cannot be empty: a service that does not tell tells nothing.
        if value.is_some() || attribute.kind != Kind::Boolean {
            data.insert(attribute.name.to_owned(), value.unwrap_or(Value::Null));
        }
    }
    for (name, own) in &learned.own {
        let value = Path::parse(&own.at)
            .get(resource)
            .and_then(|v| read(Kind::Own, v));
        data.insert(name.clone(), value.unwrap_or(Value::Null));
    }
    data
}

/// The address that a person is written to: the work one, else the primary one, else any, else the user
/// name.
fn mail(resource: &Value) -> Option<Value> {
    let list = member(resource, "emails").and_then(Value::as_array);
    let entries = || list.into_iter().flatten();
    let of = |entry: &Value| body::text(member(entry, "value")?).map(str::to_owned);
    let is = |entry: &&Value, name: &str, value: &str| {
        member(entry, name)
            .and_then(Value::as_str)
            .is_some_and(|v| v.eq_ignore_ascii_case(value))
    };
    let primary = |entry: &&Value| member(entry, "primary").and_then(boolean) == Some(true);
    entries()
        .filter(|entry| is(entry, "type", "work"))
        .find_map(of)
        .or_else(|| entries().filter(primary).find_map(of))
        .or_else(|| entries().find_map(of))
        .or_else(|| body::text(member(resource, "userName")?).map(str::to_owned))
        .map(Value::String)
}

fn read(kind: Kind, value: &Value) -> Option<Value> {
    match kind {
        Kind::Boolean => boolean(value).map(Value::Bool),
        Kind::Text | Kind::Reference => body::id(value).map(Value::String),
        Kind::Date => {
            let text = body::text(value)?;
            Some(Value::String(text.chars().take(10).collect()))
        }
        Kind::Own => match value {
            Value::Bool(_) | Value::Number(_) => Some(value.clone()),
            _ => body::text(value).map(|text| Value::String(text.to_owned())),
        },
    }
}

/// One place that a change sets or clears.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edit<'p> {
    pub(crate) kind: Kind,
    pub(crate) path: Path<'p>,
    /// None clears.
    pub(crate) value: Option<Value>,
}

impl Edit<'_> {
    pub(crate) fn is_reference(&self) -> bool {
        self.kind == Kind::Reference
    }

    /// Whether the resource is already so.
    pub(crate) fn holds(&self, resource: &Value) -> bool {
        let canonical = |value: &Value| match self.kind {
            // An e-mail address in another spelling is another value here.
            Kind::Text => value.as_str().map(|text| Value::String(text.to_owned())),
            Kind::Boolean | Kind::Date | Kind::Reference | Kind::Own => read(self.kind, value),
        };
        let current = self.path.get(resource);
        match (&self.value, current) {
            (None, current) => current.is_none(),
            (Some(_), None) => false,
            (Some(wanted), Some(current)) => canonical(current) == canonical(wanted),
        }
    }

    /// Makes the resource so.
    pub(crate) fn apply(&self, resource: &mut Map<String, Value>) {
        match &self.value {
            Some(value) => self.path.set(resource, value.clone(), self.is_reference()),
            None => self.path.clear(resource, self.is_reference()),
        }
    }
}

/// The edits of a change. Attributes that the service does not offer are left out: that was said when
/// the run was prepared.
pub(crate) fn edits<'p>(
    profile: &Profile,
    learned: &'p Learned,
    data: &Map<String, Value>,
) -> Result<Vec<Edit<'p>>> {
    let known =
        |name: &&String| profile.attribute(name).is_some() || profile.own_name(name).is_some();
    if let Some(name) = data.keys().find(|name| !known(name)) {
        let message = format!("{} has no attribute {name}", profile.system);
        return Err(input(message).code("unknown-attribute"));
    }
    let mut edits = Vec::with_capacity(data.len() + 1);
    for attribute in profile.attributes {
        let Some(value) = data.get(attribute.name) else {
            continue;
        };
        let Some(path) = learned.place(attribute) else {
            continue;
        };
        let value = written(profile, learned, attribute, value)?;
        let kind = attribute.kind;
        edits.push(Edit {
            kind,
            path,
            value: value.clone(),
        });
        if matches!(attribute.home, Home::Login) {
            let mail = learned.work_mail();
            edits.extend(mail.map(|path| Edit { kind, path, value }));
        }
    }
    for (name, own) in &learned.own {
        let Some(value) = data.get(name) else {
            continue;
        };
        let value = own_written(own.holds, value).ok_or_else(|| {
            let message = format!(
                "{name} has a value of a kind that {} cannot take",
                profile.system
            );
            input(message).code("wrong-type")
        })?;
        edits.push(Edit {
            kind: Kind::Own,
            path: Path::parse(&own.at),
            value: (!value.is_null()).then_some(value),
        });
    }
    Ok(edits)
}

/// A value as an attribute of the service's own takes it, null to clear it; none if it cannot be one.
fn own_written(holds: Holds, value: &Value) -> Option<Value> {
    match (holds, value) {
        (_, Value::Null) => Some(Value::Null),
        (_, Value::String(text)) if text.trim().is_empty() => Some(Value::Null),
        (Holds::Moment, Value::String(text)) if text.len() == "2026-01-31".len() => {
            Some(Value::String(format!("{text}T00:00:00Z")))
        }
        (Holds::Text | Holds::Moment, Value::String(_)) => Some(value.clone()),
        (Holds::Text, Value::Number(_) | Value::Bool(_)) => Some(Value::String(value.to_string())),
        (Holds::Boolean, _) => boolean(value).map(Value::Bool),
        (Holds::Number, Value::Number(_)) => Some(value.clone()),
        (Holds::Number, Value::String(text)) => text.trim().parse().ok().map(Value::Number),
        _ => None,
    }
}

fn written(
    profile: &Profile,
    learned: &Learned,
    attribute: &Attribute,
    value: &Value,
) -> Result<Option<Value>> {
    let Profile { system, .. } = profile;
    let label = attribute.label;
    let value = match (attribute.kind, value) {
        (_, Value::Null) => None,
        (Kind::Boolean, Value::Bool(value)) => Some(Value::Bool(*value)),
        (Kind::Text | Kind::Reference | Kind::Date, Value::String(text))
            if text.trim().is_empty() =>
        {
            None
        }
        (Kind::Date, Value::String(day)) if learned.is_date_time(attribute) => {
            Some(Value::String(format!("{day}T00:00:00Z")))
        }
        (Kind::Text | Kind::Reference | Kind::Date, Value::String(_)) => Some(value.clone()),
        _ => {
            return Err(input(format!(
                "{label} has a value of a kind that {system} cannot take"
            ))
            .code("wrong-type"));
        }
    };
    let never_empty = attribute.kind == Kind::Boolean || matches!(attribute.home, Home::Login);
    if value.is_none() && never_empty {
        return Err(input(format!(
            "{label} cannot be empty in {system}: fill it in at the source"
        ))
        .code("empty"));
    }
    Ok(value)
}

fn input(message: String) -> Failure {
    Failure::new(FailureKind::Input, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    static PROFILE: Profile = Profile {
        system: "Example",
        secret: "SCIM token",
        secret_de: "SCIM-Token",
        page: 100,
        own: true,
        attributes: &[
            Attribute::login("email", "E-mail"),
            Attribute::at("active", "Active", Kind::Boolean, &["active"]),
            Attribute::at("position", "Position", Kind::Text, &["title"]),
            Attribute::learned("contract_end", "Contract end", Kind::Date, &["contractEnd"]),
        ],
    };

    fn learned(json: &str) -> Learned {
        Learned::read(json).unwrap()
    }

    fn read(resource: Value) -> Value {
        Value::Object(data(
            &PROFILE,
            &learned(r#"{"a":{"contract_end":"urn:x:User:end"}}"#),
            &resource,
        ))
    }

    #[test]
    fn the_address_is_the_work_one_before_any_other() {
        let mail = |resource: Value| read(resource)["email"].clone();
        let work = json!({"type": "Work", "value": "w@example.org"});
        let home = json!({"type": "home", "value": "h@example.org", "primary": true});
        let plain = json!({"value": "p@example.org"});
        assert_eq!(
            mail(json!({"userName": "u", "emails": [plain, home, work]})),
            "w@example.org"
        );
        assert_eq!(
            mail(json!({"userName": "u", "emails": [plain, home]})),
            "h@example.org"
        );
        assert_eq!(
            mail(json!({"userName": "u", "emails": [{"value": ""}, plain]})),
            "p@example.org"
        );
        assert_eq!(
            mail(json!({"userName": "u@example.org", "emails": []})),
            "u@example.org"
        );
        assert_eq!(mail(json!({})), Value::Null);
    }

    #[test]
    fn empty_is_null_and_not_offered_is_absent() {
        assert_eq!(
            read(
                json!({"active": "False", "title": "", "urn:x:User": {"end": "2026-12-31T00:00:00Z"}})
            ),
            json!({"email": null, "active": false, "position": null, "contract_end": "2026-12-31"})
        );
        assert_eq!(
            Value::Object(data(&PROFILE, &Learned::default(), &json!({"title": 7}))),
            json!({"email": null, "position": "7"}),
            "no place for the contract's end, and nothing said of active"
        );
    }

    #[test]
    fn values_are_written_as_the_service_takes_them() {
        let learned = learned(r#"{"a":{"contract_end":"urn:x:User:end"},"t":["contract_end"]}"#);
        let of = |data: Value| {
            let edits = edits(&PROFILE, &learned, data.as_object().unwrap())?;
            Ok(edits
                .into_iter()
                .map(|e| (e.path.text().to_owned(), e.value))
                .collect::<Vec<_>>())
        };
        assert_eq!(
            of(json!({"contract_end": "2026-12-31", "position": " "})),
            Ok(vec![
                ("title".to_owned(), None),
                (
                    "urn:x:User:end".to_owned(),
                    Some(json!("2026-12-31T00:00:00Z"))
                ),
            ])
        );
        let code = |data| {
            of(data)
                .map_err(|failure: Failure| failure.code.unwrap())
                .unwrap_err()
        };
        assert_eq!(code(json!({"email": null})), "empty");
        assert_eq!(code(json!({"active": null})), "empty");
        assert_eq!(code(json!({"active": "yes"})), "wrong-type");
        assert_eq!(code(json!({"salary": "1"})), "unknown-attribute");
        assert_eq!(
            edits(
                &PROFILE,
                &Learned::default(),
                json!({"contract_end": "2026-12-31"}).as_object().unwrap()
            ),
            Ok(vec![]),
            "what the service does not offer is left out"
        );
    }

    #[test]
    fn attributes_of_the_services_own_are_written_as_it_has_them() {
        let learned = learned(
            r#"{"x":{"x_badge":{"at":"urn:x:User:badge","h":"text"},"x_desk":{"at":"urn:x:User:desk","h":"number"},
            "x_remote":{"at":"urn:x:User:remote","h":"boolean"},"x_seen":{"at":"urn:x:User:seen","h":"moment"}}}"#,
        );
        let of = |data: Value| {
            let edits = edits(&PROFILE, &learned, data.as_object().unwrap())?;
            let value = |edit: Edit<'_>| (edit.path.text().to_owned(), edit.value);
            Ok(edits.into_iter().map(value).collect::<Vec<_>>())
        };
        let at = |name: &str, value: Value| (format!("urn:x:User:{name}"), Some(value));
        assert_eq!(
            of(json!({"x_badge": 7, "x_desk": "12", "x_remote": "true", "x_seen": "2026-01-31"})),
            Ok(vec![
                at("badge", json!("7")),
                at("desk", json!(12)),
                at("remote", json!(true)),
                at("seen", json!("2026-01-31T00:00:00Z")),
            ])
        );
        assert_eq!(
            of(json!({"x_badge": " ", "x_remote": null})),
            Ok(vec![
                ("urn:x:User:badge".to_owned(), None),
                ("urn:x:User:remote".to_owned(), None),
            ])
        );
        assert_eq!(
            of(json!({"x_unheard": "of"})),
            Ok(vec![]),
            "not offered here"
        );
        let failure: Failure = of(json!({"x_desk": "by the window"})).unwrap_err();
        assert_eq!(failure.code.as_deref(), Some("wrong-type"));
        assert_eq!(
            Value::Object(data(
                &PROFILE,
                &learned,
                &json!({"userName": "u", "urn:x:User": {"badge": "7", "desk": 12, "remote": false}})
            )),
            json!({"email": "u", "position": null, "x_badge": "7", "x_desk": 12, "x_remote": false, "x_seen": null})
        );
    }
}
