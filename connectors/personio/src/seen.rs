//! Who has been seen in a read that takes many calls.
//!
//! Every call is a fresh instance, so the set of identifiers travels in the position, as text. Personio
//! gives identifiers out one after the other, so most of a company's lie side by side: the set is kept as
//! runs of neighbours, and written as the gaps between runs and their lengths. The 34 people of an
//! answer captured from a demo account are two runs; 50 000 people imported together are one.
//!
//! Where identifiers are scattered the text would grow without end, so there is a bound: when it is
//! reached, the set forgets every other identifier, and again if need be. What it still remembers it
//! remembers exactly. It may then overlook a repetition, but it never makes one up: it errs on the side
//! that costs least, since a read is taken for whole by mistake only if the repetition leaves everything
//! else as it was, and the host acts on absence only after two such reads.

use matricula_sdk::{Failure, FailureKind, Result};
use serde::{Deserialize, Serialize};

/// The most characters that the set is written in.
const MOST: usize = 32 * 1024;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A set of identifiers, each below 2^63.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Only identifiers divisible by 2 to this power are remembered.
    thinned: u32,
    /// First and last of each run, ascending, with gaps between them; divided by 2 to the above.
    runs: Vec<(u64, u64)>,
}

/// A [`Seen`] in a position.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Written {
    #[serde(default)]
    thinned: u32,
    runs: String,
}

impl Seen {
    /// Whether it is remembered that this one was seen.
    pub(crate) fn contains(&self, id: u64) -> bool {
        let Some(unit) = self.unit(id) else {
            return false;
        };
        let after = self.runs.partition_point(|&(first, _)| first <= unit);
        after > 0 && self.runs[after - 1].1 >= unit
    }

    /// Adds identifiers, in any order.
    pub(crate) fn extend(&mut self, ids: impl IntoIterator<Item = u64>) {
        let mut units: Vec<u64> = ids.into_iter().filter_map(|id| self.unit(id)).collect();
        units.sort_unstable();
        let mut merged = Vec::with_capacity(self.runs.len() + units.len());
        let mut units = units.into_iter().peekable();
        for run in std::mem::take(&mut self.runs) {
            while let Some(unit) = units.next_if(|&unit| unit < run.0) {
                join(&mut merged, (unit, unit));
            }
            join(&mut merged, run);
        }
        for unit in units {
            join(&mut merged, (unit, unit));
        }
        self.runs = merged;
    }

    /// As text of bounded length.
    pub(crate) fn write(mut self) -> Written {
        loop {
            let runs = encode(&self.runs);
            if runs.len() <= MOST {
                return Written {
                    thinned: self.thinned,
                    runs,
                };
            }
            self.thin();
        }
    }

    /// What [`Seen::write`] wrote.
    ///
    /// # Errors
    /// If it is not: the host handed out a position that is none of ours.
    pub(crate) fn read(written: &Written) -> Result<Self> {
        let runs = decode(&written.runs).filter(|_| written.thinned < 63);
        runs.map(|runs| Self {
            thinned: written.thinned,
            runs,
        })
        .ok_or_else(|| {
            Failure::new(
                FailureKind::Internal,
                "the position's list of people seen is damaged",
            )
        })
    }

    /// How the identifier is kept, if it is one of those that are.
    fn unit(&self, id: u64) -> Option<u64> {
        (id.trailing_zeros() >= self.thinned).then_some(id >> self.thinned)
    }

    /// Forgets every other identifier.
    fn thin(&mut self) {
        self.thinned += 1;
        let mut thinner = Vec::with_capacity(self.runs.len());
        for &(first, last) in &self.runs {
            let run = (first.div_ceil(2), last / 2);
            if run.0 <= run.1 {
                join(&mut thinner, run);
            }
        }
        self.runs = thinner;
    }
}

/// Appends a run that begins no earlier than the last one, as part of that one where they touch.
fn join(runs: &mut Vec<(u64, u64)>, run: (u64, u64)) {
    match runs.last_mut() {
        Some(last) if run.0 <= last.1 + 1 => last.1 = last.1.max(run.1),
        _ => runs.push(run),
    }
}

/// Per run: its distance from the end of the one before, doubled, plus 1 if a length follows; then the
/// length if it is more than 1. Numbers are digits of five bits, the lowest first, the sixth bit set on
/// all but the last.
fn encode(runs: &[(u64, u64)]) -> String {
    let mut text = String::with_capacity(runs.len() * 3);
    let mut end = 0;
    for &(first, last) in runs {
        let more = last > first;
        digits(&mut text, ((first - end) << 1) | u64::from(more));
        if more {
            digits(&mut text, last - first);
        }
        end = last;
    }
    text
}

fn digits(text: &mut String, mut number: u64) {
    loop {
        let more = if number > 31 { 32 } else { 0 };
        text.push(char::from(DIGITS[((number & 31) | more) as usize]));
        number >>= 5;
        if more == 0 {
            return;
        }
    }
}

fn decode(text: &str) -> Option<Vec<(u64, u64)>> {
    let mut bytes = text.bytes();
    let mut runs = Vec::new();
    let mut end = 0_u64;
    while bytes.len() > 0 {
        let head = number(&mut bytes)?;
        let first = end.checked_add(head >> 1)?;
        let length = if head & 1 == 1 {
            number(&mut bytes)?
        } else {
            0
        };
        end = first.checked_add(length).filter(|&last| last < 1 << 63)?;
        runs.push((first, end));
    }
    Some(runs)
}

/// One number, or none if the text ends within it or has a character that is no digit.
fn number(bytes: &mut std::str::Bytes<'_>) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..=60).step_by(5) {
        let digit = u64::from(value(bytes.next()?)?);
        number |= (digit & 31) << shift;
        if digit < 32 {
            return Some(number);
        }
    }
    None
}

fn value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: impl IntoIterator<Item = u64>) -> Seen {
        let mut seen = Seen::default();
        seen.extend(ids);
        seen
    }

    fn back(seen: &Seen) -> Seen {
        Seen::read(&seen.clone().write()).unwrap()
    }

    #[test]
    fn neighbours_are_one_run_in_whatever_order_they_come() {
        let mut seen = set([5, 3, 4, 9, 3]);
        assert_eq!(seen.runs, [(3, 5), (9, 9)]);
        seen.extend([0, 6, 8, 7, 100]);
        assert_eq!(seen.runs, [(0, 0), (3, 9), (100, 100)]);
        for id in [0, 3, 5, 9, 100] {
            assert!(seen.contains(id), "{id}");
        }
        for id in [1, 2, 10, 99, 101, u64::MAX] {
            assert!(!seen.contains(id), "{id}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let largest = (1 << 63) - 1;
        for ids in [
            vec![],
            vec![0],
            vec![largest],
            vec![0, 1, 2, 40, 1 << 53, largest - 1, largest],
        ] {
            let seen = set(ids);
            assert_eq!(back(&seen), seen);
        }
        let dense = set(0..50_000).write();
        assert!(dense.runs.len() < 8, "{}", dense.runs);
    }

    #[test]
    fn beyond_its_bound_it_forgets_but_never_makes_up() {
        let scattered: Vec<u64> = (0..50_000)
            .map(|n: u64| (n * 0x9e37_79b1) % (1 << 27))
            .collect();
        let written = set(scattered.iter().copied()).write();
        assert!(written.runs.len() <= MOST && written.thinned > 0);
        let seen = Seen::read(&written).unwrap();
        let known = scattered.iter().filter(|&&id| seen.contains(id)).count();
        assert_eq!(
            known,
            scattered
                .iter()
                .filter(|&&id| id % (1 << written.thinned) == 0)
                .count()
        );
        assert!(known > 5000, "{known} are remembered");
        let all: std::collections::HashSet<u64> = scattered.into_iter().collect();
        assert!((0..1 << 20).all(|id| !seen.contains(id) || all.contains(&id)));
        // It goes on with what it has.
        let mut more = seen;
        more.extend([1 << 40]);
        assert!(back(&more).contains(1 << 40));
    }

    #[test]
    fn damaged_text_is_refused() {
        for runs in [
            "g",
            "B",
            "!",
            "B!",
            "_______________",
            "AAA=",
            "__________________B",
        ] {
            let written = Written {
                thinned: 0,
                runs: runs.into(),
            };
            assert!(Seen::read(&written).is_err(), "{runs}");
        }
        assert!(
            Seen::read(&Written {
                thinned: 64,
                runs: String::new()
            })
            .is_err()
        );
    }
}
