//! Testing the part of a credential that is not SCIM's.
//!
//! The API credentials are optional: if they are wrong, that is a finding and not the end, as flows that
//! only write can do without them.

use matricula_sdk::{Context, Failure, FailureKind, Finding, Need, Report};

use crate::lists::{self, List};
use crate::{TEAMS, USERS, rest};

/// [`rest::TO_ENTER`] for those who read German.
const TO_ENTER_IN_GERMAN: &str = "über die API von Winningtemp gelesen: Client-ID und Client-Secret in den \
    Zugangsdaten eintragen; wer dort Systemadministrator ist, legt sie in Winningtemp unter Einstellungen › Apps › \
    Developer API an";

/// Adds whether the API lets people and teams be read: of what the flows read, and of people where there are
/// credentials for it.
pub(crate) fn through_api(cx: &Context<'_>, needs: &[Need], mut report: Report) -> Report {
    let wants = |stream: &str| needs.iter().any(|need| need.subject == stream);
    let credentials = cx.said("API credentials", "API-Zugangsdaten");
    let lists: [(&str, &List, &str); 2] = [
        (USERS, &lists::PEOPLE, cx.said("people", "Menschen")),
        (TEAMS, &lists::TEAMS, cx.said("teams", "Teams")),
    ];
    let is_set_up = rest::is_set_up(cx);
    for (stream, list, what) in lists {
        let message = match (is_set_up, wants(stream)) {
            (false, false) => continue,
            (false, true) => (
                false,
                cx.said(
                    format!("{what} are {}", rest::TO_ENTER),
                    format!("{what} werden {TO_ENTER_IN_GERMAN}"),
                ),
            ),
            (true, false) if stream != USERS => continue,
            (true, _) => match lists::count(cx, list) {
                Ok(count) => (
                    true,
                    cx.said(
                        format!("accepted; {what} there: {count}"),
                        format!("angenommen; {what} dort: {count}"),
                    ),
                ),
                Err(failure) => {
                    let message = reason(cx, &failure);
                    report.findings.push(finding(false, credentials, message));
                    // What is turned down here is turned down everywhere.
                    if failure.kind == FailureKind::Auth {
                        return report;
                    }
                    continue;
                }
            },
        };
        report
            .findings
            .push(finding(message.0, credentials, message.1));
    }
    report
}

/// Why the API could not be read.
fn reason(cx: &Context<'_>, failure: &Failure) -> String {
    let code = failure.code.as_deref().unwrap_or_default();
    let told = match code.parse::<u16>() {
        Ok(status) => format!(" (Status {status})"),
        Err(_) => String::new(),
    };
    let german = match failure.kind {
        FailureKind::Auth => format!(
            "Winningtemp hat die API-Zugangsdaten abgelehnt{told}: Client-ID und Client-Secret neu eintragen"
        ),
        FailureKind::Permission => {
            format!("Winningtemp erlaubt das mit diesen API-Zugangsdaten nicht{told}")
        }
        FailureKind::RateLimited => {
            format!("Winningtemp bittet um weniger Anfragen{told}: später erneut testen")
        }
        FailureKind::Unavailable => {
            format!("Winningtemp konnte nicht antworten{told}: später erneut testen")
        }
        FailureKind::Config => format!(
            "die Adresse der API ist hier gesperrt{told}: das Protokoll des Servers nennt die Einstellung, die sie \
             freigibt"
        ),
        _ => format!("die API von Winningtemp hat anders geantwortet als erwartet{told}"),
    };
    cx.said(failure.message.clone(), german)
}

fn finding(ok: bool, subject: &str, message: String) -> Finding {
    Finding {
        ok,
        subject: subject.to_owned(),
        message,
    }
}
