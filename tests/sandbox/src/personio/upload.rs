//! `POST /v1/company/documents`.
//!
//! Where the documentation leaves something open, this is the reading taken:
//! - 30 MB are 30 MiB, and a larger file is an invalid one (422). A request of more than 64 MiB ends at
//!   the gateway: 413 with an HTML page.
//! - The file's type is that of its name. A file without bytes is of no type.
//! - What is invalid is said before what does not exist.
//! - A missing field is complained of in German whatever the account's language.

use hyper::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::documents::Document;
use crate::answer::{Answer, personio_error};
use crate::journal::Effect;
use crate::multipart::Upload;
use crate::request::Call;
use crate::shared::Shared;

const LARGEST_FILE: u64 = 30 << 20;
const LONGEST_TITLE: usize = 255;

const TYPES: [&str; 45] = [
    "pdf",
    "docx",
    "doc",
    "jpg",
    "zip",
    "png",
    "txt",
    "jpeg",
    "odt",
    "xlsx",
    "rtf",
    "htm",
    "xls",
    "p7s",
    "pptx",
    "pages",
    "rar",
    "ppt",
    "gif",
    "tif",
    "html",
    "msg",
    "asc",
    "tiff",
    "wps",
    "bmp",
    "7z",
    "csv",
    "ics",
    "vcf",
    "dotx",
    "numbers",
    "eps",
    "gz",
    "ods",
    "otf",
    "odp",
    "odg",
    "rtfd",
    "txz",
    "webarchive",
    "xml",
    "xps",
    "md",
    "fax",
];

/// The complaints about each field.
#[derive(Default)]
struct Complaints(Map<String, Value>);

impl Complaints {
    fn add(&mut self, field: &str, complaint: String) {
        self.0.insert(field.to_owned(), json!([complaint]));
    }

    fn missing(&mut self, field: &str) {
        let words = field.replace('_', " ");
        self.add(
            field,
            format!("Bitte geben Sie {words} ein, um fortzufahren."),
        );
    }

    /// A field that has to be there.
    fn required<'a>(&mut self, upload: &'a Upload, field: &str) -> Option<&'a str> {
        let value = upload.field(field).filter(|v| !v.trim().is_empty());
        if value.is_none() {
            self.missing(field);
        }
        value
    }

    fn id(&mut self, upload: &Upload, field: &str) -> Option<u64> {
        let value = self.required(upload, field)?.trim().parse();
        if value.is_err() {
            let words = field.replace('_', " ");
            self.add(field, format!("The {words} must be an integer."));
        }
        value.ok()
    }

    fn title(&mut self, upload: &Upload) -> Option<String> {
        let title = self.required(upload, "title")?;
        if title.chars().count() > LONGEST_TITLE {
            let complaint =
                format!("The title may not be greater than {LONGEST_TITLE} characters.");
            self.add("title", complaint);
        }
        Some(title.to_owned())
    }

    fn date(&mut self, upload: &Upload) -> Option<Date> {
        let text = upload.field("date").filter(|d| !d.is_empty())?;
        let date = text.parse().ok().filter(|_| text.len() == 10);
        if date.is_none() {
            self.add(
                "date",
                "The date does not match the format Y-m-d.".to_owned(),
            );
        }
        date
    }

    fn file(&mut self, upload: &Upload) {
        let Some(file) = upload.file("file") else {
            self.missing("file");
            return;
        };
        let extension = file.name.rsplit_once('.').map(|n| n.1.to_ascii_lowercase());
        let known = extension.is_some_and(|e| TYPES.contains(&e.as_str()));
        if !known || file.size == 0 {
            let types = TYPES.join(", ");
            self.add("file", format!("The file must be a file of type: {types}."));
        } else if file.size > LARGEST_FILE {
            let most = LARGEST_FILE / 1024;
            self.add(
                "file",
                format!("The file may not be greater than {most} kilobytes."),
            );
        }
    }
}

pub(super) fn upload(shared: &Shared, call: &Call) -> Answer {
    let nothing = Upload::default();
    let upload = call.upload.as_ref().unwrap_or(&nothing);
    if upload.too_large {
        return Answer::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "text/html",
            "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n\
             <center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\
             \r\n</body>\r\n</html>\r\n",
        );
    }
    let mut complaints = Complaints::default();
    let title = complaints.title(upload);
    let employee = complaints.id(upload, "employee_id");
    let category = complaints.id(upload, "category_id");
    let date = complaints.date(upload);
    complaints.file(upload);
    let (Some(title), Some(employee), Some(category), Some(file), true) = (
        title,
        employee,
        category,
        upload.file("file"),
        complaints.0.is_empty(),
    ) else {
        let error = json!({
            "message": "The given data was invalid.",
            "code": 0,
            "error_data": complaints.0,
        });
        let body = json!({"success": false, "error": error});
        return Answer::json(StatusCode::UNPROCESSABLE_ENTITY, &body);
    };
    let unknown = |model: &str, id: u64| {
        let message = format!("No query results for model [{model}] {id}");
        personio_error(StatusCode::NOT_FOUND, 0, &message)
    };
    if shared.people.with(|d| d.position(employee)).is_none() {
        return unknown("Employee", employee);
    }
    let Some(category) = shared.documents.category(category) else {
        return unknown("DocumentCategory", category);
    };
    let comment = upload.field("comment").filter(|c| !c.is_empty());
    let attributes = json!({
        "title": title,
        "date": date,
        "comment": comment,
        "employee": {"type": "Employee", "attributes": {"id": {
            "label": "ID", "value": employee, "type": "integer", "universal_id": "id"
        }}},
        "category": {"id": category.id, "type": "DocumentCategory",
                     "attributes": {"name": category.name}},
    });
    let id = shared.documents.store(Document {
        id: 0,
        employee,
        category: category.id,
        title,
        date,
        comment: comment.map(str::to_owned),
        filename: file.name.clone(),
        media_type: file.media_type.clone(),
        size: file.size,
        sha256: file.sha256.clone(),
        created_at: Timestamp::UNIX_EPOCH,
    });
    let data = json!({"id": id, "type": "Document", "attributes": attributes});
    Answer::json(StatusCode::CREATED, &json!({"success": true, "data": data}))
        .effect(Effect::Stored)
}
