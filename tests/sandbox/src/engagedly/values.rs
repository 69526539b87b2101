//! Whether what is to be set of a user can be: types, dates, identifiers, options.

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::Problem;
use super::organisation::{Organisation, Unit, User};

const TEXTS: [&str; 14] = [
    "first_name",
    "middle_name",
    "last_name",
    "email",
    "employee_id",
    "employee_type",
    "promotion_date",
    "review_date",
    "level",
    "phone_number",
    "secondary_phone_number",
    "joining_date",
    "birth_date",
    "manager_id",
];
const DATES: [&str; 4] = [
    "promotion_date",
    "review_date",
    "joining_date",
    "birth_date",
];
const REQUIRED: [&str; 3] = ["first_name", "last_name", "email"];

/// The user with what a request sets, or everything that is wrong with it.
pub(super) fn apply(
    organisation: &Organisation,
    user: &User,
    body: &Map<String, Value>,
) -> Result<User, Vec<Problem>> {
    let mut changed = user.clone();
    let mut problems = Vec::new();
    for name in REQUIRED {
        let given = body.get(name).and_then(Value::as_str).unwrap_or_default();
        if given.trim().is_empty() {
            problems.push(Problem::missing(name));
        }
    }
    for (name, value) in body {
        if let Err(problem) = set(organisation, &mut changed, name, value) {
            problems.push(problem);
        }
    }
    mandatory(organisation, &changed, &mut problems);
    for name in ["email", "employee_id"] {
        let wanted = changed.text(name).to_lowercase();
        let taken = organisation
            .users
            .iter()
            .any(|other| other.id != user.id && other.text(name).to_lowercase() == wanted);
        if taken && !wanted.is_empty() {
            problems.push(Problem::duplicate(name));
        }
    }
    if problems.is_empty() {
        Ok(changed)
    } else {
        Err(problems)
    }
}

fn mandatory(organisation: &Organisation, user: &User, problems: &mut Vec<Problem>) {
    for attribute in &organisation.attributes {
        let key = attribute["attribute_key"].as_str().unwrap_or_default();
        if attribute["mandatory"] != true || REQUIRED.contains(&key) {
            continue;
        }
        let held = match attribute["preset"] == true {
            true => !TEXTS.contains(&key) || !user.text(key).is_empty(),
            false => user.custom.contains_key(key),
        };
        if !held {
            problems.push(Problem::missing(key));
        }
    }
}

fn set(
    organisation: &Organisation,
    user: &mut User,
    name: &str,
    value: &Value,
) -> Result<(), Problem> {
    let wrong = |message: &str| Problem::wrong(name, message);
    if TEXTS.contains(&name) {
        let text = value.as_str().ok_or_else(|| wrong("must be a string"))?;
        let text = text.trim().to_owned();
        let text = match () {
            () if DATES.contains(&name) => date(&text).ok_or_else(|| wrong("is not a date"))?,
            () if text.is_empty() => text,
            () if name == "email" && !is_address(&text) => {
                return Err(wrong("is not an email address"));
            }
            () if name == "manager_id" && organisation.find(&text).is_none() => {
                return Err(wrong("does not exist"));
            }
            () if name == "manager_id" && text == user.id => {
                return Err(wrong("cannot be the user"));
            }
            () => text,
        };
        user.texts.insert(name.to_owned(), text.into());
        return Ok(());
    }
    match name {
        "location" | "job_title" => {
            let unit = if name == "location" {
                Unit::Location
            } else {
                Unit::JobTitle
            };
            let id = value.as_str().ok_or_else(|| wrong("must be a string"))?;
            let known = organisation
                .entries(unit)
                .iter()
                .any(|entry| entry.id == id);
            if !id.is_empty() && !known {
                return Err(wrong("does not exist"));
            }
            user.texts.insert(name.to_owned(), id.into());
        }
        "departments" | "businesses" => {
            let unit = Unit::at(name).unwrap_or(Unit::Department);
            let ids = ids(value).ok_or_else(|| wrong("must be a list of strings"))?;
            let known = |id: &String| {
                organisation
                    .entries(unit)
                    .iter()
                    .any(|entry| entry.id == *id)
            };
            if !ids.iter().all(known) {
                return Err(wrong("does not exist"));
            }
            match unit {
                Unit::Department => user.departments = ids,
                _ => user.businesses = ids,
            }
        }
        "hr_managers" | "secondary_managers" => {
            let ids = ids(value).ok_or_else(|| wrong("must be a list of strings"))?;
            if !ids.iter().all(|id| organisation.find(id).is_some()) {
                return Err(wrong("does not exist"));
            }
            match name {
                "hr_managers" => user.hr_managers = ids,
                _ => user.secondary_managers = ids,
            }
        }
        "custom_attributes" => {
            let values = value
                .as_object()
                .ok_or_else(|| wrong("must be an object"))?;
            for (key, value) in values {
                custom(organisation, user, key, value)?;
            }
        }
        key => custom(organisation, user, key, value)?,
    }
    Ok(())
}

fn custom(
    organisation: &Organisation,
    user: &mut User,
    key: &str,
    value: &Value,
) -> Result<(), Problem> {
    let mut known = organisation.attributes.iter();
    let known = known
        .find(|known| known["preset"] == false && known["attribute_key"] == key)
        .ok_or_else(|| Problem::wrong(key, "is unknown"))?;
    let wrong = |message: &str| Err(Problem::wrong(key, message));
    let offered = |value: &Value| {
        let options = known["attribute_options"].as_array();
        options.is_some_and(|options| options.iter().any(|option| option["value"] == *value))
    };
    let fits = match known["data_type"].as_str().unwrap_or_default() {
        "text" | "multiple-select" if *value == json!("") || *value == json!([]) => {
            user.custom.remove(key);
            return Ok(());
        }
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "date" => value.as_str().is_some_and(|text| date(text).is_some()),
        "single-select" => offered(value),
        "multiple-select" => value
            .as_array()
            .is_some_and(|list| list.iter().all(offered)),
        _ => value.is_string(),
    };
    if !fits {
        return wrong("has a value that it cannot have");
    }
    user.custom.insert(key.to_owned(), value.clone());
    Ok(())
}

fn ids(value: &Value) -> Option<Vec<String>> {
    let ids = value.as_array()?.iter();
    ids.map(|id| id.as_str().map(str::to_owned)).collect()
}

fn is_address(text: &str) -> bool {
    text.split_once('@')
        .is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.'))
}

/// A date in one of the two ways in which it may be sent, as `YYYY-MM-DD`.
fn date(text: &str) -> Option<String> {
    let date = text
        .parse::<Date>()
        .or_else(|_| Date::strptime("%b %d, %Y", text));
    date.ok().map(|date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_sent_in_two_ways() {
        assert_eq!(date("Jan 02, 2022").as_deref(), Some("2022-01-02"));
        assert_eq!(date("2024-02-29").as_deref(), Some("2024-02-29"));
        assert_eq!(date("2023-02-29"), None);
        assert_eq!(date("29.02.2024"), None);
    }
}
