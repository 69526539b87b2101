//! A reteach academy: accounts, written through SCIM 2.0 and read through SCIM or REST.
//!
//! The SCIM service follows RFC 7643 and 7644 where they decide, and is strict where they leave room:
//! unknown attributes are refused, `replace` on an element that is not there is `noTarget`, and a
//! manager must be an existing account. Bulk and sorting are not offered and said not to be.

mod account;
mod check;
mod filter;
mod patch;
mod path;
mod rest;
mod schema;
mod scim;
mod store;

pub use account::{Account, Accounts};
pub(crate) use rest::{RestTokens, handle_rest};
pub(crate) use scim::handle_scim;
