//! A flow file as it is written: its shape is checked here, its meaning (names, types, expressions) against
//! the manifests in `check`.
//!
//! What is found wrong with the shape is kept and reported together with the rest, so that an author sees
//! everything at once; only a file of which not even the connectors can be read is refused here.

use std::sync::Arc;

use matricula_core::Text;

use crate::diagnostic::{Diagnostic, Diagnostics, did_you_mean};
use crate::document::{DocumentPart, document_part};
use crate::flow::{self, Activation, Leavers, Requirement, Schedule};
use crate::groups::{GroupPart, group_part};
use crate::guard::Guard;
use crate::initial::initial;
use crate::mapping::{Open, mapping};
use crate::schedule::{daily_report, schedule};
use crate::terms::{activation, guard, leavers, notify, requires};
use crate::yaml::{Data, Fields, Name, Node, Report, Snippet, Source, Span};

/// The keys of a flow file; `flow.schema.json` describes the same.
pub(crate) const KEYS: [&str; 26] = [
    "flow", "version", "title", "summary", "source", "target", "requires", "schedule", "report",
    "settings", "let", "scope", "match", "map", "mapping", "access", "leavers", "guard", "people",
    "once", "unless", "remarks", "activate", "groups", "notify", "initial",
];

/// The keys of `access`.
pub(crate) const ACCESS_KEYS: [&str; 5] = ["from", "until", "barred", "last_day", "time_zone"];

/// A flow file whose YAML can be read and that names its connectors.
#[derive(Debug)]
pub struct FlowFile {
    pub(crate) text: Arc<Source>,
    /// What is wrong with its shape.
    pub(crate) found: Vec<Diagnostic>,
    pub(crate) name: Name,
    pub(crate) version: String,
    pub(crate) title: Text,
    pub(crate) summary: Text,
    pub(crate) source: (Name, Name),
    /// What expressions call the record.
    pub(crate) alias: Name,
    pub(crate) target: (Name, Name),
    pub(crate) requires: Vec<Requirement>,
    pub(crate) schedule: Schedule,
    pub(crate) report: Option<flow::Report>,
    pub(crate) tells_success: bool,
    pub(crate) settings: Vec<(Name, Node)>,
    pub(crate) lets: Vec<(Name, Snippet)>,
    pub(crate) scope: Option<Snippet>,
    pub(crate) matches: Vec<(Name, Snippet)>,
    pub(crate) map: Vec<(Name, Snippet)>,
    /// Where the key `map` stands.
    pub(crate) map_key: Span,
    /// What owners may map otherwise.
    pub(crate) mapping: Open,
    /// What is written only when an account is made.
    pub(crate) initial: Vec<Name>,
    pub(crate) access: AccessPart,
    pub(crate) leavers: (Leavers, Span),
    pub(crate) activation: Activation,
    pub(crate) guard: Guard,
    pub(crate) groups: Option<GroupPart>,
    pub(crate) document: DocumentPart,
    /// The keys that it has.
    pub(crate) keys: Vec<Name>,
    /// Where it begins.
    pub(crate) start: Span,
}

/// The expressions under `access`.
#[derive(Debug, Default)]
pub(crate) struct AccessPart {
    pub from: Option<Snippet>,
    pub until: Vec<Snippet>,
    pub barred: Option<Snippet>,
    pub last_day: Option<Snippet>,
    pub time_zone: Option<Snippet>,
}

impl FlowFile {
    /// Reads a flow file; `file_name` is what diagnostics call it.
    ///
    /// # Errors
    /// If it is no YAML, or does not say what it is called, reads and writes. Whatever else is wrong is
    /// reported by [`crate::Flow::check`].
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Diagnostics> {
        let source = Arc::new(Source::new(file_name, text));
        let root = source.read().map_err(|wrong| Diagnostics(vec![wrong]))?;
        let mut report = Report::new(&source);
        let file = read(&source, &root, &mut report);
        let found = report.found;
        match file {
            Some(file) => Ok(Self { found, ..file }),
            None => Err(Diagnostics(found).sorted()),
        }
    }

    /// The flow's name.
    pub fn name(&self) -> &str {
        &self.name.text
    }

    /// Connector and stream.
    pub fn source(&self) -> (&str, &str) {
        (&self.source.0.text, &self.source.1.text)
    }

    /// Connector and operation.
    pub fn target(&self) -> (&str, &str) {
        (&self.target.0.text, &self.target.1.text)
    }

    /// For a caller that has only these connectors: says which of the two that the file names is not
    /// among them. Empty if both are.
    pub fn unknown_connectors(&self, known: &[&str]) -> Diagnostics {
        let mut report = Report::new(&self.text);
        for name in [&self.source.0, &self.target.0] {
            if !known.contains(&name.text.as_str()) {
                report.add_with(
                    name.span,
                    format!("there is no connector \"{}\"", name.text),
                    did_you_mean(&name.text, known.iter().copied()),
                );
            }
        }
        Diagnostics(report.found).sorted()
    }
}

fn read(source: &Arc<Source>, root: &Node, report: &mut Report<'_>) -> Option<FlowFile> {
    let top = root.fields("a flow", &KEYS, report);
    let Data::Map(entries) = &root.data else {
        return None;
    };
    let name = top
        .need("flow", "a flow", report)
        .and_then(|node| node.text("flow", report))
        .filter(|name| is_name(name, report));
    let from = top.need("source", "a flow", report).and_then(|node| {
        let fields = node.fields("source", &["connector", "stream", "as"], report);
        let connector = text(&fields, "connector", "source", report)?;
        let stream = text(&fields, "stream", "source", report)?;
        let alias = match fields.get("as") {
            Some(node) => node
                .text("as", report)
                .filter(|alias| is_alias(alias, report)),
            None => None,
        };
        Some((connector, stream, alias))
    });
    let target = top.need("target", "a flow", report).and_then(|node| {
        let fields = node.fields("target", &["connector", "operation"], report);
        let connector = text(&fields, "connector", "target", report)?;
        Some((connector, text(&fields, "operation", "target", report)?))
    });
    let version = top
        .need("version", "a flow", report)
        .and_then(|node| node.text("version", report))
        .filter(|version| is_version(version, report));
    let title = top.need("title", "a flow", report);
    let title = title
        .map(|node| node.texts("title", report))
        .unwrap_or_default();
    let summary = top.get("summary");
    let summary = summary
        .map(|node| node.texts("summary", report))
        .unwrap_or_default();
    let requires = requires(top.get("requires"), name.as_ref(), report);
    let schedule = schedule(top.get("schedule"), report);
    let daily = daily_report(top.get("report"), report);
    let tells_success = notify(top.get("notify"), report);
    let settings = match top.get("settings") {
        Some(node) => node.entries("settings", report).to_vec(),
        None => Vec::new(),
    };
    let lets = named(source, top.get("let"), "let", report);
    let scope = top
        .get("scope")
        .and_then(|node| expression(source, node, "scope", report));
    let matches = matches(source, top.get("match"), report);
    let map_node = top.need("map", "a flow", report);
    let map = named(source, map_node, "map", report);
    let mapping = mapping(top.get("mapping"), report);
    let initial = initial(top.get("initial"), report);
    let access = access(source, top.get("access"), report);
    let leavers = leavers(top.get("leavers"), report);
    let activation = activation(top.get("activate"), report);
    let guard = guard(top.get("guard"), report);
    let groups = group_part(source, &top, report);
    let document = document_part(source, &top, report);
    let (connector, stream, alias) = from?;
    let alias = alias.unwrap_or(Name {
        text: "e".to_owned(),
        span: connector.span,
    });
    Some(FlowFile {
        text: Arc::clone(source),
        found: Vec::new(),
        name: name?,
        version: version.map(|version| version.text).unwrap_or_default(),
        title,
        summary,
        source: (connector, stream),
        alias,
        target: target?,
        requires,
        schedule,
        report: daily,
        settings,
        lets,
        scope,
        matches,
        map,
        map_key: top.key("map"),
        mapping,
        initial,
        access,
        leavers,
        activation,
        tells_success,
        guard,
        groups,
        document,
        keys: entries.iter().map(|(key, _)| key.clone()).collect(),
        start: top.span,
    })
}

fn text(fields: &Fields<'_>, key: &str, what: &str, report: &mut Report<'_>) -> Option<Name> {
    fields.need(key, what, report)?.text(key, report)
}

/// Whether it is made of a-z, 0-9 and -, and begins with a letter.
pub(crate) fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Whether a flow can be called so; if not, that is reported.
pub(crate) fn is_name(name: &Name, report: &mut Report<'_>) -> bool {
    let valid = is_plain(&name.text);
    if !valid {
        report.add_with(
            name.span,
            format!("\"{}\" is not a flow's name", name.text),
            Some("a name is made of a-z, 0-9 and -, for example sync-employees".into()),
        );
    }
    valid
}

fn is_alias(alias: &Name, report: &mut Report<'_>) -> bool {
    let identifier = is_identifier(&alias.text) && alias.text != "settings";
    if !identifier {
        report.add_with(
            alias.span,
            format!("expressions cannot call the record \"{}\"", alias.text),
            Some("take a short name such as e".into()),
        );
    }
    identifier
}

/// Whether expressions can use this name.
pub(crate) fn is_identifier(name: &str) -> bool {
    const RESERVED: [&str; 21] = [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "namespace",
        "null",
        "package",
        "return",
        "true",
        "var",
        "void",
        "while",
    ];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !RESERVED.contains(&name)
}

fn is_version(version: &Name, report: &mut Report<'_>) -> bool {
    let parts: Vec<&str> = version.text.split('.').collect();
    let valid = parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok());
    if !valid {
        report.add_with(
            version.span,
            format!("\"{}\" is not a version", version.text),
            Some("a version is major.minor.patch, for example 1.0.0".into()),
        );
    }
    valid
}

pub(crate) fn expression(
    source: &Source,
    node: &Node,
    what: &str,
    report: &mut Report<'_>,
) -> Option<Snippet> {
    let snippet = source
        .snippet(node)
        .filter(|snippet| !snippet.text.trim().is_empty());
    if snippet.is_none() {
        let hint = matches!(node.data, Data::Map(_))
            .then(|| "an expression that is a map is put between single quotes".to_owned());
        let message = format!("{what} must be an expression, not {}", node.what());
        report.add_with(node.first(), message, hint);
    }
    snippet
}

pub(crate) fn named(
    source: &Source,
    node: Option<&Node>,
    what: &str,
    report: &mut Report<'_>,
) -> Vec<(Name, Snippet)> {
    let Some(node) = node else { return Vec::new() };
    let mut named = Vec::new();
    for (name, value) in node.entries(what, report) {
        if let Some(snippet) = expression(source, value, &name.text, report) {
            named.push((name.clone(), snippet));
        }
    }
    named
}

fn matches(source: &Source, node: Option<&Node>, report: &mut Report<'_>) -> Vec<(Name, Snippet)> {
    let Some(node) = node else { return Vec::new() };
    let Data::List(rules) = &node.data else {
        report.add_with(
            node.first(),
            format!("match must be a list of rules, not {}", node.what()),
            Some("one rule a line, for example - external_id: string(e.id)".into()),
        );
        return Vec::new();
    };
    if rules.is_empty() {
        report.add(node.first(), "match needs at least one rule");
    }
    let mut matches = Vec::new();
    for rule in rules {
        match rule.entries("a match rule", report) {
            [(name, value)] => {
                let snippet = expression(source, value, &name.text, report);
                matches.extend(snippet.map(|snippet| (name.clone(), snippet)));
            }
            [_, (second, _), ..] => {
                report.add(
                    second.span,
                    "a match rule has one attribute; begin another rule with -",
                );
            }
            [] => {}
        }
    }
    matches
}

fn access(source: &Source, node: Option<&Node>, report: &mut Report<'_>) -> AccessPart {
    let Some(node) = node else {
        return AccessPart::default();
    };
    let fields = node.fields("access", &ACCESS_KEYS, report);
    let mut one = |key: &str| expression(source, fields.get(key)?, key, report);
    let (from, barred) = (one("from"), one("barred"));
    let (last_day, time_zone) = (one("last_day"), one("time_zone"));
    let until = match fields.get("until") {
        Some(Node {
            data: Data::List(items),
            ..
        }) => items
            .iter()
            .filter_map(|item| expression(source, item, "until", report))
            .collect(),
        Some(node) => expression(source, node, "until", report)
            .into_iter()
            .collect(),
        None => Vec::new(),
    };
    AccessPart {
        from,
        until,
        barred,
        last_day,
        time_zone,
    }
}
