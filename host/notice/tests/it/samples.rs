//! One notice of every kind, about people and about documents, of a made-up company.

use jiff::Timestamp;
use matricula_core::notice::{Contact, Facts, Notice, NoticeKind, Records};
use matricula_core::run::Counts;
use matricula_core::{Failure, FailureKind, RunId, Text};
use matricula_notice::{Accent, AutomationLink, Brand};
use serde_json::json;

pub const KINDS: [NoticeKind; 9] = [
    NoticeKind::FirstSuccess,
    NoticeKind::Paused,
    NoticeKind::Quarantined,
    NoticeKind::Recovered,
    NoticeKind::Staged,
    NoticeKind::Overdue,
    NoticeKind::Report,
    NoticeKind::Succeeded,
    NoticeKind::Test,
];

#[expect(clippy::unwrap_used, reason = "samples are right or the test is wrong")]
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[expect(clippy::unwrap_used, reason = "samples are right or the test is wrong")]
pub fn brand() -> Brand {
    Brand {
        product: "Matricula".into(),
        accent: Accent::default(),
        footer: Text(
            [
                (
                    "en".into(),
                    "Example Academy, 1 Sample Street, 10115 Berlin".into(),
                ),
                (
                    "de".into(),
                    "Example Academy, Musterstraße 1, 10115 Berlin".into(),
                ),
            ]
            .into(),
        ),
        link: Some(
            AutomationLink::parse("https://academy.example.com/settings#{automation}").unwrap(),
        ),
    }
}

pub fn contact(email: &str, language: &str) -> Contact {
    Contact {
        email: email.into(),
        name: Some("Jörg Müller".into()),
        language: language.into(),
        alerts: true,
        report: true,
    }
}

pub fn notice(kind: NoticeKind) -> Notice {
    let titled = Facts {
        title: json!({ "en": "Employees from Personio", "de": "Mitarbeitende aus Personio" }),
        run: Some(RunId(1284)),
        next_at: Some(at("2026-11-21T03:30:00Z")),
        ..Facts::default()
    };
    let (reason, facts) = match kind {
        NoticeKind::FirstSuccess => (
            "first",
            Facts {
                run: Some(RunId(1)),
                counts: Some(Counts {
                    created: 1204,
                    updated: 38,
                    unchanged: 11,
                    skipped: 27,
                    ..Counts::default()
                }),
                ..titled
            },
        ),
        NoticeKind::Paused => (
            "auth",
            Facts {
                failure: Some(
                    Failure::new(
                        FailureKind::Auth,
                        "Personio rejected the client id or the client secret; renew them under Settings > Integrations > API credentials.",
                    )
                    .with_code("invalid_client"),
                ),
                since: Some(at("2026-11-21T03:00:00Z")),
                ..titled
            },
        ),
        NoticeKind::Quarantined => (
            "unavailable",
            Facts {
                failure: Some(
                    Failure::new(
                        FailureKind::Unavailable,
                        "The academy answered 30 requests in a row with status 503.",
                    )
                    .with_code("http.503"),
                ),
                since: Some(at("2026-11-20T21:10:00Z")),
                runs: Some((5, 5)),
                ..titled
            },
        ),
        NoticeKind::Recovered => (
            "auth",
            Facts {
                since: Some(at("2026-11-19T14:20:00Z")),
                ..titled
            },
        ),
        NoticeKind::Staged => (
            "guard",
            Facts {
                counts: Some(Counts {
                    created: 2,
                    updated: 14,
                    unchanged: 780,
                    staged: 412,
                    ..Counts::default()
                }),
                ..titled
            },
        ),
        NoticeKind::Overdue => (
            "overdue",
            Facts {
                since: Some(at("2026-11-20T16:00:00Z")),
                run: None,
                next_at: None,
                ..titled
            },
        ),
        NoticeKind::Report => (
            "2026-11-20",
            Facts {
                counts: Some(Counts {
                    created: 7,
                    updated: 23,
                    deactivated: 3,
                    reactivated: 1,
                    ambiguous: 1,
                    failed: 2,
                    unchanged: 1180,
                    skipped: 27,
                    staged: 0,
                }),
                runs: Some((288, 2)),
                run: None,
                ..titled
            },
        ),
        NoticeKind::Succeeded => (
            "1284",
            Facts {
                counts: Some(Counts {
                    created: 2,
                    updated: 5,
                    deactivated: 1,
                    unchanged: 1196,
                    ..Counts::default()
                }),
                ..titled
            },
        ),
        NoticeKind::Test => ("test", Facts::default()),
    };
    Notice {
        kind,
        tenant: "example".into(),
        automation: (kind != NoticeKind::Test).then(|| "sync-employees".into()),
        reason: reason.into(),
        at: at("2026-11-21T03:00:00Z"),
        facts,
    }
}

/// The same about a flow that puts documents into people's files.
pub fn about_documents(kind: NoticeKind) -> Notice {
    let mut told = notice(kind);
    if kind == NoticeKind::Test {
        return told;
    }
    told.automation = Some("sync-certificates".into());
    told.facts.title = json!({
        "en": "Sync certificates to Personio",
        "de": "Synchronisiere Zertifikate zu Personio",
    });
    told.facts.records = Records::Documents;
    match kind {
        NoticeKind::Succeeded => {
            told.facts.counts = Some(Counts {
                created: 50,
                skipped: 4,
                ..Counts::default()
            });
        }
        NoticeKind::FirstSuccess => {
            told.facts.counts = Some(Counts {
                created: 50,
                skipped: 4,
                failed: 1,
                ..Counts::default()
            });
        }
        NoticeKind::Paused => {
            told.reason = "config".into();
            told.facts.failure = Some(
                Failure::new(
                    FailureKind::Config,
                    "what was chosen as category is not there any more in Personio: choose another in the automation's settings",
                )
                .with_code("choice-gone"),
            );
        }
        NoticeKind::Quarantined => {
            told.reason = "failures".into();
            told.facts.failure = Some(
                Failure::new(
                    FailureKind::Internal,
                    "61 of 80 documents failed; see the run for the reasons",
                )
                .with_code("too-many-failed"),
            );
        }
        NoticeKind::Staged => {
            told.reason = "doubtful".into();
            told.facts.counts = Some(Counts {
                created: 112,
                ambiguous: 4,
                ..Counts::default()
            });
        }
        NoticeKind::Report => {
            told.facts.counts = Some(Counts {
                created: 18,
                ambiguous: 2,
                failed: 3,
                unchanged: 4210,
                skipped: 6,
                ..Counts::default()
            });
            told.facts.runs = Some((48, 0));
        }
        NoticeKind::Recovered | NoticeKind::Overdue | NoticeKind::Test => {}
    }
    told
}

/// Every sample, with the name that it goes by.
pub fn all() -> Vec<(String, Notice)> {
    let people = KINDS.map(|kind| (kind.as_str().to_owned(), notice(kind)));
    let documents = KINDS
        .into_iter()
        .filter(|kind| *kind != NoticeKind::Test)
        .map(|kind| {
            let name = format!("{}.documents", kind.as_str());
            (name, about_documents(kind))
        });
    people.into_iter().chain(documents).collect()
}
