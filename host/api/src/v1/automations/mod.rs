//! Automations: looked at, started, changed, stopped and removed.
//!
//! | file | concept |
//! | --- | --- |
//! | `shape` | an automation as people see it |
//! | `act` | what owners have it do |
//! | `decide` | what waits for somebody's decision |
//! | `history` | who did what |
//!
//! Changes of one automation come one after the other in this process, so that of two that are based on the same
//! state only one is taken.

#![expect(
    unused_qualifications,
    reason = "what utoipa writes for two sets of parameters"
)]

mod act;
mod decide;
mod history;
mod shape;

pub(super) use shape::{AutomationShape, RecordsShape, Shaper};

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse as _, Response};
use matricula_core::board::{Card, CardFilter, CardPosition};
use matricula_core::credential::Credential;
use matricula_core::notice::Contact;
use matricula_core::standing::Lifecycle;
use matricula_core::{AutomationId, CredentialId, TenantId};
use matricula_flow::Activation;
use matricula_service::{Amendment, Error, Selection, Subject, Terms};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::shape::{ContactShape, tag};
use super::bounds::Bounds;
use super::credentials::turns;
use super::etag::{Basis, Tagged};
use super::extract::{Body, Mount, Owner, Page, Paging, Path, Query, Signed};
use super::shapes::CadenceShape;
use crate::Shared;
use crate::problem::{FieldError, Problem};

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(list, start))
        .routes(routes!(one, change, remove))
        .merge(act::routes())
        .merge(decide::routes())
        .merge(history::routes())
}

/// Which automations are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only of this flow.
    #[param(max_length = 100)]
    flow: Option<String>,
    /// Only those that stand so.
    #[param(inline)]
    state: Option<StateWanted>,
}

/// How an automation stands, as far as lists are narrowed by it: those that are active may run at a slower pace.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StateWanted {
    Active,
    Paused,
    Deactivated,
}

impl From<StateWanted> for Lifecycle {
    fn from(state: StateWanted) -> Self {
        match state {
            StateWanted::Active => Self::Active,
            StateWanted::Paused => Self::Paused,
            StateWanted::Deactivated => Self::Deactivated,
        }
    }
}

/// What is to be started.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Start {
    /// The flow's name.
    #[schema(max_length = 100)]
    flow: String,
    /// The id of the source's credential.
    #[schema(max_length = 100)]
    source: String,
    /// The id of the target's credential.
    #[schema(max_length = 100)]
    target: String,
    /// What is filled in; what is left out is as the flow says.
    #[serde(default)]
    settings: Map<String, Value>,
    /// When cycles are due; left out: as the flow says.
    #[serde(default)]
    schedule: Option<CadenceShape>,
    /// Who is told about it.
    #[serde(default)]
    #[schema(max_items = 50)]
    contacts: Vec<ContactShape>,
    /// Start although rights are missing that the flow could use.
    #[serde(default)]
    accept_findings: bool,
    /// The id of a plan of just this that was looked at. A flow whose `activation` is `tested` needs one.
    #[schema(max_length = 100)]
    plan: Option<String>,
}

/// What is to be changed; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Patch {
    /// Settings that replace those there are; null takes one back to its default.
    #[serde(default)]
    settings: Option<Map<String, Value>>,
    /// When cycles are due.
    #[serde(default)]
    schedule: Option<CadenceShape>,
    /// Who is told about it: all of them.
    #[serde(default)]
    #[schema(max_items = 50)]
    contacts: Option<Vec<ContactShape>>,
    /// The id of another credential of the source.
    #[serde(default)]
    #[schema(max_length = 100)]
    source: Option<String>,
    /// The id of another credential of the target.
    #[serde(default)]
    #[schema(max_length = 100)]
    target: Option<String>,
}

impl Patch {
    /// Whether it only says who is told, and nothing of what runs.
    fn is_of_contacts(&self) -> bool {
        self.settings.is_none()
            && self.schedule.is_none()
            && self.source.is_none()
            && self.target.is_none()
    }
}

/// The most that are told about an automation: mails go to each of them.
const CONTACTS: usize = 50;

fn contacts_held(contacts: &[ContactShape]) -> Result<(), Problem> {
    let bounds = Bounds::default().count("/contacts", contacts.len(), CONTACTS);
    let each = contacts.iter().take(CONTACTS).enumerate();
    let bounds = each.fold(bounds, |bounds, (at, contact)| contact.bound(bounds, at));
    bounds.held()
}

/// The automations of the tenant
///
/// Those that need somebody come first (paused, with something to decide, at a slower pace, overdue), then by
/// flow.
#[utoipa::path(
    get, path = "/automations", tag = "automations", params(Wanted, Paging),
    responses((status = 200, body = Page<AutomationShape>))
)]
async fn list(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Query(wanted): Query<Wanted>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<AutomationShape>>, Problem> {
    let limit = paging.limit()?;
    let filter = CardFilter {
        flow: wanted.flow,
        lifecycle: wanted.state.map(Lifecycle::from),
        after: paging.after::<CardPosition>()?,
        limit: limit + 1,
    };
    let now = shared.options.clock.now();
    let store = shared.matricula.store();
    let cards = store.cards(signed.tenant(), &filter, now).await?;
    let mut shaper = Shaper::new(&shared, signed.tenant()).await?;
    let mut rows = Vec::with_capacity(cards.len());
    for card in cards {
        let position = CardPosition {
            attention: card.attention,
            flow: card.standing.flow.clone(),
            automation: card.standing.automation.clone(),
        };
        rows.push((position, shaper.shape(card).await));
    }
    Ok(Json(Page::cut(rows, limit)))
}

/// One automation
#[utoipa::path(
    get, path = "/automations/{id}", tag = "automations", params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, body = AutomationShape, headers(("etag" = String, description = "For If-Match."))))
)]
async fn one(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Tagged<Json<AutomationShape>>, Problem> {
    answer(&shared, &signed, &AutomationId::new(id)).await
}

/// Start a flow
///
/// Credentials are tested first, which asks both systems.
#[utoipa::path(
    post, path = "/automations", tag = "automations", request_body = Start,
    responses((status = 201, body = AutomationShape, headers(
        ("etag" = String, description = "For If-Match."), ("location" = String, description = "Its address.")
    )))
)]
async fn start(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Mount(mount): Mount,
    Body(start): Body<Start>,
) -> Result<Response, Problem> {
    contacts_held(&start.contacts)?;
    let plan = start.plan.as_deref();
    Bounds::default().optional("/plan", plan, 0, 100).held()?;
    owner.bought(&start.flow)?;
    let flow = shared.matricula.offered(&start.flow)?;
    let tenant = owner.tenant();
    // Until it is started neither is removed; and of two that start the same at once, the second one finds it started.
    let ids = [start.source.as_str(), start.target.as_str()];
    let _turns = turns::each(&shared, tenant, ids).await;
    let source = credential(&shared, tenant, &start.source, "/source").await?;
    let target = credential(&shared, tenant, &start.target, "/target").await?;
    let selection = Selection {
        source: Some(source.name),
        target: Some(target.name),
        settings: start.settings,
    };
    let terms = Terms {
        cadence: start.schedule.map(Into::into),
        contacts: start.contacts.into_iter().map(Contact::from).collect(),
        accept_findings: start.accept_findings,
        language: owner.session.locale.as_str().to_owned(),
    };
    if flow.activation() == Activation::Tested {
        let subject = Subject {
            flow: start.flow,
            source: source.id.clone(),
            target: target.id.clone(),
            settings: selection.settings.clone(),
        };
        let plan = start.plan.as_deref().unwrap_or_default();
        if !shared.plans.shows(tenant, plan, &subject) {
            return Err(Problem::UNTESTED);
        }
    }
    let _pass = shared.remote(tenant).await?;
    let matricula = &shared.matricula;
    let by = owner.person();
    let standing = matricula
        .start(tenant, &flow, &selection, &terms, by)
        .await?;
    let location = format!("{mount}/api/v1/automations/{}", standing.automation);
    let started = answer(&shared, &owner, &standing.automation).await?;
    Ok((StatusCode::CREATED, [(LOCATION, location)], started).into_response())
}

/// Change an automation
///
/// Settings, schedule, contacts and credentials: all of it or, if anything of it is wrong, nothing.
#[utoipa::path(
    patch, path = "/automations/{id}", tag = "automations", request_body = Patch,
    params(
        ("id" = String, Path, description = "Its id."),
        ("if-match" = String, Header, description = "The ETag that was read, or `*`."),
    ),
    responses((status = 200, body = AutomationShape, headers(("etag" = String, description = "For If-Match."))))
)]
async fn change(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    basis: Basis,
    Body(patch): Body<Patch>,
) -> Result<Tagged<Json<AutomationShape>>, Problem> {
    let id = AutomationId::new(id);
    let tenant = owner.tenant();
    contacts_held(patch.contacts.as_deref().unwrap_or_default())?;
    let _turn = turn(&shared, &id).await;
    let card = card(&shared, tenant, &id).await?;
    basis.is(&tag(&card))?;
    if !patch.is_of_contacts() {
        owner.bought(&card.automation.flow)?;
    }
    // What it is given is not removed meanwhile.
    let given = [&patch.source, &patch.target].into_iter().flatten();
    let _turns = turns::each(&shared, tenant, given.map(String::as_str)).await;
    let other = async |id: Option<String>, pointer| match id {
        Some(id) => {
            let credential = credential(&shared, tenant, &id, pointer).await?;
            Ok::<_, Problem>(Some(credential.id))
        }
        None => Ok(None),
    };
    let contacts = patch.contacts;
    let amendment = Amendment {
        settings: patch.settings,
        cadence: patch.schedule.map(Into::into),
        contacts: contacts.map(|all| all.into_iter().map(Contact::from).collect()),
        source: other(patch.source, "/source").await?,
        target: other(patch.target, "/target").await?,
    };
    let asks_remote = amendment.source.is_some() || amendment.target.is_some();
    let _pass = match asks_remote {
        true => Some(shared.remote(tenant).await?),
        false => None,
    };
    let matricula = &shared.matricula;
    matricula
        .amend(tenant, &id, &amendment, owner.person())
        .await?;
    answer(&shared, &owner, &id).await
}

/// Remove an automation that is deactivated
///
/// With everything that is kept about it; accounts stay as they are.
#[utoipa::path(
    delete, path = "/automations/{id}", tag = "automations",
    params(
        ("id" = String, Path, description = "Its id."),
        ("if-match" = String, Header, description = "The ETag that was read, or `*`."),
    ),
    responses((status = 204))
)]
async fn remove(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    basis: Basis,
) -> Result<StatusCode, Problem> {
    let id = AutomationId::new(id);
    let _turn = turn(&shared, &id).await;
    let card = card(&shared, owner.tenant(), &id).await?;
    basis.is(&tag(&card))?;
    if card.standing.lifecycle != Lifecycle::Deactivated {
        return Err(Problem::AUTOMATION_ACTIVE);
    }
    let matricula = &shared.matricula;
    matricula.remove_automation(owner.tenant(), &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The turn to change an automation.
async fn turn(shared: &Shared, id: &AutomationId) -> tokio::sync::OwnedMutexGuard<()> {
    shared.turns.of(format!("automation/{id}")).await
}

/// An automation of the tenant at a glance.
pub(super) async fn card(
    shared: &Shared,
    tenant: &TenantId,
    id: &AutomationId,
) -> Result<Card, Problem> {
    let now = shared.options.clock.now();
    let card = shared.matricula.store().card(id, now).await?;
    card.filter(|card| card.standing.tenant == *tenant)
        .ok_or_else(|| Error::AutomationUnknown(id.clone()).into())
}

/// Refuses what would have a flow run that the tenant has not bought any more: it may be looked at and stopped.
/// What its cycles ask is still decided: they go on until somebody stops them.
async fn bought(shared: &Shared, owner: &Owner, id: &AutomationId) -> Result<(), Problem> {
    owner.bought(&card(shared, owner.tenant(), id).await?.automation.flow)
}

/// An automation with its tag, as it is now.
async fn answer(
    shared: &Shared,
    signed: &Signed,
    id: &AutomationId,
) -> Result<Tagged<Json<AutomationShape>>, Problem> {
    let card = card(shared, signed.tenant(), id).await?;
    let tag = tag(&card);
    let mut shaper = Shaper::new(shared, signed.tenant()).await?;
    Ok(Tagged(tag, Json(shaper.shape(card).await)))
}

/// A credential that a body names: one that there is not is a mistake in the body.
async fn credential(
    shared: &Shared,
    tenant: &TenantId,
    id: &str,
    pointer: &str,
) -> Result<Credential, Problem> {
    let id = CredentialId::new(id);
    match shared.matricula.credential_by_id(tenant, &id).await {
        Err(error @ Error::CredentialUnknown { .. }) => {
            let message = error.to_string();
            let mut problem = Problem::from(error);
            problem.status = StatusCode::UNPROCESSABLE_ENTITY;
            Err(problem.at(vec![FieldError {
                pointer: pointer.to_owned(),
                code: "credential.unknown".into(),
                message,
            }]))
        }
        other => Ok(other?),
    }
}
