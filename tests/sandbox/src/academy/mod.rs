//! A reteach academy: accounts, written through SCIM 2.0 and read through SCIM or REST, and the
//! certificates issued to them; and other SCIM services, which differ from it by a [`Flavour`].
//!
//! A SCIM service follows RFC 7643 and 7644 where they decide, and is strict where they leave room:
//! unknown attributes are refused, `replace` on an element that is not there is `noTarget`, and a
//! manager must be an existing account. Sorting is not offered and said not to be.

mod account;
mod bulk;
mod certificates;
mod check;
mod discovery;
mod filter;
mod flavour;
mod group;
mod groups;
mod participation;
mod patch;
mod path;
mod pdf;
mod projection;
mod rest;
mod schema;
mod scim;
mod service;
mod shelf;
mod store;
mod trouble;
mod vocabulary;

pub use account::{Account, Accounts};
pub(crate) use certificates::Filling;
pub use certificates::{Certificate, Certificates, Holder, Issue};
pub use flavour::{Bulk, Flavour, MemberRemoval, Tags};
pub use group::{Group, Groups};
pub(crate) use pdf::{FileBody, hex};
pub(crate) use rest::{RestTokens, handle_rest};
pub use schema::{Extension, Spec as Attribute};
pub(crate) use scim::handle_scim;
pub(crate) use service::{Service, Services};
pub use trouble::Trouble;
