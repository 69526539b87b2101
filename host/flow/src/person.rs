//! What a flow makes of one record.

use jiff::civil::Date;
use matricula_core::SourceKey;
use serde_json::Value;

#[cfg(doc)]
use crate::Flow;

/// The zone where a flow names none.
pub(crate) const DEFAULT_ZONE: &str = "Europe/Berlin";

/// What the flow makes of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Whether the flow's scope takes the person in. Of one who is out of scope nothing else is
    /// evaluated: fields, matches, access and groups are absent.
    pub in_scope: bool,
    /// One value for each of [`Flow::fields`], in order.
    pub fields: Vec<FieldValue>,
    /// One value for each of [`Flow::match_rules`], in order; none where the record has nothing to
    /// match by.
    pub matches: Vec<Option<String>>,
    /// When the person may come in.
    pub access: AccessValues,
    /// One value for each of [`Flow::groups`], in order: the group of that kind that the person belongs to;
    /// none where the record says that it is none. Absent where an attribute that says it may not be read:
    /// memberships of this kind stay as they are.
    pub groups: Vec<Reading<Option<GroupValue>>>,
}

/// A group that a person belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupValue {
    /// Which group it is, stable when it is renamed: its kind and its key in the source, `department:17`.
    /// At most 200 characters.
    pub key: SourceKey,
    /// What it is called at the target: on one line, not blank, at most 200 characters.
    pub name: String,
}

/// The value of one target attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Depends on an attribute that the record lacks, or is left out by the owner: the target's value is left
    /// alone.
    Absent,
    /// To be set; null clears.
    Value(Value),
    /// The account of this person; none clears.
    Reference(Option<SourceKey>),
}

/// When a person may come in, as far as the record tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessValues {
    /// Blocked before this day begins.
    pub from: Reading<Option<Date>>,
    /// Blocked once the earliest of these days is reached, or once it is over where `last_day_open`; one
    /// for each date that the flow names, in order.
    pub until: Vec<Reading<Option<Date>>>,
    /// Blocked whatever the dates say.
    pub barred: Reading<bool>,
    /// Whether the last day itself still belongs to the contract.
    pub last_day_open: bool,
    /// Time zone of the workplace, by its IANA name.
    pub zone: String,
}

impl AccessValues {
    /// The earliest day of [`Self::until`] that could be read; absent if there are days and none of them
    /// could.
    pub fn end(&self) -> Reading<Option<Date>> {
        let mut known = self.until.iter().filter_map(|reading| match reading {
            Reading::Absent => None,
            Reading::Known(day) => Some(*day),
        });
        match known.next() {
            None if self.until.is_empty() => Reading::Known(None),
            None => Reading::Absent,
            Some(first) => Reading::Known(known.chain([first]).flatten().min()),
        }
    }
}

/// What a record says, if it says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading<T> {
    /// The attribute may not be read: what is known already stays true.
    Absent,
    /// The record says so.
    Known(T),
}

/// Why one record cannot be dealt with. Never says a value of the record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RecordError {
    /// `missing-attribute`: something is needed that the record lacks. `invalid-value`: a value is not
    /// of the kind that its attribute has. `expression`: an expression cannot be computed for it.
    pub code: &'static str,
    /// The attribute it is about: of the source for `invalid-value` read, else of the target.
    pub attribute: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Person {
    /// Somebody of whom nothing else is asked.
    pub(crate) fn out_of_scope(fields: usize, matches: usize, groups: usize) -> Self {
        Self {
            in_scope: false,
            fields: vec![FieldValue::Absent; fields],
            matches: vec![None; matches],
            access: AccessValues {
                from: Reading::Absent,
                until: Vec::new(),
                barred: Reading::Absent,
                last_day_open: false,
                zone: DEFAULT_ZONE.to_owned(),
            },
            groups: vec![Reading::Absent; groups],
        }
    }
}
