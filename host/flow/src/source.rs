//! A file's text, places in it, and what is reported about them. Positions are counted in characters.

use crate::diagnostic::Diagnostic;

/// A file's text.
#[derive(Debug)]
pub(crate) struct Source {
    file: String,
    pub(crate) text: Vec<char>,
    /// Where each line begins.
    lines: Vec<usize>,
}

/// A stretch of a file, in characters from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
}

/// The text of an expression, with the place of every byte of it.
#[derive(Debug, Clone)]
pub(crate) struct Snippet {
    pub text: String,
    pub places: Vec<usize>,
}

impl Snippet {
    /// A text that is all of its [`Source`], but for white space before it.
    pub fn whole(text: &str) -> Self {
        let all = text.chars().count();
        let text = text.trim_start();
        let begin = all - text.chars().count();
        let places = (begin..).zip(text.chars());
        let mut places: Vec<usize> = places
            .flat_map(|(at, character)| std::iter::repeat_n(at, character.len_utf8()))
            .collect();
        places.push(all);
        Self {
            text: text.to_owned(),
            places,
        }
    }

    /// The place of a byte range of the text; ranges beyond its end are at its end.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let last = self.places.len().saturating_sub(1);
        let place = |at: usize| self.places.get(at.min(last)).copied().unwrap_or(0);
        let start_place = place(start);
        let end_place = if end > start {
            place(end - 1) + 1
        } else {
            start_place + 1
        };
        Span {
            start: start_place,
            end: end_place.max(start_place + 1),
        }
    }
}

/// Collects what is wrong with one file.
#[derive(Debug)]
pub(crate) struct Report<'s> {
    pub source: &'s Source,
    pub found: Vec<Diagnostic>,
}

impl<'s> Report<'s> {
    pub fn new(source: &'s Source) -> Self {
        Self {
            source,
            found: Vec::new(),
        }
    }

    pub fn add(&mut self, span: Span, message: impl Into<String>) {
        self.add_with(span, message, None);
    }

    pub fn add_with(&mut self, span: Span, message: impl Into<String>, hint: Option<String>) {
        self.found
            .push(self.source.diagnostic(span, message.into(), hint));
    }
}

impl Source {
    pub fn new(file: &str, text: &str) -> Self {
        let text: Vec<char> = text.chars().collect();
        let breaks = text
            .iter()
            .enumerate()
            .filter(|(_, c)| **c == '\n')
            .map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(breaks).collect();
        Self {
            file: file.to_owned(),
            text,
            lines,
        }
    }

    /// The text of a stretch.
    pub fn slice(&self, span: Span) -> String {
        self.text
            .get(span.start..span.end)
            .unwrap_or_default()
            .iter()
            .collect()
    }

    /// Finds each character of a scalar's value in the file. Between the two stand quotes, escapes and the
    /// line breaks and indentation that YAML folds; one walk over both undoes them.
    pub fn places(&self, value: &str, span: Span) -> Vec<usize> {
        let raw = |at: usize| self.text.get(at).copied().filter(|_| at < span.end);
        let quote = raw(span.start).filter(|c| matches!(c, '"' | '\''));
        let quote = quote.filter(|q| {
            // A block scalar may begin with a quote too; a quoted one also ends with it.
            span.end > span.start + 1
                && raw(span.end - 1) == Some(*q)
                && !(value.starts_with(*q) && value.trim_end().ends_with(*q))
        });
        let mut at = span.start + usize::from(quote.is_some());
        let mut places = Vec::with_capacity(value.len() + 1);
        for character in value.chars() {
            let mut place = at;
            if character.is_whitespace() && raw(at) != Some(character) {
                // A folded break: stands for all the white space here.
                while raw(at).is_some_and(char::is_whitespace) {
                    at += 1;
                }
            } else {
                while raw(at).is_some_and(|c| c.is_whitespace() && c != character) {
                    at += 1;
                }
                place = at;
                at += match (quote, raw(at)) {
                    (Some('"'), Some('\\')) => match raw(at + 1) {
                        Some('x') => 4,
                        Some('u') => 6,
                        Some('U') => 10,
                        _ => 2,
                    },
                    (Some('\''), Some('\'')) => 2,
                    _ => 1,
                };
            }
            places.extend(std::iter::repeat_n(
                place.min(span.end),
                character.len_utf8(),
            ));
        }
        places.push(at.min(span.end));
        places
    }

    /// Says what is wrong at a place.
    pub fn diagnostic(&self, span: Span, message: String, hint: Option<String>) -> Diagnostic {
        // What is missing at the end of the file is shown at the end of its last line.
        let mut start = span.start.min(self.text.len());
        while start > 0 && start == self.text.len() && self.text.get(start - 1) == Some(&'\n') {
            start -= 1;
        }
        let line = self
            .lines
            .partition_point(|begin| *begin <= start)
            .saturating_sub(1);
        let begin = self.lines.get(line).copied().unwrap_or(0);
        let content: String = self
            .text
            .iter()
            .skip(begin)
            .take_while(|c| !matches!(c, '\n' | '\r'))
            .map(|c| if *c == '\t' { ' ' } else { *c })
            .collect();
        let column = start - begin;
        let left = content.chars().count().saturating_sub(column).max(1);
        let width = span.end.saturating_sub(span.start).clamp(1, left);
        let number = (line + 1).to_string();
        let margin = " ".repeat(number.len());
        let excerpt = format!(
            "{margin} |\n{number} | {content}\n{margin} | {}{}",
            " ".repeat(column),
            "^".repeat(width)
        );
        Diagnostic {
            file: self.file.clone(),
            line: line + 1,
            column: column + 1,
            message,
            hint,
            excerpt,
        }
    }
}
