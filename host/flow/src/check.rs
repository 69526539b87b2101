//! A flow file against the manifests of its connectors.
//!
//! Everything that is wrong is found in one pass: what is unknown counts as "of any kind" from there on, so
//! that one mistake is reported once.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use matricula_core::manifest::{Manifest, Operation, Stream};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::diagnostic::{Diagnostics, did_you_mean};
use crate::expression::types::{
    BOOL, DATE, DOUBLE, INT, LIST, MOMENT, NULL, NUMBER, OBJECT, Shape, TEXT, TEXTUAL, Type,
    shape_of,
};
use crate::expression::{Expression, Names, Parsed, parse};
use crate::file::{FlowFile, is_identifier};
use crate::flow::{
    AccessRules, Checked, Field, FieldSpec, Flow, Leavers, MatchRule, SourceAttribute,
};
use crate::schema::Check;
use crate::settings::Form;
use crate::yaml::{Name, Report, Snippet, Span};

/// The attribute of every operation by which an account is found by its identifier at the target.
const REMOTE_ID: &str = "remote-id";

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
    let form = Form::read(&file.settings, [source, target], &mut report);
    let mut names = Names::new(
        file.alias.text.clone(),
        record_shape(source, &file.source.1, stream),
        form.as_ref().map_or_else(|| open("settings"), Form::shape),
    );
    let lets = helpers(&mut file, &mut report);
    names.define(lets, &mut report);
    let mut checker = Checker {
        names: &names,
        report: &mut report,
    };
    let scope = file.scope.take().and_then(|snippet| checker.scope(snippet));
    let matches = checker.matches(std::mem::take(&mut file.matches), operation);
    let fields = checker.fields(&mut file, operation);
    let access = checker.access(&mut file);
    if let (Leavers::Delete, span) = file.leavers
        && operation.is_some_and(|operation| !operation.deletes)
    {
        let message = format!("{} of {} cannot delete", file.target.1.text, target.id);
        report.add_with(span, message, Some("block or keep".into()));
    }
    if !report.found.is_empty() {
        return Err(Diagnostics(report.found).sorted());
    }
    // Whatever is none has been reported.
    let (Some(stream), Some(operation), Some(form)) = (stream, operation, form) else {
        return Err(Diagnostics(report.found));
    };
    let used = used(scope.as_ref(), &matches, &fields, &access);
    let mut attributes = Vec::with_capacity(used.len());
    for name in &used {
        match attribute(name, stream) {
            Ok(attribute) => attributes.push(attribute),
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
    let mut checked = Checked {
        name: file.name.text,
        version: file.version,
        title: file.title,
        summary: file.summary,
        source: (file.source.0.text, file.source.1.text),
        target: (file.target.0.text, file.target.1.text),
        source_title: source.title.get("en").to_owned(),
        schedule: file.schedule,
        guard: file.guard,
        leavers: file.leavers.0,
        alias: file.alias.text,
        attributes: used.into_iter().collect(),
        source_attributes: attributes,
        specs: fields.iter().map(|field| field.spec.clone()).collect(),
        fields,
        match_names: matches.iter().map(|rule| rule.attribute.clone()).collect(),
        matches,
        scope,
        access,
        form,
        meaning: String::new(),
    };
    checked.meaning = meaning(&checked, stream, operation);
    Ok(Flow(Arc::new(checked)))
}

/// What decides which person a record gives, as text: from it the digest is taken.
fn meaning(flow: &Checked, stream: &Stream, operation: &Operation) -> String {
    let property = |schema: &Value, name: &str| -> Value {
        let known = schema
            .get("properties")
            .and_then(|properties| properties.get(name));
        known
            .or_else(|| schema.get("patternProperties"))
            .cloned()
            .unwrap_or_default()
    };
    let expression = |expression: &Expression| expression.meaning();
    let optional = |found: &Option<Expression>| found.as_ref().map(Expression::meaning);
    json!({
        "format": 1,
        "source": flow.source,
        "target": flow.target,
        "scope": optional(&flow.scope),
        "match": flow.matches.iter()
            .map(|rule| json!([rule.attribute, expression(&rule.expression)])).collect::<Vec<_>>(),
        "map": flow.fields.iter()
            .map(|field| json!([
                field.spec.name, field.spec.reference, field.spec.required,
                expression(&field.expression), property(&operation.schema, &field.spec.name),
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
            .map(|name| json!([name, property(&stream.schema, name)])).collect::<Vec<_>>(),
    })
    .to_string()
}

fn open(name: &str) -> Shape {
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

struct Checker<'a, 'r, 's> {
    names: &'a Names,
    report: &'r mut Report<'s>,
}

impl Checker<'_, '_, '_> {
    fn expression(&mut self, snippet: Snippet) -> Option<(Expression, Span)> {
        let span = snippet.span(0, snippet.text.trim_end().len());
        let parsed = parse(snippet, self.report)?;
        Some((self.names.check(parsed, self.report)?, span))
    }

    /// An expression that must give one of these kinds.
    fn giving(
        &mut self,
        snippet: Snippet,
        what: &str,
        kinds: u16,
        hint: impl Fn(&Type) -> Option<String>,
    ) -> Option<Expression> {
        let (expression, span) = self.expression(snippet)?;
        let of = &expression.of;
        let nullable = of.nullable() && kinds & NULL == 0;
        if !of.has(kinds & !NULL) && !(kinds & NULL != 0 && of.only(NULL)) || nullable {
            let message = format!(
                "{what} must be {}, and this is {of}",
                Type::of(kinds & !NULL)
            );
            let hint = hint(of);
            self.report.add_with(span, message, hint);
            return None;
        }
        Some(expression)
    }

    fn scope(&mut self, snippet: Snippet) -> Option<Expression> {
        let text = snippet.text.trim().to_owned();
        self.giving(snippet, "scope", BOOL, |of| {
            of.has(BOOL)
                .then(|| format!("write coalesce({text}, false)"))
        })
    }

    fn matches(
        &mut self,
        rules: Vec<(Name, Snippet)>,
        operation: Option<&Operation>,
    ) -> Vec<MatchRule> {
        let mut matches: Vec<MatchRule> = Vec::new();
        for (name, snippet) in rules {
            if let Some(operation) = operation
                && name.text != REMOTE_ID
                && !operation.find.contains(&name.text)
            {
                let known = operation.find.iter().map(String::as_str).chain([REMOTE_ID]);
                self.report.add_with(
                    name.span,
                    format!("accounts cannot be found by \"{}\"", name.text),
                    did_you_mean(&name.text, known),
                );
            }
            let text = snippet.text.trim().to_owned();
            let expression = self.giving(snippet, &name.text, TEXTUAL | NULL, |of| {
                of.has(NUMBER).then(|| format!("write string({text})"))
            });
            if let Some(expression) = expression {
                matches.push(MatchRule {
                    attribute: name.text,
                    expression,
                });
            }
        }
        matches
    }

    fn fields(&mut self, file: &mut FlowFile, operation: Option<&Operation>) -> Vec<Field> {
        let map = std::mem::take(&mut file.map);
        let label = format!("{} {}", file.target.0.text, file.target.1.text);
        let schema = operation.map(|operation| &operation.schema);
        let known = schema
            .and_then(Value::as_object)
            .and_then(|schema| shape_of(schema, &label));
        let known = known.unwrap_or_else(|| open(&label));
        let required: Vec<&str> = schema
            .and_then(|schema| schema.get("required"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let active = operation.and_then(|operation| operation.active.as_deref());
        for name in &required {
            let given = map.iter().any(|(mapped, _)| mapped.text == *name);
            if !given && Some(*name) != active {
                let message =
                    format!("{label} needs the attribute \"{name}\", which map does not give");
                self.report.add(file.map_key, message);
            }
        }
        let mut fields = Vec::new();
        for (name, snippet) in map {
            let Some(of) = known.property(&name.text) else {
                self.report.add_with(
                    name.span,
                    format!("{label} has no attribute \"{}\"", name.text),
                    did_you_mean(&name.text, known.names()),
                );
                self.expression(snippet);
                continue;
            };
            if Some(name.text.as_str()) == active {
                self.report.add_with(
                    name.span,
                    format!("\"{}\" is decided by access, scope and leavers", name.text),
                    Some("declare under access who is blocked (barred)".into()),
                );
            }
            let property = schema
                .and_then(|schema| schema.get("properties"))
                .and_then(|properties| properties.get(&name.text));
            let is_reference = property
                .and_then(|property| property.get("x-reference"))
                .is_some_and(|mark| mark == true);
            let required = required.contains(&name.text.as_str());
            let Some(expression) = self.field(&name, snippet, &of, is_reference, required) else {
                continue;
            };
            match Check::new(property.unwrap_or(&Value::Bool(true))) {
                Ok(check) => fields.push(Field {
                    spec: FieldSpec {
                        tag: tag(&name.text),
                        name: name.text,
                        reference: is_reference,
                        required,
                    },
                    expression,
                    check,
                }),
                Err(reason) => self.report.add(
                    name.span,
                    format!("the manifest is wrong about {}: {reason}", name.text),
                ),
            }
        }
        fields
    }

    fn field(
        &mut self,
        name: &Name,
        snippet: Snippet,
        of: &Type,
        is_reference: bool,
        required: bool,
    ) -> Option<Expression> {
        let text = snippet.text.trim().to_owned();
        let span = snippet.span(0, snippet.text.trim_end().len());
        let (parsed, person) = parse(snippet, self.report)?.take_person();
        if person && !is_reference {
            let message = format!("{} does not take another person", name.text);
            self.report.add(span, message);
        }
        let expression = self.names.check(parsed, self.report)?;
        if is_reference && !person {
            self.report.add_with(
                span,
                format!("{} is the account of another person", name.text),
                Some(format!("write person({text})")),
            );
            return None;
        }
        if person {
            if !expression.of.has(INT | TEXT) && !expression.of.only(NULL) {
                let message = format!(
                    "person takes the key of a person, and this is {}",
                    expression.of
                );
                let hint = suggest_member(&expression.of, &text, INT | TEXT);
                self.report.add_with(span, message, hint);
            }
            return Some(expression);
        }
        self.assign(name, &text, span, &expression.of, of, required);
        Some(expression)
    }

    /// Whether a value of one kind can be the value of an attribute of another.
    fn assign(&mut self, name: &Name, text: &str, span: Span, of: &Type, to: &Type, needed: bool) {
        if of.is_any() || to.is_any() {
            return;
        }
        let mut takes = 0;
        for (kind, accepts) in [
            (BOOL, BOOL),
            (INT, INT),
            (DOUBLE, NUMBER),
            (TEXT, TEXTUAL),
            (DATE, DATE),
            (MOMENT, MOMENT),
            (LIST, LIST),
            (OBJECT, OBJECT),
        ] {
            if to.has(kind) {
                takes |= accepts;
            }
        }
        let only_null = of.only(NULL);
        if !only_null && !of.has(takes) {
            let hint = if to.has(DATE) && of.has(TEXTUAL) {
                Some(format!("write date({text})"))
            } else if to.has(TEXT) && of.has(NUMBER | BOOL) {
                Some(format!("write string({text})"))
            } else if to.has(TEXT) && of.has(LIST) {
                Some(format!("write join({text}, \", \")"))
            } else {
                suggest_member(of, text, takes)
            };
            let wanted = to.clone().without_null();
            let message = format!("{} takes {wanted}, and this is {of}", name.text);
            self.report.add_with(span, message, hint);
        } else if of.nullable() && !to.has(NULL) && !needed {
            let hint = to
                .has(TEXTUAL)
                .then(|| format!("write coalesce({text}, \"\")"));
            let message = format!("this may be null, which {} does not take", name.text);
            self.report.add_with(span, message, hint);
        } else if of.has(LIST) && to.has(LIST) {
            let (of, to) = (of.item(), to.item());
            self.assign(name, text, span, &of, &to, false);
        }
    }

    fn access(&mut self, file: &mut FlowFile) -> AccessRules {
        let part = std::mem::take(&mut file.access);
        let mut date = |snippet: Option<Snippet>, what: &str| {
            let snippet = snippet?;
            let text = snippet.text.trim().to_owned();
            self.giving(snippet, what, DATE | NULL, |of| {
                of.has(TEXTUAL).then(|| format!("write date({text})"))
            })
        };
        let from = date(part.from, "from");
        let until = part
            .until
            .into_iter()
            .filter_map(|one| date(Some(one), "until"))
            .collect();
        let barred = part
            .barred
            .and_then(|snippet| self.giving(snippet, "barred", BOOL | NULL, |_| None));
        let last_day = part.last_day.and_then(|snippet| {
            self.word(snippet, "last_day", |text| {
                ["blocked", "open"].contains(&text)
            })
        });
        let time_zone = part.time_zone.and_then(|snippet| {
            self.word(snippet, "time_zone", |text| TimeZone::get(text).is_ok())
        });
        AccessRules {
            from,
            until,
            barred,
            last_day,
            time_zone,
        }
    }

    /// An expression that gives a text. Somebody may have written the text itself.
    fn word(
        &mut self,
        snippet: Snippet,
        what: &str,
        valid: impl Fn(&str) -> bool,
    ) -> Option<Expression> {
        let text = snippet.text.trim().to_owned();
        if valid(&text) && !self.names.lets_contain(&text) {
            let span = snippet.span(0, snippet.text.trim_end().len());
            self.report.add_with(
                span,
                format!("{what} is an expression; a text in it stands between quotes"),
                Some(format!("write '\"{text}\"'")),
            );
            return None;
        }
        self.giving(snippet, what, TEXT, |of| {
            of.has(TEXT).then(|| format!("write coalesce({text}, …)"))
        })
    }
}

/// Where an object is given and something in it would fit: that.
fn suggest_member(of: &Type, text: &str, kinds: u16) -> Option<String> {
    let shape = of.shape()?;
    let fitting = |wanted: &str| {
        let found = shape
            .properties
            .iter()
            .find(|(name, of)| name == wanted && of.has(kinds));
        found.map(|(name, _)| name.as_str())
    };
    let first = || {
        let found = shape.properties.iter().find(|(_, of)| of.has(kinds));
        found.map(|(name, _)| name.as_str())
    };
    let member = fitting("name").or_else(|| fitting("id")).or_else(first)?;
    Some(format!("did you mean {text}.{member}?"))
}

/// A name that is stable for ever: part of what is stored of each person.
fn tag(name: &str) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "half of the hash is enough"
    )]
    let tag = xxh3_64(name.as_bytes()) as u32;
    tag
}

fn used(
    scope: Option<&Expression>,
    matches: &[MatchRule],
    fields: &[Field],
    access: &AccessRules,
) -> BTreeSet<String> {
    let expressions = scope
        .into_iter()
        .chain(matches.iter().map(|rule| &rule.expression))
        .chain(fields.iter().map(|field| &field.expression))
        .chain(access.all());
    expressions
        .flat_map(|expression| expression.attributes.iter().cloned())
        .collect()
}

fn attribute(name: &str, stream: &Stream) -> Result<SourceAttribute, String> {
    let schema = &stream.schema;
    let property = schema
        .get("properties")
        .and_then(|properties| properties.get(name));
    let by_pattern = || {
        let patterns = schema.get("patternProperties")?.as_object()?;
        patterns.iter().find_map(|(pattern, property)| {
            regex::Regex::new(pattern)
                .ok()?
                .is_match(name)
                .then_some(property)
        })
    };
    let property = property.or_else(by_pattern).unwrap_or(&Value::Bool(true));
    let label = |key: &str| {
        let label = property.get(key)?;
        label
            .as_str()
            .or_else(|| label.get("en")?.as_str())
            .map(str::to_owned)
    };
    let label = label("x-label").or_else(|| label("title"));
    Ok(SourceAttribute {
        label: label.unwrap_or_else(|| name.to_owned()),
        check: Check::new(property)?,
    })
}
