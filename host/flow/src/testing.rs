//! `*.test.yaml`: what a flow makes of made-up people, checked by `matricula flow test`.
//!
//! ```yaml
//! flow: sync-employees
//! now: 2026-03-15T12:00:00Z     # for all cases that have none of their own
//! settings: { last_day: open }  # the same
//! record: { id: 7, email: ada@example.com }  # what every record begins with
//! cases:
//!   - name: a manager is a reference
//!     record: { supervisor: { id: 3 } }      # laid over the common record
//!     without: [email]                       # attributes that the record lacks
//!     expect:
//!       scope: true
//!       fields: { email: null, manager: { person: "3" } }
//!       absent: [department, groups.team]    # fields and memberships that are left alone
//!       match: { external_id: "7" }
//!       groups: { department: Department IT, team: null }  # by kind; also { key: 17, name: Department IT }
//!       access: { allowed: false, reason: end-reached, changes_at: null, from: null, until: 2026-03-31 }
//!       error: { code: invalid-value, attribute: email, message: part of it }
//! ```
//!
//! Only what is expected is compared. A case that expects no error fails if there is one. Flows that deliver
//! documents have no match and access; what their cases expect is in `documents`.

mod documents;
mod groups;

use jiff::Timestamp;
use matricula_core::link::Access;
use serde_json::{Map, Value};

use crate::access::{Standing, standing};
use crate::diagnostic::{Diagnostics, did_you_mean};
use crate::flow::Flow;
use crate::person::{FieldValue, Person, Reading, RecordError};
use crate::program::Program;
use crate::yaml::{Data, Fields, Node, Report, Source};

const KEYS: [&str; 5] = ["flow", "now", "settings", "record", "cases"];
const CASE_KEYS: [&str; 6] = ["name", "now", "settings", "record", "without", "expect"];
const EXPECT_KEYS: [&str; 7] = [
    "scope", "fields", "absent", "match", "access", "groups", "error",
];
const ACCESS_KEYS: [&str; 8] = [
    "allowed",
    "reason",
    "changes_at",
    "from",
    "until",
    "barred",
    "last_day",
    "time_zone",
];
/// What a kind of groups begins with among what is expected to be absent.
const GROUPS: &str = "groups.";
const ERROR_KEYS: [&str; 3] = ["code", "attribute", "message"];

/// What became of one case.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CaseResult {
    /// The case.
    pub name: String,
    /// What is not as expected; none: it passed.
    pub failures: Vec<String>,
}

/// Runs the cases of a test file, which lies beside the flow file.
///
/// # Errors
/// What is wrong with the test file itself.
pub fn run(flow: &Flow, file_name: &str, text: &str) -> Result<Vec<CaseResult>, Diagnostics> {
    let source = Source::new(file_name, text);
    let root = source.read().map_err(|wrong| Diagnostics(vec![wrong]))?;
    let mut report = Report::new(&source);
    let top = root.fields("a test file", &KEYS, &mut report);
    if let Some(name) = top.need("flow", "a test file", &mut report)
        && let Some(name) = name.text("flow", &mut report)
        && name.text != flow.name()
    {
        report.add(name.span, format!("these are the tests of {}", flow.name()));
    }
    let common = Common {
        now: now(&top, &mut report),
        settings: top.get("settings"),
        record: top.get("record"),
    };
    let mut cases = Vec::new();
    match top.need("cases", "a test file", &mut report) {
        Some(Node {
            data: Data::List(nodes),
            ..
        }) if !nodes.is_empty() => {
            for node in nodes {
                cases.extend(case(flow, node, &common, &mut report));
            }
        }
        Some(node) => report.add(node.first(), "cases must be a list of cases"),
        None => {}
    }
    if !report.found.is_empty() {
        return Err(Diagnostics(report.found).sorted());
    }
    Ok(cases
        .iter()
        .map(|case| CaseResult {
            name: case.name.clone(),
            failures: case.run(flow),
        })
        .collect())
}

/// What all cases have in common.
struct Common<'n> {
    now: Option<Timestamp>,
    settings: Option<&'n Node>,
    record: Option<&'n Node>,
}

struct Case {
    name: String,
    now: Option<Timestamp>,
    settings: Value,
    record: Value,
    expect: Expect,
}

#[derive(Default)]
struct Expect {
    document: documents::Expect,
    scope: Option<bool>,
    fields: Vec<(String, Value)>,
    absent: Vec<String>,
    matches: Vec<(String, Value)>,
    access: Vec<(String, Value)>,
    groups: groups::Expect,
    error: Option<Vec<(String, Value)>>,
}

fn now(fields: &Fields<'_>, report: &mut Report<'_>) -> Option<Timestamp> {
    let node = fields.get("now")?;
    let text = node.text("now", report)?;
    let now = text.text.parse().ok();
    if now.is_none() {
        let hint = Some("for example 2026-03-15T12:00:00Z".to_owned());
        report.add_with(
            text.span,
            format!("\"{}\" is not a moment", text.text),
            hint,
        );
    }
    now
}

fn case(flow: &Flow, node: &Node, common: &Common<'_>, report: &mut Report<'_>) -> Option<Case> {
    let fields = node.fields("a case", &CASE_KEYS, report);
    let name = fields
        .need("name", "a case", report)?
        .text("name", report)?;
    let mut laid = |common: Option<&Node>, key: &str| {
        let mut entries = Map::new();
        for node in [common, fields.get(key)].into_iter().flatten() {
            for (name, value) in node.entries(key, report) {
                entries.insert(name.text.clone(), value.json());
            }
        }
        entries
    };
    let settings = laid(common.settings, "settings");
    let mut record = laid(common.record, "record");
    for name in names(fields.get("without"), "without", report) {
        record.remove(&name);
    }
    let now = now(&fields, report).or(common.now);
    let expect = expect(flow, fields.need("expect", "a case", report)?, report);
    let rules = flow.0.document.as_ref();
    if now.is_none() && rules.is_some_and(documents::knows_today) {
        report.add(
            name.span,
            "a case needs \"now\": the flow's remarks use today",
        );
    }
    let needs_now = ["allowed", "reason", "changes_at"];
    if now.is_none()
        && expect
            .access
            .iter()
            .any(|(key, _)| needs_now.contains(&key.as_str()))
    {
        report.add(name.span, "a case that expects access needs \"now\"");
    }
    Some(Case {
        name: name.text,
        now,
        settings: Value::Object(settings),
        record: Value::Object(record),
        expect,
    })
}

fn names(node: Option<&Node>, what: &str, report: &mut Report<'_>) -> Vec<String> {
    match node {
        Some(Node {
            data: Data::List(items),
            ..
        }) => items
            .iter()
            .filter_map(|item| item.text(what, report))
            .map(|name| name.text)
            .collect(),
        Some(node) => {
            report.add(node.first(), format!("{what} must be a list of names"));
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn expect(flow: &Flow, node: &Node, report: &mut Report<'_>) -> Expect {
    let mut expect = Expect::default();
    let fields = match &flow.0.document {
        Some(rules) => {
            let fields = node.fields("expect", &documents::EXPECT_KEYS, report);
            expect.document = documents::Expect::read(rules, &fields, report);
            fields
        }
        None => node.fields("expect", &EXPECT_KEYS, report),
    };
    match fields.get("scope") {
        Some(Node {
            data: Data::Bool(scope),
            ..
        }) => expect.scope = Some(*scope),
        Some(node) => report.add(node.first(), "scope must be true or false"),
        None => {}
    }
    expect.groups = groups::Expect::read(flow, &fields, report);
    let mut pairs = |key: &str, one: &str, known: &[&str]| {
        let Some(node) = fields.get(key) else {
            return Vec::new();
        };
        let entries = node.entries(key, report);
        for (name, _) in entries {
            if !known.contains(&name.text.as_str()) {
                report.add_with(
                    name.span,
                    format!("there is no {one} \"{}\" in this flow", name.text),
                    did_you_mean(&name.text, known.iter().copied()),
                );
            }
        }
        entries
            .iter()
            .map(|(name, node)| (name.text.clone(), node.json()))
            .collect()
    };
    let known: Vec<&str> = flow
        .fields()
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    let rules: Vec<&str> = flow.match_rules().iter().map(String::as_str).collect();
    expect.fields = pairs("fields", "field", &known);
    expect.matches = pairs("match", "match rule", &rules);
    expect.access = pairs("access", "key of access", &ACCESS_KEYS);
    expect.error = fields
        .get("error")
        .is_some()
        .then(|| pairs("error", "key of an error", &ERROR_KEYS));
    expect.absent = names(fields.get("absent"), "absent", report);
    let kinds = flow.groups().iter();
    let kinds: Vec<String> = kinds.map(|spec| format!("groups.{}", spec.kind)).collect();
    let known: Vec<&str> = known
        .into_iter()
        .chain(kinds.iter().map(String::as_str))
        .collect();
    if let Some(unknown) = expect
        .absent
        .iter()
        .find(|name| !known.contains(&name.as_str()))
    {
        report.add_with(
            fields.key("absent"),
            format!("there is no field \"{unknown}\" in this flow"),
            did_you_mean(unknown, known.iter().copied()),
        );
    }
    expect
}

impl Case {
    fn run(&self, flow: &Flow) -> Vec<String> {
        let program = match flow.program(&self.settings) {
            Ok(program) => program,
            Err(error) => return vec![error.to_string()],
        };
        if flow.delivery().is_some() {
            return documents::run(self, &program);
        }
        match (program.evaluate(&self.record), &self.expect.error) {
            (Err(error), Some(expected)) => error_failures(&error, expected),
            (Err(error), None) => vec![format!("error {}: {error}", error.code)],
            (Ok(_), Some(_)) => vec!["no error".to_owned()],
            (Ok(person), None) => self.failures(&program, &person),
        }
    }

    fn failures(&self, program: &Program, person: &Person) -> Vec<String> {
        let flow = program.flow();
        let mut failures = Failures(Vec::new());
        if let Some(scope) = self.expect.scope {
            failures.compare("scope", &scope.into(), &person.in_scope.into());
        }
        self.compare_fields(flow, &person.fields, &mut failures);
        self.expect.groups.compare(flow, person, &mut failures);
        let groups = self.expect.absent.iter();
        for (name, kind) in groups.filter_map(|name| Some((name, name.strip_prefix(GROUPS)?))) {
            if groups::reading(flow, person, kind) != Some(&Reading::Absent) {
                failures.must_be_absent(name);
            }
        }
        for (name, expected) in &self.expect.matches {
            let at = flow.match_rules().iter().position(|rule| rule == name);
            let value = at.and_then(|at| person.matches.get(at)).cloned().flatten();
            failures.compare(&format!("match {name}"), expected, &value.into());
        }
        if !person.in_scope && !self.expect.access.is_empty() {
            failures
                .0
                .push("access: the person is out of scope".to_owned());
            return failures.0;
        }
        for (name, expected) in &self.expect.access {
            let value = self.access_value(person, name);
            failures.compare(&format!("access {name}"), expected, &value);
        }
        failures.0
    }

    /// Compares the values of attributes with what is expected of them.
    fn compare_fields(&self, flow: &Flow, values: &[FieldValue], failures: &mut Failures) {
        let field = |name: &str| {
            let at = flow.fields().iter().position(|field| field.name == name)?;
            values.get(at)
        };
        for (name, expected) in &self.expect.fields {
            match field(name) {
                Some(FieldValue::Value(value)) => failures.compare(name, expected, value),
                Some(FieldValue::Reference(key)) => {
                    let key = key
                        .as_ref()
                        .map(|key| serde_json::json!({ "person": key.as_str() }));
                    failures.compare(name, expected, &key.unwrap_or(Value::Null));
                }
                Some(FieldValue::Absent) | None => {
                    failures
                        .0
                        .push(format!("{name}: expected {expected}, is absent"));
                }
            }
        }
        let fields = self.expect.absent.iter();
        for name in fields.filter(|name| !name.starts_with(GROUPS)) {
            if field(name) != Some(&FieldValue::Absent) {
                failures.must_be_absent(name);
            }
        }
    }

    /// One key of what is expected of access, as it is. Absent is the text `absent`.
    fn access_value(&self, person: &Person, key: &str) -> Value {
        let access = &person.access;
        let date = |reading: &Reading<Option<jiff::civil::Date>>| match reading {
            Reading::Absent => Value::from("absent"),
            Reading::Known(date) => date.map(|date| date.to_string()).into(),
        };
        match key {
            "from" => date(&access.from),
            "until" => date(&access.end()),
            "barred" => match access.barred {
                Reading::Absent => "absent".into(),
                Reading::Known(barred) => barred.into(),
            },
            "last_day" => if access.last_day_open {
                "open"
            } else {
                "blocked"
            }
            .into(),
            "time_zone" => access.zone.as_str().into(),
            _ => {
                let Some(now) = self.now else {
                    return Value::Null;
                };
                let Standing {
                    allowed,
                    reason,
                    changes_at,
                } = standing(&as_new(person), now);
                match key {
                    "allowed" => allowed.into(),
                    "reason" => serde_json::json!(reason),
                    _ => changes_at.map(|at| at.to_string()).into(),
                }
            }
        }
    }
}

/// The access of somebody of whom nothing was known before.
fn as_new(person: &Person) -> Access {
    let known = |reading: &Reading<Option<jiff::civil::Date>>| match reading {
        Reading::Absent => None,
        Reading::Known(date) => *date,
    };
    Access {
        from: known(&person.access.from),
        until: person.access.until.iter().map(known).collect(),
        last_day_open: person.access.last_day_open,
        zone: person.access.zone.clone(),
        barred: person.access.barred == Reading::Known(true),
    }
}

struct Failures(Vec<String>);

impl Failures {
    fn must_be_absent(&mut self, name: &str) {
        self.0
            .push(format!("{name}: expected to be absent, has a value"));
    }

    fn compare(&mut self, what: &str, expected: &Value, value: &Value) {
        if expected != value {
            self.0
                .push(format!("{what}: expected {expected}, is {value}"));
        }
    }
}

fn error_failures(error: &RecordError, expected: &[(String, Value)]) -> Vec<String> {
    let mut failures = Failures(Vec::new());
    for (key, expected) in expected {
        match key.as_str() {
            "code" => failures.compare("error code", expected, &error.code.into()),
            "attribute" => {
                failures.compare("error attribute", expected, &error.attribute.clone().into());
            }
            _ => {
                let part = expected.as_str().unwrap_or_default();
                if !error.message.contains(part) {
                    failures.0.push(format!(
                        "error message: expected {part:?} in {:?}",
                        error.message
                    ));
                }
            }
        }
    }
    failures.0
}
