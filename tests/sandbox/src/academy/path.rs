//! Attribute paths of PATCH operations and filters (RFC 7644 §3.5.2 and §3.4.2.2).

use serde_json::{Map, Value};

use super::check::Refusal;
use super::schema::{self, Spec, Type};
use super::vocabulary::Vocabulary;

/// Where a path points.
#[derive(Debug)]
pub(super) struct Path {
    /// The extension that the attribute belongs to; the user itself if `None`.
    pub urn: Option<&'static str>,
    pub target: Target,
}

#[derive(Debug)]
pub(super) enum Target {
    /// The whole extension.
    Extension(&'static [Spec]),
    /// An attribute, or part of it.
    Attribute {
        spec: &'static Spec,
        /// Only the elements whose sub-attribute equals a value.
        only: Option<(&'static Spec, Value)>,
        sub: Option<&'static Spec>,
    },
}

impl Path {
    pub(super) fn parse(text: &str, own: Vocabulary) -> Result<Self, Refusal> {
        let refuse = |why: &str| Refusal::bad("invalidPath", format!("The path `{text}` {why}."));
        let (urn, specs, rest) =
            split_urn(text, own).ok_or_else(|| refuse("names no known schema"))?;
        if rest.is_empty() {
            return match specs {
                Some(specs) => Ok(Self {
                    urn,
                    target: Target::Extension(specs),
                }),
                None => Err(refuse("names no attribute")),
            };
        }
        let end = rest.find(['[', '.']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        let spec = match specs {
            Some(specs) => schema::find(specs, name),
            None => own.root(name),
        }
        .ok_or_else(|| refuse("names no known attribute"))?;
        let subs = match spec.kind {
            Type::Complex(subs) => subs,
            _ => &[],
        };
        let (only, rest) = match rest.strip_prefix('[') {
            None => (None, rest),
            Some(inner) => {
                let (filter, rest) = inner
                    .split_once(']')
                    .ok_or_else(|| refuse("has a bracket that stays open"))?;
                let (name, value) = equation(filter)
                    .ok_or_else(|| refuse("has a filter that is not `attribute eq value`"))?;
                let sub = schema::find(subs, name)
                    .ok_or_else(|| refuse("filters by an unknown sub-attribute"))?;
                if !spec.multi {
                    return Err(refuse("filters an attribute that has only one value"));
                }
                (Some((sub, value)), rest)
            }
        };
        let sub = match rest.strip_prefix('.') {
            None if rest.is_empty() => None,
            None => return Err(refuse("goes on after its end")),
            Some(name) => Some(
                schema::find(subs, name).ok_or_else(|| refuse("names no known sub-attribute"))?,
            ),
        };
        Ok(Self {
            urn,
            target: Target::Attribute { spec, only, sub },
        })
    }

    /// Whether what the path points at may not be written.
    pub(super) fn read_only(&self) -> bool {
        match &self.target {
            Target::Extension(_) => false,
            Target::Attribute { spec, sub, .. } => {
                spec.read_only || sub.is_some_and(|s| s.read_only)
            }
        }
    }

    /// Whether any value at the path equals `wanted`.
    pub(super) fn holds(&self, user: &Map<String, Value>, wanted: &Value) -> bool {
        let Target::Attribute { spec, only, sub } = &self.target else {
            return false;
        };
        let container = match self.urn {
            None => Some(user),
            Some(urn) => user.get(urn).and_then(Value::as_object),
        };
        let Some(value) = container.and_then(|c| c.get(spec.name)) else {
            return false;
        };
        let elements = match value {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        elements
            .iter()
            .filter(|e| {
                only.as_ref()
                    .is_none_or(|(by, value)| same(by, e.get(by.name), value))
            })
            .any(|e| match (sub, spec.kind) {
                (Some(sub), _) => same(sub, e.get(sub.name), wanted),
                // `emails eq …` means the elements' values.
                (None, Type::Complex(_)) => {
                    e.get("value").and_then(Value::as_str).is_some_and(|v| {
                        wanted
                            .as_str()
                            .is_some_and(|w| v.to_lowercase() == w.to_lowercase())
                    })
                }
                (None, _) => same(spec, Some(e), wanted),
            })
    }
}

/// Whether a value equals another as its attribute compares.
pub(super) fn same(spec: &Spec, value: Option<&Value>, wanted: &Value) -> bool {
    match (value, wanted) {
        (Some(Value::String(a)), Value::String(b)) if !spec.case_exact => {
            a.to_lowercase() == b.to_lowercase()
        }
        (value, wanted) => value == Some(wanted),
    }
}

type Split<'a> = (Option<&'static str>, Option<&'static [Spec]>, &'a str);

/// Takes a schema's URN off the front of a path.
fn split_urn(text: &str, own: Vocabulary) -> Option<Split<'_>> {
    let after = |urn: &str| {
        let head = text.get(..urn.len())?;
        let rest = text.get(urn.len()..)?;
        let ends = rest.is_empty() || rest.starts_with(':');
        (head.eq_ignore_ascii_case(urn) && ends).then(|| rest.strip_prefix(':').unwrap_or(rest))
    };
    if let Some(rest) = after(own.urn()) {
        return Some((None, None, rest));
    }
    for (urn, specs) in own.extensions() {
        if let Some(rest) = after(urn) {
            return Some((Some(urn), Some(specs), rest));
        }
    }
    let is_urn = text
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("urn:"));
    (!is_urn).then_some((None, None, text))
}

/// `attribute eq value`, the only comparison offered.
pub(super) fn equation(text: &str) -> Option<(&str, Value)> {
    let text = text.trim();
    // The path of a comparison may hold blanks within brackets.
    let mut depth = 0;
    let end = text.char_indices().find_map(|(at, c)| {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            ' ' if depth == 0 => return Some(at),
            _ => {}
        }
        None
    })?;
    let (path, rest) = text.split_at(end);
    let (operator, value) = rest.trim_start().split_once(' ')?;
    if !operator.eq_ignore_ascii_case("eq") {
        return None;
    }
    let value: Value = serde_json::from_str(value.trim()).ok()?;
    (!value.is_object() && !value.is_array()).then_some((path, value))
}
