//! Servers, manifests and credentials for the tests.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request as AxumRequest;
use axum::response::Response as AxumResponse;
use bytes::Bytes;
use matricula_core::clock::{Clock, SimClock};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::egress::{Egress, Request, Response, SendError};
use matricula_core::file::File;
use matricula_core::manifest::Manifest;
use matricula_egress::{Gateway, Lookup, Policy, Session};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

pub const LONG: Duration = Duration::from_secs(3600);

/// A request as a server saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    pub bytes: Bytes,
    /// By the simulated clock.
    pub at: jiff::Timestamp,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What a server answers.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

pub fn reply(status: u16, body: impl Into<Bytes>) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        body: body.into(),
    }
}

impl Reply {
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A server on the loopback that keeps a journal.
#[derive(Clone)]
pub struct Server {
    pub port: u16,
    journal: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    pub async fn start<F, A>(clock: &SimClock, answer: F) -> Self
    where
        F: Fn(Seen) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Reply> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let journal = Arc::new(Mutex::new(Vec::new()));
        let (kept, clock) = (Arc::clone(&journal), clock.clone());
        let app = Router::new().fallback(move |request: AxumRequest| {
            let (answer, kept, clock) = (answer.clone(), Arc::clone(&kept), clock.clone());
            async move {
                let at = clock.now();
                let (parts, body) = request.into_parts();
                let body = to_bytes(body, usize::MAX).await.unwrap();
                let headers = parts.headers.iter().map(|(name, value)| {
                    (
                        name.to_string(),
                        value.to_str().unwrap_or_default().to_owned(),
                    )
                });
                let seen = Seen {
                    method: parts.method.to_string(),
                    target: parts.uri.to_string(),
                    headers: headers.collect(),
                    body: String::from_utf8_lossy(&body).into_owned(),
                    bytes: body,
                    at,
                };
                kept.lock().unwrap().push(seen.clone());
                let reply = answer(seen).await;
                let mut response = AxumResponse::builder().status(reply.status);
                for (name, value) in reply.headers {
                    response = response.header(name, value);
                }
                response.body(Body::from(reply.body)).unwrap()
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, journal }
    }

    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.journal.lock().unwrap().clone()
    }

    /// How many requests had this path.
    pub fn count(&self, path: &str) -> usize {
        self.seen()
            .iter()
            .filter(|seen| seen.target.split('?').next() == Some(path))
            .count()
    }
}

/// A server that does with each connection what it is told.
pub async fn raw<F, A>(behave: F) -> u16
where
    F: Fn(TcpStream) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream));
        }
    });
    port
}

/// A resolver that knows what it is told, and counts.
#[derive(Default)]
pub struct Names {
    answers: Mutex<BTreeMap<String, Vec<Vec<IpAddr>>>>,
    pub asked: AtomicUsize,
}

impl Names {
    /// Each further resolution of a name gives the next of `answers`; the last one stays.
    pub fn with(self, name: &str, answers: &[&[&str]]) -> Self {
        let answers = answers
            .iter()
            .map(|addresses| addresses.iter().map(|ip| ip.parse().unwrap()).collect())
            .collect();
        self.answers
            .lock()
            .unwrap()
            .insert(name.to_owned(), answers);
        self
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        match answers.get_mut(host) {
            Some(answers) if answers.len() > 1 => Ok(answers.remove(0)),
            Some(answers) => Ok(answers[0].clone()),
            None => Err(std::io::Error::other("no such host is known")),
        }
    }
}

/// What a session is made of.
pub struct Case {
    pub clock: SimClock,
    pub policy: Policy,
    pub names: Arc<Names>,
    pub manifest: Value,
    pub public: BTreeMap<String, String>,
    pub secrets: Vec<(String, String)>,
}

pub fn clock() -> SimClock {
    SimClock::new("2026-11-21T12:00:00Z".parse().unwrap())
}

impl Case {
    /// A connector for `https://api.example.com`, without authentication.
    pub fn new(clock: &SimClock) -> Self {
        let manifest = json!({
            "contract": "1.0",
            "id": "example",
            "version": "1.0.0",
            "title": {"en": "Example"},
            "origins": ["https://api.example.com"],
            "authentication": [{"id": "main", "title": {}, "fields": [], "sessions": []}],
        });
        Self {
            clock: clock.clone(),
            policy: Policy::default(),
            names: Arc::default(),
            manifest,
            public: BTreeMap::new(),
            secrets: Vec::new(),
        }
    }

    /// A case whose origin is mapped to `server`.
    pub fn at(clock: &SimClock, server: &Server) -> Self {
        Self::new(clock).map("https://api.example.com", &server.origin())
    }

    pub fn map(mut self, from: &str, to: &str) -> Self {
        self.policy.map_origin(from, to).unwrap();
        self
    }

    pub fn origins(mut self, origins: &[&str]) -> Self {
        self.manifest["origins"] = json!(origins);
        self
    }

    pub fn limits(mut self, limits: Value) -> Self {
        self.manifest["limits"] = limits;
        self
    }

    /// Authenticates `origin` by a scheme.
    pub fn scheme(self, origin: &str, scheme: Value) -> Self {
        self.scheme_at(origin, "", scheme)
    }

    /// Authenticates a path of `origin` by a scheme.
    pub fn scheme_at(mut self, origin: &str, path: &str, scheme: Value) -> Self {
        let session = json!({"origin": origin, "path": path, "scheme": scheme});
        self.manifest["authentication"][0]["sessions"]
            .as_array_mut()
            .unwrap()
            .push(session);
        self
    }

    fn field(&mut self, name: &str, secret: bool, required: bool) {
        let field = json!({"name": name, "title": {}, "secret": secret, "required": required});
        self.manifest["authentication"][0]["fields"]
            .as_array_mut()
            .unwrap()
            .push(field);
    }

    pub fn public(mut self, name: &str, value: &str) -> Self {
        self.field(name, false, false);
        self.public.insert(name.into(), value.into());
        self
    }

    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.field(name, true, false);
        self.secrets.push((name.into(), value.into()));
        self
    }

    pub fn names(mut self, names: Names) -> Self {
        self.names = Arc::new(names);
        self
    }

    pub fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    pub fn manifest(&self) -> Manifest {
        Manifest::parse(self.manifest.to_string().as_bytes()).unwrap()
    }

    pub fn credential(&self) -> Credential {
        Credential {
            id: "credential".into(),
            tenant: "tenant".into(),
            connector: "example".into(),
            method: "main".into(),
            name: "Example, live".into(),
            public: self.public.clone(),
            created_at: self.clock.now(),
        }
    }

    pub fn secrets(&self) -> Secrets {
        Secrets::new(self.secrets.clone())
    }

    pub fn gateway(&self) -> Gateway {
        self.gateway_with(|_| {})
    }

    /// A gateway with another policy as well.
    pub fn gateway_with(&self, change: impl FnOnce(&mut Policy)) -> Gateway {
        let names: Arc<dyn Lookup> = Arc::clone(&self.names) as _;
        let mut policy = self.policy.clone();
        change(&mut policy);
        Gateway::with_lookup(policy, Arc::new(self.clock.clone()), names).unwrap()
    }

    pub fn session(&self) -> Arc<Session> {
        self.gateway()
            .session(&self.manifest(), &self.credential(), self.secrets())
            .unwrap()
    }
}

/// A gateway with a hold, and sessions of it.
pub struct House {
    pub folder: tempfile::TempDir,
    pub gateway: Gateway,
}

impl House {
    pub fn new(case: &Case) -> Self {
        Self::of(case.gateway())
    }

    pub fn of(gateway: Gateway) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gateway = gateway.with_hold(folder.path().join("hold"));
        Self { folder, gateway }
    }

    pub fn session(&self, case: &Case) -> Arc<Session> {
        self.gateway
            .session(&case.manifest(), &case.credential(), case.secrets())
            .unwrap()
    }

    /// The names in the folder for held files.
    pub fn names(&self) -> Vec<std::ffi::OsString> {
        let folder = std::fs::read_dir(self.folder.path().join("hold")).unwrap();
        folder.map(|entry| entry.unwrap().file_name()).collect()
    }
}

/// Fetches a path below `https://api.example.com`, at most 64 MB.
pub async fn fetch(session: &Session, path: &str) -> Result<(Response, Option<File>), SendError> {
    let request = request("GET", &format!("https://api.example.com{path}"));
    session.fetch(request, 64_000_000, LONG).await
}

/// Bytes without a pattern that a mistake in an offset would keep.
pub fn noise(length: usize) -> Bytes {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Reads the head of a request.
pub async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

pub fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.into(),
        url: url.into(),
        headers: Vec::new(),
        body: None,
        timeout: None,
    }
}

/// GET below `https://api.example.com`, or of a whole address.
pub async fn get(session: &Session, path: &str) -> Result<Response, SendError> {
    let url = if path.starts_with('/') {
        format!("https://api.example.com{path}")
    } else {
        path.to_owned()
    };
    session.send(request("GET", &url), LONG).await
}

pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}
