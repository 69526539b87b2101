//! Cases of flows that deliver documents.
//!
//! ```yaml
//! flow: sync-certificates
//! now: 2026-03-15T12:00:00Z     # the day that remarks call today
//! cases:
//!   - name: a certificate that was revoked
//!     record: { id: c-1, revoked_on: 2026-03-01 }
//!     expect:
//!       once: c-1
//!       scope: true
//!       unless: revoked            # or null: it is delivered
//!       remark: null
//!       fields: { employee: { person: account }, title: Fire safety }
//! ```
//!
//! Record, settings, fields, absent and error are as for people.

use jiff::Timestamp;
use matricula_core::SourceKey;
use serde_json::Value;

use super::{Case, Failures, error_failures};
use crate::diagnostic::did_you_mean;
use crate::document::DocumentRules;
use crate::expression::{Expression, TODAY};
use crate::paper::Paper;
use crate::person::RecordError;
use crate::program::Program;
use crate::yaml::{Data, Fields, Report};

/// The keys of what is expected.
pub(super) const EXPECT_KEYS: [&str; 7] = [
    "once", "scope", "unless", "remark", "fields", "absent", "error",
];

/// What is expected of a document besides what is expected of people too.
#[derive(Default)]
pub(super) struct Expect {
    once: Option<String>,
    /// The name of the reason, or that there is none.
    unless: Option<Option<String>>,
    remark: Option<Option<String>>,
}

impl Expect {
    pub(super) fn read(
        rules: &DocumentRules,
        fields: &Fields<'_>,
        report: &mut Report<'_>,
    ) -> Self {
        let once = fields
            .get("once")
            .and_then(|node| node.text("once", report));
        let mut reason = |key: &str, known: &[(String, Expression)]| {
            let node = fields.get(key)?;
            if matches!(node.data, Data::Null) {
                return Some(None);
            }
            let name = node.text(key, report)?;
            if !known.iter().any(|(known, _)| *known == name.text) {
                report.add_with(
                    name.span,
                    format!("the flow has no reason \"{}\" for {key}", name.text),
                    did_you_mean(&name.text, known.iter().map(|(known, _)| known.as_str())),
                );
            }
            Some(Some(name.text))
        };
        Self {
            unless: reason("unless", &rules.unless),
            remark: reason("remark", &rules.remarks),
            once: once.map(|once| once.text),
        }
    }
}

/// Whether what is remarked depends on the day.
pub(super) fn knows_today(rules: &DocumentRules) -> bool {
    rules
        .remarks
        .iter()
        .any(|(_, remark)| remark.attributes.contains(TODAY))
}

/// What is not as expected of a case.
pub(super) fn run(case: &Case, program: &Program) -> Vec<String> {
    // Without a moment of its own the case is of a flow that does not look at it.
    let now = case.now.unwrap_or(Timestamp::UNIX_EPOCH);
    let made = || -> Result<(SourceKey, Paper), RecordError> {
        let key = program.once(&case.record)?;
        Ok((key, program.document(&case.record, now)?))
    };
    match (made(), &case.expect.error) {
        (Err(error), Some(expected)) => error_failures(&error, expected),
        (Err(error), None) => vec![format!("error {}: {error}", error.code)],
        (Ok(_), Some(_)) => vec!["no error".to_owned()],
        (Ok((key, paper)), None) => failures(case, program, &key, &paper),
    }
}

fn failures(case: &Case, program: &Program, key: &SourceKey, paper: &Paper) -> Vec<String> {
    let mut failures = Failures(Vec::new());
    let expect = &case.expect.document;
    if let Some(once) = &expect.once {
        failures.compare("once", &once.as_str().into(), &key.as_str().into());
    }
    if let Some(scope) = case.expect.scope {
        failures.compare("scope", &scope.into(), &paper.in_scope.into());
    }
    for (what, expected, is) in [
        ("unless", &expect.unless, &paper.unless),
        ("remark", &expect.remark, &paper.remark),
    ] {
        if let Some(expected) = expected {
            let text = |name: &Option<String>| Value::from(name.clone());
            failures.compare(what, &text(expected), &text(is));
        }
    }
    case.compare_fields(program.flow(), &paper.fields, &mut failures);
    failures.0
}
