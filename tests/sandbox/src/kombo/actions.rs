//! `POST /v1/hris/employees/{id}/documents`: a document goes into Personio's file of the employee, under its
//! file's name as the title. No identity comes back, and what is there cannot be asked for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::employee::kombo_id;
use super::{Outcome, invalid};
use crate::Document;
use crate::answer::Answer;
use crate::journal::Effect;
use crate::request::Call;
use crate::shared::Shared;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    category_id: String,
    document: Sent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    name: String,
    content_type: Option<String>,
    data: Option<String>,
    data_url: Option<String>,
}

pub(super) fn document(shared: &Shared, call: &Call, id: &str) -> Outcome<Answer> {
    if call.media_type() != "application/json" {
        return Err(invalid("The body must be JSON."));
    }
    let Body {
        category_id,
        document,
    } = serde_json::from_slice(&call.body)
        .map_err(|error| invalid(format!("The body does not do: {error}")))?;
    let (Some(data), None) = (&document.data, &document.data_url) else {
        return Err(invalid(
            "Either data or data_url is needed; data_url is not faked.",
        ));
    };
    let media_type = document
        .content_type
        .ok_or_else(|| invalid("content_type is needed with data"))?;
    let bytes = STANDARD
        .decode(data)
        .map_err(|_| invalid("data is not base64"))?;
    let employee = shared.kombo.lock().mirror.number(id);
    let remote = |message: &str| {
        let code = Some("REMOTE.INPUT_INVALID");
        (StatusCode::BAD_REQUEST, code, message.to_owned())
    };
    let employee = employee.ok_or_else(|| {
        (
            StatusCode::NOT_FOUND,
            Some("PLATFORM.INPUT_INVALID"),
            format!("The employee {id} does not exist."),
        )
    })?;
    let category = shared
        .documents
        .categories()
        .into_iter()
        .find(|category| kombo_id("category", &category.id.to_string()) == category_id)
        .ok_or_else(|| invalid(format!("The category {category_id} does not exist.")))?;
    if bytes.is_empty() || !document.name.contains('.') {
        return Err(remote("Personio does not take the file."));
    }
    shared.documents.store(Document {
        id: 0,
        employee,
        category: category.id,
        title: document.name.clone(),
        date: None,
        comment: None,
        filename: document.name,
        media_type: Some(media_type),
        size: bytes.len() as u64,
        sha256: Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        created_at: Timestamp::UNIX_EPOCH,
    });
    let body = json!({"status": "success", "data": {}, "warnings": []});
    Ok(Answer::json(StatusCode::OK, &body).effect(Effect::Stored))
}
