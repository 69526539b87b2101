//! What mails say.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use matricula_core::notice::{Facts, NoticeKind, Records};
use matricula_core::run::Counts;
use matricula_core::{Failure, FailureKind};
use matricula_notice::{Brand, Letter, Writer};
use serde_json::json;

use crate::samples::{self, about_documents, brand, notice};

fn writer() -> Writer {
    Writer::new(brand(), TimeZone::get("Europe/Berlin").unwrap()).unwrap()
}

/// Subject and text, as a program without HTML shows them.
fn shown(letter: &Letter) -> String {
    format!("Subject: {}\n\n{}", letter.subject, letter.text)
}

#[test]
fn every_kind_in_both_languages() {
    let writer = writer();
    for language in ["en", "de"] {
        for (name, notice) in samples::all() {
            let letter = writer.write(&notice, language).unwrap();
            insta::assert_snapshot!(format!("{language}_{name}"), shown(&letter));
        }
    }
}

#[test]
fn other_languages_get_english() {
    let writer = writer();
    let paused = notice(NoticeKind::Paused);
    let english = writer.write(&paused, "en").unwrap();
    assert_eq!(writer.write(&paused, "fr").unwrap(), english);
    assert_eq!(writer.write(&paused, "").unwrap(), english);
    assert_eq!(writer.write(&paused, "de-CH").unwrap().language, "de");
}

/// Each tag that is opened is closed in its place, and nothing is loaded from elsewhere.
fn check_html(html: &str) {
    let mut open = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let end = rest.find('>').expect("a tag without an end");
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag}>");
        if tag.starts_with('!') || ["meta", "br"].contains(&name.as_str()) {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{tag}>");
        } else {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new());
    for foreign in ["<script", "<img", "<link", "src=", "url(", "@import"] {
        assert!(!html.contains(foreign), "{foreign}");
    }
}

#[test]
fn html_is_well_formed_and_says_what_the_text_says() {
    let writer = writer();
    for language in ["en", "de"] {
        for (name, notice) in samples::all() {
            let letter = writer.write(&notice, language).unwrap();
            check_html(&letter.html);
            let said = strip(&letter.html);
            let whole = unescape(&letter.html);
            let href = whole
                .split_once("href=\"")
                .and_then(|(_, rest)| Some(rest.split_once('"')?.0));
            for line in letter.text.lines().filter(|line| *line != "-- ") {
                for part in line.split("  ").flat_map(|part| part.split(": ")) {
                    let part = part.trim().trim_end_matches(':');
                    let addressed = part.starts_with("https://");
                    assert!(
                        said.contains(part) || (addressed && href == Some(part)),
                        "{name} {language}: {part}\n{said}"
                    );
                }
            }
        }
    }
}

fn unescape(html: &str) -> String {
    html.replace("&#x27;", "'")
        .replace("&#x2f;", "/")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// The text of a document, on one line.
fn strip(html: &str) -> String {
    let body = &html[html.find("<body").unwrap()..];
    let mut text = String::new();
    for piece in body.split('<') {
        text.push_str(piece.split_once('>').map_or("", |(_, after)| after));
        text.push(' ');
    }
    unescape(&text)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn what_others_wrote_is_escaped() {
    let mut hostile = notice(NoticeKind::Paused);
    let script = r#"<script>alert("x")</script>"#;
    hostile.facts.title = json!({ "en": script });
    hostile.facts.failure = Some(Failure::new(FailureKind::Auth, "<b onload='x'>&no"));
    hostile.automation = Some(r#""><script>"#.into());
    let vendor = Brand {
        product: "Learn & <Grow>".into(),
        ..brand()
    };
    let writer = Writer::new(vendor, TimeZone::UTC).unwrap();
    let letter = writer.write(&hostile, "en").unwrap();
    check_html(&letter.html);
    assert!(
        letter.html.contains("&lt;script&gt;alert("),
        "{}",
        letter.html
    );
    assert!(letter.html.contains("&lt;b onload="), "{}", letter.html);
    assert!(
        letter.html.contains("Learn &amp; &lt;Grow&gt;"),
        "{}",
        letter.html
    );
    // Text and subject are no HTML and say it as it is.
    assert!(letter.subject.contains(script) && letter.text.contains(script));
}

#[test]
fn titles_cannot_break_lines_and_are_never_missing() {
    let writer = writer();
    let mut paused = notice(NoticeKind::Paused);
    paused.facts.title = json!({ "en": "Two\r\nBcc: lines" });
    let letter = writer.write(&paused, "en").unwrap();
    assert_eq!(letter.subject, "Action needed: “Two Bcc: lines” is paused");
    for title in [json!(null), json!({}), json!(7), json!({ "en": " " })] {
        paused.facts.title = title;
        let letter = writer.write(&paused, "en").unwrap();
        assert_eq!(letter.subject, "Action needed: “sync-employees” is paused");
    }
    paused.facts.title = json!("Plain");
    assert!(
        writer
            .write(&paused, "de")
            .unwrap()
            .subject
            .contains("„Plain“")
    );
}

#[test]
fn every_kind_of_failure_is_explained_in_both_languages() {
    let writer = writer();
    let kinds = [
        FailureKind::Auth,
        FailureKind::Permission,
        FailureKind::Config,
        FailureKind::Input,
        FailureKind::NotFound,
        FailureKind::Conflict,
        FailureKind::RateLimited,
        FailureKind::Unavailable,
        FailureKind::Protocol,
        FailureKind::Internal,
        FailureKind::Fault,
    ];
    for (language, advice) in [("en", "What to do:"), ("de", "Was zu tun ist:")] {
        let mut texts = BTreeSet::new();
        for kind in kinds {
            let mut paused = notice(NoticeKind::Paused);
            paused.facts.failure = Some(Failure::new(kind, "The original sentence."));
            let letter = writer.write(&paused, language).unwrap();
            assert!(letter.text.contains(advice), "{kind:?}");
            assert!(letter.text.contains("The original sentence."), "{kind:?}");
            texts.insert(letter.text);
        }
        assert_eq!(texts.len(), kinds.len());
    }
}

/// Notices with as little or as odd facts as can be are still sentences.
#[test]
fn few_facts_are_enough() {
    let writer = writer();
    for language in ["en", "de"] {
        for (name, mut bare) in samples::all() {
            bare.facts = Facts {
                records: bare.facts.records,
                ..Facts::default()
            };
            bare.reason = "?".into();
            let letter = writer.write(&bare, language).unwrap();
            check_html(&letter.html);
            for odd in ["none", "undefined", " ,", "  ", "{{", "{%"] {
                let text = shown(&letter);
                assert!(!text.contains(odd), "{name} {language} {odd}:\n{text}");
            }
        }
    }
}

#[test]
fn counts_are_told_in_the_singular_too() {
    let writer = writer();
    let lead = |kind, counts, runs, language| {
        let mut told = notice(kind);
        told.facts.counts = Some(counts);
        told.facts.runs = runs;
        let text = writer.write(&told, language).unwrap().text;
        text.split("\n\n").nth(1).unwrap().replace('\n', " ")
    };
    let one = Counts {
        updated: 1,
        ..Counts::default()
    };
    let none = Counts {
        unchanged: 5,
        ..Counts::default()
    };
    for (counts, runs, english, german) in [
        (
            one,
            (1, 0),
            "The one run succeeded. One account was changed.",
            "Der eine Lauf ist gelungen. Ein Konto wurde geändert.",
        ),
        (
            none,
            (3, 0),
            "All 3 runs succeeded. Nothing had to be changed.",
            "Alle 3 Läufe sind gelungen. Zu ändern war nichts.",
        ),
        (
            none,
            (2, 2),
            "None of the 2 runs came to its end.",
            "Keiner der 2 Läufe kam ans Ende.",
        ),
        (none, (0, 0), "There was no run.", "Es gab keinen Lauf."),
        (
            one,
            (2, 1),
            "Of 2 runs, one did not come to its end; what it left was done by later ones or is tried again. One account was changed.",
            "Von 2 Läufen kam einer nicht ans Ende; was liegen blieb, haben spätere erledigt oder wird erneut versucht. Ein Konto wurde geändert.",
        ),
    ] {
        let report = |language| lead(NoticeKind::Report, counts, Some(runs), language);
        assert_eq!(report("en"), english);
        assert_eq!(report("de"), german);
    }
    let first = lead(NoticeKind::FirstSuccess, one, None, "en");
    assert!(
        first.ends_with("CET. One person was looked at, and one account was written."),
        "{first}"
    );
    let mut staged = notice(NoticeKind::Staged);
    staged.facts.counts = Some(Counts {
        staged: 1,
        ..Counts::default()
    });
    assert_eq!(
        writer.write(&staged, "de").unwrap().subject,
        "Bitte entscheiden: eine Sperrung von „Mitarbeitende aus Personio“ wartet"
    );
}

/// Apart from whose file it is, nothing that is said of documents is said of people or accounts.
#[test]
fn what_carries_documents_speaks_of_documents() {
    let writer = writer();
    let (mut english, mut german) = (String::new(), String::new());
    for kind in samples::KINDS {
        if kind == NoticeKind::Test {
            continue;
        }
        let about = about_documents(kind);
        english.push_str(&shown(&writer.write(&about, "en").unwrap()).to_lowercase());
        german.push_str(&shown(&writer.write(&about, "de").unwrap()).to_lowercase());
    }
    for word in [
        "account",
        "people are",
        "people need",
        "access",
        "deactivat",
    ] {
        assert!(!english.contains(word), "{word}:\n{english}");
    }
    for word in [
        "konto",
        "konten",
        "personen brauchen",
        "zugang ",
        "sperrung",
    ] {
        assert!(!german.contains(word), "{word}:\n{german}");
    }
}

#[test]
fn documents_are_counted_in_every_number() {
    let writer = writer();
    let told = |kind, created, failed, ambiguous, language| {
        let mut told = about_documents(kind);
        told.facts.runs = Some((1, 0));
        told.facts.counts = Some(Counts {
            created,
            failed,
            ambiguous,
            ..Counts::default()
        });
        let letter = writer.write(&told, language).unwrap();
        shown(&letter).replace('\n', " ")
    };
    let first = NoticeKind::FirstSuccess;
    let report = NoticeKind::Report;
    let staged = NoticeKind::Staged;
    for (kind, counts, english, german) in [
        (
            first,
            (0, 1, 0),
            "CET. It put no document into anybody's file.",
            "abgeschlossen. Dabei wurde kein Dokument in einer Personalakte abgelegt.",
        ),
        (
            first,
            (1, 0, 0),
            "CET. One document was put into a person's file.",
            "abgeschlossen. Dabei wurde ein Dokument in einer Personalakte abgelegt.",
        ),
        (
            first,
            (1200, 0, 0),
            "CET. 1,200 documents were put into people's files.",
            "abgeschlossen. Dabei wurden 1.200 Dokumente in Personalakten abgelegt.",
        ),
        (
            report,
            (0, 0, 0),
            "succeeded. No document was delivered.",
            "gelungen. Es wurde kein Dokument abgelegt.",
        ),
        (
            report,
            (1, 1, 0),
            "succeeded. One document was delivered.",
            "gelungen. Ein Dokument wurde abgelegt.",
        ),
        (
            report,
            (2, 1, 0),
            "One document needs a look: the list of",
            "Ein Dokument braucht Ihre Aufmerksamkeit: Die Liste",
        ),
        (
            report,
            (2, 3, 1),
            "3 documents need a look: the list of",
            "3 Dokumente brauchen Ihre Aufmerksamkeit: Die Liste",
        ),
        (
            report,
            (2, 3, 1),
            "One document waits for your decision: nobody knows whether it arrived.",
            "Ein Dokument wartet auf Ihre Entscheidung: Niemand weiß, ob es angekommen ist.",
        ),
        (
            report,
            (2, 0, 2),
            "2 documents wait for your decision: nobody knows whether they arrived.",
            "2 Dokumente warten auf Ihre Entscheidung: Niemand weiß, ob sie angekommen sind.",
        ),
        (
            staged,
            (0, 0, 1),
            "Decision needed: one document of “Sync certificates to Personio” waits ",
            "Bitte entscheiden: ein Dokument von „Synchronisiere Zertifikate zu Personio“ wartet ",
        ),
        (
            staged,
            (0, 0, 1),
            "Nobody knows whether it arrived: it was sent,",
            "Niemand weiß, ob es angekommen ist: Es wurde gesendet,",
        ),
    ] {
        let (created, failed, ambiguous) = counts;
        for (language, text) in [("en", english), ("de", german)] {
            let told = told(kind, created, failed, ambiguous, language);
            assert!(told.contains(text), "{text}:\n{told}");
        }
    }
    // Without anything open there is nothing to do.
    assert!(!told(report, 2, 0, 0, "en").contains("What to do"));
}

#[test]
fn codes_that_say_more_than_their_kind_are_explained() {
    let writer = writer();
    for (language, whole) in [
        ("en", "The automation cannot work"),
        ("de", "Mit ihren jetzigen"),
    ] {
        let written = |kind, code: &str, records| {
            let mut paused = about_documents(NoticeKind::Paused);
            paused.facts.records = records;
            paused.facts.failure = Some(Failure::new(kind, "Original.").with_code(code));
            let text = writer.write(&paused, language).unwrap().text;
            // What was reported and the code itself are the same for all.
            let said = text.split("Original.").next().unwrap();
            said.replace('\n', " ")
        };
        let mut texts = BTreeSet::new();
        for code in [
            "people-missing",
            "choice-gone",
            "choice-missing",
            "category-unknown",
        ] {
            let text = written(FailureKind::Config, code, Records::Documents);
            assert!(!text.contains(whole), "{code}: {text}");
            texts.insert(text);
        }
        assert_eq!(texts.len(), 4);
        let other = written(FailureKind::Config, "settings", Records::Documents);
        assert!(other.contains(whole), "{other}");
        // A connector's own code of this name is of another kind.
        let input = written(FailureKind::Input, "choice-gone", Records::Documents);
        assert!(!texts.contains(&input));
        for (records, english, german) in [
            (
                Records::People,
                "So many people failed",
                "So viele Personen sind",
            ),
            (
                Records::Documents,
                "So many documents failed",
                "So viele Dokumente sind",
            ),
        ] {
            let text = written(FailureKind::Internal, "too-many-failed", records);
            let expected = if language == "en" { english } else { german };
            assert!(text.contains(expected), "{text}");
        }
    }
}

#[test]
fn without_an_address_of_automations_there_is_no_button() {
    let writer = Writer::new(Brand::default(), TimeZone::UTC).unwrap();
    let letter = writer.write(&notice(NoticeKind::Paused), "en").unwrap();
    assert!(
        !letter.html.contains("href=") && !letter.text.contains("http"),
        "{}",
        letter.text
    );
}
