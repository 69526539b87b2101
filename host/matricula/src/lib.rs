//! Matricula as a library: everything that the command line does, for a program that embeds it.
//!
//! [`Matricula`] joins the parts: a store, a clock, the component host behind [`Connectors`], and the
//! gateway to the network. [`Flows`] is the folder of flow files. Nothing here reads the environment, the
//! home folder or the terminal: paths, keys and policy are handed in by whoever embeds it.
//!
//! ```no_run
//! # async fn example(parts: matricula::Parts) -> Result<(), matricula::Error> {
//! use matricula::{Flows, Matricula, Selection, Silent, TenantId, Trigger};
//!
//! let matricula = Matricula::new(parts);
//! let tenant = TenantId::from("acme");
//! let flow = Flows::new("flows").load("sync-employees", matricula.connectors())?;
//! let opened = matricula.open(&tenant, &flow, &Selection::default()).await?;
//! let run = matricula.run(&opened, Trigger::Schedule, false, &Silent::observer()).await?;
//! println!("{:?}: {} written", run.status, run.counts.writes());
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod automation;
mod clock;
mod connectors;
mod credentials;
mod error;
mod flows;

pub use automation::{Opened, Selection};
pub use clock::SystemClock;
pub use connectors::Connectors;
pub use credentials::NewCredential;
pub use error::Error;
pub use flows::{FlowPath, Flows, Tested};

pub use matricula_component as component;
pub use matricula_core as core;
pub use matricula_core::TenantId;
pub use matricula_core::run::Trigger;
pub use matricula_egress as egress;
pub use matricula_engine as engine;
pub use matricula_engine::Silent;
pub use matricula_flow as flow;
pub use matricula_store as store;

use std::sync::Arc;

use matricula_core::clock::Clock;
use matricula_core::store::Store;
use matricula_egress::Gateway;
use matricula_engine::{Engine, Gone, Options};

/// What a [`Matricula`] is made of.
pub struct Parts {
    /// Automations, credentials, links and runs.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The connectors that may be used.
    pub connectors: Connectors,
    /// The way out to the network.
    pub gateway: Gateway,
    /// How patient cycles are.
    pub options: Options,
    /// Names this process in the leases that it takes; no other process has the same name.
    pub owner: String,
    /// Whether the process of such a name is known to be no more.
    pub gone: Gone,
}

/// The product without its command line.
pub struct Matricula {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    connectors: Connectors,
    gateway: Gateway,
    engine: Engine,
    options: Options,
    owner: String,
}

impl Matricula {
    /// Joins the parts.
    pub fn new(parts: Parts) -> Self {
        let engine = Engine::new(
            Arc::clone(&parts.store),
            Arc::clone(&parts.clock),
            parts.options.clone(),
        );
        Self {
            store: parts.store,
            clock: parts.clock,
            connectors: parts.connectors,
            gateway: parts.gateway,
            engine: engine.with_gone(parts.gone),
            options: parts.options,
            owner: parts.owner,
        }
    }

    /// The connectors that may be used.
    pub fn connectors(&self) -> &Connectors {
        &self.connectors
    }

    /// The store, for lists of runs and outcomes.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }
}
