//! Credentials: adding, testing, removing.

use std::collections::{BTreeMap, BTreeSet};

use matricula_core::board::{TestResult, Tested};
use matricula_core::connector::{Call, Connector as _, Need, Report};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::manifest::Method;
use matricula_core::notice::WEBHOOK;
use matricula_core::{CredentialId, Failure, Person, TenantId};
use matricula_flow::Flow;
use serde_json::{Value, json};

use crate::error::{Error, there_are};
use crate::needs::needs;
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

/// The fields of a credential as they are entered, before anything is kept.
#[derive(Debug, Clone, Copy)]
pub struct Entered<'a> {
    /// Those that are no secrets.
    pub public: &'a BTreeMap<String, String>,
    /// Those that are.
    pub secrets: &'a Secrets,
}

/// A field of a credential that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongField {
    /// The field.
    pub name: String,
    /// Whether it stands, or is missing, among the secrets.
    pub secret: bool,
    /// Stable: `field.unknown`, `field.half` or `field.missing`.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
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
        let method = new.method.as_deref();
        self.rewrite_credential(&old, method, new.public, new.secrets, by)
            .await
    }

    /// The same of a credential that was found already.
    ///
    /// # Errors
    /// [`Error::CredentialFields`] as [`Self::add_credential`]; [`Error::Store`] if it was removed meanwhile.
    pub async fn rewrite_credential(
        &self,
        old: &Credential,
        method: Option<&str>,
        public: BTreeMap<String, String>,
        secrets: Secrets,
        by: &Person,
    ) -> Result<Credential, Error> {
        let new = NewCredential {
            name: old.name.clone(),
            connector: old.connector.clone(),
            method: method.map(str::to_owned),
            public,
            secrets,
        };
        let (credential, secrets) =
            self.checked(&old.tenant, new, old.id.clone(), old.created_at)?;
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
        connector: &str,
        method: Option<&str>,
        entered: Entered<'_>,
    ) -> Result<Vec<WrongField>, Error> {
        let method = self.method(connector, method)?;
        let mut wrong = misplaced(&method, entered);
        wrong.extend(missing(&method, entered));
        Ok(wrong)
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
    /// The credential of this id, if it is the tenant's and one for a connector.
    ///
    /// # Errors
    /// [`Error::CredentialUnknown`].
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
        let call = Call {
            config: check_config(credential, language).into(),
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
    // What is missing is told by the gateway, which knows what it can do without.
    let wrong = misplaced(method, Entered { public, secrets });
    match wrong.into_iter().next() {
        Some(first) => Err(Error::CredentialFields(first.message)),
        None => Ok(()),
    }
}

/// Fields that the method does not have, or has in the other half.
fn misplaced(method: &Method, entered: Entered<'_>) -> Vec<WrongField> {
    let public = entered.public.keys().map(|name| (name.as_str(), false));
    let secrets = entered.secrets.iter().map(|(name, _)| (name, true));
    let of = |(name, secret): (&str, bool)| {
        let known = method.fields.iter().find(|field| field.name == name);
        let (code, message) = match known {
            None => {
                let known = there_are(method.fields.iter().map(|field| field.name.as_str()));
                let message = format!("there is no field \"{name}\": {known}");
                ("field.unknown", message)
            }
            Some(field) if field.secret == secret => return None,
            Some(_) => {
                let message = match secret {
                    false => format!("the field {name} is a secret and must be given as one"),
                    true => format!("the field {name} is no secret and must not be given as one"),
                };
                ("field.half", message)
            }
        };
        Some(WrongField {
            name: name.to_owned(),
            secret,
            code,
            message,
        })
    };
    public.chain(secrets).filter_map(of).collect()
}

/// Fields that the method needs and that are empty or not there at all.
fn missing(method: &Method, entered: Entered<'_>) -> Vec<WrongField> {
    let value = |name: &str| {
        let public = entered.public.get(name).map(String::as_str);
        public.or_else(|| entered.secrets.get(name))
    };
    let lacks = |name: &str| value(name).is_none_or(|value| value.trim().is_empty());
    let fields = method.fields.iter().filter(|field| field.required);
    fields
        .filter(|field| lacks(&field.name))
        .map(|field| WrongField {
            name: field.name.clone(),
            secret: field.secret,
            code: "field.missing",
            message: format!("the field {} is needed", field.name),
        })
        .collect()
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
    fn what_is_missing_is_told_with_what_is_misplaced() {
        let public = BTreeMap::from([("token".to_owned(), "t".to_owned())]);
        let secrets = Secrets::default();
        let entered = Entered {
            public: &public,
            secrets: &secrets,
        };
        let told = |wrong: Vec<WrongField>| -> Vec<(String, bool, &str)> {
            let wrong = wrong.into_iter();
            wrong.map(|of| (of.name, of.secret, of.code)).collect()
        };
        assert_eq!(
            told(misplaced(&method(), entered)),
            [("token".to_owned(), false, "field.half")]
        );
        assert_eq!(
            told(missing(&method(), entered)),
            [("url".to_owned(), false, "field.missing")]
        );
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
