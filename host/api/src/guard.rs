//! What holds for every request: it ends in time, and its answer is not kept or taken for something else.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use crate::Shared;
use crate::problem::Problem;
use crate::v1::extract::Mount;

/// Wraps every route.
pub(crate) async fn guard(
    State(shared): State<Arc<Shared>>,
    mut request: Request,
    next: Next,
) -> Response {
    Mount::note(&mut request);
    // Tests of credentials and lists of choices wait for a remote system.
    let asks_remote = request.uri().path().starts_with("/api/");
    let within = match asks_remote {
        true => shared.options.remote_within,
        false => shared.options.request_within,
    };
    let answer = timeout(within, next.run(request)).await;
    let mut response = answer.unwrap_or_else(|_| Problem::REQUEST_SLOW.into_response());
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// An address that there is not.
pub(crate) async fn no_route() -> Problem {
    Problem::NOT_FOUND
}

/// An address that has other methods.
pub(crate) async fn no_method() -> Problem {
    Problem::METHOD
}
