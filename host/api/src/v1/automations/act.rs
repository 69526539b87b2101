//! What owners have an automation do.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use matricula_core::{AutomationId, SourceKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AutomationShape, answer, bought, card, turn};
use crate::Shared;
use crate::problem::Problem;
use crate::v1::etag::Tagged;
use crate::v1::extract::{Body, Mount, Owner, Path};

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(run))
        .routes(routes!(deactivate))
        .routes(routes!(reactivate))
        .routes(routes!(retry))
        .routes(routes!(reevaluate))
        .routes(routes!(adopt))
        .routes(routes!(hook))
        .routes(routes!(forget))
}

type Answer = Result<Tagged<Json<AutomationShape>>, Problem>;

/// How a run is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RunWanted {
    /// Read the whole population even if only the changes are due.
    #[serde(default)]
    full: bool,
}

/// Where a remote system may tell of changes.
#[derive(Serialize, ToSchema)]
struct HookMade {
    /// A path of this server. It is a secret and shown only now.
    address: String,
}

/// Run at once
#[utoipa::path(
    post, path = "/automations/{id}/run", tag = "automations", request_body = RunWanted,
    params(("id" = String, Path, description = "Its id.")), responses((status = 200, body = AutomationShape))
)]
async fn run(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    Body(wanted): Body<RunWanted>,
) -> Answer {
    let id = AutomationId::new(id);
    bought(&shared, &owner, &id).await?;
    let matricula = &shared.matricula;
    let by = owner.person();
    matricula
        .run_now(owner.tenant(), &id, wanted.full, by)
        .await?;
    answer(&shared, &owner, &id).await
}

/// Stop an automation
///
/// A run that is under way ends after the page in hand; accounts stay as they are.
#[utoipa::path(
    post, path = "/automations/{id}/deactivate", tag = "automations",
    params(("id" = String, Path, description = "Its id.")), responses((status = 200, body = AutomationShape))
)]
async fn deactivate(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
) -> Answer {
    let id = AutomationId::new(id);
    let _turn = turn(&shared, &id).await;
    let matricula = &shared.matricula;
    matricula
        .deactivate(owner.tenant(), &id, owner.person())
        .await?;
    answer(&shared, &owner, &id).await
}

/// Start a stopped automation again
///
/// A full cycle follows at once.
#[utoipa::path(
    post, path = "/automations/{id}/reactivate", tag = "automations",
    params(("id" = String, Path, description = "Its id.")), responses((status = 200, body = AutomationShape))
)]
async fn reactivate(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
) -> Answer {
    let id = AutomationId::new(id);
    let _turn = turn(&shared, &id).await;
    bought(&shared, &owner, &id).await?;
    let matricula = &shared.matricula;
    matricula
        .reactivate(owner.tenant(), &id, owner.person())
        .await?;
    answer(&shared, &owner, &id).await
}

/// Try those who failed at once
#[utoipa::path(
    post, path = "/automations/{id}/retry", tag = "automations",
    params(("id" = String, Path, description = "Its id.")), responses((status = 200, body = AutomationShape))
)]
async fn retry(State(shared): State<Arc<Shared>>, owner: Owner, Path(id): Path<String>) -> Answer {
    let id = AutomationId::new(id);
    bought(&shared, &owner, &id).await?;
    let matricula = &shared.matricula;
    matricula
        .retry_failed(owner.tenant(), &id, owner.person())
        .await?;
    answer(&shared, &owner, &id).await
}

/// Evaluate everybody anew
#[utoipa::path(
    post, path = "/automations/{id}/reevaluate", tag = "automations",
    params(("id" = String, Path, description = "Its id.")), responses((status = 200, body = AutomationShape))
)]
async fn reevaluate(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
) -> Answer {
    let id = AutomationId::new(id);
    bought(&shared, &owner, &id).await?;
    let matricula = &shared.matricula;
    matricula
        .reevaluate(owner.tenant(), &id, owner.person())
        .await?;
    answer(&shared, &owner, &id).await
}

/// Run with the newest version of the flow
///
/// A full cycle follows at once.
#[utoipa::path(
    post, path = "/automations/{id}/adopt", tag = "automations",
    params(("id" = String, Path, description = "Its id.")), responses((status = 200, body = AutomationShape))
)]
async fn adopt(State(shared): State<Arc<Shared>>, owner: Owner, Path(id): Path<String>) -> Answer {
    let id = AutomationId::new(id);
    let _turn = turn(&shared, &id).await;
    let tenant = owner.tenant();
    let card = card(&shared, tenant, &id).await?;
    owner.bought(&card.automation.flow)?;
    let matricula = &shared.matricula;
    let newest = matricula.offered(&card.automation.flow)?;
    matricula
        .adopt(tenant, &id, &newest, owner.person())
        .await?;
    answer(&shared, &owner, &id).await
}

/// A new address for webhooks
///
/// What is posted there begins a cycle within seconds. The former address no longer works.
#[utoipa::path(
    post, path = "/automations/{id}/hook", tag = "automations",
    params(("id" = String, Path, description = "Its id.")), responses((status = 200, body = HookMade))
)]
async fn hook(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Mount(mount): Mount,
    Path(id): Path<String>,
) -> Result<Json<HookMade>, Problem> {
    let id = AutomationId::new(id);
    bought(&shared, &owner, &id).await?;
    let matricula = &shared.matricula;
    let secret = matricula
        .renew_hook(owner.tenant(), &id, owner.person())
        .await?;
    Ok(Json(HookMade {
        address: format!("{mount}/hooks/{id}/{secret}"),
    }))
}

/// Forget which account belongs to a person
///
/// The next full cycle matches them anew.
#[utoipa::path(
    delete, path = "/automations/{id}/people/{key}", tag = "automations",
    params(
        ("id" = String, Path, description = "Its id."),
        ("key" = String, Path, description = "The person's key in the source."),
    ),
    responses((status = 204))
)]
async fn forget(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path((id, key)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let id = AutomationId::new(id);
    let matricula = &shared.matricula;
    let (tenant, by) = (owner.tenant(), owner.person());
    match matricula
        .forget(tenant, &id, &SourceKey::new(key), by)
        .await?
    {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::NOT_FOUND),
    }
}
