//! The page and the script that embeds it.
//!
//! | request | answers |
//! | --- | --- |
//! | `GET /` | 303 to the page |
//! | `GET /app/?vendor=ID&origin=…` | the page; only the vendor's origins may frame it |
//! | `GET /app/{file}` | its parts; those under `assets/` never change |
//! | `GET /embed.js` | the custom element, for any origin |
//!
//! The policy allows nothing inline, no address but this server's own, and no frame but the windows of systems that
//! are signed in to in one of their own. Pictures may come from anywhere by
//! https: vendors' tokens name pictures of people.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use matricula_page::Asset;

use crate::Shared;
use crate::problem::Problem;
use crate::v1::extract::Mount;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; \
    connect-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors ";
/// Kept for ever: the name changes with the content.
const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Kept, and asked for again each time.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// The script is on every page of a vendor; a new version arrives within minutes.
const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=300");
const RESOURCE_POLICY: &str = "cross-origin-resource-policy";

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(home))
        .route("/app", get(home))
        .route("/app/", get(index))
        .route("/app/{*file}", get(file))
        .route("/embed.js", get(embed))
}

/// Relative, so that it leads to the page below any prefix, also one that a proxy has cut off.
async fn home(uri: Uri, Mount(mount): Mount) -> Redirect {
    // Nested, this is asked for without a slash at the end.
    let here = mount.rsplit('/').next().unwrap_or_default();
    match uri.path() == "/" && !here.is_empty() {
        true => Redirect::to(&format!("{here}/app/")),
        false => Redirect::to("app/"),
    }
}

async fn index(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = matricula_page::asset("index.html").ok_or(Problem::NO_PAGE)?;
    let vendor = query.as_deref().and_then(vendor_of);
    let vendor = vendor.and_then(|id| shared.sessions.vendors().vendor(&id));
    let framed_by = vendor.map(|vendor| vendor.origins().join(" "));
    let framed_by = framed_by.filter(|origins| !origins.is_empty());
    // Windows that owners sign in to a system with; of a vendor that gives what they need.
    let frames = vendor.map(|vendor| shared.matricula.frames(vendor.id()));
    let frames = frames.unwrap_or_default();
    let framed_by = framed_by.as_deref().unwrap_or("'none'");
    let policy = match frames.is_empty() {
        true => format!("{POLICY}{framed_by}"),
        false => format!("{POLICY}{framed_by}; frame-src {}", frames.join(" ")),
    };
    let mut response = send(page, &headers);
    let own = response.headers_mut();
    own.insert(CACHE_CONTROL, ASK_AGAIN);
    // Origins were checked to be such when the configuration was read.
    let policy = HeaderValue::try_from(policy).map_err(|_| Problem::UNKNOWN)?;
    own.insert(CONTENT_SECURITY_POLICY, policy);
    own.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

fn vendor_of(query: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs
        .find(|(name, _)| name == "vendor")
        .map(|(_, id)| id.into_owned())
}

async fn file(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    // The page itself is only had with its policy.
    let asset = matricula_page::asset(&path).filter(|asset| asset.path.starts_with("assets/"));
    let asset = asset.ok_or(Problem::NOT_FOUND)?;
    let mut response = send(asset, &headers);
    response.headers_mut().insert(CACHE_CONTROL, IMMUTABLE);
    Ok(response)
}

async fn embed(headers: HeaderMap) -> Result<Response, Problem> {
    let script = matricula_page::asset("embed.js").ok_or(Problem::NO_PAGE)?;
    let mut response = send(script, &headers);
    let own = response.headers_mut();
    own.insert(CACHE_CONTROL, SHORT);
    // A module is fetched by CORS.
    own.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    own.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    Ok(response)
}

/// A file, compressed if the client can read that; 304 if the client has it.
fn send(asset: &'static Asset, request: &HeaderMap) -> Response {
    let says = |name, wanted: &str| {
        let values = request.get_all(name).iter();
        let mut parts = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|v| v.split(','));
        parts.any(|part| {
            let mut part = part.split(';');
            let name = part.next().unwrap_or_default().trim();
            let refused = part.any(|weight| ["q=0", "q=0.0"].contains(&weight.trim()));
            name == wanted && !refused
        })
    };
    let packed = asset.gzip.filter(|_| says(ACCEPT_ENCODING, "gzip"));
    let tag = match packed {
        Some(_) => format!("\"{}-gz\"", asset.digest),
        None => format!("\"{}\"", asset.digest),
    };
    let mut response = match says(IF_NONE_MATCH, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => packed.unwrap_or(asset.bytes).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type()));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if packed.is_some() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}
