//! Source, academy, store, clock and engine together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::automation::{Automation, Memory};
use matricula_core::clock::{Clock, SimClock};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::egress::{Egress, Request, Response, SendError};
use matricula_core::run::{Counts, Outcome, OutcomeKind, Run, RunStatus, Trigger};
use matricula_core::store::{OutcomeFilter, Store};
use matricula_core::{AutomationId, CredentialId, Person, TenantId};
use matricula_engine::{Engine, EngineError, Options, Preview, RunRequest, Side, Sides, Silent};
use matricula_flow::{Flow, FlowFile, Program};
use matricula_store::{SqliteStore, Vault};
use serde_json::{Value, json};

use crate::source::Source;
use crate::target::Academy;

pub const FLOW: &str = r#"
flow: people
version: 1.0.0
title: { en: People }
source: { connector: hr, stream: employees, as: e }
target: { connector: academy, operation: upsert-user }
schedule: { every: 5m, full: 24h }
settings:
  zone: { type: string, default: Europe/Berlin, title: { en: Time zone } }
  departments: { type: array, items: { type: string }, default: [], title: { en: Only these } }
scope: settings.departments == [] || e.department.?name.orValue("") in settings.departments
match:
  - external_id: string(e.id)
  - email: lower(trim(e.email))
map:
  external_id: string(e.id)
  email: lower(trim(e.email))
  first_name: e.first_name
  position: e.position
  department: e.?department.name
  manager: person(e.?supervisor.id)
access:
  from: e.hire_date
  until: [e.contract_end_date, e.termination_date]
  barred: e.status == "inactive"
  time_zone: settings.zone
leavers: block
guard: { share: 0.2, from: 20, count: 500 }
"#;

struct NoNetwork;

#[async_trait]
impl Egress for NoNetwork {
    async fn send(&self, _: Request, _: Duration) -> Result<Response, SendError> {
        Err(SendError::Timeout)
    }

    fn requests(&self) -> u64 {
        0
    }
}

pub struct World {
    pub source: Arc<Source>,
    pub academy: Arc<Academy>,
    pub store: Arc<SqliteStore>,
    pub clock: SimClock,
    pub engine: Engine,
    flow: String,
    settings: Value,
    owner: AtomicU64,
}

impl World {
    pub async fn new() -> Self {
        Self::with_flow(FLOW).await
    }

    /// Noon in Berlin on 2 March 2026, a Monday.
    pub async fn with_flow(flow: &str) -> Self {
        let clock = SimClock::new("2026-03-02T11:00:00Z".parse().unwrap());
        let store = Arc::new(SqliteStore::in_memory(Vault::new(&[7; 32])).unwrap());
        let engine = Engine::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::new(clock.clone()) as Arc<dyn Clock>,
            Options::default(),
        );
        let world = Self {
            source: Arc::new(Source::new()),
            academy: Arc::new(Academy::new()),
            store,
            clock,
            engine,
            flow: flow.to_owned(),
            settings: json!({}),
            owner: AtomicU64::new(0),
        };
        for connector in ["hr", "academy"] {
            let credential = Credential {
                id: CredentialId::new(connector),
                tenant: TenantId::new("local"),
                connector: connector.to_owned(),
                method: "none".to_owned(),
                name: connector.to_owned(),
                public: BTreeMap::new(),
                created_at: world.clock.now(),
            };
            world
                .store
                .add_credential(&credential, &Secrets::default())
                .await
                .unwrap();
        }
        let automation = Automation {
            id: AutomationId::new("people"),
            tenant: TenantId::new("local"),
            flow: "people".to_owned(),
            source: CredentialId::new("hr"),
            target: CredentialId::new("academy"),
            settings: json!({}),
            file: None,
            salt: 42,
            created_at: world.clock.now(),
            memory: Memory::default(),
        };
        world.store.put_automation(&automation).await.unwrap();
        world
    }

    pub fn set_settings(&mut self, settings: Value) {
        self.settings = settings;
    }

    pub fn set_flow(&mut self, flow: &str) {
        flow.clone_into(&mut self.flow);
    }

    pub fn at(&self, moment: &str) {
        self.clock.set(moment.parse::<Timestamp>().unwrap());
    }

    pub async fn automation(&self) -> Automation {
        self.store
            .automations(&TenantId::new("local"))
            .await
            .unwrap()
            .remove(0)
    }

    fn program(&self) -> Arc<Program> {
        use matricula_core::connector::Connector;
        let file = FlowFile::parse("people.flow.yaml", &self.flow).unwrap();
        let flow = Flow::check(file, self.source.manifest(), self.academy.manifest())
            .unwrap_or_else(|error| panic!("{error}"));
        Arc::new(flow.program(&self.settings).unwrap())
    }

    fn sides(&self) -> Sides {
        let egress: Arc<dyn Egress> = Arc::new(NoNetwork);
        let config: Arc<str> = "{}".into();
        Sides {
            source: Side {
                connector: Arc::clone(&self.source) as _,
                egress: Arc::clone(&egress),
                config: Arc::clone(&config),
            },
            target: Side {
                connector: Arc::clone(&self.academy) as _,
                egress,
                config,
            },
            people: None,
        }
    }

    pub async fn try_run(&self, full: bool) -> Result<Run, EngineError> {
        // Every run is a process of its own.
        let owner = self.owner.fetch_add(1, Ordering::SeqCst);
        let request = RunRequest {
            trigger: Trigger::Manual {
                by: Person::named("test"),
            },
            full,
            owner: format!("process-{owner}"),
            stop: Default::default(),
        };
        let automation = self.automation().await;
        self.engine
            .run(
                &automation,
                &self.program(),
                &self.sides(),
                &request,
                &Silent::observer(),
            )
            .await
    }

    /// Whatever is due.
    pub async fn run(&self) -> Run {
        self.try_run(false).await.unwrap()
    }

    pub async fn run_full(&self) -> Run {
        self.try_run(true).await.unwrap()
    }

    /// A full run that must end well, and what it counted.
    pub async fn counts(&self) -> Counts {
        let run = self.run_full().await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
        run.counts
    }

    pub async fn preview(&self) -> Preview {
        let automation = self.automation().await;
        self.engine
            .preview(
                &automation,
                &self.program(),
                &self.sides(),
                &Silent::observer(),
            )
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn outcomes(&self, run: &Run) -> Vec<Outcome> {
        let filter = OutcomeFilter {
            kinds: Vec::new(),
            after: None,
            limit: 10_000,
        };
        let rows = self.store.outcomes(run.id, &filter).await.unwrap();
        rows.into_iter().map(|(_, outcome)| outcome).collect()
    }

    /// Key, kind and code of everybody with an outcome, by key.
    pub async fn told(&self, run: &Run) -> Vec<(String, OutcomeKind, Option<String>)> {
        let mut told: Vec<_> = self
            .outcomes(run)
            .await
            .into_iter()
            .map(|outcome| (outcome.key.to_string(), outcome.kind, outcome.code))
            .collect();
        told.sort();
        told
    }
}

impl World {
    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }
}
