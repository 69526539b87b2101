//! What names mean in the expressions of a flow, and the helpers of `let`.

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::{Expr, IdedExpr, SelectExpr};

use super::infer;
use super::rewrite;
use super::syntax::{Parsed, TOO_DEEP, is_deep};
use super::types::{DATE, Shape, Type};
use crate::yaml::{Name, Report};

/// The attribute under which expressions that know the day find it; no record has one of this name.
pub(crate) const TODAY: &str = "@today";

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
    pub of: Type,
    pub attributes: BTreeSet<String>,
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

    /// From here on `today` means the day, unless it has a meaning already: see [`TODAY`].
    pub fn know_today(&mut self) {
        if self.alias == "today" {
            return;
        }
        let record = IdedExpr {
            id: 0,
            expr: Expr::Ident(self.alias.clone()),
        };
        let tree = IdedExpr {
            id: 0,
            expr: Expr::Select(SelectExpr {
                operand: Box::new(record),
                field: TODAY.to_owned(),
                test: false,
            }),
        };
        self.lets.entry("today".to_owned()).or_insert_with(|| Let {
            tree: Some(tree),
            of: Type::of(DATE),
            attributes: BTreeSet::from([TODAY.to_owned()]),
        });
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
        let (of, attributes) = infer::infer(self, &parsed, report);
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
        if is_deep(&tree) {
            let hint = Some("use fewer helpers inside of helpers".to_owned());
            report.add_with(parsed.snippet.span(0, 1), TOO_DEEP, hint);
            return None;
        }
        Some(Expression {
            of,
            attributes,
            tree,
        })
    }
}

impl Expression {
    /// If it is nothing but an attribute of the record: its name.
    pub fn attribute(&self, alias: &str) -> Option<&str> {
        match &self.tree.expr {
            Expr::Select(select) if !select.test => match &select.operand.expr {
                Expr::Ident(name) if name == alias => Some(&select.field),
                _ => None,
            },
            _ => None,
        }
    }

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
