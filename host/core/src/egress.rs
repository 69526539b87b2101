//! The way out to the network, as connectors see it.
//!
//! One [`Egress`] is bound to one credential. Behind it stand policy, address checks, authentication and
//! rate limits; in front of it there is only a request and a response, so that recorded answers can take
//! its place.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::file::{File, FileId, Part, Piece};

/// A request as a connector asks for it: without authentication.
#[derive(Debug, Clone)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// As the connector set them.
    pub headers: Vec<(String, String)>,
    /// None sends no body.
    pub body: Option<Bytes>,
    /// The connector's own wish; the host may allow less.
    pub timeout: Option<Duration>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case; sensitive ones removed.
    pub headers: Vec<(String, String)>,
    /// Bounded by the host.
    pub body: Bytes,
}

/// Why nothing usable came back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The origin is not allowed; says which setting would allow it.
    #[error("{0}")]
    OriginNotAllowed(String),
    /// The name resolves to an address that may not be reached.
    #[error("{0}")]
    AddressBlocked(String),
    /// The request or the answer is larger than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// The call has sent as many requests as it may.
    #[error("{0}")]
    BudgetExhausted(String),
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// Nothing was sent; the reason names whose fault it is, the remote's or this host's.
    #[error("nothing was sent: {0}")]
    Connect(String),
    /// No trusted connection; nothing was sent.
    #[error("no trusted connection: {0}")]
    Tls(String),
    /// The host could not authenticate.
    #[error("{0}")]
    Unauthenticated(String),
    /// The request left and no usable answer came back.
    #[error("no whole answer: {0}")]
    Interrupted(String),
}

/// Sends requests for one credential.
#[async_trait]
pub trait Egress: Send + Sync {
    /// Sends one request; `remaining` bounds everything it takes, waiting for a rate limit included.
    async fn send(&self, request: Request, remaining: Duration) -> Result<Response, SendError>;

    /// Like [`Self::send`], but the body of a 2xx answer goes into the host's hold, and the response's own
    /// body is empty. One of more than `largest` bytes is [`SendError::TooLarge`].
    async fn fetch(
        &self,
        request: Request,
        largest: u64,
        remaining: Duration,
    ) -> Result<(Response, Option<File>), SendError> {
        let _ = (request, largest, remaining);
        Err(no_hold())
    }

    /// Like [`Self::send`], with a `multipart/form-data` body of these parts. A part that names a file that
    /// is not held is [`SendError::Connect`].
    async fn upload(
        &self,
        request: Request,
        parts: Vec<Part>,
        remaining: Duration,
    ) -> Result<Response, SendError> {
        let _ = (request, parts, remaining);
        Err(no_hold())
    }

    /// Like [`Self::send`], with these pieces as the body, one after the other. A piece that names a file that
    /// is not held is [`SendError::Connect`].
    async fn compose(
        &self,
        request: Request,
        pieces: Vec<Piece>,
        remaining: Duration,
    ) -> Result<Response, SendError> {
        let _ = (request, pieces, remaining);
        Err(no_hold())
    }

    /// Lets a held file go. Those that were fetched through this egress go with it at the latest.
    fn release(&self, file: &FileId) {
        let _ = file;
    }

    /// For how long the remote has asked to be left alone from now on: until then nothing is sent. Of several origins
    /// the one that asks for most; zero if none does.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }

    /// How many requests have been sent through this egress, for the run's record.
    fn requests(&self) -> u64;
}

fn no_hold() -> SendError {
    SendError::Connect("this way out has no hold for files".to_owned())
}
