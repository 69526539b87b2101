//! A product without connectors behind the API, with made-up automations.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use matricula_api::{Api, ApiOptions, Metrics, Readiness};
use matricula_component::Host;
use matricula_core::agenda::{Change, Ledger};
use matricula_core::automation::{Automation, Memory};
use matricula_core::clock::{Clock, SimClock};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::standing::{Lifecycle, Standing};
use matricula_core::{AutomationId, Cadence, CredentialId, Person, TenantId};
use matricula_egress::{Gateway, Policy};
use matricula_engine::Options;
use matricula_service::{Connectors, Matricula, Parts};
use matricula_session::{Fetch, HttpFetch, Sessions, Vendors};
use matricula_store::{SqliteStore, Vault};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;

pub const TENANT: &str = "tenant-of-the-tests";

pub struct World {
    pub store: Arc<dyn Ledger>,
    pub clock: SimClock,
    pub matricula: Arc<Matricula>,
    pub metrics: Arc<Metrics>,
    pub readiness: Readiness,
    pub router: Router,
    _connectors: TempDir,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// A whole problem document; its code.
    pub fn code(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["type"], format!("urn:matricula:problem:{code}"));
        assert_eq!(problem["status"], self.status.as_u16());
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        code
    }
}

impl World {
    pub fn new() -> Self {
        let store = SqliteStore::in_memory(Vault::new(&[7; 32])).unwrap();
        Self::over(store, |_| {})
    }

    /// Over this store, as patient as is said.
    pub fn over(store: SqliteStore, patience: impl FnOnce(&mut ApiOptions)) -> Self {
        let store: Arc<dyn Ledger> = Arc::new(store);
        let connectors = tempfile::tempdir().unwrap();
        let clock = SimClock::new("2026-03-02T09:00:00Z".parse().unwrap());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let matricula = Arc::new(Matricula::new(Parts {
            store: Arc::clone(&store),
            clock: Arc::clone(&shared),
            connectors: Connectors::new(
                Host::new(matricula_component::Options::default()).unwrap(),
                connectors.path(),
            ),
            gateway: Gateway::new(Policy::default(), Arc::clone(&shared)).unwrap(),
            flows: None,
            options: Options::default(),
            shortest_interval: Duration::from_secs(60),
            owner: "tests".to_owned(),
            gone: Arc::new(|_| false),
        }));
        let metrics = Arc::new(Metrics::new("1.2.3"));
        let readiness = Readiness::default();
        let mut options = ApiOptions::new(shared, readiness.clone());
        patience(&mut options);
        let fetch: Arc<dyn Fetch> = Arc::new(HttpFetch::new().unwrap());
        let clock_of_sessions = Arc::clone(&options.clock);
        let sessions = Sessions::new(Vendors::default(), &fetch, clock_of_sessions);
        let api = Api::new(
            Arc::clone(&matricula),
            Arc::clone(&metrics),
            Arc::new(sessions),
            options,
        );
        let router = api.router();
        Self {
            store,
            clock,
            matricula,
            metrics,
            readiness,
            router,
            _connectors: connectors,
        }
    }

    pub async fn ask(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(body.into()).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        assert_eq!(parts.headers["cache-control"], "no-store");
        assert_eq!(parts.headers["x-content-type-options"], "nosniff");
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, Body::empty()).await
    }

    /// An automation that is due in an hour, in this state, and its address for webhooks.
    pub async fn automation(&self, id: &str, lifecycle: Lifecycle) -> (AutomationId, String) {
        let now = self.clock.now();
        let tenant = TenantId::new(TENANT);
        let [source, target] = ["source", "target"].map(CredentialId::new);
        for id in [&source, &target] {
            let credential = Credential {
                id: id.clone(),
                tenant: tenant.clone(),
                connector: "personio".to_owned(),
                method: "client-credentials".to_owned(),
                name: id.to_string(),
                public: [].into(),
                created_at: now,
            };
            // A second automation finds them there.
            let _ = self
                .store
                .add_credential(&credential, &Secrets::default())
                .await;
        }
        let id = AutomationId::new(id);
        let automation = Automation {
            id: id.clone(),
            tenant: tenant.clone(),
            flow: "sync-employees".to_owned(),
            source: source.clone(),
            target: target.clone(),
            settings: Value::Null,
            file: None,
            salt: 1,
            created_at: now,
            memory: Memory::default(),
        };
        self.store.put_automation(&automation).await.unwrap();
        let next = now.saturating_add(Duration::from_secs(3600)).unwrap();
        let standing = Standing {
            automation: id.clone(),
            tenant: tenant.clone(),
            flow: automation.flow,
            source,
            target,
            lifecycle,
            cadence: Cadence::Every { seconds: 3600 },
            next_run_at: (lifecycle != Lifecycle::Deactivated).then_some(next),
            demand: None,
            hold: None,
            failures: 0,
            last_run: None,
            last_started_at: None,
            last_ended_at: None,
            last_succeeded_at: None,
            overdue: false,
            version: 0,
        };
        let change = Change {
            standing,
            journal: Vec::new(),
            notices: Vec::new(),
            withdrawn: Vec::new(),
        };
        self.store.enroll(&change).await.unwrap();
        let owner = Person::named("Erika Example");
        let secret = self
            .matricula
            .renew_hook(&tenant, &id, &owner)
            .await
            .unwrap();
        (id, secret)
    }

    pub async fn standing(&self, id: &AutomationId) -> Standing {
        self.store.standing(id).await.unwrap().unwrap()
    }
}

/// What was written to it.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
