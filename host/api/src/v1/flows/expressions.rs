//! An expression that an owner is writing, tried while they write it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Shared;
use crate::problem::Problem;
use crate::v1::bounds::Bounds;
use crate::v1::extract::{Body, Owner, Path};

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(evaluate))
}

/// The longest expression that is looked at, in characters; what the flow takes is counted in bytes and told by it.
const LONGEST: usize = 4096;

/// An expression for an attribute of the target.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Expression {
    /// The attribute.
    #[schema(max_length = 200)]
    field: String,
    /// What it would be filled with.
    #[schema(max_length = 4096)]
    expression: String,
    /// A record of the source to try it on.
    #[schema(value_type = Option<Object>)]
    record: Option<Map<String, Value>>,
    /// Settings that it may use; defaults where there are none.
    #[serde(default)]
    #[schema(value_type = Object, required = false)]
    settings: Map<String, Value>,
}

/// What came of an expression.
#[derive(Serialize, ToSchema)]
struct Evaluated {
    /// Whether it may be kept as it is.
    ok: bool,
    /// What is wrong with it.
    problems: Vec<Wrong>,
    /// The attributes of the source that it reads.
    reads: Vec<String>,
    /// What it gives for the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    value: Option<Value>,
    /// Why it gives nothing for the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Something that is wrong with an expression.
#[derive(Serialize, ToSchema)]
struct Wrong {
    /// Its line, from 1.
    line: usize,
    /// Its column in characters, from 1.
    column: usize,
    /// What is wrong.
    message: String,
    /// What was probably meant, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Check an expression, and try it on a record
///
/// Nothing is kept. An expression that is wrong is an answer too: `ok` is false then.
#[utoipa::path(
    post, path = "/flows/{name}/expressions", tag = "catalogue",
    params(("name" = String, Path, max_length = 100)), request_body = Expression,
    responses((status = 200, body = Evaluated))
)]
async fn evaluate(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(name): Path<String>,
    Body(tried): Body<Expression>,
) -> Result<Json<Evaluated>, Problem> {
    Bounds::default()
        .text("/field", &tried.field, 0, 200)
        .text("/expression", &tried.expression, 0, LONGEST)
        .held()?;
    let flow = shared.matricula.offered(&name)?;
    owner.bought(flow.name())?;
    let record = tried.record.map(Value::Object);
    let settings = Value::Object(tried.settings);
    // Bounded work, but too much of it for a thread that answers others.
    let tried = tokio::task::spawn_blocking(move || {
        flow.try_expression(&tried.field, &tried.expression, record.as_ref(), &settings)
    });
    let tried = tried.await.map_err(|error| {
        tracing::error!(%error, "An expression could not be tried.");
        Problem::UNKNOWN
    })?;
    let problems = tried.problems.into_iter().map(|wrong| Wrong {
        line: wrong.line,
        column: wrong.column,
        message: wrong.message,
        hint: wrong.hint,
    });
    let problems: Vec<Wrong> = problems.collect();
    Ok(Json(Evaluated {
        ok: problems.is_empty(),
        problems,
        reads: tried.reads,
        value: tried.value,
        error: tried.error,
    }))
}
