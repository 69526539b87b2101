//! The schedule: which automations run when, and what follows from how a run ended.
//!
//! Nothing here hands a moment on from one run to the next. The moment at which an automation is due is a
//! column that is computed from its definition; [`reconcile`] does so again and again for all of them, so
//! that a lost write, a killed process or a clock that was set heals within a minute. What is due stays due
//! until its run has ended and been settled: a process that is killed in between leaves it due.
//!
//! | file | concept |
//! | --- | --- |
//! | [`pace`] | how patient the schedule is |
//! | [`settle`] | what follows from the end of a run: pure |
//! | [`reconcile`] | what the schedule of an automation ought to be: pure |
//! | [`scheduler`] | the loop: claims, limits, settling |

mod pace;
mod reconcile;
mod scheduler;
mod settle;

pub use pace::{GATHER, Pace, spread};
pub use scheduler::{About, Cycles, Ended, Gauge, Scheduler};
