//! Spans at a collector, and log lines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::post;
use matricula_api::ServeOptions;
use matricula_api::telemetry::{Export, Telemetry, TelemetryError, json};
use matricula_core::standing::Lifecycle;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use prost::Message as _;
use tokio::sync::mpsc;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::serve::serving;
use crate::support::{TENANT, World, Written};

/// A collector that is not there for the first so many requests; what it gets, and its address.
async fn collector(
    refusals: usize,
) -> (
    mpsc::UnboundedReceiver<(HeaderMap, Bytes)>,
    Export,
    impl Sized,
) {
    let (got, gets) = mpsc::unbounded_channel();
    let asked = Arc::new(AtomicUsize::new(0));
    let take = move |headers: HeaderMap, body: Bytes| async move {
        if asked.fetch_add(1, Ordering::Relaxed) < refusals {
            return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response();
        }
        got.send((headers, body)).unwrap();
        StatusCode::OK.into_response()
    };
    let router = Router::new().route("/otlp/v1/traces", post(take));
    let (address, end, served) = serving(router, ServeOptions::default()).await;
    let export = Export {
        endpoint: format!("http://{address}/otlp").parse().unwrap(),
        headers: vec![("x-token".to_owned(), "a-token".to_owned())],
        service: "matricula".to_owned(),
        version: "1.2.3".to_owned(),
        instance: Some("here".to_owned()),
        share: 1.0,
    };
    (gets, export, (end, served))
}

fn attributes(of: &[KeyValue]) -> BTreeMap<&str, String> {
    let text = |value: &KeyValue| match value.value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        other => format!("{other:?}"),
    };
    of.iter()
        .map(|value| (value.key.as_str(), text(value)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_arrives_with_what_it_was_given_and_nothing_else() {
    let (mut gets, export, _kept) = collector(0).await;
    let telemetry = Telemetry::start(export).unwrap();
    let subscriber = tracing_subscriber::registry().with(telemetry.layer());
    let guard = tracing::subscriber::set_default(subscriber);
    {
        let span = tracing::info_span!(target: "matricula_engine::cycle", "run", kind = "full");
        let _entered = span.enter();
        let _inner =
            tracing::info_span!(target: "matricula_egress", "request", status = 200).entered();
        let _foreign = tracing::info_span!(target: "hyper::proto", "foreign-span").entered();
        // Events stay in the log.
        tracing::warn!(target: "matricula_engine", tenant = TENANT, "words of an event");
    }
    // What the product does by itself as well, with everything that its crates say meanwhile.
    let world = World::new();
    world
        .automation("automation-of-the-tests", Lifecycle::Active)
        .await;
    world.matricula.keep_house(90).await.unwrap();
    drop(guard);
    telemetry.close().await;

    let (headers, body) = gets.recv().await.unwrap();
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["x-token"], "a-token");
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let [of_resource] = request.resource_spans.as_slice() else {
        panic!("{request:?}");
    };
    let resource = of_resource.resource.as_ref().unwrap();
    let told = [
        ("service.instance.id", "here"),
        ("service.name", "matricula"),
        ("service.version", "1.2.3"),
    ];
    let told: BTreeMap<_, _> = told.map(|(name, value)| (name, value.to_owned())).into();
    assert_eq!(attributes(&resource.attributes), told);
    let spans: BTreeMap<_, _> = of_resource
        .scope_spans
        .iter()
        .flat_map(|scope| &scope.spans)
        .map(|span| (span.name.as_str(), span))
        .collect();
    assert_eq!(
        spans.keys().copied().collect::<Vec<_>>(),
        ["request", "run"]
    );
    let run = spans["run"];
    assert_eq!(spans["request"].parent_span_id, run.span_id);
    assert_eq!(spans["request"].trace_id, run.trace_id);
    let names = |name: &str| {
        attributes(&spans[name].attributes)
            .into_keys()
            .collect::<Vec<_>>()
    };
    assert_eq!(names("run"), ["kind", "target"]);
    assert_eq!(names("request"), ["status", "target"]);
    assert_eq!(attributes(&run.attributes)["kind"], "full");
    assert!(run.events.is_empty() && spans["request"].events.is_empty());
    let raw = String::from_utf8_lossy(&body);
    for private in [
        TENANT,
        "automation-of-the-tests",
        "words of an event",
        "Erika",
    ] {
        assert!(!raw.contains(private), "{raw}");
    }
    assert!(gets.try_recv().is_err());
}

#[tokio::test]
async fn a_collector_that_is_busy_is_asked_again() {
    let (mut gets, export, _kept) = collector(2).await;
    let telemetry = Telemetry::start(export).unwrap();
    let subscriber = tracing_subscriber::registry().with(telemetry.layer());
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!(target: "matricula_engine", "run").in_scope(|| {});
    });
    telemetry.close().await;
    let (_, body) = gets.recv().await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("run"));
}

#[tokio::test]
async fn what_cannot_be_used_is_said() {
    let (_gets, export, _kept) = collector(0).await;
    let of = |change: &dyn Fn(&mut Export)| {
        let mut export = export.clone();
        change(&mut export);
        Telemetry::start(export).map(drop).unwrap_err()
    };
    let share = of(&|export| export.share = 1.5);
    assert!(matches!(share, TelemetryError::Share(_)), "{share}");
    let header = of(&|export| export.headers[0].1 = "a\nsecret".to_owned());
    assert!(matches!(header, TelemetryError::Header(_)));
    assert!(!format!("{header} {header:?}").contains("secret"));
    let endpoint = of(&|export| export.endpoint = "https://a:b@example.com".parse().unwrap());
    assert!(matches!(endpoint, TelemetryError::Endpoint));
}

#[test]
fn a_log_line_is_an_object() {
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::registry().with(json(move || writer.clone()));
    tracing::subscriber::with_default(subscriber, || {
        let _span = tracing::info_span!("run", kind = "full").entered();
        tracing::warn!(seconds = 7, "The clock has\nmoved.");
    });
    let text = written.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["message"], "The clock has\nmoved.");
    assert_eq!(line["seconds"], 7);
    assert_eq!(line["spans"][0]["name"], "run");
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
}
