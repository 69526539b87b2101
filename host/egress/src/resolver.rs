//! Names become addresses once, and the addresses are checked before anything connects to them.
//!
//! The check sits inside the resolver that the transport connects by. There is no second resolution
//! between check and connection, so a name that changes its mind in between (DNS rebinding) gains
//! nothing. If one address of a name is out of reach the name is refused as a whole: a name that mixes
//! public and private addresses is an attack or a mistake.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::Reach;

/// How names become addresses.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The addresses of a host name, in the order to try them.
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0))
            .await?
            .map(|address| address.ip())
            .collect())
    }
}

/// A name leads to an address out of reach.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that may not be reached")]
pub(crate) struct Blocked;

/// A name could not be resolved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unresolved {
    #[error("the name cannot be resolved: {0}")]
    Failed(String),
    #[error("the name has no address")]
    Empty,
}

/// The resolver of one transport.
pub(crate) struct Checked {
    pub(crate) lookup: Arc<dyn Lookup>,
    pub(crate) reach: Reach,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (lookup, reach) = (Arc::clone(&self.lookup), self.reach);
        Box::pin(async move {
            let addresses = lookup
                .lookup(name.as_str())
                .await
                .map_err(|error| Unresolved::Failed(error.to_string()))?;
            if addresses.is_empty() {
                return Err(Unresolved::Empty.into());
            }
            if !addresses.iter().all(|ip| reach.covers(*ip)) {
                return Err(Blocked.into());
            }
            // Port 0 stands for the one of the request.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addresses)
        })
    }
}
