//! Groups of accounts that an automation keeps at the target, and who belongs to them.
//!
//! A membership is a row with what the record says and with the account that was put into the group; what has
//! to be done follows from the two and from whether the account may be used. So it is never lost: whatever
//! happens to a process, the row says the same to the next one. Names are kept as seeded hashes only.

use jiff::Timestamp;

use crate::id::{SourceKey, TargetId};
use crate::link::Link;

/// A group that an automation keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its kind and its key in the source, `department:17`.
    pub key: SourceKey,
    /// The group in the target, once there is one.
    pub target: Option<TargetId>,
    /// Hash of the name that was last written, seeded by the automation's salt.
    pub name: Option<u64>,
}

impl Group {
    /// A group that is not there yet.
    pub fn new(key: SourceKey) -> Self {
        Self {
            key,
            target: None,
            name: None,
        }
    }
}

/// The kind of a group with this key: what stands before its first colon.
pub fn kind(key: &SourceKey) -> &str {
    let key = key.as_str();
    key.split_once(':').map_or(key, |(kind, _)| kind)
}

/// What a record says of the groups of one person. Groups of other kinds that the person was in are left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belongs {
    /// The person in the source.
    pub key: SourceKey,
    /// The person's groups, each of them known to the store.
    pub groups: Vec<SourceKey>,
    /// Kinds of which the record could say nothing: what is known of them stays.
    pub untold: Vec<String>,
}

/// A membership as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: SourceKey,
    /// Whether the person is meant to be in it.
    pub wanted: bool,
    /// The account that was put into it.
    pub member: Option<TargetId>,
}

/// A membership for which something is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMembership {
    /// The person.
    pub link: Link,
    /// The group.
    pub group: SourceKey,
    /// The group in the target.
    pub target: TargetId,
    /// The account that was put into it.
    pub member: Option<TargetId>,
    /// The account that is to be put into it.
    pub add: Option<TargetId>,
    /// The account that is to be taken out of it. None as well where the one that was put in is there no more,
    /// or belongs to another person by now who is meant to be in the group.
    pub remove: Option<TargetId>,
    /// Whether the target has confirmed what is known of it.
    pub sure: bool,
    /// How often it was tried in vain.
    pub attempts: u32,
}

/// What became of a membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipWrite {
    /// The person in the source.
    pub key: SourceKey,
    /// The group.
    pub group: SourceKey,
    /// The account that is in it now, or that is about to be put into it.
    pub member: Option<TargetId>,
    /// Whether the target has confirmed that. What is about to be written is noted before, so that a request
    /// whose answer nobody has seen is repeated or taken back.
    pub sure: bool,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Not tried again before.
    pub not_before: Option<Timestamp>,
}

/// What a commit changes of groups, in the order in which it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupChanges {
    /// Groups that were made, found, renamed or have vanished. With another account in the target, or none, a
    /// group has no members any more.
    pub groups: Vec<Group>,
    /// What records say.
    pub belongs: Vec<Belongs>,
    /// What became of memberships.
    pub memberships: Vec<MembershipWrite>,
    /// Groups whose people's records are to be dealt with again, in a full cycle, since only a record says
    /// what a group is called.
    pub reread: Vec<SourceKey>,
}

impl GroupChanges {
    /// Whether nothing is changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
