//! What holds for a tenant as a whole: for how long runs are kept, and erasing a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use matricula_core::{SourceKey, TenantId};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bounds::Bounds;
use super::etag::{Basis, Tag, Tagged};
use super::extract::{Body, Owner, Signed};
use crate::Shared;
use crate::problem::{FieldError, Problem};

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(show, change))
        .routes(routes!(erase))
}

/// The longest that runs can be kept: ten years.
const LONGEST: u32 = 3650;

/// What holds for the tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
struct TenantShape {
    /// Its id.
    id: String,
    /// For how many days runs are kept; null: as long as the product does by itself.
    retention_days: Option<u32>,
}

/// What is to hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TenantPatch {
    /// For how many days runs are kept; null: as long as the product does by itself.
    #[serde(deserialize_with = "said")]
    #[schema(required = true, minimum = 1, maximum = 3650)]
    retention_days: Option<u32>,
}

/// Null says something here, so it is not the same as nothing.
fn said<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    Option::deserialize(source)
}

/// Who is to be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Erasure {
    /// Their key in the source.
    #[schema(min_length = 1, max_length = 1000)]
    key: String,
    /// Only in automations that read this connector.
    #[serde(default)]
    #[schema(max_length = 100)]
    connector: Option<String>,
}

/// What was erased.
#[derive(Serialize, ToSchema)]
struct Erased {
    /// How many rows there were.
    rows: u64,
}

/// What holds for the tenant
#[utoipa::path(
    get, path = "/tenant", tag = "tenant",
    responses((status = 200, body = TenantShape, headers(("etag" = String, description = "For If-Match."))))
)]
async fn show(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
) -> Result<Tagged<Json<TenantShape>>, Problem> {
    answer(&shared, signed.tenant()).await
}

/// Change what holds for the tenant
#[utoipa::path(
    patch, path = "/tenant", tag = "tenant", request_body = TenantPatch,
    params(("if-match" = String, Header, description = "The ETag that was read, or `*`.")),
    responses((status = 200, body = TenantShape, headers(("etag" = String, description = "For If-Match."))))
)]
async fn change(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    basis: Basis,
    Body(patch): Body<TenantPatch>,
) -> Result<Tagged<Json<TenantShape>>, Problem> {
    let days = patch.retention_days;
    if days.is_some_and(|days| !(1..=LONGEST).contains(&days)) {
        return Err(Problem::BODY_INVALID.at(vec![FieldError {
            pointer: "/retention_days".to_owned(),
            code: "body.shape".into(),
            message: "expected a number from 1 to 3650, or null".to_owned(),
        }]));
    }
    let tenant = owner.tenant();
    let _turn = shared.turns.of(format!("tenant/{tenant}")).await;
    let store = shared.matricula.store();
    basis.is(&tag(store.retention(tenant).await?))?;
    store.set_retention(tenant, days).await?;
    answer(&shared, tenant).await
}

/// Erase a person
///
/// Removes link, references and outcomes of one person from every automation; accounts stay as they are. Who is
/// still in the source is met again by the next full cycle.
#[utoipa::path(
    post, path = "/tenant/erasures", tag = "tenant", request_body = Erasure,
    responses((status = 200, body = Erased))
)]
async fn erase(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Body(erasure): Body<Erasure>,
) -> Result<Json<Erased>, Problem> {
    Bounds::default()
        .text("/key", &erasure.key, 1, 1000)
        .optional("/connector", erasure.connector.as_deref(), 0, 100)
        .held()?;
    let key = SourceKey::new(erasure.key);
    let connector = erasure.connector.as_deref();
    let matricula = &shared.matricula;
    let by = owner.person();
    let rows = matricula.erase(owner.tenant(), connector, &key, by).await?;
    Ok(Json(Erased { rows }))
}

fn tag(days: Option<u32>) -> Tag {
    Tag::of(&days)
}

async fn answer(shared: &Shared, tenant: &TenantId) -> Result<Tagged<Json<TenantShape>>, Problem> {
    let days = shared.matricula.store().retention(tenant).await?;
    let shape = TenantShape {
        id: tenant.to_string(),
        retention_days: days,
    };
    Ok(Tagged(tag(days), Json(shape)))
}
