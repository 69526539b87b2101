//! The way out to the network.
//!
//! A component asks for a request; whether it is sent, where to, with what authentication and how fast is
//! decided here, where the component cannot reach. A [`Gateway`] holds the operator's [`Policy`] and makes
//! a [`Session`] for each credential. A request passes, in this order:
//!
//! 1. its origin, compared as a whole with the manifest's and the credential's, then with the policy;
//! 2. the remote's documented rate limits, and its wish for patience;
//! 3. the resolver, which refuses a name if any of its addresses may not be reached, and hands the
//!    transport the very addresses it has checked;
//! 4. TLS to the name, and the authentication that belongs to that origin and to no other.
//!
//! What comes back is bounded and cleaned of whatever was injected. A file does not come back: it lies in
//! the gateway's hold until it is sent on, and the component knows its name and size. Nothing here knows about WebAssembly,
//! and nothing here reads the environment: no proxies, no certificate stores, no process-wide provider of
//! cryptography.
#![forbid(unsafe_code)]

mod address;
mod authentication;
mod budget;
mod composed;
mod disposition;
mod exchange;
mod gate;
mod gateway;
mod headers;
mod hold;
mod intake;
mod limits;
mod multipart;
mod origin;
mod patience;
mod policy;
mod resolver;
mod scrub;
mod session;
mod template;
mod token;
mod transport;
mod watch;
mod wire;

pub use gateway::{Gateway, GatewayError, SessionError};
pub use policy::{Policy, PolicyError};
pub use resolver::{Lookup, SystemLookup};
pub use session::Session;
pub use watch::Watch;
