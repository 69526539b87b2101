//! What a customer enters to give access to each system, as the sandbox accepts it.

use matricula_sandbox::{Credentials, System};
use serde_json::{Value, json};

/// The name that the credential of a connector is stored under, and its fields.
pub fn access(connector: &str, known: &Credentials) -> (&'static str, Value) {
    match connector {
        "personio" => (
            "hr",
            json!({
                "client_id": known.personio_client_id,
                "client_secret": known.personio_client_secret,
            }),
        ),
        "reteach" => (
            "academy",
            json!({
                "scim_url": System::Scim.real_url(),
                "scim_token": known.scim_token,
                "client_id": known.reteach_client_id,
                "client_secret": known.reteach_client_secret,
                "client_code": known.reteach_client_code,
            }),
        ),
        "scim" => (
            "directory",
            json!({"scim_url": System::Scim.real_url(), "token": known.scim_token}),
        ),
        "edyoucated" => (
            "edyoucated",
            json!({"scim_url": System::Edyoucated.real_url(), "scim_token": known.edyoucated_token}),
        ),
        "winningtemp" => (
            "winningtemp",
            json!({
                "scim_url": System::WinningtempScim.real_url(),
                "scim_token": known.winningtemp_scim_token,
                "client_id": known.winningtemp_client_id,
                "client_secret": known.winningtemp_client_secret,
            }),
        ),
        "engagedly" => (
            "engagedly",
            json!({
                "client_key": known.engagedly_client_key,
                "secret_key": known.engagedly_secret_key,
            }),
        ),
        "kombo" => (
            "kombo",
            json!({
                "api_url": System::Kombo.real_url(),
                "api_key": known.kombo_api_key,
                "integration_id": known.kombo_integration_id,
                "webhook_secret": known.kombo_webhook_secret,
            }),
        ),
        other => panic!("no access to {other} is known here"),
    }
}

/// Which of a connector's ways to authenticate that is; `None` where there is only one.
pub fn method(connector: &str) -> Option<&'static str> {
    match connector {
        "scim" => Some("bearer"),
        "kombo" => Some("key"),
        _ => None,
    }
}
