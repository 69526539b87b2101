//! Manifests of systems that are connected to in a window.

use serde_json::{Value, json};

use super::super::Manifest;
use super::*;

fn manifest() -> Value {
    json!({
        "contract": "1.0", "id": "kombo", "version": "1.0.0", "title": { "en": "Kombo" },
        "origins": ["https://api.kombo.dev"],
        "authentication": [{
            "id": "connect", "title": { "en": "Connect" },
            "fields": [
                { "name": "api_key", "title": { "en": "Key" }, "secret": true, "given": true },
                { "name": "webhook_secret", "title": { "en": "Secret" }, "secret": true, "given": true, "required": false },
                { "name": "integration_id", "title": { "en": "Connection" }, "connected": true },
            ],
            "connect": {
                "widget": "kombo", "frame": "https://connect.kombo.dev",
                "link": {
                    "method": "POST", "url": "https://api.kombo.dev/v1/connect/create-link", "result": "/data/link", "life": 3600,
                    "body": { "end_user_email": "{user_email}", "end_user_origin_id": "{tenant}", "link_type": "EMBEDDED" },
                },
                "exchange": {
                    "method": "GET", "url": "https://api.kombo.dev/v1/connect/integration-by-token/{token}",
                    "fields": { "integration_id": "/data/id" }, "expect": { "/data/end_user_origin_id": "{tenant}" },
                },
                "disconnect": { "method": "DELETE", "url": "https://api.kombo.dev/v1/integrations/{integration_id}", "body": {} },
            },
            "sessions": [{ "origin": "https://api.kombo.dev", "scheme": { "type": "headers", "headers": {
                "authorization": "Bearer {api_key}", "x-integration-id": "{integration_id}",
            } } }],
        }],
        "webhook": {
            "signature": { "header": "x-kombo-signature", "algorithm": "hmac-sha256", "encoding": "base64url", "secret": "{webhook_secret}" },
            "match": { "/data/integration_id": "{integration_id}" }, "when": { "/type": ["data-changed"] },
        },
    })
}

fn parse(manifest: &Value) -> Result<Manifest, String> {
    Manifest::parse(manifest.to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn before_somebody_has_connected_only_what_is_given_is_sent() {
    let manifest = parse(&manifest()).unwrap();
    let method = manifest.authentication[0].unconnected();
    let names: Vec<&str> = method
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(names, ["api_key", "webhook_secret"]);
    let Scheme::Headers { headers } = &method.sessions[0].scheme else {
        panic!("{method:?}");
    };
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["authorization"]);
}

#[test]
fn a_connection_is_what_its_end_names() {
    let mut manifest = manifest();
    let method = manifest.pointer_mut("/authentication/0").unwrap();
    let tool = json!({ "name": "tool", "title": { "en": "Tool" }, "connected": true });
    method["fields"].as_array_mut().unwrap().push(tool);
    method["connect"]["exchange"]["fields"]["tool"] = "/data/tool".into();
    let manifest = parse(&manifest).unwrap();
    let method = &manifest.authentication[0];
    let connect = method.connect.as_ref().unwrap();
    let disconnect = connect.disconnect.as_ref().unwrap();
    assert_eq!(
        disconnect.of(method).collect::<Vec<_>>(),
        ["integration_id"]
    );
}

#[test]
fn an_event_matters_by_its_type_and_names_its_credentials() {
    let webhook = parse(&manifest()).unwrap().webhook.unwrap();
    assert_eq!(webhook.signature.field(), Some("webhook_secret"));
    assert_eq!(
        webhook.fields().collect::<Vec<_>>(),
        [("/data/integration_id", "integration_id")]
    );
    assert!(webhook.concerns(&json!({ "type": "data-changed" })));
    assert!(!webhook.concerns(&json!({ "type": "sync-finished" })));
    assert!(!webhook.concerns(&json!({})));
}

#[test]
fn what_contradicts_itself_is_named() {
    let method = "/authentication/0";
    for (pointer, value, expected) in [
        ("/fields/2/given", json!(true), "either given or connected"),
        ("/fields/0/given", json!(false), "types nothing"),
        (
            "/connect/frame",
            json!("http://connect.kombo.dev"),
            "is no origin",
        ),
        (
            "/connect/frame",
            json!("https://connect.kombo.dev/v1; script-src *"),
            "is no origin",
        ),
        (
            "/connect/link/result",
            json!("data/link"),
            "no JSON pointer",
        ),
        ("/connect/link/life", json!(0), "0 seconds"),
        (
            "/connect/link/body/end_user_email",
            json!("{mail}"),
            "unknown {mail}",
        ),
        (
            "/connect/link/url",
            json!("https://api.kombo.dev/{token}"),
            "unknown {token}",
        ),
        (
            "/connect/exchange/fields",
            json!({ "api_key": "/data/id" }),
            "exactly the connected fields: integration_id",
        ),
        (
            "/connect/exchange/fields",
            json!({}),
            "exactly the connected fields: integration_id",
        ),
        // Whatever it ended, it would not be this connection alone.
        (
            "/connect/disconnect/url",
            json!("https://api.kombo.dev/v1/integrations"),
            "names no connection",
        ),
        (
            "/connect/disconnect/url",
            json!("https://api.kombo.dev/v1/integrations/{tenant}"),
            "names no connection",
        ),
        (
            "/connect/disconnect/body",
            json!({ "by": "{user_email}" }),
            "unknown {user_email}",
        ),
        (
            "/connect/disconnect/url",
            json!("https://api.kombo.dev/v1/{api_key}/{integration_id}"),
            "names the secret {api_key}",
        ),
        (
            "/connect/disconnect/body",
            json!({ "list": ["{webhook_secret}"] }),
            "names the secret {webhook_secret}",
        ),
        (
            "/fields/2/secret",
            json!(true),
            "names the secret {integration_id}",
        ),
        (
            "/fields/2/required",
            json!(false),
            "{integration_id}, which must be required",
        ),
        // Whoever has another customer's token would have their connection.
        (
            "/connect/exchange/expect",
            json!({}),
            "must expect {tenant}",
        ),
        (
            "/connect/exchange/expect",
            json!({ "/data/end_user_email": "{user_email}" }),
            "must expect {tenant}",
        ),
    ] {
        let mut wrong = manifest();
        let object = wrong.pointer_mut(method).unwrap();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[name] = value;
        let error = parse(&wrong).unwrap_err();
        assert!(error.contains(expected), "{pointer}: {error}");
    }
    let mut without = manifest();
    without["authentication"][0]
        .as_object_mut()
        .unwrap()
        .remove("connect");
    let error = parse(&without).unwrap_err();
    assert!(error.contains("has no `connect`"), "{error}");
}

#[test]
fn a_webhook_names_fields_of_the_right_half() {
    for (pointer, value, expected) in [
        (
            "/webhook/signature/secret",
            json!("{integration_id}"),
            "a secret field",
        ),
        (
            "/webhook/signature/secret",
            json!("x{webhook_secret}"),
            "a secret field",
        ),
        ("/webhook/match", json!({}), "which credentials"),
        (
            "/webhook/match",
            json!({ "/data/id": "{api_key}" }),
            "no secret",
        ),
        (
            "/webhook/match",
            json!({ "id": "{integration_id}" }),
            "no JSON pointer",
        ),
    ] {
        let mut wrong = manifest();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let error = parse(&wrong).unwrap_err();
        assert!(error.contains(expected), "{pointer}: {error}");
    }
}
