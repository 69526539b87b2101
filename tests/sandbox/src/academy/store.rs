//! The accounts, in a compact form with indexes.
//!
//! An account is kept as its finished JSON without id and `meta`: a read copies bytes, and only a write
//! takes it apart. Slots never move; a deleted account leaves a hole, so that positions in a list shift
//! for clients exactly as they would elsewhere.

use std::collections::HashMap;

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::check::{self, Refusal};
use super::filter::{Filter, Indexed};
use super::flavour::{Flavour, Tags};
use super::groups::Groups;
use super::patch;
use super::schema::{CORE, ENTERPRISE};
use super::vocabulary::Vocabulary;
use crate::rng::Rng;

pub(super) struct Store {
    rng: Rng,
    base: String,
    /// The attributes that are known.
    pub own: Vocabulary,
    groups: Groups,
    /// Whether versions are shown.
    tags: bool,
    slots: Vec<Option<Record>>,
    holes: usize,
    by_id: HashMap<Box<str>, usize>,
    by_user_name: HashMap<Box<str>, usize>,
    by_external_id: HashMap<Box<str>, usize>,
    by_email: HashMap<Box<str>, Vec<usize>>,
}

pub(super) struct Record {
    pub id: Box<str>,
    pub version: u64,
    pub created: i64,
    pub modified: i64,
    keys: Keys,
    /// The user as a JSON object.
    body: Box<[u8]>,
}

/// What an account is found by.
#[derive(Clone, Default)]
struct Keys {
    user_name: Box<str>,
    external_id: Option<Box<str>>,
    emails: Vec<Box<str>>,
    enterprise: bool,
    extension: bool,
    blocked: bool,
}

impl Keys {
    fn of(user: &Map<String, Value>, own: Vocabulary) -> Self {
        let text = |key: &str| user.get(key).and_then(Value::as_str);
        let emails = user
            .get("emails")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut emails: Vec<Box<str>> = emails
            .filter_map(|e| e.get("value")?.as_str())
            .map(|e| e.to_lowercase().into())
            .collect();
        emails.dedup();
        Self {
            user_name: text("userName").unwrap_or_default().to_lowercase().into(),
            external_id: text("externalId")
                .filter(|id| !id.is_empty())
                .map(Into::into),
            emails,
            enterprise: user.contains_key(ENTERPRISE),
            extension: own.extension.is_some_and(|own| user.contains_key(own.urn)),
            blocked: user.get("active") == Some(&Value::Bool(false)),
        }
    }
}

/// What a write did.
pub(super) enum Written {
    Created(usize),
    Updated(usize),
    Unchanged(usize),
}

impl Written {
    pub(super) fn slot(&self) -> usize {
        match self {
            Self::Created(slot) | Self::Updated(slot) | Self::Unchanged(slot) => *slot,
        }
    }
}

impl Store {
    pub(super) fn new(seed: u64, flavour: &Flavour, base: String) -> Self {
        let own = flavour.vocabulary();
        let tags = flavour.tags != Tags::No;
        let unique = flavour.unique_group_names;
        Self {
            groups: Groups::new(seed, own, base.clone(), unique, tags),
            tags,
            rng: Rng::new(seed ^ 0x5C13),
            base,
            own,
            slots: Vec::new(),
            holes: 0,
            by_id: HashMap::new(),
            by_user_name: HashMap::new(),
            by_external_id: HashMap::new(),
            by_email: HashMap::new(),
        }
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Changes groups; the second argument of the change knows whether an id is a user's.
    pub(super) fn change_groups<T>(
        &mut self,
        change: impl FnOnce(&mut Groups, &dyn Fn(&str) -> bool) -> T,
    ) -> T {
        let users = &self.by_id;
        change(&mut self.groups, &|id| users.contains_key(id))
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.holes
    }

    pub(super) fn blocked(&self) -> usize {
        self.slots
            .iter()
            .flatten()
            .filter(|r| r.keys.blocked)
            .count()
    }

    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(super) fn by_external_id(&self, id: &str) -> Option<usize> {
        self.by_external_id.get(id).copied()
    }

    pub(super) fn by_user_name(&self, name: &str) -> Option<usize> {
        self.by_user_name.get(name.to_lowercase().as_str()).copied()
    }

    pub(super) fn by_email(&self, email: &str) -> Option<usize> {
        self.by_email
            .get(email.to_lowercase().as_str())?
            .first()
            .copied()
    }

    pub(super) fn record(&self, slot: usize) -> Option<&Record> {
        self.slots.get(slot)?.as_ref()
    }

    /// The user as stored.
    pub(super) fn user(&self, slot: usize) -> Map<String, Value> {
        let record = self.record(slot);
        record
            .and_then(|r| serde_json::from_slice(&r.body).ok())
            .unwrap_or_default()
    }

    /// Slots in order of creation, `from` the n-th on.
    pub(super) fn list(&self, range: std::ops::Range<usize>) -> Vec<usize> {
        if self.holes == 0 {
            return (range.start.min(self.slots.len())..range.end.min(self.slots.len())).collect();
        }
        let filled = self
            .slots
            .iter()
            .enumerate()
            .filter(|(_, s)| s.is_some())
            .map(|(i, _)| i);
        filled.skip(range.start).take(range.len()).collect()
    }

    pub(super) fn search(&self, filter: &Filter) -> Vec<usize> {
        let candidates: Vec<usize> = match filter.indexed() {
            Some(Indexed::Id(id)) => self.find(id).into_iter().collect(),
            Some(Indexed::ExternalId(id)) => self.by_external_id(id).into_iter().collect(),
            Some(Indexed::UserName(name)) => self.by_user_name(name).into_iter().collect(),
            Some(Indexed::Email(email)) => self
                .by_email
                .get(email.to_lowercase().as_str())
                .cloned()
                .unwrap_or_default(),
            None => self.list(0..self.slots.len()),
        };
        candidates
            .into_iter()
            .filter(|&slot| self.satisfies(slot, filter))
            .collect()
    }

    fn satisfies(&self, slot: usize, filter: &Filter) -> bool {
        let mut user = self.user(slot);
        if let Some(record) = self.record(slot) {
            user.insert("id".into(), record.id.as_ref().into());
            if filter.mentions("groups") {
                user.insert("groups".into(), self.groups.of(&record.id).into());
            }
        }
        filter.holds(&user)
    }

    pub(super) fn create(&mut self, sent: &Value, now: Timestamp) -> Result<Written, Refusal> {
        let user = check::resource(sent, self.own)?;
        let keys = Keys::of(&user, self.own);
        self.unique(&keys, None)?;
        self.manager(&user)?;
        let id: Box<str> = self.new_id().into();
        let slot = self.slots.len();
        self.by_id.insert(id.clone(), slot);
        self.index(&keys, slot);
        let now = now.as_second();
        let body = serde_json::to_vec(&user).unwrap_or_default().into();
        self.slots.push(Some(Record {
            id,
            version: 1,
            created: now,
            modified: now,
            keys,
            body,
        }));
        Ok(Written::Created(slot))
    }

    /// Replaces the whole user (PUT).
    pub(super) fn replace(
        &mut self,
        slot: usize,
        sent: &Value,
        now: Timestamp,
    ) -> Result<Written, Refusal> {
        let user = check::resource(sent, self.own)?;
        self.write(slot, &user, now)
    }

    /// Applies a PATCH.
    pub(super) fn patch(
        &mut self,
        slot: usize,
        body: &Value,
        now: Timestamp,
    ) -> Result<Written, Refusal> {
        let mut user = self.user(slot);
        patch::apply(&mut user, body, self.own)?;
        self.write(slot, &user, now)
    }

    fn write(
        &mut self,
        slot: usize,
        user: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Written, Refusal> {
        let keys = Keys::of(user, self.own);
        self.unique(&keys, Some(slot))?;
        self.manager(user)?;
        let body: Box<[u8]> = serde_json::to_vec(user).unwrap_or_default().into();
        let Some(record) = self.slots.get_mut(slot).and_then(Option::as_mut) else {
            return Err(Refusal::plain(
                StatusCode::NOT_FOUND,
                "There is no such user.",
            ));
        };
        if record.body == body {
            return Ok(Written::Unchanged(slot));
        }
        record.body = body;
        record.version += 1;
        record.modified = now.as_second();
        let old = std::mem::replace(&mut record.keys, keys.clone());
        self.unindex(&old, slot);
        self.index(&keys, slot);
        Ok(Written::Updated(slot))
    }

    pub(super) fn delete(&mut self, slot: usize, now: Timestamp) -> bool {
        let Some(record) = self.slots.get_mut(slot).and_then(Option::take) else {
            return false;
        };
        self.holes += 1;
        self.by_id.remove(&record.id);
        self.unindex(&record.keys, slot);
        self.groups.forget(&record.id, now);
        true
    }

    fn index(&mut self, keys: &Keys, slot: usize) {
        self.by_user_name.insert(keys.user_name.clone(), slot);
        if let Some(id) = &keys.external_id {
            self.by_external_id.insert(id.clone(), slot);
        }
        for email in &keys.emails {
            self.by_email.entry(email.clone()).or_default().push(slot);
        }
    }

    fn unindex(&mut self, keys: &Keys, slot: usize) {
        self.by_user_name.remove(&keys.user_name);
        if let Some(id) = &keys.external_id {
            self.by_external_id.remove(id);
        }
        for email in &keys.emails {
            if let Some(slots) = self.by_email.get_mut(email) {
                slots.retain(|&s| s != slot);
                if slots.is_empty() {
                    self.by_email.remove(email);
                }
            }
        }
    }

    fn unique(&self, keys: &Keys, except: Option<usize>) -> Result<(), Refusal> {
        let taken = |found: Option<&usize>| found.is_some_and(|&slot| Some(slot) != except);
        let what = if taken(self.by_user_name.get(&keys.user_name)) {
            "userName"
        } else if keys
            .external_id
            .as_ref()
            .is_some_and(|id| taken(self.by_external_id.get(id)))
        {
            "externalId"
        } else {
            return Ok(());
        };
        Err(Refusal {
            status: StatusCode::CONFLICT,
            kind: Some("uniqueness"),
            detail: format!("There is already a user with this {what}."),
        })
    }

    /// A manager must be an account of this academy.
    fn manager(&self, user: &Map<String, Value>) -> Result<(), Refusal> {
        let manager = user
            .get(ENTERPRISE)
            .and_then(|e| e.get("manager")?.get("value")?.as_str());
        match manager {
            Some(id) if self.find(id).is_none() => Err(Refusal::bad(
                "invalidValue",
                format!("manager.value {id} is not the id of a user."),
            )),
            _ => Ok(()),
        }
    }

    fn new_id(&mut self) -> String {
        let (a, b) = (self.rng.next(), self.rng.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            a >> 16 & 0xFFFF,
            a & 0xFFF,
            b >> 48 & 0x3FFF | 0x8000,
            b & 0xFFFF_FFFF_FFFF
        )
    }

    /// The entity tag of an account.
    pub(super) fn tag(&self, slot: usize) -> String {
        format!("W/\"{}\"", self.record(slot).map_or(0, |r| r.version))
    }

    pub(super) fn location(&self, slot: usize) -> String {
        let id = self.record(slot).map_or("", |r| &r.id);
        format!("{}/Users/{id}", self.base)
    }

    /// Writes the account as SCIM shows it.
    pub(super) fn render(&self, slot: usize, out: &mut Vec<u8>) {
        let Some(record) = self.record(slot) else {
            return;
        };
        out.extend_from_slice(b"{\"schemas\":[\"");
        out.extend_from_slice(CORE.as_bytes());
        let own = self.own.extension.map_or("", |own| own.urn);
        for (present, urn) in [
            (record.keys.enterprise, ENTERPRISE),
            (record.keys.extension, own),
        ] {
            if present {
                out.extend_from_slice(b"\",\"");
                out.extend_from_slice(urn.as_bytes());
            }
        }
        out.extend_from_slice(b"\"],\"id\":\"");
        out.extend_from_slice(record.id.as_bytes());
        out.extend_from_slice(b"\",");
        // userName is always there, so the object is never empty.
        let inner = record
            .body
            .get(1..record.body.len().saturating_sub(1))
            .unwrap_or_default();
        out.extend_from_slice(inner);
        let groups = self.groups.of(&record.id);
        if !groups.is_empty() {
            let groups = format!(",\"groups\":{}", Value::from(groups));
            out.extend_from_slice(groups.as_bytes());
        }
        let version = if self.tags {
            format!(",\"version\":\"W/\\\"{}\\\"\"", record.version)
        } else {
            String::new()
        };
        let meta = format!(
            ",\"meta\":{{\"resourceType\":\"User\",\"created\":\"{}\",\"lastModified\":\"{}\",\
             \"location\":\"{}/Users/{}\"{version}}}}}",
            moment(record.created),
            moment(record.modified),
            self.base,
            record.id,
        );
        out.extend_from_slice(meta.as_bytes());
    }
}

/// A moment as both APIs of the academy write it.
pub(super) fn moment(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}
