//! A flow file against the manifests of its connectors.
//!
//! Everything that is wrong is found in one pass: what is unknown counts as "of any kind" from there on, so
//! that one mistake is reported once.

use std::collections::BTreeSet;
use std::sync::Arc;

use matricula_core::manifest::{Manifest, Operation, Stream};
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostics, did_you_mean};
use crate::document::{self, DocumentRules};
use crate::expression::types::{Shape, shape_of};
use crate::expression::{Expression, Names, Parsed, TODAY, parse};
use crate::file::{FlowFile, is_identifier};
use crate::flow::{AccessRules, Checked, Flow, Leavers, MatchRule, SourceAttribute};
use crate::groups::{self, SetRules};
use crate::initial;
use crate::mapping;
use crate::parts::Checker;
use crate::schema::Check;
use crate::settings::Form;
use crate::titles::{property, title};
use crate::yaml::{Name, Report};

/// The attribute of every operation by which an account is found by its identifier at the target.
pub(crate) const REMOTE_ID: &str = "remote-id";

pub(crate) fn check(
    mut file: FlowFile,
    source: &Manifest,
    target: &Manifest,
) -> Result<Flow, Diagnostics> {
    let text = Arc::clone(&file.text);
    let mut report = Report::new(&text);
    report.found = std::mem::take(&mut file.found);
    let stream = stream(&file, source, &mut report);
    let operation = operation(&file, target, &mut report);
    document::keys(&mut file, operation, &mut report);
    let form = Form::read(&file.settings, [source, target], &mut report);
    let mut names = Names::new(
        file.alias.text.clone(),
        record_shape(source, &file.source.1, stream),
        form.as_ref().map_or_else(|| open("settings"), Form::shape),
    );
    let lets = helpers(&mut file, &mut report);
    names.define(lets, &mut report);
    let files = document::files(stream);
    let mapped: Vec<String> = file.map.iter().map(|(name, _)| name.text.clone()).collect();
    let mut checker = Checker {
        names: &names,
        files: &files,
        report: &mut report,
    };
    let scope = file.scope.take().and_then(|snippet| checker.scope(snippet));
    let matches = checker.matches(std::mem::take(&mut file.matches), operation);
    let mut fields = checker.fields(&mut file, operation);
    let found_by: Vec<String> = matches.iter().map(|rule| rule.attribute.clone()).collect();
    let access = checker.access(&mut file);
    let part = file.groups.take();
    let groups = part.and_then(|part| groups::rules(part, &file, target, operation, &mut checker));
    mapping::open(&file.mapping, &mapped, &found_by, &mut fields, &mut report);
    initial::mark(&file.initial, &mapped, &found_by, &mut fields, &mut report);
    if let (Leavers::Delete, span) = file.leavers
        && operation.is_some_and(|operation| !operation.deletes)
    {
        let message = format!("{} of {} cannot delete", file.target.1.text, target.id);
        report.add_with(span, message, Some("block or keep".into()));
    }
    let part = std::mem::take(&mut file.document);
    let mut document = match operation.filter(|operation| operation.once) {
        Some(operation) => {
            let people = part.people.as_ref();
            let delivery = document::delivery(&file, operation, people, &mapped, &mut report);
            document::rules(part, delivery, &mut names, &mut report)
        }
        None => None,
    };
    if !report.found.is_empty() {
        return Err(Diagnostics(report.found).sorted());
    }
    // Whatever is none has been reported.
    let (Some(stream), Some(operation), Some(form)) = (stream, operation, form) else {
        return Err(Diagnostics(report.found));
    };
    let mapped = fields.iter().map(|field| &field.expression);
    let sets = groups.iter().flat_map(|groups| &groups.sets);
    let used = used(
        scope.as_ref(),
        &matches,
        mapped,
        &access,
        sets,
        document.as_ref(),
    );
    let mut attributes = Vec::with_capacity(used.len());
    for name in &used {
        match SourceAttribute::new(name, &stream.schema) {
            Ok(attribute) => attributes.push(Arc::new(attribute)),
            Err(reason) => report.add(
                file.source.1.span,
                format!(
                    "the manifest of {} is wrong about {name}: {reason}",
                    source.id
                ),
            ),
        }
    }
    if !report.found.is_empty() {
        return Err(Diagnostics(report.found).sorted());
    }
    let used: Vec<String> = used.into_iter().collect();
    if let Some(document) = &mut document {
        document::require(&document.delivery, &mut fields);
        document.see(&used);
    }
    let mut checked = Checked {
        name: file.name.text,
        version: file.version,
        title: file.title,
        summary: file.summary,
        source: (file.source.0.text, file.source.1.text),
        target: (file.target.0.text, file.target.1.text),
        source_title: source.title.get("en").to_owned(),
        text: text.text.iter().collect(),
        requires: file.requires,
        schedule: file.schedule,
        report: file.report,
        guard: file.guard,
        leavers: file.leavers.0,
        activation: file.activation,
        tells_success: file.tells_success,
        groups,
        alias: file.alias.text,
        names,
        schema: stream.schema.clone(),
        attributes: used,
        source_attributes: attributes,
        specs: fields.iter().map(|field| field.spec.clone()).collect(),
        fields,
        match_names: found_by,
        matches,
        scope,
        access,
        document,
        form,
        meaning: String::new(),
    };
    checked.meaning = meaning(&checked, stream, operation);
    Ok(Flow(Arc::new(checked)))
}

/// What decides which person or document a record gives, as text: from it the digest is taken.
fn meaning(flow: &Checked, stream: &Stream, operation: &Operation) -> String {
    let expression = |expression: &Expression| expression.meaning();
    let optional = |found: &Option<Expression>| found.as_ref().map(Expression::meaning);
    let mut meaning = json!({
        "format": 1,
        "source": flow.source,
        "target": flow.target,
        "scope": optional(&flow.scope),
        "match": flow.matches.iter()
            .map(|rule| json!([rule.attribute, expression(&rule.expression)])).collect::<Vec<_>>(),
        "map": flow.fields.iter()
            .map(|field| json!([
                field.spec.name, field.spec.reference, field.spec.required,
                expression(&field.expression), described(&operation.schema, &field.spec.name),
            ]))
            .collect::<Vec<_>>(),
        "access": {
            "from": optional(&flow.access.from),
            "until": flow.access.until.iter().map(expression).collect::<Vec<_>>(),
            "barred": optional(&flow.access.barred),
            "last_day": optional(&flow.access.last_day),
            "time_zone": optional(&flow.access.time_zone),
        },
        "leavers": format!("{:?}", flow.leavers),
        "read": flow.attributes.iter()
            .map(|name| json!([name, described(&stream.schema, name)])).collect::<Vec<_>>(),
    });
    let initial: Vec<&str> = flow
        .fields
        .iter()
        .filter(|field| field.spec.initial)
        .map(|field| field.spec.name.as_str())
        .collect();
    if !initial.is_empty() {
        meaning["initial"] = json!(initial);
    }
    if let Some(groups) = &flow.groups {
        meaning["groups"] = groups.meaning();
    }
    if let Some(document) = &flow.document {
        meaning["document"] = document.meaning();
    }
    meaning.to_string()
}

/// What a schema says of one of its attributes, or of all that it describes by patterns.
pub(crate) fn described<'s>(schema: &'s Value, name: &str) -> &'s Value {
    let known = schema
        .get("properties")
        .and_then(|properties| properties.get(name));
    known
        .or_else(|| schema.get("patternProperties"))
        .unwrap_or(&Value::Null)
}

/// An object of which nothing is known.
pub(crate) fn open(name: &str) -> Shape {
    Shape {
        name: name.to_owned(),
        properties: Vec::new(),
        patterns: Vec::new(),
        open: true,
    }
}

fn stream<'m>(
    file: &FlowFile,
    source: &'m Manifest,
    report: &mut Report<'_>,
) -> Option<&'m Stream> {
    let (connector, name) = &file.source;
    is_connector(connector, source, report)?;
    let stream = source.streams.get(&name.text);
    if stream.is_none() {
        report.add_with(
            name.span,
            format!("{} has no stream \"{}\"", source.id, name.text),
            did_you_mean(&name.text, source.streams.keys().map(String::as_str)),
        );
    }
    stream
}

fn operation<'m>(
    file: &FlowFile,
    target: &'m Manifest,
    report: &mut Report<'_>,
) -> Option<&'m Operation> {
    let (connector, name) = &file.target;
    is_connector(connector, target, report)?;
    let operation = target.operations.get(&name.text);
    if operation.is_none() {
        report.add_with(
            name.span,
            format!("{} has no operation \"{}\"", target.id, name.text),
            did_you_mean(&name.text, target.operations.keys().map(String::as_str)),
        );
    }
    operation
}

fn is_connector(name: &Name, manifest: &Manifest, report: &mut Report<'_>) -> Option<()> {
    if name.text == manifest.id {
        return Some(());
    }
    report.add_with(
        name.span,
        format!("there is no connector \"{}\"", name.text),
        did_you_mean(&name.text, [manifest.id.as_str()]),
    );
    None
}

fn record_shape(source: &Manifest, name: &Name, stream: Option<&Stream>) -> Shape {
    let label = format!("{} {}", source.id, name.text);
    let schema = stream.and_then(|stream| stream.schema.as_object());
    match schema.and_then(|schema| shape_of(schema, &label)) {
        // What a manifest does not describe cannot be asked for, whatever it says of other properties.
        Some(shape) => Shape {
            open: false,
            ..shape
        },
        None => open(&label),
    }
}

fn helpers(file: &mut FlowFile, report: &mut Report<'_>) -> Vec<(Name, Option<Parsed>)> {
    let mut helpers = Vec::new();
    for (name, snippet) in std::mem::take(&mut file.lets) {
        let taken = name.text == file.alias.text || name.text == "settings";
        if !is_identifier(&name.text) || taken {
            report.add_with(
                name.span,
                format!("\"{}\" cannot be the name of a helper", name.text),
                Some("a name is made of letters, digits and _, and has no other meaning".into()),
            );
        }
        let parsed = parse(snippet, report);
        helpers.push((name, parsed));
    }
    helpers
}

/// The attributes of the record that any of these use.
pub(crate) fn used<'e>(
    scope: Option<&'e Expression>,
    matches: &'e [MatchRule],
    mapped: impl Iterator<Item = &'e Expression>,
    access: &'e AccessRules,
    sets: impl Iterator<Item = &'e SetRules>,
    document: Option<&'e DocumentRules>,
) -> BTreeSet<String> {
    let expressions = scope
        .into_iter()
        .chain(matches.iter().map(|rule| &rule.expression))
        .chain(mapped)
        .chain(access.all())
        .chain(sets.flat_map(SetRules::all))
        .chain(document.into_iter().flat_map(DocumentRules::all));
    expressions
        .flat_map(|expression| expression.attributes.iter())
        .filter(|attribute| *attribute != TODAY)
        .cloned()
        .collect()
}

impl SourceAttribute {
    /// What a stream's schema says of one of its attributes.
    pub fn new(name: &str, schema: &Value) -> Result<Self, String> {
        Ok(Self {
            title: title(schema, name),
            check: Check::new(property(schema, name).unwrap_or(&Value::Bool(true)))?,
        })
    }
}
