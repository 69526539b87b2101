//! An automation as it goes on, as server-sent events.
//!
//! The store is asked once a second, so that it does not matter which process runs the cycle; only what has
//! changed is sent. A stream ends with the session that it was asked for with, when this server ends, and after
//! an hour: whoever still looks asks again.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::stream::{Stream, unfold};
use matricula_core::board::Card;
use matricula_core::run::{Phase, Progress, Run, RunStatus};
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, RunId, TenantId};
use serde::Serialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::automations::{Shaper, card};
use super::extract::{Path, Signed};
use super::shapes::CountsShape;
use crate::Shared;
use crate::gate::{Full, Pass};
use crate::problem::Problem;

/// Between two questions to the store.
const LOOK: Duration = Duration::from_secs(1);
/// Between two comments, which keep proxies from taking the connection for dead.
const COMMENT: Duration = Duration::from_secs(10);
/// The longest that a stream lasts.
const LONGEST: Duration = Duration::from_secs(3600);
/// Tells proxies not to collect what is sent.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new().routes(routes!(events))
}

/// How far a run has come; the data of the event `progress`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Progress)]
struct ProgressShape {
    /// The run's number.
    run: i64,
    /// The step.
    #[schema(value_type = String)]
    phase: Phase,
    /// How many records were read.
    read: u64,
    /// How many the source announced.
    total: Option<u64>,
    /// How many of each so far.
    counts: CountsShape,
}

/// How a run ended; the data of the event `ended`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Ended)]
struct EndedShape {
    /// The run's number.
    run: i64,
    /// How.
    #[schema(value_type = String)]
    status: RunStatus,
    /// How many of each.
    counts: CountsShape,
}

/// An automation as it goes on
///
/// Server-sent events: `standing` with the automation, at first and whenever it has changed; `progress` of a run
/// that is under way; `ended` with how it ended.
#[utoipa::path(
    get, path = "/automations/{id}/events", tag = "automations",
    params(("id" = String, Path, description = "The automation's id.")),
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
async fn events(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = AutomationId::new(id);
    let tenant = signed.tenant().clone();
    card(&shared, &tenant, &id).await?;
    let whose = (tenant.clone(), signed.session.person_id.clone());
    let pass = shared.streams.enter(whose, Duration::ZERO).await;
    let pass = pass.map_err(|_: Full| Problem::EVENTS_TOO_MANY)?;
    let eyes = StoreEyes {
        kept_schedule: false,
        until: signed.session.expires_at,
        shared,
        tenant,
        id,
        _pass: pass,
    };
    let mut response = Body::from_stream(stream(eyes)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
    Ok(response)
}

/// What is seen of an automation at one moment.
struct Glance {
    card: Card,
    progress: Option<(Run, Progress)>,
}

/// Who looks, and says when there is no more to look at.
trait Eyes: Send {
    /// Whether the session or the server has ended.
    fn is_over(&mut self) -> bool;
    /// How it stands; none if there is no such automation any more.
    fn look(&self) -> impl Future<Output = Result<Option<Glance>, StoreError>> + Send;
    /// The data of `standing`; none if it cannot be told at this moment.
    fn standing(&self, card: Card) -> impl Future<Output = Option<String>> + Send;
}

struct StoreEyes {
    shared: Arc<Shared>,
    tenant: TenantId,
    id: AutomationId,
    until: jiff::Timestamp,
    /// Whether this process has kept the schedule since the stream began.
    kept_schedule: bool,
    _pass: Pass,
}

impl Eyes for StoreEyes {
    fn is_over(&mut self) -> bool {
        let options = &self.shared.options;
        let keeps = options.readiness.is_set();
        let ends = self.kept_schedule && !keeps;
        self.kept_schedule |= keeps;
        ends || options.clock.now() >= self.until
    }

    async fn look(&self) -> Result<Option<Glance>, StoreError> {
        let store = self.shared.matricula.store();
        let now = self.shared.options.clock.now();
        let card = store.card(&self.id, now).await?;
        let Some(card) = card.filter(|card| card.standing.tenant == self.tenant) else {
            return Ok(None);
        };
        let under_way = card.running && is_running(&card);
        let progress = match under_way {
            true => store.unfinished(&self.id).await?,
            false => None,
        };
        Ok(Some(Glance { card, progress }))
    }

    async fn standing(&self, card: Card) -> Option<String> {
        let mut shaper = Shaper::new(&self.shared, &self.tenant).await.ok()?;
        serde_json::to_string(&shaper.shape(card).await).ok()
    }
}

fn is_running(card: &Card) -> bool {
    let last = card.last_run.as_ref();
    last.is_some_and(|run| run.status == RunStatus::Running)
}

/// What was sent last.
#[derive(Default)]
struct Sent {
    card: Option<Card>,
    progress: Option<ProgressShape>,
    /// The last run whose end is known.
    ended: Option<RunId>,
}

impl Sent {
    /// What is new of the runs: first how one ended, then how far the present one has come.
    fn of_runs(&mut self, glance: &Glance) -> String {
        let mut text = String::new();
        let last = glance.card.last_run.as_ref();
        let over = last.filter(|run| run.status != RunStatus::Running);
        if let Some(run) = over
            && self.ended < Some(run.id)
        {
            // What had ended before somebody looked is no news.
            if self.card.is_some() {
                event(
                    &mut text,
                    "ended",
                    &EndedShape {
                        run: run.id.0,
                        status: run.status,
                        counts: run.counts.into(),
                    },
                );
            }
            self.ended = Some(run.id);
        }
        let progress = glance
            .progress
            .as_ref()
            .map(|(run, progress)| ProgressShape {
                run: run.id.0,
                phase: progress.phase,
                read: progress.read,
                total: progress.total,
                counts: run.counts.into(),
            });
        if let Some(progress) = progress
            && self.progress.as_ref() != Some(&progress)
        {
            event(&mut text, "progress", &progress);
            self.progress = Some(progress);
        }
        text
    }
}

struct Watch<E> {
    eyes: E,
    sent: Sent,
    ticks: Interval,
    ends: Instant,
    comment_at: Instant,
}

fn stream<E: Eyes>(eyes: E) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
    let now = Instant::now();
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watch = Watch {
        eyes,
        sent: Sent::default(),
        ticks,
        ends: now + LONGEST,
        comment_at: now + COMMENT,
    };
    unfold(watch, |mut watch| async move {
        let text = watch.next().await?;
        Some((Ok(Bytes::from(text)), watch))
    })
}

impl<E: Eyes> Watch<E> {
    /// What is to be sent next; none at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            self.ticks.tick().await;
            let now = Instant::now();
            if now >= self.ends || self.eyes.is_over() {
                return None;
            }
            let mut text = match self.eyes.look().await {
                Ok(Some(glance)) => self.tell(glance).await,
                Ok(None) => return None,
                // A store that is busy is asked again; whoever looks sees what there was.
                Err(error) => {
                    tracing::debug!(%error, "How an automation stands could not be told.");
                    String::new()
                }
            };
            if now >= self.comment_at {
                text.push_str(":\n\n");
            }
            if !text.is_empty() {
                self.comment_at = now + COMMENT;
                return Some(text);
            }
        }
    }

    async fn tell(&mut self, glance: Glance) -> String {
        let mut text = String::new();
        if self.sent.card.as_ref() != Some(&glance.card)
            && let Some(data) = self.eyes.standing(glance.card.clone()).await
        {
            event_text(&mut text, "standing", &data);
        }
        text.push_str(&self.sent.of_runs(&glance));
        self.sent.card = Some(glance.card);
        text
    }
}

fn event(text: &mut String, name: &str, data: &impl Serialize) {
    if let Ok(data) = serde_json::to_string(data) {
        event_text(text, name, &data);
    }
}

/// JSON as serde writes it has no line breaks.
fn event_text(text: &mut String, name: &str, data: &str) {
    text.push_str("event: ");
    text.push_str(name);
    text.push_str("\ndata: ");
    text.push_str(data);
    text.push_str("\n\n");
}

#[cfg(test)]
mod tests;
