//! Text with `{field}` in it, as manifests have it.
//!
//! What a value may decide depends on where the text goes (a header, a host, a path), so that filling one in is
//! the business of whoever sends it; what a template *is*, is here once.

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Stands for itself.
    Literal(&'a str),
    /// Stands for the value of this name.
    Field(&'a str),
}

/// The parts of a template, in order. A brace that begins no field is a brace.
pub fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, after)) = field_at_start(rest) {
            rest = after;
            return Some(Part::Field(name));
        }
        // Up to the next field.
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(at, c)| *c == '{' && field_at_start(&rest[*at..]).is_some())
            .map_or(rest.len(), |(at, _)| at);
        let (literal, after) = rest.split_at(end);
        rest = after;
        Some(Part::Literal(literal))
    })
}

/// The names of a template's fields.
pub fn names(template: &str) -> impl Iterator<Item = &str> {
    parts(template).filter_map(|part| match part {
        Part::Field(name) => Some(name),
        Part::Literal(_) => None,
    })
}

/// Whether a value would not be a part of a path but lead out of it: a parser of addresses takes `.` and `..` for
/// that also where they are percent-encoded.
pub fn climbs(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|octet| octet == b'.')
}

fn field_at_start(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    let valid = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    valid.then_some((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_from_stray_braces() {
        let of = |template| parts(template).collect::<Vec<_>>();
        assert_eq!(
            of("Bearer {key}!"),
            [
                Part::Literal("Bearer "),
                Part::Field("key"),
                Part::Literal("!")
            ]
        );
        assert_eq!(of("{ x }{}{user"), [Part::Literal("{ x }{}{user")]);
        assert_eq!(
            names("{a}{b}/ä{c-1}").collect::<Vec<_>>(),
            ["a", "b", "c-1"]
        );
        assert!(of("").is_empty());
    }

    #[test]
    fn only_dots_lead_out_of_a_path() {
        assert!([".", "..", "..."].into_iter().all(climbs));
        assert!(!["", "a", "..a", "1.2", ". ."].into_iter().any(climbs));
    }
}
