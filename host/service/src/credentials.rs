//! Credentials: adding, replacing, testing.

mod fields;

use std::collections::{BTreeMap, BTreeSet};

use matricula_core::board::{TestResult, Tested};
use matricula_core::connector::{Call, Connector as _, Need, Report};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::manifest::{Manifest, Method};
use matricula_core::notice::WEBHOOK;
use matricula_core::{CredentialId, Failure, Person, TenantId};
use matricula_flow::Flow;
use serde_json::{Value, json};

use crate::connect::Connected;
use crate::error::{Error, there_are};
use crate::needs::needs;
use crate::{Matricula, automation};

pub use fields::{Entered, WrongField};
use fields::{check_fields, choose_method, misplaced, missing};

/// A credential as it is entered.
pub struct NewCredential {
    /// What the owner calls it.
    pub name: String,
    /// The connector that it is for.
    pub connector: String,
    /// The method of the connector's manifest; none where it has only one.
    pub method: Option<String>,
    /// The fields that are no secrets.
    pub public: BTreeMap<String, String>,
    /// The fields that are.
    pub secrets: Secrets,
}

impl Matricula {
    /// The method of this id that a tenant may authenticate to a connector by, or its only one.
    ///
    /// # Errors
    /// [`Error::CredentialFields`] if there is no such method, or there are several to choose from.
    pub fn method(
        &self,
        tenant: &TenantId,
        connector: &str,
        id: Option<&str>,
    ) -> Result<Method, Error> {
        let component = self.connectors.load(connector)?;
        self.chosen(tenant, component.manifest(), id).cloned()
    }

    pub(crate) fn chosen<'a>(
        &self,
        tenant: &TenantId,
        manifest: &'a Manifest,
        id: Option<&str>,
    ) -> Result<&'a Method, Error> {
        let methods: Vec<&Method> = self.methods(tenant, manifest).collect();
        let known = |id: &str| manifest.method(id).is_some();
        let offered = |id: &str| methods.iter().any(|method| method.id == id);
        if let Some(id) = id.filter(|id| known(id) && !offered(id)) {
            return Err(Error::CredentialFields(format!(
                "the method {id} of {} needs what the application that embeds this one gives, and it gives none here: {}",
                manifest.id,
                there_are(methods.iter().map(|method| method.id.as_str()))
            )));
        }
        choose_method(&manifest.id, &methods, id)
    }

    /// Adds a credential. It is not tested: see [`Self::test_credential`].
    ///
    /// # Errors
    /// [`Error::CredentialFields`] if a field is unknown, missing or in the wrong half;
    /// [`Error::Store`] if the name is taken.
    pub async fn add_credential(
        &self,
        tenant: &TenantId,
        new: NewCredential,
    ) -> Result<Credential, Error> {
        self.add_connected(tenant, new, None).await
    }

    /// The same with what [connecting](Self::take_up) has filled in.
    ///
    /// # Errors
    /// As [`Self::add_credential`]; [`Error::ConnectRefused`] if somebody has connected to something else.
    pub async fn add_connected(
        &self,
        tenant: &TenantId,
        new: NewCredential,
        connected: Option<Connected>,
    ) -> Result<Credential, Error> {
        if new.name.trim().is_empty() || new.name.chars().any(char::is_control) {
            return Err(Error::CredentialFields(
                "a credential needs a name of visible text".into(),
            ));
        }
        let id = CredentialId::new(automation::random_id()?);
        let (credential, secrets) = self.checked(tenant, new, connected, id, self.clock.now())?;
        self.store.add_credential(&credential, &secrets).await?;
        Ok(credential)
    }

    /// The credential that [`Self::replace_credential`] would write to: of this name, for this connector.
    ///
    /// # Errors
    /// [`Error::CredentialUnknown`] if there is none of that name; [`Error::CredentialConnector`] if it is
    /// for another connector.
    pub async fn replaceable(
        &self,
        tenant: &TenantId,
        name: &str,
        connector: &str,
    ) -> Result<Credential, Error> {
        let old = self.credential(tenant, name).await?;
        if old.connector != connector {
            return Err(Error::CredentialConnector {
                name: old.name,
                found: old.connector,
                connector: connector.to_owned(),
            });
        }
        Ok(old)
    }

    /// Writes method and fields of the credential of that name anew, all of them. It keeps its id, and so
    /// its automations and their links: it must be for the same account of the same remote system. Not
    /// tested, as one that is added; automations that were paused are probed at once.
    ///
    /// # Errors
    /// As [`Self::replaceable`] and [`Self::rewrite_credential`].
    pub async fn replace_credential(
        &self,
        tenant: &TenantId,
        new: NewCredential,
        by: &Person,
    ) -> Result<Credential, Error> {
        let old = self.replaceable(tenant, &new.name, &new.connector).await?;
        let method = new.method.as_deref();
        self.rewrite_credential(&old, method, (new.public, new.secrets), None, by)
            .await
    }

    /// The same of a credential that was found already, with the open and the secret fields, and with what
    /// [connecting](Self::take_up) has filled in.
    ///
    /// # Errors
    /// [`Error::CredentialFields`] as [`Self::add_credential`]; [`Error::ConnectOther`] if somebody has connected to
    /// something else: its people would all be other people. [`Error::ConnectBound`] if it is of a connection that ends
    /// with its last credential, and this would be another method. [`Error::Store`] if it was removed meanwhile.
    pub async fn rewrite_credential(
        &self,
        old: &Credential,
        method: Option<&str>,
        (public, secrets): (BTreeMap<String, String>, Secrets),
        connected: Option<Connected>,
        by: &Person,
    ) -> Result<Credential, Error> {
        if connected.as_ref().is_some_and(|of| !of.is_of(old)) {
            return Err(Error::ConnectOther);
        }
        let new = NewCredential {
            name: old.name.clone(),
            connector: old.connector.clone(),
            method: method.map(str::to_owned),
            public,
            secrets,
        };
        let (credential, secrets) =
            self.checked(&old.tenant, new, connected, old.id.clone(), old.created_at)?;
        self.may_become(old, &credential.method)?;
        self.store.replace_credential(&credential, &secrets).await?;
        self.credential_replaced(&old.tenant, &credential.id, by)
            .await?;
        Ok(credential)
    }

    /// What is wrong with the fields for a method of a connector, field by field; none: nothing that shows
    /// without asking the system.
    ///
    /// # Errors
    /// As [`Self::method`].
    pub fn wrong_fields(
        &self,
        tenant: &TenantId,
        connector: &str,
        method: Option<&str>,
        entered: Entered<'_>,
    ) -> Result<Vec<WrongField>, Error> {
        let method = self.method(tenant, connector, method)?;
        let mut wrong = misplaced(&method, entered);
        wrong.extend(missing(&method, entered));
        Ok(wrong)
    }

    /// What was entered, once its fields fit the connector's method.
    fn checked(
        &self,
        tenant: &TenantId,
        mut new: NewCredential,
        connected: Option<Connected>,
        id: CredentialId,
        created_at: jiff::Timestamp,
    ) -> Result<(Credential, Secrets), Error> {
        let connector = self.connectors.load(&new.connector)?;
        let manifest = connector.manifest();
        let method = self.chosen(tenant, manifest, new.method.as_deref())?;
        check_fields(method, &new.public, &new.secrets)?;
        if method.connect.is_some() && connected.is_none() {
            return Err(Error::CredentialFields(format!(
                "the method {} of {} is connected to in a window of the page",
                method.id, new.connector
            )));
        }
        if let Some(connected) = connected {
            new.secrets = connected.join(&new.connector, method, &mut new.public, new.secrets)?;
        }
        let credential = Credential {
            id,
            tenant: tenant.clone(),
            connector: new.connector,
            method: method.id.clone(),
            name: new.name,
            public: new.public,
            created_at,
        };
        // The gateway knows what it can send with; nothing is sent yet.
        let (whole, secrets) = self.whole(manifest, &credential, new.secrets.clone());
        self.gateway
            .session(manifest, &whole, secrets)
            .map_err(|error| Error::CredentialFields(error.to_string()))?;
        Ok((credential, new.secrets))
    }

    /// A tenant's credentials, by name.
    pub async fn credentials(&self, tenant: &TenantId) -> Result<Vec<Credential>, Error> {
        let mut credentials = self.store.credentials(tenant).await?;
        credentials.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(credentials)
    }

    /// The credential of this name.
    ///
    /// # Errors
    /// [`Error::CredentialUnknown`].
    pub async fn credential(&self, tenant: &TenantId, name: &str) -> Result<Credential, Error> {
        let credentials = self.credentials(tenant).await?;
        find(&credentials, name).cloned()
    }

    /// A tenant's credential by its id; an address for webhooks is none.
    ///
    /// # Errors
    /// [`Error::CredentialUnknown`], also if it is another tenant's.
    pub async fn credential_by_id(
        &self,
        tenant: &TenantId,
        id: &CredentialId,
    ) -> Result<Credential, Error> {
        let found = self.store.credential(id).await?;
        found
            .filter(|found| found.tenant == *tenant && found.connector != WEBHOOK)
            .ok_or_else(|| Error::CredentialUnknown {
                name: id.to_string(),
                hint: "it is named by its id".to_owned(),
            })
    }

    /// Tests a credential by the cheapest calls: whether it is accepted, and whether it has the rights that
    /// these flows need of it. A right that is missing is a finding of the report, told in `language` (a tag) if
    /// the connector knows it, else in English.
    ///
    /// # Errors
    /// [`Error::Failure`] if the remote system cannot be reached or rejects the credential.
    pub async fn test_credential(
        &self,
        credential: &Credential,
        flows: &[Flow],
        language: &str,
    ) -> Result<Report, Error> {
        let needs = needs(&credential.connector, flows);
        self.test_for(credential, &needs, language).await
    }

    /// The same for what an automation needs, which its owner's mappings change.
    pub(crate) async fn test_for(
        &self,
        credential: &Credential,
        needs: &[Need],
        language: &str,
    ) -> Result<Report, Error> {
        let side = self.side(credential, &json!({})).await?;
        let manifest = side.connector.manifest();
        let (whole, _) = self.whole(manifest, credential, Secrets::default());
        let call = Call {
            config: check_config(&whole, language).into(),
            ..self.call(&side, format!("check/{}", credential.id))
        };
        Ok(side.connector.check(&call, needs).await?)
    }

    /// Tests a credential as [`Self::test_credential`] and keeps what came of it: for a flow, or, where none is
    /// named, for those that are started with it. A system that rejects it is an answer too.
    ///
    /// # Errors
    /// [`Error::FlowUnknown`]; [`Error::Session`] if what is stored does not fit the connector any more.
    pub async fn try_credential(
        &self,
        credential: &Credential,
        flow: Option<&str>,
        language: &str,
    ) -> Result<Result<Report, Failure>, Error> {
        let flows = match flow {
            Some(name) => vec![self.offered(name)?],
            None => self.flows_with(credential).await?,
        };
        let answer = match self.test_credential(credential, &flows, language).await {
            Ok(report) => Ok(report),
            Err(Error::Failure(failure)) => Err(failure),
            Err(error) => return Err(error),
        };
        let result = match &answer {
            Ok(report) if report.findings.iter().all(|finding| finding.ok) => TestResult::Ok,
            Ok(_) => TestResult::Findings,
            Err(_) => TestResult::Failed,
        };
        let at = self.clock.now();
        let tested = Tested { at, result };
        self.store.set_tested(&credential.id, tested).await?;
        Ok(answer)
    }

    /// The flows of the automations that use a credential, each once.
    async fn flows_with(&self, credential: &Credential) -> Result<Vec<Flow>, Error> {
        let uses = self.store.uses(&credential.tenant).await?;
        let uses = uses.iter().filter(|used| used.credential == credential.id);
        let names: BTreeSet<&str> = uses.map(|used| used.flow.as_str()).collect();
        // One that the folder does not have any more cannot say what it needs.
        Ok(names
            .into_iter()
            .filter_map(|name| self.offered(name).ok())
            .collect())
    }
}

pub(crate) fn find<'a>(credentials: &'a [Credential], name: &str) -> Result<&'a Credential, Error> {
    credentials
        .iter()
        .find(|credential| credential.name == name)
        .ok_or_else(|| Error::CredentialUnknown {
            name: name.to_owned(),
            hint: there_are(
                credentials
                    .iter()
                    .map(|credential| credential.name.as_str()),
            ),
        })
}

/// What a component is told of its surroundings.
pub(crate) fn config(credential: &Credential, settings: &Value) -> String {
    json!({ "credential": credential.public, "settings": settings }).to_string()
}

/// The same for a test of the credential, which answers somebody: in whose language. Beside the credential's
/// fields, so that one may be called so too.
fn check_config(credential: &Credential, language: &str) -> String {
    json!({ "credential": credential.public, "settings": {}, "language": language }).to_string()
}
