//! The REST API as the page sees it: over a real store, real connectors and the fakes of both systems.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod automations;
mod bounds;
mod catalogue;
mod connect;
mod credentials;
mod docs;
mod events;
mod flows_shipped;
mod matrix;
mod nested;
mod once;
mod plans;
mod records;
mod tokens;
mod webhooks;
mod world;
