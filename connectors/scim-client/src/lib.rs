//! A SCIM 2.0 client for connectors (RFC 7643, RFC 7644).
//!
//! Every provisioning target that speaks SCIM speaks it a little differently, so what services do is
//! dealt with once, here. A connector is a manifest, a [`Profile`] (its attributes and where they go by the
//! standard), and one line:
//!
//! ```ignore
//! matricula_scim::connector!(Example, PROFILE, manifest = "../manifest.json");
//! ```
//!
//! Its manifest has the operation [`USERS`], [`GROUPS`] where groups are kept, the stream [`ACCOUNTS`], and
//! a field [`ADDRESS`] of the credential. A connector that has more than SCIM implements the trait
//! itself and hands what is SCIM's to a [`Service`].
//!
//! Nothing is kept between calls: what was learned travels in the `prepared` token and in positions.

#![forbid(unsafe_code)]

mod block;
mod bulk;
mod canonical;
mod client;
mod failure;
mod find;
mod groups;
mod learned;
mod list;
mod members;
mod path;
mod profile;
mod schemas;
mod service;
mod write;

pub use client::Client;
pub use groups::Groups;
#[doc(hidden)]
pub use matricula_sdk as sdk;
pub use profile::{Attribute, CORE, ENTERPRISE, GROUP, Home, Kind, OWN, Profile};
pub use service::{ACCOUNTS, ADDRESS, GROUPS, Service, USERS};

/// The attribute by which accounts are found by their identity; every target has it.
pub const REMOTE_ID: &str = "remote-id";
