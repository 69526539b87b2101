//! What is to be done with one document: pure functions from a record and its row to a verdict.
//!
//! A delivered document is never sent again, whatever becomes of its record; what the source says of it
//! afterwards (revoked, changed) is told once and left to an owner, since a personnel file is not ours to
//! clear.

use jiff::Timestamp;
use matricula_core::SourceKey;
use matricula_core::document::{Document, DocumentState};
use matricula_core::run::{Outcome, OutcomeKind};
use matricula_flow::{FieldSpec, FieldValue, Paper, Program, RecordError};
use serde_json::{Map, Value};

use crate::{backoff, hash};

/// What every document of a cycle is planned by.
pub(super) struct Planner<'a> {
    pub(super) program: &'a Program,
    /// Attributes that the target does not offer.
    pub(super) unavailable: &'a [String],
    pub(super) salt: u64,
    pub(super) now: Timestamp,
}

/// The first look at a record.
pub(super) enum Assessed {
    /// As it was dealt with before.
    Untouched(SourceKey, OutcomeKind),
    /// Dealt with without the target.
    Settled(Box<Settled>),
    /// To be sent, once it is known to whom.
    Addressed(Box<Addressed>),
}

/// A document that has been dealt with.
pub(super) struct Settled {
    pub(super) document: Document,
    pub(super) kind: OutcomeKind,
    /// None: there is nothing new to tell.
    pub(super) outcome: Option<Outcome>,
}

/// A document that is wanted.
pub(super) struct Addressed {
    document: Document,
    /// The row as the store has it, if nothing but the person is missing.
    waits: bool,
    /// The account of the person whose document it is.
    pub(super) account: Option<SourceKey>,
    paper: Paper,
}

/// A document to be sent.
pub(super) struct Parcel {
    pub(super) document: Document,
    /// What is sent beside the file.
    pub(super) data: Map<String, Value>,
    /// By what the source's connector fetches the file.
    pub(super) reference: String,
    /// What the flow remarks about it.
    pub(super) remark: Option<String>,
    /// How often it was sent in this run without arriving.
    pub(super) attempts: u32,
}

/// An outcome with its code and what that means.
pub(super) fn outcome(document: &Document, kind: OutcomeKind, code: &str) -> Outcome {
    Outcome {
        key: document.key.clone(),
        target: document.target.clone(),
        kind,
        code: Some(code.to_owned()),
        reason: Some(explain(code)),
        changed: Vec::new(),
    }
}

/// A document that could not be dealt with this time.
pub(super) fn failed(
    mut document: Document,
    now: Timestamp,
    (code, reason): (&str, String),
) -> Settled {
    document.state = DocumentState::Failed;
    document.attempts += 1;
    document.not_before = Some(backoff::retry_at(now, document.attempts));
    document.wants = None;
    let outcome = Outcome {
        reason: Some(reason),
        ..outcome(&document, OutcomeKind::Failed, code)
    };
    Settled {
        document,
        kind: OutcomeKind::Failed,
        outcome: Some(outcome),
    }
}

impl Planner<'_> {
    /// The value that the effect happens once for. Where the record has none, the failure is kept by the
    /// record's own key.
    pub(super) fn key(&self, item: &SourceKey, record: &Value) -> Result<SourceKey, Box<Settled>> {
        self.program.once(record).map_err(|error| {
            let RecordError { code, message, .. } = error;
            Box::new(failed(
                Document::new(item.clone()),
                self.now,
                (code, message),
            ))
        })
    }

    /// Looks at a record: has it been dealt with, is it wanted, whose is it?
    pub(super) fn assess(
        &self,
        key: SourceKey,
        data: &str,
        record: &Value,
        row: Option<Document>,
    ) -> Assessed {
        let hash = hash::record(data, 0, self.salt);
        let same = row
            .as_ref()
            .is_some_and(|row| row.record == hash && row.record != 0);
        let mut document = row.unwrap_or_else(|| Document::new(key.clone()));
        match document.state {
            DocumentState::Delivered if same => {
                return Assessed::Untouched(key, OutcomeKind::Unchanged);
            }
            DocumentState::Delivered => return self.after_delivery(document, hash, record),
            DocumentState::Doubtful | DocumentState::Intended => {
                return Assessed::Untouched(key, OutcomeKind::Ambiguous);
            }
            DocumentState::Failed
                if same && document.not_before.is_some_and(|at| at > self.now) =>
            {
                return Assessed::Untouched(key, OutcomeKind::Failed);
            }
            _ => {}
        }
        let former = (document.state, document.record);
        document.record = hash;
        let paper = match self.program.document(record, self.now) {
            Ok(paper) => paper,
            Err(error) => {
                let settled = failed(document, self.now, (error.code, error.message));
                return Assessed::Settled(Box::new(settled));
            }
        };
        if !paper.in_scope {
            // A row is kept only of what something has come of.
            if former.1 == 0 && former.0 == DocumentState::Waiting {
                return Assessed::Untouched(key, OutcomeKind::Skipped);
            }
            return self.unwanted(document, former, "out-of-scope");
        }
        if let Some(code) = &paper.unless {
            return self.unwanted(document, former, code);
        }
        let account = self.fields(&paper).find_map(|(_, value)| match value {
            FieldValue::Reference(account) => account.clone(),
            _ => None,
        });
        let waits = former == (DocumentState::Waiting, hash) && former.1 != 0;
        Assessed::Addressed(Box::new(Addressed {
            document,
            waits,
            account,
            paper,
        }))
    }

    /// Addresses a document to the person whose account was found, or lets it wait.
    pub(super) fn address(
        &self,
        one: Addressed,
        owner: Option<SourceKey>,
    ) -> Result<Box<Parcel>, Assessed> {
        let Addressed {
            mut document,
            waits,
            account,
            paper,
        } = one;
        let Some(owner) = owner else {
            let wants = account
                .as_ref()
                .map(|account| matricula_core::TargetId::new(account.as_str()));
            if waits && document.wants == wants {
                return Err(Assessed::Untouched(document.key, OutcomeKind::Skipped));
            }
            document.state = DocumentState::Waiting;
            document.wants = wants;
            document.not_before = None;
            let told = outcome(&document, OutcomeKind::Skipped, "person-unknown");
            return Err(settled(document, OutcomeKind::Skipped, Some(told)));
        };
        let mut data = Map::new();
        let mut reference = None;
        document.sent = Default::default();
        let file = self
            .program
            .flow()
            .delivery()
            .map(|delivery| &delivery.file);
        for (spec, value) in self.fields(&paper) {
            match value {
                FieldValue::Absent => {}
                FieldValue::Reference(_) => {
                    let owner = Value::String(owner.as_str().to_owned());
                    data.insert(spec.name.clone(), owner);
                }
                FieldValue::Value(value) => {
                    document.sent.set(spec.tag, sent(value, self.salt));
                    if file == Some(&spec.name) {
                        reference = value.as_str().map(str::to_owned);
                    } else {
                        data.insert(spec.name.clone(), value.clone());
                    }
                }
            }
        }
        document.owner = Some(owner);
        document.wants = None;
        match reference {
            Some(reference) => Ok(Box::new(Parcel {
                document,
                data,
                reference,
                remark: paper.remark,
                attempts: 0,
            })),
            None => {
                let why = ("file-missing", explain("file-missing"));
                Err(Assessed::Settled(Box::new(failed(document, self.now, why))))
            }
        }
    }

    fn unwanted(
        &self,
        mut document: Document,
        (state, record): (DocumentState, u128),
        code: &str,
    ) -> Assessed {
        if state == DocumentState::Unwanted && record == document.record {
            return Assessed::Untouched(document.key, OutcomeKind::Skipped);
        }
        document.state = DocumentState::Unwanted;
        document.wants = None;
        document.not_before = None;
        let told = outcome(&document, OutcomeKind::Skipped, code);
        settled(document, OutcomeKind::Skipped, Some(told))
    }

    /// What the source says of a document that lies in the file already.
    fn after_delivery(&self, mut document: Document, hash: u128, record: &Value) -> Assessed {
        document.record = hash;
        let code = match self.program.document(record, self.now) {
            Ok(Paper {
                unless: Some(code), ..
            }) => Some(format!("{code}-after-delivery")),
            Ok(paper) if paper.in_scope && self.differs(&document, &paper) => {
                Some("changed-after-delivery".to_owned())
            }
            // A remark is told when it comes true, be it later.
            Ok(paper) => paper
                .remark
                .map(|remark| format!("{remark}-after-delivery")),
            Err(_) => None,
        };
        match code {
            None => settled(document, OutcomeKind::Unchanged, None),
            Some(code) => {
                let told = outcome(&document, OutcomeKind::Skipped, &code);
                settled(document, OutcomeKind::Skipped, Some(told))
            }
        }
    }

    /// Whether something else would be sent now. Values that only the settings give do not count: they say
    /// where a document goes, not what it is.
    fn differs(&self, document: &Document, paper: &Paper) -> bool {
        self.fields(paper)
            .filter(|(spec, _)| spec.from_record)
            .any(|(spec, value)| match value {
                FieldValue::Value(value) => document
                    .sent
                    .get(spec.tag)
                    .is_some_and(|was| was != sent(value, self.salt)),
                _ => false,
            })
    }

    fn fields<'p>(
        &'p self,
        paper: &'p Paper,
    ) -> impl Iterator<Item = (&'p FieldSpec, &'p FieldValue)> {
        let offered = |spec: &FieldSpec| !self.unavailable.contains(&spec.name);
        let fields = self.program.flow().fields().iter().zip(&paper.fields);
        fields.filter(move |(spec, _)| offered(spec))
    }
}

fn settled(document: Document, kind: OutcomeKind, outcome: Option<Outcome>) -> Assessed {
    Assessed::Settled(Box::new(Settled {
        document,
        kind,
        outcome,
    }))
}

/// The hash of a value as it is sent and as a target may tell it again: without regard to the kind of JSON
/// that it is and to white space around it; nothing and an empty text are the same.
pub(super) fn sent(value: &Value, salt: u64) -> u64 {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    hash::value(&Value::String(text), salt)
}

/// What a code means and what to do.
pub(super) fn explain(code: &str) -> String {
    let known = match code {
        "person-unknown" => {
            "the account belongs to nobody who is linked yet; it is delivered after a cycle of the employee \
             flow that links them"
        }
        "doubtful" => {
            "nobody knows whether it arrived, and the target may not be asked: look into the person's file, \
             then say whether it is there"
        }
        "arrived" => "the answer was lost; the target says that it arrived",
        "gone-at-source" => "the source has it no more; nothing was delivered",
        "out-of-scope" => "the settings leave it out",
        "revoked" => "it was revoked before it was delivered",
        "revoked-after-delivery" => {
            "it was revoked after it was delivered; it still lies in the person's file: remove it there if it \
             has to go"
        }
        "changed-after-delivery" => {
            "it was changed after it was delivered; what lies in the person's file is what was delivered"
        }
        "expired" => "it had expired when it was delivered",
        "expired-after-delivery" => "it has expired; it stays in the person's file",
        "replaced" => "a newer one has replaced it; both are delivered, each as it was issued",
        "replaced-after-delivery" => "a newer one has replaced it; both stay in the person's file",
        "file-missing" => "the record names no file",
        "file-empty" => "the file is empty",
        other => return format!("the flow says: {other}"),
    };
    known.to_owned()
}
