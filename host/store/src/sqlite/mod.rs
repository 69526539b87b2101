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
//! | `store`, `agenda`, `outbox`, `board` | the ports |
//! | `credentials`, `automations`, `links`, `groups`, `documents`, `runs`, `standings`, `cards`, `journal`, `notices`, `retention`, `files`, `answers` | the statements, by what they are about |
//! | `backup` | a copy of a store in use |
//! | `codes`, `fault` | how values are written; what errors become |

mod agenda;
mod answers;
mod automations;
mod backup;
mod board;
mod cards;
mod codes;
mod credentials;
mod documents;
mod fault;
mod files;
mod groups;
mod journal;
mod links;
mod notices;
mod outbox;
#[cfg(test)]
mod plans;
mod retention;
mod runs;
mod schema;
mod standings;
mod store;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use matricula_core::store::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use self::fault::Fault;
use self::worker::Worker;
use crate::vault::Vault;

/// How long a statement waits for another process's transaction; one takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than there are statements, so that each is prepared once.
const STATEMENTS: usize = 192;

/// Set on every connection. Four MiB of cache hold the inner pages of every index and a few pages of
/// links; the operating system caches the rest. The log is cut back once it was longer than 8 MiB. What is
/// deleted is overwritten, so that somebody who was erased is not found in the file's free pages.
const SETTINGS: &str = "
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA secure_delete = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -4096;
    PRAGMA journal_size_limit = 8388608;
";

/// The store in one `SQLite` file.
pub struct SqliteStore {
    worker: Worker,
    vault: Arc<Vault>,
    /// None in memory.
    path: Option<PathBuf>,
    patience: Duration,
}

impl SqliteStore {
    /// Opens the store in this file and brings it to the schema of this version; makes the file, which
    /// only its owner may read, if there is none. Blocks for some milliseconds.
    ///
    /// [`StoreError::WrongKey`] if the vault is not the one of this store; [`StoreError::Failed`] if the
    /// file cannot be opened, is no store, or was written by a newer version; [`StoreError::Busy`] if
    /// another process keeps it locked.
    pub fn open(path: impl AsRef<Path>, vault: Vault) -> Result<Self, StoreError> {
        Self::open_with_patience(path, vault, PATIENCE)
    }

    /// The same, with how long a call waits for another process that has locked the file before it is
    /// [`StoreError::Busy`]; ten seconds with [`SqliteStore::open`].
    pub fn open_with_patience(
        path: impl AsRef<Path>,
        vault: Vault,
        patience: Duration,
    ) -> Result<Self, StoreError> {
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
        let started = Self::start(connection, vault, "wal", patience);
        let store = started.map_err(|error| match error {
            StoreError::Failed(text) => failed(&text),
            other => other,
        })?;
        Ok(Self {
            path: Some(full),
            ..store
        })
    }

    /// A store that is gone when it is dropped.
    pub fn in_memory(vault: Vault) -> Result<Self, StoreError> {
        let connection = Connection::open_in_memory().map_err(Fault::from)?;
        Self::start(connection, vault, "memory", PATIENCE)
    }

    fn start(
        mut connection: Connection,
        vault: Vault,
        journal: &str,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        configure(&connection, journal, patience)?;
        schema::migrate(&mut connection)?;
        credentials::check_keys(&mut connection, &vault)?;
        Ok(Self {
            worker: Worker::start(connection)?,
            vault: Arc::new(vault),
            path: None,
            patience,
        })
    }

    /// Encrypts every credential's data key and every kept answer under the active key of the vault, after
    /// which earlier keys are no longer needed; how many credentials there were. Safe while other processes use
    /// the store, as long as they have the new key as well. An answer whose key is in nobody's hands any more
    /// is dropped; it would have been kept for a day at most.
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

fn configure(connection: &Connection, journal: &str, patience: Duration) -> Result<(), Fault> {
    connection.busy_timeout(patience)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let mode = write_ahead(connection, patience)?;
    if mode != journal {
        return Err(Fault::Store(StoreError::Failed(format!(
            "the file system allows no write-ahead log (journal mode {mode}); put the store on a local \
             disk"
        ))));
    }
    connection.execute_batch(SETTINGS)?;
    keep_plans(connection)
}

/// Lets a plan depend on nothing but the statement. Otherwise `SQLite` looks at the value of `LIMIT ?` and, since
/// another one could give another plan, prepares the statement anew each time that it is bound, which takes
/// longer than most of them take to run.
fn keep_plans(connection: &Connection) -> Result<(), Fault> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Turns the write-ahead log on; the journal mode afterwards. The file remembers it. Only the very first
/// time can another process be in the way, and then `SQLite` does not wait by itself.
fn write_ahead(connection: &Connection, patience: Duration) -> Result<String, Fault> {
    let until = Instant::now() + patience;
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
