//! The store on `SQLite`: the contract in memory and on a file, and what only a file has.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

#[macro_use]
mod contract;
mod operations;

use std::path::Path;
use std::sync::Arc;

use matricula_core::run::{Progress, Run, RunStatus};
use matricula_core::store::{Commit, Store, StoreError};
use matricula_core::{CredentialId, RunId};
use matricula_store::{SqliteStore, Vault};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::contract::made_up::*;

const KEY: [u8; 32] = [7; 32];
const NEW_KEY: [u8; 32] = [8; 32];

async fn memory() -> (AnyStore, ()) {
    (
        Arc::new(SqliteStore::in_memory(Vault::new(&KEY)).unwrap()),
        (),
    )
}

async fn file() -> (AnyStore, TempDir) {
    let folder = TempDir::new().unwrap();
    (open(&folder), folder)
}

fn open(folder: &TempDir) -> AnyStore {
    Arc::new(open_with(folder, Vault::new(&KEY)).unwrap())
}

fn open_with(folder: &TempDir, vault: Vault) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(folder.path().join("matricula.db"), vault)
}

/// Past the store, as somebody with the file could.
fn tamper(folder: &TempDir, sql: &str) {
    let db = Connection::open(folder.path().join("matricula.db")).unwrap();
    db.execute_batch(sql).unwrap();
}

mod in_memory {
    contract_tests!(crate::memory);
}

mod on_a_file {
    contract_tests!(crate::file);
}

#[tokio::test]
async fn everything_is_there_after_opening_again() {
    let (store, folder) = file().await;
    let Running {
        store,
        id,
        lease,
        run,
    } = {
        let running = Running::new(store).await;
        let page = Commit {
            progress: Progress {
                read: 2,
                position: Some("2".to_owned()),
                ..Progress::default()
            },
            links: vec![written(member("1"), Some(vec![wants("manager", "2")]))],
            seen: vec![1, 2],
            ..running.page()
        };
        running.store.commit(&running.lease, page).await.unwrap();
        running
    };
    let before = store.unfinished(&id).await.unwrap();
    drop(store);

    let store = open(&folder);
    assert_eq!(store.unfinished(&id).await.unwrap(), before);
    assert_eq!(store.seen(run.id).await.unwrap(), [1, 2]);
    assert_eq!(
        store.automations(&tenant()).await.unwrap(),
        [automation("automation")]
    );
    let secrets = store.secrets(&CredentialId::new("source")).await.unwrap();
    assert_eq!(
        secrets.get("client_secret"),
        Some("a-secret-for-tests-only")
    );

    // Whoever still holds the lease goes on.
    let running = Running {
        store,
        id,
        lease,
        run,
    };
    running.write([member("2")]).await;
    assert_eq!(
        running
            .store
            .resolvable(&running.id, None, 9)
            .await
            .unwrap()
            .len(),
        1
    );
    let page = Commit {
        seen: vec![3],
        ..running.page()
    };
    running.store.commit(&running.lease, page).await.unwrap();
    assert_eq!(running.store.seen(running.run.id).await.unwrap().len(), 3);
    let ended = Run {
        status: RunStatus::Succeeded,
        ..running.run.clone()
    };
    running
        .store
        .finish(&running.lease, &ended, None)
        .await
        .unwrap();
    drop(running);
    assert!(open(&folder).seen(RunId(1)).await.unwrap().is_empty());
}

#[tokio::test]
async fn two_processes_share_a_file() {
    let (first, folder) = file().await;
    let second = open(&folder);
    let running = Running::new(first).await;
    let id = &running.id;
    assert_eq!(take(&second, id, "node-b").await, None);
    running.write([member("1")]).await;
    assert_eq!(second.population(id, at(0)).await.unwrap().linked, 1);

    let no = |_: &str| false;
    let lease = second
        .acquire(id, "node-b", at(2_000), at(3_000), &no)
        .await
        .unwrap()
        .unwrap();
    let late = Commit {
        links: vec![written(member("2"), None)],
        ..running.page()
    };
    assert_eq!(
        running.store.commit(&running.lease, late).await,
        Err(StoreError::LeaseLost)
    );
    let resumed = Running {
        store: second,
        id: id.clone(),
        lease,
        run: running.run.clone(),
    };
    resumed.write([member("3")]).await;
    assert_eq!(running.link("2").await, None);
    assert_eq!(running.link("3").await, Some(member("3")));
}

#[tokio::test]
async fn processes_that_start_together_all_come_up() {
    for _ in 0..8 {
        let folder = Arc::new(TempDir::new().unwrap());
        let start = Arc::new(std::sync::Barrier::new(6));
        let opened: Vec<_> = (0..6)
            .map(|_| {
                let (folder, start) = (Arc::clone(&folder), Arc::clone(&start));
                std::thread::spawn(move || {
                    start.wait();
                    open_with(&folder, Vault::new(&KEY)).map(drop)
                })
            })
            .collect();
        for thread in opened {
            assert_eq!(thread.join().unwrap(), Ok(()));
        }
        let store = open(&folder);
        set_up(&store, "automation").await;
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_at_once() {
    let (store, folder) = file().await;
    drop(store);
    // Even before there is a secret.
    let error = open_with(&folder, Vault::new(&NEW_KEY)).unwrap_err();
    let StoreError::WrongKey(text) = &error else {
        panic!("{error}")
    };
    assert!(text.contains(Vault::new(&KEY).key_id()), "{text}");
    assert!(text.contains(Vault::new(&NEW_KEY).key_id()), "{text}");
    assert!(
        text.contains("Give the key that the store was made with"),
        "{text}"
    );
    open(&folder)
        .add_credential(&credential("source"), &secrets())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_key_is_replaced() {
    let (store, folder) = file().await;
    store
        .add_credential(&credential("source"), &secrets())
        .await
        .unwrap();
    drop(store);

    let both = || Vault::new(&NEW_KEY).with_previous(&KEY);
    let store = open_with(&folder, both()).unwrap();
    store
        .add_credential(&credential("target"), &secrets())
        .await
        .unwrap();
    drop(store);
    for (vault, missing) in [(&KEY, &NEW_KEY), (&NEW_KEY, &KEY)] {
        let error = open_with(&folder, Vault::new(vault)).unwrap_err();
        let StoreError::WrongKey(text) = &error else {
            panic!("{error}")
        };
        assert!(text.contains("1 of the stored credentials"), "{text}");
        assert!(text.contains(Vault::new(missing).key_id()), "{text}");
    }

    let store = open_with(&folder, both()).unwrap();
    assert_eq!(store.rotate().await.unwrap(), 1);
    assert_eq!(store.rotate().await.unwrap(), 0);
    drop(store);
    let store = open_with(&folder, Vault::new(&NEW_KEY)).unwrap();
    for id in ["source", "target"] {
        let secrets = store.secrets(&CredentialId::new(id)).await.unwrap();
        assert_eq!(
            secrets.get("client_secret"),
            Some("a-secret-for-tests-only")
        );
    }
    drop(store);
    let error = open_with(&folder, Vault::new(&KEY)).unwrap_err();
    assert!(matches!(error, StoreError::WrongKey(_)), "{error}");
}

#[tokio::test]
async fn a_process_that_missed_the_new_key_is_told() {
    let (store, folder) = file().await;
    store
        .add_credential(&credential("source"), &secrets())
        .await
        .unwrap();
    let other = open_with(&folder, Vault::new(&NEW_KEY).with_previous(&KEY)).unwrap();
    assert_eq!(other.rotate().await.unwrap(), 1);

    let added = store
        .add_credential(&credential("target"), &secrets())
        .await;
    let read = store.secrets(&CredentialId::new("source")).await.map(drop);
    for result in [added, read] {
        assert!(matches!(result, Err(StoreError::WrongKey(_))), "{result:?}");
    }
    assert_eq!(store.credentials(&tenant()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn exchanged_rows_do_not_open() {
    let (store, folder) = file().await;
    for id in ["source", "target"] {
        store
            .add_credential(&credential(id), &secrets())
            .await
            .unwrap();
    }
    drop(store);
    tamper(
        &folder,
        "CREATE TEMP TABLE other AS SELECT * FROM secret;
         UPDATE secret SET body = (SELECT body FROM other WHERE other.credential <> secret.credential),
             data_key = (SELECT data_key FROM other WHERE other.credential <> secret.credential)",
    );
    let store = open(&folder);
    for id in ["source", "target"] {
        let error = store.secrets(&CredentialId::new(id)).await.unwrap_err();
        let StoreError::Failed(text) = &error else {
            panic!("{error}")
        };
        assert!(
            text.contains(&format!("the credential “{id}” do not belong to it")),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_changed_address_does_not_get_the_secret() {
    let (store, folder) = file().await;
    store
        .add_credential(&credential("source"), &secrets())
        .await
        .unwrap();
    drop(store);
    tamper(
        &folder,
        "UPDATE credential SET public = '{\"client_id\":\"somebody else\"}'",
    );
    let error = open(&folder)
        .secrets(&CredentialId::new("source"))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
}

/// Every file of the store, with whether it holds this text.
fn holding(folder: &Path, text: &str) -> Vec<(String, bool)> {
    let mut files: Vec<(String, bool)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let bytes = std::fs::read(path).unwrap();
            (
                name,
                bytes
                    .windows(text.len())
                    .any(|window| window == text.as_bytes()),
            )
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn no_file_holds_a_secret() {
    let (store, folder) = file().await;
    store
        .add_credential(&credential("source"), &secrets())
        .await
        .unwrap();
    let files = holding(folder.path(), "papi-example");
    assert_eq!(
        files
            .iter()
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>(),
        ["matricula.db", "matricula.db-shm", "matricula.db-wal"]
    );
    assert!(files[2].1, "what is public is found, so the search works");
    for part in ["a-secret-for-tests-only", "for-tests"] {
        assert!(holding(folder.path(), part).iter().all(|(_, holds)| !holds));
    }
    drop(store);
    assert_eq!(
        holding(folder.path(), "papi-example"),
        [("matricula.db".to_owned(), true)]
    );
    assert_eq!(
        holding(folder.path(), "for-tests"),
        [("matricula.db".to_owned(), false)]
    );
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let vault = Vault::new(&KEY).with_previous(&NEW_KEY);
    let store = SqliteStore::in_memory(vault).unwrap();
    store
        .add_credential(&credential("source"), &secrets())
        .await
        .unwrap();
    let secrets = store.secrets(&CredentialId::new("source")).await.unwrap();
    let printed = format!("{store:?} {secrets:?}");
    for secret in ["a-secret-for-tests-only", "[7, 7", "[8, 8", "0707", "0808"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused() {
    let (store, folder) = file().await;
    drop(store);
    tamper(&folder, "PRAGMA user_version = 99");
    let error = open_with(&folder, Vault::new(&KEY))
        .unwrap_err()
        .to_string();
    assert!(error.contains("matricula.db cannot be opened"), "{error}");
    assert!(
        error.contains("was written by a newer version of Matricula"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_no_store_is_refused() {
    let folder = TempDir::new().unwrap();
    let refused = |path: &Path| {
        SqliteStore::open(path, Vault::new(&KEY))
            .unwrap_err()
            .to_string()
    };

    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "minutes of the meeting\n".repeat(100)).unwrap();
    assert!(
        refused(&text).contains("file is not a database"),
        "{}",
        refused(&text)
    );
    assert_eq!(std::fs::read(&text).unwrap().len(), 2_300, "left as it was");

    let songs = folder.path().join("songs.db");
    Connection::open(&songs)
        .unwrap()
        .execute_batch("CREATE TABLE songs (title)")
        .unwrap();
    assert!(
        refused(&songs).contains("a database of another application"),
        "{}",
        refused(&songs)
    );

    let nowhere = folder.path().join("no such folder").join("matricula.db");
    assert!(
        refused(&nowhere).contains("cannot be opened"),
        "{}",
        refused(&nowhere)
    );
    assert!(refused(folder.path()).contains("cannot be opened"));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (store, folder) = file().await;
    set_up(&store, "automation").await;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_locked_file_is_busy_and_nothing_is_lost() {
    let (store, folder) = file().await;
    let running = Running::new(store).await;
    let mut other = Connection::open(folder.path().join("matricula.db")).unwrap();
    let lock = other
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .unwrap();
    let page = Commit {
        links: vec![written(member("1"), None)],
        ..running.page()
    };
    let waiting = {
        let (store, lease) = (Arc::clone(&running.store), running.lease.clone());
        tokio::spawn(async move { store.commit(&lease, page).await })
    };
    // The runtime has one thread: it goes on while the store's thread waits for the lock.
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    lock.commit().unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(()));
    assert_eq!(running.link("1").await, Some(member("1")));
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_store_whole() {
    let running = Running::new(memory().await.0).await;
    for key in 0..50 {
        let page = Commit {
            links: vec![written(member(&key.to_string()), None)],
            seen: vec![key],
            ..running.page()
        };
        let commit = running.store.commit(&running.lease, page);
        // Polled once, which sends it, and then dropped.
        tokio::select! { biased; _ = commit => {}, () = std::future::ready(()) => {} }
    }
    let seen = running.store.seen(running.run.id).await.unwrap().len() as u64;
    let population = running.store.population(&running.id, at(0)).await.unwrap();
    assert_eq!(
        population.linked, seen,
        "links and hashes are written together or not at all"
    );
    running.write([member("after")]).await;
}
