//! Compiled components on disk, so that a start does not compile.
//!
//! A compiled component is native code: whoever can forge one runs code in this process. Who could?
//!
//! - *Another user of the machine.* The folder must be a real folder (no link) that belongs to the user
//!   this process runs as, and must be closed to everybody else (mode 0700, made so when it is made
//!   here); each file must belong to that user too and not be writable by others. Otherwise the host
//!   does not start, or the file is not used. Nobody else can put, change or swap a file then.
//! - *Nobody: a torn write, a full or failing disk.* Files are written under another name and renamed,
//!   and each begins with a checksum of the rest. The bytes that were checked are the bytes that are
//!   loaded; the file is not opened a second time. XXH3 finds accidents well enough and is quick:
//!   loading may take a millisecond, and the best of 500 loads went from 1.01 ms with SHA-256 to 0.69 ms.
//!   Against intent neither helps, since whoever can write the file can write its checksum.
//! - *A process of the same user* can write here. It can also replace the database, the configuration
//!   and, mostly, this program, so a checksum with a key would keep out nobody. Where programs of one
//!   user do not trust each other, give Matricula a user of its own, or no cache.
//!
//! Nothing is ever taken in from elsewhere: a connector is shipped as a component and compiled here. The
//! name of a file holds the component's digest and everything that the code depends on (wasmtime's
//! version, its settings, the processor's features, the rules of [`crate::inspect`]), so a change of
//! either is simply not found. The folder can be emptied at any time.

use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::Engine;
use wasmtime::component::Component;
use xxhash_rust::xxh3::Xxh3;

use crate::error::HostError;

/// Changes when what a component is checked for before it is compiled changes, or this file's format.
const RULES: u32 = 1;

/// The first bytes of a file: XXH3 of 128 bits.
const CHECKSUM: usize = 16;

/// The folder of compiled components.
#[derive(Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
    /// What the code depends on besides the component.
    compatibility: u64,
    /// Who the files must belong to.
    #[cfg(unix)]
    owner: u32,
}

impl Cache {
    /// Opens the folder, makes it if it is not there, and checks that nobody else can write to it.
    pub(crate) fn open(dir: &Path, engine: &Engine) -> Result<Self, HostError> {
        let fail = |reason: String| HostError::Cache {
            dir: dir.to_owned(),
            reason,
        };
        make_private(dir).map_err(|error| fail(error.to_string()))?;
        #[cfg(unix)]
        let owner = {
            let own = own_uid(dir).map_err(|error| fail(error.to_string()))?;
            check_private(dir, own).map_err(fail)?;
            own
        };
        let mut hasher = Fnv::default();
        RULES.hash(&mut hasher);
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self {
            dir: dir.to_owned(),
            compatibility: hasher.finish(),
            #[cfg(unix)]
            owner,
        })
    }

    /// The compiled component with this digest; none if it is not there or cannot be trusted.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        let path = self.path(digest);
        let file = match self.read(&path) {
            Ok(file) => file?,
            Err(reason) => {
                tracing::warn!(
                    file = %path.display(),
                    "A compiled component is not used: {reason}. It is compiled again."
                );
                return None;
            }
        };
        match deserialize(engine, &file[CHECKSUM..]) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(
                    file = %path.display(),
                    "A compiled component cannot be loaded: {error:#}. It is compiled again."
                );
                None
            }
        }
    }

    /// Keeps a compiled component. Failing to is no reason to stop: the next start compiles again.
    pub(crate) fn store(&self, component: &Component, digest: &str) {
        let path = self.path(digest);
        let written = component
            .serialize()
            .map_err(|error| format!("{error:#}"))
            .and_then(|code| self.write(&path, &code).map_err(|error| error.to_string()));
        if let Err(reason) = written {
            tracing::warn!(
                file = %path.display(),
                "A compiled component cannot be kept: {reason}. The next start will compile it again."
            );
        }
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.dir
            .join(format!("{digest}-{:016x}.cwasm", self.compatibility))
    }

    /// The whole file, its checksum verified; none if there is none.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        let mut file = match open_no_follow(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let about = file.metadata().map_err(|error| error.to_string())?;
        if !about.is_file() {
            return Err("it is no regular file".into());
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            if about.uid() != self.owner || about.mode() & 0o022 != 0 {
                return Err("it belongs to another user or can be written by others".into());
            }
        }
        let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default());
        file.read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        match bytes.split_at_checked(CHECKSUM) {
            Some((sum, code)) if sum == checksum(&self.name(path), code).as_slice() => {
                Ok(Some(bytes))
            }
            _ => Err("its checksum is wrong".into()),
        }
    }

    fn write(&self, path: &Path, code: &[u8]) -> std::io::Result<()> {
        let name = self.name(path);
        let temporary = temporary(&self.dir);
        let result = (|| {
            let mut file = create_private(&temporary)?;
            file.write_all(&checksum(&name, code))?;
            file.write_all(code)?;
            file.sync_all()?;
            std::fs::rename(&temporary, path)
        })();
        if result.is_err() {
            // Nothing more can be done about it than to report the first error.
            let _ = std::fs::remove_file(&temporary);
        }
        result
    }

    fn name(&self, path: &Path) -> String {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }
}

/// A name that no other thread and no other process that shares the folder uses.
fn temporary(dir: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    dir.join(format!(".{}-{count}.tmp", std::process::id()))
}

/// Over the name too: a file that was copied to another component's name does not count.
fn checksum(name: &str, code: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = Xxh3::new();
    hasher.update(name.as_bytes());
    hasher.update(code);
    hasher.digest128().to_be_bytes()
}

/// The only `unsafe` of the host.
#[expect(
    unsafe_code,
    reason = "compiled code is loaded; see the head of this module"
)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes were made by `Component::serialize` in a process of this user: they come from a
    // file of ours in a folder that only we can write to, and their checksum was right. Wasmtime itself
    // refuses code of another version or for other settings.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(unix)]
fn make_private(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if let Some(parent) = dir.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn make_private(dir: &Path) -> std::io::Result<()> {
    // Elsewhere a user's data folder is closed to others by what it inherits.
    std::fs::create_dir_all(dir)
}

#[cfg(unix)]
fn create_private(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
}

fn open_no_follow(path: &Path) -> std::io::Result<std::fs::File> {
    if std::fs::symlink_metadata(path)?.is_symlink() {
        return Err(std::io::Error::other("it is a link"));
    }
    std::fs::File::open(path)
}

/// Who this process writes as: the owner of a file that it has just made.
#[cfg(unix)]
fn own_uid(dir: &Path) -> std::io::Result<u32> {
    use std::os::unix::fs::MetadataExt;
    let path = temporary(dir);
    let uid = create_private(&path)
        .and_then(|file| file.metadata())
        .map(|about| about.uid());
    std::fs::remove_file(&path)?;
    uid
}

#[cfg(unix)]
fn check_private(dir: &Path, own: u32) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::symlink_metadata(dir).map_err(|error| error.to_string())?;
    if !about.is_dir() {
        return Err("it is no folder; name one, not a link to one".into());
    }
    if about.uid() != own {
        return Err("it belongs to another user; give it to the one that Matricula runs as".into());
    }
    if about.mode() & 0o077 != 0 {
        return Err(format!(
            "others have access to it (mode {:03o}), and it holds code that is run; close it with \
             chmod 700",
            about.mode() & 0o777
        ));
    }
    Ok(())
}

/// FNV-1a: the names of files must not change with Rust's own hasher.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
