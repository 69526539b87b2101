//! The host with real components: what it refuses to load, and what happens when they misbehave.
#![expect(clippy::unwrap_used, reason = "tests")]

mod cache;
mod calls;
mod faults;
mod limits;
mod load;
mod support;
mod transfer;
