//! Cycles: read → scope → map → match → plan → guard → apply → record.
//!
//! One code path serves a run and its preview: both read the same pages and plan with the same functions;
//! a preview stops before anything is written. The engine knows neither SQL nor HTTP nor WebAssembly: it
//! works through the ports of `matricula-core`, and time comes from a [`Clock`].
//!
//! What is expensive is done once for a page and not for a person; what did not change is recognised by a
//! hash of the record before it is even parsed, so a cycle without changes costs one comparison a person.
#![forbid(unsafe_code)]

mod backoff;
mod begin;
mod choices;
mod cycle;
mod deactivate;
mod documents;
mod groups;
mod hash;
mod leave;
mod matching;
mod observe;
mod page;
mod pages;
mod plan;
mod preview;
mod read;
mod refer;
pub mod schedule;
mod side;
mod stop;
mod target;
mod write;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use matricula_core::automation::Automation;
use matricula_core::clock::Clock;
use matricula_core::run::{Run, Trigger};
use matricula_core::store::{Lease, Store, StoreError};
use matricula_core::{AutomationId, Failure};
use matricula_flow::Program;
use tracing::Instrument as _;

pub use observe::{Change, Event, Observer, Planned, Preview, Silent};
pub use side::{People, Side, Sides};
pub use stop::{Halt, Stop};

/// Why a run could not even begin, or had to be left.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Somebody else is running this automation at this moment.
    #[error("this automation is being run at this moment; wait for that run to end")]
    Busy,
    /// The run was halted after a page; the next one goes on from there.
    #[error("the run was halted; the next one goes on where it stopped")]
    Halted,
    /// A call failed in a way that ends the cycle.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The store failed. What was committed before stays, and the next run goes on from there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The longest wait that a run sits out.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How patient the engine is.
#[derive(Debug, Clone)]
pub struct Options {
    /// The longest that one call of a connector may take.
    pub call_deadline: Duration,
    /// The longest that one call may take that fetches or sends a file.
    pub file_deadline: Duration,
    /// How long after a lost answer the target is asked whether the document arrived.
    pub doubt_grace: Duration,
    /// How often a page or a batch is tried before the run is left.
    pub attempts: u32,
    /// The first wait between two attempts; it doubles, with jitter.
    pub first_wait: Duration,
    /// The longest wait between two attempts.
    pub longest_wait: Duration,
    /// How long the right to run an automation lasts without being renewed.
    pub lease: Duration,
    /// A run that was cut off longer ago than this is begun anew instead of resumed.
    pub resume_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            call_deadline: Duration::from_secs(60),
            file_deadline: Duration::from_secs(600),
            doubt_grace: Duration::from_secs(2),
            attempts: 6,
            first_wait: Duration::from_millis(500),
            longest_wait: LONGEST_WAIT,
            lease: Duration::from_secs(300),
            resume_within: Duration::from_secs(24 * 3600),
        }
    }
}

/// What is asked of one run.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// Who or what started it.
    pub trigger: Trigger,
    /// Read the whole population even if only the changes are due.
    pub full: bool,
    /// Names this process in the lease.
    pub owner: String,
    /// Ends the run after the page in hand.
    pub stop: Stop,
}

/// Whether the process that held a lease is known to be no more; `false` if that cannot be told.
pub type Gone = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Runs cycles.
#[derive(Clone)]
pub struct Engine {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    options: Options,
    gone: Gone,
    /// What this process is running; the store takes one process for one owner.
    running: Arc<Mutex<HashSet<AutomationId>>>,
}

/// An automation that this process is running; given back when dropped.
struct Running<'a>(&'a Mutex<HashSet<AutomationId>>, &'a AutomationId);

impl<'a> Running<'a> {
    fn enter(running: &'a Mutex<HashSet<AutomationId>>, id: &'a AutomationId) -> Option<Self> {
        let mut set = running.lock().unwrap_or_else(PoisonError::into_inner);
        // Made only if it is kept: dropping one takes this lock.
        set.insert(id.clone()).then(|| Self(running, id))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        set.remove(self.1);
    }
}

impl Engine {
    /// An engine over a store and a clock.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, options: Options) -> Self {
        Self {
            store,
            clock,
            options,
            gone: Arc::new(|_| false),
            running: Arc::default(),
        }
    }

    /// Lets a lease be taken over at once from a process that is no more.
    #[must_use]
    pub fn with_gone(mut self, gone: Gone) -> Self {
        self.gone = gone;
        self
    }

    /// Runs one cycle, or resumes the one that was cut off.
    ///
    /// # Errors
    /// [`EngineError::Busy`] if the automation is being run; [`EngineError::Store`] if the store failed.
    /// A remote system or a component that fails is no error here: the run is returned with status
    /// `failed` or `partial` and says why.
    pub async fn run(
        &self,
        automation: &Automation,
        program: &Arc<Program>,
        sides: &Sides,
        request: &RunRequest,
        observer: &Arc<dyn Observer>,
    ) -> Result<Run, EngineError> {
        let _running = Running::enter(&self.running, &automation.id).ok_or(EngineError::Busy)?;
        let now = self.clock.now();
        let until = now
            .saturating_add(self.options.lease)
            .unwrap_or(jiff::Timestamp::MAX);
        let lease = self
            .store
            .acquire(&automation.id, &request.owner, now, until, &*self.gone)
            .await?
            .ok_or(EngineError::Busy)?;
        let span =
            tracing::info_span!("run", automation = %automation.id, run = tracing::field::Empty);
        let cycle = cycle::run(self, automation, program, sides, request, &lease, observer)
            .instrument(span);
        let run = tokio::select! {
            run = cycle => run,
            error = self.keep(&lease) => Err(error.into()),
        };
        // A lease that was lost is not ours to give back.
        match self.store.release(&lease).await {
            Ok(()) | Err(StoreError::LeaseLost) => {}
            Err(error) if run.is_ok() => return Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, "The lease was not given back; it runs out by itself.")
            }
        }
        run
    }

    /// Renews a lease until it is lost: a page may take longer than a lease lasts. By the machine's own time,
    /// since it is other processes that watch the lease.
    async fn keep(&self, lease: &Lease) -> StoreError {
        loop {
            tokio::time::sleep(self.options.lease / 3).await;
            let until = self.clock.now().saturating_add(self.options.lease);
            let until = until.unwrap_or(jiff::Timestamp::MAX);
            match self.store.renew(lease, until).await {
                Ok(()) | Err(StoreError::Busy(_)) => {}
                Err(error) => return error,
            }
        }
    }

    /// What a cycle would do now, without writing anything anywhere.
    ///
    /// # Errors
    /// [`EngineError::Failure`] if the source or the target cannot be read.
    pub async fn preview(
        &self,
        automation: &Automation,
        program: &Arc<Program>,
        sides: &Sides,
        observer: &Arc<dyn Observer>,
    ) -> Result<Preview, EngineError> {
        preview::preview(self, automation, program, sides, observer).await
    }

    /// Decides every deactivation that the guard holds back; how many there were. Approved ones are
    /// applied by the next run.
    pub async fn decide(
        &self,
        automation: &AutomationId,
        approve: bool,
    ) -> Result<u64, EngineError> {
        use matricula_core::link::Decision;
        let decision = if approve {
            Decision::Approved
        } else {
            Decision::Discarded
        };
        Ok(self.store.decide(automation, decision).await?)
    }
}
