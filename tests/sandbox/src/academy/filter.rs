//! Filters: comparisons with `eq`, joined by `and`.

use serde_json::{Map, Value};

use super::check::Refusal;
use super::path::{Path, Target, equation};
use super::vocabulary::Vocabulary;

/// All of its comparisons must hold.
pub(super) struct Filter {
    pub terms: Vec<(Path, Value)>,
}

/// A comparison that an index can answer.
pub(super) enum Indexed<'a> {
    Id(&'a str),
    ExternalId(&'a str),
    UserName(&'a str),
    Email(&'a str),
}

impl Filter {
    pub(super) fn parse(text: &str, own: Vocabulary) -> Result<Self, Refusal> {
        let refuse =
            |why: &str| Refusal::bad("invalidFilter", format!("The filter `{text}` {why}."));
        let mut terms = Vec::new();
        for part in conjuncts(text) {
            let (path, value) =
                equation(part).ok_or_else(|| refuse("is not made of `attribute eq value`"))?;
            let path = Path::parse(path, own).map_err(|r| refuse(&r.detail))?;
            if matches!(path.target, Target::Extension(_)) {
                return Err(refuse("compares a whole extension"));
            }
            terms.push((path, value));
        }
        Ok(Self { terms })
    }

    /// Whether all of its comparisons hold for a resource.
    pub(super) fn holds(&self, resource: &Map<String, Value>) -> bool {
        self.terms
            .iter()
            .all(|(path, value)| path.holds(resource, value))
    }

    /// Whether an attribute directly on the resource is compared.
    pub(super) fn mentions(&self, name: &str) -> bool {
        self.terms.iter().any(|(path, _)| {
            matches!(&path.target, Target::Attribute { spec, .. } if path.urn.is_none() && spec.name == name)
        })
    }

    /// The first comparison that an index can answer.
    pub(super) fn indexed(&self) -> Option<Indexed<'_>> {
        self.terms.iter().find_map(|(path, value)| {
            let Target::Attribute { spec, sub, .. } = &path.target else {
                return None;
            };
            let text = value.as_str()?;
            match (path.urn, spec.name, sub.map_or("value", |s| s.name)) {
                (None, "id", _) => Some(Indexed::Id(text)),
                (None, "externalId", _) => Some(Indexed::ExternalId(text)),
                (None, "userName", _) => Some(Indexed::UserName(text)),
                (None, "emails", "value") => Some(Indexed::Email(text)),
                _ => None,
            }
        })
    }
}

/// The parts between ` and `, outside of quotes.
fn conjuncts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut quoted, mut escaped, mut start) = (false, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ' ' if !quoted => {
                let word = text.get(at..at + 5);
                if word.is_some_and(|w| w.eq_ignore_ascii_case(" and ")) && at >= start {
                    parts.push(&text[start..at]);
                    start = at + 5;
                }
            }
            _ => {}
        }
    }
    parts.push(&text[start.min(text.len())..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::academy::Flavour;
    use crate::system::System;

    fn all() -> Vocabulary {
        Flavour::of(System::Scim).unwrap().vocabulary()
    }

    #[test]
    fn quoted_words_do_not_split() {
        assert_eq!(
            conjuncts(r#"externalId eq "a and \" and b" and active eq true"#),
            [r#"externalId eq "a and \" and b""#, "active eq true"]
        );
    }

    #[test]
    fn refusals_name_the_filter() {
        for bad in [
            "",
            "userName",
            "userName sw \"a\"",
            "shoeSize eq 1",
            "userName eq a",
        ] {
            let Err(refusal) = Filter::parse(bad, all()) else {
                panic!("{bad} was accepted")
            };
            assert_eq!(refusal.kind, Some("invalidFilter"), "{bad}");
        }
        assert!(
            Filter::parse("emails[type eq \"work\"].value eq \"a@example.com\"", all()).is_ok()
        );
    }
}
