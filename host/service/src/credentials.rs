//! Credentials: adding, testing, removing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use matricula_core::connector::{Call, Connector as _, Need, Report};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::manifest::Method;
use matricula_core::notice::WEBHOOK;
use matricula_core::{CredentialId, Person, TenantId};
use matricula_flow::Flow;
use serde_json::{Value, json};

use crate::error::{Error, there_are};
use crate::{Matricula, automation};

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
    /// The method of this id that a connector authenticates by, or its only one.
    ///
    /// # Errors
    /// [`Error::CredentialFields`] if there is no such method, or there are several to choose from.
    pub fn method(&self, connector: &str, id: Option<&str>) -> Result<Method, Error> {
        let component = self.connectors.load(connector)?;
        choose_method(connector, &component.manifest().authentication, id).cloned()
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
        if new.name.trim().is_empty() || new.name.chars().any(char::is_control) {
            return Err(Error::CredentialFields(
                "a credential needs a name of visible text".into(),
            ));
        }
        let id = CredentialId::new(automation::random_id()?);
        let (credential, secrets) = self.checked(tenant, new, id, self.clock.now())?;
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
    /// As [`Self::replaceable`]; [`Error::CredentialFields`] as [`Self::add_credential`].
    pub async fn replace_credential(
        &self,
        tenant: &TenantId,
        new: NewCredential,
        by: &Person,
    ) -> Result<Credential, Error> {
        let old = self.replaceable(tenant, &new.name, &new.connector).await?;
        let (credential, secrets) = self.checked(tenant, new, old.id, old.created_at)?;
        self.store.replace_credential(&credential, &secrets).await?;
        self.credential_replaced(tenant, &credential.id, by).await?;
        Ok(credential)
    }

    /// What was entered, once its fields fit the connector's method.
    fn checked(
        &self,
        tenant: &TenantId,
        new: NewCredential,
        id: CredentialId,
        created_at: jiff::Timestamp,
    ) -> Result<(Credential, Secrets), Error> {
        let connector = self.connectors.load(&new.connector)?;
        let manifest = connector.manifest();
        let method = choose_method(
            &new.connector,
            &manifest.authentication,
            new.method.as_deref(),
        )?;
        check_fields(method, &new.public, &new.secrets)?;
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
        self.gateway
            .session(manifest, &credential, new.secrets.clone())
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

    /// Removes the credential of this name with its secrets.
    ///
    /// # Errors
    /// [`Error::Store`] if an automation uses it.
    pub async fn remove_credential(&self, tenant: &TenantId, name: &str) -> Result<(), Error> {
        let credential = self.credential(tenant, name).await?;
        Ok(self.store.remove_credential(&credential.id).await?)
    }

    /// Tests a credential by the cheapest calls: whether it is accepted, and whether it has the rights that
    /// these flows need of it. A right that is missing is a finding of the report.
    ///
    /// # Errors
    /// [`Error::Failure`] if the remote system cannot be reached or rejects the credential.
    pub async fn test_credential(
        &self,
        credential: &Credential,
        flows: &[Flow],
    ) -> Result<Report, Error> {
        let needs = needs(&credential.connector, flows);
        let side = self.side(credential, &json!({})).await?;
        let now = self.clock.now();
        let call = Call {
            config: Arc::clone(&side.config),
            now_ms: u64::try_from(now.as_millisecond()).unwrap_or(0),
            idempotency_key: format!("check/{}/{}", credential.id, now.as_millisecond()),
            egress: Arc::clone(&side.egress),
            deadline: self.options.call_deadline,
        };
        Ok(side.connector.check(&call, &needs).await?)
    }
}

/// The method of this id, or the only one.
fn choose_method<'a>(
    connector: &str,
    methods: &'a [Method],
    id: Option<&str>,
) -> Result<&'a Method, Error> {
    let ids = || there_are(methods.iter().map(|method| method.id.as_str()));
    match (id, methods) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Error::CredentialFields(format!(
            "{connector} has several methods of authentication, choose one: {}",
            ids()
        ))),
        (Some(id), _) => methods
            .iter()
            .find(|method| method.id == id)
            .ok_or_else(|| {
                Error::CredentialFields(format!(
                    "{connector} has no method of authentication \"{id}\": {}",
                    ids()
                ))
            }),
    }
}

fn check_fields(
    method: &Method,
    public: &BTreeMap<String, String>,
    secrets: &Secrets,
) -> Result<(), Error> {
    let wrong = |reason: String| Err(Error::CredentialFields(reason));
    let find = |name: &str| method.fields.iter().find(|field| field.name == name);
    for (name, secret) in public
        .keys()
        .map(|name| (name.as_str(), false))
        .chain(secrets.iter().map(|(name, _)| (name, true)))
    {
        match find(name) {
            None => {
                let known = there_are(method.fields.iter().map(|field| field.name.as_str()));
                return wrong(format!("there is no field \"{name}\": {known}"));
            }
            Some(field) if field.secret && !secret => {
                return wrong(format!(
                    "the field {name} is a secret and must be given as one"
                ));
            }
            Some(field) if !field.secret && secret => {
                return wrong(format!(
                    "the field {name} is no secret and must not be given as one"
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// What flows need of a connector: one need per stream and operation.
fn needs(connector: &str, flows: &[Flow]) -> Vec<Need> {
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for flow in flows {
        let (source, stream) = flow.source();
        if source == connector {
            wanted
                .entry(stream)
                .or_default()
                .extend(flow.attributes().iter().map(String::as_str));
        }
        let (target, operation) = flow.target();
        if target == connector {
            let fields = flow.fields().iter().map(|field| field.name.as_str());
            wanted.entry(operation).or_default().extend(fields);
        }
    }
    let need = |(subject, attributes): (&str, BTreeSet<&str>)| Need {
        subject: subject.to_owned(),
        attributes: attributes.into_iter().map(str::to_owned).collect(),
    };
    wanted.into_iter().map(need).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn method() -> Method {
        serde_json::from_value(json!({
            "id": "token", "title": { "en": "Token" }, "sessions": [],
            "fields": [
                { "name": "url", "title": { "en": "Address" }, "format": "uri" },
                { "name": "token", "title": { "en": "Token" }, "secret": true },
                { "name": "note", "title": { "en": "Note" }, "required": false },
            ],
        }))
        .unwrap()
    }

    fn check(public: &[(&str, &str)], secrets: &[(&str, &str)]) -> Result<(), String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let public = public.iter().map(own).collect();
        let secrets = Secrets::new(secrets.iter().map(own));
        check_fields(&method(), &public, &secrets).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_must_be_known_and_in_the_right_half() {
        let url = ("url", "https://academy.example.com/scim/v2");
        assert_eq!(check(&[url], &[("token", "t")]), Ok(()));
        for (public, secrets, reason) in [
            (
                vec![url, ("token", "t")],
                vec![],
                "the field token is a secret and must be given as one",
            ),
            (
                vec![],
                vec![url, ("token", "t")],
                "the field url is no secret and must not be given as one",
            ),
            (
                vec![url, ("tokn", "t")],
                vec![("token", "t")],
                "there is no field \"tokn\": there are url, token, note",
            ),
        ] {
            assert_eq!(check(&public, &secrets), Err(reason.to_owned()));
        }
    }

    #[test]
    fn the_method_is_chosen_where_there_is_only_one() {
        let methods = [method()];
        assert_eq!(choose_method("x", &methods, None).unwrap().id, "token");
        let error = choose_method("x", &methods, Some("oauth"))
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "x has no method of authentication \"oauth\": there is only token"
        );
        assert!(choose_method("x", &[method(), method()], None).is_err());
    }
}
