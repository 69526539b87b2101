//! What went wrong, in the host's terms.
//!
//! Codes decide, not messages: Personio's messages are in the language of the account ("Es ist ein Problem
//! aufgetreten") and may name people, so they are never passed on. The one thing they are searched for
//! is whether a right is missing, because Personio has no code of its own for that. Failures are made
//! without effect, as reading has none; whoever writes sets it.

use matricula_sdk::{Failure, FailureKind, Response, SendError};

use crate::answer::Problem;

/// Where the owner sets what a credential may read.
pub(crate) const INTEGRATIONS: &str =
    "in Personio, open Marketplace > Connected integrations, choose the integration";

/// The same for those who read German.
pub(crate) const INTEGRATIONS_IN_GERMAN: &str =
    "in Personio Marketplace > Verbundene Integrationen öffnen, die Integration wählen";

/// How long to wait when Personio asks for patience without saying how long; its documentation asks for
/// a second at least.
const PATIENCE_MS: u64 = 1000;

/// What a request needs to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// To read employees.
    ReadEmployees,
    /// To read documents and their categories.
    ReadDocuments,
    /// To upload documents.
    WriteDocuments,
}

impl Right {
    /// What the credentials lack, and what to let the integration do.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::ReadEmployees => ("right to read employees", "let it read employees"),
            Self::ReadDocuments => (
                "right \"Documents: read\" (documents:read)",
                "give it that right",
            ),
            Self::WriteDocuments => (
                "right \"Documents: write\" (documents:write)",
                "give it that right",
            ),
        }
    }

    fn may(self) -> &'static str {
        match self {
            Self::ReadEmployees => "may read employees",
            Self::ReadDocuments => "may read documents",
            Self::WriteDocuments => "may write documents",
        }
    }
}

/// No answer came. `changes` says whether the request could have changed something.
pub(crate) fn unsent(error: SendError, changes: bool) -> Failure {
    match error {
        SendError::Unauthenticated(_) => Failure::new(
            FailureKind::Auth,
            "Personio rejected the credentials: check the client ID and the client secret",
        )
        .code("unauthenticated"),
        other => other.into_failure(crate::SYSTEM, changes),
    }
}

/// The status of a refusal: one in an answer of 200 has it, if any, in its code.
pub(crate) fn status(response: &Response, problem: &Problem) -> u16 {
    match problem.code.map(u16::try_from) {
        Some(Ok(code @ 400..=599)) if response.is_success() => code,
        _ => response.status,
    }
}

/// Personio refused what takes this right, by status or by `success: false`.
pub(crate) fn refused(response: &Response, problem: &Problem, right: Right) -> Failure {
    let status = status(response, problem);
    let code = format!("http-{status}");
    match status {
        429 => {
            let wait = response.retry_after_ms().unwrap_or(PATIENCE_MS).max(PATIENCE_MS);
            Failure::new(FailureKind::RateLimited, "Personio asks for fewer requests")
                .code(code)
                .retry_after_ms(wait)
        }
        // Before the search for rights: an outage is an outage whatever it says.
        500.. => {
            let failure = Failure::new(
                FailureKind::Unavailable,
                format!("Personio has a fault of its own (status {status})"),
            )
            .code(code);
            match response.retry_after_ms() {
                Some(wait) => failure.retry_after_ms(wait),
                None => failure,
            }
        }
        408 => Failure::new(FailureKind::Unavailable, "Personio did not get the request in time")
            .code(code),
        // The host renews a token that is turned down; with a new one, 403 for documents is about rights.
        _ if lacks_right(&problem.message) || status == 403 && right != Right::ReadEmployees => {
            lacking(right, status)
        }
        401 | 403 => Failure::new(
            FailureKind::Auth,
            format!(
                "Personio rejected the credentials (status {status}): check the client ID and the client \
                 secret, and that the integration {}",
                right.may()
            ),
        )
        .code(code),
        404 => Failure::new(FailureKind::NotFound, "Personio has nothing at the address asked for")
            .code(code),
        300..=499 => Failure::new(
            FailureKind::Protocol,
            format!("Personio did not accept the request (status {status})"),
        )
        .code(code),
        // Neither a status nor a code: "a problem occurred", which passes.
        _ => Failure::new(FailureKind::Unavailable, "Personio refused the request without a reason")
            .code("refused"),
    }
}

/// The credentials are good and may not do this.
pub(crate) fn lacking(right: Right, status: u16) -> Failure {
    let (lacks, give) = right.names();
    Failure::new(
        FailureKind::Permission,
        format!(
            "Personio accepts the credentials but they lack the {lacks}: {INTEGRATIONS} and {give}"
        ),
    )
    .code(format!("http-{status}"))
}

/// The answer is no JSON, or of a shape that nobody could expect.
pub(crate) fn unreadable(response: &Response, error: &serde_json::Error) -> Failure {
    let status = response.status;
    let (kind, what) = match response
        .body
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
    {
        None => (FailureKind::Unavailable, "an empty answer".to_owned()),
        Some(b'<') => (
            FailureKind::Unavailable,
            "a web page instead of data".to_owned(),
        ),
        Some(_) if error.is_eof() => (
            FailureKind::Unavailable,
            "an answer that breaks off".to_owned(),
        ),
        // Line and column only: the rest of serde's message may quote the answer.
        Some(_) => (
            FailureKind::Protocol,
            format!(
                "JSON that cannot be read, at line {} column {}",
                error.line(),
                error.column()
            ),
        ),
    };
    Failure::new(kind, format!("Personio sent {what} (status {status})")).code("unreadable")
}

/// The envelope has no list of data.
pub(crate) fn without_data(response: &Response) -> Failure {
    Failure::new(
        FailureKind::Protocol,
        format!(
            "Personio sent an answer without a list of data (status {})",
            response.status
        ),
    )
    .code("unreadable")
}

/// Nobody in the answer can be told apart.
pub(crate) fn nobody_has_an_id() -> Failure {
    Failure::new(
        FailureKind::Protocol,
        "Personio sent employees without an ID, so nobody can be told apart",
    )
    .code("no-id")
}

fn lacks_right(message: &str) -> bool {
    const MARKS: [&str; 7] = [
        "permission",
        "missing right",
        "scope",
        "not allowed",
        "access denied",
        "berechtig",
        "insufficient",
    ];
    let message = message.to_lowercase();
    MARKS.iter().any(|mark| message.contains(mark))
}
