//! How remote systems answer: latency and waits for their rate limits, by connector.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use matricula_egress::Watch;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::Metrics;

/// Seconds from a request to its answer.
const LATENCIES: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];

/// The connector's id, and for latencies how the request ended: there are few of both.
type Labels = Vec<(&'static str, String)>;

/// What is counted of requests.
#[derive(Debug)]
pub(crate) struct Remote {
    latency: Family<Labels, Histogram, fn() -> Histogram>,
    waits: Family<Labels, Counter<f64, AtomicU64>>,
}

impl Remote {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let latency =
            Family::new_with_constructor((|| Histogram::new(LATENCIES)) as fn() -> Histogram);
        let waits = Family::default();
        registry.register_with_unit(
            "remote_latency",
            "From a request to a remote system to its answer, by connector and class of the status",
            Unit::Seconds,
            latency.clone(),
        );
        registry.register_with_unit(
            "rate_limit_wait",
            "Time that requests waited for a rate limit before they were sent, by connector",
            Unit::Seconds,
            waits.clone(),
        );
        Self { latency, waits }
    }
}

impl Watch for Metrics {
    fn waited(&self, system: &str, how_long: Duration) {
        // Every request waits for some microseconds.
        if how_long >= Duration::from_millis(1) {
            let labels = vec![("connector", system.to_owned())];
            let waits = self.remote.waits.get_or_create_owned(&labels);
            waits.inc_by(how_long.as_secs_f64());
        }
    }

    fn answered(&self, system: &str, status: Option<u16>, took: Duration) {
        let class = match status {
            None => "none".to_owned(),
            Some(429) => "429".to_owned(),
            Some(status) => format!("{}xx", status / 100),
        };
        let labels = vec![("connector", system.to_owned()), ("status", class)];
        let latency = self.remote.latency.get_or_create_owned(&labels);
        latency.observe(took.as_secs_f64());
    }
}
