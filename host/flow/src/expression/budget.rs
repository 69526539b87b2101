//! What the evaluation of one expression may cost.
//!
//! Owners write expressions too, so none may be trusted to be cheap: a few loops inside one another go
//! through more than can be counted, and a few lines make a text longer than any memory. An evaluation
//! therefore has a budget of [`MOST_WORK`] units. One unit is about one node of the tree or sixteen bytes of text.
//! Only what can multiply is charged, that is what happens in loops, which `metered` (in `rewrite`) marks, and
//! regular expressions. Whatever is outside of loops is bounded by the length of the expression, once no
//! function makes a text longer than [`LONGEST_TEXT`].
//!
//! `cel` calls our functions without any context, so the budget lies in the thread, which evaluates one
//! expression at a time.

use std::cell::{Cell, RefCell};

use cel::common::types::{CelList, CelMap, CelString};
use cel::common::value::Val;
use regex::{Regex, RegexBuilder};

/// The most that one evaluation may cost: some milliseconds.
const MOST_WORK: usize = 100_000;

/// The longest text that `replace` and `join` make, in bytes.
pub(super) const LONGEST_TEXT: usize = 64 * 1024;

/// The most memory for a compiled regular expression, in bytes.
const LARGEST_PATTERN: usize = 256 * 1024;

/// What compiling a regular expression costs.
const PATTERN_WORK: usize = 1000;

/// Why an evaluation was ended.
pub(super) const TOO_MUCH: &str = "it takes too much work: loops go through too much";

/// Why a text was not made.
pub(super) const TOO_LONG: &str = "a text becomes longer than 65536 bytes";

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(MOST_WORK) };
    /// Most loops and most flows ask for the same pattern again and again.
    static PATTERN: RefCell<Option<(String, Regex)>> = const { RefCell::new(None) };
}

/// An evaluation begins.
pub(super) fn begin() {
    LEFT.set(MOST_WORK);
}

/// Whether this much was left; once it was not, nothing is left.
pub(super) fn spend(work: usize) -> bool {
    let left = LEFT.get().checked_sub(work);
    LEFT.set(left.unwrap_or(0));
    left.is_some()
}

/// The size of a value with everything in it, in units of work; not more than just above what is left.
pub(super) fn size(value: &dyn Val) -> usize {
    fn add(value: &dyn Val, sum: &mut usize, most: usize) {
        *sum += 1;
        if *sum > most {
            return;
        }
        if let Some(text) = value.downcast_ref::<CelString<'_>>() {
            *sum += text.inner().len() / 16;
        } else if let Some(list) = value.downcast_ref::<CelList<'_>>() {
            for item in list.inner() {
                add(item.as_ref(), sum, most);
            }
        } else if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
            for item in map.inner().values() {
                add(item.as_ref(), sum, most);
            }
        }
    }
    let mut sum = 0;
    add(value, &mut sum, LEFT.get());
    sum
}

/// A regular expression, or why a text is none that is taken.
pub(super) fn pattern(text: &str) -> Result<Regex, &'static str> {
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(LARGEST_PATTERN);
    builder.dfa_size_limit(LARGEST_PATTERN);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large a regular expression",
        _ => "is not a regular expression",
    })
}

/// Whether a text has a match; fails with why it cannot be said.
pub(super) fn matches(text: &str, wanted: &str) -> Result<bool, &'static str> {
    // A match costs more than a look at each byte.
    if !spend(1 + text.len()) {
        return Err(TOO_MUCH);
    }
    PATTERN.with_borrow_mut(|kept| {
        if let Some((known, pattern)) = kept.as_ref()
            && known == wanted
        {
            return Ok(pattern.is_match(text));
        }
        if !spend(PATTERN_WORK) {
            return Err(TOO_MUCH);
        }
        let pattern = pattern(wanted).map_err(|_| "matches takes a regular expression")?;
        let (_, pattern) = kept.insert((wanted.to_owned(), pattern));
        Ok(pattern.is_match(text))
    })
}
