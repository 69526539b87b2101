//! Who is signed in, and how one person alone signs in without a vendor.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use matricula_core::Text;
use matricula_session::{Grant, LocalError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Body, Signed};
use super::shapes::Words;
use crate::Shared;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(sign_in))
        .routes(routes!(renew))
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
struct SessionShown {
    /// Whose everything is.
    tenant: String,
    /// The vendor that vouches for it; `local` for one person alone.
    vendor: String,
    /// What the vendor is called.
    vendor_title: Words,
    /// Who it is.
    person: PersonShown,
    /// What they may do.
    role: RoleShown,
    /// The language of the page.
    locale: LocaleShown,
    /// The flows that were bought; null: all.
    flows: Option<BTreeSet<String>>,
    /// When the token ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// What the vendor says of what was not bought.
    not_bought: Words,
}

/// Somebody.
#[derive(Serialize, ToSchema)]
struct PersonShown {
    /// The vendor's id of them.
    id: String,
    /// What they are called.
    name: String,
    /// Their address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// The address of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
}

/// What somebody may do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum RoleShown {
    /// Look and change.
    Owner,
    /// Look.
    Viewer,
}

/// A language of the page.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum LocaleShown {
    /// English.
    En,
    /// German.
    De,
}

/// The code of a sign-in link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// From the link that `matricula serve` printed.
    #[schema(max_length = 200)]
    code: String,
}

/// A session token of a local sign-in.
#[derive(Serialize, ToSchema)]
struct Token {
    /// For `Authorization: Bearer …`.
    token: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Who is signed in
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = SessionShown)))]
async fn show(
    State(shared): State<Arc<Shared>>,
    Signed { session, .. }: Signed,
) -> Json<SessionShown> {
    let vendor = shared.sessions.vendors().vendor(&session.vendor);
    let person = session.person;
    Json(SessionShown {
        tenant: session.tenant.to_string(),
        vendor_title: vendor.map_or_else(|| (&ourselves()).into(), |vendor| vendor.title().into()),
        vendor: session.vendor,
        person: PersonShown {
            id: session.person_id,
            name: person.name,
            email: person.email,
            picture: person.picture,
        },
        role: match session.role {
            matricula_session::Role::Owner => RoleShown::Owner,
            matricula_session::Role::Viewer => RoleShown::Viewer,
        },
        locale: match session.locale {
            matricula_session::Locale::En => LocaleShown::En,
            matricula_session::Locale::De => LocaleShown::De,
        },
        flows: session.flows,
        expires_at: session.expires_at,
        not_bought: vendor
            .map(|vendor| vendor.not_bought().into())
            .unwrap_or_default(),
    })
}

/// What the product calls itself where there is no vendor.
fn ourselves() -> Text {
    Text([("en".to_owned(), "Matricula".to_owned())].into())
}

/// Sign in by the link that the server printed
///
/// The code is good once. 404 where the server has no local sign-in.
#[utoipa::path(
    post, path = "/session/local", tag = "session", security(()), request_body = SignIn,
    responses((status = 200, body = Token))
)]
async fn sign_in(
    State(shared): State<Arc<Shared>>,
    Body(sign_in): Body<SignIn>,
) -> Result<Json<Token>, Problem> {
    let local = shared.sessions.local().ok_or(Problem::NOT_LOCAL)?;
    let grant = local.exchange(&sign_in.code).map_err(local_problem)?;
    Ok(Json(grant.into()))
}

/// A new token for a local session
#[utoipa::path(post, path = "/session/renew", tag = "session", responses((status = 200, body = Token)))]
async fn renew(
    State(shared): State<Arc<Shared>>,
    Signed { session, token }: Signed,
) -> Result<Json<Token>, Problem> {
    let local = shared.sessions.local().filter(|_| session.local);
    let local = local.ok_or(Problem::NOT_LOCAL)?;
    let grant = local.renew(&token).map_err(local_problem)?;
    Ok(Json(grant.into()))
}

fn local_problem(error: LocalError) -> Problem {
    match error {
        LocalError::Code => Problem::CODE_WRONG,
        LocalError::TooMany => Problem::CODE_TRIES,
        LocalError::Session(_) => Problem::SESSION_EXPIRED,
        LocalError::Random(_) => Problem::UNKNOWN,
    }
}

impl From<Grant> for Token {
    fn from(grant: Grant) -> Self {
        Self {
            token: grant.token,
            expires_at: grant.expires_at,
        }
    }
}
