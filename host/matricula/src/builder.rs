//! What an engine is made of, said one thing after another.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use matricula_api::{Api, ApiOptions, Metrics, Readiness};
use matricula_component::{Host, Options as HostOptions};
use matricula_core::clock::Clock;
use matricula_egress::{Gateway, Policy};
use matricula_notice::{AutomationLink, Brand, Mail, Mailer, Writer};
use matricula_service::{Connectors, Flows, Matricula, Parts, SystemClock};
use matricula_session::{Fetch, HttpFetch, Sessions, Vendors};
use matricula_store::{SqliteStore, Vault};

use crate::embedded::Engine;

/// The shortest interval that a schedule may have where nothing else is said.
const SHORTEST: Duration = Duration::from_secs(60);
/// For how many days runs are kept where nothing else is said.
const RETENTION_DAYS: u32 = 90;

/// Why an engine cannot be made, or why what it was told cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    code: &'static str,
    message: String,
}

impl Error {
    /// A name for programs; it stays the same when the message is worded better.
    pub fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn new(code: &'static str, error: impl std::fmt::Display) -> Self {
        Self {
            code,
            message: error.to_string(),
        }
    }
}

impl From<matricula_service::Error> for Error {
    fn from(error: matricula_service::Error) -> Self {
        Self::new(error.code(), error)
    }
}

/// Collects what an [`Engine`] is made of. Made by [`Engine::builder`].
pub struct Builder {
    store: PathBuf,
    vault: Vault,
    connectors: PathBuf,
    flows: PathBuf,
    cache: Option<PathBuf>,
    vendors: Vendors,
    mailer: Option<Arc<dyn Mail>>,
    link: Option<String>,
    clock: Arc<dyn Clock>,
    policy: Policy,
    shortest_interval: Duration,
    retention_days: u32,
    refused: Option<Error>,
}

impl Builder {
    pub(crate) fn new(store: PathBuf, key: &[u8; 32]) -> Self {
        Self {
            store,
            vault: Vault::new(key),
            connectors: PathBuf::from("connectors"),
            flows: PathBuf::from("flows"),
            cache: None,
            vendors: Vendors::default(),
            mailer: None,
            link: None,
            clock: Arc::new(SystemClock),
            policy: Policy::default(),
            shortest_interval: SHORTEST,
            retention_days: RETENTION_DAYS,
            refused: None,
        }
    }

    /// The folder of connectors, `<id>.wasm` each. Without it: `connectors`.
    #[must_use]
    pub fn connectors(mut self, folder: impl Into<PathBuf>) -> Self {
        self.connectors = folder.into();
        self
    }

    /// The folder of flow files. Without it: `flows`.
    #[must_use]
    pub fn flows(mut self, folder: impl Into<PathBuf>) -> Self {
        self.flows = folder.into();
        self
    }

    /// A folder for compiled connectors, so that the next start takes milliseconds. Whoever can write to it runs
    /// code in this process. Without it they are compiled at every start.
    #[must_use]
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(folder.into());
        self
    }

    /// Whose tokens are taken and who may embed the page. Without it nobody can sign in.
    #[must_use]
    pub fn vendors(mut self, vendors: Vendors) -> Self {
        self.vendors = vendors;
        self
    }

    /// Who sends mails. Without it notices go to webhooks alone.
    #[must_use]
    pub fn mailer(mut self, mailer: Mailer) -> Self {
        self.mailer = Some(Arc::new(mailer));
        self
    }

    /// Where an automation is shown, for the button in mails; `{tenant}` and `{automation}` stand for its ids.
    #[must_use]
    pub fn link(mut self, address: impl Into<String>) -> Self {
        self.link = Some(address.into());
        self
    }

    /// The time. Without it: the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Lets connectors reach this origin although its address is a private one.
    #[must_use]
    pub fn allow_private(mut self, origin: &str) -> Self {
        let said = self.policy.allow_private(origin);
        self.keep_refusal(said)
    }

    /// Sends what goes to one origin to another, such as a proxy or a sandbox.
    #[must_use]
    pub fn map_origin(mut self, from: &str, to: &str) -> Self {
        let said = self.policy.map_origin(from, to);
        self.keep_refusal(said)
    }

    /// The shortest interval that a schedule may have. Without it: a minute.
    #[must_use]
    pub fn shortest_interval(mut self, interval: Duration) -> Self {
        self.shortest_interval = interval;
        self
    }

    /// For how many days runs are kept where a tenant has not chosen. Without it: 90.
    #[must_use]
    pub fn retention_days(mut self, days: u32) -> Self {
        self.retention_days = days.max(1);
        self
    }

    fn keep_refusal(mut self, said: Result<(), impl std::fmt::Display>) -> Self {
        if let Err(error) = said {
            self.refused
                .get_or_insert(Error::new("policy.wrong", error));
        }
        self
    }

    /// Opens the store, and makes it where there is none. Nothing runs yet.
    ///
    /// # Errors
    /// `store.…` if the store cannot be opened, `store.wrong-key` if it was made with another key;
    /// `vendors.given` for a value that no connector takes; `policy.wrong` and `link.wrong` for an origin or address that is none.
    pub fn build(self) -> Result<Engine, Error> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let failed = |error: &dyn std::fmt::Display| Error::new("engine.failed", error);
        let store = SqliteStore::open(&self.store, self.vault);
        let store = Arc::new(store.map_err(matricula_service::Error::from)?);
        let host = Host::new(HostOptions {
            cache_dir: self.cache,
            ..HostOptions::default()
        });
        let host = host.map_err(|error| failed(&error))?;
        let folder = self.store.parent().map(PathBuf::from).unwrap_or_default();
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
        // Files on their way lie beside the store: temporary folders often lie in memory.
        let gateway = Gateway::new(self.policy, Arc::clone(&self.clock))
            .map_err(|error| failed(&error))?
            .with_hold(folder)
            .with_watch(Arc::clone(&metrics) as _);
        let matricula = Arc::new(Matricula::new(Parts {
            store,
            clock: Arc::clone(&self.clock),
            connectors: Connectors::new(host, self.connectors),
            gateway,
            flows: Some(Flows::new(self.flows)),
            options: matricula_engine::Options::default(),
            shortest_interval: self.shortest_interval,
            owner: matricula_service::random_id()?,
            // Nothing is known of other processes: their leases run out.
            gone: Arc::new(|_| false),
        }));
        matricula.give(self.vendors.given())?;
        let link = self.link.as_deref().map(AutomationLink::parse).transpose();
        let brand = Brand {
            link: link.map_err(|error| Error::new("link.wrong", error))?,
            ..Brand::default()
        };
        let writer = Writer::new(brand, jiff::tz::TimeZone::UTC);
        let writer = writer.map_err(|error| failed(&error))?;
        let courier = matricula.courier(writer, self.mailer);
        let fetch: Arc<dyn Fetch> = Arc::new(HttpFetch::new().map_err(|error| failed(&error))?);
        let sessions = Sessions::new(self.vendors, &fetch, Arc::clone(&self.clock));
        let readiness = Readiness::default();
        let options = ApiOptions::new(self.clock, readiness.clone());
        let api = Api::new(
            Arc::clone(&matricula),
            Arc::clone(&metrics),
            Arc::new(sessions),
            options,
        );
        Ok(Engine {
            router: api.router(),
            matricula,
            metrics,
            courier: Arc::new(courier),
            readiness,
            retention_days: self.retention_days,
            started: AtomicBool::new(false),
        })
    }
}
