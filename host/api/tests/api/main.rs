//! The API as a client sees it, over a real store.

mod hooks;
mod operations;
mod serve;
mod support;
mod telemetry;
