//! The accounts of a SCIM service, as a test sees and changes them.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::flavour::Flavour;
use super::schema::{CORE, ENTERPRISE, EXTENSION};
use super::store::Store;
use crate::{Clock, lock};

/// One account.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// The id that the academy gave it.
    pub id: String,
    /// The client's id, if there is one.
    pub external_id: Option<String>,
    /// The name for signing in, as written.
    pub user_name: String,
    /// False for a blocked account. An account that never said is active.
    pub active: bool,
    /// Grows by one with every change; 1 at first.
    pub version: u64,
    /// The account as SCIM shows it.
    pub resource: Value,
}

impl Account {
    /// The text at a JSON pointer, such as `/name/givenName` or `/emails/0/value`; `None` if there is
    /// no text there.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.resource.pointer(pointer)?.as_str()
    }

    /// An attribute of the enterprise extension (`organization`, `department`).
    pub fn enterprise(&self, name: &str) -> Option<&str> {
        self.resource.get(ENTERPRISE)?.get(name)?.as_str()
    }

    /// An attribute of the academy's extension (`gender`, `location`, `contractEnd`, …).
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.resource.get(EXTENSION)?.get(name)?.as_str()
    }

    /// The id of the manager's account.
    pub fn manager(&self) -> Option<&str> {
        self.resource
            .get(ENTERPRISE)?
            .get("manager")?
            .get("value")?
            .as_str()
    }
}

/// The accounts of a SCIM service; clones show the same ones.
#[derive(Clone)]
pub struct Accounts {
    store: Arc<Mutex<Store>>,
    clock: Clock,
}

impl Accounts {
    pub(super) fn new(seed: u64, flavour: &Flavour, base: String, clock: Clock) -> Self {
        Self {
            store: Arc::new(Mutex::new(Store::new(seed, flavour, base))),
            clock,
        }
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Store) -> T) -> T {
        f(&mut lock(&self.store))
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.with(|s| s.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All accounts in order of creation.
    pub fn list(&self) -> Vec<Account> {
        self.with(|s| {
            s.list(0..usize::MAX)
                .into_iter()
                .map(|slot| account(s, slot))
                .collect()
        })
    }

    /// The account with this id.
    pub fn get(&self, id: &str) -> Option<Account> {
        self.with(|s| s.find(id).map(|slot| account(s, slot)))
    }

    /// The account with this external id.
    pub fn by_external_id(&self, external_id: &str) -> Option<Account> {
        self.with(|s| s.by_external_id(external_id).map(|slot| account(s, slot)))
    }

    /// The account with this user name, in whatever case.
    pub fn by_user_name(&self, user_name: &str) -> Option<Account> {
        self.with(|s| s.by_user_name(user_name).map(|slot| account(s, slot)))
    }

    /// How many accounts are blocked.
    pub fn blocked(&self) -> usize {
        self.with(|s| s.blocked())
    }

    /// Makes an account as if by hand in the academy: a SCIM user, whose `schemas` may be missing.
    ///
    /// # Errors
    /// The academy would refuse it; the text says why.
    pub fn insert(&self, user: Value) -> Result<Account, String> {
        let mut user = user;
        if let Some(object) = user.as_object_mut() {
            object.entry("schemas").or_insert_with(|| json!([CORE]));
        }
        let now = self.clock.now();
        self.with(|s| match s.create(&user, now) {
            Ok(written) => Ok(account(s, written.slot())),
            Err(refusal) => Err(refusal.detail),
        })
    }

    /// Changes an account as if by hand: the operations of a SCIM PATCH.
    ///
    /// # Errors
    /// There is no such account, or the academy would refuse it; the text says why.
    pub fn patch(&self, id: &str, operations: Value) -> Result<Account, String> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        let now = self.clock.now();
        self.with(|s| {
            let slot = s
                .find(id)
                .ok_or_else(|| format!("there is no account {id}"))?;
            s.patch(slot, &body, now)
                .map_err(|refusal| refusal.detail)?;
            Ok(account(s, slot))
        })
    }

    /// Deletes an account as if by hand; false if there was none.
    pub fn remove(&self, id: &str) -> bool {
        let now = self.clock.now();
        self.with(|s| s.find(id).is_some_and(|slot| s.delete(slot, now)))
    }
}

fn account(store: &Store, slot: usize) -> Account {
    let mut out = Vec::new();
    store.render(slot, &mut out);
    let resource: Value = serde_json::from_slice(&out).unwrap_or_default();
    let text = |key: &str| resource.get(key).and_then(Value::as_str).map(str::to_owned);
    Account {
        id: text("id").unwrap_or_default(),
        external_id: text("externalId"),
        user_name: text("userName").unwrap_or_default(),
        active: resource.get("active") != Some(&Value::Bool(false)),
        version: store.record(slot).map_or(0, |r| r.version),
        resource,
    }
}
