//! Automations in a store, cycles that only write down that they ran, and a scheduler between them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::agenda::{Agenda, Change, Outbox};
use matricula_core::automation::{Automation, Memory};
use matricula_core::clock::{Clock, SimClock};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::notice::{Notice, NoticeKind, Records};
use matricula_core::run::{Counts, CycleKind, Run, RunStatus, Trigger};
use matricula_core::standing::Standing;
use matricula_core::store::Store;
use matricula_core::{AutomationId, Cadence, CredentialId, Failure, FailureKind, RunId, TenantId};
use matricula_engine::Stop;
use matricula_engine::schedule::{About, Cycles, Ended, Gauge, Pace, Scheduler, spread};
use matricula_store::{SqliteStore, Vault};
use serde_json::json;

/// What a cycle is told to answer.
#[derive(Clone)]
pub enum Answer {
    Status(RunStatus),
    Fails(Failure),
    Counts(Counts),
    /// It was left after so much.
    Left(Counts, Failure),
}

/// Cycles that only write down that they ran.
pub struct Recorder {
    pub clock: SimClock,
    pub ran: Mutex<Vec<(String, Timestamp, Trigger, bool)>>,
    /// By which the last cycle is asked to end.
    pub stop: Mutex<Stop>,
    pub probed: Mutex<Vec<Timestamp>>,
    pub answer: Mutex<Answer>,
    pub probe: Mutex<Result<(), Failure>>,
    /// When the run that the next cycle resumes was begun.
    pub first_begun: Mutex<Option<Timestamp>>,
    /// What the flows of all automations carry.
    pub records: Mutex<Records>,
    /// Whether people are told of each success.
    pub tells_success: Mutex<bool>,
    /// Every cycle is a full one.
    pub full: Mutex<bool>,
    /// One permit for each cycle that may end.
    pub gate: tokio::sync::Semaphore,
}

#[async_trait]
impl Cycles for Recorder {
    async fn run(&self, standing: &Standing, trigger: Trigger, full: bool, stop: &Stop) -> Ended {
        *self.stop.lock().unwrap() = stop.clone();
        let now = self.clock.now();
        let number = {
            let mut ran = self.ran.lock().unwrap();
            ran.push((standing.automation.to_string(), now, trigger.clone(), full));
            ran.len()
        };
        let mut run = Run {
            id: RunId(i64::try_from(number).unwrap()),
            automation: standing.automation.clone(),
            flow: standing.flow.clone(),
            trigger,
            cycle: if full || *self.full.lock().unwrap() {
                CycleKind::Full
            } else {
                CycleKind::Incremental
            },
            status: RunStatus::Succeeded,
            started_at: self.first_begun.lock().unwrap().take().unwrap_or(now),
            finished_at: Some(now),
            counts: Counts::default(),
            requests: Default::default(),
            error: None,
            notes: Vec::new(),
        };
        self.gate.acquire().await.unwrap().forget();
        match self.answer.lock().unwrap().clone() {
            Answer::Status(status) => run.status = status,
            Answer::Counts(counts) => {
                run.counts = counts;
                if counts.writes() + counts.unchanged < counts.total() {
                    run.status = RunStatus::Partial;
                }
            }
            Answer::Fails(failure) => {
                run.status = RunStatus::Failed;
                run.error = Some(failure);
            }
            Answer::Left(counts, failure) => {
                run.counts = counts;
                run.status = RunStatus::Failed;
                run.error = Some(failure);
            }
        }
        Ended::Run(Box::new(run))
    }

    async fn probe(&self, _: &Standing) -> Result<(), Failure> {
        self.probed.lock().unwrap().push(self.clock.now());
        self.probe.lock().unwrap().clone()
    }

    fn about(&self, _: &Standing) -> About {
        About {
            title: json!({ "en": "Sync things" }),
            records: *self.records.lock().unwrap(),
            tells_success: *self.tells_success.lock().unwrap(),
        }
    }
}

pub struct NoGauge;

impl Gauge for NoGauge {
    fn begun(&self, _: Duration) {}
    fn ended(&self, _: Option<&Run>, _: Duration) {}
}

pub struct Plan {
    pub store: Arc<SqliteStore>,
    pub clock: SimClock,
    pub cycles: Arc<Recorder>,
    pub scheduler: Scheduler,
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Plan {
    pub fn new(start: &str) -> Self {
        Self::with(start, Pace::default())
    }

    pub fn with(start: &str, pace: Pace) -> Self {
        let clock = SimClock::new(at(start));
        let store = Arc::new(SqliteStore::in_memory(Vault::new(&[7; 32])).unwrap());
        let cycles = Arc::new(Recorder {
            clock: clock.clone(),
            ran: Mutex::default(),
            stop: Mutex::default(),
            probed: Mutex::default(),
            answer: Mutex::new(Answer::Status(RunStatus::Succeeded)),
            probe: Mutex::new(Ok(())),
            first_begun: Mutex::default(),
            records: Mutex::default(),
            tells_success: Mutex::default(),
            full: Mutex::default(),
            gate: tokio::sync::Semaphore::new(1_000_000),
        });
        let scheduler = Scheduler::new(
            Arc::clone(&store) as Arc<dyn Agenda>,
            Arc::new(clock.clone()),
            Arc::clone(&cycles) as Arc<dyn Cycles>,
            Arc::new(NoGauge),
            pace,
        );
        Self {
            store,
            clock,
            cycles,
            scheduler,
        }
    }

    /// An automation with two credentials of its own, or those of `shared`.
    pub async fn enroll(&self, id: &str, tenant: &str, cadence: Cadence, shared: Option<&str>) {
        let now = self.clock.now();
        let name = shared.unwrap_or(id);
        let credentials = ["hr", "lms"].map(|side| CredentialId::new(format!("{name}-{side}")));
        for credential in &credentials {
            let credential = Credential {
                id: credential.clone(),
                tenant: TenantId::new(tenant),
                connector: "c".to_owned(),
                method: "m".to_owned(),
                name: credential.to_string(),
                public: BTreeMap::new(),
                created_at: now,
            };
            let _ = self
                .store
                .add_credential(&credential, &Secrets::default())
                .await;
        }
        let [source, target] = credentials;
        let automation = Automation {
            id: AutomationId::new(id),
            tenant: TenantId::new(tenant),
            flow: "people".to_owned(),
            source: source.clone(),
            target: target.clone(),
            settings: json!({}),
            file: None,
            salt: 1,
            created_at: now,
            memory: Memory::default(),
        };
        self.store.put_automation(&automation).await.unwrap();
        let next = cadence.next(now, spread(&automation.id)).unwrap();
        let change = Change::to(Standing::new(&automation, cadence, next));
        self.store.enroll(&change).await.unwrap();
    }

    pub async fn standing(&self, id: &str) -> Standing {
        let id = AutomationId::new(id);
        self.store.standing(&id).await.unwrap().unwrap()
    }

    pub async fn put(&self, standing: Standing) {
        assert!(self.store.change(&Change::to(standing)).await.unwrap());
    }

    /// Everything that is due now, to its end.
    pub async fn turn(&self) -> usize {
        let mut all = 0;
        loop {
            let begun = self.scheduler.turn().await.unwrap();
            self.scheduler.idle().await;
            all += begun;
            if begun == 0 {
                return all;
            }
        }
    }

    /// From one moment at which something is due to the next.
    pub async fn until(&self, end: &str) {
        let end = at(end);
        loop {
            self.turn().await;
            let next = self.store.next_due().await.unwrap();
            match next {
                Some(next) if next < end => {
                    assert!(next > self.clock.now(), "what is due was not run");
                    self.clock.set(next);
                }
                _ => break,
            }
        }
        self.clock.set(end);
        self.turn().await;
    }

    pub fn runs(&self, id: &str) -> Vec<Timestamp> {
        let ran = self.cycles.ran.lock().unwrap();
        ran.iter()
            .filter(|(ran, ..)| ran == id)
            .map(|(_, at, ..)| *at)
            .collect()
    }

    pub fn answer(&self, answer: Answer) {
        *self.cycles.answer.lock().unwrap() = answer;
    }

    pub async fn posted(&self) -> Vec<Notice> {
        let posted = self.store.unaddressed(1000).await.unwrap();
        posted.into_iter().map(|(_, notice)| notice).collect()
    }

    pub async fn notices(&self) -> Vec<NoticeKind> {
        let posted = self.posted().await;
        posted.into_iter().map(|notice| notice.kind).collect()
    }
}

pub fn every(minutes: u64) -> Cadence {
    Cadence::every(Duration::from_secs(60 * minutes))
}

pub fn cron(expression: &str, time_zone: &str) -> Cadence {
    Cadence::Cron {
        expression: expression.to_owned(),
        time_zone: time_zone.to_owned(),
    }
}

pub fn outage() -> Failure {
    Failure::new(FailureKind::Unavailable, "the system does not answer")
}
