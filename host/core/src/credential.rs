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
