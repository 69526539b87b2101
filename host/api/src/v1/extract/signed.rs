//! Who asks.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use matricula_core::{Person, TenantId};
use matricula_session::{Session, SessionError, bearer};
use zeroize::Zeroizing;

use crate::Shared;
use crate::problem::Problem;

/// Somebody who may look.
pub(crate) struct Signed {
    pub(crate) session: Session,
    /// As it came; only the renewal of a local session looks at it again.
    pub(crate) token: Zeroizing<String>,
}

/// Somebody who may change things.
pub(crate) struct Owner(pub(crate) Signed);

impl Signed {
    /// Whose everything is that is asked for.
    pub(crate) fn tenant(&self) -> &TenantId {
        &self.session.tenant
    }

    /// For the history of changes.
    pub(crate) fn person(&self) -> &Person {
        &self.session.person
    }

    /// Whether the vendor offers a flow to anybody.
    pub(crate) fn is_offered(&self, shared: &Shared, flow: &str) -> bool {
        let vendor = shared.sessions.vendors().vendor(&self.session.vendor);
        vendor.is_none_or(|vendor| vendor.offers(flow))
    }

    /// Refuses a flow that the tenant has not bought.
    ///
    /// # Errors
    /// [`Problem::NOT_BOUGHT`].
    pub(crate) fn bought(&self, flow: &str) -> Result<(), Problem> {
        match self.session.bought(flow) {
            true => Ok(()),
            false => Err(Problem::NOT_BOUGHT),
        }
    }
}

impl Deref for Owner {
    type Target = Signed;

    fn deref(&self) -> &Signed {
        &self.0
    }
}

impl FromRequestParts<Arc<Shared>> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let header = parts.headers.get(AUTHORIZATION);
        let header = header.map(|header| header.to_str().unwrap_or_default());
        let verified = match bearer(header) {
            Ok(token) => (token, shared.sessions.verify(token).await),
            Err(error) => ("", Err(error)),
        };
        match verified {
            (token, Ok(session)) => Ok(Self {
                session,
                token: Zeroizing::new(token.to_owned()),
            }),
            (_, Err(SessionError::Missing)) => Err(Problem::SESSION_MISSING),
            (_, Err(SessionError::Expired)) => Err(Problem::SESSION_EXPIRED),
            (_, Err(SessionError::Invalid(reason))) => {
                tracing::info!(%reason, "A session token was refused.");
                Err(Problem::SESSION_INVALID)
            }
        }
    }
}

impl FromRequestParts<Arc<Shared>> for Owner {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let signed = Signed::from_request_parts(parts, shared).await?;
        match signed.session.may_change() {
            true => Ok(Self(signed)),
            false => Err(Problem::VIEWER),
        }
    }
}
