//! Recorded HTTP, so that a connector is tested natively and completely.
//!
//! A transcript is a list of exchanges that must happen in this order. A request that differs from the
//! recorded one fails the test with both shown; so does a recorded exchange that never happened.

use std::cell::RefCell;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::{Context, Http};
use crate::http::{Request, Response, SendError};

/// One request and what came back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// `GET https://…`
    pub request: String,
    /// Headers that must be there with this value; others may be.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body that must be sent, compared as JSON.
    #[serde(default)]
    pub body: Option<Value>,
    /// The status that comes back; 200 unless said.
    #[serde(default = "ok")]
    pub status: u16,
    /// The headers that come back.
    #[serde(default)]
    pub response_headers: Vec<(String, String)>,
    /// The body that comes back: text as it is, anything else as JSON.
    #[serde(default)]
    pub response: Value,
    /// Instead of an answer: `timeout`, `connect`, `tls`, `interrupted` or `unauthenticated`.
    #[serde(default)]
    pub error: Option<String>,
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
    /// If it is none: transcripts are part of a test.
    #[expect(clippy::expect_used, reason = "only tests have transcripts")]
    pub fn new(exchanges: Value) -> Self {
        Self(RefCell::new(
            serde_json::from_value(exchanges).expect("a list of exchanges"),
        ))
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

impl Http for Transcript {
    #[expect(clippy::panic, reason = "only tests have transcripts")]
    fn send(&self, request: Request) -> Result<Response, SendError> {
        let line = format!("{} {}", request.method, request.url);
        let Some(exchange) = self.0.borrow_mut().pop_front() else {
            panic!("a request that was not recorded: {line}");
        };
        assert_eq!(exchange.request, line, "another request was recorded here");
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
        match exchange.error.as_deref() {
            None => {}
            Some("timeout") => return Err(SendError::Timeout),
            Some("connect") => return Err(SendError::Connect("refused".into())),
            Some("tls") => return Err(SendError::Tls("not trusted".into())),
            Some("interrupted") => return Err(SendError::Interrupted("reset".into())),
            Some("unauthenticated") => return Err(SendError::Unauthenticated("rejected".into())),
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
}
