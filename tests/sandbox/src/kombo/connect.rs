//! The window in which a customer connects: links to it, what it hands back, and the window itself.
//!
//! The real window leads through the HR system's own steps. This one has two buttons, and speaks to the page
//! that framed it as the real one does: `{type: "success", data: {activation_token}}` or `{type: "close"}`.

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::employee::kombo_id;
use super::state::{Integration, Kombo, Setup, Status};
use super::{Outcome, Refusal, invalid, success};
use crate::answer::Answer;
use crate::request::Call;
use crate::shared::Shared;

/// Where the real window is.
const ORIGIN: &str = "https://connect.kombo.dev";

const LANGUAGES: [&str; 5] = ["en", "de", "fr", "it", "es"];

fn body(call: &Call, known: &[&str]) -> Outcome<Map<String, Value>> {
    let body: Map<String, Value> = serde_json::from_slice(&call.body)
        .map_err(|error| invalid(format!("The body is no JSON object: {error}")))?;
    for (key, value) in &body {
        if !known.contains(&key.as_str()) {
            return Err(invalid(format!("Unrecognized key: {key}")));
        }
        let of = |values: &[&str]| value.is_null() || values.iter().any(|one| value == one);
        let fits = match key.as_str() {
            "language" => of(&LANGUAGES),
            "link_type" => of(&["EMBEDDED", "MAGIC_LINK"]),
            "integration_category" => of(&["HRIS", "ATS", "ASSESSMENT", "LMS"]),
            _ => true,
        };
        if !fits {
            return Err(invalid(format!("{key} is none of those that there are.")));
        }
    }
    Ok(body)
}

pub(super) fn create_link(shared: &Shared, call: &Call) -> Outcome<Answer> {
    let body = body(
        call,
        &[
            "end_user_email",
            "end_user_organization_name",
            "end_user_origin_id",
            "remote_environment",
            "integration_category",
            "integration_tool",
            "language",
            "scope_config_id",
            "enable_filtering",
            "enable_field_mapping",
            "link_type",
        ],
    )?;
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let email = text("end_user_email").filter(|email| email.contains('@'));
    let email = email.ok_or_else(|| invalid("end_user_email must be an e-mail address."))?;
    let organization = text("end_user_organization_name").filter(|name| !name.is_empty());
    let organization = organization
        .ok_or_else(|| invalid("end_user_organization_name must have at least 1 character."))?;
    let origin_id = text("end_user_origin_id");
    if origin_id == Some("") {
        return Err(invalid(
            "end_user_origin_id must have at least 1 character.",
        ));
    }
    let mut inner = shared.kombo.lock();
    inner.made += 1;
    let number = inner.made.to_string();
    let integration = Integration {
        id: format!("personio:{}", kombo_id("integration", &number)),
        origin_id: origin_id.map(str::to_owned),
        organization: organization.to_owned(),
        email: email.to_owned(),
        setup: Setup::Completed,
        status: Status::Active,
    };
    drop(inner);
    Ok(link(shared, integration))
}

pub(super) fn relink(shared: &Shared, call: &Call, of: &Integration) -> Outcome<Answer> {
    body(call, &["language", "scope_config_id", "link_type"])?;
    Ok(link(shared, of.clone()))
}

/// Ends a connection for good.
pub(super) fn delete(shared: &Shared, call: &Call, of: &Integration) -> Outcome<Answer> {
    body(call, &[])?;
    shared.kombo.lock().integrations.remove(&of.id);
    Ok(success(json!({})))
}

fn link(shared: &Shared, integration: Integration) -> Answer {
    let mut inner = shared.kombo.lock();
    inner.made += 1;
    let token = kombo_id("link", &inner.made.to_string());
    inner.links.insert(token.clone(), integration);
    success(json!({"link": format!("{ORIGIN}/v1?token={token}")}))
}

pub(super) fn by_token(shared: &Shared, token: &str) -> Outcome<Answer> {
    let inner = shared.kombo.lock();
    let unknown = || -> Refusal {
        let message = "The token is invalid or has expired.".to_owned();
        (
            StatusCode::NOT_FOUND,
            Some("PLATFORM.INPUT_INVALID"),
            message,
        )
    };
    let id = inner.activated.get(token).ok_or_else(unknown)?;
    let integration = inner.integrations.get(id).ok_or_else(unknown)?;
    Ok(success(json!({
        "id": integration.id,
        "tool": "personio",
        "end_user_origin_id": integration.origin_id,
        "end_user_organization_name": integration.organization,
        "end_user_email": integration.email,
        "setup_status": match integration.setup {
            Setup::Completed => "COMPLETED",
            Setup::SyncPending => "FINAL_SYNC_PENDING",
            Setup::Incomplete => "INCOMPLETE",
        },
    })))
}

impl Kombo {
    /// Does what a customer does in the window behind a link; the activation token that it hands back. None if
    /// the link is not one of those that were handed out.
    pub fn sign_in(&self, link: &str) -> Option<String> {
        let (_, token) = link.split_once("token=")?;
        let token = token.split('&').next().unwrap_or_default();
        let mut inner = self.lock();
        let mut integration = inner.links.remove(token)?;
        integration.status = Status::Active;
        inner.made += 1;
        let activation = kombo_id("activation", &inner.made.to_string());
        inner
            .activated
            .insert(activation.clone(), integration.id.clone());
        inner
            .integrations
            .insert(integration.id.clone(), integration);
        Some(activation)
    }
}

/// The window, and its button.
pub(super) fn window(shared: &Shared, call: &Call, path: &str) -> Option<Answer> {
    match (&call.method, path) {
        (&Method::GET, "/v1") if call.query.contains("token=") => Some(Answer::new(
            StatusCode::OK,
            "text/html; charset=utf-8",
            PAGE,
        )),
        (&Method::POST, "/v1/sign-in") => Some(match shared.kombo.sign_in(&call.query) {
            Some(token) => Answer::json(StatusCode::OK, &json!({"activation_token": token})),
            None => super::error(StatusCode::NOT_FOUND, None, "The link has expired."),
        }),
        _ => None,
    }
}

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Kombo Connect</title>
<style>body{font:16px sans-serif;background:#fff;max-width:28rem;margin:4rem auto;padding:0 1rem}button{font:inherit;padding:.5rem 1rem}</style>
<h1>Connect Personio</h1>
<p>This stands in for Kombo's window.</p>
<p><button id="connect">Connect</button> <button id="close">Cancel</button></p>
<script>
const say = (message) => parent.postMessage(message, "*");
document.getElementById("close").onclick = () => say({ type: "close" });
document.getElementById("connect").onclick = async () => {
  const answer = await fetch("/v1/sign-in" + location.search, { method: "POST" });
  if (answer.ok) say({ type: "success", data: await answer.json() });
  else document.querySelector("p").textContent = "This link has expired.";
};
</script>
"#;
