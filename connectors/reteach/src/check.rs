//! Testing a credential.
//!
//! SCIM descriptions are often public, so what tests the token is a look at the accounts, one of them.
//! The API credentials are optional: if they are wrong, that is a finding and not the end, as flows that
//! only write can do without them.

use matricula_scim::Client;
use matricula_sdk::{Context, Failure, FailureKind, Finding, Need, Report, Result};
use serde_json::Value;

use crate::profile::PROFILE;
use crate::{ACCOUNTS, CERTIFICATES, CUSTOMERS, UPSERT_USER};
use crate::{certificates, rest};

/// [`rest::TO_ENTER`] for those who read German.
const TO_ENTER_IN_GERMAN: &str = "über die API von reteach gelesen: Client-ID, Client-Secret und Client-Code in den \
    Zugangsdaten eintragen; sie stehen in reteach unter Einstellungen › Integrationen › API-Zugangsdaten";

pub(crate) fn check(cx: &Context<'_>, client: &Client<'_>, needs: &[Need]) -> Result<Report> {
    let total = client.probe()?;
    let mut report = Report {
        account: host(cx),
        findings: vec![accounts_can_be_read(cx, total)],
    };

    let over_scim = |need: &&Need| [UPSERT_USER, ACCOUNTS].contains(&need.subject.as_str());
    let mut wanted: Vec<String> = Vec::new();
    for attribute in needs
        .iter()
        .filter(over_scim)
        .flat_map(|need| &need.attributes)
    {
        if !wanted.contains(attribute) {
            wanted.push(attribute.clone());
        }
    }
    // The manifest is part of this crate, and a test reads it.
    let manifest: Value =
        serde_json::from_str(include_str!("../manifest.json")).unwrap_or_default();
    let labels = &manifest["operations"][UPSERT_USER]["schema"]["properties"];
    let unavailable = client.prepare(&wanted)?.unavailable;
    report.findings.extend(
        wanted
            .iter()
            .filter_map(|name| offered(cx, labels, name, !unavailable.contains(name))),
    );

    through_api(cx, needs, &mut report);
    Ok(report)
}

/// What the flows read through the API, and whether they can.
fn through_api(cx: &Context<'_>, needs: &[Need], report: &mut Report) {
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
        return;
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
                return;
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

fn accounts_can_be_read(cx: &Context<'_>, total: Option<u64>) -> Finding {
    let mut message = cx.said("accepted", "angenommen").to_owned();
    if let Some(total) = total {
        message += "; ";
        message += cx.said("accounts in the academy", "Konten in der Akademie");
        message += &format!(": {total}");
    }
    finding(true, cx.said(PROFILE.secret, "SCIM-Token"), &message)
}

/// What the manifest calls an attribute in German.
fn german<'m>(labels: &'m Value, name: &str) -> Option<&'m str> {
    labels[name]["x-label"]["de"].as_str()
}

/// None for an attribute that is not the academy's.
fn offered(cx: &Context<'_>, labels: &Value, name: &str, ok: bool) -> Option<Finding> {
    let known = PROFILE.attribute(name)?;
    let label = cx.said(known.label, german(labels, name).unwrap_or(known.label));
    let message = match ok {
        true => cx.said("offered by the academy", "von der Akademie angeboten"),
        false => cx.said(
            "this academy does not offer it over SCIM, so it is left out: ask reteach's support to add it \
             to the academy's SCIM schema",
            "diese Akademie bietet es über SCIM nicht an, es wird also ausgelassen: den Support von reteach bitten, \
             es in das SCIM-Schema der Akademie aufzunehmen",
        ),
    };
    Some(finding(ok, label, message))
}

fn finding(ok: bool, subject: &str, message: &str) -> Finding {
    Finding {
        ok,
        subject: subject.to_owned(),
        message: message.to_owned(),
    }
}

/// The academy by its host name, where the API does not tell its name.
fn host(cx: &Context<'_>) -> Option<String> {
    let address = cx.credential("scim_url")?;
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#'])
        .next()
        .filter(|host| !host.is_empty())
        .map(str::to_owned)
}
