//! `matricula connector`: what there is and what it may do. Nothing of a connector runs.

use std::path::Path;

use matricula_component::Component;
use matricula_core::connector::Connector as _;
use matricula_core::manifest::{Manifest, Scheme, properties};
use serde_json::{Value, json};

use crate::args::{Common, ConnectorCommand};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::table::Table;
use crate::{output, setup};

pub(crate) fn run(common: &Common, command: &ConnectorCommand) -> Result<Exit, Fault> {
    match command {
        ConnectorCommand::List => list(common),
        ConnectorCommand::Inspect { name } => inspect(common, name),
    }
}

/// A refused one does not hide the others, but it decides how the command ends.
fn list(common: &Common) -> Result<Exit, Fault> {
    let connectors = setup::connectors(common)?;
    let mut exit = Exit::Done;
    let mut table = Table::new(["NAME", "VERSION", "SYSTEM", "READS", "WRITES", "REFUSED"]);
    let mut refused = Vec::new();
    for name in connectors.names()? {
        let component = match connectors.load(&name) {
            Ok(component) => component,
            Err(error) => {
                let fault = Fault::from(error);
                exit = fault.exit;
                if common.json {
                    output::json(&json!({ "name": name, "refused": fault.message }))?;
                } else {
                    let empty = [(); 4].map(|()| String::new());
                    let row = std::iter::once(name).chain(empty).chain(["yes".to_owned()]);
                    table.row(row);
                    refused.push(fault);
                }
                continue;
            }
        };
        let manifest = component.manifest();
        if common.json {
            output::json(&json!({
                "name": name,
                "version": manifest.version,
                "title": manifest.title,
                "streams": manifest.streams.keys().collect::<Vec<_>>(),
                "operations": manifest.operations.keys().collect::<Vec<_>>(),
                "digest": component.digest(),
            }))?;
        } else {
            let names = |names: Vec<&String>| {
                names
                    .into_iter()
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            table.row([
                name,
                manifest.version.clone(),
                manifest.title.get("en").to_owned(),
                names(manifest.streams.keys().collect()),
                names(manifest.operations.keys().collect()),
            ]);
        }
    }
    if !common.json {
        output::text(&table.render())?;
        refused.iter().for_each(|fault| fault.report(false));
    }
    Ok(exit)
}

fn inspect(common: &Common, name: &str) -> Result<Exit, Fault> {
    let connectors = setup::connectors(common)?;
    let path = Path::new(name);
    let is_path = path.components().nth(1).is_some()
        || path
            .extension()
            .is_some_and(|extension| extension == "wasm");
    let component = if is_path {
        connectors.load_file(path)
    } else {
        connectors.load(name)
    }?;
    if common.json {
        output::json(&json!({ "digest": component.digest(), "manifest": component.manifest() }))?;
    } else {
        output::text(&output::visible_lines(&to_text(&component)))?;
    }
    Ok(Exit::Done)
}

fn to_text(component: &Component) -> String {
    let manifest = component.manifest();
    let mut text = overview(manifest);
    text.push_str(&format!("\nSHA-256 {}\n", component.digest()));
    text
}

fn overview(manifest: &Manifest) -> String {
    let mut text = format!(
        "{} {}: {}",
        manifest.id,
        manifest.version,
        manifest.title.get("en")
    );
    let summary = manifest.summary.get("en");
    if !summary.is_empty() {
        text.push_str(&format!("\n{summary}"));
    }
    text.push_str(&format!(
        "\n\nContract {}. May reach {}.\n",
        manifest.contract,
        manifest.origins.join(", ")
    ));
    for method in &manifest.authentication {
        text.push_str(&format!(
            "\nAuthentication {}: {}\n",
            method.id,
            method.title.get("en")
        ));
        for field in &method.fields {
            let mut marks = Vec::new();
            marks.extend(field.secret.then_some("secret"));
            marks.extend((!field.required).then_some("optional"));
            let marks = if marks.is_empty() {
                String::new()
            } else {
                format!(" ({})", marks.join(", "))
            };
            text.push_str(&format!(
                "  {}: {}{marks}\n",
                field.name,
                field.title.get("en")
            ));
        }
        for session in &method.sessions {
            text.push_str(&format!(
                "  {} by {}\n",
                session.origin,
                scheme(&session.scheme)
            ));
        }
    }
    for (name, stream) in &manifest.streams {
        let how = if stream.incremental {
            ", changes on their own"
        } else {
            ""
        };
        text.push_str(&format!(
            "\nReads {name}: {}, {} a page{how}\n",
            stream.title.get("en"),
            stream.page
        ));
        text.push_str(&attributes(&stream.schema));
    }
    for (name, operation) in &manifest.operations {
        text.push_str(&format!(
            "\nWrites {name}: {}, {} a call, {} calls at a time\n",
            operation.title.get("en"),
            operation.batch,
            operation.concurrency
        ));
        text.push_str(&attributes(&operation.schema));
        if !operation.find.is_empty() {
            text.push_str(&format!(
                "  Finds accounts by {}\n",
                operation.find.join(", ")
            ));
        }
    }
    for (name, lookup) in &manifest.lookups {
        text.push_str(&format!("\nLists {name}: {}\n", lookup.title.get("en")));
    }
    if !manifest.limits.is_empty() {
        text.push('\n');
    }
    for limit in &manifest.limits {
        let method = limit.method.as_deref().unwrap_or("any");
        let path = if limit.path.is_empty() {
            "/"
        } else {
            &limit.path
        };
        text.push_str(&format!(
            "Limit: {} requests in {} s ({method} {path}…)\n",
            limit.requests, limit.seconds
        ));
    }
    text
}

fn scheme(scheme: &Scheme) -> &'static str {
    match scheme {
        Scheme::Bearer { .. } => "bearer token",
        Scheme::Basic { .. } => "user name and password",
        Scheme::Headers { .. } => "headers of its own",
        Scheme::Token(_) => "a token that is asked for first",
    }
}

/// An attribute in a line: name, type, and the name that people see in the remote system.
fn attributes(schema: &Value) -> String {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut text = String::new();
    for (name, property) in properties(schema).into_iter().flatten() {
        let kinds = match property.get("type") {
            Some(Value::String(kind)) => kind.clone(),
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" or "),
            _ => "any".to_owned(),
        };
        let label = property
            .pointer("/x-label/en")
            .or_else(|| property.get("title"));
        let label = label
            .and_then(Value::as_str)
            .map(|label| format!(" \"{label}\""))
            .unwrap_or_default();
        let mark = if required.contains(&name.as_str()) {
            ", required"
        } else {
            ""
        };
        text.push_str(&format!("  {name}: {kinds}{mark}{label}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_shown_with_its_type_and_label() {
        let schema = json!({
            "required": ["email"],
            "properties": {
                "email": { "type": "string" },
                "hire_date": { "type": ["string", "null"], "x-label": { "en": "Hire date" } },
            },
        });
        assert_eq!(
            attributes(&schema),
            "  email: string, required\n  hire_date: string or null \"Hire date\"\n"
        );
    }
}
