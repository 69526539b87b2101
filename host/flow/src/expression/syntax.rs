//! From text to syntax tree, with errors that an author can use.

use std::collections::BTreeSet;

use cel::common::ast::{Expr, IdedExpr, SourceInfo};

use super::rewrite::{self, children};
use super::standard;
use crate::yaml::{Report, Snippet};

/// The longest expression, in bytes. Longer ones belong into `let`.
pub(crate) const LONGEST: usize = 4096;

/// The most nodes below one another. Recursion is bounded by it: the parser counts brackets, but `a + a + …` grows
/// downwards too. `cel` takes 30 KiB of stack a level in a development build (4 KiB in a release), and a thread
/// has 2 MiB.
const DEEPEST: usize = 40;

/// What makes an expression of a file shorter.
pub(crate) const IN_LET: &str = "give parts of it a name under let";

/// An expression that could be parsed.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub snippet: Snippet,
    pub(super) tree: IdedExpr,
    pub(super) places: SourceInfo,
}

impl Parsed {
    /// The names that stand alone: variables, among them those of `let`.
    pub fn names(&self) -> BTreeSet<String> {
        let references = self.tree.references();
        references
            .variables()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    /// The same, where texts that it joins with `+` may be null: then it gives null.
    pub fn joining(mut self) -> Self {
        rewrite::joining(&mut self.tree);
        self
    }

    /// If it is `person(…)`, what stands in the brackets.
    pub fn take_person(mut self) -> (Self, bool) {
        if let Expr::Call(call) = &mut self.tree.expr
            && call.func_name == "person"
            && call.target.is_none()
            && call.args.len() == 1
            && let Some(key) = call.args.pop()
        {
            self.tree = key;
            return (self, true);
        }
        (self, false)
    }
}

/// Parses an expression; what is wrong with it is reported at its place in the file.
pub(crate) fn parse(snippet: Snippet, report: &mut Report<'_>) -> Option<Parsed> {
    if snippet.text.len() > LONGEST {
        report.add_with(
            snippet.span(0, 1),
            format!("the expression is longer than {LONGEST} bytes"),
            Some(IN_LET.into()),
        );
        return None;
    }
    match standard::environment().compile(&snippet.text) {
        Ok(program) if is_deep(program.expression()) => {
            report.add_with(snippet.span(0, 1), TOO_DEEP, Some(IN_LET.into()));
            None
        }
        Ok(program) => {
            let info = program.source_info();
            let mut places = SourceInfo::default();
            // Every node has an id; there are at most as many as the parser gave out.
            for id in 1.. {
                let Some((start, stop)) = info.offset_for(id) else {
                    break;
                };
                places.add_offset(id, start, stop);
            }
            Some(Parsed {
                tree: program.expression().clone(),
                places,
                snippet,
            })
        }
        Err(errors) => {
            let errors = &errors.errors;
            // The parser recovers and goes on; what it finds after its first error is mostly noise.
            let first = errors
                .iter()
                .find(|error| error.msg.starts_with("Syntax error"));
            if let Some(error) = first.or(errors.first()) {
                let at = offset(&snippet.text, error.pos);
                let (message, hint, width) = explain(&error.msg, snippet.text.get(at..));
                report.add_with(snippet.span(at, at + width), message, hint);
            }
            None
        }
    }
}

pub(super) const TOO_DEEP: &str = "the expression is nested too deeply";

/// Whether more than [`DEEPEST`] nodes stand below one another; does not recurse itself.
pub(super) fn is_deep(tree: &IdedExpr) -> bool {
    let mut left = vec![(tree, 1)];
    while let Some((node, depth)) = left.pop() {
        if depth > DEEPEST {
            return true;
        }
        left.extend(children(node).into_iter().map(|child| (child, depth + 1)));
    }
    false
}

/// The byte at a position that the parser counts in lines and characters from 1.
fn offset(text: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line).unwrap_or(1).max(1);
    let column = usize::try_from(column).unwrap_or(1).max(1);
    let begin: usize = text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let rest = text.get(begin..).unwrap_or_default();
    begin
        + rest
            .char_indices()
            .nth(column - 1)
            .map_or(rest.len(), |(at, _)| at)
}

/// Message, hint and width for an error of the parser.
fn explain(message: &str, rest: Option<&str>) -> (String, Option<String>, usize) {
    let rest = rest.unwrap_or_default();
    let quoted = |after: &str| {
        let (_, tail) = message.split_once(after)?;
        let tail = tail.strip_prefix('\'')?;
        tail.split_once('\'').map(|(token, _)| token.to_owned())
    };
    let plain = |message: &str| (message.to_owned(), None, 1);
    if rest.trim().is_empty() || message.contains("input '<EOF>'") {
        return match quoted("missing ") {
            Some(bracket) => (format!("a closing \"{bracket}\" is missing"), None, 1),
            None => plain("the expression ends too early"),
        };
    }
    if message.contains("Recursion limit") || message.contains("recovery attempt limit") {
        return (TOO_DEEP.into(), Some(IN_LET.to_owned()), 1);
    }
    if message.contains("token recognition error") {
        let first = rest.chars().next().unwrap_or(' ');
        return match first {
            '"' | '\'' => plain("this text has no closing quote"),
            '=' => {
                let hint = Some("equality is written ==".to_owned());
                ("\"=\" means nothing here".into(), hint, 1)
            }
            '&' | '|' => (
                format!("\"{first}\" means nothing here"),
                Some(format!("write {first}{first}")),
                1,
            ),
            other => (
                format!("\"{other}\" means nothing here"),
                None,
                other.len_utf8(),
            ),
        };
    }
    if let Some(name) = message.strip_prefix("reserved identifier: ") {
        return (format!("\"{name}\" is a reserved word"), None, name.len());
    }
    if message.contains("invalid argument to has()") {
        let hint = Some("for example has(e.email)".to_owned());
        return ("has() takes one attribute".into(), hint, 1);
    }
    let word: String = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let token = if word.is_empty() {
        rest.chars().take(1).collect()
    } else {
        word
    };
    let hint = match token.to_lowercase().as_str() {
        "and" => Some("and is written &&".to_owned()),
        "or" => Some("or is written ||".to_owned()),
        "not" => Some("not is written !".to_owned()),
        _ => None,
    };
    let width = token.len();
    if message.starts_with("Syntax error") {
        (format!("\"{token}\" is not expected here"), hint, width)
    } else {
        (message.to_owned(), hint, width)
    }
}
