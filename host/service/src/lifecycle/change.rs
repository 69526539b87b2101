//! What owners do to an automation that has been started.

use matricula_core::automation::Automation;
use matricula_core::journal::{Deed, Entry};
use matricula_core::notice::{Contact, NoticeKind};
use matricula_core::run::Trigger;
use matricula_core::standing::{Demand, Lifecycle, Standing};
use matricula_core::{AutomationId, Cadence, Person, TenantId};
use matricula_flow::Flow;
use serde_json::{Map, Value, json};

use super::Done;
use super::start::check_contacts;
use crate::Matricula;
use crate::automation::{Opened, merged};
use crate::error::Error;

impl Matricula {
    /// Stops an automation. A run that is under way ends after the page in hand; accounts stay as they are.
    ///
    /// # Errors
    /// [`Error::AutomationUnknown`].
    pub async fn deactivate(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        by: &Person,
    ) -> Result<Standing, Error> {
        let done = Done {
            withdrawn: vec![
                NoticeKind::Paused,
                NoticeKind::Quarantined,
                NoticeKind::Overdue,
            ],
            ..Done::new(Deed::Deactivated, Value::Null)
        };
        self.alter(tenant, id, Some(by), Some(done), |standing| {
            standing.lifecycle = Lifecycle::Deactivated;
            standing.next_run_at = None;
            standing.demand = None;
            standing.hold = None;
            standing.failures = 0;
            standing.overdue = false;
            Ok(())
        })
        .await
    }

    /// Starts a stopped automation again, with a full cycle at once.
    ///
    /// # Errors
    /// [`Error::AutomationUnknown`].
    pub async fn reactivate(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        by: &Person,
    ) -> Result<Standing, Error> {
        let done = Done::new(Deed::Reactivated, Value::Null);
        self.alter(tenant, id, Some(by), Some(done), |standing| {
            standing.lifecycle = Lifecycle::Active;
            self.demand(standing, self.by_hand(by, true));
            Ok(())
        })
        .await
    }

    /// Lets a cycle run at once; a paused automation is probed at once.
    ///
    /// # Errors
    /// [`Error::Deactivated`] if somebody has stopped it.
    pub async fn run_now(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        full: bool,
        by: &Person,
    ) -> Result<Standing, Error> {
        self.alter(tenant, id, Some(by), None, |standing| {
            running(standing)?;
            self.demand(standing, self.by_hand(by, full));
            Ok(())
        })
        .await
    }

    /// Changes settings: those given replace those kept, null takes one back to its default. A full cycle
    /// follows at once.
    ///
    /// # Errors
    /// [`Error::Settings`] if they do not fit the flow; nothing is changed then.
    pub async fn reconfigure(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        settings: &Map<String, Value>,
        by: &Person,
    ) -> Result<Standing, Error> {
        let mut automation = self.automation_by_id(tenant, id).await?;
        let mut new = merged(&automation.settings, settings);
        let flow = self.flow_of(&automation).await?;
        flow.at_start(&mut new, automation.created_at);
        flow.program(&new)?;
        let done = Done::new(
            Deed::SettingsChanged,
            json!({ "old": automation.settings, "new": new }),
        );
        automation.settings = new;
        self.store.put_automation(&automation).await?;
        self.alter(tenant, id, Some(by), Some(done), |standing| {
            self.demand_if_running(standing, by);
            Ok(())
        })
        .await
    }

    /// Changes when cycles are due.
    ///
    /// # Errors
    /// [`Error::Schedule`] if it cannot be kept.
    pub async fn reschedule(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        cadence: &Cadence,
        by: &Person,
    ) -> Result<Standing, Error> {
        self.check_cadence(cadence)?;
        let old = self.standing(tenant, id).await?.cadence;
        let done = Done::new(Deed::ScheduleChanged, json!({ "old": old, "new": cadence }));
        let now = self.clock.now();
        self.alter(tenant, id, Some(by), Some(done), |standing| {
            standing.cadence = cadence.clone();
            if standing.lifecycle == Lifecycle::Active && standing.hold.is_none() {
                let next = cadence.next(now, matricula_engine::schedule::spread(id));
                standing.next_run_at = next.map_err(Error::Schedule)?;
            }
            Ok(())
        })
        .await
    }

    /// Whatever waits for this credential is probed at once: it was just written anew.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub(crate) async fn credential_replaced(
        &self,
        tenant: &TenantId,
        credential: &matricula_core::CredentialId,
        by: &Person,
    ) -> Result<(), Error> {
        for standing in self.standings(tenant).await? {
            if standing.source != *credential && standing.target != *credential {
                continue;
            }
            let done = Done::new(Deed::CredentialChanged, json!({ "rewritten": true }));
            self.alter(
                tenant,
                &standing.automation,
                Some(by),
                Some(done),
                |standing| {
                    if standing.lifecycle == Lifecycle::Paused {
                        standing.next_run_at = Some(self.clock.now());
                    }
                    Ok(())
                },
            )
            .await?;
        }
        Ok(())
    }

    /// What an automation would be with another version of its flow's file, for a preview of what that changes.
    ///
    /// # Errors
    /// [`Error::Settings`] if the kept settings do not fit the new version; [`Error::FlowMismatch`] if it is
    /// another flow.
    pub async fn with_version(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        flow: &Flow,
    ) -> Result<Opened, Error> {
        let automation = self.automation_by_id(tenant, id).await?;
        if automation.flow != flow.name() {
            return Err(Error::FlowMismatch {
                automation: automation.flow,
                flow: flow.name().to_owned(),
            });
        }
        self.opened(automation, flow).await
    }

    /// Lets an automation run with another version of its flow's file; a full cycle follows at once.
    ///
    /// # Errors
    /// As [`Self::with_version`].
    pub async fn adopt(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        flow: &Flow,
        by: &Person,
    ) -> Result<Standing, Error> {
        let mut automation = self.with_version(tenant, id, flow).await?.automation;
        let old = self.flow_of(&automation).await;
        let old = old.map(|flow| flow.version().to_owned()).ok();
        automation.file = Some(self.store.keep_file(flow.text()).await?);
        self.store.put_automation(&automation).await?;
        let done = Done::new(
            Deed::FlowAdopted,
            json!({ "old": old, "new": flow.version() }),
        );
        self.alter(tenant, id, Some(by), Some(done), |standing| {
            self.demand_if_running(standing, by);
            Ok(())
        })
        .await
    }

    /// Sets who is told about an automation.
    ///
    /// # Errors
    /// [`Error::Contact`] if an address cannot be one.
    pub async fn set_contacts(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        contacts: &[Contact],
        by: &Person,
    ) -> Result<(), Error> {
        check_contacts(contacts)?;
        self.standing(tenant, id).await?;
        self.store.set_contacts(id, contacts).await?;
        let details = json!({ "contacts": contacts.len() });
        self.journal(tenant, id, Deed::ContactsChanged, details, by)
            .await
    }

    /// Decides every deactivation that the guard holds back, and lets the decision take effect at once.
    ///
    /// # Errors
    /// [`Error::AutomationUnknown`].
    pub async fn decide_staged(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        approve: bool,
        by: &Person,
    ) -> Result<u64, Error> {
        self.automation_by_id(tenant, id).await?;
        let count = self.decide(id, approve).await?;
        let deed = if approve {
            Deed::Approved
        } else {
            Deed::Discarded
        };
        let details = json!({ "people": count });
        if self.store.standing(id).await?.is_none() {
            self.journal(tenant, id, deed, details, by).await?;
            return Ok(count);
        }
        let done = Done {
            withdrawn: vec![NoticeKind::Staged],
            ..Done::new(deed, details)
        };
        self.alter(tenant, id, Some(by), Some(done), |standing| {
            if count > 0 && standing.lifecycle != Lifecycle::Deactivated {
                self.demand(standing, self.by_hand(by, false));
            }
            Ok(())
        })
        .await?;
        Ok(count)
    }

    /// Removes an automation with its links, runs and history; accounts stay as they are.
    ///
    /// # Errors
    /// [`Error::Store`] while it is being run.
    pub async fn remove_automation(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
    ) -> Result<(), Error> {
        self.automation_by_id(tenant, id).await?;
        Ok(self.store.remove_automation(id, self.clock.now()).await?)
    }

    /// Every automation of a tenant that was started, by id.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn standings(&self, tenant: &TenantId) -> Result<Vec<Standing>, Error> {
        const PAGE: u32 = 500;
        let mut all: Vec<Standing> = Vec::new();
        loop {
            let after = all.last().map(|standing| standing.automation.clone());
            let page = self
                .store
                .standings(Some(tenant), after.as_ref(), PAGE)
                .await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    pub(crate) async fn automation_by_id(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
    ) -> Result<Automation, Error> {
        match self.store.automation(id).await? {
            Some(automation) if automation.tenant == *tenant => Ok(automation),
            _ => Err(Error::AutomationUnknown(id.clone())),
        }
    }

    pub(crate) async fn journal(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        deed: Deed,
        details: Value,
        by: &Person,
    ) -> Result<(), Error> {
        let entry = Entry {
            at: self.clock.now(),
            tenant: tenant.clone(),
            automation: Some(id.clone()),
            actor: matricula_core::journal::Actor::Person(by.clone()),
            deed,
            details,
        };
        Ok(self.store.note(&entry).await?)
    }

    pub(super) fn demand_if_running(&self, standing: &mut Standing, by: &Person) {
        if standing.lifecycle != Lifecycle::Deactivated {
            self.demand(standing, self.by_hand(by, true));
        }
    }

    pub(crate) fn by_hand(&self, by: &Person, full: bool) -> Demand {
        Demand {
            trigger: Trigger::Manual { by: by.clone() },
            full,
            at: self.clock.now(),
        }
    }
}

pub(super) fn running(standing: &Standing) -> Result<(), Error> {
    match standing.lifecycle {
        Lifecycle::Deactivated => Err(Error::Deactivated),
        _ => Ok(()),
    }
}
