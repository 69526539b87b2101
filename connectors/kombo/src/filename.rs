//! What an uploaded file is called. It is all that people see of it in the HR system, so it keeps its letters,
//! and loses only what a path, a shell or a form could misread.

/// The most characters before the extension.
const LONGEST: usize = 180;

/// A harmless file name.
pub(crate) fn filename(title: &str, extension: &str) -> String {
    let ending = format!(".{extension}");
    let title = title.trim();
    let stem = match title.len().checked_sub(ending.len()) {
        Some(at) if title.is_char_boundary(at) && title[at..].eq_ignore_ascii_case(&ending) => {
            &title[..at]
        }
        _ => title,
    };
    let mut name = String::with_capacity(stem.len());
    for character in stem.chars().take(LONGEST) {
        match character {
            // As somebody would write it who may not write a colon.
            ':' => name.push_str(" -"),
            '/' | '\\' | '*' | '?' | '<' | '>' | '|' => name.push('-'),
            '"' => name.push('\''),
            c if (c.is_whitespace() || c.is_control()) && name.ends_with(' ') => {}
            c if c.is_whitespace() || c.is_control() => name.push(' '),
            // What changes the direction, or cannot be seen.
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => {}
            c => name.push(c),
        }
    }
    match name.trim_matches([' ', '-', '.']) {
        "" => format!("document{ending}"),
        name => format!("{name}{ending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::filename;

    #[test]
    fn a_title_stays_readable_and_nothing_in_it_can_be_misread() {
        for (title, name) in [
            (
                "Brandschutz: Übung, 2026-03-04 (4711)",
                "Brandschutz - Übung, 2026-03-04 (4711).pdf",
            ),
            ("安全.PDF", "安全.pdf"),
            ("../../etc/passwd", "etc-passwd.pdf"),
            ("a\r\nX-Header: \"b\"", "a X-Header - 'b'.pdf"),
            ("report\u{202e}fdp.exe", "reportfdp.exe.pdf"),
            ("", "document.pdf"),
            (".pdf", "document.pdf"),
        ] {
            assert_eq!(filename(title, "pdf"), name, "{title:?}");
        }
        assert_eq!(filename(&"ü".repeat(255), "pdf").chars().count(), 184);
    }
}
