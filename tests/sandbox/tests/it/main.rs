//! The fakes over plain HTTP: what a connector would meet.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at what it did not expect; clippy knows only the test functions as tests"
)]

mod bulk;
mod certificates;
mod documents;
mod engagedly;
mod faults;
mod groups;
mod http;
mod kombo;
mod personio;
mod population;
mod process;
mod rest;
mod scim;
mod services;
mod winningtemp;
