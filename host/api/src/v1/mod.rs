//! The REST API of version 1: what the page is made of, and what a vendor's backend may ask.
//!
//! | file | resource |
//! | --- | --- |
//! | `session` | who is signed in, and the sign-in of one person alone |
//! | `extract` | who asks, bodies, parameters, lists |
//! | `etag` | changes that say what they are based on |
//! | `fault` | what is answered when the product refuses |
//! | `document` | the description of all of it, from the code |
//!
//! Every handler names the tenant of the session in every question that it asks; what belongs to another tenant is
//! not found.

mod document;
mod etag;
mod extract;
mod fault;
mod session;
mod shapes;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::Shared;

/// Every route with its description.
fn described() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::with_openapi(document::head())
        .nest("/api/v1", OpenApiRouter::new().merge(session::routes()))
}

/// The routes, and the description at `/api/v1/openapi.json`.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    let (router, _) = described().split_for_parts();
    router.route("/api/v1/openapi.json", get(document::serve))
}

/// The description of the API, as it is served.
pub fn openapi() -> OpenApi {
    document::whole(described().split_for_parts().1)
}
