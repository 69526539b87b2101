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
        other => panic!("no access to {other} is known here"),
    }
}
