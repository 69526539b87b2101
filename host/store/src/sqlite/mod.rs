//! The store on `SQLite`: everything that knows SQL.
//!
//! One file in WAL mode with `synchronous = FULL`: what a commit has written is still there after the
//! power fails, which is what "resume at the last committed page" rests on. Every change is one
//! immediate transaction that checks the lease first.
//!
//! | file | concept |
//! | --- | --- |
//! | `worker` | the thread with the connection |
//! | `schema` | tables and migrations |
//! | `credentials`, `automations`, `links`, `runs` | the statements, by what they are about |
//! | `codes`, `fault` | how values are written; what errors become |

mod automations;
mod codes;
mod credentials;
mod fault;
mod links;
mod runs;
mod schema;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::automation::{Automation, Memory};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::link::{Decision, Link, ResolvableReference};
use matricula_core::run::{CycleKind, Outcome, Progress, Run, Trigger};
use matricula_core::store::{Commit, Lease, OutcomeFilter, Population, Store, StoreError};
use matricula_core::{AutomationId, CredentialId, RunId, SourceKey, TargetId, TenantId};
use rusqlite::{Connection, OpenFlags};

use self::fault::Fault;
use self::links::first;
use self::worker::Worker;
use crate::vault::Vault;

/// How long a statement waits for another process's transaction; one takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than there are statements, so that each is prepared once.
const STATEMENTS: usize = 64;

/// Set on every connection. Four MiB of cache hold the inner pages of every index and a few pages of
/// links; the operating system caches the rest. The log is cut back once it was longer than 8 MiB.
const SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -4096;
    PRAGMA journal_size_limit = 8388608;
";

/// The store in one `SQLite` file.
pub struct SqliteStore {
    worker: Worker,
    vault: Arc<Vault>,
}

impl SqliteStore {
    /// Opens the store in this file and brings it to the schema of this version; makes the file, which
    /// only its owner may read, if there is none. Blocks for some milliseconds.
    ///
    /// [`StoreError::WrongKey`] if the vault is not the one of this store; [`StoreError::Failed`] if the
    /// file cannot be opened, is no store, or was written by a newer version; [`StoreError::Busy`] if
    /// another process keeps it locked.
    pub fn open(path: impl AsRef<Path>, vault: Vault) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let failed = |error: &dyn std::fmt::Display| {
            StoreError::Failed(format!(
                "the store {} cannot be opened: {error}",
                path.display()
            ))
        };
        // A full path is never taken for one of SQLite's special names.
        let full = std::path::absolute(path).map_err(|error| failed(&error))?;
        let new = !full.exists();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&full, flags).map_err(|error| failed(&error))?;
        if new {
            // Log and index get the rights of the file. It must not be opened here to set them: closing
            // it would release the locks of every other connection of this process.
            keep_private(&full).map_err(|error| failed(&error))?;
        }
        Self::start(connection, vault, "wal").map_err(|error| match error {
            StoreError::Failed(text) => failed(&text),
            other => other,
        })
    }

    /// A store that is gone when it is dropped.
    pub fn in_memory(vault: Vault) -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory().map_err(Fault::from)?;
        Self::start(connection, vault, "memory")
    }

    fn start(mut connection: Connection, vault: Vault, journal: &str) -> Result<Self, StoreError> {
        configure(&connection, journal)?;
        schema::migrate(&mut connection)?;
        credentials::check_keys(&mut connection, &vault)?;
        Ok(Self {
            worker: Worker::start(connection)?,
            vault: Arc::new(vault),
        })
    }

    /// Encrypts every credential's data key under the active key of the vault, after which earlier keys
    /// are no longer needed; how many there were. Safe while other processes use the store, as long as
    /// they have the new key as well.
    pub async fn rotate(&self) -> Result<u64, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.worker
            .write(move |tx| credentials::rotate(tx, &vault))
            .await
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("vault", &self.vault)
            .finish_non_exhaustive()
    }
}

fn configure(connection: &Connection, journal: &str) -> Result<(), Fault> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let mode = write_ahead(connection)?;
    if mode != journal {
        return Err(Fault::Store(StoreError::Failed(format!(
            "the file system allows no write-ahead log (journal mode {mode}); put the store on a local \
             disk"
        ))));
    }
    connection.execute_batch(SETTINGS)?;
    Ok(())
}

/// Turns the write-ahead log on; the journal mode afterwards. The file remembers it. Only the very first
/// time can another process be in the way, and then `SQLite` does not wait by itself.
fn write_ahead(connection: &Connection) -> Result<String, Fault> {
    let until = Instant::now() + PATIENCE;
    loop {
        let mode =
            connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0));
        match mode.map_err(Fault::from) {
            Err(fault) if fault.is_busy() && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            mode => return mode,
        }
    }
}

#[cfg(unix)]
fn keep_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn keep_private(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

#[async_trait]
impl Store for SqliteStore {
    async fn add_credential(
        &self,
        credential: &Credential,
        secrets: &Secrets,
    ) -> Result<(), StoreError> {
        let sealed = self.vault.seal(credential, secrets)?;
        let credential = credential.clone();
        self.worker
            .write(move |tx| credentials::add(tx, &credential, &sealed))
            .await
    }

    async fn replace_credential(
        &self,
        credential: &Credential,
        secrets: &Secrets,
    ) -> Result<(), StoreError> {
        let sealed = self.vault.seal(credential, secrets)?;
        let credential = credential.clone();
        self.worker
            .write(move |tx| credentials::replace(tx, &credential, &sealed))
            .await
    }

    async fn credentials(&self, tenant: &TenantId) -> Result<Vec<Credential>, StoreError> {
        let tenant = tenant.clone();
        self.worker
            .read(move |tx| credentials::of_tenant(tx, tenant.as_str()))
            .await
    }

    async fn secrets(&self, id: &CredentialId) -> Result<Secrets, StoreError> {
        let id = id.clone();
        let (credential, sealed) = self
            .worker
            .read(move |tx| credentials::sealed(tx, id.as_str()))
            .await?;
        self.vault.open(&credential, &sealed)
    }

    async fn remove_credential(&self, id: &CredentialId) -> Result<(), StoreError> {
        let id = id.clone();
        self.worker
            .write(move |tx| credentials::remove(tx, id.as_str()))
            .await
    }

    async fn put_automation(&self, automation: &Automation) -> Result<(), StoreError> {
        let automation = automation.clone();
        self.worker
            .write(move |tx| automations::put(tx, &automation))
            .await
    }

    async fn automations(&self, tenant: &TenantId) -> Result<Vec<Automation>, StoreError> {
        let tenant = tenant.clone();
        self.worker
            .read(move |tx| automations::of_tenant(tx, tenant.as_str()))
            .await
    }

    /// Looks, asks `gone` here, and takes the lease only if it still stands as it was seen. Otherwise
    /// somebody else has done something with it, and it is looked at again.
    async fn acquire(
        &self,
        automation: &AutomationId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
        gone: &(dyn for<'a> Fn(&'a str) -> bool + Send + Sync),
    ) -> Result<Option<Lease>, StoreError> {
        loop {
            let id = automation.clone();
            let seen = self
                .worker
                .read(move |tx| automations::standing(tx, &id))
                .await?;
            let free = match seen.owner.as_deref() {
                None => true,
                Some(holder) => holder == owner || seen.has_run_out(now) || gone(holder),
            };
            if !free {
                return Ok(None);
            }
            let (id, owner) = (automation.clone(), owner.to_owned());
            let taken = self
                .worker
                .write(move |tx| automations::take(tx, &id, &seen, owner, until))
                .await?;
            if taken.is_some() {
                return Ok(taken);
            }
        }
    }

    async fn renew(&self, lease: &Lease, until: Timestamp) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.worker
            .write(move |tx| automations::renew(tx, &lease, until))
            .await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.worker
            .write(move |tx| automations::release(tx, &lease))
            .await
    }

    async fn unfinished(
        &self,
        automation: &AutomationId,
    ) -> Result<Option<(Run, Progress)>, StoreError> {
        let id = automation.clone();
        self.worker
            .read(move |tx| runs::unfinished(tx, automations::number(tx, &id)?))
            .await
    }

    async fn begin(
        &self,
        lease: &Lease,
        flow: &str,
        trigger: &Trigger,
        cycle: CycleKind,
        now: Timestamp,
    ) -> Result<Run, StoreError> {
        let (lease, flow, trigger) = (lease.clone(), flow.to_owned(), trigger.clone());
        self.worker
            .write(move |tx| runs::begin(tx, &lease, flow, trigger, cycle, now))
            .await
    }

    async fn commit(&self, lease: &Lease, commit: Commit) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.worker
            .write(move |tx| runs::commit(tx, &lease, &commit))
            .await
    }

    async fn finish(
        &self,
        lease: &Lease,
        run: &Run,
        memory: Option<&Memory>,
    ) -> Result<(), StoreError> {
        let (lease, run, memory) = (lease.clone(), run.clone(), memory.cloned());
        self.worker
            .write(move |tx| runs::finish(tx, &lease, &run, memory.as_ref()))
            .await
    }

    async fn seen(&self, run: RunId) -> Result<Vec<u64>, StoreError> {
        self.worker.read(move |tx| runs::seen(tx, run)).await
    }

    async fn links(
        &self,
        automation: &AutomationId,
        keys: &[SourceKey],
    ) -> Result<Vec<Option<Link>>, StoreError> {
        let (id, keys) = (automation.clone(), keys.to_vec());
        self.worker
            .read(move |tx| links::of_keys(tx, automations::number(tx, &id)?, &keys))
            .await
    }

    async fn linked_to(
        &self,
        automation: &AutomationId,
        targets: &[TargetId],
    ) -> Result<Vec<Option<SourceKey>>, StoreError> {
        let (id, targets) = (automation.clone(), targets.to_vec());
        self.worker
            .read(move |tx| links::linked_to(tx, automations::number(tx, &id)?, &targets))
            .await
    }

    async fn keys(
        &self,
        automation: &AutomationId,
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<(SourceKey, u8)>, StoreError> {
        let (id, first) = (automation.clone(), first(after));
        self.worker
            .read(move |tx| links::keys(tx, automations::number(tx, &id)?, &first, limit))
            .await
    }

    async fn access_due(
        &self,
        automation: &AutomationId,
        now: Timestamp,
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError> {
        let (id, first) = (automation.clone(), first(after));
        self.worker
            .read(move |tx| {
                links::access_due(tx, automations::number(tx, &id)?, now, &first, limit)
            })
            .await
    }

    async fn leaving(
        &self,
        automation: &AutomationId,
        decisions: &[Decision],
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<Link>, StoreError> {
        let (id, decisions, first) = (automation.clone(), decisions.to_vec(), first(after));
        self.worker
            .read(move |tx| {
                links::leaving(tx, automations::number(tx, &id)?, &decisions, &first, limit)
            })
            .await
    }

    async fn resolvable(
        &self,
        automation: &AutomationId,
        after: Option<&SourceKey>,
        limit: u32,
    ) -> Result<Vec<ResolvableReference>, StoreError> {
        let (id, first) = (automation.clone(), first(after));
        self.worker
            .read(move |tx| links::resolvable(tx, automations::number(tx, &id)?, &first, limit))
            .await
    }

    async fn population(
        &self,
        automation: &AutomationId,
        now: Timestamp,
    ) -> Result<Population, StoreError> {
        let id = automation.clone();
        self.worker
            .read(move |tx| links::population(tx, automations::number(tx, &id)?, now))
            .await
    }

    async fn decide(
        &self,
        automation: &AutomationId,
        decision: Decision,
    ) -> Result<u64, StoreError> {
        let id = automation.clone();
        self.worker
            .write(move |tx| links::decide(tx, automations::number(tx, &id)?, decision))
            .await
    }

    async fn runs(&self, tenant: &TenantId, limit: u32) -> Result<Vec<Run>, StoreError> {
        let tenant = tenant.clone();
        self.worker
            .read(move |tx| runs::newest(tx, tenant.as_str(), limit))
            .await
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.worker.read(move |tx| runs::by_id(tx, id)).await
    }

    async fn outcomes(
        &self,
        run: RunId,
        filter: &OutcomeFilter,
    ) -> Result<Vec<(i64, Outcome)>, StoreError> {
        let filter = filter.clone();
        self.worker
            .read(move |tx| runs::outcomes(tx, run, &filter))
            .await
    }
}
