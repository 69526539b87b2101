//! Notices leave the house by the same doors as everything else: webhooks go out through the gateway, so that
//! private addresses are refused for them as well, and their secrets lie in the vault.
//!
//! An endpoint is kept like a credential, for a connector that no component has; so rotation, replacement and
//! removal need nothing of their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use matricula_core::credential::{Credential, Secrets};
use matricula_core::egress::{Egress as _, Request};
use matricula_core::manifest::{Field, Manifest, Method};
use matricula_core::notice::WEBHOOK;
use matricula_core::store::StoreError;
use matricula_core::{CredentialId, TenantId, Text};
use matricula_notice::{
    Answer, Courier, Endpoint, Endpoints, Keys, Mail, Post, PostError, Posting, SigningKey,
    Webhooks, Writer,
};
use zeroize::Zeroizing;

use crate::Matricula;
use crate::automation::random_id;
use crate::error::Error;

/// The public field of an endpoint.
const URL: &str = "url";
/// Its secret field.
const KEY: &str = "key";
const METHOD: &str = "standard-webhooks";

impl Matricula {
    /// Who delivers notices: by mail if there is a mail server, and by webhooks.
    pub fn courier(self: &Arc<Self>, writer: Writer, mail: Option<Arc<dyn Mail>>) -> Courier {
        let doors = Arc::new(Doors(Arc::clone(self)));
        let webhooks = Webhooks::new(Arc::clone(&doors) as _, Arc::clone(&doors) as _);
        let courier = Courier::new(
            Arc::clone(&self.store) as _,
            Arc::clone(&self.clock),
            writer,
        )
        .with_webhooks(webhooks, doors);
        match mail {
            Some(mail) => courier.with_mail(mail),
            None => courier,
        }
    }

    /// Adds an address for webhooks; every notice of the tenant is sent there. Gives it with the secret (`whsec_…`)
    /// by which the receiver checks signatures; that is shown only now.
    ///
    /// # Errors
    /// [`Error::CredentialFields`] if the address cannot be used; [`Error::Store`] if the name is taken.
    pub async fn add_webhook(
        &self,
        tenant: &TenantId,
        name: &str,
        url: &str,
    ) -> Result<(Credential, Zeroizing<String>), Error> {
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(Error::CredentialFields(
                "an address for webhooks needs a name of visible text".into(),
            ));
        }
        let mut bytes = vec![0; 32];
        getrandom::fill(&mut bytes).map_err(Error::Random)?;
        let key = SigningKey::from_bytes(bytes)
            .map_err(|error| Error::CredentialFields(error.to_string()))?
            .reveal();
        let credential = Credential {
            id: CredentialId::new(random_id()?),
            tenant: tenant.clone(),
            connector: WEBHOOK.to_owned(),
            method: METHOD.to_owned(),
            name: name.to_owned(),
            public: BTreeMap::from([(URL.to_owned(), url.to_owned())]),
            created_at: self.clock.now(),
        };
        let secrets = Secrets::new([(KEY.to_owned(), key.to_string())]);
        self.gateway
            .session(&manifest(), &credential, secrets.clone())
            .map_err(|error| Error::CredentialFields(error.to_string()))?;
        self.store.add_credential(&credential, &secrets).await?;
        Ok((credential, key))
    }

    /// Removes an address for webhooks; what waits to be sent there is dropped.
    ///
    /// # Errors
    /// [`Error::CredentialUnknown`] if the tenant has none of this id.
    pub async fn remove_webhook(&self, tenant: &TenantId, id: &CredentialId) -> Result<(), Error> {
        let known = self.store.credential(id).await?;
        let own = known.filter(|known| known.tenant == *tenant && known.connector == WEBHOOK);
        let own = own.ok_or_else(|| Error::CredentialUnknown {
            name: id.to_string(),
            hint: "it may have been removed".to_owned(),
        })?;
        Ok(self.store.remove_credential(&own.id).await?)
    }

    /// A tenant's addresses for webhooks, by name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Credential>, Error> {
        let mut all = self.store.credentials(tenant).await?;
        all.retain(|credential| credential.connector == WEBHOOK);
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }
}

/// The way out for webhooks, as a connector's manifest would describe it.
fn manifest() -> Manifest {
    let field = |name: &str, secret: bool, format: Option<&str>| Field {
        name: name.to_owned(),
        title: Text::default(),
        help: Text::default(),
        secret,
        required: true,
        given: false,
        connected: false,
        format: format.map(str::to_owned),
    };
    Manifest {
        contract: "1.0".to_owned(),
        id: WEBHOOK.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        title: Text::default(),
        summary: Text::default(),
        icon: None,
        authentication: vec![Method {
            id: METHOD.to_owned(),
            title: Text::default(),
            help: Text::default(),
            connect: None,
            fields: vec![field(URL, false, Some("uri")), field(KEY, true, None)],
            sessions: Vec::new(),
        }],
        origins: vec![format!("{{{URL}}}")],
        limits: Vec::new(),
        streams: BTreeMap::new(),
        operations: BTreeMap::new(),
        lookups: BTreeMap::new(),
        webhook: None,
    }
}

/// What the courier needs of the house.
struct Doors(Arc<Matricula>);

#[async_trait]
impl Post for Doors {
    async fn post(&self, posting: &Posting) -> Result<Answer, PostError> {
        let failed = |error: &dyn std::fmt::Display| PostError(error.to_string());
        // Every address is an endpoint of its own to the gateway: nothing is shared but the policy.
        let credential = Credential {
            id: CredentialId::new(format!("{WEBHOOK}:{}", posting.url)),
            tenant: TenantId::new(WEBHOOK),
            connector: WEBHOOK.to_owned(),
            method: METHOD.to_owned(),
            name: WEBHOOK.to_owned(),
            public: BTreeMap::from([(URL.to_owned(), posting.url.clone())]),
            created_at: self.0.clock.now(),
        };
        let secrets = Secrets::new([(KEY.to_owned(), "the body is signed already".to_owned())]);
        let session = self
            .0
            .gateway
            .session(&manifest(), &credential, secrets)
            .map_err(|error| failed(&error))?;
        let request = Request {
            method: "POST".to_owned(),
            url: posting.url.clone(),
            headers: posting
                .headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            body: Some(posting.body.clone().into()),
            timeout: Some(posting.timeout),
        };
        let response = session
            .send(request, posting.timeout)
            .await
            .map_err(|error| failed(&error))?;
        let retry_after = response
            .headers
            .iter()
            .find(|(name, _)| name == "retry-after")
            .map(|(_, value)| value.clone());
        Ok(Answer {
            status: response.status,
            retry_after,
        })
    }
}

#[async_trait]
impl Keys for Doors {
    async fn key(&self, endpoint: &CredentialId) -> Result<Option<Zeroizing<String>>, StoreError> {
        match self.0.store.secrets(endpoint).await {
            Ok(secrets) => Ok(secrets.get(KEY).map(|key| Zeroizing::new(key.to_owned()))),
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Endpoints for Doors {
    async fn of(&self, tenant: &TenantId) -> Result<Vec<Endpoint>, StoreError> {
        let credentials = self.0.store.credentials(tenant).await?;
        let endpoint = |credential: Credential| {
            let url = credential.public.get(URL)?.clone();
            (credential.connector == WEBHOOK).then_some(Endpoint {
                id: credential.id,
                url,
            })
        };
        Ok(credentials.into_iter().filter_map(endpoint).collect())
    }

    async fn gone(&self, endpoint: &CredentialId) -> Result<(), StoreError> {
        match self.0.store.remove_credential(endpoint).await {
            Ok(()) | Err(StoreError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
