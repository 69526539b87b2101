//! Several changes of one automation at once, and other credentials.
//!
//! All of a change is looked at before any of it is written: what is refused leaves everything as it was.

use matricula_core::credential::Credential;
use matricula_core::journal::Deed;
use matricula_core::notice::Contact;
use matricula_core::standing::Standing;
use matricula_core::{AutomationId, Cadence, CredentialId, Person, TenantId};
use matricula_flow::Flow;
use serde_json::{Map, Value, json};

use super::Done;
use super::start::check_contacts;
use crate::Matricula;
use crate::automation::{fits, merged};
use crate::error::Error;

/// What is to be changed of an automation; none stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Amendment {
    /// Settings that replace those kept; null takes one back to its default.
    pub settings: Option<Map<String, Value>>,
    /// When cycles are due.
    pub cadence: Option<Cadence>,
    /// Who is told, all of them.
    pub contacts: Option<Vec<Contact>>,
    /// Another credential of the source's connector.
    pub source: Option<CredentialId>,
    /// The same of the target's.
    pub target: Option<CredentialId>,
}

/// The credentials that an automation is to use; none: as before.
struct Exchange {
    source: Option<Credential>,
    target: Option<Credential>,
}

impl Matricula {
    /// Changes an automation: settings, schedule, contacts and credentials, in this order, each with its own
    /// entry in the history. New credentials are tested by calls to their systems.
    ///
    /// # Errors
    /// As [`Self::reconfigure`], [`Self::reschedule`], [`Self::set_contacts`] and [`Self::change_credentials`];
    /// nothing is changed then. Only if the store fails in between is a part of it changed.
    pub async fn amend(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        amendment: &Amendment,
        by: &Person,
    ) -> Result<(), Error> {
        self.standing(tenant, id).await?;
        let automation = self.automation_by_id(tenant, id).await?;
        if let Some(cadence) = &amendment.cadence {
            self.check_cadence(cadence)?;
        }
        check_contacts(amendment.contacts.as_deref().unwrap_or_default())?;
        let mut exchange = None;
        if amendment.settings.is_some() || amendment.source.is_some() || amendment.target.is_some()
        {
            let flow = self.flow_of(&automation).await?;
            if let Some(settings) = &amendment.settings {
                let mut new = merged(&automation.settings, settings);
                flow.at_start(&mut new, automation.created_at);
                flow.program(&new)?;
            }
            let find = async |id: &Option<CredentialId>| match id {
                Some(id) => Ok(Some(self.credential_by_id(tenant, id).await?)),
                None => Ok::<_, Error>(None),
            };
            let wanted = Exchange {
                source: find(&amendment.source).await?,
                target: find(&amendment.target).await?,
            };
            self.check_exchange(&flow, &wanted).await?;
            exchange = (wanted.source.is_some() || wanted.target.is_some()).then_some(wanted);
        }
        if let Some(settings) = &amendment.settings {
            self.reconfigure(tenant, id, settings, by).await?;
        }
        if let Some(cadence) = &amendment.cadence {
            self.reschedule(tenant, id, cadence, by).await?;
        }
        if let Some(contacts) = &amendment.contacts {
            self.set_contacts(tenant, id, contacts, by).await?;
        }
        if let Some(exchange) = exchange {
            self.exchange(tenant, id, exchange, by).await?;
        }
        Ok(())
    }

    /// Uses other credentials, by their names; what was linked stays linked, so they must be for the same
    /// accounts of the same systems. A full cycle follows at once, also where the automation was paused.
    ///
    /// # Errors
    /// As [`Self::open`] for names that do not fit; [`Error::Failure`] if a credential is rejected.
    pub async fn change_credentials(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        source: Option<&str>,
        target: Option<&str>,
        by: &Person,
    ) -> Result<Standing, Error> {
        let automation = self.automation_by_id(tenant, id).await?;
        let flow = self.flow_of(&automation).await?;
        let find = async |name: Option<&str>| match name {
            Some(name) => Ok(Some(self.credential(tenant, name).await?)),
            None => Ok::<_, Error>(None),
        };
        let exchange = Exchange {
            source: find(source).await?,
            target: find(target).await?,
        };
        self.check_exchange(&flow, &exchange).await?;
        self.exchange(tenant, id, exchange, by).await
    }

    /// Whether credentials are for the flow's connectors and work.
    async fn check_exchange(&self, flow: &Flow, exchange: &Exchange) -> Result<(), Error> {
        let sides = [
            ("source", &exchange.source, flow.source().0),
            ("target", &exchange.target, flow.target().0),
        ];
        for (side, credential, connector) in sides {
            let Some(credential) = credential else {
                continue;
            };
            fits(side, credential, connector)?;
        }
        for (_, credential, _) in sides {
            if let Some(credential) = credential {
                // Findings are nobody's here.
                self.test_credential(credential, std::slice::from_ref(flow), "en")
                    .await?;
            }
        }
        Ok(())
    }

    async fn exchange(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        exchange: Exchange,
        by: &Person,
    ) -> Result<Standing, Error> {
        let Exchange { source, target } = exchange;
        let name = |credential: &Option<Credential>| credential.as_ref().map(|it| it.name.clone());
        let details = json!({ "source": name(&source), "target": name(&target) });
        let mut automation = self.automation_by_id(tenant, id).await?;
        if let Some(source) = source {
            automation.source = source.id;
        }
        if let Some(target) = target {
            automation.target = target.id;
        }
        self.store.put_automation(&automation).await?;
        let done = Done::new(Deed::CredentialChanged, details);
        self.alter(tenant, id, Some(by), Some(done), |standing| {
            standing.source = automation.source.clone();
            standing.target = automation.target.clone();
            self.demand_if_running(standing, by);
            Ok(())
        })
        .await
    }
}
