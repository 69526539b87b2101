//! The groups of a SCIM service, as a test sees and changes them.

use serde_json::{Value, json};

use super::account::Accounts;
use super::check::Refusal;
use super::schema::GROUP;
use super::store::Store;

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The id that the service gave it.
    pub id: String,
    /// The client's id, if there is one.
    pub external_id: Option<String>,
    /// What it is called.
    pub name: String,
    /// The ids of its members' accounts, sorted.
    pub members: Vec<String>,
    /// Grows by one with every change; 1 at first.
    pub version: u64,
    /// The group as SCIM shows it.
    pub resource: Value,
}

/// The groups of a SCIM service; clones show the same ones.
#[derive(Clone)]
pub struct Groups {
    accounts: Accounts,
}

impl Groups {
    pub(crate) fn new(accounts: Accounts) -> Self {
        Self { accounts }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.accounts.with(|s| s.groups().len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All groups in order of creation.
    pub fn list(&self) -> Vec<Group> {
        self.accounts.with(|s| {
            let slots = s.groups().list(0..usize::MAX);
            slots
                .into_iter()
                .filter_map(|slot| group(s, slot))
                .collect()
        })
    }

    /// The group with this id.
    pub fn get(&self, id: &str) -> Option<Group> {
        self.accounts
            .with(|s| s.groups().find(id).and_then(|slot| group(s, slot)))
    }

    /// The group with this external id.
    pub fn by_external_id(&self, external_id: &str) -> Option<Group> {
        let mut all = self.list().into_iter();
        all.find(|group| group.external_id.as_deref() == Some(external_id))
    }

    /// The groups with exactly this name, in order of creation.
    pub fn by_name(&self, name: &str) -> Vec<Group> {
        let mut all = self.list();
        all.retain(|group| group.name == name);
        all
    }

    /// The names of the groups that an account is in, sorted.
    pub fn names_of(&self, account: &str) -> Vec<String> {
        let groups = self.accounts.with(|s| s.groups().of(account));
        let names = groups.iter().filter_map(|group| group["display"].as_str());
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Makes a group as if by hand at the service: a SCIM group, whose `schemas` may be missing.
    ///
    /// # Errors
    /// The service would refuse it; the text says why.
    pub fn insert(&self, mut sent: Value) -> Result<Group, String> {
        if let Some(object) = sent.as_object_mut() {
            object.entry("schemas").or_insert_with(|| json!([GROUP]));
        }
        let now = self.accounts.now();
        self.accounts.with(|s| {
            let slot = s.change_groups(|groups, known| groups.create(&sent, now, known));
            let slot = slot.map_err(|refusal| refusal.detail)?;
            group(s, slot).ok_or_else(|| "the group is not there".to_owned())
        })
    }

    /// Changes a group as if by hand: the operations of a SCIM PATCH.
    ///
    /// # Errors
    /// There is no such group, or the service would refuse it; the text says why.
    pub fn patch(&self, id: &str, operations: Value) -> Result<Group, String> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        let now = self.accounts.now();
        self.accounts.with(|s| {
            let slot = s.groups().find(id);
            let slot = slot.ok_or_else(|| format!("there is no group {id}"))?;
            let changed: Result<bool, Refusal> =
                s.change_groups(|groups, known| groups.patch(slot, &body, now, known));
            changed.map_err(|refusal| refusal.detail)?;
            group(s, slot).ok_or_else(|| "the group is not there".to_owned())
        })
    }

    /// Puts an account into a group as if by hand.
    ///
    /// # Errors
    /// There is no such group or account.
    pub fn add_member(&self, id: &str, account: &str) -> Result<Group, String> {
        let members = json!([{"value": account}]);
        self.patch(
            id,
            json!([{"op": "add", "path": "members", "value": members}]),
        )
    }

    /// Deletes a group as if by hand; false if there was none.
    pub fn remove(&self, id: &str) -> bool {
        self.accounts.with(|s| {
            let slot = s.groups().find(id);
            slot.is_some_and(|slot| s.change_groups(|groups, _| groups.delete(slot)))
        })
    }
}

fn group(store: &Store, slot: usize) -> Option<Group> {
    let record = store.groups().record(slot)?;
    let mut out = Vec::new();
    store.groups().render(slot, &mut out);
    let mut members: Vec<String> = record
        .said
        .members
        .iter()
        .map(|id| id.to_string())
        .collect();
    members.sort();
    Some(Group {
        id: record.id.to_string(),
        external_id: record.said.external_id.clone(),
        name: record.said.name.clone(),
        members,
        version: record.version,
        resource: serde_json::from_slice(&out).unwrap_or_default(),
    })
}
