//! What our functions do with values that are neither null nor absent.

use std::borrow::Cow;

use jiff::civil::Date;

use super::budget::LONGEST_TEXT;

/// The functions of the language that are ours or that we give another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextFunction {
    Trim,
    Lower,
    Upper,
    NormalizeDiacritics,
    Date,
}

impl TextFunction {
    pub const ALL: [(&'static str, Self); 5] = [
        ("trim", Self::Trim),
        ("lower", Self::Lower),
        ("upper", Self::Upper),
        ("normalizeDiacritics", Self::NormalizeDiacritics),
        ("date", Self::Date),
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, function)| *function)
    }

    /// Applies it; none where the text is not of the kind that it takes.
    pub fn apply(self, text: Cow<'_, str>) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Trim => narrow(text, str::trim),
            Self::Lower
                if text
                    .bytes()
                    .all(|b| b.is_ascii() && !b.is_ascii_uppercase()) =>
            {
                text
            }
            Self::Lower if text.is_ascii() => Cow::Owned(text.to_ascii_lowercase()),
            Self::Lower => Cow::Owned(text.to_lowercase()),
            Self::Upper => Cow::Owned(text.to_uppercase()),
            Self::NormalizeDiacritics if text.is_ascii() => text,
            Self::NormalizeDiacritics => Cow::Owned(normalize_diacritics(&text)),
            Self::Date => {
                let rest = text.get(10..)?;
                if !(rest.is_empty() || rest.starts_with(['T', ' '])) {
                    return None;
                }
                day(text.get(..10)?)?;
                match text {
                    Cow::Borrowed(text) => Cow::Borrowed(text.get(..10)?),
                    Cow::Owned(mut text) => {
                        text.truncate(10);
                        Cow::Owned(text)
                    }
                }
            }
        })
    }
}

fn narrow<'t>(text: Cow<'t, str>, part: fn(&str) -> &str) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) => {
            let kept = part(&text);
            if kept.len() == text.len() {
                Cow::Owned(text)
            } else {
                Cow::Owned(kept.to_owned())
            }
        }
    }
}

/// A day as `YYYY-MM-DD`; none if there is no such day.
pub(crate) fn day(text: &str) -> Option<Date> {
    let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else {
        return None;
    };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0_i16, |number, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + i16::from(**digit - b'0'))
        })
    };
    let month = i8::try_from(number(&[m1, m2])?).ok()?;
    let day = i8::try_from(number(&[d1, d2])?).ok()?;
    Date::new(number(&[y1, y2, y3, y4])?, month, day).ok()
}

/// Replaces every occurrence; none where the text becomes too long.
pub(crate) fn replace(text: &str, from: &str, to: &str) -> Option<String> {
    if from.is_empty() || !text.contains(from) {
        return Some(text.to_owned());
    }
    if to.len() > from.len() {
        let found = text.matches(from).count();
        let more = (to.len() - from.len()).checked_mul(found)?;
        text.len()
            .checked_add(more)
            .filter(|length| *length <= LONGEST_TEXT)?;
    }
    Some(text.replace(from, to))
}

/// The texts with a separator between them; none where the text becomes too long.
pub(crate) fn join(texts: &[&str], separator: &str) -> Option<String> {
    let length: usize = texts.iter().map(|text| text.len()).sum();
    let between = separator.len().checked_mul(texts.len().saturating_sub(1))?;
    length
        .checked_add(between)
        .filter(|length| *length <= LONGEST_TEXT)?;
    Some(texts.join(separator))
}

/// The first characters of a text; none for a negative number of them.
pub(crate) fn truncate(text: &str, most: i64) -> Option<&str> {
    let most = usize::try_from(most).ok()?;
    let end = text.char_indices().nth(most).map(|(at, _)| at);
    text.get(..end.unwrap_or(text.len()))
}

/// A number as text: whole numbers without a point.
pub(crate) fn number_text(number: f64) -> String {
    format!("{number}")
}

/// Letters without their marks: `é` becomes `e`, the German umlauts and `ß` two letters, as is usual in
/// addresses.
fn normalize_diacritics(text: &str) -> String {
    let text = icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let mut plain = String::with_capacity(text.len() + 4);
    let mut upper_next = text.chars().skip(1).map(char::is_uppercase);
    for character in text.chars() {
        // `ÄRZTE` gives `AERZTE`, `Ärzte` gives `Aerzte`.
        let capitals = upper_next.next().unwrap_or(false);
        let pair = |lower: &'static str, upper: &'static str| if capitals { upper } else { lower };
        match character {
            'ä' | 'æ' => plain.push_str("ae"),
            'ö' | 'ø' | 'œ' => plain.push_str("oe"),
            'ü' => plain.push_str("ue"),
            'ß' => plain.push_str("ss"),
            'Ä' | 'Æ' => plain.push_str(pair("Ae", "AE")),
            'Ö' | 'Ø' | 'Œ' => plain.push_str(pair("Oe", "OE")),
            'Ü' => plain.push_str(pair("Ue", "UE")),
            'ẞ' => plain.push_str("SS"),
            'þ' => plain.push_str("th"),
            'Þ' => plain.push_str(pair("Th", "TH")),
            'ð' | 'đ' => plain.push('d'),
            'Ð' | 'Đ' => plain.push('D'),
            'ł' => plain.push('l'),
            'Ł' => plain.push('L'),
            'ı' => plain.push('i'),
            'ħ' => plain.push('h'),
            'Ħ' => plain.push('H'),
            other => plain.push(other),
        }
    }
    icu_normalizer::DecomposingNormalizerBorrowed::new_nfd()
        .normalize(&plain)
        .chars()
        .filter(|c| !is_mark(*c))
        .collect()
}

/// Combining diacritical marks and their supplements.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(name: &str, text: &str) -> Option<String> {
        TextFunction::named(name)
            .unwrap()
            .apply(text.into())
            .map(Cow::into_owned)
    }

    #[test]
    fn texts() {
        assert_eq!(apply("trim", " a b\n").unwrap(), "a b");
        assert_eq!(apply("lower", "ÄB@x").unwrap(), "äb@x");
        assert_eq!(apply("upper", "straße").unwrap(), "STRASSE");
        assert_eq!(
            apply("normalizeDiacritics", "Zoë Müßig-Łukasz").unwrap(),
            "Zoe Muessig-Lukasz"
        );
        assert_eq!(
            apply("normalizeDiacritics", "ÄRZTE Ärzte").unwrap(),
            "AERZTE Aerzte"
        );
        assert_eq!(
            apply("normalizeDiacritics", "e\u{301}o\u{308}").unwrap(),
            "eoe"
        );
        assert_eq!(truncate("äöü", 2), Some("äö"));
        assert_eq!(
            (truncate("ä", 1), truncate("ä", 0), truncate("ä", -1)),
            (Some("ä"), Some(""), None)
        );
        assert_eq!(replace("a-b-c", "-", "").unwrap(), "abc");
        assert_eq!(replace("abc", "", "x").unwrap(), "abc");
        let long = "a".repeat(LONGEST_TEXT / 2);
        assert_eq!(
            replace(&long, "a", "bb").map(|text| text.len()),
            Some(LONGEST_TEXT)
        );
        assert_eq!(replace(&(long.clone() + "a"), "a", "bb"), None);
        assert_eq!(join(&["a", "b", "c"], ", ").unwrap(), "a, b, c");
        assert_eq!(join(&[], ", ").unwrap(), "");
        assert_eq!(join(&[&long, &long], ","), None);
        assert_eq!(
            (number_text(38.5), number_text(40.0)),
            ("38.5".into(), "40".into())
        );
    }

    #[test]
    fn dates() {
        assert_eq!(
            apply("date", "2026-02-28T23:59:59+01:00").unwrap(),
            "2026-02-28"
        );
        assert_eq!(apply("date", "2026-02-28").unwrap(), "2026-02-28");
        for wrong in [
            "2026-02-30",
            "28.02.2026",
            "2026-2-8",
            "",
            "2026-02-281",
            "äääääääääää",
        ] {
            assert_eq!(apply("date", wrong), None, "{wrong}");
        }
        assert_eq!(day("0000-00-00"), None);
        assert_eq!(day("2024-02-29").unwrap().to_string(), "2024-02-29");
        assert_eq!(day("-024-02-29"), None);
    }
}
