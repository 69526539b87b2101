//! Notices, from the outbox to the bytes that a mail server or a receiver of webhooks gets.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod courier;
mod fakes;
mod letters;
mod mail;
mod samples;
mod server;
