//! The life of an automation: examined, started, changed, stopped, started again.
//!
//! Every change goes through [`Matricula::alter`]: it writes how the automation stands and who did what in
//! one transaction, and tells the scheduler of this process, if there is one. Nothing is changed by a request
//! that is refused.

mod amend;
mod change;
mod hook;
mod people;
mod signed;
mod start;

pub use amend::Amendment;
pub use signed::SignedEvent;
pub use start::{Examined, Requirement, Terms};

use matricula_core::agenda::Change;
use matricula_core::journal::{Actor, Deed, Entry};
use matricula_core::notice::NoticeKind;
use matricula_core::standing::{Demand, Lifecycle, Standing};
use matricula_core::{AutomationId, Person, TenantId};
use serde_json::Value;

use crate::Matricula;
use crate::error::Error;

/// How often a change is tried when others change the same automation at the same moment.
const RACES: u32 = 50;

/// What was done, for the history.
pub(crate) struct Done {
    pub(crate) deed: Deed,
    pub(crate) details: Value,
    pub(crate) withdrawn: Vec<NoticeKind>,
}

impl Done {
    pub(crate) fn new(deed: Deed, details: Value) -> Self {
        Self {
            deed,
            details,
            withdrawn: Vec::new(),
        }
    }
}

impl Matricula {
    /// How an automation of a tenant stands.
    ///
    /// # Errors
    /// [`Error::AutomationUnknown`] if the tenant has none of this id, or it was never started.
    pub async fn standing(&self, tenant: &TenantId, id: &AutomationId) -> Result<Standing, Error> {
        match self.store.standing(id).await? {
            Some(standing) if standing.tenant == *tenant => Ok(standing),
            _ => Err(Error::AutomationUnknown(id.clone())),
        }
    }

    /// Changes how an automation stands, from how it stands at that moment.
    pub(crate) async fn alter(
        &self,
        tenant: &TenantId,
        id: &AutomationId,
        by: Option<&Person>,
        done: Option<Done>,
        alter: impl Fn(&mut Standing) -> Result<(), Error>,
    ) -> Result<Standing, Error> {
        for _ in 0..RACES {
            let mut standing = self.standing(tenant, id).await?;
            alter(&mut standing)?;
            let now = self.clock.now();
            let journal = done.iter().map(|done| Entry {
                at: now,
                tenant: tenant.clone(),
                automation: Some(id.clone()),
                actor: by.map_or(Actor::System, |person| Actor::Person(person.clone())),
                deed: done.deed,
                details: done.details.clone(),
            });
            let change = Change {
                standing: standing.clone(),
                journal: journal.collect(),
                notices: Vec::new(),
                withdrawn: done
                    .as_ref()
                    .map(|done| done.withdrawn.clone())
                    .unwrap_or_default(),
            };
            if self.store.change(&change).await? {
                if let Some(scheduler) = self.scheduler.get() {
                    if standing.lifecycle == Lifecycle::Deactivated {
                        scheduler.halt(id);
                    }
                    scheduler.wake();
                }
                return Ok(standing);
            }
        }
        Err(Error::Busy)
    }

    /// Lets an automation run as soon as it can.
    pub(crate) fn demand(&self, standing: &mut Standing, demand: Demand) {
        let at = demand.at;
        // A full cycle that was asked for is not forgotten over one that need not be.
        let full = standing.demand.as_ref().is_some_and(|former| former.full);
        standing.demand = Some(Demand {
            full: demand.full || full,
            ..demand
        });
        standing.next_run_at = Some(standing.next_run_at.map_or(at, |next| next.min(at)));
    }
}
