//! Evaluation of the common expressions directly on a record's JSON.
//!
//! A tree of ours borrows from the record instead of copying it. It gives an answer only where that is
//! certainly the one that `cel` would give; whatever else comes up (values of the wrong kind, arithmetic
//! that may overflow, mixed numbers), it gives up, and the whole expression is evaluated by `cel`. So
//! errors have one source only.

use serde_json::Value;

use super::functions::{self, TextFunction};
use super::val::{Stop, Val, equal};

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
    Truncate(Box<[Node; 2]>),
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
    /// The same, null where either is null.
    JoinOrNull(Box<[Node; 2]>),
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
                        let replaced = functions::replace(&text, &from, &to).ok_or(Stop::GiveUp)?;
                        Ok(Val::Text(replaced.into()))
                    }
                    _ => Err(Stop::GiveUp),
                }
            }
            Self::Truncate(args) => {
                let [text, most] = &**args;
                match (text.evaluate(record)?, most.evaluate(record)?) {
                    (Val::Null, _) => Ok(Val::Null),
                    (Val::Text(text), Val::Int(most)) => {
                        let kept = functions::truncate(&text, most).ok_or(Stop::GiveUp)?;
                        Ok(Val::Text(kept.to_owned().into()))
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
            Self::JoinOrNull(sides) => {
                let [left, right] = &**sides;
                match (left.evaluate(record)?, right.evaluate(record)?) {
                    (Val::Text(left), Val::Text(right)) => {
                        Ok(Val::Text((left.into_owned() + &right).into()))
                    }
                    (Val::Null, _) | (_, Val::Null) => Ok(Val::Null),
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
    let mut texts: Vec<&str> = Vec::with_capacity(list.len());
    for item in &list {
        match item {
            Val::Null => {}
            Val::Text(text) if text.is_empty() => {}
            Val::Text(text) => texts.push(text),
            _ => return Err(Stop::GiveUp),
        }
    }
    let joined = functions::join(&texts, &separator).ok_or(Stop::GiveUp)?;
    Ok(Val::Text(joined.into()))
}

fn optional_member<'a>(held: Option<Box<Val<'a>>>, field: &str) -> Given<'a> {
    let member = match held {
        Some(held) => held.member(field)?,
        None => None,
    };
    Ok(Val::Optional(member.map(Box::new)))
}
