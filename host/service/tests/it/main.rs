//! The product without its connectors: what needs only a store and a clock.
#![expect(clippy::unwrap_used, reason = "tests")]

mod documents;
mod house;
