//! The way out for one credential.
//!
//! A session adds to the [`Wire`] what only a whole call knows: authentication, the one repetition after
//! a renewed token, redirects, and the cleaning of what goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use matricula_core::egress::{Egress, Request, Response, SendError};
use matricula_core::file::{File, FileId, Part, Piece};
use reqwest::Method;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, HeaderValue,
    LOCATION,
};
use tracing::Instrument as _;
use url::Url;

use crate::authentication::{Authentication, Rules};
use crate::budget::Budget;
use crate::composed;
use crate::disposition;
use crate::headers;
use crate::hold::{Filled, Shelf};
use crate::intake::Intake;
use crate::multipart;
use crate::origin::Origin;
use crate::transport::Answer;
use crate::wire::{Outgoing, Payload, Wire};

/// The largest body of a request.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// The longest address.
const LONGEST_ADDRESS: usize = 8 * 1024;

/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// What all sessions of one credential share: connections, tokens, limits.
pub(crate) struct Shared {
    pub(crate) wire: Wire,
    pub(crate) rules: Rules,
}

/// The way out for one credential, for one user of it.
///
/// - Only origins that the manifest names and the operator allows can be reached, at addresses that the
///   operator allows. Anything else is [`SendError::OriginNotAllowed`] or [`SendError::AddressBlocked`];
///   so is a request that breaks the rules in itself (an address that cannot be read, a method that is
///   none, a header that is the host's): `OriginNotAllowed`, with the reason.
/// - Redirects are followed for GET and HEAD, at most five, each through the whole gate again and
///   authenticated for its own origin; one that leads elsewhere is the answer.
/// - Whatever kept a request from being sent (no connection, no room within a rate limit in time, no token
///   because the remote is down) is [`SendError::Connect`]: nothing was changed, a later call may succeed.
///   [`SendError::Timeout`] and [`SendError::Interrupted`] say that it may have been received.
/// - A request's own timeout bounds each exchange with the network, at most a minute, with a file ten;
///   waiting is bounded by `remaining`.
/// - A file that was fetched belongs to this session and goes with it at the latest; any session of the
///   gateway may send it on or let it go. A session holds at most 16 at a time, a gateway 256 of together
///   2 GiB, where a file that is still to come counts as the largest that it may be; a fetch that finds no
///   room waits. So nobody may wait for another file before letting one go.
/// - A file is taken as it is: its bytes are not searched for secrets, and it is asked for uncompressed.
pub struct Session {
    shared: Arc<Shared>,
    sent: AtomicU64,
    shelf: Option<Arc<Shelf>>,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, shelf: Option<Arc<Shelf>>) -> Self {
        Self {
            shared,
            sent: AtomicU64::new(0),
            shelf,
        }
    }

    async fn run(
        &self,
        request: Request,
        payload: Payload,
        intake: Option<&Intake>,
        remaining: Duration,
    ) -> Result<(Response, Option<(Filled, Option<String>)>), SendError> {
        let Shared { wire, rules } = &*self.shared;
        let system = wire.gate.system();
        let refused = |why: String| {
            SendError::OriginNotAllowed(format!("the connector of {system} asked for {why}"))
        };
        let method = match Method::from_bytes(request.method.as_bytes()) {
            Ok(method) if method != Method::CONNECT && method != Method::TRACE => method,
            _ => return Err(refused("a method that is not allowed".into())),
        };
        if request.url.len() > LONGEST_ADDRESS {
            return Err(SendError::TooLarge(format!(
                "an address at {system} is {} bytes long, more than the {LONGEST_ADDRESS} allowed",
                request.url.len()
            )));
        }
        let mut url = Url::parse(&request.url)
            .map_err(|error| refused(format!("something that is not an address: {error}")))?;
        if let Payload::Bytes(body) = &payload
            && body.len() > LARGEST_BODY
        {
            return Err(SendError::TooLarge(format!(
                "a request to {system} is {} bytes large, more than the {LARGEST_BODY} allowed",
                body.len()
            )));
        }

        let budget = Budget::new(Arc::clone(&wire.clock), remaining);
        let follows = method == Method::GET || method == Method::HEAD;
        if let Payload::Composed(_) = &payload
            && follows
        {
            return Err(refused(format!(
                "a body with a file to be sent by {method}"
            )));
        }
        if let Payload::Form(_) = &payload {
            let own =
                |(name, _): &(String, String)| name.eq_ignore_ascii_case(CONTENT_TYPE.as_str());
            if follows {
                return Err(refused(format!("a form to be sent by {method}")));
            }
            if request.headers.iter().any(own) {
                return Err(refused("a form with a content type of its own".into()));
            }
        }
        if let Some(intake) = intake {
            wire.gate.check(&url)?;
            intake.reserve(&budget).await?;
        }
        let mut redirects = 0;
        let answer = loop {
            let (origin, _) = wire.gate.check(&url)?;
            let rule = rules.get(&origin, url.path());
            let none = HeaderMap::new();
            let own = match rule {
                Some(Authentication::Fixed(own)) => own,
                _ => &none,
            };
            let mut headers = headers::of_request(system, &request.headers, own)?;
            if intake.is_some() {
                headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            }
            let make = || Outgoing {
                method: &method,
                url: &url,
                headers: headers.clone(),
                body: payload.clone(),
                timeout: request.timeout,
                intake,
            };
            let span = tracing::debug_span!("request", system, method = %method);
            let answer = self
                .authenticated(rule, make, &budget)
                .instrument(span)
                .await?;
            match target(&url, &answer) {
                Some(next)
                    if follows && redirects < REDIRECTS && wire.gate.check(&next).is_ok() =>
                {
                    redirects += 1;
                    url = next;
                }
                _ => break answer,
            }
        };
        let response = Response {
            status: answer.status,
            headers: headers::of_answer(&answer.headers, &wire.scrubber),
            body: wire.scrubber.body(answer.status, answer.body),
        };
        let file = answer.file.map(|file| {
            let name = answer.headers.get(CONTENT_DISPOSITION);
            let name = name.and_then(|value| disposition::name(value.as_bytes()));
            let name = name.and_then(|name| disposition::harmless(&wire.scrubber.text(&name)));
            (file, name)
        });
        Ok((response, file))
    }

    fn clean<T>(&self, result: Result<T, SendError>) -> Result<T, SendError> {
        result.map_err(|error| self.shared.wire.scrubber.error(error))
    }

    async fn authenticated<'a>(
        &self,
        rule: Option<&Authentication>,
        make: impl Fn() -> Outgoing<'a>,
        budget: &Budget,
    ) -> Result<Answer, SendError> {
        let (wire, sent) = (&self.shared.wire, &self.sent);
        let source = match rule {
            None => return wire.send(make(), budget, sent).await,
            Some(Authentication::Fixed(own)) => {
                let mut request = make();
                request.headers.extend(own.clone());
                return wire.send(request, budget, sent).await;
            }
            Some(Authentication::Token(source)) => source,
        };
        let token = source.get(None, wire, budget, sent).await?;
        let mut request = make();
        request.headers.insert(AUTHORIZATION, token.header.clone());
        let answer = wire.send(request, budget, sent).await?;
        if !source.is_turned_down(answer.status, token.generation) {
            return Ok(answer);
        }
        // The remote did not carry it out, whatever the method: it can be repeated.
        let fresh = source
            .get(Some(token.generation), wire, budget, sent)
            .await?;
        let mut request = make();
        request.headers.insert(AUTHORIZATION, fresh.header.clone());
        let answer = wire.send(request, budget, sent).await?;
        source.note_repeated(answer.status, fresh.generation);
        Ok(answer)
    }
}

#[async_trait]
impl Egress for Session {
    async fn send(&self, mut request: Request, remaining: Duration) -> Result<Response, SendError> {
        let payload = request.body.take().map_or(Payload::Nothing, Payload::Bytes);
        let result = self.run(request, payload, None, remaining).await;
        self.clean(result.map(|(response, _)| response))
    }

    async fn fetch(
        &self,
        mut request: Request,
        largest: u64,
        remaining: Duration,
    ) -> Result<(Response, Option<File>), SendError> {
        let Some(shelf) = &self.shelf else {
            return Err(SendError::Connect(
                "no file can be fetched: this gateway was given no folder to hold files in"
                    .to_owned(),
            ));
        };
        let payload = request.body.take().map_or(Payload::Nothing, Payload::Bytes);
        let intake = Intake::new(Arc::clone(shelf), largest);
        let result = self.run(request, payload, Some(&intake), remaining).await;
        let (response, file) = self.clean(result)?;
        let file = file
            .map(|(file, name)| shelf.keep(file, name))
            .transpose()?;
        Ok((response, file))
    }

    async fn upload(
        &self,
        request: Request,
        parts: Vec<Part>,
        remaining: Duration,
    ) -> Result<Response, SendError> {
        let system = self.shared.wire.gate.system();
        if request.body.is_some() {
            return Err(SendError::OriginNotAllowed(format!(
                "the connector of {system} asked for a body beside the parts of a form"
            )));
        }
        let pieces = self.clean(multipart::pieces(system, parts, self.shelf.as_deref()))?;
        let result = self
            .run(request, Payload::Form(pieces), None, remaining)
            .await;
        self.clean(result.map(|(response, _)| response))
    }

    async fn compose(
        &self,
        request: Request,
        pieces: Vec<Piece>,
        remaining: Duration,
    ) -> Result<Response, SendError> {
        let system = self.shared.wire.gate.system();
        if request.body.is_some() {
            return Err(SendError::OriginNotAllowed(format!(
                "the connector of {system} asked for a body beside the pieces of one"
            )));
        }
        let segments = self.clean(composed::segments(system, pieces, self.shelf.as_deref()))?;
        let result = self
            .run(request, Payload::Composed(segments), None, remaining)
            .await;
        self.clean(result.map(|(response, _)| response))
    }

    fn release(&self, file: &FileId) {
        if let Some(shelf) = &self.shelf {
            shelf.release(file);
        }
    }

    fn rest(&self) -> Duration {
        self.shared.wire.patience.longest()
    }

    /// Everything that went to the network for this session: resource requests, their repetitions,
    /// followed redirects, and the token requests that it made itself.
    fn requests(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// Where an answer redirects to.
fn target(url: &Url, answer: &Answer) -> Option<Url> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.headers.get(LOCATION)?.to_str().ok()?;
    let mut next = url.join(location).ok()?;
    next.set_fragment(None);
    Origin::of(&next).ok()?;
    Some(next)
}
