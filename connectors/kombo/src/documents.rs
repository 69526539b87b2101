//! Documents put into personnel files.
//!
//! Kombo takes a name, a type and the bytes, and answers without an identity; it knows no idempotency key and
//! lists nobody's documents. So an upload that is repeated makes a second document, and nothing here repeats
//! one: what is told of the effect decides whether the host may. The bytes are put into the request by the
//! host.

use matricula_sdk::{
    Change, Context, Disposition, Effect, Failure, FailureKind, File, Piece, Preparation, Receipt,
    Request, Response, Result, json,
};
use serde_json::{Value, json as object};

use crate::filename::filename;
use crate::{SYSTEM, UPLOAD_DOCUMENT, api, failures, not_offered};

/// The operation's attributes.
pub(crate) const ATTRIBUTES: [&str; 4] = ["employee", "category", "title", "file"];

/// The media types that the manifest lets in, and how such files end.
const TYPES: [(&str, &str); 1] = [("application/pdf", "pdf")];

/// The operation must be the one that there is.
pub(crate) fn known(operation: &str) -> Result<()> {
    if operation == UPLOAD_DOCUMENT {
        Ok(())
    } else {
        Err(not_offered(&format!("the operation {operation}")))
    }
}

/// Kombo takes every attribute for every HR system; nothing has to be learned.
pub(crate) fn prepare(attributes: &[String]) -> Preparation {
    let unavailable = attributes
        .iter()
        .filter(|name| !ATTRIBUTES.contains(&name.as_str()));
    Preparation {
        prepared: String::new(),
        unavailable: unavailable.cloned().collect(),
    }
}

/// Uploads each document. One that fails leaves the others alone.
pub(crate) fn write(cx: &Context<'_>, changes: &[Change]) -> Vec<Result<Receipt>> {
    changes.iter().map(|change| upload(cx, change)).collect()
}

fn upload(cx: &Context<'_>, change: &Change) -> Result<Receipt> {
    let data: Value = json::token("document", &change.data)?;
    if change.remote_id.is_some() || data.is_null() {
        return Err(not_offered("changing or removing a document"));
    }
    let needed = |name: &str| {
        data.get(name).and_then(json::id).ok_or_else(|| {
            let message = format!("a document needs a value for {name}");
            Failure::new(FailureKind::Input, message).code("incomplete")
        })
    };
    let file = File::from_json(data.get("file").unwrap_or(&Value::Null))?;
    let known = TYPES.iter().find(|(known, _)| *known == file.media_type);
    let Some((_, extension)) = known else {
        let message = format!("files of type {} are not uploaded", file.media_type);
        return Err(Failure::new(FailureKind::Input, message).code("file-type"));
    };
    let (employee, category, title) = (needed("employee")?, needed("category")?, needed("title")?);
    let body = object!({
        "category_id": category,
        "document": {
            "name": filename(&title, extension),
            "content_type": file.media_type,
            "data": file.id,
        },
    });
    let path = format!("hris/employees/{}/documents", api::encoded(&employee));
    let request = Request::new("POST", api::address(cx, &path)?)
        .header("content-type", "application/json")
        .header("accept", "application/json");
    let response = cx
        .compose(request, Piece::json(&body, &file)?)
        .map_err(|error| error.into_failure(SYSTEM, true))?;
    judge(&response)
}

/// What an answer means.
fn judge(response: &Response) -> Result<Receipt> {
    if !response.is_success() {
        let failure = failures::refused(response, true);
        // There is no code for somebody who is gone, so the status decides.
        let missing = response.status == 404
            && matches!(failure.kind, FailureKind::NotFound | FailureKind::Input);
        if !missing {
            return Err(failure);
        }
        return Err(Failure {
            kind: FailureKind::Input,
            message: "Kombo does not know the employee or the document category (any more)"
                .to_owned(),
            ..failure
        });
    }
    match api::data(response) {
        // No identity comes back.
        Ok(_) => Ok(Receipt {
            remote_id: None,
            disposition: Disposition::Created,
        }),
        Err(_) => Err(Failure::new(
            FailureKind::Unavailable,
            format!(
                "Kombo's answer to an upload cannot be read (status {})",
                response.status
            ),
        )
        .code("unreadable")
        .effect(Effect::Unknown)),
    }
}
