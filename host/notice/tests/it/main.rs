//! Notices, from the outbox to the bytes that a mail server or a receiver of webhooks gets.

mod courier;
mod fakes;
mod letters;
mod samples;
