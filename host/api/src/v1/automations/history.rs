//! Who did what to an automation.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use matricula_core::AutomationId;
use matricula_core::journal::{Actor, Deed, Entry};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Shared;
use crate::problem::Problem;
use crate::v1::extract::{Page, Paging, Path, Query, Signed};

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(history))
}

/// One change.
#[derive(Serialize, ToSchema)]
struct EntryShape {
    /// Its number.
    id: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who.
    actor: ActorShape,
    /// What.
    #[schema(value_type = String)]
    deed: Deed,
    /// More about it: names, old and new settings.
    #[schema(value_type = Object, nullable)]
    details: Value,
}

/// Who did it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
enum ActorShape {
    /// Somebody.
    Person {
        /// What they are called.
        name: String,
        /// The address of a picture.
        #[serde(skip_serializing_if = "Option::is_none")]
        picture: Option<String>,
    },
    /// The product by itself.
    System,
}

impl From<(i64, Entry)> for EntryShape {
    fn from((id, entry): (i64, Entry)) -> Self {
        Self {
            id,
            at: entry.at,
            actor: match entry.actor {
                Actor::Person(person) => ActorShape::Person {
                    name: person.name,
                    picture: person.picture,
                },
                Actor::System => ActorShape::System,
            },
            deed: entry.deed,
            details: entry.details,
        }
    }
}

/// The history of changes, the newest first
#[utoipa::path(
    get, path = "/automations/{id}/history", tag = "automations",
    params(("id" = String, Path, description = "The automation's id."), Paging),
    responses((status = 200, body = Page<EntryShape>))
)]
async fn history(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(id): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<EntryShape>>, Problem> {
    let id = AutomationId::new(id);
    let limit = paging.limit()?;
    let before: Option<i64> = paging.after()?;
    let tenant = signed.tenant();
    shared.matricula.standing(tenant, &id).await?;
    let store = shared.matricula.store();
    let entries = store.journal(tenant, Some(&id), before, limit + 1).await?;
    let rows = entries.into_iter().map(|row| (row.0, row.into()));
    Ok(Json(Page::cut(rows.collect(), limit)))
}
