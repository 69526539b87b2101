//! Testing a credential.
//!
//! SCIM descriptions are often public, so what tests the token is a look at the accounts, one of them.
//! The API credentials are optional: if they are wrong, that is a finding and not the end, as flows that
//! only write can do without them.

use matricula_scim::Client;
use matricula_sdk::{Context, Finding, Need, Report, Result};

use crate::profile::PROFILE;
use crate::rest;
use crate::{ACCOUNTS, CUSTOMERS, UPSERT_USER};

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

    let needs_api = needs.iter().any(|need| need.subject == CUSTOMERS);
    if rest::is_set_up(cx) {
        match rest::academy(cx) {
            Ok(name) => {
                report.account = name.or(report.account);
                report
                    .findings
                    .push(finding(true, "API credentials", "accepted"));
            }
            Err(failure) => {
                report
                    .findings
                    .push(finding(false, "API credentials", &failure.message));
            }
        }
    } else if needs_api {
        let message = "participants are read through the API: enter client ID, secret and code, which are \
                       in reteach under Settings › Integrations › API credentials";
        report
            .findings
            .push(finding(false, "API credentials", message));
    }
    Ok(report)
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
