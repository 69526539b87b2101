//! The groups of a service, by RFC 7643 §4.2, and who is in them.
//!
//! A member is a user of the service: groups within groups are not offered. Whoever is added twice is in
//! once, and who is removed without being a member is no error, as RFC 7644 §3.5.2 has it. A deleted
//! user is in no group any more.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::ops::Range;

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::check::{self, Refusal};
use super::filter::Filter;
use super::patch;
use super::schema::GROUP;
use super::store::moment;
use super::vocabulary::Vocabulary;
use crate::rng::Rng;

pub(super) struct Groups {
    rng: Rng,
    base: String,
    words: Vocabulary,
    unique_names: bool,
    tags: bool,
    slots: Vec<Option<Record>>,
    by_id: HashMap<Box<str>, usize>,
    of_user: HashMap<Box<str>, BTreeSet<usize>>,
}

#[derive(Clone)]
pub(super) struct Record {
    pub id: Box<str>,
    pub version: u64,
    pub created: i64,
    pub modified: i64,
    pub said: Said,
}

/// What clients said about a group.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub name: String,
    pub external_id: Option<String>,
    /// Ids of users, in the order in which they were added.
    pub members: Vec<Box<str>>,
}

impl Said {
    fn of(group: &Map<String, Value>) -> Self {
        let text = |key: &str| group.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut seen = BTreeSet::new();
        let members = group.get("members").and_then(Value::as_array);
        Self {
            name: text("displayName").unwrap_or_default(),
            external_id: text("externalId").filter(|id| !id.is_empty()),
            members: members
                .into_iter()
                .flatten()
                .filter_map(|member| member.get("value")?.as_str())
                .filter(|id| seen.insert(*id))
                .map(Into::into)
                .collect(),
        }
    }

    fn map(&self, with_members: bool) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("displayName".into(), self.name.clone().into());
        if let Some(id) = &self.external_id {
            map.insert("externalId".into(), id.clone().into());
        }
        if with_members && !self.members.is_empty() {
            let members = self.members.iter().map(|id| json!({"value": id}));
            map.insert("members".into(), members.collect());
        }
        map
    }
}

impl Groups {
    pub(super) fn new(
        seed: u64,
        words: Vocabulary,
        base: String,
        unique_names: bool,
        tags: bool,
    ) -> Self {
        Self {
            rng: Rng::new(seed ^ 0x6209),
            base,
            words: words.of_groups(),
            unique_names,
            tags,
            slots: Vec::new(),
            by_id: HashMap::new(),
            of_user: HashMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn words(&self) -> Vocabulary {
        self.words
    }

    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(super) fn record(&self, slot: usize) -> Option<&Record> {
        self.slots.get(slot)?.as_ref()
    }

    /// Slots in order of creation, `from` the n-th on.
    pub(super) fn list(&self, range: Range<usize>) -> Vec<usize> {
        let filled = (0..self.slots.len()).filter(|&slot| self.record(slot).is_some());
        filled.skip(range.start).take(range.len()).collect()
    }

    pub(super) fn search(&self, filter: &Filter) -> Vec<usize> {
        let members = filter.mentions("members");
        let satisfies = |record: &Record| {
            let mut group = record.said.map(members);
            group.insert("id".into(), record.id.as_ref().into());
            filter.holds(&group)
        };
        (0..self.slots.len())
            .filter(|&slot| self.record(slot).is_some_and(satisfies))
            .collect()
    }

    pub(super) fn create(
        &mut self,
        sent: &Value,
        now: Timestamp,
        known: &dyn Fn(&str) -> bool,
    ) -> Result<usize, Refusal> {
        let said = Said::of(&check::resource(sent, self.words)?);
        self.allowed(&said, None, known)?;
        let id: Box<str> = format!("{:016x}{:08x}", self.rng.next(), self.rng.next() >> 32).into();
        let slot = self.slots.len();
        self.by_id.insert(id.clone(), slot);
        self.index(&said.members, slot);
        self.slots.push(Some(Record {
            id,
            version: 1,
            created: now.as_second(),
            modified: now.as_second(),
            said,
        }));
        Ok(slot)
    }

    /// Replaces a whole group (PUT); whether anything changed.
    pub(super) fn replace(
        &mut self,
        slot: usize,
        sent: &Value,
        now: Timestamp,
        known: &dyn Fn(&str) -> bool,
    ) -> Result<bool, Refusal> {
        let group = check::resource(sent, self.words)?;
        self.write(slot, Said::of(&group), now, known)
    }

    /// Applies a PATCH; whether anything changed.
    pub(super) fn patch(
        &mut self,
        slot: usize,
        body: &Value,
        now: Timestamp,
        known: &dyn Fn(&str) -> bool,
    ) -> Result<bool, Refusal> {
        let mut group = self
            .record(slot)
            .map(|r| r.said.map(true))
            .unwrap_or_default();
        patch::apply(&mut group, body, self.words)?;
        self.write(slot, Said::of(&group), now, known)
    }

    fn write(
        &mut self,
        slot: usize,
        said: Said,
        now: Timestamp,
        known: &dyn Fn(&str) -> bool,
    ) -> Result<bool, Refusal> {
        self.allowed(&said, Some(slot), known)?;
        let Some(record) = self.slots.get_mut(slot).and_then(Option::as_mut) else {
            return Err(Refusal::plain(
                StatusCode::NOT_FOUND,
                "There is no such group.",
            ));
        };
        if record.said == said {
            return Ok(false);
        }
        record.version += 1;
        record.modified = now.as_second();
        let members = said.members.clone();
        let old = std::mem::replace(&mut record.said, said);
        self.unindex(&old.members, slot);
        self.index(&members, slot);
        Ok(true)
    }

    pub(super) fn delete(&mut self, slot: usize) -> bool {
        let Some(record) = self.slots.get_mut(slot).and_then(Option::take) else {
            return false;
        };
        self.by_id.remove(&record.id);
        self.unindex(&record.said.members, slot);
        true
    }

    /// Takes a user, who was deleted, out of all groups.
    pub(super) fn forget(&mut self, user: &str, now: Timestamp) {
        for slot in self.of_user.remove(user).unwrap_or_default() {
            if let Some(record) = self.slots.get_mut(slot).and_then(Option::as_mut) {
                record.said.members.retain(|id| id.as_ref() != user);
                record.version += 1;
                record.modified = now.as_second();
            }
        }
    }

    fn index(&mut self, members: &[Box<str>], slot: usize) {
        for id in members {
            self.of_user.entry(id.clone()).or_default().insert(slot);
        }
    }

    fn unindex(&mut self, members: &[Box<str>], slot: usize) {
        for id in members {
            if let Some(slots) = self.of_user.get_mut(id) {
                slots.remove(&slot);
                if slots.is_empty() {
                    self.of_user.remove(id);
                }
            }
        }
    }

    fn allowed(
        &self,
        said: &Said,
        except: Option<usize>,
        known: &dyn Fn(&str) -> bool,
    ) -> Result<(), Refusal> {
        if let Some(stranger) = said.members.iter().find(|id| !known(id)) {
            let detail = format!("members: {stranger} is not the id of a user.");
            return Err(Refusal::bad("invalidValue", detail));
        }
        let name = said.name.to_lowercase();
        let others = self.slots.iter().enumerate();
        let others = others.filter(|(slot, _)| Some(*slot) != except);
        for record in others.filter_map(|(_, record)| record.as_ref()) {
            let id = &record.said.external_id;
            let what = if id.is_some() && *id == said.external_id {
                "externalId"
            } else if self.unique_names && record.said.name.to_lowercase() == name {
                "displayName"
            } else {
                continue;
            };
            return Err(Refusal {
                status: StatusCode::CONFLICT,
                kind: Some("uniqueness"),
                detail: format!("There is already a group with this {what}."),
            });
        }
        Ok(())
    }

    /// The groups that a user is in, as they stand on the user; nothing for none.
    pub(super) fn of(&self, user: &str) -> Vec<Value> {
        let slots = self.of_user.get(user).into_iter().flatten();
        let records = slots.filter_map(|&slot| self.record(slot));
        records
            .map(|record| {
                json!({
                    "value": record.id,
                    "$ref": self.location(&record.id),
                    "display": record.said.name,
                    "type": "direct",
                })
            })
            .collect()
    }

    pub(super) fn tag(&self, slot: usize) -> String {
        format!("W/\"{}\"", self.record(slot).map_or(0, |r| r.version))
    }

    pub(super) fn location(&self, id: &str) -> String {
        format!("{}/Groups/{id}", self.base)
    }

    /// Writes the group as SCIM shows it.
    pub(super) fn render(&self, slot: usize, out: &mut Vec<u8>) {
        let Some(record) = self.record(slot) else {
            return;
        };
        let mut text = format!(
            "{{\"schemas\":[\"{GROUP}\"],\"id\":\"{}\",\"displayName\":{}",
            record.id,
            Value::from(record.said.name.as_str())
        );
        // Writing into a text cannot fail.
        if let Some(id) = &record.said.external_id {
            let _ = write!(text, ",\"externalId\":{}", Value::from(id.as_str()));
        }
        text.push_str(",\"members\":[");
        for (i, id) in record.said.members.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let _ = write!(
                text,
                "{comma}{{\"value\":\"{id}\",\"$ref\":\"{}/Users/{id}\",\"type\":\"User\"}}",
                self.base
            );
        }
        let _ = write!(
            text,
            "],\"meta\":{{\"resourceType\":\"Group\",\"created\":\"{}\",\"lastModified\":\"{}\",\
             \"location\":\"{}\"",
            moment(record.created),
            moment(record.modified),
            self.location(&record.id),
        );
        if self.tags {
            let _ = write!(text, ",\"version\":\"W/\\\"{}\\\"\"", record.version);
        }
        text.push_str("}}");
        out.extend_from_slice(text.as_bytes());
    }
}
