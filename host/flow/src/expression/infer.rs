//! What an expression may give, and what is wrong with it: unknown names, wrong kinds, null where null
//! cannot be dealt with. After this check an expression fails for a record only where the record itself
//! is at odds with its schema, or by arithmetic.

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators,
};

use super::functions::TextFunction;
use super::rewrite;
use super::syntax::Parsed;
use super::types::{
    BOOL, DATE, DOUBLE, INT, LIST, NULL, NUMBER, OBJECT, Shape, TEXT, TEXTUAL, Type,
};
use crate::diagnostic::did_you_mean;
use crate::yaml::{Name, Report, Span};

/// The functions and methods that there are.
const FUNCTIONS: [&str; 16] = [
    "trim",
    "lower",
    "upper",
    "normalizeDiacritics",
    "date",
    "string",
    "replace",
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

/// What names mean in the expressions of a flow.
#[derive(Debug)]
pub(crate) struct Names {
    /// What the record is called.
    pub alias: String,
    pub record: Shape,
    pub settings: Shape,
    pub(super) lets: BTreeMap<String, Let>,
}

/// A named helper expression.
#[derive(Debug)]
pub(super) struct Let {
    /// Without names of other helpers in it; none where it is wrong.
    pub tree: Option<IdedExpr>,
    of: Type,
    attributes: BTreeSet<String>,
}

/// An expression that has been checked. Helpers are put in place of their names.
#[derive(Debug)]
pub(crate) struct Expression {
    pub of: Type,
    /// The top-level attributes of the record that it uses.
    pub attributes: BTreeSet<String>,
    pub(super) tree: IdedExpr,
}

impl Names {
    pub fn new(alias: String, record: Shape, settings: Shape) -> Self {
        Self {
            alias,
            record,
            settings,
            lets: BTreeMap::new(),
        }
    }

    /// Whether a helper has this name.
    pub fn lets_contain(&self, name: &str) -> bool {
        self.lets.contains_key(name)
    }

    /// Adds the helpers of `let`, in an order in which each finds those that it refers to.
    pub fn define(&mut self, lets: Vec<(Name, Option<Parsed>)>, report: &mut Report<'_>) {
        let names: BTreeSet<String> = lets.iter().map(|(name, _)| name.text.clone()).collect();
        let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, parsed) in &lets {
            let used = parsed.as_ref().map(Parsed::names).unwrap_or_default();
            uses.insert(
                name.text.clone(),
                used.intersection(&names).cloned().collect(),
            );
        }
        let (order, cycles) = in_order(&uses);
        for cycle in cycles {
            let entry = lets
                .iter()
                .find(|(name, _)| Some(&name.text) == cycle.first());
            if let Some((name, _)) = entry {
                report.add(
                    name.span,
                    format!("let goes round in a circle: {}", cycle.join(" → ")),
                );
            }
        }
        let mut parsed: BTreeMap<String, Option<Parsed>> = lets
            .into_iter()
            .map(|(name, parsed)| (name.text, parsed))
            .collect();
        for name in order {
            let helper = match parsed.remove(&name).flatten() {
                Some(parsed) => match self.check(parsed, report) {
                    Some(expression) => Let {
                        of: expression.of,
                        attributes: expression.attributes,
                        tree: Some(expression.tree),
                    },
                    None => Let::wrong(),
                },
                None => Let::wrong(),
            };
            self.lets.insert(name, helper);
        }
        for (name, _) in parsed {
            self.lets.insert(name, Let::wrong());
        }
    }

    /// Checks an expression; none if something was reported.
    pub fn check(&self, parsed: Parsed, report: &mut Report<'_>) -> Option<Expression> {
        let before = report.found.len();
        let mut check = Check {
            names: self,
            parsed: &parsed,
            report,
            locals: Vec::new(),
            attributes: BTreeSet::new(),
        };
        let of = check.infer(&parsed.tree);
        let attributes = check.attributes;
        if report.found.len() > before {
            return None;
        }
        let tree = match rewrite::inline(&parsed.tree, self) {
            Ok(tree) => tree,
            Err(rewrite::TooLarge) => {
                report.add(
                    parsed.snippet.span(0, 1),
                    "with its helpers this expression is too large",
                );
                return None;
            }
        };
        Some(Expression {
            of,
            attributes,
            tree,
        })
    }
}

impl Expression {
    /// A text that differs where the expression means something else: its tree, with helpers in place.
    pub fn meaning(&self) -> String {
        rewrite::describe(&self.tree)
    }
}

impl Let {
    fn wrong() -> Self {
        Self {
            tree: None,
            of: Type::any(),
            attributes: BTreeSet::new(),
        }
    }
}

/// The names such that each comes after those that it uses, and the circles.
fn in_order(uses: &BTreeMap<String, BTreeSet<String>>) -> (Vec<String>, Vec<Vec<String>>) {
    fn visit(
        name: &str,
        uses: &BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<String>,
        done: &mut BTreeMap<String, bool>,
        order: &mut Vec<String>,
        cycles: &mut Vec<Vec<String>>,
    ) -> bool {
        if let Some(sound) = done.get(name) {
            return *sound;
        }
        if let Some(at) = path.iter().position(|seen| seen == name) {
            let mut cycle: Vec<String> = path.iter().skip(at).cloned().collect();
            cycle.push(name.to_owned());
            cycles.push(cycle);
            return false;
        }
        path.push(name.to_owned());
        let mut sound = true;
        for used in uses.get(name).into_iter().flatten() {
            sound &= visit(used, uses, path, done, order, cycles);
        }
        path.pop();
        done.insert(name.to_owned(), sound);
        if sound {
            order.push(name.to_owned());
        }
        sound
    }
    let (mut order, mut cycles, mut done) = (Vec::new(), Vec::new(), BTreeMap::new());
    for name in uses.keys() {
        visit(
            name,
            uses,
            &mut Vec::new(),
            &mut done,
            &mut order,
            &mut cycles,
        );
    }
    (order, cycles)
}

struct Check<'a, 'r, 's> {
    names: &'a Names,
    parsed: &'a Parsed,
    report: &'r mut Report<'s>,
    /// Variables of loops, innermost last.
    locals: Vec<(String, Type)>,
    attributes: BTreeSet<String>,
}

impl Check<'_, '_, '_> {
    /// The type of a node; what is wrong in it is reported.
    fn infer(&mut self, node: &IdedExpr) -> Type {
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
            "now" | "today" => {
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
            member.as_optional()
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
                Some(field) => self.member(node, operand, field).as_optional(),
                None => Type::any(),
            },
            (name, args) => self.function(node, name, args),
        }
    }

    fn index(&mut self, node: &IdedExpr, operand: &IdedExpr, index: &IdedExpr, opt: bool) -> Type {
        if let Some(field) = text_of(index) {
            let of = self.member(node, operand, field);
            return if opt { of.as_optional() } else { of };
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
        if optional { item.as_optional() } else { item }
    }

    fn function(&mut self, node: &IdedExpr, name: &str, args: &[IdedExpr]) -> Type {
        let types: Vec<Type> = args.iter().map(|arg| self.infer(arg)).collect();
        let both: Vec<(&IdedExpr, &Type)> = args.iter().zip(&types).collect();
        // A text function answers null with null.
        let kinds_if = |of: &Type, kinds: u16| {
            let result = Type::of(kinds);
            if of.has(NULL) {
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
            ("replace", [(arg, of), rest @ ..]) if rest.len() == 2 => {
                self.takes(arg, of, TEXTUAL | NULL, name);
                for (arg, of) in rest {
                    self.takes(arg, of, TEXTUAL, name);
                }
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

    fn method(&mut self, node: &IdedExpr, call: &CallExpr, target: &IdedExpr) -> Type {
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
                    && regex::Regex::new(pattern).is_err()
                {
                    self.wrong(arg, format!("\"{pattern}\" is not a regular expression"));
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

    /// An argument of a function.
    fn takes(&mut self, arg: &IdedExpr, of: &Type, kinds: u16, name: &str) {
        self.expect(arg, of, kinds, name);
    }

    /// Reports a value that cannot be of these kinds, or that may be null where null is none of them.
    fn expect(&mut self, node: &IdedExpr, of: &Type, kinds: u16, taker: &str) -> Type {
        let of = self.plain(node, of.clone());
        if of.is_any() {
            return of;
        }
        let wanted = Type::of(kinds);
        if !of.has(kinds & !NULL) && !(kinds & NULL != 0 && of.only(NULL)) {
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
    fn plain(&mut self, node: &IdedExpr, of: Type) -> Type {
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

    fn needs_optional(&mut self, node: &IdedExpr, of: &Type, name: &str) {
        if !of.optional && !of.is_any() {
            let hint = Some("write .? before the attribute that may be absent".to_owned());
            self.wrong_with(node, format!("{name} is for what may be absent"), hint);
        }
    }

    fn same_numbers(&mut self, node: &IdedExpr, left: &Type, right: &Type, what: &str) {
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

    fn never_equal(&mut self, node: &IdedExpr, left: &Type, right: &Type) {
        let message = format!("{left} and {right} are never equal");
        let hint = (left.has(NUMBER | TEXTUAL) && right.has(NUMBER | TEXTUAL))
            .then(|| "string(…) makes a number a text".to_owned());
        self.wrong_with(node, message, hint);
    }

    fn unknown_function(&mut self, node: &IdedExpr, name: &str, hint: Option<String>) {
        let (start, _) = self.range(node);
        // The position of a call is that of its opening bracket.
        let text = &self.parsed.snippet.text;
        let before = text.get(..start).unwrap_or_default().trim_end();
        let at = before.strip_suffix(name).map_or(start, str::len);
        let span = self.parsed.snippet.span(at, at + name.len());
        self.report
            .add_with(span, format!("there is no function \"{name}\""), hint);
    }

    fn wrong(&mut self, node: &IdedExpr, message: String) {
        self.wrong_with(node, message, None);
    }

    fn wrong_with(&mut self, node: &IdedExpr, message: String, hint: Option<String>) {
        let span = self.span(node);
        self.report.add_with(span, message, hint);
    }

    fn range(&self, node: &IdedExpr) -> (usize, usize) {
        let (start, stop) = self.parsed.places.offset_for(node.id).unwrap_or((0, 0));
        (start as usize, stop as usize + 1)
    }

    /// From the first to the last character of a node with everything below it.
    fn extent(&self, node: &IdedExpr) -> (usize, usize) {
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

    fn span(&self, node: &IdedExpr) -> Span {
        let (start, end) = self.extent(node);
        self.parsed.snippet.span(start, end)
    }

    /// The node as it is written, for messages.
    fn text(&self, node: &IdedExpr) -> &str {
        let (start, end) = self.extent(node);
        self.parsed.snippet.text.get(start..end).unwrap_or("this")
    }
}

/// The text of a text literal.
pub(super) fn text_of(node: &IdedExpr) -> Option<&str> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}
