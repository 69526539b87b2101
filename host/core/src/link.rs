//! Links: what the automation knows of each person.
//!
//! A link is found by source key alone and is kept for ever; an e-mail address only makes the first
//! match. It holds hashes of what was last applied, not the values.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::id::{SourceKey, TargetId};

/// What is known of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The person in the source.
    pub key: SourceKey,
    /// The account in the target, once there is one.
    pub target: Option<TargetId>,
    /// Whether the account may be used, as last applied.
    pub active: bool,
    /// Hash of the record as it was last dealt with, together with flow and settings. The same hash
    /// again needs no evaluation. Zero: deal with it again.
    pub record: u128,
    /// Hashes of the applied values.
    pub applied: Applied,
    /// Access by dates, kept so that a date takes effect without the record being read again.
    pub access: Access,
    /// The next moment at which [`Self::access`] changes whether the person may come in.
    pub access_changes_at: Option<Timestamp>,
    /// Whether the flow's scope takes the person in.
    pub in_scope: bool,
    /// In how many successive complete full reads the person was missing.
    pub missed: u8,
    /// A deactivation that is not applied yet.
    pub leaving: Option<Leaving>,
    /// Why the person could not be dealt with.
    pub trouble: Option<Trouble>,
}

impl Link {
    /// A person never seen before.
    pub fn new(key: SourceKey) -> Self {
        Self {
            key,
            target: None,
            active: false,
            record: 0,
            applied: Applied::default(),
            access: Access::default(),
            access_changes_at: None,
            in_scope: true,
            missed: 0,
            leaving: None,
            trouble: None,
        }
    }
}

/// Hashes of the values that were last applied, by attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied(Vec<(u32, u64)>);

impl Applied {
    /// The hash that was applied for an attribute; attributes are named by a hash of their name.
    pub fn get(&self, attribute: u32) -> Option<u64> {
        let at = self
            .0
            .binary_search_by_key(&attribute, |(name, _)| *name)
            .ok()?;
        self.0.get(at).map(|(_, hash)| *hash)
    }

    /// Remembers a value.
    pub fn set(&mut self, attribute: u32, hash: u64) {
        match self.0.binary_search_by_key(&attribute, |(name, _)| *name) {
            Ok(at) => {
                if let Some(entry) = self.0.get_mut(at) {
                    entry.1 = hash;
                }
            }
            Err(at) => self.0.insert(at, (attribute, hash)),
        }
    }

    /// Forgets a value, so that it is applied again.
    pub fn forget(&mut self, attribute: u32) {
        self.0.retain(|(name, _)| *name != attribute);
    }

    /// For the store: twelve bytes an attribute.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 12);
        for (name, hash) in &self.0 {
            bytes.extend_from_slice(&name.to_le_bytes());
            bytes.extend_from_slice(&hash.to_le_bytes());
        }
        bytes
    }

    /// From the store. Bytes that are none of ours give fewer entries, which only costs a write more.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut applied = Self::default();
        for chunk in bytes.chunks_exact(12) {
            let (name, hash) = chunk.split_at(4);
            if let (Ok(name), Ok(hash)) = (name.try_into(), hash.try_into()) {
                applied.set(u32::from_le_bytes(name), u64::from_le_bytes(hash));
            }
        }
        applied
    }
}

/// When a person may come in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Blocked before this day begins.
    pub from: Option<Date>,
    /// The days that end it, one for each date that the flow names; the earliest counts. Kept apart, so
    /// that one which can no longer be read stays as it was while the others change.
    pub until: Vec<Option<Date>>,
    /// Whether the last day itself still belongs to the contract.
    #[serde(default)]
    pub last_day_open: bool,
    /// Time zone of the workplace, by its IANA name.
    pub zone: String,
    /// Blocked whatever the dates say.
    #[serde(default)]
    pub barred: bool,
}

impl Access {
    /// Blocked once this day is reached, or once it is over where `last_day_open`.
    pub fn end(&self) -> Option<Date> {
        self.until.iter().flatten().min().copied()
    }
}

/// A deactivation that is not applied yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    /// What is to be done.
    pub action: LeavingAction,
    /// Why, for the owner.
    pub reason: LeavingReason,
    /// What was decided about it.
    pub decision: Decision,
}

/// What leaving does to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeavingAction {
    /// The account is kept and cannot be used.
    Block,
    /// The account is removed.
    Delete,
}

/// Why somebody loses access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeavingReason {
    /// The contract has not begun.
    StartPending,
    /// The contract's end has been reached.
    EndReached,
    /// The record says so whatever the dates say.
    Barred,
    /// The scope no longer takes the person in.
    OutOfScope,
    /// Missing from two successive complete full reads.
    Gone,
}

/// What was decided about a deactivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Found in this cycle; the guard has not looked yet.
    Open,
    /// The guard held it back; an owner is asked.
    Staged,
    /// An owner said yes.
    Approved,
    /// An owner said no; asked again only when the reason changes.
    Discarded,
}

/// Why a person could not be dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Several accounts match: an owner decides.
    pub ambiguous: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// Not tried again before, unless the record changes; none: only when the record changes.
    pub not_before: Option<Timestamp>,
}

/// A reference whose other end has no account yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingReference {
    /// The attribute of the operation.
    pub attribute: String,
    /// The person it points to.
    pub wants: SourceKey,
}

/// A pending reference whose other end has an account now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvableReference {
    /// Who has the reference.
    pub link: Link,
    /// The attribute of the operation.
    pub attribute: String,
    /// The account it points to.
    pub target: TargetId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applied_survives_the_store() {
        let mut applied = Applied::default();
        applied.set(7, 1);
        applied.set(3, 2);
        applied.set(7, 9);
        assert_eq!(Applied::from_bytes(&applied.to_bytes()), applied);
        assert_eq!(
            (applied.get(7), applied.get(3), applied.get(1)),
            (Some(9), Some(2), None)
        );
        applied.forget(7);
        assert_eq!(applied.get(7), None);
        assert_eq!(Applied::from_bytes(&[1, 2, 3]), Applied::default());
    }
}
