//! An outbox in memory, a mail server and receivers of webhooks that do as they are told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::agenda::Outbox;
use matricula_core::notice::{Channel, Contact, Delivery, Notice};
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, CredentialId, TenantId};
use matricula_notice::{
    Answer, Endpoint, Endpoints, Keys, Mail, MailError, Outgoing, Post, PostError, Posting,
};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// What is kept about a delivery.
#[derive(Debug, Clone)]
pub struct Row {
    pub delivery: Delivery,
    pub due: Option<Timestamp>,
    pub delivered: Option<Timestamp>,
    pub error: Option<String>,
}

#[derive(Default)]
struct Rows {
    notices: Vec<(i64, Notice, bool)>,
    deliveries: BTreeMap<i64, Row>,
    contacts: HashMap<AutomationId, Vec<Contact>>,
    locked: bool,
}

/// An [`Outbox`] in memory.
#[derive(Default)]
pub struct Memory(Mutex<Rows>);

impl Memory {
    pub fn rows(&self) -> Vec<Row> {
        let rows = self.0.lock().unwrap();
        rows.deliveries.values().cloned().collect()
    }

    /// Whether reading works and writing what became of deliveries does not.
    pub fn lock(&self, locked: bool) {
        self.0.lock().unwrap().locked = locked;
    }

    fn write(&self, delivery: i64, change: impl FnOnce(&mut Row)) -> Result<(), StoreError> {
        let mut rows = self.0.lock().unwrap();
        if rows.locked {
            return Err(StoreError::Busy("locked".into()));
        }
        let row = rows
            .deliveries
            .get_mut(&delivery)
            .ok_or_else(|| StoreError::NotFound("no such delivery".into()))?;
        row.delivery.attempts += 1;
        change(row);
        Ok(())
    }
}

#[async_trait]
impl Outbox for Memory {
    async fn post(&self, notice: &Notice) -> Result<bool, StoreError> {
        let mut rows = self.0.lock().unwrap();
        let id = i64::try_from(rows.notices.len()).unwrap() + 1;
        rows.notices.push((id, notice.clone(), false));
        Ok(true)
    }

    async fn unaddressed(&self, limit: u32) -> Result<Vec<(i64, Notice)>, StoreError> {
        let rows = self.0.lock().unwrap();
        let open = rows.notices.iter().filter(|(_, _, addressed)| !addressed);
        Ok(open
            .take(limit as usize)
            .map(|(id, notice, _)| (*id, notice.clone()))
            .collect())
    }

    async fn address(
        &self,
        notice: i64,
        channels: &[Channel],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut rows = self.0.lock().unwrap();
        let found = rows.notices.iter_mut().find(|(id, ..)| *id == notice);
        let (_, posted, addressed) = found.unwrap();
        *addressed = true;
        let posted = posted.clone();
        for channel in channels {
            let id = i64::try_from(rows.deliveries.len()).unwrap() + 1;
            let delivery = Delivery {
                id,
                notice_id: notice,
                notice: posted.clone(),
                channel: channel.clone(),
                attempts: 0,
            };
            let row = Row {
                delivery,
                due: Some(now),
                delivered: None,
                error: None,
            };
            rows.deliveries.insert(id, row);
        }
        Ok(())
    }

    async fn deliverable(&self, now: Timestamp, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let rows = self.0.lock().unwrap();
        let mut due: Vec<_> = rows
            .deliveries
            .values()
            .filter(|row| row.due.is_some_and(|due| due <= now))
            .collect();
        due.sort_by_key(|row| (row.due, row.delivery.id));
        Ok(due
            .into_iter()
            .take(limit as usize)
            .map(|row| row.delivery.clone())
            .collect())
    }

    async fn delivered(&self, delivery: i64, now: Timestamp) -> Result<(), StoreError> {
        self.write(delivery, |row| {
            row.due = None;
            row.delivered = Some(now);
            row.error = None;
        })
    }

    async fn postponed(
        &self,
        delivery: i64,
        until: Option<Timestamp>,
        error: &str,
    ) -> Result<(), StoreError> {
        self.write(delivery, |row| {
            row.due = until;
            row.error = Some(error.to_owned());
        })
    }

    async fn waiting(&self) -> Result<u64, StoreError> {
        let waiting = self.rows().iter().filter(|row| row.due.is_some()).count();
        Ok(waiting as u64)
    }

    async fn contacts(&self, id: &AutomationId) -> Result<Vec<Contact>, StoreError> {
        let rows = self.0.lock().unwrap();
        rows.contacts
            .get(id)
            .cloned()
            .ok_or_else(|| StoreError::NotFound("no such automation".into()))
    }

    async fn reporting(
        &self,
        _after: Option<&AutomationId>,
        _limit: u32,
    ) -> Result<Vec<AutomationId>, StoreError> {
        Err(StoreError::Failed("no courier asks for this".into()))
    }

    async fn set_contacts(
        &self,
        id: &AutomationId,
        contacts: &[Contact],
    ) -> Result<(), StoreError> {
        let mut rows = self.0.lock().unwrap();
        rows.contacts.insert(id.clone(), contacts.to_vec());
        Ok(())
    }
}

/// What a mail server was asked to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub to: String,
    pub subject: String,
    pub id: String,
}

type Refusal = Box<dyn Fn(&str) -> Option<MailError> + Send + Sync>;

/// A mail server.
#[derive(Default)]
pub struct MailRoom {
    tried: Mutex<Vec<Sent>>,
    refusal: Mutex<Option<Refusal>>,
    gate: Mutex<Option<Arc<Semaphore>>>,
}

impl MailRoom {
    /// Every attempt since the last time.
    pub fn tried(&self) -> Vec<Sent> {
        std::mem::take(&mut *self.tried.lock().unwrap())
    }

    /// Decides by address what goes wrong.
    pub fn refuse(&self, refusal: impl Fn(&str) -> Option<MailError> + Send + Sync + 'static) {
        *self.refusal.lock().unwrap() = Some(Box::new(refusal));
    }

    /// Nothing goes wrong any more.
    pub fn accept(&self) {
        *self.refusal.lock().unwrap() = None;
    }

    /// Each mail waits for a permit.
    pub fn gate(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.gate.lock().unwrap() = Some(Arc::clone(&gate));
        gate
    }
}

#[async_trait]
impl Mail for MailRoom {
    async fn send(&self, mail: &Outgoing<'_>) -> Result<(), MailError> {
        self.tried.lock().unwrap().push(Sent {
            to: mail.to.email.clone(),
            subject: mail.letter.subject.clone(),
            id: mail.id.to_owned(),
        });
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
        let refusal = self.refusal.lock().unwrap();
        match refusal.as_ref().and_then(|refusal| refusal(&mail.to.email)) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    async fn rest(&self) {}
}

/// The tenant's endpoints and what each answers, in order; then 200.
#[derive(Default)]
pub struct Receivers {
    endpoints: Mutex<Vec<Endpoint>>,
    answers: Mutex<HashMap<String, VecDeque<Result<Answer, PostError>>>>,
    got: Mutex<Vec<Posting>>,
}

/// A secret of a made-up endpoint.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

impl Receivers {
    pub fn add(&self, id: &str) {
        self.endpoints.lock().unwrap().push(Endpoint {
            id: id.into(),
            url: format!("https://{id}.example.com/"),
        });
    }

    /// Answers with these first; `None` is no answer at all.
    pub fn answer(&self, id: &str, answers: impl IntoIterator<Item = Option<u16>>) {
        let answers = answers.into_iter().map(|status| match status {
            Some(status) => Ok(Answer {
                status,
                retry_after: (status == 429).then(|| "600".into()),
            }),
            None => Err(PostError("no answer within 15 s".into())),
        });
        let url = format!("https://{id}.example.com/");
        self.answers.lock().unwrap().insert(url, answers.collect());
    }

    /// Every request since the last time.
    pub fn got(&self) -> Vec<Posting> {
        std::mem::take(&mut *self.got.lock().unwrap())
    }
}

#[async_trait]
impl Endpoints for Receivers {
    async fn of(&self, _tenant: &TenantId) -> Result<Vec<Endpoint>, StoreError> {
        Ok(self.endpoints.lock().unwrap().clone())
    }

    async fn gone(&self, endpoint: &CredentialId) -> Result<(), StoreError> {
        self.endpoints
            .lock()
            .unwrap()
            .retain(|known| known.id != *endpoint);
        Ok(())
    }
}

#[async_trait]
impl Keys for Receivers {
    async fn key(&self, endpoint: &CredentialId) -> Result<Option<Zeroizing<String>>, StoreError> {
        let endpoints = self.endpoints.lock().unwrap();
        let known = endpoints.iter().any(|known| known.id == *endpoint);
        Ok(known.then(|| Zeroizing::new(SECRET.into())))
    }
}

#[async_trait]
impl Post for Receivers {
    async fn post(&self, posting: &Posting) -> Result<Answer, PostError> {
        self.got.lock().unwrap().push(posting.clone());
        let mut answers = self.answers.lock().unwrap();
        let next = answers.get_mut(&posting.url).and_then(VecDeque::pop_front);
        next.unwrap_or(Ok(Answer {
            status: 200,
            retry_after: None,
        }))
    }
}
