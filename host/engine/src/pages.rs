//! Pages of the source, read ahead by a task of their own.
//!
//! The source, the planning and the target so work at the same time; what is held is bounded. Pages that lie
//! ready are dealt with together, since at the end of each stretch the target waits for its last answers:
//! but only so many that a stretch takes about a second, because a stretch is what a killed process loses.

use jiff::Timestamp;
use matricula_core::connector::{Page, ReadRequest};
use matricula_core::{Failure, FailureKind};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::Engine;
use crate::observe::{Event, Observer};
use crate::side::Side;
use crate::target::Patience;

/// Pages that are read ahead.
const AHEAD: usize = 4;

/// A stretch that took less than this may be followed by one of twice as many pages.
const QUICK_MS: i64 = 500;

/// Pages of the source, read ahead.
pub(crate) struct Reader {
    pages: mpsc::Receiver<Message>,
    /// What came after the stretch in hand.
    next: Option<Message>,
    /// So many pages may be in a stretch.
    most: usize,
    task: tokio::task::JoinHandle<()>,
}

/// Successive pages that are dealt with as one.
pub(crate) struct Stretch {
    /// The records of all, with where the last page ends.
    pub(crate) page: Page,
    /// How many pages they are.
    pub(crate) pages: u32,
}

enum Message {
    Page(Page),
    Waiting(f64, String),
    Failed(Failure),
}

/// Passes waits on to the run that consumes the pages.
struct Relay(mpsc::Sender<Message>);

impl Observer for Relay {
    fn event(&self, event: &Event<'_>) {
        if let Event::Waiting { seconds, reason } = event {
            // A full queue means that pages are waiting: nobody misses the notice.
            let _ = self
                .0
                .try_send(Message::Waiting(*seconds, (*reason).to_owned()));
        }
    }
}

impl Reader {
    /// Reads on from a position.
    pub(crate) fn start(engine: &Engine, side: &Side, mut request: ReadRequest) -> Self {
        let (sender, pages) = mpsc::channel(AHEAD);
        let (engine, side) = (engine.clone(), side.clone());
        let reading = async move {
            let relay = Relay(sender.clone());
            loop {
                let mut patience = Patience::new(&engine, &relay);
                let key = format!("read:{}", request.stream);
                let page = loop {
                    let call = side.call(
                        engine.clock.now(),
                        key.clone(),
                        engine.options.call_deadline,
                    );
                    match side.connector.read(&call, &request).await {
                        Err(failure) if patience.again(&failure).await => {}
                        result => break result,
                    }
                };
                let (message, next) = match page {
                    Ok(page) if page.next.is_some() && page.next == request.position => {
                        let stuck = format!(
                            "{} answers with the same page again and again",
                            side.title()
                        );
                        (
                            Message::Failed(Failure::new(FailureKind::Protocol, stuck)),
                            None,
                        )
                    }
                    Ok(page) => {
                        let next = page.next.clone();
                        (Message::Page(page), next)
                    }
                    Err(failure) => (Message::Failed(failure), None),
                };
                if sender.send(message).await.is_err() || next.is_none() {
                    return;
                }
                request.position = next;
            }
        };
        let task = tokio::spawn(reading.in_current_span());
        Self {
            pages,
            next: None,
            most: 1,
            task,
        }
    }

    /// As many pages in a stretch as lie ready, however long it takes.
    pub(crate) fn greedy(mut self) -> Self {
        self.most = AHEAD;
        self
    }

    /// The next pages; none after the last one. Waits for one and takes what lies ready behind it.
    pub(crate) async fn stretch(
        &mut self,
        observer: &dyn Observer,
    ) -> Result<Option<Stretch>, Failure> {
        let Some(page) = self.next(observer).await? else {
            return Ok(None);
        };
        let mut stretch = Stretch { page, pages: 1 };
        while (stretch.pages as usize) < self.most {
            match self.pages.try_recv() {
                Ok(Message::Page(page)) => {
                    let mut items = std::mem::take(&mut stretch.page.items);
                    items.extend(page.items);
                    stretch.page = Page { items, ..page };
                    stretch.pages += 1;
                }
                Ok(other) => {
                    self.next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        Ok(Some(stretch))
    }

    /// Learns from a stretch how long the next one may be.
    pub(crate) fn took(&mut self, begun: Timestamp, ended: Timestamp) {
        let millis = ended.duration_since(begun).as_millis();
        self.most = match i64::try_from(millis).unwrap_or(i64::MAX) {
            quick if quick < QUICK_MS => (self.most * 2).min(AHEAD),
            slow if slow > 2 * QUICK_MS => 1,
            _ => self.most,
        };
    }

    /// The next page; none after the last one.
    pub(crate) async fn next(&mut self, observer: &dyn Observer) -> Result<Option<Page>, Failure> {
        loop {
            let message = match self.next.take() {
                Some(message) => Some(message),
                None => self.pages.recv().await,
            };
            match message {
                Some(Message::Page(page)) => return Ok(Some(page)),
                Some(Message::Failed(failure)) => return Err(failure),
                Some(Message::Waiting(seconds, reason)) => {
                    observer.event(&Event::Waiting {
                        seconds,
                        reason: &reason,
                    });
                }
                None => return Ok(None),
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}
