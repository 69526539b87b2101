//! The admin endpoints for Kombo.

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, bad, nothing, read};
use crate::kombo::{Setup, Status};
use crate::request::Call;
use crate::shared::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct States {
    setup: Option<Setup>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    link: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    /// The address that it is sent to.
    to: String,
    integration: String,
    /// In place of the right one.
    signature: Option<String>,
}

pub(super) fn route(shared: &Shared, call: &Call, parts: &[&str]) -> Outcome {
    let kombo = &shared.kombo;
    match (&call.method, parts) {
        (&Method::GET, ["kombo"]) => {
            let integrations = kombo.integrations();
            let ids: Vec<String> = integrations.into_iter().map(|one| one.id).collect();
            Ok(json!({"integrations": ids}))
        }
        (&Method::PUT, ["kombo"]) => {
            let states: States = read(call)?;
            if let Some(setup) = states.setup {
                kombo.set_setup(setup);
            }
            if let Some(status) = states.status {
                kombo.set_status(status);
            }
            Ok(Value::Null)
        }
        (&Method::POST, ["kombo", "sign-in"]) => {
            let SignIn { link } = read(call)?;
            let token = kombo.sign_in(&link);
            let token =
                token.ok_or_else(|| bad("the link is none of those that were given out"))?;
            Ok(json!({"activation_token": token}))
        }
        (&Method::POST, ["kombo", "events"]) => {
            let event: Event = read(call)?;
            let body = kombo.data_changed(&event.integration);
            let signature = event.signature.unwrap_or_else(|| kombo.signature(&body));
            let sent = tokio::task::block_in_place(|| kombo.send(&event.to, &body, &signature));
            let status = sent.map_err(|error| bad(format!("{error:#}")))?;
            Ok(json!({"status": status}))
        }
        _ => Err(nothing()),
    }
}
