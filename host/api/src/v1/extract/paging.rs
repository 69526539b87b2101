//! Parameters of an address, and lists that are read a page at a time.
//!
//! A cursor is opaque: the JSON of a list's own position, as URL-safe base64. It carries no right of its own;
//! whoever makes one up sees at most another place of a list that they may read anyway.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{FieldError, Problem};

/// Rows of a page where nothing is said.
const ROWS: u32 = 50;
/// The most rows of a page.
const MOST: u32 = 200;

/// The parameters of an address.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|error| {
                Problem::QUERY_INVALID.at(vec![FieldError {
                    pointer: String::new(),
                    code: "query.invalid".into(),
                    message: error.body_text(),
                }])
            })
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// The most rows.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(crate) limit: Option<u32>,
    /// Where the page before this one ended: its `next`.
    #[param(max_length = 1024)]
    pub(crate) cursor: Option<String>,
}

impl Paging {
    /// The most rows.
    ///
    /// # Errors
    /// [`Problem::QUERY_INVALID`].
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(ROWS) {
            limit @ 1..=MOST => Ok(limit),
            _ => Err(Problem::QUERY_INVALID.saying("limit is a number from 1 to 200")),
        }
    }

    /// After which row the page begins; none: at the beginning.
    ///
    /// # Errors
    /// [`Problem::CURSOR_INVALID`].
    pub(crate) fn after<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        let Some(cursor) = &self.cursor else {
            return Ok(None);
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok();
        let position = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        position.map(Some).ok_or(Problem::CURSOR_INVALID)
    }
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The rows.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; null at the end.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A list that is always answered as a whole.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }

    /// A page of rows each with its position. `limit + 1` rows were asked for: one more says that there is
    /// another page.
    pub(crate) fn cut<P: Serialize>(rows: Vec<(P, T)>, limit: u32) -> Self {
        let limit = limit as usize;
        let more = rows.len() > limit;
        let mut next = None;
        let mut items = Vec::with_capacity(rows.len().min(limit));
        for (number, (position, item)) in rows.into_iter().take(limit).enumerate() {
            if more && number + 1 == limit {
                next = cursor(&position);
            }
            items.push(item);
        }
        Self { items, next }
    }

    /// A page of a list that says itself where it goes on.
    pub(crate) fn at(items: Vec<T>, next: Option<&impl Serialize>) -> Self {
        Self {
            items,
            next: next.and_then(cursor),
        }
    }
}

fn cursor(position: &impl Serialize) -> Option<String> {
    let bytes = serde_json::to_vec(position).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_to_the_next_page_and_no_further() {
        let page = Page::cut(vec![(1, "a"), (2, "b"), (3, "c")], 2);
        assert_eq!(page.items, ["a", "b"]);
        let paging = Paging {
            limit: None,
            cursor: page.next,
        };
        assert_eq!(paging.after::<i64>().unwrap(), Some(2));
        assert_eq!(paging.limit().unwrap(), 50);
        assert!(Page::cut(vec![(1, "a"), (2, "b")], 2).next.is_none());
        let wrong = Paging {
            limit: Some(0),
            cursor: Some("%".to_owned()),
        };
        assert_eq!(wrong.limit().unwrap_err().code, "query.invalid");
        assert_eq!(wrong.after::<i64>().unwrap_err().code, "cursor.invalid");
    }
}
