//! The two systems of an automation.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use matricula_core::AutomationId;
use matricula_core::connector::{Call, Connector};
use matricula_core::egress::Egress;
use matricula_core::store::Store;

/// One system: its connector, the way out to it, and what calls are told.
#[derive(Clone)]
pub struct Side {
    /// Speaks the system's API.
    pub connector: Arc<dyn Connector>,
    /// Bound to the automation's credential.
    pub egress: Arc<dyn Egress>,
    /// JSON object `{"credential": {…}, "settings": {…}}`.
    pub config: Arc<str>,
}

impl Side {
    /// The system's name as people know it, in English: failures are written in English and translated
    /// by their code.
    pub fn title(&self) -> &str {
        self.connector.manifest().title.get("en")
    }

    /// The system's name in a language, for what is told in several.
    pub(crate) fn title_in(&self, language: &str) -> &str {
        self.connector.manifest().title.get(language)
    }

    pub(crate) fn call(&self, now: Timestamp, key: String, deadline: Duration) -> Call {
        Call {
            config: Arc::clone(&self.config),
            now_ms: u64::try_from(now.as_millisecond()).unwrap_or(0),
            idempotency_key: key,
            egress: Arc::clone(&self.egress),
            deadline,
        }
    }
}

/// Where records are read and where they are written.
#[derive(Clone)]
pub struct Sides {
    /// Read.
    pub source: Side,
    /// Written.
    pub target: Side,
    /// For a flow of documents: who says whose account is whose, if anybody does.
    pub people: Option<People>,
}

/// The automation whose links say whose account is whose.
#[derive(Clone)]
pub struct People {
    /// Its id.
    pub automation: AutomationId,
    /// Where its links are kept: also where a preview keeps nothing of its own.
    pub store: Arc<dyn Store>,
}
