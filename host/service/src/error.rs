//! Everything that can be answered to whoever asks this library for something.

use std::path::PathBuf;

use matricula_component::{LoadError, Refusal};
use matricula_core::cadence::CadenceError;
use matricula_core::connector::Finding;
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, Effect, Failure};
use matricula_egress::SessionError;
use matricula_engine::EngineError;
use matricula_flow::{Diagnostics, SettingsError};

/// Why it was not done. Each has a stable [`code`](Self::code).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A flow file, or the tests beside it, is wrong.
    #[error("{0}")]
    Flow(Diagnostics),
    /// There is no flow of that name.
    #[error("there is no flow \"{name}\" in {}: {hint}", folder.display())]
    FlowUnknown {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// What there is.
        hint: String,
    },
    /// A file or folder cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The settings do not fit the flow.
    #[error("{0}")]
    Settings(SettingsError),
    /// There is no connector of that name.
    #[error("there is no connector \"{name}\" in {}: {hint}", folder.display())]
    ConnectorUnknown {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// What there is.
        hint: String,
    },
    /// A component was refused before any of its code ran.
    #[error("the connector {} is refused: {}", .0.name, refusal(&.0.refusal))]
    ConnectorRefused(Box<LoadError>),
    /// The component is another one than its file's name says.
    #[error(
        "the connector {} is refused: its manifest says that it is \"{id}\"; name the file {id}.wasm",
        path.display()
    )]
    ConnectorMisnamed {
        /// Its file.
        path: PathBuf,
        /// What its manifest says.
        id: String,
    },
    /// The connector has no lookup or stream of that name.
    #[error("{connector} has no {what} \"{name}\": {hint}")]
    NotOffered {
        /// The connector.
        connector: String,
        /// What was asked for.
        what: &'static str,
        /// Its name.
        name: String,
        /// What there is.
        hint: String,
    },
    /// What was entered for a credential does not fit the connector's method.
    #[error("{0}")]
    CredentialFields(String),
    /// The method has no window to sign in with, or none to sign in anew.
    #[error("the method {method} of {connector} has no window to sign in with for this")]
    ConnectUnknown {
        /// The connector.
        connector: String,
        /// The method.
        method: String,
    },
    /// The window's token is not taken, or stands for what is not this tenant's.
    #[error(
        "the sign-in cannot be taken up: it was taken up before, or too long ago; connect again"
    )]
    ConnectRefused,
    /// Somebody has signed in to another connection than the one that is to be renewed.
    #[error(
        "this is another connection than the one that is to be renewed; add it as a credential of its own"
    )]
    ConnectOther,
    /// The system asks who signs in, and the token of the session does not say it.
    #[error(
        "the system asks for your e-mail address, which the application does not tell; it has to put the claim `email` into its tokens"
    )]
    ConnectEmail,
    /// A credential of a connection that ends with its last one cannot become one of another method.
    #[error(
        "the credential is of a connection that was made in a window, and another way to sign in would leave that behind; add a credential of its own for it, give that to the automations, then remove this one"
    )]
    ConnectBound,
    /// A connection is not ended as far as is known, and its credential is kept.
    #[error("{}", not_ended(system, cause))]
    NotEnded {
        /// What the system is called.
        system: String,
        /// Why not; its effect says whether the connection may be gone all the same.
        cause: Box<Failure>,
    },
    /// What a vendor gives is not what a connector takes.
    #[error("vendor \"{vendor}\", connectors.{connector}: {problem}")]
    Given {
        /// The vendor.
        vendor: String,
        /// The connector.
        connector: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// There is no credential of that name.
    #[error("there is no credential \"{name}\": {hint}")]
    CredentialUnknown {
        /// What was asked for.
        name: String,
        /// What there is.
        hint: String,
    },
    /// The credential that was to be replaced is one for another connector.
    #[error(
        "the credential \"{name}\" is for {found} and cannot be replaced by one for {connector}"
    )]
    CredentialConnector {
        /// What it is called.
        name: String,
        /// What it is for.
        found: String,
        /// What the new one is for.
        connector: String,
    },
    /// The automation needs a credential and there is none for that connector.
    #[error("there is no credential for {connector} yet, which the {side} of this flow needs")]
    CredentialMissing {
        /// `source` or `target`.
        side: &'static str,
        /// The connector.
        connector: String,
    },
    /// There are several credentials for a connector and none was chosen.
    #[error("there are several credentials for {connector}: choose the {side} among {}", names.join(", "))]
    CredentialAmbiguous {
        /// `source` or `target`.
        side: &'static str,
        /// The connector.
        connector: String,
        /// Their names.
        names: Vec<String>,
    },
    /// The credential is one for another connector.
    #[error("the credential \"{name}\" is for {found}; the {side} of this flow is {connector}")]
    CredentialMismatch {
        /// `source` or `target`.
        side: &'static str,
        /// What was chosen.
        name: String,
        /// What it is for.
        found: String,
        /// What is needed.
        connector: String,
    },
    /// The stored credential does not fit the connector, or its addresses cannot be used.
    #[error(transparent)]
    Session(SessionError),
    /// The flow has not been run with these credentials yet, so there is nothing to decide or to show.
    #[error("the flow {flow} has not been run with these credentials yet")]
    NotStarted {
        /// The flow.
        flow: String,
    },
    /// The tenant has no automation of this id that was started.
    #[error("there is no automation {0}")]
    AutomationUnknown(AutomationId),
    /// The flow was started with these credentials before.
    #[error("{flow} was started with these credentials before, as {id}")]
    AlreadyStarted {
        /// The flow.
        flow: String,
        /// The automation that there is.
        id: AutomationId,
    },
    /// Somebody has stopped the automation.
    #[error("the automation is deactivated; re-activate it first")]
    Deactivated,
    /// Another flow has to have succeeded first.
    #[error(
        "{flow} can be started once a full cycle of {required} has succeeded on the same two credentials"
    )]
    Requirement {
        /// The flow.
        flow: String,
        /// The other one.
        required: String,
    },
    /// Credentials lack rights that the flow uses.
    #[error("rights are missing: {}", .0.iter().map(|finding| format!("{}: {}", finding.subject, finding.message)).collect::<Vec<_>>().join("; "))]
    Findings(Vec<Finding>),
    /// The schedule cannot be kept.
    #[error(transparent)]
    Schedule(CadenceError),
    /// Somebody who cannot be told.
    #[error("{0}")]
    Contact(String),
    /// The file is one of another flow.
    #[error("the automation runs {automation}, and the file is {flow}")]
    FlowMismatch {
        /// What it runs.
        automation: String,
        /// What was given.
        flow: String,
    },
    /// A remote system, or the component that speaks to it, failed.
    #[error(transparent)]
    Failure(Failure),
    /// Another process runs this automation at this moment.
    #[error("this automation is being run at this moment; wait for that run to end")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
    /// The machine has no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

impl Error {
    /// A name for programs; it stays the same when the message is worded better.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Flow(_) => "flow.wrong",
            Self::FlowUnknown { .. } => "flow.unknown",
            Self::Unreadable { .. } => "file.unreadable",
            Self::Settings(_) => "settings.wrong",
            Self::ConnectorUnknown { .. } => "connector.unknown",
            Self::ConnectorRefused(_) => "connector.refused",
            Self::ConnectorMisnamed { .. } => "connector.misnamed",
            Self::NotOffered { .. } => "connector.not-offered",
            Self::CredentialFields(_) => "credential.fields",
            Self::ConnectUnknown { .. } => "connect.unknown",
            Self::ConnectRefused => "connect.refused",
            Self::ConnectOther => "connect.other",
            Self::ConnectEmail => "connect.email",
            Self::ConnectBound => "connect.bound",
            Self::NotEnded { .. } => "connect.not-ended",
            Self::Given { .. } => "vendors.given",
            Self::CredentialUnknown { .. } => "credential.unknown",
            Self::CredentialConnector { .. } => "credential.connector",
            Self::CredentialMissing { .. } => "credential.missing",
            Self::CredentialAmbiguous { .. } => "credential.ambiguous",
            Self::CredentialMismatch { .. } => "credential.mismatch",
            Self::Session(_) => "credential.unusable",
            Self::NotStarted { .. } => "automation.not-started",
            Self::AutomationUnknown(_) => "automation.unknown",
            Self::AlreadyStarted { .. } => "automation.already-started",
            Self::Deactivated => "automation.deactivated",
            Self::Requirement { .. } => "automation.requirement",
            Self::Findings(_) => "credential.rights",
            Self::Schedule(error) => error.code(),
            Self::Contact(_) => "contact.wrong",
            Self::FlowMismatch { .. } => "flow.mismatch",
            Self::Failure(_) => "remote.failed",
            Self::Busy => "automation.busy",
            Self::Store(error) => match error {
                StoreError::LeaseLost => "store.lease-lost",
                StoreError::Exists(_) => "store.exists",
                StoreError::InUse(_) => "store.in-use",
                StoreError::NotFound(_) => "store.not-found",
                StoreError::WrongKey(_) => "store.wrong-key",
                StoreError::Busy(_) => "store.busy",
                StoreError::Failed(_) => "store.failed",
            },
            Self::Random(_) => "machine.no-random",
        }
    }
}

impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Flow(diagnostics)
    }
}

impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            // Only a scheduler halts runs, and it takes this for what it is.
            EngineError::Busy | EngineError::Halted => Self::Busy,
            EngineError::Failure(failure) => Self::Failure(failure),
            EngineError::Store(error) => Self::Store(error),
        }
    }
}

/// A refusal says what the component does or is; one of its manifest is a sentence of its own.
fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Manifest(error) => error.to_string(),
        other => format!("it {other}"),
    }
}

/// The end of a connection is the operator's to see to where the system does not do it: who reads this has mostly no
/// account there. That trying again may help is for the cause to say.
fn not_ended(system: &str, cause: &Failure) -> String {
    let Failure {
        message, effect, ..
    } = cause;
    let alone = "it can be removed alone, and whoever runs the application then";
    match effect {
        Effect::None => format!(
            "{message}; the credential is kept, and so is the connection; {alone} has to end the connection in {system}"
        ),
        Effect::Unknown | Effect::Applied => format!(
            "{message}; the credential is kept, and whether the connection is still there is not known; removing it \
             again is safe, or {alone} has to see whether there is a connection to end in {system}"
        ),
    }
}

/// "there are a, b", or that there is none: for messages about a name that is unknown.
pub(crate) fn there_are<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => "there is none".to_owned(),
        [only] => format!("there is only {only}"),
        several => format!("there are {}", several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use matricula_core::manifest::ManifestError;

    use super::*;

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        assert_eq!(
            refusal(&Refusal::CoreModule).split(';').next().unwrap(),
            "it is a WebAssembly core module, not a component"
        );
        let manifest = ManifestError::Unreadable("x".to_owned());
        assert_eq!(
            refusal(&Refusal::Manifest(manifest)),
            "the manifest cannot be read: x"
        );
    }

    #[test]
    fn a_name_that_is_unknown_is_answered_with_those_that_are() {
        assert_eq!(there_are([]), "there is none");
        assert_eq!(there_are(["a"]), "there is only a");
        assert_eq!(there_are(["a", "b"]), "there are a, b");
    }
}
