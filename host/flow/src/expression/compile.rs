//! From a bound syntax tree to the tree that is evaluated.

use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

use super::fast::Node;
use super::functions::TextFunction;
use super::infer::text_of;
use super::rewrite::{HAS, JOIN, OPT_SELECT, SELECT, STRING};
use super::val::Val;

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
            ("truncate", _) => wrap(self.fixed(args)?, Node::Truncate),
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
            (JOIN, _) => wrap(self.fixed(args)?, Node::JoinOrNull),
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
