//! Who somebody is.
//!
//! The product has no accounts of its own. A **vendor** embeds it, and the vendor's backend says in a short
//! signed token who is using it, for which tenant, in which role, and what that tenant has bought.
//! [`Sessions::verify`] turns such a token into a [`Session`]; [`Vendors`] holds what the operator has said
//! about vendors and their keys. Where one person runs the product alone there is no vendor: [`Local`]
//! gives them a session for a code that only somebody at the machine's terminal has seen.
//!
//! What an attacker writes into a token decides nothing before its signature has been checked, except which of
//! the operator's keys checks it. The algorithm belongs to the key, not to the token. Addresses of keys in a
//! token (`jku`, `x5u`) and keys in it (`jwk`) are never looked at.
//!
//! Signatures are checked by `ring`, which is in the product for TLS already. A JWT library would bring a
//! second implementation of the same cryptography (for RSA one with an open advisory, RUSTSEC-2023-0071) or a
//! provider chosen once per process, which is not for a library to choose in somebody else's server. What
//! remains of a JWT without it is three parts and two pieces of JSON: `token.rs`.
//!
//! Nothing here knows HTTP's status codes, reads a file or an environment variable, or logs anything of a token.
#![forbid(unsafe_code)]

mod cache;
mod claims;
mod error;
mod fetch;
mod gifts;
mod jwks;
mod key;
mod local;
mod origin;
mod session;
mod sessions;
mod spki;
mod token;
mod vendors;

pub use error::{ConfigError, FetchError, LocalError, Reason, SessionError};
pub use fetch::{Fetch, HttpFetch};
pub use key::Algorithm;
pub use local::{Grant, Local};
pub use session::{Locale, Role, Session};
pub use sessions::{Sessions, bearer};
pub use token::sign_hs256;
pub use vendors::{Reference, Vendor, Vendors};
