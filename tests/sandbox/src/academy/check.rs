//! What a client may send as a user or a group: names known, types right.
//!
//! Unknown attributes are refused. A service may also ignore them, but then a client that guesses an
//! extension would never learn that its data went nowhere.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::schema::{self, Spec, Type};
use super::vocabulary::{Kind, Vocabulary};
use crate::answer::{Answer, scim_error};

/// An error with SCIM's own classification.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub kind: Option<&'static str>,
    pub detail: String,
}

impl Refusal {
    pub(super) fn bad(kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            kind: Some(kind),
            detail: detail.into(),
        }
    }

    pub(super) fn plain(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind: None,
            detail: detail.into(),
        }
    }

    pub(super) fn answer(&self) -> Answer {
        scim_error(self.status, self.kind, &self.detail)
    }
}

/// Brings a user or a group sent whole into the form that is stored: names as in the schema, nothing
/// unassigned, nothing read-only.
pub(super) fn resource(sent: &Value, own: Vocabulary) -> Result<Map<String, Value>, Refusal> {
    let Some(sent) = sent.as_object() else {
        return Err(Refusal::bad(
            "invalidSyntax",
            "A resource is a JSON object.",
        ));
    };
    let schemas = sent
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("schemas"));
    let names_core = schemas
        .and_then(|(_, list)| list.as_array())
        .is_some_and(|list| list.iter().any(|s| s.as_str() == Some(own.urn())));
    if !names_core {
        return Err(Refusal::bad(
            "invalidSyntax",
            format!("`schemas` does not name {}.", own.urn()),
        ));
    }
    let mut user = Map::new();
    for (key, value) in sent {
        if key.eq_ignore_ascii_case("schemas") || key.eq_ignore_ascii_case("meta") {
            continue;
        }
        if let Some((urn, specs)) = own
            .extensions()
            .find(|(urn, _)| urn.eq_ignore_ascii_case(key))
        {
            let object = members(urn, specs, value)?;
            if !object.is_empty() {
                user.insert(urn.to_owned(), Value::Object(object));
            }
            continue;
        }
        let spec = own
            .root(key)
            .ok_or_else(|| Refusal::bad("invalidSyntax", format!("Unknown attribute {key}.")))?;
        if !spec.read_only
            && let Some(value) = value_of(spec, value)?
        {
            user.insert(spec.name.to_owned(), value);
        }
    }
    complete(&user, own)?;
    Ok(user)
}

/// What must hold of every stored resource.
pub(super) fn complete(user: &Map<String, Value>, own: Vocabulary) -> Result<(), Refusal> {
    let needed = match own.kind {
        Kind::User => "userName",
        Kind::Group => "displayName",
    };
    match user.get(needed).and_then(Value::as_str) {
        Some(name) if !name.trim().is_empty() => Ok(()),
        _ => Err(Refusal::bad(
            "invalidValue",
            format!("{needed} is required."),
        )),
    }
}

/// The members of a complex value or of an extension.
pub(super) fn members(
    of: &str,
    specs: &'static [Spec],
    value: &Value,
) -> Result<Map<String, Value>, Refusal> {
    let Some(object) = value.as_object() else {
        return Err(Refusal::bad(
            "invalidValue",
            format!("{of} must be an object."),
        ));
    };
    let mut out = Map::new();
    for (key, value) in object {
        let spec = schema::find(specs, key).ok_or_else(|| {
            Refusal::bad("invalidSyntax", format!("Unknown attribute {of}.{key}."))
        })?;
        if !spec.read_only
            && let Some(value) = value_of(spec, value)?
        {
            out.insert(spec.name.to_owned(), value);
        }
    }
    Ok(out)
}

/// A value as stored; `None` if it means "unassigned".
pub(super) fn value_of(spec: &'static Spec, value: &Value) -> Result<Option<Value>, Refusal> {
    if value.is_null() {
        return Ok(None);
    }
    if !spec.multi {
        return single(spec, value);
    }
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut out = Vec::with_capacity(list.len());
    for element in list {
        out.extend(single(spec, element)?);
    }
    one_primary(&mut out);
    Ok((!out.is_empty()).then_some(Value::Array(out)))
}

fn single(spec: &'static Spec, value: &Value) -> Result<Option<Value>, Refusal> {
    let wrong =
        |wanted: &str| Refusal::bad("invalidValue", format!("{} must be {wanted}.", spec.name));
    match (spec.kind, value) {
        (Type::Text, Value::String(_)) => Ok(Some(value.clone())),
        (Type::Text, _) => Err(wrong("a string")),
        (Type::Day, Value::String(day)) => {
            if day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok() {
                Ok(Some(value.clone()))
            } else {
                Err(wrong("a date such as 2026-12-31"))
            }
        }
        (Type::Day, _) => Err(wrong("a date such as 2026-12-31")),
        (Type::Bool, Value::Bool(_)) => Ok(Some(value.clone())),
        // Entra ID writes booleans as "True" and "False".
        (Type::Bool, Value::String(word)) if word.eq_ignore_ascii_case("true") => {
            Ok(Some(true.into()))
        }
        (Type::Bool, Value::String(word)) if word.eq_ignore_ascii_case("false") => {
            Ok(Some(false.into()))
        }
        (Type::Bool, _) => Err(wrong("a boolean")),
        (Type::Complex(_), Value::String(id)) if spec.name == "manager" => {
            Ok((!id.is_empty()).then(|| json!({"value": id})))
        }
        (Type::Complex(subs), Value::Object(_)) => {
            let object = members(spec.name, subs, value)?;
            let nobody = spec.name == "manager"
                && object
                    .get("value")
                    .and_then(Value::as_str)
                    .is_none_or(str::is_empty);
            Ok((!object.is_empty() && !nobody).then_some(Value::Object(object)))
        }
        (Type::Complex(_), _) => Err(wrong("an object")),
    }
}

/// At most one element stays primary: the last that says so.
pub(super) fn one_primary(list: &mut [Value]) {
    let mut taken = false;
    for element in list.iter_mut().rev() {
        if element.get("primary") == Some(&Value::Bool(true)) {
            if taken && let Some(object) = element.as_object_mut() {
                object.insert("primary".into(), false.into());
            }
            taken = true;
        }
    }
}
