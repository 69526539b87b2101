//! What the tasks share that fetch files and send them.

use std::sync::Arc;
use std::time::Duration;

use matricula_core::connector::{self, Call, Receipt};
use matricula_core::document::Document;
use matricula_core::egress::Egress;
use matricula_core::file::{File, FileRule};
use matricula_core::{AutomationId, Effect, Failure, FailureKind};
use serde_json::{Map, Value, json};

use super::plan::{Parcel, explain};
use crate::cycle::Cycle;
use crate::side::Side;
use crate::target::{Patience, Target};
use crate::{Engine, EngineError};

/// How documents get from one system to the other. Owned by every task that works for a stretch.
pub(super) struct Carrier {
    pub(super) engine: Engine,
    pub(super) target: Arc<Target>,
    source: Side,
    pub(super) automation: AutomationId,
    stream: String,
    /// The attribute that says whose document it is.
    pub(super) owner: String,
    /// The attribute that takes the file.
    file: String,
    rule: FileRule,
    /// Attributes by which documents are told apart, with their tags. One that only the settings give, such
    /// as a category, is none: somebody may have moved the document.
    pub(super) told_apart: Vec<(String, u32)>,
    pub(super) salt: u64,
}

/// A file in the host's hold, let go when this is dropped.
pub(super) struct Held {
    pub(super) file: File,
    egress: Arc<dyn Egress>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.egress.release(&self.file.id);
    }
}

impl Cycle<'_> {
    pub(super) fn carrier(&self) -> Result<Arc<Carrier>, EngineError> {
        let flow = self.program.flow();
        let delivery = flow.delivery().ok_or_else(|| {
            let message = format!("the flow {} delivers no documents", flow.name());
            Failure::new(FailureKind::Internal, message)
        })?;
        let told_apart = flow
            .fields()
            .iter()
            .filter(|spec| spec.from_record)
            .filter(|spec| spec.name != delivery.owner && spec.name != delivery.file)
            .map(|spec| (spec.name.clone(), spec.tag))
            .collect();
        Ok(Arc::new(Carrier {
            engine: self.engine.clone(),
            target: Arc::clone(&self.target),
            source: self.sides.source.clone(),
            automation: self.automation.id.clone(),
            stream: flow.source().1.to_owned(),
            owner: delivery.owner.clone(),
            file: delivery.file.clone(),
            rule: delivery.rule.clone(),
            told_apart,
            salt: self.automation.salt,
        }))
    }
}

impl Carrier {
    /// Brings a document's file into the host's hold and looks whether the target takes such a file.
    pub(super) async fn fetch(&self, parcel: &Parcel) -> Result<Held, Failure> {
        let key = format!("fetch:{}", parcel.document.key);
        let mut patience = Patience::new(&self.engine, &*self.target.observer);
        let file = loop {
            let call = self.call(&self.source, key.clone());
            let connector = &self.source.connector;
            let file = connector
                .fetch(&call, &self.stream, &parcel.reference, self.rule.largest)
                .await;
            match file {
                Err(failure) if patience.again(&failure).await => {}
                result => break result?,
            }
        };
        let held = Held {
            file,
            egress: Arc::clone(&self.source.egress),
        };
        let File {
            size, media_type, ..
        } = &held.file;
        if *size == 0 {
            return Err(unfit("file-empty", explain("file-empty")));
        }
        if *size > self.rule.largest {
            let reason = format!(
                "the file has {size} bytes; {} takes {} at the most",
                self.target.side.title(),
                self.rule.largest
            );
            return Err(unfit("file-too-large", reason));
        }
        if !self.rule.types.is_empty() && !self.rule.types.contains(media_type) {
            let reason = format!(
                "by its content the file is {media_type}, which {} does not take",
                self.target.side.title()
            );
            return Err(unfit("file-type", reason));
        }
        Ok(held)
    }

    /// Sends a document, once.
    pub(super) async fn send(
        &self,
        document: &Document,
        data: &Map<String, Value>,
        file: &File,
    ) -> Result<Receipt, Failure> {
        let mut data = data.clone();
        data.insert(
            self.file.clone(),
            json!({
                "id": file.id.0,
                "name": file.name,
                "media_type": file.media_type,
                "size": file.size,
                "sha256": file.sha256,
            }),
        );
        // The same document has the same key in every run.
        let idempotency_key = format!("{}:{}", self.automation, document.key);
        let change = connector::Change {
            idempotency_key: idempotency_key.clone(),
            target: None,
            data: Value::Object(data).to_string(),
        };
        let Target {
            side,
            name,
            prepared,
            ..
        } = &*self.target;
        let call = self.call(side, idempotency_key);
        let mut outcomes = side
            .connector
            .write(&call, name, prepared, std::slice::from_ref(&change))
            .await?;
        match (outcomes.pop(), outcomes.is_empty()) {
            (Some(outcome), true) => outcome,
            _ => Err(Failure::new(
                FailureKind::Protocol,
                "the connector did not answer one outcome for one document",
            )
            .with_effect(Effect::Unknown)),
        }
    }

    fn call(&self, side: &Side, key: String) -> Call {
        let deadline: Duration = self.engine.options.file_deadline;
        side.call(self.engine.clock.now(), key, deadline)
    }
}

fn unfit(code: &str, reason: String) -> Failure {
    Failure::new(FailureKind::Input, reason).with_code(code)
}
