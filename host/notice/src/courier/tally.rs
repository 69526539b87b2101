//! What a step has before it, and what came of it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use matricula_core::notice::Delivery;

use super::lock;

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Notices for which ways were chosen.
    pub addressed: usize,
    /// Deliveries that arrived.
    pub delivered: usize,
    /// Deliveries that are tried again.
    pub postponed: usize,
    /// Deliveries that never arrive.
    pub given_up: usize,
    /// Deliveries that were due and not tried, so that the next step comes at once.
    pub left: usize,
}

impl Pass {
    /// Whether there was nothing to do.
    pub fn is_idle(&self) -> bool {
        *self == Self::default()
    }
}

/// What became of a delivery, as the outbox is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Delivered(Timestamp),
    Postponed(Option<Timestamp>, String),
}

/// Deliveries by address or endpoint, each group and the groups themselves in the order in which they came.
#[derive(Default)]
pub(super) struct Groups {
    groups: Vec<Vec<Delivery>>,
    places: HashMap<String, usize>,
}

impl Groups {
    pub(super) fn add(&mut self, key: String, delivery: Delivery) {
        let next = self.groups.len();
        let index = *self.places.entry(key).or_insert(next);
        match self.groups.get_mut(index) {
            Some(group) => group.push(delivery),
            None => self.groups.push(vec![delivery]),
        }
    }

    pub(super) fn into_groups(self) -> Vec<Vec<Delivery>> {
        self.groups
    }
}

/// Counts what deliveries side by side come to.
#[derive(Default)]
pub(super) struct Tally(Mutex<Pass>);

impl Tally {
    pub(super) fn count(&self, verdict: &Verdict) {
        let mut pass = lock(&self.0);
        match verdict {
            Verdict::Delivered(_) => pass.delivered += 1,
            Verdict::Postponed(Some(_), _) => pass.postponed += 1,
            Verdict::Postponed(None, _) => pass.given_up += 1,
        }
    }

    pub(super) fn left(&self, count: usize) {
        lock(&self.0).left += count;
    }

    pub(super) fn into_pass(self) -> Pass {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
