//! The API as a client sees it, over a real store.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod hooks;
mod openapi;
mod operations;
mod serve;
mod support;
mod telemetry;
