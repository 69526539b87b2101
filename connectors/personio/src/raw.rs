//! Any JSON value, borrowed from the body where it can be.
//!
//! Personio sends the same attribute as text, number, object, `""`, `[]` or null. Reading into this never
//! fails on a shape, costs one pass, and copies no text that has no escapes in it. Fields that nobody
//! will ask for are skipped while reading.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Raw<'de> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that is not negative.
    Whole(u64),
    /// Any other number.
    Number(f64),
    /// Text.
    Text(Cow<'de, str>),
    /// A list.
    List(Vec<Raw<'de>>),
    /// An object: the fields that were kept, in order.
    Object(Vec<(Cow<'de, str>, Raw<'de>)>),
}

/// 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl<'de> Raw<'de> {
    /// A field of an object.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields
                .iter()
                .find(|(field, _)| field == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// Text that is not blank.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.trim().is_empty() => Some(text),
            _ => None,
        }
    }

    /// A whole number that is not negative, also where it comes as text or as a float. Identifiers are
    /// such numbers; they fit into 63 bits, as JSON readers and databases want it.
    pub(crate) fn whole(&self) -> Option<u64> {
        let number = match self {
            Self::Whole(number) => *number,
            // Up to 2^53 a float is exact; beyond, it may be somebody else's identifier.
            Self::Number(number) if number.fract() == 0.0 && (0.0..EXACT).contains(number) => {
                *number as u64
            }
            Self::Text(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        i64::try_from(number).is_ok().then_some(number)
    }

    /// A number, also where it comes as text.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Text(text) => {
                let text = text.trim();
                let number = text
                    .parse()
                    .or_else(|_| text.replacen(',', ".", 1).parse::<f64>());
                number.ok().filter(|number| number.is_finite())
            }
            _ => None,
        }
    }
}

/// Reads a [`Raw`], keeping only the fields of objects, at any depth, that the function says yes to.
#[derive(Clone, Copy)]
pub(crate) struct RawSeed(pub fn(&str) -> bool);

impl<'de> DeserializeSeed<'de> for RawSeed {
    type Value = Raw<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RawSeed {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Raw<'de>, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw<'de>, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw<'de>, E> {
        Ok(Raw::Whole(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw<'de>, E> {
        Ok(Raw::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw<'de>, E> {
        Ok(Raw::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Raw<'de>, E> {
        Ok(Raw::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw<'de>, E> {
        Ok(Raw::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(self)? {
            list.push(value);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            if self.0(&key) {
                fields.push((key, map.next_value_seed(self)?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Raw::Object(fields))
    }
}

/// Reads the key of a map without copying it.
pub(crate) struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

/// The methods of a [`Visitor`] for every value that is neither list nor object: the value is not used.
macro_rules! any_scalar {
    ($value:ty, $result:expr) => {
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("any value")
        }

        fn visit_unit<E>(self) -> Result<$value, E> {
            Ok($result)
        }

        fn visit_bool<E>(self, _: bool) -> Result<$value, E> {
            Ok($result)
        }

        fn visit_u64<E>(self, _: u64) -> Result<$value, E> {
            Ok($result)
        }

        fn visit_i64<E>(self, _: i64) -> Result<$value, E> {
            Ok($result)
        }

        fn visit_f64<E>(self, _: f64) -> Result<$value, E> {
            Ok($result)
        }

        fn visit_str<E>(self, _: &str) -> Result<$value, E> {
            Ok($result)
        }
    };
}
pub(crate) use any_scalar;
