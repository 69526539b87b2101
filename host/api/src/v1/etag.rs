//! Changes that say what they are based on: an `ETag` with what is read, `If-Match` with what is changed.
//!
//! A tag is a digest of what an owner can change of a resource, so that a cycle that ends meanwhile does not
//! refuse an owner's change.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// The tag of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(String);

impl Tag {
    /// The tag of what an owner can change.
    pub(crate) fn of(state: &impl Serialize) -> Self {
        let digest = Sha256::digest(serde_json::to_vec(state).unwrap_or_default());
        let short = digest.get(..12).unwrap_or_default();
        Self(format!("\"{}\"", URL_SAFE_NO_PAD.encode(short)))
    }
}

/// A resource with its tag.
pub(crate) struct Tagged<T>(pub(crate) Tag, pub(crate) T);

impl<T: IntoResponse> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([(ETAG, self.0.0)], self.1).into_response()
    }
}

/// What a change is based on.
#[derive(Debug)]
pub(crate) struct Basis(String);

impl Basis {
    /// Refuses if that is not what there is.
    ///
    /// # Errors
    /// [`Problem::PRECONDITION_FAILED`].
    pub(crate) fn is(&self, tag: &Tag) -> Result<(), Problem> {
        let named = |one: &str| one.trim() == "*" || one.trim() == tag.0;
        match self.0.split(',').any(named) {
            true => Ok(()),
            false => Err(Problem::PRECONDITION_FAILED),
        }
    }

    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let header = headers.get(IF_MATCH);
        let header = header.ok_or(Problem::PRECONDITION_MISSING)?;
        // What is no text is no tag of ours.
        let text = header.to_str().map_err(|_| Problem::PRECONDITION_FAILED)?;
        Ok(Self(text.to_owned()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Basis {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn based_on(text: &str) -> Basis {
        let header = HeaderValue::from_str(text).unwrap();
        Basis::read(&HeaderMap::from_iter([(IF_MATCH, header)])).unwrap()
    }

    #[test]
    fn a_change_is_refused_that_is_based_on_something_else() {
        let (old, new) = (Tag::of(&1), Tag::of(&2));
        assert!(based_on(&old.0).is(&old).is_ok());
        assert!(based_on(&format!("\"x\", {}", old.0)).is(&old).is_ok());
        assert!(based_on("*").is(&new).is_ok());
        let refused = based_on(&old.0).is(&new).unwrap_err();
        assert_eq!(refused.code, "precondition.failed");
        let missing = Basis::read(&HeaderMap::new()).unwrap_err();
        assert_eq!(missing.code, "precondition.missing");
    }
}
