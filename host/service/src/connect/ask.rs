//! The requests that make and end a connection: filling in the manifest's templates, and reading the answer.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use matricula_core::credential::Credential;
use matricula_core::egress::{Egress, Request, SendError};
use matricula_core::manifest::Method;
use matricula_core::template::{Part, climbs, parts};
use matricula_core::{Effect, Failure, FailureKind, TenantId};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::Visitor;
use crate::error::Error;

/// A whole request, waits included: somebody looks at a spinner.
const WITHIN: Duration = Duration::from_secs(30);
/// No answer of these is longer.
const LONGEST: usize = 256 * 1024;
/// What says who asks; where it is missing nothing is sent.
const EMAIL: &str = "user_email";

/// What templates may name. Never a secret: those are added by the egress.
pub(super) struct Values(BTreeMap<String, String>);

impl Values {
    /// What is known of whoever asks, and the open fields of a credential.
    pub(super) fn new(tenant: &TenantId, visitor: Visitor<'_>, credential: &Credential) -> Self {
        let mut values = Self(credential.public.clone());
        let customer = tenant.customer();
        values.put("tenant", tenant.as_str());
        values.put("language", visitor.language);
        values.put("organization", visitor.organization.unwrap_or(customer));
        if let Some(email) = visitor.email {
            values.put(EMAIL, email);
        }
        values
    }

    pub(super) fn put(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// What connecting has filled in of a credential. The rest of it is the vendor's, and as it is today.
    pub(super) fn put_connected(&mut self, method: &Method, credential: &Credential) {
        let connected = method.fields.iter().filter(|field| field.connected);
        for field in connected {
            if let Some(value) = credential.public.get(&field.name) {
                self.put(&field.name, value);
            }
        }
    }

    /// A template as text. None if something that it names is not known.
    ///
    /// # Errors
    /// [`Error::ConnectEmail`] if that is who asks.
    pub(super) fn text(&self, template: &str) -> Result<Option<String>, Error> {
        let mut text = String::new();
        for part in parts(template) {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Field(name) => match self.0.get(name) {
                    Some(value) => text.push_str(value),
                    None if name == EMAIL => return Err(Error::ConnectEmail),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(text))
    }
}

/// A template as an address: a field at its beginning is one itself, any other is a part of a path.
///
/// # Errors
/// [`Error::ConnectRefused`] if such a part would lead out of its path; [`Error::Failure`] if there is none.
pub(super) fn address(connector: &str, template: &str, values: &Values) -> Result<String, Error> {
    let mut address = String::new();
    for (index, part) in parts(template).enumerate() {
        let name = match part {
            Part::Literal(literal) => {
                address.push_str(literal);
                continue;
            }
            Part::Field(name) => name,
        };
        let value = values.0.get(name).map(|value| value.trim());
        let value = value.filter(|value| !value.is_empty()).ok_or_else(|| {
            let message = format!("{connector} cannot be asked: {name} is not given");
            Failure::new(FailureKind::Config, message).with_code("connect.address")
        })?;
        match index {
            0 => address.push_str(value.trim_end_matches('/')),
            _ if climbs(value) => return Err(Error::ConnectRefused),
            _ => address.extend(utf8_percent_encode(value, NON_ALPHANUMERIC)),
        }
    }
    Ok(address)
}

/// A body of which each text is a template; members that name what is not known are left out.
pub(super) fn body(template: Option<&Value>, values: &Values) -> Result<Option<Value>, Error> {
    fn fill(value: &Value, values: &Values) -> Result<Option<Value>, Error> {
        Ok(Some(match value {
            Value::String(text) => match values.text(text)? {
                Some(text) => Value::String(text),
                None => return Ok(None),
            },
            Value::Array(items) => {
                let filled = items.iter().map(|item| fill(item, values));
                let filled = filled.filter_map(Result::transpose);
                Value::Array(filled.collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let mut filled = Map::new();
                for (name, value) in members {
                    if let Some(value) = fill(value, values)? {
                        filled.insert(name.clone(), value);
                    }
                }
                Value::Object(filled)
            }
            other => other.clone(),
        }))
    }
    template.map_or(Ok(None), |template| fill(template, values))
}

/// A request that is filled in.
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    pub(super) url: String,
    pub(super) body: Option<Value>,
}

/// What a system has answered.
pub(super) enum Answered {
    /// It has done what it was asked.
    Done(Bytes),
    /// It refuses, with this status: a 4xx that is about neither the key nor patience.
    Refused(u16),
    /// It does not accept the vendor's key: 401 or 403.
    Denied(u16),
}

/// Sends a request of somebody who connects, whose answer is JSON. None if the system refuses what it was asked.
///
/// # Errors
/// [`Error::Failure`] as [`send`], if the key is not accepted, and if what is answered cannot be read.
pub(super) async fn ask(
    system: &str,
    egress: &dyn Egress,
    asked: Asked<'_>,
) -> Result<Option<Value>, Error> {
    let body = match send(system, egress, asked).await? {
        Answered::Done(body) => body,
        Answered::Refused(status) => {
            tracing::warn!(
                system,
                status,
                "A system refuses what is asked of a connection."
            );
            return Ok(None);
        }
        Answered::Denied(status) => {
            tracing::warn!(
                system,
                status,
                "A vendor's key is refused; nobody can connect."
            );
            return Err(denied(system).into());
        }
    };
    let unread = |message: String| {
        Error::from(Failure::new(FailureKind::Protocol, message).with_code("connect.answer"))
    };
    if body.len() > LONGEST {
        return Err(unread(format!(
            "{system} has answered more than can be read"
        )));
    }
    match serde_json::from_slice(&body) {
        Ok(answer) => Ok(Some(answer)),
        Err(_) => Err(unread(format!(
            "{system} has answered something that is no JSON"
        ))),
    }
}

/// A vendor's key is not accepted.
pub(super) fn denied(system: &str) -> Failure {
    let message = format!(
        "{system} does not accept the key of this application; whoever runs the application has to correct it"
    );
    Failure::new(FailureKind::Auth, message).with_code("connect.key")
}

/// Sends a request. What a refusal means, and whether anybody has to hear of it, is the caller's to say.
///
/// # Errors
/// A failure if the system cannot be asked, asks for patience or is not available; its effect says whether what was
/// asked for may have been done.
pub(super) async fn send(
    system: &str,
    egress: &dyn Egress,
    asked: Asked<'_>,
) -> Result<Answered, Failure> {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    if asked.body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let request = Request {
        method: asked.method.to_owned(),
        url: asked.url,
        headers,
        body: asked.body.map(|body| Bytes::from(body.to_string())),
        timeout: Some(WITHIN),
    };
    let response = egress.send(request, WITHIN).await;
    let response = response.map_err(|error| unsent(system, &error))?;
    match response.status {
        200..=299 => Ok(Answered::Done(response.body)),
        status @ (401 | 403) => Ok(Answered::Denied(status)),
        429 => {
            let message = format!("{system} asks for patience; try again in a minute");
            Err(Failure::new(FailureKind::RateLimited, message).with_code("connect.busy"))
        }
        status @ 400..=499 => Ok(Answered::Refused(status)),
        status => {
            let message = format!("{system} is not available (status {status}); try again later");
            let failure = Failure::new(FailureKind::Unavailable, message);
            let effect = match status {
                500.. => Effect::Unknown,
                _ => Effect::None,
            };
            Err(failure.with_code("connect.unavailable").with_effect(effect))
        }
    }
}

fn unsent(system: &str, error: &SendError) -> Failure {
    let kind = match error {
        SendError::OriginNotAllowed(_) | SendError::AddressBlocked(_) => FailureKind::Config,
        SendError::Unauthenticated(_) => FailureKind::Auth,
        SendError::TooLarge(_) => FailureKind::Protocol,
        _ => FailureKind::Unavailable,
    };
    let effect = match error {
        SendError::Timeout | SendError::Interrupted(_) | SendError::TooLarge(_) => Effect::Unknown,
        _ => Effect::None,
    };
    let message = match effect {
        Effect::None => format!("{system} could not be asked: {error}"),
        _ => format!("{system} was asked and has not answered: {error}"),
    };
    Failure::new(kind, message)
        .with_code("connect.unavailable")
        .with_effect(effect)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(email: Option<&str>) -> Values {
        let credential: Credential = serde_json::from_value(json!({
            "id": "c", "tenant": "northwind/acme", "connector": "kombo", "method": "connect", "name": "c",
            "public": { "api_url": "https://api.us.kombo.dev/v1/" }, "created_at": "2026-03-02T09:00:00Z",
        }))
        .unwrap();
        let visitor = Visitor {
            language: "de",
            email,
            organization: None,
        };
        Values::new(&credential.tenant, visitor, &credential)
    }

    #[test]
    fn an_address_is_filled_without_letting_values_choose_it() {
        let mut values = values(None);
        values.put("token", "../x?a#b/c");
        let filled = |template| address("kombo", template, &values);
        assert_eq!(
            filled("{api_url}/by-token/{token}").unwrap(),
            "https://api.us.kombo.dev/v1/by-token/%2E%2E%2Fx%3Fa%23b%2Fc"
        );
        let error = filled("https://api.kombo.dev/{integration_id}").unwrap_err();
        assert!(error.to_string().contains("integration_id is not given"));
        for token in [".", ".."] {
            values.put("token", token);
            let led = address("kombo", "{api_url}/by-token/{token}", &values);
            assert!(matches!(led, Err(Error::ConnectRefused)), "{led:?}");
        }
    }

    #[test]
    fn what_was_sent_may_have_been_done() {
        let effect = |error| unsent("Kombo", &error).effect;
        let why = || "why".to_owned();
        for sent in [
            SendError::Timeout,
            SendError::Interrupted(why()),
            SendError::TooLarge(why()),
        ] {
            assert_eq!(effect(sent), Effect::Unknown);
        }
        for unsent in [
            SendError::Connect(why()),
            SendError::Tls(why()),
            SendError::OriginNotAllowed(why()),
            SendError::Unauthenticated(why()),
        ] {
            assert_eq!(effect(unsent), Effect::None);
        }
    }

    #[test]
    fn a_body_has_what_is_known() {
        let template = json!({
            "end_user_origin_id": "{tenant}", "language": "{language}", "name": "{organization}", "tool": "{tool}",
            "list": ["{tool}", "x{language}"], "link_type": "EMBEDDED", "filter": true,
        });
        assert_eq!(
            body(Some(&template), &values(None)).unwrap().unwrap(),
            json!({
                "end_user_origin_id": "northwind/acme", "language": "de", "name": "acme", "list": ["xde"],
                "link_type": "EMBEDDED", "filter": true,
            })
        );
        let template = json!({ "mail": "{user_email}" });
        let known = values(Some("ada@example.com"));
        assert_eq!(
            body(Some(&template), &known).unwrap().unwrap(),
            json!({ "mail": "ada@example.com" })
        );
        let error = body(Some(&template), &values(None)).unwrap_err();
        assert_eq!(error.code(), "connect.email");
    }
}
