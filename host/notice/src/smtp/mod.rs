//! Mail through SMTP.

mod mailer;
mod message;
mod settings;

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::notice::Contact;

pub use mailer::Mailer;
pub use settings::{Security, SettingsError, SmtpSettings};

use crate::letter::Letter;

/// A mail that is to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// To whom.
    pub to: &'a Contact,
    /// What it says.
    pub letter: &'a Letter,
    /// The part of the Message-ID before the `@`: the same for every attempt.
    pub id: &'a str,
    /// When it is sent.
    pub date: Timestamp,
}

/// Sends mails.
#[async_trait]
pub trait Mail: Send + Sync {
    /// Sends one and waits until the server has taken it.
    async fn send(&self, mail: &Outgoing<'_>) -> Result<(), MailError>;
    /// Nothing is to be sent for a while: connections are closed.
    async fn rest(&self);
}

/// How far a mail had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Connecting, with the server's greeting.
    Connect,
    /// Encryption.
    Encrypt,
    /// Login.
    Login,
    /// The sender.
    Sender,
    /// The recipient.
    Recipient,
    /// The mail itself.
    Content,
}

impl Stage {
    /// What the server was about to do.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connecting to the mail server",
            Self::Encrypt => "encrypting the connection to the mail server",
            Self::Login => "logging in to the mail server",
            Self::Sender => "naming the sender",
            Self::Recipient => "naming the recipient",
            Self::Content => "handing over the mail",
        }
    }
}

/// Why a mail was not sent. The texts have the server's own words, which may name the recipient.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// No mail can be sent at the moment: the server cannot be reached, or does not let this sender in.
    #[error("{} failed: {words}", stage.as_str())]
    Line {
        /// How far it had come.
        stage: Stage,
        /// The server's answer or the system's error.
        words: String,
    },
    /// The server refuses this recipient or this mail for good.
    #[error("{} failed for good: {words}", stage.as_str())]
    Refused {
        /// How far it had come.
        stage: Stage,
        /// The server's answer.
        words: String,
    },
    /// The server does not take this mail now.
    #[error("{} failed for now: {words}", stage.as_str())]
    Deferred {
        /// How far it had come.
        stage: Stage,
        /// The server's answer.
        words: String,
    },
    /// No mail can be made of it.
    #[error("{0}")]
    Unwritable(String),
}

impl MailError {
    /// A short name without personal data, for logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Line { .. } => "the mail server is not available",
            Self::Refused { .. } => "refused for good",
            Self::Deferred { .. } => "refused for now",
            Self::Unwritable(_) => "not a mail address",
        }
    }
}
