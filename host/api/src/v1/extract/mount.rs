//! Below which path the routes lie.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, OriginalUri, Request};
use axum::http::request::Parts;

/// The path below which an application has nested the router, without a slash at its end; empty where it has not.
/// Addresses that are told begin with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mount(pub(crate) String);

impl Mount {
    /// Looks before the request goes to a route, since some of these are nested again.
    pub(crate) fn note(request: &mut Request) {
        let own = request.uri().path();
        let asked = request.extensions().get::<OriginalUri>();
        let asked = asked.map_or(own, |uri| uri.0.path());
        let mount = match own {
            "/" => asked.strip_suffix('/').unwrap_or(asked),
            own => asked.strip_suffix(own).unwrap_or_default(),
        };
        let mount = Self(mount.to_owned());
        request.extensions_mut().insert(mount);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Mount {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}
