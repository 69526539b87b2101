//! The REST API of version 1: what the page is made of, and what a vendor's backend may ask.
//!
//! | file | resource |
//! | --- | --- |
//! | `session` | who is signed in, and the sign-in of one person alone |
//! | `automations` | what runs, and what owners do about it |
//! | `runs` | the record of each cycle, also as CSV |
//! | `events` | a running cycle as it goes on |
//! | `notices` | what was told |
//! | `tenant` | for how long runs are kept, and erasing a person |
//! | `idempotency` | requests that are sent again, and clients that hang up |
//! | `flows`, `connectors` | the catalogue |
//! | `connect` | signing in to a system in a window of its own |
//! | `credentials` | accesses to remote systems, and what is asked with them |
//! | `plans` | previews |
//! | `webhooks` | where notices are sent |
//! | `extract` | who asks, bodies, parameters, lists |
//! | `etag` | changes that say what they are based on |
//! | `fault` | what is answered when the product refuses |
//! | `bounds` | how long texts are, and how many of something |
//! | `document` | the description of all of it, from the code |
//!
//! Every handler names the tenant of the session in every question that it asks; what belongs to another tenant is
//! not found.

mod automations;
mod bounds;
mod connect;
mod connectors;
mod credentials;
mod document;
mod etag;
mod events;
pub(crate) mod extract;
mod fault;
mod flows;
mod idempotency;
mod notices;
mod plans;
mod runs;
mod session;
mod shapes;
mod tenant;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::get;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::Shared;

/// Every route with its description.
fn described() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::with_openapi(document::head()).nest("/api/v1", resources())
}

fn resources() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .merge(session::routes())
        .merge(flows::routes())
        .merge(connect::routes())
        .merge(connectors::routes())
        .merge(credentials::routes())
        .merge(plans::routes())
        .merge(automations::routes())
        .merge(runs::routes())
        .merge(events::routes())
        .merge(notices::routes())
        .merge(webhooks::routes())
        .merge(tenant::routes())
}

/// The routes, and the description at `/api/v1/openapi.json`.
pub(crate) fn routes(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    let (router, _) = described().split_for_parts();
    let once = middleware::from_fn_with_state(Arc::clone(shared), idempotency::once);
    router
        .layer(once)
        .route("/api/v1/openapi.json", get(document::serve))
}

/// The description of the API, as it is served.
pub fn openapi() -> OpenApi {
    document::whole(described().split_for_parts().1)
}
