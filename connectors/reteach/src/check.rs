//! Testing the part of a credential that is not SCIM's.
//!
//! The API credentials are optional: if they are wrong, that is a finding and not the end, as flows that
//! only write can do without them.

use matricula_sdk::{Context, Failure, FailureKind, Finding, Need, Report};

use crate::{CERTIFICATES, CUSTOMERS};
use crate::{certificates, rest};

/// [`rest::TO_ENTER`] for those who read German.
const TO_ENTER_IN_GERMAN: &str = "über die API von reteach gelesen: Client-ID, Client-Secret und Client-Code in den \
    Zugangsdaten eintragen; sie stehen in reteach unter Einstellungen › Integrationen › API-Zugangsdaten";

/// Adds what the flows read through the API, and whether they can.
pub(crate) fn through_api(cx: &Context<'_>, needs: &[Need], mut report: Report) -> Report {
    let wants = |stream: &str| needs.iter().any(|need| need.subject == stream);
    let credentials = cx.said("API credentials", "API-Zugangsdaten");
    if !rest::is_set_up(cx) {
        for (stream, what) in [
            (CUSTOMERS, cx.said("participants", "Teilnehmende")),
            (CERTIFICATES, cx.said("certificates", "Zertifikate")),
        ] {
            if wants(stream) {
                let message = cx.said(
                    format!("{what} are {}", rest::TO_ENTER),
                    format!("{what} werden {TO_ENTER_IN_GERMAN}"),
                );
                report.findings.push(finding(false, credentials, &message));
            }
        }
        return report;
    }
    match rest::academy(cx) {
        Ok(name) => {
            report.account = name.or(report.account.take());
            let message = cx.said("accepted", "angenommen");
            report.findings.push(finding(true, credentials, message));
        }
        Err(failure) => {
            let message = reason(cx, &failure);
            report.findings.push(finding(false, credentials, &message));
            // What is turned down here is turned down everywhere.
            if failure.kind == FailureKind::Auth {
                return report;
            }
        }
    }
    if wants(CERTIFICATES) {
        let subject = cx.said("Certificates", "Zertifikate");
        report.findings.push(match certificates::probe(cx) {
            Ok(()) => finding(true, subject, cx.said("can be read", "können gelesen werden")),
            Err(failure) => {
                let what = cx.said(
                    "the participations, which the certificates are read from, cannot be read",
                    "die Teilnahmen, aus denen die Zertifikate gelesen werden, lassen sich nicht lesen",
                );
                finding(false, subject, &format!("{what}: {}", reason(cx, &failure)))
            }
        });
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
            "reteach hat die API-Zugangsdaten abgelehnt{told}: Client-ID, Client-Secret und Client-Code neu \
             eintragen, alle drei"
        ),
        FailureKind::Permission => {
            format!("reteach erlaubt das mit diesen API-Zugangsdaten nicht{told}")
        }
        FailureKind::RateLimited => {
            format!("reteach bittet um weniger Anfragen{told}: später erneut testen")
        }
        FailureKind::Unavailable => {
            format!("reteach konnte nicht antworten{told}: später erneut testen")
        }
        FailureKind::Config => format!(
            "die Adresse der API ist hier gesperrt{told}: das Protokoll des Servers nennt die Einstellung, die sie \
             freigibt"
        ),
        _ => format!("die API von reteach hat anders geantwortet als erwartet{told}"),
    };
    cx.said(failure.message.clone(), german)
}

fn finding(ok: bool, subject: &str, message: &str) -> Finding {
    Finding {
        ok,
        subject: subject.to_owned(),
        message: message.to_owned(),
    }
}
