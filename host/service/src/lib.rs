//! What can be done with the product, without saying how it is asked for: by a command, over HTTP or by a program
//! that embeds it.
//!
//! [`Matricula`] joins the parts: a store, a clock, the component host behind [`Connectors`], and the gateway
//! to the network. [`Flows`] is the folder of flow files. Nothing here reads the environment, the home folder or
//! the terminal: paths, keys and policy are handed in.
#![forbid(unsafe_code)]

mod automation;
mod catalogue;
mod clock;
mod connect;
mod connectors;
mod credentials;
mod cycles;
mod documents;
mod error;
mod flows;
mod lifecycle;
mod lookups;
mod needs;
mod notices;
mod plans;
mod serve;

pub use automation::{Opened, Selection, random_id};
pub use clock::SystemClock;
pub use connect::{Connected, ConnectionFate, Parting, Visitor, Window};
pub use connectors::Connectors;
pub use credentials::{Entered, NewCredential, WrongField};
pub use cycles::records;
pub use documents::Decided;
pub use error::Error;
pub use flows::{FlowPath, Flows, Tested};
pub use lifecycle::{Amendment, Examined, Requirement, SignedEvent, Terms};
pub use lookups::Sample;
pub use needs::needs;
pub use plans::{Plan, PlanError, PlanRequest, PlanStatus, Plans, Subject};
pub use serve::Service;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use matricula_core::agenda::Ledger;
use matricula_core::clock::Clock;
use matricula_core::credential::Given;
use matricula_core::store::Store;
use matricula_egress::Gateway;
use matricula_engine::schedule::Scheduler;
use matricula_engine::{Engine, Gone, Options};

use crate::catalogue::Catalogue;
use crate::cycles::Kept;

/// What a [`Matricula`] is made of.
pub struct Parts {
    /// Automations, credentials, links and runs; the schedule; what people are to be told.
    pub store: Arc<dyn Ledger>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The connectors that may be used.
    pub connectors: Connectors,
    /// The way out to the network.
    pub gateway: Gateway,
    /// The flow files that owners may choose from.
    pub flows: Option<Flows>,
    /// How patient cycles are.
    pub options: Options,
    /// The shortest interval that a schedule may have.
    pub shortest_interval: Duration,
    /// Names this process in the leases that it takes; no other process has the same name.
    pub owner: String,
    /// Whether the process of such a name is known to be no more.
    pub gone: Gone,
}

/// The product without its command line.
pub struct Matricula {
    store: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    connectors: Connectors,
    gateway: Gateway,
    flows: Option<Flows>,
    catalogue: Catalogue,
    kept: Kept,
    engine: Engine,
    options: Options,
    shortest_interval: Duration,
    owner: String,
    gone: Gone,
    /// What vendors give to their tenants' credentials.
    given: OnceLock<Given>,
    /// The schedule that this process keeps, if it keeps one.
    scheduler: OnceLock<Scheduler>,
}

impl Matricula {
    /// Joins the parts.
    pub fn new(parts: Parts) -> Self {
        let engine = Engine::new(
            Arc::clone(&parts.store) as Arc<dyn Store>,
            Arc::clone(&parts.clock),
            parts.options.clone(),
        );
        Self {
            store: parts.store,
            clock: parts.clock,
            connectors: parts.connectors,
            gateway: parts.gateway,
            flows: parts.flows,
            catalogue: Catalogue::default(),
            kept: Kept::default(),
            engine: engine.with_gone(Arc::clone(&parts.gone)),
            gone: parts.gone,
            options: parts.options,
            shortest_interval: parts.shortest_interval,
            owner: parts.owner,
            given: OnceLock::new(),
            scheduler: OnceLock::new(),
        }
    }

    /// The connectors that may be used.
    pub fn connectors(&self) -> &Connectors {
        &self.connectors
    }

    /// The store, for lists of runs and outcomes.
    pub fn store(&self) -> &dyn Ledger {
        self.store.as_ref()
    }
}
