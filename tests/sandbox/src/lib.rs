//! Faithful fakes of the remote systems, with faults on demand.
//!
//! A [`Sandbox`] is a Personio account, a reteach academy (SCIM 2.0 and REST) and accounts of the other
//! systems of the field on loopback ports, each [`System`] on a listener of its own. It is written from the systems' documentation and shares no
//! code with the connectors that are tested against it: a misreading would otherwise cancel itself
//! out. Where the documentation is silent, the fake takes the stricter reading, and the module says so.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use matricula_sandbox::{Fault, FaultKind, Kind, Sandbox, System};
//!
//! let sandbox = Sandbox::builder().people(250).limits(None).start().await?;
//! sandbox.faults().add(Fault::new(FaultKind::LostAnswer).system(System::Scim).method("POST").nth(3));
//! sandbox.on_request(|r| r.kind == Kind::Write && r.nth == 7, |_| { /* act now */ });
//! // … drive the product against sandbox.personio_url() and sandbox.scim_url() …
//! assert_eq!(sandbox.journal().creates(), 250);
//! # Ok(()) }
//! ```
//!
//! The servers run on threads of their own, so a test may block as it likes; they end with the
//! [`Sandbox`].

mod academy;
mod admin;
mod answer;
mod clock;
mod config;
mod connection;
mod dispatch;
mod engagedly;
mod faults;
mod hooks;
mod journal;
mod kombo;
mod limits;
mod multipart;
mod personio;
mod request;
mod rng;
mod serve;
mod shared;
mod system;
mod winningtemp;

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::Runtime;

pub use academy::{
    Account, Accounts, Attribute, Bulk, Certificate, Certificates, Extension, Flavour, Group,
    Groups, Holder, Issue, MemberRemoval, Tags, Trouble,
};
pub use clock::Clock;
pub use config::{Builder, Credentials, Language, Limits, PatchAnswer, ScimSchemas};
pub use engagedly::{Engagedly, Unit};
pub use faults::{Fault, FaultKind, Faults};
pub use hooks::Verdict;
pub use journal::{Bodies, Counts, Effect, Entry, Journal, Kind, Stats};
pub use kombo::{Integration, Kombo, Setup, Status};
pub use personio::{Category, Document, Documents, People};
pub use system::{Addresses, System};

use shared::Shared;

/// Running fakes. Dropping it closes their ports and connections.
pub struct Sandbox {
    shared: std::sync::Arc<Shared>,
    addresses: Addresses,
    runtime: Option<Runtime>,
}

impl Sandbox {
    /// Starts describing a sandbox.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where a system listens: its origin, `http://127.0.0.1:PORT`, and for a SCIM service the path of its
    /// base, such as `/scim/v2`.
    pub fn url(&self, system: System) -> &str {
        self.addresses.of(system)
    }

    /// For each system, the origin under which connectors know the real one and that of its fake: what
    /// `--map-origin` needs.
    pub fn origins(&self) -> Vec<(&'static str, &str)> {
        self.addresses.origins()
    }

    /// Origin of Personio's API, `http://127.0.0.1:PORT`; its paths start with `/v1` or `/v2`.
    pub fn personio_url(&self) -> &str {
        self.url(System::Personio)
    }

    /// Origin of the academy's REST API, `http://127.0.0.1:PORT`.
    pub fn reteach_url(&self) -> &str {
        self.url(System::Reteach)
    }

    /// Base of the academy's SCIM service, `http://127.0.0.1:PORT/scim/v2`.
    pub fn scim_url(&self) -> &str {
        self.url(System::Scim)
    }

    /// Origin of the admin endpoints, `http://127.0.0.1:PORT`.
    pub fn admin_url(&self) -> &str {
        &self.addresses.admin
    }

    /// All addresses.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// What the fakes accept as credentials.
    pub fn credentials(&self) -> &Credentials {
        &self.shared.config.credentials
    }

    /// The people in Personio.
    pub fn people(&self) -> People {
        self.shared.people.clone()
    }

    /// The accounts in the academy.
    pub fn accounts(&self) -> Accounts {
        self.shared.accounts.clone()
    }

    /// The accounts of a SCIM service.
    ///
    /// # Panics
    /// The system is no SCIM service.
    pub fn accounts_of(&self, system: System) -> Accounts {
        self.shared.services.of(system).accounts.clone()
    }

    /// The groups of a SCIM service.
    ///
    /// # Panics
    /// The system is no SCIM service.
    pub fn groups(&self, system: System) -> Groups {
        Groups::new(self.accounts_of(system))
    }

    /// The organisation at Engagedly.
    pub fn engagedly(&self) -> Engagedly {
        self.shared.engagedly.clone()
    }

    /// The certificates that the academy has issued.
    pub fn certificates(&self) -> Certificates {
        self.shared.certificates.clone()
    }

    /// The documents in personnel files in Personio.
    pub fn documents(&self) -> Documents {
        self.shared.documents.clone()
    }

    /// Kombo's account, whose connections show the people in Personio.
    pub fn kombo(&self) -> Kombo {
        self.shared.kombo.clone()
    }

    /// What was asked so far.
    pub fn journal(&self) -> Journal {
        self.shared.journal.clone()
    }

    /// The faults in force.
    pub fn faults(&self) -> Faults {
        self.shared.faults.clone()
    }

    /// The time the fakes believe in.
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// Calls `action` on each request that satisfies `predicate`, before it is handled. The entry has
    /// no status yet. `action` may return nothing or a [`Verdict`]; it runs on a thread of the
    /// sandbox and may block it (to wait for a killed child, say).
    pub fn on_request<V: Into<Verdict>>(
        &self,
        predicate: impl Fn(&Entry) -> bool + Send + Sync + 'static,
        action: impl Fn(&Entry) -> V + Send + Sync + 'static,
    ) {
        self.shared.before.add(predicate, action);
    }

    /// The same, after the request was handled and before its answer is sent: the entry has its
    /// status and effect. To kill the client here is to lose the answer to a write that happened.
    pub fn on_answer<V: Into<Verdict>>(
        &self,
        predicate: impl Fn(&Entry) -> bool + Send + Sync + 'static,
        action: impl Fn(&Entry) -> V + Send + Sync + 'static,
    ) {
        self.shared.after.add(predicate, action);
    }

    /// Takes all hooks back.
    pub fn clear_hooks(&self) {
        self.shared.before.clear();
        self.shared.after.clear();
    }

    /// Makes every access token given out by a system so far invalid (nothing to do where a token is
    /// fixed).
    pub fn revoke_tokens(&self, system: System) {
        match system {
            System::Personio => {
                self.shared.personio_tokens.revoke();
                self.shared.personio_tokens_v2.revoke();
            }
            System::Reteach => self.shared.rest_tokens.revoke(),
            System::Scim | System::Edyoucated | System::WinningtempScim => {}
            System::Winningtemp => self.shared.winningtemp_tokens.revoke(),
            System::Engagedly | System::Kombo => {}
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A plain drop would wait for the servers, and panics inside an async context.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A panic in a hook must not turn every later request into another one.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
