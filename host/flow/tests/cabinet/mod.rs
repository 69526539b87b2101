//! Two more manifests and a flow that delivers documents between them.

use matricula_core::manifest::Manifest;
use matricula_flow::{Diagnostics, Flow, FlowFile};
use serde_json::{Value, json};

use crate::common::manifest;

/// A system that issues certificates.
pub fn school() -> Manifest {
    let date = json!({"type": ["string", "null"], "format": "date"});
    manifest(
        "school",
        json!({"title": {"en": "School"}, "streams": {"certificates": {
            "title": {"en": "Certificates"}, "page": 100, "schema": {
                "type": "object",
                "properties": {
                    "id": {"type": ["integer", "string"], "x-label": {"en": "Identifier"}},
                    "person": {"type": ["string", "null"], "x-label": {"en": "Participant"}},
                    "course": {"type": "string"},
                    "issued_on": date, "expires_on": date, "revoked_on": date,
                    "withdrawn": {"type": ["boolean", "null"]},
                    "link": {"type": "string"},
                    "file": {"type": ["string", "null"], "x-file": true}
                }
            }
        }}}),
    )
}

/// A system that takes documents, of these properties besides its own.
pub fn cabinet_with(properties: Value) -> Manifest {
    let mut schema = json!({
        "type": "object",
        "properties": {
            "employee": {"type": "string", "x-reference": true},
            "folder": {"type": "string"},
            "title": {"type": "string", "maxLength": 12},
            "date": {"type": ["string", "null"], "format": "date"},
            "file": {"type": "string", "x-file": {"types": ["application/pdf"], "largest": 1000}}
        },
        "required": ["folder", "title"]
    });
    for (name, property) in properties.as_object().unwrap() {
        schema["properties"][name] = property.clone();
    }
    manifest(
        "cabinet",
        json!({
            "operations": {
                "upload": {"title": {"en": "Documents"}, "schema": schema, "find": ["employee"],
                    "once": true},
                "upsert-user": {"title": {"en": "People"}, "find": ["title"], "schema": schema}
            },
            "lookups": {"folders": {"title": {"en": "Folders"}}, "teams": {"title": {"en": "Teams"}}}
        }),
    )
}

/// A flow that delivers documents, with these parts in place of its own; an empty part is left out.
pub fn document_text(parts: &[(&str, &str)]) -> String {
    let own = [
        (
            "flow",
            "flow: certificates\nversion: 1.0.0\ntitle: { en: Certificates }",
        ),
        (
            "source",
            "source: { connector: school, stream: certificates, as: c }",
        ),
        (
            "target",
            "target: { connector: cabinet, operation: upload }",
        ),
        ("requires", "requires: [{ flow: staff }]"),
        ("people", "people: staff"),
        ("settings", ""),
        ("let", ""),
        ("once", "once: c.id"),
        ("scope", ""),
        ("unless", "unless:\n  revoked: c.revoked_on != null"),
        (
            "remarks",
            "remarks:\n  expired: coalesce(c.expires_on, today) < today",
        ),
        (
            "map",
            "map:\n  employee: person(c.person)\n  folder: '\"f\"'\n  title: truncate(c.course, 12)\n  \
             date: c.issued_on\n  file: c.file",
        ),
        ("rest", ""),
    ];
    let mut text = String::new();
    for (name, part) in own {
        let other = parts.iter().find(|(replaced, _)| *replaced == name);
        let part = other.map_or(part, |(_, part)| *part);
        if !part.is_empty() {
            text.push_str(part);
            text.push('\n');
        }
    }
    text
}

pub fn check_documents(text: &str, cabinet: &Manifest) -> Result<Flow, Diagnostics> {
    let file = FlowFile::parse("certificates.flow.yaml", text)?;
    Flow::check(file, &school(), cabinet)
}

/// A flow that delivers documents and is right.
pub fn documents(parts: &[(&str, &str)]) -> Flow {
    check_documents(&document_text(parts), &cabinet_with(json!({})))
        .unwrap_or_else(|wrong| panic!("{wrong}"))
}
