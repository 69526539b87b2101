//! What a sandbox is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::shared::Shared;
use crate::{Addresses, Fault, Flavour, Sandbox, System, Trouble, serve};

/// What the fakes accept. All defaults are made up.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Personio's client id; `sandbox-personio-id`.
    pub personio_client_id: String,
    /// Personio's client secret; `sandbox-personio-secret`.
    pub personio_client_secret: String,
    /// The academy's SCIM token; `sandbox-scim-token`.
    pub scim_token: String,
    /// edyoucated's SCIM token; `sandbox-edyoucated-token`.
    pub edyoucated_token: String,
    /// Winningtemp's SCIM token; `sandbox-winningtemp-token`.
    pub winningtemp_scim_token: String,
    /// The client id of Winningtemp's REST API; `sandbox-winningtemp-id`.
    pub winningtemp_client_id: String,
    /// Its client secret; `sandbox-winningtemp-secret`.
    pub winningtemp_client_secret: String,
    /// Engagedly's client key; `sandbox-engagedly-client`.
    pub engagedly_client_key: String,
    /// Engagedly's secret key; `sandbox-engagedly-secret`.
    pub engagedly_secret_key: String,
    /// Kombo's API key; `sandbox-kombo-key`.
    pub kombo_api_key: String,
    /// The connection that is there from the start; `personio:SandboxConnection1`.
    pub kombo_integration_id: String,
    /// What Kombo signs its events with; `sandbox-kombo-webhook-secret`.
    pub kombo_webhook_secret: String,
    /// The academy's REST client id; `sandbox-reteach-id`.
    pub reteach_client_id: String,
    /// The academy's REST client secret; `sandbox-reteach-secret`.
    pub reteach_client_secret: String,
    /// The academy's REST client code; `sandbox-reteach-code`.
    pub reteach_client_code: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            personio_client_id: "sandbox-personio-id".into(),
            personio_client_secret: "sandbox-personio-secret".into(),
            scim_token: "sandbox-scim-token".into(),
            edyoucated_token: "sandbox-edyoucated-token".into(),
            winningtemp_scim_token: "sandbox-winningtemp-token".into(),
            winningtemp_client_id: "sandbox-winningtemp-id".into(),
            winningtemp_client_secret: "sandbox-winningtemp-secret".into(),
            engagedly_client_key: "sandbox-engagedly-client".into(),
            engagedly_secret_key: "sandbox-engagedly-secret".into(),
            kombo_api_key: "sandbox-kombo-key".into(),
            kombo_integration_id: "personio:SandboxConnection1".into(),
            kombo_webhook_secret: "sandbox-kombo-webhook-secret".into(),
            reteach_client_id: "sandbox-reteach-id".into(),
            reteach_client_secret: "sandbox-reteach-secret".into(),
            reteach_client_code: "sandbox-reteach-code".into(),
        }
    }
}

impl Credentials {
    /// The token of a SCIM service; empty for a system that is none.
    pub fn scim_token_of(&self, system: System) -> &str {
        match system {
            System::Scim => &self.scim_token,
            System::Edyoucated => &self.edyoucated_token,
            System::WinningtempScim => &self.winningtemp_scim_token,
            _ => "",
        }
    }
}

/// Personio's rate limits, in real time. None is announced by a `Retry-After`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Employee requests in any 60 seconds; 300.
    pub employees_per_minute: u32,
    /// Employee requests in any second; 15.
    pub employees_per_second: u32,
    /// Token requests in any 60 seconds; 60. The one too many starts a cool-down of 60 seconds.
    pub tokens_per_minute: u32,
    /// All requests to v1 in any 60 seconds; 2000.
    pub requests_per_minute: u32,
    /// Uploads of documents in any 60 seconds; 60.
    pub uploads_per_minute: u32,
    /// Token requests to v2 in any 60 seconds; 150. The one too many starts a cool-down of 60 seconds.
    pub v2_tokens_per_minute: u32,
    /// Other requests to v2 in a second, in the long run; 30.
    pub v2_documents_per_second: u32,
    /// Other requests to v2 at once; 100.
    pub v2_documents_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            employees_per_minute: 300,
            employees_per_second: 15,
            tokens_per_minute: 60,
            requests_per_minute: 2000,
            uploads_per_minute: 60,
            v2_tokens_per_minute: 150,
            v2_documents_per_second: 30,
            v2_documents_burst: 100,
        }
    }
}

/// The language of the Personio account, which its labels are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

/// How the academy answers a PATCH; the standard allows both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PatchAnswer {
    /// 200 with the account.
    #[default]
    Account,
    /// 204 with nothing.
    NoContent,
}

/// What the academy says under `/Schemas`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScimSchemas {
    /// Core, enterprise and the academy's own extension.
    #[default]
    WithExtension,
    /// Core and enterprise only; the extension's attributes are refused.
    WithoutExtension,
    /// 404, as some services have it; the extension's attributes are accepted all the same.
    NotFound,
}

#[derive(Clone)]
pub(crate) struct Config {
    pub people: usize,
    pub seed: u64,
    pub employees: Option<Employees>,
    pub credentials: Credentials,
    pub limits: Option<Limits>,
    pub engagedly_limit: Option<usize>,
    pub engagedly_minute: Duration,
    pub language: Language,
    pub hidden: Vec<String>,
    pub personio_token_life: Duration,
    pub rest_token_life: Duration,
    pub flavours: BTreeMap<System, Flavour>,
    pub public_reteach_url: String,
    pub public_personio_url: String,
    pub certificates: usize,
    pub certificate_bytes: u64,
    pub certificate_seed: Option<u64>,
    pub nobody: usize,
    pub troubles: Vec<(Trouble, usize)>,
    pub categories: Vec<String>,
    pub documents_read: bool,
    pub faults: Vec<Fault>,
    pub now: Option<jiff::Timestamp>,
}

#[derive(Clone)]
pub(crate) enum Employees {
    File(PathBuf),
    Answer(Vec<u8>),
}

/// Describes a sandbox; see the methods for what is assumed otherwise.
#[derive(Clone)]
pub struct Builder {
    config: Config,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            config: Config {
                people: 34,
                seed: 1,
                employees: None,
                credentials: Credentials::default(),
                limits: Some(Limits::default()),
                engagedly_limit: Some(200),
                engagedly_minute: Duration::from_secs(60),
                language: Language::English,
                hidden: Vec::new(),
                personio_token_life: Duration::from_secs(86_400),
                rest_token_life: Duration::from_secs(3_600),
                flavours: System::ALL
                    .into_iter()
                    .filter_map(|system| Some((system, Flavour::of(system)?)))
                    .collect(),
                public_reteach_url: "https://api.reteach.io".into(),
                public_personio_url: "https://api.personio.de".into(),
                certificates: 0,
                certificate_bytes: 24_576,
                certificate_seed: None,
                nobody: 0,
                troubles: Vec::new(),
                categories: Vec::new(),
                documents_read: true,
                faults: Vec::new(),
                now: None,
            },
        }
    }
}

impl Builder {
    /// How many people are made up; 34. Zero for an empty account.
    #[must_use]
    pub fn people(mut self, people: usize) -> Self {
        self.config.people = people;
        self
    }

    /// The seed of the population and of faults that have a probability; 1.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// Serves a captured answer (`{"success":true,"data":[…]}`) from this file instead of made-up
    /// people, each attribute as it was captured.
    #[must_use]
    pub fn employees_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.config.employees = Some(Employees::File(file.into()));
        self
    }

    /// The same from memory.
    #[must_use]
    pub fn employees_answer(mut self, answer: impl Into<Vec<u8>>) -> Self {
        self.config.employees = Some(Employees::Answer(answer.into()));
        self
    }

    /// What is accepted as credentials.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.config.credentials = credentials;
        self
    }

    /// Personio's rate limits; `None` for none. The documented ones are assumed.
    #[must_use]
    pub fn limits(mut self, limits: Option<Limits>) -> Self {
        self.config.limits = limits;
        self
    }

    /// How many requests Engagedly takes in any minute, by the sandbox's clock, before it asks for a rest; `None`
    /// for any number. The documented 200 are assumed.
    #[must_use]
    pub fn engagedly_limit(mut self, requests: Option<usize>) -> Self {
        self.config.engagedly_limit = requests;
        self
    }

    /// How long Engagedly's minute is, that of its limit and those of its rests.
    #[must_use]
    pub fn engagedly_minute(mut self, minute: Duration) -> Self {
        self.config.engagedly_minute = minute;
        self
    }

    /// The language of labels in Personio; English.
    #[must_use]
    pub fn language(mut self, language: Language) -> Self {
        self.config.language = language;
        self
    }

    /// An attribute that the Personio credential may not read; may be called again. It can be
    /// changed later by `People::hide` and `People::show`.
    #[must_use]
    pub fn hide_attribute(mut self, key: impl Into<String>) -> Self {
        self.config.hidden.push(key.into());
        self
    }

    /// How long a Personio token is valid, by the sandbox's clock; 24 hours.
    #[must_use]
    pub fn personio_token_life(mut self, life: Duration) -> Self {
        self.config.personio_token_life = life;
        self
    }

    /// How long an access token of the academy's REST API is valid; 1 hour.
    #[must_use]
    pub fn rest_token_life(mut self, life: Duration) -> Self {
        self.config.rest_token_life = life;
        self
    }

    /// The habits of a SCIM service; those of [`Flavour::of`]. Nothing happens for a system that is none.
    #[must_use]
    pub fn flavour(mut self, system: System, change: impl FnOnce(&mut Flavour)) -> Self {
        if let Some(flavour) = self.config.flavours.get_mut(&system) {
            change(flavour);
        }
        self
    }

    /// How the academy answers a PATCH; with the account.
    #[must_use]
    pub fn patch_answer(self, answer: PatchAnswer) -> Self {
        self.flavour(System::Scim, |flavour| flavour.patch = answer)
    }

    /// What the academy says under `/Schemas`; everything.
    #[must_use]
    pub fn schemas(self, schemas: ScimSchemas) -> Self {
        self.flavour(System::Scim, |flavour| flavour.schemas = schemas)
    }

    /// The most accounts that a SCIM page of the academy holds, whatever `count` says; 100.
    #[must_use]
    pub fn scim_page(self, size: usize) -> Self {
        self.flavour(System::Scim, |flavour| flavour.page = size.max(1))
    }

    /// The base that the academy's `meta.location` is written with, such as
    /// `https://academy.example.com/scim/v2`; the listener's own.
    #[must_use]
    pub fn public_scim_url(self, url: impl Into<String>) -> Self {
        self.flavour(System::Scim, |flavour| {
            flavour.public_url = Some(url.into())
        })
    }

    /// The origin that the addresses of certificates' files are written with; `https://api.reteach.io`.
    #[must_use]
    pub fn public_reteach_url(mut self, url: impl Into<String>) -> Self {
        self.config.public_reteach_url = url.into();
        self
    }

    /// The origin that the addresses of next pages in v2 are written with; `https://api.personio.de`.
    #[must_use]
    pub fn public_personio_url(mut self, url: impl Into<String>) -> Self {
        self.config.public_personio_url = url.into();
        self
    }

    /// How many certificates the academy has issued to the people in Personio, in turn; 0. It shows
    /// those of people who have an account under their id as external id.
    #[must_use]
    pub fn certificates(mut self, count: usize) -> Self {
        self.config.certificates = count;
        self
    }

    /// The size of a certificate's PDF in bytes, at least some 900; 24 KiB.
    #[must_use]
    pub fn certificate_bytes(mut self, bytes: u64) -> Self {
        self.config.certificate_bytes = bytes;
        self
    }

    /// The seed of certificates and participations; that of the population.
    #[must_use]
    pub fn certificate_seed(mut self, seed: u64) -> Self {
        self.config.certificate_seed = Some(seed);
        self
    }

    /// So many certificates more, each for an account that no employee has; 0. The accounts are there
    /// from the start.
    #[must_use]
    pub fn certificates_for_nobody(mut self, count: usize) -> Self {
        self.config.nobody = count;
        self
    }

    /// Something wrong with the n-th certificate, counted from 1, those for nobody at the end; may be
    /// called again.
    #[must_use]
    pub fn certificate_trouble(mut self, trouble: Trouble, ordinal: usize) -> Self {
        self.config.troubles.push((trouble, ordinal));
        self
    }

    /// A category of documents in Personio, in place of the usual three; may be called again.
    #[must_use]
    pub fn category(mut self, name: impl Into<String>) -> Self {
        self.config.categories.push(name.into());
        self
    }

    /// Takes the right to read documents from the Personio credential.
    #[must_use]
    pub fn no_documents_read(mut self) -> Self {
        self.config.documents_read = false;
        self
    }

    /// A fault from the start; may be called again.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.config.faults.push(fault);
        self
    }

    /// Stops the clock at a moment from the start. Made-up dates are laid around it.
    #[must_use]
    pub fn now(mut self, now: jiff::Timestamp) -> Self {
        self.config.now = Some(now);
        self
    }

    /// Binds a loopback port for each system, and one for the admin endpoints, and starts to serve.
    ///
    /// # Errors
    /// The captured answer cannot be read, or no port or thread could be had.
    pub async fn start(self) -> anyhow::Result<Sandbox> {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        std::thread::Builder::new()
            .name("sandbox-start".into())
            .spawn(move || {
                // Nobody waits any more if the receiver is gone.
                let _ = sender.send(self.start_blocking());
            })
            .context("no thread for the sandbox could be started")?;
        receiver
            .await
            .context("the sandbox's thread ended while it started")?
    }

    /// The same for a caller without an async runtime; not to be called on one.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn start_blocking(self) -> anyhow::Result<Sandbox> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sandbox")
            .enable_all()
            .build()
            .context("no runtime for the sandbox could be started")?;
        let bound = runtime.block_on(async {
            let mut listeners = Vec::with_capacity(System::ALL.len() + 1);
            for system in System::ALL.into_iter().map(Some).chain([None]) {
                let listener = TcpListener::bind(("127.0.0.1", 0))
                    .await
                    .context("no loopback port could be bound")?;
                let origin = format!("http://{}", listener.local_addr()?);
                listeners.push((system, origin, listener));
            }
            anyhow::Ok(listeners)
        })?;
        let mut addresses = Addresses {
            admin: String::new(),
            systems: BTreeMap::new(),
        };
        for (system, origin, _) in &bound {
            match system {
                Some(system) => {
                    let url = format!("{origin}{}", system.base());
                    addresses.systems.insert(*system, url);
                }
                None => addresses.admin.clone_from(origin),
            }
        }
        let shared = Arc::new(Shared::new(self.config, &addresses)?);
        for (system, _, listener) in bound {
            runtime.spawn(serve::accept(listener, system, Arc::clone(&shared)));
        }
        Ok(Sandbox {
            shared,
            addresses,
            runtime: Some(runtime),
        })
    }
}
