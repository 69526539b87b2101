//! Groups: found, made, renamed, and people put in and taken out.
//!
//! Whom others put into a group stays in it, so members are added and removed one by one and never written
//! as a list, as long as the service lets us. In the normal case a change is one PATCH without reading the
//! group, which may have thousands of members. Where that is refused, the group is read once and what is
//! still missing is written again:
//!
//! - Somebody is no member, or is one already (400 `noTarget`): the rest is written, singly if the service does
//!   not show its members.
//! - A version refused (412): it is repeated with the version that was read.
//! - `members[value eq "…"]` is not understood: if the service shows who is a member, the remaining members
//!   replace the list. If it does not, the ones to remove are named as the operation's value. Only then,
//!   because by the standard that operation removes everybody, and a service that follows it shows its
//!   members; and not while people to be added may be what was refused.
//! - No PATCH: the group is replaced by PUT.
//!
//! Services do not agree on how they refuse a member that does not exist. Any refusal that is left when
//! somebody was to be added is therefore put down to that (`unknown-member`), and the host tries them singly.

use matricula_sdk::{
    Change, Disposition, Effect, Failure, FailureKind, Found, Preparation, Receipt, Response,
    Result, json as body,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::client::{Account, Client, Of};
use crate::failure::{Doing, is_duplicate, scim_type};
use crate::find::Key;
use crate::learned::Learned;
use crate::members::{Removal, entries, patch, remaining};
use crate::path::{Path, member};
use crate::profile::{DISPLAY_NAME, EXTERNAL_ID, GROUP};
use crate::write::{Wish, identity, in_turn, receipt, wish};

/// What there is of groups at a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Groups {
    /// So many, if the service tells.
    Offered(Option<u64>),
    /// The credential may not see them.
    Forbidden,
    /// The service has none.
    NotOffered,
}

/// The change of a group, as the contract has it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Wanted {
    pub(crate) external_id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) add: Vec<String>,
    pub(crate) remove: Vec<String>,
}

impl Client<'_> {
    /// Whether there are groups, with one of them read.
    pub fn groups(&self) -> Result<Groups> {
        let response = self.get(&Of::Groups.page(1, 1))?;
        Ok(match response.status {
            403 => Groups::Forbidden,
            400 | 404 | 405 | 501 => Groups::NotOffered,
            _ => Groups::Offered(self.listing(&response)?.total),
        })
    }

    /// As [`Client::prepare`] for groups. If there are none, or they may not be seen, every attribute is
    /// unavailable. Whether groups have an external id is in no schema, as it is common to all resources; but a
    /// service whose groups have none refuses to search for it.
    pub fn prepare_groups(&self, attributes: &[String]) -> Result<Preparation> {
        let learned = self.learn_features()?;
        let mut unavailable = Vec::new();
        let status = match learned.filter {
            true => {
                let path = Of::Groups.search(EXTERNAL_ID, "matricula");
                let response = self.get(&format!("{path}&startIndex=1&count=1"))?;
                if response.status == 200 {
                    self.listing(&response)?;
                }
                response.status
            }
            false => 0,
        };
        if status != 200 {
            match self.groups()? {
                Groups::Offered(_) if matches!(status, 400 | 501) => {
                    unavailable.push("external_id".to_owned());
                }
                Groups::Offered(_) => {}
                Groups::Forbidden | Groups::NotOffered => unavailable = attributes.to_vec(),
            }
        }
        Ok(Preparation {
            prepared: learned.token()?,
            unavailable,
        })
    }

    /// Finds groups by `external_id`, by `name` (exactly), or by `remote-id`: one list per value, in order.
    pub fn find_groups(
        &self,
        prepared: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>> {
        let learned = Learned::read(prepared)?;
        let groups = match attribute {
            crate::REMOTE_ID => {
                let one = |id: &String| match id.trim() {
                    "" => Ok(Vec::new()),
                    id => Ok(self.kept(Of::Groups, id)?.into_iter().collect()),
                };
                values.iter().map(one).collect::<Result<_>>()?
            }
            "external_id" => self.search_each(&learned, Of::Groups, Key::ExternalId, values)?,
            "name" => self.search_each(&learned, Of::Groups, Key::DisplayName, values)?,
            _ => {
                let message = format!(
                    "groups in {} cannot be found by {attribute}",
                    self.profile.system
                );
                return Err(Failure::new(FailureKind::Internal, message).code("not-offered"));
            }
        };
        let found = |group: Account| Found {
            data: json!({
                "external_id": text_at(EXTERNAL_ID, &group.resource),
                "name": text_at(DISPLAY_NAME, &group.resource),
            })
            .to_string(),
            remote_id: group.id,
        };
        Ok(groups
            .into_iter()
            .map(|list: Vec<_>| list.into_iter().map(found).collect())
            .collect())
    }

    /// Writes a batch of groups: one outcome per change, in order, as [`Client::write`] does.
    pub fn write_groups(&self, prepared: &str, changes: &[Change]) -> Result<Vec<Result<Receipt>>> {
        let learned = Learned::read(prepared)?;
        // What was refused once in this batch is not tried again in it.
        let mut removal = Removal::Each;
        Ok(in_turn(changes, |change| {
            self.write_group(&learned, change, &mut removal)
        }))
    }

    fn write_group(
        &self,
        learned: &Learned,
        change: &Change,
        removal: &mut Removal,
    ) -> Result<Receipt> {
        let (data, id) = match wish(change)? {
            Wish::Nothing => return Ok(receipt(None, Disposition::Skipped)),
            Wish::Gone(id) => return self.delete(Of::Groups, id),
            Wish::So(data, id) => (data, id),
        };
        let mut wanted: Wanted = serde_json::from_value(Value::Object(data)).map_err(|error| {
            let message = format!("the host passed a group that cannot be read: {error}");
            Failure::new(FailureKind::Internal, message)
        })?;
        wanted.remove.retain(|id| !wanted.add.contains(id));
        let Some(id) = id else {
            return self.create_group(learned, &wanted);
        };
        let disposition = match self.modify_group(learned, id, wanted, removal)? {
            true => Disposition::Updated,
            false => Disposition::Unchanged,
        };
        Ok(receipt(Some(id), disposition))
    }

    fn create_group(&self, learned: &Learned, wanted: &Wanted) -> Result<Receipt> {
        let Some(name) = &wanted.name else {
            let message = "the host passed a group without a name";
            return Err(Failure::new(FailureKind::Internal, message));
        };
        let mut group = json!({"schemas": [GROUP], DISPLAY_NAME: name});
        if let Some(external_id) = &wanted.external_id {
            group[EXTERNAL_ID] = Value::from(external_id.as_str());
        }
        if !wanted.add.is_empty() {
            group["members"] = entries(&wanted.add);
        }
        let response = self.send("POST", Of::Groups.endpoint(), Some(&group), None)?;
        if is_duplicate(&response) {
            return self.adopt_group(learned, wanted);
        }
        if !Self::is_done(&response) {
            return Err(self.refused_member(&response, Doing::Creating, !wanted.add.is_empty()));
        }
        let id = match identity(&response, Of::Groups) {
            Some(id) => id,
            None => self.identity_of_group(learned, wanted)?,
        };
        Ok(receipt(Some(&id), Disposition::Created))
    }

    /// For services that do not say which group they made.
    fn identity_of_group(&self, learned: &Learned, wanted: &Wanted) -> Result<String> {
        let lost = |failure: Failure| failure.effect(Effect::Applied);
        let groups = self.same_groups(learned, wanted).map_err(lost)?;
        match groups.as_slice() {
            [group] => Ok(group.id.clone()),
            _ => {
                let system = self.profile.system;
                let message =
                    format!("{system} made a group and does not say which, and it cannot be found");
                Err(lost(
                    Failure::new(FailureKind::Protocol, message).code("no-id"),
                ))
            }
        }
    }

    /// The groups with our external id and, if there are none, those with the name.
    fn same_groups(&self, learned: &Learned, wanted: &Wanted) -> Result<Vec<Account>> {
        let search = |key: Key, value: &Option<String>| -> Result<Vec<Account>> {
            let values: Vec<String> = value.iter().cloned().collect();
            let found = self.search_each(learned, Of::Groups, key, &values)?;
            Ok(found.into_iter().next().unwrap_or_default())
        };
        let ours = search(Key::ExternalId, &wanted.external_id)?;
        if ours.is_empty() {
            return search(Key::DisplayName, &wanted.name);
        }
        Ok(ours)
    }

    fn adopt_group(&self, learned: &Learned, wanted: &Wanted) -> Result<Receipt> {
        let system = self.profile.system;
        let conflict =
            |code: &str, what: String| Err(Failure::new(FailureKind::Conflict, what).code(code));
        let groups = self.same_groups(learned, wanted)?;
        let [group] = groups.as_slice() else {
            return match groups.as_slice() {
                [] => conflict(
                    "uniqueness",
                    format!(
                        "{system} refuses the group as a duplicate but shows none with its external id or \
                         name: look there for a deleted or hidden group of that name"
                    ),
                ),
                _ => conflict(
                    "ambiguous-group",
                    format!("{system} has several groups of this name: leave only one of them"),
                ),
            };
        };
        let holder = text_at(EXTERNAL_ID, &group.resource);
        if holder.is_some() && holder != wanted.external_id {
            return conflict(
                "foreign-group",
                format!(
                    "a group of this name in {system} belongs to another external id: rename it, or clear its \
                     external id so that it can be taken over"
                ),
            );
        }
        let mut wanted = wanted.clone();
        // A search leaves the members out, but not these.
        wanted.external_id = wanted.external_id.filter(|_| holder.is_none());
        if text_at(DISPLAY_NAME, &group.resource) == wanted.name {
            wanted.name = None;
        }
        self.modify_group(learned, &group.id, wanted, &mut Removal::Each)?;
        Ok(receipt(Some(&group.id), Disposition::Adopted))
    }

    /// Makes a group as wanted. False if it was so already, which only shows where it had to be read.
    fn modify_group(
        &self,
        learned: &Learned,
        id: &str,
        wanted: Wanted,
        removal: &mut Removal,
    ) -> Result<bool> {
        if wanted.is_nothing() {
            return Ok(false);
        }
        if !learned.patch {
            return self.replace_group(id, &wanted);
        }
        let path = Of::Groups.one(id);
        let mut refusal: Option<Response> = None;
        // Who removes otherwise than by path has to know the group first.
        if wanted.remove.is_empty() || *removal == Removal::Each {
            let content = patch(&wanted, Removal::Each, &[]);
            let response = self.send("PATCH", &path, Some(&content), None)?;
            match response.status {
                _ if Self::is_done(&response) => return Ok(true),
                405 | 501 => return self.replace_group(id, &wanted),
                400 | 404 | 412 | 422 | 428 if !is_duplicate(&response) => {}
                _ => return Err(self.refused(&response, Of::Groups, Doing::Writing)),
            }
            refusal = Some(response);
        }

        let group = self.existing(Of::Groups, id)?;
        let target = refusal.as_ref().and_then(scim_type);
        let understood = target == Some("noTarget");
        let shown = members(&group.resource);
        // One of several is no member, and which one is not to be seen.
        if understood && shown.is_none() && wanted.remove.len() > 1 {
            return self.remove_singly(&path, wanted);
        }
        // Who understands the path and shows no members has none in this group.
        let members = shown.or_else(|| understood.then(Vec::new));
        let rest = wanted.missing_in(&group.resource, members.as_deref());
        if rest.is_nothing() {
            return Ok(false);
        }
        // As long as it may be the added ones that were refused, nothing is sent that could remove everybody.
        let about_path = matches!(target, Some("invalidPath" | "invalidFilter"));
        if let Some(response) = &refusal
            && members.is_none()
            && !about_path
            && !(wanted.add.is_empty() || wanted.remove.is_empty())
            && !matches!(response.status, 412 | 428)
        {
            return Err(self.refused_member(response, Doing::Writing, true));
        }
        let status = refusal.as_ref().map(|response| response.status);
        let versioned = matches!(status, Some(412 | 428));
        let about_people = understood && rest.remove != wanted.remove;
        let manner = match &members {
            _ if versioned || about_people || rest.remove.is_empty() => Removal::Each,
            Some(_) => Removal::Rest,
            None => Removal::Named,
        };
        if let Some(response) = refusal
            && manner == Removal::Each
            && rest == wanted
            && !versioned
        {
            return Err(self.refused_member(&response, Doing::Writing, !rest.add.is_empty()));
        }
        let remaining = members.unwrap_or_default();
        let content = patch(&rest, manner, &remaining);
        let version = group.version.as_deref();
        let version = version.filter(|_| learned.etag || versioned);
        let response = self.send("PATCH", &path, Some(&content), version)?;
        match response.status {
            _ if Self::is_done(&response) => {
                if manner != Removal::Each {
                    *removal = manner;
                }
                Ok(true)
            }
            405 | 501 => self.replace_group(id, &wanted),
            _ => Err(self.refused_member(&response, Doing::Writing, !rest.add.is_empty())),
        }
    }

    /// For services without PATCH.
    fn replace_group(&self, id: &str, wanted: &Wanted) -> Result<bool> {
        let group = self.existing(Of::Groups, id)?;
        // By the standard a group that shows no members has none.
        let shown = members(&group.resource).unwrap_or_default();
        let rest = wanted.missing_in(&group.resource, Some(&shown));
        if rest.is_nothing() {
            return Ok(false);
        }
        let mut resource = group.resource.as_object().cloned().unwrap_or_default();
        for name in ["meta", "members"] {
            remove(&mut resource, name);
        }
        for (name, value) in [(DISPLAY_NAME, &rest.name), (EXTERNAL_ID, &rest.external_id)] {
            if let Some(value) = value {
                remove(&mut resource, name);
                resource.insert(name.to_owned(), Value::from(value.as_str()));
            }
        }
        resource.entry("schemas").or_insert_with(|| json!([GROUP]));
        resource.insert("members".to_owned(), remaining(&shown, &rest));
        let path = Of::Groups.one(id);
        let version = group.version.as_deref();
        let response = self.send("PUT", &path, Some(&Value::Object(resource)), version)?;
        match Self::is_done(&response) {
            true => Ok(true),
            false => Err(self.refused_member(&response, Doing::Writing, !rest.add.is_empty())),
        }
    }

    /// What a refusal means if it may be about somebody who was to be added.
    pub(crate) fn refused_member(
        &self,
        response: &Response,
        doing: Doing,
        adding: bool,
    ) -> Failure {
        let failure = self.refused(response, Of::Groups, doing);
        let of_change = matches!(response.status, 400 | 404 | 422) && !is_duplicate(response);
        if !adding || !of_change || failure.kind == FailureKind::Unavailable {
            return failure;
        }
        let message = format!(
            "{} does not take somebody as a member of a group (status {}): the account may be gone there",
            self.profile.system, response.status
        );
        Failure::new(FailureKind::Input, message).code("unknown-member")
    }
}

impl Wanted {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// What a group lacks of it. Members that are not shown may be so already.
    fn missing_in(&self, group: &Value, members: Option<&[Value]>) -> Self {
        let differs = |name: &str, wanted: &Option<String>| {
            let held = Path::parse(name).get(group).and_then(Value::as_str);
            wanted.clone().filter(|wanted| held != Some(wanted))
        };
        let is_member = |id: &String| {
            members.is_some_and(|members| members.iter().any(|entry| is_of(entry, id)))
        };
        let keep = |ids: &[String], keep: &dyn Fn(&String) -> bool| {
            ids.iter().filter(|id| keep(id)).cloned().collect()
        };
        Self {
            external_id: differs(EXTERNAL_ID, &self.external_id),
            name: differs(DISPLAY_NAME, &self.name),
            add: keep(&self.add, &|id| !is_member(id)),
            remove: keep(&self.remove, &|id| members.is_none() || is_member(id)),
        }
    }
}

/// The members that the service shows; none if it shows nothing of them.
fn members(group: &Value) -> Option<Vec<Value>> {
    member(group, "members")?.as_array().cloned()
}

pub(crate) fn is_of(entry: &Value, id: &str) -> bool {
    let value = member(entry, "value").unwrap_or(entry);
    body::id(value).as_deref() == Some(id)
}

fn text_at(path: &str, resource: &Value) -> Option<String> {
    let value = Path::parse(path).get(resource)?;
    body::text(value).map(str::to_owned)
}

fn remove(object: &mut Map<String, Value>, name: &str) {
    object.retain(|key, _| !key.eq_ignore_ascii_case(name));
}
