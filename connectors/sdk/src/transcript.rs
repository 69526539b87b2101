//! Recorded HTTP, so that a connector is tested natively and completely.
//!
//! A transcript is a list of exchanges that must happen in this order. A request that differs from the
//! recorded one fails the test with both shown; so does a recorded exchange that never happened.
//!
//! ```
//! use matricula_sdk::transcript::Transcript;
//! use matricula_sdk::{Part, Request};
//! use serde_json::json;
//!
//! let transcript = Transcript::new(json!([
//!     {
//!         "via": "fetch",
//!         "request": "GET https://api.example.com/certificates/7.pdf",
//!         "file": { "id": "f1", "media_type": "application/pdf", "size": 5, "sha256": "…" }
//!     },
//!     {
//!         "via": "upload",
//!         "request": "POST https://api.example.org/documents",
//!         "parts": [
//!             { "name": "title", "text": "Fire safety" },
//!             { "name": "file", "file": "f1", "filename": "7.pdf", "media_type": "application/pdf" }
//!         ],
//!         "response": { "id": 12 }
//!     }
//! ]));
//! let cx = transcript.context(&json!({}));
//! let (_, file) = cx.fetch(Request::get("https://api.example.com/certificates/7.pdf")).unwrap();
//! let parts = vec![
//!     Part::text("title", "Fire safety"),
//!     Part::file("file", "7.pdf", &file.unwrap()),
//! ];
//! cx.upload(Request::new("POST", "https://api.example.org/documents"), parts).unwrap();
//! transcript.done();
//! ```

use std::cell::RefCell;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::{Context, Http};
use crate::file::{Content, File, Part, Piece};
use crate::http::{Denied, Request, Response, SendError};

/// One request and what came back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// How it must be sent.
    #[serde(default)]
    pub via: Via,
    /// `GET https://…`
    pub request: String,
    /// Headers that must be there with this value; others may be.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body that must be sent, compared as JSON; of a composed one with `base64:` and the file's id where a
    /// file's content stands.
    #[serde(default)]
    pub body: Option<Value>,
    /// Of an upload: the parts that must be sent, all of them, in this order.
    #[serde(default)]
    pub parts: Vec<RecordedPart>,
    /// The status that comes back; 200 unless said.
    #[serde(default = "ok")]
    pub status: u16,
    /// The headers that come back.
    #[serde(default)]
    pub response_headers: Vec<(String, String)>,
    /// The body that comes back: text as it is, anything else as JSON.
    #[serde(default)]
    pub response: Value,
    /// Of a fetch: what is held afterwards. The body that comes back is empty then.
    #[serde(default)]
    pub file: Option<File>,
    /// Instead of an answer: `timeout`, `connect`, `tls`, `interrupted`, `unauthenticated` or `too-large`.
    #[serde(default)]
    pub error: Option<String>,
}

impl Exchange {
    /// What the host could not do either.
    fn check(&self) {
        let line = &self.request;
        assert!(
            self.parts.is_empty() || self.via == Via::Upload,
            "{line} has parts, but \"via\" is not \"upload\""
        );
        assert!(
            self.body.is_none() || self.via != Via::Upload,
            "{line} is an upload: its body is its parts"
        );
        if self.file.is_some() {
            assert!(
                self.via == Via::Fetch,
                "{line} has a file, but \"via\" is not \"fetch\""
            );
            assert!(
                (200..300).contains(&self.status) && self.response.is_null(),
                "{line} has a file: its status is 2xx and its body empty"
            );
        }
    }
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// [`Context::send`].
    #[default]
    Send,
    /// [`Context::fetch`].
    Fetch,
    /// [`Context::upload`].
    Upload,
    /// [`Context::compose`].
    Compose,
}

/// A part of an upload as it must be sent: either a `text` or a `file`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedPart {
    /// The form's field.
    pub name: String,
    /// What the file is called.
    #[serde(default)]
    pub filename: Option<String>,
    /// The part's content type.
    #[serde(default)]
    pub media_type: Option<String>,
    /// What is in it, as text.
    #[serde(default)]
    pub text: Option<String>,
    /// The id of the held file that is in it.
    #[serde(default)]
    pub file: Option<String>,
}

impl RecordedPart {
    #[expect(clippy::expect_used, reason = "only tests have transcripts")]
    fn of(part: Part) -> Self {
        let (text, file) = match part.content {
            Content::Bytes(bytes) => {
                let text = String::from_utf8(bytes).expect("a part of bytes that are text");
                (Some(text), None)
            }
            Content::File(id) => (None, Some(id)),
        };
        Self {
            name: part.name,
            filename: part.filename,
            media_type: part.media_type,
            text,
            file,
        }
    }
}

fn ok() -> u16 {
    200
}

/// Plays recorded exchanges.
pub struct Transcript(RefCell<VecDeque<Exchange>>);

impl Transcript {
    /// From a JSON array of exchanges.
    ///
    /// # Panics
    /// If it is none, or has what cannot happen: transcripts are part of a test.
    #[expect(clippy::expect_used, reason = "only tests have transcripts")]
    pub fn new(exchanges: Value) -> Self {
        let exchanges: VecDeque<Exchange> =
            serde_json::from_value(exchanges).expect("a list of exchanges");
        exchanges.iter().for_each(Exchange::check);
        Self(RefCell::new(exchanges))
    }

    /// A context that plays this transcript, with the given configuration, at a fixed time.
    ///
    /// # Panics
    /// If the configuration is no JSON object.
    #[expect(clippy::expect_used, reason = "only tests have transcripts")]
    pub fn context(&self, config: &Value) -> Context<'_> {
        // 2026-11-21T12:00:00Z
        Context::new(self, &config.to_string(), 1_795_262_400_000, "test").expect("a configuration")
    }

    /// Fails the test unless everything recorded has happened.
    ///
    /// # Panics
    /// If something has not.
    pub fn done(&self) {
        let left: Vec<_> = self.0.borrow().iter().map(|e| e.request.clone()).collect();
        assert!(left.is_empty(), "never requested: {left:#?}");
    }
}

impl Transcript {
    /// The next exchange, if this is it.
    #[expect(clippy::panic, reason = "only tests have transcripts")]
    fn next(&self, via: Via, request: &Request) -> Exchange {
        let line = format!("{} {}", request.method, request.url);
        let Some(exchange) = self.0.borrow_mut().pop_front() else {
            panic!("a request that was not recorded: {line}");
        };
        assert_eq!(exchange.request, line, "another request was recorded here");
        assert_eq!(exchange.via, via, "how {line} is sent");
        for (name, value) in &exchange.headers {
            let sent = request
                .headers
                .iter()
                .find(|(sent, _)| sent.eq_ignore_ascii_case(name));
            assert_eq!(
                sent.map(|(_, sent)| sent),
                Some(value),
                "header {name} of {line}"
            );
        }
        if let Some(expected) = &exchange.body {
            let sent: Value = serde_json::from_slice(request.body.as_deref().unwrap_or_default())
                .unwrap_or(Value::Null);
            assert_eq!(&sent, expected, "body of {line}");
        }
        exchange
    }
}

/// What comes back.
#[expect(clippy::panic, reason = "only tests have transcripts")]
fn answer(exchange: Exchange) -> Result<Response, SendError> {
    match exchange.error.as_deref() {
        None => {}
        Some("timeout") => return Err(SendError::Timeout),
        Some("connect") => return Err(SendError::Connect("refused".into())),
        Some("tls") => return Err(SendError::Tls("not trusted".into())),
        Some("interrupted") => return Err(SendError::Interrupted("reset".into())),
        Some("unauthenticated") => return Err(SendError::Unauthenticated("rejected".into())),
        Some("too-large") => return Err(SendError::Denied(Denied::TooLarge)),
        Some(other) => panic!("{other} is no error that a transcript can play"),
    }
    let body = match exchange.response {
        Value::Null => Vec::new(),
        Value::String(text) => text.into_bytes(),
        json => json.to_string().into_bytes(),
    };
    Ok(Response {
        status: exchange.status,
        headers: exchange.response_headers,
        body,
    })
}

impl Http for Transcript {
    fn send(&self, request: Request) -> Result<Response, SendError> {
        answer(self.next(Via::Send, &request))
    }

    fn fetch(&self, request: Request) -> Result<(Response, Option<File>), SendError> {
        let mut exchange = self.next(Via::Fetch, &request);
        let file = exchange.file.take();
        Ok((answer(exchange)?, file))
    }

    fn upload(&self, request: Request, parts: Vec<Part>) -> Result<Response, SendError> {
        let exchange = self.next(Via::Upload, &request);
        let line = &exchange.request;
        assert!(
            request.body.is_none(),
            "{line} is an upload and has a body besides its parts"
        );
        let sent: Vec<_> = parts.into_iter().map(RecordedPart::of).collect();
        assert_eq!(sent, exchange.parts, "parts of {line}");
        answer(exchange)
    }

    fn compose(&self, mut request: Request, pieces: Vec<Piece>) -> Result<Response, SendError> {
        assert!(
            request.body.is_none(),
            "{} {} has a body besides its pieces",
            request.method,
            request.url
        );
        let piece = |piece| match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Base64(id) => format!("base64:{id}").into_bytes(),
        };
        request.body = Some(pieces.into_iter().flat_map(piece).collect());
        answer(self.next(Via::Compose, &request))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PDF: &str = "https://api.example.com/7.pdf";
    const DOCUMENTS: &str = "https://api.example.org/documents";

    #[test]
    fn a_fetch_without_a_file_has_the_answer() {
        let transcript = Transcript::new(json!([
            { "via": "fetch", "request": format!("GET {PDF}"), "status": 404, "response": "gone" },
            { "via": "fetch", "request": format!("GET {PDF}"), "error": "too-large" }
        ]));
        let cx = transcript.context(&json!({}));
        let (response, file) = cx.fetch(Request::get(PDF)).unwrap();
        assert_eq!((response.status, &*response.body), (404, &b"gone"[..]));
        assert_eq!(file, None);
        assert_eq!(
            cx.fetch(Request::get(PDF)),
            Err(SendError::Denied(Denied::TooLarge))
        );
        transcript.done();
    }

    #[test]
    #[should_panic(expected = "how GET https://api.example.com/7.pdf is sent")]
    fn a_file_that_is_read_into_memory_fails_the_test() {
        let transcript =
            Transcript::new(json!([{ "via": "fetch", "request": format!("GET {PDF}") }]));
        let _ = transcript.context(&json!({})).send(Request::get(PDF));
    }

    #[test]
    fn a_composed_body_is_compared_as_a_whole() {
        let transcript = Transcript::new(json!([{
            "via": "compose",
            "request": format!("POST {DOCUMENTS}"),
            "body": { "data": "base64:f1" },
            "status": 201
        }]));
        let cx = transcript.context(&json!({}));
        let file = File {
            id: "f1".into(),
            name: None,
            media_type: "text/plain".into(),
            size: 1,
            sha256: String::new(),
        };
        let pieces = Piece::json(&json!({ "data": "f1" }), &file).unwrap();
        let answer = cx.compose(Request::new("POST", DOCUMENTS), pieces);
        assert_eq!(answer.unwrap().status, 201);
        transcript.done();
    }

    fn upload(parts: Vec<Part>) {
        let transcript = Transcript::new(json!([{
            "via": "upload",
            "request": format!("POST {DOCUMENTS}"),
            "parts": [
                { "name": "title", "text": "Fire safety" },
                { "name": "category", "text": "9" }
            ]
        }]));
        let cx = transcript.context(&json!({}));
        cx.upload(Request::new("POST", DOCUMENTS), parts).unwrap();
        transcript.done();
    }

    #[test]
    fn the_parts_that_were_recorded_are_taken() {
        upload(vec![
            Part::text("title", "Fire safety"),
            Part::text("category", "9"),
        ]);
    }

    #[test]
    #[should_panic(expected = "parts of POST")]
    fn parts_in_another_order_fail_the_test() {
        upload(vec![
            Part::text("category", "9"),
            Part::text("title", "Fire safety"),
        ]);
    }

    #[test]
    #[should_panic(expected = "parts of POST")]
    fn a_part_that_was_not_recorded_fails_the_test() {
        upload(vec![
            Part::text("title", "Fire safety"),
            Part::text("category", "9"),
            Part::text("comment", ""),
        ]);
    }

    #[test]
    #[should_panic(expected = "its status is 2xx")]
    fn a_file_behind_a_404_cannot_be_recorded() {
        Transcript::new(json!([{
            "via": "fetch", "request": format!("GET {PDF}"), "status": 404,
            "file": { "id": "f1", "media_type": "text/plain", "size": 1, "sha256": "" }
        }]));
    }
}
