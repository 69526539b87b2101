//! Mails, and the line to the mail server.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard};

use futures::StreamExt;
use futures::stream;
use jiff::Timestamp;
use matricula_core::notice::{Channel, Delivery};
use matricula_core::store::StoreError;
use tracing::warn;

use super::tally::{Tally, Verdict};
use super::{Courier, lock};
use crate::identity;
use crate::schedule;
use crate::smtp::{Mail, MailError, Outgoing};

/// Connections to the mail server at a time; many providers allow no more than a handful.
const MAILS_AT_A_TIME: usize = 3;

/// The mail server as a whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    failures: u32,
    until: Option<Timestamp>,
    error: String,
}

impl Courier {
    /// Sends what is due by mail, unless the line is down.
    pub(super) async fn send_mails(
        &self,
        mut groups: Vec<Vec<Delivery>>,
        tally: &Tally,
    ) -> Result<(), StoreError> {
        if groups.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let Some(mail) = self.mail.as_deref() else {
            // Until the operator names one again.
            self.line().until = Some(schedule::after(now, schedule::LINE_LONGEST));
            return self
                .hold_mails(groups, "no mail server is configured", tally)
                .await;
        };
        let line = self.line().clone();
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
        let reason = sent.as_ref().err().map(MailError::name);
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
            Err(error) => (Verdict::Postponed(None, error.to_string()), None),
        };
        if matches!(verdict, Verdict::Postponed(None, _)) {
            warn!(delivery = delivery.id, reason, "a mail is given up");
        }
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
        // Another mail may have gone through meanwhile.
        let until = self.line().until;
        let until = until.unwrap_or_else(|| schedule::after(now, schedule::line(0)));
        for delivery in groups.into_iter().flatten() {
            let until = Some(until).filter(|until| schedule::kept(delivery.notice.at, *until));
            if until.is_none() {
                let reason = "it has waited too long";
                warn!(delivery = delivery.id, reason, "a mail is given up");
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

    pub(super) fn line(&self) -> MutexGuard<'_, Line> {
        lock(&self.line)
    }
}
