//! A SCIM 2.0 client for connectors (RFC 7643, RFC 7644).
//!
//! Every provisioning target that speaks SCIM speaks it a little differently, so what services do is
//! dealt with once, here. A connector brings a [`Profile`] (its attributes and where they go by the
//! standard) and an address; [`Client`] has what the connector's trait asks for:
//!
//! ```ignore
//! let client = Client::new(cx, address, &PROFILE)?;
//! client.prepare(attributes)                // what this service offers, learned once per run
//! client.find(prepared, attribute, values)
//! client.write(prepared, changes)
//! client.accounts(read)                     // all accounts as a stream
//! ```
//!
//! Nothing is kept between calls: what was learned travels in the `prepared` token and in positions.

#![forbid(unsafe_code)]

mod canonical;
mod client;
mod failure;
mod find;
mod learned;
mod list;
mod path;
mod profile;
mod schemas;
mod write;

pub use client::Client;
pub use profile::{Attribute, CORE, ENTERPRISE, Home, Kind, Profile};

/// The attribute by which accounts are found by their identity; every target has it.
pub const REMOTE_ID: &str = "remote-id";
