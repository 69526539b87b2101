//! Compiled components are kept, found again, and not trusted blindly.
#![cfg(unix)]

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use matricula_component::{Host, HostError, Limits, Options};

use crate::load::{component, good_manifest};
use crate::support::{Logged, assert_works, fixtures};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("data/compiled")
    }

    fn host(&self) -> Result<Host, HostError> {
        Host::new(Options {
            cache_dir: Some(self.path()),
            limits: Limits::default(),
        })
    }

    /// The only file in it.
    fn file(&self) -> PathBuf {
        let files: Vec<_> = std::fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files[0].clone()
    }

    /// Loads a component that is compiled in no time.
    fn load(&self) {
        self.host()
            .unwrap()
            .load_bytes("odd.wasm", &component(&good_manifest()))
            .unwrap();
    }
}

/// Changes when a file is written again, since that is by a new file and a rename.
fn inode(file: &Path) -> u64 {
    std::fs::metadata(file).unwrap().ino()
}

#[tokio::test]
async fn what_was_compiled_is_found_again() {
    let folder = Folder::new();
    let works = async || assert_works(&folder.host().unwrap().load(&fixtures()).unwrap()).await;
    works().await;
    let file = folder.file();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&folder.path()), mode(&file)), (0o700, 0o600));
    assert!(
        file.extension()
            .is_some_and(|extension| extension == "cwasm")
    );
    let (logged, _guard) = Logged::start(tracing::Level::DEBUG);
    let first = inode(&file);
    works().await;
    assert_eq!(inode(&folder.file()), first);
    assert!(!logged.text().contains("ompiled"), "{}", logged.text());
}

#[test]
fn a_file_that_cannot_be_trusted_is_made_again() {
    let folder = Folder::new();
    folder.load();
    let file = folder.file();
    let good = std::fs::read(&file).unwrap();
    let mut bent = good.clone();
    bent[good.len() / 2] ^= 1;
    for (bytes, what) in [
        (&bent[..], "one bit is wrong"),
        (&good[..good.len() - 1], "cut short"),
        (&good[..10], "shorter than its checksum"),
        (&[], "empty"),
        (
            b"not code at all, but long enough to have a checksum",
            "something else",
        ),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let (logged, _guard) = Logged::start(tracing::Level::WARN);
        folder.load();
        assert_eq!(
            std::fs::read(folder.file()).unwrap().len(),
            good.len(),
            "{what}"
        );
        assert!(
            logged.text().contains("its checksum is wrong"),
            "{what}: {}",
            logged.text()
        );
    }
}

#[test]
fn code_of_another_component_is_not_taken() {
    let folder = Folder::new();
    folder.load();
    let file = folder.file();
    let other = component(&format!("{}(core module)", good_manifest()));
    folder
        .host()
        .unwrap()
        .load_bytes("other.wasm", &other)
        .unwrap();
    let theirs = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| *path != file)
        .unwrap();
    std::fs::rename(theirs, &file).unwrap();
    let (logged, _guard) = Logged::start(tracing::Level::WARN);
    folder.load();
    assert!(
        logged.text().contains("its checksum is wrong"),
        "{}",
        logged.text()
    );
}

#[test]
fn a_file_that_others_can_write_to_or_a_link_is_not_taken() {
    let folder = Folder::new();
    folder.load();
    let file = folder.file();
    std::fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    let before = inode(&file);
    folder.load();
    assert_ne!(inode(&folder.file()), before);

    let elsewhere = folder.0.path().join("elsewhere");
    std::fs::rename(&file, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
    folder.load();
    assert!(std::fs::symlink_metadata(&file).unwrap().is_file());
}

#[test]
fn a_folder_that_is_open_to_others_is_refused() {
    let folder = Folder::new();
    drop(folder.host().unwrap());
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let error = folder.host().map(drop).unwrap_err().to_string();
    assert!(
        error.contains("(mode 755)") && error.contains("chmod 700"),
        "{error}"
    );
    assert!(
        error.contains(&folder.path().display().to_string()),
        "{error}"
    );
}

#[test]
fn a_link_to_a_folder_is_refused() {
    let folder = Folder::new();
    let real = folder.0.path().join("real");
    std::fs::create_dir_all(&real).unwrap();
    std::fs::create_dir_all(folder.path().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&real, folder.path()).unwrap();
    let error = folder.host().map(drop).unwrap_err().to_string();
    assert!(error.contains("it is no folder"), "{error}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_later_costs_only_time() {
    let folder = Folder::new();
    let host = folder.host().unwrap();
    std::fs::remove_dir(folder.path()).unwrap();
    let (logged, _guard) = Logged::start(tracing::Level::WARN);
    let component = host.load(&fixtures()).unwrap();
    assert_works(&component).await;
    assert!(
        logged.text().contains("cannot be kept"),
        "{}",
        logged.text()
    );
}
