//! Writing users.
//!
//! A user is read before it is changed. The description of PATCH takes any combination of fields, its schema
//! demands names and e-mail address: with what was read both are kept. It also shows what is so already,
//! so that an adopted user who needs nothing is left alone, and nobody is activated twice.
//!
//! Access is a matter of its own: users are made active, and blocked and activated by requests of their own. A
//! value that is refused keeps nobody from being blocked.
//!
//! What is cleared is sent as an empty text or an empty list. The description has neither null nor an empty text
//! for a date, and no way at all to clear one: such a value stays, everything else is written, and the change
//! fails by naming what has to be cleared by hand. Once it is, nothing differs any more.

use matricula_sdk::{
    Change, Context, Disposition, Effect, Failure, FailureKind, Receipt, Response, Result, json,
};
use serde_json::{Map, Value, json};

use crate::api;
use crate::custom::{self, Catalogue, Custom};
use crate::find;
use crate::listing::identity;
use crate::names::{Kind, Resolver};
use crate::prepared::{CUSTOM, Prepared};
use crate::refusal::{Doing, Told, ends_batch, refused};
use crate::users::{self, DATES};

/// Without them no user is accepted.
const REQUIRED: [&str; 3] = ["first_name", "last_name", "email"];

/// The automation's setting that says with which reason users are deactivated.
const REASON: &str = "block_reason";

pub(crate) fn write(
    cx: &Context<'_>,
    prepared: &str,
    changes: &[Change],
) -> Result<Vec<Result<Receipt>>> {
    let mut prepared = Prepared::read(prepared)?;
    let mut writer = Writer {
        cx,
        custom: prepared.custom.take(),
        names: Resolver::new(cx, &prepared.names),
    };
    let mut outcomes: Vec<Result<Receipt>> = Vec::with_capacity(changes.len());
    for change in changes {
        let outcome = match outcomes.last() {
            Some(Err(before)) if ends_batch(before) => Err(before.clone().effect(Effect::None)),
            _ => writer.change(change),
        };
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// What becomes of the values of a change.
struct Body {
    /// What a request sets.
    sent: Map<String, Value>,
    /// Names of what is to be cleared and cannot be.
    stays: Vec<String>,
}

struct Writer<'a> {
    cx: &'a Context<'a>,
    custom: Option<Vec<Custom>>,
    names: Resolver<'a>,
}

impl Writer<'_> {
    fn change(&mut self, change: &Change) -> Result<Receipt> {
        let data: Value = serde_json::from_str(&change.data).unwrap_or_default();
        match (data, &change.remote_id) {
            (Value::Object(data), Some(id)) => {
                let changed = self.update(id, &data)?;
                Ok(receipt(
                    id.clone(),
                    match changed {
                        true => Disposition::Updated,
                        false => Disposition::Unchanged,
                    },
                ))
            }
            (Value::Object(data), None) => self.create(&data),
            _ => Err(crate::not_offered(
                "operation that removes a user:",
                "delete",
            )),
        }
    }

    fn create(&mut self, data: &Map<String, Value>) -> Result<Receipt> {
        let body = self.body(data, None)?.sent;
        let blank = |name: &&&str| body.get(**name).and_then(json::text).is_none();
        if let Some(missing) = REQUIRED.iter().find(blank) {
            return Err(Failure::new(
                FailureKind::Input,
                format!("Engagedly takes nobody without {missing}: enter it in the source"),
            )
            .code("missing_field"));
        }
        let response = api::send(self.cx, "POST", "users", Some(&Value::Object(body)))?;
        if response.status == 422
            && let Some(fields) = Told::read(&response).duplicates()
        {
            return self.adopt(data, &fields, &response);
        }
        let made = api::data(&response, Doing::Creating)?;
        let id = identity(&made).ok_or_else(|| {
            Failure::new(
                FailureKind::Protocol,
                "Engagedly made a user and does not say which",
            )
            .code("no-id")
            .effect(Effect::Applied)
        })?;
        if data.get("active") == Some(&Value::Bool(false)) {
            self.deactivate(&id)
                .map_err(|failure| failure.effect(Effect::Applied))?;
        }
        Ok(receipt(id, Disposition::Created))
    }

    /// Somebody has the e-mail address already: a user that this change made before its answer was lost, or
    /// that was entered by hand meanwhile. It is taken over unless another employee ID says that it is
    /// somebody else's.
    fn adopt(
        &mut self,
        data: &Map<String, Value>,
        fields: &[&str],
        response: &Response,
    ) -> Result<Receipt> {
        let conflict =
            |code: &str, what: &str| Err(Failure::new(FailureKind::Conflict, what).code(code));
        let email = data.get("email").and_then(json::text).unwrap_or_default();
        let named = find::by_email(self.cx, email)?;
        let [user] = named.as_slice() else {
            if named.is_empty() && fields.contains(&"email") {
                return conflict(
                    "duplicate_value",
                    "Engagedly refuses the user as a duplicate and shows none with this e-mail address: look \
                     there for one that is hidden, and change its address",
                );
            }
            return Err(refused(response, Doing::Creating));
        };
        let own = data.get("employee_id").and_then(json::text);
        let held = user.get("employee_id").and_then(json::id);
        if held.is_some() && own.is_some() && held.as_deref() != own {
            return conflict(
                "foreign-account",
                "a user in Engagedly with this e-mail address has another employee ID: change its address, or \
                 clear its employee ID so that it can be taken over",
            );
        }
        let Some(id) = identity(user) else {
            return conflict("no-id", "Engagedly sent a user without an id");
        };
        self.update(&id, data)?;
        Ok(receipt(id, Disposition::Adopted))
    }

    /// False if it was so already.
    fn update(&mut self, id: &str, data: &Map<String, Value>) -> Result<bool> {
        let active = data.get("active").and_then(Value::as_bool);
        if data.keys().all(|name| name == "active") {
            match active {
                Some(true) => self.activate(id)?,
                Some(false) => self.deactivate(id)?,
                None => return Ok(false),
            }
            return Ok(true);
        }
        let user = find::user(self.cx, id)?.ok_or_else(gone)?;
        let blocked = users::is_blocked(&user);
        let mut changed = false;
        let body = match self.body(data, Some(&user)) {
            // Nobody says whether somebody who is blocked can be changed.
            Ok(body) if active == Some(true) && blocked => {
                self.activate(id)?;
                changed = true;
                Ok(body)
            }
            body => body,
        };
        let mut stays = Vec::new();
        let patched = body.and_then(|body| {
            stays = body.stays;
            self.patch(id, &user, body.sent)
        });
        changed |= patched.as_ref().is_ok_and(|patched| *patched);
        // Whoever is to be shut out is, whatever else of them is refused.
        let goes_on = patched
            .as_ref()
            .err()
            .is_none_or(|failure| !ends_batch(failure));
        let mut deactivated = Ok(());
        if active == Some(false) && !blocked && goes_on {
            deactivated = self.deactivate(id);
            changed |= deactivated.is_ok();
        }
        let cleared = match stays.is_empty() {
            true => Ok(()),
            false => Err(not_clearable(&stays)),
        };
        match patched.and(deactivated).and(cleared) {
            Ok(()) => Ok(changed),
            Err(failure) if changed && failure.effect == Effect::None => {
                Err(failure.effect(Effect::Applied))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Sends what differs. False if nothing does.
    fn patch(&self, id: &str, user: &Value, mut body: Map<String, Value>) -> Result<bool> {
        if body.is_empty() {
            return Ok(false);
        }
        for name in REQUIRED {
            if !body.contains_key(name) {
                body.insert(name.to_owned(), user.get(name).cloned().unwrap_or_default());
            }
        }
        let body = Value::Object(body);
        let response = api::send(self.cx, "PATCH", &find::path(id), Some(&body))?;
        api::answer(&response, Doing::Changing)?;
        Ok(true)
    }

    fn activate(&self, id: &str) -> Result<()> {
        let path = format!("{}/activate", find::path(id));
        let response = api::send(self.cx, "PUT", &path, None)?;
        api::answer(&response, Doing::Changing).map(drop)
    }

    /// The reason is optional at Engagedly, and one that was taken away there since it was chosen is refused. That
    /// must not leave anybody in, so then it goes without.
    fn deactivate(&self, id: &str) -> Result<()> {
        let path = format!("{}/deactivate", find::path(id));
        let send = |body: Value| api::send(self.cx, "PUT", &path, Some(&body));
        if let Some(reason) = self.cx.setting(REASON).and_then(json::text) {
            let response = send(json!({ "block_reason_code": reason }))?;
            if !matches!(response.status, 400 | 422) {
                return api::answer(&response, Doing::Changing).map(drop);
            }
        }
        api::answer(&send(json!({}))?, Doing::Changing).map(drop)
    }

    /// What is to be written: with `user`, what differs from it; without, what is not empty.
    fn body(&mut self, data: &Map<String, Value>, user: Option<&Value>) -> Result<Body> {
        let held = user.map(users::attributes).unwrap_or_default();
        let mut body = Map::new();
        let mut stays = Vec::new();
        for (name, value) in data {
            if name == "active" || user.is_none() && value.is_null() {
                continue;
            }
            if let Some(kind) = Kind::of(name) {
                let ids = self.ids(kind, value)?;
                if user.is_none() && ids.is_empty() {
                    continue;
                }
                let same = user
                    .and_then(|user| users::held(user, kind))
                    .is_some_and(|held| {
                        held.len() == ids.len() && held.iter().all(|(id, _)| ids.contains(id))
                    });
                if !same {
                    let sent = match (kind.is_many(), ids.first()) {
                        (true, _) => json!(ids),
                        (false, Some(id)) => json!(id),
                        (false, None) => json!(""),
                    };
                    body.insert(name.clone(), sent);
                }
            } else if name == CUSTOM {
                let mut differs = self.custom(value)?;
                differs.retain(|key, value| !holds(user, key, value));
                let known = self.custom.as_deref().unwrap_or_default();
                for (key, _) in differs.iter().filter(|(_, value)| value.is_null()) {
                    let attribute = known.iter().find(|attribute| attribute.key == *key);
                    stays.push(attribute.map_or(key, |attribute| &attribute.title).clone());
                }
                differs.retain(|_, value| !value.is_null());
                if !differs.is_empty() {
                    body.insert(name.clone(), Value::Object(differs));
                }
            } else if user.is_none() || held.get(name).unwrap_or(&Value::Null) != value {
                let key = match name.as_str() {
                    "manager" => "manager_id",
                    name => name,
                };
                match value {
                    Value::Null if DATES.contains(&key) => stays.push(key.to_owned()),
                    // As Engagedly sends it too.
                    Value::Null => {
                        body.insert(key.to_owned(), json!(""));
                    }
                    value => {
                        body.insert(key.to_owned(), value.clone());
                    }
                }
            }
        }
        Ok(Body { sent: body, stays })
    }

    /// The identifiers for one name or several, each once.
    fn ids(&mut self, kind: Kind, value: &Value) -> Result<Vec<String>> {
        let one = std::slice::from_ref(value);
        let names = value.as_array().map_or(one, Vec::as_slice);
        let mut ids = Vec::with_capacity(names.len());
        for name in names.iter().filter_map(json::text) {
            let id = self.names.id(kind, name)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    fn custom(&mut self, value: &Value) -> Result<Map<String, Value>> {
        let Some(wanted) = value.as_object().filter(|wanted| !wanted.is_empty()) else {
            return Ok(Map::new());
        };
        if self.custom.is_none() {
            self.custom = Some(Catalogue::read(self.cx)?.unwrap_or_default().custom);
        }
        custom::values(self.custom.as_deref().unwrap_or_default(), wanted)
    }
}

/// Whether the user holds the value of an attribute of the organisation's own. Numbers and yes or no may come
/// back as text.
fn holds(user: Option<&Value>, key: &str, value: &Value) -> bool {
    let custom = user.and_then(|user| user.get(CUSTOM));
    let held = custom
        .and_then(|custom| custom.get(key)?.get("value"))
        .unwrap_or(&Value::Null);
    let plain = |value: &Value| match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Null => String::new(),
        Value::Array(list) if list.is_empty() => String::new(),
        other => other.to_string(),
    };
    held == value || plain(held) == plain(value)
}

fn receipt(id: String, disposition: Disposition) -> Receipt {
    Receipt {
        remote_id: Some(id),
        disposition,
    }
}

fn not_clearable(stays: &[String]) -> Failure {
    Failure::new(
        FailureKind::Input,
        format!(
            "empty now, but Engagedly's API has no way to clear it: {}; clear it there by hand (everything else is \
             up to date)",
            stays.join(", ")
        ),
    )
    .code("not-clearable")
}

fn gone() -> Failure {
    Failure::new(
        FailureKind::NotFound,
        "the user is no longer in Engagedly (status 404)",
    )
    .code("404")
}
