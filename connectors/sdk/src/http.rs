//! Requests, responses, and why there was none.

use crate::failure::{Effect, Failure, FailureKind};

/// A request. The host adds authentication; the connector never sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// Absolute.
    pub url: String,
    /// Headers besides authentication.
    pub headers: Vec<(String, String)>,
    /// None sends no body.
    pub body: Option<Vec<u8>>,
    /// Less than the host's own limit.
    pub timeout_ms: Option<u32>,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self {
            method: method.to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            timeout_ms: None,
        }
    }

    /// `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Sets a JSON body with its content type, `application/json` unless one was set before.
    #[must_use]
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        if !self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            self = self.header("content-type", "application/json");
        }
        self.body = Some(body.to_string().into_bytes());
        self
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// `Retry-After` in milliseconds, where it is given in seconds.
    pub fn retry_after_ms(&self) -> Option<u64> {
        let seconds: f64 = self.header("retry-after")?.trim().parse().ok()?;
        (0.0..86_400.0)
            .contains(&seconds)
            .then_some((seconds * 1000.0) as u64)
    }
}

/// Why the host did not send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The origin is not in the manifest, or the operator does not allow it.
    OriginNotAllowed,
    /// The name resolves to an address that may not be reached.
    AddressBlocked,
    /// The request or the answer is too large.
    TooLarge,
    /// This call has sent as many requests as it may.
    BudgetExhausted,
}

/// Why nothing usable came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// The host did not send it.
    Denied(Denied),
    /// No answer in time.
    Timeout,
    /// Nothing was sent, and a later call may succeed; the reason names whose fault it is, the remote's or
    /// this host's.
    Connect(String),
    /// No trusted connection; nothing was sent.
    Tls(String),
    /// The credential was rejected when a token was asked for.
    Unauthenticated(String),
    /// The request left and no usable answer came back; the reason names what was at fault.
    Interrupted(String),
}

impl SendError {
    /// The failure to return, for a request to `system`. `changes` says whether the request could have
    /// changed something there.
    pub fn into_failure(self, system: &str, changes: bool) -> Failure {
        let lost = if changes {
            Effect::Unknown
        } else {
            Effect::None
        };
        match self {
            Self::Denied(Denied::OriginNotAllowed) => Failure::new(
                FailureKind::Config,
                format!("{system}: the address is not allowed; the host's log says which setting would allow it"),
            )
            .code("origin-not-allowed"),
            Self::Denied(Denied::AddressBlocked) => Failure::new(
                FailureKind::Config,
                format!("{system}: its name leads to an address inside this network, which is blocked"),
            )
            .code("address-blocked"),
            Self::Denied(Denied::TooLarge) => {
                Failure::new(FailureKind::Protocol, format!("{system} answered more than the host allows"))
                    .code("too-large")
                    .effect(lost)
            }
            Self::Denied(Denied::BudgetExhausted) => {
                Failure::new(FailureKind::Internal, "the connector sent too many requests in one call")
                    .code("budget-exhausted")
            }
            Self::Timeout => {
                Failure::new(FailureKind::Unavailable, format!("{system} did not answer in time"))
                    .code("timeout")
                    .effect(lost)
            }
            Self::Connect(reason) => {
                Failure::new(FailureKind::Unavailable, format!("{system}: nothing was sent: {reason}"))
                    .code("connect")
            }
            Self::Tls(reason) => Failure::new(
                FailureKind::Unavailable,
                format!("{system}: no trusted connection: {reason}"),
            )
            .code("tls"),
            Self::Unauthenticated(reason) => Failure::new(FailureKind::Auth, reason).code("unauthenticated"),
            Self::Interrupted(reason) => Failure::new(
                FailureKind::Unavailable,
                format!("{system}: no whole answer: {reason}"),
            )
            .code("interrupted")
            .effect(lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_it_is_is_said_by_the_reason_alone() {
        let full = "no file can be written to files (storage full)";
        let unsent = SendError::Connect(full.to_owned()).into_failure("reteach", true);
        assert_eq!(unsent.message, format!("reteach: nothing was sent: {full}"));
        assert_eq!(unsent.effect, Effect::None);
        let lost = SendError::Interrupted(full.to_owned()).into_failure("reteach", true);
        assert_eq!(lost.message, format!("reteach: no whole answer: {full}"));
        assert_eq!(lost.effect, Effect::Unknown);
    }
}
