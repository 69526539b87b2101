//! What a component did wrong, as a [`Failure`] of kind `fault` that names connector, version, call and
//! limit.
//!
//! Faults are recognised by type, never by text: wasmtime's [`Trap`], its pool's error, our own
//! [`OutOfMemory`]. Only whether a trap was a Rust panic is read from standard error, since to wasm it
//! is an `unreachable` like any other.

use std::time::Duration;

use matricula_core::{Effect, Failure, FailureKind};
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;

use crate::limits::{MESSAGE, MIB};
use crate::memory::OutOfMemory;
use crate::text;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// With where and why.
    Panicked(String),
    /// With the deadline.
    TimedOut(Duration),
    /// With the limit in bytes.
    OutOfMemory(usize),
    /// As many calls as possible were running.
    Saturated,
    /// Anything else that ends a component, in words.
    Trapped(String),
}

impl Fault {
    /// Recognises what ended a call.
    pub(crate) fn of(error: &wasmtime::Error, stderr: &str, deadline: Duration) -> Self {
        if let Some(OutOfMemory { limit, .. }) = error.downcast_ref() {
            return Self::OutOfMemory(*limit);
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::Saturated;
        }
        if let Some(I32Exit(status)) = error.downcast_ref() {
            return Self::Trapped(format!("it ended itself with status {status}"));
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Self::TimedOut(deadline),
            Some(Trap::StackOverflow) => {
                Self::Trapped("its calls are nested too deeply: the stack is exhausted".into())
            }
            Some(Trap::UnreachableCodeReached) => match text::panic(stderr) {
                Some(panic) => Self::Panicked(panic),
                None => Self::Trapped("it aborted".into()),
            },
            Some(trap) => Self::Trapped(trap.to_string()),
            None => Self::Trapped(text::scrub(&error.root_cause().to_string())),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Panicked(_) => "component.panicked",
            Self::TimedOut(_) => "component.timed-out",
            Self::OutOfMemory(_) => "component.out-of-memory",
            Self::Saturated => "component.saturated",
            Self::Trapped(_) => "component.trapped",
        }
    }

    /// The failure of a call. `connector` is its id and version, `what` what it was doing.
    pub(crate) fn into_failure(self, connector: &str, what: &str, effect: Effect) -> Failure {
        let code = self.code();
        // Nobody's fault, and it passes.
        let kind = match self {
            Self::Saturated => FailureKind::Unavailable,
            _ => FailureKind::Fault,
        };
        let told = "this is a fault of the connector: tell its author";
        let message = match self {
            Self::Panicked(panic) => format!("{connector} failed while {what}; {told}: {panic}"),
            Self::Trapped(trap) => format!("{connector} failed while {what}; {told}: {trap}"),
            Self::TimedOut(deadline) => format!(
                "{connector} was ended while {what}: it took longer than {deadline:?}, the limit of \
                 this call"
            ),
            Self::OutOfMemory(limit) => format!(
                "{connector} was ended while {what}: it wanted more than {} MiB of memory, the limit \
                 of a call; {told}",
                limit / MIB
            ),
            Self::Saturated => format!(
                "{connector} could not begin {what}: as many calls as this host allows were running \
                 all the time; allow more calls or start fewer automations at once"
            ),
        };
        Failure::new(kind, text::cut(message, MESSAGE))
            .with_code(code)
            .with_effect(effect)
    }
}
