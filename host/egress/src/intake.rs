//! A body on its way into the hold.
//!
//! Two buffers: one is filled from the network while the other is hashed and written on a thread that may
//! wait for the disk. So a file costs the same little memory whatever its size, and a slow remote keeps no
//! thread busy.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use matricula_core::egress::SendError;
use sha2::{Digest as _, Sha256};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::budget::Budget;
use crate::hold::{Filled, Room, Shelf, hex};

/// How much is written at a time.
const BUFFER: usize = 64 * 1024;

/// How much of a file is looked at to tell its type: office documents show it in their third entry.
const HEAD: usize = 8 * 1024;

/// What nothing is known of.
const UNKNOWN: &str = "application/octet-stream";

/// A file that is to be fetched.
pub(crate) struct Intake {
    shelf: Arc<Shelf>,
    largest: u64,
    room: Mutex<Option<Room>>,
}

/// Why a body is not held.
#[derive(Debug)]
pub(crate) enum Unheld<E> {
    /// It broke off.
    Broken(E),
    /// It was more than there is room for.
    TooLarge,
    /// Nothing came for too long.
    Stalled,
    /// It cannot be written.
    Disk(io::Error),
}

impl Intake {
    /// Nothing is reserved yet.
    pub(crate) fn new(shelf: Arc<Shelf>, largest: u64) -> Self {
        Self {
            shelf,
            largest,
            room: Mutex::default(),
        }
    }

    /// Waits for room. Before anything is sent, so that nobody waits with a connection in hand.
    pub(crate) async fn reserve(&self, budget: &Budget) -> Result<(), SendError> {
        let room = self.shelf.room(self.largest, budget).await?;
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = Some(room);
        Ok(())
    }

    /// What to say where the file cannot be written.
    pub(crate) fn unwritable(&self, error: &io::Error) -> String {
        self.shelf.unwritable(error)
    }

    /// The room; there is one for one file.
    pub(crate) fn take(&self) -> Option<Room> {
        self.room
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Fills a room. Each piece may take as long as `patience`.
pub(crate) async fn receive<S, E>(
    room: Room,
    mut body: S,
    patience: Duration,
) -> Result<Filled, Unheld<E>>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let Room {
        file,
        largest,
        mut places,
    } = room;
    let mut size = 0;
    let mut buffer = Vec::with_capacity(BUFFER);
    let mut writing = Writer::new(file).write(Vec::new());
    while let Some(piece) = timeout(patience, body.next())
        .await
        .map_err(|_| Unheld::Stalled)?
    {
        let mut piece = piece.map_err(Unheld::Broken)?;
        size += piece.len() as u64;
        if size > largest {
            return Err(Unheld::TooLarge);
        }
        while !piece.is_empty() {
            let fits = piece.len().min(BUFFER - buffer.len());
            buffer.extend_from_slice(&piece.split_to(fits));
            if buffer.len() == BUFFER {
                let (writer, empty) = written(writing).await?;
                writing = writer.write(std::mem::replace(&mut buffer, empty));
                buffer.reserve_exact(BUFFER);
            }
        }
    }
    let (writer, _) = written(writing).await?;
    let (writer, _) = written(writer.write(buffer)).await?;
    places.shrink(size);
    Ok(Filled {
        file: writer.file,
        size,
        sha256: hex(&writer.hash.finalize()),
        media_type: media_type(&writer.head),
        places,
    })
}

async fn written<E>(
    writing: JoinHandle<io::Result<(Writer, Vec<u8>)>>,
) -> Result<(Writer, Vec<u8>), Unheld<E>> {
    writing
        .await
        .unwrap_or_else(|error| Err(error.into()))
        .map_err(Unheld::Disk)
}

struct Writer {
    file: File,
    hash: Sha256,
    head: Vec<u8>,
}

impl Writer {
    fn new(file: File) -> Self {
        Self {
            file,
            hash: Sha256::new(),
            head: Vec::new(),
        }
    }

    /// Writes a buffer and gives it back empty.
    fn write(mut self, mut buffer: Vec<u8>) -> JoinHandle<io::Result<(Self, Vec<u8>)>> {
        spawn_blocking(move || {
            self.file.write_all(&buffer)?;
            self.hash.update(&buffer);
            let missing = HEAD.saturating_sub(self.head.len()).min(buffer.len());
            self.head.extend_from_slice(&buffer[..missing]);
            buffer.clear();
            Ok((self, buffer))
        })
    }
}

fn media_type(head: &[u8]) -> &'static str {
    infer::get(head).map_or(UNKNOWN, |kind| kind.mime_type())
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
