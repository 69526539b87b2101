//! Files on their way from one remote to another.
//!
//! Each lies in a temporary file without a name: nobody else can open it, and a killed process leaves
//! nothing behind. It is known by an id that is not to be guessed, and belongs to the session that fetched
//! it; any session may send it on. A file lives until it is let go *and* no upload reads it any more.
//!
//! What may be held is bounded, and whoever finds no room waits. That ends as long as nobody who holds a
//! file waits for another one before letting it go; should somebody do, the wait ends with its call's time.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::Stream;
use futures::stream::try_unfold;
use matricula_core::egress::SendError;
use matricula_core::file::{File, FileId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::budget::Budget;

/// The most files held at a time: each is an open file of the process, which may often have only 1024.
const FILES: usize = 256;

/// The most bytes held at a time, those that are still to come included: it bounds the disk space. Some
/// seventy files as large as an HR system takes them (30 MB), ten thousand of the usual certificates.
const BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// The most files of one session: a connector that fetches and forgets waits for itself and not everybody
/// for it. A cycle has at most twice the target's `concurrency` files in hand, half of them on their way in
/// and half on their way out, so up to a concurrency of 8 nothing waits here.
const OF_A_SESSION: usize = 16;

/// Bytes are counted in blocks of this many.
const BLOCK: u64 = 1024;

/// How much of a file is read at a time: a multiple of three, which base64 needs.
pub(crate) const READ: u64 = 63 * 1024;

/// The files that pass through a gateway.
pub(crate) struct Hold {
    folder: PathBuf,
    bytes: u64,
    files: Arc<Semaphore>,
    blocks: Arc<Semaphore>,
    held: Mutex<HashMap<FileId, Arc<Held>>>,
    shelves: AtomicU64,
}

/// A session's part of the hold. Dropping it lets all its files go.
pub(crate) struct Shelf {
    hold: Arc<Hold>,
    number: u64,
    files: Arc<Semaphore>,
}

/// Room for a file that is to come.
pub(crate) struct Room {
    pub(crate) file: fs::File,
    /// The most bytes that may come.
    pub(crate) largest: u64,
    pub(crate) places: Places,
}

/// What a file takes up; given back when dropped.
pub(crate) struct Places {
    _of_session: OwnedSemaphorePermit,
    _file: OwnedSemaphorePermit,
    blocks: OwnedSemaphorePermit,
}

/// What came, not held yet: dropping it lets it go.
pub(crate) struct Filled {
    pub(crate) file: fs::File,
    pub(crate) size: u64,
    pub(crate) sha256: String,
    pub(crate) media_type: &'static str,
    pub(crate) places: Places,
}

/// A held file cannot be read back: this host's fault, which must not be taken for a lost connection.
#[derive(Debug, thiserror::Error)]
#[error(
    "a file that this host held cannot be read ({0}): is the disk with the folder for held files well?"
)]
pub(crate) struct Unread(io::ErrorKind);

/// A held file.
pub(crate) struct Held {
    file: fs::File,
    size: u64,
    media_type: &'static str,
    shelf: u64,
    _places: Places,
}

impl Hold {
    /// A hold in a folder, which is made when it is first needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self::bounded(folder, FILES, BYTES)
    }

    pub(crate) fn bounded(folder: PathBuf, files: usize, bytes: u64) -> Self {
        Self {
            folder,
            bytes,
            files: Arc::new(Semaphore::new(files)),
            blocks: Arc::new(Semaphore::new(blocks(bytes) as usize)),
            held: Mutex::default(),
            shelves: AtomicU64::new(0),
        }
    }

    /// A part of it for one session.
    pub(crate) fn shelf(self: &Arc<Self>) -> Shelf {
        Shelf {
            hold: Arc::clone(self),
            number: self.shelves.fetch_add(1, Ordering::Relaxed),
            files: Arc::new(Semaphore::new(OF_A_SESSION)),
        }
    }

    /// What to say where a file cannot be written.
    fn unwritable(&self, error: &io::Error) -> String {
        format!(
            "written to {} ({}): is the disk full, or the folder not writable?",
            self.folder.display(),
            error.kind()
        )
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FileId, Arc<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    /// Waits for room for a file of at most `largest` bytes, in the order of asking.
    pub(crate) async fn room(&self, largest: u64, budget: &Budget) -> Result<Room, SendError> {
        // What could never be held is not waited for: more than this is too large when it comes.
        let largest = largest.min(self.hold.bytes);
        let of_session = place(&self.files, 1, budget).await?;
        let file = place(&self.hold.files, 1, budget).await?;
        let blocks = place(&self.hold.blocks, blocks(largest), budget).await?;
        let folder = self.hold.folder.clone();
        let made = spawn_blocking(move || {
            fs::create_dir_all(&folder)?;
            tempfile::tempfile_in(&folder)
        });
        let made = made.await.unwrap_or_else(|error| Err(error.into()));
        Ok(Room {
            file: made.map_err(|error| {
                SendError::Connect(format!("no file can be {}", self.hold.unwritable(&error)))
            })?,
            largest,
            places: Places {
                _of_session: of_session,
                _file: file,
                blocks,
            },
        })
    }

    /// Holds what came, under a new id.
    pub(crate) fn keep(&self, filled: Filled, name: Option<String>) -> Result<File, SendError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            SendError::Interrupted(format!(
                "the file has come, but this host's system gave no random number to name it by: {error}"
            ))
        })?;
        let id = FileId(hex(&random));
        let file = File {
            id: id.clone(),
            name,
            media_type: filled.media_type.to_owned(),
            size: filled.size,
            sha256: filled.sha256,
        };
        let held = Held {
            file: filled.file,
            size: filled.size,
            media_type: filled.media_type,
            shelf: self.number,
            _places: filled.places,
        };
        self.hold.lock().insert(id, Arc::new(held));
        Ok(file)
    }

    /// What to say where a file cannot be written.
    pub(crate) fn unwritable(&self, error: &io::Error) -> String {
        self.hold.unwritable(error)
    }

    /// A held file, whoever fetched it.
    pub(crate) fn get(&self, id: &FileId) -> Option<Arc<Held>> {
        self.hold.lock().get(id).cloned()
    }

    /// Lets a file go, whoever fetched it.
    pub(crate) fn release(&self, id: &FileId) {
        // The lock is not held while the file is closed, which gives its space back.
        let gone = self.hold.lock().remove(id);
        drop(gone);
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        let gone: Vec<_> = self
            .hold
            .lock()
            .extract_if(|_, held| held.shelf == self.number)
            .collect();
        drop(gone);
    }
}

impl Places {
    /// Gives back what was reserved beyond the true size.
    pub(crate) fn shrink(&mut self, size: u64) {
        let spare = self
            .blocks
            .num_permits()
            .saturating_sub(blocks(size) as usize);
        drop(self.blocks.split(spare));
    }
}

impl Held {
    /// In bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// By its first bytes.
    pub(crate) fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// Takes its bytes away, as a disk that fails does.
    #[cfg(test)]
    pub(crate) fn spoil(&self) {
        self.file.set_len(0).unwrap();
    }

    /// Its bytes, piece by piece. Each reader reads at an offset of its own, so that there may be several.
    pub(crate) fn read(self: Arc<Self>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        try_unfold((self, 0), |(held, at)| async move {
            let length = READ.min(held.size - at);
            if length == 0 {
                return Ok(None);
            }
            let mut piece = vec![0; length as usize];
            let read = spawn_blocking(move || {
                read_exact_at(&held.file, &mut piece, at)?;
                Ok::<_, io::Error>((Bytes::from(piece), held))
            });
            let (piece, held) = read
                .await
                .unwrap_or_else(|error| Err(error.into()))
                .map_err(|error| io::Error::new(error.kind(), Unread(error.kind())))?;
            Ok(Some((piece, (held, at + length))))
        })
    }
}

#[cfg(unix)]
fn read_exact_at(file: &fs::File, piece: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, piece, at)
}

#[cfg(windows)]
fn read_exact_at(file: &fs::File, mut piece: &mut [u8], mut at: u64) -> io::Result<()> {
    while !piece.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, piece, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                piece = &mut piece[read..];
                at += read as u64;
            }
        }
    }
    Ok(())
}

async fn place(
    of: &Arc<Semaphore>,
    places: u32,
    budget: &Budget,
) -> Result<OwnedSemaphorePermit, SendError> {
    let full = || {
        SendError::Connect(
            "the hold for files of this host is full, and nothing in it was sent on within the time of this call"
                .to_owned(),
        )
    };
    timeout(budget.left(), Arc::clone(of).acquire_many_owned(places))
        .await
        .map_err(|_| full())?
        .map_err(|_| full())
}

/// How many blocks so many bytes are.
fn blocks(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(BLOCK)).unwrap_or(u32::MAX)
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
