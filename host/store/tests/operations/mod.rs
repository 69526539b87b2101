//! What an operator relies on: copies, keys, and a file that others have locked.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use matricula_core::automation::Automation;
use matricula_core::board::{Board, Reservation};
use matricula_core::document::{Document, DocumentState};
use matricula_core::store::{Store, StoreError};
use matricula_core::{CredentialId, SourceKey, TargetId, TenantId};
use matricula_store::{SqliteStore, Vault};
use rusqlite::{Connection, TransactionBehavior};
use tempfile::TempDir;

use crate::contract::kept_answers::kept;
use crate::contract::made_up::*;
use crate::{KEY, NEW_KEY, file, holding, open, open_with, tamper};

#[tokio::test]
async fn a_copy_of_a_store_in_use_is_whole() {
    let folder = TempDir::new().unwrap();
    let store = Arc::new(open_with(&folder, Vault::new(&KEY)).unwrap());
    let running = Running::new(store.clone()).await;
    running
        .write((0..500).map(|key| member(&key.to_string())))
        .await;
    running.file([delivered("certificate", "7")]).await;
    let done = Arc::new(AtomicBool::new(false));
    let writer = {
        let done = Arc::clone(&done);
        tokio::spawn(async move {
            let mut key = 500;
            while !done.load(Ordering::Relaxed) {
                running.write([member(&key.to_string())]).await;
                key += 1;
            }
            running
        })
    };
    let to = folder.path().join("copy.db");
    store.backup(&to).await.unwrap();
    done.store(true, Ordering::Relaxed);
    let running = writer.await.unwrap();

    let copy = SqliteStore::open(&to, Vault::new(&KEY)).unwrap();
    let population = copy.population(&running.id, at(0)).await.unwrap();
    assert!(population.linked >= 500, "{population:?}");
    let keys = copy.keys(&running.id, None, 100_000).await.unwrap();
    assert_eq!(keys.len() as u64, population.linked);
    let figures = copy.document_figures(&running.id, None, at(0)).await;
    assert_eq!(figures.unwrap().delivered, 1);
    let key = [SourceKey::new("certificate")];
    let found = copy.documents(&running.id, &key).await.unwrap();
    assert_eq!(found, [Some(delivered("certificate", "7"))]);
    let secrets = copy.secrets(&CredentialId::new("source")).await.unwrap();
    assert_eq!(
        secrets.get("client_secret"),
        Some("a-secret-for-tests-only")
    );
    drop(copy);
    let figures: i64 = Connection::open(&to)
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_stat1", (), |row| row.get(0))
        .unwrap();
    assert_eq!(figures, 6, "the planner's figures are copied as well");
    let error = SqliteStore::open(&to, Vault::new(&NEW_KEY)).unwrap_err();
    assert!(matches!(error, StoreError::WrongKey(_)), "{error}");
}

#[tokio::test]
async fn a_copy_overwrites_nothing_and_leaves_no_part() {
    let folder = TempDir::new().unwrap();
    let store = open_with(&folder, Vault::new(&KEY)).unwrap();
    let taken = folder.path().join("taken");
    for text in ["", "minutes of the meeting"] {
        std::fs::write(&taken, text).unwrap();
        let error = store.backup(&taken).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Exists(text) if text.contains("taken")),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&taken).unwrap(), text);
    }
    let nowhere = folder.path().join("no such folder").join("copy.db");
    let error = store.backup(&nowhere).await.unwrap_err().to_string();
    assert!(error.contains("copy.db cannot be written"), "{error}");

    let memory = SqliteStore::in_memory(Vault::new(&KEY)).unwrap();
    let to = folder.path().join("memory.db");
    memory.backup(&to).await.unwrap();
    SqliteStore::open(&to, Vault::new(&KEY)).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_a_copy() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let store = open_with(&folder, Vault::new(&KEY)).unwrap();
    let to = folder.path().join("copy.db");
    store.backup(&to).await.unwrap();
    let mode = std::fs::metadata(&to).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_file_that_stays_locked_is_busy_after_a_while() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("matricula.db");
    let patience = Duration::from_millis(20);
    let store = SqliteStore::open_with_patience(&path, Vault::new(&KEY), patience).unwrap();
    let store: AnyStore = Arc::new(store);
    let id = enrolled(&store, "automation").await.automation;
    let mut other = Connection::open(&path).unwrap();
    let lock = other
        .transaction_with_behavior(TransactionBehavior::Exclusive)
        .unwrap();
    let change = silent(store.standing(&id).await.unwrap().unwrap());
    let error = store.change(&change).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy(_)), "{error}");
    assert!(
        store.standing(&id).await.unwrap().is_some(),
        "it still reads"
    );
    lock.commit().unwrap();
    assert!(store.change(&change).await.unwrap());
}

/// Whichever of the two keys the other process has as its active one.
#[tokio::test]
async fn keys_are_rotated_while_others_read_and_write() {
    for (active, previous) in [(&NEW_KEY, &KEY), (&KEY, &NEW_KEY)] {
        let (store, folder) = file().await;
        let known: Vec<String> = (0..40).map(|number| format!("known-{number}")).collect();
        for id in &known {
            store
                .add_credential(&credential(id), &secrets())
                .await
                .unwrap();
        }
        drop(store);
        let rotating = open_with(&folder, Vault::new(&NEW_KEY).with_previous(&KEY)).unwrap();
        let other = open_with(&folder, Vault::new(active).with_previous(previous)).unwrap();
        let working = async {
            for (number, known) in known.iter().enumerate() {
                let id = format!("new-{number}");
                other
                    .add_credential(&credential(&id), &secrets())
                    .await
                    .unwrap();
                for id in [&id, known] {
                    other.secrets(&CredentialId::new(id)).await.unwrap();
                    other
                        .replace_credential(&credential(id), &secrets())
                        .await
                        .unwrap();
                }
            }
        };
        let rotated = async {
            for _ in 0..10 {
                rotating.rotate().await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(working, rotated);
        rotating.rotate().await.unwrap();
        drop((rotating, other));
        let store = open_with(&folder, Vault::new(&NEW_KEY)).unwrap();
        assert_eq!(store.credentials(&tenant()).await.unwrap().len(), 80);
        for credential in store.credentials(&tenant()).await.unwrap() {
            let secrets = store.secrets(&credential.id).await.unwrap();
            assert_eq!(
                secrets.get("client_secret"),
                Some("a-secret-for-tests-only")
            );
        }
        drop(store);
        let error = open_with(&folder, Vault::new(&KEY)).unwrap_err();
        let lost = Vault::new(&NEW_KEY);
        assert!(
            matches!(&error, StoreError::WrongKey(text) if text.contains(lost.key_id())),
            "{error}"
        );
    }
}

/// A process with the earlier key as its active one may rotate as well: the store is its own again.
#[tokio::test]
async fn a_store_is_rotated_back() {
    let (store, folder) = file().await;
    store
        .add_credential(&credential("source"), &secrets())
        .await
        .unwrap();
    drop(store);
    let old = open_with(&folder, Vault::new(&KEY).with_previous(&NEW_KEY)).unwrap();
    let new = open_with(&folder, Vault::new(&NEW_KEY).with_previous(&KEY)).unwrap();
    assert_eq!(new.rotate().await.unwrap(), 1);
    assert_eq!(old.rotate().await.unwrap(), 1);
    drop((old, new));
    assert!(matches!(
        open_with(&folder, Vault::new(&NEW_KEY)).unwrap_err(),
        StoreError::WrongKey(_)
    ));
    open(&folder)
        .secrets(&CredentialId::new("source"))
        .await
        .unwrap();
}

const REQUEST: [u8; 32] = *b"hash-of-what-was-asked-for-by-us";

async fn keep_answer(store: &SqliteStore, key: &str) {
    let taken = store.reserve(&tenant(), key, REQUEST, at(0), at(100)).await;
    assert_eq!(taken.unwrap(), Reservation::Taken);
    let answer = kept("shown-only-once");
    store
        .answer(&tenant(), key, REQUEST, Some(&answer), at(1_000))
        .await
        .unwrap();
}

async fn asked_again(store: &SqliteStore, key: &str) -> Result<Reservation, StoreError> {
    let (now, until) = (at(500), at(600));
    store.reserve(&tenant(), key, REQUEST, now, until).await
}

/// What was answered stays answered when the key is replaced, also what is under way; and another process that
/// finds out about the new key by itself reads it.
#[tokio::test]
async fn kept_answers_survive_a_new_key() {
    let folder = TempDir::new().unwrap();
    let old = Vault::new(&KEY).with_source(|| Some(zeroize::Zeroizing::new(NEW_KEY)));
    let old = open_with(&folder, old).unwrap();
    keep_answer(&old, "answered").await;
    let later = at(900);
    let taken = old
        .reserve(&tenant(), "under way", REQUEST, at(0), later)
        .await;
    assert_eq!(taken.unwrap(), Reservation::Taken);

    let new = open_with(&folder, Vault::new(&NEW_KEY).with_previous(&KEY)).unwrap();
    assert_eq!(new.rotate().await.unwrap(), 0, "there is no credential");
    drop(new);
    let new = open_with(&folder, Vault::new(&NEW_KEY)).unwrap();
    for store in [&old, &new] {
        let answered = Reservation::Answered(kept("shown-only-once"));
        assert_eq!(asked_again(store, "answered").await.unwrap(), answered);
        let busy = Reservation::Busy;
        assert_eq!(asked_again(store, "under way").await.unwrap(), busy);
    }
    keep_answer(&old, "by the old one").await;
    let read = asked_again(&new, "by the old one").await.unwrap();
    assert!(matches!(read, Reservation::Answered(_)), "{read:?}");
}

/// Without the key that it needs, an answer is not given and the request not carried out a second time. Once
/// that key is given up, the answer is.
#[tokio::test]
async fn an_answer_without_its_key_is_not_taken_for_none() {
    let folder = TempDir::new().unwrap();
    keep_answer(&open_with(&folder, Vault::new(&KEY)).unwrap(), "key").await;
    let both = Vault::new(&NEW_KEY).with_previous(&KEY);
    drop(open_with(&folder, both).unwrap());
    let store = open_with(&folder, Vault::new(&NEW_KEY)).unwrap();
    let error = asked_again(&store, "key").await.unwrap_err();
    let missing = Vault::new(&KEY);
    assert!(
        matches!(&error, StoreError::WrongKey(text) if text.contains(missing.key_id())),
        "{error}"
    );
    store.rotate().await.unwrap();
    let taken = Reservation::Taken;
    assert_eq!(asked_again(&store, "key").await.unwrap(), taken);
}

/// Neither what was answered nor a hash that tells whether a guess of what was asked is right.
#[tokio::test]
async fn no_file_holds_an_answer() {
    let folder = TempDir::new().unwrap();
    let store = open_with(&folder, Vault::new(&KEY)).unwrap();
    keep_answer(&store, "a-key-that-is-found").await;
    assert!(is_held(folder.path(), "a-key-that-is-found"));
    for text in ["shown-only-once", "webhooks/7", "hash-of-what-was-asked"] {
        assert!(!is_held(folder.path(), text), "{text}");
    }
    drop(store);
    tamper(&folder, "UPDATE kept_answer SET tenant = 'other'");
    let store = open_with(&folder, Vault::new(&KEY)).unwrap();
    let other = TenantId::new("other");
    let (now, until) = (at(500), at(600));
    let theirs = store
        .reserve(&other, "a-key-that-is-found", REQUEST, now, until)
        .await;
    assert!(matches!(theirs, Err(StoreError::Failed(_))), "{theirs:?}");
}

fn is_held(folder: &Path, text: &str) -> bool {
    holding(folder, text).iter().any(|(_, holds)| *holds)
}

#[tokio::test]
async fn whoever_was_erased_is_in_no_file() {
    let (store, folder) = file().await;
    let running = Running::new(store).await;
    let people = (0..300).map(|number| member(&format!("somebody-{number:03}")));
    running.write(people).await;
    let changed = (0..300).map(|number| {
        let mut link = member(&format!("somebody-{number:03}"));
        link.access.zone = "Europe/Vienna, and a longer text than before".repeat(3);
        link
    });
    running.write(changed).await;
    let Running { store, id, .. } = &running;
    assert!(is_held(folder.path(), "somebody-123"));
    let key = SourceKey::new("somebody-123");
    assert_eq!(store.erase(id, &key).await.unwrap(), 1);
    assert!(!is_held(folder.path(), "somebody-123"));
    assert!(is_held(folder.path(), "somebody-124"));
}

/// A person whose documents were written, changed and delivered.
#[tokio::test]
async fn no_file_tells_whose_document_it_was() {
    let (store, folder) = file().await;
    let people = Running::of(store.clone(), "people").await;
    let certificates = Running::of(store.clone(), "certificates").await;
    let turned = Automation {
        source: CredentialId::new("target"),
        target: CredentialId::new("source"),
        ..automation("certificates")
    };
    store.put_automation(&turned).await.unwrap();
    let of = |number: u32| Document {
        owner: Some(SourceKey::new(format!("somebody-{:03}", number % 150))),
        target: Some(TargetId::new(format!("remote-{number:03}"))),
        ..stands(&format!("certificate-{number:03}"), DocumentState::Intended)
    };
    certificates.file((0..300).map(of)).await;
    let sent = (0..300).map(|number| Document {
        state: DocumentState::Delivered,
        sha256: Some("ab".repeat(32)),
        ..of(number)
    });
    certificates.file(sent).await;
    assert!(is_held(folder.path(), "somebody-123"));
    let key = SourceKey::new("somebody-123");
    assert_eq!(store.erase(&people.id, &key).await.unwrap(), 2);
    for text in ["somebody-123", "remote-123", "remote-273"] {
        assert!(!is_held(folder.path(), text), "{text}");
    }
    assert!(is_held(folder.path(), "somebody-124"));
    assert!(certificates.document("certificate-123").await.is_some());
}
