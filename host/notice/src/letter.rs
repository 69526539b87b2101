//! The texts of mails.
//!
//! Each kind of notice has one template a language (`templates/en`, `templates/de`), whose blocks are the sentences
//! of the mail: subject, headline, paragraphs, advice. They are rendered as plain text and put into two layouts,
//! one in HTML (escaped there, once) and one for reading without it, so that the two cannot say different things.
//! What connectors say of a failure is an English sentence; the mail explains the failure by its code, or else
//! by its kind, in the reader's language and gives that sentence as a detail.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use matricula_core::notice::{Notice, NoticeKind, Records};
use matricula_core::run::Counts;
use matricula_core::{Failure, FailureKind, Text};
use minijinja::{AutoEscape, Captured, Environment, UndefinedBehavior, Value, context};

use crate::brand::Brand;
use crate::moment::Language;

/// A mail without its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// `en` or `de`.
    pub language: &'static str,
    /// One line.
    pub subject: String,
    /// For programs that show no HTML.
    pub text: String,
    /// A whole document that loads nothing.
    pub html: String,
}

/// Why there is no letter: a template is wrong.
#[derive(Debug, thiserror::Error)]
#[error("the text of a notice could not be written: {0}")]
pub struct LetterError(#[from] minijinja::Error);

/// How a mail feels: the colour of its mark.
#[derive(Debug, Clone, Copy)]
enum Tone {
    Good,
    Plain,
    Ask,
    Bad,
}

impl Tone {
    /// As the layout knows it.
    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Plain => "plain",
            Self::Ask => "ask",
            Self::Bad => "bad",
        }
    }
}

/// Writes letters.
#[derive(Debug)]
pub struct Writer {
    templates: Environment<'static>,
    brand: Brand,
    zone: TimeZone,
}

/// Name and text of every template.
macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../templates/", $name)))),*]
    };
}

const TEMPLATES: [(&str, &str); 24] = templates![
    "layout.html",
    "layout.txt",
    "en/words.txt",
    "en/failures.txt",
    "en/first-success.txt",
    "en/paused.txt",
    "en/quarantined.txt",
    "en/recovered.txt",
    "en/succeeded.txt",
    "en/staged.txt",
    "en/overdue.txt",
    "en/report.txt",
    "en/test.txt",
    "de/words.txt",
    "de/failures.txt",
    "de/first-success.txt",
    "de/paused.txt",
    "de/quarantined.txt",
    "de/recovered.txt",
    "de/succeeded.txt",
    "de/staged.txt",
    "de/overdue.txt",
    "de/report.txt",
    "de/test.txt",
];

impl Writer {
    /// Writes for this brand, with times in this zone.
    pub fn new(brand: Brand, zone: TimeZone) -> Result<Self, LetterError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.set_auto_escape_callback(|name| {
            if name.ends_with(".html") {
                AutoEscape::Html
            } else {
                AutoEscape::None
            }
        });
        templates.add_filter("wrapped", wrapped);
        templates.add_filter("right", right);
        for (name, text) in TEMPLATES {
            templates.add_template(name, text)?;
        }
        Ok(Self {
            templates,
            brand,
            zone,
        })
    }

    /// The letter about a notice in the language of this tag; in English if it is not written in that one.
    pub fn write(&self, notice: &Notice, language: &str) -> Result<Letter, LetterError> {
        let language = Language::of(language);
        let facts = &notice.facts;
        let moment = |at| language.moment(at, &self.zone);
        let counts = facts.counts.unwrap_or_default();
        let (runs, failed_runs) = facts.runs.unwrap_or_default();
        let failure = facts
            .failure
            .as_ref()
            .filter(|_| is_about_failure(notice.kind));
        let words = context! {
            kind => template(notice.kind),
            product => &self.brand.product,
            title => title(notice, language),
            at => moment(notice.at),
            since => facts.since.map(moment),
            next_at => facts.next_at.map(moment),
            day => day(notice).map(|date| language.date(date)),
            has_counts => facts.counts.is_some(),
            staged => counts.staged,
            staged_text => language.number(counts.staged),
            documents => facts.records == Records::Documents,
            failure => failure.map(explanation),
            failed => counts.failed,
            failed_text => language.number(counts.failed),
            ambiguous => counts.ambiguous,
            ambiguous_text => language.number(counts.ambiguous),
            open => counts.failed + counts.ambiguous,
            open_text => language.number(counts.failed + counts.ambiguous),
            writes => counts.writes(),
            writes_text => language.number(counts.writes()),
            total => counts.total(),
            total_text => language.number(counts.total()),
            has_runs => facts.runs.is_some(),
            runs => runs,
            runs_text => language.number(runs),
            failed_runs => failed_runs,
            failed_runs_text => language.number(failed_runs),
        };

        let mut text = self.blocks(language, template(notice.kind), &words)?;
        let subject = text.block("subject")?;
        let headline = text.block("headline")?;
        let mut paragraphs = text.paragraphs("lead")?;
        let mut advice = text.paragraphs("advice")?;
        let mut labels = self.blocks(language, "words", &words)?;
        let mut rows = Vec::new();
        let mut detail = None;
        if let Some(failure) = failure {
            let mut said = self.blocks(language, "failures", &words)?;
            let name = explanation(failure);
            paragraphs.insert(0, said.block(name)?);
            if advice.is_empty() {
                advice = said.paragraphs(&format!("{name}_advice"))?;
            }
            detail = Some(failure.message.trim().to_owned());
        }
        for (label, value) in [
            ("since", facts.since.map(moment)),
            ("next_at", facts.next_at.map(moment)),
            ("run", facts.run.map(|run| run.to_string())),
            ("code", failure.and_then(|failure| failure.code.clone())),
        ] {
            if let Some(value) = value {
                let label = labels.block(label)?;
                rows.push(context! { label => label, value => value });
            }
        }
        let (mut tally, mut tally_width) = (Vec::new(), 0);
        for (name, number) in shown(&counts) {
            let label = labels.block(name)?;
            let value = language.number(number);
            tally_width = tally_width.max(value.len());
            tally.push(context! { label => label, value => value });
        }

        let link = match (&self.brand.link, &notice.automation) {
            (Some(link), Some(automation)) => Some(link.of(&notice.tenant, automation)),
            _ => None,
        };
        let footer = Some(self.brand.footer.get(language.tag())).filter(|text| !text.is_empty());
        let layout = context! {
            language => language.tag(),
            product => &self.brand.product,
            accent => self.brand.accent.to_string(),
            ink => self.brand.accent.ink(),
            tone => tone(notice.kind, &counts, failed_runs).as_str(),
            mark => text.block("mark")?,
            subject => &subject,
            headline => &headline,
            preview => paragraphs.first().unwrap_or(&headline),
            paragraphs => paragraphs,
            advice_title => labels.block("advice")?,
            advice => advice,
            detail_title => labels.block("detail")?,
            detail => detail,
            rows => rows,
            tally_title => labels.block("tally")?,
            tally_width => tally_width,
            tally => tally,
            open => text.block("button")?,
            link => link,
            why => labels.block(if notice.automation.is_some() { "why" } else { "why_test" })?,
            footer => footer,
        };
        let render = |name: &str| -> Result<String, LetterError> {
            Ok(self.templates.get_template(name)?.render(&layout)?)
        };
        Ok(Letter {
            language: language.tag(),
            text: tidy(&render("layout.txt")?),
            html: render("layout.html")?,
            subject,
        })
    }

    fn blocks(
        &self,
        language: Language,
        name: &str,
        words: &Value,
    ) -> Result<Blocks<'_>, LetterError> {
        let name = format!("{}/{name}.txt", language.tag());
        let template = self.templates.get_template(&name)?;
        Ok(Blocks(template.render_captured(words)?))
    }
}

/// A rendered template whose blocks can be asked for.
struct Blocks<'a>(Captured<'a>);

impl Blocks<'_> {
    /// A block as one line; empty if it says nothing in this case.
    fn block(&mut self, name: &str) -> Result<String, LetterError> {
        let text = self.0.with_state_mut(|state| state.render_block(name))?;
        Ok(one_line(&text))
    }

    /// A block as paragraphs, which an empty line parts.
    fn paragraphs(&mut self, name: &str) -> Result<Vec<String>, LetterError> {
        let text = self.0.with_state_mut(|state| state.render_block(name))?;
        let mut paragraphs = vec![String::new()];
        for line in text.lines().map(str::trim) {
            match paragraphs.last_mut() {
                Some(last) if !line.is_empty() => {
                    if !last.is_empty() {
                        last.push(' ');
                    }
                    last.push_str(line);
                }
                _ => paragraphs.push(String::new()),
            }
        }
        paragraphs.retain(|paragraph| !paragraph.is_empty());
        Ok(paragraphs)
    }
}

/// The flow's title in this language; else the automation's own name.
fn title(notice: &Notice, language: Language) -> String {
    let title = match &notice.facts.title {
        serde_json::Value::String(title) => title.clone(),
        other => serde_json::from_value::<Text>(other.clone())
            .unwrap_or_default()
            .get(language.tag())
            .to_owned(),
    };
    let title = one_line(&title);
    if title.is_empty() {
        let id = notice.automation.as_ref().map(|id| id.as_str());
        return id.unwrap_or_default().to_owned();
    }
    title
}

/// The day of a report, which is its reason.
fn day(notice: &Notice) -> Option<Date> {
    (notice.kind == NoticeKind::Report)
        .then(|| notice.reason.parse().ok())
        .flatten()
}

fn template(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::FirstSuccess => "first-success",
        NoticeKind::Paused => "paused",
        NoticeKind::Quarantined => "quarantined",
        NoticeKind::Recovered => "recovered",
        NoticeKind::Staged => "staged",
        NoticeKind::Overdue => "overdue",
        NoticeKind::Report => "report",
        NoticeKind::Succeeded => "succeeded",
        NoticeKind::Test => "test",
    }
}

/// Whether a failure is why it is told. When it runs again, what went wrong is over.
fn is_about_failure(kind: NoticeKind) -> bool {
    matches!(
        kind,
        NoticeKind::Paused | NoticeKind::Quarantined | NoticeKind::Overdue
    )
}

fn tone(kind: NoticeKind, counts: &Counts, failed_runs: u64) -> Tone {
    match kind {
        NoticeKind::FirstSuccess | NoticeKind::Recovered | NoticeKind::Succeeded => Tone::Good,
        NoticeKind::Paused | NoticeKind::Quarantined => Tone::Bad,
        NoticeKind::Staged | NoticeKind::Overdue => Tone::Ask,
        NoticeKind::Report if failed_runs > 0 || counts.failed + counts.ambiguous > 0 => Tone::Ask,
        NoticeKind::Report | NoticeKind::Test => Tone::Plain,
    }
}

/// The block of `failures.txt` that explains a failure: by its code where more can be said than of its kind.
fn explanation(failure: &Failure) -> &'static str {
    match (failure.kind, failure.code.as_deref()) {
        (FailureKind::Config, Some("people-missing")) => return "people_missing",
        (FailureKind::Config, Some("choice-gone")) => return "choice_gone",
        (FailureKind::Config, Some("choice-missing")) => return "choice_missing",
        (FailureKind::Config, Some("category-unknown")) => return "category_unknown",
        (FailureKind::Internal, Some("too-many-failed")) => return "too_many_failed",
        _ => {}
    }
    match failure.kind {
        FailureKind::Auth => "auth",
        FailureKind::Permission => "permission",
        FailureKind::Config => "config",
        FailureKind::Input => "input",
        FailureKind::NotFound => "not_found",
        FailureKind::Conflict => "conflict",
        FailureKind::RateLimited => "rate_limited",
        FailureKind::Unavailable => "unavailable",
        FailureKind::Protocol => "protocol",
        FailureKind::Internal => "internal",
        FailureKind::Fault => "fault",
    }
}

/// The counts that say something, with their block names in `words.txt`.
fn shown(counts: &Counts) -> Vec<(&'static str, u64)> {
    [
        ("created", counts.created),
        ("updated", counts.updated),
        ("reactivated", counts.reactivated),
        ("deactivated", counts.deactivated),
        ("staged", counts.staged),
        ("ambiguous", counts.ambiguous),
        ("failed", counts.failed),
        ("unchanged", counts.unchanged),
        ("skipped", counts.skipped),
    ]
    .into_iter()
    .filter(|(_, number)| *number > 0)
    .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without the empty lines that conditions in the layout leave behind.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines() {
        // What mail programs take for the beginning of a signature ends with a space.
        let line = if line == "-- " { line } else { line.trim_end() };
        if !(line.is_empty() && empty) {
            tidy.push_str(line);
            tidy.push('\n');
        }
        empty = line.is_empty();
    }
    tidy.truncate(tidy.trim_end().len());
    tidy.push('\n');
    tidy
}

/// Lines of at most 76 characters, which mails are wrapped at by custom.
fn wrapped(text: &str) -> String {
    let mut wrapped = String::with_capacity(text.len());
    let mut length = 0;
    for word in text.split_whitespace() {
        let characters = word.chars().count();
        if length > 0 && length + 1 + characters > 76 {
            wrapped.push('\n');
            length = 0;
        } else if length > 0 {
            wrapped.push(' ');
            length += 1;
        }
        wrapped.push_str(word);
        length += characters;
    }
    wrapped
}

fn right(text: &str, width: usize) -> String {
    format!("{text:>width$}")
}
