//! Identifiers are types of their own: a source key passed where a target id is meant does not compile.

use serde::{Deserialize, Serialize};

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps an identifier.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }
    };
}

string_id! {
    /// One customer of the embedding vendor.
    TenantId
}
impl TenantId {
    /// The vendor whose customer it is: what stands before the slash. None for a tenant of this machine alone.
    pub fn vendor(&self) -> Option<&str> {
        let (vendor, _) = self.0.split_once('/')?;
        Some(vendor)
    }

    /// The customer as its vendor calls it; the whole where there is no vendor.
    pub fn customer(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, own)| own)
    }
}

string_id! {
    /// A flow that a tenant has started.
    AutomationId
}
string_id! {
    /// One tenant's access to one remote system.
    CredentialId
}
string_id! {
    /// The identity of a person in the source system, stable over renames.
    SourceKey
}
string_id! {
    /// The identity of an account in the target system.
    TargetId
}

/// The record of one cycle; counts up within a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
