//! Standard output and standard error.
//!
//! Names and messages come from other people's systems: what could move the cursor or change the order of
//! a line is shown as a replacement character.

use std::io::Write as _;

use matricula_core::Text;
use matricula_core::notice::Records;
use matricula_core::run::{Counts, CycleKind, OutcomeKind, RunStatus};
use serde::Serialize;

/// Prints text.
pub(crate) fn text(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Prints one JSON document in one line.
pub(crate) fn json(value: &impl Serialize) -> std::io::Result<()> {
    text(&serde_json::to_string(value)?)
}

/// A line on standard error, above the progress bar if there is one.
pub(crate) fn error_line(line: &str) {
    crate::progress::SCREEN.suspend(|| {
        // Nobody is left to be told where this fails.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    });
}

/// Text in one line, without characters that act on a terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if acts(c) { '\u{fffd}' } else { c })
        .collect()
}

/// The same, line breaks kept.
pub(crate) fn visible_lines(text: &str) -> String {
    text.chars()
        .map(|c| if acts(c) && c != '\n' { '\u{fffd}' } else { c })
        .collect()
}

fn acts(c: char) -> bool {
    let changes_direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || changes_direction
}

/// What is said in several languages, in that of the command line.
pub(crate) fn english(texts: &[Text]) -> Vec<&str> {
    texts.iter().map(|text| text.get("en")).collect()
}

/// A moment, to the second.
pub(crate) fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A duration as people read it.
pub(crate) fn duration(millis: u128) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
        _ => format!(
            "{} h {} min",
            millis / 3_600_000,
            millis % 3_600_000 / 60_000
        ),
    }
}

/// What an outcome is called; of people as in JSON.
pub(crate) fn outcome(kind: OutcomeKind, records: Records) -> &'static str {
    match (records, kind) {
        (Records::Documents, OutcomeKind::Created) => "delivered",
        (Records::Documents, OutcomeKind::Updated) => "found there already",
        (Records::Documents, OutcomeKind::Unchanged) => "delivered before",
        (Records::Documents, OutcomeKind::Ambiguous) => "doubtful",
        _ => kind.as_str(),
    }
}

/// Counts as people read them; those that are zero are left out.
pub(crate) fn counted(counts: &Counts, records: Records) -> String {
    let skipped = match records {
        Records::People => outcome(OutcomeKind::Skipped, records),
        // No row below a count says which of the two.
        Records::Documents => "not wanted or waiting",
    };
    let of = |kind| outcome(kind, records);
    let each = [
        (counts.created, of(OutcomeKind::Created)),
        (counts.updated, of(OutcomeKind::Updated)),
        (counts.deactivated, of(OutcomeKind::Deactivated)),
        (counts.reactivated, of(OutcomeKind::Reactivated)),
        (counts.unchanged, of(OutcomeKind::Unchanged)),
        (counts.skipped, skipped),
        (counts.staged, of(OutcomeKind::Staged)),
        (counts.ambiguous, of(OutcomeKind::Ambiguous)),
        (counts.failed, of(OutcomeKind::Failed)),
    ];
    let said: Vec<_> = each
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if said.is_empty() {
        "nothing to do".to_owned()
    } else {
        said.join(", ")
    }
}

/// How many people or documents.
pub(crate) fn how_many(count: u64, records: Records) -> String {
    match (count, records) {
        (1, Records::People) => "1 person".to_owned(),
        (1, Records::Documents) => "1 document".to_owned(),
        _ => format!("{count} {}", records.as_str()),
    }
}

/// How much a cycle reads, in the word that JSON uses too.
pub(crate) fn cycle(cycle: CycleKind) -> &'static str {
    match cycle {
        CycleKind::Full => "full",
        CycleKind::Incremental => "incremental",
    }
}

/// How a run ended, in the word that JSON uses too.
pub(crate) fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => "running",
        RunStatus::Succeeded => "succeeded",
        RunStatus::Partial => "partial",
        RunStatus::Failed => "failed",
        RunStatus::Stopped => "stopped",
    }
}

/// The most rows of a table that is not asked for whole.
pub(crate) const ROWS: usize = 50;

/// What is said below a table that was cut.
pub(crate) fn and_more(all: usize, shown: usize) -> String {
    match all.saturating_sub(shown) {
        0 => String::new(),
        more => format!("… and {more} more (--all shows all of them)\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_json() {
        for word in [CycleKind::Full, CycleKind::Incremental] {
            assert_eq!(serde_json::json!(word), cycle(word));
        }
        for word in [
            RunStatus::Running,
            RunStatus::Succeeded,
            RunStatus::Partial,
            RunStatus::Failed,
        ] {
            assert_eq!(serde_json::json!(word), status(word));
        }
    }

    #[test]
    fn counts_leave_out_what_did_not_happen() {
        let counts = Counts {
            created: 2,
            failed: 1,
            ..Counts::default()
        };
        assert_eq!(counted(&counts, Records::People), "2 created, 1 failed");
        for records in [Records::People, Records::Documents] {
            assert_eq!(counted(&Counts::default(), records), "nothing to do");
        }
        assert_eq!(and_more(51, 50), "… and 1 more (--all shows all of them)\n");
        assert_eq!(and_more(50, 50), "");
    }

    #[test]
    fn documents_are_delivered_and_not_created() {
        let counts = Counts {
            created: 1,
            updated: 2,
            unchanged: 3,
            skipped: 4,
            ambiguous: 5,
            failed: 6,
            ..Counts::default()
        };
        assert_eq!(
            counted(&counts, Records::Documents),
            "1 delivered, 2 found there already, 3 delivered before, 4 not wanted or waiting, 5 doubtful, 6 failed"
        );
        assert_eq!(how_many(1, Records::People), "1 person");
        assert_eq!(how_many(2, Records::People), "2 people");
        assert_eq!(how_many(1, Records::Documents), "1 document");
        assert_eq!(how_many(0, Records::Documents), "0 documents");
    }

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(
            visible("Zoë\u{1b}[2J\n\u{202e}x"),
            "Zoë\u{fffd}[2J\u{fffd}\u{fffd}x"
        );
        assert_eq!(visible_lines("a\nb\r"), "a\nb\u{fffd}");
    }

    #[test]
    fn times_are_short() {
        for (millis, text) in [
            (7, "7 ms"),
            (1_290, "1.2 s"),
            (61_000, "1 min 1 s"),
            (3_660_000, "1 h 1 min"),
        ] {
            assert_eq!(duration(millis), text);
        }
        assert_eq!(
            moment(jiff::Timestamp::UNIX_EPOCH),
            "1970-01-01 00:00:00 UTC"
        );
    }
}
