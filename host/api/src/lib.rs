//! The HTTP side of a server: what an operator's tools ask it, and what remote systems tell it.
//!
//! | file | concept |
//! | --- | --- |
//! | `operations` | health, readiness, metrics |
//! | `hooks` | events of remote systems |
//! | `v1` | the REST API |
//! | `docs` | its reference, for people |
//! | `page` | the page and the script that embeds it |
//! | `problem` | what an error looks like |
//! | `guard` | what holds for every request |
//! | `gate` | how many may do something at a time |
//! | [`Metrics`] | what is counted; watches the scheduler |
//! | `overview` | what the store is asked for metrics, at most once a second |
//! | [`serve`](mod@serve), `patient` | connections, and clients that are slow on purpose |
//! | [`telemetry`] | traces to a collector, logs as JSON |
//!
//! Who may see `/metrics` is decided by who reaches the address: neither it nor any other answer here names a
//! tenant, an automation or a person. Addresses of webhooks carry their secret, so nothing in this crate logs
//! a request's path, and no span has it.
#![forbid(unsafe_code)]

mod docs;
mod gate;
mod guard;
mod hooks;
mod metrics;
mod operations;
mod overview;
mod page;
mod patient;
mod problem;
mod remote;
pub mod serve;
pub mod telemetry;
mod v1;

pub use metrics::Metrics;
pub use serve::{ServeOptions, serve, serve_with};
pub use v1::openapi;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::middleware;
use matricula_core::TenantId;
use matricula_core::clock::Clock;
use matricula_service::{Matricula, Plans};
use matricula_session::Sessions;
use tokio::sync::Semaphore;

use crate::gate::{Gate, Turns};
use crate::overview::Watched;

/// Whether the schedule is kept by this process: set by the server once it is, taken back when it ends.
/// Clones are the same flag; a new one says no.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says so.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// What was said last.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// How patient the API is.
#[derive(Clone)]
pub struct ApiOptions {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Whether the schedule is kept.
    pub readiness: Readiness,
    /// How long a question to the store may take. Personio, for one, wants its events acknowledged within three
    /// seconds.
    pub store_within: Duration,
    /// How long the body of an event may take to arrive.
    pub body_within: Duration,
    /// How long a whole request may take.
    pub request_within: Duration,
    /// The same of one that asks a remote system, such as the test of a credential.
    pub remote_within: Duration,
    /// Questions to the store at a time; others wait for as long as a question may take.
    pub at_a_time: usize,
}

impl ApiOptions {
    /// Two seconds for the store, five for a body, ten for a request, ninety for one that asks a remote system, 32
    /// questions at a time.
    pub fn new(clock: Arc<dyn Clock>, readiness: Readiness) -> Self {
        Self {
            clock,
            readiness,
            store_within: Duration::from_secs(2),
            body_within: Duration::from_secs(5),
            request_within: Duration::from_secs(10),
            remote_within: Duration::from_secs(90),
            at_a_time: 32,
        }
    }
}

/// What is answered over HTTP.
pub struct Api {
    shared: Arc<Shared>,
}

/// What the handlers share.
pub(crate) struct Shared {
    pub(crate) matricula: Arc<Matricula>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) options: ApiOptions,
    /// Questions to the store that may still be asked. A place is taken only once a request is here as a whole,
    /// so that a client that trickles takes none.
    pub(crate) places: Semaphore,
    pub(crate) watched: Watched,
    /// Requests that wait for remote systems.
    pub(crate) remotes: Gate<TenantId>,
    /// Streams of events, by tenant and person.
    pub(crate) streams: Gate<(TenantId, String)>,
    /// Changes of one resource come one after the other.
    pub(crate) turns: Turns,
    pub(crate) plans: Plans,
}

impl Api {
    /// The API over what the product can do.
    pub fn new(
        matricula: Arc<Matricula>,
        metrics: Arc<Metrics>,
        sessions: Arc<Sessions>,
        options: ApiOptions,
    ) -> Self {
        let plans = Plans::new(Arc::clone(&matricula));
        Self {
            shared: Arc::new(Shared {
                matricula,
                metrics,
                sessions,
                places: Semaphore::new(options.at_a_time.max(1)),
                options,
                watched: Watched::default(),
                remotes: Gate::new(8, 2),
                streams: Gate::new(128, 4),
                turns: Turns::default(),
                plans,
            }),
        }
    }

    /// Its routes:
    ///
    /// | request | answers |
    /// | --- | --- |
    /// | `GET /healthz` | 200 as long as the process answers |
    /// | `GET /readyz` | 200, or 503 with the reason |
    /// | `GET /metrics` | 200, `OpenMetrics` text |
    /// | `POST /hooks/{automation}/{secret}` | 202; 404 for anything wrong; 408, 413; 503 with `Retry-After` |
    /// | `POST /hooks/connector/{connector}` | the same of events that are signed; 401 for a wrong signature |
    /// | `GET /hooks/{automation}/{secret}` | 204, whatever the address |
    /// | `GET /app/`, `GET /embed.js` | the page, and the script that embeds it |
    /// | `/api/v1/…` | what the page is made of: [`openapi`] describes it |
    /// | `GET /api/docs` | that description, to read and to try |
    ///
    /// Every error is a problem document (RFC 9457) with a stable `code`.
    pub fn router(self) -> Router {
        let guard = middleware::from_fn_with_state(Arc::clone(&self.shared), guard::guard);
        Router::new()
            .merge(operations::routes())
            .merge(hooks::routes())
            .merge(v1::routes(&self.shared))
            .merge(docs::routes())
            .merge(page::routes())
            .fallback(guard::no_route)
            .method_not_allowed_fallback(guard::no_method)
            .layer(guard)
            .with_state(self.shared)
    }
}
