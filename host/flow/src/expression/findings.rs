//! What is said of a mistake in an expression, and where it stands.

use cel::common::ast::{Expr, IdedExpr, operators};

use super::infer::{Check, text_of};
use super::rewrite;
use super::types::{BOOL, DOUBLE, INT, LIST, NULL, NUMBER, TEXTUAL, Type};
use crate::yaml::Span;

impl Check<'_, '_, '_> {
    /// An argument of a function.
    pub(super) fn takes(&mut self, arg: &IdedExpr, of: &Type, kinds: u16, name: &str) {
        self.expect(arg, of, kinds, name);
    }

    /// Reports a value that cannot be of these kinds, or that may be null where null is none of them.
    pub(super) fn expect(&mut self, node: &IdedExpr, of: &Type, kinds: u16, taker: &str) -> Type {
        if of.optional {
            return self.plain(node, of.clone()).without_null();
        }
        let of = of.clone();
        if of.is_any() {
            return of;
        }
        let wanted = Type::of(kinds & !NULL);
        if !of.can_be(kinds) {
            let message = format!("{taker} takes {wanted}, and this is {of}");
            self.wrong(node, message);
            return Type::any();
        }
        if of.nullable() && kinds & NULL == 0 {
            let instead = if of.has(TEXTUAL) {
                "\"\""
            } else if of.has(NUMBER) {
                "0"
            } else if of.has(BOOL) {
                "false"
            } else {
                "[]"
            };
            let text = self.text(node);
            let hint = Some(format!("write coalesce({text}, {instead})"));
            self.wrong_with(
                node,
                format!("this may be null, which {taker} cannot take"),
                hint,
            );
            return of.without_null();
        }
        of
    }

    /// A value that must not be an optional.
    pub(super) fn plain(&mut self, node: &IdedExpr, of: Type) -> Type {
        if !of.optional {
            return of;
        }
        let text = self.text(node);
        let hint = Some(format!(
            "write {text}.orValue(…), or {}",
            text.replacen(".?", ".", 1)
        ));
        self.wrong_with(node, "this may hold nothing (because of .?)".into(), hint);
        of.held()
    }

    pub(super) fn needs_optional(&mut self, node: &IdedExpr, of: &Type, name: &str) {
        if !of.optional && !of.is_any() {
            let hint = Some("write .? before the attribute that may be absent".to_owned());
            self.wrong_with(node, format!("{name} is for what may be absent"), hint);
        }
    }

    pub(super) fn same_numbers(&mut self, node: &IdedExpr, left: &Type, right: &Type, what: &str) {
        if left.is_any() || right.is_any() {
            return;
        }
        let groups = [INT, DOUBLE, TEXTUAL, LIST];
        if !groups
            .iter()
            .any(|group| left.has(*group) && right.has(*group))
        {
            let hint = (left.has(NUMBER) && right.has(NUMBER))
                .then(|| "make both of the same kind with int(…) or double(…)".to_owned())
                .or_else(|| left.has(NUMBER).then(|| "write string(…)".to_owned()));
            self.wrong_with(
                node,
                format!("{what} cannot take {left} and {right} together"),
                hint,
            );
        }
    }

    pub(super) fn never_equal(&mut self, node: &IdedExpr, left: &Type, right: &Type) {
        let message = format!("{left} and {right} are never equal");
        let hint = (left.has(NUMBER | TEXTUAL) && right.has(NUMBER | TEXTUAL))
            .then(|| "string(…) makes a number a text".to_owned());
        self.wrong_with(node, message, hint);
    }

    pub(super) fn unknown_function(&mut self, node: &IdedExpr, name: &str, hint: Option<String>) {
        let (start, _) = self.range(node);
        // The position of a call is that of its opening bracket.
        let text = &self.parsed.snippet.text;
        let before = text.get(..start).unwrap_or_default().trim_end();
        let at = before.strip_suffix(name).map_or(start, str::len);
        let span = self.parsed.snippet.span(at, at + name.len());
        self.report
            .add_with(span, format!("there is no function \"{name}\""), hint);
    }

    pub(super) fn wrong(&mut self, node: &IdedExpr, message: String) {
        self.wrong_with(node, message, None);
    }

    pub(super) fn wrong_with(&mut self, node: &IdedExpr, message: String, hint: Option<String>) {
        let span = self.span(node);
        self.report.add_with(span, message, hint);
    }

    pub(super) fn range(&self, node: &IdedExpr) -> (usize, usize) {
        let (start, stop) = self.parsed.places.offset_for(node.id).unwrap_or((0, 0));
        (start as usize, stop as usize + 1)
    }

    /// From the first to the last character of a node with everything below it.
    pub(super) fn extent(&self, node: &IdedExpr) -> (usize, usize) {
        let text = &self.parsed.snippet.text;
        let (at, mut end) = self.range(node);
        let mut start = at;
        for child in rewrite::children(node) {
            let (from, to) = self.extent(child);
            start = start.min(from);
            end = end.max(to);
        }
        match &node.expr {
            // The position of a selection is its dot, that of a call its opening bracket.
            Expr::Select(select) if !select.test => {
                let rest = text.get(at..).unwrap_or_default();
                if let Some(found) = rest.find(select.field.as_str()) {
                    end = end.max(at + found + select.field.len());
                }
            }
            Expr::Call(call) if call.target.is_none() => {
                let before = text.get(..at).unwrap_or_default();
                if let Some(name) = before.strip_suffix(call.func_name.as_str()) {
                    start = start.min(name.len());
                } else if call.func_name == operators::OPT_SELECT
                    && let Some(field) = call.args.last().and_then(text_of)
                {
                    let rest = text.get(at..).unwrap_or_default();
                    end = end.max(
                        rest.find(field)
                            .map_or(end, |found| at + found + field.len()),
                    );
                }
            }
            _ => {}
        }
        // What was opened is closed.
        for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
            let inside = text.get(start..end).unwrap_or_default();
            let missing = inside
                .matches(open)
                .count()
                .saturating_sub(inside.matches(close).count());
            for _ in 0..missing {
                let rest = text.get(end..).unwrap_or_default();
                end = rest.find(close).map_or(end, |found| end + found + 1);
            }
        }
        (start, end)
    }

    pub(super) fn span(&self, node: &IdedExpr) -> Span {
        let (start, end) = self.extent(node);
        self.parsed.snippet.span(start, end)
    }

    /// The node as it is written, for messages.
    pub(super) fn text(&self, node: &IdedExpr) -> &str {
        let (start, end) = self.extent(node);
        self.parsed.snippet.text.get(start..end).unwrap_or("this")
    }
}
