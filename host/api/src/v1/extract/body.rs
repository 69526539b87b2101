//! A JSON body, bounded in size and time.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use futures::StreamExt as _;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::Shared;
use crate::problem::{FieldError, Problem};

/// The longest body that is read.
pub(crate) const LONGEST: usize = 256 * 1024;

/// What was sent. Extract it last, after who asks: nobody unknown has their body read.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Shared>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::BODY_TYPE);
        }
        let bytes = timeout(shared.options.body_within, read_body(request.into_body()))
            .await
            .map_err(|_| Problem::BODY_SLOW)??;
        parse(&bytes).map(Self)
    }
}

/// Reads a body to its end.
///
/// # Errors
/// [`Problem::BODY_TOO_LARGE`].
pub(crate) async fn read_body(body: axum::body::Body) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        // Nobody is there to hear it if the connection broke.
        let chunk = chunk.map_err(|_| Problem::BODY_SLOW)?;
        if bytes.len() + chunk.len() > LONGEST {
            return Err(Problem::BODY_TOO_LARGE);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The message of serde names fields and types and quotes no more than a value that is none of the expected
/// ones; a body can hold secrets, so what it quotes is left out.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut source)
        .map_err(|error| (pointer(error.path()), error.into_inner()));
    parsed
        .and_then(|value| source.end().map(|()| value).map_err(|e| (String::new(), e)))
        .map_err(|(pointer, error)| {
            Problem::BODY_INVALID.at(vec![FieldError {
                pointer,
                code: match error.classify() {
                    serde_json::error::Category::Data => "body.shape".into(),
                    _ => "body.syntax".into(),
                },
                message: expectation(&error),
            }])
        })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path.iter() {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

/// What was expected and where, without what was found.
fn expectation(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let expected = [
        "expected ",
        "missing field",
        "unknown field",
        "duplicate field",
    ]
    .iter()
    .filter_map(|mark| said.find(mark).map(|at| &said[at..]))
    .next_back()
    .map(|text| text.split(" at line ").next().unwrap_or(text));
    format!(
        "line {}, column {}: {}",
        error.line(),
        error.column(),
        expected.unwrap_or("this is no JSON of the expected shape")
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sent {
        #[serde(rename = "list")]
        _list: Vec<u8>,
    }

    fn refused(text: &str) -> FieldError {
        let mut problem = parse::<Sent>(text.as_bytes()).unwrap_err();
        problem.errors.remove(0)
    }

    #[test]
    fn an_error_says_where_and_does_not_quote() {
        let error = refused(r#"{"list": [1, "hunter2"]}"#);
        assert_eq!(error.pointer, "/list/1");
        assert!(error.message.contains("expected u8"), "{}", error.message);
        assert!(!error.message.contains("hunter2"), "{}", error.message);
        assert_eq!(refused(r#"{"list": [1]} x"#).code, "body.syntax");
        assert_eq!(refused("").code, "body.syntax");
        assert!(refused("{}").message.contains("missing field `list`"));
    }
}
