//! What kinds of values an expression can give.

use std::fmt;
use std::sync::Arc;

use regex::Regex;
use serde_json::{Map, Value};

/// A set of kinds, and what is known of the inside of lists and objects.
#[derive(Debug, Clone)]
pub(crate) struct Type {
    kinds: u16,
    item: Option<Arc<Type>>,
    shape: Option<Arc<Shape>>,
    /// Whether it is an optional (`e.?team`), which may hold nothing.
    pub optional: bool,
}

/// What is known of an object.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What messages call it.
    pub name: String,
    pub properties: Vec<(String, Type)>,
    pub patterns: Vec<(Regex, Type)>,
    /// Whether it may have other keys too.
    pub open: bool,
}

pub(crate) const NULL: u16 = 1;
pub(crate) const BOOL: u16 = 1 << 1;
pub(crate) const INT: u16 = 1 << 2;
pub(crate) const DOUBLE: u16 = 1 << 3;
pub(crate) const TEXT: u16 = 1 << 4;
pub(crate) const DATE: u16 = 1 << 5;
pub(crate) const MOMENT: u16 = 1 << 6;
pub(crate) const LIST: u16 = 1 << 7;
pub(crate) const OBJECT: u16 = 1 << 8;
pub(crate) const NUMBER: u16 = INT | DOUBLE;
/// Everything that is written as a text.
pub(crate) const TEXTUAL: u16 = TEXT | DATE | MOMENT;
pub(crate) const ANY: u16 = (1 << 9) - 1;

const NAMES: [(u16, &str); 9] = [
    (TEXT, "text"),
    (DATE, "a date"),
    (MOMENT, "a date with time"),
    (INT, "a whole number"),
    (DOUBLE, "a number"),
    (BOOL, "true or false"),
    (LIST, "a list"),
    (OBJECT, "an object"),
    (NULL, "null"),
];

impl Type {
    pub fn of(kinds: u16) -> Self {
        Self {
            kinds,
            item: None,
            shape: None,
            optional: false,
        }
    }

    pub fn any() -> Self {
        Self::of(ANY)
    }

    pub fn list(item: Self) -> Self {
        Self {
            item: Some(Arc::new(item)),
            ..Self::of(LIST)
        }
    }

    pub fn object(shape: Shape) -> Self {
        Self {
            shape: Some(Arc::new(shape)),
            ..Self::of(OBJECT)
        }
    }

    /// The type of what a JSON Schema describes.
    pub fn of_schema(schema: &Value, name: &str) -> Self {
        let Some(schema) = schema.as_object() else {
            return Self::any();
        };
        for key in ["anyOf", "oneOf"] {
            if let Some(Value::Array(alternatives)) = schema.get(key) {
                let types = alternatives
                    .iter()
                    .map(|schema| Self::of_schema(schema, name));
                return types.reduce(|a, b| a.or(&b)).unwrap_or_else(Self::any);
            }
        }
        let kinds = match schema.get("type") {
            Some(Value::String(kind)) => kind_of(kind, schema),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .fold(0, |all, k| all | kind_of(k, schema)),
            _ => match schema.get("enum") {
                Some(Value::Array(values)) => values
                    .iter()
                    .fold(0, |all, value| all | Self::of_value(value).kinds),
                _ => ANY,
            },
        };
        let mut of = Self::of(if kinds == 0 { ANY } else { kinds });
        if of.has(LIST) {
            of.item = schema
                .get("items")
                .map(|items| Arc::new(Self::of_schema(items, name)));
        }
        if of.has(OBJECT) {
            of.shape = shape_of(schema, name).map(Arc::new);
        }
        of
    }

    /// The type of a constant.
    pub fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::of(NULL),
            Value::Bool(_) => Self::of(BOOL),
            Value::Number(number) if number.is_f64() => Self::of(DOUBLE),
            Value::Number(_) => Self::of(INT),
            Value::String(_) => Self::of(TEXT),
            Value::Array(items) => match items.iter().map(Self::of_value).reduce(|a, b| a.or(&b)) {
                Some(item) => Self::list(item),
                None => Self::of(LIST),
            },
            Value::Object(_) => Self::of(OBJECT),
        }
    }

    pub fn has(&self, kinds: u16) -> bool {
        self.kinds & kinds != 0
    }

    /// Whether it may be of one of these kinds; null counts only where it can be nothing else.
    pub fn can_be(&self, kinds: u16) -> bool {
        self.has(kinds & !NULL) || kinds & NULL != 0 && self.only(NULL)
    }

    /// Whether it is nothing but these kinds.
    pub fn only(&self, kinds: u16) -> bool {
        self.kinds & !kinds == 0
    }

    pub fn is_any(&self) -> bool {
        self.kinds == ANY
    }

    /// Whether it may be null, as far as that is known.
    pub fn nullable(&self) -> bool {
        self.has(NULL) && !self.is_any()
    }

    /// The same, possibly null.
    pub fn or_null(mut self) -> Self {
        self.kinds |= NULL;
        self
    }

    /// The same, never null.
    pub fn without_null(mut self) -> Self {
        if !self.is_any() {
            self.kinds &= !NULL;
        }
        self
    }

    /// The same, as an optional.
    pub fn into_optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// What an optional holds.
    pub fn held(mut self) -> Self {
        self.optional = false;
        self
    }

    /// Either.
    pub fn or(&self, other: &Self) -> Self {
        let item = match (&self.item, &other.item) {
            (Some(a), Some(b)) => Some(Arc::new(a.or(b))),
            // A list of which nothing is known is empty, or of anything.
            (Some(one), None) if !other.has(LIST) || other.only(LIST) => Some(Arc::clone(one)),
            (None, Some(one)) if !self.has(LIST) || self.only(LIST) => Some(Arc::clone(one)),
            _ => None,
        };
        let shape = match (&self.shape, &other.shape) {
            (Some(a), Some(b)) if Arc::ptr_eq(a, b) => Some(Arc::clone(a)),
            (Some(one), None) if !other.has(OBJECT) => Some(Arc::clone(one)),
            (None, Some(one)) if !self.has(OBJECT) => Some(Arc::clone(one)),
            _ => None,
        };
        Self {
            kinds: self.kinds | other.kinds,
            item,
            shape,
            optional: self.optional || other.optional,
        }
    }

    /// The type of a list's items.
    pub fn item(&self) -> Self {
        self.item.as_deref().cloned().unwrap_or_else(Self::any)
    }

    pub fn shape(&self) -> Option<&Shape> {
        self.shape.as_deref()
    }

    /// Whether values of the two could be equal. That both may be null does not count.
    pub fn comparable(&self, other: &Self) -> bool {
        let widen = |kinds: u16| {
            let kinds = if kinds & NUMBER == 0 {
                kinds
            } else {
                kinds | NUMBER
            };
            if kinds & TEXTUAL == 0 {
                kinds
            } else {
                kinds | TEXTUAL
            }
        };
        if self.only(NULL) || other.only(NULL) {
            return self.has(NULL) && other.has(NULL);
        }
        widen(self.kinds) & widen(other.kinds) & !NULL != 0
    }
}

impl Shape {
    /// The type of a property; none if there is no such one.
    pub fn property(&self, name: &str) -> Option<Type> {
        let known = self
            .properties
            .iter()
            .find(|(property, _)| property == name);
        known
            .map(|(_, of)| of.clone())
            .or_else(|| {
                let pattern = self
                    .patterns
                    .iter()
                    .find(|(pattern, _)| pattern.is_match(name));
                pattern.map(|(_, of)| of.clone())
            })
            .or_else(|| self.open.then(Type::any))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().map(|(name, _)| name.as_str())
    }
}

fn kind_of(kind: &str, schema: &Map<String, Value>) -> u16 {
    match kind {
        "null" => NULL,
        "boolean" => BOOL,
        "integer" => INT,
        "number" => NUMBER,
        "string" => match schema.get("format").and_then(Value::as_str) {
            Some("date") => DATE,
            Some("date-time") => MOMENT,
            _ => TEXT,
        },
        "array" => LIST,
        "object" => OBJECT,
        _ => ANY,
    }
}

/// What a schema of objects says of them; none if it says nothing.
pub(crate) fn shape_of(schema: &Map<String, Value>, name: &str) -> Option<Shape> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let patterns = schema.get("patternProperties").and_then(Value::as_object);
    if properties.is_none() && patterns.is_none() {
        return None;
    }
    let properties = properties.into_iter().flatten();
    let patterns = patterns.into_iter().flatten();
    Some(Shape {
        name: name.to_owned(),
        properties: properties
            .map(|(property, schema)| (property.clone(), Type::of_schema(schema, property)))
            .collect(),
        patterns: patterns
            .filter_map(|(pattern, schema)| {
                Some((Regex::new(pattern).ok()?, Type::of_schema(schema, name)))
            })
            .collect(),
        open: match schema.get("additionalProperties") {
            None | Some(Value::Bool(false)) => false,
            Some(_) => true,
        },
    })
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_any() {
            return f.write_str("any value");
        }
        // A number may be whole, a text may be a date.
        let kinds = if self.has(DOUBLE) {
            self.kinds & !INT
        } else {
            self.kinds
        };
        let kinds = if self.has(TEXT) {
            kinds & !(DATE | MOMENT)
        } else {
            kinds
        };
        let names = NAMES
            .iter()
            .filter(|(kind, _)| kinds & kind != 0)
            .map(|(_, name)| *name);
        f.write_str(&names.collect::<Vec<_>>().join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_says_what_is_inside() {
        let schema = json!({"type": ["object", "null"], "properties": {
            "id": {"type": "integer"}, "day": {"type": ["string", "null"], "format": "date"}},
            "patternProperties": {"^x_": {"type": "boolean"}}});
        let of = Type::of_schema(&schema, "thing");
        assert_eq!(of.to_string(), "an object or null");
        let shape = of.shape().unwrap();
        assert_eq!(shape.property("day").unwrap().to_string(), "a date or null");
        assert_eq!(shape.property("x_y").unwrap().to_string(), "true or false");
        assert!(shape.property("other").is_none());
        let either = Type::of_schema(
            &json!({"anyOf": [{"type": "string"}, {"type": "number"}]}),
            "",
        );
        assert_eq!(either.to_string(), "text or a number");
        assert!(Type::of_schema(&json!({}), "").is_any());
    }

    #[test]
    fn dates_compare_with_texts_and_whole_numbers_with_numbers() {
        let of = Type::of;
        assert!(of(DATE).comparable(&of(TEXT)));
        assert!(of(INT).comparable(&of(DOUBLE)));
        assert!(!of(INT).comparable(&of(TEXT)));
        assert!(of(INT | NULL).comparable(&of(NULL)));
    }
}
