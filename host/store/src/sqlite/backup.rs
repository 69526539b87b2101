//! A copy of a store that is in use.
//!
//! `VACUUM INTO` copies one snapshot without free pages, while everybody else reads and writes. A store on
//! a file is copied by a connection and a thread of its own, so that cycles go on meanwhile. Secrets stay
//! encrypted: a copy is of no use without the vault's key, and it needs the key that it was made under.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use matricula_core::store::StoreError;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::SqliteStore;
use super::fault::Fault;
use super::worker::ended;

impl SqliteStore {
    /// Writes the store as it is at one moment into a new file, which only its owner may read, and which
    /// [`SqliteStore::open`] opens with the same key. Others may go on writing.
    ///
    /// [`StoreError::Exists`] if there is a file of that name: nothing is ever overwritten;
    /// [`StoreError::Busy`] if the disk is full; [`StoreError::Failed`] if the file cannot be written. No
    /// part of a copy is left behind then.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let to = std::path::absolute(to).map_err(|error| unwritable(to, &error))?;
        let Some(from) = self.path.clone() else {
            return self
                .worker
                .alone(move |connection| copy(connection, &to))
                .await;
        };
        let patience = self.patience;
        let (reply, answer) = oneshot::channel();
        std::thread::Builder::new()
            .name("matricula-backup".to_owned())
            .spawn(move || {
                // Nobody hears the answer if the caller has gone; the copy is whole all the same.
                let _ = reply.send(copy_of(&from, patience, &to));
            })
            .map_err(|error| StoreError::Failed(format!("no thread could be started: {error}")))?;
        Ok(answer.await.map_err(|_| ended())??)
    }
}

fn copy_of(from: &Path, patience: Duration, to: &Path) -> Result<(), Fault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags)?;
    connection.busy_timeout(patience)?;
    copy(&connection, to)
}

fn copy(connection: &Connection, to: &Path) -> Result<(), Fault> {
    // SQLite fills an empty file as well: made here, it belongs to its owner alone from the beginning.
    make(to)?;
    let copied = fill(connection, to);
    if copied.is_err() {
        let mut journal = to.as_os_str().to_owned();
        journal.push("-journal");
        for left in [to.to_owned(), PathBuf::from(journal)] {
            match std::fs::remove_file(&left) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    tracing::warn!(file = %left.display(), %error, "part of a backup that failed is left");
                }
                _ => {}
            }
        }
    }
    copied
}

fn make(to: &Path) -> Result<(), Fault> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(to).map(drop).map_err(|error| {
        Fault::Store(match error.kind() {
            ErrorKind::AlreadyExists => StoreError::Exists(format!(
                "the file {} exists already and is not overwritten; choose another name",
                to.display()
            )),
            _ => unwritable(to, &error),
        })
    })
}

fn fill(connection: &Connection, to: &Path) -> Result<(), Fault> {
    let name = to
        .to_str()
        .ok_or_else(|| unwritable(to, &"its name is not valid Unicode"))?;
    connection.execute("VACUUM INTO ?1", [name])?;
    File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(|error| unwritable(to, &error))?;
    Ok(())
}

fn unwritable(to: &Path, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Failed(format!(
        "the backup {} cannot be written: {error}",
        to.display()
    ))
}
