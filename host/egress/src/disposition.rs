//! What a remote calls a file: `Content-Disposition`, RFC 6266.
//!
//! The name goes on to another system and before people's eyes. It is taken for a name and nothing else:
//! without folders, without characters that steer a terminal, a header or the direction of writing.

use percent_encoding::percent_decode;

/// The longest name, in characters.
const LONGEST: usize = 120;

/// The longest ending that survives when a name is cut.
const LONGEST_ENDING: usize = 12;

/// The file's name, from the header's value: `filename*` before `filename`.
pub(crate) fn name(value: &[u8]) -> Option<String> {
    let mut plain = None;
    for (key, value) in parameters(value) {
        if key.eq_ignore_ascii_case(b"filename*") {
            if let Some(name) = extended(&value).as_deref().and_then(harmless) {
                return Some(name);
            }
        } else if key.eq_ignore_ascii_case(b"filename") && plain.is_none() {
            plain = harmless(&text(&value));
        }
    }
    plain
}

/// A name that is only a name. None if nothing of it is left.
pub(crate) fn harmless(name: &str) -> Option<String> {
    let name: String = name
        .chars()
        .filter(|c| !c.is_control() && !steers(*c))
        .map(|c| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            c if c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    let name = name.trim_matches([' ', '.']);
    if name.is_empty() {
        return None;
    }
    let length = name.chars().count();
    if length <= LONGEST {
        return Some(name.to_owned());
    }
    let ending = name
        .rfind('.')
        .map(|dot| &name[dot..])
        .filter(|ending| ending.chars().count() <= LONGEST_ENDING)
        .unwrap_or_default();
    let stem = LONGEST - ending.chars().count();
    let cut: String = name.chars().take(stem).chain(ending.chars()).collect();
    Some(cut.trim_end_matches([' ', '.']).to_owned())
}

/// Invisible characters that change how the others are read.
fn steers(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    )
}

/// The parameters after the type: names and values, quotes and escapes resolved.
fn parameters(value: &[u8]) -> Vec<(&[u8], Vec<u8>)> {
    let mut parameters = Vec::new();
    let Some(semicolon) = value.iter().position(|byte| *byte == b';') else {
        return parameters;
    };
    let mut rest = &value[semicolon + 1..];
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'=' | b';')) {
        let key = rest[..end].trim_ascii();
        let assigned = rest[end] == b'=';
        rest = &rest[end + 1..];
        if !assigned {
            continue;
        }
        rest = rest.trim_ascii_start();
        let mut value = Vec::new();
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let mut bytes = quoted.iter();
            while let Some(byte) = bytes.next() {
                match byte {
                    b'"' => break,
                    b'\\' => value.extend(bytes.next()),
                    byte => value.push(*byte),
                }
            }
            rest = bytes.as_slice();
        }
        let end = rest
            .iter()
            .position(|byte| *byte == b';')
            .unwrap_or(rest.len());
        if value.is_empty() {
            value.extend_from_slice(rest[..end].trim_ascii());
        }
        rest = rest.get(end + 1..).unwrap_or_default();
        parameters.push((key, value));
    }
    parameters
}

/// `UTF-8'de'na%C3%AFv.pdf`, RFC 8187.
fn extended(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let decoded: Vec<u8> = percent_decode(encoded).collect();
    if charset.eq_ignore_ascii_case(b"utf-8") {
        String::from_utf8(decoded).ok()
    } else if charset.eq_ignore_ascii_case(b"iso-8859-1") {
        Some(latin(&decoded))
    } else {
        None
    }
}

/// Remotes write UTF-8 where the standard knows only ISO 8859-1.
fn text(value: &[u8]) -> String {
    str::from_utf8(value).map_or_else(|_| latin(value), str::to_owned)
}

fn latin(value: &[u8]) -> String {
    value.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_way_to_write_a_name_is_read() {
        for (value, expected) in [
            (
                &b"attachment; filename=\"Fire safety.pdf\""[..],
                Some("Fire safety.pdf"),
            ),
            (
                b"attachment; filename=certificate.pdf",
                Some("certificate.pdf"),
            ),
            (
                b"attachment;FILENAME = certificate.pdf ; size=3",
                Some("certificate.pdf"),
            ),
            (
                b"inline; filename=\"a \\\"b\\\"; c.pdf\"; x=y",
                Some("a _b_; c.pdf"),
            ),
            (
                b"attachment; filename=\"x.pdf\"; filename*=UTF-8''Pr%C3%BCfung%20%E2%82%AC.pdf",
                Some("Prüfung €.pdf"),
            ),
            (
                b"attachment; filename*=iso-8859-1'de'Pr%FCfung.pdf; filename=x.pdf",
                Some("Prüfung.pdf"),
            ),
            (
                b"attachment; filename*=klingon''x; filename=x.pdf",
                Some("x.pdf"),
            ),
            (
                b"attachment; filename*=UTF-8''%FF; filename=x.pdf",
                Some("x.pdf"),
            ),
            (
                b"attachment; filename=\"Pr\xc3\xbcfung.pdf\"",
                Some("Prüfung.pdf"),
            ),
            (
                b"attachment; filename=\"Pr\xfcfung.pdf\"",
                Some("Prüfung.pdf"),
            ),
            (b"attachment; filename=\"unfinished", Some("unfinished")),
            (b"attachment; filename=\"\"", None),
            (b"attachment; filename=", None),
            (b"attachment; filename", None),
            (b"attachment", None),
            (b"", None),
        ] {
            assert_eq!(
                name(value).as_deref(),
                expected,
                "{}",
                String::from_utf8_lossy(value)
            );
        }
    }

    #[test]
    fn a_name_leads_nowhere_and_steers_nothing() {
        for (given, expected) in [
            ("../../etc/passwd", Some("_.._etc_passwd")),
            ("C:\\x\\y.pdf", Some("C__x_y.pdf")),
            ("a\r\nX-Evil: 1.pdf", Some("aX-Evil_ 1.pdf")),
            ("\u{1b}[2Jx.pdf", Some("[2Jx.pdf")),
            ("gpj\u{202e}fdp.exe", Some("gpjfdp.exe")),
            ("...", None),
            (" \t ", None),
            (".profile", Some("profile")),
        ] {
            assert_eq!(harmless(given).as_deref(), expected, "{given:?}");
        }
        let long = format!("{}.pdf", "ü".repeat(300));
        let cut = harmless(&long).unwrap();
        assert_eq!(cut.chars().count(), LONGEST);
        assert!(cut.ends_with("ü.pdf"));
        assert_eq!(harmless(&"x".repeat(300)).unwrap().len(), LONGEST);
    }

    proptest! {
        #[test]
        fn whatever_comes_the_name_is_harmless(value in any::<Vec<u8>>(), loose in "(attachment)?;? ?filename\\*?=.*") {
            for value in [&value[..], loose.as_bytes()] {
                if let Some(name) = name(value) {
                    prop_assert!(!name.is_empty() && name.chars().count() <= LONGEST);
                    prop_assert!(!name.contains(['/', '\\', '"', '\r', '\n', '\0']));
                    prop_assert_eq!(harmless(&name), Some(name));
                }
            }
        }
    }
}
