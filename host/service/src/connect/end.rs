//! Removing a credential, and ending the connection that was made for it.
//!
//! A connection that nobody has a credential of any more goes on reading somebody's HR system, and is paid for. So it
//! is ended first, and the credential is removed after: should anything come between, the credential is still there,
//! and removing it again finds a connection that is gone already.

use matricula_core::connector::Connector as _;
use matricula_core::credential::Credential;
use matricula_core::manifest::{Disconnect, Field, Manifest, Method};
use matricula_core::{Failure, FailureKind};

use super::ask::{Answered, Asked, Values, address, body, send};
use super::{Connection, Visitor};
use crate::Matricula;
use crate::error::Error;

impl Matricula {
    /// Removes a credential with its secrets; the connection that it was made with is ended or kept.
    ///
    /// # Errors
    /// [`Error::Store`] if an automation uses it; [`Error::NotEnded`] if the system does not end the connection: the
    /// credential is there still.
    pub async fn remove_credential(
        &self,
        credential: &Credential,
        connection: Connection,
    ) -> Result<(), Error> {
        if connection == Connection::End && self.ends(credential).await? {
            self.disconnect(credential).await?;
        }
        Ok(self.store.remove_credential(&credential.id).await?)
    }

    /// Whether removing a credential ends a connection: it was made in a window, no automation uses it, and no other
    /// credential is of the same connection.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn ends(&self, credential: &Credential) -> Result<bool, Error> {
        // A connector that cannot be loaded any more must not keep its credentials from being removed.
        let Ok(component) = self.connectors.load(&credential.connector) else {
            return Ok(false);
        };
        let Some((method, _)) = ending(component.manifest(), credential) else {
            return Ok(false);
        };
        let uses = self.store.uses(&credential.tenant).await?;
        if uses.iter().any(|used| used.credential == credential.id) {
            return Ok(false);
        }
        let all = self.store.credentials(&credential.tenant).await?;
        let shares = |other: &Credential| {
            let mut names = connected(method).map(|field| &field.name);
            other.id != credential.id
                && other.connector == credential.connector
                && names.all(|name| other.public.get(name) == credential.public.get(name))
        };
        Ok(!all.iter().any(shares))
    }

    async fn disconnect(&self, credential: &Credential) -> Result<(), Error> {
        let component = self.connectors.load(&credential.connector)?;
        let manifest = component.manifest();
        let Some((method, disconnect)) = ending(manifest, credential) else {
            return Ok(());
        };
        let system = manifest.title.get("en");
        let not_ended = |cause: Failure| Error::NotEnded {
            system: system.to_owned(),
            cause: Box::new(cause),
        };
        self.is_given(&credential.tenant, manifest, &method.id)
            .map_err(not_ended)?;
        let (before, egress) = self.before(&credential.tenant, manifest, method)?;
        let mut values = Values::new(&credential.tenant, Visitor::default(), &before);
        for field in connected(method) {
            if let Some(value) = credential.public.get(&field.name) {
                values.put(&field.name, value);
            }
        }
        let asked = Asked {
            method: &disconnect.method,
            url: address(&credential.connector, &disconnect.url, &values)?,
            body: body(disconnect.body.as_ref(), &values)?,
        };
        match send(system, egress.as_ref(), asked).await {
            Ok(Answered::Done(_) | Answered::Refused(404 | 410)) => Ok(()),
            Ok(Answered::Refused(status)) => {
                let message = format!("{system} refuses to end the connection (status {status})");
                let failure = Failure::new(FailureKind::Config, message);
                Err(not_ended(failure.with_code("connect.disconnect")))
            }
            Err(failure) => Err(not_ended(failure)),
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

/// What names a connection.
fn connected(method: &Method) -> impl Iterator<Item = &Field> {
    let fields = method.fields.iter();
    fields.filter(|field| field.connected && !field.secret)
}
