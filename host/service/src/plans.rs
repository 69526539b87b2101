//! Plans that somebody waits for and looks at: made in the background, kept in memory for a quarter of an hour.
//!
//! A plan holds values of people, so it is never written anywhere, and it ends with the process. How many there are
//! is bounded in three ways: what a tenant may have made at a time and kept, what the process makes and keeps for
//! all tenants, and how many people lie in the plans together. Where something has to go it is the oldest plan
//! that is finished; one that is being made is never taken from whoever waits for it.

mod kept;
mod make;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use matricula_core::connector::Report;
use matricula_core::run::{Counts, CycleKind};
use matricula_core::{AutomationId, Cadence, CredentialId, Failure, FailureKind, TenantId, Text};
use matricula_engine::Planned;
use serde_json::{Map, Value};

use self::kept::{Kept, State, drop_oldest, make_room_for_people};
use crate::automation::random_id;
use crate::cycles::failure;
use crate::error::Error;
use crate::{Matricula, Requirement};

/// How long a plan is kept, from its end on; as long as it may take.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// Plans that are being made for a tenant.
const RUNNING_OF_TENANT: usize = 2;
/// Plans that are kept for a tenant.
const KEPT_OF_TENANT: usize = 8;
/// Plans that are being made in this process.
const RUNNING: usize = 8;
/// Plans that are kept in this process.
const KEPT: usize = 64;
/// What is to be planned.
pub struct PlanRequest {
    /// The flow as owners are offered it; of an automation that exists, the name of the flow that it runs.
    pub flow: String,
    /// The source's credential.
    pub source: CredentialId,
    /// The target's credential.
    pub target: CredentialId,
    /// Settings; those that are not given keep what the automation has, or their defaults.
    pub settings: Map<String, Value>,
    /// When cycles would be due; none: as the flow says.
    pub cadence: Option<Cadence>,
    /// The automation whose change is looked at; none: one that would be started.
    pub automation: Option<AutomationId>,
    /// The language of [`crate::Terms`].
    pub language: String,
}

/// How far a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanStatus {
    /// It is being made.
    Running,
    /// It is there.
    Done,
    /// It could not be made.
    Failed,
}

/// A plan without its people.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Names it.
    pub id: String,
    /// The flow's name.
    pub flow: String,
    /// How far it is.
    pub status: PlanStatus,
    /// Records read so far.
    pub read: u64,
    /// Records announced.
    pub total: Option<u64>,
    /// What would become of everybody, so far.
    pub counts: Counts,
    /// How much it reads, once that is clear.
    pub cycle: Option<CycleKind>,
    /// Why the guard would hold the deactivations back.
    pub guard: Option<Text>,
    /// What an owner should know.
    pub notes: Vec<Text>,
    /// What the source says of its credential.
    pub source: Option<Report>,
    /// What the target says of its credential.
    pub target: Option<Report>,
    /// Other flows that have to have succeeded.
    pub requirements: Vec<Requirement>,
    /// Why it could not be made.
    pub failure: Option<Failure>,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

impl Plan {
    /// One of which nothing is known yet.
    fn new(id: String, flow: String, expires_at: Timestamp) -> Self {
        Self {
            id,
            flow,
            status: PlanStatus::Running,
            read: 0,
            total: None,
            counts: Counts::default(),
            cycle: None,
            guard: None,
            notes: Vec::new(),
            source: None,
            target: None,
            requirements: Vec::new(),
            failure: None,
            expires_at,
        }
    }
}

/// Why no plan is made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// So many are being made already that this one has to wait.
    #[error("other plans are being made at this moment; wait for one of them to end")]
    TooMany,
    /// What was asked for cannot be planned.
    #[error(transparent)]
    Refused(#[from] Error),
}

/// The plans of this process. Dropping it stops those that are being made.
pub struct Plans {
    matricula: Arc<Matricula>,
    kept: Arc<Mutex<VecDeque<Arc<Kept>>>>,
}

/// What a plan is of.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The flow's name.
    pub flow: String,
    /// The source's credential.
    pub source: CredentialId,
    /// The target's credential.
    pub target: CredentialId,
    /// Settings as they were given.
    pub settings: Map<String, Value>,
}

impl Plans {
    /// No plan yet.
    pub fn new(matricula: Arc<Matricula>) -> Self {
        Self {
            matricula,
            kept: Arc::default(),
        }
    }

    /// Begins a plan. Settings and credentials are looked at before, the systems are asked in the background.
    ///
    /// # Errors
    /// [`PlanError::TooMany`]; [`PlanError::Refused`] as [`Matricula::examine`], without what the systems say.
    pub async fn begin(&self, tenant: &TenantId, request: PlanRequest) -> Result<Plan, PlanError> {
        // Before anything is read for it.
        self.has_room(&mut self.lock(), tenant)?;
        let matricula = Arc::clone(&self.matricula);
        let (cadence, language) = (request.cadence.clone(), request.language.clone());
        let subject = Subject {
            flow: request.flow.clone(),
            source: request.source.clone(),
            target: request.target.clone(),
            settings: request.settings.clone(),
        };
        let (flow, opened) = matricula.to_plan(tenant, request).await?;
        if let Some(cadence) = &cadence {
            matricula.check_cadence(cadence)?;
        }
        let now = matricula.clock.now();
        let plan = Plan::new(random_id()?, flow.name().to_owned(), later(now));
        let made = Arc::new(Kept {
            tenant: tenant.clone(),
            subject,
            state: Mutex::new(State {
                plan: plan.clone(),
                people: Arc::default(),
            }),
            task: OnceLock::new(),
        });
        let mut kept = self.lock();
        self.has_room(&mut kept, tenant)?;
        let all = Arc::clone(&self.kept);
        let making = Arc::clone(&made);
        let task = tokio::spawn(async move {
            let work = matricula.make(&making, &flow, opened, cadence.as_ref(), &language);
            let ended = tokio::time::timeout(LIFE, work).await;
            let mut state = making.state();
            match ended {
                // It was given up while it came to its end.
                _ if state.plan.status != PlanStatus::Running => {}
                Ok(Ok(())) => state.plan.status = PlanStatus::Done,
                Ok(Err(error)) => state.fail(failure(error)),
                Err(_) => state.fail(Failure::new(
                    FailureKind::Unavailable,
                    "the plan took longer than a quarter of an hour and was given up",
                )),
            }
            state.plan.expires_at = later(matricula.clock.now());
            drop(state);
            make_room_for_people(&mut lock(&all), &making);
        });
        // Set once, here: nobody else has it yet.
        let _ = made.task.set(task.abort_handle());
        kept.push_back(made);
        Ok(plan)
    }

    /// A tenant's plan.
    pub fn plan(&self, tenant: &TenantId, id: &str) -> Option<Plan> {
        self.find(tenant, id).map(|kept| kept.state().plan.clone())
    }

    /// Whether a tenant's plan is of just this, and done: whoever names it has seen what would happen.
    pub fn shows(&self, tenant: &TenantId, id: &str, subject: &Subject) -> bool {
        let plan = self.find(tenant, id);
        plan.is_some_and(|kept| {
            kept.subject == *subject && kept.state().plan.status == PlanStatus::Done
        })
    }

    /// The people of a tenant's plan, by kind and key; none before it is done.
    pub fn people(&self, tenant: &TenantId, id: &str) -> Option<Arc<Vec<Planned>>> {
        let kept = self.find(tenant, id)?;
        let people = Arc::clone(&kept.state().people);
        Some(people)
    }

    /// Stops and forgets a tenant's plan; whether there was one.
    pub fn remove(&self, tenant: &TenantId, id: &str) -> bool {
        let Some(found) = self.find(tenant, id) else {
            return false;
        };
        found.stop();
        self.lock().retain(|kept| !Arc::ptr_eq(kept, &found));
        true
    }

    fn find(&self, tenant: &TenantId, id: &str) -> Option<Arc<Kept>> {
        let mut kept = self.lock();
        self.drop_expired(&mut kept);
        let found = kept
            .iter()
            .find(|kept| kept.tenant == *tenant && kept.state().plan.id == id)?;
        found.is_running();
        Some(Arc::clone(found))
    }

    fn drop_expired(&self, kept: &mut VecDeque<Arc<Kept>>) {
        let now = self.matricula.clock.now();
        kept.retain(|kept| {
            let stays = kept.state().plan.expires_at > now;
            if !stays {
                kept.stop();
            }
            stays
        });
    }

    /// Makes room for one more.
    fn has_room(&self, kept: &mut VecDeque<Arc<Kept>>, tenant: &TenantId) -> Result<(), PlanError> {
        self.drop_expired(kept);
        let own = |kept: &&Arc<Kept>| kept.tenant == *tenant;
        let running = kept.iter().filter(|kept| kept.is_running());
        if running.clone().count() >= RUNNING || running.filter(own).count() >= RUNNING_OF_TENANT {
            return Err(PlanError::TooMany);
        }
        if kept.iter().filter(own).count() >= KEPT_OF_TENANT {
            drop_oldest(kept, |kept| kept.tenant == *tenant);
        }
        if kept.len() >= KEPT {
            drop_oldest(kept, |_| true);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Kept>>> {
        lock(&self.kept)
    }
}

impl Drop for Plans {
    fn drop(&mut self) {
        self.lock().iter().for_each(|kept| kept.stop());
    }
}

fn lock(kept: &Mutex<VecDeque<Arc<Kept>>>) -> MutexGuard<'_, VecDeque<Arc<Kept>>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

fn later(now: Timestamp) -> Timestamp {
    now.saturating_add(LIFE).unwrap_or(Timestamp::MAX)
}
