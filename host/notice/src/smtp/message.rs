//! A letter as the bytes of a mail.

use std::time::SystemTime;

use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};

use super::{MailError, Outgoing};

/// Who mails are from.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) from: Mailbox,
    pub(super) reply_to: Option<Mailbox>,
}

/// Reads `Name <address>` or a bare address. International domains become ASCII, so that every server can
/// take them.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, String> {
    let text = text.trim();
    let (name, address) = match text
        .strip_suffix('>')
        .and_then(|rest| rest.rsplit_once('<'))
    {
        Some((name, address)) => (Some(name.trim().trim_matches('"')), address),
        None => (None, text),
    };
    let name = name.map(one_line).filter(|name| !name.is_empty());
    Ok(Mailbox::new(name, address_of(address)?))
}

/// Reads an address.
pub(super) fn address_of(text: &str) -> Result<Address, String> {
    let text = text.trim();
    let Some((user, domain)) = text.rsplit_once('@') else {
        return Err("it has no @".into());
    };
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        url::Host::parse(domain)
            .map_err(|error| error.to_string())?
            .to_string()
    };
    Address::new(user, domain).map_err(|error| error.to_string())
}

/// The mail. What identifies it (`Message-ID`) is the same for every attempt; its `Date` is that of the
/// attempt, as RFC 5322 has it.
pub(super) fn compose(sender: &Sender, mail: &Outgoing<'_>) -> Result<Message, MailError> {
    let unwritable = |error: String| {
        MailError::Unwritable(format!("no mail can be sent to this contact: {error}"))
    };
    let name = mail.to.name.as_deref().map(one_line);
    let to = Mailbox::new(
        name.filter(|name| !name.is_empty()),
        address_of(&mail.to.email).map_err(unwritable)?,
    );
    let domain = sender.from.email.domain();
    let mut builder = Message::builder()
        .from(sender.from.clone())
        .to(to)
        .date(SystemTime::from(mail.date))
        .message_id(Some(format!("<{}@{domain}>", mail.id)))
        .subject(one_line(&mail.letter.subject))
        // RFC 3834, and what Exchange reads in its place: nobody's absence is answered to a machine.
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw("X-Auto-Response-Suppress", "All"))
        .raw_header(raw("Content-Language", mail.letter.language));
    if let Some(reply_to) = &sender.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    builder
        .multipart(MultiPart::alternative_plain_html(
            mail.letter.text.clone(),
            mail.letter.html.clone(),
        ))
        .map_err(|error| unwritable(error.to_string()))
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// Text for a header: without line breaks and other control characters.
fn one_line(text: &str) -> String {
    text.split(|character: char| character.is_control() || character.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use matricula_core::notice::Contact;

    use super::*;
    use crate::letter::Letter;

    fn composed(name: &str, email: &str, subject: &str) -> Result<String, MailError> {
        let sender = Sender {
            from: mailbox("Matricula <notices@example.com>").unwrap(),
            reply_to: Some(mailbox("help@example.com").unwrap()),
        };
        let contact = Contact {
            email: email.into(),
            name: Some(name.into()),
            language: "de".into(),
            alerts: true,
            report: true,
        };
        let letter = Letter {
            language: "de",
            subject: subject.into(),
            text: "Grüße\n".into(),
            html: "<p>Grüße</p>\n".into(),
        };
        let mail = Outgoing {
            to: &contact,
            letter: &letter,
            id: "0123abcd",
            date: "2026-11-21T03:00:00Z".parse().unwrap(),
        };
        let message = compose(&sender, &mail)?;
        Ok(String::from_utf8(message.formatted()).unwrap())
    }

    #[test]
    fn the_headers_of_a_mail() {
        let mail = composed("Jörg Müller", "joerg@example.org", "Überblick").unwrap();
        let (head, body) = mail.split_once("\r\n\r\n").unwrap();
        for line in [
            "From: Matricula <notices@example.com>",
            "To: =?utf-8?b?SsO2cmcgTcO8bGxlcg==?= <joerg@example.org>",
            "Reply-To: help@example.com",
            "Date: Sat, 21 Nov 2026 03:00:00 +0000",
            "Message-ID: <0123abcd@example.com>",
            "Subject: =?utf-8?b?w5xiZXJibGljaw==?=",
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: All",
            "Content-Language: de",
            "MIME-Version: 1.0",
        ] {
            assert!(head.contains(line), "{line}\n{head}");
        }
        assert!(head.contains("multipart/alternative"), "{head}");
        // The part that a program prefers comes last.
        assert!(body.find("text/plain") < body.find("text/html"), "{body}");
        assert!(mail.is_ascii());
    }

    #[test]
    fn names_cannot_add_headers() {
        let mail = composed(
            "Anna\r\nBcc: eve@example.org",
            "anna@example.org",
            "One\r\nX-Evil: 1",
        )
        .unwrap();
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        let lines: Vec<_> = head.lines().collect();
        assert!(
            !lines
                .iter()
                .any(|line| line.starts_with("Bcc") || line.starts_with("X-Evil"))
        );
        assert!(lines.contains(&"Subject: One X-Evil: 1"), "{head}");
    }

    #[test]
    fn international_domains_become_ascii() {
        let address = address_of("anna@müller.example").unwrap();
        assert_eq!(address.to_string(), "anna@xn--mller-kva.example");
        for text in [
            "anna",
            "@example.com",
            "anna@",
            "a b@example.com",
            "a@exa mple.com",
        ] {
            assert!(address_of(text).is_err(), "{text}");
        }
        let error = composed("A", "nobody", "S").unwrap_err();
        assert!(matches!(&error, MailError::Unwritable(_)), "{error}");
    }

    #[test]
    fn senders() {
        for (text, shown) in [
            ("notices@example.com", "notices@example.com"),
            (
                "Matricula <notices@example.com>",
                "Matricula <notices@example.com>",
            ),
            (
                "\"Acme, People\" <n@example.com>",
                "\"Acme, People\" <n@example.com>",
            ),
            ("<n@example.com>", "n@example.com"),
        ] {
            assert_eq!(mailbox(text).unwrap().to_string(), shown);
        }
    }
}
