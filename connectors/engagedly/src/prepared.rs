//! What is learned once a run: the names of what users point to, and the organisation's own attributes.

use std::collections::BTreeMap;

use matricula_sdk::{Context, Preparation, Result, json};
use serde::{Deserialize, Serialize};

use crate::custom::{Catalogue, Custom};
use crate::names::{Kind, Names};

/// The attribute that holds the organisation's own.
pub(crate) const CUSTOM: &str = "custom_attributes";

/// How many bytes of names of each kind travel with the run, and how many of attributes: the host takes 64 KiB
/// in all. What there is no room for is read again when it is wanted.
const ROOM: usize = 10 * 1024;
const CUSTOM_ROOM: usize = 16 * 1024;

/// Handed back to each write.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prepared {
    pub(crate) names: BTreeMap<Kind, Names>,
    /// None: there was no room, or nobody asked.
    pub(crate) custom: Option<Vec<Custom>>,
}

impl Prepared {
    pub(crate) fn read(token: &str) -> Result<Self> {
        json::token("preparation", token)
    }
}

pub(crate) fn prepare(cx: &Context<'_>, attributes: &[String]) -> Result<Preparation> {
    let mut prepared = Prepared::default();
    let mut unavailable = Vec::new();
    for attribute in attributes {
        if let Some(kind) = Kind::of(attribute) {
            match Names::read(cx, kind)? {
                Some(mut names) => {
                    names.shorten(ROOM);
                    prepared.names.insert(kind, names);
                }
                None => unavailable.push(attribute.clone()),
            }
        } else if attribute == CUSTOM {
            match Catalogue::read(cx)? {
                Some(catalogue) => {
                    let size =
                        serde_json::to_string(&catalogue.custom).map_or(0, |text| text.len());
                    prepared.custom = (size <= CUSTOM_ROOM).then_some(catalogue.custom);
                }
                None => unavailable.push(attribute.clone()),
            }
        } else if !crate::ATTRIBUTES.contains(&attribute.as_str()) {
            unavailable.push(attribute.clone());
        }
    }
    Ok(Preparation {
        prepared: json::to_token("preparation", &prepared)?,
        unavailable,
    })
}
