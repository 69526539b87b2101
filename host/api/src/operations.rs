//! What an operator's tools ask: is it alive, may it be sent work, and how is it doing.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::time::timeout;

use crate::Shared;
use crate::hooks::store_problem;
use crate::metrics::Present;
use crate::problem::Problem;

/// The text format that `prometheus-client` writes.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// Asks nothing: a store in trouble is no reason to end the process, which waits for it.
async fn alive() -> Response {
    axum::Json(json!({"status": "ok"})).into_response()
}

/// Whether the schedule is kept and the store answers.
async fn ready(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    if !shared.options.readiness.is_set() {
        return Err(Problem::SCHEDULE_OFF);
    }
    let question = async {
        let _place = shared
            .places
            .acquire()
            .await
            .map_err(|_| Problem::UNKNOWN)?;
        let answer = shared.matricula.store().next_due().await;
        answer.map_err(|error| store_problem(&error))
    };
    timeout(shared.options.store_within, question)
        .await
        .map_err(|_| Problem::STORE_SILENT)??;
    Ok(axum::Json(json!({"status": "ready"})).into_response())
}

/// Answered whatever the store does: what this process has counted is known without it.
async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    let options = &shared.options;
    let overview = shared
        .watched
        .look(
            shared.matricula.store(),
            options.clock.now(),
            options.store_within,
        )
        .await;
    let present = Present {
        overview,
        running: shared.matricula.running(),
        ready: options.readiness.is_set(),
    };
    let text = shared.metrics.render(&present).map_err(|error| {
        tracing::error!(%error, "The metrics cannot be written.");
        Problem::UNKNOWN
    })?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
