//! What Kombo is asked before there is a connection and when it ends: not by a component but by the host, for a
//! customer who signs in in Kombo's window.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cargo::Workspace;
use crate::sandbox::{KOMBO_URL, Sandbox};
use crate::served::{Programs, Served};

/// Where Kombo's window is; the sandbox has it where Kombo is.
const WINDOW: &str = "https://connect.kombo.dev";
/// The key that the sandbox accepts, as a vendor's file would have it.
const KEY: &str = "sandbox-kombo-key";

/// What must have been asked, as in [`super::described`].
pub(super) const WANTS: &[(&str, &str)] = &[
    ("POST", "/v1/connect/create-link"),
    ("GET", "/v1/connect/integration-by-token/"),
    ("POST", "/v1/integrations/*/relink"),
    ("DELETE", "/v1/integrations/"),
];

/// A customer connects, signs in to the same connection anew, and removes it.
pub(super) fn exercise(
    workspace: &Workspace,
    programs: &Programs,
    folder: &Path,
    origins: &[(String, String)],
    sandbox: &Sandbox,
) -> Result<()> {
    let own = origins.iter().find(|(real, _)| real == KOMBO_URL);
    let (_, kombo) = own.context("the sandbox has no Kombo")?;
    let window = (WINDOW.to_owned(), kombo.clone());
    let mut origins = origins.to_vec();
    origins.push(window);
    let gives = format!(
        "\n[vendor.connectors.kombo]\napi_url = \"{KOMBO_URL}\"\napi_key_file = \"kombo-key.txt\"\n"
    );
    let files = [("kombo-key.txt", KEY)];
    let served = Served::over(
        workspace,
        programs,
        &folder.join("served"),
        &origins,
        (&gives, &files),
    )?;
    let sign_in = |wanted: &Value| -> Result<Value> {
        let window = served.call("POST", "/connectors/kombo/connect", Some(wanted))?;
        let link = window.get("link").context("there is no link")?;
        let answer = sandbox.sign_in_to_kombo(link)?;
        let token = answer.get("activation_token").cloned();
        token.context("nobody could sign in")
    };
    let token = sign_in(&json!({ "method": "connect" }))?;
    let new = json!({ "name": "Kombo", "connector": "kombo", "method": "connect", "token": token });
    let made = served.call("POST", "/credentials", Some(&new))?;
    let id = made.get("id").and_then(Value::as_str);
    let id = id.context("the credential has no id")?;
    let path = format!("/credentials/{id}");
    let token = sign_in(&json!({ "method": "connect", "credential": id }))?;
    let renewed = json!({ "method": "connect", "token": token });
    served.call("PUT", &path, Some(&renewed))?;
    served.call("DELETE", &path, None).map(drop)
}
