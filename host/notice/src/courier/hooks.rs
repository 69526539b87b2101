//! Webhooks, endpoint by endpoint.

use std::sync::atomic::Ordering;

use futures::StreamExt;
use futures::stream;
use matricula_core::notice::{Channel, Delivery};
use matricula_core::store::StoreError;
use tracing::{info, warn};

use super::Courier;
use super::tally::{Tally, Verdict};
use crate::schedule;
use crate::webhook::Receipt;

/// Endpoints at a time.
const WEBHOOKS_AT_A_TIME: usize = 16;

impl Courier {
    /// Sends what is due by webhooks. After a failure the rest of an endpoint waits for the next step, so that a
    /// receiver that hangs costs the others one timeout.
    pub(super) async fn send_webhooks(
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
}
