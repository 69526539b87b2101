//! The contract's data. See `wit/v1/connector.wit` for what each field means.

use serde::Serialize;

/// What a flow will want of this system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// A stream or an operation of the manifest.
    pub subject: String,
    /// The attributes of it that the flow uses.
    pub attributes: Vec<String>,
}

/// One right or attribute that was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Whether it is as needed.
    pub ok: bool,
    /// The attribute or right, by the name that the owner sees in the remote system.
    pub subject: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// The result of testing a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What the user reads as "connected as …".
    pub account: Option<String>,
    /// One per right or attribute.
    pub findings: Vec<Finding>,
}

/// One option of a form field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What is stored.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// What is shown smaller.
    pub hint: Option<String>,
}

/// A page of options.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Choices {
    /// The options.
    pub items: Vec<Choice>,
    /// Where to go on.
    pub next: Option<String>,
}

/// What to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// The stream of the manifest.
    pub stream: String,
    /// The attributes that the flow uses; read no others where the remote allows to choose.
    pub attributes: Vec<String>,
    /// Where to go on within this run, as returned in [`Page::next`].
    pub position: Option<String>,
    /// Where the previous run ended, as returned in [`Page::state`]; set for an incremental read.
    pub state: Option<String>,
    /// The most records in the page.
    pub limit: u32,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Identity in the remote system, stable over renames.
    pub key: String,
    /// The remote says that it is gone.
    pub deleted: bool,
    /// JSON object valid against the stream's schema. What may not be read is absent; what is empty is
    /// null.
    pub data: String,
}

/// One page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The records.
    pub items: Vec<Item>,
    /// Where to go on in this run; none ends it.
    pub next: Option<String>,
    /// On the last page: where the next run may start.
    pub state: Option<String>,
    /// On the last page of a full read: whether what was read is the whole population.
    pub complete: bool,
    /// For progress, when the remote tells it.
    pub total: Option<u64>,
}

/// What the target can take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Preparation {
    /// Handed back to each `find` and `write`.
    pub prepared: String,
    /// Those of the asked attributes that this target does not offer.
    pub unavailable: Vec<String>,
}

/// An account or a document at the target, in the operation's own attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Its identity there.
    pub remote_id: String,
    /// JSON object.
    pub data: String,
}

/// One change to write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// Unique per change.
    pub idempotency_key: String,
    /// The linked account; none creates one.
    pub remote_id: Option<String>,
    /// JSON object of the attributes to set: null clears, absent leaves alone. The text `null` deletes.
    pub data: String,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
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
    /// Not tried.
    Skipped,
}

/// The outcome of one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The account.
    pub remote_id: Option<String>,
    /// What was done.
    pub disposition: Disposition,
}
