//! Runs: the record of each cycle, and what became of everybody.

#![expect(
    unused_qualifications,
    reason = "what utoipa writes for two sets of parameters"
)]

mod csv;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use matricula_core::agenda::RunFilter;
use matricula_core::run::{Outcome, OutcomeKind, Run, RunStatus};
use matricula_core::store::OutcomeFilter;
use matricula_core::{AutomationId, RunId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Page, Paging, Path, Query, Signed};
use super::shapes::RunShape;
use crate::Shared;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(records))
        .merge(csv::routes())
}

/// Which runs are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only of this automation.
    #[param(max_length = 100)]
    automation: Option<String>,
    /// Only those that stand so.
    #[param(inline)]
    status: Option<StatusWanted>,
}

/// How a run stands.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StatusWanted {
    Running,
    Succeeded,
    Partial,
    Failed,
    Stopped,
}

impl From<StatusWanted> for RunStatus {
    fn from(status: StatusWanted) -> Self {
        match status {
            StatusWanted::Running => Self::Running,
            StatusWanted::Succeeded => Self::Succeeded,
            StatusWanted::Partial => Self::Partial,
            StatusWanted::Failed => Self::Failed,
            StatusWanted::Stopped => Self::Stopped,
        }
    }
}

/// Which records of a run are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct KindsWanted {
    /// Only these, with commas between them: `failed,created`.
    #[param(
        pattern = "^(created|updated|unchanged|deactivated|reactivated|skipped|staged|ambiguous|failed)\
        (,(created|updated|unchanged|deactivated|reactivated|skipped|staged|ambiguous|failed))*$",
        max_length = 200
    )]
    kind: Option<String>,
}

impl KindsWanted {
    fn kinds(&self) -> Result<Vec<OutcomeKind>, Problem> {
        let named = self.kind.as_deref().unwrap_or_default().split(',');
        let mut kinds: Vec<OutcomeKind> = named
            .filter(|name| !name.is_empty())
            .map(|name| serde_json::from_value(Value::from(name)))
            .collect::<Result<_, _>>()
            .map_err(|_| Problem::QUERY_INVALID.saying("kind names outcomes: failed,created"))?;
        kinds.sort_unstable();
        kinds.dedup();
        Ok(kinds)
    }
}

/// What became of one person or document.
#[derive(Serialize, ToSchema)]
struct RecordShape {
    /// The person in the source, or the document.
    key: String,
    /// The account, or what the document is in the target.
    target: Option<String>,
    /// What was done.
    #[schema(value_type = String)]
    kind: OutcomeKind,
    /// Stable code of the reason.
    code: Option<String>,
    /// Why, and what to do.
    reason: Option<String>,
    /// Names of the changed attributes.
    changed: Vec<String>,
}

impl From<Outcome> for RecordShape {
    fn from(outcome: Outcome) -> Self {
        Self {
            key: outcome.key.to_string(),
            target: outcome.target.map(|target| target.to_string()),
            kind: outcome.kind,
            code: outcome.code,
            reason: outcome.reason,
            changed: outcome.changed,
        }
    }
}

/// Runs, the newest first
#[utoipa::path(
    get, path = "/runs", tag = "runs", params(Wanted, Paging), responses((status = 200, body = Page<RunShape>))
)]
async fn list(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Query(wanted): Query<Wanted>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<RunShape>>, Problem> {
    let limit = paging.limit()?;
    let filter = RunFilter {
        automation: wanted.automation.map(AutomationId::new),
        status: wanted.status.map(RunStatus::from),
        before: paging.after::<RunId>()?,
        limit: limit + 1,
    };
    let store = shared.matricula.store();
    let runs = store.runs_of(signed.tenant(), &filter).await?;
    let rows = runs.into_iter().map(|run| (run.id, run.into()));
    Ok(Json(Page::cut(rows.collect(), limit)))
}

/// One run
#[utoipa::path(
    get, path = "/runs/{id}", tag = "runs", params(("id" = i64, Path, description = "Its number.")),
    responses((status = 200, body = RunShape))
)]
async fn one(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(id): Path<i64>,
) -> Result<Json<RunShape>, Problem> {
    let run = run(&shared, signed.tenant(), RunId(id)).await?;
    Ok(Json(run.into()))
}

/// What became of everybody in a run
///
/// Those of whom nothing changed have no record.
#[utoipa::path(
    get, path = "/runs/{id}/records", tag = "runs",
    params(("id" = i64, Path, description = "The run's number."), KindsWanted, Paging),
    responses((status = 200, body = Page<RecordShape>))
)]
async fn records(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(id): Path<i64>,
    Query(wanted): Query<KindsWanted>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<RecordShape>>, Problem> {
    let limit = paging.limit()?;
    let filter = OutcomeFilter {
        kinds: wanted.kinds()?,
        after: paging.after()?,
        limit: limit + 1,
    };
    let run = run(&shared, signed.tenant(), RunId(id)).await?;
    let store = shared.matricula.store();
    let outcomes = store.outcomes(run.id, &filter).await?;
    let rows = outcomes.into_iter().map(|(row, it)| (row, it.into()));
    Ok(Json(Page::cut(rows.collect(), limit)))
}

/// A run of the tenant: its automation says whose it is.
async fn run(shared: &Shared, tenant: &TenantId, id: RunId) -> Result<Run, Problem> {
    let store = shared.matricula.store();
    let run = store.run(id).await?.ok_or(Problem::NOT_FOUND)?;
    match store.automation(&run.automation).await? {
        Some(automation) if automation.tenant == *tenant => Ok(run),
        _ => Err(Problem::NOT_FOUND),
    }
}
