//! Plans: what a cycle would do, looked at before anything is started or changed.

#![expect(
    unused_qualifications,
    reason = "what utoipa writes for two sets of parameters"
)]

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use matricula_core::run::{CycleKind, OutcomeKind};
use matricula_core::{AutomationId, CredentialId};
use matricula_engine::Planned;
use matricula_service::{Matricula, Plan, PlanError, PlanRequest, PlanStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bounds::{Bounds, parameter};
use super::credentials::ReportShape;
use super::extract::{Body, Mount, Owner, Page, Paging, Path, Query};
use super::flows::RequirementShape;
use super::shapes::{CadenceShape, CountsShape, FailureShape, Words};
use crate::Shared;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(show, stop))
        .routes(routes!(people))
}

/// What is to be planned.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanBegun {
    /// The flow.
    #[schema(max_length = 100)]
    flow: String,
    /// The id of the source's credential.
    #[schema(max_length = 100)]
    source: String,
    /// The id of the target's credential.
    #[schema(max_length = 100)]
    target: String,
    /// Settings; those that are not given keep what the automation has, or their defaults.
    #[serde(default)]
    #[schema(value_type = Object, required = false)]
    settings: Map<String, Value>,
    /// When cycles would be due; none: as the flow says.
    schedule: Option<CadenceShape>,
    /// The automation whose change is looked at.
    #[schema(max_length = 100)]
    automation: Option<String>,
}

/// What a cycle would do.
#[derive(Serialize, ToSchema)]
#[schema(as = Plan)]
struct PlanShape {
    /// Names it.
    id: String,
    /// The flow.
    flow: String,
    /// How far it is.
    status: PlanStatusShape,
    /// Records read so far.
    read: u64,
    /// Records announced.
    total: Option<u64>,
    /// What would become of everybody, so far.
    counts: CountsShape,
    /// `full` or `incremental`, once that is clear.
    #[schema(value_type = Option<String>)]
    cycle: Option<CycleKind>,
    /// Why the guard would hold the deactivations back.
    guard: Option<Words>,
    /// What an owner should know.
    notes: Vec<Words>,
    /// What the source says of its credential.
    source: Option<ReportShape>,
    /// What the target says of its credential.
    target: Option<ReportShape>,
    /// Other flows that have to have succeeded.
    requirements: Vec<RequirementShape>,
    /// Why it could not be made.
    failure: Option<FailureShape>,
    /// When it is forgotten.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// How far a plan is.
#[derive(Serialize, ToSchema)]
#[schema(as = PlanStatus)]
#[serde(rename_all = "kebab-case")]
enum PlanStatusShape {
    /// It is being made.
    Running,
    /// It is there.
    Done,
    /// It could not be made.
    Failed,
}

impl PlanShape {
    fn of(matricula: &Matricula, plan: Plan) -> Self {
        let requirements = plan.requirements.into_iter();
        Self {
            id: plan.id,
            flow: plan.flow,
            status: match plan.status {
                PlanStatus::Running => PlanStatusShape::Running,
                PlanStatus::Done => PlanStatusShape::Done,
                PlanStatus::Failed => PlanStatusShape::Failed,
            },
            read: plan.read,
            total: plan.total,
            counts: plan.counts.into(),
            cycle: plan.cycle,
            guard: plan.guard.map(Words::from),
            notes: plan.notes.into_iter().map(Words::from).collect(),
            source: plan.source.map(Into::into),
            target: plan.target.map(Into::into),
            requirements: requirements
                .map(|required| RequirementShape::of(matricula, required))
                .collect(),
            failure: plan.failure.map(Into::into),
            expires_at: plan.expires_at,
        }
    }
}

/// Begin a plan
///
/// Of an automation that would be started, or of what a change to one would do. Settings and credentials are looked
/// at before this is answered, both systems after. Nothing is written anywhere. A tenant has at most two plans
/// made at a time and eight kept, each for a quarter of an hour.
#[utoipa::path(
    post, path = "/plans", tag = "plans", request_body = PlanBegun,
    responses((status = 202, body = PlanShape, headers(("Location" = String))))
)]
async fn begin(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Mount(mount): Mount,
    Body(begun): Body<PlanBegun>,
) -> Result<Response, Problem> {
    Bounds::default()
        .text("/flow", &begun.flow, 0, 100)
        .text("/source", &begun.source, 0, 100)
        .text("/target", &begun.target, 0, 100)
        .optional("/automation", begun.automation.as_deref(), 0, 100)
        .held()?;
    owner.bought(&begun.flow)?;
    let request = PlanRequest {
        flow: begun.flow,
        source: CredentialId::new(begun.source),
        target: CredentialId::new(begun.target),
        settings: begun.settings,
        cadence: begun.schedule.map(Into::into),
        automation: begun.automation.map(AutomationId::new),
        language: owner.session.locale.as_str().to_owned(),
    };
    let plan = shared.plans.begin(owner.tenant(), request).await;
    let plan = plan.map_err(|error| match error {
        PlanError::TooMany => Problem::PLANS_RUNNING,
        PlanError::Refused(error) => error.into(),
    })?;
    let place = [(LOCATION, format!("{mount}/api/v1/plans/{}", plan.id))];
    let plan = Json(PlanShape::of(&shared.matricula, plan));
    Ok((StatusCode::ACCEPTED, place, plan).into_response())
}

/// A plan
#[utoipa::path(
    get, path = "/plans/{id}", tag = "plans", params(("id" = String, Path, max_length = 100)),
    responses((status = 200, body = PlanShape))
)]
async fn show(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<Json<PlanShape>, Problem> {
    let plan = shared.plans.plan(owner.tenant(), &id);
    let plan = plan.ok_or(Problem::NOT_FOUND)?;
    Ok(Json(PlanShape::of(&shared.matricula, plan)))
}

/// Forget a plan
///
/// One that is being made is stopped.
#[utoipa::path(
    delete, path = "/plans/{id}", tag = "plans", params(("id" = String, Path, max_length = 100)),
    responses((status = 204))
)]
async fn stop(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    match shared.plans.remove(owner.tenant(), &id) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::NOT_FOUND),
    }
}

/// Which people are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PeopleFilter {
    /// Only these kinds, separated by commas: `created,failed`.
    #[param(max_length = 200)]
    kind: Option<String>,
    /// Part of who it is or of the key, in any case.
    #[param(max_length = 200)]
    search: Option<String>,
}

/// What would become of a person or a document.
#[derive(Serialize, ToSchema)]
#[schema(as = Planned)]
struct PlannedShape {
    /// The person in the source, or the document.
    key: String,
    /// How an owner recognises it: usually the e-mail address.
    who: Option<String>,
    /// What would be done.
    #[schema(value_type = String)]
    kind: OutcomeKind,
    /// Stable code of the reason.
    code: Option<String>,
    /// Why.
    reason: Option<String>,
    /// Whether an account that exists would be adopted.
    adopts: bool,
    /// Old and new values.
    changes: Vec<ChangeShape>,
}

/// One attribute that would change.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
struct ChangeShape {
    /// The attribute.
    attribute: String,
    /// What the account holds, where it is known.
    old: Option<Value>,
    /// What would be written.
    new: Value,
}

impl From<&Planned> for PlannedShape {
    fn from(planned: &Planned) -> Self {
        let changes = planned.changes.iter().map(|change| ChangeShape {
            attribute: change.attribute.clone(),
            old: change.old.clone(),
            new: change.new.clone(),
        });
        Self {
            key: planned.key.to_string(),
            who: planned.who.clone(),
            kind: planned.kind,
            code: planned.code.clone(),
            reason: planned.reason.clone(),
            adopts: planned.adopts,
            changes: changes.collect(),
        }
    }
}

/// Whom something would happen to
///
/// By kind and key. Nobody before the plan is done.
#[utoipa::path(
    get, path = "/plans/{id}/people", tag = "plans",
    params(("id" = String, Path, max_length = 100), PeopleFilter, Paging),
    responses((status = 200, body = Page<PlannedShape>))
)]
async fn people(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    Query(filter): Query<PeopleFilter>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<PlannedShape>>, Problem> {
    parameter("kind", filter.kind.as_deref(), 200)?;
    parameter("search", filter.search.as_deref(), 200)?;
    let kinds = kinds(filter.kind.as_deref())?;
    let limit = paging.limit()?;
    let first = paging
        .after::<usize>()?
        .map_or(0, |last| last.saturating_add(1));
    let people = shared.plans.people(owner.tenant(), &id);
    let people = people.ok_or(Problem::NOT_FOUND)?;
    let search = filter.search.unwrap_or_default().trim().to_lowercase();
    let contains = |text: &str| text.to_lowercase().contains(&search);
    let rows = people
        .iter()
        .enumerate()
        .skip(first)
        .filter(|(_, planned)| {
            let kind = kinds.is_empty() || kinds.contains(&planned.kind);
            kind && (search.is_empty()
                || contains(planned.key.as_str())
                || planned.who.as_deref().is_some_and(contains))
        })
        .take(limit as usize + 1)
        .map(|(at, planned)| (at, PlannedShape::from(planned)));
    Ok(Json(Page::cut(rows.collect(), limit)))
}

/// Kinds of outcomes, separated by commas.
fn kinds(text: Option<&str>) -> Result<Vec<OutcomeKind>, Problem> {
    let names = text.unwrap_or_default().split(',').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(|name| {
            serde_json::from_value(Value::from(name)).map_err(|_| {
                Problem::QUERY_INVALID.saying(
                    "kind is made of created, updated, unchanged, deactivated, reactivated, skipped, staged, \
                     ambiguous and failed, separated by commas",
                )
            })
        })
        .collect()
}
