//! Looks into a system for a form that somebody fills in: what there is to choose from, and a few records by which
//! a mapping is tried. Nothing of it is kept.

use std::sync::Arc;

use matricula_core::connector::{Call, Choices, ReadRequest};
use matricula_core::credential::Credential;
use matricula_core::manifest::properties;
use matricula_core::{Failure, FailureKind, SourceKey};
use matricula_engine::Side;
use serde_json::{Map, Value, json};

use crate::Matricula;
use crate::error::{Error, there_are};

/// A record of a source: its key and its attributes.
pub type Sample = (SourceKey, Map<String, Value>);

impl Matricula {
    /// A page of what there is to choose from in a system, as `lookup` of its connector lists it.
    ///
    /// # Errors
    /// [`Error::NotOffered`] if the connector has no such lookup; [`Error::Failure`] if the system cannot be asked.
    pub async fn choices(
        &self,
        credential: &Credential,
        lookup: &str,
        search: Option<&str>,
        position: Option<&str>,
    ) -> Result<Choices, Error> {
        let side = self.side(credential, &json!({})).await?;
        let known = &side.connector.manifest().lookups;
        if !known.contains_key(lookup) {
            let names = known.keys().map(String::as_str);
            return Err(not_offered(credential, "list of choices", lookup, names));
        }
        let call = self.call(&side, format!("options/{}/{lookup}", credential.id));
        let choices = side.connector.options(&call, lookup, search, position);
        Ok(choices.await?)
    }

    /// The first records of a stream, as they are at this moment, with the attributes that the connector's
    /// manifest names; attributes that the credential may not read are absent.
    ///
    /// # Errors
    /// [`Error::NotOffered`] if the connector has no such stream; [`Error::Failure`] if the system cannot be read.
    pub async fn samples(
        &self,
        credential: &Credential,
        stream: &str,
        most: u32,
    ) -> Result<Vec<Sample>, Error> {
        let side = self.side(credential, &json!({})).await?;
        let streams = &side.connector.manifest().streams;
        let Some(described) = streams.get(stream) else {
            let names = streams.keys().map(String::as_str);
            return Err(not_offered(credential, "stream", stream, names));
        };
        // What a file is fetched by is of no use to a mapping.
        let attributes: Vec<String> = properties(&described.schema)
            .into_iter()
            .flatten()
            .filter(|(_, property)| property.get("x-file").is_none())
            .map(|(name, _)| name.clone())
            .collect();
        let call = self.call(&side, format!("samples/{}/{stream}", credential.id));
        let request = ReadRequest {
            stream: stream.to_owned(),
            attributes: attributes.clone(),
            limit: most.min(described.page),
            ..ReadRequest::default()
        };
        let page = side.connector.read(&call, &request).await?;
        let mut samples = Vec::new();
        for item in page.items.into_iter().filter(|item| !item.deleted) {
            if samples.len() >= most as usize {
                break;
            }
            let mut record: Map<String, Value> =
                serde_json::from_str(&item.data).map_err(|_| {
                    let message = format!("{} gives a record that is no object", side.title());
                    Failure::new(FailureKind::Protocol, message)
                })?;
            record.retain(|name, _| attributes.contains(name));
            samples.push((item.key, record));
        }
        Ok(samples)
    }

    /// What a call is given that belongs to no run.
    pub(crate) fn call(&self, side: &Side, key: String) -> Call {
        let now = self.clock.now();
        Call {
            config: Arc::clone(&side.config),
            now_ms: u64::try_from(now.as_millisecond()).unwrap_or(0),
            idempotency_key: format!("{key}/{}", now.as_millisecond()),
            egress: Arc::clone(&side.egress),
            deadline: self.options.call_deadline,
        }
    }
}

fn not_offered<'a>(
    credential: &Credential,
    what: &'static str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Error {
    Error::NotOffered {
        connector: credential.connector.clone(),
        what,
        name: name.to_owned(),
        hint: there_are(known),
    }
}
