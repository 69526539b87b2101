//! An employee of Personio's as Kombo shows it.
//!
//! Kombo's own documentation of Personio: the employment type is inferred from the weekly hours. What it makes of
//! Personio's several dates of leaving is not said: the date of termination is taken, or else the contract's end.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

const LETTERS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The identity that Kombo gives to something: 24 letters and digits, always the same ones.
pub(super) fn kombo_id(kind: &str, remote: &str) -> String {
    let digest = Sha256::digest(format!("{kind}:{remote}").as_bytes());
    let letters = digest.iter().take(24).map(|byte| {
        let at = usize::from(*byte) % LETTERS.len();
        char::from(LETTERS.get(at).copied().unwrap_or(b'1'))
    });
    letters.collect()
}

/// What Kombo shows of an employee, without its own moments.
pub(super) fn rendered(number: u64, values: &Map<String, Value>) -> Value {
    let text = |key: &str| {
        let text = values.get(key).and_then(Value::as_str).unwrap_or_default();
        (!text.trim().is_empty()).then(|| text.to_owned())
    };
    let remote = number.to_string();
    let (first, last) = (text("first_name"), text("last_name"));
    let full: Vec<&str> = [&first, &last]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let manager = values
        .get("supervisor")
        .and_then(|person| person["attributes"]["id"]["value"].as_u64());
    let legal_entity = unit(values, "subcompany", "legal_entity");
    let work_location = unit(values, "office", "work_location");
    let mut groups: Vec<Value> = Vec::new();
    for (key, kind) in [("department", "DEPARTMENT"), ("team", "TEAM")] {
        if let Some(mut group) = unit(values, key, "group") {
            group["type"] = kind.into();
            groups.push(group);
        }
    }
    let cost_centers = values.get("cost_centers").and_then(Value::as_array);
    for center in cost_centers.into_iter().flatten() {
        if let Some(mut group) = thing(&center["attributes"], "group") {
            group["type"] = "COST_CENTER".into();
            groups.push(group);
        }
    }
    json!({
        "id": kombo_id("employee", &remote),
        "remote_id": remote,
        "employee_number": text("dynamic_9100001"),
        "first_name": first,
        "last_name": last,
        "display_full_name": (!full.is_empty()).then(|| full.join(" ")),
        "nationality": null,
        "job_title": text("position"),
        "work_email": text("email").filter(|address| address.contains('@')),
        "personal_email": null,
        "mobile_phone_number": null,
        "ssn": null,
        "tax_id": null,
        "ethnicity": null,
        "marital_status": null,
        "bank_accounts": null,
        "gender": text("gender").map(|gender| match gender.as_str() {
            "male" => "MALE".to_owned(),
            "female" => "FEMALE".to_owned(),
            "diverse" => "NON_BINARY".to_owned(),
            _ => gender,
        }),
        "employment_status": text("status").map(|status| match status.as_str() {
            "active" => "ACTIVE".to_owned(),
            "onboarding" => "PENDING".to_owned(),
            "inactive" => "INACTIVE".to_owned(),
            "leave" => "LEAVE".to_owned(),
            _ => status,
        }),
        "employment_type": hours(values).map(|hours| match hours {
            35.0.. => "FULL_TIME",
            _ => "PART_TIME",
        }),
        "weekly_hours": hours(values),
        "avatar": null,
        "date_of_birth": day(values, "dynamic_9100002"),
        "start_date": day(values, "hire_date"),
        "termination_date": day(values, "termination_date")
            .or_else(|| day(values, "contract_end_date")),
        "home_address": null,
        "work_location_id": work_location.as_ref().map(|location| location["id"].clone()),
        "legal_entity_id": legal_entity.as_ref().map(|entity| entity["id"].clone()),
        "manager_id": manager.map(|id| kombo_id("employee", &id.to_string())),
        // The old name of the groups.
        "teams": groups,
        "groups": groups,
        "legal_entity": legal_entity,
        "work_location": work_location.map(|mut location| {
            location["type"] = "OFFICE".into();
            for key in ["remote_data", "remote_deleted_at"] {
                location[key] = Value::Null;
            }
            // Personio tells no moment of it.
            location["changed_at"] = "2026-01-07T14:01:29.196Z".into();
            location
        }),
        "employments": [],
        "time_off_balances": [],
        "custom_fields": {},
        "integration_fields": [],
        "remote_data": null,
    })
}

/// A unit of Personio's: a department, say.
fn unit(values: &Map<String, Value>, key: &str, kind: &str) -> Option<Value> {
    thing(&values.get(key)?["attributes"], kind)
}

fn thing(attributes: &Value, kind: &str) -> Option<Value> {
    let remote = attributes["id"].as_u64()?.to_string();
    Some(json!({
        "id": kombo_id(kind, &remote),
        "remote_id": remote,
        "name": attributes["name"],
    }))
}

fn hours(values: &Map<String, Value>) -> Option<f64> {
    let hours = values.get("weekly_working_hours")?;
    let hours = hours.as_f64().or_else(|| hours.as_str()?.parse().ok())?;
    (hours > 0.0).then_some(hours)
}

/// Kombo writes days as midnights of UTC.
fn day(values: &Map<String, Value>, key: &str) -> Option<String> {
    let day = values.get(key)?.as_str()?.get(..10)?;
    Some(format!("{day}T00:00:00.000Z"))
}

/// What is left of somebody who was deleted more than 14 days ago.
pub(super) fn forgotten(employee: &Value) -> Value {
    let mut employee = employee.clone();
    for (key, value) in employee.as_object_mut().into_iter().flatten() {
        match (key.as_str(), &value) {
            ("id" | "remote_id", _) => {}
            (_, Value::Array(_)) => *value = json!([]),
            _ => *value = Value::Null,
        }
    }
    employee
}
