//! The reference of the API, to read and to try: Swagger UI, from this binary alone.
//!
//! Its own `index.html` has inline parts, which the policy here does not allow; so it has one of ours. Whoever wants
//! to try a request pastes a session token ("Authorize"); it is kept in the page's memory only.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa_swagger_ui::Config;

use crate::Shared;
use crate::problem::Problem;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
const PAGE: &str = include_str!("index.html");
const START: &str = include_str!("start.js");
/// What is served of Swagger UI.
const FILES: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(Arc::default);

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/docs", get(page))
        .route("/api/docs/{file}", get(file))
}

async fn page() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, PAGE).into_response()
}

async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let kept = (
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    if name == "start.js" {
        let kind = (CONTENT_TYPE, HeaderValue::from_static("text/javascript"));
        return Ok(([kept, kind], START).into_response());
    }
    let name = FILES.iter().find(|file| **file == name);
    let name = name.ok_or(Problem::NOT_FOUND)?;
    let found = utoipa_swagger_ui::serve(name, Arc::clone(&CONFIG))
        .ok()
        .flatten();
    let found = found.ok_or(Problem::NOT_FOUND)?;
    let kind = HeaderValue::try_from(found.content_type).map_err(|_| Problem::UNKNOWN)?;
    let mut response = ([kept, (CONTENT_TYPE, kind)], found.bytes).into_response();
    if found.gzpipped {
        let headers = response.headers_mut();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
