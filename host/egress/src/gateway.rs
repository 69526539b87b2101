//! Where sessions come from.
//!
//! The gateway knows the operator's policy and the sessions that are in use: automations that share a
//! credential share its connections, its tokens and its rate limits, because to the remote they are one
//! and the same.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use matricula_core::clock::Clock;
use matricula_core::credential::{Credential, Secrets};
use matricula_core::id::{CredentialId, TenantId};
use matricula_core::manifest::{Limit, Manifest, Method};
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use url::Url;

use crate::authentication::Rules;
use crate::gate::Gate;
use crate::hold::Hold;
use crate::limits::Limiter;
use crate::origin::Origin;
use crate::patience::Patience;
use crate::policy::Policy;
use crate::resolver::{Lookup, SystemLookup};
use crate::scrub::Scrubber;
use crate::session::{Session, Shared};
use crate::template::Fields;
use crate::transport::{self, Transport};
use crate::watch::{Nobody, Watch};
use crate::wire::{AT_A_TIME, Wire};

/// How many credentials that nobody uses at the moment keep their connections and tokens.
const KEPT: usize = 256;

/// The way out for all credentials.
pub struct Gateway {
    policy: Policy,
    clock: Arc<dyn Clock>,
    lookup: Arc<dyn Lookup>,
    tls: ClientConfig,
    known: Mutex<Known>,
    watch: Arc<dyn Watch>,
    hold: Option<Arc<Hold>>,
}

#[derive(Default)]
struct Known {
    entries: HashMap<(TenantId, CredentialId), Entry>,
    uses: u64,
}

struct Entry {
    made_of: MadeOf,
    shared: Arc<Shared>,
    last_use: u64,
}

/// Everything that a session depends on: if any of it changes, a new one is made.
struct MadeOf {
    credential: Credential,
    secrets: Secrets,
    method: Method,
    origins: Vec<String>,
    limits: Vec<Limit>,
    system: String,
}

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The TLS library does not accept its configuration.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

/// Why a credential cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The credential belongs to another connector.
    #[error("the credential \"{credential}\" is for {expected}, not for {found}")]
    Connector {
        /// The credential's name.
        credential: String,
        /// The connector that it is for.
        expected: String,
        /// The connector that was given.
        found: String,
    },
    /// The manifest has no such authentication method.
    #[error(
        "{connector} has no authentication method \"{method}\" (any more): enter the credential again"
    )]
    Method {
        /// The connector.
        connector: String,
        /// The credential's method.
        method: String,
    },
    /// A required field is empty.
    #[error("the credential \"{credential}\" lacks {field}: enter it")]
    FieldMissing {
        /// The credential's name.
        credential: String,
        /// The field.
        field: String,
    },
    /// A field cannot be used as it was entered. Never holds its value.
    #[error("{field} cannot be used: {reason}")]
    Field {
        /// The field, or the header that it goes into.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An origin that nothing can be sent to.
    #[error("the address given by {template} cannot be used: {reason}")]
    Origin {
        /// The manifest's template.
        template: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The manifest contradicts itself.
    #[error("the manifest of {connector} is wrong: {reason}")]
    Manifest {
        /// The connector.
        connector: String,
        /// What.
        reason: String,
    },
    /// The connections cannot be set up.
    #[error("connections cannot be set up: {0}")]
    Transport(String),
}

impl Gateway {
    /// A gateway that resolves names as the operating system does.
    pub fn new(policy: Policy, clock: Arc<dyn Clock>) -> Result<Self, GatewayError> {
        Self::with_lookup(policy, clock, Arc::new(SystemLookup))
    }

    /// A gateway with a resolver of one's own. Its addresses are checked like any others.
    pub fn with_lookup(
        policy: Policy,
        clock: Arc<dyn Clock>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, GatewayError> {
        let tls = transport::tls(&policy).map_err(|error| GatewayError::Tls(error.to_string()))?;
        Ok(Self {
            policy,
            clock,
            lookup,
            tls,
            known: Mutex::default(),
            watch: Arc::new(Nobody),
            hold: None,
        })
    }

    /// Lets somebody watch all requests.
    #[must_use]
    pub fn with_watch(mut self, watch: Arc<dyn Watch>) -> Self {
        self.watch = watch;
        self
    }

    /// Holds files that are fetched, in temporary files in this folder, which is made if need be. They have
    /// no names and are gone with the process. Without a folder nothing can be fetched.
    #[must_use]
    pub fn with_hold(mut self, folder: PathBuf) -> Self {
        self.hold = Some(Arc::new(Hold::new(folder)));
        self
    }

    /// A way out for one credential. Each call gives a session with a count of requests of its own;
    /// connections, tokens and limits are shared by all sessions of the same credential, until its
    /// values or the manifest change. Nothing is sent yet.
    pub fn session(
        &self,
        manifest: &Manifest,
        credential: &Credential,
        secrets: Secrets,
    ) -> Result<Arc<Session>, SessionError> {
        let made_of = MadeOf::new(manifest, credential, secrets)?;
        let key = (credential.tenant.clone(), credential.id.clone());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.uses += 1;
        let now = known.uses;
        let before = match known.entries.get_mut(&key) {
            Some(entry) if entry.made_of == made_of => {
                entry.last_use = now;
                return Ok(self.one(Arc::clone(&entry.shared)));
            }
            other => other,
        };
        // The remote goes on counting when a secret is replaced.
        let limits = before
            .filter(|entry| entry.made_of.limits == made_of.limits)
            .map(|entry| &entry.shared.wire)
            .map(|wire| (Arc::clone(&wire.limiter), Arc::clone(&wire.patience)));
        let shared = Arc::new(self.make(manifest, &made_of, limits)?);
        known.make_room();
        let entry = Entry {
            made_of,
            shared: Arc::clone(&shared),
            last_use: now,
        };
        known.entries.insert(key, entry);
        Ok(self.one(shared))
    }

    /// Where a browser finds an address: at the origin that the operator has mapped its origin to, if they have.
    /// None where the operator denies its origin, or it is none that a request could go to.
    pub fn located(&self, address: &Url) -> Option<Url> {
        let origin = Origin::of(address).ok()?;
        let route = self.policy.route("a window", &origin).ok()?;
        match route.mapped {
            Some(to) => to.rebase(address),
            None => Some(address.clone()),
        }
    }

    fn one(&self, shared: Arc<Shared>) -> Arc<Session> {
        let shelf = self.hold.as_ref().map(|hold| Arc::new(hold.shelf()));
        Arc::new(Session::new(shared, shelf))
    }

    fn make(
        &self,
        manifest: &Manifest,
        of: &MadeOf,
        limits: Option<(Arc<Limiter>, Arc<Patience>)>,
    ) -> Result<Shared, SessionError> {
        let fields = || Fields::new(manifest, &of.method, &of.credential, &of.secrets);
        let all = fields()?;
        if let Some(limit) = of.limits.iter().find(|limit| limit.requests == 0) {
            return Err(all.wrong(format!("a limit allows no request in {} s", limit.seconds)));
        }
        let mut scrubber = Scrubber::default();
        all.secrets().for_each(|secret| scrubber.add(secret.trim()));
        let gate = Gate::new(&of.system, &of.origins, &all, &self.policy)?;
        let rules = Rules::new(&of.method, fields, &self.clock, &mut scrubber)?;
        let transport = Transport::new(&self.tls, &self.lookup, gate.routes())
            .map_err(|error| SessionError::Transport(error.to_string()))?;
        let (limiter, patience) = limits.unwrap_or_else(|| {
            let documented: &[Limit] = if self.policy.ignores_documented_limits() {
                &[]
            } else {
                &of.limits
            };
            (
                Arc::new(Limiter::new(Arc::clone(&self.clock), documented)),
                Arc::new(Patience::new(Arc::clone(&self.clock))),
            )
        });
        let wire = Wire {
            clock: Arc::clone(&self.clock),
            gate,
            limiter,
            patience,
            scrubber,
            transport,
            at_a_time: Semaphore::new(AT_A_TIME),
            watch: Arc::clone(&self.watch),
        };
        Ok(Shared { wire, rules })
    }
}

impl Known {
    /// Forgets the credential that has not been used for longest, if there are too many that nobody
    /// holds a session of. Those in use are kept: their limits must not be forgotten.
    fn make_room(&mut self) {
        let idle = |entry: &Entry| Arc::strong_count(&entry.shared) == 1;
        if self.entries.values().filter(|entry| idle(entry)).count() < KEPT {
            return;
        }
        let oldest = self
            .entries
            .iter()
            .filter(|(_, entry)| idle(entry))
            .min_by_key(|(_, entry)| entry.last_use)
            .map(|(key, _)| key.clone());
        if let Some(oldest) = oldest {
            self.entries.remove(&oldest);
        }
    }
}

impl MadeOf {
    fn new(
        manifest: &Manifest,
        credential: &Credential,
        secrets: Secrets,
    ) -> Result<Self, SessionError> {
        if credential.connector != manifest.id {
            return Err(SessionError::Connector {
                credential: credential.name.clone(),
                expected: credential.connector.clone(),
                found: manifest.id.clone(),
            });
        }
        let method = manifest
            .method(&credential.method)
            .ok_or_else(|| SessionError::Method {
                connector: manifest.id.clone(),
                method: credential.method.clone(),
            })?;
        let title = manifest.title.get("en");
        Ok(Self {
            credential: credential.clone(),
            secrets,
            method: method.clone(),
            origins: manifest.origins.clone(),
            limits: manifest.limits.clone(),
            system: if title.is_empty() {
                &manifest.id
            } else {
                title
            }
            .to_owned(),
        })
    }
}

impl PartialEq for MadeOf {
    fn eq(&self, other: &Self) -> bool {
        self.credential.public == other.credential.public
            && self.secrets.iter().eq(other.secrets.iter())
            && self.method == other.method
            && self.origins == other.origins
            && self.limits == other.limits
            && self.system == other.system
    }
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
