//! The second pass: references to people who had no account yet when the referring person was written.
//!
//! A reference that cannot be resolved waits; it never keeps a person out. Finding those that can be is a
//! join in the store, so a cycle in which nothing became resolvable costs one query.

use std::collections::BTreeMap;

use matricula_core::SourceKey;
use matricula_core::link::Link;
use matricula_core::run::{CycleKind, Outcome, OutcomeKind};
use matricula_core::store::LinkWrite;
use serde_json::{Map, Value};

use crate::cycle::Cycle;
use crate::observe::Event;
use crate::plan;
use crate::write::{Work, write};
use crate::{EngineError, hash};

/// References in hand at a time.
const ROWS: u32 = 500;

impl Cycle<'_> {
    /// Applies every reference whose other end has an account now.
    pub(crate) async fn refer(&mut self) -> Result<(), EngineError> {
        let tags: BTreeMap<String, u32> = self
            .program
            .flow()
            .fields()
            .iter()
            .map(|spec| (spec.name.clone(), spec.tag))
            .collect();
        let mut after: Option<SourceKey> = None;
        loop {
            let rows = self
                .engine
                .store
                .resolvable(&self.automation.id, after.as_ref(), ROWS)
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = Some(last.link.key.clone());
            let mut people: Vec<(Link, Map<String, Value>)> = Vec::new();
            for row in rows {
                if row.link.target.is_none() || self.target.unavailable.contains(&row.attribute) {
                    continue;
                }
                let value = Value::String(row.target.as_str().to_owned());
                match people.last_mut() {
                    Some((link, data)) if link.key == row.link.key => {
                        data.insert(row.attribute, value);
                    }
                    _ => people.push((row.link, Map::from_iter([(row.attribute, value)]))),
                }
            }
            let work = people
                .iter()
                .map(|(link, data)| Work {
                    key: link.key.clone(),
                    target: link.target.clone(),
                    data: Some(data.clone()),
                    identity: None,
                })
                .collect();
            let written = write(&self.target, &self.run_key(), work).await;
            let mut links = Vec::new();
            let mut outcomes = Vec::new();
            for ((mut link, data), result) in people.into_iter().zip(written.results) {
                let Some(result) = result else { continue };
                let changed: Vec<String> = data.keys().cloned().collect();
                let outcome = match result {
                    Ok(_) => {
                        for (attribute, value) in &data {
                            if let Some(tag) = tags.get(attribute) {
                                link.applied
                                    .set(*tag, hash::value(value, self.automation.salt));
                            }
                        }
                        Outcome {
                            key: link.key.clone(),
                            target: link.target.clone(),
                            kind: OutcomeKind::Updated,
                            code: Some("reference".to_owned()),
                            reason: None,
                            changed: changed.clone(),
                        }
                    }
                    // It stays pending: the next cycle tries it again.
                    Err(failure) => {
                        let code = failure.code.unwrap_or_else(|| "reference".to_owned());
                        plan::outcome(&link, OutcomeKind::Failed, &code, failure.message)
                    }
                };
                let failed = outcome.kind == OutcomeKind::Failed;
                // Somebody who was just made or changed is counted as that; in a full read somebody of whom
                // nothing has been told was counted as unchanged.
                match self.told.get(&hash::key(&link.key)) {
                    None => {
                        if self.run.cycle == CycleKind::Full {
                            self.run.counts.take(OutcomeKind::Unchanged);
                        }
                        self.count(&link.key, outcome.kind);
                    }
                    Some(OutcomeKind::Unchanged) => self.count(&link.key, outcome.kind),
                    Some(_) if failed => self.count(&link.key, OutcomeKind::Failed),
                    Some(_) => {}
                }
                self.observer.event(&Event::Outcome(&outcome));
                outcomes.push(outcome);
                let resolved = if failed { Vec::new() } else { changed };
                links.push(LinkWrite {
                    link,
                    references: None,
                    resolved,
                });
            }
            self.commit(links, outcomes).await?;
            if let Some(failure) = written.stop {
                return Err(failure.into());
            }
        }
    }
}
