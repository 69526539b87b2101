//! Why a command did not do what was asked, as it is told on standard error.

use std::fmt::Display;

use matricula_core::store::StoreError;
use matricula_service::Error;
use serde_json::{Map, Value, json};

use crate::exit::{Exit, blames_owner};
use crate::output;

/// The end of a command that did not work.
#[derive(Debug)]
pub(crate) struct Fault {
    /// What the program ends with.
    pub(crate) exit: Exit,
    /// Stable name for programs.
    pub(crate) code: String,
    /// What happened, to what.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: Option<String>,
    /// What programs may want beside it.
    pub(crate) details: Map<String, Value>,
}

impl Fault {
    /// A fault without hint.
    pub(crate) fn new(exit: Exit, code: &str, message: impl Display) -> Self {
        Self {
            exit,
            code: code.to_owned(),
            message: message.to_string(),
            hint: None,
            details: Map::new(),
        }
    }

    /// The user, or whoever runs this program, ended it.
    pub(crate) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted", "interrupted")
    }

    /// A command was not used as it is meant.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// Says what to do.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells it on standard error: lines, or one JSON object.
    pub(crate) fn report(&self, json: bool) {
        if self.exit == Exit::Done {
            return;
        }
        if json {
            output::error_line(&self.to_json().to_string());
        } else {
            // A flow's diagnostics begin with file and line, which editors jump to.
            let prefix = if self.code == "flow.wrong" {
                ""
            } else {
                "error: "
            };
            output::error_line(&output::visible_lines(&format!("{prefix}{}", self.message)));
            if let Some(hint) = &self.hint {
                output::error_line(&output::visible_lines(hint));
            }
        }
    }

    fn to_json(&self) -> Value {
        let mut error = self.details.clone();
        error.insert("code".to_owned(), json!(self.code));
        error.insert("exit".to_owned(), json!(self.exit as u8));
        error.insert("message".to_owned(), json!(self.message));
        if let Some(hint) = &self.hint {
            error.insert("hint".to_owned(), json!(hint));
        }
        json!({ "error": error })
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let mut fault = Self::new(exit_of(&error), error.code(), &error);
        fault.hint = hint_of(&error);
        let detail = match &error {
            Error::Flow(diagnostics) => Some(("diagnostics", json!(diagnostics))),
            Error::Settings(settings) => Some(("settings", json!(settings))),
            Error::Failure(failure) => {
                if let Some(code) = &failure.code {
                    fault.code.clone_from(code);
                }
                Some(("failure", json!(failure)))
            }
            _ => None,
        };
        fault
            .details
            .extend(detail.map(|(name, value)| (name.to_owned(), value)));
        fault
    }
}

impl From<std::io::Error> for Fault {
    /// Only printing fails this way. A reader that has seen enough (`| head`) is no fault.
    fn from(error: std::io::Error) -> Self {
        let exit = match error.kind() {
            std::io::ErrorKind::BrokenPipe => Exit::Done,
            _ => Exit::Unexpected,
        };
        Self::new(
            exit,
            "output.failed",
            format!("standard output cannot be written: {error}"),
        )
    }
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Flow(_) | Error::Settings(_) | Error::Schedule(_) | Error::FlowMismatch { .. } => {
            Exit::Flow
        }
        Error::ConnectorUnknown { .. }
        | Error::ConnectorRefused(_)
        | Error::ConnectorMisnamed { .. }
        | Error::NotOffered { .. } => Exit::Connector,
        Error::CredentialMissing { .. } | Error::Session(_) | Error::Findings(_) => {
            Exit::Credential
        }
        Error::Failure(failure) if blames_owner(failure.kind) => Exit::Credential,
        Error::Failure(_) | Error::NotEnded { .. } => Exit::Failed,
        Error::Busy | Error::Store(StoreError::LeaseLost) => Exit::Busy,
        Error::Store(StoreError::WrongKey(_) | StoreError::Busy(_) | StoreError::Failed(_)) => {
            Exit::Store
        }
        Error::FlowUnknown { .. }
        | Error::Unreadable { .. }
        | Error::CredentialFields(_)
        | Error::CredentialUnknown { .. }
        | Error::CredentialConnector { .. }
        | Error::CredentialAmbiguous { .. }
        | Error::CredentialMismatch { .. }
        | Error::ConnectUnknown { .. }
        | Error::ConnectRefused
        | Error::ConnectOther
        | Error::ConnectBound
        | Error::ConnectEmail
        | Error::Given { .. }
        | Error::NotStarted { .. }
        | Error::AutomationUnknown(_)
        | Error::AlreadyStarted { .. }
        | Error::Deactivated
        | Error::Requirement { .. }
        | Error::Contact(_)
        | Error::Store(StoreError::Exists(_) | StoreError::InUse(_) | StoreError::NotFound(_)) => {
            Exit::Usage
        }
        Error::Random(_) => Exit::Unexpected,
    }
}

fn hint_of(error: &Error) -> Option<String> {
    Some(match error {
        Error::FlowUnknown { .. } => "Another folder can be given with --flows DIR.".to_owned(),
        Error::Given { .. } => {
            "host/session/README.md shows what the file of vendors may hold.".to_owned()
        }
        Error::ConnectorUnknown { .. } => {
            "Another folder can be given with --connectors DIR; `cargo xtask connectors` builds those of \
             this repository."
                .to_owned()
        }
        Error::CredentialConnector { .. } => {
            "Add the new one under another name, without --replace.".to_owned()
        }
        Error::CredentialMissing { connector, .. } => {
            format!("Add one: matricula credential add {connector} --name NAME")
        }
        Error::CredentialAmbiguous { side, .. } | Error::CredentialMismatch { side, .. } => {
            format!("Choose with --{side} NAME; `matricula credential list` shows all.")
        }
        Error::AutomationUnknown(_) => "`matricula automation list` shows those that there are.".to_owned(),
        Error::AlreadyStarted { id, .. } => {
            format!("Change it with `matricula automation set {id}`, or show it with `show`.")
        }
        Error::Deactivated => "Start it again with `matricula automation activate`.".to_owned(),
        Error::Requirement { required, .. } => format!("Start that first: matricula start {required}"),
        Error::Findings(_) => {
            "Grant the rights, or start without them with --accept-findings: what cannot be read is left \
             alone at the target."
                .to_owned()
        }
        Error::NotStarted { flow } => format!("Begin with: matricula run {flow}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use matricula_core::{Failure, FailureKind};

    use super::*;

    #[test]
    fn who_has_to_act_decides_the_exit_code() {
        let failure = |kind| Error::Failure(Failure::new(kind, "x"));
        let missing = Error::CredentialMissing {
            side: "source",
            connector: "personio".to_owned(),
        };
        for (error, exit) in [
            (failure(FailureKind::Auth), Exit::Credential),
            (failure(FailureKind::Config), Exit::Credential),
            (failure(FailureKind::Unavailable), Exit::Failed),
            (missing, Exit::Credential),
            (Error::Busy, Exit::Busy),
            (
                Error::Store(StoreError::WrongKey("k".to_owned())),
                Exit::Store,
            ),
            (
                Error::Store(StoreError::Exists("e".to_owned())),
                Exit::Usage,
            ),
        ] {
            assert_eq!(exit_of(&error), exit, "{error}");
        }
    }

    #[test]
    fn programs_read_code_exit_and_hint() {
        let fault = Fault::from(Error::CredentialMissing {
            side: "source",
            connector: "personio".to_owned(),
        });
        assert_eq!(
            fault.to_json(),
            json!({ "error": {
                "code": "credential.missing",
                "exit": 5,
                "message": "there is no credential for personio yet, which the source of this flow needs",
                "hint": "Add one: matricula credential add personio --name NAME",
            } })
        );
    }

    #[test]
    fn a_failure_keeps_its_own_code() {
        let failure = Failure::new(FailureKind::Auth, "no").with_code("invalid_grant");
        let fault = Fault::from(Error::Failure(failure));
        assert_eq!(
            (fault.code.as_str(), fault.exit),
            ("invalid_grant", Exit::Credential)
        );
        assert_eq!(fault.details["failure"]["kind"], "auth");
    }
}
