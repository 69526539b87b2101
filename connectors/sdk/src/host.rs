//! The way out of a component: the host's HTTP client and its hold for files.

use crate::bindings::matricula::connector::{composition, http, transfer};
use crate::{Content, Denied, File, Http, Part, Piece, Request, Response, SendError};

/// What [`crate::Context`] has in a component.
pub(crate) struct Host;

impl Http for Host {
    fn send(&self, request: Request) -> Result<Response, SendError> {
        http::send(&to_wit(request))
            .map(response)
            .map_err(send_error)
    }

    fn fetch(&self, request: Request) -> Result<(Response, Option<File>), SendError> {
        let (answer, held) = transfer::fetch(&to_wit(request)).map_err(send_error)?;
        Ok((response(answer), held.map(file)))
    }

    fn upload(&self, request: Request, parts: Vec<Part>) -> Result<Response, SendError> {
        let parts: Vec<_> = parts.into_iter().map(part).collect();
        transfer::upload(&to_wit(request), &parts)
            .map(response)
            .map_err(send_error)
    }

    fn compose(&self, request: Request, pieces: Vec<Piece>) -> Result<Response, SendError> {
        let pieces: Vec<_> = pieces.into_iter().map(piece).collect();
        composition::send(&to_wit(request), &pieces)
            .map(response)
            .map_err(send_error)
    }
}

fn piece(piece: Piece) -> composition::Piece {
    match piece {
        Piece::Bytes(bytes) => composition::Piece::Bytes(bytes),
        Piece::Base64(id) => composition::Piece::Base64(id),
    }
}

fn to_wit(request: Request) -> http::Request {
    http::Request {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: request.body,
        timeout_ms: request.timeout_ms,
    }
}

fn response(response: http::Response) -> Response {
    Response {
        status: response.status,
        headers: response.headers,
        body: response.body,
    }
}

fn file(file: transfer::File) -> File {
    File {
        id: file.id,
        name: file.name,
        media_type: file.media_type,
        size: file.size,
        sha256: file.sha256,
    }
}

impl From<File> for transfer::File {
    fn from(file: File) -> Self {
        Self {
            id: file.id,
            name: file.name,
            media_type: file.media_type,
            size: file.size,
            sha256: file.sha256,
        }
    }
}

fn part(part: Part) -> transfer::Part {
    transfer::Part {
        name: part.name,
        filename: part.filename,
        media_type: part.media_type,
        content: match part.content {
            Content::Bytes(bytes) => transfer::Content::Bytes(bytes),
            Content::File(id) => transfer::Content::File(id),
        },
    }
}

fn send_error(error: http::SendError) -> SendError {
    use http::{Denied as WitDenied, SendError as Wit};
    match error {
        Wit::Denied(denied) => SendError::Denied(match denied {
            WitDenied::OriginNotAllowed => Denied::OriginNotAllowed,
            WitDenied::AddressBlocked => Denied::AddressBlocked,
            WitDenied::TooLarge => Denied::TooLarge,
            WitDenied::BudgetExhausted => Denied::BudgetExhausted,
        }),
        Wit::Timeout => SendError::Timeout,
        Wit::Connect(reason) => SendError::Connect(reason),
        Wit::Tls(reason) => SendError::Tls(reason),
        Wit::Unauthenticated(reason) => SendError::Unauthenticated(reason),
        Wit::Interrupted(reason) => SendError::Interrupted(reason),
    }
}
