//! What a personnel file holds, and whether a document is among it.
//!
//! Compared is what was sent, by hashes, so that the record need not be at hand. Two documents that differ in
//! nothing that the target tells are only told apart by a text of their own; a flow puts the document's
//! number into the comment for that.

use matricula_core::document::Document;
use matricula_core::{Failure, FailureKind, SourceKey, TargetId};
use serde_json::{Map, Value};

use super::carrier::Carrier;
use super::plan;
use crate::EngineError;
use crate::matching::parse;

/// A document in a personnel file.
pub(super) struct Lying {
    pub(super) target: TargetId,
    pub(super) data: Map<String, Value>,
}

/// What a personnel file holds, as far as that can be told.
pub(super) enum Listing {
    /// All of it that is not known as another document.
    Open(Vec<Lying>),
    /// The target does not let it be listed.
    Closed,
    /// It could not be listed this time.
    Unreadable(Failure),
}

impl Carrier {
    /// Whether the target lists anybody's documents, by its manifest.
    pub(super) fn can_list(&self) -> bool {
        self.target.operation.find.contains(&self.owner)
    }

    /// Lists somebody's personnel file.
    pub(super) async fn list(&self, owner: &SourceKey) -> Result<Listing, EngineError> {
        if !self.can_list() {
            return Ok(Listing::Closed);
        }
        let asked = self
            .target
            .find(&self.owner, &[owner.as_str().to_owned()])
            .await;
        let found = match asked {
            Ok(mut found) => found.pop().unwrap_or_default(),
            Err(failure) => {
                return Ok(match failure.kind {
                    // A credential that may send need not be one that may read.
                    FailureKind::Permission | FailureKind::Auth => Listing::Closed,
                    FailureKind::NotFound => Listing::Open(Vec::new()),
                    _ => Listing::Unreadable(failure),
                });
            }
        };
        let targets: Vec<TargetId> = found.iter().map(|found| found.target.clone()).collect();
        let known = self
            .engine
            .store
            .delivered_as(&self.automation, &targets)
            .await?;
        let mut lying = Vec::with_capacity(found.len());
        for (found, known) in found.into_iter().zip(known) {
            if known.is_some() {
                continue;
            }
            match parse(&found.data) {
                Ok(data) => lying.push(Lying {
                    target: found.target,
                    data,
                }),
                Err(failure) => return Ok(Listing::Unreadable(failure)),
            }
        }
        Ok(Listing::Open(lying))
    }

    /// Whether what lies there is this document, as far as the target tells.
    pub(super) fn is_same(&self, document: &Document, lying: &Lying) -> bool {
        let nothing = plan::as_told(&Value::Null, self.salt);
        let mut compared = 0;
        for (attribute, tag) in &self.told_apart {
            let (Some(sent), Some(value)) = (document.sent.get(*tag), lying.data.get(attribute))
            else {
                continue;
            };
            // What was left empty may have been filled in there.
            if sent == nothing {
                continue;
            }
            if plan::as_told(value, self.salt) != sent {
                return false;
            }
            compared += 1;
        }
        let size = lying.data.get("size").and_then(Value::as_u64);
        if let (Some(sent), Some(size)) = (document.size, size)
            && sent != size
        {
            return false;
        }
        compared > 0
    }
}
