//! `/beta/users`.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::organisation::{Organisation, User};
use super::values::apply;
use super::{Outcome, Problem, Refusal, data, page, paged};
use crate::journal::Effect;
use crate::request::Call;
use crate::serve::Twist;

const EMBEDDED: [&str; 2] = ["primary_reporter", "direct_reports"];
const EMBEDDED_ALONE: [&str; 4] = [
    "primary_reporter",
    "direct_reports",
    "hr_managers",
    "secondary_managers",
];

pub(super) fn list(organisation: &Organisation, call: &Call, twist: Twist) -> Outcome {
    let (number, size) = page(call)?;
    let include = include(call, &EMBEDDED)?;
    let pairs = call.query_pairs();
    let email = pairs.iter().find(|(key, _)| key == "email");
    let email = email.map(|(_, value)| value.to_lowercase());
    let users: Vec<&User> = organisation
        .users
        .iter()
        .filter(|user| {
            email
                .as_ref()
                .is_none_or(|email| user.text("email").to_lowercase() == *email)
        })
        .collect();
    let total = twist.total(users.len());
    let shown: Vec<Value> = twist
        .window((number - 1) * size, size, users.len())
        .into_iter()
        .filter_map(|range| users.get(range))
        .flatten()
        .map(|user| organisation.shown(user, false, &include))
        .collect();
    Ok(paged(&shown, total, number, size))
}

fn include(call: &Call, known: &[&'static str]) -> Result<Vec<&'static str>, Refusal> {
    let pairs = call.query_pairs();
    let wanted = pairs.iter().find(|(key, _)| key == "include");
    let wanted = wanted.map_or("", |(_, value)| value.as_str());
    wanted
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| {
            let found = known.iter().copied().find(|known| *known == name);
            found.ok_or_else(|| Refusal::bad("include has an unknown value"))
        })
        .collect()
}

pub(super) fn get(organisation: &Organisation, call: &Call, id: &str) -> Outcome {
    let include = include(call, &EMBEDDED_ALONE)?;
    let at = organisation.find(id).ok_or_else(Refusal::not_found)?;
    let user = organisation.users.get(at).ok_or_else(Refusal::not_found)?;
    let shown = organisation.shown(user, true, &include);
    Ok(data(StatusCode::OK, &shown))
}

pub(super) fn post(organisation: &mut Organisation, body: &Value) -> Outcome {
    let id = create(organisation, body).map_err(Refusal::Invalid)?;
    answer(organisation, &id, StatusCode::CREATED, Effect::Created)
}

/// A new user; its identifier.
pub(super) fn create(
    organisation: &mut Organisation,
    body: &Value,
) -> Result<String, Vec<Problem>> {
    let empty = Map::new();
    let body = body.as_object().unwrap_or(&empty);
    let mut user = apply(organisation, &User::default(), body)?;
    user.id = organisation.uuid();
    let id = user.id.clone();
    organisation.users.push(user);
    Ok(id)
}

pub(super) fn change(organisation: &mut Organisation, id: &str, body: &Value) -> Outcome {
    let at = organisation.find(id).ok_or_else(Refusal::not_found)?;
    let (Some(user), Some(body)) = (organisation.users.get(at), body.as_object()) else {
        return Err(Refusal::not_found());
    };
    let changed = apply(organisation, user, body).map_err(Refusal::Invalid)?;
    let before = organisation.shown(user, true, &EMBEDDED_ALONE);
    let same = organisation.shown(&changed, true, &EMBEDDED_ALONE) == before;
    if let Some(user) = organisation.users.get_mut(at) {
        *user = changed;
    }
    let effect = if same {
        Effect::Unchanged
    } else {
        Effect::Updated
    };
    answer(organisation, id, StatusCode::OK, effect)
}

pub(super) fn deactivate(
    organisation: &mut Organisation,
    id: &str,
    body: &Value,
    now: Timestamp,
) -> Outcome {
    let reason = match body.get("block_reason_code") {
        None => None,
        Some(Value::String(code)) => Some(code.as_str()),
        Some(_) => return Err(invalid("must be a string")),
    };
    let known = |code: &str| {
        let mut reasons = organisation.reasons.iter();
        reasons.any(|reason| reason["code"] == code && reason["archived"] == false)
    };
    if reason.is_some_and(|code| !known(code)) {
        return Err(invalid("is unknown"));
    }
    if !organisation.block(id, reason, now) {
        return Err(Refusal::not_found());
    }
    answer(organisation, id, StatusCode::OK, Effect::Updated)
}

fn invalid(message: &str) -> Refusal {
    Refusal::Invalid(vec![Problem::wrong("block_reason_code", message)])
}

pub(super) fn activate(organisation: &mut Organisation, id: &str) -> Outcome {
    let at = organisation.find(id).ok_or_else(Refusal::not_found)?;
    let user = organisation
        .users
        .get_mut(at)
        .ok_or_else(Refusal::not_found)?;
    let effect = if user.blocked {
        Effect::Updated
    } else {
        Effect::Unchanged
    };
    user.blocked = false;
    user.reason = None;
    user.blocked_at = None;
    answer(organisation, id, StatusCode::OK, effect)
}

fn answer(organisation: &Organisation, id: &str, status: StatusCode, effect: Effect) -> Outcome {
    let at = organisation.find(id).ok_or_else(Refusal::not_found)?;
    let user = organisation.users.get(at).ok_or_else(Refusal::not_found)?;
    let shown = organisation.shown(user, true, &[]);
    Ok(data(status, &shown).effect(effect))
}
