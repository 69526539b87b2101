//! Engagedly's API, as its documentation and its `OpenAPI` file describe it.
//!
//! Faked are users, what they point to (departments, business units, locations, job titles), user attributes
//! and reasons for deactivation; permissions, praises and learning are not. Where the documentation is silent
//! or contradicts itself, this is the reading taken:
//! - PATCH "takes any combination of fields", and its schema requires names and e-mail address: they are
//!   required.
//! - A field that is neither documented nor an attribute of the organisation is refused, an identifier of
//!   something that is not there too. Errors of this kind have no `code`, as only two codes are documented.
//! - What is empty is an empty text or an empty list. The schema has no null, and neither null nor an empty text
//!   is a date, a number, a yes or no or a choice: whoever has one of these keeps it, or gets another.
//! - E-mail addresses and employee IDs are unique, as names of departments and the like are, without regard to
//!   case. Blocked users are listed, found and changed like others.
//! - Whoever asks during a cool-down lengthens it (`rate.rs`).

mod organisation;
mod rate;
mod units;
mod users;
mod values;

use std::sync::{Arc, Mutex};

use hyper::header::{ACCEPT, HeaderName, RETRY_AFTER};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::request::{Call, decoded};
use crate::serve::Twist;
use crate::shared::Shared;
use crate::{Clock, lock};

use organisation::Organisation;
pub use organisation::Unit;
pub(crate) use rate::Rate;

const LARGEST_PAGE: usize = 50;
const DEFAULT_PAGE: usize = 25;

/// The organisation at Engagedly; clones show the same one.
#[derive(Clone)]
pub struct Engagedly {
    organisation: Arc<Mutex<Organisation>>,
    clock: Clock,
}

impl Engagedly {
    pub(crate) fn new(seed: u64, clock: Clock) -> Self {
        Self {
            organisation: Arc::new(Mutex::new(Organisation::new(seed))),
            clock,
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut Organisation) -> T) -> T {
        f(&mut lock(&self.organisation))
    }

    /// Every user, as the endpoint of a single user shows them, managers embedded.
    pub fn users(&self) -> Vec<Value> {
        self.with(|organisation| {
            let users = organisation.users.iter();
            users
                .map(|user| organisation.shown(user, true, &["primary_reporter"]))
                .collect()
        })
    }

    /// The user with an e-mail address, compared without regard to case.
    pub fn user(&self, email: &str) -> Option<Value> {
        let email = email.to_lowercase();
        self.users().into_iter().find(|user| {
            user["email"]
                .as_str()
                .is_some_and(|held| held.to_lowercase() == email)
        })
    }

    /// Adds a user, in the form of a request to create one; the identifier.
    ///
    /// # Errors
    /// What is wrong with it, as the API says it.
    pub fn insert(&self, user: &Value) -> Result<String, Value> {
        self.with(|organisation| {
            users::create(organisation, user).map_err(|problems| json!(problems))
        })
    }

    /// Blocks a user as somebody does by hand; false if there is none.
    pub fn block(&self, id: &str, reason: Option<&str>) -> bool {
        let now = self.clock.now();
        self.with(|organisation| organisation.block(id, reason, now))
    }

    /// Removes a user, which the API cannot; false if there is none.
    pub fn remove(&self, id: &str) -> bool {
        self.with(|organisation| {
            let before = organisation.users.len();
            organisation.users.retain(|user| user.id != id);
            organisation.users.len() < before
        })
    }

    /// What departments, business units, locations or job titles are called, in their order.
    pub fn names(&self, unit: Unit) -> Vec<String> {
        self.with(|organisation| {
            let entries = organisation.entries(unit).iter();
            entries.map(|entry| entry.name.clone()).collect()
        })
    }

    /// Adds one; its identifier.
    pub fn add(&self, unit: Unit, name: &str) -> String {
        self.with(|organisation| organisation.add(unit, name))
    }

    /// Calls one something else, as somebody does by hand; false if there is none of this name.
    pub fn rename(&self, unit: Unit, name: &str, to: &str) -> bool {
        self.with(|organisation| {
            let mut entries = organisation.entries_mut(unit).iter_mut();
            let entry = entries.find(|entry| entry.name == name);
            entry.map(|entry| to.clone_into(&mut entry.name)).is_some()
        })
    }

    /// Makes an attribute known, in the form of the catalogue (`name`, `attribute_key`, `preset`, `mandatory`,
    /// `data_type`, `attribute_options`), in place of one with the same key.
    pub fn define(&self, attribute: Value) {
        self.with(|organisation| {
            let key = attribute["attribute_key"].clone();
            let known = &mut organisation.attributes;
            known.retain(|other| other["attribute_key"] != key);
            known.push(attribute);
        });
    }

    /// Archives a reason for deactivation, so that it can no longer be given.
    pub fn archive_reason(&self, code: &str) {
        self.with(|organisation| {
            let reasons = organisation.reasons.iter_mut();
            for reason in reasons.filter(|reason| reason["code"] == code) {
                reason["archived"] = json!(true);
            }
        });
    }

    /// Takes a right from the keys: to requests with this method (all: none) to this part of the API, such as
    /// `departments`.
    pub fn forbid(&self, method: Option<&str>, part: &str) {
        self.with(|organisation| {
            let method = method.map(str::to_owned);
            organisation.forbidden.push((method, part.to_owned()));
        });
    }

    /// Gives all rights back.
    pub fn allow_all(&self) {
        self.with(|organisation| organisation.forbidden.clear());
    }
}

/// One thing that is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Problem {
    field: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

impl Problem {
    fn missing(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            message: "Mandatory attribute missing".to_owned(),
            code: Some("missing_field"),
        }
    }

    fn duplicate(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            message: "The submitted value already exists".to_owned(),
            code: Some("duplicate_value"),
        }
    }

    fn wrong(field: &str, message: &str) -> Self {
        Self {
            field: field.to_owned(),
            message: message.to_owned(),
            code: None,
        }
    }
}

/// What goes back in place of data.
pub(super) enum Refusal {
    Status(StatusCode, &'static str),
    Invalid(Vec<Problem>),
}

impl Refusal {
    fn bad(message: &'static str) -> Self {
        Self::Status(StatusCode::BAD_REQUEST, message)
    }

    fn not_found() -> Self {
        Self::Status(StatusCode::NOT_FOUND, "There is nothing here")
    }
}

pub(super) type Outcome = Result<Answer, Refusal>;

/// The error body for a status.
pub(crate) fn error(status: StatusCode, message: &str) -> Answer {
    if status == StatusCode::TOO_MANY_REQUESTS {
        let body = json!({"error_type": "rate_limit_exceeded", "message": "Rate limit exceeded. Please retry later."});
        return Answer::json(status, &body);
    }
    let kind = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "authentication_error",
        StatusCode::UNPROCESSABLE_ENTITY => "validation_error",
        _ if status.is_server_error() => "api_connection_error",
        _ => "invalid_request_error",
    };
    Answer::json(
        status,
        &json!({"error_type": kind, "errors": [{"message": message}]}),
    )
}

/// An answer with data.
fn data(status: StatusCode, data: &Value) -> Answer {
    Answer::json(status, &json!({"success": true, "data": data}))
}

pub(crate) fn handle(shared: &Shared, call: &Call, twist: Twist) -> Answer {
    let credentials = &shared.config.credentials;
    let is = |name: &str, wanted: &str| call.header(name) == Some(wanted);
    if !is("clientkey", &credentials.engagedly_client_key)
        || !is("secretkey", &credentials.engagedly_secret_key)
    {
        return error(StatusCode::UNAUTHORIZED, "Invalid ClientKey or SecretKey");
    }
    let now = shared.clock.now();
    let mut rate = lock(&shared.engagedly_rate);
    let Some(rate) = rate.as_mut() else {
        return answered(shared, call, twist);
    };
    let answer = match rate.admit(now) {
        Ok(()) => answered(shared, call, twist),
        Err(wait) => error(StatusCode::TOO_MANY_REQUESTS, "")
            .header(RETRY_AFTER, &wait.as_secs().max(1).to_string()),
    };
    let state = rate.state(now);
    let header = |answer: Answer, name: &'static str, value: String| {
        answer.header(HeaderName::from_static(name), &value)
    };
    let answer = header(answer, "x-ratelimit-limit", state.limit.to_string());
    let answer = header(answer, "x-ratelimit-remaining", state.remaining.to_string());
    header(answer, "x-ratelimit-reset", state.reset.to_string())
}

fn answered(shared: &Shared, call: &Call, twist: Twist) -> Answer {
    match route(shared, call, twist) {
        Ok(answer) => answer,
        Err(Refusal::Status(status, message)) => error(status, message),
        Err(Refusal::Invalid(problems)) => Answer::json(
            StatusCode::UNPROCESSABLE_ENTITY,
            &json!({"error_type": "validation_error", "errors": problems}),
        ),
    }
}

fn route(shared: &Shared, call: &Call, twist: Twist) -> Outcome {
    let path = call
        .path
        .strip_prefix("/beta/")
        .ok_or_else(Refusal::not_found)?;
    let accept = call
        .headers
        .get(ACCEPT)
        .map(|value| value.to_str().unwrap_or_default());
    if accept.is_some_and(|accept| {
        !["json", "*/*", "application/*"]
            .iter()
            .any(|a| accept.contains(a))
    }) {
        return Err(Refusal::Status(
            StatusCode::NOT_ACCEPTABLE,
            "Only JSON is sent",
        ));
    }
    let writes = matches!(call.method, Method::POST | Method::PUT | Method::PATCH);
    if writes && call.media_type() != "application/json" {
        let message = "The content type must be application/json";
        return Err(Refusal::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let parts: Vec<String> = path.split('/').map(|part| decoded(part, false)).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let organisation = &mut *lock(&shared.engagedly.organisation);
    let method = call.method.as_str();
    let forbidden = organisation.forbidden.iter().any(|(only, part)| {
        only.as_deref().is_none_or(|only| only == method) && path.starts_with(part.as_str())
    });
    if forbidden {
        let message = "The user of these keys has no permission";
        return Err(Refusal::Status(StatusCode::FORBIDDEN, message));
    }
    let now = shared.clock.now();
    match parts.as_slice() {
        ["user-attributes"] => {
            only(call, &[Method::GET])?;
            Ok(data(StatusCode::OK, &json!(organisation.attributes)))
        }
        ["users", "block-reason-codes"] => {
            only(call, &[Method::GET])?;
            let body = json!({"status": 200, "data": organisation.reasons_shown()});
            Ok(Answer::json(StatusCode::OK, &body))
        }
        ["users"] => {
            only(call, &[Method::GET, Method::POST])?;
            match call.method {
                Method::GET => users::list(organisation, call, twist),
                _ => users::post(organisation, &body(call)?),
            }
        }
        ["users", id] => {
            only(call, &[Method::GET, Method::PUT, Method::PATCH])?;
            match call.method {
                Method::GET => users::get(organisation, call, id),
                _ => users::change(organisation, id, &body(call)?),
            }
        }
        ["users", id, "deactivate"] => {
            only(call, &[Method::PUT])?;
            let body = match call.body.is_empty() {
                true => json!({}),
                false => body(call)?,
            };
            users::deactivate(organisation, id, &body, now)
        }
        ["users", id, "activate"] => {
            only(call, &[Method::PUT])?;
            users::activate(organisation, id)
        }
        [part, rest @ ..] => {
            let unit = Unit::at(part).ok_or_else(Refusal::not_found)?;
            match rest {
                [] => {
                    only(call, &[Method::GET, Method::POST])?;
                    match call.method {
                        Method::GET => units::list(organisation, unit, call),
                        _ => units::post(organisation, unit, &body(call)?),
                    }
                }
                [id] => {
                    only(call, &[Method::GET, Method::PUT, Method::DELETE])?;
                    match call.method {
                        Method::GET => units::get(organisation, unit, id),
                        Method::PUT => units::put(organisation, unit, id, &body(call)?),
                        _ => units::delete(organisation, unit, id),
                    }
                }
                _ => Err(Refusal::not_found()),
            }
        }
        [] => Err(Refusal::not_found()),
    }
}

fn only(call: &Call, methods: &[Method]) -> Result<(), Refusal> {
    match methods.contains(&call.method) {
        true => Ok(()),
        false => Err(Refusal::Status(
            StatusCode::METHOD_NOT_ALLOWED,
            "This resource has no such method",
        )),
    }
}

fn body(call: &Call) -> Result<Value, Refusal> {
    let body: Value =
        serde_json::from_slice(&call.body).map_err(|_| Refusal::bad("The body is not JSON"))?;
    match body.is_object() {
        true => Ok(body),
        false => Err(Refusal::bad("The body is not an object")),
    }
}

/// The page that a query asks for, and its size.
fn page(call: &Call) -> Result<(usize, usize), Refusal> {
    let mut page = (1, DEFAULT_PAGE);
    for (key, value) in call.query_pairs() {
        let number = value.parse::<usize>().ok();
        match (key.as_str(), number) {
            ("page", Some(number)) if number >= 1 => page.0 = number,
            ("size", Some(number)) if (1..=LARGEST_PAGE).contains(&number) => page.1 = number,
            ("page" | "size", _) => {
                return Err(Refusal::bad("page starts at 1 and size is at most 50"));
            }
            _ => {}
        }
    }
    Ok(page)
}

/// An answer with one page of a list.
fn paged(entries: &[Value], total: usize, page: usize, size: usize) -> Answer {
    let body = json!({
        "success": true,
        "pagination": {
            "page": page,
            "size": size,
            "has_more": page * size < total,
            "total_records": total,
        },
        "data": entries,
    });
    Answer::json(StatusCode::OK, &body)
}
