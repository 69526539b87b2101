//! Ending a run after the page in hand: nothing that was written goes unrecorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Why a run is ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// The process goes: the run stays unfinished, and whoever runs the automation next goes on with it.
    Later,
    /// Somebody stopped it: the run is over.
    Stopped,
}

/// Asks a run to end; clones ask the same run.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicU8>);

impl Stop {
    /// Asks. Somebody's stop is not taken back by a process that goes.
    pub fn ask(&self, halt: Halt) {
        let number = match halt {
            Halt::Later => 1,
            Halt::Stopped => 2,
        };
        self.0.fetch_max(number, Ordering::SeqCst);
    }

    /// What was asked.
    pub fn halt(&self) -> Option<Halt> {
        match self.0.load(Ordering::SeqCst) {
            0 => None,
            1 => Some(Halt::Later),
            _ => Some(Halt::Stopped),
        }
    }
}
