//! When the person of a record may come in.

use std::borrow::Cow;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{INVALID, MISSING, Program, failed};
use crate::expression::functions::day;
use crate::expression::{Compiled, Outcome, Val, View};
use crate::person::{AccessValues, DEFAULT_ZONE, Reading, RecordError};

impl Program {
    pub(super) fn access<'r>(&'r self, view: &View<'r>) -> Result<AccessValues, RecordError> {
        let from = match &self.from {
            Some(from) => read_date(from, "from", view)?,
            None => Reading::Known(None),
        };
        let until: Vec<Reading<Option<Date>>> = self
            .until
            .iter()
            .map(|one| read_date(one, "until", view))
            .collect::<Result<_, _>>()?;
        let barred = match self.barred.as_ref().map(|barred| barred.evaluate(view)) {
            None | Some(Outcome::Value(Val::Null)) => Reading::Known(false),
            Some(Outcome::Value(Val::Bool(barred))) => Reading::Known(barred),
            Some(Outcome::Absent(_)) => Reading::Absent,
            Some(outcome) => return Err(failed("barred", None, &outcome, "true or false")),
        };
        let last_day_open = match &self.last_day {
            None => false,
            Some(last_day) => {
                let word = self.word(last_day, "last_day", view)?;
                last_day_open(&word).ok_or_else(|| RecordError {
                    code: INVALID,
                    attribute: None,
                    message: "last_day must give \"blocked\" or \"open\"".into(),
                })?
            }
        };
        let zone = match &self.time_zone {
            None => DEFAULT_ZONE.to_owned(),
            Some(zone) => self.word(zone, "time_zone", view)?.into_owned(),
        };
        let known = self
            .time_zone
            .as_ref()
            .is_none_or(|zone| zone.constant().is_some());
        if !known && !is_zone(&zone) {
            return Err(RecordError {
                code: INVALID,
                attribute: None,
                message: "time_zone does not give a time zone such as Europe/Berlin".into(),
            });
        }
        Ok(AccessValues {
            from,
            until,
            barred,
            last_day_open,
            zone,
        })
    }

    fn word<'r>(
        &self,
        compiled: &'r Compiled,
        what: &str,
        view: &View<'r>,
    ) -> Result<Cow<'r, str>, RecordError> {
        match compiled.evaluate(view) {
            Outcome::Value(Val::Text(text)) => Ok(text),
            Outcome::Absent(name) => Err(RecordError {
                code: MISSING,
                message: format!("no {what}: {name} may not be read; {}", self.allow(&name)),
                attribute: Some(name),
            }),
            outcome => Err(failed(what, None, &outcome, "a text")),
        }
    }
}

fn read_date<'r>(
    compiled: &'r Compiled,
    what: &str,
    view: &View<'r>,
) -> Result<Reading<Option<Date>>, RecordError> {
    match compiled.evaluate(view) {
        Outcome::Absent(_) => Ok(Reading::Absent),
        Outcome::Value(Val::Null) => Ok(Reading::Known(None)),
        Outcome::Value(Val::Text(text)) => match day(&text) {
            Some(date) => Ok(Reading::Known(Some(date))),
            None => Err(RecordError {
                code: INVALID,
                attribute: None,
                message: format!("what access declares as {what} is not a date"),
            }),
        },
        outcome => Err(failed(what, None, &outcome, "a date")),
    }
}

pub(super) fn is_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

pub(super) fn last_day_open(word: &str) -> Option<bool> {
    match word {
        "blocked" => Some(false),
        "open" => Some(true),
        _ => None,
    }
}
