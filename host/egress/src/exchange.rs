//! Asking a remote for a token, and reading its answer.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bytes::Bytes;
use matricula_core::egress::SendError;
use matricula_core::manifest::{BodyKind, Refresh, TokenExchange};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use crate::SessionError;
use crate::budget::Budget;
use crate::template::Fields;
use crate::transport::Answer;
use crate::wire::{Outgoing, Payload, Wire};

/// The longest that a token request may take.
const LONGEST: Duration = Duration::from_secs(30);

/// A token that lives longer than this is asked for again all the same.
const LONGEST_LIFE: u64 = 30 * 24 * 3600;

/// A manifest's token exchange, filled in with the credential's fields.
pub(crate) struct Exchange {
    url: Url,
    body: BodyKind,
    fields: Filled,
    /// What identifies the client, where that goes into a header.
    client: Option<HeaderValue>,
    plan: TokenExchange,
    credential: Fields,
}

/// Names and values of a body.
type Filled = Vec<(String, Zeroizing<String>)>;

/// What was issued.
pub(crate) struct Issued {
    pub(crate) token: Zeroizing<String>,
    pub(crate) life: Duration,
    pub(crate) refresh: Option<Zeroizing<String>>,
}

/// Why nothing was issued.
pub(crate) enum Refusal {
    /// The remote does not accept what it was given: no use in asking again.
    Rejected(String),
    /// Something that may pass. The resource request has not been sent.
    Passing(SendError),
}

impl Exchange {
    /// `None` if a template names a field that was left empty.
    pub(crate) fn new(
        plan: &TokenExchange,
        client: Option<HeaderValue>,
        fields: Fields,
    ) -> Result<Option<Self>, SessionError> {
        let Some(url) = fields.address(&plan.url)? else {
            return Ok(None);
        };
        let Some(filled) = fill(&fields, &plan.fields, None)? else {
            return Ok(None);
        };
        if let Some(refresh) = &plan.refresh {
            // So that a template that names an unknown field is found now and not in an hour.
            fill(&fields, &refresh.fields, Some(""))?;
        }
        Ok(Some(Self {
            url,
            body: plan.body,
            fields: filled,
            client,
            plan: plan.clone(),
            credential: fields,
        }))
    }

    /// Whether a resource request's status says that the token is not accepted.
    pub(crate) fn rejects(&self, status: u16) -> bool {
        self.plan.rejected.contains(&status)
    }

    /// Asks for a token: with the refresh token if there is one and the remote still accepts it, else
    /// with the credential.
    pub(crate) async fn ask(
        &self,
        refresh_token: Option<&str>,
        wire: &Wire,
        budget: &Budget,
        sent: &AtomicU64,
    ) -> Result<Issued, Refusal> {
        if let (Some(Refresh { fields, .. }), Some(token)) = (&self.plan.refresh, refresh_token)
            && let Ok(Some(fields)) = fill(&self.credential, fields, Some(token))
        {
            match self.post(&fields, wire, budget, sent).await {
                Err(Refusal::Rejected(_)) => {}
                Ok(mut issued) => {
                    issued
                        .refresh
                        .get_or_insert_with(|| Zeroizing::new(token.to_owned()));
                    return Ok(issued);
                }
                passing => return passing,
            }
        }
        self.post(&self.fields, wire, budget, sent).await
    }

    async fn post(
        &self,
        fields: &[(String, Zeroizing<String>)],
        wire: &Wire,
        budget: &Budget,
        sent: &AtomicU64,
    ) -> Result<Issued, Refusal> {
        let (content_type, body) = match self.body {
            BodyKind::Json => {
                let object: BTreeMap<&str, &str> = fields
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()))
                    .collect();
                (
                    "application/json",
                    serde_json::to_vec(&object).unwrap_or_default(),
                )
            }
            BodyKind::Form => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                form.extend_pairs(fields.iter().map(|(name, value)| (name, value.as_str())));
                (
                    "application/x-www-form-urlencoded",
                    form.finish().into_bytes(),
                )
            }
        };
        let mut headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        ]);
        if let Some(client) = &self.client {
            headers.insert(AUTHORIZATION, client.clone());
        }
        let request = Outgoing {
            method: &Method::POST,
            url: &self.url,
            headers,
            body: Payload::Bytes(Bytes::from(body)),
            intake: None,
            timeout: Some(LONGEST),
        };
        let system = wire.gate.system();
        let answer = wire.send(request, budget, sent).await.map_err(|error| {
            Refusal::Passing(match error {
                // To the resource request these mean the same: it was not sent.
                SendError::Timeout => SendError::Connect(format!(
                    "{system} did not answer in time when it was asked for a token"
                )),
                SendError::Interrupted(why) => SendError::Connect(format!(
                    "{system} gave no whole answer when it was asked for a token: {why}"
                )),
                other => other,
            })
        })?;
        self.read(system, &answer)
    }

    fn read(&self, system: &str, answer: &Answer) -> Result<Issued, Refusal> {
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let rejected = |said: &str| {
            let code = json
                .as_ref()
                .and_then(error_code)
                .map(|c| format!(", {c}"))
                .unwrap_or_default();
            Refusal::Rejected(format!(
                "{system} did not accept the credential ({said}{code}): check its values at {system}, or \
                 enter new ones"
            ))
        };
        match answer.status {
            200..=299 => {}
            408 | 425 | 429 | 500..=599 => {
                return Err(Refusal::Passing(SendError::Connect(format!(
                    "{system} answered {} when it was asked for a token",
                    answer.status
                ))));
            }
            status => return Err(rejected(&format!("status {status}"))),
        }
        // A page of a proxy or of a maintenance window.
        let Some(json) = &json else {
            return Err(Refusal::Passing(SendError::Connect(format!(
                "{system} answered something else than JSON when it was asked for a token"
            ))));
        };
        if let Some(success) = &self.plan.success
            && json.pointer(success) != Some(&Value::Bool(true))
        {
            return Err(rejected("its answer does not report success"));
        }
        let text = |pointer: &str| {
            let text = json
                .pointer(pointer)?
                .as_str()
                .filter(|text| !text.is_empty())?;
            Some(Zeroizing::new(text.to_owned()))
        };
        let token = text(&self.plan.token).ok_or_else(|| rejected("its answer holds no token"))?;
        let life = self
            .plan
            .expires_in
            .as_deref()
            .and_then(|pointer| seconds(json.pointer(pointer)?))
            .unwrap_or(self.plan.default_life);
        let refresh = self
            .plan
            .refresh
            .as_ref()
            .and_then(|refresh| text(&refresh.token));
        Ok(Issued {
            token,
            life: Duration::from_secs(life.min(LONGEST_LIFE)),
            refresh,
        })
    }
}

fn fill(
    fields: &Fields,
    templates: &BTreeMap<String, String>,
    refresh_token: Option<&str>,
) -> Result<Option<Filled>, SessionError> {
    let more = refresh_token.map(|token| ("refresh_token", token));
    let mut filled = Vec::with_capacity(templates.len());
    for (name, template) in templates {
        let Some(value) = fields.fill(template, more)? else {
            return Ok(None);
        };
        filled.push((name.clone(), value));
    }
    Ok(Some(filled))
}

/// A life in seconds: a number, or a text that holds one.
fn seconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    seconds.is_finite().then_some(seconds.max(0.0) as u64)
}

/// OAuth's error code, if it is one: a free text might repeat what it was sent.
fn error_code(json: &Value) -> Option<&str> {
    json.get("error")?.as_str().filter(|code| {
        code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_read_however_it_is_written() {
        for (value, life) in [
            (serde_json::json!(3600), Some(3600)),
            (serde_json::json!(59.9), Some(59)),
            (serde_json::json!("86400"), Some(86400)),
            (serde_json::json!(-1), Some(0)),
            (serde_json::json!("soon"), None),
            (serde_json::json!("inf"), None),
            (serde_json::json!(null), None),
        ] {
            assert_eq!(seconds(&value), life, "{value}");
        }
    }

    #[test]
    fn only_a_code_is_repeated_of_what_the_remote_says() {
        let code = |value| error_code(&value).map(str::to_owned);
        assert_eq!(
            code(serde_json::json!({"error": "invalid_client"})).as_deref(),
            Some("invalid_client")
        );
        assert_eq!(
            code(serde_json::json!({"error": "client papi-123 unknown"})),
            None
        );
        assert_eq!(code(serde_json::json!({"error": {"code": 1}})), None);
    }
}
