//! Addresses to which notices are sent.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use matricula_core::CredentialId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bounds::Bounds;
use super::extract::{Body, Owner, Page, Path, Signed};
use crate::Shared;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(remove))
}

/// The most of a tenant: every notice is sent to each of them.
const MOST: usize = 20;

/// An address to which notices are sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
struct WebhookShape {
    /// Names it.
    id: String,
    /// What it is called.
    name: String,
    /// The address.
    url: String,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

/// An address that is to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookNew {
    /// What it is called; no other has that name, and no credential.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The address, by https; by http only where the operator allows it, which shows when something is sent.
    #[schema(max_length = 2000)]
    url: String,
}

/// An address with its key.
#[derive(Serialize, ToSchema)]
struct WebhookAdded {
    /// Names it.
    id: String,
    /// What it is called.
    name: String,
    /// The address.
    url: String,
    /// By which the receiver checks signatures (standard-webhooks); shown only now.
    key: String,
}

/// The addresses to which notices are sent
///
/// By name.
#[utoipa::path(get, path = "/webhooks", tag = "notices", responses((status = 200, body = Page<WebhookShape>)))]
async fn list(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
) -> Result<Json<Page<WebhookShape>>, Problem> {
    let webhooks = shared.matricula.webhooks(signed.tenant()).await?;
    let webhooks = webhooks.into_iter().map(|webhook| WebhookShape {
        id: webhook.id.to_string(),
        name: webhook.name,
        url: webhook.public.get("url").cloned().unwrap_or_default(),
        created_at: webhook.created_at,
    });
    Ok(Json(Page::whole(webhooks.collect())))
}

/// Add an address to which notices are sent
///
/// Every notice of the tenant is sent there, signed.
#[utoipa::path(
    post, path = "/webhooks", tag = "notices", request_body = WebhookNew,
    responses((status = 201, body = WebhookAdded))
)]
async fn add(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Body(new): Body<WebhookNew>,
) -> Result<(StatusCode, Json<WebhookAdded>), Problem> {
    Bounds::default()
        .text("/name", &new.name, 1, 200)
        .text("/url", &new.url, 0, 2000)
        .held()?;
    let _turn = shared
        .turns
        .of(format!("webhooks/{}", owner.tenant()))
        .await;
    let known = shared.matricula.webhooks(owner.tenant()).await?;
    if known.len() >= MOST {
        return Err(Problem::WEBHOOKS_MANY);
    }
    let added = shared
        .matricula
        .add_webhook(owner.tenant(), &new.name, &new.url);
    let (webhook, key) = added.await?;
    let added = WebhookAdded {
        id: webhook.id.to_string(),
        name: new.name,
        url: new.url,
        key: key.to_string(),
    };
    Ok((StatusCode::CREATED, Json(added)))
}

/// Remove an address to which notices are sent
#[utoipa::path(
    delete, path = "/webhooks/{id}", tag = "notices", params(("id" = String, Path, max_length = 100)),
    responses((status = 204))
)]
async fn remove(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = CredentialId::new(id);
    let matricula = &shared.matricula;
    matricula.remove_webhook(owner.tenant(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
