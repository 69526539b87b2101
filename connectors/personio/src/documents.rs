//! Documents put into personnel files, through version 1 of the API: version 2 has no upload.
//!
//! Personio knows no idempotency key, so an upload that is repeated makes a second document, and nothing
//! here repeats one. What the host is told of the effect decides whether it will: none only where nothing was
//! sent or Personio said no; where no readable answer came, nobody knows ([`crate::listing`] finds out).
//!
//! Titles and comments say what somebody learned. They go into the form and nowhere else, and neither does
//! any message of Personio's, which may quote them.

use matricula_sdk::{
    Change, Context, Disposition, Effect, Failure, FailureKind, File, Part, Preparation, Receipt,
    Response, Result, json,
};
use serde_json::Value;

use crate::answer::Problem;
use crate::failures::{self, Right};
use crate::filename::filename;
use crate::manifest::{Labels, Language};
use crate::{BASE, UPLOAD_DOCUMENT, lookup, not_offered, request};

/// The operation's attributes.
pub(crate) const ATTRIBUTES: [&str; 6] =
    ["employee", "category", "title", "date", "comment", "file"];

/// The media types that the manifest lets in, and how such files end.
pub(crate) const TYPES: [(&str, &str); 1] = [("application/pdf", "pdf")];

/// Personio offers every attribute to everybody; nothing has to be learned.
pub(crate) fn prepare(attributes: &[String]) -> Preparation {
    let unavailable = attributes
        .iter()
        .filter(|name| !ATTRIBUTES.contains(&name.as_str()));
    Preparation {
        prepared: Value::from(attributes).to_string(),
        unavailable: unavailable.cloned().collect(),
    }
}

/// Uploads each document. One that fails leaves the others alone.
pub(crate) fn write(cx: &Context<'_>, changes: &[Change]) -> Vec<Result<Receipt>> {
    changes.iter().map(|change| upload(cx, change)).collect()
}

fn upload(cx: &Context<'_>, change: &Change) -> Result<Receipt> {
    let data: Value = serde_json::from_str(&change.data).map_err(|error| {
        Failure::new(
            FailureKind::Internal,
            format!("the host passed a document that is no JSON: {error}"),
        )
    })?;
    if change.remote_id.is_some() || data.is_null() {
        return Err(not_offered("changing or removing a document"));
    }
    let document = Document::new(&data)?;
    let request = request("POST", format!("{BASE}/company/documents"));
    let response = cx
        .upload(request, document.parts())
        .map_err(|error| failures::unsent(error, true))?;
    judge(cx, &document, &response)
}

/// What is uploaded.
struct Document {
    employee: String,
    category: String,
    title: String,
    date: Option<String>,
    comment: Option<String>,
    file: File,
    filename: String,
}

impl Document {
    fn new(data: &Value) -> Result<Self> {
        let needed = |name: &str| {
            data.get(name).and_then(json::id).ok_or_else(|| {
                let labels = Labels::documents();
                let label = labels.get(name, Language::English).unwrap_or(name);
                Failure::new(
                    FailureKind::Input,
                    format!("a document in Personio needs a value for \"{label}\""),
                )
                .code("incomplete")
            })
        };
        let text = |name: &str| {
            let text = data.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let file = File::from_json(data.get("file").unwrap_or(&Value::Null))?;
        let known = TYPES.iter().find(|(known, _)| *known == file.media_type);
        let Some((_, extension)) = known else {
            return Err(Failure::new(
                FailureKind::Input,
                format!("files of type {} are not uploaded", file.media_type),
            )
            .code("file-type"));
        };
        let title = needed("title")?;
        Ok(Self {
            employee: needed("employee")?,
            category: needed("category")?,
            date: text("date"),
            comment: text("comment"),
            filename: filename(&title, extension),
            title,
            file,
        })
    }

    fn parts(&self) -> Vec<Part> {
        let mut parts = vec![
            Part::text("title", &self.title),
            Part::text("employee_id", &self.employee),
            Part::text("category_id", &self.category),
        ];
        let optional = [("date", &self.date), ("comment", &self.comment)];
        parts.extend(
            optional
                .into_iter()
                .filter_map(|(name, text)| Some(Part::text(name, text.as_ref()?))),
        );
        parts.push(Part::file("file", &self.filename, &self.file));
        parts
    }
}

/// What an answer means.
fn judge(cx: &Context<'_>, document: &Document, response: &Response) -> Result<Receipt> {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    let said = body.as_ref().and_then(|body| body.get("success"));
    if response.is_success() && said != Some(&Value::Bool(false)) {
        let made = body.as_ref().and_then(|body| body.get("data"));
        let id = made.and_then(|made| made.get("id")).and_then(json::id);
        if said == Some(&Value::Bool(true)) || id.is_some() {
            return Ok(Receipt {
                remote_id: id,
                disposition: Disposition::Created,
            });
        }
        return Err(unreadable(response));
    }
    let problem = problem(body.as_ref());
    let failure = match failures::status(response, &problem) {
        404 => unknown(cx, document, &problem),
        ..500 if is_about_a_model(&problem) => unknown(cx, document, &problem),
        status @ (400 | 413 | 415 | 422) => {
            not_accepted(cx, document, status, &fields(body.as_ref()))
        }
        _ => failures::refused(response, &problem, Right::WriteDocuments),
    };
    Err(match failure.kind {
        // A fault may have come before or after the document was stored.
        FailureKind::Unavailable if failure.code.as_deref() != Some(ASKED) => {
            failure.effect(Effect::Unknown)
        }
        _ => failure,
    })
}

/// The code of a failure to find out why Personio said no, which leaves it a no.
const ASKED: &str = "categories-unavailable";

fn problem(body: Option<&Value>) -> Problem {
    let error = body.and_then(|body| body.get("error").or(Some(body)));
    let message = error.and_then(|error| error.get("message").unwrap_or(error).as_str());
    let code = error.and_then(|error| json::id(error.get("code")?)?.parse().ok());
    Problem {
        code,
        message: message.unwrap_or_default().to_owned(),
    }
}

fn is_about_a_model(problem: &Problem) -> bool {
    problem.message.contains("No query results for model")
}

/// Personio does not know the category or the employee. Where it does not say which in words that do not
/// depend on the account's language, its list of categories tells.
fn unknown(cx: &Context<'_>, document: &Document, problem: &Problem) -> Failure {
    let model = |name: &str| is_about_a_model(problem) && problem.message.contains(name);
    let category_is_there = if model("DocumentCategory") {
        Ok(false)
    } else if model("Employee") {
        Ok(true)
    } else {
        has_category(cx, document)
    };
    match category_is_there {
        Ok(false) => category_unknown(),
        Ok(true) => Failure::new(
            FailureKind::Input,
            "Personio does not know the employee into whose personnel file the document belongs; was the \
             employee removed there?",
        )
        .code("employee-unknown"),
        Err(failure) => failure,
    }
}

fn category_unknown() -> Failure {
    Failure::new(
        FailureKind::Config,
        "the document category is not in Personio (any more): choose another one in the automation's settings",
    )
    .code("category-unknown")
}

fn has_category(cx: &Context<'_>, document: &Document) -> Result<bool> {
    match lookup::categories(cx) {
        Ok(categories) => Ok(categories
            .iter()
            .any(|category| category.id == document.category)),
        Err(failure) if failure.kind == FailureKind::Unavailable => Err(failure.code(ASKED)),
        Err(failure) => Err(failure),
    }
}

fn not_accepted(cx: &Context<'_>, document: &Document, status: u16, fields: &[&str]) -> Failure {
    if status == 413 {
        return Failure::new(
            FailureKind::Input,
            "Personio does not take files as large as this one",
        )
        .code("file-too-large");
    }
    if fields == ["category"] {
        match has_category(cx, document) {
            Ok(true) => {}
            Ok(false) => return category_unknown(),
            Err(failure) => return failure,
        }
    }
    let labels = Labels::documents();
    let named: Vec<&str> = fields
        .iter()
        .filter_map(|field| labels.get(field, Language::English))
        .collect();
    let named = match named.as_slice() {
        [] => String::new(),
        named => format!(": look at {}", named.join(", ")),
    };
    Failure::new(
        FailureKind::Input,
        format!("Personio does not accept the document (status {status}){named}"),
    )
    .code(format!("http-{status}"))
}

/// The attributes that were turned down. What stands beside their names may quote values.
fn fields(body: Option<&Value>) -> Vec<&'static str> {
    let error = body.and_then(|body| body.get("error"));
    let named = error
        .and_then(|error| error.get("error_data").or_else(|| error.get("errors")))
        .or_else(|| body?.get("errors"));
    const FIELDS: [(&str, &str); 6] = [
        ("title", "title"),
        ("employee_id", "employee"),
        ("category_id", "category"),
        ("date", "date"),
        ("comment", "comment"),
        ("file", "file"),
    ];
    FIELDS
        .into_iter()
        .filter(|(field, _)| named.is_some_and(|named| named.get(field).is_some()))
        .map(|(_, attribute)| attribute)
        .collect()
}

/// An answer of 2xx that does not say whether it was done.
fn unreadable(response: &Response) -> Failure {
    let status = response.status;
    Failure::new(
        FailureKind::Unavailable,
        format!("Personio's answer to an upload cannot be read (status {status})"),
    )
    .code("unreadable")
    .effect(Effect::Unknown)
}

/// The operation must be the one that there is.
pub(crate) fn known(operation: &str) -> Result<()> {
    if operation == UPLOAD_DOCUMENT {
        Ok(())
    } else {
        Err(not_offered(&format!("the operation {operation}")))
    }
}
