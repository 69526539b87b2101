//! Testing a credential.
//!
//! The keys may do what the user who generated them may. What they may read is tried, one request for each
//! list that the flow needs; what they may write shows only by writing, and is said so.

use matricula_sdk::{Context, Failure, FailureKind, Finding, Need, Report, Result};

use crate::custom::Catalogue;
use crate::names::Kind;
use crate::prepared::CUSTOM;
use crate::{ACCOUNTS, UPSERT_USER, listing, lookup};

pub(crate) fn check(cx: &Context<'_>, needs: &[Need]) -> Result<Report> {
    let mut report = Report {
        account: cx.credential("client_key").map(shortened),
        findings: Vec::new(),
    };
    let users = cx.said("Users", "Menschen");
    match listing::page(cx, "users", "", 1, 1) {
        Ok(listing) => {
            let mut message = cx.said("can be read", "können gelesen werden").to_owned();
            if let Some(total) = listing.total {
                message += &format!(": {total}");
            }
            report.findings.push(finding(true, users, message));
        }
        Err(failure) if failure.kind == FailureKind::Permission => {
            report.findings.push(missing_right(cx, users));
        }
        Err(failure) => return Err(failure),
    }

    let writes = needs.iter().any(|need| need.subject == UPSERT_USER);
    let ours = |need: &&Need| [UPSERT_USER, ACCOUNTS].contains(&need.subject.as_str());
    let wanted: Vec<&str> = needs
        .iter()
        .filter(ours)
        .flat_map(|need| need.attributes.iter().map(String::as_str))
        .collect();
    if !writes {
        return Ok(report);
    }
    for kind in Kind::ALL {
        if wanted.contains(&kind.attribute()) {
            let (english, german) = kind.titles();
            let tried = listing::page(cx, kind.path(), "", 1, 1).map(drop);
            report.findings.push(tested(
                cx,
                cx.said(english, german),
                tried,
                cx.said(
                    "can be read; what is missing is made (whether that is allowed shows with the first)",
                    "können gelesen werden; was fehlt, wird angelegt (ob das erlaubt ist, zeigt sich beim ersten Mal)",
                ),
            )?);
        }
    }
    let tried = lookup::reasons(cx).map(drop);
    report.findings.push(tested(
        cx,
        cx.said("Reasons for deactivation", "Gründe der Deaktivierung"),
        tried,
        cx.said("can be read", "können gelesen werden"),
    )?);
    attributes(cx, &wanted, &mut report)?;
    Ok(report)
}

/// What the organisation demands of every user, and what of it the flow does not give.
fn attributes(cx: &Context<'_>, wanted: &[&str], report: &mut Report) -> Result<()> {
    let subject = cx.said("User attributes", "Attribute von Menschen");
    let catalogue = match Catalogue::read(cx) {
        Ok(catalogue) => catalogue.unwrap_or_default(),
        Err(failure) if failure.kind == FailureKind::Permission => {
            // Only attributes of the organisation's own need it.
            if wanted.contains(&CUSTOM) {
                report.findings.push(missing_right(cx, subject));
            }
            return Ok(());
        }
        Err(failure) => return Err(failure),
    };
    for (key, title) in catalogue.mandatory {
        if !wanted.contains(&key.as_str()) && crate::ATTRIBUTES.contains(&key.as_str()) {
            let message = cx.said(
                "mandatory in Engagedly and not mapped: nobody can be created until it is mapped, or no longer \
                 mandatory there",
                "in Engagedly ein Pflichtfeld und nicht zugeordnet: niemand kann angelegt werden, bis es zugeordnet \
                 oder dort kein Pflichtfeld mehr ist",
            );
            report.findings.push(finding(false, &title, message));
        }
    }
    for attribute in catalogue.custom.iter().filter(|custom| custom.mandatory) {
        let mapped = wanted.contains(&CUSTOM);
        let message = match mapped {
            true => cx.said(
                "mandatory in Engagedly: the mapping of the custom attributes has to give it a value",
                "in Engagedly ein Pflichtfeld: die Zuordnung der eigenen Attribute muss ihm einen Wert geben",
            ),
            false => cx.said(
                "mandatory in Engagedly, and the custom attributes are not mapped: nobody can be created",
                "in Engagedly ein Pflichtfeld, und die eigenen Attribute sind nicht zugeordnet: niemand kann \
                 angelegt werden",
            ),
        };
        report
            .findings
            .push(finding(mapped, &attribute.title, message));
    }
    Ok(())
}

/// A finding, or the failure if it is none about rights.
fn tested(
    cx: &Context<'_>,
    subject: &str,
    tried: Result<()>,
    message: &str,
) -> std::result::Result<Finding, Failure> {
    match tried {
        Ok(()) => Ok(finding(true, subject, message)),
        Err(failure) if failure.kind == FailureKind::Permission => Ok(missing_right(cx, subject)),
        Err(failure) if failure.code.as_deref() == Some("404") => Ok(finding(
            false,
            subject,
            cx.said(
                "this organisation does not have them, so they are left out",
                "diese Organisation hat sie nicht, sie werden ausgelassen",
            ),
        )),
        Err(failure) => Err(failure),
    }
}

fn missing_right(cx: &Context<'_>, subject: &str) -> Finding {
    finding(
        false,
        subject,
        cx.said(
            "these keys may not read them: let a Site Administrator generate keys under Integrations › Engagedly \
             API, and enter both in the credential",
            "diese Schlüssel dürfen sie nicht lesen: einen Site Administrator unter Integrations › Engagedly API \
             Schlüssel erzeugen lassen und beide in den Zugangsdaten eintragen",
        ),
    )
}

fn finding(ok: bool, subject: &str, message: impl Into<String>) -> Finding {
    Finding {
        ok,
        subject: subject.to_owned(),
        message: message.into(),
    }
}

/// Enough of the client key to recognise it.
fn shortened(key: &str) -> String {
    let key = key.trim();
    match key.char_indices().nth(6) {
        Some((at, _)) => format!("{}…", key.get(..at).unwrap_or_default()),
        None => key.to_owned(),
    }
}
