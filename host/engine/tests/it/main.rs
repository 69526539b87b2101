//! The engine against fakes of both systems, a store in memory and a simulated clock.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod access;
mod announced;
mod archive;
mod basics;
mod document_doubts;
mod documents;
mod faults;
mod group_faults;
mod group_names;
mod groups;
mod guard;
mod leaving;
mod matching;
mod plan;
mod preview;
mod references;
mod resume;
mod schedule;
mod source;
mod target;
mod teams;
mod world;
