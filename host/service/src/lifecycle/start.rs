//! Starting an automation: everything that could be wrong is looked at before anything is kept.

use matricula_core::agenda::Change;
use matricula_core::automation::Automation;
use matricula_core::connector::{Finding, Report};
use matricula_core::journal::{Actor, Deed, Entry};
use matricula_core::notice::Contact;
use matricula_core::standing::Standing;
use matricula_core::{AutomationId, Cadence, CredentialId, Person, TenantId};
use matricula_flow::Flow;
use serde_json::json;

use crate::Matricula;
use crate::automation::{Opened, Selection};
use crate::cycles::between;
use crate::error::Error;
use crate::needs::needs_of;

/// What is asked of an automation beside credentials and settings.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// When its cycles are due; none: as the flow says.
    pub cadence: Option<Cadence>,
    /// Who is told about it.
    pub contacts: Vec<Contact>,
    /// Start even if a credential lacks rights that the flow could use: what cannot be read is left alone at
    /// the target.
    pub accept_findings: bool,
    /// The language (a tag) in which systems say what is wrong with their credentials; of one that they do not
    /// know, or of none, English.
    pub language: String,
}

/// Another flow that has to have succeeded, and whether it has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Requirement {
    /// The flow.
    pub flow: String,
    /// A full cycle of it has succeeded on the same credentials.
    pub met: bool,
    /// The automation that has succeeded, else one that was begun, if there is one.
    #[serde(skip)]
    pub automation: Option<AutomationId>,
}

/// An automation that could be started, and what speaks against it.
pub struct Examined {
    /// Ready for [`Matricula::preview`] and [`Matricula::start`].
    pub opened: Opened,
    /// When its cycles would be due.
    pub cadence: Cadence,
    /// What the source says of its credential.
    pub source: Report,
    /// What the target says of its credential.
    pub target: Report,
    /// Other flows that have to have succeeded.
    pub requirements: Vec<Requirement>,
}

impl Examined {
    /// Rights that are missing.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let all = self.source.findings.iter().chain(&self.target.findings);
        all.filter(|finding| !finding.ok)
    }
}

impl Matricula {
    /// Looks at everything that a start depends on, and keeps nothing: settings, schedule, credentials (by
    /// calls to both systems) and required flows.
    ///
    /// # Errors
    /// As [`Self::open`]; [`Error::Schedule`] if the schedule cannot be kept; [`Error::Failure`] if a system
    /// cannot be reached or rejects its credential.
    pub async fn examine(
        &self,
        tenant: &TenantId,
        flow: &Flow,
        selection: &Selection,
        terms: &Terms,
    ) -> Result<Examined, Error> {
        let opened = self.open(tenant, flow, selection).await?;
        let (cadence, language) = (terms.cadence.as_ref(), &terms.language);
        self.examine_opened(tenant, flow, opened, cadence, language)
            .await
    }

    /// The same of one that was opened.
    pub(crate) async fn examine_opened(
        &self,
        tenant: &TenantId,
        flow: &Flow,
        opened: Opened,
        cadence: Option<&Cadence>,
        language: &str,
    ) -> Result<Examined, Error> {
        let cadence = cadence
            .cloned()
            .unwrap_or_else(|| flow.schedule().cadence.clone());
        self.check_cadence(&cadence)?;
        let on = [&opened.automation.source, &opened.automation.target];
        let requirements = self.requirements(tenant, flow, &on).await?;
        let credentials = self.credentials(tenant).await?;
        let mut reports = Vec::new();
        for id in [&opened.automation.source, &opened.automation.target] {
            let credential = credentials
                .iter()
                .find(|credential| credential.id == *id)
                .ok_or_else(|| Error::CredentialUnknown {
                    name: id.to_string(),
                    hint: "it was removed at this moment".to_owned(),
                })?;
            let needs = needs_of(&credential.connector, &opened.program);
            reports.push(self.test_for(credential, &needs, language).await?);
        }
        let target = reports.pop().unwrap_or_default();
        let source = reports.pop().unwrap_or_default();
        Ok(Examined {
            opened,
            cadence,
            source,
            target,
            requirements,
        })
    }

    /// Starts an automation; its first cycle is due at once.
    ///
    /// # Errors
    /// As [`Self::examine`]; [`Error::Requirement`] if a required flow has not succeeded yet;
    /// [`Error::Findings`] if rights are missing and `terms` do not accept it; [`Error::AlreadyStarted`].
    /// Nothing is kept then.
    pub async fn start(
        &self,
        tenant: &TenantId,
        flow: &Flow,
        selection: &Selection,
        terms: &Terms,
        by: &Person,
    ) -> Result<Standing, Error> {
        let examined = self.examine(tenant, flow, selection, terms).await?;
        if let Some(unmet) = examined.requirements.iter().find(|required| !required.met) {
            return Err(Error::Requirement {
                flow: flow.name().to_owned(),
                required: unmet.flow.clone(),
            });
        }
        let findings: Vec<Finding> = examined.findings().cloned().collect();
        if !findings.is_empty() && !terms.accept_findings {
            return Err(Error::Findings(findings));
        }
        check_contacts(&terms.contacts)?;
        let mut automation = examined.opened.automation;
        if self.store.standing(&automation.id).await?.is_some() {
            return Err(Error::AlreadyStarted {
                flow: flow.name().to_owned(),
                id: automation.id,
            });
        }
        let now = self.clock.now();
        automation.file = Some(self.store.keep_file(flow.text()).await?);
        self.store.put_automation(&automation).await?;
        let mut standing = Standing::new(&automation, examined.cadence, Some(now));
        standing.demand = Some(self.by_hand(by, true));
        let change = Change {
            journal: vec![Entry {
                at: now,
                tenant: tenant.clone(),
                automation: Some(automation.id.clone()),
                actor: Actor::Person(by.clone()),
                deed: Deed::Started,
                details: json!({
                    "flow": flow.name(),
                    "version": flow.version(),
                    "settings": automation.settings,
                    "schedule": standing.cadence,
                }),
            }],
            ..Change::to(standing.clone())
        };
        self.store.enroll(&change).await?;
        self.store
            .set_contacts(&automation.id, &terms.contacts)
            .await?;
        if let Some(scheduler) = self.scheduler.get() {
            scheduler.wake();
        }
        Ok(standing)
    }

    pub(crate) fn check_cadence(&self, cadence: &Cadence) -> Result<(), Error> {
        cadence
            .check(self.shortest_interval, self.clock.now())
            .map_err(Error::Schedule)
    }

    /// The flows that have to have succeeded on the same credentials, whichever way round. Those that are not
    /// chosen yet are not asked for: `on` has none, one or both.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn requirements(
        &self,
        tenant: &TenantId,
        flow: &Flow,
        on: &[&CredentialId],
    ) -> Result<Vec<Requirement>, Error> {
        if flow.requires().is_empty() {
            return Ok(Vec::new());
        }
        let automations = self.store.automations(tenant).await?;
        let requirement = |required: &matricula_flow::Requirement| {
            let mut begun = automations.iter().filter(|automation| {
                let has =
                    |id: &&CredentialId| automation.source == **id || automation.target == **id;
                let both = match on {
                    [one, other] => between(automation, one, other),
                    on => on.iter().all(has),
                };
                automation.flow == required.flow && both
            });
            let succeeded = |automation: &&Automation| automation.memory.full_at.is_some();
            let met = begun.clone().find(succeeded);
            Requirement {
                flow: required.flow.clone(),
                met: met.is_some(),
                automation: met.or_else(|| begun.next()).map(|found| found.id.clone()),
            }
        };
        Ok(flow.requires().iter().map(requirement).collect())
    }
}

/// Only what could be an address is taken; whether it is one shows when a mail is sent.
pub(super) fn check_contacts(contacts: &[Contact]) -> Result<(), Error> {
    for contact in contacts {
        let fits = contact.email.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && host.contains('.') && !host.ends_with('.')
        });
        let visible = !contact
            .email
            .chars()
            .any(|c| c.is_control() || c.is_whitespace());
        if !fits || !visible {
            return Err(Error::Contact(
                "a contact needs an e-mail address of the form name@host".to_owned(),
            ));
        }
        if !["en", "de"].contains(&contact.language.as_str()) {
            return Err(Error::Contact(format!(
                "mails are written in en or de, not in \"{}\"",
                contact.language
            )));
        }
    }
    Ok(())
}
