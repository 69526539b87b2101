//! What functions and methods take and give.

use cel::common::ast::{CallExpr, Expr, IdedExpr};

use super::budget;
use super::functions::TextFunction;
use super::infer::{Check, text_of};
use super::rewrite::JOIN;
use super::types::{BOOL, DATE, DOUBLE, INT, LIST, NULL, NUMBER, OBJECT, TEXT, TEXTUAL, Type};
use crate::diagnostic::did_you_mean;

/// The functions and methods that there are.
const FUNCTIONS: [&str; 17] = [
    "trim",
    "lower",
    "upper",
    "normalizeDiacritics",
    "date",
    "string",
    "replace",
    "truncate",
    "join",
    "coalesce",
    "ifEmpty",
    "switch",
    "person",
    "has",
    "size",
    "int",
    "double",
];
const METHODS: [&str; 13] = [
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "size",
    "orValue",
    "or",
    "hasValue",
    "all",
    "exists",
    "exists_one",
    "map",
    "filter",
];

impl Check<'_, '_, '_> {
    pub(super) fn function(&mut self, node: &IdedExpr, name: &str, args: &[IdedExpr]) -> Type {
        let types: Vec<Type> = args.iter().map(|arg| self.infer(arg)).collect();
        let both: Vec<(&IdedExpr, &Type)> = args.iter().zip(&types).collect();
        // A text function answers null with null.
        let kinds_if = |of: &Type, kinds: u16| {
            let result = Type::of(kinds);
            if of.nullable() {
                result.or_null()
            } else {
                result
            }
        };
        match (name, both.as_slice()) {
            (name, [(arg, of)]) if TextFunction::named(name).is_some() => {
                self.takes(arg, of, TEXTUAL | NULL, name);
                kinds_if(of, if name == "date" { DATE } else { TEXT })
            }
            ("string", [(arg, of)]) => {
                self.takes(arg, of, TEXTUAL | NUMBER | BOOL | NULL, name);
                kinds_if(of, TEXT)
            }
            (JOIN, [(left, left_of), (right, right_of)]) => {
                for (side, of) in [(left, left_of), (right, right_of)] {
                    if of.has(NUMBER | BOOL) && !of.has(TEXTUAL) {
                        let hint = format!("write string({})", self.text(side));
                        let message = format!("+ takes text here, and this is {of}");
                        self.wrong_with(side, message, Some(hint));
                    } else {
                        self.takes(side, of, TEXTUAL | NULL, "+");
                    }
                }
                kinds_if(&left_of.or(right_of), TEXT)
            }
            ("replace", [(arg, of), rest @ ..]) if rest.len() == 2 => {
                self.takes(arg, of, TEXTUAL | NULL, name);
                for (arg, of) in rest {
                    self.takes(arg, of, TEXTUAL, name);
                }
                kinds_if(of, TEXT)
            }
            ("truncate", [(arg, of), (most, most_of)]) => {
                self.takes(arg, of, TEXTUAL | NULL, name);
                self.takes(most, most_of, INT, name);
                kinds_if(of, TEXT)
            }
            ("join", [(arg, of), (separator, separator_of)]) => {
                self.takes(arg, of, LIST | NULL, name);
                self.takes(separator, separator_of, TEXTUAL, name);
                if of.has(LIST) {
                    self.takes(arg, &of.item(), TEXTUAL | NULL, "join, of a list,");
                }
                kinds_if(of, TEXT)
            }
            ("coalesce", [_, _] | [_, _, _] | [_, _, _, _]) => {
                let mut result: Option<Type> = None;
                for of in &types {
                    let of = if of.optional {
                        of.clone().held().or_null()
                    } else {
                        of.clone()
                    };
                    result = Some(match result {
                        Some(result) => result.without_null().or(&of),
                        None => of,
                    });
                }
                let last_holds = types.iter().any(|of| !of.optional && !of.has(NULL));
                let result = result.unwrap_or_else(Type::any);
                if last_holds {
                    result.without_null()
                } else {
                    result
                }
            }
            ("ifEmpty", [(arg, of), (other, other_of)]) => {
                self.takes(arg, of, TEXTUAL | NULL, name);
                self.plain(other, (*other_of).clone());
                (*of).clone().without_null().or(other_of)
            }
            ("switch", [(map, of), (key, key_of), (default, default_of)]) => {
                if !matches!(map.expr, Expr::Map(_)) {
                    let hint = Some("switch({\"a\": 1, \"b\": 2}, e.x, 0)".to_owned());
                    self.wrong_with(map, "switch takes a map that is written out".into(), hint);
                }
                self.takes(key, key_of, TEXTUAL | NULL, name);
                let default_of = self.plain(default, (*default_of).clone());
                match of.shape() {
                    Some(shape) if !shape.open => shape
                        .properties
                        .iter()
                        .fold(default_of, |all, (_, of)| all.or(of)),
                    _ => Type::any(),
                }
            }
            ("size", [(arg, of)]) => {
                self.takes(arg, of, TEXTUAL | LIST | OBJECT, name);
                Type::of(INT)
            }
            ("int" | "double", [(arg, of)]) => {
                self.takes(arg, of, TEXTUAL | NUMBER, name);
                Type::of(if name == "int" { INT } else { DOUBLE })
            }
            ("person", _) => {
                self.wrong(
                    node,
                    "person(…) is only allowed as the whole value of a reference in map".into(),
                );
                Type::any()
            }
            (name, both) if FUNCTIONS.contains(&name) => {
                let message = format!("{name} does not take {} arguments", both.len());
                self.wrong(node, message);
                Type::any()
            }
            (name, _) => {
                let hint = if METHODS.contains(&name) {
                    Some(format!("write x.{name}(…)"))
                } else {
                    did_you_mean(name, FUNCTIONS)
                };
                self.unknown_function(node, name, hint);
                Type::any()
            }
        }
    }

    pub(super) fn method(&mut self, node: &IdedExpr, call: &CallExpr, target: &IdedExpr) -> Type {
        let name = call.func_name.as_str();
        if !METHODS.contains(&name) {
            let hint = if FUNCTIONS.contains(&name) {
                Some(format!("write {name}({}, …)", self.text(target)).replace(", …", ""))
            } else {
                did_you_mean(name, METHODS)
            };
            self.unknown_function(node, name, hint);
            return Type::any();
        }
        let of = self.infer(target);
        let args: Vec<Type> = call.args.iter().map(|arg| self.infer(arg)).collect();
        match (name, call.args.as_slice(), args.as_slice()) {
            ("contains" | "startsWith" | "endsWith" | "matches", [arg], [arg_of]) => {
                self.takes(target, &of, TEXTUAL, name);
                self.takes(arg, arg_of, TEXTUAL, name);
                if name == "matches"
                    && let Some(pattern) = text_of(arg)
                    && let Err(reason) = budget::pattern(pattern)
                {
                    self.wrong(arg, format!("\"{pattern}\" {reason}"));
                }
                Type::of(BOOL)
            }
            ("size", [], []) => {
                self.takes(target, &of, TEXTUAL | LIST | OBJECT, name);
                Type::of(INT)
            }
            ("orValue", [other], [other_of]) => {
                self.needs_optional(target, &of, name);
                let other_of = self.plain(other, other_of.clone());
                of.held().or(&other_of)
            }
            ("or", [other], [other_of]) => {
                self.needs_optional(target, &of, name);
                self.needs_optional(other, other_of, name);
                of.or(other_of)
            }
            ("hasValue", [], []) => {
                self.needs_optional(target, &of, name);
                Type::of(BOOL)
            }
            _ => {
                let message = format!("{name} does not take {} arguments", args.len());
                self.wrong(node, message);
                Type::any()
            }
        }
    }
}
