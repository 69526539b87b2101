//! An academy that issues certificates, and a personnel archive that takes documents; both in memory, failing
//! on demand. Linked people come from an automation beside them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::automation::{Automation, Memory};
use matricula_core::clock::{Clock, SimClock};
use matricula_core::connector::{
    Call, Change, Choice, Choices, Connector, Disposition, Found, Item, Need, Page, Preparation,
    ReadRequest, Receipt, Report,
};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::egress::{Egress, Request, Response, SendError};
use matricula_core::file::{File, FileId};
use matricula_core::link::Link;
use matricula_core::manifest::Manifest;
use matricula_core::run::{CycleKind, Outcome, OutcomeKind, Run, RunStatus, Trigger};
use matricula_core::store::{Commit, LinkWrite, OutcomeFilter, Store};
use matricula_core::{
    AutomationId, CredentialId, Effect, Failure, FailureKind, Person, SourceKey, TargetId, TenantId,
};
use matricula_engine::{
    Engine, EngineError, Options, People, Preview, RunRequest, Side, Sides, Silent, Stop,
};
use matricula_flow::{Flow, FlowFile, Program};
use matricula_store::{SqliteStore, Vault};
use serde_json::{Map, Value, json};

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
    title: { en: Category }
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

/// What happens to one upload.
#[derive(Clone)]
pub enum Fault {
    /// Nothing is done.
    Fail(Failure),
    /// It is stored, but the answer is lost.
    LoseAfter,
    /// The request is lost, and nobody can tell.
    LoseBefore,
}

/// What the academy has as a file.
#[derive(Clone)]
pub enum Content {
    Pdf(u64),
    Html,
    Gone,
    Down,
}

pub struct Remotes {
    academy: Manifest,
    archive: Manifest,
    pub certificates: Mutex<BTreeMap<String, Value>>,
    pub contents: Mutex<HashMap<String, Content>>,
    pub documents: Mutex<Vec<(String, Map<String, Value>)>>,
    pub categories: Mutex<Vec<(String, String)>>,
    /// By title, in order.
    pub faults: Mutex<HashMap<String, Vec<Fault>>>,
    /// The archive does not let its documents be listed.
    pub unreadable: Mutex<Option<Failure>>,
    /// So many lists are still empty.
    pub lag: Mutex<u32>,
    pub tells_comments: Mutex<bool>,
    pub fetches: AtomicU64,
    pub uploads: AtomicU64,
    pub held: Mutex<HashMap<String, String>>,
    /// Asked to halt after so many uploads.
    pub halt_after: Mutex<Option<(u64, Stop)>>,
}

fn text() -> Value {
    json!({"type": ["string", "null"]})
}

impl Remotes {
    fn new() -> Self {
        let academy = json!({
            "contract": "1.1", "id": "academy", "version": "1.0.0", "title": {"en": "Academy"},
            "authentication": [], "origins": [],
            "streams": {"certificates": {
                "title": {"en": "Certificates"}, "page": 4, "incremental": true,
                "schema": {"type": "object", "properties": {
                    "id": {"type": "string"}, "account": text(), "course": {"type": "string"},
                    "done": {"type": "string", "format": "date"},
                    "revoked": {"type": "boolean"}, "replaced": {"type": "boolean"},
                    "file": {"type": "string", "x-file": true},
                }},
            }},
        });
        let archive = json!({
            "contract": "1.1", "id": "archive", "version": "1.0.0", "title": {"en": "Archive"},
            "authentication": [], "origins": [],
            "lookups": {"categories": {"title": {"en": "Categories"}}},
            "operations": {"upload": {
                "title": {"en": "Upload"}, "batch": 1, "concurrency": 2, "once": true, "find": ["person"],
                "schema": {"type": "object",
                    "required": ["person", "category", "title", "file"],
                    "properties": {
                        "person": {"type": "string", "x-reference": true},
                        "category": {"type": "string"}, "title": {"type": "string", "maxLength": 20},
                        "date": {"type": ["string", "null"], "format": "date"}, "comment": text(),
                        "file": {"type": "string",
                            "x-file": {"types": ["application/pdf"], "largest": 1000}},
                    }},
            }},
        });
        let parse = |manifest: Value| Manifest::parse(manifest.to_string().as_bytes()).unwrap();
        Self {
            academy: parse(academy),
            archive: parse(archive),
            certificates: Mutex::default(),
            contents: Mutex::default(),
            documents: Mutex::default(),
            categories: Mutex::new(vec![
                ("1".to_owned(), "Other".to_owned()),
                ("2".to_owned(), "Certificates".to_owned()),
            ]),
            faults: Mutex::default(),
            unreadable: Mutex::default(),
            lag: Mutex::default(),
            tells_comments: Mutex::new(true),
            fetches: AtomicU64::new(0),
            uploads: AtomicU64::new(0),
            held: Mutex::default(),
            halt_after: Mutex::default(),
        }
    }

    /// A certificate for the holder of an academy account.
    pub fn issue(&self, id: &str, account: &str, course: &str) {
        let certificate = json!({
            "id": id, "account": account, "course": course, "done": "2026-02-01",
            "revoked": false, "replaced": false, "file": format!("file-{id}"),
        });
        self.certificates
            .lock()
            .unwrap()
            .insert(id.to_owned(), certificate);
    }

    pub fn change(&self, id: &str, attribute: &str, value: Value) {
        self.certificates.lock().unwrap().get_mut(id).unwrap()[attribute] = value;
    }

    pub fn fault(&self, title: &str, fault: Fault) {
        let mut faults = self.faults.lock().unwrap();
        faults.entry(title.to_owned()).or_default().push(fault);
    }

    /// Person and title of every document, sorted.
    pub fn archive(&self) -> Vec<(String, String)> {
        let documents = self.documents.lock().unwrap();
        let mut all: Vec<_> = documents
            .iter()
            .map(|(_, data)| {
                let of = |name: &str| data[name].as_str().unwrap().to_owned();
                (of("person"), of("title"))
            })
            .collect();
        all.sort();
        all
    }

    fn take_fault(&self, title: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let list = faults.get_mut(title)?;
        (!list.is_empty()).then(|| list.remove(0))
    }

    fn store(&self, data: &Map<String, Value>) -> TargetId {
        let mut documents = self.documents.lock().unwrap();
        let id = format!("d{}", documents.len() + 1);
        let mut kept = data.clone();
        let file = kept.remove("file").unwrap();
        let name = self.held.lock().unwrap();
        assert!(
            name.contains_key(file["id"].as_str().unwrap()),
            "a file that is not held"
        );
        kept.insert("size".to_owned(), file["size"].clone());
        documents.push((id.clone(), kept));
        TargetId::new(id)
    }
}

struct Academy(Arc<Remotes>);
struct Archive(Arc<Remotes>);

#[async_trait]
impl Connector for Academy {
    fn manifest(&self) -> &Manifest {
        &self.0.academy
    }

    async fn check(&self, _: &Call, _: &[Need]) -> Result<Report, Failure> {
        Ok(Report::default())
    }

    async fn options(
        &self,
        _: &Call,
        _: &str,
        _: Option<&str>,
        _: Option<&str>,
    ) -> Result<Choices, Failure> {
        Ok(Choices::default())
    }

    async fn read(&self, _: &Call, request: &ReadRequest) -> Result<Page, Failure> {
        let certificates = self.0.certificates.lock().unwrap();
        let from: usize = request
            .position
            .as_deref()
            .map_or(0, |at| at.parse().unwrap());
        let all: Vec<_> = match &request.state {
            // An incremental read sees what was issued under a greater number.
            Some(state) => certificates
                .iter()
                .filter(|(id, _)| id.as_str() > state.as_str())
                .collect(),
            None => certificates.iter().collect(),
        };
        let items: Vec<Item> = all
            .iter()
            .skip(from)
            .take(request.limit as usize)
            .map(|(id, data)| Item {
                key: SourceKey::new(id.as_str()),
                deleted: false,
                data: data.to_string(),
            })
            .collect();
        let until = from + items.len();
        let last = until >= all.len();
        let newest = certificates.keys().last().cloned();
        Ok(Page {
            items,
            next: (!last).then(|| until.to_string()),
            state: last
                .then(|| newest.or_else(|| request.state.clone()))
                .flatten(),
            complete: last && request.state.is_none(),
            total: Some(all.len() as u64),
        })
    }

    async fn fetch(
        &self,
        _: &Call,
        stream: &str,
        reference: &str,
        largest: u64,
    ) -> Result<File, Failure> {
        assert_eq!((stream, largest), ("certificates", 1000));
        let number = self.0.fetches.fetch_add(1, Ordering::SeqCst);
        let content = self.0.contents.lock().unwrap().get(reference).cloned();
        let (size, media_type) = match content.unwrap_or(Content::Pdf(10 + reference.len() as u64))
        {
            Content::Pdf(size) => (size, "application/pdf"),
            Content::Html => (40, "text/html"),
            Content::Gone => {
                let gone = Failure::new(FailureKind::NotFound, "the file is gone");
                return Err(gone.with_code("file-gone"));
            }
            Content::Down => {
                return Err(Failure::new(FailureKind::Unavailable, "error 500"));
            }
        };
        let id = format!("held-{number}");
        self.0
            .held
            .lock()
            .unwrap()
            .insert(id.clone(), reference.to_owned());
        Ok(File {
            id: FileId(id),
            name: None,
            media_type: media_type.to_owned(),
            size,
            sha256: "0".repeat(64),
        })
    }

    async fn prepare(&self, _: &Call, _: &str, _: &[String]) -> Result<Preparation, Failure> {
        unreachable!("the academy is only read")
    }

    async fn find(
        &self,
        _: &Call,
        _: &str,
        _: &str,
        _: &str,
        _: &[String],
    ) -> Result<Vec<Vec<Found>>, Failure> {
        unreachable!("the academy is only read")
    }

    async fn write(
        &self,
        _: &Call,
        _: &str,
        _: &str,
        _: &[Change],
    ) -> Result<Vec<Result<Receipt, Failure>>, Failure> {
        unreachable!("the academy is only read")
    }
}

#[async_trait]
impl Connector for Archive {
    fn manifest(&self) -> &Manifest {
        &self.0.archive
    }

    async fn check(&self, _: &Call, _: &[Need]) -> Result<Report, Failure> {
        Ok(Report::default())
    }

    async fn options(
        &self,
        _: &Call,
        _: &str,
        _: Option<&str>,
        position: Option<&str>,
    ) -> Result<Choices, Failure> {
        // One on a page.
        let categories = self.0.categories.lock().unwrap();
        let at: usize = position.map_or(0, |at| at.parse().unwrap());
        Ok(Choices {
            items: categories
                .get(at)
                .map(|(value, label)| Choice {
                    value: value.clone(),
                    label: label.clone(),
                    hint: None,
                })
                .into_iter()
                .collect(),
            next: (at + 1 < categories.len()).then(|| (at + 1).to_string()),
        })
    }

    async fn read(&self, _: &Call, _: &ReadRequest) -> Result<Page, Failure> {
        unreachable!("the archive is only written")
    }

    async fn prepare(&self, _: &Call, _: &str, _: &[String]) -> Result<Preparation, Failure> {
        Ok(Preparation::default())
    }

    async fn find(
        &self,
        _: &Call,
        _: &str,
        _: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>, Failure> {
        assert_eq!(attribute, "person");
        if let Some(failure) = self.0.unreadable.lock().unwrap().clone() {
            return Err(failure);
        }
        {
            let mut lag = self.0.lag.lock().unwrap();
            if *lag > 0 {
                *lag -= 1;
                return Ok(values.iter().map(|_| Vec::new()).collect());
            }
        }
        let mut documents = self.0.documents.lock().unwrap().clone();
        if !*self.0.tells_comments.lock().unwrap() {
            for (_, data) in &mut documents {
                data.remove("comment");
            }
        }
        let of = |person: &String| {
            let theirs = documents
                .iter()
                .filter(|(_, data)| data["person"] == person.as_str());
            theirs
                .map(|(id, data)| Found {
                    target: TargetId::new(id.as_str()),
                    data: Value::Object(data.clone()).to_string(),
                })
                .collect()
        };
        Ok(values.iter().map(of).collect())
    }

    async fn write(
        &self,
        _: &Call,
        _: &str,
        _: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt, Failure>>, Failure> {
        let [change] = changes else {
            panic!("one document a call")
        };
        let number = self.0.uploads.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some((after, stop)) = &*self.0.halt_after.lock().unwrap()
            && number == *after
        {
            stop.ask(matricula_engine::Halt::Later);
        }
        // Others get their turn, as on a network.
        tokio::task::yield_now().await;
        let data: Map<String, Value> = serde_json::from_str(&change.data).unwrap();
        let lost = || {
            Failure::new(FailureKind::Unavailable, "the connection broke")
                .with_effect(Effect::Unknown)
        };
        let outcome = match self.0.take_fault(data["title"].as_str().unwrap()) {
            Some(Fault::Fail(failure)) => Err(failure),
            Some(Fault::LoseBefore) => Err(lost()),
            Some(Fault::LoseAfter) => {
                self.0.store(&data);
                Err(lost())
            }
            None => Ok(Receipt {
                target: Some(self.0.store(&data)),
                disposition: Disposition::Created,
            }),
        };
        tokio::task::yield_now().await;
        Ok(vec![outcome])
    }
}

struct Hold(Arc<Remotes>);

#[async_trait]
impl Egress for Hold {
    async fn send(&self, _: Request, _: Duration) -> Result<Response, SendError> {
        Err(SendError::Timeout)
    }

    fn release(&self, file: &FileId) {
        self.0.held.lock().unwrap().remove(&file.0);
    }

    fn requests(&self) -> u64 {
        0
    }
}

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
        let clock = SimClock::new("2026-03-02T11:00:00Z".parse().unwrap());
        let store = Arc::new(SqliteStore::in_memory(Vault::new(&[7; 32])).unwrap());
        let engine = Engine::new(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::new(clock.clone()) as Arc<dyn Clock>,
            Options::default(),
        );
        let world = Self {
            remotes: Arc::new(Remotes::new()),
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
