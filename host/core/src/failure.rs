//! One failure type for everything that can go wrong between an owner and a remote system.
//!
//! Connectors return it, the component host and the egress raise it, the engine decides by its `kind`
//! and `effect` whether to try again, and the owner reads its `message`. A trap in a component is a
//! [`FailureKind::Fault`]: never mistaken for something that the remote system said.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Who or what has to act, and whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Credentials were rejected: stop and ask the owner.
    Auth,
    /// Credentials are fine, a scope or attribute right is missing.
    Permission,
    /// The automation's settings cannot work.
    Config,
    /// This record cannot be accepted.
    Input,
    /// What was addressed does not exist.
    NotFound,
    /// It collides with something that exists.
    Conflict,
    /// The remote asks for patience.
    RateLimited,
    /// Network, 5xx, timeouts.
    Unavailable,
    /// The remote answered something that cannot be read.
    Protocol,
    /// A connector reported a fault of its own.
    Internal,
    /// A component trapped, ran out of time or memory; raised by the host only.
    Fault,
}

impl FailureKind {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable)
    }

    /// Whether every further call with the same credential will fail the same way.
    pub fn stops_everything(self) -> bool {
        matches!(self, Self::Auth | Self::Permission | Self::Config)
    }
}

/// Whether a change may have reached the remote system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing was changed.
    None,
    /// Nobody can tell without asking the remote.
    Unknown,
    /// The change was made although the call failed.
    Applied,
}

/// What happened, to what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Decides what the engine does.
    pub kind: FailureKind,
    /// Stable short code: the host's own (`component.timed-out`) or the provider's (`invalid_grant`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// One sentence for the owner of the automation, without personal data and without secrets.
    pub message: String,
    /// How long the remote asked to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
    /// Whether anything was changed.
    pub effect: Effect,
}

impl Failure {
    /// A failure without effect.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            retry_after: None,
            effect: Effect::None,
        }
    }

    /// Sets the stable code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets whether the change may have been made.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Sets how long to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}
