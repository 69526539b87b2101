//! What was told, by mail and by webhooks.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use matricula_core::notice::{Facts, Notice};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::automations::RecordsShape;
use super::extract::{Page, Paging, Query, Signed};
use super::shapes::{CountsShape, FailureShape, Words};
use crate::Shared;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Something that people were told.
#[derive(Serialize, ToSchema)]
struct NoticeShape {
    /// Its number.
    id: i64,
    /// What it is about: `automation.paused` and the like, as in webhooks.
    kind: &'static str,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The automation's id.
    automation: Option<String>,
    /// Why, for programs.
    reason: String,
    /// What the texts are made of.
    facts: FactsShape,
}

/// What the texts of a notice are made of.
#[derive(Serialize, ToSchema)]
#[schema(as = Facts)]
struct FactsShape {
    /// What the flow is called.
    title: Words,
    /// What it carries.
    records: RecordsShape,
    /// What went wrong, and what to do.
    failure: Option<FailureShape>,
    /// How many of each.
    counts: Option<CountsShape>,
    /// How many runs there were.
    runs: Option<RunsShape>,
    /// The number of the run that it tells of.
    run: Option<i64>,
    /// From when on.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// When it is tried next.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
}

/// How many runs there were.
#[derive(Serialize, ToSchema)]
#[schema(as = RunFigures)]
struct RunsShape {
    /// In all.
    total: u64,
    /// Of these, those that failed.
    failed: u64,
}

impl From<Facts> for FactsShape {
    fn from(facts: Facts) -> Self {
        let title = serde_json::from_value::<matricula_core::Text>(facts.title);
        Self {
            title: title.unwrap_or_default().into(),
            records: facts.records.into(),
            failure: facts.failure.map(FailureShape::from),
            counts: facts.counts.map(CountsShape::from),
            runs: facts
                .runs
                .map(|(total, failed)| RunsShape { total, failed }),
            run: facts.run.map(|run| run.0),
            since: facts.since,
            next_at: facts.next_at,
        }
    }
}

impl From<(i64, Notice)> for NoticeShape {
    fn from((id, notice): (i64, Notice)) -> Self {
        Self {
            id,
            kind: notice.kind.as_str(),
            at: notice.at,
            automation: notice.automation.map(|id| id.to_string()),
            reason: notice.reason,
            facts: notice.facts.into(),
        }
    }
}

/// What was told, the newest first
#[utoipa::path(
    get, path = "/notices", tag = "tenant", params(Paging), responses((status = 200, body = Page<NoticeShape>))
)]
async fn list(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<NoticeShape>>, Problem> {
    let limit = paging.limit()?;
    let before: Option<i64> = paging.after()?;
    let store = shared.matricula.store();
    let notices = store.notices(signed.tenant(), before, limit + 1).await?;
    let rows = notices.into_iter().map(|row| (row.0, row.into()));
    Ok(Json(Page::cut(rows.collect(), limit)))
}
