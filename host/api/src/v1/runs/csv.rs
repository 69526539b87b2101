//! The records of a run as a table for spreadsheets (RFC 4180), written while the store is read.
//!
//! A spreadsheet takes a cell that begins with `=` and the like for a formula, and keys and reasons come from
//! remote systems: such cells get an apostrophe in front, which spreadsheets take for "this is text".

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream::try_unfold;
use matricula_core::RunId;
use matricula_core::run::{Outcome, OutcomeKind};
use matricula_core::store::{OutcomeFilter, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{KindsWanted, run};
use crate::Shared;
use crate::problem::Problem;
use crate::v1::extract::{Path, Query, Signed};

/// Rows in hand at a time.
const PAGE: u32 = 500;
const HEAD: &str = "key,target,outcome,code,reason,changed\r\n";

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(csv))
}

/// What became of everybody in a run, as CSV
#[utoipa::path(
    get, path = "/runs/{id}/records.csv", tag = "runs",
    params(("id" = i64, Path, description = "The run's number."), KindsWanted),
    responses((status = 200, body = String, content_type = "text/csv"))
)]
async fn csv(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(id): Path<i64>,
    Query(wanted): Query<KindsWanted>,
) -> Result<Response, Problem> {
    let kinds = wanted.kinds()?;
    let run = run(&shared, signed.tenant(), RunId(id)).await?.id;
    let name = format!("attachment; filename=\"run-{run}.csv\"");
    let headers = [
        (
            CONTENT_TYPE,
            "text/csv; charset=utf-8; header=present".to_owned(),
        ),
        (CONTENT_DISPOSITION, name),
    ];
    let pages = try_unfold(Some((HEAD.to_owned(), None)), move |rest| {
        let (shared, kinds) = (Arc::clone(&shared), kinds.clone());
        async move {
            match rest {
                Some((head, after)) => page(&shared, run, kinds, head, after).await.map(Some),
                None => Ok(None),
            }
        }
    });
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// What is to be written before the next page, and after which row that begins; none after the last page.
type Rest = Option<(String, Option<i64>)>;

async fn page(
    shared: &Shared,
    run: RunId,
    kinds: Vec<OutcomeKind>,
    mut text: String,
    after: Option<i64>,
) -> Result<(Bytes, Rest), StoreError> {
    let filter = OutcomeFilter {
        kinds,
        after,
        limit: PAGE,
    };
    let outcomes = shared.matricula.store().outcomes(run, &filter).await;
    // A download that breaks off is not taken for the whole.
    let outcomes = outcomes.inspect_err(|error| tracing::warn!(%error, "A table broke off."))?;
    let full = outcomes.len() as u64 >= u64::from(PAGE);
    let rest = outcomes.last().filter(|_| full);
    let rest = rest.map(|(last, _)| (String::new(), Some(*last)));
    for (_, outcome) in &outcomes {
        row(&mut text, outcome);
    }
    Ok((Bytes::from(text), rest))
}

fn row(text: &mut String, outcome: &Outcome) {
    let target = outcome.target.as_ref().map(|target| target.as_str());
    let changed = outcome.changed.join(" ");
    let cells = [
        outcome.key.as_str(),
        target.unwrap_or_default(),
        outcome.kind.as_str(),
        outcome.code.as_deref().unwrap_or_default(),
        outcome.reason.as_deref().unwrap_or_default(),
        &changed,
    ];
    for (number, value) in cells.into_iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        cell(text, value);
    }
    text.push_str("\r\n");
}

fn cell(text: &mut String, value: &str) {
    let formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let quoted = value.contains(['"', ',', '\r', '\n']);
    if quoted {
        text.push('"');
    }
    if formula {
        text.push('\'');
    }
    match quoted {
        true => {
            text.push_str(&value.replace('"', "\"\""));
            text.push('"');
        }
        false => text.push_str(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> String {
        let mut text = String::new();
        cell(&mut text, value);
        text
    }

    #[test]
    fn a_cell_is_text_whatever_it_holds() {
        assert_eq!(of("p-1"), "p-1");
        assert_eq!(of("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(of("two\r\nlines"), "\"two\r\nlines\"");
        for formula in ["=1+1", "+49", "-1", "@SUM(A1)", "\tx"] {
            assert_eq!(of(formula), format!("'{formula}"));
        }
        assert_eq!(of("=HYPERLINK(\"x\",1)"), "\"'=HYPERLINK(\"\"x\"\",1)\"");
        assert_eq!(of("\n=1"), "\"'\n=1\"");
    }

    #[test]
    fn a_row_has_its_columns_in_the_order_of_the_head() {
        let outcome = Outcome {
            key: "p-1".into(),
            target: None,
            kind: OutcomeKind::Updated,
            code: Some("adopted".to_owned()),
            reason: None,
            changed: vec!["name".to_owned(), "email".to_owned()],
        };
        let mut text = String::new();
        row(&mut text, &outcome);
        assert_eq!(text, "p-1,,updated,adopted,,name email\r\n");
    }
}
