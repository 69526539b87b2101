//! An engine in somebody else's process: what it answers, and what it does by itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use matricula_api::{Metrics, Readiness};
use matricula_engine::schedule::{Gauge, Pace};
use matricula_notice::Courier;
use matricula_service::{Matricula, Service};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::builder::{Builder, Error};

/// Everything of one store.
pub struct Engine {
    pub(crate) router: Router,
    pub(crate) matricula: Arc<Matricula>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) courier: Arc<Courier>,
    pub(crate) readiness: Readiness,
    pub(crate) retention_days: u32,
    pub(crate) started: AtomicBool,
}

impl Engine {
    /// Begins an engine over the store in this file, made where there is none. The key encrypts the secrets in
    /// it; keep it elsewhere, and keep it: without it the credentials cannot be read.
    pub fn builder(store: impl Into<PathBuf>, key: &[u8; 32]) -> Builder {
        Builder::new(store.into(), key)
    }

    /// The page, the script that embeds it, the API, and the addresses of webhooks, to be nested anywhere in an
    /// application of one's own. `/healthz`, `/readyz` and `/metrics` are among them.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Keeps the schedule and delivers notices from now on, within the present tokio runtime.
    ///
    /// # Errors
    /// `engine.started` if it was started before: the schedule is kept once, also by an engine that was stopped.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(&self) -> Result<Running, Error> {
        if self.started.swap(true, Ordering::AcqRel) {
            let message = "this engine was started before; build another one to start again";
            return Err(Error::new("engine.started", message));
        }
        let (end, ending) = watch::channel(false);
        let mut told = ending.clone();
        let service = Service {
            pace: Pace::default(),
            retention_days: self.retention_days,
            gauge: Arc::clone(&self.metrics) as Arc<dyn Gauge>,
        };
        let matricula = Arc::clone(&self.matricula);
        let courier = Arc::clone(&self.courier);
        let readiness = self.readiness.clone();
        let work = tokio::spawn(async move {
            readiness.set(true);
            let schedule = async {
                if let Err(error) = matricula.serve(service, ending).await {
                    tracing::error!(%error, "The schedule is not kept.");
                }
            };
            let notices = courier.run(async move {
                // A sender that is gone is an end as well.
                let _ = told.wait_for(|end| *end).await;
            });
            tokio::join!(schedule, notices);
            readiness.set(false);
        });
        Ok(Running { end, work })
    }
}

/// An engine that works by itself. Dropped, it ends as if it had been told to, without anybody waiting for it.
pub struct Running {
    end: watch::Sender<bool>,
    work: JoinHandle<()>,
}

impl Running {
    /// Ends it: pages that are being written are committed, then nothing runs any more.
    pub async fn stop(self) {
        let _ = self.end.send(true);
        // Nothing in it panics; if something did, the log has it.
        let _ = self.work.await;
    }
}
