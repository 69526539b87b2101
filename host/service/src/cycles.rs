//! Runs the cycles that the scheduler decides on: from an automation's id to its flow, its program and its two
//! systems.
//!
//! An automation runs the flow file that it was started with, which the store keeps: a new version in the
//! folder changes nothing until an owner adopts it. Flows and programs are kept by what they were made of;
//! the systems are opened anew for each cycle, so that a credential that was replaced is used at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use matricula_core::automation::Automation;
use matricula_core::notice::Records;
use matricula_core::run::Trigger;
use matricula_core::standing::Standing;
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, CredentialId, Failure, FailureKind, TenantId};
use matricula_engine::schedule::{About, Cycles, Ended};
use matricula_engine::{EngineError, People, RunRequest, Sides, Silent, Stop};
use matricula_flow::{Flow, Program};

use crate::Matricula;
use crate::error::Error;
use crate::needs::needs_of;

/// Programs that are kept; an automation with settings of its own has one of its own.
const PROGRAMS: usize = 512;
/// Flow files that are kept.
const FLOWS: usize = 64;

/// Flows and programs by what they were made of.
#[derive(Default)]
pub(crate) struct Kept {
    flows: Mutex<HashMap<String, Flow>>,
    programs: Mutex<HashMap<(String, String), Arc<Program>>>,
    /// What notices say of a flow, by its name.
    abouts: Mutex<HashMap<String, About>>,
}

/// Puts something into a map that is emptied before it grows beyond `most`: what is still in use comes back.
fn keep<K: Eq + Hash, V>(map: &Mutex<HashMap<K, V>>, most: usize, key: K, value: V) {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    if map.len() >= most {
        map.clear();
    }
    map.insert(key, value);
}

fn kept<K: Eq + Hash, V: Clone>(map: &Mutex<HashMap<K, V>>, key: &K) -> Option<V> {
    let map = map.lock().unwrap_or_else(PoisonError::into_inner);
    map.get(key).cloned()
}

impl Matricula {
    /// The flow that an automation runs: the file that it was started with, else the one in the folder.
    ///
    /// # Errors
    /// As [`crate::Flows::load`].
    pub async fn flow_of(&self, automation: &Automation) -> Result<Flow, Error> {
        let Some(digest) = &automation.file else {
            let flows = self.flows.as_ref().ok_or_else(|| Error::NotStarted {
                flow: automation.flow.clone(),
            })?;
            return flows.load(&automation.flow, &self.connectors);
        };
        if let Some(flow) = kept(&self.kept.flows, digest) {
            return Ok(flow);
        }
        let text = self.store.file(digest).await?.ok_or_else(|| {
            Error::Store(StoreError::NotFound(format!(
                "the store has lost the flow file of {}; adopt the one in the folder",
                automation.flow
            )))
        })?;
        let name = format!("{}.flow.yaml", automation.flow);
        let flow = crate::flows::check(&name, &text, &self.connectors)?;
        keep(&self.kept.flows, FLOWS, digest.clone(), flow.clone());
        keep(
            &self.kept.abouts,
            FLOWS,
            flow.name().to_owned(),
            about(&flow),
        );
        Ok(flow)
    }

    /// The flow that an automation of this tenant runs.
    ///
    /// # Errors
    /// [`Error::AutomationUnknown`]; as [`Self::flow_of`].
    pub async fn flow_by_id(&self, tenant: &TenantId, id: &AutomationId) -> Result<Flow, Error> {
        let automation = self.automation_by_id(tenant, id).await?;
        self.flow_of(&automation).await
    }

    async fn program_of(&self, automation: &Automation) -> Result<Arc<Program>, Error> {
        let flow = self.flow_of(automation).await?;
        let Some(digest) = &automation.file else {
            return Ok(Arc::new(flow.program(&automation.settings)?));
        };
        let key = (digest.clone(), automation.settings.to_string());
        if let Some(program) = kept(&self.kept.programs, &key) {
            return Ok(program);
        }
        let program = Arc::new(flow.program(&automation.settings)?);
        keep(&self.kept.programs, PROGRAMS, key, Arc::clone(&program));
        Ok(program)
    }

    pub(crate) async fn sides_of(
        &self,
        automation: &Automation,
        program: &Program,
    ) -> Result<Sides, Error> {
        let flow = program.flow();
        let mut sides = Vec::with_capacity(2);
        for (id, connector) in [
            (&automation.source, flow.source().0),
            (&automation.target, flow.target().0),
        ] {
            let credential = self.store.credential(id).await?;
            let credential = credential.filter(|credential| credential.connector == connector);
            let credential = credential.ok_or_else(|| Error::CredentialMissing {
                side: if sides.is_empty() { "source" } else { "target" },
                connector: connector.to_owned(),
            })?;
            sides.push(self.side(&credential, program.settings()).await?);
        }
        match <[_; 2]>::try_from(sides) {
            Ok([source, target]) => Ok(Sides {
                source,
                target,
                people: self.people_of(automation, flow).await?,
            }),
            Err(_) => Err(Error::Busy),
        }
    }

    /// The automation whose links a flow of documents needs, on the same two credentials.
    pub(crate) async fn people_of(
        &self,
        automation: &Automation,
        flow: &Flow,
    ) -> Result<Option<People>, Error> {
        let Some(delivery) = flow.delivery() else {
            return Ok(None);
        };
        let others = self.store.automations(&automation.tenant).await?;
        let people = others
            .into_iter()
            .find(|other| other.flow == delivery.people && same_credentials(other, automation));
        Ok(people.map(|other| People {
            automation: other.id,
            store: Arc::clone(&self.store) as _,
        }))
    }

    async fn cycle(
        &self,
        standing: &Standing,
        trigger: Trigger,
        full: bool,
        stop: &Stop,
    ) -> Result<Ended, Error> {
        let Some(automation) = self.store.automation(&standing.automation).await? else {
            return Ok(Ended::Busy);
        };
        let program = self.program_of(&automation).await?;
        let sides = self.sides_of(&automation, &program).await?;
        let request = RunRequest {
            trigger,
            full,
            owner: self.owner.clone(),
            stop: stop.clone(),
        };
        let run = self
            .engine
            .run(&automation, &program, &sides, &request, &Silent::observer())
            .await;
        Ok(match run {
            Ok(run) => Ended::Run(Box::new(run)),
            Err(EngineError::Busy) => Ended::Busy,
            Err(EngineError::Halted) => Ended::Halted,
            Err(EngineError::Store(error)) => Ended::Store(error),
            Err(EngineError::Failure(failure)) => Ended::Failed(failure),
        })
    }
}

#[async_trait]
impl Cycles for Matricula {
    async fn run(&self, standing: &Standing, trigger: Trigger, full: bool, stop: &Stop) -> Ended {
        match self.cycle(standing, trigger, full, stop).await {
            Ok(ended) => ended,
            Err(Error::Store(error @ (StoreError::Busy(_) | StoreError::Failed(_)))) => {
                Ended::Store(error)
            }
            Err(error) => Ended::Failed(failure(error)),
        }
    }

    async fn probe(&self, standing: &Standing) -> Result<(), Failure> {
        let probe = async {
            let Some(automation) = self.store.automation(&standing.automation).await? else {
                return Ok(());
            };
            let flow = self.flow_of(&automation).await?;
            let program = flow.program(&automation.settings)?;
            for id in [&automation.source, &automation.target] {
                let credential = self.store.credential(id).await?;
                let credential = credential.ok_or_else(|| Error::CredentialMissing {
                    side: "source or target",
                    connector: id.to_string(),
                })?;
                let needs = needs_of(&credential.connector, &program);
                let report = self.test_for(&credential, &needs, "en").await?;
                // A right that was missing when the automation was started did not keep it from running. A flow of
                // documents can do without the right to read them, so only a cycle tells what is missing.
                let lacks = flow.delivery().is_none()
                    && standing
                        .hold
                        .as_ref()
                        .is_some_and(|hold| hold.failure.kind == FailureKind::Permission);
                if let Some(finding) = report.findings.iter().find(|finding| lacks && !finding.ok) {
                    let message = finding.message.clone();
                    return Err(Failure::new(FailureKind::Permission, message).into());
                }
            }
            Ok(())
        };
        probe.await.map_err(failure)
    }

    fn about(&self, standing: &Standing) -> About {
        // A flow that was not read since the process began has no more than its name.
        kept(&self.kept.abouts, &standing.flow).unwrap_or_else(|| About {
            title: serde_json::json!({ "en": standing.flow }),
            ..About::default()
        })
    }
}

fn about(flow: &Flow) -> About {
    About {
        title: serde_json::to_value(flow.title()).unwrap_or_default(),
        records: records(flow),
        tells_success: flow.tells_success(),
    }
}

/// What a flow carries.
pub fn records(flow: &Flow) -> Records {
    match flow.delivery() {
        Some(_) => Records::Documents,
        None => Records::People,
    }
}

/// Whether two automations work between the same two credentials, whichever way round.
pub(crate) fn same_credentials(one: &Automation, other: &Automation) -> bool {
    between(one, &other.source, &other.target)
}

/// Whether an automation works between these two credentials, whichever way round.
pub(crate) fn between(automation: &Automation, one: &CredentialId, other: &CredentialId) -> bool {
    let its = (&automation.source, &automation.target);
    its == (one, other) || its == (other, one)
}

/// What keeps an automation from even beginning, as a failure that its owner is told.
pub(crate) fn failure(error: Error) -> Failure {
    match error {
        Error::Failure(failure) => failure,
        Error::Store(error @ (StoreError::Busy(_) | StoreError::Failed(_))) => {
            Failure::new(FailureKind::Unavailable, error.to_string()).with_code("store.busy")
        }
        other => {
            let code = other.code();
            Failure::new(FailureKind::Config, other.to_string()).with_code(code)
        }
    }
}
