//! Whether a credential may do what a flow needs.
//!
//! For employees one request: the attributes that the credential may read. It needs the same right as reading
//! employees, so it fails where that would. An attribute that is not among them would simply be missing from every
//! employee, without any error, so each is named here, as the owner sees it in Personio, with the click
//! that helps. For documents two: the categories, and the documents of nobody.

use matricula_sdk::{Context, Failure, FailureKind, Finding, Need, Report};

use crate::failures::{INTEGRATIONS, INTEGRATIONS_IN_GERMAN};
use crate::manifest::Labels;
use crate::{EMPLOYEES, UPLOAD_DOCUMENT, listing, lookup, not_offered, universal};

/// Tests the credential for the needs.
pub(crate) fn check(cx: &Context<'_>, needs: &[Need]) -> Result<Report, Failure> {
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
    let of = |subject: &'static str| needs.iter().filter(move |need| need.subject == subject);
    let mut findings = Vec::new();
    if needs.is_empty() || of(EMPLOYEES).next().is_some() {
        let wanted = of(EMPLOYEES).flat_map(|need| &need.attributes);
        findings = attributes(cx, wanted)?;
    }
    if of(UPLOAD_DOCUMENT).next().is_some() {
        findings.extend(documents(cx)?);
    }
    // Version 1 of the API does not tell whose account it is; the client ID is what the owner can compare.
    let account = cx.credential("client_id").map(|id| {
        cx.said(
            format!("Personio API client {id}"),
            format!("Personio-API-Client {id}"),
        )
    });
    Ok(Report { account, findings })
}

/// Whether categories can be looked up and documents listed. That documents may be written shows only with the
/// first one, since a test would leave one behind.
fn documents(cx: &Context<'_>) -> Result<[Finding; 2], Failure> {
    let finding = |subject: &str, result: Result<(), Failure>, fine: &str, lost: &str| match result
    {
        Ok(()) => Ok(Finding {
            ok: true,
            subject: subject.to_owned(),
            message: fine.to_owned(),
        }),
        // These pass, and say nothing about the credential.
        Err(failure)
            if matches!(
                failure.kind,
                FailureKind::Unavailable | FailureKind::RateLimited
            ) =>
        {
            Err(failure)
        }
        Err(failure) => Ok(Finding {
            ok: false,
            subject: subject.to_owned(),
            message: format!(
                "{}; {lost}",
                cx.said(failure.message.clone(), in_german(&failure))
            ),
        }),
    };
    let categories = match lookup::categories(cx) {
        Err(failure) if failure.kind == FailureKind::Auth => return Err(failure),
        other => other.map(|_| ()),
    };
    Ok([
        finding(
            cx.said("Document categories", "Dokumentenkategorien"),
            categories,
            cx.said("can be read", "können gelesen werden"),
            cx.said(
                "without it no category can be chosen or found by its name",
                "sonst lässt sich keine Kategorie wählen oder am Namen finden",
            ),
        )?,
        finding(
            cx.said("Documents: read", "Dokumente: Lesen"),
            listing::probe(cx),
            cx.said(
                "documents can be listed, so an upload whose answer was lost is looked up",
                "Dokumente können aufgelistet werden; so wird ein Upload nachgeschlagen, dessen Antwort verloren \
                 ging",
            ),
            cx.said(
                "without it documents are uploaded all the same, but one whose answer was lost cannot be looked up \
                 and waits for your decision",
                "Dokumente werden trotzdem hochgeladen, aber eines, dessen Antwort verloren ging, lässt sich nicht \
                 nachschlagen und wartet auf Ihre Entscheidung",
            ),
        )?,
    ])
}

/// Why documents or their categories cannot be read.
fn in_german(failure: &Failure) -> String {
    match failure.kind {
        FailureKind::Permission => format!(
            "Personio nimmt die Zugangsdaten an, ihnen fehlt aber das Recht „Dokumente: Lesen“ (documents:read): \
             {INTEGRATIONS_IN_GERMAN} und ihr dieses Recht geben"
        ),
        FailureKind::Auth => {
            "Personio gibt diesen Zugangsdaten kein Token für Version 2 seiner API: Client-ID und \
                              Client-Secret prüfen"
                .to_owned()
        }
        FailureKind::Config => {
            "die Adresse von Personio ist hier gesperrt: das Protokoll des Servers nennt die \
                                Einstellung, die sie freigibt"
                .to_owned()
        }
        _ => {
            let code = failure.code.as_deref().unwrap_or("protocol");
            format!("Personio hat anders geantwortet als erwartet ({code})")
        }
    }
}

/// Each attribute that may not be read.
fn attributes<'n>(
    cx: &Context<'_>,
    wanted: impl Iterator<Item = &'n String>,
) -> Result<Vec<Finding>, Failure> {
    let allowed = universal::allowed(cx)?;
    let labels = Labels::employees();
    let named = allowed
        .iter()
        .map(|attribute| (attribute.key.as_str(), attribute.label.as_str()));
    let language = labels.language(named);

    let mut findings: Vec<Finding> = Vec::new();
    let mut looked_at: Vec<&str> = Vec::new();
    for key in wanted {
        // Every employee comes with an identifier, whether it is listed or not.
        let known = key == "id" || allowed.iter().any(|attribute| attribute.key == *key);
        if known || looked_at.contains(&key.as_str()) {
            continue;
        }
        looked_at.push(key);
        let elsewhere = allowed
            .iter()
            .find(|attribute| attribute.universal_id == *key);
        if elsewhere.is_some() && universal::is_universal(key) {
            continue;
        }
        findings.push(match elsewhere {
            Some(attribute) => Finding {
                ok: false,
                subject: attribute.label.clone(),
                message: cx.said(
                    format!(
                        "this account keeps it under the key {0}, so the flow has to say {0} instead of {key}",
                        attribute.key
                    ),
                    format!(
                        "in diesem Konto hat es den Schlüssel {0}, im Flow muss also {0} statt {key} stehen",
                        attribute.key
                    ),
                ),
            },
            None => {
                let label = labels.get(key, language).unwrap_or(key);
                Finding {
                    ok: false,
                    subject: label.to_owned(),
                    message: cx.said(
                        format!(
                            "these credentials may not read \"{label}\": {INTEGRATIONS}, tick \"{label}\" among \
                             the readable employee attributes and save"
                        ),
                        format!(
                            "diese Zugangsdaten dürfen „{label}“ nicht lesen: {INTEGRATIONS_IN_GERMAN}, „{label}“ \
                             unter den lesbaren Mitarbeiterattributen ankreuzen und speichern"
                        ),
                    ),
                }
            }
        });
    }
    Ok(findings)
}
