//! From the outbox to servers and receivers, under a clock that the test moves.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use matricula_core::agenda::Outbox;
use matricula_core::clock::{Clock, SimClock};
use matricula_core::notice::{Channel, Contact, Notice, NoticeKind};
use matricula_core::store::StoreError;
use matricula_notice::{Courier, MailError, Pass, SigningKey, Stage, Webhooks, Writer};

use crate::fakes::{MailRoom, Memory, Receivers, Row, SECRET};
use crate::samples::{at, brand, contact, notice};

struct World {
    clock: SimClock,
    outbox: Arc<Memory>,
    mail: Arc<MailRoom>,
    receivers: Arc<Receivers>,
    courier: Arc<Courier>,
}

const START: &str = "2026-11-21T03:00:00Z";

fn writer() -> Writer {
    Writer::new(brand(), TimeZone::UTC).unwrap()
}

impl World {
    fn new() -> Self {
        let clock = SimClock::new(at(START));
        let outbox = Arc::new(Memory::default());
        let mail = Arc::new(MailRoom::default());
        let receivers = Arc::new(Receivers::default());
        let webhooks = Webhooks::new(Arc::clone(&receivers) as _, Arc::clone(&receivers) as _);
        let courier = Courier::new(Arc::clone(&outbox) as _, Arc::new(clock.clone()), writer())
            .with_mail(Arc::clone(&mail) as _)
            .with_webhooks(webhooks, Arc::clone(&receivers) as _);
        Self {
            clock,
            outbox,
            mail,
            receivers,
            courier: Arc::new(courier),
        }
    }

    async fn contacts(&self, contacts: &[Contact]) {
        self.outbox
            .set_contacts(&"sync-employees".into(), contacts)
            .await
            .unwrap();
    }

    async fn post(&self, kind: NoticeKind) {
        let posted = Notice {
            at: self.clock.now(),
            ..notice(kind)
        };
        self.outbox.post(&posted).await.unwrap();
    }

    async fn step(&self) -> Pass {
        self.courier.step().await.unwrap()
    }

    fn row(&self) -> Row {
        let mut rows = self.outbox.rows();
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    }

    /// Moves to the moment at which the only delivery is due; how many minutes that took.
    fn wait(&self) -> Option<i64> {
        let due = self.row().due?;
        let minutes = (due.as_second() - self.clock.now().as_second()) / 60;
        self.clock.set(due);
        Some(minutes)
    }

    fn advance(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
    }
}

fn line_down() -> MailError {
    MailError::Line {
        stage: Stage::Connect,
        words: "connection refused".into(),
    }
}

fn deferred() -> MailError {
    MailError::Deferred {
        stage: Stage::Recipient,
        words: "450 4.2.0 greylisted, try again later".into(),
    }
}

fn refused() -> MailError {
    MailError::Refused {
        stage: Stage::Recipient,
        words: "550 5.1.1 no such user".into(),
    }
}

#[tokio::test]
async fn a_notice_goes_every_way_once() {
    let world = World::new();
    world.receivers.add("one");
    world
        .contacts(&[
            contact("anna@example.org", "en"),
            contact("ben@example.org", "de"),
        ])
        .await;
    world.post(NoticeKind::Paused).await;
    let pass = world.step().await;
    assert_eq!((pass.addressed, pass.delivered), (1, 3));
    let mut subjects: Vec<_> = world
        .mail
        .tried()
        .into_iter()
        .map(|sent| format!("{}: {}", sent.to, sent.subject))
        .collect();
    subjects.sort();
    assert_eq!(
        subjects,
        [
            "anna@example.org: Action needed: “Employees from Personio” is paused",
            "ben@example.org: Bitte eingreifen: „Mitarbeitende aus Personio“ ist pausiert",
        ]
    );
    let postings = world.receivers.got();
    assert_eq!(postings.len(), 1);
    let header = |name| {
        let found = postings[0].headers.iter().find(|(known, _)| *known == name);
        found.unwrap().1.clone()
    };
    let timestamp = world.clock.now().as_second();
    assert_eq!(header("webhook-timestamp"), timestamp.to_string());
    assert_eq!(
        header("webhook-signature"),
        SigningKey::parse(SECRET).unwrap().sign(
            &header("webhook-id"),
            timestamp,
            &postings[0].body
        )
    );
    assert!(world.step().await.is_idle());
    assert_eq!(world.outbox.waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn a_notice_that_concerns_nobody_is_done() {
    let world = World::new();
    // No contacts are known: the automation has been removed meanwhile.
    world.post(NoticeKind::Paused).await;
    let mut bare = notice(NoticeKind::Test);
    bare.automation = None;
    world.outbox.post(&bare).await.unwrap();
    assert_eq!(world.step().await.addressed, 2);
    assert!(world.step().await.is_idle());
}

#[tokio::test]
async fn a_mail_that_is_deferred_is_tried_for_three_days_under_one_name() {
    let world = World::new();
    world.contacts(&[contact("anna@example.org", "en")]).await;
    world.post(NoticeKind::Paused).await;
    world.mail.refuse(|_| Some(deferred()));
    let mut waits = Vec::new();
    loop {
        world.step().await;
        match world.wait() {
            Some(minutes) => waits.push(minutes),
            None => break,
        }
    }
    assert_eq!(waits[..6], [1, 5, 15, 60, 120, 120]);
    let hours = (world.clock.now().as_second() - at(START).as_second()) / 3600;
    assert!((70..=72).contains(&hours), "{hours}");
    let tried = world.mail.tried();
    assert_eq!(tried.len(), waits.len() + 1);
    assert!(tried.iter().all(|sent| sent.id == tried[0].id));
    let row = world.row();
    assert_eq!(row.delivered, None);
    assert!(row.error.unwrap().contains("450 4.2.0 greylisted"));
}

#[tokio::test]
async fn a_recipient_that_is_refused_is_given_up_and_the_others_are_not() {
    let world = World::new();
    world
        .contacts(&[
            contact("nobody@example.org", "en"),
            contact("anna@example.org", "en"),
        ])
        .await;
    world.post(NoticeKind::Paused).await;
    world
        .mail
        .refuse(|to| (to == "nobody@example.org").then(refused));
    let pass = world.step().await;
    assert_eq!((pass.delivered, pass.given_up), (1, 1));
    let rows = world.outbox.rows();
    assert_eq!(rows[0].due, None);
    assert_eq!(
        rows[0].error.as_deref(),
        Some("naming the recipient failed for good: 550 5.1.1 no such user")
    );
    assert!(rows[1].delivered.is_some());
}

#[tokio::test]
async fn a_server_that_is_down_is_left_alone_and_one_mail_tries_it_again() {
    let world = World::new();
    let many: Vec<_> = (0..40)
        .map(|number| contact(&format!("person{number}@example.org"), "en"))
        .collect();
    world.contacts(&many).await;
    world.receivers.add("one");
    world.post(NoticeKind::Paused).await;
    world.mail.refuse(|_| Some(line_down()));

    let pass = world.step().await;
    // Webhooks do not wait for mail.
    assert_eq!((pass.delivered, pass.postponed, pass.left), (1, 40, 0));
    let tried = world.mail.tried().len();
    assert!(tried <= 3, "{tried} connections to a server that is down");

    // A notice that comes while the server is left alone does not disturb it.
    world.post(NoticeKind::Staged).await;
    assert_eq!(world.step().await.postponed, 40);
    assert_eq!(world.mail.tried().len(), 0);

    for minutes in [1, 2, 5, 15, 15, 15] {
        world.advance(minutes);
        assert_eq!(world.step().await.postponed, 80, "after {minutes} min");
        assert_eq!(world.mail.tried().len(), 1, "after {minutes} min");
        assert!(world.step().await.is_idle());
    }

    world.mail.accept();
    world.advance(15);
    let pass = world.step().await;
    assert_eq!((pass.delivered, pass.postponed), (80, 0));
    assert_eq!(world.outbox.waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn a_server_that_is_down_for_days_is_given_up_on_with_its_words() {
    let world = World::new();
    world.contacts(&[contact("anna@example.org", "en")]).await;
    world.post(NoticeKind::Paused).await;
    world.mail.refuse(|_| Some(line_down()));
    for _ in 0..400 {
        world.step().await;
        if world.wait().is_none() {
            break;
        }
    }
    let row = world.row();
    assert_eq!(row.due, None);
    assert_eq!(
        row.error.as_deref(),
        Some("connecting to the mail server failed: connection refused")
    );
    let hours = (world.clock.now().as_second() - at(START).as_second()) / 3600;
    assert!((71..=72).contains(&hours), "{hours}");
}

#[tokio::test]
async fn a_clock_that_is_moved_back_does_not_stop_the_mail() {
    let world = World::new();
    world.contacts(&[contact("anna@example.org", "en")]).await;
    world.post(NoticeKind::Paused).await;
    world.mail.refuse(|_| Some(line_down()));
    world.step().await;
    world.mail.accept();
    world.clock.set(at("2026-11-20T03:00:00Z"));
    world.post(NoticeKind::Staged).await;
    assert_eq!(world.step().await.delivered, 1);
}

#[tokio::test]
async fn a_test_mail_ends_the_waiting() {
    let world = World::new();
    world.contacts(&[contact("anna@example.org", "en")]).await;
    world.post(NoticeKind::Paused).await;
    world.mail.refuse(|_| Some(line_down()));
    world.step().await;
    let to = contact("ben@example.org", "de");
    let error = world
        .courier
        .test_mail(&"example".into(), &to)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "connecting to the mail server failed: connection refused"
    );
    world.mail.accept();
    world.mail.tried();
    world
        .courier
        .test_mail(&"example".into(), &to)
        .await
        .unwrap();
    assert_eq!(
        world.mail.tried()[0].subject,
        "Test: Nachrichten von Matricula kommen an"
    );
    world.post(NoticeKind::Staged).await;
    assert_eq!(world.step().await.delivered, 1);
}

#[tokio::test]
async fn without_a_mail_server_only_webhooks_go_out() {
    let world = World::new();
    world.contacts(&[contact("anna@example.org", "en")]).await;
    world.receivers.add("one");
    let webhooks = Webhooks::new(
        Arc::clone(&world.receivers) as _,
        Arc::clone(&world.receivers) as _,
    );
    let courier = Courier::new(
        Arc::clone(&world.outbox) as _,
        Arc::new(world.clock.clone()),
        writer(),
    )
    .with_webhooks(webhooks, Arc::clone(&world.receivers) as _);
    world.post(NoticeKind::Paused).await;
    assert_eq!(courier.step().await.unwrap().delivered, 1);
    assert!(matches!(
        world.row().delivery.channel,
        Channel::Webhook { .. }
    ));
    // A mail that was addressed when there was one waits, and does not hold up the webhooks.
    let mail = Channel::Mail(contact("anna@example.org", "en"));
    world.post(NoticeKind::Staged).await;
    world
        .outbox
        .address(2, &[mail], world.clock.now())
        .await
        .unwrap();
    world.post(NoticeKind::Recovered).await;
    let pass = courier.step().await.unwrap();
    assert_eq!((pass.postponed, pass.delivered), (1, 1));
    assert!(courier.step().await.unwrap().is_idle());

    let error = courier
        .test_mail(&"example".into(), &contact("anna@example.org", "en"))
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "no mail server is configured");
}

#[tokio::test]
async fn a_webhook_follows_the_schedule_and_is_given_up() {
    let world = World::new();
    world.contacts(&[]).await;
    world.receivers.add("one");
    world.receivers.answer("one", [Some(500); 8]);
    world.post(NoticeKind::Paused).await;
    let mut waits = Vec::new();
    loop {
        world.step().await;
        let before = world.clock.now().as_second();
        if world.wait().is_none() {
            break;
        }
        waits.push(world.clock.now().as_second() - before);
    }
    assert_eq!(waits, [5, 300, 1800, 7200, 18000, 36000, 36000]);
    let postings = world.receivers.got();
    assert_eq!(postings.len(), 8);
    for posting in &postings {
        // The same message under the same name, signed anew.
        assert_eq!(posting.body, postings[0].body);
        assert_eq!(posting.headers[1], postings[0].headers[1]);
    }
    assert_ne!(postings[0].headers[3], postings[1].headers[3]);
    let row = world.row();
    assert_eq!(
        row.error.as_deref(),
        Some("the receiver answered with status 500")
    );
}

#[tokio::test]
async fn a_receiver_that_asks_for_patience_gets_it() {
    let world = World::new();
    world.contacts(&[]).await;
    world.receivers.add("one");
    world.receivers.answer("one", [Some(429)]);
    world.post(NoticeKind::Paused).await;
    world.step().await;
    assert_eq!(world.wait(), Some(10));
    assert_eq!(world.step().await.delivered, 1);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_never_asked_again() {
    let world = World::new();
    world.contacts(&[]).await;
    world.receivers.add("one");
    world.receivers.answer("one", [Some(410)]);
    world.post(NoticeKind::Paused).await;
    world.post(NoticeKind::Staged).await;
    let pass = world.step().await;
    assert_eq!((pass.given_up, pass.delivered), (2, 0));
    assert_eq!(world.receivers.got().len(), 1);
    world.post(NoticeKind::Recovered).await;
    world.step().await;
    assert_eq!(world.receivers.got().len(), 0);
}

#[tokio::test]
async fn a_receiver_that_hangs_costs_the_others_one_attempt() {
    let world = World::new();
    world.contacts(&[]).await;
    world.receivers.add("slow");
    world.receivers.add("quick");
    world.receivers.answer("slow", [None; 6]);
    for kind in [
        NoticeKind::Paused,
        NoticeKind::Recovered,
        NoticeKind::Staged,
    ] {
        world.post(kind).await;
    }
    let pass = world.step().await;
    assert_eq!((pass.delivered, pass.postponed, pass.left), (3, 1, 2));
    let quick: Vec<_> = world
        .receivers
        .got()
        .into_iter()
        .filter(|posting| posting.url.contains("quick"))
        .map(|posting| {
            let body: serde_json::Value = serde_json::from_slice(&posting.body).unwrap();
            body["type"].as_str().unwrap().to_owned()
        })
        .collect();
    // In the order in which it happened.
    assert_eq!(
        quick,
        [
            "automation.paused",
            "automation.recovered",
            "automation.staged"
        ]
    );
}

#[tokio::test]
async fn a_mail_is_not_sent_again_because_the_outbox_was_locked() {
    let world = World::new();
    world.contacts(&[contact("anna@example.org", "en")]).await;
    world.post(NoticeKind::Paused).await;
    world.outbox.lock(true);
    for _ in 0..3 {
        let error = world.courier.step().await.unwrap_err();
        assert_eq!(error, StoreError::Busy("locked".into()));
    }
    assert_eq!(world.mail.tried().len(), 1);
    world.outbox.lock(false);
    world.advance(30);
    assert!(world.step().await.is_idle());
    // It is written down when it arrived, not when that could be written.
    assert_eq!(world.row().delivered, Some(at(START)));
    assert_eq!(world.mail.tried().len(), 0);
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way_and_begins_nothing() {
    let world = World::new();
    let many: Vec<_> = (0..10)
        .map(|number| contact(&format!("person{number}@example.org"), "en"))
        .collect();
    world.contacts(&many).await;
    world.post(NoticeKind::Paused).await;
    let gate = world.mail.gate();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let courier = Arc::clone(&world.courier);
    let running = tokio::spawn(async move {
        courier
            .run(async {
                let _ = stopped.await;
            })
            .await;
    });
    let mut begun = Vec::new();
    while begun.len() < 3 {
        begun.extend(world.mail.tried());
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    // The loop hears it before the mails that are under way go on.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(10);
    running.await.unwrap();
    let rows = world.outbox.rows();
    let delivered = rows.iter().filter(|row| row.delivered.is_some()).count();
    assert_eq!(delivered, 3);
    let open = rows.iter().filter(|row| row.due.is_some()).count();
    assert_eq!(open, 7);
    assert!(world.mail.tried().is_empty());
}

#[tokio::test]
async fn a_test_of_a_webhook_says_what_went_wrong() {
    let world = World::new();
    world.receivers.add("one");
    world.receivers.answer("one", [Some(404), None, Some(200)]);
    let endpoint = matricula_notice::Endpoint {
        id: "one".into(),
        url: "https://one.example.com/".into(),
    };
    let tenant = "example".into();
    let test = || world.courier.test_webhook(&tenant, &endpoint);
    assert_eq!(
        test().await,
        Err("the receiver answered with status 404".into())
    );
    assert_eq!(test().await, Err("no answer within 15 s".into()));
    assert_eq!(test().await, Ok(()));
}

/// Everything that is logged while this is alive, on this thread.
#[derive(Clone, Default)]
struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn logs_name_nobody() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let world = World::new();
    world.contacts(&[contact("anna@example.org", "en")]).await;
    world.receivers.add("one");
    world.receivers.answer("one", [Some(500), Some(410)]);
    world.post(NoticeKind::Paused).await;
    world.mail.refuse(|to| {
        Some(MailError::Refused {
            stage: Stage::Recipient,
            words: format!("550 <{to}>: no such mailbox"),
        })
    });
    world.step().await;
    world.mail.refuse(|to| {
        Some(MailError::Line {
            stage: Stage::Sender,
            words: format!("503 {to}: not now"),
        })
    });
    world.post(NoticeKind::Staged).await;
    for _ in 0..400 {
        world.advance(60);
        world.step().await;
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for said in [
        "a mail is given up",
        "mails wait: the mail server cannot be used",
        "wants nothing any more",
    ] {
        assert!(logged.contains(said), "{said}\n{logged}");
    }
    assert_eq!(logged.matches("a mail is given up").count(), 2, "{logged}");
    for secret in ["anna", "example.org", "Müller", "one.example.com"] {
        assert!(!logged.contains(secret), "{secret}\n{logged}");
    }
}
