//! The flows that can be started here.

#![expect(
    unused_qualifications,
    reason = "what utoipa writes for two sets of parameters"
)]

mod expressions;
mod shape;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use matricula_core::CredentialId;
use matricula_flow::Flow;
use matricula_service::{Error, Matricula, Requirement};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bounds::parameter;
use super::extract::{Page, Path, Query, Signed};
use super::shapes::Words;
use crate::Shared;
use crate::problem::Problem;
use shape::FlowShape;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(requirements))
        .merge(expressions::routes())
}

/// The flows that can be started
///
/// By name. Those that the tenant has not bought are there too, and say so.
#[utoipa::path(get, path = "/flows", tag = "catalogue", responses((status = 200, body = Page<FlowShape>)))]
async fn list(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
) -> Result<Json<Page<FlowShape>>, Problem> {
    let matricula = &shared.matricula;
    let started = matricula.store().automations_by_flow(signed.tenant());
    let started = started.await?;
    let flows = matricula.catalogue()?;
    let flows = flows
        .iter()
        .filter(|flow| signed.is_offered(&shared, flow.name()))
        .map(|flow| FlowShape::of(matricula, &signed, flow, &started))
        .collect::<Result<_, _>>()?;
    Ok(Json(Page::whole(flows)))
}

/// A flow that the tenant's vendor offers.
fn offered(shared: &Shared, signed: &Signed, name: &str) -> Result<Flow, Problem> {
    match signed.is_offered(shared, name) {
        true => Ok(shared.matricula.offered(name)?),
        false => Err(Error::FlowUnknown {
            name: name.to_owned(),
            folder: PathBuf::new(),
            hint: String::new(),
        }
        .into()),
    }
}

/// A flow
#[utoipa::path(
    get, path = "/flows/{name}", tag = "catalogue", params(("name" = String, Path, max_length = 100)),
    responses((status = 200, body = FlowShape))
)]
async fn show(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(name): Path<String>,
) -> Result<Json<FlowShape>, Problem> {
    let matricula = &shared.matricula;
    let flow = offered(&shared, &signed, &name)?;
    let started = matricula.store().automations_by_flow(signed.tenant());
    let flow = FlowShape::of(matricula, &signed, &flow, &started.await?)?;
    Ok(Json(flow))
}

/// The credentials that were chosen so far.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Chosen {
    /// The source's.
    #[param(max_length = 100)]
    source: Option<String>,
    /// The target's.
    #[param(max_length = 100)]
    target: Option<String>,
}

/// Something that has to be so before a flow is started.
#[derive(Serialize, ToSchema)]
#[schema(as = Requirement)]
pub(super) struct RequirementShape {
    /// The flow that has to have succeeded.
    flow: String,
    /// What it is called.
    title: Words,
    /// Whether a full cycle of it has succeeded on these credentials.
    met: bool,
    /// The automation of it, if there is one.
    automation: Option<String>,
}

impl RequirementShape {
    pub(super) fn of(matricula: &Matricula, required: Requirement) -> Self {
        Self {
            title: matricula.flow_title(&required.flow).into(),
            flow: required.flow,
            met: required.met,
            automation: required.automation.map(|id| id.to_string()),
        }
    }
}

/// What has to be so before a flow is started
///
/// On the credentials that were chosen; on any where none is named.
#[utoipa::path(
    get, path = "/flows/{name}/requirements", tag = "catalogue",
    params(("name" = String, Path, max_length = 100), Chosen),
    responses((status = 200, body = Page<RequirementShape>))
)]
async fn requirements(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(name): Path<String>,
    Query(chosen): Query<Chosen>,
) -> Result<Json<Page<RequirementShape>>, Problem> {
    let matricula = &shared.matricula;
    let flow = offered(&shared, &signed, &name)?;
    let mut on = Vec::new();
    for (name, id) in [("source", chosen.source), ("target", chosen.target)] {
        parameter(name, id.as_deref(), 100)?;
        let Some(id) = id else { continue };
        let id = CredentialId::new(id);
        on.push(matricula.credential_by_id(signed.tenant(), &id).await?.id);
    }
    let on: Vec<&CredentialId> = on.iter().collect();
    let required = matricula.requirements(signed.tenant(), &flow, &on).await?;
    let required = required
        .into_iter()
        .map(|required| RequirementShape::of(matricula, required))
        .collect();
    Ok(Json(Page::whole(required)))
}
