//! What is answered when the product refuses: from its errors to problem documents.
//!
//! Texts come from the errors themselves where these speak of what the caller sent. Where they speak of this
//! machine (a folder, the database), a text of its own takes their place, and the log has theirs.

use axum::http::StatusCode;
use matricula_core::Failure;
use matricula_core::store::StoreError;
use matricula_service::Error;

use crate::hooks::store_problem;
use crate::problem::{FieldError, Problem};

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        let detail = error.to_string();
        let say = |status, title| Self::new(status, code, title, "").saying(detail.clone());
        const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        match &error {
            Error::FlowUnknown { name, .. } => {
                Self::new(StatusCode::NOT_FOUND, code, "There is no such flow", "")
                    .saying(format!("there is no flow \"{name}\""))
            }
            Error::ConnectorUnknown { name, .. } => Self::new(
                StatusCode::NOT_FOUND,
                code,
                "There is no such connector",
                "",
            )
            .saying(format!("there is no connector \"{name}\"")),
            Error::NotOffered { .. } => {
                say(StatusCode::NOT_FOUND, "The connector does not offer this")
            }
            Error::ConnectUnknown { .. } => {
                say(StatusCode::NOT_FOUND, "There is no window to sign in with")
            }
            Error::ConnectRefused => say(WRONG, "The sign-in cannot be taken up"),
            Error::ConnectEmail => say(WRONG, "The system asks who signs in"),
            Error::ConnectOther => say(StatusCode::CONFLICT, "It is another connection"),
            Error::CredentialUnknown { .. } => {
                say(StatusCode::NOT_FOUND, "There is no such credential")
            }
            Error::AutomationUnknown(_) | Error::NotStarted { .. } => {
                say(StatusCode::NOT_FOUND, "There is no such automation")
            }
            Error::Settings(wrong) => {
                let errors = wrong.0.iter().map(|error| FieldError {
                    pointer: format!("/settings{}", error.pointer),
                    code: "settings.wrong".into(),
                    message: error.message.clone(),
                });
                let errors = errors.collect();
                say(WRONG, "The settings do not fit the flow").at(errors)
            }
            Error::Findings(findings) => {
                let errors = findings.iter().map(|finding| FieldError {
                    pointer: String::new(),
                    code: "credential.rights".into(),
                    message: finding.message.clone(),
                });
                let errors = errors.collect();
                say(WRONG, "Rights are missing").at(errors)
            }
            Error::CredentialFields(_)
            | Error::CredentialConnector { .. }
            | Error::CredentialMismatch { .. }
            | Error::CredentialMissing { .. }
            | Error::CredentialAmbiguous { .. }
            | Error::Session(_) => say(WRONG, "The credential does not fit"),
            Error::Schedule(_) => say(WRONG, "The schedule cannot be kept"),
            Error::Contact(_) => say(WRONG, "A recipient cannot be told"),
            Error::AlreadyStarted { .. } => say(StatusCode::CONFLICT, "It was started before"),
            Error::Deactivated => say(StatusCode::CONFLICT, "The automation is deactivated"),
            Error::Requirement { .. } => {
                say(StatusCode::CONFLICT, "Another flow has to succeed first")
            }
            Error::FlowMismatch { .. } => say(StatusCode::CONFLICT, "It is another flow"),
            Error::Busy => Self {
                status: StatusCode::CONFLICT,
                ..Self::AUTOMATION_BUSY
            },
            // Not ours, and no 502: that would be a gateway in front of this server.
            Error::Failure(failure) => Self {
                retry_after: patience(failure),
                ..say(
                    StatusCode::FAILED_DEPENDENCY,
                    "The other system does not do it",
                )
            },
            Error::ConnectBound => say(
                StatusCode::CONFLICT,
                "The credential is of a connection that would be left behind",
            ),
            Error::NotEnded { cause, .. } => Self {
                retry_after: patience(cause),
                ..say(StatusCode::FAILED_DEPENDENCY, "The connection is not ended")
            },
            // The store's own words name commands.
            Error::Store(StoreError::Exists(_)) => Self::new(
                StatusCode::CONFLICT,
                code,
                "There is one of that name",
                "Choose another name: credentials and addresses for webhooks share theirs.",
            ),
            Error::Store(StoreError::InUse(_)) => Self::new(
                StatusCode::CONFLICT,
                code,
                "It is in use",
                "A credential can be removed once no automation uses it, an automation once its run has ended.",
            ),
            Error::Store(error) => {
                tracing::warn!(%error, "A request could not be answered.");
                store_problem(error)
            }
            Error::Flow(_)
            | Error::Given { .. }
            | Error::Unreadable { .. }
            | Error::ConnectorRefused(_)
            | Error::ConnectorMisnamed { .. }
            | Error::Random(_) => {
                tracing::error!(code, %error, "A request could not be answered.");
                Self {
                    code,
                    ..Self::UNKNOWN
                }
            }
        }
    }
}

/// After how many seconds it is worth another try; none: not before somebody has changed something.
fn patience(failure: &Failure) -> Option<u8> {
    let asked = || failure.retry_after.map_or(5, |wait| wait.as_secs().max(1));
    let transient = failure.kind.is_transient();
    transient.then(|| u8::try_from(asked()).unwrap_or(u8::MAX))
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Error::Store(error).into()
    }
}
