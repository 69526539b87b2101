//! The words of the domain, and the ports through which the engine reaches the world.
//!
//! Nothing here does I/O and nothing knows about WebAssembly, HTTP clients or databases. The engine
//! works against the traits in [`connector`], [`egress`] and [`store`]; the crates that implement them
//! depend on this one only, so that a change to one of them rebuilds little.
#![forbid(unsafe_code)]

pub mod agenda;
pub mod automation;
pub mod board;
pub mod cadence;
pub mod clock;
pub mod connector;
pub mod credential;
pub mod document;
pub mod egress;
pub mod failure;
pub mod file;
pub mod group;
pub mod id;
pub mod journal;
pub mod link;
pub mod manifest;
pub mod notice;
pub mod person;
pub mod run;
pub mod standing;
pub mod store;
pub mod template;
pub mod text;

pub use cadence::Cadence;
pub use failure::{Effect, Failure, FailureKind};
pub use id::{AutomationId, CredentialId, RunId, SourceKey, TargetId, TenantId};
pub use person::Person;
pub use text::Text;
