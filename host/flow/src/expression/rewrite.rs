//! Syntax trees on their way to evaluation: helpers and settings are put in place of their names, and
//! selections become calls of functions that follow our rules for null and absent.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, ListExpr, LiteralValue,
    MapEntryExpr, MapExpr, SelectExpr, operators,
};
use serde_json::Value;

use super::functions::TextFunction;
use super::infer::text_of;
use super::names::Names;

/// `@select(operand, field, path)`: the path is for messages.
pub(super) const SELECT: &str = "@select";
/// `@has(operand, field)`.
pub(super) const HAS: &str = "@has";
/// `@optSelect(operand, field)`.
pub(super) const OPT_SELECT: &str = "@optSelect";
/// `@matches(text, pattern)`.
pub(super) const MATCHES: &str = "@matches";
/// `@meter(value, work)`: the value, charged for.
pub(super) const METER: &str = "@meter";
/// `+` of texts that answers null with null.
pub(super) const JOIN: &str = "@join";
/// `string` that answers null with null.
pub(super) const STRING: &str = "@string";

/// More nodes than this, after helpers were put in place, are refused.
const MOST_NODES: usize = 20_000;

/// An expression with its helpers is too large.
#[derive(Debug)]
pub(super) struct TooLarge;

/// Puts helpers in place of their names.
pub(super) fn inline(tree: &IdedExpr, names: &Names) -> Result<IdedExpr, TooLarge> {
    fn replace(node: &IdedExpr, names: &Names, left: &mut usize) -> Result<IdedExpr, TooLarge> {
        if let Expr::Ident(name) = &node.expr
            && let Some(helper) = names.lets.get(name)
            && let Some(tree) = &helper.tree
        {
            *left = left.checked_sub(count(tree)).ok_or(TooLarge)?;
            return Ok(tree.clone());
        }
        *left = left.checked_sub(1).ok_or(TooLarge)?;
        map(node, &mut |child| replace(child, names, left))
    }
    let mut left = MOST_NODES;
    replace(tree, names, &mut left)
}

fn count(tree: &IdedExpr) -> usize {
    1 + children(tree).into_iter().map(count).sum::<usize>()
}

/// Puts [`JOIN`] in place of each `+` whose result is the result of the whole, also by way of a condition or of a
/// function that answers null with null.
pub(super) fn joining(node: &mut IdedExpr) {
    let Expr::Call(call) = &mut node.expr else {
        return;
    };
    match (call.func_name.as_str(), call.args.as_mut_slice()) {
        (operators::ADD, parts @ [_, _]) => {
            parts.iter_mut().for_each(joining);
            JOIN.clone_into(&mut call.func_name);
        }
        (operators::CONDITIONAL, [_, parts @ ..]) => parts.iter_mut().for_each(joining),
        ("replace" | "truncate", [text, ..]) => joining(text),
        (name, [text]) if TextFunction::named(name).is_some() => joining(text),
        _ => {}
    }
}

/// Puts the values of settings in place, and our functions in place of selections.
pub(super) fn bind(tree: &IdedExpr, settings: &Value) -> IdedExpr {
    let Ok(bound) = map(tree, &mut |child| Ok::<_, Never>(bind(child, settings)));
    let IdedExpr { id, expr } = bound;
    let setting = |field: &str| settings.get(field).unwrap_or(&Value::Null);
    let expr = match expr {
        Expr::Select(SelectExpr {
            operand,
            field,
            test,
        }) => match (is_settings(&operand), test) {
            (true, true) => {
                Expr::Literal(LiteralValue::Boolean((!setting(&field).is_null()).into()))
            }
            (true, false) => constant(setting(&field)).expr,
            (false, true) => call(HAS, vec![*operand, text(&field)]),
            (false, false) => {
                let path = path(&operand, &field);
                call(SELECT, vec![*operand, text(&field), text(&path)])
            }
        },
        Expr::Call(CallExpr {
            func_name,
            target: None,
            mut args,
        }) if args.len() == 2 => {
            let field = args.last().and_then(text_of).map(str::to_owned);
            let on_settings = args.first().is_some_and(is_settings);
            match (func_name.as_str(), field) {
                (operators::INDEX, Some(field)) if on_settings => constant(setting(&field)).expr,
                (operators::INDEX, Some(field)) => {
                    let path = args.first().map_or_else(String::new, |on| path(on, &field));
                    args.push(text(&path));
                    call(SELECT, args)
                }
                (operators::OPT_SELECT | operators::OPT_INDEX, Some(field)) if on_settings => {
                    let value = setting(&field);
                    let entries = if value.is_null() {
                        vec![]
                    } else {
                        vec![entry(&field, value)]
                    };
                    let map = IdedExpr {
                        id: 0,
                        expr: Expr::Map(MapExpr { entries }),
                    };
                    call(OPT_SELECT, vec![map, text(&field)])
                }
                (operators::OPT_SELECT | operators::OPT_INDEX, Some(_)) => call(OPT_SELECT, args),
                _ => Expr::Call(CallExpr {
                    func_name,
                    target: None,
                    args,
                }),
            }
        }
        Expr::Call(CallExpr {
            func_name,
            target: None,
            args,
        }) if func_name == "string" => call(STRING, args),
        Expr::Call(CallExpr {
            func_name,
            target: Some(target),
            mut args,
        }) if func_name == "matches" && args.len() == 1 => {
            args.insert(0, *target);
            call(MATCHES, args)
        }
        Expr::Comprehension(loops) => Expr::Comprehension(Box::new(metered(*loops))),
        other => other,
    };
    IdedExpr { id, expr }
}

/// A loop whose every round is charged for, in a place where an error ends the loop at once: an error in
/// the step of `all` and `exists` would be kept until the end.
fn metered(mut loops: ComprehensionExpr) -> ComprehensionExpr {
    let work = count(&loops.loop_cond) + count(&loops.loop_step);
    let variables = [Some(&loops.iter_var), loops.iter_var2.as_ref()];
    for variable in variables.into_iter().flatten() {
        loops.loop_cond = metered_variable(&loops.loop_cond, variable);
        loops.loop_step = metered_variable(&loops.loop_step, variable);
    }
    if !matches!(loops.loop_cond.expr, Expr::Literal(_)) {
        loops.loop_cond = meter(loops.loop_cond, work);
        return loops;
    }
    // `cel` builds the results of `map` and `filter` in place where their form is what it expects.
    match &mut loops.loop_step.expr {
        Expr::Call(call) if call.func_name == operators::CONDITIONAL => {
            let mut parts = call.args.iter_mut();
            if let (Some(condition), Some(step)) = (parts.next(), parts.next()) {
                meter_in_place(condition, work);
                meter_items(step, 0);
            }
        }
        _ => meter_items(&mut loops.loop_step, work),
    }
    loops
}

/// Charges for what a step appends to a list, or for the step.
fn meter_items(step: &mut IdedExpr, work: usize) {
    if let Expr::Call(call) = &mut step.expr
        && call.func_name == operators::ADD
        && let Some(IdedExpr {
            expr: Expr::List(list),
            ..
        }) = call.args.last_mut()
        && !list.elements.is_empty()
    {
        for element in &mut list.elements {
            meter_in_place(element, work);
        }
        return;
    }
    meter_in_place(step, work);
}

fn meter_in_place(node: &mut IdedExpr, work: usize) {
    let unmetered = std::mem::replace(
        node,
        IdedExpr {
            id: 0,
            expr: Expr::Unspecified,
        },
    );
    *node = meter(unmetered, work);
}

fn meter(node: IdedExpr, work: usize) -> IdedExpr {
    let work = i64::try_from(work).unwrap_or(i64::MAX);
    let work = IdedExpr {
        id: 0,
        expr: Expr::Literal(LiteralValue::Int(work.into())),
    };
    IdedExpr {
        id: 0,
        expr: call(METER, vec![node, work]),
    }
}

/// The same with every use of a loop's variable charged for.
fn metered_variable(node: &IdedExpr, variable: &str) -> IdedExpr {
    match &node.expr {
        Expr::Ident(name) if name == variable => meter(node.clone(), 0),
        // One of the same name, of a loop inside of this one.
        Expr::Call(call)
            if call.func_name == METER
                && matches!(call.args.first().map(|arg| &arg.expr), Some(Expr::Ident(name)) if name == variable) =>
        {
            node.clone()
        }
        _ => {
            let Ok(metered) = map(node, &mut |child| {
                Ok::<_, Never>(metered_variable(child, variable))
            });
            metered
        }
    }
}

enum Never {}

fn is_settings(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Ident(name) if name == "settings")
}

/// The dotted name of what is selected.
fn path(operand: &IdedExpr, field: &str) -> String {
    let Expr::Call(call) = &operand.expr else {
        return field.to_owned();
    };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (SELECT, [_, _, path]) => match text_of(path) {
            Some(path) => format!("{path}.{field}"),
            None => field.to_owned(),
        },
        (OPT_SELECT, [_, parent]) => match text_of(parent) {
            Some(parent) => format!("{parent}.{field}"),
            None => field.to_owned(),
        },
        _ => field.to_owned(),
    }
}

fn call(name: &str, args: Vec<IdedExpr>) -> Expr {
    Expr::Call(CallExpr {
        func_name: name.to_owned(),
        target: None,
        args,
    })
}

fn text(text: &str) -> IdedExpr {
    IdedExpr {
        id: 0,
        expr: Expr::Literal(LiteralValue::String(text.to_owned().into())),
    }
}

fn entry(key: &str, value: &Value) -> IdedEntryExpr {
    let entry = MapEntryExpr {
        key: text(key),
        value: constant(value),
        optional: false,
    };
    IdedEntryExpr {
        id: 0,
        expr: EntryExpr::MapEntry(entry),
    }
}

/// A value as a literal.
fn constant(value: &Value) -> IdedExpr {
    let expr = match value {
        Value::Null => Expr::Literal(LiteralValue::Null),
        Value::Bool(value) => Expr::Literal(LiteralValue::Boolean((*value).into())),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), ..) => Expr::Literal(LiteralValue::Int(value.into())),
            (None, Some(value), _) => Expr::Literal(LiteralValue::UInt(value.into())),
            (.., value) => Expr::Literal(LiteralValue::Double(value.unwrap_or(f64::NAN).into())),
        },
        Value::String(value) => return text(value),
        Value::Array(items) => Expr::List(ListExpr::new(items.iter().map(constant).collect())),
        Value::Object(entries) => Expr::Map(MapExpr {
            entries: entries
                .iter()
                .map(|(key, value)| entry(key, value))
                .collect(),
        }),
    };
    IdedExpr { id: 0, expr }
}

/// The name after the first `.?` of a bound tree.
pub(super) fn first_optional(tree: &IdedExpr) -> Option<String> {
    for child in children(tree) {
        if let Some(name) = first_optional(child) {
            return Some(name);
        }
    }
    match &tree.expr {
        Expr::Call(call) if call.func_name == OPT_SELECT => {
            call.args.last().and_then(text_of).map(str::to_owned)
        }
        _ => None,
    }
}

/// A tree as text, without the positions of its nodes.
pub(super) fn describe(tree: &IdedExpr) -> String {
    fn without_places(node: &IdedExpr) -> IdedExpr {
        let Ok(mut node) = map(node, &mut |child| Ok::<_, Never>(without_places(child)));
        node.id = 0;
        if let Expr::Map(map) = &mut node.expr {
            map.entries.iter_mut().for_each(|entry| entry.id = 0);
        }
        node
    }
    format!("{:?}", without_places(tree).expr)
}

/// What stands directly below a node.
pub(super) fn children(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => entries(&map.entries),
        Expr::Struct(structure) => entries(&structure.entries),
        Expr::Comprehension(comprehension) => vec![
            &comprehension.iter_range,
            &comprehension.accu_init,
            &comprehension.loop_cond,
            &comprehension.loop_step,
            &comprehension.result,
        ],
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

fn entries(entries: &[IdedEntryExpr]) -> Vec<&IdedExpr> {
    let mut children = Vec::new();
    for entry in entries {
        match &entry.expr {
            EntryExpr::MapEntry(entry) => children.extend([&entry.key, &entry.value]),
            EntryExpr::StructField(field) => children.push(&field.value),
        }
    }
    children
}

/// The same node with each child replaced.
fn map<E>(
    node: &IdedExpr,
    replace: &mut impl FnMut(&IdedExpr) -> Result<IdedExpr, E>,
) -> Result<IdedExpr, E> {
    let expr = match &node.expr {
        Expr::Call(call) => {
            let target = match &call.target {
                Some(target) => Some(Box::new(replace(target)?)),
                None => None,
            };
            let args = call
                .args
                .iter()
                .map(&mut *replace)
                .collect::<Result<_, _>>()?;
            Expr::Call(CallExpr {
                func_name: call.func_name.clone(),
                target,
                args,
            })
        }
        Expr::Select(select) => Expr::Select(SelectExpr {
            operand: Box::new(replace(&select.operand)?),
            field: select.field.clone(),
            test: select.test,
        }),
        Expr::List(list) => {
            let elements = list
                .elements
                .iter()
                .map(&mut *replace)
                .collect::<Result<_, _>>()?;
            Expr::List(ListExpr::new_with_optionals(
                elements,
                list.optional_indices.clone(),
            ))
        }
        Expr::Map(map) => {
            let mut entries = Vec::with_capacity(map.entries.len());
            for entry in &map.entries {
                let expr = match &entry.expr {
                    EntryExpr::MapEntry(entry) => EntryExpr::MapEntry(MapEntryExpr {
                        key: replace(&entry.key)?,
                        value: replace(&entry.value)?,
                        optional: entry.optional,
                    }),
                    // Structures are refused by the checker.
                    EntryExpr::StructField(field) => EntryExpr::StructField(field.clone()),
                };
                entries.push(IdedEntryExpr { id: entry.id, expr });
            }
            Expr::Map(MapExpr { entries })
        }
        Expr::Comprehension(loops) => Expr::Comprehension(Box::new(ComprehensionExpr {
            iter_range: replace(&loops.iter_range)?,
            iter_var: loops.iter_var.clone(),
            iter_var2: loops.iter_var2.clone(),
            accu_var: loops.accu_var.clone(),
            accu_init: replace(&loops.accu_init)?,
            loop_cond: replace(&loops.loop_cond)?,
            loop_step: replace(&loops.loop_step)?,
            result: replace(&loops.result)?,
        })),
        leaf @ (Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified) => {
            leaf.clone()
        }
    };
    Ok(IdedExpr { id: node.id, expr })
}
