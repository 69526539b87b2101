//! What is to be done with one document: pure functions from a record and its row to a verdict.
//!
//! A delivered document is never sent again, whatever becomes of its record; what the source says of it
//! afterwards (revoked, changed) is told once for each change of the record and left to a person, since a
//! personnel file is not ours to clear.

use std::time::Duration;

use jiff::Timestamp;
use matricula_core::document::{Document, DocumentState};
use matricula_core::run::{Outcome, OutcomeKind};
use matricula_core::{SourceKey, TargetId};
use matricula_flow::{FieldSpec, FieldValue, Paper, Program, RecordError};
use serde_json::{Map, Value};

use crate::{backoff, hash};

/// The longest that anybody waits to be tried again; a later moment comes from a clock that was put back.
const LONGEST: Duration = Duration::from_secs(25 * 3600);

/// What every document of a cycle is planned by.
pub(super) struct Planner<'a> {
    pub(super) program: &'a Program,
    /// Attributes that the target does not offer.
    pub(super) unavailable: &'a [String],
    pub(super) salt: u64,
    pub(super) now: Timestamp,
}

/// What is done with a document.
pub(super) enum Verdict {
    /// It is as it was dealt with before.
    Untouched(SourceKey, OutcomeKind),
    /// It has been dealt with, without the target.
    Settled(Box<Settled>),
    /// It is sent.
    Send(Box<Parcel>),
}

/// The first look at a record.
pub(super) enum Assessed {
    /// It is known what is done.
    Clear(Verdict),
    /// It is wanted; whose it is has to be found out.
    Wanted(Box<Wanted>),
}

/// A document that has been dealt with.
pub(super) struct Settled {
    pub(super) document: Document,
    pub(super) kind: OutcomeKind,
    /// None: there is nothing new to tell.
    pub(super) outcome: Option<Outcome>,
}

/// A document that is wanted.
pub(super) struct Wanted {
    document: Document,
    known: Option<Document>,
    /// The account of the person whose document it is.
    pub(super) account: Option<SourceKey>,
    paper: Paper,
}

/// A document to be sent.
pub(super) struct Parcel {
    /// Its row once it is sent.
    pub(super) document: Document,
    /// Its row if it is not: what is known of an earlier sending is in it.
    pub(super) before: Document,
    /// What is sent beside the file.
    pub(super) data: Map<String, Value>,
    /// By what the source's connector fetches the file.
    pub(super) reference: String,
    /// What the flow remarks about it.
    pub(super) remark: Option<String>,
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

/// A document that could not be dealt with this time. One that may have arrived is not tried again before
/// `earliest`.
pub(super) fn failed(
    mut document: Document,
    now: Timestamp,
    earliest: Option<Timestamp>,
    (code, reason): (&str, String),
) -> Settled {
    document.fail(|attempts| {
        let at = backoff::retry_at(now, attempts);
        earliest.map_or(at, |earliest| earliest.max(at))
    });
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
    /// A record of which not even the key can be told; it goes by the record's own.
    pub(super) fn without_key(
        &self,
        key: SourceKey,
        known: Option<Document>,
        error: RecordError,
    ) -> Verdict {
        let document = match known {
            // What lies there, or may, is not forgotten for it.
            Some(known)
                if matches!(
                    known.state,
                    DocumentState::Delivered | DocumentState::Intended | DocumentState::Doubtful
                ) =>
            {
                return Verdict::Untouched(key, OutcomeKind::Failed);
            }
            Some(known) => known,
            None => Document::new(key),
        };
        let why = (error.code, error.message);
        settled(failed(document, self.now, None, why))
    }

    /// Looks at a record: has it been dealt with, is it wanted, whose is it?
    pub(super) fn assess(
        &self,
        key: SourceKey,
        data: &str,
        record: &Value,
        known: Option<Document>,
    ) -> Assessed {
        let hash = hash::record(data, 0, self.salt);
        if let Some(known) = &known {
            let same = known.record == hash;
            let kind = match known.state {
                DocumentState::Delivered if same => Some(OutcomeKind::Unchanged),
                DocumentState::Delivered => {
                    return Assessed::Clear(self.after_delivery(known.clone(), hash, record));
                }
                DocumentState::Doubtful => Some(OutcomeKind::Ambiguous),
                DocumentState::Intended => Some(OutcomeKind::Failed),
                DocumentState::Failed if self.waits(known, same) => Some(OutcomeKind::Failed),
                _ => None,
            };
            if let Some(kind) = kind {
                return Assessed::Clear(Verdict::Untouched(key, kind));
            }
        }
        let mut document = known.clone().unwrap_or_else(|| Document::new(key.clone()));
        document.record = hash;
        let paper = match self.program.document(record, self.now) {
            Ok(paper) => paper,
            Err(error) => {
                let why = (error.code, error.message);
                let settled = failed(document, self.now, None, why);
                return Assessed::Clear(Verdict::Settled(Box::new(settled)));
            }
        };
        if !paper.in_scope || paper.unless.is_some() {
            let code = paper.unless.as_deref().unwrap_or("out-of-scope");
            return Assessed::Clear(match &known {
                // A row is kept only of what something has come of, or was said of.
                None if !paper.in_scope => Verdict::Untouched(key, OutcomeKind::Skipped),
                Some(known) if known.state == DocumentState::Unwanted && known.record == hash => {
                    Verdict::Untouched(key, OutcomeKind::Skipped)
                }
                _ => {
                    document.drop_it();
                    settled(Settled::told(document, OutcomeKind::Skipped, code))
                }
            });
        }
        let account = self.fields(&paper).find_map(|(_, value)| match value {
            FieldValue::Reference(account) => account.clone(),
            _ => None,
        });
        Assessed::Wanted(Box::new(Wanted {
            document,
            known,
            account,
            paper,
        }))
    }

    /// Whether it is not tried yet. One that may have arrived waits even if its record has changed.
    fn waits(&self, known: &Document, same: bool) -> bool {
        let longest = self.now.saturating_add(LONGEST).unwrap_or(Timestamp::MAX);
        let later = |at: Timestamp| at > self.now && at <= longest;
        (same || known.sent_at.is_some()) && known.not_before.is_some_and(later)
    }

    /// Addresses a document to the person whose account was found, or lets it wait.
    pub(super) fn address(&self, one: Wanted, owner: Option<SourceKey>) -> Verdict {
        let Wanted {
            mut document,
            known,
            account,
            paper,
        } = one;
        let Some(owner) = owner else {
            let wants = account.map(|account| TargetId::new(account.as_str()));
            document.wait_for(wants);
            if known.as_ref() == Some(&document) {
                return Verdict::Untouched(document.key, OutcomeKind::Skipped);
            }
            return settled(Settled::told(
                document,
                OutcomeKind::Skipped,
                "person-unknown",
            ));
        };
        let mut data = Map::new();
        let mut reference = None;
        document.owner = Some(owner.clone());
        let before = document.clone();
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
                    document.sent.set(spec.tag, as_told(value, self.salt));
                    if file == Some(&spec.name) {
                        reference = value.as_str().map(str::to_owned);
                    } else {
                        data.insert(spec.name.clone(), value.clone());
                    }
                }
            }
        }
        match reference {
            Some(reference) => Verdict::Send(Box::new(Parcel {
                document,
                before,
                data,
                reference,
                remark: paper.remark,
            })),
            None => {
                let why = ("file-missing", explain("file-missing"));
                settled(failed(before, self.now, None, why))
            }
        }
    }

    /// What the source says of a document that lies in the personnel file already.
    fn after_delivery(&self, mut document: Document, hash: u128, record: &Value) -> Verdict {
        document.record = hash;
        let code = match self.program.document(record, self.now) {
            Ok(Paper {
                unless: Some(code), ..
            }) => Some(format!("{code}-after-delivery")),
            Ok(paper) if paper.in_scope && self.differs(&document, &paper) => {
                Some("changed-after-delivery".to_owned())
            }
            Ok(paper) => paper
                .remark
                .map(|remark| format!("{remark}-after-delivery")),
            Err(_) => None,
        };
        match code {
            None => settled(Settled::quiet(document)),
            Some(code) => settled(Settled::told(document, OutcomeKind::Skipped, &code)),
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
                    .is_some_and(|was| was != as_told(value, self.salt)),
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

/// What has been dealt with, as a verdict.
pub(super) fn settled(settled: Settled) -> Verdict {
    Verdict::Settled(Box::new(settled))
}

impl Settled {
    /// With an outcome of this code.
    pub(super) fn told(document: Document, kind: OutcomeKind, code: &str) -> Self {
        let outcome = Some(outcome(&document, kind, code));
        Self {
            document,
            kind,
            outcome,
        }
    }

    /// Counted as unchanged; there is nothing to tell.
    fn quiet(document: Document) -> Self {
        Self {
            document,
            kind: OutcomeKind::Unchanged,
            outcome: None,
        }
    }
}

/// The hash of a value as it is sent and as a target may tell it again: without regard to the kind of JSON
/// that it is and to white space around it; nothing and an empty text are the same.
pub(super) fn as_told(value: &Value, salt: u64) -> u64 {
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
            "the account it belongs to is linked to nobody yet; it is delivered once the flow that keeps people \
             has linked it"
        }
        "doubtful" => {
            "nobody knows whether it arrived, and the target may not be asked: look into the personnel file, \
             then say whether it is there"
        }
        "lost" => {
            "its answer was lost and it is not in the personnel file; it is looked for again and then sent again"
        }
        "unanswered" => {
            "its answer was lost and the target could not be asked whether it arrived; the next cycle asks"
        }
        "not-listed" => {
            "the personnel file could not be listed, so nobody can tell whether it lies there already; it is \
             tried again"
        }
        "adopted" => "it lay in the personnel file already; it was not sent again",
        "arrived" => "the answer was lost; the target says that it arrived",
        "gone-at-source" => "the source has it no more; nothing was delivered",
        "out-of-scope" => "the settings leave it out",
        "revoked" => "it was revoked before it was delivered",
        "revoked-after-delivery" => {
            "it was revoked after it was delivered; it still lies in the personnel file: remove it there if it \
             has to go"
        }
        "changed-after-delivery" => {
            "it was changed after it was delivered; what lies in the personnel file is what was delivered"
        }
        "expired" => "it had expired when it was delivered",
        "expired-after-delivery" => "it has expired; it stays in the personnel file",
        "replaced" => "a newer one has replaced it; both are delivered, each as it was issued",
        "replaced-after-delivery" => "a newer one has replaced it; both stay in the personnel file",
        "file-missing" => "the record names no file",
        "file-empty" => "the file is empty",
        other => return format!("the flow says: {other}"),
    };
    known.to_owned()
}
