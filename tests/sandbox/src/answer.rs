//! Answers, and bodies that break on purpose.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::Sleep;

use crate::academy::FileBody;
use crate::journal::Effect;

pub(crate) const JSON: &str = "application/json";
pub(crate) const SCIM_JSON: &str = "application/scim+json";

/// What a handler answers.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Sent in place of `body`.
    pub file: Option<FileBody>,
    /// What was done to an account, or that a document was stored.
    pub effect: Option<Effect>,
    /// The same of each operation of a bulk request.
    pub bulk: Vec<Effect>,
}

impl Answer {
    pub(crate) fn new(status: StatusCode, media: &'static str, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        Self {
            status,
            headers,
            body: body.into(),
            file: None,
            effect: None,
            bulk: Vec::new(),
        }
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(status, JSON, body.to_string())
    }

    /// 200 with a file that is made while it is sent.
    pub(crate) fn file(media: &'static str, file: FileBody) -> Self {
        let mut answer = Self::new(StatusCode::OK, media, Bytes::new());
        answer.file = Some(file);
        answer
    }

    /// An answer without body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            file: None,
            effect: None,
            bulk: Vec::new(),
        }
    }

    /// Adds a header; a value that no header can carry is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    pub(crate) fn effect(mut self, effect: Effect) -> Self {
        self.effect = Some(effect);
        self
    }

    pub(crate) fn into_response(self, body: AnswerBody) -> Response<AnswerBody> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// Personio's error body.
pub(crate) fn personio_error(status: StatusCode, code: i64, message: &str) -> Answer {
    let body = json!({"success": false, "error": {"code": code, "message": message}});
    Answer::json(status, &body)
}

/// The error body of Personio's API v2.
pub(crate) fn personio_problem(status: StatusCode, title: &str, detail: &str) -> Answer {
    let error = json!({"title": title, "detail": detail, "type": status.as_str(), "_meta": {}});
    let body = json!({
        "personio_trace_id": "baaaaaad-0000-4000-8000-000000000001",
        "timestamp": jiff::Timestamp::now(),
        "errors": [error],
    });
    Answer::new(status, "application/problem+json", body.to_string())
}

/// What Personio answers to a request for this path that it did not get to.
pub(crate) fn personio_failure(path: &str, status: StatusCode, message: &str) -> Answer {
    if path.starts_with("/v2/") {
        let title = status.canonical_reason().unwrap_or("Error");
        personio_problem(status, title, message)
    } else {
        personio_error(status, i64::from(status.as_u16()), message)
    }
}

/// SCIM's error body.
pub(crate) fn scim_error(status: StatusCode, scim_type: Option<&str>, detail: &str) -> Answer {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.as_str(),
        "detail": detail,
    });
    if let Some(kind) = scim_type {
        body["scimType"] = kind.into();
    }
    Answer::new(status, SCIM_JSON, body.to_string())
}

/// The error body of the academy's REST API.
pub(crate) fn rest_error(status: StatusCode, message: &str) -> Answer {
    let reason = status.canonical_reason().unwrap_or("Error");
    let body = json!({"statusCode": status.as_u16(), "message": message, "error": reason});
    Answer::json(status, &body)
}

/// A body as it goes out.
pub(crate) enum AnswerBody {
    /// All of it at once.
    Whole(Option<Bytes>),
    /// A file, and how much of it is left.
    File { file: FileBody, left: u64 },
    /// The first part of a body announced as longer, then the end of the connection.
    Broken(Broken),
    /// So many bytes in chunks, without an announced length.
    Endless { opening: Option<Bytes>, left: u64 },
}

pub(crate) struct Broken {
    announced: u64,
    part: Box<AnswerBody>,
    pause: Pin<Box<Sleep>>,
    reset: Option<Arc<AtomicBool>>,
}

impl AnswerBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::Whole((!bytes.is_empty()).then_some(bytes))
    }

    pub(crate) fn file(file: FileBody) -> Self {
        Self::File {
            left: file.len(),
            file,
        }
    }

    /// Half of this body and then a broken connection: reset if `reset` is given (the flag tells the
    /// connection to close without the usual farewell), else merely closed.
    pub(crate) fn broken(self, reset: Option<Arc<AtomicBool>>) -> Self {
        let announced = self.size_hint().lower();
        let part = match self {
            Self::Whole(bytes) => {
                Self::whole(bytes.map_or(Bytes::new(), |b| b.slice(..b.len() / 2)))
            }
            Self::File { file, left } => Self::File {
                file,
                left: left / 2,
            },
            other => other,
        };
        Self::Broken(Broken {
            announced: announced.max(1),
            part: Box::new(part),
            // Long enough for the half to have reached the client, which a reset would overtake.
            pause: Box::pin(tokio::time::sleep(Duration::from_millis(30))),
            reset,
        })
    }

    pub(crate) fn endless(size: u64) -> Self {
        let opening = Bytes::from_static(b"{\"success\":true,\"data\":\"");
        Self::Endless {
            left: size.saturating_sub(opening.len() as u64),
            opening: Some(opening),
        }
    }
}

static FILLING: [u8; 65_536] = [b'a'; 65_536];

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Broken(broken) => {
                if let Some(frame) = ready!(Pin::new(&mut *broken.part).poll_frame(cx)) {
                    return Poll::Ready(Some(frame));
                }
                ready!(broken.pause.as_mut().poll(cx));
                if let Some(reset) = &broken.reset {
                    reset.store(true, Ordering::Relaxed);
                }
                Poll::Ready(Some(Err(std::io::Error::other("broken off on purpose"))))
            }
            Self::File { file, left } => {
                let chunk = if *left == 0 { None } else { file.next() };
                Poll::Ready(chunk.map(|mut chunk| {
                    chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= chunk.len() as u64;
                    Ok(Frame::data(chunk))
                }))
            }
            Self::Endless { opening, left } => {
                if let Some(opening) = opening.take() {
                    return Poll::Ready(Some(Ok(Frame::data(opening))));
                }
                if *left == 0 {
                    return Poll::Ready(None);
                }
                let size = usize::try_from(*left)
                    .unwrap_or(FILLING.len())
                    .min(FILLING.len());
                *left -= size as u64;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&FILLING[..size])))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None) | Self::File { left: 0, .. })
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Self::File { left, .. } => SizeHint::with_exact(*left),
            Self::Broken(broken) => SizeHint::with_exact(broken.announced),
            Self::Endless { .. } => SizeHint::default(),
        }
    }
}
