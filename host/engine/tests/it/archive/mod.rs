//! An academy that issues certificates, and a personnel archive that takes documents; both in memory, failing
//! on demand. Linked people come from an automation beside them.

mod connectors;
mod remotes;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use matricula_core::automation::{Automation, Memory};
use matricula_core::clock::{Clock, SimClock};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::egress::Egress;
use matricula_core::link::Link;
use matricula_core::run::{CycleKind, Outcome, OutcomeKind, Run, RunStatus, Trigger};
use matricula_core::store::{Commit, LinkWrite, OutcomeFilter, Store};
use matricula_core::{AutomationId, CredentialId, Person, SourceKey, TargetId, TenantId};
use matricula_engine::{
    Engine, EngineError, Options, People, Preview, RunRequest, Side, Sides, Silent, Stop,
};
use matricula_flow::{Flow, FlowFile, Program};
use matricula_store::{SqliteStore, Vault};
use serde_json::{Value, json};

pub use remotes::{Content, Fault, Remotes};

use connectors::{Academy, Archive, Hold};

const FLOW: &str = r#"
flow: certificates
version: 1.0.0
title: { en: Certificates }
source: { connector: academy, stream: certificates, as: c }
target: { connector: archive, operation: upload }
schedule: { every: 30m, full: 24h }
requires: [{ flow: people }]
people: people
settings:
  category:
    type: [string, "null"]
    default: null
    title: { en: Category, de: Kategorie }
    x-options: { connector: archive, lookup: categories }
    x-default-named: [Certificates, Other]
  since: { type: [string, "null"], format: date, default: null, title: { en: Since } }
once: c.id
scope: settings.since == null || c.done >= coalesce(settings.since, "")
unless:
  revoked: c.revoked == true
remarks:
  replaced: c.replaced == true
map:
  person: person(c.account)
  category: settings.category
  title: c.course
  date: c.done
  comment: '"certificate " + c.id'
  file: c.file
"#;

/// Both systems, a store in memory, a simulated clock and an engine.
pub struct World {
    pub remotes: Arc<Remotes>,
    pub store: Arc<SqliteStore>,
    pub clock: SimClock,
    engine: Engine,
    pub settings: Value,
    pub people: Option<AutomationId>,
    owner: AtomicU64,
}

impl World {
    pub async fn new() -> Self {
        Self::of(Remotes::new()).await
    }

    /// The archive's manifest has no way to ask what lies in a file.
    pub async fn that_lists_nothing() -> Self {
        let mut remotes = Remotes::new();
        for operation in remotes.archive.operations.values_mut() {
            operation.find.clear();
        }
        Self::of(remotes).await
    }

    async fn of(remotes: Remotes) -> Self {
        let clock = SimClock::new("2026-03-02T11:00:00Z".parse().unwrap());
        let store = Arc::new(SqliteStore::in_memory(Vault::new(&[7; 32])).unwrap());
        let engine = Engine::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::new(clock.clone()) as Arc<dyn Clock>,
            Options::default(),
        );
        let world = Self {
            remotes: Arc::new(remotes),
            store,
            clock,
            engine,
            settings: json!({}),
            people: Some(AutomationId::new("people")),
            owner: AtomicU64::new(0),
        };
        for connector in ["academy", "archive"] {
            let credential = Credential {
                id: CredentialId::new(connector),
                tenant: TenantId::new("local"),
                connector: connector.to_owned(),
                method: "none".to_owned(),
                name: connector.to_owned(),
                public: BTreeMap::new(),
                created_at: world.clock.now(),
            };
            let secrets = Secrets::default();
            world
                .store
                .add_credential(&credential, &secrets)
                .await
                .unwrap();
        }
        world.put("people", "archive", "academy").await;
        world.put("certificates", "academy", "archive").await;
        world
    }

    async fn put(&self, id: &str, source: &str, target: &str) {
        let automation = Automation {
            id: AutomationId::new(id),
            tenant: TenantId::new("local"),
            flow: id.to_owned(),
            source: CredentialId::new(source),
            target: CredentialId::new(target),
            settings: json!({}),
            file: None,
            salt: 42,
            created_at: self.clock.now(),
            memory: Memory::default(),
        };
        self.store.put_automation(&automation).await.unwrap();
    }

    /// Somebody has removed the automation and starts it again.
    pub async fn start_anew(&self) {
        let now = self.clock.now();
        self.store
            .remove_automation(&Self::id(), now)
            .await
            .unwrap();
        self.put("certificates", "academy", "archive").await;
    }

    /// The employee flow has linked somebody.
    pub async fn link(&self, employee: &str, account: &str) {
        let id = AutomationId::new("people");
        let now = self.clock.now();
        let until = now + Duration::from_secs(60);
        let lease = self
            .store
            .acquire(&id, "employees", now, until, &|_| true)
            .await
            .unwrap()
            .unwrap();
        let by = Person::named("test");
        let run = self
            .store
            .begin(
                &lease,
                "people",
                &Trigger::Manual { by },
                CycleKind::Full,
                now,
            )
            .await
            .unwrap();
        let link = Link {
            target: Some(TargetId::new(account)),
            active: true,
            ..Link::new(SourceKey::new(employee))
        };
        let commit = Commit {
            run: run.clone(),
            progress: Default::default(),
            links: vec![LinkWrite {
                link,
                references: None,
                resolved: Vec::new(),
            }],
            documents: Vec::new(),
            forgotten: Vec::new(),
            groups: Default::default(),
            outcomes: Vec::new(),
            seen: Vec::new(),
        };
        self.store.commit(&lease, commit).await.unwrap();
        self.store.finish(&lease, &run, None).await.unwrap();
        self.store.release(&lease).await.unwrap();
    }

    pub fn id() -> AutomationId {
        AutomationId::new("certificates")
    }

    fn program(&self) -> Arc<Program> {
        let file = FlowFile::parse("certificates.flow.yaml", FLOW).unwrap();
        let flow = Flow::check(file, &self.remotes.academy, &self.remotes.archive)
            .unwrap_or_else(|error| panic!("{error}"));
        Arc::new(flow.program(&self.settings).unwrap())
    }

    fn sides(&self) -> Sides {
        let egress: Arc<dyn Egress> = Arc::new(Hold(Arc::clone(&self.remotes)));
        let config: Arc<str> = "{}".into();
        Sides {
            source: Side {
                connector: Arc::new(Academy(Arc::clone(&self.remotes))),
                egress: Arc::clone(&egress),
                config: Arc::clone(&config),
            },
            target: Side {
                connector: Arc::new(Archive(Arc::clone(&self.remotes))),
                egress,
                config,
            },
            people: self.people.clone().map(|automation| People {
                automation,
                store: Arc::clone(&self.store) as _,
            }),
        }
    }

    pub async fn try_run(&self, full: bool, stop: Stop) -> Result<Run, EngineError> {
        // Every run is a process of its own.
        let owner = self.owner.fetch_add(1, Ordering::SeqCst);
        let request = RunRequest {
            trigger: Trigger::Manual {
                by: Person::named("test"),
            },
            full,
            owner: format!("process-{owner}"),
            stop,
        };
        let automation = self.store.automation(&Self::id()).await.unwrap().unwrap();
        let run = self
            .engine
            .run(
                &automation,
                &self.program(),
                &self.sides(),
                &request,
                &Silent::observer(),
            )
            .await;
        if run.is_ok() {
            let held = self.remotes.held.lock().unwrap().len();
            assert_eq!(held, 0, "every file is let go");
        }
        run
    }

    /// Whatever is due, half an hour later.
    pub async fn run(&self) -> Run {
        self.clock.advance(Duration::from_secs(1800));
        self.try_run(false, Stop::default()).await.unwrap()
    }

    /// A run that must end well, and what it told: key, kind and code, by key.
    pub async fn told(&self) -> Vec<(String, OutcomeKind, Option<String>)> {
        let run = self.run().await;
        assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
        self.told_by(&run).await
    }

    pub async fn told_by(&self, run: &Run) -> Vec<(String, OutcomeKind, Option<String>)> {
        let mut told: Vec<_> = self
            .outcomes(run)
            .await
            .into_iter()
            .map(|outcome| (outcome.key.to_string(), outcome.kind, outcome.code))
            .collect();
        told.sort();
        told
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

    pub async fn preview(&self) -> Preview {
        let automation = self.store.automation(&Self::id()).await.unwrap().unwrap();
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

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
