//! Somebody who is using the product, and what they may do.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use matricula_core::{Person, TenantId};
use serde::Serialize;

/// What somebody may do within their tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees and changes everything.
    Owner,
    /// Sees, and changes nothing.
    Viewer,
}

impl Role {
    /// `owner` or `viewer`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Viewer => "viewer",
        }
    }
}

/// The languages of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

impl Locale {
    /// The language of a tag such as `de-AT` or `de_CH`; English for all that is not German.
    pub fn of(tag: &str) -> Self {
        let language = tag.split(['-', '_']).next().unwrap_or(tag);
        if language.eq_ignore_ascii_case("de") {
            Self::De
        } else {
            Self::En
        }
    }

    /// `en` or `de`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }
}

/// Somebody who is using the product, as the vendor's signature or the local sign-in says who it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The vendor's id; `local` for the local sign-in.
    pub vendor: String,
    /// The tenant in the store: `<vendor>/<tenant>`, or `local`. A vendor's id has no slash, so tenants of two
    /// vendors are never the same.
    pub tenant: TenantId,
    /// Who it is within the tenant: the token's `sub`.
    pub person_id: String,
    /// What to show of them. The name is that of the token, else their address, else `person_id`.
    pub person: Person,
    /// What the tenant is called, where the token says it.
    pub organization: Option<String>,
    /// What they may do.
    pub role: Role,
    /// What language they read.
    pub locale: Locale,
    /// The flows that the tenant may start: what the token names, within what the vendor offers at all.
    /// `None`: all of them.
    pub flows: Option<BTreeSet<String>>,
    /// When the token ends. It is taken for 60 seconds longer, since clocks differ.
    pub expires_at: Timestamp,
    /// Signed in at this machine, without a vendor.
    pub local: bool,
}

impl Session {
    /// Whether they may change anything.
    pub fn may_change(&self) -> bool {
        self.role == Role::Owner
    }

    /// Whether their tenant has this flow, whoever asks.
    pub fn bought(&self, flow: &str) -> bool {
        self.flows.as_ref().is_none_or(|flows| flows.contains(flow))
    }

    /// Whether they may start this flow: an owner whose tenant has it.
    pub fn may_start(&self, flow: &str) -> bool {
        self.may_change() && self.bought(flow)
    }
}

/// Without the person: sessions end up in log lines.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("tenant", &self.tenant)
            .field("role", &self.role)
            .field("locale", &self.locale)
            .field("flows", &self.flows)
            .field("expires_at", &self.expires_at)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}
