//! Spans as OTLP over HTTP.
//!
//! The batches come from a thread without a runtime, so requests are made by the runtime that telemetry was started
//! in, and the thread waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message as _;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use tokio::runtime::Handle;
use url::Url;

use super::TelemetryError;

/// How long one request may take.
const REQUEST: Duration = Duration::from_secs(5);
/// How often a batch is sent before it is dropped; the next one waits behind it.
const TRIES: u32 = 3;
/// The longest between two of them, whatever the collector wishes.
const PAUSE: Duration = Duration::from_secs(5);
/// What is read of an answer.
const ANSWER: usize = 64 * 1024;

/// Sends spans to a collector.
#[derive(Debug)]
pub(super) struct Exporter {
    sender: Arc<Sender>,
    runtime: Handle,
    resource: ResourceAttributesWithSchema,
    in_trouble: AtomicBool,
}

#[derive(Debug)]
struct Sender {
    client: Client,
    endpoint: Url,
    headers: HeaderMap,
}

impl Exporter {
    pub(super) fn new(endpoint: Url, mut headers: HeaderMap) -> Result<Self, TelemetryError> {
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        let failed = |error: &dyn std::fmt::Display| TelemetryError::Client(error.to_string());
        let roots = rustls::RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Matricula/", env!("CARGO_PKG_VERSION")))
            .timeout(REQUEST)
            .build()
            .map_err(|error| failed(&error))?;
        Ok(Self {
            sender: Arc::new(Sender {
                client,
                endpoint,
                headers,
            }),
            runtime: Handle::try_current().map_err(|_| TelemetryError::Runtime)?,
            resource: ResourceAttributesWithSchema::default(),
            in_trouble: AtomicBool::new(false),
        })
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let request = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(batch, &self.resource),
        };
        let body = Bytes::from(request.encode_to_vec());
        let sender = Arc::clone(&self.sender);
        let sent = self.runtime.spawn(async move { sender.send(body).await });
        let result = sent
            .await
            .unwrap_or_else(|_| Err("the runtime has ended".to_owned()));
        match result {
            Ok(()) => {
                if self.in_trouble.swap(false, Ordering::Relaxed) {
                    tracing::info!("The OpenTelemetry collector takes spans again.");
                }
                Ok(())
            }
            Err(error) => {
                // Once, not with each batch.
                if !self.in_trouble.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        error,
                        "The OpenTelemetry collector takes no spans; they are dropped."
                    );
                }
                Err(OTelSdkError::InternalFailure(error))
            }
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

/// Whether another try may help, and why this one did not.
struct Refused {
    after: Option<Duration>,
    error: String,
}

impl Sender {
    async fn send(&self, body: Bytes) -> Result<(), String> {
        let mut tries = 1;
        loop {
            match self.try_once(body.clone()).await {
                Ok(()) => return Ok(()),
                Err(Refused {
                    after: Some(pause), ..
                }) if tries < TRIES => {
                    tokio::time::sleep(pause.saturating_mul(tries).min(PAUSE)).await;
                    tries += 1;
                }
                Err(refused) => return Err(refused.error),
            }
        }
    }

    async fn try_once(&self, body: Bytes) -> Result<(), Refused> {
        let lost = |error: reqwest::Error| Refused {
            after: Some(Duration::from_secs(1)),
            error: error.without_url().to_string(),
        };
        let answer = self
            .client
            .post(self.endpoint.clone())
            .headers(self.headers.clone())
            .body(body)
            .send()
            .await
            .map_err(lost)?;
        let status = answer.status();
        if status.is_success() {
            return accepted(answer).await;
        }
        // Those that the specification of OTLP calls worth another try.
        let again = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        let seconds = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|after| after.to_str().ok()?.parse().ok())
            .unwrap_or(1);
        Err(Refused {
            after: again.then(|| Duration::from_secs(seconds)),
            error: format!("it answers with status {}", status.as_u16()),
        })
    }
}

/// A collector may take some spans and refuse others, which is no better at a second try.
async fn accepted(mut answer: Response) -> Result<(), Refused> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        if body.len() + chunk.len() > ANSWER {
            return Ok(());
        }
        body.extend_from_slice(&chunk);
    }
    let partly = ExportTraceServiceResponse::decode(body.as_slice())
        .ok()
        .and_then(|answer| answer.partial_success);
    match partly {
        Some(partly) if partly.rejected_spans > 0 => Err(Refused {
            after: None,
            error: format!("it refused {} spans", partly.rejected_spans),
        }),
        _ => Ok(()),
    }
}
