//! Recorded exchanges, and what the vendor's documentation gives as examples (with made-up addresses).

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail the test")]
#![expect(dead_code, reason = "each test binary uses some of them")]

use matricula_connector_engagedly::Engagedly;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Change, Connector, Context, Receipt, Result};
use serde_json::{Value, json};

pub const ADAM: &str = "b62167d0-2718-4e45-9721-27535991becf";
pub const JANE: &str = "a1b2c3d4-2718-4e45-9721-27535991becf";
pub const SUPPORT: &str = "61537d90-05f6-11ef-8fcc-fdfaf2ffaa91";

pub fn url(path: &str) -> String {
    format!("https://api.engagedly.com/beta/{path}")
}

/// A request that is answered with `data`.
pub fn ok(line: &str, data: &Value) -> Value {
    let (method, path) = line.split_once(' ').unwrap();
    json!({"request": format!("{method} {}", url(path)), "response": {"success": true, "data": data}})
}

/// A page of a list, the last one unless `more`.
pub fn page(line: &str, data: &Value, total: u64, more: bool) -> Value {
    let (method, path) = line.split_once(' ').unwrap();
    json!({"request": format!("{method} {}", url(path)), "response": {
        "success": true, "data": data,
        "pagination": {"page": 1, "size": 50, "has_more": more, "total_records": total}}})
}

/// A request with a body.
pub fn sent(line: &str, body: &Value, data: &Value) -> Value {
    let mut exchange = ok(line, data);
    exchange["body"] = body.clone();
    exchange["headers"] = json!([["content-type", "application/json"]]);
    exchange
}

/// A request that is refused.
pub fn no(line: &str, status: u16, errors: &Value) -> Value {
    let (method, path) = line.split_once(' ').unwrap();
    let body = json!({"error_type": "validation_error", "errors": errors});
    json!({"request": format!("{method} {}", url(path)), "status": status, "response": body})
}

pub fn play<T>(exchanges: Value, config: &Value, call: impl FnOnce(&Context<'_>) -> T) -> T {
    let transcript = Transcript::new(exchanges);
    let result = call(&transcript.context(config));
    transcript.done();
    result
}

pub fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

pub fn change(id: Option<&str>, data: Value) -> Change {
    Change {
        idempotency_key: "k".into(),
        remote_id: id.map(str::to_owned),
        data: data.to_string(),
    }
}

/// One batch, with what `names` says is known: department Support, location Bengaluru, title Manager.
pub fn write(exchanges: Value, settings: Value, changes: &[Change]) -> Vec<Result<Receipt>> {
    let prepared = json!({"names": {
            "departments": [["Customer Support", SUPPORT]],
            "businesses": [],
            "location": [["Bengaluru", "3927"]],
            "job_title": [["Manager", "11503"]]},
        "custom": [{"k": "custom-attribute-93cbf", "n": "Department", "d": "text"},
            {"k": "custom-attribute-5d2c8", "n": "Languages", "d": "multiple-select",
             "o": ["English", "Kannada", "German"]}]});
    play(
        exchanges,
        &json!({"credential": {}, "settings": settings}),
        |cx| Engagedly::write(cx, "upsert-user", &prepared.to_string(), changes).unwrap(),
    )
}

/// The user of the documentation's list.
pub fn adam() -> Value {
    json!({
        "id": ADAM, "name": "Adam Smith", "first_name": "Adam", "middle_name": null, "last_name": "Smith",
        "email": "adam.smith@example.com", "status": "Active", "title": null, "nickname": "",
        "marital_status": "", "last_active_date": null, "employee_id": "E007", "block_reason_code": null,
        "user_blocked_at": null,
        "job_title": {"id": 11503, "name": "Manager"}, "location": {"id": "3927", "name": "Bengaluru"},
        "departments": [{"id": SUPPORT, "name": "Customer Support", "is_admin": false}],
        "business_unit": [{"id": "8e7345e0-b1f0-11ed-9b4b-8b54e79c50ef", "name": "Manufacturing Unit",
            "is_admin": false}],
        "employee_type": {"id": 2033, "name": "Non-Exempt"}, "gender": null, "birthdate": null,
        "joining_date": "2024-01-15", "phone_number": null, "linkedin": null, "twitter": null,
        "differently_abled": null, "veteran_status": null, "ethnicity": null, "employee_level": null,
        "level": null, "is_cxo": false,
        "custom_attributes": {
            "custom-attribute-93cbf": {"name": "Department", "value": "Product Management"},
            "custom-attribute-5d2c8": {"name": "Languages", "value": ["English", "Kannada"]}},
    })
}

/// The single user of the documentation, who has more.
pub fn adam_alone() -> Value {
    let mut adam = adam();
    let more = json!({
        "hr_managers": [], "secondary_managers": [],
        "primary_reporter": {"id": JANE, "name": "Jane Doe", "email": "jane.doe@example.com", "status": "Active"},
        "direct_reports": [], "education": "B.Tech, MS", "about_me": null, "secondary_phone_number": "",
        "joining_date_string": null, "birthdate_as_date": null, "work_anniversary_in": 245,
        "promotion_date": null, "review_date": null, "is_admin": null});
    for (name, value) in more.as_object().unwrap() {
        adam[name] = value.clone();
    }
    adam
}

pub fn with(mut user: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        user[name] = value.clone();
    }
    user
}
