//! The client against recorded exchanges.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests may fail the test"
)]

mod bulk;
mod common;
mod groups;
mod reading;
mod writing;
