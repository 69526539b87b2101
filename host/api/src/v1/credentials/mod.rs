//! Credentials: a tenant's accesses to remote systems.
//!
//! Nothing secret is ever answered: what is entered goes into the vault and from there only to the system.

#![expect(
    unused_qualifications,
    reason = "what utoipa writes for two sets of parameters"
)]

mod ask;
mod shape;
pub(super) mod turns;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use matricula_core::credential::{Credential, Secrets};
use matricula_core::notice::WEBHOOK;
use matricula_core::store::StoreError;
use matricula_core::{CredentialId, TenantId};
use matricula_service::{ConnectionFate, Entered, NewCredential, Parting};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::bounds::{Bounds, parameter};
use super::connect::{TOKEN, exchanged};
use super::etag::{Basis, Tag, Tagged};
use super::extract::{Body, Owner, Page, Paging, Path, Query, Signed};
use crate::Shared;
use crate::problem::{FieldError, Problem, ProblemDocument};
use shape::{CredentialShape, Known};

pub(super) use ask::ReportShape;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, replace, remove))
        .merge(ask::routes())
}

/// The longest value of a field: a private key fits.
const VALUE: usize = 16 * 1024;
/// The most fields.
const FIELDS: usize = 50;

/// The most of a tenant: whoever looks at automations has all their names read.
const MOST: usize = 500;

/// Which credentials are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Of {
    /// Only those for this connector.
    #[param(max_length = 100)]
    connector: Option<String>,
}

/// A credential as it is entered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CredentialAdded {
    /// What the owner calls it; no other has that name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The connector that it is for.
    #[schema(max_length = 100)]
    connector: String,
    /// The way to sign in; may be left out where there is only one.
    #[schema(max_length = 100)]
    method: Option<String>,
    /// The fields that are no secrets.
    #[serde(default)]
    #[schema(required = false)]
    public: BTreeMap<String, String>,
    /// The fields that are; never answered again.
    #[serde(default)]
    #[schema(required = false)]
    secrets: BTreeMap<String, String>,
    /// What the system's window has given, for a way to sign in that has one.
    #[schema(min_length = 1, max_length = 4096)]
    token: Option<String>,
}

/// The fields of a credential, all of them anew.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CredentialReplaced {
    /// The way to sign in; may be left out where there is only one.
    #[schema(max_length = 100)]
    method: Option<String>,
    /// The fields that are no secrets.
    #[serde(default)]
    #[schema(required = false)]
    public: BTreeMap<String, String>,
    /// The fields that are; never answered again.
    #[serde(default)]
    #[schema(required = false)]
    secrets: BTreeMap<String, String>,
    /// What the system's window has given, for a way to sign in that has one.
    #[schema(min_length = 1, max_length = 4096)]
    token: Option<String>,
}

/// What was entered, held to its bounds and to what the connector asks for.
fn entered(
    shared: &Shared,
    tenant: &TenantId,
    connector: &str,
    method: Option<&str>,
    public: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
    mut bounds: Bounds,
) -> Result<(BTreeMap<String, String>, Secrets), Problem> {
    bounds = bounds.optional("/method", method, 0, 100);
    for (half, fields) in [("public", &public), ("secrets", &secrets)] {
        bounds = bounds.count(&format!("/{half}"), fields.len(), FIELDS);
        for value in fields.values() {
            // Names come from outside as well: the pointer leads to the half only.
            bounds = bounds.text(&format!("/{half}"), value, 0, VALUE);
        }
    }
    // Wiped once it is dropped, also where it is refused.
    let secrets = Secrets::new(secrets);
    bounds.held()?;
    let entered = Entered {
        public: &public,
        secrets: &secrets,
    };
    let wrong = shared
        .matricula
        .wrong_fields(tenant, connector, method, entered)?;
    if wrong.is_empty() {
        return Ok((public, secrets));
    }
    let errors = wrong.into_iter().map(|field| FieldError {
        pointer: format!(
            "/{}/{}",
            if field.secret { "secrets" } else { "public" },
            field.name.replace('~', "~0").replace('/', "~1")
        ),
        code: field.code.into(),
        message: field.message,
    });
    Err(Problem::CREDENTIAL_FIELDS.at(errors.collect()))
}

/// The tag of what an owner can change. Secrets are among it, of which only the store knows that they have changed.
async fn tag(shared: &Shared, credential: &Credential) -> Result<Tag, Problem> {
    let secrets = shared.matricula.store().revision(&credential.id).await?;
    Ok(Tag::of(&(credential, secrets)))
}

pub(super) async fn find(
    shared: &Shared,
    tenant: &TenantId,
    id: String,
) -> Result<Credential, Problem> {
    let id = CredentialId::new(id);
    Ok(shared.matricula.credential_by_id(tenant, &id).await?)
}

/// The credentials
///
/// By name.
#[utoipa::path(
    get, path = "/credentials", tag = "credentials", params(Of, Paging),
    responses((status = 200, body = Page<CredentialShape>))
)]
async fn list(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Query(of): Query<Of>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<CredentialShape>>, Problem> {
    parameter("connector", of.connector.as_deref(), 100)?;
    let limit = paging.limit()?;
    let after: Option<String> = paging.after()?;
    let mut credentials = shared.matricula.credentials(signed.tenant()).await?;
    credentials.retain(|credential| {
        let wanted = of.connector.as_ref();
        credential.connector != WEBHOOK
            && wanted.is_none_or(|connector| credential.connector == *connector)
            && after.as_ref().is_none_or(|after| credential.name > *after)
    });
    let known = Known::read(&shared.matricula, signed.tenant()).await?;
    // They are sorted by name, and no two have the same.
    let rows = credentials
        .into_iter()
        .take(limit as usize + 1)
        .map(|credential| (credential.name.clone(), known.show(credential)));
    Ok(Json(Page::cut(rows.collect(), limit)))
}

/// A credential
#[utoipa::path(
    get, path = "/credentials/{id}", tag = "credentials", params(("id" = String, Path, max_length = 100)),
    responses((status = 200, body = CredentialShape, headers(("ETag" = String))))
)]
async fn show(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Tagged<Json<CredentialShape>>, Problem> {
    let credential = find(&shared, signed.tenant(), id).await?;
    answer(&shared, credential).await
}

async fn answer(
    shared: &Shared,
    credential: Credential,
) -> Result<Tagged<Json<CredentialShape>>, Problem> {
    let known = Known::read(&shared.matricula, &credential.tenant).await?;
    let tag = tag(shared, &credential).await?;
    Ok(Tagged(tag, Json(known.show(credential))))
}

/// Add a credential
///
/// It is not tested: see its `test`.
#[utoipa::path(
    post, path = "/credentials", tag = "credentials", request_body = CredentialAdded,
    responses((status = 201, body = CredentialShape, headers(("ETag" = String))))
)]
async fn add(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Body(added): Body<CredentialAdded>,
) -> Result<(StatusCode, Tagged<Json<CredentialShape>>), Problem> {
    let bounds = Bounds::default()
        .text("/name", &added.name, 1, 200)
        .text("/connector", &added.connector, 0, 100)
        .optional("/token", added.token.as_deref(), 1, TOKEN);
    let (public, secrets) = entered(
        &shared,
        owner.tenant(),
        &added.connector,
        added.method.as_deref(),
        added.public,
        added.secrets,
        bounds,
    )?;
    let tenant = owner.tenant();
    let _turn = turns::all(&shared, tenant).await;
    let mut known = shared.matricula.credentials(tenant).await?;
    known.retain(|known| known.connector != WEBHOOK);
    if known.len() >= MOST {
        return Err(Problem::CREDENTIALS_MANY);
    }
    if known.iter().any(|known| known.name == added.name) {
        return Err(StoreError::Exists(added.name).into());
    }
    let token = added.token.map(Zeroizing::new);
    let connected = exchanged(
        &shared,
        &owner,
        &added.connector,
        added.method.as_deref(),
        token.as_deref().map(String::as_str),
    )
    .await?;
    let new = NewCredential {
        name: added.name,
        connector: added.connector,
        method: added.method,
        public,
        secrets,
    };
    let credential = shared
        .matricula
        .add_connected(tenant, new, connected)
        .await?;
    Ok((StatusCode::CREATED, answer(&shared, credential).await?))
}

/// Write a credential's fields anew
///
/// All of them; it must be for the same account of the same system. Automations that were paused are probed at
/// once. A credential of a connection that ends with its last one (`ends` of its method) keeps its method; another one
/// is refused with 409 `connect.bound`.
#[utoipa::path(
    put, path = "/credentials/{id}", tag = "credentials",
    params(("id" = String, Path, max_length = 100), ("If-Match" = String, Header)), request_body = CredentialReplaced,
    responses((status = 200, body = CredentialShape, headers(("ETag" = String))))
)]
async fn replace(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    basis: Basis,
    Body(replaced): Body<CredentialReplaced>,
) -> Result<Tagged<Json<CredentialShape>>, Problem> {
    // Signing in may make it one of a connection.
    let _connecting = match replaced.token {
        Some(_) => Some(turns::all(&shared, owner.tenant()).await),
        None => None,
    };
    let _turn = turns::each(&shared, owner.tenant(), [id.as_str()]).await;
    let old = find(&shared, owner.tenant(), id).await?;
    basis.is(&tag(&shared, &old).await?)?;
    let method = replaced.method.as_deref();
    let fields = entered(
        &shared,
        owner.tenant(),
        &old.connector,
        method,
        replaced.public,
        replaced.secrets,
        Bounds::default().optional("/token", replaced.token.as_deref(), 1, TOKEN),
    )?;
    let token = replaced.token.map(Zeroizing::new);
    let token = token.as_deref().map(String::as_str);
    let connected = exchanged(&shared, &owner, &old.connector, method, token).await?;
    let credential = shared
        .matricula
        .rewrite_credential(&old, method, fields, connected, owner.person())
        .await?;
    answer(&shared, credential).await
}

/// How a credential is removed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Removal {
    /// What becomes of the connection that was made in a system's window. `end`, the default: the system ends it for
    /// good, unless another credential is of the same connection. `keep`: it stays as it is, for systems that do not end
    /// it or cannot be asked any more; whoever runs the application has to end it there.
    #[serde(default)]
    #[param(inline)]
    connection: FateShape,
}

#[derive(Deserialize, Default, Clone, Copy, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum FateShape {
    #[default]
    End,
    Keep,
}

impl From<FateShape> for ConnectionFate {
    fn from(fate: FateShape) -> Self {
        match fate {
            FateShape::End => Self::End,
            FateShape::Keep => Self::Keep,
        }
    }
}

/// Remove a credential
///
/// Refused while an automation uses it. By default a connection that was made in a system's window is ended with it
/// (see `ends` of the connector's method), unless another credential is of the same connection. That cannot be undone.
/// Where it fails, the answer is 424 `connect.not-ended` and the credential is kept: its `detail` says whether the
/// connection may have ended all the same. Removing the credential again is safe, and `connection=keep` removes it
/// alone.
#[utoipa::path(
    delete, path = "/credentials/{id}", tag = "credentials",
    params(("id" = String, Path, max_length = 100), ("If-Match" = String, Header), Removal),
    responses(
        (status = 204, description = "It is removed."),
        (
            status = 424, description = "`connect.not-ended`: the system does not say that the connection has ended.",
            body = ProblemDocument<'static>, content_type = "application/problem+json"
        )
    )
)]
async fn remove(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    Query(removal): Query<Removal>,
    basis: Basis,
) -> Result<StatusCode, Problem> {
    let tenant = owner.tenant();
    let _removing = turns::all(&shared, tenant).await;
    let _turn = turns::each(&shared, tenant, [id.as_str()]).await;
    let credential = find(&shared, tenant, id).await?;
    basis.is(&tag(&shared, &credential).await?)?;
    let matricula = &shared.matricula;
    let fate = ConnectionFate::from(removal.connection);
    let parting = matricula.parting(&credential, fate).await?;
    let _pass = match parting {
        Parting::Last => Some(shared.remote(tenant).await?),
        Parting::Unconnected | Parting::Kept | Parting::Shared => None,
    };
    matricula.remove_credential(&credential, parting).await?;
    Ok(StatusCode::NO_CONTENT)
}
