//! What an uploaded file is called.
//!
//! Made of the title, but of ASCII only: a name with other characters would have to be sent as `filename*`,
//! which servers do not read in forms (RFC 7578 §4.2), and would then take the file for a plain field. Nor has
//! it anything that a path, a shell or a header could misread.

/// The most characters before the extension.
const LONGEST: usize = 100;

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
    for character in stem.chars() {
        let plain = match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '(' | ')' | '_' | '.' => {
                name.push(character);
                continue;
            }
            'ä' | 'æ' => "ae",
            'ö' | 'œ' => "oe",
            'ü' => "ue",
            'Ä' | 'Æ' => "Ae",
            'Ö' | 'Œ' => "Oe",
            'Ü' => "Ue",
            'ß' => "ss",
            'à' | 'á' | 'â' | 'ã' | 'å' | 'ą' => "a",
            'À' | 'Á' | 'Â' | 'Ã' | 'Å' => "A",
            'ç' | 'ć' | 'č' => "c",
            'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => "e",
            'È' | 'É' | 'Ê' | 'Ë' => "E",
            'ì' | 'í' | 'î' | 'ï' => "i",
            'ł' => "l",
            'ñ' | 'ń' => "n",
            'ò' | 'ó' | 'ô' | 'õ' | 'ø' => "o",
            'ś' | 'š' => "s",
            'ù' | 'ú' | 'û' => "u",
            'ź' | 'ż' | 'ž' => "z",
            c if c.is_whitespace() => " ",
            _ => "-",
        };
        // Runs of what separates are one separator.
        let separates = matches!(plain, " " | "-");
        if !separates || !name.ends_with([' ', '-']) {
            name.push_str(plain);
        }
    }
    let around: &[char] = &[' ', '-', '_', '.'];
    // All of it is ASCII.
    name.truncate(LONGEST);
    let name = name.trim_matches(around);
    match name {
        "" => format!("document{ending}"),
        name => format!("{name}{ending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::filename;

    #[test]
    fn a_title_stays_readable() {
        for (title, name) in [
            ("Fire safety", "Fire safety.pdf"),
            (
                "Brandschutz: Übung für Außendienst",
                "Brandschutz-Uebung fuer Aussendienst.pdf",
            ),
            ("Café (level 2), part 1.2", "Cafe (level 2)-part 1.2.pdf"),
            ("Handbook.PDF", "Handbook.pdf"),
        ] {
            assert_eq!(filename(title, "pdf"), name);
        }
    }

    #[test]
    fn nothing_in_it_can_be_misread() {
        for (title, name) in [
            ("../../etc/passwd", "etc-passwd.pdf"),
            ("a\r\nX-Header: \"b\"; c=d", "a X-Header-b-c-d.pdf"),
            ("report\u{202e}fdp.exe", "report-fdp.exe.pdf"),
            (".pdf", "document.pdf"),
            ("安全", "document.pdf"),
            ("", "document.pdf"),
            ("ö.pdf", "oe.pdf"),
        ] {
            assert_eq!(filename(title, "pdf"), name, "{title:?}");
        }
        let long = filename(&"ü".repeat(255), "pdf");
        assert_eq!(long.len(), 104);
    }
}
