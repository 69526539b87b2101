//! A host, the misbehaving component, and an egress that answers as told.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use matricula_component::{Component, Host, Limits, Options};
use matricula_core::connector::{Call, Connector as _, Page, ReadRequest};
use matricula_core::egress::{Egress, Request, Response, SendError};
use matricula_core::{Effect, Failure, FailureKind};
use tokio::sync::Barrier;

/// Where `cargo xtask connectors` puts the components.
pub fn components() -> PathBuf {
    if let Some(folder) = std::env::var_os("MATRICULA_COMPONENTS") {
        return folder.into();
    }
    let target = match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => target.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
    };
    target.join("connectors")
}

/// The component that misbehaves.
pub fn fixtures() -> PathBuf {
    let file = components().join("fixtures/fixtures.wasm");
    assert!(
        file.is_file(),
        "{} is not there: run `cargo xtask connectors`",
        file.display()
    );
    file
}

/// Compiled once for all tests of all processes; each test has a host of its own.
pub fn host(limits: Limits) -> Host {
    let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
    Host::new(Options { cache_dir, limits }).unwrap()
}

pub fn load(limits: Limits) -> Arc<Component> {
    host(limits).load(&fixtures()).unwrap()
}

/// What the remote does.
pub enum Remote {
    Answers(Bytes),
    Fails(SendError),
    /// Answers when so many requests are waiting at the same time.
    Gathers(Barrier),
    NeverAnswers,
}

pub struct FakeEgress {
    remote: Remote,
    pub requests: Mutex<Vec<(Request, Duration)>>,
    pub rest: Mutex<Duration>,
    count: AtomicU64,
}

impl FakeEgress {
    pub fn new(remote: Remote) -> Arc<Self> {
        Arc::new(Self {
            remote,
            requests: Mutex::default(),
            rest: Mutex::default(),
            count: AtomicU64::new(0),
        })
    }
}

#[async_trait]
impl Egress for FakeEgress {
    async fn send(&self, request: Request, remaining: Duration) -> Result<Response, SendError> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.requests.lock().unwrap().push((request, remaining));
        let body = match &self.remote {
            Remote::Answers(body) => body.clone(),
            Remote::Fails(error) => return Err(error.clone()),
            Remote::Gathers(barrier) => {
                barrier.wait().await;
                Bytes::new()
            }
            Remote::NeverAnswers => std::future::pending().await,
        };
        Ok(Response {
            status: 200,
            headers: vec![("x-test".into(), "yes".into())],
            body,
        })
    }

    fn rest(&self) -> Duration {
        *self.rest.lock().unwrap()
    }

    fn requests(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}

pub fn answering() -> Arc<FakeEgress> {
    FakeEgress::new(Remote::Answers(Bytes::from_static(b"{}")))
}

pub fn call_through(egress: Arc<impl Egress + 'static>) -> Call {
    Call {
        config: r#"{"credential":{"account":"Springfield"},"settings":{}}"#.into(),
        now_ms: 1_795_262_400_000,
        idempotency_key: "key".into(),
        egress,
        deadline: Duration::from_secs(20),
    }
}

pub fn call() -> Call {
    call_through(answering())
}

pub fn request(stream: &str) -> ReadRequest {
    ReadRequest {
        stream: stream.into(),
        limit: 100,
        ..ReadRequest::default()
    }
}

pub async fn read(component: &Component, call: &Call, stream: &str) -> Result<Page, Failure> {
    component.read(call, &request(stream)).await
}

/// The data of a page with one record.
pub fn only(page: &Page) -> serde_json::Value {
    assert_eq!(page.items.len(), 1);
    serde_json::from_str(&page.items[0].data).unwrap()
}

/// Checks a fault, and that the component works afterwards.
pub async fn assert_fault(component: &Component, failure: &Failure, code: &str) {
    assert_eq!(failure.kind, FailureKind::Fault, "{failure:?}");
    assert_eq!(failure.code.as_deref(), Some(code), "{failure:?}");
    assert_eq!(failure.effect, Effect::None, "{failure:?}");
    assert!(
        failure.message.starts_with("fixtures 0.1.0 "),
        "{}",
        failure.message
    );
    assert_works(component).await;
}

pub async fn assert_works(component: &Component) {
    let page = read(component, &call(), "good").await.unwrap();
    assert_eq!(page.items.len(), 3);
}

/// What was logged meanwhile by this thread.
#[derive(Clone, Default)]
pub struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    pub fn start(level: tracing::Level) -> (Self, tracing::subscriber::DefaultGuard) {
        let logged = Self::default();
        let writer = logged.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        (logged, tracing::subscriber::set_default(subscriber))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
