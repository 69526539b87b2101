//! A SCIM service over HTTP.

use bytes::Bytes;
use hyper::header::{ETAG, HeaderName, LOCATION, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::check::Refusal;
use super::filter::Filter;
use super::schema;
use super::service::Service;
use super::store::{Store, Written};
use crate::answer::{Answer, SCIM_JSON, scim_error};
use crate::config::{PatchAnswer, ScimSchemas};
use crate::journal::Effect;
use crate::request::{Call, decoded};
use crate::serve::Twist;
use crate::shared::Shared;
use crate::system::System;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

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
    let (kind, id) = match path.trim_end_matches('/').split_once('/') {
        Some((kind, id)) => (kind, Some(decoded(id, false))),
        None => (path.trim_end_matches('/'), None),
    };
    let answer = match kind {
        "Users" => users(service, call, id.as_deref(), twist),
        "Schemas" | "ResourceTypes" | "ServiceProviderConfig" if call.method == Method::GET => {
            discovery(service, kind, id.as_deref())
        }
        _ => Err(Refusal::plain(
            StatusCode::NOT_FOUND,
            "There is nothing here.",
        )),
    };
    answer.unwrap_or_else(|refusal| refusal.answer())
}

fn users(
    service: &Service,
    call: &Call,
    id: Option<&str>,
    twist: Twist,
) -> Result<Answer, Refusal> {
    match (&call.method, id) {
        (&Method::GET, None) => list(service, call, twist),
        (&Method::POST, None) => create(service, call),
        (_, Some(id)) => one(service, call, id),
        _ => Err(Refusal::plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "This method is not offered here.",
        )),
    }
}

fn list(service: &Service, call: &Call, twist: Twist) -> Result<Answer, Refusal> {
    let (mut filter, mut start, mut count) = (None, 1usize, service.flavour.page);
    for (key, value) in call.query_pairs() {
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
    service.accounts.with(|store| {
        let filter = filter
            .map(|text| Filter::parse(&text, store.own))
            .transpose()?;
        let found = filter.map(|f| store.search(&f));
        let total = found.as_ref().map_or(store.len(), Vec::len);
        let ranges = twist.window(start - 1, count, total);
        let slots: Vec<usize> = match &found {
            Some(found) => ranges
                .into_iter()
                .filter_map(|r| found.get(r))
                .flatten()
                .copied()
                .collect(),
            None => ranges.into_iter().flat_map(|r| store.list(r)).collect(),
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
            store.render(slot, &mut out);
        }
        out.extend_from_slice(b"]}");
        Ok(Answer::new(StatusCode::OK, SCIM_JSON, Bytes::from(out)))
    })
}

fn body(call: &Call) -> Result<Value, Refusal> {
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

fn create(service: &Service, call: &Call) -> Result<Answer, Refusal> {
    let sent = body(call)?;
    let now = service.accounts.now();
    service.accounts.with(|store| {
        let written = store.create(&sent, now)?;
        let answer = account(store, written.slot(), StatusCode::CREATED);
        Ok(answer
            .header(LOCATION, &store.location(written.slot()))
            .effect(Effect::Created))
    })
}

fn one(service: &Service, call: &Call, id: &str) -> Result<Answer, Refusal> {
    let sent = match call.method {
        Method::PUT | Method::PATCH => body(call)?,
        _ => Value::Null,
    };
    let now = service.accounts.now();
    service.accounts.with(|store| {
        let slot = store.find(id).ok_or_else(|| {
            Refusal::plain(StatusCode::NOT_FOUND, format!("There is no user {id}."))
        })?;
        let lists = |header: &str, tag: &str| {
            call.header(header)
                .is_some_and(|list| list.split(',').any(|t| t.trim() == tag || t.trim() == "*"))
        };
        let tag = store.tag(slot);
        if call.header("if-match").is_some() && !lists("if-match", &tag) {
            let detail = "The user has changed since it was read.";
            return Err(Refusal::plain(StatusCode::PRECONDITION_FAILED, detail));
        }
        let written = match call.method {
            Method::GET if lists("if-none-match", &tag) => {
                return Ok(Answer::empty(StatusCode::NOT_MODIFIED).header(ETAG, &tag));
            }
            Method::GET => return Ok(account(store, slot, StatusCode::OK)),
            Method::DELETE => {
                store.delete(slot);
                return Ok(Answer::empty(StatusCode::NO_CONTENT).effect(Effect::Deleted));
            }
            Method::PUT => store.replace(slot, &sent, now)?,
            Method::PATCH => store.patch(slot, &sent, now)?,
            _ => {
                let detail = "This method is not offered here.";
                return Err(Refusal::plain(StatusCode::METHOD_NOT_ALLOWED, detail));
            }
        };
        let bare = call.method == Method::PATCH && service.flavour.patch == PatchAnswer::NoContent;
        let answer = if bare {
            Answer::empty(StatusCode::NO_CONTENT).header(ETAG, &store.tag(slot))
        } else {
            account(store, slot, StatusCode::OK)
        };
        Ok(answer.effect(match written {
            Written::Unchanged(_) => Effect::Unchanged,
            Written::Created(_) | Written::Updated(_) => Effect::Updated,
        }))
    })
}

fn account(store: &Store, slot: usize, status: StatusCode) -> Answer {
    let mut out = Vec::with_capacity(1024);
    store.render(slot, &mut out);
    Answer::new(status, SCIM_JSON, Bytes::from(out))
        .header(HeaderName::from_static("etag"), &store.tag(slot))
}

fn discovery(service: &Service, kind: &str, id: Option<&str>) -> Result<Answer, Refusal> {
    let nothing = || Refusal::plain(StatusCode::NOT_FOUND, "There is nothing here.");
    let (base, own) = service
        .accounts
        .with(|store| (store.base().to_owned(), store.own));
    let documents = match kind {
        "Schemas" if service.flavour.schemas == ScimSchemas::NotFound => return Err(nothing()),
        "Schemas" => own.documents(&base),
        "ResourceTypes" => {
            let extensions: Vec<Value> = own
                .extensions()
                .map(|(urn, _)| json!({"schema": urn, "required": false}))
                .collect();
            vec![json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
                "id": "User",
                "name": "User",
                "endpoint": "/Users",
                "description": "A user account",
                "schema": schema::CORE,
                "schemaExtensions": extensions,
                "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/User")},
            })]
        }
        _ => {
            let config = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
                "documentationUri": "https://support.example.com/scim",
                "patch": {"supported": true},
                "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
                "filter": {"supported": true, "maxResults": service.flavour.page},
                "changePassword": {"supported": false},
                "sort": {"supported": false},
                "etag": {"supported": true},
                "authenticationSchemes": [{
                    "type": "oauthbearertoken",
                    "name": "Bearer token",
                    "description": "The token shown in the settings",
                    "primary": true,
                }],
                "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
            });
            return Ok(Answer::new(StatusCode::OK, SCIM_JSON, config.to_string()));
        }
    };
    let document = match id {
        Some(id) => documents
            .into_iter()
            .find(|d| d["id"].as_str() == Some(id))
            .ok_or_else(nothing)?,
        None => json!({
            "schemas": [LIST],
            "totalResults": documents.len(),
            "startIndex": 1,
            "itemsPerPage": documents.len(),
            "Resources": documents,
        }),
    };
    Ok(Answer::new(StatusCode::OK, SCIM_JSON, document.to_string()))
}
