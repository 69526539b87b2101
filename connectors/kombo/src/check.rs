//! Whether a connection does what a flow needs.
//!
//! One request tells its state and which attributes are delivered: one that is not comes as null with every
//! employee, without any error, so each is named here, with what helps.

use matricula_sdk::{Context, FailureKind, Finding, Need, Report, Result};
use serde_json::Value;

use crate::integration::{Integration, Reason};
use crate::{EMPLOYEES, UPLOAD_DOCUMENT, failures, lookup, not_offered};

/// Tests the credential for the needs.
pub(crate) fn check(cx: &Context<'_>, needs: &[Need]) -> Result<Report> {
    let subjects = [EMPLOYEES, UPLOAD_DOCUMENT];
    if let Some(other) = needs
        .iter()
        .find(|need| !subjects.contains(&need.subject.as_str()))
    {
        return Err(not_offered(&format!(
            "the stream or operation {}",
            other.subject
        )));
    }
    let integration = Integration::get(cx)?;
    let mut findings = Vec::new();
    findings.extend(state(cx, &integration));
    let of = |subject: &'static str| needs.iter().filter(move |need| need.subject == subject);
    for need in of(EMPLOYEES) {
        findings.extend(employees(cx, &integration, need));
    }
    if of(UPLOAD_DOCUMENT).next().is_some() {
        for finding in documents(cx, &integration)? {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    let (organization, tool) = (
        integration.end_user.organization_name.trim(),
        integration.tool.label.trim(),
    );
    let account = match organization {
        "" => cx.said(
            format!("{tool} through Kombo"),
            format!("{tool} über Kombo"),
        ),
        name => cx.said(
            format!("{name}: {tool} through Kombo"),
            format!("{name}: {tool} über Kombo"),
        ),
    };
    Ok(Report {
        account: Some(account),
        findings,
    })
}

fn finding(ok: bool, subject: &str, message: String) -> Finding {
    Finding {
        ok,
        subject: subject.to_owned(),
        message,
    }
}

/// Kombo is reading the HR system for the first time.
fn pending(cx: &Context<'_>) -> Finding {
    let message = cx.said(
        "Kombo is still reading the HR system for the first time, which can take hours; the automation begins by itself \
         afterwards",
        "Kombo liest das HR-System noch zum ersten Mal, was Stunden dauern kann; danach beginnt die Automation von \
         selbst",
    );
    finding(
        true,
        cx.said("Connection", "Verbindung"),
        message.to_owned(),
    )
}

/// What keeps the connection as a whole from delivering. That Kombo has not finished reading the HR system for
/// the first time is nothing that anybody has to do something about.
fn state(cx: &Context<'_>, integration: &Integration) -> Option<Finding> {
    let subject = cx.said("Connection", "Verbindung");
    let message = match (
        integration.status.as_str(),
        integration.setup_status.as_str(),
    ) {
        ("INVALID", _) => cx.said(
            "the HR system rejected the access that Kombo has to it: connect it anew",
            "das HR-System hat den Zugang abgelehnt, den Kombo dazu hat: neu verbinden",
        ),
        ("INACTIVE", _) => cx.said(
            "it is switched off in Kombo: switch it on there, or connect anew",
            "sie ist in Kombo abgeschaltet: dort einschalten oder neu verbinden",
        ),
        (_, "INCOMPLETE") => cx.said(
            "it is not set up to the end: finish its setup in Kombo's window",
            "sie ist nicht fertig eingerichtet: die Einrichtung im Fenster von Kombo abschließen",
        ),
        (_, "FINAL_SYNC_PENDING") => return Some(pending(cx)),
        _ => return None,
    };
    Some(finding(false, subject, message.to_owned()))
}

fn employees(cx: &Context<'_>, integration: &Integration, need: &Need) -> Vec<Finding> {
    if let Some(model) = integration.model("hris_employees")
        && !model.is_available
    {
        let subject = cx.said("Employees", "Mitarbeitende");
        return vec![finding(
            false,
            subject,
            why(cx, subject, model.reason(), integration),
        )];
    }
    integration
        .undelivered(&need.attributes)
        .into_iter()
        .map(|(name, reason)| {
            let label = label(cx, name);
            let message = why(cx, &label, reason, integration);
            finding(false, &label, message)
        })
        .collect()
}

fn why(cx: &Context<'_>, what: &str, reason: Reason, integration: &Integration) -> String {
    let tool = &integration.tool.label;
    match reason {
        Reason::NotCovered => cx.said(
            format!("Kombo does not get \"{what}\" out of {tool}: it is left alone at the target"),
            format!("Kombo erhält „{what}“ nicht aus {tool}: am Ziel bleibt es, wie es ist"),
        ),
        Reason::OptedOut => cx.said(
            format!(
                "\"{what}\" was left out when {tool} was connected: connect it anew and let it be read"
            ),
            format!(
                "„{what}“ wurde beim Verbinden von {tool} ausgenommen: neu verbinden und das Lesen erlauben"
            ),
        ),
        Reason::NotEnabled => cx.said(
            format!("\"{what}\" is not in the connection's scope: enable it in Kombo under Scopes"),
            format!("„{what}“ ist im Scope der Verbindung nicht enthalten: in Kombo unter Scopes freigeben"),
        ),
    }
}

/// Whether documents can be put into files and categories be read. That they cannot be listed is Kombo's way, and
/// said because it changes what happens to an upload whose answer is lost.
fn documents(cx: &Context<'_>, integration: &Integration) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let upload = cx.said("Manage documents", "Dokumente verwalten");
    if let Some(action) = integration.upload()
        && !action.is_available
    {
        let message = why(cx, upload, action.reason(), integration);
        findings.push(finding(false, upload, message));
    }
    let categories = cx.said("Document categories", "Dokumentenkategorien");
    match lookup::probe(cx) {
        Ok(()) => findings.push(finding(
            true,
            categories,
            cx.said("can be read", "können gelesen werden").to_owned(),
        )),
        Err(failure) if failures::is_setting_up(&failure) => findings.push(pending(cx)),
        // These pass, and say nothing about the credential.
        Err(failure)
            if matches!(
                failure.kind,
                FailureKind::Unavailable | FailureKind::RateLimited | FailureKind::Auth
            ) =>
        {
            return Err(failure);
        }
        Err(failure) => findings.push(finding(
            false,
            categories,
            cx.said(
                format!("cannot be read, so none can be chosen: {}", failure.message),
                format!(
                    "können nicht gelesen werden, daher lässt sich keine wählen ({}): in Kombo den Scope der \
                     Verbindung prüfen",
                    failure.code.as_deref().unwrap_or("protocol")
                ),
            ),
        )),
    }
    findings.push(finding(
        true,
        cx.said("Documents that are there", "Vorhandene Dokumente"),
        cx.said(
            "Kombo cannot list them: what was put there otherwise is not recognised, and an upload whose answer was \
             lost waits for your decision instead of being sent twice",
            "Kombo kann sie nicht auflisten: was dort anders abgelegt wurde, wird nicht erkannt, und ein Upload, dessen \
             Antwort verloren ging, wartet auf Ihre Entscheidung, statt doppelt gesendet zu werden",
        )
        .to_owned(),
    ));
    Ok(findings)
}

/// What the owner knows an attribute by.
fn label(cx: &Context<'_>, name: &str) -> String {
    // The manifest is part of this crate, and a test reads it.
    let manifest: Value =
        serde_json::from_str(include_str!("../manifest.json")).unwrap_or_default();
    let label = &manifest["streams"][EMPLOYEES]["schema"]["properties"][name]["x-label"];
    let label = label[cx.said("en", "de")].as_str();
    label.unwrap_or(name).to_owned()
}
