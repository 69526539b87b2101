//! Schedules and contacts as they are given on the command line.

use matricula_core::Cadence;
use matricula_core::notice::Contact;

use crate::args::{CadenceArgs, ContactArgs};
use crate::fault::Fault;

/// None if nothing was given.
pub(super) fn cadence(args: &CadenceArgs) -> Result<Option<Cadence>, Fault> {
    if args.on_demand {
        return Ok(Some(Cadence::OnDemand));
    }
    if let Some(expression) = &args.cron {
        return Ok(Some(Cadence::Cron {
            expression: expression.trim().to_owned(),
            time_zone: args.time_zone.clone(),
        }));
    }
    args.every.as_deref().map(every).transpose()
}

fn every(text: &str) -> Result<Cadence, Fault> {
    let span = matricula_flow::span(text.trim()).ok_or_else(|| {
        Fault::usage(format!(
            "\"{text}\" is not a span of time such as 5m, 2h or 1d"
        ))
    })?;
    Ok(Cadence::every(span))
}

/// Everybody who was named, once, with what they are told.
pub(super) fn contacts(args: &ContactArgs) -> Vec<Contact> {
    let mut all: Vec<Contact> = Vec::new();
    let alerts = args.alert.iter().map(|text| (text, true));
    let reports = args.report.iter().map(|text| (text, false));
    for (text, alert) in alerts.chain(reports) {
        let contact = contact(text);
        let place = all.iter().position(|known| known.email == contact.email);
        let known = match place.and_then(|place| all.get_mut(place)) {
            Some(known) => known,
            None => {
                all.push(contact);
                let Some(last) = all.last_mut() else { continue };
                last
            }
        };
        known.alerts |= alert;
        known.report |= !alert;
    }
    all
}

/// `EMAIL` or `EMAIL:de`.
pub(super) fn contact(text: &str) -> Contact {
    let (email, language) = text.rsplit_once(':').unwrap_or((text, "en"));
    Contact {
        email: email.trim().to_owned(),
        name: None,
        language: language.trim().to_owned(),
        alerts: false,
        report: false,
    }
}

/// A schedule in words.
pub(super) fn words(cadence: &Cadence) -> String {
    match cadence {
        Cadence::Every { seconds } => match (seconds % 86_400, seconds % 3600, seconds % 60) {
            (0, ..) => format!("every {} d", seconds / 86_400),
            (_, 0, _) => format!("every {} h", seconds / 3600),
            (_, _, 0) => format!("every {} min", seconds / 60),
            _ => format!("every {seconds} s"),
        },
        Cadence::Cron {
            expression,
            time_zone,
        } => format!("{expression} ({time_zone})"),
        Cadence::OnDemand => "on demand".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        for (text, words_of) in [
            ("5m", "every 5 min"),
            ("90s", "every 90 s"),
            ("2h", "every 2 h"),
            ("1d", "every 1 d"),
        ] {
            assert_eq!(words(&every(text).unwrap()), words_of);
        }
        for wrong in ["", "5", "m", "5 weeks", "-1m", "99999999999999999999m"] {
            assert!(every(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn somebody_named_twice_is_one_contact() {
        let args = ContactArgs {
            alert: vec!["ada@example.com:de".to_owned(), "bo@example.com".to_owned()],
            report: vec!["ada@example.com:de".to_owned()],
        };
        let all = contacts(&args);
        let told: Vec<_> = all
            .iter()
            .map(|contact| {
                (
                    contact.email.as_str(),
                    contact.language.as_str(),
                    contact.alerts,
                    contact.report,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("ada@example.com", "de", true, true),
                ("bo@example.com", "en", true, false)
            ]
        );
    }
}
