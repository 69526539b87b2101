//! Several changes in one request (RFC 7644 §3.7), where the service announces that it takes them.
//!
//! A bulk request saves round trips and nothing else, so it is tried once for each part of a batch, and
//! whatever it does not plainly answer goes the way of single requests:
//!
//! - The request is refused as such (too large, not offered after all): nothing was changed, everything in
//!   it is sent singly, and the rest of the batch too.
//! - A change in it is refused: nothing was changed by it, and it is sent singly, where duplicates are
//!   adopted, paths tried otherwise and versions read.
//! - The answer leaves a change out, or cannot be read: it may have been made. A new account is looked for
//!   before it is created; changing and removing can be repeated.
//! - No answer: whether anything was changed is unknown of every change in it, as it is of a single request
//!   without an answer. The host looks before it tries again.
//!
//! Nothing in a batch refers to anything else in it: references come in a later pass, when every account has
//! its identity. So a `bulkId` only tells which answer belongs to which new account.

use matricula_sdk::{
    Change, Disposition, Effect, Failure, Receipt, Response, Result, json as body,
};

use serde_json::{Map, Value, json};

use crate::canonical::{Edit, edits};
use crate::client::{Client, Of};
use crate::failure::{Doing, ends_batch, is_duplicate, is_page};
use crate::learned::{Bulk, Learned};
use crate::path::member;
use crate::write::{Wish, identity_at, new_resource, operations, receipt, wish};

const BULK: &str = "Bulk";
const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// What is around the operations of a request, in bytes, and a little more.
const AROUND: u64 = 200;

/// A change on its way.
enum Way {
    Done(Result<Receipt>),
    /// To be sent singly.
    Singly,
    /// To be sent singly, and perhaps made already.
    Perhaps,
}

/// One change as an operation of a bulk request.
struct Operation {
    /// Place of the change in the batch.
    place: usize,
    content: Value,
}

impl Operation {
    fn is(&self, name: &str, value: &str) -> bool {
        self.content.get(name).and_then(Value::as_str) == Some(value)
    }
}

impl Client<'_> {
    /// Writes a batch with as few requests as the service allows: one outcome per change, in order.
    pub(crate) fn write_in_bulk(
        &self,
        learned: &Learned,
        bulk: Bulk,
        changes: &[Change],
    ) -> Vec<Result<Receipt>> {
        let mut ways: Vec<Way> = changes.iter().map(|_| Way::Singly).collect();
        let mut operations: Vec<Operation> = Vec::with_capacity(changes.len());
        for (place, change) in changes.iter().enumerate() {
            // What cannot be put into a request fails singly, where blocking is told from the rest.
            if let Ok(Some(content)) = self.operation(learned, place, change) {
                operations.push(Operation { place, content });
            }
        }
        let mut ended: Option<Failure> = None;
        for part in parts(operations, bulk) {
            if part.len() < 2 || ended.is_some() {
                continue;
            }
            if !self.send_part(&part, &mut ways, &mut ended) {
                break;
            }
        }

        let mut outcomes = Vec::with_capacity(changes.len());
        for (way, change) in ways.into_iter().zip(changes) {
            let outcome = match (way, &ended) {
                (Way::Done(outcome), _) => outcome,
                (Way::Singly, Some(failure)) => Err(failure.clone().effect(Effect::None)),
                (Way::Perhaps, Some(failure)) => Err(failure.clone().effect(Effect::Unknown)),
                (Way::Singly, None) => self.write_one(learned, change),
                (Way::Perhaps, None) => self.write_perhaps(learned, change),
            };
            if let Err(failure) = &outcome
                && ends_batch(failure)
            {
                ended.get_or_insert_with(|| failure.clone());
            }
            outcomes.push(outcome);
        }
        outcomes
    }

    /// None for what is better sent singly.
    fn operation(&self, learned: &Learned, place: usize, change: &Change) -> Result<Option<Value>> {
        Ok(match wish(change)? {
            Wish::Nothing => None,
            Wish::Gone(id) => {
                Some(json!({"method": "DELETE", "path": format!("/{}", Of::Users.one(id))}))
            }
            Wish::So(data, id) => {
                let edits = edits(self.profile, learned, &data)?;
                match id {
                    None => Some(json!({
                        "method": "POST",
                        "path": "/Users",
                        "bulkId": format!("c{place}"),
                        "data": new_resource(&edits),
                    })),
                    Some(id) if learned.patch => operations(&edits, None, false).map(|patch| {
                        let path = format!("/{}", Of::Users.one(id));
                        json!({"method": "PATCH", "path": path, "data": patch})
                    }),
                    Some(_) => None,
                }
            }
        })
    }

    /// Sends a part of a batch. False if the service takes no such requests.
    fn send_part(&self, part: &[Operation], ways: &mut [Way], ended: &mut Option<Failure>) -> bool {
        let content: Vec<&Value> = part.iter().map(|operation| &operation.content).collect();
        let request = json!({"schemas": [BULK_REQUEST], "Operations": content});
        let mut all = |failure: Failure| {
            for operation in part {
                ways[operation.place] = Way::Done(Err(failure.clone()));
            }
            if ends_batch(&failure) {
                *ended = Some(failure);
            }
            true
        };
        let response = match self.send("POST", BULK, Some(&request), None) {
            Ok(response) => response,
            Err(failure) => return all(failure),
        };
        let unknown = matches!(response.status, 408 | 425 | 500 | 502..) || is_page(&response);
        if unknown || matches!(response.status, 401 | 429) {
            return all(self.refused(&response, Of::Users, Doing::Creating));
        }
        if !Self::is_done(&response) {
            return false;
        }
        let answers = answers(&response);
        for operation in part {
            let answer = answers.iter().find(|answer| belongs(answer, operation));
            let way = answer.map_or(Way::Perhaps, |answer| self.way(answer, operation));
            if let Way::Done(Err(failure)) = &way
                && ends_batch(failure)
            {
                *ended = Some(failure.clone());
            }
            ways[operation.place] = way;
        }
        true
    }

    /// What becomes of a change by what the service answers to it.
    fn way(&self, answer: &Map<String, Value>, operation: &Operation) -> Way {
        let Some(response) = response(answer) else {
            return Way::Perhaps;
        };
        let (created, deleted) = (
            operation.is("method", "POST"),
            operation.is("method", "DELETE"),
        );
        let done = |id: Option<String>, disposition| match id {
            Some(id) => Way::Done(Ok(receipt(Some(&id), disposition))),
            None => Way::Perhaps,
        };
        let path = operation.content.get("path").and_then(Value::as_str);
        let known = path.and_then(|path| identity_at(path, Of::Users));
        match response.status {
            404 | 410 if deleted => done(known, Disposition::Deleted),
            200..300 if deleted => done(known, Disposition::Deleted),
            200..300 if created => done(identity(answer), Disposition::Created),
            200..300 => done(known, Disposition::Updated),
            _ if is_duplicate(&response) => Way::Singly,
            401 | 408 | 425 | 429 | 500 | 502.. => {
                let doing = if created {
                    Doing::Creating
                } else {
                    Doing::Writing
                };
                Way::Done(Err(self.refused(&response, Of::Users, doing)))
            }
            _ => Way::Singly,
        }
    }

    /// A change of which nobody knows whether it was made.
    fn write_perhaps(&self, learned: &Learned, change: &Change) -> Result<Receipt> {
        match wish(change)? {
            Wish::So(data, None) => {
                let edits: Vec<Edit<'_>> = edits(self.profile, learned, &data)?;
                self.create_unless_there(learned, &edits)
            }
            _ => self.write_one(learned, change),
        }
    }
}

/// Splits a batch by what the service takes in one request.
fn parts(operations: Vec<Operation>, bulk: Bulk) -> Vec<Vec<Operation>> {
    let most = bulk.operations as usize;
    let mut parts: Vec<Vec<Operation>> = Vec::new();
    let mut size = 0;
    for operation in operations {
        let length = operation.content.to_string().len() as u64 + 1;
        let fits = |part: &Vec<Operation>| part.len() < most && size + length <= bulk.payload;
        match parts.last_mut().filter(|part| fits(part)) {
            Some(part) => part.push(operation),
            None => {
                parts.push(vec![operation]);
                size = AROUND;
            }
        }
        size += length;
    }
    parts
}

/// The answers to the operations; none if there are none to be read.
fn answers(response: &Response) -> Vec<Map<String, Value>> {
    let content: Option<Value> = serde_json::from_slice(&response.body).ok();
    let list = content
        .as_ref()
        .and_then(|content| member(content, "Operations"));
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_object).cloned().collect()
}

/// By its `bulkId`, else by its method and address.
fn belongs(answer: &Map<String, Value>, operation: &Operation) -> bool {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let method = text("method").is_none_or(|method| {
        operation
            .content
            .get("method")
            .and_then(Value::as_str)
            .is_some_and(|ours| ours.eq_ignore_ascii_case(method))
    });
    if operation.content.get("bulkId").is_some() {
        return method && text("bulkId").is_some_and(|id| operation.is("bulkId", id));
    }
    let path = operation.content.get("path").and_then(Value::as_str);
    let ours = path.and_then(|path| identity_at(path, Of::Users));
    let theirs = text("location").and_then(|at| identity_at(at, Of::Users));
    method && ours.is_some() && ours == theirs
}

/// The answer to one operation as that to a request of its own would be.
fn response(answer: &Map<String, Value>) -> Option<Response> {
    let status = match answer.get("status")? {
        // Drafts of the standard had an object.
        Value::Object(status) => status.get("code")?,
        status => status,
    };
    let status = match status {
        Value::String(status) => status.trim().parse().ok()?,
        status => u16::try_from(status.as_u64()?).ok()?,
    };
    let content = answer.get("response").filter(|content| !content.is_null());
    Some(Response {
        status,
        headers: Vec::new(),
        body: content
            .map(|content| content.to_string().into_bytes())
            .unwrap_or_default(),
    })
}

/// The identity of what an operation created.
fn identity(answer: &Map<String, Value>) -> Option<String> {
    let content = answer.get("response");
    let told = content.and_then(|content| body::id(member(content, "id")?));
    let location = answer.get("location").and_then(Value::as_str);
    told.or_else(|| identity_at(location?, Of::Users))
}
