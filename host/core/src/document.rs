//! Documents: what is put into a person's file at the target once and for ever.
//!
//! Nothing can take back an upload that was made twice, and most remotes know no idempotency key. So each
//! document has a row of its own, by the value that its flow's `once` gives: the intent is committed before
//! the upload, and what became of it afterwards. A row that still says *intended* when a cycle begins is a
//! doubt: the target is asked what it holds, and compared by the hashes of what was to be sent; where it
//! cannot be asked, an owner decides.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::file::File;
use crate::id::{SourceKey, TargetId};
use crate::link::Applied;

/// What is known of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The value of the flow's `once`.
    pub key: SourceKey,
    /// How it stands.
    pub state: DocumentState,
    /// Hash of the record alone: what was delivered is not looked at again because flow or settings changed.
    /// Zero: deal with it again.
    pub record: u128,
    /// The person at the target into whose personnel file it belongs, once known.
    pub owner: Option<SourceKey>,
    /// The account whose owner is not known yet; only while waiting.
    pub wants: Option<TargetId>,
    /// Its identity at the target, where the target tells.
    pub target: Option<TargetId>,
    /// Hashes of the values that were sent, by attribute.
    pub sent: Applied,
    /// The file's size in bytes, once it was had.
    pub size: Option<u64>,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits, once it was had.
    pub sha256: Option<String>,
    /// When it was last sent, if it may have arrived: it is looked for before it is sent again.
    pub sent_at: Option<Timestamp>,
    /// How often it could not be dealt with in a row.
    pub attempts: u32,
    /// Not tried again before; only while failed.
    pub not_before: Option<Timestamp>,
}

/// What somebody says of a document that nobody knows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentDecision {
    /// It lies in the personnel file.
    Arrived,
    /// It does not.
    SendAgain,
}

impl DocumentDecision {
    /// How the document stands then.
    pub fn state(self) -> DocumentState {
        match self {
            Self::Arrived => DocumentState::Delivered,
            Self::SendAgain => DocumentState::Again,
        }
    }
}

impl Document {
    /// A document never seen before.
    pub fn new(key: SourceKey) -> Self {
        Self {
            key,
            state: DocumentState::Waiting,
            record: 0,
            owner: None,
            wants: None,
            target: None,
            sent: Applied::default(),
            size: None,
            sha256: None,
            sent_at: None,
            attempts: 0,
            not_before: None,
        }
    }

    /// It lies in the personnel file, as this.
    pub fn deliver_as(&mut self, target: Option<TargetId>) {
        self.state = DocumentState::Delivered;
        self.target = target;
        self.settle();
    }

    /// The flow does not want it.
    pub fn drop_it(&mut self) {
        self.state = DocumentState::Unwanted;
        self.settle();
    }

    /// Its person is not known yet.
    pub fn wait_for(&mut self, account: Option<TargetId>) {
        self.state = DocumentState::Waiting;
        self.settle();
        self.wants = account;
    }

    /// It is about to be sent.
    pub fn intend(&mut self, file: &File, now: Timestamp) {
        self.state = DocumentState::Intended;
        self.size = Some(file.size);
        self.sha256 = Some(file.sha256.clone());
        self.sent_at = Some(now);
        self.wants = None;
        self.not_before = None;
    }

    /// It could not be dealt with, for the `attempts`-th time in a row; `retry_at` says when that is tried again.
    pub fn fail(&mut self, retry_at: impl FnOnce(u32) -> Timestamp) {
        self.state = DocumentState::Failed;
        self.attempts += 1;
        self.not_before = Some(retry_at(self.attempts));
        self.wants = None;
    }

    fn settle(&mut self) {
        self.wants = None;
        self.attempts = 0;
        self.not_before = None;
    }
}

/// How a document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentState {
    /// Its person is not known at the target yet.
    Waiting,
    /// It is being sent, or was when the process ended: nobody knows whether it arrived.
    Intended,
    /// It lies in the person's file.
    Delivered,
    /// It could not be had or sent; it is tried again.
    Failed,
    /// Nobody knows whether it arrived and the target cannot be asked: an owner decides.
    Doubtful,
    /// It is known not to have arrived and is to be sent again.
    Again,
    /// The flow says that it is not wanted.
    Unwanted,
}

/// How many documents an automation knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentFigures {
    /// In people's files.
    pub delivered: u64,
    /// Whose person is not known at the target yet.
    pub waiting: u64,
    /// That an owner has to decide about.
    pub doubtful: u64,
    /// That could not be delivered so far.
    pub failed: u64,
    /// That the next cycle has something to do for: intended, to be sent again, failed and due, or waiting
    /// for a person who is known by now.
    pub due: u64,
}
