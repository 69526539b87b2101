//! Removing a credential, and ending the connection that was made for it.
//!
//! A connection that nobody has a credential of any more goes on reading somebody's HR system, and is paid for. So it
//! is ended first, and the credential is removed after: should anything come between, the credential is still there,
//! and removing it again finds a connection that is gone already.
//!
//! Whether a connection ends is looked at, then done. Whoever may be asked for several things at once sees to it that
//! meanwhile no automation gets the credential, and no other credential of the connection comes or goes.

use matricula_core::connector::Connector as _;
use matricula_core::credential::Credential;
use matricula_core::manifest::{Disconnect, Manifest, Method};
use matricula_core::store::StoreError;
use matricula_core::{Failure, FailureKind};

use super::ask::{Answered, Asked, Values, address, body, denied, send};
use super::{ConnectionFate, Visitor};
use crate::Matricula;
use crate::error::Error;

/// What becomes of a credential's connection when the credential is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// There is none that could be ended.
    Unconnected,
    /// It stays, as was wished.
    Kept,
    /// It stays, since another credential is of the same one.
    Shared,
    /// The system is asked to end it: this credential is the last of it, and no automation uses it.
    Last,
}

impl Matricula {
    /// What would become of a credential's connection if the credential was removed now.
    ///
    /// # Errors
    /// [`Error::Store`], also if an automation uses a credential whose connection would be ended.
    pub async fn parting(
        &self,
        credential: &Credential,
        fate: ConnectionFate,
    ) -> Result<Parting, Error> {
        let component = match self.connectors.load(&credential.connector) {
            Ok(component) => component,
            // It must not keep its credentials from being removed.
            Err(error) => {
                tracing::warn!(
                    tenant = %credential.tenant,
                    connector = credential.connector,
                    %error,
                    "A connector cannot be loaded; a connection of it cannot be ended."
                );
                return Ok(Parting::Unconnected);
            }
        };
        let Some((method, disconnect)) = ending(component.manifest(), credential) else {
            return Ok(Parting::Unconnected);
        };
        if fate == ConnectionFate::Keep {
            return Ok(Parting::Kept);
        }
        let all = self.store.credentials(&credential.tenant).await?;
        let shares = |other: &Credential| {
            let mut names = disconnect.of(method);
            other.id != credential.id
                && other.connector == credential.connector
                && names.all(|name| other.public.get(name) == credential.public.get(name))
        };
        if all.iter().any(shares) {
            return Ok(Parting::Shared);
        }
        // The store refuses it too, but only after the connection has ended.
        let mut uses = self.store.uses(&credential.tenant).await?.into_iter();
        if let Some(used) = uses.find(|used| used.credential == credential.id) {
            return Err(Error::Store(StoreError::InUse(format!(
                "the credential “{}” is used by the automation of the flow “{}”",
                credential.name, used.flow
            ))));
        }
        Ok(Parting::Last)
    }

    /// Removes a credential with its secrets, and does with its connection what [`Self::parting`] said.
    ///
    /// # Errors
    /// [`Error::Store`] if an automation uses it; [`Error::NotEnded`] if the system does not end the connection: the
    /// credential is there still.
    pub async fn remove_credential(
        &self,
        credential: &Credential,
        parting: Parting,
    ) -> Result<(), Error> {
        let (tenant, connector) = (&credential.tenant, &credential.connector);
        let became = match parting {
            Parting::Unconnected => "none",
            Parting::Kept => "kept",
            Parting::Shared => "shared",
            Parting::Last => self.disconnect(credential).await?,
        };
        let removed = self.store.remove_credential(&credential.id).await;
        if let (Err(error), Parting::Last) = (&removed, parting) {
            tracing::warn!(
                %tenant,
                connector,
                connection = became,
                %error,
                "A credential is not removed, though its connection is gone."
            );
        }
        removed?;
        tracing::info!(%tenant, connector, connection = became, "A credential is removed.");
        Ok(())
    }

    /// Refuses to write another method into a credential whose connection would be left behind by that: nobody would
    /// know its name any more.
    ///
    /// # Errors
    /// [`Error::ConnectBound`].
    pub(crate) fn may_become(&self, old: &Credential, method: &str) -> Result<(), Error> {
        let component = self.connectors.load(&old.connector)?;
        match method != old.method && ending(component.manifest(), old).is_some() {
            true => Err(Error::ConnectBound),
            false => Ok(()),
        }
    }

    /// Ends a connection; says for the log what became of it. Whatever keeps it from that is [`Error::NotEnded`]: the
    /// credential can be removed alone then.
    async fn disconnect(&self, credential: &Credential) -> Result<&'static str, Error> {
        let component = self.connectors.load(&credential.connector)?;
        let manifest = component.manifest();
        let Some((method, disconnect)) = ending(manifest, credential) else {
            return Ok("none");
        };
        let ended = self.end(credential, manifest, method, disconnect).await;
        ended.map_err(|error| match error {
            Error::Store(_) => error,
            error => Error::NotEnded {
                system: manifest.title.get("en").to_owned(),
                cause: Box::new(cause(error)),
            },
        })
    }

    async fn end(
        &self,
        credential: &Credential,
        manifest: &Manifest,
        method: &Method,
        disconnect: &Disconnect,
    ) -> Result<&'static str, Error> {
        let Credential {
            tenant, connector, ..
        } = credential;
        let system = manifest.title.get("en");
        self.is_given(tenant, manifest, &method.id)?;
        let (before, egress) = self.before(tenant, manifest, method)?;
        let mut values = Values::new(tenant, Visitor::default(), &before);
        values.put_connected(method, credential);
        let asked = Asked {
            method: &disconnect.method,
            url: address(connector, &disconnect.url, &values)?,
            body: body(disconnect.body.as_ref(), &values)?,
        };
        let refused = |status: u16| {
            tracing::warn!(%tenant, connector, status, "A system refuses to end a connection.");
        };
        match send(system, egress.as_ref(), asked).await? {
            Answered::Done(_) => Ok("ended"),
            Answered::Refused(404 | 410) => Ok("gone already"),
            Answered::Refused(status) => {
                refused(status);
                let message = format!("{system} refuses to end the connection (status {status})");
                let failure = Failure::new(FailureKind::Config, message);
                Err(failure.with_code("connect.disconnect").into())
            }
            Answered::Denied(status) => {
                refused(status);
                Err(denied(system).into())
            }
        }
    }
}

/// How the connection of a credential is ended, if it was made in a window.
fn ending<'a>(
    manifest: &'a Manifest,
    credential: &Credential,
) -> Option<(&'a Method, &'a Disconnect)> {
    let method = manifest.method(&credential.method)?;
    Some((method, method.connect.as_ref()?.disconnect.as_ref()?))
}

/// Why a connection is not ended.
fn cause(error: Error) -> Failure {
    let (message, code) = match error {
        Error::Failure(failure) => return failure,
        // What an address says of a value that leads out of its path; its own sentence is one about signing in.
        Error::ConnectRefused => (
            "what names the connection cannot stand in an address".to_owned(),
            "connect.address",
        ),
        error => (error.to_string(), error.code()),
    };
    Failure::new(FailureKind::Config, message).with_code(code)
}

#[cfg(test)]
mod tests {
    use matricula_core::Effect;

    use super::*;

    fn told(cause: Failure) -> String {
        let system = "Kombo".to_owned();
        let cause = Box::new(cause);
        Error::NotEnded { system, cause }.to_string()
    }

    #[test]
    fn what_is_told_of_a_connection_is_what_is_known() {
        let refused = Failure::new(FailureKind::Config, "Kombo refuses it");
        let kept = told(refused);
        assert!(kept.contains("and so is the connection"), "{kept}");
        assert!(!kept.contains("again"), "it would not help: {kept}");
        for effect in [Effect::Unknown, Effect::Applied] {
            let lost = Failure::new(FailureKind::Unavailable, "no answer in time");
            let unknown = told(lost.with_effect(effect));
            assert!(unknown.contains("is not known"), "{unknown}");
            assert!(unknown.contains("again is safe"), "{unknown}");
            assert!(!unknown.contains("so is the connection"), "{unknown}");
        }
    }

    #[test]
    fn whatever_keeps_a_connection_has_a_sentence_about_it() {
        let failure = cause(Error::ConnectRefused);
        assert!(!failure.message.contains("connect again"), "{failure}");
        let failure = cause(Error::CredentialFields("the address is none".to_owned()));
        assert_eq!(
            (failure.message.as_str(), failure.code.as_deref()),
            ("the address is none", Some("credential.fields"))
        );
    }
}
