//! By which ways a notice goes.

use std::collections::BTreeSet;

use matricula_core::notice::{Channel, Contact, NoticeKind};

use crate::courier::Endpoint;

/// The ways of a notice: mail to those whose choice it fits, each address once, and every webhook. With
/// `mail` off (no mail server is configured) nobody is written to.
pub(crate) fn channels(
    kind: NoticeKind,
    contacts: &[Contact],
    endpoints: Vec<Endpoint>,
    mail: bool,
) -> Vec<Channel> {
    let mut written = BTreeSet::new();
    let mut channels: Vec<_> = contacts
        .iter()
        .filter(|contact| mail && wants(contact, kind))
        .filter(|contact| written.insert(contact.email.trim().to_lowercase()))
        .map(|contact| Channel::Mail(contact.clone()))
        .collect();
    channels.extend(
        endpoints
            .into_iter()
            .map(|Endpoint { id: endpoint, url }| Channel::Webhook { endpoint, url }),
    );
    channels
}

/// That it works at all, and whether notices arrive, is for everybody who is told anything.
fn wants(contact: &Contact, kind: NoticeKind) -> bool {
    match kind {
        NoticeKind::Paused
        | NoticeKind::Quarantined
        | NoticeKind::Recovered
        | NoticeKind::Staged
        | NoticeKind::Overdue => contact.alerts,
        NoticeKind::Report | NoticeKind::Succeeded => contact.report,
        NoticeKind::FirstSuccess | NoticeKind::Test => contact.alerts || contact.report,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(email: &str, alerts: bool, report: bool) -> Contact {
        Contact {
            email: email.into(),
            name: None,
            language: "en".into(),
            alerts,
            report,
        }
    }

    fn addresses(kind: NoticeKind, contacts: &[Contact]) -> Vec<String> {
        channels(kind, contacts, Vec::new(), true)
            .into_iter()
            .map(|channel| match channel {
                Channel::Mail(contact) => contact.email,
                Channel::Webhook { url, .. } => url,
            })
            .collect()
    }

    #[test]
    fn each_gets_what_they_chose() {
        let contacts = [
            contact("alerts@example.com", true, false),
            contact("report@example.com", false, true),
            contact("both@example.com", true, true),
            contact("neither@example.com", false, false),
        ];
        for kind in [
            NoticeKind::Paused,
            NoticeKind::Quarantined,
            NoticeKind::Recovered,
            NoticeKind::Staged,
            NoticeKind::Overdue,
        ] {
            assert_eq!(
                addresses(kind, &contacts),
                ["alerts@example.com", "both@example.com"],
                "{kind:?}"
            );
        }
        for kind in [NoticeKind::Report, NoticeKind::Succeeded] {
            assert_eq!(
                addresses(kind, &contacts),
                ["report@example.com", "both@example.com"],
                "{kind:?}"
            );
        }
        for kind in [NoticeKind::FirstSuccess, NoticeKind::Test] {
            assert_eq!(addresses(kind, &contacts).len(), 3, "{kind:?}");
        }
    }

    #[test]
    fn an_address_is_written_to_once() {
        let twice = [
            contact("anna@example.com", true, false),
            contact(" Anna@Example.com", true, true),
        ];
        assert_eq!(addresses(NoticeKind::Paused, &twice), ["anna@example.com"]);
        // Entered twice with different choices: what either wants is sent.
        assert_eq!(addresses(NoticeKind::Report, &twice), [" Anna@Example.com"]);
    }

    #[test]
    fn webhooks_get_everything_and_mail_only_goes_with_a_server() {
        let endpoint = Endpoint {
            id: "wh-1".into(),
            url: "https://hooks.example.com/".into(),
        };
        let contacts = [contact("anna@example.com", true, true)];
        let ways = channels(NoticeKind::Report, &contacts, vec![endpoint], false);
        assert_eq!(
            ways,
            [Channel::Webhook {
                endpoint: "wh-1".into(),
                url: "https://hooks.example.com/".into()
            }]
        );
    }
}
