//! What an expression may give, and what is wrong with it: unknown names, wrong kinds, null where null
//! cannot be dealt with. After this check an expression fails for a record only where the record itself
//! is at odds with its schema, or by arithmetic.

use std::collections::BTreeSet;

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators,
};

use super::names::Names;
use super::syntax::Parsed;
use super::types::{BOOL, DOUBLE, INT, LIST, NULL, NUMBER, OBJECT, Shape, TEXT, TEXTUAL, Type};
use crate::diagnostic::did_you_mean;
use crate::yaml::Report;

/// What an expression may give, and the top-level attributes of the record that it uses; what is wrong
/// with it is reported.
pub(super) fn infer(
    names: &Names,
    parsed: &Parsed,
    report: &mut Report<'_>,
) -> (Type, BTreeSet<String>) {
    let mut check = Check {
        names,
        parsed,
        report,
        locals: Vec::new(),
        attributes: BTreeSet::new(),
    };
    let of = check.infer(&parsed.tree);
    (of, check.attributes)
}

/// The check of one expression. Functions and methods are in `calls`, what is said of mistakes in
/// `findings`.
pub(super) struct Check<'a, 'r, 's> {
    pub(super) names: &'a Names,
    pub(super) parsed: &'a Parsed,
    pub(super) report: &'r mut Report<'s>,
    /// Variables of loops, innermost last.
    locals: Vec<(String, Type)>,
    attributes: BTreeSet<String>,
}

impl Check<'_, '_, '_> {
    /// The type of a node; what is wrong in it is reported.
    pub(super) fn infer(&mut self, node: &IdedExpr) -> Type {
        match &node.expr {
            Expr::Literal(literal) => self.literal(node, literal),
            Expr::Ident(name) => self.ident(node, name),
            Expr::Select(select) => self.select(node, select),
            Expr::Call(call) => self.call(node, call),
            Expr::List(list) => {
                let mut item: Option<Type> = None;
                for (at, element) in list.elements.iter().enumerate() {
                    let of = self.infer(element);
                    let optional = list.optional_indices.contains(&at);
                    let of = if optional {
                        of.held()
                    } else {
                        self.plain(element, of)
                    };
                    item = Some(item.map_or(of.clone(), |item| item.or(&of)));
                }
                item.map_or_else(|| Type::of(LIST), Type::list)
            }
            Expr::Map(map) => {
                let mut shape = Shape {
                    name: "this map".into(),
                    properties: Vec::new(),
                    patterns: Vec::new(),
                    open: false,
                };
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        continue;
                    };
                    let of = self.infer(&entry.value);
                    let of = if entry.optional {
                        of.held()
                    } else {
                        self.plain(&entry.value, of)
                    };
                    match text_of(&entry.key) {
                        Some(key) if shape.properties.iter().any(|(name, _)| name == key) => {
                            self.wrong(&entry.key, format!("\"{key}\" is there twice"));
                        }
                        Some(key) => shape.properties.push((key.to_owned(), of)),
                        None => {
                            let key = self.infer(&entry.key);
                            self.expect(&entry.key, &key, TEXTUAL, "a key");
                            shape.open = true;
                        }
                    }
                }
                Type::object(shape)
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Struct(_) => {
                self.wrong(node, "structures cannot be made here".into());
                Type::any()
            }
            Expr::Unspecified => Type::any(),
        }
    }

    fn literal(&mut self, node: &IdedExpr, literal: &LiteralValue) -> Type {
        match literal {
            LiteralValue::Boolean(_) => Type::of(BOOL),
            LiteralValue::Int(_) | LiteralValue::UInt(_) => Type::of(INT),
            LiteralValue::Double(_) => Type::of(DOUBLE),
            LiteralValue::String(_) => Type::of(TEXT),
            LiteralValue::Null => Type::of(NULL),
            LiteralValue::Bytes(_) => {
                self.wrong(node, "bytes cannot be used here".into());
                Type::any()
            }
        }
    }

    fn ident(&mut self, node: &IdedExpr, name: &str) -> Type {
        if let Some((_, of)) = self.locals.iter().rev().find(|(local, _)| local == name) {
            return of.clone();
        }
        if let Some(helper) = self.names.lets.get(name) {
            self.attributes.extend(helper.attributes.iter().cloned());
            return helper.of.clone();
        }
        if name == self.names.alias || name == "settings" {
            let example = if name == "settings" {
                "a setting"
            } else {
                "an attribute"
            };
            self.wrong(
                node,
                format!("{name} cannot be used as a whole; name {example} of it"),
            );
            return Type::any();
        }
        let mut known: Vec<&str> = vec![&self.names.alias, "settings"];
        known.extend(self.names.lets.keys().map(String::as_str));
        known.extend(self.locals.iter().map(|(local, _)| local.as_str()));
        let hint = match name {
            "today" => Some(
                "expressions do not know the time; dates are declared under access, and only remarks \
                 know today"
                    .to_owned(),
            ),
            "now" => {
                Some("expressions do not know the time; dates are declared under access".to_owned())
            }
            _ => did_you_mean(name, known),
        };
        self.wrong_with(node, format!("there is nothing called \"{name}\""), hint);
        Type::any()
    }

    /// `a.b` and `has(a.b)`.
    fn select(&mut self, node: &IdedExpr, select: &SelectExpr) -> Type {
        let of = self.member(node, &select.operand, &select.field);
        if select.test {
            return Type::of(BOOL);
        }
        of
    }

    /// The type of a key of something, without what the syntax used adds to it.
    fn member(&mut self, node: &IdedExpr, operand: &IdedExpr, field: &str) -> Type {
        if let Expr::Ident(name) = &operand.expr
            && !self.locals.iter().any(|(local, _)| local == name)
        {
            if *name == self.names.alias {
                self.attributes.insert(field.to_owned());
                return self.property(node, &self.names.record, field, "attribute");
            }
            if name == "settings" {
                return self.property(node, &self.names.settings, field, "setting");
            }
        }
        let of = self.infer(operand);
        let optional = of.optional;
        let mut member = if of.is_any() {
            Type::any()
        } else if !of.has(OBJECT) {
            let message = format!("{} has no \"{field}\": it is {of}", self.text(operand));
            self.wrong(node, message);
            Type::any()
        } else {
            match of.shape() {
                Some(shape) => self.property(node, shape, field, "attribute"),
                None => Type::any(),
            }
        };
        if of.nullable() {
            member = member.or_null();
        }
        if optional {
            member.into_optional()
        } else {
            member
        }
    }

    fn property(&mut self, node: &IdedExpr, shape: &Shape, field: &str, what: &str) -> Type {
        if let Some(of) = shape.property(field) {
            return of;
        }
        let message = match what {
            "setting" => format!("there is no setting \"{field}\""),
            _ => format!("{} has no attribute \"{field}\"", shape.name),
        };
        let hint = did_you_mean(field, shape.names());
        let (start, _) = self.range(node);
        // The position is that of the dot, or of the bracket or quote before the name.
        let text = &self.parsed.snippet.text;
        let at = text
            .get(start..)
            .and_then(|rest| rest.find(field))
            .map_or(start, |at| start + at);
        let span = self.parsed.snippet.span(at, at + field.len());
        self.report.add_with(span, message, hint);
        Type::any()
    }

    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Type {
        let range = self.infer(&comprehension.iter_range);
        let range = self.plain(&comprehension.iter_range, range);
        self.expect(&comprehension.iter_range, &range, LIST, "a loop");
        let variables = [
            Some(&comprehension.iter_var),
            comprehension.iter_var2.as_ref(),
        ];
        for variable in variables.into_iter().flatten() {
            let taken = *variable == self.names.alias
                || variable == "settings"
                || self.names.lets.contains_key(variable);
            if taken {
                let message = format!("the loop's variable \"{variable}\" has a meaning already");
                self.wrong(&comprehension.iter_range, message);
            }
        }
        let start = self.infer(&comprehension.accu_init);
        self.locals
            .push((comprehension.iter_var.clone(), range.item()));
        self.locals
            .push((comprehension.accu_var.clone(), start.clone()));
        let step = self.infer(&comprehension.loop_step);
        self.locals.pop();
        self.locals
            .push((comprehension.accu_var.clone(), start.or(&step)));
        let result = self.infer(&comprehension.result);
        self.locals.pop();
        self.locals.pop();
        result
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Type {
        if let Some(target) = &call.target {
            return self.method(node, call, target);
        }
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::CONDITIONAL, [condition, yes, no]) => {
                let of = self.infer(condition);
                self.expect(condition, &of, BOOL, "a condition");
                let yes = self.infer(yes);
                yes.or(&self.infer(no))
            }
            (operators::LOGICAL_AND | operators::LOGICAL_OR, [left, right]) => {
                for side in [left, right] {
                    let of = self.infer(side);
                    self.expect(side, &of, BOOL, "&& and ||");
                }
                Type::of(BOOL)
            }
            (operators::LOGICAL_NOT, [operand]) => {
                let of = self.infer(operand);
                self.expect(operand, &of, BOOL, "!");
                Type::of(BOOL)
            }
            (operators::NOT_STRICTLY_FALSE, [operand]) => {
                self.infer(operand);
                Type::of(BOOL)
            }
            (operators::EQUALS | operators::NOT_EQUALS, [left, right]) => {
                let (left_of, right_of) = (self.infer(left), self.infer(right));
                let left_of = self.plain(left, left_of);
                let right_of = self.plain(right, right_of);
                if !left_of.comparable(&right_of) {
                    self.never_equal(node, &left_of, &right_of);
                }
                Type::of(BOOL)
            }
            (
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS,
                [left, right],
            ) => {
                let left_of = self.infer(left);
                let left_of = self.expect(left, &left_of, NUMBER | TEXTUAL | BOOL, "a comparison");
                let right_of = self.infer(right);
                let right_of =
                    self.expect(right, &right_of, NUMBER | TEXTUAL | BOOL, "a comparison");
                if !left_of.comparable(&right_of) {
                    let message = format!("{left_of} cannot be compared with {right_of}");
                    self.wrong(node, message);
                }
                Type::of(BOOL)
            }
            (operators::ADD, [left, right]) => {
                let left_of = self.infer(left);
                let left_of = self.expect(left, &left_of, NUMBER | TEXTUAL | LIST, "+");
                let right_of = self.infer(right);
                let right_of = self.expect(right, &right_of, NUMBER | TEXTUAL | LIST, "+");
                if left_of.only(TEXTUAL) && right_of.only(TEXTUAL) {
                    return Type::of(TEXT);
                }
                self.same_numbers(node, &left_of, &right_of, "+");
                left_of.or(&right_of)
            }
            (
                operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::MODULO,
                [left, right],
            ) => {
                let left_of = self.infer(left);
                let left_of = self.expect(left, &left_of, NUMBER, "arithmetic");
                let right_of = self.infer(right);
                let right_of = self.expect(right, &right_of, NUMBER, "arithmetic");
                self.same_numbers(node, &left_of, &right_of, "arithmetic");
                left_of.or(&right_of)
            }
            (operators::NEGATE, [operand]) => {
                let of = self.infer(operand);
                self.expect(operand, &of, NUMBER, "-")
            }
            (operators::IN, [element, list]) => {
                let element_of = self.infer(element);
                let element_of = self.plain(element, element_of);
                let of = self.infer(list);
                let of = self.expect(list, &of, LIST, "in");
                let item = of.item();
                if !element_of.comparable(&item) {
                    self.never_equal(node, &element_of, &item);
                }
                Type::of(BOOL)
            }
            (operators::INDEX, [operand, index]) => self.index(node, operand, index, false),
            (operators::OPT_INDEX, [operand, index]) => self.index(node, operand, index, true),
            (operators::OPT_SELECT, [operand, field]) => match text_of(field) {
                Some(field) => self.member(node, operand, field).into_optional(),
                None => Type::any(),
            },
            (name, args) => self.function(node, name, args),
        }
    }

    fn index(&mut self, node: &IdedExpr, operand: &IdedExpr, index: &IdedExpr, opt: bool) -> Type {
        if let Some(field) = text_of(index) {
            let of = self.member(node, operand, field);
            return if opt { of.into_optional() } else { of };
        }
        let of = self.infer(operand);
        let optional = opt || of.optional;
        let of = self.expect(operand, &of.held(), LIST | OBJECT, "[ ]");
        let at = self.infer(index);
        let kinds = if of.only(LIST) { INT } else { INT | TEXTUAL };
        self.expect(index, &at, kinds, "what stands between [ ]");
        let item = if of.only(LIST) {
            of.item()
        } else {
            Type::any()
        };
        if optional { item.into_optional() } else { item }
    }
}

/// The text of a text literal.
pub(super) fn text_of(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
