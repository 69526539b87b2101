//! Options for forms: departments, whose value is the name, since that is what a flow's scope compares; and
//! document categories, whose value is Kombo's identity.

use matricula_sdk::{Choice, Choices, Context, Result, json};
use serde_json::Value;

use crate::{api, not_offered};

/// The most that Kombo gives at once.
const PAGE: u32 = 250;

/// The models that have a form field's options.
const CATEGORIES: &str = "hris/employee-document-categories";
const DEPARTMENTS: &str = "hris/groups";

/// A page of options. A position is Kombo's cursor.
pub(crate) fn options(
    cx: &Context<'_>,
    field: &str,
    search: Option<&str>,
    position: Option<&str>,
) -> Result<Choices> {
    let (path, query) = match field {
        "document-categories" => (CATEGORIES, ""),
        "departments" => (DEPARTMENTS, "&types=DEPARTMENT"),
        other => return Err(not_offered(&format!("options for {other}"))),
    };
    let cursor = position
        .map(|cursor| format!("&cursor={}", api::encoded(cursor)))
        .unwrap_or_default();
    let listed = api::list(cx, &format!("{path}?page_size={PAGE}{query}{cursor}"))?;
    let search = search.unwrap_or_default().trim().to_lowercase();
    let mut items: Vec<Choice> = Vec::new();
    for one in &listed.results {
        let Some(name) = one.get("name").and_then(json::text) else {
            continue;
        };
        let value = match path {
            CATEGORIES => one.get("id").and_then(json::id),
            _ => Some(name.to_owned()),
        };
        let Some(value) = value else { continue };
        let known = items.iter().any(|choice| choice.value == value);
        if name.to_lowercase().contains(&search) && !known && !is_deleted(one) {
            items.push(Choice {
                value,
                label: name.to_owned(),
                hint: None,
            });
        }
    }
    Ok(Choices {
        items,
        next: listed.next,
    })
}

fn is_deleted(one: &Value) -> bool {
    one.get("remote_deleted_at").is_some_and(|at| !at.is_null())
}

/// Whether categories can be read at all.
pub(crate) fn probe(cx: &Context<'_>) -> Result<()> {
    api::list(cx, &format!("{CATEGORIES}?page_size=1")).map(|_| ())
}
