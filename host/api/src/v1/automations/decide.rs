//! What waits for somebody's decision: deactivations that the guard holds back, and documents of which nobody
//! knows whether they arrived.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use matricula_core::document::{Document, DocumentDecision, DocumentState};
use matricula_core::link::{Decision, LeavingAction, LeavingReason, Link};
use matricula_core::{AutomationId, SourceKey};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Shared;
use crate::problem::Problem;
use crate::v1::extract::{Body, Owner, Page, Paging, Path, Query, Signed};

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(staged, decide_staged))
        .routes(routes!(documents, decide_documents))
}

/// A deactivation that the guard holds back.
#[derive(Serialize, ToSchema)]
struct Staged {
    /// The person's key in the source.
    key: String,
    /// Their account.
    target: Option<String>,
    /// Why they would lose access.
    #[schema(value_type = Option<String>)]
    reason: Option<LeavingReason>,
    /// What would be done to the account: `block` or `delete`.
    #[schema(value_type = Option<String>)]
    action: Option<LeavingAction>,
}

impl From<Link> for Staged {
    fn from(link: Link) -> Self {
        Self {
            key: link.key.to_string(),
            target: link.target.map(|target| target.to_string()),
            reason: link.leaving.as_ref().map(|leaving| leaving.reason),
            action: link.leaving.as_ref().map(|leaving| leaving.action),
        }
    }
}

/// A decision on all deactivations that are held back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StagedDecision {
    decision: StagedVerdict,
    /// How many were shown when it was decided. If others wait now, nothing is decided: 409.
    #[serde(default)]
    expected: Option<u64>,
}

/// Whether deactivations that are held back are applied.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StagedVerdict {
    /// The next cycle, which follows at once, applies them.
    Approve,
    /// The accounts stay as they are; asked again only when the reason changes.
    Discard,
}

/// How many were decided about.
#[derive(Serialize, ToSchema)]
struct DecidedShape {
    decided: u64,
}

/// A document that is wanted and not delivered.
#[derive(Serialize, ToSchema)]
struct OpenDocument {
    /// Its key.
    key: String,
    /// How it stands.
    #[schema(value_type = String)]
    state: DocumentState,
    /// The person into whose file it belongs, once known.
    owner: Option<String>,
    /// In bytes, once it was had.
    size: Option<u64>,
    /// When it was last sent, if it may have arrived.
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    /// How often it could not be dealt with in a row.
    attempts: u32,
    /// Not tried again before.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
}

impl From<Document> for OpenDocument {
    fn from(document: Document) -> Self {
        Self {
            key: document.key.to_string(),
            state: document.state,
            owner: document.owner.map(|owner| owner.to_string()),
            size: document.size,
            sent_at: document.sent_at,
            attempts: document.attempts,
            not_before: document.not_before,
        }
    }
}

/// What is said of documents that nobody knows of.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DocumentsDecision {
    decision: DocumentVerdict,
    /// Only of these; left out: of all.
    #[serde(default)]
    #[schema(max_items = 1000)]
    keys: Option<Vec<String>>,
}

/// Whether documents have arrived.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum DocumentVerdict {
    /// They lie in the personnel files.
    Arrived,
    /// They do not.
    SendAgain,
}

/// The most documents that one request decides about by key.
const KEYS: usize = 1000;
const OPEN: [DocumentState; 5] = [
    DocumentState::Waiting,
    DocumentState::Intended,
    DocumentState::Failed,
    DocumentState::Doubtful,
    DocumentState::Again,
];

/// Deactivations that the guard holds back
#[utoipa::path(
    get, path = "/automations/{id}/staged", tag = "automations",
    params(("id" = String, Path, description = "The automation's id."), Paging),
    responses((status = 200, body = Page<Staged>))
)]
async fn staged(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(id): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<Staged>>, Problem> {
    let id = AutomationId::new(id);
    let limit = paging.limit()?;
    let after: Option<SourceKey> = paging.after()?;
    shared.matricula.standing(signed.tenant(), &id).await?;
    let store = shared.matricula.store();
    let states = [Decision::Staged];
    let links = store.leaving(&id, &states, after.as_ref(), limit + 1);
    let rows = links.await?.into_iter();
    let rows = rows.map(|link| (link.key.clone(), link.into())).collect();
    Ok(Json(Page::cut(rows, limit)))
}

/// Decide on every deactivation that the guard holds back
#[utoipa::path(
    post, path = "/automations/{id}/staged", tag = "automations", request_body = StagedDecision,
    params(("id" = String, Path, description = "The automation's id.")),
    responses((status = 200, body = DecidedShape))
)]
async fn decide_staged(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    Body(decision): Body<StagedDecision>,
) -> Result<Json<DecidedShape>, Problem> {
    let id = AutomationId::new(id);
    let approve = matches!(decision.decision, StagedVerdict::Approve);
    let matricula = &shared.matricula;
    let (tenant, by) = (owner.tenant(), owner.person());
    matricula.standing(tenant, &id).await?;
    if let Some(expected) = decision.expected {
        let card = matricula.store().card(&id, shared.options.clock.now());
        let staged = card.await?.map_or(0, |card| card.staged);
        if staged != expected {
            return Err(Problem::STAGED_CHANGED);
        }
    }
    let decided = matricula.decide_staged(tenant, &id, approve, by).await?;
    Ok(Json(DecidedShape { decided }))
}

/// Documents that are wanted and not delivered
#[utoipa::path(
    get, path = "/automations/{id}/documents", tag = "automations",
    params(("id" = String, Path, description = "The automation's id."), Paging),
    responses((status = 200, body = Page<OpenDocument>))
)]
async fn documents(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(id): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<OpenDocument>>, Problem> {
    let id = AutomationId::new(id);
    let limit = paging.limit()?;
    let after: Option<SourceKey> = paging.after()?;
    shared.matricula.standing(signed.tenant(), &id).await?;
    let store = shared.matricula.store();
    let documents = store.documents_in(&id, &OPEN, after.as_ref(), limit + 1);
    let rows = documents.await?.into_iter();
    let rows = rows.map(|document| (document.key.clone(), document.into()));
    Ok(Json(Page::cut(rows.collect(), limit)))
}

/// Say whether documents have arrived
#[utoipa::path(
    post, path = "/automations/{id}/documents", tag = "automations", request_body = DocumentsDecision,
    params(("id" = String, Path, description = "The automation's id.")),
    responses((status = 200, body = DecidedShape))
)]
async fn decide_documents(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    Body(decision): Body<DocumentsDecision>,
) -> Result<Json<DecidedShape>, Problem> {
    let id = AutomationId::new(id);
    let keys = decision.keys;
    if keys.as_ref().is_some_and(|keys| keys.len() > KEYS) {
        return Err(Problem::BODY_INVALID.saying("at most 1000 keys are decided about at a time"));
    }
    let keys: Option<Vec<SourceKey>> =
        keys.map(|keys| keys.into_iter().map(SourceKey::new).collect());
    let verdict = match decision.decision {
        DocumentVerdict::Arrived => DocumentDecision::Arrived,
        DocumentVerdict::SendAgain => DocumentDecision::SendAgain,
    };
    let matricula = &shared.matricula;
    let (tenant, by) = (owner.tenant(), owner.person());
    matricula.standing(tenant, &id).await?;
    let decided = matricula
        .decide_documents(tenant, &id, keys.as_deref(), verdict, by)
        .await?;
    Ok(Json(DecidedShape {
        decided: decided.count,
    }))
}
