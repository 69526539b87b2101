//! Members as they are written, all in one request or one by one.
//!
//! By the standard a request is carried out as a whole or not at all. If one of those to be removed is no member,
//! nobody is removed; and a service that does not show the members of a group does not tell who it was. To take
//! what is not shown for an empty group would leave the others in it for ever.

use matricula_sdk::{Effect, Result};
use serde_json::{Value, json};

use crate::client::{Client, Of};
use crate::failure::{Doing, scim_type};
use crate::groups::{Wanted, is_of};
use crate::path::member;
use crate::profile::{DISPLAY_NAME, EXTERNAL_ID};
use crate::write::PATCH_OP;

/// How members are taken out by PATCH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// `members[value eq "…"]`.
    Each,
    /// The remaining members replace the list.
    Rest,
    /// As the operation's value.
    Named,
}

impl Client<'_> {
    /// Makes a group as wanted, each removal in a request of its own. False if it was so already.
    pub(crate) fn remove_singly(&self, path: &str, mut wanted: Wanted) -> Result<bool> {
        let removed = std::mem::take(&mut wanted.remove);
        let mut changed = false;
        if !wanted.is_nothing() {
            let content = patch(&wanted, Removal::Each, &[]);
            let response = self.send("PATCH", path, Some(&content), None)?;
            if !Self::is_done(&response) {
                return Err(self.refused_member(&response, Doing::Writing, !wanted.add.is_empty()));
            }
            changed = true;
        }
        for id in removed {
            let one = Wanted {
                remove: vec![id],
                ..Wanted::default()
            };
            let content = patch(&one, Removal::Each, &[]);
            let response = self.send("PATCH", path, Some(&content), None)?;
            if Self::is_done(&response) {
                changed = true;
            } else if scim_type(&response) != Some("noTarget") {
                let failure = self.refused(&response, Of::Groups, Doing::Writing);
                return Err(match changed && failure.effect == Effect::None {
                    true => failure.effect(Effect::Applied),
                    false => failure,
                });
            }
        }
        Ok(changed)
    }
}

pub(crate) fn entries(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({"value": id})).collect()
}

/// Everybody who is to be a member. What the service adds to an entry of its own is left out; whether it is
/// a person or a group is not.
pub(crate) fn remaining(members: &[Value], rest: &Wanted) -> Value {
    let stays = |entry: &&Value| !rest.remove.iter().any(|id| is_of(entry, id));
    let plain = |entry: &Value| {
        let mut plain = json!({"value": member(entry, "value").unwrap_or(entry)});
        if let Some(kind) = member(entry, "type") {
            plain["type"] = kind.clone();
        }
        plain
    };
    let added = rest.add.iter().map(|id| json!({"value": id}));
    members
        .iter()
        .filter(stays)
        .map(plain)
        .chain(added)
        .collect()
}

/// `shown` are the members that the group has, needed where the remaining ones replace them.
pub(crate) fn patch(wanted: &Wanted, removal: Removal, shown: &[Value]) -> Value {
    let mut operations = Vec::new();
    for (path, value) in [
        (DISPLAY_NAME, &wanted.name),
        (EXTERNAL_ID, &wanted.external_id),
    ] {
        if let Some(value) = value {
            operations.push(json!({"op": "replace", "path": path, "value": value}));
        }
    }
    let rest = removal == Removal::Rest && !wanted.remove.is_empty();
    if rest {
        let value = remaining(shown, wanted);
        operations.push(json!({"op": "replace", "path": "members", "value": value}));
    }
    if !rest && !wanted.add.is_empty() {
        let value = entries(&wanted.add);
        operations.push(json!({"op": "add", "path": "members", "value": value}));
    }
    match removal {
        Removal::Each => operations.extend(wanted.remove.iter().map(|id| {
            let id = Value::from(id.as_str());
            json!({"op": "remove", "path": format!("members[value eq {id}]")})
        })),
        Removal::Named if !wanted.remove.is_empty() => {
            let value = entries(&wanted.remove);
            operations.push(json!({"op": "remove", "path": "members", "value": value}));
        }
        Removal::Named | Removal::Rest => {}
    }
    json!({"schemas": [PATCH_OP], "Operations": operations})
}
