//! Bulk requests (RFC 7644 §3.7).
//!
//! An operation that refers to a `bulkId` of a later one waits for it; one that can never be served, as
//! the other failed or both wait for each other, is answered by 409. Results come in the order in which
//! the operations were done, so a client has to tell them apart by `bulkId` or by location.

use std::collections::HashMap;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_MATCH, LOCATION};
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::check::Refusal;
use super::scim::{body, resource};
use super::service::Service;
use crate::answer::{Answer, SCIM_JSON};
use crate::journal::Effect;
use crate::request::Call;

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// What is known of the resources that a request makes, by `bulkId`.
type Made = HashMap<String, Result<String, ()>>;

pub(super) fn answer(service: &Service, call: &Call) -> Result<Answer, Refusal> {
    let Some(limits) = service.flavour.bulk else {
        let detail = "Bulk requests are not offered.";
        return Err(Refusal::plain(StatusCode::NOT_IMPLEMENTED, detail));
    };
    if call.method != Method::POST {
        let detail = "This method is not offered here.";
        return Err(Refusal::plain(StatusCode::METHOD_NOT_ALLOWED, detail));
    }
    let too_much = |what: &str, most: usize| {
        let detail = format!("The size of the bulk operation exceeds the {what} ({most}).");
        Refusal::plain(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    if call.body.len() > limits.bytes {
        return Err(too_much("maxPayloadSize", limits.bytes));
    }
    let sent = body(call)?;
    let named = sent["schemas"].as_array();
    if !named.is_some_and(|list| list.iter().any(|s| s.as_str() == Some(REQUEST))) {
        let detail = format!("`schemas` does not name {REQUEST}.");
        return Err(Refusal::bad("invalidSyntax", detail));
    }
    let Some(operations) = sent["Operations"].as_array() else {
        let detail = "`Operations` is not a list of operations.";
        return Err(Refusal::bad("invalidSyntax", detail));
    };
    if operations.len() > limits.operations {
        return Err(too_much("maxOperations", limits.operations));
    }
    let most = sent["failOnErrors"].as_u64();
    let (results, effects) = carry_out(service, operations, most);
    let response = json!({"schemas": [RESPONSE], "Operations": results});
    let mut answer = Answer::new(StatusCode::OK, SCIM_JSON, response.to_string());
    answer.bulk = effects;
    Ok(answer)
}

/// Does all operations, or as many as it takes to fail `most` times.
fn carry_out(
    service: &Service,
    operations: &[Value],
    most: Option<u64>,
) -> (Vec<Value>, Vec<Effect>) {
    let (mut made, mut results, mut effects) = (Made::new(), Vec::new(), Vec::new());
    let base = service.accounts.with(|store| store.base().to_owned());
    let mut waiting: Vec<&Value> = operations.iter().collect();
    let mut failures = 0;
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut still = Vec::new();
        for operation in waiting {
            if most.is_some_and(|most| failures >= most) {
                return (results, effects);
            }
            let (operation, answer) = match resolved(operation, &made) {
                Resolved::Ready(operation) => {
                    let answer = one(service, &operation);
                    (operation, answer)
                }
                Resolved::Waits => {
                    still.push(operation);
                    continue;
                }
                Resolved::Never => (operation.clone(), circle()),
            };
            failures += u64::from(answer.status.as_u16() >= 400);
            effects.extend(answer.effect);
            results.push(result(&base, &operation, &answer, &mut made));
        }
        waiting = still;
        if waiting.len() == before {
            // Nothing that is left can begin.
            for operation in waiting {
                if most.is_some_and(|most| failures >= most) {
                    break;
                }
                failures += 1;
                results.push(result(&base, operation, &circle(), &mut made));
            }
            break;
        }
    }
    (results, effects)
}

fn circle() -> Answer {
    let detail = "The operation refers to a bulkId that no operation makes.";
    Refusal::plain(StatusCode::CONFLICT, detail).answer()
}

/// Does one operation as if it had come alone.
fn one(service: &Service, operation: &Value) -> Answer {
    let done = || -> Result<Answer, Refusal> {
        let text = |key: &str| operation[key].as_str().unwrap_or_default();
        let method = match text("method").to_ascii_uppercase().as_str() {
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            other => {
                let detail = format!("`{other}` is no method of a bulk operation.");
                return Err(Refusal::bad("invalidSyntax", detail));
            }
        };
        if method == Method::POST && text("bulkId").is_empty() {
            let detail = "A POST within a bulk request needs a bulkId.";
            return Err(Refusal::bad("invalidSyntax", detail));
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(SCIM_JSON));
        if let Ok(version) = HeaderValue::from_str(text("version"))
            && !version.is_empty()
        {
            headers.insert(IF_MATCH, version);
        }
        let call = Call {
            method,
            path: text("path").to_owned(),
            query: String::new(),
            headers,
            body: Bytes::from(operation["data"].to_string()),
            upload: None,
        };
        let Some(path) = call.path.strip_prefix('/') else {
            let detail = "The path of a bulk operation starts with a slash.";
            return Err(Refusal::bad("invalidPath", detail));
        };
        resource(service, &call, path)
    };
    done().unwrap_or_else(|refusal| refusal.answer())
}

fn result(base: &str, operation: &Value, answer: &Answer, made: &mut Made) -> Value {
    let mut result = Map::new();
    for key in ["method", "bulkId"] {
        if let Some(value) = operation.get(key) {
            result.insert(key.to_owned(), value.clone());
        }
    }
    let header = |name| answer.headers.get(name)?.to_str().ok();
    let failed = answer.status.as_u16() >= 400;
    if let Some(location) = header(LOCATION) {
        result.insert("location".to_owned(), location.into());
    } else if operation["method"] != "POST"
        && let Some(path) = operation["path"].as_str()
    {
        result.insert("location".to_owned(), format!("{base}{path}").into());
    }
    if let Some(tag) = header(ETAG) {
        result.insert("version".to_owned(), tag.into());
    }
    result.insert("status".to_owned(), answer.status.as_str().into());
    if failed {
        let error = serde_json::from_slice(&answer.body).unwrap_or_default();
        result.insert("response".to_owned(), error);
    }
    if let Some(id) = operation["bulkId"].as_str()
        && operation["method"] == "POST"
    {
        let location = header(LOCATION).filter(|_| !failed);
        let made_id = location.and_then(|l| l.rsplit('/').next());
        made.insert(id.to_owned(), made_id.map(str::to_owned).ok_or(()));
    }
    Value::Object(result)
}

enum Resolved {
    /// With ids in place of references.
    Ready(Value),
    /// An operation that it refers to is still to come.
    Waits,
    /// An operation that it refers to has failed.
    Never,
}

fn resolved(operation: &Value, made: &Made) -> Resolved {
    let (mut waits, mut never) = (false, false);
    let mut resolve = |text: &str| {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("bulkId:") {
            let (head, tail) = rest.split_at(at);
            let name = tail.get("bulkId:".len()..).unwrap_or_default();
            let end = name
                .find(|c: char| !c.is_ascii_alphanumeric() && !"-_.~+=:".contains(c))
                .unwrap_or(name.len());
            let (name, after) = name.split_at(end);
            out.push_str(head);
            match made.get(name) {
                Some(Ok(id)) => out.push_str(id),
                Some(Err(())) => never = true,
                None => waits = true,
            }
            rest = after;
        }
        out.push_str(rest);
        out
    };
    let mut operation = operation.clone();
    if let Some(path) = operation["path"].as_str() {
        let path = resolve(path);
        operation["path"] = path.into();
    }
    if let Some(data) = operation.get_mut("data") {
        walk(data, &mut resolve);
    }
    match (never, waits) {
        (true, _) => Resolved::Never,
        (_, true) => Resolved::Waits,
        _ => Resolved::Ready(operation),
    }
}

/// Resolves every text that is a reference, or a path of a PATCH that holds one.
fn walk(value: &mut Value, resolve: &mut impl FnMut(&str) -> String) {
    match value {
        Value::String(text) if text.contains("bulkId:") => *text = resolve(text),
        Value::Array(list) => list.iter_mut().for_each(|v| walk(v, resolve)),
        Value::Object(map) => map.values_mut().for_each(|v| walk(v, resolve)),
        _ => {}
    }
}
