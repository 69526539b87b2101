//! One request, through everything that stands between a credential and the network.
//!
//! The order is the point of it: gate, rate limits, patience, a place among those that are sent at a
//! time, and only then the transport. Resource requests, their repetitions, followed redirects and token
//! requests all come through here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use matricula_core::clock::Clock;
use matricula_core::egress::SendError;
use reqwest::Method;
use reqwest::header::HeaderMap;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use url::Url;

use crate::budget::Budget;
use crate::composed::Segment;
use crate::gate::Gate;
use crate::intake::Intake;
use crate::limits::Limiter;
use crate::multipart::Piece;
use crate::patience::Patience;
use crate::scrub::Scrubber;
use crate::transport::{Answer, Lost, Transport};
use crate::watch::Watch;

/// The most requests of one credential that are under way at a time. It bounds sockets and memory (each
/// may hold a body of 16 MiB); remotes allow far less.
pub(crate) const AT_A_TIME: usize = 64;

/// The longest that one request may take, whatever the component wishes.
const LONGEST: Duration = Duration::from_secs(60);

/// The longest that one request with a file may take, either way: 30 MB over a line of half a megabit.
const LONGEST_WITH_A_FILE: Duration = Duration::from_secs(600);

/// What one credential's requests share.
pub(crate) struct Wire {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) gate: Gate,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) patience: Arc<Patience>,
    pub(crate) scrubber: Scrubber,
    pub(crate) transport: Transport,
    pub(crate) at_a_time: Semaphore,
    pub(crate) watch: Arc<dyn Watch>,
}

/// A request, complete.
pub(crate) struct Outgoing<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Payload,
    pub(crate) timeout: Option<Duration>,
    /// Where the body of a 2xx answer goes, if it is a file.
    pub(crate) intake: Option<&'a Intake>,
}

/// A request's body, which can be sent again.
#[derive(Clone)]
pub(crate) enum Payload {
    /// None.
    Nothing,
    /// These bytes.
    Bytes(Bytes),
    /// `multipart/form-data`.
    Form(Arc<[Piece]>),
    /// Bytes with files inside them.
    Composed(Arc<[Segment]>),
}

impl Outgoing<'_> {
    fn longest(&self) -> Duration {
        if self.intake.is_some() || matches!(self.body, Payload::Form(_) | Payload::Composed(_)) {
            LONGEST_WITH_A_FILE
        } else {
            LONGEST
        }
    }
}

impl Wire {
    /// Sends one request. `sent` counts it once it goes to the network.
    pub(crate) async fn send(
        &self,
        request: Outgoing<'_>,
        budget: &Budget,
        sent: &AtomicU64,
    ) -> Result<Answer, SendError> {
        let (origin, route) = self.gate.check(request.url)?;
        let asked = Instant::now();
        let mut places = self
            .limiter
            .enter(request.method.as_str(), request.url.path(), budget)
            .await?;
        let busy = || SendError::Connect(format!("{origin}: too many requests are under way"));
        let _slot = loop {
            self.patience.wait(&origin, budget).await?;
            let slot = timeout(budget.left(), self.at_a_time.acquire())
                .await
                .map_err(|_| busy())?
                .map_err(|_| busy())?;
            // The remote may have asked for patience meanwhile; others need not wait behind that.
            if self.patience.is_over(&origin) {
                break slot;
            }
        };

        let limit = request
            .timeout
            .unwrap_or(Duration::MAX)
            .min(request.longest())
            .min(budget.left());
        if limit.is_zero() {
            return Err(SendError::Connect(format!(
                "{origin}: no time was left to send"
            )));
        }
        places.sent();
        sent.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let system = self.gate.system();
        self.watch.waited(system, started.duration_since(asked));
        let method = request.method;
        let exchange = self.transport.send(&origin, route, request);
        let result = match timeout(limit, exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Lost::Blocked)) => Err(self.gate.blocked(&origin, route)),
            Ok(Err(Lost::Error(error))) => Err(error),
            Err(_) => Err(SendError::Timeout),
        };
        drop(places);
        let status = result.as_ref().ok().map(|answer| answer.status);
        self.watch.answered(system, status, started.elapsed());
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &result {
            Ok(answer) => {
                self.patience.note(&origin, answer.status, &answer.headers);
                tracing::debug!(
                    method = %method,
                    host = %origin.host(),
                    status = answer.status,
                    duration_ms,
                    "request"
                );
            }
            Err(error) => tracing::debug!(
                method = %method,
                host = %origin.host(),
                error = self.scrubber.text(&error.to_string()),
                duration_ms,
                "request without an answer"
            ),
        }
        result
    }
}
