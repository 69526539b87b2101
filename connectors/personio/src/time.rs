//! Times as Personio wants them in `updated_since`: to the second, without a zone.

/// Unix time in milliseconds as `YYYY-MM-DDTHH:MM:SS`, in UTC.
pub(crate) fn text(unix_ms: u64) -> String {
    let seconds = unix_ms / 1000;
    let (year, month, day) = date(seconds / 86_400);
    let of_day = seconds % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

/// The Gregorian date of a day since 1970-01-01.
///
/// Counted in years that begin in March, so that the leap day is a year's last: then a year's months
/// have lengths in a fixed pattern of 153 days each five months.
fn date(day: u64) -> (u64, u64, u64) {
    // Days since 0000-03-01.
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (
        era * 400 + year_of_era + u64::from(month <= 2),
        month,
        day_of_month,
    )
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn is_utc_to_the_second() {
        assert_eq!(text(0), "1970-01-01T00:00:00");
        assert_eq!(text(1_795_262_400_999), "2026-11-21T12:00:00");
        assert_eq!(text(951_782_399_000), "2000-02-28T23:59:59");
        assert_eq!(text(951_782_400_000), "2000-02-29T00:00:00");
        assert_eq!(text(4_107_542_400_000), "2100-03-01T00:00:00");
        assert_eq!(text(1_798_761_599_000), "2026-12-31T23:59:59");
    }
}
