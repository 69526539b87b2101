//! The parts of a `multipart/form-data` body, RFC 7578, made anew for each time that it is sent.

use std::sync::Arc;

use bytes::Bytes;
use matricula_core::egress::SendError;
use matricula_core::file::{Content, Part};
use reqwest::Body;
use reqwest::multipart::{Form, Part as FormPart};

use crate::disposition;
use crate::hold::{Held, Shelf};

/// The most parts of a body.
const MOST: usize = 64;

/// How large all parts may be that are not held files.
const LARGEST: usize = 16 * 1024 * 1024;

/// How long names and types in a part's head may be.
const LONGEST_TEXT: usize = 256;

/// A part whose file is in hand.
pub(crate) struct Piece {
    name: String,
    filename: Option<String>,
    media_type: Option<String>,
    content: Source,
}

enum Source {
    Bytes(Bytes),
    Held(Arc<Held>),
}

/// Takes the files of the parts in hand, so that they stay for as long as the body may be sent.
pub(crate) fn pieces(
    system: &str,
    parts: Vec<Part>,
    shelf: Option<&Shelf>,
) -> Result<Arc<[Piece]>, SendError> {
    let refused =
        |why: &str| SendError::OriginNotAllowed(format!("the connector of {system} sent {why}"));
    if parts.is_empty() {
        return Err(refused("a form without parts"));
    }
    let bytes: usize = parts
        .iter()
        .map(|part| match &part.content {
            Content::Bytes(bytes) => bytes.len(),
            Content::File(_) => 0,
        })
        .sum();
    if parts.len() > MOST || bytes > LARGEST {
        return Err(SendError::TooLarge(format!(
            "a form for {system} has {} parts with {bytes} bytes beside its files, more than the {MOST} \
             with {LARGEST} allowed",
            parts.len()
        )));
    }
    parts
        .into_iter()
        .map(|part| {
            // reqwest writes a name as it is.
            let unsendable = |c: char| c.is_control() || matches!(c, '"' | '\\');
            if part.name.is_empty()
                || part.name.len() > LONGEST_TEXT
                || part.name.contains(unsendable)
            {
                return Err(refused("a part with a name that cannot be sent"));
            }
            let held = match part.content {
                Content::Bytes(bytes) => Source::Bytes(bytes),
                Content::File(id) => {
                    Source::Held(shelf.and_then(|shelf| shelf.get(&id)).ok_or_else(|| {
                        SendError::Connect(format!(
                            "the file for {system} is no longer held by this host: it has to be fetched again"
                        ))
                    })?)
                }
            };
            let media_type = part.media_type.or_else(|| match &held {
                Source::Bytes(_) => None,
                Source::Held(held) => Some(held.media_type().to_owned()),
            });
            let piece = Piece {
                name: part.name,
                filename: part
                    .filename
                    .map(|name| disposition::harmless(&name).unwrap_or_else(|| "file".to_owned())),
                media_type,
                content: held,
            };
            // Whether the type is one is known when it is set; later it could not be told from a lost
            // connection.
            if piece
                .media_type
                .as_ref()
                .is_some_and(|t| t.len() > LONGEST_TEXT)
                || piece.part().is_err()
            {
                return Err(refused("a part with a content type that is none"));
            }
            Ok(piece)
        })
        .collect()
}

/// The body.
pub(crate) fn form(pieces: &[Piece]) -> Result<Form, reqwest::Error> {
    // Names are written as browsers write them, in UTF-8.
    pieces
        .iter()
        .try_fold(Form::new().percent_encode_noop(), |form, piece| {
            Ok(form.part(piece.name.clone(), piece.part()?))
        })
}

impl Piece {
    fn part(&self) -> Result<FormPart, reqwest::Error> {
        let mut part = match &self.content {
            Source::Bytes(bytes) => FormPart::stream_with_length(bytes.clone(), bytes.len() as u64),
            Source::Held(held) => FormPart::stream_with_length(
                Body::wrap_stream(Arc::clone(held).read()),
                held.size(),
            ),
        };
        if let Some(filename) = &self.filename {
            part = part.file_name(filename.clone());
        }
        match &self.media_type {
            Some(media_type) => part.mime_str(media_type),
            None => Ok(part),
        }
    }
}
