//! Participants of an academy, with more of them than its SCIM service tells.

use matricula_sdk::{Context, Item, Page, Read, Result, json};
use serde_json::{Map, Value};

use crate::paging::Walk;
use crate::rest;

/// An attribute of a participant and its name in the API.
const CUSTOMER: &[(&str, &str)] = &[
    ("id", "id"),
    ("external_id", "externalId"),
    ("user_name", "userName"),
    ("email", "email"),
    ("first_name", "firstName"),
    ("last_name", "lastName"),
    ("display_name", "displayName"),
    ("gender", "gender"),
    ("birth_date", "birthDate"),
    ("language", "language"),
    ("timezone", "timezone"),
    ("company", "company"),
    ("department", "department"),
    ("team", "team"),
    ("location", "location"),
    ("position", "position"),
    ("manager_id", "managerId"),
    ("status", "status"),
    ("user_type", "userType"),
    ("source", "source"),
    ("authentication_method", "authenticationMethod"),
    ("tags", "tags"),
    ("registered_at", "registeredAt"),
    ("last_login_at", "lastLoginAt"),
    ("set_active_at", "setActiveAt"),
    ("set_inactive_at", "setInactiveAt"),
];

/// One page of the participants.
pub(crate) fn read(cx: &Context<'_>, read: &Read) -> Result<Page> {
    rest::demand(cx, "participants")?;
    let mut walk = match &read.position {
        Some(position) => json::token("position", position)?,
        None => Walk::begin(read.limit),
    };
    let answer = rest::get(cx, &format!("customer?{}", walk.query()))?;
    let (customers, ended) = walk.take(&answer, "participants")?;
    let mut items = Vec::with_capacity(customers.len());
    for customer in customers {
        match item(customer, read) {
            Some(item) => items.push(item),
            None => walk.doubt(),
        }
    }
    let mut page = Page {
        items,
        total: walk.total(),
        ..Page::default()
    };
    if ended {
        page.complete = walk.is_whole();
    } else {
        page.next = Some(json::to_token("position", &walk)?);
    }
    Ok(page)
}

/// None without an identity.
fn item(customer: &Value, read: &Read) -> Option<Item> {
    let key = json::id(customer.get("id")?)?;
    let mut data = Map::new();
    for (attribute, name) in CUSTOMER {
        let wanted = read.attributes.is_empty() || read.attributes.iter().any(|a| a == attribute);
        if wanted && let Some(value) = value(customer, attribute, name) {
            data.insert((*attribute).to_owned(), value);
        }
    }
    Some(Item {
        key,
        deleted: false,
        data: Value::Object(data).to_string(),
    })
}

/// None if the API did not send the attribute.
fn value(customer: &Value, attribute: &str, name: &str) -> Option<Value> {
    let text = |value: &Value| json::id(value).map_or(Value::Null, Value::String);
    match attribute {
        "manager_id" => {
            let manager = customer
                .get("manager")
                .filter(|manager| manager.is_object());
            let id = customer.get(name).filter(|id| !id.is_null());
            let given = id.or_else(|| manager.and_then(|m| m.get("id")));
            given
                .or_else(|| customer.get(name))
                .or_else(|| customer.get("manager"))
                .map(text)
        }
        "tags" => {
            let tags = customer.get(name)?;
            let tag = |tag: &Value| json::id(tag.get("name").unwrap_or(tag)).map(Value::String);
            let tags = tags.as_array().into_iter().flatten().filter_map(tag);
            Some(Value::Array(tags.collect()))
        }
        _ => customer.get(name).map(text),
    }
}
