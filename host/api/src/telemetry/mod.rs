//! Where traces and logs go: spans to an OpenTelemetry collector, log lines as JSON.
//!
//! Only spans are exported, with the fields that this product's code gives them. Events are not: their text is for
//! the log of the operator's own machine and may name an automation, a connector's own words or an address. Spans of
//! other crates are not exported either, among them those of the HTTP client that does the exporting.
//!
//! The exporter is our own, of some lines: the one of the OpenTelemetry project takes headers and more from the
//! environment whatever it is told, so that it would send another program's token to our collector, and a library
//! must not look there. The encoding and the batches are theirs; everything that those read from the
//! environment is set here and so has no effect.

mod exporter;

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, RandomIdGenerator, Sampler, SdkTracerProvider,
    SpanLimits,
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use self::exporter::Exporter;

/// What the crates of this product have their names begin with; their spans are exported.
const OURS: &str = "matricula";
/// Spans that wait; more are dropped, so that a collector that is down costs a few MiB and nothing else.
const QUEUE: usize = 4096;
/// Spans in one request.
const BATCH: usize = 512;
/// Between two requests.
const DELAY: Duration = Duration::from_secs(5);
/// How long the last spans may take at the end.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where spans go, and what they say about their origin.
#[derive(Clone)]
pub struct Export {
    /// The base address of a collector that speaks OTLP over HTTP; spans go to `v1/traces` below it.
    pub endpoint: Url,
    /// Sent with every request, for collectors that want a token.
    pub headers: Vec<(String, String)>,
    /// `service.name`.
    pub service: String,
    /// `service.version`.
    pub version: String,
    /// `service.instance.id`: tells several processes apart.
    pub instance: Option<String>,
    /// The share of traces that are exported, from 0 to 1.
    pub share: f64,
}

/// Why no spans can be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The address is none of a collector.
    #[error(
        "the address of the OpenTelemetry collector must begin with http:// or https:// and have no user name in it; \
         what it asks for goes into a header"
    )]
    Endpoint,
    /// A header cannot be sent. Never holds its value.
    #[error(
        "the header \"{0}\" for the OpenTelemetry collector has a name or value that cannot be sent"
    )]
    Header(String),
    /// The share is no share.
    #[error("the share of traces that are exported must be between 0 and 1, and is {0}")]
    Share(f64),
    /// There is no Tokio runtime to send with.
    #[error("spans are sent by a Tokio runtime, and there is none here")]
    Runtime,
    /// The HTTP client cannot be made.
    #[error("the connection to the OpenTelemetry collector cannot be set up: {0}")]
    Client(String),
}

/// An export of spans that is under way.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Begins to export; nothing is sent before there is a span. Called within the Tokio runtime that sends,
    /// which has to be running until [`close`](Self::close) has ended.
    ///
    /// # Errors
    /// [`TelemetryError`] if what was given cannot be used. Whether the collector answers is seen in the log later.
    pub fn start(export: Export) -> Result<Self, TelemetryError> {
        if !(0.0..=1.0).contains(&export.share) {
            return Err(TelemetryError::Share(export.share));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &export.headers {
            let wrong = || TelemetryError::Header(name.clone());
            let key: HeaderName = name.parse().map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        let exporter = Exporter::new(traces_of(&export.endpoint)?, headers)?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batches)
            .build();
        let mut resource = Resource::builder_empty()
            .with_service_name(export.service)
            .with_attribute(KeyValue::new("service.version", export.version));
        if let Some(instance) = export.instance {
            resource = resource.with_attribute(KeyValue::new("service.instance.id", instance));
        }
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(export.share)));
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_id_generator(RandomIdGenerator::default())
            .with_span_limits(SpanLimits::default())
            .with_resource(resource.build())
            .with_span_processor(processor)
            .build();
        Ok(Self { provider })
    }

    /// What hands spans over; to be added to the subscriber.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(OURS))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(tracing_subscriber::filter::filter_fn(|metadata| {
                metadata.is_span() && metadata.target().starts_with(OURS)
            }))
    }

    /// Sends what is left, for some seconds at most; spans that come later are dropped.
    pub async fn close(self) {
        // It waits for a thread that waits for the runtime.
        let closed =
            tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(FAREWELL));
        if !matches!(closed.await, Ok(Ok(()))) {
            tracing::warn!("The last spans did not reach the OpenTelemetry collector.");
        }
    }
}

/// Log lines as JSON objects, one a line: `timestamp`, `level`, `target`, the fields of the event with its `message`,
/// and the spans it happened in.
pub fn json<S, W>(writer: W) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(true)
        .with_writer(writer)
}

/// Where a collector takes spans.
fn traces_of(endpoint: &Url) -> Result<Url, TelemetryError> {
    let plain = endpoint.username().is_empty() && endpoint.password().is_none();
    if !matches!(endpoint.scheme(), "http" | "https") || !plain {
        return Err(TelemetryError::Endpoint);
    }
    let mut traces = endpoint.clone();
    traces
        .path_segments_mut()
        .map_err(|()| TelemetryError::Endpoint)?
        .pop_if_empty()
        .extend(["v1", "traces"]);
    Ok(traces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_below_the_base_address() {
        let of = |base: &str| traces_of(&base.parse().unwrap()).map(String::from);
        let same = "http://collector.example.com:4318/v1/traces";
        assert_eq!(of("http://collector.example.com:4318").unwrap(), same);
        assert_eq!(of("http://collector.example.com:4318/").unwrap(), same);
        assert_eq!(
            of("https://example.com/otlp/").unwrap(),
            "https://example.com/otlp/v1/traces"
        );
        for wrong in ["ftp://example.com", "https://me:word@example.com", "data:x"] {
            let error = of(wrong).unwrap_err();
            assert!(matches!(error, TelemetryError::Endpoint), "{wrong}");
        }
    }
}
