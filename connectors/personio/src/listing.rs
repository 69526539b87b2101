//! The documents in somebody's personnel file, through version 2 of the API, which alone lists them.
//!
//! The host asks when it does not know whether an upload arrived, and takes what is not in the list for not
//! arrived. So a list that may lack something is a failure, never a shorter list: a page without data, a next
//! page that cannot be reached, a document without an identity.
//!
//! Only the cursor of a link to the next page is used: where requests go is not for an answer to say.

use matricula_sdk::{Context, Failure, FailureKind, Found, Response, Result, SendError, json};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::answer::Problem;
use crate::failures::{self, Right};
use crate::{not_offered, request};

const DOCUMENTS: &str = "https://api.personio.de/v2/document-management/documents";

/// The most documents that Personio puts on a page.
const PAGE: u32 = 200;

const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The documents in each employee's personnel file, in order.
pub(crate) fn find(
    cx: &Context<'_>,
    attribute: &str,
    employees: &[String],
) -> Result<Vec<Vec<Found>>> {
    if attribute != "employee" {
        return Err(not_offered(&format!("finding documents by {attribute}")));
    }
    employees
        .iter()
        .map(|employee| documents(cx, employee))
        .collect()
}

/// Whether documents may be listed: asks for those of an employee who cannot be.
pub(crate) fn probe(cx: &Context<'_>) -> Result<()> {
    let answer = get(cx, format!("{DOCUMENTS}?owner_id=0&limit=1"))?;
    list(&answer).map(|_| ())
}

fn documents(cx: &Context<'_>, employee: &str) -> Result<Vec<Found>> {
    let first = format!(
        "{DOCUMENTS}?owner_id={}&limit={PAGE}",
        utf8_percent_encode(employee, PLAIN)
    );
    let mut found = Vec::new();
    let mut cursors: Vec<String> = Vec::new();
    loop {
        let url = match cursors.last() {
            Some(cursor) => format!("{first}&cursor={cursor}"),
            None => first.clone(),
        };
        let answer = get(cx, url)?;
        for document in list(&answer)? {
            // Somebody else's, should the filter not be heeded.
            let owner = document.get("owner").and_then(id_of);
            if owner.is_none_or(|owner| owner == employee) {
                found.push(one(document)?);
            }
        }
        match next(&answer)? {
            None => return Ok(found),
            Some(cursor) if cursors.contains(&cursor) => {
                return Err(incomplete("sends the same page again and again").code("repeated-page"));
            }
            Some(cursor) => cursors.push(cursor),
        }
    }
}

fn list(answer: &Value) -> Result<&[Value]> {
    match answer.get("_data") {
        Some(Value::Array(list)) => Ok(list),
        _ => Err(incomplete("sent an answer without a list")),
    }
}

/// The cursor of the next page, as it stands in the link: encoded already.
fn next(answer: &Value) -> Result<Option<String>> {
    let link = answer
        .pointer("/_meta/links/next")
        .map(|next| next.get("href").unwrap_or(next));
    let link = match link {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(empty)) if empty.is_empty() => return Ok(None),
        Some(Value::String(link)) if link.trim().is_empty() => return Ok(None),
        Some(Value::String(link)) => link,
        Some(_) => return Err(incomplete("sent a next page that cannot be read")),
    };
    let query = link.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    let cursor = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("cursor="))
        .filter(|cursor| !cursor.is_empty() && cursor.bytes().all(|b| b.is_ascii_graphic()));
    match cursor {
        Some(cursor) => Ok(Some(cursor.to_owned())),
        None => Err(incomplete("names a next page without a cursor")),
    }
}

/// A document in the operation's attributes; what did not come is absent.
fn one(document: &Value) -> Result<Found> {
    let remote_id = document
        .get("id")
        .and_then(json::id)
        .ok_or_else(|| incomplete("sent a document without an id").code("no-id"))?;
    let mut data = Map::new();
    for (attribute, name) in [
        ("title", "name"),
        ("date", "date"),
        ("comment", "comment"),
        ("category", "category"),
        ("size", "size"),
    ] {
        let Some(value) = document.get(name) else {
            continue;
        };
        let value = match attribute {
            "category" => id_of(value).map_or(Value::Null, Value::String),
            "size" => match whole(value) {
                Some(size) => Value::from(size),
                None => continue,
            },
            "date" => match value.as_str() {
                Some(text) => Value::from(text.get(..10).unwrap_or(text)),
                None => Value::Null,
            },
            // Not trimmed: it is compared with what was sent.
            _ => value.as_str().map_or(Value::Null, Value::from),
        };
        data.insert(attribute.to_owned(), value);
    }
    Ok(Found {
        remote_id,
        data: Value::Object(data).to_string(),
    })
}

/// The identity of an object, or the one that is given by itself.
fn id_of(value: &Value) -> Option<String> {
    json::id(value.get("id").unwrap_or(value))
}

fn whole(value: &Value) -> Option<u64> {
    let float = |value: &Value| {
        let float = value.as_f64()?;
        (float.fract() == 0.0 && (0.0..9e15).contains(&float)).then_some(float as u64)
    };
    value
        .as_u64()
        .or_else(|| float(value))
        .or_else(|| value.as_str()?.trim().parse().ok())
}

fn get(cx: &Context<'_>, url: String) -> Result<Value> {
    let response = cx.send(request("GET", url)).map_err(|error| match error {
        // Version 1 has a token of its own, and it may have been given.
        SendError::Unauthenticated(_) => Failure::new(
            FailureKind::Auth,
            "Personio gives these credentials no token for version 2 of its API: check the client ID and \
             the client secret",
        )
        .code("unauthenticated"),
        other => failures::unsent(other, false),
    })?;
    if !response.is_success() {
        return Err(refused(&response));
    }
    json::body(&response, crate::SYSTEM)
}

/// Version 2 says in several ways that a right is missing, 401 among them: the host has just had the token
/// renewed, so it is not the token.
fn refused(response: &Response) -> Failure {
    let status = response.status;
    let unauthorized = || {
        let body = String::from_utf8_lossy(&response.body).to_lowercase();
        body.contains("unauthorized") || body.contains("scope")
    };
    match status {
        401 | 403 => failures::lacking(Right::ReadDocuments, status),
        400 if unauthorized() => failures::lacking(Right::ReadDocuments, status),
        404 => incomplete("has nothing at the address of its list"),
        400..=499 if status != 429 => {
            incomplete("did not accept the request for its list").code(format!("http-{status}"))
        }
        _ => failures::refused(response, &Problem::default(), Right::ReadDocuments),
    }
}

fn incomplete(what: &str) -> Failure {
    Failure::new(
        FailureKind::Protocol,
        format!("Personio {what} of an employee's documents"),
    )
    .code("unreadable")
}
