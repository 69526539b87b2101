//! How single values are written into columns.
//!
//! Kinds and states are small numbers, because a link has eight of them and there are many links. A
//! number that has been given never gets another meaning.

use jiff::Timestamp;
use jiff::civil::Date;
use matricula_core::board::{Attention, TestResult};
use matricula_core::document::DocumentState;
use matricula_core::journal::Deed;
use matricula_core::link::{Decision, LeavingAction, LeavingReason};
use matricula_core::notice::NoticeKind;
use matricula_core::run::{CycleKind, OutcomeKind, Phase, RunStatus};
use matricula_core::standing::Lifecycle;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::Fault;

/// A closed set of values with a number each.
pub(super) trait Code: Sized {
    fn code(self) -> i64;
    fn from_code(code: i64) -> Option<Self>;
}

macro_rules! codes {
    ($type:ty { $($variant:ident = $code:literal),+ $(,)? }) => {
        impl Code for $type {
            fn code(self) -> i64 {
                match self { $(Self::$variant => $code),+ }
            }

            fn from_code(code: i64) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

codes! { LeavingAction { Block = 0, Delete = 1 } }
codes! { LeavingReason { StartPending = 0, EndReached = 1, Barred = 2, OutOfScope = 3, Gone = 4 } }
codes! { Decision { Open = 0, Staged = 1, Approved = 2, Discarded = 3 } }
codes! { CycleKind { Full = 0, Incremental = 1 } }
codes! { RunStatus { Running = 0, Succeeded = 1, Partial = 2, Failed = 3, Stopped = 4 } }
codes! { Phase { Read = 0, Leave = 1, Deactivate = 2, Refer = 3, Group = 4 } }
codes! {
    OutcomeKind {
        Created = 0, Updated = 1, Unchanged = 2, Deactivated = 3, Reactivated = 4, Skipped = 5,
        Staged = 6, Ambiguous = 7, Failed = 8,
    }
}
codes! {
    DocumentState {
        Delivered = 0, Unwanted = 1, Waiting = 2, Intended = 3, Failed = 4, Doubtful = 5, Again = 6,
    }
}
codes! { Lifecycle { Active = 0, Paused = 1, Deactivated = 2 } }
codes! {
    Deed {
        Started = 0, Deactivated = 1, Reactivated = 2, Paused = 3, Resumed = 4, Quarantined = 5,
        Recovered = 6, SettingsChanged = 7, ScheduleChanged = 8, CredentialChanged = 9, FlowAdopted = 10,
        Approved = 11, Discarded = 12, ContactsChanged = 13, LinkForgotten = 14, PersonErased = 15,
        HookRenewed = 16, DocumentsDecided = 17,
    }
}
codes! {
    NoticeKind {
        FirstSuccess = 0, Paused = 1, Quarantined = 2, Recovered = 3, Staged = 4, Overdue = 5, Report = 6,
        Test = 7, Succeeded = 8,
    }
}

// In the order of the list.
codes! { Attention { Paused = 0, Decision = 1, Quarantined = 2, Overdue = 3, None = 4 } }
codes! { TestResult { Ok = 0, Findings = 1, Failed = 2 } }

/// A set of codes as bits, to be tested with `(1 << code) & bits <> 0`; it takes the place of a list of
/// parameters whose length varies. No values: all of them.
pub(super) fn bits<T: Code + Copy>(values: &[T]) -> i64 {
    if values.is_empty() {
        return -1;
    }
    values
        .iter()
        .fold(0, |bits, value| bits | (1 << value.code()))
}

pub(super) fn value<T: Code>(code: i64, table: &'static str) -> Result<T, Fault> {
    T::from_code(code).ok_or(Fault::Unreadable(table))
}

pub(super) fn timestamp(millis: i64, table: &'static str) -> Result<Timestamp, Fault> {
    Timestamp::from_millisecond(millis).map_err(|_| Fault::Unreadable(table))
}

pub(super) fn opt_timestamp(
    millis: Option<i64>,
    table: &'static str,
) -> Result<Option<Timestamp>, Fault> {
    millis.map(|millis| timestamp(millis, table)).transpose()
}

/// A day as a number that reads like one: 20261231.
pub(super) fn day(date: Date) -> i64 {
    i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day())
}

pub(super) fn date(day: i64, table: &'static str) -> Result<Date, Fault> {
    let (year, month, day) = (
        day.div_euclid(10_000),
        day.rem_euclid(10_000) / 100,
        day.rem_euclid(100),
    );
    match (i16::try_from(year), i8::try_from(month), i8::try_from(day)) {
        (Ok(year), Ok(month), Ok(day)) => Date::new(year, month, day).ok(),
        _ => None,
    }
    .ok_or(Fault::Unreadable(table))
}

/// Four bytes a day; a year that does not exist stands for none.
pub(super) fn day_bytes(days: &[Option<Date>]) -> Vec<u8> {
    let code = |date: &Option<Date>| date.map_or(i32::MIN, |date| day(date) as i32);
    days.iter()
        .flat_map(|date| code(date).to_le_bytes())
        .collect()
}

pub(super) fn days(bytes: &[u8], table: &'static str) -> Result<Vec<Option<Date>>, Fault> {
    let (codes, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Fault::Unreadable(table));
    }
    codes
        .iter()
        .map(|code| match i32::from_le_bytes(*code) {
            i32::MIN => Ok(None),
            code => date(i64::from(code), table).map(Some),
        })
        .collect()
}

pub(super) fn count(stored: i64, table: &'static str) -> Result<u64, Fault> {
    u64::try_from(stored).map_err(|_| Fault::Unreadable(table))
}

pub(super) fn stored(count: u64) -> Result<i64, Fault> {
    i64::try_from(count)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()).into())
}

pub(super) fn hex(digest: &[u8; 32]) -> String {
    let digit = |value: u8| {
        char::from(if value < 10 {
            b'0' + value
        } else {
            b'a' + value - 10
        })
    };
    let mut text = String::with_capacity(2 * digest.len());
    for byte in digest {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 0xF));
    }
    text
}

/// The bytes of a digest; an error unless it is written as [`hex`] does.
pub(super) fn unhex(text: &str) -> Result<[u8; 32], Fault> {
    let refused = || {
        let reason = "a SHA-256 is written with 64 lower-case hexadecimal digits";
        Fault::from(rusqlite::Error::ToSqlConversionFailure(reason.into()))
    };
    let digit = |character: u8| match character {
        b'0'..=b'9' => Ok(character - b'0'),
        b'a'..=b'f' => Ok(character - b'a' + 10),
        _ => Err(refused()),
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut digest = [0; 32];
    if pairs.len() != digest.len() || !rest.is_empty() {
        return Err(refused());
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(digest)
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, Fault> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()).into())
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str, table: &'static str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::Unreadable(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_what_is_stored_already() {
        fn all<T: Code + std::fmt::Debug>() -> Vec<String> {
            (0..)
                .map_while(T::from_code)
                .map(|value| format!("{value:?}"))
                .collect()
        }
        assert_eq!(all::<LeavingAction>(), ["Block", "Delete"]);
        assert_eq!(
            all::<LeavingReason>(),
            ["StartPending", "EndReached", "Barred", "OutOfScope", "Gone"]
        );
        assert_eq!(
            all::<Decision>(),
            ["Open", "Staged", "Approved", "Discarded"]
        );
        assert_eq!(all::<CycleKind>(), ["Full", "Incremental"]);
        assert_eq!(
            all::<RunStatus>(),
            ["Running", "Succeeded", "Partial", "Failed", "Stopped"]
        );
        assert_eq!(
            all::<Phase>(),
            ["Read", "Leave", "Deactivate", "Refer", "Group"]
        );
        assert_eq!(
            all::<OutcomeKind>(),
            [
                "Created",
                "Updated",
                "Unchanged",
                "Deactivated",
                "Reactivated",
                "Skipped",
                "Staged",
                "Ambiguous",
                "Failed"
            ]
        );
        assert_eq!(
            all::<DocumentState>(),
            [
                "Delivered",
                "Unwanted",
                "Waiting",
                "Intended",
                "Failed",
                "Doubtful",
                "Again"
            ]
        );
        assert_eq!(all::<Lifecycle>(), ["Active", "Paused", "Deactivated"]);
        assert_eq!(
            all::<Attention>(),
            ["Paused", "Decision", "Quarantined", "Overdue", "None"]
        );
        assert_eq!(all::<TestResult>(), ["Ok", "Findings", "Failed"]);
        assert_eq!(
            all::<Deed>(),
            [
                "Started",
                "Deactivated",
                "Reactivated",
                "Paused",
                "Resumed",
                "Quarantined",
                "Recovered",
                "SettingsChanged",
                "ScheduleChanged",
                "CredentialChanged",
                "FlowAdopted",
                "Approved",
                "Discarded",
                "ContactsChanged",
                "LinkForgotten",
                "PersonErased",
                "HookRenewed",
                "DocumentsDecided"
            ]
        );
        assert_eq!(
            all::<NoticeKind>(),
            [
                "FirstSuccess",
                "Paused",
                "Quarantined",
                "Recovered",
                "Staged",
                "Overdue",
                "Report",
                "Test",
                "Succeeded"
            ]
        );
    }

    #[test]
    fn a_set_of_codes() {
        assert_eq!(bits(&[Decision::Open, Decision::Approved]), 0b101);
        assert_eq!(bits::<Decision>(&[]), -1);
    }

    #[test]
    fn digests_survive() {
        let digest: [u8; 32] = std::array::from_fn(|at| (at * 9) as u8);
        assert_eq!(unhex(&hex(&digest)).unwrap(), digest);
        assert_eq!(hex(&[0xAF; 32]), "af".repeat(32));
        for wrong in [
            "",
            "af",
            &"AF".repeat(32),
            &"g0".repeat(32),
            &"ä".repeat(32),
        ] {
            assert!(unhex(wrong).is_err(), "{wrong}");
        }
        assert!(unhex(&"0".repeat(65)).is_err());
    }

    #[test]
    fn days_survive() {
        for written in [
            Date::MIN,
            Date::MAX,
            Date::ZERO,
            Date::constant(2026, 12, 31),
        ] {
            assert_eq!(date(day(written), "link").unwrap(), written);
        }
        assert_eq!(day(Date::constant(2026, 12, 31)), 20_261_231);
        assert!(date(20_261_301, "link").is_err());
        assert!(date(i64::MAX, "link").is_err());

        let several = [Some(Date::MAX), None, Some(Date::MIN)];
        assert_eq!(days(&day_bytes(&several), "link").unwrap(), several);
        assert!(days(&[1, 2, 3], "link").is_err());
        assert_eq!(days(&[], "link").unwrap(), []);
    }
}
