//! The conversation with a mail server.
//!
//! Connections are held here instead of in lettre's own pool for three reasons: what a refusal means depends on
//! the step at which it came (a rejected login stops all mail, a rejected recipient only one); lettre puts a time
//! limit on connecting but on no answer; and its pool starts tasks, so that it can only be made inside a runtime.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Message;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use tokio::sync::Mutex;

use super::message::{self, Sender};
use super::settings::{Security, SettingsError, SmtpSettings};
use super::{Mail, MailError, Outgoing, Stage};

/// How long a server may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

/// The server closes the connection with this code, whatever was asked.
const CLOSING: u16 = 421;

/// Sends mails through one server.
pub struct Mailer {
    settings: SmtpSettings,
    sender: Sender,
    hello: ClientId,
    tls: TlsParameters,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

impl Mailer {
    /// Checks the settings; connects to nothing.
    pub fn new(settings: SmtpSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let mailbox = |address: &str| {
            message::mailbox(address).map_err(|reason| SettingsError::From {
                address: address.to_owned(),
                reason,
            })
        };
        let from = mailbox(&settings.from)?;
        let reply_to = settings.reply_to.as_deref().map(mailbox).transpose()?;
        let name = settings.hello.as_deref();
        let hello = ClientId::Domain(name.unwrap_or(from.email.domain()).to_owned());
        let certificate = |error: smtp::Error| SettingsError::Certificate(words(&error));
        let mut tls = TlsParameters::builder(settings.host.clone())
            .certificate_store(CertificateStore::WebpkiRoots);
        if let Some(pem) = &settings.root_certificate {
            if !pem.contains("-----BEGIN CERTIFICATE-----") {
                return Err(SettingsError::Certificate("it is not in PEM form".into()));
            }
            let root = Certificate::from_pem(pem.as_bytes()).map_err(certificate)?;
            tls = tls.add_root_certificate(root);
        }
        Ok(Self {
            tls: tls.build().map_err(certificate)?,
            sender: Sender { from, reply_to },
            settings,
            hello,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// A connection on which a mail may begin.
    async fn connection(&self) -> Result<AsyncSmtpConnection, MailError> {
        loop {
            let Some(mut idle) = self.idle.lock().await.pop() else {
                return self.connect().await;
            };
            // Servers close idle connections; this also ends a mail that was broken off.
            if self.ask(Stage::Connect, idle.command(Rset)).await.is_ok() {
                return Ok(idle);
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let settings = &self.settings;
        let wrapped = (settings.security == Security::ImplicitTls).then(|| self.tls.clone());
        // Connecting, the TLS handshake and two answers.
        let limit = settings.connect_timeout + settings.answer_timeout;
        let connecting = AsyncSmtpConnection::connect_tokio1(
            (settings.host.as_str(), settings.port),
            Some(settings.connect_timeout),
            &self.hello,
            wrapped,
            None,
        );
        let mut connection = within(limit, Stage::Connect, connecting).await?;
        if settings.security == Security::StartTls {
            let encrypting = connection.starttls(self.tls.clone(), &self.hello);
            self.ask(Stage::Encrypt, encrypting).await?;
        }
        if let (Some(user), Some(password)) = (&settings.user, &settings.password) {
            let credentials = Credentials::new(user.clone(), String::clone(password));
            let login = connection.auth(DEFAULT_MECHANISMS, &credentials);
            self.ask(Stage::Login, login).await?;
        }
        Ok(connection)
    }

    /// Hands one mail over.
    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        message: &Message,
    ) -> Result<(), Failed> {
        let envelope = message.envelope();
        let mut parameters = Vec::new();
        let addresses = envelope.from().into_iter().chain(envelope.to());
        if addresses
            .map(AsRef::<str>::as_ref)
            .any(|text| !text.is_ascii())
        {
            if !connection
                .server_info()
                .supports_feature(Extension::SmtpUtfEight)
            {
                let error = "the mail server takes no addresses with letters outside of ASCII";
                return Err(Failed {
                    error: MailError::Unwritable(error.into()),
                    usable: true,
                });
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let from = MailFrom::new(envelope.from().cloned(), parameters);
        self.ask(Stage::Sender, connection.command(from)).await?;
        for recipient in envelope.to() {
            let recipient = Rcpt::new(recipient.clone(), Vec::new());
            self.ask(Stage::Recipient, connection.command(recipient))
                .await?;
        }
        self.ask(Stage::Content, connection.command(Data)).await?;
        let body = message.formatted();
        self.ask(Stage::Content, connection.message(&body)).await?;
        Ok(())
    }

    async fn ask<T>(
        &self,
        stage: Stage,
        asking: impl Future<Output = Result<T, smtp::Error>>,
    ) -> Result<T, Failed> {
        within(self.settings.answer_timeout, stage, asking).await
    }
}

#[async_trait]
impl Mail for Mailer {
    async fn send(&self, mail: &Outgoing<'_>) -> Result<(), MailError> {
        let message = message::compose(&self.sender, mail)?;
        let mut connection = self.connection().await?;
        let result = self.hand_over(&mut connection, &message).await;
        if result
            .as_ref()
            .map_or_else(|failed| failed.usable, |()| true)
        {
            self.idle.lock().await.push(connection);
        }
        Ok(result?)
    }

    async fn rest(&self) {
        let idle = std::mem::take(&mut *self.idle.lock().await);
        for mut connection in idle {
            // Saying goodbye is a courtesy; a server that does not answer is not waited for.
            let _ = tokio::time::timeout(FAREWELL, connection.abort()).await;
        }
    }
}

/// Why a step failed, and whether the conversation can go on.
struct Failed {
    error: MailError,
    usable: bool,
}

impl From<Failed> for MailError {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}

async fn within<T>(
    limit: Duration,
    stage: Stage,
    asking: impl Future<Output = Result<T, smtp::Error>>,
) -> Result<T, Failed> {
    match tokio::time::timeout(limit, asking).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(judge(stage, error.status().map(u16::from), words(&error))),
        Err(_) => {
            let words = format!("no answer within {} s", limit.as_secs());
            Err(judge(stage, None, words))
        }
    }
}

/// What a failure means at this step, with the server's code if it answered. Until the sender is accepted it is about
/// all mails; from then on about this one, even if the connection breaks: a mail at which a server breaks off must
/// not keep back the others for days.
fn judge(stage: Stage, code: Option<u16>, words: String) -> Failed {
    let error = match (stage, code) {
        (Stage::Recipient | Stage::Content, Some(500..)) => MailError::Refused { stage, words },
        (Stage::Recipient | Stage::Content, _) => MailError::Deferred { stage, words },
        _ => MailError::Line { stage, words },
    };
    Failed {
        error,
        usable: code.is_some_and(|code| code != CLOSING),
    }
}

/// The server's own words with its code; else the error with its causes.
fn words(error: &smtp::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Some causes repeat what they were caused by.
        if !causes
            .last()
            .is_some_and(|last: &String| last.contains(&text))
        {
            causes.push(text);
        }
        cause = error.source();
    }
    let causes = causes.join(": ");
    match error.status() {
        Some(code) => format!("{code} {causes}").trim_end().to_owned(),
        None if causes.is_empty() => error.to_string(),
        None => causes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failures_mean() {
        let name = |stage, code| {
            let failed = judge(stage, code, "words".into());
            (failed.error.name(), failed.usable)
        };
        let (line, refused, deferred) = (
            "the mail server is not available",
            "refused for good",
            "refused for now",
        );
        for (stage, code, expected) in [
            (Stage::Connect, None, (line, false)),
            (Stage::Encrypt, Some(454), (line, true)),
            (Stage::Login, Some(535), (line, true)),
            (Stage::Sender, Some(550), (line, true)),
            (Stage::Sender, None, (line, false)),
            (Stage::Recipient, Some(550), (refused, true)),
            (Stage::Recipient, Some(450), (deferred, true)),
            (Stage::Recipient, Some(421), (deferred, false)),
            (Stage::Content, Some(552), (refused, true)),
            (Stage::Content, Some(451), (deferred, true)),
            (Stage::Content, None, (deferred, false)),
        ] {
            assert_eq!(name(stage, code), expected, "{stage:?} {code:?}");
        }
    }
}
