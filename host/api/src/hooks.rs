//! Events of remote systems: "something has changed, have a look".
//!
//! What is sent is read and thrown away. Personio sends, without any signature,
//!
//! ```json
//! {"company_id": "…", "event_name": "person.updated", "occurred_at": "2026-03-02T09:00:00Z", "payload": {"…": "…"}}
//! ```
//!
//! with ids but no data, in any order, several times over (up to 14 requests for one event), and may leave out an
//! event that it could not deliver. Whoever knows an address could send any body to it. So an event is only a reason
//! to ask the source, which is done with the automation's own credentials: a forged one costs one cycle that
//! finds nothing, and many within a few seconds make one cycle ([`Matricula::hook`](matricula_service::Matricula::hook)).
//!
//! Systems that sign their events (Kombo) have one address for all connections, `/hooks/connector/{id}`: the signature
//! says for whom an event may speak ([`Matricula::signed_event`](matricula_service::Matricula::signed_event)). A wrong
//! one is a 401, and counted. Nothing of an event is logged.
//!
//! Personio waits three seconds for an answer, comes back after a 5xx for up to three days, and does not after a
//! 4xx. So a store that is busy is a 503 with `Retry-After`, and 404 is what it is: an address that does not work, be
//! it the automation or the secret, which look the same from outside. An automation that is paused or deactivated
//! takes events without effect, so that the remote system does not disable the address meanwhile.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use futures::StreamExt as _;
use matricula_core::AutomationId;
use matricula_core::store::StoreError;
use matricula_service::{Error, SignedEvent};
use tokio::time::timeout;

use crate::Shared;
use crate::problem::Problem;

/// The longest body that is read; Personio's have some hundred bytes.
const BODY: usize = 64 * 1024;
/// Longer than any id or secret is.
const NAME: usize = 256;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/hooks/{automation}/{secret}", get(probed).post(take))
        .route(
            "/hooks/connector/{connector}",
            get(probed).post(take_signed),
        )
}

/// Some services ask for the address before they send to it. Nothing about it is told.
async fn probed() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Takes an event.
async fn take(
    State(shared): State<Arc<Shared>>,
    address: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let options = &shared.options;
    timeout(options.body_within, discard(&headers, body))
        .await
        .map_err(|_| Problem::BODY_SLOW)??;
    let Ok(Path((id, secret))) = address else {
        return Err(Problem::NOT_FOUND);
    };
    if id.len() > NAME || secret.len() > NAME {
        return Err(Problem::NOT_FOUND);
    }
    let id = AutomationId::new(id);
    let answer = async {
        let _place = shared
            .places
            .acquire()
            .await
            .map_err(|_| Problem::UNKNOWN)?;
        shared.matricula.hook(&id, &secret).await.map_err(problem)
    };
    match timeout(options.store_within, answer).await {
        Ok(Ok(true)) => Ok(StatusCode::ACCEPTED),
        Ok(Ok(false)) => Err(Problem::NOT_FOUND),
        Ok(Err(problem)) => Err(problem),
        Err(_) => Err(Problem::STORE_SILENT),
    }
}

/// Takes an event that the remote system has signed.
async fn take_signed(
    State(shared): State<Arc<Shared>>,
    address: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let options = &shared.options;
    let mut whole = Vec::new();
    timeout(
        options.body_within,
        read(&headers, body, |chunk| whole.extend_from_slice(chunk)),
    )
    .await
    .map_err(|_| Problem::BODY_SLOW)??;
    let Ok(Path(connector)) = address else {
        return Err(Problem::NOT_FOUND);
    };
    let header = shared.matricula.signature_header(&connector);
    let header = header.ok().flatten().ok_or(Problem::NOT_FOUND)?;
    let mut signatures = headers.get_all(&header).iter();
    // Two of them are none: which one was meant cannot be told.
    let signature = match (signatures.next(), signatures.next()) {
        (Some(one), None) => one.to_str().unwrap_or_default(),
        _ => "",
    };
    let answer = async {
        let _place = shared
            .places
            .acquire()
            .await
            .map_err(|_| Problem::UNKNOWN)?;
        let matricula = &shared.matricula;
        let event = matricula.signed_event(&connector, signature, &whole);
        event.await.map_err(problem)
    };
    let event = timeout(options.store_within, answer).await;
    match event.map_err(|_| Problem::STORE_SILENT)?? {
        SignedEvent::Taken => {
            shared.metrics.event("taken");
            Ok(StatusCode::ACCEPTED)
        }
        SignedEvent::Refused => {
            shared.metrics.event("refused");
            Err(Problem::SIGNATURE)
        }
    }
}

/// Reads a body to its end and keeps nothing of it.
async fn discard(headers: &HeaderMap, body: Body) -> Result<(), Problem> {
    read(headers, body, |_| ()).await
}

/// Reads a body to its end, which is no longer than an event may be.
async fn read(headers: &HeaderMap, body: Body, mut keep: impl FnMut(&[u8])) -> Result<(), Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > BODY) {
        return Err(Problem::BODY_TOO_LARGE);
    }
    let mut left = BODY;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        // Nobody is there to hear it if the connection broke.
        let chunk = chunk.map_err(|_| Problem::BODY_SLOW)?;
        left = left
            .checked_sub(chunk.len())
            .ok_or(Problem::BODY_TOO_LARGE)?;
        keep(&chunk);
    }
    Ok(())
}

/// Why an event was not taken. A store in trouble is logged by the scheduler, once, and not again for each event.
fn problem(error: Error) -> Problem {
    match error {
        Error::Store(error) => store_problem(&error),
        Error::Busy => Problem::AUTOMATION_BUSY,
        // It was removed between two questions.
        Error::AutomationUnknown(_) => Problem::NOT_FOUND,
        error => {
            tracing::warn!(
                code = error.code(),
                "An event of a remote system could not be taken."
            );
            Problem::UNKNOWN
        }
    }
}

/// What a failure of the store is called here.
pub(crate) fn store_problem(error: &StoreError) -> Problem {
    match error {
        StoreError::Busy(_) => Problem::STORE_BUSY,
        StoreError::NotFound(_) => Problem::NOT_FOUND,
        _ => Problem::STORE_FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_locked_or_full_is_busy() {
        let busy = StoreError::Busy("/data/store.sqlite is locked".to_owned());
        assert_eq!(problem(Error::Store(busy)), Problem::STORE_BUSY);
        let failed = StoreError::Failed("/data/store.sqlite is malformed".to_owned());
        assert_eq!(problem(Error::Store(failed)), Problem::STORE_FAILED);
        let gone = Error::AutomationUnknown(AutomationId::new("a"));
        assert_eq!(problem(gone), Problem::NOT_FOUND);
        assert_eq!(problem(Error::Busy), Problem::AUTOMATION_BUSY);
        assert_eq!(problem(Error::Deactivated), Problem::UNKNOWN);
    }
}
