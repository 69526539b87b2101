//! Flows that deliver documents: what puts something into a person's file at the target once and for ever.
//!
//! Such a flow writes with an operation whose manifest says `once`. It neither makes accounts nor takes them
//! away, so `match`, `access`, `groups`, `leavers` and `guard` mean nothing in it; whose file a document belongs into
//! is known from the links of the flow that `people` names. Which record is which document (`once`), which
//! are not wanted (`unless`) and what is worth saying of one (`remarks`) are expressions.

use matricula_core::file::FileRule;
use matricula_core::manifest::{Operation, Stream, properties};
use serde_json::{Map, Value, json};

use crate::diagnostic::did_you_mean;
use crate::expression::types::{BOOL, NULL, NUMBER, TEXTUAL};
use crate::expression::{Expression, Names, TODAY, parse};
use crate::file::{AccessPart, FlowFile, expression, is_name, is_plain, named};
use crate::flow::Field;
use crate::mapping::Open;
use crate::parts::Checker;
use crate::yaml::{Fields, Name, Report, Snippet, Source};

/// The keys that only a flow that delivers documents has.
const OWN: [&str; 4] = ["people", "once", "unless", "remarks"];

/// The keys that only a flow that keeps accounts has.
const OF_ACCOUNTS: [&str; 7] = [
    "match", "mapping", "initial", "access", "groups", "leavers", "guard",
];

/// How a flow delivers documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The flow whose links say which account at the source is whose; one of [`crate::Flow::requires`].
    pub people: String,
    /// The attribute of the operation that takes the file. Its value is what the source's connector fetches
    /// the file by.
    pub file: String,
    /// Which files the operation takes.
    pub rule: FileRule,
    /// The attribute of the operation that takes the person; its value is an account at the source.
    pub owner: String,
}

/// What a file says of the documents that it delivers.
#[derive(Debug, Default)]
pub(crate) struct DocumentPart {
    pub people: Option<Name>,
    pub once: Option<Snippet>,
    pub unless: Vec<(Name, Snippet)>,
    pub remarks: Vec<(Name, Snippet)>,
}

/// The same, checked and compiled.
#[derive(Debug)]
pub(crate) struct DocumentRules {
    pub delivery: Delivery,
    pub once: Expression,
    pub unless: Vec<(String, Expression)>,
    pub remarks: Vec<(String, Expression)>,
    /// The attributes that remarks see: those that are read, and [`TODAY`]. Sorted.
    pub remark_attributes: Vec<String>,
}

impl DocumentRules {
    /// The expressions besides those that every flow has.
    pub fn all(&self) -> impl Iterator<Item = &Expression> {
        let reasons = self.unless.iter().chain(&self.remarks);
        [&self.once]
            .into_iter()
            .chain(reasons.map(|(_, expression)| expression))
    }

    /// What decides which document a record gives.
    pub fn meaning(&self) -> Value {
        let reasons = |reasons: &[(String, Expression)]| -> Value {
            let reasons = reasons.iter();
            reasons
                .map(|(name, expression)| json!([name, expression.meaning()]))
                .collect()
        };
        json!({
            "people": self.delivery.people,
            "once": self.once.meaning(),
            "unless": reasons(&self.unless),
            "remarks": reasons(&self.remarks),
        })
    }
}

pub(crate) fn document_part(
    source: &Source,
    top: &Fields<'_>,
    report: &mut Report<'_>,
) -> DocumentPart {
    let people = top
        .get("people")
        .and_then(|node| node.text("people", report))
        .filter(|name| is_name(name, report));
    let once = top
        .get("once")
        .and_then(|node| expression(source, node, "once", report));
    let unless = named(source, top.get("unless"), "unless", report);
    let remarks = named(source, top.get("remarks"), "remarks", report);
    for (name, _) in unless.iter().chain(&remarks) {
        if !is_plain(&name.text) {
            report.add_with(
                name.span,
                format!("\"{}\" cannot be the name of a reason", name.text),
                Some("a name is made of a-z, 0-9 and -, for example not-wanted".into()),
            );
        }
    }
    for (name, _) in &remarks {
        if unless.iter().any(|(other, _)| other.text == name.text) {
            let message = format!("\"{}\" is the name of a reason under unless too", name.text);
            report.add(name.span, message);
        }
    }
    DocumentPart {
        people,
        once,
        unless,
        remarks,
    }
}

/// Checks that a flow has the keys of its kind and no others; what does not belong to it is forgotten.
pub(crate) fn keys(file: &mut FlowFile, operation: Option<&Operation>, report: &mut Report<'_>) {
    let given = |key: &str| file.keys.iter().find(|name| name.text == key);
    // Of an operation that is not known, the file's own word is taken.
    let documents = operation.map_or(given("once").is_some(), |operation| operation.once);
    let target = format!("{} {}", file.target.0.text, file.target.1.text);
    let (refused, needed, message, hint) = if documents {
        (
            &OF_ACCOUNTS[..],
            &OWN[..2],
            "does not belong to a flow that delivers documents",
            format!(
                "{target} makes something new each time; accounts are matched and blocked by the flow \
                 that people names"
            ),
        )
    } else {
        (
            &OWN[..],
            &OF_ACCOUNTS[..1],
            "only belongs to a flow that delivers documents",
            format!("{target} keeps accounts: its manifest does not say that it writes once"),
        )
    };
    for name in refused.iter().filter_map(|key| given(key)) {
        let hint = match name.text.as_str() {
            "initial" => "a document is made once, so everything of it is written once",
            "mapping" => "what was delivered is not made anew when somebody maps it otherwise",
            _ => &hint,
        };
        report.add_with(
            name.span,
            format!("\"{}\" {message}", name.text),
            Some(hint.to_owned()),
        );
    }
    let kind = if documents {
        "a flow that delivers documents"
    } else {
        "a flow"
    };
    for key in needed.iter().filter(|key| given(key).is_none()) {
        report.add(file.start, format!("{kind} needs \"{key}\""));
    }
    if documents {
        file.matches.clear();
        file.mapping = Open::Nothing;
        file.access = AccessPart::default();
        file.groups = None;
        if let Some(people) = &file.document.people
            && !file
                .requires
                .iter()
                .any(|required| required.flow == people.text)
        {
            let required = file.requires.iter().map(|required| required.flow.as_str());
            let hint = match did_you_mean(&people.text, required) {
                Some(hint) => hint,
                None => format!("write under requires: - flow: {}", people.text),
            };
            report.add_with(
                people.span,
                format!("\"{}\" is not among requires", people.text),
                Some(hint),
            );
        }
    } else {
        file.document = DocumentPart::default();
    }
}

/// The attributes of a stream by which files are fetched.
pub(crate) fn files(stream: Option<&Stream>) -> Vec<String> {
    let properties = stream.and_then(|stream| properties(&stream.schema));
    properties
        .into_iter()
        .flatten()
        .filter(|(_, property)| property.get("x-file").is_some_and(|mark| mark == true))
        .map(|(name, _)| name.clone())
        .collect()
}

/// Checks `once` and `unless`, then, with the day known, `remarks`.
pub(crate) fn rules(
    part: DocumentPart,
    delivery: Option<Delivery>,
    names: &mut Names,
    report: &mut Report<'_>,
) -> Option<DocumentRules> {
    let mut checker = Checker {
        names,
        files: &[],
        report,
    };
    let once = part.once.and_then(|snippet| checker.once(snippet));
    let unless = checker.reasons(part.unless);
    names.know_today();
    let mut checker = Checker {
        names,
        files: &[],
        report,
    };
    let remarks = checker.reasons(part.remarks);
    Some(DocumentRules {
        delivery: delivery?,
        once: once?,
        unless,
        remarks,
        remark_attributes: Vec::new(),
    })
}

impl Checker<'_, '_, '_> {
    fn once(&mut self, snippet: Snippet) -> Option<Expression> {
        let text = snippet.text.trim().to_owned();
        self.giving(snippet, "once", TEXTUAL | NUMBER | NULL, |of| {
            of.has(BOOL).then(|| format!("write string({text})"))
        })
    }

    fn reasons(&mut self, reasons: Vec<(Name, Snippet)>) -> Vec<(String, Expression)> {
        let mut checked = Vec::with_capacity(reasons.len());
        for (name, snippet) in reasons {
            let text = snippet.text.trim().to_owned();
            let expression = self.giving(snippet, &name.text, BOOL | NULL, |of| {
                of.nullable().then(|| format!("write {text} != null"))
            });
            checked.extend(expression.map(|expression| (name.text, expression)));
        }
        checked
    }

    /// The attribute of the source that an attribute of the target takes as its file.
    pub(crate) fn file(&mut self, name: &Name, snippet: Snippet) -> Option<Expression> {
        let span = snippet.span(0, snippet.text.trim_end().len());
        let parsed = parse(snippet, self.report)?;
        let expression = self.names.check(parsed, self.report)?;
        let attribute = expression.attribute(&self.names.alias);
        if attribute.is_some_and(|attribute| self.files.iter().any(|file| file == attribute)) {
            return Some(expression);
        }
        let (alias, record) = (&self.names.alias, &self.names.record.name);
        let files: Vec<String> = self
            .files
            .iter()
            .map(|file| format!("{alias}.{file}"))
            .collect();
        let hint = if files.is_empty() {
            format!("{record} has none: its manifest marks no attribute with x-file")
        } else {
            format!("write {}", files.join(" or "))
        };
        self.report.add_with(
            span,
            format!("{} takes a file of {record}, as it is", name.text),
            Some(hint),
        );
        None
    }
}

/// Finds the attributes of the operation that take the file and the person.
pub(crate) fn delivery(
    file: &FlowFile,
    operation: &Operation,
    people: Option<&Name>,
    mapped: &[String],
    report: &mut Report<'_>,
) -> Option<Delivery> {
    let empty = Map::new();
    let known = properties(&operation.schema).unwrap_or(&empty);
    let marked = |mark: &str| -> Vec<(&String, &Value)> {
        known
            .iter()
            .filter_map(|(name, property)| Some((name, property.get(mark)?)))
            .collect()
    };
    let (connector, target) = &file.target;
    let file_rule = match marked("x-file").as_slice() {
        [(name, rule)] => match serde_json::from_value::<FileRule>((*rule).clone()) {
            Ok(rule) => Ok(((*name).clone(), rule)),
            Err(reason) => Err(format!("x-file of {name}: {reason}")),
        },
        [] => Err("it takes no file (x-file)".to_owned()),
        [..] => Err("it takes several files (x-file)".to_owned()),
    };
    let (file_name, rule) = match file_rule {
        Ok(found) => found,
        Err(reason) => {
            let message = format!(
                "the manifest of {} is wrong about {}: {reason}",
                connector.text, target.text
            );
            report.add(target.span, message);
            return None;
        }
    };
    let required = |name: &str| -> bool {
        let required = operation.schema.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|required| required == name))
    };
    let target = format!("{} {}", connector.text, target.text);
    // What is required and not given has been reported.
    if !mapped.contains(&file_name) && !required(&file_name) {
        let message = format!("{target} needs its file \"{file_name}\", which map does not give");
        report.add(file.map_key, message);
    }
    let references: Vec<&String> = marked("x-reference")
        .into_iter()
        .filter(|(_, mark)| **mark == true)
        .map(|(name, _)| name)
        .collect();
    let given: Vec<&String> = references
        .iter()
        .copied()
        .filter(|name| mapped.contains(*name))
        .collect();
    match given.as_slice() {
        [owner] => Some(Delivery {
            people: people?.text.clone(),
            file: file_name,
            rule,
            owner: (*owner).clone(),
        }),
        [] => {
            if !references.iter().any(|name| required(name)) {
                let hint = match references.first() {
                    Some(name) => format!("write {name}: person(…)"),
                    None => format!("the manifest marks none of {target} with x-reference"),
                };
                let message = "map does not say whose file a document belongs into";
                report.add_with(file.map_key, message, Some(hint));
            }
            None
        }
        [..] => {
            let message = "map names several people, and a document belongs into the file of one";
            report.add(file.map_key, message);
            None
        }
    }
}

/// Nothing is delivered without the file and the person, whatever the operation requires.
pub(crate) fn require(delivery: &Delivery, fields: &mut [Field]) {
    for field in fields {
        let name = &field.spec.name;
        field.spec.required |= *name == delivery.file || *name == delivery.owner;
    }
}

impl DocumentRules {
    /// Tells the rules which attributes are read.
    pub fn see(&mut self, attributes: &[String]) {
        self.remark_attributes = attributes.to_vec();
        self.remark_attributes.push(TODAY.to_owned());
        self.remark_attributes.sort();
    }
}
