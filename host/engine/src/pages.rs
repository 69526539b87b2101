//! Pages of the source, read ahead by a task of their own.
//!
//! The source, the planning and the target so work at the same time; what is held is bounded.

use matricula_core::connector::{Page, ReadRequest};
use matricula_core::{Failure, FailureKind};
use tokio::sync::mpsc;
use tracing::Instrument as _;

use crate::Engine;
use crate::observe::{Event, Observer};
use crate::side::Side;
use crate::target::Patience;

/// Pages that are read ahead.
const AHEAD: usize = 2;

/// Pages of the source, read ahead.
pub(crate) struct Reader {
    pages: mpsc::Receiver<Message>,
    task: tokio::task::JoinHandle<()>,
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
        Self { pages, task }
    }

    /// The next page; none after the last one.
    pub(crate) async fn next(&mut self, observer: &dyn Observer) -> Result<Option<Page>, Failure> {
        loop {
            match self.pages.recv().await {
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
