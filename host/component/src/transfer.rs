//! Files: a component names them, the egress holds them.
//!
//! A component could return any description of any file. So it is believed in one thing only: which of the
//! files that it fetched in this very call it means. What it fetched and does not return is let go when the
//! call is over, whatever ended it.

use std::sync::{Arc, Mutex, PoisonError};

use matricula_core::egress::Egress;
use matricula_core::file::{Content, File, FileId, Part, Piece};

use crate::bindings::{composition, http, transfer};
use crate::call::Purpose;
use crate::limits::FILES;
use crate::state::{Outgoing, State};

/// The files that a call has fetched.
pub(crate) struct Held {
    egress: Arc<dyn Egress>,
    files: Mutex<Vec<File>>,
}

impl Held {
    pub(crate) fn new(egress: Arc<dyn Egress>) -> Self {
        Self {
            egress,
            files: Mutex::default(),
        }
    }

    fn add(&self, file: File) {
        self.files().push(file);
    }

    fn count(&self) -> usize {
        self.files().len()
    }

    /// Takes a file out: from now on it is the caller's to let go.
    pub(crate) fn take(&self, id: &str) -> Option<File> {
        let mut files = self.files();
        let position = files.iter().position(|file| file.id.0 == id)?;
        Some(files.swap_remove(position))
    }

    fn files(&self) -> std::sync::MutexGuard<'_, Vec<File>> {
        // A list of files is whole after every step.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for file in self.files().drain(..) {
            self.egress.release(&file.id);
        }
    }
}

impl transfer::Host for State {
    async fn fetch(
        &mut self,
        request: http::Request,
    ) -> Result<(http::Response, Option<transfer::File>), http::SendError> {
        use http::{Denied, SendError as Wit};

        if let Some(body) = &request.body {
            self.fits(body.len())?;
        }
        // Who would take it, and how much of it, is only known where a file was asked for.
        let Purpose::Fetch { largest } = self.purpose else {
            tracing::warn!(
                connector = &*self.connector,
                "A file was not fetched: the call was not for one."
            );
            return Err(Wit::Denied(Denied::TooLarge));
        };
        if self.meter.held.count() >= FILES {
            tracing::warn!(
                connector = &*self.connector,
                files = FILES,
                "A call has fetched as many files as it may; no more are fetched."
            );
            return Err(Wit::Denied(Denied::BudgetExhausted));
        }
        let Outgoing {
            request,
            remaining,
            changing,
        } = self.admit(request)?;
        let fetched = self.egress.fetch(request, largest, remaining).await;
        let (response, file) = self.came(changing, fetched)?;
        // First of all, so that it is let go whatever comes next.
        let described = file.map(|file| {
            let described = describe(&file);
            self.meter.held.add(file);
            described
        });
        Ok((self.answer(response)?, described))
    }

    async fn upload(
        &mut self,
        request: http::Request,
        parts: Vec<transfer::Part>,
    ) -> Result<http::Response, http::SendError> {
        if request.body.is_some() {
            let reason = "the connector gave an upload a body beside its parts, which is a fault of the connector";
            return Err(http::SendError::Connect(reason.to_owned()));
        }
        self.fits(parts.iter().map(in_memory).sum())?;
        let Outgoing {
            request,
            remaining,
            changing,
        } = self.admit(request)?;
        let parts = parts.into_iter().map(part).collect();
        let sent = self.egress.upload(request, parts, remaining).await;
        self.answer(self.came(changing, sent)?)
    }
}

impl composition::Host for State {
    async fn send(
        &mut self,
        request: http::Request,
        pieces: Vec<composition::Piece>,
    ) -> Result<http::Response, http::SendError> {
        use composition::Piece as Wit;

        if request.body.is_some() {
            let reason = "the connector gave a request a body beside its pieces, which is a fault of the connector";
            return Err(http::SendError::Connect(reason.to_owned()));
        }
        let in_memory = |piece: &Wit| match piece {
            Wit::Bytes(bytes) => bytes.len(),
            Wit::Base64(_) => 0,
        };
        self.fits(pieces.iter().map(in_memory).sum())?;
        let Outgoing {
            request,
            remaining,
            changing,
        } = self.admit(request)?;
        let piece = |piece| match piece {
            Wit::Bytes(bytes) => Piece::Bytes(bytes.into()),
            Wit::Base64(id) => Piece::Base64(FileId(id)),
        };
        let pieces = pieces.into_iter().map(piece).collect();
        let sent = self.egress.compose(request, pieces, remaining).await;
        self.answer(self.came(changing, sent)?)
    }
}

fn describe(file: &File) -> transfer::File {
    transfer::File {
        id: file.id.0.clone(),
        name: file.name.clone(),
        media_type: file.media_type.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
    }
}

/// How many bytes of a part have come from the component.
fn in_memory(part: &transfer::Part) -> usize {
    match &part.content {
        transfer::Content::Bytes(bytes) => bytes.len(),
        transfer::Content::File(_) => 0,
    }
}

fn part(part: transfer::Part) -> Part {
    Part {
        name: part.name,
        filename: part.filename,
        media_type: part.media_type,
        content: match part.content {
            transfer::Content::Bytes(bytes) => Content::Bytes(bytes.into()),
            transfer::Content::File(id) => Content::File(FileId(id)),
        },
    }
}
