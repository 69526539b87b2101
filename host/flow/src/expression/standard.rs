//! Evaluation by `cel`: the meaning of every expression, also of those that `fast` evaluates.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::common::functions::Function;
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelOptional, CelString,
    CelUInt, DYN_TYPE,
};
use cel::common::value::{CowVal, Val};
use cel::{Context, Env, ExecutionError, Value as Cel};
use serde_json::Value;

use super::budget;
use super::functions::{self, TextFunction};
use super::rewrite::{HAS, JOIN, MATCHES, METER, OPT_SELECT, SELECT, STRING};

/// The name under which absence travels as an error.
const ABSENT: &str = "@absent";

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    for (name, arity, function) in FUNCTIONS {
        let id = format!("{name}_{arity}");
        #[expect(
            clippy::expect_used,
            reason = "names and arities are distinct and not of the standard"
        )]
        env.add_overload(
            name,
            &id,
            std::iter::repeat_with(|| DYN_TYPE).take(arity).collect(),
            function,
        )
        .expect("no function is declared twice");
    }
    Arc::new(env)
});

/// The functions of the language, standard and ours.
pub(super) fn environment() -> &'static Arc<Env> {
    &ENVIRONMENT
}

/// What came of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ended {
    Value(Value),
    /// An optional without a value.
    Nothing,
    /// The name of what is missing.
    Absent(String),
    /// Why it could not be computed, without values.
    Failed(String),
}

/// The record as `cel` sees it; made once for all expressions of a record that need it.
pub(super) struct Record<'r>(Context<'r, 'r>);

impl<'r> Record<'r> {
    pub fn new(alias: &str, record: impl Iterator<Item = (&'r str, &'r Value)>) -> Self {
        let mut context = Context::with_env(Arc::clone(environment()));
        context.add_variable_as_val(alias, object(record));
        Self(context)
    }

    pub fn evaluate(&self, tree: &IdedExpr) -> Ended {
        budget::begin();
        match Cel::resolve_val(tree, &self.0) {
            Ok(value) => match value.downcast_ref::<CelOptional<'_>>() {
                Some(optional) => optional.inner().map_or(Ended::Nothing, ended),
                None => ended(value.as_ref()),
            },
            Err(ExecutionError::FunctionError { function, message }) if function == ABSENT => {
                Ended::Absent(message)
            }
            Err(error) => Ended::Failed(explain(&error)),
        }
    }
}

fn ended(value: &dyn Val) -> Ended {
    match json(value) {
        Some(value) => Ended::Value(value),
        None => Ended::Failed(format!("its result is {}", value.get_type().name())),
    }
}

/// The reason without the values that `cel` writes into its own messages.
fn explain(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchOverload(overload) => overload.to_string(),
        ExecutionError::FunctionError { function, message } if function.starts_with('@') => {
            message.clone()
        }
        ExecutionError::FunctionError { function, .. } => {
            format!("{function} cannot take this value")
        }
        ExecutionError::NoSuchKey(_) => "a map has no such key".into(),
        ExecutionError::IndexOutOfBounds(_) => "a list has no such place; use [?…]".into(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "division by zero".into()
        }
        ExecutionError::Overflow(..) => "a number became too large".into(),
        ExecutionError::UnexpectedType { got, want } => format!("{want} is needed, not {got}"),
        ExecutionError::DuplicateKey(_) => "a map has a key twice".into(),
        ExecutionError::ValuesNotComparable(..) => "values cannot be compared".into(),
        _ => "its values do not fit together".into(),
    }
}

fn value<'r>(json: &'r Value) -> Box<dyn Val + 'r> {
    match json {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Box::new(CelInt::from(value)),
            (None, Some(value)) => Box::new(CelUInt::from(value)),
            (None, None) => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::String(value) => Box::new(CelString::from(value.as_str())),
        Value::Array(items) => Box::new(CelList::from(items.iter().map(value).collect::<Vec<_>>())),
        Value::Object(entries) => object(entries.iter().map(|(key, value)| (key.as_str(), value))),
    }
}

fn object<'r>(entries: impl Iterator<Item = (&'r str, &'r Value)>) -> Box<dyn Val + 'r> {
    let entries = entries.map(|(key, json)| (CelMapKey::String(CelString::from(key)), value(json)));
    Box::new(CelMap::from(entries.collect::<HashMap<_, _>>()))
}

fn json(value: &dyn Val) -> Option<Value> {
    Cel::try_from(value).ok()?.json().ok()
}

const FUNCTIONS: [(&str, usize, Function); 20] = [
    ("trim", 1, |args| text(args, TextFunction::Trim)),
    ("lower", 1, |args| text(args, TextFunction::Lower)),
    ("upper", 1, |args| text(args, TextFunction::Upper)),
    ("normalizeDiacritics", 1, |args| {
        text(args, TextFunction::NormalizeDiacritics)
    }),
    ("date", 1, |args| text(args, TextFunction::Date)),
    ("replace", 3, replace),
    ("truncate", 2, truncate),
    ("join", 2, join),
    ("coalesce", 2, coalesce),
    ("coalesce", 3, coalesce),
    ("coalesce", 4, coalesce),
    ("ifEmpty", 2, if_empty),
    ("switch", 3, switch),
    (STRING, 1, string),
    (JOIN, 2, join_or_null),
    (SELECT, 3, select),
    (HAS, 2, has),
    (OPT_SELECT, 2, opt_select),
    (MATCHES, 2, matches),
    (METER, 2, meter),
];

type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Given<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

fn failed<T>(message: &str) -> Result<T, ExecutionError> {
    Err(ExecutionError::function_error("@", message))
}

fn str_of<'a>(value: &'a CowVal<'_, '_>) -> Option<&'a str> {
    value.downcast_ref::<CelString<'_>>().map(CelString::inner)
}

fn is_null(value: &dyn Val) -> bool {
    value.downcast_ref::<CelNull>().is_some()
}

fn null<'b, 'v>() -> CowVal<'b, 'v> {
    CowVal::owned(CelNull)
}

fn text<'b, 'v>(args: Args<'b, 'v>, function: TextFunction) -> Given<'b, 'v> {
    let [arg] = args.as_slice() else {
        return failed("an argument is missing");
    };
    if is_null(arg.as_ref()) {
        return Ok(null());
    }
    let Some(text) = str_of(arg) else {
        return failed("a text is needed");
    };
    match function.apply(Cow::Borrowed(text)) {
        Some(text) => Ok(CowVal::owned(CelString::from(text.into_owned()))),
        None => failed("this text does not begin with a date (YYYY-MM-DD)"),
    }
}

fn replace<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [text, from, to] = args.as_slice() else {
        return failed("an argument is missing");
    };
    if is_null(text.as_ref()) {
        return Ok(null());
    }
    match (str_of(text), str_of(from), str_of(to)) {
        (Some(text), Some(from), Some(to)) => match functions::replace(text, from, to) {
            Some(text) => Ok(CowVal::owned(CelString::from(text))),
            None => failed(budget::TOO_LONG),
        },
        _ => failed("replace takes texts"),
    }
}

fn truncate<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [text, most] = args.as_slice() else {
        return failed("an argument is missing");
    };
    if is_null(text.as_ref()) {
        return Ok(null());
    }
    let most = most.downcast_ref::<CelInt>().map(|most| *most.inner());
    let (Some(text), Some(most)) = (str_of(text), most) else {
        return failed("truncate takes a text and a whole number");
    };
    match functions::truncate(text, most) {
        Some(text) => Ok(CowVal::owned(CelString::from(text.to_owned()))),
        None => failed("truncate takes a number of characters, 0 or more"),
    }
}

fn join<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [list, separator] = args.as_slice() else {
        return failed("an argument is missing");
    };
    if is_null(list.as_ref()) {
        return Ok(null());
    }
    let (Some(list), Some(separator)) = (list.as_iterable(), str_of(separator)) else {
        return failed("join takes a list and a text");
    };
    let mut texts = Vec::new();
    let mut items = list.iter();
    while let Some(item) = items.next() {
        match item.downcast_ref::<CelString<'_>>() {
            Some(text) => texts.push(text.inner()),
            None if is_null(item) => {}
            None => return failed("join takes a list of texts"),
        }
    }
    texts.retain(|text| !text.is_empty());
    match functions::join(&texts, separator) {
        Some(text) => Ok(CowVal::owned(CelString::from(text))),
        None => failed(budget::TOO_LONG),
    }
}

fn join_or_null<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [left, right] = args.as_slice() else {
        return failed("an argument is missing");
    };
    if is_null(left.as_ref()) || is_null(right.as_ref()) {
        return Ok(null());
    }
    match (str_of(left), str_of(right)) {
        (Some(left), Some(right)) => Ok(CowVal::owned(CelString::from(left.to_owned() + right))),
        _ => failed("+ takes texts here"),
    }
}

fn coalesce<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    for arg in args {
        match arg.downcast_ref::<CelOptional<'_>>() {
            Some(optional) => match optional.inner() {
                Some(held) if !is_null(held) => return Ok(CowVal::Owned(held.clone_as_boxed())),
                _ => {}
            },
            None if is_null(arg.as_ref()) => {}
            None => return Ok(arg),
        }
    }
    Ok(null())
}

fn if_empty<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let mut args = args.into_iter();
    let (Some(first), Some(other)) = (args.next(), args.next()) else {
        return failed("an argument is missing");
    };
    let empty = is_null(first.as_ref()) || str_of(&first).is_some_and(|t| t.trim().is_empty());
    Ok(if empty { other } else { first })
}

fn switch<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let mut args = args.into_iter();
    let (Some(map), Some(key), Some(default)) = (args.next(), args.next(), args.next()) else {
        return failed("an argument is missing");
    };
    if is_null(key.as_ref()) {
        return Ok(default);
    }
    if str_of(&key).is_none() {
        return failed("the key of switch must be a text");
    }
    let Some(entries) = map.as_indexer() else {
        return failed("switch takes a map");
    };
    match entries.get(key.as_ref()) {
        Ok(value) => Ok(CowVal::Owned(value.into_owned())),
        Err(ExecutionError::NoSuchKey(_)) => Ok(default),
        Err(error) => Err(error),
    }
}

fn string<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [arg] = args.as_slice() else {
        return failed("an argument is missing");
    };
    let text = match json(arg.as_ref()) {
        Some(Value::Null) => return Ok(null()),
        Some(Value::String(text)) => text,
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Number(number)) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(number) => functions::number_text(number),
            None => number.to_string(),
        },
        _ => return failed("string takes a number, a boolean or a text"),
    };
    Ok(CowVal::owned(CelString::from(text)))
}

/// What is selected from a value that is no optional; none if the key is missing.
fn member<'v>(
    operand: &(dyn Val + 'v),
    field: &CowVal<'_, '_>,
) -> Result<Option<Box<dyn Val + 'v>>, ExecutionError> {
    if is_null(operand) {
        return Ok(Some(Box::new(CelNull)));
    }
    if operand.downcast_ref::<CelMap<'_>>().is_none() {
        return failed("a key is selected from what is no object");
    }
    let Some(object) = operand.as_indexer() else {
        return failed("a key is selected from what is no object");
    };
    match object.get(field.as_ref()) {
        Ok(value) => Ok(Some(value.into_owned())),
        Err(ExecutionError::NoSuchKey(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn select<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [operand, field, path] = args.as_slice() else {
        return failed("an argument is missing");
    };
    if operand.downcast_ref::<CelOptional<'_>>().is_some() {
        return optional_member(operand, field);
    }
    match member(operand.as_ref(), field)? {
        Some(value) => Ok(CowVal::Owned(value)),
        None => Err(ExecutionError::function_error(
            ABSENT,
            str_of(path).unwrap_or_default(),
        )),
    }
}

fn has<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [operand, field] = args.as_slice() else {
        return failed("an argument is missing");
    };
    let there = match operand.downcast_ref::<CelOptional<'_>>() {
        Some(optional) => match optional.inner() {
            Some(held) => !is_null(held) && member(held, field)?.is_some(),
            None => false,
        },
        // Null has no keys.
        None if is_null(operand.as_ref()) => false,
        None => member(operand.as_ref(), field)?.is_some(),
    };
    Ok(CowVal::owned(CelBool::from(there)))
}

fn opt_select<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [operand, field] = args.as_slice() else {
        return failed("an argument is missing");
    };
    optional_member(operand, field)
}

fn optional_member<'b, 'v>(operand: &CowVal<'b, 'v>, field: &CowVal<'b, 'v>) -> Given<'b, 'v> {
    let found = match operand.downcast_ref::<CelOptional<'v>>() {
        Some(optional) => match optional.inner() {
            Some(held) => member(held, field)?,
            None => None,
        },
        None => member(operand.as_ref(), field)?,
    };
    Ok(CowVal::owned(
        found.map_or_else(CelOptional::none, CelOptional::of),
    ))
}

fn matches<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [text, pattern] = args.as_slice() else {
        return failed("an argument is missing");
    };
    let (Some(text), Some(pattern)) = (str_of(text), str_of(pattern)) else {
        return failed("matches takes texts");
    };
    match budget::matches(text, pattern) {
        Ok(found) => Ok(CowVal::owned(CelBool::from(found))),
        Err(reason) => failed(reason),
    }
}

/// Gives its first argument and charges for it, by its size and the work that the second one says.
fn meter<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let mut args = args.into_iter();
    let (Some(value), Some(work)) = (args.next(), args.next()) else {
        return failed("an argument is missing");
    };
    let work = work.downcast_ref::<CelInt>().map(|work| *work.inner());
    let work = work.and_then(|work| usize::try_from(work).ok());
    let work = work
        .unwrap_or(0)
        .saturating_add(budget::size(value.as_ref()));
    if budget::spend(work) {
        Ok(value)
    } else {
        failed(budget::TOO_MUCH)
    }
}
