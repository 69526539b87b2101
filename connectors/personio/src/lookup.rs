//! Options for a form: departments, offices, companies; document categories.
//!
//! Version 1 of the API lists the categories, which come as they are, by identifier since a name may be given
//! to two. It lists none of the others, so they are collected from the employees, of whom nothing else
//! is read. The option's value is the name, because that is what a flow's scope compares: names outlive
//! the identifiers when an account is set up anew. Each call reads a few pages, so that a form shows
//! something at once; the rest comes with the position, which holds the names given so far.

use std::collections::BTreeMap;

use matricula_sdk::{Choice, Choices, Context, Failure, FailureKind, Result, json};
use serde::de::{DeserializeSeed, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failures::{INTEGRATIONS, Right};
use crate::manifest::{Labels, Language};
use crate::paging::{PAGE, address};
use crate::raw::{Raw, RawSeed};
use crate::records::{RecordSeed, Wanted};
use crate::{BASE, answer, not_offered};

/// How many requests one call makes at most; Personio allows 15 in a second.
const PAGES: usize = 5;

/// The most bytes of names that a position holds. Beyond, a name may be given again.
const MOST: usize = 32 * 1024;

/// The field of document categories.
const CATEGORIES: &str = "document-categories";

/// The attribute of an employee that has the options.
fn attribute(field: &str) -> Option<&'static str> {
    match field {
        "departments" => Some("department"),
        "offices" => Some("office"),
        "companies" => Some("subcompany"),
        _ => None,
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Position {
    /// How many records have come.
    offset: u64,
    /// The names given so far.
    given: Vec<String>,
}

/// A few options.
pub(crate) fn options(
    cx: &Context<'_>,
    field: &str,
    search: Option<&str>,
    position: Option<&str>,
) -> Result<Choices> {
    if field == CATEGORIES {
        return category_options(cx, search);
    }
    let attribute = attribute(field).ok_or_else(|| not_offered(&format!("options for {field}")))?;
    let first = position.is_none();
    let mut at: Position = match position {
        Some(position) => json::token("position", position)?,
        None => Position::default(),
    };
    let search = search.unwrap_or_default().trim().to_lowercase();
    let wanted = Wanted::new(&[attribute.to_owned()], &BTreeMap::new());

    let mut names: Vec<String> = Vec::new();
    let mut readable = false;
    let mut over = false;
    for _ in 0..PAGES {
        let answer = answer::get(
            cx,
            Right::ReadEmployees,
            address(PAGE, at.offset, &wanted.query()),
            RecordSeed(&wanted),
        )?;
        let came = answer.data.len() as u64;
        at.offset += came;
        for record in &answer.data {
            let data: Value = serde_json::from_str(&record.data).unwrap_or_default();
            readable |= data.get(attribute).is_some();
            let Some(name) = data[attribute]["name"].as_str().map(str::trim) else {
                continue;
            };
            if name.to_lowercase().contains(&search)
                && !at.given.iter().chain(&names).any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        }
        over = match answer.total {
            Some(total) => came == 0 || at.offset >= total,
            None => came < u64::from(PAGE),
        };
        if over {
            break;
        }
    }
    if first && !readable && at.offset > 0 {
        return Err(unreadable(attribute));
    }

    names.sort_by_cached_key(|name| name.to_lowercase());
    at.given.extend(names.iter().cloned());
    let mut bytes: usize = at.given.iter().map(|name| name.len() + 3).sum();
    while bytes > MOST {
        bytes -= at.given.remove(0).len() + 3;
    }
    let choice = |name: String| Choice {
        value: name.clone(),
        label: name,
        hint: None,
    };
    let next = if over {
        None
    } else {
        Some(json::to_token("position", &at)?)
    };
    Ok(Choices {
        items: names.into_iter().map(choice).collect(),
        next,
    })
}

/// A category of documents.
#[derive(Debug)]
pub(crate) struct Category {
    /// Its identifier.
    pub(crate) id: String,
    /// What it is called in the account.
    pub(crate) name: String,
}

/// All document categories of the account, which Personio sends at once.
pub(crate) fn categories(cx: &Context<'_>) -> Result<Vec<Category>> {
    let answer = answer::get(
        cx,
        Right::ReadDocuments,
        format!("{BASE}/company/document-categories"),
        CategorySeed,
    )?;
    let known = |category: &Category| !category.id.is_empty();
    Ok(answer.data.into_iter().filter(known).collect())
}

fn category_options(cx: &Context<'_>, search: Option<&str>) -> Result<Choices> {
    let search = search.unwrap_or_default().trim().to_lowercase();
    let mut categories = categories(cx)?;
    categories.retain(|category| category.name.to_lowercase().contains(&search));
    categories.sort_by_cached_key(|category| category.name.to_lowercase());
    let twice = |name: &str| categories.iter().filter(|other| other.name == name).count() > 1;
    let choice = |category: &Category| Choice {
        value: category.id.clone(),
        label: category.name.clone(),
        hint: twice(&category.name).then(|| format!("ID {}", category.id)),
    };
    Ok(Choices {
        items: categories.iter().map(choice).collect(),
        next: None,
    })
}

/// Reads a [`Category`]; one without an identifier that can be read has an empty one.
#[derive(Clone, Copy)]
struct CategorySeed;

impl<'de> DeserializeSeed<'de> for CategorySeed {
    type Value = Category;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Category, D::Error> {
        let raw = RawSeed(|field| matches!(field, "id" | "attributes" | "name"))
            .deserialize(deserializer)?;
        let inner = raw.field("attributes").unwrap_or(&raw);
        let id = raw.field("id").or_else(|| inner.field("id"));
        let id = id.and_then(|id| match id.whole() {
            Some(number) => Some(number.to_string()),
            None => id.text().map(|text| text.trim().to_owned()),
        });
        let id = id.unwrap_or_default();
        let name = inner.field("name").and_then(Raw::text);
        Ok(Category {
            name: name.map_or_else(|| id.clone(), |name| name.trim().to_owned()),
            id,
        })
    }
}

/// No employee has the attribute at all: it may not be read.
fn unreadable(attribute: &str) -> Failure {
    let labels = Labels::employees();
    let label = labels
        .get(attribute, Language::English)
        .unwrap_or(attribute);
    Failure::new(
        FailureKind::Permission,
        format!(
            "these credentials may not read \"{label}\" of Personio's employees: {INTEGRATIONS}, tick \
             \"{label}\" among the readable employee attributes and save"
        ),
    )
    .code("attribute")
}
