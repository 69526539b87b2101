//! What the tests share.

use matricula_connector_kombo::Kombo;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Connector as _, Context, Failure, Page, Read, Result};
use serde_json::{Value, json};

pub const BASE: &str = "https://api.kombo.dev/v1";
pub const INTEGRATION: &str =
    "GET https://api.kombo.dev/v1/integrations/personio%3ACBNMt7dSNCzBdnRTx87dev4E";

pub fn config() -> Value {
    json!({"credential": {
        "api_url": "https://api.kombo.dev", "integration_id": "personio:CBNMt7dSNCzBdnRTx87dev4E"
    }, "settings": {}})
}

/// Has a transcript played; everything in it must happen.
pub fn play<T>(exchanges: Value, call: impl FnOnce(&Context<'_>) -> T) -> T {
    let transcript = Transcript::new(exchanges);
    let result = call(&transcript.context(&config()));
    transcript.done();
    result
}

/// A connection as Kombo describes it, all of it delivered.
pub fn integration() -> Value {
    json!({"status": "success", "data": {
        "id": "personio:CBNMt7dSNCzBdnRTx87dev4E",
        "tool": {"id": "personio", "label": "Personio", "internal_label": null,
            "logo_url": "https://storage.example.com/l.svg", "icon_url": "https://storage.example.com/i.svg"},
        "category": "HRIS", "status": "ACTIVE", "setup_status": "COMPLETED",
        "end_user": {"organization_name": "Example GmbH", "creator_email": "it@example.com", "origin_id": "acme"},
        "scope_config": {"id": "B1hu5NGyhdjSq5X3hxEz4bAN", "name": "HR"},
        "data_expired_at": null, "created_at": "2026-08-07T14:01:29.196Z", "beta": false,
        "read_models": [datapoint("hris_employees", true, "SUPPORTED", false)],
        "write_actions": []
    }})
}

/// A model, an action or a field.
pub fn datapoint(id: &str, is_available: bool, coverage: &str, opted_out: bool) -> Value {
    json!({
        "id": id, "label": id, "is_available": is_available, "coverage_status": coverage,
        "scope_config_setting": "ENABLED", "opted_out_by_customer": opted_out, "fields": []
    })
}

/// The question about the connection, and the answer.
pub fn asked(integration: Value) -> Value {
    json!({"request": INTEGRATION, "response": integration})
}

pub fn error(code: &str) -> Value {
    json!({"status": "error", "error": {
        "code": code, "title": "Something about Ada", "message": "ada@example.com is wrong",
        "log_url": "https://app.kombo.dev/prod/logs?interactionId=123456"
    }})
}

/// What Kombo says in words, and where its log is, must not come out.
pub fn assert_private(failure: &Failure) {
    let shown = format!("{failure:?}");
    for private in ["Ada", "ada@", "interactionId", "app.kombo.dev"] {
        assert!(!shown.contains(private), "{shown}");
    }
}

pub fn employees(attributes: &[&str]) -> Read {
    Read {
        stream: "employees".into(),
        attributes: attributes.iter().map(ToString::to_string).collect(),
        limit: 250,
        ..Read::default()
    }
}

pub fn read(cx: &Context<'_>, read: &Read) -> Result<Page> {
    Kombo::read(cx, read)
}

pub fn data(page: &Page) -> Vec<Value> {
    let data = page.items.iter().map(|item| item.data.as_str());
    data.map(|text| serde_json::from_str(text).unwrap())
        .collect()
}
