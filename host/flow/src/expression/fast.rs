//! Evaluation of the common expressions directly on a record's JSON.
//!
//! A tree of ours borrows from the record instead of copying it. It gives an answer only where that is
//! certainly the one that `cel` would give; whatever else comes up (values of the wrong kind, arithmetic
//! that may overflow, mixed numbers), it gives up, and the whole expression is evaluated by `cel`. So
//! errors have one source only.

use std::borrow::Cow;

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

use super::functions::{self, TextFunction};
use super::infer::text_of;
use super::rewrite::{HAS, OPT_SELECT, SELECT, STRING};

/// A value on the way through an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
    /// A list or an object of the record or the settings, or a number beyond `i64`.
    Json(&'a Value),
    /// A list or an object that `cel` made.
    Owned(Value),
    List(Vec<Val<'a>>),
    Optional(Option<Box<Val<'a>>>),
}

/// Why there is no value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stop<'a> {
    /// What is missing.
    Absent(&'a str),
    /// `cel` must decide.
    GiveUp,
}

type Given<'a> = Result<Val<'a>, Stop<'a>>;

/// A compiled expression.
#[derive(Debug)]
pub(super) enum Node {
    Constant(Value),
    Attribute {
        slot: usize,
        name: String,
    },
    OptAttribute(usize),
    HasAttribute(usize),
    Select {
        of: Box<Node>,
        field: String,
        path: String,
    },
    OptSelect {
        of: Box<Node>,
        field: String,
    },
    Has {
        of: Box<Node>,
        field: String,
    },
    Apply(TextFunction, Box<Node>),
    ToText(Box<Node>),
    Replace(Box<[Node; 3]>),
    Join(Box<[Node; 2]>),
    Coalesce(Vec<Node>),
    IfEmpty(Box<[Node; 2]>),
    Switch {
        entries: Vec<(String, Node)>,
        key: Box<Node>,
        default: Box<Node>,
    },
    Equal {
        sides: Box<[Node; 2]>,
        negated: bool,
    },
    Order {
        sides: Box<[Node; 2]>,
        wanted: fn(std::cmp::Ordering) -> bool,
    },
    In(Box<[Node; 2]>),
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Not(Box<Node>),
    Conditional(Box<[Node; 3]>),
    Concat(Box<[Node; 2]>),
    List(Vec<Node>),
    /// `target.orValue(default)`: the default is evaluated first, as `cel` does.
    OrValue {
        of: Box<Node>,
        default: Box<Node>,
    },
    HasValue(Box<Node>),
    Test {
        of: Box<Node>,
        part: Box<Node>,
        test: fn(&str, &str) -> bool,
    },
    Size(Box<Node>),
}

/// Compiles a bound tree; none if some part of it is only known to `cel`.
pub(super) fn compile(tree: &IdedExpr, alias: &str, attributes: &[String]) -> Option<Node> {
    Compiler { alias, attributes }
        .node(tree)
        .map(|(node, _)| node)
}

struct Compiler<'a> {
    alias: &'a str,
    /// Sorted; a slot is a place in it.
    attributes: &'a [String],
}

impl Compiler<'_> {
    /// A node, and whether it is the same for every record.
    fn node(&self, tree: &IdedExpr) -> Option<(Node, bool)> {
        let (node, constant) = match &tree.expr {
            Expr::Literal(literal) => return Some((Node::Constant(literal_value(literal)?), true)),
            Expr::List(list) if list.optional_indices.is_empty() => {
                let (items, constant) = self.nodes(&list.elements)?;
                (Node::List(items), constant)
            }
            Expr::Call(call) => match &call.target {
                Some(target) => self.method(call, target)?,
                None => self.call(call)?,
            },
            _ => return None,
        };
        match node {
            Node::Or(sides) if is(&sides[0], true) => Some((Node::Constant(true.into()), true)),
            Node::And(sides) if is(&sides[0], false) => Some((Node::Constant(false.into()), true)),
            node if constant => {
                let value = match node.evaluate(&[]) {
                    Ok(Val::Optional(_)) | Err(_) => None,
                    Ok(value) => Some(value.into_json()),
                };
                Some((value.map_or(node, Node::Constant), true))
            }
            node => Some((node, false)),
        }
    }

    fn nodes(&self, trees: &[IdedExpr]) -> Option<(Vec<Node>, bool)> {
        let mut all_constant = true;
        let mut nodes = Vec::with_capacity(trees.len());
        for tree in trees {
            let (node, constant) = self.node(tree)?;
            all_constant &= constant;
            nodes.push(node);
        }
        Some((nodes, all_constant))
    }

    fn fixed<const N: usize>(&self, trees: &[IdedExpr]) -> Option<(Box<[Node; N]>, bool)> {
        let (nodes, constant) = self.nodes(trees)?;
        Some((Box::new(nodes.try_into().ok()?), constant))
    }

    fn one(&self, tree: &IdedExpr) -> Option<(Box<Node>, bool)> {
        self.node(tree)
            .map(|(node, constant)| (Box::new(node), constant))
    }

    fn slot(&self, operand: &IdedExpr, field: &str) -> Option<usize> {
        match &operand.expr {
            Expr::Ident(name) if name == self.alias => self
                .attributes
                .binary_search_by(|known| known.as_str().cmp(field))
                .ok(),
            _ => None,
        }
    }

    fn call(&self, call: &CallExpr) -> Option<(Node, bool)> {
        let args = call.args.as_slice();
        Some(match (call.func_name.as_str(), args) {
            (SELECT, [of, field, path]) => {
                let (field, path) = (text_of(field)?, text_of(path)?);
                if let Some(slot) = self.slot(of, field) {
                    return Some((
                        Node::Attribute {
                            slot,
                            name: field.to_owned(),
                        },
                        false,
                    ));
                }
                let (of, constant) = self.one(of)?;
                (
                    Node::Select {
                        of,
                        field: field.to_owned(),
                        path: path.to_owned(),
                    },
                    constant,
                )
            }
            (OPT_SELECT, [of, field]) => {
                let field = text_of(field)?;
                if let Some(slot) = self.slot(of, field) {
                    return Some((Node::OptAttribute(slot), false));
                }
                let (of, constant) = self.one(of)?;
                (
                    Node::OptSelect {
                        of,
                        field: field.to_owned(),
                    },
                    constant,
                )
            }
            (HAS, [of, field]) => {
                let field = text_of(field)?;
                if let Some(slot) = self.slot(of, field) {
                    return Some((Node::HasAttribute(slot), false));
                }
                let (of, constant) = self.one(of)?;
                (
                    Node::Has {
                        of,
                        field: field.to_owned(),
                    },
                    constant,
                )
            }
            (STRING, [of]) => {
                let (of, constant) = self.one(of)?;
                (Node::ToText(of), constant)
            }
            ("size", [of]) => {
                let (of, constant) = self.one(of)?;
                (Node::Size(of), constant)
            }
            (name, [of]) if TextFunction::named(name).is_some() => {
                let (of, constant) = self.one(of)?;
                (Node::Apply(TextFunction::named(name)?, of), constant)
            }
            ("replace", _) => wrap(self.fixed(args)?, Node::Replace),
            ("join", _) => wrap(self.fixed(args)?, Node::Join),
            ("ifEmpty", _) => wrap(self.fixed(args)?, Node::IfEmpty),
            ("coalesce", _) => {
                let (nodes, constant) = self.nodes(args)?;
                (Node::Coalesce(nodes), constant)
            }
            ("switch", [map, key, default]) => {
                let Expr::Map(map) = &map.expr else {
                    return None;
                };
                let mut entries = Vec::with_capacity(map.entries.len());
                let mut all_constant = true;
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        return None;
                    };
                    if entry.optional {
                        return None;
                    }
                    let (node, constant) = self.node(&entry.value)?;
                    all_constant &= constant;
                    let name = text_of(&entry.key)?;
                    if entries.iter().any(|(known, _)| known == name) {
                        return None;
                    }
                    entries.push((name.to_owned(), node));
                }
                let (key, key_constant) = self.one(key)?;
                let (default, default_constant) = self.one(default)?;
                let constant = all_constant && key_constant && default_constant;
                (
                    Node::Switch {
                        entries,
                        key,
                        default,
                    },
                    constant,
                )
            }
            (operators::EQUALS, _) => wrap(self.fixed(args)?, |sides| Node::Equal {
                sides,
                negated: false,
            }),
            (operators::NOT_EQUALS, _) => wrap(self.fixed(args)?, |sides| Node::Equal {
                sides,
                negated: true,
            }),
            (operators::LESS, _) => self.order(args, std::cmp::Ordering::is_lt)?,
            (operators::LESS_EQUALS, _) => self.order(args, std::cmp::Ordering::is_le)?,
            (operators::GREATER, _) => self.order(args, std::cmp::Ordering::is_gt)?,
            (operators::GREATER_EQUALS, _) => self.order(args, std::cmp::Ordering::is_ge)?,
            (operators::IN, _) => wrap(self.fixed(args)?, Node::In),
            (operators::LOGICAL_AND, _) => wrap(self.fixed(args)?, Node::And),
            (operators::LOGICAL_OR, _) => wrap(self.fixed(args)?, Node::Or),
            (operators::LOGICAL_NOT, [of]) => {
                let (of, constant) = self.one(of)?;
                (Node::Not(of), constant)
            }
            (operators::CONDITIONAL, _) => wrap(self.fixed(args)?, Node::Conditional),
            (operators::ADD, _) => wrap(self.fixed(args)?, Node::Concat),
            _ => return None,
        })
    }

    fn order(
        &self,
        args: &[IdedExpr],
        wanted: fn(std::cmp::Ordering) -> bool,
    ) -> Option<(Node, bool)> {
        Some(wrap(self.fixed(args)?, |sides| Node::Order {
            sides,
            wanted,
        }))
    }

    fn method(&self, call: &CallExpr, target: &IdedExpr) -> Option<(Node, bool)> {
        let test: fn(&str, &str) -> bool = match (call.func_name.as_str(), call.args.as_slice()) {
            ("orValue", [default]) => {
                let (default, default_constant) = self.one(default)?;
                let (of, constant) = self.one(target)?;
                return Some((Node::OrValue { of, default }, constant && default_constant));
            }
            ("hasValue", []) => {
                let (of, constant) = self.one(target)?;
                return Some((Node::HasValue(of), constant));
            }
            ("size", []) => {
                let (of, constant) = self.one(target)?;
                return Some((Node::Size(of), constant));
            }
            ("startsWith", [_]) => |text, part| text.starts_with(part),
            ("endsWith", [_]) => |text, part| text.ends_with(part),
            ("contains", [_]) => |text, part| text.contains(part),
            _ => return None,
        };
        let (part, part_constant) = self.one(call.args.first()?)?;
        let (of, constant) = self.one(target)?;
        Some((Node::Test { of, part, test }, constant && part_constant))
    }
}

fn wrap<T>((children, constant): (T, bool), node: impl FnOnce(T) -> Node) -> (Node, bool) {
    (node(children), constant)
}

fn is(node: &Node, wanted: bool) -> bool {
    matches!(node, Node::Constant(Value::Bool(value)) if *value == wanted)
}

fn literal_value(literal: &LiteralValue) -> Option<Value> {
    Some(match literal {
        LiteralValue::Null => Value::Null,
        LiteralValue::Boolean(value) => (*value.inner()).into(),
        LiteralValue::Int(value) => (*value.inner()).into(),
        LiteralValue::String(value) => value.inner().into(),
        LiteralValue::Double(value) => serde_json::Number::from_f64(*value.inner())?.into(),
        LiteralValue::UInt(_) | LiteralValue::Bytes(_) => return None,
    })
}

impl Node {
    pub fn evaluate<'a>(&'a self, record: &[Option<&'a Value>]) -> Given<'a> {
        let attribute = |slot: usize| record.get(slot).copied().flatten();
        match self {
            Self::Constant(value) => Ok(Val::of(value)),
            Self::Attribute { slot, name } => {
                attribute(*slot).map(Val::of).ok_or(Stop::Absent(name))
            }
            Self::OptAttribute(slot) => Ok(Val::Optional(
                attribute(*slot).map(|value| Box::new(Val::of(value))),
            )),
            Self::HasAttribute(slot) => Ok(Val::Bool(attribute(*slot).is_some())),
            Self::Select { of, field, path } => match of.evaluate(record)? {
                Val::Optional(held) => optional_member(held, field),
                of => of.member(field)?.ok_or(Stop::Absent(path)),
            },
            Self::OptSelect { of, field } => match of.evaluate(record)? {
                Val::Optional(held) => optional_member(held, field),
                of => Ok(Val::Optional(of.member(field)?.map(Box::new))),
            },
            Self::Has { of, field } => {
                let of = match of.evaluate(record)? {
                    Val::Optional(None) => return Ok(Val::Bool(false)),
                    Val::Optional(Some(held)) => *held,
                    of => of,
                };
                let there = of != Val::Null && of.member(field)?.is_some();
                Ok(Val::Bool(there))
            }
            Self::Apply(function, of) => match of.evaluate(record)? {
                Val::Null => Ok(Val::Null),
                Val::Text(text) => function.apply(text).map(Val::Text).ok_or(Stop::GiveUp),
                _ => Err(Stop::GiveUp),
            },
            Self::ToText(of) => match of.evaluate(record)? {
                same @ (Val::Null | Val::Text(_)) => Ok(same),
                Val::Int(value) => Ok(Val::Text(value.to_string().into())),
                Val::Double(value) => Ok(Val::Text(functions::number_text(value).into())),
                Val::Bool(value) => Ok(Val::Text(value.to_string().into())),
                _ => Err(Stop::GiveUp),
            },
            Self::Replace(args) => {
                let [text, from, to] = &**args;
                let text = text.evaluate(record)?;
                let (from, to) = (from.evaluate(record)?, to.evaluate(record)?);
                match (text, from, to) {
                    (Val::Null, ..) => Ok(Val::Null),
                    (Val::Text(text), Val::Text(from), Val::Text(to)) => {
                        Ok(Val::Text(functions::replace(&text, &from, &to).into()))
                    }
                    _ => Err(Stop::GiveUp),
                }
            }
            Self::Join(args) => {
                let [list, separator] = &**args;
                let (list, separator) = (list.evaluate(record)?, separator.evaluate(record)?);
                join(list, separator)
            }
            Self::Coalesce(args) => {
                let mut first = Val::Null;
                for arg in args {
                    let value = match arg.evaluate(record)? {
                        Val::Optional(held) => held.map_or(Val::Null, |held| *held),
                        value => value,
                    };
                    if first == Val::Null {
                        first = value;
                    }
                }
                Ok(first)
            }
            Self::IfEmpty(args) => {
                let [first, other] = &**args;
                let (first, other) = (first.evaluate(record)?, other.evaluate(record)?);
                let empty = match &first {
                    Val::Null => true,
                    Val::Text(text) => text.trim().is_empty(),
                    _ => false,
                };
                Ok(if empty { other } else { first })
            }
            Self::Switch {
                entries,
                key,
                default,
            } => {
                let mut values = Vec::with_capacity(entries.len());
                for (_, value) in entries {
                    values.push(value.evaluate(record)?);
                }
                let (key, default) = (key.evaluate(record)?, default.evaluate(record)?);
                match key {
                    Val::Null => Ok(default),
                    Val::Text(key) => {
                        let found = entries
                            .iter()
                            .zip(values)
                            .find(|((name, _), _)| *name == key);
                        Ok(found.map_or(default, |(_, value)| value))
                    }
                    _ => Err(Stop::GiveUp),
                }
            }
            Self::Equal { sides, negated } => {
                let [left, right] = &**sides;
                let (left, right) = (left.evaluate(record)?, right.evaluate(record)?);
                Ok(Val::Bool(equal(&left, &right)? != *negated))
            }
            Self::Order { sides, wanted } => {
                let [left, right] = &**sides;
                let (left, right) = (left.evaluate(record)?, right.evaluate(record)?);
                let order = match (&left, &right) {
                    (Val::Int(left), Val::Int(right)) => left.cmp(right),
                    (Val::Text(left), Val::Text(right)) => left.cmp(right),
                    (Val::Double(left), Val::Double(right)) => {
                        left.partial_cmp(right).ok_or(Stop::GiveUp)?
                    }
                    _ => return Err(Stop::GiveUp),
                };
                Ok(Val::Bool(wanted(order)))
            }
            Self::In(sides) => {
                let [element, list] = &**sides;
                let (element, list) = (element.evaluate(record)?, list.evaluate(record)?);
                let mut found = false;
                match &list {
                    Val::Json(Value::Array(items)) => {
                        for item in items {
                            found |= equal(&element, &Val::of(item))?;
                        }
                    }
                    Val::List(items) => {
                        for item in items {
                            found |= equal(&element, item)?;
                        }
                    }
                    _ => return Err(Stop::GiveUp),
                }
                Ok(Val::Bool(found))
            }
            Self::And(sides) => either(sides, record, false),
            Self::Or(sides) => either(sides, record, true),
            Self::Not(of) => match of.evaluate(record)? {
                Val::Bool(value) => Ok(Val::Bool(!value)),
                _ => Err(Stop::GiveUp),
            },
            Self::Conditional(parts) => {
                let [condition, yes, no] = &**parts;
                match condition.evaluate(record)? {
                    Val::Bool(true) => yes.evaluate(record),
                    Val::Bool(false) => no.evaluate(record),
                    _ => Err(Stop::GiveUp),
                }
            }
            Self::Concat(sides) => {
                let [left, right] = &**sides;
                match (left.evaluate(record)?, right.evaluate(record)?) {
                    (Val::Text(left), Val::Text(right)) => {
                        Ok(Val::Text((left.into_owned() + &right).into()))
                    }
                    _ => Err(Stop::GiveUp),
                }
            }
            Self::List(items) => {
                let items = items.iter().map(|item| match item.evaluate(record)? {
                    Val::Optional(_) => Err(Stop::GiveUp),
                    item => Ok(item),
                });
                Ok(Val::List(items.collect::<Result<_, _>>()?))
            }
            Self::OrValue { of, default } => {
                let default = default.evaluate(record)?;
                match of.evaluate(record)? {
                    Val::Optional(held) => Ok(held.map_or(default, |held| *held)),
                    _ => Err(Stop::GiveUp),
                }
            }
            Self::HasValue(of) => match of.evaluate(record)? {
                Val::Optional(held) => Ok(Val::Bool(held.is_some())),
                _ => Err(Stop::GiveUp),
            },
            Self::Test { of, part, test } => {
                let part = part.evaluate(record)?;
                match (of.evaluate(record)?, part) {
                    (Val::Text(text), Val::Text(part)) => Ok(Val::Bool(test(&text, &part))),
                    _ => Err(Stop::GiveUp),
                }
            }
            Self::Size(of) => {
                let size = match of.evaluate(record)? {
                    Val::Text(text) => text.chars().count(),
                    Val::Json(Value::Array(items)) => items.len(),
                    Val::Json(Value::Object(entries)) => entries.len(),
                    Val::List(items) => items.len(),
                    _ => return Err(Stop::GiveUp),
                };
                i64::try_from(size).map(Val::Int).map_err(|_| Stop::GiveUp)
            }
        }
    }
}

/// `&&` and `||`: decided by either side that has the value `decides`, whatever became of the other.
fn either<'a>(sides: &'a [Node; 2], record: &[Option<&'a Value>], decides: bool) -> Given<'a> {
    let [left, right] = sides;
    let left = match left.evaluate(record) {
        Ok(Val::Bool(value)) if value == decides => return Ok(Val::Bool(decides)),
        Ok(Val::Bool(_)) => None,
        Ok(_) | Err(Stop::GiveUp) => return Err(Stop::GiveUp),
        Err(absent) => Some(absent),
    };
    match (right.evaluate(record)?, left) {
        (Val::Bool(value), _) if value == decides => Ok(Val::Bool(decides)),
        (Val::Bool(_), Some(absent)) => Err(absent),
        (Val::Bool(_), None) => Ok(Val::Bool(!decides)),
        _ => Err(Stop::GiveUp),
    }
}

fn join<'a>(list: Val<'a>, separator: Val<'a>) -> Given<'a> {
    let list = match list {
        Val::Null => return Ok(Val::Null),
        Val::List(items) => items,
        Val::Json(Value::Array(items)) => items.iter().map(Val::of).collect(),
        _ => return Err(Stop::GiveUp),
    };
    let Val::Text(separator) = separator else {
        return Err(Stop::GiveUp);
    };
    let mut joined = String::new();
    for item in list {
        match item {
            Val::Null => {}
            Val::Text(text) if text.is_empty() => {}
            Val::Text(text) => {
                if !joined.is_empty() {
                    joined.push_str(&separator);
                }
                joined.push_str(&text);
            }
            _ => return Err(Stop::GiveUp),
        }
    }
    Ok(Val::Text(joined.into()))
}

fn optional_member<'a>(held: Option<Box<Val<'a>>>, field: &str) -> Given<'a> {
    let member = match held {
        Some(held) => held.member(field)?,
        None => None,
    };
    Ok(Val::Optional(member.map(Box::new)))
}

/// Whether two values are equal. Values of different kinds are not, except that numbers compare by value.
fn equal<'a>(left: &Val<'a>, right: &Val<'a>) -> Result<bool, Stop<'a>> {
    Ok(match (left, right) {
        (Val::Null, Val::Null) => true,
        (Val::Bool(left), Val::Bool(right)) => left == right,
        (Val::Int(left), Val::Int(right)) => left == right,
        (Val::Double(left), Val::Double(right)) => left == right,
        (Val::Text(left), Val::Text(right)) => left == right,
        (Val::Int(_), Val::Double(_)) | (Val::Double(_), Val::Int(_)) => return Err(Stop::GiveUp),
        (Val::Json(Value::Number(_)) | Val::Optional(_) | Val::Owned(_), _)
        | (_, Val::Json(Value::Number(_)) | Val::Optional(_) | Val::Owned(_)) => {
            return Err(Stop::GiveUp);
        }
        (Val::Json(Value::Object(left)), Val::Json(Value::Object(right))) => {
            let mut same = left.len() == right.len();
            for (key, left) in left {
                same = same
                    && match right.get(key) {
                        Some(right) => equal(&Val::of(left), &Val::of(right))?,
                        None => false,
                    };
            }
            same
        }
        (left, right) => match (left.items(), right.items()) {
            (Some(left), Some(right)) => {
                let mut same = left.len() == right.len();
                for (left, right) in left.iter().zip(&right) {
                    same = same && equal(left, right)?;
                }
                same
            }
            _ => false,
        },
    })
}

impl<'a> Val<'a> {
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(value), _) => Self::Int(value),
                (None, Some(double)) if number.is_f64() => Self::Double(double),
                _ => Self::Json(value),
            },
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(_) | Value::Object(_) => Self::Json(value),
        }
    }

    pub fn owned(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::String(text) => Self::Text(Cow::Owned(text)),
            other => Self::Owned(other),
        }
    }

    pub fn into_json(self) -> Value {
        match self {
            Self::Null | Self::Optional(None) => Value::Null,
            Self::Bool(value) => value.into(),
            Self::Int(value) => value.into(),
            Self::Double(value) => value.into(),
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Json(value) => value.clone(),
            Self::Owned(value) => value,
            Self::List(items) => items.into_iter().map(Self::into_json).collect(),
            Self::Optional(Some(held)) => held.into_json(),
        }
    }

    fn items(&self) -> Option<Vec<Self>> {
        match self {
            Self::List(items) => Some(items.clone()),
            Self::Json(Value::Array(items)) => Some(items.iter().map(Self::of).collect()),
            _ => None,
        }
    }

    /// What is selected from it: null from null; none if the key is missing.
    fn member(&self, field: &str) -> Result<Option<Self>, Stop<'a>> {
        match self {
            Self::Null => Ok(Some(Self::Null)),
            Self::Json(Value::Object(entries)) => Ok(entries.get(field).map(Self::of)),
            _ => Err(Stop::GiveUp),
        }
    }
}
