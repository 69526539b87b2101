//! The people of the account and what has changed about them.
//!
//! A person is what they were at the start (made up, captured, or nothing) and the changes since,
//! each with its moment: `updated_since` asks per attribute. Answers are written straight from this,
//! attribute by attribute, so a hundred thousand people need no rendered copy.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::Value;

use super::captured;
use super::field::{Attribute, Field, standard};
use super::made::{self, Made};
use crate::config::Language;

pub(crate) struct Directory {
    people: Vec<Person>,
    positions: HashMap<u64, usize>,
    attributes: Vec<Attribute>,
    by_key: HashMap<String, u16>,
}

struct Person {
    id: u64,
    base: Base,
    /// When all that was there at the start, or the whole record, last changed (Unix seconds).
    modified: i64,
    changes: BTreeMap<u16, Change>,
    /// Whether anything happened since the start.
    touched: bool,
}

enum Base {
    Made(Box<Made>),
    /// Attributes as captured, sorted by their number.
    Captured(Box<[(u16, Box<[u8]>)]>),
    /// Somebody added later: every attribute is empty unless set.
    Blank,
}

struct Change {
    at: i64,
    value: ChangedTo,
}

enum ChangedTo {
    Raw(Box<[u8]>),
    /// A supervisor by id; name and address are theirs of the moment.
    Supervisor(u64),
}

impl Person {
    fn last_modified(&self) -> i64 {
        let changes = self.changes.values().map(|c| c.at);
        changes.fold(self.modified, i64::max)
    }

    fn modified_after(&self, since: i64, wanted: &[u16]) -> bool {
        self.modified > since
            || wanted
                .iter()
                .any(|a| self.changes.get(a).is_some_and(|c| c.at > since))
    }
}

impl Directory {
    fn new(attributes: Vec<Attribute>, people: Vec<Person>) -> Self {
        let mut directory = Self {
            people,
            positions: HashMap::new(),
            by_key: HashMap::new(),
            attributes,
        };
        for (number, attribute) in (0u16..).zip(&directory.attributes) {
            directory.by_key.insert(attribute.key.clone(), number);
        }
        directory.index();
        directory
    }

    fn index(&mut self) {
        self.positions = self
            .people
            .iter()
            .enumerate()
            .map(|(i, p)| (p.id, i))
            .collect();
    }

    pub(crate) fn made_up(count: usize, seed: u64, now: Timestamp, language: Language) -> Self {
        let people = made::draw(count, seed, now)
            .into_iter()
            .map(|(id, modified, made)| Person {
                id,
                base: Base::Made(Box::new(made)),
                modified,
                changes: BTreeMap::new(),
                touched: false,
            })
            .collect();
        Self::new(standard(language), people)
    }

    pub(crate) fn captured_file(file: &Path, language: Language) -> anyhow::Result<Self> {
        let answer =
            std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        Self::captured(&answer, language).with_context(|| format!("{}", file.display()))
    }

    pub(crate) fn captured(answer: &[u8], language: Language) -> anyhow::Result<Self> {
        let mut directory = Self::new(Vec::new(), Vec::new());
        for (row, raw) in captured::people(answer)?.into_iter().enumerate() {
            let mut id = None;
            let mut modified = None;
            let mut attributes = Vec::with_capacity(raw.len());
            for (key, bytes) in raw {
                let parsed: Value = serde_json::from_slice(&bytes)?;
                match key.as_str() {
                    "id" => id = parsed["value"].as_u64(),
                    "last_modified_at" => {
                        modified = parsed["value"]
                            .as_str()
                            .and_then(|t| t.parse::<Timestamp>().ok());
                    }
                    _ => {}
                }
                let number = match directory.by_key.get(&key) {
                    Some(&number) => number,
                    None => directory.learn(&key, &parsed),
                };
                attributes.push((number, bytes.into_boxed_slice()));
            }
            attributes.sort_by_key(|(number, _)| *number);
            let id =
                id.with_context(|| format!("employee {row} of the captured answer has no id"))?;
            directory.people.push(Person {
                id,
                base: Base::Captured(attributes.into_boxed_slice()),
                modified: modified.map_or(0, Timestamp::as_second),
                changes: BTreeMap::new(),
                touched: false,
            });
        }
        // What the capture lacks can still be set, under its usual label.
        for attribute in standard(language) {
            if attribute.universal_id.is_some() && !directory.by_key.contains_key(&attribute.key) {
                directory.push(attribute);
            }
        }
        directory.index();
        Ok(directory)
    }

    /// Takes an attribute's description from a captured object.
    fn learn(&mut self, key: &str, object: &Value) -> u16 {
        let mut extra = String::new();
        for (name, value) in object.as_object().into_iter().flatten() {
            if !matches!(name.as_str(), "label" | "value" | "type" | "universal_id") {
                extra.push_str(&format!(",{}:{value}", Value::from(name.as_str())));
            }
        }
        self.push(Attribute::new(
            key,
            object["label"].as_str().unwrap_or(key),
            object["type"].as_str().unwrap_or("standard"),
            object["universal_id"].as_str(),
            &extra,
        ))
    }

    fn push(&mut self, attribute: Attribute) -> u16 {
        let number = u16::try_from(self.attributes.len()).unwrap_or(u16::MAX);
        self.by_key.insert(attribute.key.clone(), number);
        self.attributes.push(attribute);
        number
    }

    /// Makes an attribute known, or describes it anew.
    pub(super) fn define(&mut self, key: &str, label: &str, kind: &str, options: &[&str]) {
        let mut attribute = Attribute::new(key, label, kind, None, "");
        attribute.options = options.iter().map(|&o| o.to_owned()).collect();
        match self
            .by_key
            .get(key)
            .and_then(|&n| self.attributes.get_mut(usize::from(n)))
        {
            Some(known) => {
                attribute.hidden = known.hidden;
                *known = attribute;
            }
            None => {
                self.push(attribute);
            }
        }
    }

    pub(crate) fn hide(&mut self, key: &str) -> bool {
        self.set_hidden(key, true)
    }

    pub(super) fn set_hidden(&mut self, key: &str, hidden: bool) -> bool {
        let Some(&number) = self.by_key.get(key) else {
            return false;
        };
        let Some(attribute) = self.attributes.get_mut(usize::from(number)) else {
            return false;
        };
        attribute.hidden = hidden;
        true
    }

    /// The attributes that the credential may read.
    pub(super) fn readable(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|a| !a.hidden)
    }

    /// The numbers of readable attributes: all, or those with these keys.
    pub(super) fn select(&self, keys: Option<&[String]>) -> Vec<u16> {
        (0u16..)
            .zip(&self.attributes)
            .filter(|(_, a)| !a.hidden && keys.is_none_or(|keys| keys.contains(&a.key)))
            .map(|(number, _)| number)
            .collect()
    }

    pub(super) fn len(&self) -> usize {
        self.people.len()
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.people.iter().map(|p| p.id).collect()
    }

    pub(super) fn position(&self, id: u64) -> Option<usize> {
        self.positions.get(&id).copied()
    }

    /// The places of all whose wanted attributes changed after a moment (Unix seconds).
    pub(super) fn changed_after(&self, since: i64, wanted: &[u16]) -> Vec<usize> {
        let people = self.people.iter().enumerate();
        people
            .filter(|(_, p)| p.modified_after(since, wanted))
            .map(|(i, _)| i)
            .collect()
    }

    /// The places of all with exactly this e-mail address.
    pub(super) fn with_email(&self, email: &str) -> Vec<usize> {
        let Some(&number) = self.by_key.get("email") else {
            return Vec::new();
        };
        let wanted = Value::from(email).to_string().into_bytes();
        let mut value = Vec::new();
        let mut found = Vec::new();
        for (place, person) in self.people.iter().enumerate() {
            value.clear();
            self.write_value(person, number, &mut value);
            if value == wanted {
                found.push(place);
            }
        }
        found
    }

    /// Writes `{"type":"Employee","attributes":{…}}`.
    pub(super) fn write(&self, place: usize, wanted: &[u16], out: &mut Vec<u8>) {
        let Some(person) = self.people.get(place) else {
            return;
        };
        self.write_record(person, wanted, out);
    }

    fn write_record(&self, person: &Person, wanted: &[u16], out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"type\":\"Employee\",\"attributes\":{");
        let start = out.len();
        for &number in wanted {
            let before = out.len();
            if before > start {
                out.push(b',');
            }
            if !self.write_attribute(person, number, out) {
                out.truncate(before);
            }
        }
        out.extend_from_slice(b"}}");
    }

    /// False if this person's record does not have the attribute (as captured ones may not).
    fn write_attribute(&self, person: &Person, number: u16, out: &mut Vec<u8>) -> bool {
        let Some(attribute) = self.attributes.get(usize::from(number)) else {
            return false;
        };
        let moved = attribute.field == Some(Field::LastModifiedAt) && person.touched;
        let changed = moved || person.changes.contains_key(&number);
        if let (Base::Captured(captured), false) = (&person.base, changed) {
            let Ok(at) = captured.binary_search_by_key(&number, |(n, _)| *n) else {
                return false;
            };
            made::text(out, &attribute.key);
            out.push(b':');
            out.extend_from_slice(&captured[at].1);
            return true;
        }
        out.extend_from_slice(&attribute.prefix);
        self.write_value(person, number, out);
        out.extend_from_slice(&attribute.suffix);
        true
    }

    /// Writes the raw value.
    fn write_value(&self, person: &Person, number: u16, out: &mut Vec<u8>) {
        let Some(attribute) = self.attributes.get(usize::from(number)) else {
            return;
        };
        match person.changes.get(&number).map(|c| &c.value) {
            Some(ChangedTo::Raw(raw)) => return out.extend_from_slice(raw),
            Some(&ChangedTo::Supervisor(id)) => return self.write_supervisor(Some(id), out),
            None => {}
        }
        match (&person.base, attribute.field) {
            (Base::Made(made), Some(Field::Supervisor)) => {
                self.write_supervisor(made.supervisor, out);
            }
            (Base::Made(made), Some(Field::LastModifiedAt)) => {
                made.moment(person.last_modified(), out);
            }
            (Base::Made(made), Some(field)) => made.write(field, person.id, out),
            (Base::Captured(captured), field) => {
                let raw = captured.iter().find(|(n, _)| *n == number);
                if field == Some(Field::LastModifiedAt) && person.touched {
                    made::moment(person.last_modified(), false, out);
                } else if let Some(value) = raw
                    .and_then(|(_, raw)| serde_json::from_slice::<Value>(raw).ok())
                    .and_then(|mut object| Some(object.get_mut("value")?.take()))
                {
                    out.extend_from_slice(value.to_string().as_bytes());
                } else {
                    out.extend_from_slice(attribute.empty());
                }
            }
            (Base::Blank, Some(Field::Id)) => {
                out.extend_from_slice(person.id.to_string().as_bytes());
            }
            (Base::Blank, Some(Field::LastModifiedAt)) => {
                made::moment(person.last_modified(), false, out);
            }
            (Base::Blank, Some(Field::CreatedAt)) => made::moment(person.modified, false, out),
            (Base::Made(_) | Base::Blank, _) => out.extend_from_slice(attribute.empty()),
        }
    }

    /// The nested record of a supervisor; `null` for nobody, also for somebody who is gone.
    fn write_supervisor(&self, id: Option<u64>, out: &mut Vec<u8>) {
        let Some(person) = id.and_then(|id| self.people.get(self.position(id)?)) else {
            return out.extend_from_slice(b"null");
        };
        let wanted: Vec<u16> = ["id", "first_name", "last_name", "email"]
            .into_iter()
            .filter_map(|key| self.by_key.get(key).copied())
            .collect();
        self.write_record(person, &wanted, out);
    }

    /// The values of a person by key, readable or not, in the raw shapes of the API.
    pub(super) fn values(&self, id: u64) -> Option<serde_json::Map<String, Value>> {
        let person = self.people.get(self.position(id)?)?;
        let mut values = serde_json::Map::new();
        let mut out = Vec::new();
        for (number, attribute) in (0u16..).zip(&self.attributes) {
            out.clear();
            if self.write_attribute(person, number, &mut out) {
                out.clear();
                self.write_value(person, number, &mut out);
                let value = serde_json::from_slice(&out).unwrap_or(Value::Null);
                values.insert(attribute.key.clone(), value);
            }
        }
        Some(values)
    }

    /// One value of a person, readable or not.
    pub(super) fn value(&self, id: u64, key: &str) -> Option<Value> {
        let person = self.people.get(self.position(id)?)?;
        let number = *self.by_key.get(key)?;
        let mut out = Vec::new();
        if !self.write_attribute(person, number, &mut out) {
            return None;
        }
        out.clear();
        self.write_value(person, number, &mut out);
        serde_json::from_slice(&out).ok()
    }

    /// Changes a value; false if there is no such person, or for the id, which never changes. An
    /// unknown key becomes a new attribute.
    pub(super) fn set(&mut self, id: u64, key: &str, value: &Value, now: i64) -> bool {
        let Some(place) = self.position(id) else {
            return false;
        };
        let number = match self.by_key.get(key) {
            Some(&number) => number,
            None => self.push(Attribute::new(key, key, "standard", None, "")),
        };
        let value = self.changed_to(key, number, value);
        let person = &mut self.people[place];
        person.touched = true;
        person.changes.insert(number, Change { at: now, value });
        true
    }

    /// Spells out the short forms in which tests give values: a supervisor's id, a unit's name, a
    /// bare date.
    fn changed_to(&self, key: &str, number: u16, value: &Value) -> ChangedTo {
        let raw = |value: &Value| ChangedTo::Raw(value.to_string().into_bytes().into());
        let attribute = self.attributes.get(usize::from(number));
        if key == "supervisor"
            && let Some(id) = value.as_u64()
        {
            return ChangedTo::Supervisor(id);
        }
        let Some(text) = value.as_str().filter(|t| !t.is_empty()) else {
            return raw(value);
        };
        let unit = match key {
            "department" => "Department",
            "office" => "Office",
            "subcompany" => "Subcompany",
            "team" => "Team",
            _ if attribute.is_some_and(|a| a.kind == "date") && text.len() == 10 => {
                return match text.parse() {
                    Ok(date) => {
                        let mut out = vec![b'"'];
                        made::midnight(date, false, &mut out);
                        out.push(b'"');
                        ChangedTo::Raw(out.into())
                    }
                    Err(_) => raw(value),
                };
            }
            _ => return raw(value),
        };
        let id = self.unit_id(key, text);
        raw(&serde_json::json!({"type": unit, "attributes": {"id": id, "name": text}}))
    }

    /// The id of a unit that somebody has already, or one made from its name.
    fn unit_id(&self, key: &str, name: &str) -> u64 {
        let Some(&number) = self.by_key.get(key) else {
            return 0;
        };
        let mut out = Vec::new();
        for person in &self.people {
            out.clear();
            self.write_value(person, number, &mut out);
            if let Ok(value) = serde_json::from_slice::<Value>(&out)
                && value["attributes"]["name"] == name
                && let Some(id) = value["attributes"]["id"].as_u64()
            {
                return id;
            }
        }
        8_000_000
            + name
                .bytes()
                .fold(0, |hash: u64, b| (hash * 131 + u64::from(b)) % 999_983)
    }

    /// Adds somebody about whom nothing is known yet; `None` if the id is taken.
    pub(super) fn add(&mut self, id: Option<u64>, now: i64) -> Option<u64> {
        let id = id.unwrap_or_else(|| self.people.iter().map(|p| p.id).max().unwrap_or(0) + 1);
        if self.positions.contains_key(&id) {
            return None;
        }
        self.positions.insert(id, self.people.len());
        self.people.push(Person {
            id,
            base: Base::Blank,
            modified: now,
            changes: BTreeMap::new(),
            touched: false,
        });
        Some(id)
    }

    pub(super) fn remove(&mut self, id: u64) -> bool {
        let Some(place) = self.position(id) else {
            return false;
        };
        self.people.remove(place);
        self.index();
        true
    }

    /// Moves a person's last change without changing anything.
    pub(super) fn touch(&mut self, id: u64, now: i64) -> bool {
        let Some(place) = self.position(id) else {
            return false;
        };
        self.people[place].modified = now;
        self.people[place].touched = true;
        true
    }
}
