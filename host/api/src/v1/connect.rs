//! Signing in to a system in a window of its own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use matricula_service::{Connected, Error, Visitor, Window};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::bounds::Bounds;
use super::credentials::find;
use super::extract::{Body, Owner, Path, Signed};
use crate::Shared;
use crate::problem::{FieldError, Problem};

/// The longest token of a window.
pub(super) const TOKEN: usize = 4096;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(connect))
}

/// What somebody wants to sign in to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectWanted {
    /// The way to sign in, one of those with `sign_in`.
    #[schema(max_length = 100)]
    method: String,
    /// The credential whose connection is to be signed in to anew; without it a new connection is made.
    #[schema(max_length = 100)]
    credential: Option<String>,
}

/// A window that somebody signs in to a system in.
#[derive(Serialize, ToSchema)]
#[schema(as = Window)]
struct WindowShape {
    /// Its address, for this person alone.
    link: String,
    /// How a page and the window speak to each other: `kombo`, which is npm's `@kombo-api/connect`.
    widget: &'static str,
    /// The window's origin, which a page has to be allowed to frame.
    frame: String,
    /// When the address ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl From<Window> for WindowShape {
    fn from(window: Window) -> Self {
        Self {
            link: window.link,
            widget: window.widget,
            frame: window.frame,
            expires_at: window.expires_at,
        }
    }
}

/// Open a window to sign in to a system with
///
/// The token that the window gives goes into a credential: see `token` there.
#[utoipa::path(
    post, path = "/connectors/{id}/connect", tag = "catalogue",
    params(("id" = String, Path, max_length = 100)), request_body = ConnectWanted,
    responses((status = 200, body = WindowShape))
)]
async fn connect(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    Body(wanted): Body<ConnectWanted>,
) -> Result<Json<WindowShape>, Problem> {
    let bounds = Bounds::default().text("/method", &wanted.method, 0, 100);
    bounds
        .optional("/credential", wanted.credential.as_deref(), 0, 100)
        .held()?;
    let credential = match wanted.credential {
        Some(credential) => Some(find(&shared, owner.tenant(), credential).await?),
        None => None,
    };
    let is_other = |credential: &matricula_core::credential::Credential| {
        credential.connector != id || credential.method != wanted.method
    };
    if credential.as_ref().is_some_and(is_other) {
        return Err(Error::ConnectUnknown {
            connector: id,
            method: wanted.method,
        }
        .into());
    }
    let _pass = shared.remote(owner.tenant()).await?;
    let window = shared.matricula.window(
        owner.tenant(),
        &id,
        &wanted.method,
        visitor(&owner),
        credential.as_ref(),
    );
    Ok(Json(window.await?.into()))
}

fn visitor(signed: &Signed) -> Visitor<'_> {
    Visitor {
        language: signed.session.locale.as_str(),
        email: signed.session.person.email.as_deref(),
        organization: signed.session.organization.as_deref(),
    }
}

/// What a window's token stands for, where the method has a window. It is asked for last of all: a token is good once.
pub(super) async fn exchanged(
    shared: &Shared,
    owner: &Signed,
    connector: &str,
    method: Option<&str>,
    token: Option<&str>,
) -> Result<Option<Connected>, Problem> {
    let tenant = owner.tenant();
    let method = shared.matricula.method(tenant, connector, method)?;
    let wrong = |code: &'static str, message: &str| {
        let error = FieldError {
            pointer: "/token".to_owned(),
            code: code.into(),
            message: message.to_owned(),
        };
        Err(Problem::CREDENTIAL_FIELDS.at(vec![error]))
    };
    let token = token.map(str::trim).filter(|token| !token.is_empty());
    let token = match (&method.connect, token) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return wrong("field.unknown", "this way to sign in has no window"),
        (Some(_), None) => {
            return wrong("field.missing", "sign in in the system's window first");
        }
        (Some(_), Some(token)) => token,
    };
    let _pass = shared.remote(tenant).await?;
    let matricula = &shared.matricula;
    let connected = matricula.take_up(tenant, connector, &method.id, visitor(owner), token);
    Ok(Some(connected.await?))
}
