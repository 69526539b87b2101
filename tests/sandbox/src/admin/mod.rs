//! The endpoints by which another process inspects and drives the fakes.
//!
//! | request | what |
//! | --- | --- |
//! | `GET /journal?since=N` | the entries with a greater number |
//! | `DELETE /journal` | forget them |
//! | `GET /stats` | sums |
//! | `GET /faults`, `POST /faults`, `DELETE /faults[/N]` | faults; the body is a [`Fault`] |
//! | `GET /people`, `GET /people/ID` | ids; the values of one person |
//! | `POST /people`, `PATCH /people/ID`, `DELETE /people/ID` | body: `{"key": value, …}` |
//! | `POST /attributes/KEY/hide`, `POST /attributes/KEY/show` | the credential's right to read |
//! | `GET /accounts`, `GET /accounts/ID` | the accounts, as SCIM shows them |
//! | `POST /accounts`, `PATCH /accounts/ID`, `DELETE /accounts/ID` | a SCIM user; PATCH operations |
//! | `GET /groups` | the groups, as SCIM shows them |
//! | `/accounts…?system=S`, `/groups?system=S` | the same of another SCIM service, such as `edyoucated` |
//! | `GET /certificates[?hashes=no]` | the certificates; without hashes no file is made for it |
//! | `POST /certificates` | `{"employee": ID}` or `{"account": "ID"}`; more see `certificates.rs` |
//! | `POST /certificates/ID/revoke` | it is revoked now |
//! | `PUT /certificates/ID/trouble` | `{"trouble": "gone"}` (or null) is what is wrong with it |
//! | `GET /documents`, `DELETE /documents/ID` | the documents in personnel files |
//! | `POST /documents/hide`, `POST /documents/show` | the credential's right to read them |
//! | `GET /categories`, `POST /categories`, `DELETE /categories/ID` | body: `{"name": "…"}` |
//! | `GET /kombo`, `PUT /kombo` | Kombo's connections; `{"setup": "sync-pending", "status": "inactive"}` |
//! | `POST /kombo/sign-in` | `{"link": "…"}`: what a customer does in the window; its token |
//! | `POST /kombo/events` | `{"to": URL, "integration": ID[, "signature": "…"]}`: a signed event is sent |
//! | `GET /engagedly/users` | the users in Engagedly, as its API shows a single one |
//! | `GET /clock`, `PUT /clock`, `DELETE /clock` | `{"now":"2026-11-21T08:00:00Z"}` stops it |
//! | `POST /tokens/revoke` | access tokens given out so far become invalid |
//!
//! Nothing here is authenticated: the listener is on loopback and everything behind it is made up.

mod certificates;
mod documents;
mod kombo;

use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Fault;
use crate::academy::{Groups, Service};
use crate::answer::{Answer, rest_error};
use crate::request::Call;
use crate::shared::Shared;
use crate::system::System;

pub(crate) fn handle(shared: &Shared, call: &Call) -> Answer {
    match route(shared, call) {
        Ok(Value::Null) => Answer::empty(StatusCode::NO_CONTENT),
        Ok(value) => Answer::json(StatusCode::OK, &value),
        Err((status, message)) => rest_error(status, &message),
    }
}

type Outcome = Result<Value, (StatusCode, String)>;

fn route(shared: &Shared, call: &Call) -> Outcome {
    let parts: Vec<&str> = call.path.split('/').filter(|p| !p.is_empty()).collect();
    match (&call.method, parts.as_slice()) {
        (&Method::GET, ["journal"]) => {
            let since = call
                .query_pairs()
                .iter()
                .find(|(key, _)| key == "since")
                .map(|p| p.1.parse());
            let since = since
                .transpose()
                .map_err(|_| bad("`since` wants a number"))?;
            Ok(json!(shared.journal.since(since.unwrap_or(0))))
        }
        (&Method::DELETE, ["journal"]) => {
            shared.journal.clear();
            Ok(Value::Null)
        }
        (&Method::GET, ["stats"]) => {
            let mut stats = json!(shared.journal.stats());
            stats["people"] = shared.people.len().into();
            stats["accounts"] = shared.accounts.len().into();
            stats["blocked"] = shared.accounts.blocked().into();
            stats["certificates"] = shared.certificates.len().into();
            stats["documents"] = shared.documents.len().into();
            for (system, service) in shared.services.iter() {
                let accounts = &service.accounts;
                stats["services"][system.name()] =
                    json!({"accounts": accounts.len(), "blocked": accounts.blocked()});
            }
            let users = shared.engagedly.users();
            let blocked = users.iter().filter(|user| user["status"] == "Blocked");
            stats["services"]["engagedly"] =
                json!({"accounts": users.len(), "blocked": blocked.count()});
            Ok(stats)
        }
        (&Method::GET, ["engagedly", "users"]) => Ok(json!(shared.engagedly.users())),
        (&Method::GET, ["faults"]) => {
            let list = shared.faults.list();
            let fired = |id| shared.faults.fired(id);
            Ok(list
                .into_iter()
                .map(|(id, fault)| json!({"id": id, "fault": fault, "fired": fired(id)}))
                .collect())
        }
        (&Method::POST, ["faults"]) => {
            let fault: Fault =
                serde_json::from_slice(&call.body).map_err(|e| bad(format!("no fault: {e}")))?;
            Ok(json!({"id": shared.faults.add(fault)}))
        }
        (&Method::DELETE, ["faults"]) => {
            shared.faults.clear();
            Ok(Value::Null)
        }
        (&Method::DELETE, ["faults", id]) => found(shared.faults.remove(number(id)?)),
        (&Method::POST, ["tokens", "revoke"]) => {
            shared.personio_tokens.revoke();
            shared.personio_tokens_v2.revoke();
            shared.rest_tokens.revoke();
            Ok(Value::Null)
        }
        (_, ["people", ..] | ["attributes", ..]) => people(shared, call, &parts),
        (_, ["accounts", ..]) => accounts(shared, call, &parts),
        (&Method::GET, ["groups"]) => {
            let groups = Groups::new(service(shared, call)?.accounts.clone()).list();
            Ok(groups.into_iter().map(|group| group.resource).collect())
        }
        (_, ["certificates", ..]) => certificates::route(shared, call, &parts),
        (_, ["documents" | "categories", ..]) => documents::route(shared, call, &parts),
        (_, ["kombo", ..]) => kombo::route(shared, call, &parts),
        (_, ["clock"]) => clock(shared, call),
        _ => Err(nothing()),
    }
}

fn people(shared: &Shared, call: &Call, parts: &[&str]) -> Outcome {
    let people = &shared.people;
    match (&call.method, parts) {
        (&Method::GET, ["people"]) => Ok(json!(people.ids())),
        (&Method::GET, ["people", id]) => people
            .get(number(id)?)
            .map(Value::Object)
            .ok_or_else(nothing),
        (&Method::POST, ["people"]) => {
            let values = object(call)?;
            let pairs: Vec<(&str, Value)> = values
                .iter()
                .map(|(key, value)| (key.as_str(), value.clone()))
                .collect();
            match people.add(&pairs) {
                Some(id) => Ok(json!({"id": id})),
                None => Err((StatusCode::CONFLICT, "the id is taken".to_owned())),
            }
        }
        (&Method::PATCH, ["people", id]) => {
            let id = number(id)?;
            for (key, value) in object(call)? {
                found(people.set(id, &key, value))?;
            }
            Ok(Value::Null)
        }
        (&Method::DELETE, ["people", id]) => found(people.remove(number(id)?)),
        (&Method::POST, ["attributes", key, "hide"]) => found(people.hide(key)),
        (&Method::POST, ["attributes", key, "show"]) => found(people.show(key)),
        _ => Err(nothing()),
    }
}

fn accounts(shared: &Shared, call: &Call, parts: &[&str]) -> Outcome {
    let service = service(shared, call)?;
    let accounts = &service.accounts;
    match (&call.method, parts) {
        (&Method::GET, ["accounts"]) => Ok(accounts
            .list()
            .into_iter()
            .map(|account| account.resource)
            .collect()),
        (&Method::GET, ["accounts", id]) => accounts
            .get(id)
            .map(|account| account.resource)
            .ok_or_else(nothing),
        (&Method::POST, ["accounts"]) => accounts
            .insert(Value::Object(object(call)?))
            .map(|a| a.resource)
            .map_err(bad),
        (&Method::PATCH, ["accounts", id]) => {
            let operations = serde_json::from_slice(&call.body)
                .map_err(|e| bad(format!("the body is no list of operations: {e}")))?;
            accounts
                .patch(id, operations)
                .map(|a| a.resource)
                .map_err(bad)
        }
        (&Method::DELETE, ["accounts", id]) => found(accounts.remove(id)),
        _ => Err(nothing()),
    }
}

/// The SCIM service that the query names; the academy's if it names none.
fn service<'a>(shared: &'a Shared, call: &Call) -> Result<&'a Service, (StatusCode, String)> {
    let pairs = call.query_pairs();
    let named = pairs.iter().find(|(key, _)| key == "system");
    let system = match named {
        Some((_, name)) => name.parse().map_err(bad)?,
        None => System::Scim,
    };
    let service = shared.services.get(system);
    service.ok_or_else(|| bad(format!("{system} is no SCIM service")))
}

fn clock(shared: &Shared, call: &Call) -> Outcome {
    match call.method {
        Method::GET => {}
        Method::PUT => {
            let body = object(call)?;
            let now = body
                .get("now")
                .and_then(Value::as_str)
                .and_then(|t| t.parse().ok());
            shared
                .clock
                .set(now.ok_or_else(|| bad("`now` wants a moment such as 2026-11-21T08:00:00Z"))?);
        }
        Method::DELETE => shared.clock.resume(),
        _ => return Err(nothing()),
    }
    Ok(json!({"now": shared.clock.now().to_string()}))
}

fn object(call: &Call) -> Result<Map<String, Value>, (StatusCode, String)> {
    serde_json::from_slice(&call.body).map_err(|e| bad(format!("the body is no JSON object: {e}")))
}

fn read<T: for<'a> Deserialize<'a>>(call: &Call) -> Result<T, (StatusCode, String)> {
    serde_json::from_slice(&call.body).map_err(|e| bad(format!("the body does not do: {e}")))
}

fn number(text: &str) -> Result<u64, (StatusCode, String)> {
    text.parse()
        .map_err(|_| bad(format!("`{text}` is no number")))
}

fn found(found: bool) -> Outcome {
    if found {
        Ok(Value::Null)
    } else {
        Err(nothing())
    }
}

fn bad(message: impl Into<String>) -> (StatusCode, String) {
    (StatusCode::BAD_REQUEST, message.into())
}

fn nothing() -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, "there is nothing here".to_owned())
}
