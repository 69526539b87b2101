//! A body that has held files inside it, in base64: made anew for each time that it is sent, never whole in
//! memory, and of a length that is known before its first byte.

use std::io;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::Either;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use matricula_core::egress::SendError;
use matricula_core::file::Piece;
use reqwest::Body;

use crate::hold::{Held, READ, Shelf};

/// The most pieces of a body.
const MOST: usize = 64;

/// How large all pieces may be that are not held files.
const LARGEST: usize = 16 * 1024 * 1024;

// A file is read and encoded piece by piece: only the last one may be padded.
const _: () = assert!(READ.is_multiple_of(3));

/// A piece whose file is in hand.
#[derive(Clone)]
pub(crate) enum Segment {
    Bytes(Bytes),
    Held(Arc<Held>),
}

/// Takes the files of the pieces in hand, so that they stay for as long as the body may be sent.
pub(crate) fn segments(
    system: &str,
    pieces: Vec<Piece>,
    shelf: Option<&Shelf>,
) -> Result<Arc<[Segment]>, SendError> {
    let bytes: usize = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Base64(_) => 0,
        })
        .sum();
    if pieces.len() > MOST || bytes > LARGEST {
        return Err(SendError::TooLarge(format!(
            "a body for {system} has {} pieces with {bytes} bytes beside its files, more than the {MOST} with \
             {LARGEST} allowed",
            pieces.len()
        )));
    }
    pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Bytes(bytes) => Ok(Segment::Bytes(bytes)),
            Piece::Base64(id) => shelf
                .and_then(|shelf| shelf.get(&id))
                .map(Segment::Held)
                .ok_or_else(|| {
                    SendError::Connect(format!(
                        "the file for {system} is no longer held by this host: it has to be fetched again"
                    ))
                }),
        })
        .collect()
}

/// How long the body is, in bytes.
pub(crate) fn length(segments: &[Segment]) -> u64 {
    let of = |segment: &Segment| match segment {
        Segment::Bytes(bytes) => bytes.len() as u64,
        Segment::Held(held) => held.size().div_ceil(3) * 4,
    };
    segments.iter().map(of).sum()
}

/// The body.
pub(crate) fn body(segments: &Arc<[Segment]>) -> Body {
    let segments: Vec<Segment> = segments.to_vec();
    let pieces = stream::iter(segments).flat_map(|segment| match segment {
        Segment::Bytes(bytes) => {
            Either::Left(stream::once(std::future::ready(Ok::<_, io::Error>(bytes))))
        }
        Segment::Held(held) => Either::Right(Box::pin(
            held.read()
                .map_ok(|piece| Bytes::from(STANDARD.encode(piece))),
        )),
    });
    Body::wrap_stream(pieces)
}
