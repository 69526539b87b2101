//! YAML with positions.
//!
//! Nodes know where they stand in the file, so that whatever is found wrong later, also inside an
//! expression, can be shown there.

use matricula_core::Text;
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::Value;

use crate::diagnostic::{Diagnostic, did_you_mean};
pub(crate) use crate::source::{Report, Snippet, Source, Span};

/// A node.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub span: Span,
    pub data: Data,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// In the file's order; keys are unique.
    Map(Vec<(Name, Node)>),
}

/// A name with its place.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub text: String,
    pub span: Span,
}

impl Source {
    /// Reads the one document of the file.
    pub fn read(&self) -> Result<Node, Diagnostic> {
        let text: String = self.text.iter().collect();
        let start = Span { start: 0, end: 1 };
        let documents = MarkedYaml::load_from_str(&text).map_err(|error| {
            let at = error.marker().index().min(self.text.len());
            let info = error.info();
            let hint = if info.contains("trailing content") || info.contains("mapping values") {
                Some("put the whole expression between single quotes".to_owned())
            } else if info.contains("anchor") {
                // Most likely a time of the day for every minute.
                Some("put a text that begins with * between quotes".to_owned())
            } else {
                None
            };
            self.diagnostic(
                Span {
                    start: at,
                    end: at + 1,
                },
                format!("this is not YAML: {}", error.info()),
                hint,
            )
        })?;
        match documents.as_slice() {
            [document] => self.node(document),
            [] => Err(self.diagnostic(start, "the file is empty".into(), None)),
            [_, second, ..] => {
                let span = span(second);
                Err(self.diagnostic(span, "the file holds several documents".into(), None))
            }
        }
    }

    fn node(&self, yaml: &MarkedYaml<'_>) -> Result<Node, Diagnostic> {
        let span = span(yaml);
        let wrong = |message: &str| Err(self.diagnostic(span, message.to_owned(), None));
        let data = match &yaml.data {
            YamlData::Value(Scalar::Null) => Data::Null,
            YamlData::Value(Scalar::Boolean(value)) => Data::Bool(*value),
            YamlData::Value(Scalar::Integer(value)) => Data::Int(*value),
            YamlData::Value(Scalar::FloatingPoint(value)) => Data::Float(value.into_inner()),
            YamlData::Value(Scalar::String(value)) => Data::Text(value.to_string()),
            YamlData::Sequence(items) => Data::List(
                items
                    .iter()
                    .map(|item| self.node(item))
                    .collect::<Result<_, _>>()?,
            ),
            YamlData::Mapping(entries) => {
                let mut map = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let key = self.node(key)?;
                    let Some(text) = self.scalar(&key) else {
                        return Err(self.diagnostic(key.span, "a key must be a text".into(), None));
                    };
                    map.push((
                        Name {
                            text,
                            span: key.span,
                        },
                        self.node(value)?,
                    ));
                }
                Data::Map(map)
            }
            YamlData::Tagged(..) => return wrong("tags are not allowed here"),
            YamlData::Alias(_) | YamlData::BadValue | YamlData::Representation(..) => {
                return wrong("this value cannot be read");
            }
        };
        Ok(Node { span, data })
    }

    /// The text of a scalar as it is written; none for lists, maps and nothing.
    pub fn scalar(&self, node: &Node) -> Option<String> {
        match &node.data {
            Data::Text(text) => Some(text.clone()),
            Data::Bool(_) | Data::Int(_) | Data::Float(_) => Some(self.slice(node.span)),
            // `null` is an expression, an empty node is none.
            Data::Null => Some(self.slice(node.span)).filter(|text| !text.trim().is_empty()),
            Data::List(_) | Data::Map(_) => None,
        }
    }

    /// The expression that a node holds.
    pub fn snippet(&self, node: &Node) -> Option<Snippet> {
        let text = self.scalar(node)?;
        let places = self.places(&text, node.span);
        Some(Snippet { text, places })
    }
}

fn span(yaml: &MarkedYaml<'_>) -> Span {
    Span {
        start: yaml.span.start.index(),
        end: yaml.span.end.index(),
    }
}

impl Node {
    /// What it is, for messages.
    pub fn what(&self) -> &'static str {
        match self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Int(_) | Data::Float(_) => "a number",
            Data::Text(_) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }

    /// The entries of a map; anything else is reported.
    pub fn entries<'n>(&'n self, what: &str, report: &mut Report<'_>) -> &'n [(Name, Node)] {
        match &self.data {
            Data::Map(entries) => entries,
            _ => {
                report.add(
                    self.first(),
                    format!("{what} must be a map, not {}", self.what()),
                );
                &[]
            }
        }
    }

    /// The entries of a map, each of whose keys must be known.
    pub fn fields<'n>(&'n self, what: &str, known: &[&str], report: &mut Report<'_>) -> Fields<'n> {
        let entries = self.entries(what, report);
        for (name, _) in entries {
            if !known.contains(&name.text.as_str()) {
                report.add_with(
                    name.span,
                    format!("{what} has no key \"{}\"", name.text),
                    did_you_mean(&name.text, known.iter().copied()),
                );
            }
        }
        Fields {
            entries,
            span: self.first(),
        }
    }

    /// A text; anything else is reported.
    pub fn text(&self, what: &str, report: &mut Report<'_>) -> Option<Name> {
        if let Data::Text(text) = &self.data {
            return Some(Name {
                text: text.clone(),
                span: self.span,
            });
        }
        let hint = matches!(self.data, Data::Bool(_) | Data::Int(_) | Data::Float(_))
            .then(|| "put it between quotes".to_owned());
        report.add_with(
            self.first(),
            format!("{what} must be a text, not {}", self.what()),
            hint,
        );
        None
    }

    /// A text by language.
    pub fn texts(&self, what: &str, report: &mut Report<'_>) -> Text {
        let mut texts = Text::default();
        for (language, node) in self.entries(what, report) {
            let valid = language.text.len() >= 2
                && language
                    .text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if !valid {
                let message = format!("\"{}\" is not a language tag", language.text);
                report.add_with(
                    language.span,
                    message,
                    Some("for example en, de, de-AT".into()),
                );
            }
            if let Some(text) = node.text(what, report) {
                texts.0.insert(language.text.clone(), text.text);
            }
        }
        if matches!(self.data, Data::Map(_)) && !texts.0.contains_key("en") {
            report.add(self.first(), format!("{what} needs an English text (en)"));
        }
        texts
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(value) => (*value).into(),
            Data::Int(value) => (*value).into(),
            Data::Float(value) => (*value).into(),
            Data::Text(value) => value.as_str().into(),
            Data::List(items) => items.iter().map(Self::json).collect(),
            Data::Map(entries) => entries
                .iter()
                .map(|(name, node)| (name.text.clone(), node.json()))
                .collect(),
        }
    }

    /// Where it is pointed at: lists and maps at their beginning.
    pub fn first(&self) -> Span {
        match self.data {
            Data::List(_) | Data::Map(_) => Span {
                start: self.span.start,
                end: self.span.start + 1,
            },
            _ => self.span,
        }
    }
}

/// The entries of a map whose keys have been checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'n> {
    entries: &'n [(Name, Node)],
    /// The beginning of the map.
    pub span: Span,
}

impl<'n> Fields<'n> {
    pub fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries
            .iter()
            .find(|(key, _)| key.text == name)
            .map(|(_, node)| node)
    }

    /// Where the key stands.
    pub fn key(&self, name: &str) -> Span {
        let entry = self.entries.iter().find(|(key, _)| key.text == name);
        entry.map_or(self.span, |(key, _)| key.span)
    }

    /// A value that must be there; its lack is reported.
    pub fn need(&self, name: &str, what: &str, report: &mut Report<'_>) -> Option<&'n Node> {
        let node = self.get(name);
        if node.is_none() {
            report.add(self.span, format!("{what} needs \"{name}\""));
        }
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each character of the value: the character in the file at its place.
    fn found(text: &str) -> Vec<(char, char)> {
        let source = Source::new("f", text);
        let node = source.read().unwrap();
        let mut report = Report::new(&source);
        let (_, value) = &node.entries("f", &mut report)[0];
        let snippet = source.snippet(value).unwrap();
        snippet
            .text
            .char_indices()
            .map(|(at, c)| (c, source.text[snippet.span(at, at + 1).start]))
            .collect()
    }

    #[test]
    fn every_character_is_found_where_it_is_written() {
        for text in [
            "a: e.x == 'ä' + \"q\"",
            "a: 'it''s ''äö'' e.x'",
            "a: '''x'' + e.y'",
            "a: \"e.x + \\\"q\\\"\"",
            "a: >-\n  e.x ||\n  e.y\n",
            "a: |\n  e.x ||\n    e.y\n",
            "a: e.x ||\n   e.y",
            "a: 'e.x ||\n     e.y'",
            "a: 12",
        ] {
            for (value, place) in found(text) {
                let escaped = place == '\\' && value == '"';
                let folded = value.is_whitespace() && place.is_whitespace();
                assert!(
                    value == place || escaped || folded,
                    "{text:?}: {value:?} at {place:?}"
                );
            }
        }
    }

    #[test]
    fn an_end_of_file_is_shown_on_its_last_line() {
        let source = Source::new("f.yaml", "a: [1,\n");
        insta::assert_snapshot!(source.read().unwrap_err(), @"
        f.yaml:1:7: this is not YAML: while parsing a node, did not find expected node content
          |
        1 | a: [1,
          |       ^
        ");
    }

    #[test]
    fn what_is_no_yaml_is_shown() {
        let source = Source::new("f.yaml", "a: 1\nb: \"x\" + e.y\n");
        insta::assert_snapshot!(source.read().unwrap_err(), @r#"
        f.yaml:2:8: this is not YAML: invalid trailing content after double-quoted scalar
          |
        2 | b: "x" + e.y
          |        ^
          = put the whole expression between single quotes
        "#);
        assert!(Source::new("f", "").read().is_err());
        assert!(Source::new("f", "a: 1\n---\nb: 2\n").read().is_err());
        assert!(Source::new("f", "a: 1\na: 2\n").read().is_err());
    }
}
