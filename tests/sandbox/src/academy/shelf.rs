//! Users or groups, seen alike: what the protocol does with a resource of either type.

use std::ops::Range;

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::Value;

use super::check::Refusal;
use super::filter::Filter;
use super::store::{Store, Written};
use super::vocabulary::{Kind, Vocabulary};
use crate::journal::Effect;

/// The resources of one type. A slot is a resource's place, which never changes.
pub(super) struct Shelf<'a> {
    pub store: &'a mut Store,
    pub kind: Kind,
}

impl Shelf<'_> {
    pub(super) fn words(&self) -> Vocabulary {
        match self.kind {
            Kind::User => self.store.own,
            Kind::Group => self.store.groups().words(),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self.kind {
            Kind::User => self.store.len(),
            Kind::Group => self.store.groups().len(),
        }
    }

    pub(super) fn list(&self, range: Range<usize>) -> Vec<usize> {
        match self.kind {
            Kind::User => self.store.list(range),
            Kind::Group => self.store.groups().list(range),
        }
    }

    pub(super) fn search(&self, filter: &Filter) -> Vec<usize> {
        match self.kind {
            Kind::User => self.store.search(filter),
            Kind::Group => self.store.groups().search(filter),
        }
    }

    pub(super) fn find(&self, id: &str) -> Result<usize, Refusal> {
        let (found, what) = match self.kind {
            Kind::User => (self.store.find(id), "user"),
            Kind::Group => (self.store.groups().find(id), "group"),
        };
        found.ok_or_else(|| {
            Refusal::plain(StatusCode::NOT_FOUND, format!("There is no {what} {id}."))
        })
    }

    pub(super) fn tag(&self, slot: usize) -> String {
        match self.kind {
            Kind::User => self.store.tag(slot),
            Kind::Group => self.store.groups().tag(slot),
        }
    }

    pub(super) fn location(&self, slot: usize) -> String {
        match self.kind {
            Kind::User => self.store.location(slot),
            Kind::Group => {
                let groups = self.store.groups();
                groups
                    .record(slot)
                    .map_or_else(String::new, |r| groups.location(&r.id))
            }
        }
    }

    pub(super) fn render(&self, slot: usize, out: &mut Vec<u8>) {
        match self.kind {
            Kind::User => self.store.render(slot, out),
            Kind::Group => self.store.groups().render(slot, out),
        }
    }

    /// Makes a resource; its slot and what was done.
    pub(super) fn create(
        &mut self,
        sent: &Value,
        now: Timestamp,
    ) -> Result<(usize, Effect), Refusal> {
        match self.kind {
            Kind::User => Ok((self.store.create(sent, now)?.slot(), Effect::Created)),
            Kind::Group => {
                let slot = self
                    .store
                    .change_groups(|groups, known| groups.create(sent, now, known))?;
                Ok((slot, Effect::Grouped))
            }
        }
    }

    pub(super) fn replace(
        &mut self,
        slot: usize,
        sent: &Value,
        now: Timestamp,
    ) -> Result<Effect, Refusal> {
        match self.kind {
            Kind::User => Ok(effect(&self.store.replace(slot, sent, now)?)),
            Kind::Group => {
                let changed = self
                    .store
                    .change_groups(|groups, known| groups.replace(slot, sent, now, known))?;
                Ok(group_effect(changed))
            }
        }
    }

    pub(super) fn patch(
        &mut self,
        slot: usize,
        sent: &Value,
        now: Timestamp,
    ) -> Result<Effect, Refusal> {
        match self.kind {
            Kind::User => Ok(effect(&self.store.patch(slot, sent, now)?)),
            Kind::Group => {
                let changed = self
                    .store
                    .change_groups(|groups, known| groups.patch(slot, sent, now, known))?;
                Ok(group_effect(changed))
            }
        }
    }

    pub(super) fn delete(&mut self, slot: usize, now: Timestamp) -> Effect {
        match self.kind {
            Kind::User => {
                self.store.delete(slot, now);
                Effect::Deleted
            }
            Kind::Group => {
                self.store.change_groups(|groups, _| groups.delete(slot));
                Effect::Grouped
            }
        }
    }
}

fn effect(written: &Written) -> Effect {
    match written {
        Written::Unchanged(_) => Effect::Unchanged,
        Written::Created(_) | Written::Updated(_) => Effect::Updated,
    }
}

fn group_effect(changed: bool) -> Effect {
    if changed {
        Effect::Grouped
    } else {
        Effect::Unchanged
    }
}
