//! Whether a credential may read what a flow needs.
//!
//! One request: the attributes that the credential may read. It needs the same right as reading employees,
//! so it fails where that would. An attribute that is not among them would simply be missing from every
//! employee, without any error, so each is named here, as the owner sees it in Personio, with the click
//! that helps.

use matricula_sdk::{Context, Failure, Finding, Need, Report};
use serde::de::{DeserializeSeed, Deserializer};

use crate::failures::INTEGRATIONS;
use crate::manifest::Labels;
use crate::raw::{Raw, RawSeed};
use crate::{BASE, EMPLOYEES, answer, not_offered};

/// Tests the credential for the needs.
pub fn check(cx: &Context<'_>, needs: &[Need]) -> Result<Report, Failure> {
    if let Some(other) = needs.iter().find(|need| need.subject != EMPLOYEES) {
        return Err(not_offered(&format!("the stream {}", other.subject)));
    }
    let allowed = answer::get(
        cx,
        format!("{BASE}/company/employees/attributes"),
        AllowedSeed,
    )?
    .data;
    let labels = Labels::employees();
    let named = allowed
        .iter()
        .map(|attribute| (attribute.key.as_str(), attribute.label.as_str()));
    let language = labels.language(named);

    let mut findings: Vec<Finding> = Vec::new();
    let mut looked_at: Vec<&str> = Vec::new();
    for key in needs.iter().flat_map(|need| &need.attributes) {
        // Every employee comes with an identifier, whether it is listed or not.
        let known = key == "id" || allowed.iter().any(|attribute| attribute.key == *key);
        if known || looked_at.contains(&key.as_str()) {
            continue;
        }
        looked_at.push(key);
        let elsewhere = allowed
            .iter()
            .find(|attribute| attribute.universal_id == *key);
        findings.push(match elsewhere {
            Some(attribute) => Finding {
                ok: false,
                subject: attribute.label.clone(),
                message: format!(
                    "this account keeps it under the key {0}, so the flow has to say {0} instead of {key}",
                    attribute.key
                ),
            },
            None => {
                let label = labels.get(key, language).unwrap_or(key);
                Finding {
                    ok: false,
                    subject: label.to_owned(),
                    message: format!(
                        "these credentials may not read \"{label}\": {INTEGRATIONS}, tick \"{label}\" among \
                         the readable employee attributes and save"
                    ),
                }
            }
        });
    }
    // Version 1 of the API does not tell whose account it is; the client ID is what the owner can compare.
    let account = cx
        .credential("client_id")
        .map(|id| format!("Personio API client {id}"));
    Ok(Report { account, findings })
}

/// An attribute that may be read.
struct Allowed {
    key: String,
    label: String,
    universal_id: String,
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
