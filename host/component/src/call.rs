//! One call: a slot, a fresh store, a deadline, and what came of it.
//!
//! Two things end a call. A timer does wherever the component waits, or yields, which it must at every
//! tick: a busy loop does not starve its own deadline, not even on a runtime with one thread. The epoch's
//! trap is the backstop for a runtime whose timer does not come round. Either way the store is dropped
//! with everything in it; nothing of a call outlives it.

use std::sync::Arc;
use std::time::Duration;

use matricula_core::connector::Call;
use matricula_core::{Effect, Failure};
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument as _;
use wasmtime::{Store, UpdateDeadline};

use crate::component::Component;
use crate::fault::Fault;
use crate::limits::{HANDLES, TRANSFER};
use crate::state::{Meter, State};
use crate::text;
use crate::ticker::Running;

/// A failure that may pass, with how long the remote wants to be left alone: the component knows it only of an answer
/// that it has seen, not of a request that the host did not send for that reason.
pub(crate) fn rested(call: &Call, mut failure: Failure) -> Failure {
    if failure.kind.is_transient() {
        let rest = Some(call.egress.rest()).filter(|rest| !rest.is_zero());
        failure.retry_after = failure.retry_after.max(rest);
    }
    failure
}

/// What a call is for: what it may do, and what its failure may mean.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    /// Finds out.
    Read,
    /// May change the remote.
    Write,
    /// Brings a file of at most so many bytes into the hold.
    Fetch { largest: u64 },
}

/// A call that has got its slot.
pub(crate) struct Session<'a> {
    component: &'a Component,
    /// What it does, to be read after "while".
    what: String,
    purpose: Purpose,
    deadline: Duration,
    ends: Instant,
    pub(crate) meter: Arc<Meter>,
    _running: Running<'a>,
    _slot: SemaphorePermit<'a>,
}

impl<'a> Session<'a> {
    /// Waits for a slot, within the call's deadline, and makes a store.
    pub(crate) async fn begin(
        component: &'a Component,
        call: &Call,
        what: String,
        purpose: Purpose,
    ) -> Result<(Self, Store<State>), Failure> {
        let shared = component.shared();
        let deadline = call.deadline.min(shared.limits.deadline);
        let ends = Instant::now() + deadline;
        let Ok(Ok(slot)) = timeout_at(ends, shared.slots.acquire()).await else {
            return Err(Fault::Saturated.into_failure(component.label(), &what, Effect::None));
        };
        let meter = Arc::new(Meter::new(Arc::clone(&call.egress)));
        let running = shared.ticker.running();
        let session = Self {
            component,
            what,
            purpose,
            deadline,
            ends,
            meter,
            _running: running,
            _slot: slot,
        };
        let store = session.store(call);
        Ok((session, store))
    }

    fn store(&self, call: &Call) -> Store<State> {
        let shared = self.component.shared();
        let state = State::new(
            call,
            self.component.id(),
            Arc::clone(&shared.limits),
            Arc::clone(&self.meter),
            self.purpose,
            self.ends,
        );
        let mut store = Store::new(&shared.engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(TRANSFER);
        store.set_max_component_handles(HANDLES);
        store.set_epoch_deadline(1);
        // The machine's clock, not the runtime's: this one must go on when that one stands still.
        let ends = std::time::Instant::now() + self.ends.duration_since(Instant::now());
        store.epoch_deadline_callback(move |_| {
            Ok(if std::time::Instant::now() >= ends {
                UpdateDeadline::Interrupt
            } else {
                UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now()))
            })
        });
        store
    }

    /// Runs the call. `work` owns the store, so that it is gone whatever happens.
    pub(crate) async fn run<T>(
        &self,
        work: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, Failure> {
        let span =
            tracing::debug_span!("call", connector = self.component.label(), what = self.what);
        let result = timeout_at(self.ends, work.instrument(span)).await;
        let stderr = self.meter.stderr.take();
        if !stderr.is_empty() {
            tracing::debug!(
                target: "matricula::connector",
                connector = self.component.label(),
                "Standard error: {}", text::scrub(&stderr)
            );
        }
        let fault = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => Fault::of(&error, &stderr, self.deadline),
            Err(_) => Fault::TimedOut(self.deadline),
        };
        Err(fault.into_failure(self.component.label(), &self.what, self.effect()))
    }

    /// What the component was asked for, to be read after "while".
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// What the remote may have been done to by a call of which nothing more is known.
    pub(crate) fn effect(&self) -> Effect {
        if matches!(self.purpose, Purpose::Write) && self.meter.may_have_changed() {
            Effect::Unknown
        } else {
            Effect::None
        }
    }
}
