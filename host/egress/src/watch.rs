//! What can be measured of requests, for an operator's metrics: nothing that names a customer or a person.

use std::time::Duration;

/// Watches requests. Called from within them: it must not block.
pub trait Watch: Send + Sync {
    /// A request to a system (the connector's id) waited so long for a rate limit before it was sent.
    fn waited(&self, system: &str, how_long: Duration);
    /// A request was answered with this status, or not at all.
    fn answered(&self, system: &str, status: Option<u16>, took: Duration);
}

/// Watches nothing.
pub(crate) struct Nobody;

impl Watch for Nobody {
    fn waited(&self, _: &str, _: Duration) {}
    fn answered(&self, _: &str, _: Option<u16>, _: Duration) {}
}
