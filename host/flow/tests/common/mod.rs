//! Two small manifests and a flow between them.

use matricula_core::manifest::Manifest;
use matricula_flow::{Diagnostics, Flow, FlowFile};
use serde_json::{Value, json};

pub fn manifest(id: &str, rest: Value) -> Manifest {
    let mut manifest = json!({"contract": "1.0", "id": id, "version": "1.0.0", "title": {"en": id},
        "authentication": [], "origins": []});
    for (key, value) in rest.as_object().unwrap() {
        manifest[key] = value.clone();
    }
    Manifest::parse(manifest.to_string().as_bytes()).unwrap()
}

pub fn people() -> Manifest {
    let text = json!({"type": ["string", "null"]});
    let date = json!({"type": ["string", "null"], "format": "date"});
    let named = json!({"type": ["object", "null"],
        "properties": {"id": {"type": "integer"}, "name": text}});
    manifest(
        "people",
        json!({
            "title": {"en": "People"},
            "streams": {"employees": {"title": {"en": "Employees"}, "page": 100, "schema": {
                "type": "object",
                "properties": {
                    "id": {"type": "integer", "x-label": {"en": "Number"}},
                    "email": {"type": ["string", "null"], "x-label": {"en": "E-mail"}},
                    "first_name": text, "status": text,
                    "hours": {"type": ["number", "null"]},
                    "remote": {"type": ["boolean", "null"]},
                    "hire_date": date, "end_date": date,
                    "changed_at": {"type": ["string", "null"], "format": "date-time"},
                    "department": named, "boss": named,
                    "tags": {"type": "array", "items": {"type": "string"}}
                },
                "patternProperties": {"^dynamic_": {"type": ["string", "number", "array", "null"]}}
            }}},
            "lookups": {"departments": {"title": {"en": "Departments"}}}
        }),
    )
}

pub fn academy() -> Manifest {
    let text = json!({"type": ["string", "null"]});
    manifest(
        "academy",
        json!({"operations": {"upsert-user": {"title": {"en": "People"}, "schema": {
            "type": "object",
            "properties": {
                "key": text, "email": {"type": "string"}, "name": text, "department": text,
                "short": {"type": ["string", "null"], "maxLength": 5},
                "end": {"type": ["string", "null"], "format": "date"},
                "hours": {"type": ["number", "null"]},
                "level": {"enum": ["junior", "senior", null]},
                "strict": {"type": "string"},
                "manager": {"type": ["string", "null"], "x-reference": true},
                "active": {"type": "boolean"}
            },
            "required": ["email"]
        }, "find": ["key", "email"], "active": "active"}}}),
    )
}

/// A flow with these parts in place of its own; an empty part is left out.
pub fn flow_text(parts: &[(&str, &str)]) -> String {
    let own = [
        ("flow", "flow: staff"),
        ("version", "version: 1.0.0"),
        ("title", "title: { en: Staff }"),
        (
            "source",
            "source: { connector: people, stream: employees, as: e }",
        ),
        (
            "target",
            "target: { connector: academy, operation: upsert-user }",
        ),
        ("settings", ""),
        ("let", ""),
        ("scope", ""),
        ("match", "match:\n  - email: lower(e.email)"),
        ("map", "map:\n  email: lower(e.email)"),
        ("access", ""),
        ("rest", ""),
    ];
    let mut text = String::new();
    for (name, part) in own {
        let part = parts
            .iter()
            .find(|(replaced, _)| *replaced == name)
            .map_or(part, |(_, part)| *part);
        if !part.is_empty() {
            text.push_str(part);
            text.push('\n');
        }
    }
    text
}

pub fn check(text: &str) -> Result<Flow, Diagnostics> {
    Flow::check(
        FlowFile::parse("staff.flow.yaml", text)?,
        &people(),
        &academy(),
    )
}

/// A flow that is right.
pub fn flow(parts: &[(&str, &str)]) -> Flow {
    check(&flow_text(parts)).unwrap_or_else(|wrong| panic!("{wrong}"))
}
