//! Automations: found or begun by flow and credentials, then run, previewed and decided about.

use std::sync::Arc;

use matricula_core::automation::{Automation, Memory};
use matricula_core::connector::Connector as _;
use matricula_core::credential::{Credential, Secrets};

use matricula_core::link::{Decision, Link};
use matricula_core::run::{Run, Trigger};
use matricula_core::store::Store as _;
use matricula_core::{AutomationId, CredentialId, SourceKey, TenantId};
use matricula_engine::{Engine, Observer, Preview, RunRequest, Side, Sides};
use matricula_flow::{Flow, Program};
use matricula_store::vault::new_key;
use matricula_store::{SqliteStore, Vault};
use serde_json::{Map, Value};

use crate::Matricula;
use crate::credentials::{config, find};
use crate::error::Error;

/// Which automation of a flow is meant.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The name of the source's credential. None: that of the only automation of the flow, else the only
    /// one that there is for the connector.
    pub source: Option<String>,
    /// The same of the target.
    pub target: Option<String>,
    /// Settings that replace those kept with the automation; null takes one back to its default.
    pub settings: Map<String, Value>,
}

/// An automation that is ready to run.
pub struct Opened {
    /// The automation, with the selection's settings.
    pub automation: Automation,
    /// The flow with these settings.
    pub program: Arc<Program>,
    sides: Sides,
    /// The credentials of an automation that the store does not know yet.
    new_with: Option<[Credential; 2]>,
}

impl Matricula {
    /// Finds the automation of a flow, or makes one up that the first [`Self::run`] keeps.
    ///
    /// # Errors
    /// [`Error::CredentialMissing`], [`Error::CredentialAmbiguous`] and the like if the credentials are not
    /// clear; [`Error::Settings`] if the settings do not fit the flow.
    pub async fn open(
        &self,
        tenant: &TenantId,
        flow: &Flow,
        selection: &Selection,
    ) -> Result<Opened, Error> {
        let credentials = self.credentials(tenant).await?;
        let automations = self.automations_of(tenant, flow).await?;
        let (source, target) = choose(systems(flow), selection, &credentials, &automations)?;
        let known = automations
            .into_iter()
            .find(|automation| automation.source == source.id && automation.target == target.id);
        let new_with = known.is_none().then(|| [source.clone(), target.clone()]);
        let mut automation = match known {
            Some(automation) => automation,
            None => Automation {
                id: AutomationId::new(random_id()?),
                tenant: tenant.clone(),
                flow: flow.name().to_owned(),
                source: source.id.clone(),
                target: target.id.clone(),
                settings: Value::Object(Map::new()),
                file: None,
                salt: getrandom::u64().map_err(Error::Random)?,
                created_at: self.clock.now(),
                memory: Memory::default(),
            },
        };
        automation.settings = merged(&automation.settings, &selection.settings);
        flow.at_start(&mut automation.settings, automation.created_at);
        let program = Arc::new(flow.program(&automation.settings)?);
        let sides = Sides {
            source: self.side(source, program.settings()).await?,
            target: self.side(target, program.settings()).await?,
            people: self.people_of(&automation, flow).await?,
        };
        // Whoever names a file runs that file from now on.
        if automation.file.is_some() {
            automation.file = Some(self.store.keep_file(flow.text()).await?);
        }
        Ok(Opened {
            automation,
            program,
            sides,
            new_with,
        })
    }

    /// An automation that exists, with the flow as it is given.
    pub(crate) async fn opened(
        &self,
        automation: Automation,
        flow: &Flow,
    ) -> Result<Opened, Error> {
        let program = Arc::new(flow.program(&automation.settings)?);
        let sides = self.sides_of(&automation, &program).await?;
        Ok(Opened {
            automation,
            program,
            sides,
            new_with: None,
        })
    }

    /// Runs one cycle, or goes on with the one that was cut off. `full`: reads the whole population even
    /// if only the changes are due.
    ///
    /// # Errors
    /// [`Error::Busy`] if another process runs this automation; [`Error::Store`] if the store failed. What
    /// goes wrong at a remote system is told by the run.
    pub async fn run(
        &self,
        opened: &Opened,
        trigger: Trigger,
        full: bool,
        observer: &Arc<dyn Observer>,
    ) -> Result<Run, Error> {
        self.store.put_automation(&opened.automation).await?;
        let request = RunRequest {
            trigger,
            full,
            owner: self.owner.clone(),
            stop: Default::default(),
        };
        let Opened {
            automation,
            program,
            sides,
            ..
        } = opened;
        Ok(self
            .engine
            .run(automation, program, sides, &request, observer)
            .await?)
    }

    /// What a cycle would do now. Writes nothing anywhere.
    ///
    /// # Errors
    /// [`Error::Failure`] if a remote system cannot be read.
    pub async fn preview(
        &self,
        opened: &Opened,
        observer: &Arc<dyn Observer>,
    ) -> Result<Preview, Error> {
        let scratch = match &opened.new_with {
            Some(credentials) => Some(self.scratch(&opened.automation, credentials).await?),
            None => None,
        };
        let engine = scratch.as_ref().unwrap_or(&self.engine);
        let Opened {
            automation,
            program,
            sides,
            ..
        } = opened;
        Ok(engine.preview(automation, program, sides, observer).await?)
    }

    /// An engine over a store in memory that knows this automation and nobody in it: an automation that was
    /// only looked at leaves no trace in the real one, where it would hold its credentials fast.
    async fn scratch(
        &self,
        automation: &Automation,
        credentials: &[Credential; 2],
    ) -> Result<Engine, Error> {
        let store = SqliteStore::in_memory(Vault::new(&*new_key()?))?;
        let [source, target] = credentials;
        store.add_credential(source, &Secrets::default()).await?;
        if target.id != source.id {
            store.add_credential(target, &Secrets::default()).await?;
        }
        store.put_automation(automation).await?;
        Ok(Engine::new(
            Arc::new(store),
            Arc::clone(&self.clock),
            self.options.clone(),
        ))
    }

    /// The automation of a flow that has been run before.
    ///
    /// # Errors
    /// [`Error::NotStarted`] if there is none; as [`Self::open`] if it is not clear which one is meant.
    pub async fn automation(
        &self,
        tenant: &TenantId,
        flow: &Flow,
        selection: &Selection,
    ) -> Result<Automation, Error> {
        let automations = self.automations_of(tenant, flow).await?;
        let not_started = || Error::NotStarted {
            flow: flow.name().to_owned(),
        };
        if automations.is_empty() {
            return Err(not_started());
        }
        let credentials = self.credentials(tenant).await?;
        let (source, target) = choose(systems(flow), selection, &credentials, &automations)?;
        automations
            .iter()
            .find(|automation| automation.source == source.id && automation.target == target.id)
            .cloned()
            .ok_or_else(not_started)
    }

    /// Everybody whose deactivation the guard holds back, by key.
    pub async fn staged(&self, automation: &AutomationId) -> Result<Vec<Link>, Error> {
        const PAGE: u32 = 1000;
        let mut staged: Vec<Link> = Vec::new();
        loop {
            let after: Option<SourceKey> = staged.last().map(|link| link.key.clone());
            let page = self
                .store
                .leaving(automation, &[Decision::Staged], after.as_ref(), PAGE)
                .await?;
            if page.is_empty() {
                return Ok(staged);
            }
            staged.extend(page);
        }
    }

    /// Decides every deactivation that the guard holds back; how many there were. Approved ones are applied
    /// by the next run.
    pub async fn decide(&self, automation: &AutomationId, approve: bool) -> Result<u64, Error> {
        Ok(self.engine.decide(automation, approve).await?)
    }

    async fn automations_of(
        &self,
        tenant: &TenantId,
        flow: &Flow,
    ) -> Result<Vec<Automation>, Error> {
        let mut automations = self.store.automations(tenant).await?;
        automations.retain(|automation| automation.flow == flow.name());
        Ok(automations)
    }

    pub(crate) async fn side(
        &self,
        credential: &Credential,
        settings: &Value,
    ) -> Result<Side, Error> {
        let connector = self.connectors.load(&credential.connector)?;
        let secrets = self.store.secrets(&credential.id).await?;
        let manifest = connector.manifest();
        self.is_given(&credential.tenant, manifest, &credential.method)?;
        let (credential, secrets) = self.whole(manifest, credential, secrets);
        let egress = self.gateway.session(manifest, &credential, secrets)?;
        Ok(Side {
            egress,
            config: config(&credential, settings).into(),
            connector,
        })
    }
}

/// The connectors of source and target.
fn systems(flow: &Flow) -> (&str, &str) {
    (flow.source().0, flow.target().0)
}

/// The credentials of both sides: named, else those of the only automation that fits, else the only ones.
fn choose<'a>(
    systems: (&str, &str),
    selection: &Selection,
    credentials: &'a [Credential],
    automations: &[Automation],
) -> Result<(&'a Credential, &'a Credential), Error> {
    let mut source = named(
        "source",
        systems.0,
        selection.source.as_deref(),
        credentials,
    )?;
    let mut target = named(
        "target",
        systems.1,
        selection.target.as_deref(),
        credentials,
    )?;
    let by_id = |id: &CredentialId| credentials.iter().find(|credential| credential.id == *id);
    let mut fitting = automations.iter().filter(|automation| {
        source.is_none_or(|credential| credential.id == automation.source)
            && target.is_none_or(|credential| credential.id == automation.target)
    });
    if let (Some(only), None) = (fitting.next(), fitting.next()) {
        source = source.or_else(|| by_id(&only.source));
        target = target.or_else(|| by_id(&only.target));
    }
    let only = |side, connector: &str| only(side, connector, credentials);
    Ok((
        source.map_or_else(|| only("source", systems.0), Ok)?,
        target.map_or_else(|| only("target", systems.1), Ok)?,
    ))
}

fn named<'a>(
    side: &'static str,
    connector: &str,
    name: Option<&str>,
    credentials: &'a [Credential],
) -> Result<Option<&'a Credential>, Error> {
    let Some(name) = name else { return Ok(None) };
    let credential = find(credentials, name)?;
    fits(side, credential, connector)?;
    Ok(Some(credential))
}

/// Whether a credential is for the connector that a flow has on this side.
///
/// # Errors
/// [`Error::CredentialMismatch`].
pub(crate) fn fits(
    side: &'static str,
    credential: &Credential,
    connector: &str,
) -> Result<(), Error> {
    if credential.connector == connector {
        return Ok(());
    }
    Err(Error::CredentialMismatch {
        side,
        name: credential.name.clone(),
        found: credential.connector.clone(),
        connector: connector.to_owned(),
    })
}

fn only<'a>(
    side: &'static str,
    connector: &str,
    credentials: &'a [Credential],
) -> Result<&'a Credential, Error> {
    let fitting: Vec<_> = credentials
        .iter()
        .filter(|credential| credential.connector == connector)
        .collect();
    match fitting.as_slice() {
        [only] => Ok(only),
        [] => Err(Error::CredentialMissing {
            side,
            connector: connector.to_owned(),
        }),
        several => Err(Error::CredentialAmbiguous {
            side,
            connector: connector.to_owned(),
            names: several
                .iter()
                .map(|credential| credential.name.clone())
                .collect(),
        }),
    }
}

/// Kept settings with others on top; null takes one away.
pub(crate) fn merged(kept: &Value, on_top: &Map<String, Value>) -> Value {
    let mut settings = kept.as_object().cloned().unwrap_or_default();
    for (name, value) in on_top {
        if value.is_null() {
            settings.remove(name);
        } else {
            settings.insert(name.clone(), value.clone());
        }
    }
    Value::Object(settings)
}

/// 128 random bits in hexadecimal digits: a name that nothing else has.
///
/// # Errors
/// [`Error::Random`].
pub fn random_id() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Error::Random)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn credential(name: &str, connector: &str) -> Credential {
        Credential {
            id: name.into(),
            tenant: "t".into(),
            connector: connector.to_owned(),
            method: "m".to_owned(),
            name: name.to_owned(),
            public: Default::default(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn automation(source: &str, target: &str) -> Automation {
        Automation {
            id: format!("{source}-{target}").as_str().into(),
            tenant: "t".into(),
            flow: "sync".to_owned(),
            source: source.into(),
            target: target.into(),
            settings: json!({}),
            file: None,
            salt: 1,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            memory: Memory::default(),
        }
    }

    fn chosen(
        source: Option<&str>,
        credentials: &[Credential],
        automations: &[Automation],
    ) -> Result<(String, String), Error> {
        let selection = Selection {
            source: source.map(str::to_owned),
            ..Selection::default()
        };
        choose(("hr", "lms"), &selection, credentials, automations)
            .map(|(source, target)| (source.name.clone(), target.name.clone()))
    }

    #[test]
    fn credentials_choose_themselves_where_it_is_clear() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        let mut credentials = vec![credential("a", "hr")];
        assert_eq!(
            chosen(None, &credentials, &[]).unwrap_err().code(),
            "credential.missing"
        );
        credentials.push(credential("x", "lms"));
        assert_eq!(chosen(None, &credentials, &[]).unwrap(), pair("a", "x"));
        credentials.push(credential("b", "hr"));
        let error = chosen(None, &credentials, &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there are several credentials for hr: choose the source among a, b"
        );
        assert_eq!(
            chosen(Some("b"), &credentials, &[]).unwrap(),
            pair("b", "x")
        );
        assert_eq!(
            chosen(Some("x"), &credentials, &[]).unwrap_err().code(),
            "credential.mismatch"
        );
        assert_eq!(
            chosen(Some("c"), &credentials, &[]).unwrap_err().code(),
            "credential.unknown"
        );
    }

    #[test]
    fn an_automation_that_exists_keeps_its_credentials() {
        let credentials = [
            credential("a", "hr"),
            credential("b", "hr"),
            credential("x", "lms"),
        ];
        let first = automation("a", "x");
        let pair = ("a".to_owned(), "x".to_owned());
        assert_eq!(
            chosen(None, &credentials, std::slice::from_ref(&first)).unwrap(),
            pair
        );
        let both = [first, automation("b", "x")];
        assert_eq!(
            chosen(None, &credentials, &both).unwrap_err().code(),
            "credential.ambiguous"
        );
        assert_eq!(chosen(Some("a"), &credentials, &both).unwrap(), pair);
    }

    #[test]
    fn settings_are_kept_replaced_and_taken_back() {
        let on_top = json!({ "b": 2, "c": null });
        let settings = merged(
            &json!({ "a": 1, "b": 1, "c": 1 }),
            on_top.as_object().unwrap(),
        );
        assert_eq!(settings, json!({ "a": 1, "b": 2 }));
    }
}
