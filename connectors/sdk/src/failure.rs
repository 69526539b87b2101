//! How a connector says that something went wrong.

use serde::Serialize;

/// A result with a [`Failure`].
pub type Result<T> = std::result::Result<T, Failure>;

/// What has to happen for it to work. The host decides on retries by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Credentials rejected: the owner is asked.
    Auth,
    /// Credentials fine, a scope or attribute right is missing.
    Permission,
    /// The automation's settings cannot work.
    Config,
    /// This record cannot be accepted by the remote.
    Input,
    /// What was addressed does not exist.
    NotFound,
    /// It collides with something that exists.
    Conflict,
    /// The remote asks for patience.
    RateLimited,
    /// Network, 5xx, timeouts.
    Unavailable,
    /// The remote answered something the connector cannot read.
    Protocol,
    /// The connector's own fault.
    Internal,
}

/// Whether a change may have reached the remote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// What has to happen for it to work.
    pub kind: FailureKind,
    /// Short provider code.
    pub code: Option<String>,
    /// One sentence for the owner, without personal data.
    pub message: String,
    /// How long the remote asked to wait.
    pub retry_after_ms: Option<u64>,
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
            retry_after_ms: None,
            effect: Effect::None,
        }
    }

    /// Sets the provider's code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets whether the change may have been made.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Sets how long to wait.
    #[must_use]
    pub fn retry_after_ms(mut self, wait: u64) -> Self {
        self.retry_after_ms = Some(wait);
        self
    }
}
