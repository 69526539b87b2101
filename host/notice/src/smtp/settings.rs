//! Which mail server, and as whom.

use std::net::IpAddr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::Url;
use zeroize::Zeroizing;

/// Whether the connection is encrypted, and from when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// From the first byte on.
    ImplicitTls,
    /// After a plain greeting; a server that cannot is refused.
    StartTls,
    /// Never. A password is then only sent to this machine itself.
    None,
}

/// Why settings are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The address cannot be read.
    #[error(
        "the address of the mail server cannot be read: {0}; give one such as smtps://user@mail.example.com or smtp://mail.example.com:587?tls=starttls"
    )]
    Address(String),
    /// The password is in the address.
    #[error(
        "the address of the mail server holds a password; give it separately, so that it is not shown or logged with the address"
    )]
    PasswordInAddress,
    /// A password would be readable on the way.
    #[error(
        "the connection to {0} is not encrypted, so no password is sent over it; use tls=starttls or smtps://"
    )]
    PasswordInClear(String),
    /// A user without a password.
    #[error("there is a user name for the mail server but no password")]
    NoPassword,
    /// A sender that cannot be read.
    #[error(
        "\"{address}\" cannot be the sender of mails: {reason}; give one such as Matricula <notices@example.com>"
    )]
    From {
        /// What was given.
        address: String,
        /// Why not.
        reason: String,
    },
    /// A certificate that cannot be read.
    #[error("the certificate for the mail server cannot be used: {0}")]
    Certificate(String),
}

/// Which mail server, and as whom.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Name or address of the server.
    pub host: String,
    /// Usually 465 for implicit TLS and 587 for STARTTLS.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub security: Security,
    /// For servers that want a login.
    pub user: Option<String>,
    /// Wiped when dropped, and never printed.
    pub password: Option<Zeroizing<String>>,
    /// Who the mails are from: `Matricula <notices@example.com>`.
    pub from: String,
    /// Where answers go, if not to the sender.
    pub reply_to: Option<String>,
    /// What this machine calls itself; none: the sender's domain.
    pub hello: Option<String>,
    /// How long the connection may take.
    pub connect_timeout: Duration,
    /// How long the server may take for each answer.
    pub answer_timeout: Duration,
    /// A certificate (PEM) that is trusted besides Mozilla's roots.
    pub root_certificate: Option<String>,
}

impl SmtpSettings {
    /// Reads `smtps://user@host:465` (implicit TLS) and `smtp://user@host:587?tls=starttls`.
    ///
    /// Ports may be missing. Without `tls=starttls` or `tls=none`, `smtp` means STARTTLS, except to this machine
    /// itself (`localhost`, `127.0.0.1`, `::1`). `hello=NAME` sets what this machine calls itself. A user name with
    /// an `@` is written `%40`.
    pub fn parse(address: &str, from: &str) -> Result<Self, SettingsError> {
        let url = Url::parse(address).map_err(|error| SettingsError::Address(error.to_string()))?;
        if url.password().is_some() {
            return Err(SettingsError::PasswordInAddress);
        }
        let refused = |reason: String| Err(SettingsError::Address(reason));
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return refused("it names no host".into());
        };
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let (mut tls, mut hello) = (None, None);
        for (name, value) in url.query_pairs() {
            match &*name {
                "tls" => tls = Some(value.into_owned()),
                "hello" => hello = Some(value.into_owned()),
                _ => return refused(format!("\"{name}\" is not one of tls, hello")),
            }
        }
        if !matches!(url.path(), "" | "/") {
            return refused(format!("\"{}\" has no meaning", url.path()));
        }
        let security = match (url.scheme(), tls.as_deref()) {
            ("smtps", None) => Security::ImplicitTls,
            ("smtp", Some("starttls")) => Security::StartTls,
            ("smtp", Some("none")) => Security::None,
            ("smtp", None) if is_loopback(&host) => Security::None,
            ("smtp", None) => Security::StartTls,
            ("smtp", Some(other)) => {
                return refused(format!("tls={other} is not one of starttls, none"));
            }
            ("smtps", Some(_)) => return refused("smtps is encrypted; leave tls= away".into()),
            (scheme, _) => return refused(format!("{scheme} is not one of smtp, smtps")),
        };
        let port = url.port().unwrap_or(match security {
            Security::ImplicitTls => 465,
            Security::StartTls => 587,
            Security::None => 25,
        });
        let user = match url.username() {
            "" => None,
            user => Some(percent_decode_str(user).decode_utf8_lossy().into_owned()),
        };
        Ok(Self {
            host,
            port,
            security,
            user,
            password: None,
            from: from.to_owned(),
            reply_to: None,
            hello,
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
            root_certificate: None,
        })
    }

    /// With this password.
    #[must_use]
    pub fn with_password(mut self, password: Zeroizing<String>) -> Self {
        self.password = Some(password);
        self
    }

    /// What would only show when the first mail is sent.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        match (&self.user, &self.password) {
            (Some(_), None) => Err(SettingsError::NoPassword),
            (Some(_), Some(_)) if self.security == Security::None && !is_loopback(&self.host) => {
                Err(SettingsError::PasswordInClear(self.host.clone()))
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmtpSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("login", &self.user.is_some())
            .finish_non_exhaustive()
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: &str = "Matricula <notices@example.com>";

    #[test]
    fn addresses() {
        for (address, host, port, security, user) in [
            (
                "smtps://anna%40example.com@mail.example.com",
                "mail.example.com",
                465,
                Security::ImplicitTls,
                Some("anna@example.com"),
            ),
            (
                "smtp://mail.example.com?tls=starttls",
                "mail.example.com",
                587,
                Security::StartTls,
                None,
            ),
            (
                "smtp://u@mail.example.com:2525/",
                "mail.example.com",
                2525,
                Security::StartTls,
                Some("u"),
            ),
            ("smtp://localhost", "localhost", 25, Security::None, None),
            ("smtp://[::1]:1025", "::1", 1025, Security::None, None),
            (
                "smtp://127.0.0.1:1025?tls=starttls",
                "127.0.0.1",
                1025,
                Security::StartTls,
                None,
            ),
            (
                "smtp://relay.example.com?tls=none",
                "relay.example.com",
                25,
                Security::None,
                None,
            ),
        ] {
            let settings = SmtpSettings::parse(address, FROM).unwrap();
            assert_eq!(settings.host, host, "{address}");
            assert_eq!(settings.port, port, "{address}");
            assert_eq!(settings.security, security, "{address}");
            assert_eq!(settings.user.as_deref(), user, "{address}");
        }
        let named = SmtpSettings::parse("smtps://m.example.com?hello=app.example.com", FROM);
        assert_eq!(named.unwrap().hello.as_deref(), Some("app.example.com"));
    }

    #[test]
    fn what_is_refused() {
        for (address, text) in [
            ("mail.example.com", "relative URL"),
            (
                "https://mail.example.com",
                "https is not one of smtp, smtps",
            ),
            (
                "smtp://mail.example.com?tls=maybe",
                "tls=maybe is not one of",
            ),
            ("smtps://mail.example.com?tls=none", "leave tls= away"),
            ("smtp://mail.example.com?ssl=1", "\"ssl\" is not one of"),
            ("smtp://mail.example.com/inbox", "\"/inbox\" has no meaning"),
            ("smtp:mail", "names no host"),
            ("smtps://u:p@mail.example.com", "give it separately"),
        ] {
            let error = SmtpSettings::parse(address, FROM).unwrap_err().to_string();
            assert!(error.contains(text), "{address}: {error}");
        }
    }

    #[test]
    fn passwords_are_needed_and_only_go_encrypted() {
        let with = |address: &str| {
            SmtpSettings::parse(address, FROM)
                .unwrap()
                .with_password(Zeroizing::new("secret-word".into()))
        };
        assert_eq!(
            SmtpSettings::parse("smtps://u@m.example.com", FROM)
                .unwrap()
                .check(),
            Err(SettingsError::NoPassword)
        );
        assert_eq!(
            with("smtp://u@m.example.com?tls=none").check(),
            Err(SettingsError::PasswordInClear("m.example.com".into()))
        );
        assert_eq!(with("smtp://u@localhost").check(), Ok(()));
        let printed = format!("{:?}", with("smtps://anna@m.example.com"));
        assert!(
            !printed.contains("secret-word") && !printed.contains("anna"),
            "{printed}"
        );
    }
}
