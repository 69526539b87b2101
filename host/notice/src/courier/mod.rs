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

mod hooks;
mod mails;
mod tally;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::agenda::Outbox;
use matricula_core::clock::Clock;
use matricula_core::notice::{Channel, Contact, Facts, Notice, NoticeKind};
use matricula_core::store::StoreError;
use matricula_core::{CredentialId, TenantId};
use tokio::sync::Notify;
use tracing::warn;

pub use tally::Pass;

use self::mails::Line;
use self::tally::{Groups, Tally, Verdict};
use crate::addressing;
use crate::identity;
use crate::letter::Writer;
use crate::smtp::{Mail, MailError, Outgoing};
use crate::webhook::{Receipt, Webhooks};

/// Notices and deliveries taken from the outbox at a time.
const BATCH: u32 = 200;

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
        self.settle().await?;
        let addressed = self.address().await?;

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
            self.send_mails(mails.into_groups(), &tally),
            self.send_webhooks(hooks.into_groups(), &tally)
        );
        mailed?;
        hooked?;
        Ok(Pass {
            addressed,
            ..tally.into_pass()
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

    fn unsettled(&self) -> MutexGuard<'_, HashMap<i64, Verdict>> {
        lock(&self.unsettled)
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
