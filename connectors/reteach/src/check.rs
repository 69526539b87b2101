//! Testing a credential.
//!
//! SCIM descriptions are often public, so what tests the token is a look at the accounts, one of them.
//! The API credentials are optional: if they are wrong, that is a finding and not the end, as flows that
//! only write can do without them.

use matricula_scim::Client;
use matricula_sdk::{Context, FailureKind, Finding, Need, Report, Result};

use crate::profile::PROFILE;
use crate::{ACCOUNTS, CERTIFICATES, CUSTOMERS, UPSERT_USER};
use crate::{certificates, rest};

pub(crate) fn check(cx: &Context<'_>, client: &Client<'_>, needs: &[Need]) -> Result<Report> {
    let total = client.probe()?;
    let mut report = Report {
        account: host(cx),
        findings: vec![accounts_can_be_read(total)],
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
    let unavailable = client.prepare(&wanted)?.unavailable;
    report.findings.extend(
        wanted
            .iter()
            .filter_map(|name| offered(name, !unavailable.contains(name))),
    );

    through_api(cx, needs, &mut report);
    Ok(report)
}

/// What the flows read through the API, and whether they can.
fn through_api(cx: &Context<'_>, needs: &[Need], report: &mut Report) {
    let wants = |stream: &str| needs.iter().any(|need| need.subject == stream);
    if !rest::is_set_up(cx) {
        for (stream, what) in [(CUSTOMERS, "participants"), (CERTIFICATES, "certificates")] {
            if wants(stream) {
                let message = format!("{what} are {}", rest::TO_ENTER);
                report
                    .findings
                    .push(finding(false, "API credentials", &message));
            }
        }
        return;
    }
    match rest::academy(cx) {
        Ok(name) => {
            report.account = name.or(report.account.take());
            report
                .findings
                .push(finding(true, "API credentials", "accepted"));
        }
        Err(failure) => {
            report
                .findings
                .push(finding(false, "API credentials", &failure.message));
            // What is turned down here is turned down everywhere.
            if failure.kind == FailureKind::Auth {
                return;
            }
        }
    }
    if wants(CERTIFICATES) {
        report.findings.push(match certificates::probe(cx) {
            Ok(()) => finding(true, "Certificates", "can be read"),
            Err(failure) => finding(
                false,
                "Certificates",
                &format!(
                    "the participations, which the certificates are read from, cannot be read: {}",
                    failure.message
                ),
            ),
        });
    }
}

fn accounts_can_be_read(total: Option<u64>) -> Finding {
    let message = match total {
        Some(total) => format!("accepted; accounts in the academy: {total}"),
        None => "accepted".to_owned(),
    };
    finding(true, PROFILE.secret, &message)
}

/// None for an attribute that is not the academy's.
fn offered(name: &str, ok: bool) -> Option<Finding> {
    let label = PROFILE.attribute(name)?.label;
    let message = match ok {
        true => "offered by the academy",
        false => {
            "this academy does not offer it over SCIM, so it is left out: ask reteach's support to add it \
             to the academy's SCIM schema"
        }
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
