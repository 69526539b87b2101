//! One employee of an answer, read and written in one pass.
//!
//! `{"type": "Employee", "attributes": {"email": {"label": …, "value": …, "type": …}, …}}` becomes
//! `{"id": 1, "email": …}`. Of an employee only the wanted attributes are looked at, whatever else came.
//! A key that is not there is not written: it may not be read, which is not the same as being empty.
//! No shape of any attribute fails the page; what cannot be read is passed on so that the host's check of
//! the record names it, and everybody else goes on.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::normal::{Kind, Writer};
use crate::raw::{Key, Raw, RawSeed, any_scalar};
use crate::universal;

/// Keys of attributes have nothing else in them.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');

/// The attributes that are asked for and written.
#[derive(Debug)]
pub(crate) struct Wanted(Vec<Column>);

#[derive(Debug)]
struct Column {
    name: String,
    /// What Personio calls it.
    theirs: String,
    kind: Kind,
    /// `"name":`
    key: String,
}

impl Wanted {
    /// These attributes and the identifier, which comes first. Repetitions are dropped, and so is what the account
    /// keeps under a key of its own that is not among `keys`.
    pub(crate) fn new(attributes: &[String], keys: &BTreeMap<String, String>) -> Self {
        let mut columns: Vec<Column> = Vec::with_capacity(attributes.len() + 1);
        for name in std::iter::once("id").chain(attributes.iter().map(String::as_str)) {
            let theirs = match universal::is_universal(name) {
                true => keys.get(name).map(String::as_str),
                false => Some(name),
            };
            if let Some(theirs) = theirs
                && !columns.iter().any(|column| column.name == name)
            {
                columns.push(Column {
                    name: name.to_owned(),
                    theirs: theirs.to_owned(),
                    kind: Kind::of(name),
                    key: format!("{}:", serde_json::Value::from(name)),
                });
            }
        }
        Self(columns)
    }

    /// `&attributes[]=…` for each, with the brackets encoded.
    pub(crate) fn query(&self) -> String {
        let mut query = String::new();
        for column in &self.0 {
            query.push_str("&attributes%5B%5D=");
            query.extend(utf8_percent_encode(&column.theirs, PLAIN));
        }
        query
    }
}

/// One employee.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Record {
    /// None if it came without one that can be read.
    pub(crate) id: Option<u64>,
    /// A JSON object of the wanted attributes that came.
    pub(crate) data: String,
    /// How far west of Greenwich the record's times are, in minutes: the most that was met, 0 if none
    /// was.
    pub(crate) west: u16,
}

/// Reads a [`Record`].
#[derive(Clone, Copy)]
pub(crate) struct RecordSeed<'w>(pub &'w Wanted);

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = Record;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Record, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_> {
    type Value = Record;

    any_scalar!(Record, Record::default());

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Record, A::Error> {
        drain(&mut seq)?;
        Ok(Record::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut record = Record::default();
        while let Some(key) = map.next_key_seed(Key)? {
            if key == "attributes" {
                record = map.next_value_seed(AttributesSeed(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(record)
    }
}

/// Reads the attributes of an employee.
struct AttributesSeed<'w>(&'w Wanted);

impl<'de> DeserializeSeed<'de> for AttributesSeed<'_> {
    type Value = Record;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Record, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AttributesSeed<'_> {
    type Value = Record;

    any_scalar!(Record, Record::default());

    // Without any attribute an empty list comes instead of an empty object.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Record, A::Error> {
        drain(&mut seq)?;
        Ok(Record::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let columns = &self.0.0;
        let mut cells: Vec<Option<Attribute<'de>>> = Vec::new();
        cells.resize_with(columns.len(), || None);
        while let Some(key) = map.next_key_seed(Key)? {
            match columns.iter().position(|column| column.theirs == key) {
                Some(place) => {
                    cells[place] = map.next_value_seed(AttributeSeed(columns[place].kind))?
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(record(columns, &cells))
    }
}

fn record(columns: &[Column], cells: &[Option<Attribute<'_>>]) -> Record {
    let mut writer = Writer::with_capacity(48 * columns.len());
    let mut id = None;
    writer.out.push('{');
    for (column, cell) in columns.iter().zip(cells) {
        let Some(Attribute { value, of }) = cell else {
            continue;
        };
        if column.kind == Kind::Id {
            id = value.whole();
            let Some(id) = id else { continue };
            let _ = write!(writer.out, "{}{id},", column.key);
        } else {
            writer.out.push_str(&column.key);
            writer.value(column.kind, value, of);
            writer.out.push(',');
        }
    }
    if writer.out.ends_with(',') {
        writer.out.pop();
    }
    writer.out.push('}');
    Record {
        id,
        data: writer.out,
        west: writer.west,
    }
}

/// What is used of `{"label": …, "value": …, "type": …, "universal_id": …}`. Labels are in the language
/// of the account and never looked at.
struct Attribute<'de> {
    value: Raw<'de>,
    of: Cow<'de, str>,
}

/// Reads an [`Attribute`]; none if it has no value, which is as if it had not come.
struct AttributeSeed(Kind);

impl<'de> DeserializeSeed<'de> for AttributeSeed {
    type Value = Option<Attribute<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// A value without its wrapping was never seen, but it can only mean one thing.
fn bare<'de, E>(value: Raw<'de>) -> Result<Option<Attribute<'de>>, E> {
    Ok(Some(Attribute {
        value,
        of: Cow::Borrowed(""),
    }))
}

impl<'de> Visitor<'de> for AttributeSeed {
    type Value = Option<Attribute<'de>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        bare(Raw::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        bare(Raw::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        bare(Raw::Whole(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        bare(Raw::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        bare(Raw::Number(value))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        bare(Raw::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        bare(Raw::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        bare(RawSeed(used).visit_seq(seq)?)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut value, mut of) = (None, Cow::Borrowed(""));
        while let Some(key) = map.next_key_seed(Key)? {
            match &*key {
                "value" => value = Some(map.next_value_seed(RawSeed(used))?),
                // Personio's own attributes are what the manifest says they are.
                "type" if self.0 == Kind::Custom => {
                    if let Raw::Text(text) = map.next_value_seed(RawSeed(used))? {
                        of = text;
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(value.map(|value| Attribute { value, of }))
    }
}

/// The fields that are looked at, in attributes and in the objects that are their values.
fn used(field: &str) -> bool {
    matches!(
        field,
        "value"
            | "attributes"
            | "id"
            | "name"
            | "first_name"
            | "last_name"
            | "percentage"
            | "monday"
            | "tuesday"
            | "wednesday"
            | "thursday"
            | "friday"
            | "saturday"
            | "sunday"
    )
}

fn drain<'de, A: SeqAccess<'de>>(seq: &mut A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}
