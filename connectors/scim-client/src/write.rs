//! Writing accounts.
//!
//! The normal case is one request per change: POST creates, PATCH updates. Everything else is what
//! services do instead, and each of those ways is gone at most once per change:
//!
//! - A duplicate refused (409): the account is looked up, by our external id and then by user name, and
//!   adopted if it is the only one and nobody else's. As adopting writes our external id, a create that
//!   is repeated after a crash or a lost answer finds the same account again.
//! - A path refused because there is nothing to remove or to replace there yet: the account is read, and
//!   only what differs is written.
//! - A version refused (412): the account is read again and the change repeated.
//! - No PATCH: the account is read, changed and replaced by PUT.
//!
//! Where the service takes several changes in one request, they go that way first (see [`crate::bulk`]).
//!
//! A version is sent only where one was read a moment ago. A linked account is changed without: the
//! source decides what its attributes are, and asking first would double the requests.

use matricula_sdk::{
    Change, Disposition, Effect, Failure, FailureKind, Receipt, Response, Result, json as body,
};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::canonical::{Edit, edits};
use crate::client::{Account, Client, Of};
use crate::failure::{Doing, ends_batch, is_duplicate, scim_type};
use crate::find::Key;
use crate::learned::Learned;
use crate::path::{Path, member};
use crate::profile::{CORE, EXTERNAL_ID, USER_NAME};

pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

impl Client<'_> {
    /// Writes a batch: one outcome per change, in order.
    ///
    /// A failure is of one change. Only after one that the next change would meet as well (credential
    /// rejected, too many requests, no connection) the rest is answered with it unsent. Fails as a whole
    /// if `prepared` is none of ours.
    pub fn write(&self, prepared: &str, changes: &[Change]) -> Result<Vec<Result<Receipt>>> {
        let learned = Learned::read(prepared)?;
        match learned.bulk {
            Some(bulk) if changes.len() > 1 => Ok(self.write_in_bulk(&learned, bulk, changes)),
            _ => Ok(in_turn(changes, |change| self.write_one(&learned, change))),
        }
    }

    pub(crate) fn write_one(&self, learned: &Learned, change: &Change) -> Result<Receipt> {
        match wish(change)? {
            Wish::Nothing => Ok(receipt(None, Disposition::Skipped)),
            Wish::Gone(id) => self.delete(Of::Users, id),
            Wish::So(data, Some(id)) => {
                let modified = self.modify_or_block(learned, id, &data)?;
                let disposition = match modified {
                    true => Disposition::Updated,
                    false => Disposition::Unchanged,
                };
                Ok(receipt(Some(id), disposition))
            }
            Wish::So(data, None) => {
                let edits = edits(self.profile, learned, &data)?;
                self.create(learned, &edits)
            }
        }
    }

    fn create(&self, learned: &Learned, edits: &[Edit<'_>]) -> Result<Receipt> {
        let resource = new_resource(edits);
        let response = self.send("POST", Of::Users.endpoint(), Some(&resource), None)?;
        if is_duplicate(&response) {
            return self.adopt(learned, edits);
        }
        if !Self::is_done(&response) {
            return Err(self.refused(&response, Of::Users, Doing::Creating));
        }
        let id = match identity(&response, Of::Users) {
            Some(id) => id,
            None => self.identity_of_created(learned, edits)?,
        };
        Ok(receipt(Some(&id), Disposition::Created))
    }

    /// Creates an account that may have been created already by a request without a readable answer.
    pub(crate) fn create_unless_there(
        &self,
        learned: &Learned,
        edits: &[Edit<'_>],
    ) -> Result<Receipt> {
        let unknown = |failure: Failure| failure.effect(Effect::Unknown);
        let (ours, named) = self.candidates(learned, edits).map_err(unknown)?;
        match (ours.as_slice(), named.as_slice()) {
            ([], []) => self.create(learned, edits),
            _ => self.adopt(learned, edits),
        }
    }

    /// For services that do not say which account they made.
    pub(crate) fn identity_of_created(
        &self,
        learned: &Learned,
        edits: &[Edit<'_>],
    ) -> Result<String> {
        let lost = |failure: Failure| failure.effect(Effect::Applied);
        let (ours, named) = self.candidates(learned, edits).map_err(lost)?;
        let accounts = if ours.is_empty() { named } else { ours };
        match accounts.as_slice() {
            [account] => Ok(account.id.clone()),
            _ => Err(lost(
                Failure::new(
                    FailureKind::Protocol,
                    format!(
                        "{} made an account and does not say which, and it cannot be found",
                        self.profile.system
                    ),
                )
                .code("no-id"),
            )),
        }
    }

    /// The accounts with our external id and, if there are none, those with our user name.
    fn candidates(
        &self,
        learned: &Learned,
        edits: &[Edit<'_>],
    ) -> Result<(Vec<Account>, Vec<Account>)> {
        let search = |key: Key, value: Option<&str>| -> Result<Vec<Account>> {
            let Some(value) = value else {
                return Ok(Vec::new());
            };
            let found = self.search_each(learned, Of::Users, key, &[value.to_owned()])?;
            Ok(found.into_iter().next().unwrap_or_default())
        };
        let ours = search(Key::ExternalId, wanted(edits, EXTERNAL_ID))?;
        let named = match ours.is_empty() {
            true => search(Key::UserName, wanted(edits, USER_NAME))?,
            false => Vec::new(),
        };
        Ok((ours, named))
    }

    pub(crate) fn adopt(&self, learned: &Learned, edits: &[Edit<'_>]) -> Result<Receipt> {
        let system = self.profile.system;
        let conflict =
            |code: &str, what: String| Err(Failure::new(FailureKind::Conflict, what).code(code));
        let (ours, named) = self.candidates(learned, edits)?;
        let is_ours = !ours.is_empty();
        let account = match (if is_ours { ours } else { named }).try_into() {
            Ok::<[Account; 1], _>([account]) => account,
            Err(accounts) if accounts.is_empty() => {
                return conflict(
                    "uniqueness",
                    format!(
                        "{system} refuses the account as a duplicate but shows none with its external id or \
                         e-mail address: look there for a deleted or hidden account with that address, and \
                         restore or rename it"
                    ),
                );
            }
            Err(_) => {
                return conflict(
                    "ambiguous-account",
                    format!(
                        "{system} has several accounts with this external id or e-mail address: leave only \
                         one of them"
                    ),
                );
            }
        };
        let holder = Path::parse(EXTERNAL_ID)
            .get(&account.resource)
            .and_then(body::id);
        if !is_ours && holder.is_some() {
            return conflict(
                "foreign-account",
                format!(
                    "an account in {system} with this e-mail address belongs to another external id: change \
                     its e-mail address, or clear its external id so that it can be taken over"
                ),
            );
        }
        let id = account.id.clone();
        self.modify(learned, &id, edits, Some(account))?;
        Ok(receipt(Some(&id), Disposition::Adopted))
    }

    /// Makes an account as the edits say; `known` is how it was a moment ago. False if it was so already,
    /// which only shows where the account had to be read.
    pub(crate) fn modify(
        &self,
        learned: &Learned,
        id: &str,
        edits: &[Edit<'_>],
        mut known: Option<Account>,
    ) -> Result<bool> {
        if edits.is_empty() {
            return Ok(false);
        }
        let path = Of::Users.one(id);
        // Search results may leave attributes out, so they only tell what needs no writing.
        let mut whole = false;
        let mut replace = !learned.patch;
        let mut versioned = learned.etag;
        let mut repeated = false;
        loop {
            if replace && !whole {
                known = Some(self.existing(Of::Users, id)?);
                whole = true;
            }
            let current = known.as_ref().map(|account| &account.resource);
            let content = match current {
                Some(current) if replace => replacement(edits, current),
                _ => operations(edits, current, whole),
            };
            let Some(content) = content else {
                return Ok(false);
            };
            let version = known
                .as_ref()
                .and_then(|account| account.version.as_deref());
            let method = if replace { "PUT" } else { "PATCH" };
            let version = version.filter(|_| versioned);
            let response = self.send(method, &path, Some(&content), version)?;
            match response.status {
                _ if Self::is_done(&response) => return Ok(true),
                412 | 428 if !repeated => {
                    repeated = true;
                    versioned = true;
                    known = Some(self.existing(Of::Users, id)?);
                    whole = true;
                }
                405 | 501 if !replace => replace = true,
                400 | 404 if !replace && !whole && is_about_paths(&response, edits) => {
                    known = Some(self.existing(Of::Users, id)?);
                    whole = true;
                }
                _ => return Err(self.refused(&response, Of::Users, Doing::Writing)),
            }
        }
    }

    pub(crate) fn delete(&self, of: Of, id: &str) -> Result<Receipt> {
        let path = of.one(id);
        let deleted = |id| Ok(receipt(Some(id), Disposition::Deleted));
        let mut response = self.send("DELETE", &path, None, None)?;
        if matches!(response.status, 412 | 428) {
            // It wants a version, whether it announced that or not.
            response = match self.kept(of, id)? {
                Some(account) => self.send("DELETE", &path, None, account.version.as_deref())?,
                None => return deleted(id),
            };
        }
        match response.status {
            404 | 410 => deleted(id),
            _ if Self::is_done(&response) => deleted(id),
            _ => Err(self.refused(&response, of, Doing::Writing)),
        }
    }
}

/// What a change asks for.
pub(crate) enum Wish<'c> {
    Nothing,
    Gone(&'c str),
    /// To be so; without an identity it is to be made.
    So(Map<String, Value>, Option<&'c str>),
}

pub(crate) fn wish(change: &Change) -> Result<Wish<'_>> {
    let data: Value = serde_json::from_str(&change.data).map_err(|error| {
        let what = format!("the host passed a change that is no JSON: {error}");
        Failure::new(FailureKind::Internal, what)
    })?;
    match (data, change.remote_id.as_deref()) {
        (Value::Null, Some(id)) => Ok(Wish::Gone(id)),
        (Value::Null, None) => Ok(Wish::Nothing),
        (Value::Object(data), id) => Ok(Wish::So(data, id)),
        _ => Err(Failure::new(
            FailureKind::Internal,
            "the host passed a change that is no object",
        )),
    }
}

/// One change after the other, until one fails in a way that the next would as well: then the rest is
/// answered with that, unsent.
pub(crate) fn in_turn(
    changes: &[Change],
    mut one: impl FnMut(&Change) -> Result<Receipt>,
) -> Vec<Result<Receipt>> {
    let mut outcomes: Vec<Result<Receipt>> = Vec::with_capacity(changes.len());
    for change in changes {
        let last = outcomes.last().and_then(|last| last.as_ref().err());
        let outcome = match last.filter(|failure| ends_batch(failure)) {
            Some(failure) => Err(failure.clone().effect(Effect::None)),
            None => one(change),
        };
        outcomes.push(outcome);
    }
    outcomes
}

pub(crate) fn receipt(id: Option<&str>, disposition: Disposition) -> Receipt {
    Receipt {
        remote_id: id.map(str::to_owned),
        disposition,
    }
}

fn wanted<'e>(edits: &'e [Edit<'_>], path: &str) -> Option<&'e str> {
    edits
        .iter()
        .find(|edit| edit.path.text() == path)?
        .value
        .as_ref()?
        .as_str()
}

/// Whether reading the account first could avoid the refusal: nothing there to remove, or no entry yet
/// of the type that a path filters for.
fn is_about_paths(response: &Response, edits: &[Edit<'_>]) -> bool {
    matches!(
        scim_type(response),
        Some("noTarget" | "invalidPath" | "invalidFilter")
    ) && edits
        .iter()
        .any(|edit| edit.value.is_none() || edit.path.is_entry())
}

pub(crate) fn new_resource(edits: &[Edit<'_>]) -> Value {
    let mut resource = Map::new();
    for edit in edits.iter().filter(|edit| edit.value.is_some()) {
        edit.apply(&mut resource);
    }
    declare_schemas(&mut resource);
    Value::Object(resource)
}

/// Names every schema that the resource has something of.
fn declare_schemas(resource: &mut Map<String, Value>) {
    let mut schemas = vec![Value::String(CORE.to_owned())];
    let extensions = resource.iter().filter(|(key, value)| {
        key.contains(':')
            && value
                .as_object()
                .is_some_and(|extension| !extension.is_empty())
    });
    let mut urns: Vec<&String> = extensions.map(|(urn, _)| urn).collect();
    urns.sort_unstable();
    schemas.extend(urns.into_iter().cloned().map(Value::String));
    if let Some(Value::Array(declared)) = resource.get("schemas") {
        let known = |schema: &Value| {
            let same = |other: &Value| match (schema.as_str(), other.as_str()) {
                (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
                _ => false,
            };
            declared.iter().any(same)
        };
        schemas.retain(|schema| !known(schema));
        schemas = declared.iter().cloned().chain(schemas).collect();
    }
    resource.insert("schemas".to_owned(), Value::Array(schemas));
}

/// A PATCH: without `current` of everything, with it of what differs; none if nothing does. What is not
/// in a `current` that is not whole may still be there.
pub(crate) fn operations(
    edits: &[Edit<'_>],
    current: Option<&Value>,
    whole: bool,
) -> Option<Value> {
    let operation = |edit: &Edit<'_>| {
        if current.is_some_and(|c| (whole || edit.value.is_some()) && edit.holds(c)) {
            return None;
        }
        if let Some(current) = current
            && whole
            && edit.path.is_entry()
        {
            return entries(edit, current);
        }
        let path = if edit.is_reference() {
            edit.path.whole()
        } else {
            edit.path.text()
        };
        Some(match &edit.value {
            None => json!({"op": "remove", "path": path}),
            Some(value) => {
                let value = match edit.path.sub.filter(|_| edit.is_reference()) {
                    Some(sub) => json!({ sub: value }),
                    None => value.clone(),
                };
                json!({"op": "replace", "path": path, "value": value})
            }
        })
    };
    let operations: Vec<Value> = edits.iter().filter_map(operation).collect();
    (!operations.is_empty()).then(|| json!({"schemas": [PATCH_OP], "Operations": operations}))
}

/// All entries of a multi-valued attribute with one of them changed: what every service understands.
fn entries(edit: &Edit<'_>, current: &Value) -> Option<Value> {
    let mut resource = current.as_object()?.clone();
    edit.apply(&mut resource);
    let name = edit.path.attribute;
    let list = member(&Value::Object(resource), name)?.clone();
    Some(json!({"op": "replace", "path": name, "value": list}))
}

/// The whole account as it should be; none if it is so already.
fn replacement(edits: &[Edit<'_>], current: &Value) -> Option<Value> {
    if edits.iter().all(|edit| edit.holds(current)) {
        return None;
    }
    let mut resource = current.as_object()?.clone();
    // The service's own, which some refuse to be sent back.
    for name in ["meta", "groups"] {
        resource.remove(name);
    }
    for edit in edits {
        edit.apply(&mut resource);
    }
    declare_schemas(&mut resource);
    Some(Value::Object(resource))
}

/// The identity of what was created: from the body, else from `Location`.
pub(crate) fn identity(response: &Response, of: Of) -> Option<String> {
    let created: Option<Value> = serde_json::from_slice(&response.body).ok();
    if let Some(id) = created
        .as_ref()
        .and_then(|created| body::id(member(created, "id")?))
    {
        return Some(id);
    }
    identity_at(response.header("location")?, of)
}

/// The identity in an address.
pub(crate) fn identity_at(location: &str, of: Of) -> Option<String> {
    let path = location.split(['?', '#']).next()?;
    let (before, id) = path.trim_end_matches('/').rsplit_once('/')?;
    let is_one = before
        .rsplit('/')
        .next()
        .is_some_and(|last| last.eq_ignore_ascii_case(of.endpoint()));
    let id = percent_decode_str(id).decode_utf8().ok()?;
    (is_one && !id.is_empty()).then(|| id.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(location: &str, body: &str) -> Option<String> {
        let response = Response {
            status: 201,
            headers: vec![("location".to_owned(), location.to_owned())],
            body: body.as_bytes().to_vec(),
        };
        identity(&response, Of::Users)
    }

    #[test]
    fn the_identity_of_a_created_account_is_read_from_the_body_or_the_location() {
        assert_eq!(answered("", r#"{"id": "7"}"#).as_deref(), Some("7"));
        assert_eq!(answered("", r#"{"ID": 7}"#).as_deref(), Some("7"));
        assert_eq!(
            answered("https://x.example.com/scim/v2/Users/a%20b", "").as_deref(),
            Some("a b")
        );
        assert_eq!(answered("/Users/7/?x=1", "{}").as_deref(), Some("7"));
        assert_eq!(answered("https://x.example.com/welcome", ""), None);
    }

    #[test]
    fn a_replaced_account_declares_the_extensions_it_gains() {
        let mut resource = json!({
            "schemas": ["URN:ietf:params:scim:schemas:core:2.0:user", "urn:x:User"],
            "urn:x:User": {"a": 1}, "urn:y:User": {"b": 1}, "urn:z:User": {},
        });
        declare_schemas(resource.as_object_mut().unwrap());
        assert_eq!(
            resource["schemas"],
            json!([
                "URN:ietf:params:scim:schemas:core:2.0:user",
                "urn:x:User",
                "urn:y:User"
            ])
        );
    }
}
