//! The contract with connectors, as the host sees it: the data of `wit/v1` and the [`Connector`] port.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::egress::Egress;
use crate::failure::{Failure, FailureKind};
use crate::file::File;
use crate::id::{SourceKey, TargetId};
use crate::manifest::Manifest;

/// What every call of a connector is given.
#[derive(Clone)]
pub struct Call {
    /// JSON object `{"credential": {…}, "settings": {…}}`; never contains a secret.
    pub config: Arc<str>,
    /// Unix time in milliseconds, as the component will see it.
    pub now_ms: u64,
    /// Stable over the retries of one logical operation.
    pub idempotency_key: String,
    /// The way out to the network, bound to one credential.
    pub egress: Arc<dyn Egress>,
    /// The call is ended after this time.
    pub deadline: Duration,
}

/// What a flow will want of a system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// A stream or an operation.
    pub subject: String,
    /// The attributes of it that the flow uses.
    pub attributes: Vec<String>,
}

/// One right or attribute that was tested.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Whether it is as needed.
    pub ok: bool,
    /// By the name that the owner sees in the remote system.
    pub subject: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// The result of testing a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// What the user reads as "connected as …".
    pub account: Option<String>,
    /// One per right or attribute.
    pub findings: Vec<Finding>,
}

/// One option of a form field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Choice {
    /// What is stored.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// What is shown smaller.
    pub hint: Option<String>,
}

/// A page of options.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Choices {
    /// The options.
    pub items: Vec<Choice>,
    /// Where to go on.
    pub next: Option<String>,
}

/// What to read of a stream.
#[derive(Debug, Clone, Default)]
pub struct ReadRequest {
    /// The stream's name in the manifest.
    pub stream: String,
    /// The attributes that are wanted.
    pub attributes: Vec<String>,
    /// Where to go on within this run.
    pub position: Option<String>,
    /// Where the previous run ended; set for an incremental read.
    pub state: Option<String>,
    /// The most records in the page.
    pub limit: u32,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Identity in the remote system.
    pub key: SourceKey,
    /// The remote says that it is gone.
    pub deleted: bool,
    /// JSON object, not yet checked against the stream's schema.
    pub data: String,
}

/// One page of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The records.
    pub items: Vec<Item>,
    /// Where to go on in this run; none ends it.
    pub next: Option<String>,
    /// Where the next run may start.
    pub state: Option<String>,
    /// On the last page of a full read: whether it was the whole population.
    pub complete: bool,
    /// For progress.
    pub total: Option<u64>,
}

/// What the target can take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preparation {
    /// Handed back to each `find` and `write` of the run.
    pub prepared: Arc<str>,
    /// Those of the asked attributes that the target does not offer.
    pub unavailable: Vec<String>,
}

/// An account at the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its identity there.
    pub target: TargetId,
    /// JSON object in the operation's attributes.
    pub data: String,
}

/// One change to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Unique per change.
    pub idempotency_key: String,
    /// The linked account; none creates one.
    pub target: Option<TargetId>,
    /// JSON object of the attributes to set; the text `null` deletes the account.
    pub data: String,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// An account was made.
    Created,
    /// It was changed.
    Updated,
    /// It already was as asked.
    Unchanged,
    /// The account was there already and has been brought up to date.
    Adopted,
    /// It was removed.
    Deleted,
    /// The connector did not try.
    Skipped,
}

/// The outcome of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The account's identity.
    pub target: Option<TargetId>,
    /// What was done.
    pub disposition: Disposition,
}

/// A system that can be read and written. Implemented by the component host; by fakes in tests.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What it is and may do; static.
    fn manifest(&self) -> &Manifest;
    /// Tests the credential for what a flow needs.
    async fn check(&self, call: &Call, needs: &[Need]) -> Result<Report, Failure>;
    /// Options for a form field.
    async fn options(
        &self,
        call: &Call,
        field: &str,
        search: Option<&str>,
        position: Option<&str>,
    ) -> Result<Choices, Failure>;
    /// Reads one page.
    async fn read(&self, call: &Call, request: &ReadRequest) -> Result<Page, Failure>;
    /// Brings the file that a record of the stream refers to into the hold of the call's egress; one of more
    /// than `largest` bytes is refused.
    async fn fetch(
        &self,
        call: &Call,
        stream: &str,
        reference: &str,
        largest: u64,
    ) -> Result<File, Failure> {
        let _ = (call, reference, largest);
        let message = format!("this connector has no files for {stream}");
        Err(Failure::new(FailureKind::Internal, message).with_code("not-offered"))
    }
    /// Learns what the target can take.
    async fn prepare(
        &self,
        call: &Call,
        operation: &str,
        attributes: &[String],
    ) -> Result<Preparation, Failure>;
    /// Finds accounts by an attribute: one list per value, in order.
    async fn find(
        &self,
        call: &Call,
        operation: &str,
        prepared: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>, Failure>;
    /// Writes a batch: one outcome per change, in order. The outer failure means that none was tried,
    /// unless its `effect` says otherwise.
    async fn write(
        &self,
        call: &Call,
        operation: &str,
        prepared: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt, Failure>>, Failure>;
}
