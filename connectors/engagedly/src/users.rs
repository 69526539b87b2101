//! A user as Engagedly sends it, in the operation's attributes.

use matricula_sdk::json;
use serde_json::{Map, Value, json};

use crate::names::Kind;

/// The operation's attributes.
pub(crate) const ATTRIBUTES: &[&str] = &[
    "email",
    "first_name",
    "last_name",
    "middle_name",
    "employee_id",
    "employee_type",
    "job_title",
    "departments",
    "businesses",
    "location",
    "joining_date",
    "birth_date",
    "promotion_date",
    "review_date",
    "level",
    "phone_number",
    "secondary_phone_number",
    "manager",
    "custom_attributes",
    "active",
];

/// Attributes that are dates.
pub(crate) const DATES: [&str; 4] = [
    "joining_date",
    "birth_date",
    "promotion_date",
    "review_date",
];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The user in the operation's attributes. What this answer does not have is absent: some are only told
/// of a single user.
pub(crate) fn attributes(user: &Value) -> Map<String, Value> {
    let mut data = Map::new();
    for name in ATTRIBUTES {
        if let Some(value) = attribute(user, name) {
            data.insert((*name).to_owned(), value);
        }
    }
    data
}

fn attribute(user: &Value, name: &str) -> Option<Value> {
    if let Some(kind) = Kind::of(name) {
        let names = held(user, kind)?;
        return Some(match names.as_slice() {
            [] => Value::Null,
            [(_, name)] => json!(name),
            several => several.iter().map(|(_, name)| json!(name)).collect(),
        });
    }
    match name {
        "active" => Some(json!(!is_blocked(user))),
        "employee_type" => Some(text(user.get(name)?.get("name").or(user.get(name)))),
        "manager" => Some(manager(user)?.map_or(Value::Null, |id| json!(id))),
        "custom_attributes" => {
            let held = user.get(name)?.as_object()?;
            let entries = held.iter().map(|(key, entry)| {
                let title = entry.get("name").and_then(json::text).unwrap_or(key);
                let value = entry.get("value").cloned().unwrap_or_default();
                (title.to_owned(), value)
            });
            Some(Value::Object(entries.collect()))
        }
        "birth_date" => {
            let date = user.get("birthdate_as_date").filter(|date| !date.is_null());
            Some(date_of(date.or_else(|| user.get("birthdate"))?))
        }
        "level" => {
            let level = user.get(name).filter(|level| !level.is_null());
            Some(text(level.or_else(|| user.get("employee_level"))))
        }
        name if DATES.contains(&name) => Some(date_of(user.get(name)?)),
        name => Some(text(Some(user.get(name)?))),
    }
}

/// Whether the user may not sign in. Every other status is that of somebody who may, or will be let in.
pub(crate) fn is_blocked(user: &Value) -> bool {
    let status = user.get("status").and_then(json::text);
    status.is_some_and(|status| status.eq_ignore_ascii_case("blocked"))
}

/// The manager's identifier; the outer none if the answer does not tell.
pub(crate) fn manager(user: &Value) -> Option<Option<String>> {
    let manager = user.get("primary_reporter")?;
    Some(crate::listing::identity(manager))
}

/// Identifiers and names of what the user points to; none if the answer does not tell.
pub(crate) fn held(user: &Value, kind: Kind) -> Option<Vec<(String, String)>> {
    let held = user.get(kind.member())?;
    let one = std::slice::from_ref(held);
    let entries = held.as_array().map_or(one, Vec::as_slice);
    let entries = entries.iter().filter_map(|entry| {
        let name = entry.get("name").and_then(json::text).unwrap_or_default();
        Some((crate::listing::identity(entry)?, name.to_owned()))
    });
    Some(entries.collect())
}

/// A text, or null where it is blank. A number is a text here.
fn text(value: Option<&Value>) -> Value {
    value.and_then(json::id).map_or(Value::Null, Value::String)
}

/// A date as `YYYY-MM-DD`, of the two ways in which dates are written; null where there is none.
fn date_of(value: &Value) -> Value {
    let Some(text) = json::text(value) else {
        return Value::Null;
    };
    json!(civil(text).unwrap_or_else(|| text.to_owned()))
}

/// `Jan 02, 2022` as `2022-01-02`; `2022-01-02T00:00:00Z` without its time.
fn civil(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() >= 10 && bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-') {
        return text.get(..10).map(str::to_owned);
    }
    let (month_and_day, year) = text.split_once(',')?;
    let (month, day) = month_and_day.trim().split_once(' ')?;
    let month = MONTHS
        .iter()
        .position(|known| known.eq_ignore_ascii_case(month.trim()))?
        + 1;
    let day: u8 = day.trim().parse().ok()?;
    let year: u16 = year.trim().parse().ok()?;
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_two_ways() {
        assert_eq!(civil("Jan 02, 2022").as_deref(), Some("2022-01-02"));
        assert_eq!(civil("dec 31, 1999").as_deref(), Some("1999-12-31"));
        assert_eq!(civil("2024-01-15").as_deref(), Some("2024-01-15"));
        assert_eq!(
            civil("2024-01-15T00:00:00.000Z").as_deref(),
            Some("2024-01-15")
        );
        assert_eq!(civil("15.01.2024"), None);
    }

    #[test]
    fn what_an_answer_does_not_have_is_absent_and_what_is_blank_is_null() {
        let data = attributes(
            &json!({"id": "u", "status": "Active", "email": "ada@example.org", "level": null,
            "employee_level": "L4", "phone_number": "", "job_title": null, "departments": [],
            "business_unit": [{"id": "b", "name": "Tools", "is_admin": false}, {"id": "c", "name": "Parts"}]}),
        );
        assert_eq!(
            Value::Object(data),
            json!({"email": "ada@example.org", "level": "L4", "phone_number": null, "job_title": null,
                "departments": null, "businesses": ["Tools", "Parts"], "active": true})
        );
        assert!(is_blocked(&json!({"status": "Blocked"})));
        assert!(!is_blocked(&json!({"status": "Not Blocked"})));
    }
}
