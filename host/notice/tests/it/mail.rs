//! Mails as a mail server gets them. How the server is started: `server.rs` and CONTRIBUTING.md.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use matricula_core::agenda::Outbox;
use matricula_core::clock::SimClock;
use matricula_core::notice::{Contact, NoticeKind};
use matricula_notice::{
    Courier, Letter, Mail, MailError, Mailer, Outgoing, SettingsError, SmtpSettings, Stage, Writer,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::fakes::Memory;
use crate::samples::{at, brand, contact, notice};
use crate::server::{Rules, Server};

const FROM: &str = "Matricula Grüße <notices@example.com>";
const USER: &str = "notices@example.com";
const PASSWORD: &str = "correct horse battery";

const LOGIN: Rules<'_> = Rules {
    security: None,
    login: Some((USER, PASSWORD)),
    ascii_addresses: false,
};

fn writer() -> Writer {
    Writer::new(brand(), TimeZone::get("Europe/Berlin").unwrap()).unwrap()
}

fn settings(server: &Server, address: &str) -> SmtpSettings {
    let address = address.replace("PORT", &server.port.to_string());
    let mut settings = SmtpSettings::parse(&address, FROM).unwrap();
    if settings.user.is_some() {
        settings = settings.with_password(Zeroizing::new(PASSWORD.into()));
    }
    settings.root_certificate = Some(server.authority.clone());
    settings
}

fn plain(server: &Server) -> Mailer {
    Mailer::new(settings(server, "smtp://localhost:PORT")).unwrap()
}

fn letter(language: &str) -> Letter {
    writer()
        .write(&notice(NoticeKind::Paused), language)
        .unwrap()
}

async fn send(mailer: &Mailer, to: &Contact, id: &str) -> Result<(), MailError> {
    mailer
        .send(&Outgoing {
            to,
            letter: &letter(&to.language),
            id,
            date: at("2026-11-21T03:00:05Z"),
        })
        .await
}

/// What the server read is what was written, byte for byte and letter for letter.
fn check(mail: &Value, language: &str) {
    let letter = letter(language);
    assert_eq!(mail["sender"], "notices@example.com");
    assert_eq!(mail["defects"], json!([]));
    assert_eq!(mail["kinds"], json!(["text/plain", "text/html"]));
    assert_eq!(mail["charsets"], json!(["utf-8", "utf-8"]));
    let lines = |text: &str| text.replace("\r\n", "\n");
    assert_eq!(lines(mail["text"].as_str().unwrap()), letter.text);
    assert_eq!(lines(mail["html"].as_str().unwrap()), letter.html);
    assert_eq!(mail["date"], "2026-11-21T03:00:05+00:00");
    // Every server can carry it.
    assert_eq!(mail["ascii"], true);
    assert!(
        mail["longest"].as_u64().unwrap() <= 78,
        "{}",
        mail["longest"]
    );
    let headers = &mail["headers"];
    assert_eq!(headers["subject"], letter.subject);
    assert_eq!(headers["from"], "Matricula Grüße <notices@example.com>");
    assert_eq!(headers["auto-submitted"], "auto-generated");
    assert_eq!(headers["content-language"], language);
    assert_eq!(headers["mime-version"], "1.0");
}

#[tokio::test]
async fn starttls_with_login() {
    let server = Server::start(Rules {
        security: Some("starttls"),
        ..LOGIN
    });
    let address = "smtp://notices%40example.com@localhost:PORT?tls=starttls";
    let mailer = Mailer::new(settings(&server, address)).unwrap();
    let anna = contact("anna@example.org", "de");
    send(&mailer, &anna, "one").await.unwrap();
    let mail = server.next();
    check(&mail, "de");
    assert_eq!(mail["tls"], true);
    assert_eq!(mail["login"], USER);
    assert_eq!(mail["hello"], "example.com");
    assert_eq!(mail["recipient"], "anna@example.org");
    assert_eq!(mail["headers"]["to"], "Jörg Müller <anna@example.org>");
    assert_eq!(mail["headers"]["message-id"], "<one@example.com>");

    // The next one goes over the same connection.
    let ben = contact("ben@example.org", "en");
    send(&mailer, &ben, "two").await.unwrap();
    let second = server.next();
    check(&second, "en");
    assert_eq!(second["connection"], mail["connection"]);
    assert_eq!(second["headers"]["message-id"], "<two@example.com>");

    // After a rest it is another one.
    mailer.rest().await;
    send(&mailer, &ben, "three").await.unwrap();
    assert_ne!(server.next()["connection"], mail["connection"]);
}

#[tokio::test]
async fn implicit_tls_with_login() {
    let server = Server::start(Rules {
        security: Some("implicit"),
        ..LOGIN
    });
    let address = "smtps://notices%40example.com@localhost:PORT?hello=app.example.com";
    let mailer = Mailer::new(settings(&server, address)).unwrap();
    let anna = contact("anna@example.org", "en");
    send(&mailer, &anna, "one").await.unwrap();
    let mail = server.next();
    check(&mail, "en");
    assert_eq!(mail["tls"], true);
    assert_eq!(mail["login"], USER);
    assert_eq!(mail["hello"], "app.example.com");
}

#[tokio::test]
async fn a_wrong_password_is_about_all_mails_and_is_not_repeated() {
    let server = Server::start(Rules {
        security: Some("starttls"),
        ..LOGIN
    });
    let address = "smtp://notices%40example.com@localhost:PORT?tls=starttls";
    let wrong = settings(&server, address).with_password(Zeroizing::new("wrong-word".into()));
    let mailer = Mailer::new(wrong).unwrap();
    let error = send(&mailer, &contact("anna@example.org", "en"), "one")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, MailError::Line { stage: Stage::Login, words } if words.starts_with("535 5.7.8")),
        "{error}"
    );
    assert!(!error.to_string().contains("wrong-word"));
    assert!(server.is_silent());
}

#[tokio::test]
async fn encryption_is_never_given_up() {
    // A server that cannot, or somebody in between who says so.
    let server = Server::start(Rules::default());
    let mailer = Mailer::new(settings(&server, "smtp://localhost:PORT?tls=starttls")).unwrap();
    let anna = contact("anna@example.org", "en");
    let error = send(&mailer, &anna, "one").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "encrypting the connection to the mail server failed: STARTTLS is not supported on this server"
    );
    assert!(server.is_silent());

    // A certificate of an authority that nobody knows.
    let server = Server::start(Rules {
        security: Some("implicit"),
        ..Rules::default()
    });
    let mut strange = settings(&server, "smtps://localhost:PORT");
    strange.root_certificate = None;
    let error = send(&Mailer::new(strange).unwrap(), &anna, "one")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("UnknownIssuer"), "{error}");
    // The right authority, another name.
    let other = settings(&server, "smtps://127.0.0.1:PORT");
    let error = send(&Mailer::new(other).unwrap(), &anna, "one")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
    assert!(server.is_silent());
}

#[tokio::test]
async fn refusals_concern_one_mail_and_the_conversation_goes_on() {
    let server = Server::start(Rules::default());
    let mailer = plain(&server);
    let to = |name: &str| contact(&format!("{name}@example.org"), "en");
    send(&mailer, &to("anna"), "one").await.unwrap();
    let first = server.next();

    let error = send(&mailer, &to("nobody"), "two").await.unwrap_err();
    assert_eq!(
        error,
        MailError::Refused {
            stage: Stage::Recipient,
            words: "550 5.1.1 <nobody@example.org>: there is no such mailbox".into()
        }
    );
    let error = send(&mailer, &to("later"), "three").await.unwrap_err();
    assert_eq!(
        error,
        MailError::Deferred {
            stage: Stage::Recipient,
            words: "451 4.7.1 Greylisted, please try again in 5 minutes".into()
        }
    );
    let error = send(&mailer, &to("full"), "four").await.unwrap_err();
    assert_eq!(
        error,
        MailError::Refused {
            stage: Stage::Content,
            words: "552 5.2.2 The mailbox is full".into()
        }
    );
    send(&mailer, &to("ben"), "five").await.unwrap();
    let last = server.next();
    assert_eq!(last["recipient"], "ben@example.org");
    assert_eq!(last["connection"], first["connection"]);
}

#[tokio::test]
async fn a_connection_that_broke_meanwhile_costs_nothing() {
    let mut server = Server::start(Rules::default());
    let mailer = plain(&server);
    let anna = contact("anna@example.org", "en");
    send(&mailer, &anna, "one").await.unwrap();
    server.next();
    server.drop_connections();
    send(&mailer, &anna, "two").await.unwrap();
    assert_eq!(server.next()["headers"]["message-id"], "<two@example.com>");

    server.stop();
    let error = send(&mailer, &anna, "three").await.unwrap_err();
    assert!(
        matches!(
            &error,
            MailError::Line {
                stage: Stage::Connect,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut settings = SmtpSettings::parse(&format!("smtp://127.0.0.1:{port}"), FROM).unwrap();
    settings.connect_timeout = Duration::from_millis(50);
    settings.answer_timeout = Duration::from_millis(50);
    let mailer = Mailer::new(settings).unwrap();
    let error = send(&mailer, &contact("anna@example.org", "en"), "one")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, MailError::Line { stage: Stage::Connect, words } if words.starts_with("no answer within")),
        "{error}"
    );
}

#[tokio::test]
async fn addresses_outside_of_ascii() {
    let server = Server::start(Rules::default());
    let mailer = plain(&server);
    send(&mailer, &contact("anna@müller.example", "en"), "one")
        .await
        .unwrap();
    assert_eq!(server.next()["recipient"], "anna@xn--mller-kva.example");
    let umlaut = contact("jörg@example.org", "en");
    send(&mailer, &umlaut, "two").await.unwrap();
    assert_eq!(server.next()["recipient"], "jörg@example.org");

    let old = Server::start(Rules {
        ascii_addresses: true,
        ..Rules::default()
    });
    let mailer = plain(&old);
    let error = send(&mailer, &umlaut, "three").await.unwrap_err();
    assert!(matches!(&error, MailError::Unwritable(_)), "{error}");
    // It is not the server's fault, and others get their mail.
    send(&mailer, &contact("anna@example.org", "en"), "four")
        .await
        .unwrap();
    assert_eq!(old.next()["recipient"], "anna@example.org");
}

/// The server has taken a mail, but its answer is lost: it is sent again, and whoever reads it sees that it is
/// the same.
#[tokio::test]
async fn a_lost_answer_makes_no_second_mail() {
    let server = Server::start(Rules::default());
    let clock = SimClock::new(at("2026-11-21T03:00:00Z"));
    let outbox = Arc::new(Memory::default());
    let automation = "sync-employees".into();
    outbox
        .set_contacts(&automation, &[contact("drop@example.org", "de")])
        .await
        .unwrap();
    outbox.post(&notice(NoticeKind::Paused)).await.unwrap();
    let courier = Courier::new(Arc::clone(&outbox) as _, Arc::new(clock.clone()), writer())
        .with_mail(Arc::new(plain(&server)));
    assert_eq!(courier.step().await.unwrap().postponed, 1);
    clock.advance(Duration::from_secs(60));
    assert_eq!(courier.step().await.unwrap().delivered, 1);
    let (first, second) = (server.next(), server.next());
    let id = |mail: &Value| mail["headers"]["message-id"].clone();
    assert_eq!(id(&first), id(&second));
    assert_ne!(first["date"], second["date"]);
    assert!(courier.step().await.unwrap().is_idle());
}

#[tokio::test]
async fn a_test_mail_gives_the_servers_own_words() {
    let server = Server::start(Rules::default());
    let clock = Arc::new(SimClock::new(at("2026-11-21T03:00:00Z")));
    let courier = Courier::new(Arc::new(Memory::default()), clock, writer())
        .with_mail(Arc::new(plain(&server)));
    let tenant = "example".into();
    let to = contact("anna@example.org", "de");
    courier.test_mail(&tenant, &to).await.unwrap();
    assert_eq!(
        server.next()["headers"]["subject"],
        "Test: Nachrichten von Matricula kommen an"
    );
    let error = courier
        .test_mail(&tenant, &contact("nobody@example.org", "de"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "naming the recipient failed for good: 550 5.1.1 <nobody@example.org>: there is no such mailbox"
    );
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let with = |from: &str, root: Option<&str>| {
        let mut settings = SmtpSettings::parse("smtps://mail.example.com", from).unwrap();
        settings.root_certificate = root.map(str::to_owned);
        Mailer::new(settings).err()
    };
    assert!(matches!(
        with("nobody", None),
        Some(SettingsError::From { .. })
    ));
    assert!(matches!(
        with(
            FROM,
            Some("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
        ),
        Some(SettingsError::Certificate(_))
    ));
    assert!(matches!(
        with(FROM, Some("no certificate at all")),
        Some(SettingsError::Certificate(_))
    ));
    assert_eq!(with(FROM, None), None);
}
