//! Values on the way through an expression.

use std::borrow::Cow;

use serde_json::Value;

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

/// Whether two values are equal. Values of different kinds are not, except that numbers compare by value.
pub(super) fn equal<'a>(left: &Val<'a>, right: &Val<'a>) -> Result<bool, Stop<'a>> {
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
    pub(super) fn member(&self, field: &str) -> Result<Option<Self>, Stop<'a>> {
        match self {
            Self::Null => Ok(Some(Self::Null)),
            Self::Json(Value::Object(entries)) => Ok(entries.get(field).map(Self::of)),
            _ => Err(Stop::GiveUp),
        }
    }
}
