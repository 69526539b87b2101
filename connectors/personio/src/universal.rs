//! Attributes that each account keeps under a key of its own.
//!
//! The date of birth is no attribute of Personio's but one that accounts come with, `dynamic_7123992` in one and
//! something else in the next. What is the same everywhere is its universal name. A flow says that, and the key is
//! looked up when a read begins.

use std::collections::BTreeMap;

use matricula_sdk::{Context, Failure};
use serde::de::{DeserializeSeed, Deserializer};

use crate::failures::Right;
use crate::raw::{Raw, RawSeed};
use crate::{BASE, answer};

/// Those that the manifest has by their universal name.
const UNIVERSAL: [&str; 1] = ["date_of_birth"];

/// Whether an attribute is kept under a key of the account's own.
pub(crate) fn is_universal(attribute: &str) -> bool {
    UNIVERSAL.contains(&attribute)
}

/// The keys of those of the attributes that accounts keep under keys of their own; one that is missing may not
/// be read. Costs a request only if there is such an attribute.
pub(crate) fn keys(
    cx: &Context<'_>,
    attributes: &[String],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut keys = BTreeMap::new();
    if attributes.iter().any(|name| is_universal(name)) {
        for allowed in allowed(cx)? {
            if attributes.contains(&allowed.universal_id) && is_universal(&allowed.universal_id) {
                keys.insert(allowed.universal_id, allowed.key);
            }
        }
    }
    Ok(keys)
}

/// An attribute that may be read.
pub(crate) struct Allowed {
    pub(crate) key: String,
    pub(crate) label: String,
    pub(crate) universal_id: String,
}

/// What the credential may read of employees.
pub(crate) fn allowed(cx: &Context<'_>) -> Result<Vec<Allowed>, Failure> {
    let url = format!("{BASE}/company/employees/attributes");
    Ok(answer::get(cx, Right::ReadEmployees, url, AllowedSeed)?.data)
}

/// Reads an [`Allowed`]; of whatever has another shape, all texts are empty, which matches nothing.
#[derive(Clone, Copy)]
struct AllowedSeed;

impl<'de> DeserializeSeed<'de> for AllowedSeed {
    type Value = Allowed;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Allowed, D::Error> {
        let raw = RawSeed(|field| matches!(field, "key" | "label" | "universal_id"))
            .deserialize(deserializer)?;
        let text = |name| {
            raw.field(name)
                .and_then(Raw::text)
                .unwrap_or_default()
                .to_owned()
        };
        Ok(Allowed {
            key: text("key"),
            label: text("label"),
            universal_id: text("universal_id"),
        })
    }
}
