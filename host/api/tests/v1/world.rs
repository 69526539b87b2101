//! Two tenants of one vendor, and everything of each: credentials, an automation with a run, people, documents.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use matricula_api::{Api, ApiOptions, Metrics, Readiness};
use matricula_component::Host;
use matricula_core::agenda::Ledger;
use matricula_core::clock::{Clock, SimClock};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::document::{Document, DocumentState};
use matricula_core::link::{Decision, Leaving, LeavingAction, LeavingReason, Link};
use matricula_core::notice::{Contact, Facts, Notice, NoticeKind};
use matricula_core::run::{CycleKind, Outcome, OutcomeKind, Progress, RunStatus, Trigger};
use matricula_core::store::{Commit, LinkWrite};
use matricula_core::{AutomationId, Person, RunId, TenantId};
use matricula_egress::{Gateway, Policy};
use matricula_engine::Options;
use matricula_sandbox::{Sandbox, System};
use matricula_service::{Connectors, Flows, Matricula, NewCredential, Parts, Selection, Terms};
use matricula_session::{Fetch, HttpFetch, Reference, Sessions, Vendors, sign_hs256};
use matricula_store::{SqliteStore, Vault};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;
use zeroize::Zeroizing;

pub const SECRET: &str = "a secret of the tests that is long enough";
pub const RSA: &str = include_str!("../../../session/tests/session/keys/rsa-public.pem");
const VENDORS: &str = r#"
[[vendor]]
id = "northwind"
title = { en = "Northwind Academy" }
origins = []
[[vendor.key]]
kid = "shared"
alg = "HS256"
secret_env = "NORTHWIND"
[[vendor.key]]
kid = "rsa"
alg = "RS256"
public_file = "rsa-public.pem"
[vendor.connectors.kombo]
api_url = "https://api.kombo.dev"
api_key_env = "KOMBO_KEY"
webhook_secret_env = "KOMBO_WEBHOOKS"
[[vendor]]
id = "southridge"
title = { en = "Southridge Academy" }
origins = []
flows = ["sync-employees"]
[[vendor.key]]
kid = "shared"
alg = "HS256"
secret_env = "SOUTHRIDGE"
"#;

pub struct World {
    pub sandbox: Sandbox,
    pub store: Arc<dyn Ledger>,
    pub clock: SimClock,
    pub matricula: Arc<Matricula>,
    pub router: Router,
    pub flows: TempDir,
}

/// What a tenant has.
pub struct Estate {
    pub tenant: TenantId,
    pub hr: Credential,
    pub academy: Credential,
    /// A second one for the target, which no automation uses.
    pub spare: Credential,
    pub automation: AutomationId,
    pub run: RunId,
    pub webhook: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// A resource that was asked for.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        self.json()
    }

    /// The status and the code of a problem.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let code = self.json()["code"].as_str().unwrap().to_owned();
        (self.status.as_u16(), code)
    }

    pub fn header(&self, name: &str) -> String {
        self.headers[name].to_str().unwrap().to_owned()
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub tenant: &'static str,
    pub role: &'static str,
}

pub const OWNER: Who = Who {
    tenant: "alpha",
    role: "owner",
};
pub const VIEWER: Who = Who {
    role: "viewer",
    ..OWNER
};
pub const OTHER: Who = Who {
    tenant: "beta",
    role: "owner",
};

impl World {
    pub async fn new() -> Self {
        Self::with(connectors()).await
    }

    /// With the connectors of another folder.
    pub async fn with(folder: PathBuf) -> Self {
        let sandbox = Sandbox::builder().people(3).start().await.unwrap();
        let store: Arc<dyn Ledger> =
            Arc::new(SqliteStore::in_memory(Vault::new(&[7; 32])).unwrap());
        let clock = SimClock::new("2026-03-02T09:00:00Z".parse().unwrap());
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let flows = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../flows");
        for name in ["sync-employees", "sync-certificates"] {
            let file = format!("{name}.flow.yaml");
            std::fs::copy(root.join(&file), flows.path().join(&file)).unwrap();
        }
        let mut policy = Policy::default();
        for (from, to) in sandbox.origins() {
            policy.map_origin(from, to).unwrap();
        }
        let window = sandbox.url(System::Kombo);
        policy
            .map_origin("https://connect.kombo.dev", window)
            .unwrap();
        policy.ignore_documented_limits(true);
        let matricula = Arc::new(Matricula::new(Parts {
            store: Arc::clone(&store),
            clock: Arc::clone(&shared),
            connectors: Connectors::new(host(), folder),
            gateway: Gateway::new(policy, Arc::clone(&shared)).unwrap(),
            flows: Some(Flows::new(flows.path())),
            options: Options::default(),
            shortest_interval: Duration::from_secs(60),
            owner: "tests".to_owned(),
            gone: Arc::new(|_| false),
        }));
        let known = sandbox.credentials();
        let resolve = |reference: Reference<'_>| match reference {
            Reference::File(_) => Ok(Zeroizing::new(RSA.to_owned())),
            Reference::Variable("KOMBO_KEY") => Ok(known.kombo_api_key.clone().into()),
            Reference::Variable("KOMBO_WEBHOOKS") => Ok(known.kombo_webhook_secret.clone().into()),
            Reference::Variable(_) => Ok(Zeroizing::new(SECRET.to_owned())),
        };
        let vendors = Vendors::parse(VENDORS, resolve).unwrap();
        matricula.give(vendors.given()).unwrap();
        let fetch: Arc<dyn Fetch> = Arc::new(HttpFetch::new().unwrap());
        let sessions = Sessions::new(vendors, &fetch, Arc::clone(&shared));
        let options = ApiOptions::new(shared, Readiness::default());
        let metrics = Arc::new(Metrics::new("1.2.3"));
        let api = Api::new(Arc::clone(&matricula), metrics, Arc::new(sessions), options);
        Self {
            router: api.router(),
            sandbox,
            store,
            clock,
            matricula,
            flows,
        }
    }

    /// The claims of a token that is good.
    pub fn claims(&self, who: Who) -> Value {
        let now = self.clock.now().as_second();
        json!({
            "iss": "northwind", "aud": "matricula", "tenant": who.tenant, "role": who.role,
            "sub": format!("{}-{}", who.tenant, who.role), "name": format!("{} person", who.tenant),
            "locale": "en", "iat": now, "exp": now + 300,
        })
    }

    pub fn token(&self, who: Who) -> String {
        let claims = self.claims(who);
        sign_hs256(SECRET.as_bytes(), "shared", claims.as_object().unwrap())
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        // A stream of events ends in an hour.
        let endless = parts.headers.get("content-type");
        let body = match endless.is_some_and(|kind| kind == "text/event-stream") {
            true => Default::default(),
            false => to_bytes(body, usize::MAX).await.unwrap(),
        };
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub fn request(
        &self,
        token: Option<&str>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match body {
            Some(body) => {
                let request = request.header("content-type", "application/json");
                request.body(Body::from(body.to_string())).unwrap()
            }
            None => request.body(Body::empty()).unwrap(),
        }
    }

    pub async fn ask(
        &self,
        who: Who,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let token = self.token(who);
        let request = self.request(Some(&token), method, path, headers, body.as_ref());
        self.send(request).await
    }

    pub async fn get(&self, who: Who, path: &str) -> Answer {
        self.ask(who, "GET", path, &[], None).await
    }

    pub async fn post(&self, who: Who, path: &str, body: Value) -> Answer {
        self.ask(who, "POST", path, &[], Some(body)).await
    }

    pub async fn credential(&self, tenant: &TenantId, name: &str, connector: &str) -> Credential {
        let known = self.sandbox.credentials().clone();
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
            pairs.iter().map(own).collect()
        };
        let (public, secrets) = match connector {
            "personio" => (
                own(&[("client_id", &known.personio_client_id)]),
                own(&[("client_secret", &known.personio_client_secret)]),
            ),
            _ => (
                own(&[
                    ("scim_url", "https://academy.example.com/scim/v2"),
                    ("client_id", &known.reteach_client_id),
                ]),
                own(&[
                    ("scim_token", &known.scim_token),
                    ("client_secret", &known.reteach_client_secret),
                    ("client_code", &known.reteach_client_code),
                ]),
            ),
        };
        let new = NewCredential {
            name: format!("{}-{name}", short(tenant)),
            connector: connector.to_owned(),
            method: None,
            public: public.into_iter().collect(),
            secrets: Secrets::new(secrets),
        };
        self.matricula.add_credential(tenant, new).await.unwrap()
    }

    /// Everything that a tenant can have, each with the tenant's name in it.
    pub async fn estate(&self, who: Who) -> Estate {
        let tenant = TenantId::new(format!("northwind/{}", who.tenant));
        let hr = self.credential(&tenant, "hr", "personio").await;
        let academy = self.credential(&tenant, "academy", "reteach").await;
        let spare = self.credential(&tenant, "spare", "reteach").await;
        let flow = self.matricula.offered("sync-employees").unwrap();
        let settings = json!({ "departments": [format!("{} department", who.tenant)] });
        let selection = Selection {
            source: Some(hr.name.clone()),
            target: Some(academy.name.clone()),
            settings: settings.as_object().unwrap().clone(),
        };
        let terms = Terms {
            contacts: vec![Contact {
                email: format!("{}@example.com", who.tenant),
                name: None,
                language: "en".to_owned(),
                alerts: true,
                report: false,
            }],
            accept_findings: true,
            ..Terms::default()
        };
        let by = Person::named(format!("{} founder", who.tenant));
        let started = self
            .matricula
            .start(&tenant, &flow, &selection, &terms, &by)
            .await
            .unwrap();
        let id = started.automation;
        let run = self.run(&id, who.tenant).await;
        let notice = Notice {
            kind: NoticeKind::Paused,
            tenant: tenant.clone(),
            automation: Some(id.clone()),
            reason: format!("{}-notice", who.tenant),
            at: self.clock.now(),
            facts: Facts::default(),
        };
        self.store.post(&notice).await.unwrap();
        let name = format!("{}-webhook", who.tenant);
        let url = format!("https://{}.example.org/hook", who.tenant);
        self.matricula
            .add_webhook(&tenant, &name, &url)
            .await
            .unwrap();
        let webhooks = self.matricula.webhooks(&tenant).await.unwrap();
        Estate {
            tenant,
            hr,
            academy,
            spare,
            automation: id,
            run,
            webhook: webhooks[0].id.to_string(),
        }
    }

    /// A run that left somebody staged, a document in doubt and records of three kinds.
    async fn run(&self, id: &AutomationId, word: &str) -> RunId {
        let now = self.clock.now();
        let until = now + Duration::from_secs(60);
        let lease = self.store.acquire(id, "tests", now, until, &|_| false);
        let lease = lease.await.unwrap().unwrap();
        let (trigger, kind) = (Trigger::Schedule, CycleKind::Full);
        let begun = self
            .store
            .begin(&lease, "sync-employees", &trigger, kind, now);
        let mut run = begun.await.unwrap();
        let person = |name: &str| format!("{word}-{name}");
        let outcome = |name: &str, kind, reason: &str| Outcome {
            key: person(name).as_str().into(),
            target: Some("account-1".into()),
            kind,
            code: Some("made-up".to_owned()),
            reason: Some(reason.to_owned()),
            changed: vec!["name".to_owned()],
        };
        let link = |name: &str| Link {
            target: Some(person(name).as_str().into()),
            active: true,
            ..Link::new(person(name).as_str().into())
        };
        let staged = Link {
            leaving: Some(Leaving {
                action: LeavingAction::Block,
                reason: LeavingReason::EndReached,
                decision: Decision::Staged,
            }),
            ..link("staged")
        };
        let document = |name: &str| Document {
            state: DocumentState::Doubtful,
            ..Document::new(person(name).as_str().into())
        };
        let written = |link| LinkWrite {
            link,
            references: None,
            resolved: Vec::new(),
        };
        for kind in [OutcomeKind::Created, OutcomeKind::Failed] {
            run.counts.add(kind);
        }
        let commit = Commit {
            run: run.clone(),
            progress: Progress::default(),
            links: vec![written(link("linked")), written(staged)],
            documents: vec![document("paper"), document("sheet")],
            forgotten: Vec::new(),
            groups: Default::default(),
            outcomes: vec![
                outcome("linked", OutcomeKind::Created, "=1+1"),
                outcome("failed", OutcomeKind::Failed, "no \"e-mail\", no account"),
                outcome("staged", OutcomeKind::Staged, "the guard holds it back"),
            ],
            seen: Vec::new(),
        };
        self.store.commit(&lease, commit).await.unwrap();
        run.status = RunStatus::Partial;
        run.finished_at = Some(now);
        self.store.finish(&lease, &run, None).await.unwrap();
        self.store.release(&lease).await.unwrap();
        run.id
    }
}

impl Estate {
    pub fn path(&self, rest: &str) -> String {
        format!("/automations/{}{rest}", self.automation)
    }
}

fn short(tenant: &TenantId) -> &str {
    tenant.as_str().rsplit('/').next().unwrap()
}

/// Compiled once for all tests of all processes.
fn host() -> Host {
    let options = matricula_component::Options {
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled")),
        ..Default::default()
    };
    Host::new(options).unwrap()
}

pub fn connectors() -> PathBuf {
    // target/<profile>/deps/v1-…
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(3).unwrap().join("connectors");
    let built = folder.join("personio.wasm").exists();
    assert!(built, "run `cargo xtask connectors` first");
    folder
}
