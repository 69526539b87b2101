//! The loop that runs what is due.
//!
//! It holds no list of what is to come: it asks the store what is due, starts as much of it as the limits
//! allow, and writes down what follows when a cycle ends. An automation that is skipped because its
//! credential is busy stays due. A store that is locked or full for a while is waited for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use matricula_core::agenda::{Agenda, Change};
use matricula_core::clock::Clock;
use matricula_core::notice::Records;
use matricula_core::run::{Run, RunStatus, Trigger};
use matricula_core::standing::{Lifecycle, Standing};
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, CredentialId, Failure};
use serde_json::Value;
use tokio::sync::Notify;

use super::pace::Pace;
use super::reconcile::Present;
use super::settle::Settling;
use crate::{Gone, Halt, Stop};

/// Standings in hand at a time while all are looked at.
const ROWS: u32 = 500;
/// The longest between two looks at what is due.
const LOOK: Duration = Duration::from_secs(1);
/// Between two tries of a store that does not answer.
const STORE_PAUSE: Duration = Duration::from_secs(2);
/// A gap between two looks from which on the clock was moved or the machine slept.
const GAP: Duration = Duration::from_secs(120);
/// How often a change is tried when others change the same automation at the same moment.
const RACES: u32 = 20;

/// How an attempt to run an automation ended.
#[derive(Debug)]
pub enum Ended {
    /// With a record of the run, whatever its status.
    Run(Box<Run>),
    /// Somebody else is running it.
    Busy,
    /// It was halted with the process; whoever comes next goes on with it.
    Halted,
    /// The store did not answer.
    Store(StoreError),
    /// It could not begin: its flow, a connector or a credential cannot be used.
    Failed(Failure),
}

/// What notices have to know about a flow.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct About {
    /// Its title by language.
    pub title: Value,
    /// What it carries.
    pub records: Records,
    /// Whether people are told of each success and not only of the first.
    pub tells_success: bool,
}

/// Runs the cycles that the scheduler decides on.
#[async_trait]
pub trait Cycles: Send + Sync {
    /// One cycle of an automation.
    async fn run(&self, standing: &Standing, trigger: Trigger, full: bool, stop: &Stop) -> Ended;
    /// Whether its credentials work, by the cheapest calls.
    async fn probe(&self, standing: &Standing) -> Result<(), Failure>;
    /// What notices have to know about its flow.
    fn about(&self, standing: &Standing) -> About;
}

/// Watches the scheduler, for metrics. Called from within it: it must not block.
pub trait Gauge: Send + Sync {
    /// A cycle was begun so long after it was due.
    fn begun(&self, lag: Duration);
    /// A cycle ended; none if it did not even become a run.
    fn ended(&self, run: Option<&Run>, took: Duration);
}

/// Keeps the schedule of all automations. Clones are the same scheduler.
#[derive(Clone)]
pub struct Scheduler {
    agenda: Arc<dyn Agenda>,
    clock: Arc<dyn Clock>,
    cycles: Arc<dyn Cycles>,
    gauge: Arc<dyn Gauge>,
    pace: Arc<Pace>,
    /// Names this process in leases.
    owner: Arc<str>,
    gone: Gone,
    state: Arc<Mutex<State>>,
    /// Something has ended or was demanded.
    news: Arc<Notify>,
}

#[derive(Default)]
struct State {
    running: HashMap<AutomationId, Stop>,
    busy: HashMap<CredentialId, usize>,
    last_look: Option<Timestamp>,
    awake_since: Option<Timestamp>,
    reconciled_at: Option<Timestamp>,
    ending: bool,
}

impl Scheduler {
    /// A scheduler over a store's schedule.
    pub fn new(
        agenda: Arc<dyn Agenda>,
        clock: Arc<dyn Clock>,
        cycles: Arc<dyn Cycles>,
        gauge: Arc<dyn Gauge>,
        pace: Pace,
    ) -> Self {
        Self {
            agenda,
            clock,
            cycles,
            gauge,
            pace: Arc::new(pace),
            owner: "".into(),
            gone: Arc::new(|_| false),
            state: Arc::default(),
            news: Arc::default(),
        }
    }

    /// Takes up at once what this process, of this name in leases, could not give back, and what a process was
    /// running that is no more.
    #[must_use]
    pub fn as_process(mut self, owner: &str, gone: Gone) -> Self {
        self.owner = owner.into();
        self.gone = gone;
        self
    }

    /// Runs until `end` comes, then lets every running page commit.
    pub async fn run(&self, end: impl Future<Output = ()> + Send) {
        let mut end = std::pin::pin!(end);
        let mut in_trouble = false;
        loop {
            let pause = match self.turn().await {
                Ok(_) => {
                    if std::mem::take(&mut in_trouble) {
                        tracing::info!("The store answers again; the schedule goes on.");
                    }
                    self.until_next().await
                }
                Err(error) => {
                    if !std::mem::replace(&mut in_trouble, true) {
                        tracing::error!(%error, "The store does not answer; the schedule waits for it.");
                    }
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = &mut end => break,
                () = self.news.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.halt_all();
        self.idle().await;
    }

    /// One look: puts right what is wrong, and begins what is due. How many cycles were begun.
    ///
    /// # Errors
    /// If the store does not answer; nothing is lost by it.
    pub async fn turn(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        if self.watch_clock(now) {
            self.reconcile(now).await?;
            self.state().reconciled_at = Some(now);
        }
        self.halt_stopped().await?;
        self.begin_due(now).await
    }

    /// Halts what runs here and was stopped by another process.
    async fn halt_stopped(&self) -> Result<(), StoreError> {
        let running: Vec<AutomationId> = self.state().running.keys().cloned().collect();
        for id in running {
            let standing = self.agenda.standing(&id).await?;
            if standing.is_none_or(|standing| standing.lifecycle == Lifecycle::Deactivated) {
                self.halt(&id);
            }
        }
        Ok(())
    }

    /// Looks again at once: something was demanded, started or stopped.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// Ends a run of this process after the page in hand, because somebody stopped the automation.
    pub fn halt(&self, id: &AutomationId) {
        if let Some(stop) = self.state().running.get(id) {
            stop.ask(Halt::Stopped);
        }
    }

    /// How many cycles run in this process.
    pub fn running(&self) -> usize {
        self.state().running.len()
    }

    /// Whether a cycle of this automation runs in this process.
    pub fn is_running(&self, id: &AutomationId) -> bool {
        self.state().running.contains_key(id)
    }

    /// Waits until nothing runs in this process.
    pub async fn idle(&self) {
        loop {
            let news = self.news.notified();
            if self.running() == 0 {
                // Whoever waits for news in vain would wait for a look that finds nothing.
                self.news.notify_one();
                return;
            }
            news.await;
        }
    }

    fn halt_all(&self) {
        let mut state = self.state();
        state.ending = true;
        for stop in state.running.values() {
            stop.ask(Halt::Later);
        }
    }

    async fn until_next(&self) -> Duration {
        // Without room nothing can be begun before something ends, and that is news.
        if self.room() == 0 {
            return LOOK;
        }
        match self.agenda.next_due().await {
            Ok(Some(next)) => {
                let wait = self.clock.now().duration_until(next);
                // What is due and was not begun waits for a credential or another process.
                let wait = Duration::try_from(wait).unwrap_or_default();
                if wait.is_zero() { LOOK } else { wait.min(LOOK) }
            }
            _ => LOOK,
        }
    }

    fn room(&self) -> usize {
        let state = self.state();
        if state.ending {
            return 0;
        }
        self.pace.cycles.saturating_sub(state.running.len())
    }

    /// Notices a clock that was moved and a machine that slept; whether all automations are to be looked at.
    fn watch_clock(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        let last = state.last_look.replace(now);
        let moved = last.map(|last| last.duration_until(now));
        // A clock that is kept in time goes back by milliseconds now and then.
        let back = |moved: SignedDuration| moved.is_negative() && moved.unsigned_abs() > LOOK;
        let gap = moved.is_none_or(|moved| back(moved) || moved.unsigned_abs() > GAP);
        if gap {
            state.awake_since = Some(now);
            if let Some(moved) = moved {
                tracing::warn!(
                    seconds = moved.as_secs(),
                    "The clock has moved since the last look, or the machine slept; every schedule is computed anew."
                );
            }
        }
        gap || state
            .reconciled_at
            .is_none_or(|at| at.duration_until(now).unsigned_abs() >= self.pace.reconcile_every)
    }

    /// Looks at every automation and puts right what is wrong with its schedule.
    async fn reconcile(&self, now: Timestamp) -> Result<(), StoreError> {
        for holder in self.agenda.holders(now).await? {
            if (self.gone)(&holder) {
                let count = self.agenda.evict(&holder).await?;
                tracing::info!(count, "Runs of a process that is no more are taken over.");
            }
        }
        let awake_since = self.state().awake_since.unwrap_or(now);
        let present = Present {
            pace: &self.pace,
            now,
            awake_since,
        };
        let mut after: Option<AutomationId> = None;
        loop {
            let standings = self.agenda.standings(None, after.as_ref(), ROWS).await?;
            let Some(last) = standings.last() else {
                return Ok(());
            };
            after = Some(last.automation.clone());
            for standing in &standings {
                let running = self.is_running(&standing.automation);
                let about = || self.cycles.about(standing);
                if let Some(change) = present.correct(standing, running, about) {
                    tracing::info!(automation = %standing.automation, "The schedule of an automation was put right.");
                    // Whoever changed it at this moment has computed the schedule as well.
                    self.agenda.change(&change).await?;
                }
            }
        }
    }

    async fn begin_due(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut begun = 0;
        let mut limit = 64;
        loop {
            let room = self.room();
            if room == 0 {
                return Ok(begun);
            }
            // Those that run in this process are due until they are settled.
            let rows = limit + u32::try_from(self.running()).unwrap_or(0);
            let due = self.agenda.due(now, &self.owner, rows).await?;
            let whole = due.len() < rows as usize;
            for standing in due {
                if self.begin(standing, now) {
                    begun += 1;
                }
            }
            // Those in front may all wait for the same credential: look further behind them.
            if whole || self.room() == 0 || limit >= 4096 {
                return Ok(begun);
            }
            limit *= 4;
        }
    }

    /// Begins a cycle if there is room for it.
    fn begin(&self, standing: Standing, now: Timestamp) -> bool {
        let stop = Stop::default();
        {
            let mut state = self.state();
            let State {
                running,
                busy,
                ending,
                ..
            } = &mut *state;
            let credentials = [&standing.source, &standing.target];
            let full =
                |id: &&CredentialId| busy.get(id).copied().unwrap_or(0) >= self.pace.per_credential;
            if *ending
                || running.len() >= self.pace.cycles
                || running.contains_key(&standing.automation)
                || credentials.iter().any(full)
            {
                return false;
            }
            for id in credentials {
                *busy.entry(id.clone()).or_default() += 1;
            }
            running.insert(standing.automation.clone(), stop.clone());
        }
        let lag = standing.next_run_at.map(|due| due.duration_until(now));
        self.gauge
            .begun(lag.and_then(|lag| lag.try_into().ok()).unwrap_or_default());
        let place = Place {
            scheduler: self.clone(),
            automation: standing.automation.clone(),
            credentials: [standing.source.clone(), standing.target.clone()],
        };
        tokio::spawn(async move {
            place.scheduler.cycle(&standing, &stop).await;
            drop(place);
        });
        true
    }

    /// One cycle, or one probe, and what follows from it.
    async fn cycle(&self, standing: &Standing, stop: &Stop) {
        let begun = self.clock.now();
        if standing.lifecycle == Lifecycle::Paused
            && let Err(failure) = self.cycles.probe(standing).await
        {
            let settle = |now: &Standing, settling: &Settling<'_>| settling.probe(now, &failure);
            return self.settle(standing, settle).await;
        }
        let (trigger, full) = match &standing.demand {
            Some(demand) => (demand.trigger.clone(), demand.full),
            None => (Trigger::Schedule, false),
        };
        let ended = self.cycles.run(standing, trigger, full, stop).await;
        let took = begun.duration_until(self.clock.now());
        let took = took.try_into().unwrap_or_default();
        match ended {
            Ended::Run(run) => {
                self.gauge.ended(Some(&run), took);
                if run.status == RunStatus::Running {
                    return;
                }
                let settle =
                    |now: &Standing, settling: &Settling<'_>| settling.run(now, &run, begun);
                self.settle(standing, settle).await;
            }
            Ended::Failed(failure) => {
                self.gauge.ended(None, took);
                tracing::warn!(automation = %standing.automation, %failure, "An automation could not be run.");
                let settle = |now: &Standing, settling: &Settling<'_>| {
                    settling.failure(now, &failure, begun)
                };
                self.settle(standing, settle).await;
            }
            Ended::Store(error) => {
                tracing::warn!(automation = %standing.automation, %error, "A cycle was left; it stays due.");
                self.clock.sleep(STORE_PAUSE).await;
            }
            Ended::Busy => self.clock.sleep(LOOK).await,
            Ended::Halted => {}
        }
    }

    /// Writes what follows, from how the automation stands by now.
    async fn settle(
        &self,
        standing: &Standing,
        follow: impl Fn(&Standing, &Settling<'_>) -> Change,
    ) {
        // Known by now, if not before: the cycle has read the flow.
        let about = self.cycles.about(standing);
        let mut standing = standing.clone();
        for _ in 0..RACES {
            let settling = Settling {
                pace: &self.pace,
                now: self.clock.now(),
                about: &about,
            };
            match self.agenda.change(&follow(&standing, &settling)).await {
                Ok(true) => return,
                Ok(false) => match self.agenda.standing(&standing.automation).await {
                    Ok(Some(now)) => standing = now,
                    // It was removed.
                    Ok(None) => return,
                    Err(error) => self.wait_for_store(&standing, &error).await,
                },
                Err(error) => self.wait_for_store(&standing, &error).await,
            }
        }
        tracing::error!(automation = %standing.automation, "The end of a cycle could not be written; it stays due.");
    }

    async fn wait_for_store(&self, standing: &Standing, error: &StoreError) {
        tracing::warn!(automation = %standing.automation, %error, "The end of a cycle waits for the store.");
        self.clock.sleep(STORE_PAUSE).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running cycle's place among the limits; given back when dropped, also by a panic.
struct Place {
    scheduler: Scheduler,
    automation: AutomationId,
    credentials: [CredentialId; 2],
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut state = self.scheduler.state();
            state.running.remove(&self.automation);
            for id in &self.credentials {
                if let Some(count) = state.busy.get_mut(id) {
                    *count -= 1;
                    if *count == 0 {
                        state.busy.remove(id);
                    }
                }
            }
        }
        self.scheduler.news.notify_waiters();
        self.scheduler.news.notify_one();
    }
}
