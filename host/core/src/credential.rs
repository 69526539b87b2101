//! A tenant's access to one remote system.
//!
//! The public part is shown and handed to components; the secret part only ever goes from the vault to
//! the egress.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::id::{CredentialId, TenantId};

/// What may be shown of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Its identity.
    pub id: CredentialId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The connector that it is for.
    pub connector: String,
    /// The authentication method of the connector's manifest.
    pub method: String,
    /// What the owner calls it; unique within a tenant.
    pub name: String,
    /// The fields that are no secrets.
    pub public: BTreeMap<String, String>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// What vendors give to the credentials of their tenants, such as the key of an account that they hold for all of
/// them. It is of the operator's configuration and is never kept with a credential, so that a key that is
/// replaced there counts at once, and is never answered to anybody.
#[derive(Debug, Clone, Default)]
pub struct Given(BTreeMap<String, BTreeMap<String, Gifts>>);

/// What one vendor gives for one connector.
#[derive(Debug, Clone, Default)]
pub struct Gifts {
    /// Values that were written openly; no secret may be.
    pub open: BTreeMap<String, String>,
    /// Values that came from a file or a variable.
    pub hidden: Secrets,
}

impl Gifts {
    /// The value of a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        let open = self.open.get(field).map(String::as_str);
        open.or_else(|| self.hidden.get(field))
    }

    /// The fields that there is a value for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let hidden = self.hidden.iter().map(|(name, _)| name);
        self.open.keys().map(String::as_str).chain(hidden)
    }
}

impl Given {
    /// Sets what a vendor gives for a connector.
    pub fn insert(&mut self, vendor: &str, connector: &str, gifts: Gifts) {
        let of = self.0.entry(vendor.to_owned()).or_default();
        of.insert(connector.to_owned(), gifts);
    }

    /// What a tenant's vendor gives for a connector.
    pub fn of(&self, tenant: &TenantId, connector: &str) -> Option<&Gifts> {
        self.from(tenant.vendor()?, connector)
    }

    /// What a vendor gives for a connector.
    pub fn from(&self, vendor: &str, connector: &str) -> Option<&Gifts> {
        self.0.get(vendor)?.get(connector)
    }

    /// Vendor, connector and what is given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &Gifts)> {
        self.0.iter().flat_map(|(vendor, of)| {
            let one = |(connector, gifts)| (vendor.as_str(), String::as_str(connector), gifts);
            of.iter().map(one)
        })
    }
}

/// The secret fields of a credential. Wiped when dropped, and never printed.
#[derive(Clone, Default, Zeroize, ZeroizeOnDrop)]
pub struct Secrets(Vec<(String, String)>);

impl Secrets {
    /// Collects secret fields.
    pub fn new(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(fields.into_iter().collect())
    }

    /// One secret field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({} fields)", self.0.len())
    }
}
