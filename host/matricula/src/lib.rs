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

pub use matricula_api as api;
pub use matricula_component as component;
pub use matricula_core as core;
pub use matricula_core::TenantId;
pub use matricula_core::run::Trigger;
pub use matricula_egress as egress;
pub use matricula_engine as engine;
pub use matricula_engine::Silent;
pub use matricula_flow as flow;
pub use matricula_notice as notice;
pub use matricula_service::*;
pub use matricula_store as store;
