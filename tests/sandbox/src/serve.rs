//! From a socket to a handler and back: journal, hooks, faults.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{LOCATION, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::admin;
use crate::answer::{Answer, AnswerBody, personio_error, rest_error};
use crate::connection::Connection;
use crate::dispatch::{self, error};
use crate::faults::{Fault, FaultKind};
use crate::hooks::{Hooks, Verdict};
use crate::journal::Entry;
use crate::request::Call;
use crate::shared::Shared;
use crate::system::System;

/// The connection ends without an answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection was closed without an answer")
    }
}

impl std::error::Error for Closed {}

/// How a page of a list is distorted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Twist {
    short: usize,
    duplicate: bool,
    shift: usize,
    total: i64,
}

impl Twist {
    fn of(fault: Option<&FaultKind>) -> Self {
        let mut twist = Self::default();
        match fault {
            Some(&FaultKind::ShortPage(by)) => twist.short = by,
            Some(FaultKind::DuplicateRecord) => twist.duplicate = true,
            Some(&FaultKind::ShiftedPage(by)) => twist.shift = by,
            Some(&FaultKind::WrongTotal(by)) => twist.total = by,
            _ => {}
        }
        twist
    }

    /// The records of a page, as ranges into the whole list of `len`.
    pub(crate) fn window(self, offset: usize, limit: usize, len: usize) -> [Range<usize>; 2] {
        let start = offset.min(len).saturating_sub(self.shift);
        let end = start.saturating_add(limit).min(len);
        let end = end.saturating_sub(self.short).max(start);
        let again = if self.duplicate && offset > 0 && start > 0 {
            start - 1..start
        } else {
            0..0
        };
        [again, start..end]
    }

    pub(crate) fn total(self, total: usize) -> usize {
        total.saturating_add_signed(isize::try_from(self.total).unwrap_or(0))
    }
}

/// Accepts connections for a system, or for the admin endpoints, until the runtime ends.
pub(crate) async fn accept(listener: TcpListener, system: Option<System>, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors for a moment, say; the next connection may fare better.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Nagle's delay would be measured as the sandbox's; without it things only get slower.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let (connection, reset) = Connection::new(stream);
            let service = service_fn(|request| {
                let shared = Arc::clone(&shared);
                let reset = Arc::clone(&reset);
                async move {
                    match system {
                        Some(system) => serve(&shared, system, request, reset).await,
                        None => Ok(control(&shared, request).await),
                    }
                }
            });
            // An error here is a client that went away, or a connection broken on purpose.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
    }
}

async fn control(shared: &Shared, request: Request<Incoming>) -> Response<AnswerBody> {
    let mut answer = match Call::read(request, None).await {
        Some(call) => admin::handle(shared, &call),
        None => rest_error(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
    };
    let body = AnswerBody::whole(std::mem::take(&mut answer.body));
    answer.into_response(body)
}

async fn serve(
    shared: &Shared,
    system: System,
    request: Request<Incoming>,
    reset: Arc<AtomicBool>,
) -> Result<Response<AnswerBody>, Closed> {
    let (method, path) = (request.method().as_str(), request.uri().path());
    let cut = shared.faults.cut(system, method, path);
    let call = Call::read(request, cut).await.ok_or(Closed)?;
    let mut entry = shared.journal.begin(
        system,
        dispatch::kind(system, &call),
        call.method.as_str(),
        &call.target(),
        call.header("x-personio-app-id").map(str::to_owned),
        &call.body,
    );
    if run(&shared.before, &entry) == Verdict::Drop {
        return Err(Closed);
    }
    let fault = shared.faults.pick(system, call.method.as_str(), &call.path);
    entry.fault = fault.as_ref().map(|f| f.kind.name());
    let replaced = fault
        .as_ref()
        .and_then(|f| replacement(system, &call.path, &f.kind));
    let handled = fault
        .as_ref()
        .is_none_or(|f| f.handled || f.kind.needs_handling());
    let mut answer = None;
    if handled {
        let twist = Twist::of(fault.as_ref().map(|f| &f.kind));
        let real = dispatch::handle(shared, system, &call, twist);
        entry.effect = real.effect;
        entry.bulk.clone_from(&real.bulk);
        if let Some(bodies) = &mut entry.bodies {
            bodies.response = real.body.clone();
        }
        answer = Some(real);
    }
    let answer = replaced.or(answer);
    let closes = fault
        .as_ref()
        .is_some_and(|f| matches!(f.kind, FaultKind::LostAnswer | FaultKind::Disconnect));
    let (Some(mut answer), false) = (answer, closes) else {
        shared.journal.finish(&entry);
        run(&shared.after, &entry);
        return Err(Closed);
    };
    entry.status = Some(answer.status.as_u16());
    shared.journal.finish(&entry);
    if run(&shared.after, &entry) == Verdict::Drop {
        shared.journal.lose(entry.number);
        return Err(Closed);
    }
    // Handled first: the effect of a write must not hang on whether the client waits for its answer.
    if let Some(Fault {
        kind: FaultKind::Slow(ms),
        ..
    }) = fault
    {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let body = match answer.file.take() {
        Some(file) => AnswerBody::file(file),
        None => AnswerBody::whole(std::mem::take(&mut answer.body)),
    };
    let body = match fault.map(|f| f.kind) {
        Some(FaultKind::ResetMidBody) => body.broken(Some(reset)),
        Some(FaultKind::TruncatedBody) => body.broken(None),
        Some(FaultKind::HugeBody(size)) => AnswerBody::endless(size),
        _ => body,
    };
    Ok(answer.into_response(body))
}

/// Runs hooks, which may block, without holding up other requests.
fn run(hooks: &Hooks, entry: &Entry) -> Verdict {
    if hooks.is_empty() {
        return Verdict::Proceed;
    }
    tokio::task::block_in_place(|| hooks.run(entry))
}

/// The answer that takes the place of the real one, for faults that have one.
fn replacement(system: System, path: &str, kind: &FaultKind) -> Option<Answer> {
    Some(match kind {
        FaultKind::TooManyRequests(after) => {
            let answer = error(
                system,
                path,
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
            );
            match after {
                Some(seconds) => answer.header(RETRY_AFTER, &seconds.to_string()),
                None => answer,
            }
        }
        FaultKind::Status(code) => {
            let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            error(system, path, status, "Etwas ist schiefgelaufen ...")
        }
        FaultKind::HtmlError => Answer::new(
            StatusCode::BAD_GATEWAY,
            "text/html",
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 \
             Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
        ),
        FaultKind::EmptyBody => Answer::empty(StatusCode::OK),
        FaultKind::SuccessFalse => {
            personio_error(StatusCode::OK, 0, "Etwas ist schiefgelaufen ...")
        }
        FaultKind::HugeBody(_) => Answer::json(StatusCode::OK, &json!(null)),
        FaultKind::Redirect(to) => {
            Answer::empty(StatusCode::TEMPORARY_REDIRECT).header(LOCATION, to)
        }
        FaultKind::Garbage => Answer::new(
            StatusCode::OK,
            "application/json",
            Bytes::from_static(b"{\"success\":tru"),
        ),
        FaultKind::ResetMidBody
        | FaultKind::TruncatedBody
        | FaultKind::Disconnect
        | FaultKind::CutUpload(_)
        | FaultKind::LostAnswer
        | FaultKind::Slow(_)
        | FaultKind::ShortPage(_)
        | FaultKind::DuplicateRecord
        | FaultKind::ShiftedPage(_)
        | FaultKind::WrongTotal(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(kind: FaultKind, offset: usize) -> Vec<usize> {
        Twist::of(Some(&kind))
            .window(offset, 10, 25)
            .into_iter()
            .flatten()
            .collect()
    }

    #[test]
    fn twisted_pages() {
        assert_eq!(page(FaultKind::EmptyBody, 20), [20, 21, 22, 23, 24]);
        assert_eq!(page(FaultKind::ShortPage(3), 20), [20, 21]);
        assert_eq!(page(FaultKind::ShortPage(30), 20), [0; 0]);
        assert_eq!(
            page(FaultKind::DuplicateRecord, 20),
            [19, 20, 21, 22, 23, 24]
        );
        assert_eq!(
            page(FaultKind::DuplicateRecord, 0),
            (0..10).collect::<Vec<_>>()
        );
        assert_eq!(
            page(FaultKind::ShiftedPage(2), 10),
            (8..18).collect::<Vec<_>>()
        );
        assert_eq!(page(FaultKind::EmptyBody, 40), [0; 0]);
    }
}
