//! A SCIM service over HTTP.

use bytes::Bytes;
use hyper::header::{ETAG, LOCATION, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use serde_json::Value;

use super::check::Refusal;
use super::filter::Filter;
use super::flavour::Tags;
use super::projection::Projection;
use super::service::Service;
use super::shelf::Shelf;
use super::vocabulary::Kind;
use super::{bulk, discovery};
use crate::answer::{Answer, SCIM_JSON, scim_error};
use crate::config::PatchAnswer;
use crate::request::{Call, decoded};
use crate::serve::Twist;
use crate::shared::Shared;
use crate::system::System;

pub(super) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

pub(crate) fn handle_scim(shared: &Shared, system: System, call: &Call, twist: Twist) -> Answer {
    let Some(service) = shared.services.get(system) else {
        return scim_error(StatusCode::NOT_FOUND, None, "There is nothing here.");
    };
    if call.bearer() != Some(service.token.as_str()) {
        let detail = "The request has no valid bearer token.";
        return scim_error(StatusCode::UNAUTHORIZED, None, detail)
            .header(WWW_AUTHENTICATE, "Bearer realm=\"scim\"");
    }
    let path = call.path.strip_prefix(system.base());
    let Some(path) = path.and_then(|path| path.strip_prefix('/')) else {
        return scim_error(StatusCode::NOT_FOUND, None, "There is nothing here.");
    };
    let (kind, id) = parts(path);
    let answer = match kind {
        "Schemas" | "ResourceTypes" | "ServiceProviderConfig" if call.method == Method::GET => {
            discovery::answer(service, kind, id.as_deref())
        }
        "Bulk" => bulk::answer(service, call),
        "Users" | "Groups" if call.method == Method::GET && id.is_none() => {
            typed(service, kind).and_then(|kind| list(service, kind, call, twist))
        }
        _ => resource(service, call, path),
    };
    answer.unwrap_or_else(|refusal| refusal.answer())
}

/// The first part of a path, and the second if there is one.
fn parts(path: &str) -> (&str, Option<String>) {
    match path.trim_end_matches('/').split_once('/') {
        Some((kind, id)) => (kind, Some(decoded(id, false))),
        None => (path.trim_end_matches('/'), None),
    }
}

fn typed(service: &Service, kind: &str) -> Result<Kind, Refusal> {
    match kind {
        "Users" => Ok(Kind::User),
        "Groups" if service.flavour.groups => Ok(Kind::Group),
        _ => Err(Refusal::plain(
            StatusCode::NOT_FOUND,
            "There is nothing here.",
        )),
    }
}

/// A request about one user or group, which may be part of a bulk request.
pub(super) fn resource(service: &Service, call: &Call, path: &str) -> Result<Answer, Refusal> {
    let (kind, id) = parts(path);
    let kind = typed(service, kind)?;
    match id {
        Some(id) => one(service, kind, call, &id),
        None if call.method == Method::POST => create(service, kind, call),
        None => Err(unoffered()),
    }
}

fn unoffered() -> Refusal {
    let detail = "This method is not offered here.";
    Refusal::plain(StatusCode::METHOD_NOT_ALLOWED, detail)
}

fn list(service: &Service, kind: Kind, call: &Call, twist: Twist) -> Result<Answer, Refusal> {
    let (mut filter, mut start, mut count) = (None, 1usize, service.flavour.page);
    let query = call.query_pairs();
    for (key, value) in &query {
        let number = || {
            value.parse::<i64>().map_err(|_| {
                Refusal::bad(
                    "invalidValue",
                    format!("{key} must be a number, not `{value}`."),
                )
            })
        };
        // RFC 7644 §3.4.2.4: a start below 1 means 1, a negative count means 0.
        match key.as_str() {
            "filter" => filter = Some(value),
            "startIndex" => start = usize::try_from(number()?).unwrap_or(0).max(1),
            "count" => {
                count = usize::try_from(number()?)
                    .unwrap_or(0)
                    .min(service.flavour.page);
            }
            _ => {}
        }
    }
    let projection = Projection::of(&query);
    service.accounts.with(|store| {
        let shelf = Shelf { store, kind };
        let filter = filter
            .map(|text| Filter::parse(text, shelf.words()))
            .transpose()?;
        let found = filter.map(|f| shelf.search(&f));
        let total = found.as_ref().map_or(shelf.len(), Vec::len);
        let ranges = twist.window(start - 1, count, total);
        let slots: Vec<usize> = match &found {
            Some(found) => ranges
                .into_iter()
                .filter_map(|r| found.get(r))
                .flatten()
                .copied()
                .collect(),
            None => ranges.into_iter().flat_map(|r| shelf.list(r)).collect(),
        };
        let mut out = Vec::with_capacity(256 + slots.len() * 1024);
        let head = format!(
            "{{\"schemas\":[\"{LIST}\"],\"totalResults\":{},\"startIndex\":{start},\
             \"itemsPerPage\":{},\"Resources\":[",
            twist.total(total),
            slots.len()
        );
        out.extend_from_slice(head.as_bytes());
        for (i, slot) in slots.into_iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            match &projection {
                Projection::All => shelf.render(slot, &mut out),
                projection => {
                    let mut whole = Vec::with_capacity(1024);
                    shelf.render(slot, &mut whole);
                    out.append(&mut projection.cut(whole));
                }
            }
        }
        out.extend_from_slice(b"]}");
        Ok(Answer::new(StatusCode::OK, SCIM_JSON, Bytes::from(out)))
    })
}

/// The JSON of a request's body.
pub(super) fn body(call: &Call) -> Result<Value, Refusal> {
    if !matches!(
        call.media_type().as_str(),
        "application/scim+json" | "application/json"
    ) {
        let detail = "The body must be application/scim+json.";
        return Err(Refusal::plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    serde_json::from_slice(&call.body)
        .map_err(|e| Refusal::bad("invalidSyntax", format!("The body is not JSON: {e}.")))
}

fn create(service: &Service, kind: Kind, call: &Call) -> Result<Answer, Refusal> {
    let sent = body(call)?;
    let now = service.accounts.now();
    service.accounts.with(|store| {
        let mut shelf = Shelf { store, kind };
        let (slot, effect) = shelf.create(&sent, now)?;
        let answer = shown(service, &shelf, slot, call, StatusCode::CREATED);
        Ok(answer
            .header(LOCATION, &shelf.location(slot))
            .effect(effect))
    })
}

fn one(service: &Service, kind: Kind, call: &Call, id: &str) -> Result<Answer, Refusal> {
    let sent = match call.method {
        Method::PUT | Method::PATCH => body(call)?,
        _ => Value::Null,
    };
    let now = service.accounts.now();
    let tags = service.flavour.tags;
    service.accounts.with(|store| {
        let mut shelf = Shelf { store, kind };
        let slot = shelf.find(id)?;
        let lists = |header: &str, tag: &str| {
            call.header(header)
                .is_some_and(|list| list.split(',').any(|t| t.trim() == tag || t.trim() == "*"))
        };
        let tag = shelf.tag(slot);
        let reads = call.method == Method::GET;
        match (tags, call.header("if-match")) {
            (Tags::Offered | Tags::Required, Some(_)) if !lists("if-match", &tag) => {
                let detail = "The resource has changed since it was read.";
                return Err(Refusal::plain(StatusCode::PRECONDITION_FAILED, detail));
            }
            (Tags::Required, None) if !reads => {
                let detail = "A change needs the version that was read, in If-Match.";
                return Err(Refusal::plain(StatusCode::PRECONDITION_REQUIRED, detail));
            }
            _ => {}
        }
        let effect = match call.method {
            Method::GET if tags != Tags::No && lists("if-none-match", &tag) => {
                return Ok(Answer::empty(StatusCode::NOT_MODIFIED).header(ETAG, &tag));
            }
            Method::GET => return Ok(shown(service, &shelf, slot, call, StatusCode::OK)),
            Method::DELETE => {
                let effect = shelf.delete(slot, now);
                return Ok(Answer::empty(StatusCode::NO_CONTENT).effect(effect));
            }
            Method::PUT => shelf.replace(slot, &sent, now)?,
            Method::PATCH => shelf.patch(slot, &sent, now)?,
            _ => return Err(unoffered()),
        };
        let bare = call.method == Method::PATCH && service.flavour.patch == PatchAnswer::NoContent;
        let answer = if bare {
            tagged(service, &shelf, slot, Answer::empty(StatusCode::NO_CONTENT))
        } else {
            shown(service, &shelf, slot, call, StatusCode::OK)
        };
        Ok(answer.effect(effect))
    })
}

fn shown(
    service: &Service,
    shelf: &Shelf<'_>,
    slot: usize,
    call: &Call,
    status: StatusCode,
) -> Answer {
    let mut out = Vec::with_capacity(1024);
    shelf.render(slot, &mut out);
    let out = Projection::of(&call.query_pairs()).cut(out);
    let answer = Answer::new(status, SCIM_JSON, Bytes::from(out));
    tagged(service, shelf, slot, answer)
}

fn tagged(service: &Service, shelf: &Shelf<'_>, slot: usize, answer: Answer) -> Answer {
    match service.flavour.tags {
        Tags::No => answer,
        Tags::Offered | Tags::Required => answer.header(ETAG, &shelf.tag(slot)),
    }
}
