//! Who is let in and who is not, through the crate's public face.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod config;
mod hostile;
mod local;
mod published;
mod refused;
mod support;
mod taken;
