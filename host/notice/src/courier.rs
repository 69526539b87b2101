//! Takes notices from the outbox to those who want to be told.
//!
//! One step chooses ways for new notices, then delivers what is due. Deliveries to the same address or endpoint go
//! one after the other, oldest first; different ones side by side. What does not arrive is written back with the
//! moment of the next attempt, so nothing is lost with the process.
//!
//! A mail server that cannot be reached, or does not let the sender in, is a fault of the whole *line*: every mail
//! waits, and after a while one single mail tries whether it works again. A recipient that is refused concerns
//! that mail only.
//!
//! An outbox that is locked for a while must not make people get the same mail again and again: what became of a
//! delivery is kept here until the outbox has taken it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use matricula_core::agenda::Outbox;
use matricula_core::clock::Clock;
use matricula_core::notice::{Channel, Contact, Delivery, Facts, Notice, NoticeKind};
use matricula_core::store::StoreError;
use matricula_core::{CredentialId, TenantId};
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::addressing;
use crate::identity;
use crate::letter::Writer;
use crate::schedule;
use crate::smtp::{Mail, MailError, Outgoing};
use crate::webhook::{Receipt, Webhooks};

/// Notices and deliveries taken from the outbox at a time.
const BATCH: u32 = 200;

/// Connections to the mail server at a time; many providers allow no more than a handful.
const MAILS_AT_A_TIME: usize = 3;

/// Endpoints at a time.
const WEBHOOKS_AT_A_TIME: usize = 16;

/// How often the outbox is looked into when nobody says that there is something.
const POLL: Duration = Duration::from_secs(2);

/// How long an outbox that failed is left alone.
const TROUBLE: Duration = Duration::from_secs(5);

/// An address for webhooks of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Under which the vault has its secret.
    pub id: CredentialId,
    /// Where to.
    pub url: String,
}

/// Knows the addresses for webhooks.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// Those of a tenant.
    async fn of(&self, tenant: &TenantId) -> Result<Vec<Endpoint>, StoreError>;
    /// The receiver answered with 410 Gone: it must not be sent anything any more.
    async fn gone(&self, endpoint: &CredentialId) -> Result<(), StoreError>;
}

/// What one step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Notices for which ways were chosen.
    pub addressed: usize,
    /// Deliveries that arrived.
    pub delivered: usize,
    /// Deliveries that are tried again.
    pub postponed: usize,
    /// Deliveries that never arrive.
    pub given_up: usize,
    /// Deliveries that were due and not tried, so that the next step comes at once.
    pub left: usize,
}

impl Pass {
    /// Whether there was nothing to do.
    pub fn is_idle(&self) -> bool {
        *self == Self::default()
    }
}

/// What became of a delivery, as the outbox is told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Delivered(Timestamp),
    Postponed(Option<Timestamp>, String),
}

/// The mail server as a whole.
#[derive(Debug, Clone, Default)]
struct Line {
    failures: u32,
    until: Option<Timestamp>,
    error: String,
}

/// Delivers notices.
pub struct Courier {
    outbox: Arc<dyn Outbox>,
    clock: Arc<dyn Clock>,
    writer: Writer,
    mail: Option<Arc<dyn Mail>>,
    webhooks: Option<(Webhooks, Arc<dyn Endpoints>)>,
    line: Mutex<Line>,
    unsettled: Mutex<HashMap<i64, Verdict>>,
    stopping: AtomicBool,
    called: Notify,
}

impl Courier {
    /// Delivers what is in `outbox`; by no way yet.
    pub fn new(outbox: Arc<dyn Outbox>, clock: Arc<dyn Clock>, writer: Writer) -> Self {
        Self {
            outbox,
            clock,
            writer,
            mail: None,
            webhooks: None,
            line: Mutex::default(),
            unsettled: Mutex::default(),
            stopping: AtomicBool::new(false),
            called: Notify::new(),
        }
    }

    /// Also by mail. Without, nobody is written to.
    #[must_use]
    pub fn with_mail(mut self, mail: Arc<dyn Mail>) -> Self {
        self.mail = Some(mail);
        self
    }

    /// Also by webhooks.
    #[must_use]
    pub fn with_webhooks(mut self, webhooks: Webhooks, endpoints: Arc<dyn Endpoints>) -> Self {
        self.webhooks = Some((webhooks, endpoints));
        self
    }

    /// Says that something was posted, so that it goes out at once.
    pub fn call(&self) {
        self.called.notify_one();
    }

    /// Delivers until `stop` is over. What is being sent then is finished and written down, which takes as long
    /// as a server may take to answer; nothing new is begun.
    pub async fn run(&self, stop: impl Future<Output = ()> + Send) {
        self.stopping.store(false, Ordering::Relaxed);
        let mut stop = std::pin::pin!(stop);
        loop {
            let mut step = std::pin::pin!(self.step());
            let (done, stopped) = tokio::select! {
                done = &mut step => (done, false),
                () = &mut stop => {
                    self.stopping.store(true, Ordering::Relaxed);
                    (step.as_mut().await, true)
                }
            };
            let wait = match &done {
                Ok(pass) if pass.is_idle() => {
                    if let Some(mail) = &self.mail {
                        mail.rest().await;
                    }
                    Some(POLL)
                }
                Ok(_) => None,
                Err(error) => {
                    warn!(%error, "notices wait: the outbox cannot be read or written");
                    Some(TROUBLE)
                }
            };
            if stopped {
                break;
            }
            if let Some(wait) = wait {
                // A call does not cut short the time in which a store recovers.
                let called = done.is_ok();
                tokio::select! {
                    () = &mut stop => break,
                    () = self.clock.sleep(wait) => {}
                    () = self.called.notified(), if called => {}
                }
            }
        }
        if let Some(mail) = &self.mail {
            mail.rest().await;
        }
    }

    /// Chooses ways for what was posted, and tries once what is due.
    pub async fn step(&self) -> Result<Pass, StoreError> {
        let mut pass = Pass::default();
        self.settle().await?;
        pass.addressed = self.address().await?;

        let now = self.clock.now();
        let due = self.outbox.deliverable(now, BATCH).await?;
        let (mut mails, mut hooks) = (Groups::default(), Groups::default());
        for delivery in due {
            match &delivery.channel {
                Channel::Mail(contact) => {
                    let key = contact.email.trim().to_lowercase();
                    mails.add(key, delivery);
                }
                Channel::Webhook { endpoint, .. } => {
                    let key = endpoint.as_str().to_owned();
                    hooks.add(key, delivery);
                }
            }
        }
        let tally = Tally::default();
        let (mailed, hooked) = futures::join!(
            self.send_mails(mails.0, &tally),
            self.send_webhooks(hooks.0, &tally)
        );
        let counted = tally.into_pass();
        mailed?;
        hooked?;
        Ok(Pass {
            addressed: pass.addressed,
            ..counted
        })
    }

    /// Sends a test to this contact at once, past the outbox; what the mail server said if it fails.
    pub async fn test_mail(&self, tenant: &TenantId, contact: &Contact) -> Result<(), MailError> {
        let Some(mail) = &self.mail else {
            return Err(MailError::Unwritable("no mail server is configured".into()));
        };
        let now = self.clock.now();
        let notice = test_notice(tenant, now);
        let letter = self
            .writer
            .write(&notice, &contact.language)
            .map_err(|error| MailError::Unwritable(error.to_string()))?;
        let id = identity::of_test(&contact.email, now);
        let sent = mail
            .send(&Outgoing {
                to: contact,
                letter: &letter,
                id: &id,
                date: now,
            })
            .await;
        if sent.is_ok() {
            // It works again: what waits need not wait any longer than its own moment.
            *self.line() = Line::default();
        }
        sent
    }

    /// Sends a test to an endpoint at once, past the outbox; why it failed.
    pub async fn test_webhook(&self, tenant: &TenantId, endpoint: &Endpoint) -> Result<(), String> {
        let Some((webhooks, _)) = &self.webhooks else {
            return Err("webhooks are not configured".into());
        };
        let now = self.clock.now();
        let notice = test_notice(tenant, now);
        let receipt = webhooks
            .deliver(0, &notice, &endpoint.id, &endpoint.url, now)
            .await
            .map_err(|error| error.to_string())?;
        match receipt {
            Receipt::Delivered => Ok(()),
            Receipt::Gone => {
                Err("the receiver answered with status 410: it wants nothing any more".into())
            }
            Receipt::Again { error, .. } | Receipt::Never { error } => Err(error),
        }
    }

    /// Tells the outbox what it could not be told before.
    async fn settle(&self) -> Result<(), StoreError> {
        let waiting: Vec<_> = self
            .unsettled()
            .iter()
            .map(|(id, verdict)| (*id, verdict.clone()))
            .collect();
        for (id, verdict) in waiting {
            self.tell(id, &verdict).await?;
            self.unsettled().remove(&id);
        }
        Ok(())
    }

    async fn address(&self) -> Result<usize, StoreError> {
        let notices = self.outbox.unaddressed(BATCH).await?;
        let count = notices.len();
        for (id, notice) in notices {
            let contacts = match &notice.automation {
                Some(automation) => match self.outbox.contacts(automation).await {
                    Err(StoreError::NotFound(_)) => Vec::new(),
                    contacts => contacts?,
                },
                None => Vec::new(),
            };
            let endpoints = match &self.webhooks {
                Some((_, endpoints)) => endpoints.of(&notice.tenant).await?,
                None => Vec::new(),
            };
            let channels =
                addressing::channels(notice.kind, &contacts, endpoints, self.mail.is_some());
            match self.outbox.address(id, &channels, self.clock.now()).await {
                // It went with its automation.
                Ok(()) | Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    /// Sends what is due by mail, unless the line is down.
    async fn send_mails(
        &self,
        mut groups: Vec<Vec<Delivery>>,
        tally: &Tally,
    ) -> Result<(), StoreError> {
        if groups.is_empty() {
            return Ok(());
        }
        let Some(mail) = self.mail.as_deref() else {
            return self
                .hold_mails(groups, "no mail server is configured", tally)
                .await;
        };
        let line = self.line().clone();
        let now = self.clock.now();
        // A clock that was moved back must not keep the line down for longer than it ever is.
        let until = line
            .until
            .filter(|until| *until > now && *until <= schedule::after(now, schedule::LINE_LONGEST));
        if until.is_some() {
            return self.hold_mails(groups, &line.error, tally).await;
        }
        if line.failures > 0 {
            // One mail finds out for all.
            let probe = groups[0].remove(0);
            if let Err(error) = self.send_mail(mail, probe, tally).await? {
                return self.hold_mails(groups, &error, tally).await;
            }
        }
        let down: Mutex<Option<String>> = Mutex::new(None);
        let results: Vec<_> = stream::iter(groups)
            .map(|group| async {
                let mut group = group.into_iter();
                let mut result = Ok(());
                for delivery in group.by_ref() {
                    let known = lock(&down).clone();
                    if let Some(error) = known {
                        result = self.hold_mails(vec![vec![delivery]], &error, tally).await;
                    } else if self.stopping.load(Ordering::Relaxed) {
                        tally.left(1);
                    } else {
                        match self.send_mail(mail, delivery, tally).await {
                            Ok(Ok(())) => {}
                            Ok(Err(error)) => *lock(&down) = Some(error),
                            Err(error) => result = Err(error),
                        }
                    }
                    if result.is_err() {
                        break;
                    }
                }
                tally.left(group.len());
                result
            })
            .buffer_unordered(MAILS_AT_A_TIME)
            .collect()
            .await;
        results.into_iter().collect()
    }

    /// Sends one mail; inside, why the line is down.
    async fn send_mail(
        &self,
        mail: &dyn Mail,
        delivery: Delivery,
        tally: &Tally,
    ) -> Result<Result<(), String>, StoreError> {
        let Channel::Mail(contact) = &delivery.channel else {
            return Ok(Ok(()));
        };
        let now = self.clock.now();
        let id = identity::of_delivery(&delivery);
        let sent = match self.writer.write(&delivery.notice, &contact.language) {
            Ok(letter) => {
                mail.send(&Outgoing {
                    to: contact,
                    letter: &letter,
                    id: &id,
                    date: now,
                })
                .await
            }
            Err(error) => Err(MailError::Unwritable(error.to_string())),
        };
        let posted = delivery.notice.at;
        let now = self.clock.now();
        if !matches!(sent, Err(MailError::Line { .. } | MailError::Unwritable(_))) {
            *self.line() = Line::default();
        }
        let (verdict, down) = match sent {
            Ok(()) => (Verdict::Delivered(now), None),
            Err(error @ MailError::Line { .. }) => {
                let error = error.to_string();
                let until = self.line_failed(&error, now);
                let until = Some(until).filter(|until| schedule::kept(posted, *until));
                (Verdict::Postponed(until, error.clone()), Some(error))
            }
            Err(error @ MailError::Deferred { .. }) => {
                let until = schedule::mail(delivery.attempts, posted, now);
                (Verdict::Postponed(until, error.to_string()), None)
            }
            Err(error) => {
                let (delivery, reason) = (delivery.id, error.name());
                warn!(delivery, reason, "a mail is given up");
                (Verdict::Postponed(None, error.to_string()), None)
            }
        };
        self.record(delivery.id, verdict, tally).await?;
        Ok(down.map_or(Ok(()), Err))
    }

    /// Lets mails wait until the line is tried again.
    async fn hold_mails(
        &self,
        groups: Vec<Vec<Delivery>>,
        error: &str,
        tally: &Tally,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let until = self
            .line()
            .until
            .unwrap_or_else(|| schedule::after(now, schedule::LINE_LONGEST));
        for delivery in groups.into_iter().flatten() {
            let until = Some(until).filter(|until| schedule::kept(delivery.notice.at, *until));
            if until.is_none() {
                warn!(
                    delivery = delivery.id,
                    "a mail is given up: it has waited too long"
                );
            }
            self.record(
                delivery.id,
                Verdict::Postponed(until, error.to_owned()),
                tally,
            )
            .await?;
        }
        Ok(())
    }

    /// Notes that the line is down, and until when it is left alone.
    fn line_failed(&self, error: &str, now: Timestamp) -> Timestamp {
        let mut line = self.line();
        // Mails that were sent side by side fail together; that is one failure.
        if let Some(until) = line.until.filter(|until| *until > now) {
            return until;
        }
        let wait = schedule::line(line.failures);
        let until = schedule::after(now, wait);
        line.failures = line.failures.saturating_add(1);
        line.until = Some(until);
        error.clone_into(&mut line.error);
        warn!(
            failures = line.failures,
            wait_s = wait.as_secs(),
            "mails wait: the mail server cannot be used"
        );
        until
    }

    /// Sends what is due by webhooks. After a failure the rest of an endpoint waits for the next step, so that a
    /// receiver that hangs costs the others one timeout.
    async fn send_webhooks(
        &self,
        groups: Vec<Vec<Delivery>>,
        tally: &Tally,
    ) -> Result<(), StoreError> {
        let results: Vec<_> = stream::iter(groups)
            .map(|group| async {
                let mut group = group.into_iter();
                let mut result = Ok(());
                for delivery in group.by_ref() {
                    if self.stopping.load(Ordering::Relaxed) {
                        tally.left(1);
                        break;
                    }
                    match self.send_webhook(delivery, tally).await {
                        Ok(true) => {}
                        Ok(false) => break,
                        Err(error) => {
                            result = Err(error);
                            break;
                        }
                    }
                }
                tally.left(group.len());
                result
            })
            .buffer_unordered(WEBHOOKS_AT_A_TIME)
            .collect()
            .await;
        results.into_iter().collect()
    }

    /// Sends one; whether it arrived.
    async fn send_webhook(&self, delivery: Delivery, tally: &Tally) -> Result<bool, StoreError> {
        let Channel::Webhook { endpoint, url } = &delivery.channel else {
            return Ok(true);
        };
        let Some((webhooks, endpoints)) = &self.webhooks else {
            let until = schedule::webhook(delivery.attempts, None, self.clock.now());
            let verdict = Verdict::Postponed(until, "webhooks are not configured".into());
            self.record(delivery.id, verdict, tally).await?;
            return Ok(true);
        };
        let receipt = webhooks
            .deliver(
                delivery.notice_id,
                &delivery.notice,
                endpoint,
                url,
                self.clock.now(),
            )
            .await?;
        let now = self.clock.now();
        let (verdict, arrived) = match receipt {
            Receipt::Delivered => (Verdict::Delivered(now), true),
            Receipt::Again { error, asked } => {
                let until = schedule::webhook(delivery.attempts, asked, now);
                if until.is_none() {
                    warn!(delivery = delivery.id, %endpoint, "a webhook is given up");
                }
                (Verdict::Postponed(until, error), false)
            }
            Receipt::Gone => {
                info!(%endpoint, "a receiver of webhooks wants nothing any more");
                match endpoints.gone(endpoint).await {
                    Ok(()) | Err(StoreError::NotFound(_)) => {}
                    Err(error) => return Err(error),
                }
                let error = "the receiver answered with status 410: it wants nothing any more";
                (Verdict::Postponed(None, error.into()), true)
            }
            Receipt::Never { error } => (Verdict::Postponed(None, error), true),
        };
        self.record(delivery.id, verdict, tally).await?;
        Ok(arrived)
    }

    /// Writes down what became of a delivery, or keeps it in mind.
    async fn record(&self, id: i64, verdict: Verdict, tally: &Tally) -> Result<(), StoreError> {
        tally.count(&verdict);
        match self.tell(id, &verdict).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.unsettled().insert(id, verdict);
                Err(error)
            }
        }
    }

    async fn tell(&self, id: i64, verdict: &Verdict) -> Result<(), StoreError> {
        let told = match verdict {
            Verdict::Delivered(at) => self.outbox.delivered(id, *at).await,
            Verdict::Postponed(until, error) => self.outbox.postponed(id, *until, error).await,
        };
        match told {
            // It went with its automation while it was under way.
            Err(StoreError::NotFound(_)) => Ok(()),
            told => told,
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        lock(&self.line)
    }

    fn unsettled(&self) -> MutexGuard<'_, HashMap<i64, Verdict>> {
        lock(&self.unsettled)
    }
}

/// Deliveries by address or endpoint, each group and the groups themselves in the order in which they came.
#[derive(Default)]
struct Groups(Vec<Vec<Delivery>>, HashMap<String, usize>);

impl Groups {
    fn add(&mut self, key: String, delivery: Delivery) {
        let next = self.0.len();
        let index = *self.1.entry(key).or_insert(next);
        match self.0.get_mut(index) {
            Some(group) => group.push(delivery),
            None => self.0.push(vec![delivery]),
        }
    }
}

/// Counts what deliveries side by side come to.
#[derive(Default)]
struct Tally(Mutex<Pass>);

impl Tally {
    fn count(&self, verdict: &Verdict) {
        let mut pass = lock(&self.0);
        match verdict {
            Verdict::Delivered(_) => pass.delivered += 1,
            Verdict::Postponed(Some(_), _) => pass.postponed += 1,
            Verdict::Postponed(None, _) => pass.given_up += 1,
        }
    }

    fn left(&self, count: usize) {
        lock(&self.0).left += count;
    }

    fn into_pass(self) -> Pass {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn test_notice(tenant: &TenantId, now: Timestamp) -> Notice {
    Notice {
        kind: NoticeKind::Test,
        tenant: tenant.clone(),
        automation: None,
        reason: "test".into(),
        at: now,
        facts: Facts::default(),
    }
}
