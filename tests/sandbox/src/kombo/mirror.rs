//! What Kombo has read of the HR system: lists, what changed when, and who is gone.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::employee::{forgotten, kombo_id, rendered};
use super::query::Query;
use super::state::Inner;
use super::{Outcome, invalid, success};
use crate::answer::Answer;
use crate::request::Call;
use crate::serve::Twist;
use crate::shared::Shared;

/// How long Kombo remembers who somebody was that is gone.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Kombo's copy of the employees, in the order in which it first saw them.
#[derive(Default)]
pub(super) struct Mirror {
    rows: Vec<Row>,
    places: HashMap<u64, usize>,
}

struct Row {
    number: u64,
    data: Value,
    /// When it last changed, what is nested in it included.
    updated: Timestamp,
    deleted: Option<Timestamp>,
}

impl Mirror {
    /// Reads the HR system.
    fn sync(&mut self, shared: &Shared, now: Timestamp) {
        let first = self.rows.is_empty();
        let mut seen = vec![false; self.rows.len()];
        for number in shared.people.ids() {
            let Some(values) = shared.people.get(number) else {
                continue;
            };
            let data = rendered(number, &values);
            match self.places.get(&number) {
                Some(&place) => {
                    if let (Some(row), Some(seen)) = (self.rows.get_mut(place), seen.get_mut(place))
                    {
                        *seen = true;
                        if row.deleted.take().is_some() || counted(&row.data) != counted(&data) {
                            row.updated = now;
                        }
                        row.data = data;
                    }
                }
                None => {
                    // What is there when Kombo first reads it is as old as the HR system says.
                    let modified = values.get("last_modified_at").and_then(Value::as_str);
                    let modified = modified.filter(|_| first).and_then(|at| at.parse().ok());
                    self.places.insert(number, self.rows.len());
                    seen.push(true);
                    self.rows.push(Row {
                        number,
                        data,
                        updated: modified.unwrap_or(now).min(now),
                        deleted: None,
                    });
                }
            }
        }
        for (row, seen) in self.rows.iter_mut().zip(seen) {
            if !seen && row.deleted.is_none() {
                row.deleted = Some(now);
                row.updated = now;
            }
        }
    }

    /// The employee in the HR system with this identity, unless gone.
    pub(super) fn number(&self, id: &str) -> Option<u64> {
        let mut rows = self.rows.iter().filter(|row| row.deleted.is_none());
        Some(rows.find(|row| row.data["id"] == id)?.number)
    }
}

/// An employee without what moves nothing when it changes: the names of groups that stay the same ones.
fn counted(employee: &Value) -> Value {
    let mut employee = employee.clone();
    for key in ["groups", "teams"] {
        let groups = employee.get_mut(key).and_then(Value::as_array_mut);
        for group in groups.into_iter().flatten() {
            group["name"] = Value::Null;
        }
    }
    employee
}

/// Where a walk goes on: which list, of what time, and how far it is.
fn cursor(inner: &Inner, list: &str, offset: usize) -> String {
    use base64::Engine as _;
    let text = format!("{list}:{}:{offset}", inner.cursors);
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn offset(inner: &Inner, list: &str, cursor: &str) -> Outcome<usize> {
    use base64::Engine as _;
    let unknown = || invalid("The cursor is invalid or has expired.");
    let text = base64::engine::general_purpose::STANDARD
        .decode(cursor)
        .map_err(|_| unknown())?;
    let text = String::from_utf8(text).map_err(|_| unknown())?;
    let start = format!("{list}:{}:", inner.cursors);
    let offset = text.strip_prefix(&start).and_then(|at| at.parse().ok());
    offset.ok_or_else(unknown)
}

/// A page of a list of `len`, of which only that page is written.
fn page(
    inner: &Inner,
    list: &str,
    query: &Query,
    len: usize,
    twist: Twist,
    shown: impl Fn(usize) -> Option<Value>,
) -> Outcome<Answer> {
    let at = match &query.cursor {
        Some(text) => offset(inner, list, text)?,
        None => 0,
    };
    let results: Vec<Value> = twist
        .window(at, query.size, len)
        .into_iter()
        .flatten()
        .filter_map(shown)
        .collect();
    let next = at.saturating_add(query.size);
    let next = (next < len).then(|| cursor(inner, list, next));
    Ok(success(json!({"results": results, "next": next})))
}

pub(super) fn employees(shared: &Shared, call: &Call, twist: Twist) -> Outcome<Answer> {
    let query = Query::read(
        call,
        &[
            "employment_status",
            "employment_statuses",
            "group_ids",
            "legal_entity_ids",
            "work_location_ids",
            "work_emails",
            "personal_emails",
            "custom_fields",
        ],
    )?;
    let now = shared.clock.now();
    let mut inner = shared.kombo.lock();
    // What a walk sees is what was there when it began.
    if query.cursor.is_none() {
        inner.mirror.sync(shared, now);
    }
    let wanted = |row: &&Row| {
        let address = row.data["work_email"].as_str().unwrap_or_default();
        let named = |list: &Option<Vec<String>>, value: &str| {
            list.as_ref()
                .is_none_or(|list| list.iter().any(|one| one.eq_ignore_ascii_case(value)))
        };
        (query.include_deleted || row.deleted.is_none())
            && query.updated_after.is_none_or(|after| row.updated > after)
            && named(&query.ids, row.data["id"].as_str().unwrap_or_default())
            && named(&query.work_emails, address)
    };
    let blank: Vec<String> = inner.undelivered().map(str::to_owned).collect();
    let by_id: HashMap<&str, &Row> = inner
        .mirror
        .rows
        .iter()
        .filter_map(|row| Some((row.data["id"].as_str()?, row)))
        .collect();
    let shown = |row: &Row| {
        let gone = row
            .deleted
            .is_some_and(|at| now.duration_since(at) > REMEMBERED);
        let mut data = if gone {
            forgotten(&row.data)
        } else {
            row.data.clone()
        };
        let manager = data["manager_id"].as_str();
        let manager = manager.and_then(|id| by_id.get(id));
        data["manager"] = manager.map_or(Value::Null, |row| {
            let of = |key: &str| row.data[key].clone();
            json!({
                "id": of("id"), "remote_id": of("remote_id"), "first_name": of("first_name"),
                "last_name": of("last_name"), "display_full_name": of("display_full_name"),
                "employee_number": of("employee_number"), "work_email": of("work_email"),
                "employment_status": of("employment_status"), "termination_date": of("termination_date"),
            })
        });
        for field in &blank {
            match data.get(field) {
                Some(Value::Array(_)) => data[field] = json!([]),
                _ => data[field] = Value::Null,
            }
        }
        data["remote_created_at"] = Value::Null;
        data["changed_at"] = moment(row.updated).into();
        data["remote_deleted_at"] = row.deleted.map_or(Value::Null, |at| moment(at).into());
        data
    };
    let rows: Vec<&Row> = inner.mirror.rows.iter().filter(wanted).collect();
    page(&inner, "employees", &query, rows.len(), twist, |place| {
        rows.get(place).map(|row| shown(row))
    })
}

/// Kombo writes moments to the millisecond.
fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}

pub(super) fn groups(shared: &Shared, call: &Call, twist: Twist) -> Outcome<Answer> {
    let query = Query::read(call, &["types", "name_contains"])?;
    let now = moment(shared.clock.now());
    let mut groups: Vec<Value> = Vec::new();
    for number in shared.people.ids() {
        let Some(values) = shared.people.get(number) else {
            continue;
        };
        let employee = rendered(number, &values);
        for group in employee["groups"].as_array().into_iter().flatten() {
            let wanted = query.types.as_ref().is_none_or(|types| {
                let kind = group["type"].as_str().unwrap_or("null");
                types.iter().any(|one| one == kind)
            });
            if wanted && !groups.iter().any(|known| known["id"] == group["id"]) {
                let mut group = group.clone();
                group["parent_id"] = Value::Null;
                group["remote_data"] = Value::Null;
                group["changed_at"] = now.clone().into();
                group["remote_deleted_at"] = Value::Null;
                groups.push(group);
            }
        }
    }
    page(
        &shared.kombo.lock(),
        "groups",
        &query,
        groups.len(),
        twist,
        |place| groups.get(place).cloned(),
    )
}

pub(super) fn categories(shared: &Shared, call: &Call, twist: Twist) -> Outcome<Answer> {
    let query = Query::read(call, &[])?;
    let now = moment(shared.clock.now());
    let categories: Vec<Value> = shared
        .documents
        .categories()
        .into_iter()
        .map(|category| {
            let remote = category.id.to_string();
            json!({
                "id": kombo_id("category", &remote), "remote_id": remote, "name": category.name,
                "remote_data": null, "changed_at": now, "remote_deleted_at": null,
            })
        })
        .collect();
    page(
        &shared.kombo.lock(),
        "categories",
        &query,
        categories.len(),
        twist,
        |place| categories.get(place).cloned(),
    )
}
