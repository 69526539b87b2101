//! Options for a form: what users point to, reasons for deactivation, the organisation's own attributes.
//!
//! What users point to is chosen by name, as flows have names; the rest by the code or key that is sent.

use matricula_sdk::{Choice, Choices, Context, Result, json};
use serde_json::Value;

use crate::api;
use crate::custom::Catalogue;
use crate::listing::{self, LARGEST};
use crate::names::Kind;
use crate::not_offered;

const REASONS: &str = "users/block-reason-codes";

pub(crate) fn options(
    cx: &Context<'_>,
    field: &str,
    search: Option<&str>,
    position: Option<&str>,
) -> Result<Choices> {
    let search = search.unwrap_or_default().trim().to_lowercase();
    let fits = |choice: &Choice| {
        choice.label.to_lowercase().contains(&search)
            || choice.value.to_lowercase().contains(&search)
    };
    let mut choices = match field {
        "departments" => named(cx, Kind::Departments, position)?,
        "businesses" => named(cx, Kind::Businesses, position)?,
        "locations" => named(cx, Kind::Location, position)?,
        "job-titles" => named(cx, Kind::JobTitle, position)?,
        "block-reasons" => whole(reasons(cx)?),
        "custom-attributes" => whole(custom(cx)?),
        other => return Err(not_offered("options for", other)),
    };
    choices.items.retain(fits);
    Ok(choices)
}

fn whole(items: Vec<Choice>) -> Choices {
    Choices { items, next: None }
}

fn named(cx: &Context<'_>, kind: Kind, position: Option<&str>) -> Result<Choices> {
    let page: u32 = match position {
        Some(position) => json::token("position", position)?,
        None => 1,
    };
    let listing = listing::page(cx, kind.path(), "", page, LARGEST)?;
    let choice = |entry: &Value| {
        let name = json::text(entry.get("name")?)?;
        Some(Choice {
            value: name.to_owned(),
            label: name.to_owned(),
            hint: None,
        })
    };
    Ok(Choices {
        items: listing.entries.iter().filter_map(choice).collect(),
        next: match listing.more {
            true => Some(json::to_token("position", &(page + 1))?),
            false => None,
        },
    })
}

/// The reasons that can be chosen.
pub(crate) fn reasons(cx: &Context<'_>) -> Result<Vec<Choice>> {
    let choice = |entry: &Value| {
        let text = |name: &str| entry.get(name).and_then(json::text).map(str::to_owned);
        let code = text("code").filter(|_| entry["archived"] != true)?;
        Some(Choice {
            label: text("display_text").unwrap_or_else(|| code.clone()),
            hint: text("description"),
            value: code,
        })
    };
    let reasons = api::list(api::get(cx, REASONS)?, "reasons for deactivation")?;
    Ok(reasons.iter().filter_map(choice).collect())
}

fn custom(cx: &Context<'_>) -> Result<Vec<Choice>> {
    let catalogue = Catalogue::read(cx)?.unwrap_or_default();
    let choice = |attribute: crate::custom::Custom| Choice {
        value: attribute.key,
        label: attribute.title,
        hint: Some(attribute.kind).filter(|kind| !kind.is_empty()),
    };
    Ok(catalogue.custom.into_iter().map(choice).collect())
}
