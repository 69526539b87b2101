//! What mails say.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use matricula_core::notice::{Facts, NoticeKind};
use matricula_core::run::Counts;
use matricula_core::{Failure, FailureKind};
use matricula_notice::{Brand, Letter, Writer};
use serde_json::json;

use crate::samples::{KINDS, brand, notice};

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
        for kind in KINDS {
            let letter = writer.write(&notice(kind), language).unwrap();
            insta::assert_snapshot!(format!("{language}_{}", kind.as_str()), shown(&letter));
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
        for kind in KINDS {
            let letter = writer.write(&notice(kind), language).unwrap();
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
                        "{kind:?} {language}: {part}\n{said}"
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
        for kind in KINDS {
            let mut bare = notice(kind);
            bare.facts = Facts::default();
            bare.reason = "?".into();
            let letter = writer.write(&bare, language).unwrap();
            check_html(&letter.html);
            for odd in ["none", "undefined", " ,", "  ", "{{", "{%"] {
                let text = shown(&letter);
                assert!(!text.contains(odd), "{kind:?} {language} {odd}:\n{text}");
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
