//! The product driven from outside: the real binary, components compiled to `wasm32-wasip2`, sockets and a
//! `SQLite` file, against the sandbox.
//!
//! `cargo xtask test` builds what these tests need.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod access;
mod bad_input;
mod certificates;
mod cycle;
mod edyoucated;
mod embedded;
mod engagedly;
mod faulty_components;
mod kill;
mod kombo;
mod lifecycle;
mod preview;
mod quirks;
mod scim;
mod served;
mod structure;
mod teams;
mod winningtemp;
mod world;
