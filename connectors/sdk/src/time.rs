//! Times as APIs write them, to and from seconds, and the days that they mean.
//!
//! Only what comparisons need: a connector has no clock and no calendar, and a library for both would be
//! half of the component.

/// Unix time in seconds of `YYYY-MM-DD`, optionally followed by `T` or a space, a time with or without seconds
/// and fractions, and `Z`, an offset or nothing, which is taken for UTC. None for anything else.
pub fn parse(text: &str) -> Option<i64> {
    let (date, rest) = text.trim().split_at_checked(10)?;
    let mut parts = date.split('-');
    let (year, month, day) = (
        digits(parts.next()?, 4)?,
        digits(parts.next()?, 2)?,
        digits(parts.next()?, 2)?,
    );
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = days(year, month, day) * 86_400;
    if rest.is_empty() {
        return Some(midnight);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (time, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (&rest[..at], offset(&rest[at..])?),
        None => (rest, 0),
    };
    let mut parts = time.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = match parts.next() {
        Some(second) => digits(second.split(['.', ',']).next()?, 2)?,
        None => 0,
    };
    let valid = hour <= 24 && minute < 60 && second <= 60 && parts.next().is_none();
    valid.then_some(midnight + hour * 3600 + minute * 60 + second - offset)
}

/// `YYYY-MM-DDTHH:MM:SSZ`.
pub fn text(seconds: i64) -> String {
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

/// Whether the text begins with what looks like a date, be it one that does not exist.
pub fn begins_with_date(text: &str) -> bool {
    text.len() >= 10
        && text
            .bytes()
            .take(10)
            .enumerate()
            .all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
}

/// The day that a moment stands for, where an API writes days as moments: midnight, of UTC or of the place
/// that is meant. So it is the day whose midnight in UTC is nearest, up to half a day to either side.
pub fn day(text: &str) -> Option<String> {
    const DAY: i64 = 86_400;
    let (year, month, day) = date((parse(text)? + DAY / 2).div_euclid(DAY));
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

/// Seconds that `Z`, `+02:00` or `+0200` is ahead of UTC.
fn offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'Z' | b'z' => return (text.len() == 1).then_some(0),
        b'-' => -1,
        _ => 1,
    };
    let text = text.get(1..)?;
    let (hours, minutes) = match text.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if text.len() == 2 => (text, "00"),
        None => text.split_at_checked(2)?,
    };
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let valid = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    valid.then(|| text.parse().ok()).flatten()
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Counted in years that begin in March, so that the leap day is a year's last and the months' lengths
/// follow a pattern of 153 days each five months.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let month_from_march = (month + 9) % 12;
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
        - 719_468
}

/// The reverse of [`days`].
fn date(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (
        era * 400 + year_of_era + i64::from(month <= 2),
        month,
        day_of_month,
    )
}

#[cfg(test)]
mod tests {
    use super::{begins_with_date, day, parse, text};

    #[test]
    fn a_midnight_somewhere_is_a_day() {
        for (written, expected) in [
            ("2022-05-20T00:00:00.000Z", "2022-05-20"),
            ("2022-05-20", "2022-05-20"),
            // Midnight in Berlin, summer and winter, in New York and in Tokyo.
            ("2022-05-19T22:00:00.000Z", "2022-05-20"),
            ("2022-01-31T23:00:00Z", "2022-02-01"),
            ("2022-05-20T04:00:00Z", "2022-05-20"),
            ("2022-05-19T15:00:00Z", "2022-05-20"),
            ("2020-02-28T23:00:00Z", "2020-02-29"),
            ("2022-05-20T00:00:00+02:00", "2022-05-20"),
        ] {
            assert_eq!(day(written).as_deref(), Some(expected), "{written}");
        }
        assert_eq!(day("soon"), None);
    }

    #[test]
    fn the_ways_to_write_a_moment_are_one_moment() {
        for written in [
            "2026-11-21T12:00:00Z",
            "2026-11-21T12:00:00.123Z",
            "2026-11-21 12:00:00",
            "2026-11-21T12:00",
            "2026-11-21T14:00:00+02:00",
            "2026-11-21T14:00:00+0200",
            "2026-11-21T14:00:00.5+02",
            " 2026-11-21T04:30:00-07:30 ",
        ] {
            assert_eq!(parse(written), Some(1_795_262_400), "{written}");
        }
        assert_eq!(parse("2026-11-21"), Some(1_795_262_400 - 12 * 3600));
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Some(-1));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for written in [
            "",
            "2026",
            "2026-13-01",
            "2026-11-00",
            "21.11.2026",
            "2026-11-21X12:00:00Z",
            "2026-11-21T12",
            "2026-11-21T12:00:00 Berlin",
            "2026-11-21T12:00:00+99:00",
            "2026-11-21T12:00:00ZZ",
            "2026-11-2ö",
            "+026-11-21",
        ] {
            assert_eq!(parse(written), None, "{written}");
        }
    }

    #[test]
    fn what_is_written_is_read_again_on_every_day_of_four_centuries() {
        for day in 0..146_097 {
            let moment = day * 86_400 + 86_399;
            assert_eq!(parse(&text(moment)), Some(moment));
        }
        assert_eq!(text(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(text(-1), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn a_date_is_known_by_its_shape() {
        assert!(begins_with_date("2026-02-31T00:00:00Z"));
        assert!(!begins_with_date("31.02.2026"));
        assert!(!begins_with_date("2026-02"));
        assert!(!begins_with_date("2026-02-3ö"));
    }
}
