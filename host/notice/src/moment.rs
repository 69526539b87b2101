//! Dates, times and numbers as somebody writes them who speaks the language.
//!
//! The time zone is always said: who reads a mail may sit in another one than who runs the automation.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A language that mails are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    English,
    German,
}

const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const GERMAN: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

impl Language {
    /// The language of a tag (`de`, `de-AT`, `de_CH`); English if it is not written here.
    pub(crate) fn of(tag: &str) -> Self {
        let base = tag.trim().split(['-', '_']).next().unwrap_or_default();
        if base.eq_ignore_ascii_case("de") {
            Self::German
        } else {
            Self::English
        }
    }

    /// Its tag.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// `21 November 2026`, `21. November 2026`.
    pub(crate) fn date(self, date: Date) -> String {
        let (names, stop) = match self {
            Self::English => (ENGLISH, ""),
            Self::German => (GERMAN, "."),
        };
        let month = usize::try_from(date.month()).unwrap_or(1);
        let name = names
            .get(month.wrapping_sub(1))
            .copied()
            .unwrap_or_default();
        format!("{}{stop} {name} {}", date.day(), date.year())
    }

    /// `21 November 2026, 04:00 CET`, `21. November 2026, 04:00 Uhr MEZ`.
    pub(crate) fn moment(self, at: Timestamp, zone: &TimeZone) -> String {
        let local = at.to_zoned(zone.clone());
        let info = zone.to_offset_info(at);
        let name = self.zone(info.abbreviation(), info.offset());
        let (date, hour, minute) = (self.date(local.date()), local.hour(), local.minute());
        match self {
            Self::English => format!("{date}, {hour:02}:{minute:02} {name}"),
            Self::German => format!("{date}, {hour:02}:{minute:02} Uhr {name}"),
        }
    }

    /// Many zones have no letters of their own; their distance to UTC is written.
    fn zone(self, abbreviation: &str, offset: jiff::tz::Offset) -> String {
        match (self, abbreviation) {
            (Self::German, "CET") => "MEZ".into(),
            (Self::German, "CEST") => "MESZ".into(),
            _ if abbreviation.bytes().all(|byte| byte.is_ascii_alphabetic()) => abbreviation.into(),
            _ => {
                let minutes = offset.seconds() / 60;
                let sign = if minutes < 0 { '−' } else { '+' };
                let minutes = minutes.abs();
                format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }

    /// `1,234,567`, `1.234.567`.
    pub(crate) fn number(self, number: u64) -> String {
        let digits = number.to_string();
        let separator = match self {
            Self::English => ',',
            Self::German => '.',
        };
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for (tag, language) in [
            ("de", Language::German),
            ("de-AT", Language::German),
            ("DE_ch", Language::German),
            ("en-GB", Language::English),
            ("fr", Language::English),
            ("", Language::English),
            ("del", Language::English),
        ] {
            assert_eq!(Language::of(tag), language, "{tag}");
        }
    }

    #[test]
    fn moments_name_their_zone() {
        let winter: Timestamp = "2026-11-21T03:05:00Z".parse().unwrap();
        let summer: Timestamp = "2026-03-31T22:30:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let (en, de) = (Language::English, Language::German);
        assert_eq!(en.moment(winter, &berlin), "21 November 2026, 04:05 CET");
        assert_eq!(
            de.moment(winter, &berlin),
            "21. November 2026, 04:05 Uhr MEZ"
        );
        assert_eq!(en.moment(summer, &berlin), "1 April 2026, 00:30 CEST");
        assert_eq!(de.moment(summer, &berlin), "1. April 2026, 00:30 Uhr MESZ");
        assert_eq!(
            en.moment(winter, &TimeZone::UTC),
            "21 November 2026, 03:05 UTC"
        );
        let dubai = TimeZone::get("Asia/Dubai").unwrap();
        assert_eq!(
            en.moment(winter, &dubai),
            "21 November 2026, 07:05 UTC+04:00"
        );
        let newfoundland = TimeZone::fixed(jiff::tz::Offset::from_seconds(-12_600).unwrap());
        assert_eq!(
            en.moment(winter, &newfoundland),
            "20 November 2026, 23:35 UTC−03:30"
        );
    }

    #[test]
    fn thousands() {
        for (number, english, german) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (1000, "1,000", "1.000"),
            (12_345_678, "12,345,678", "12.345.678"),
        ] {
            assert_eq!(Language::English.number(number), english);
            assert_eq!(Language::German.number(number), german);
        }
    }
}
