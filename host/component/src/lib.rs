//! Runs connector components on wasmtime, and narrows it: the other crates see [`Host`], [`Component`]
//! and the [`Connector`](matricula_core::connector::Connector) port, never wasmtime.
//!
//! A component is somebody else's code that reads personnel files. So:
//!
//! - What it may do is decided before any of it runs or is even compiled, from static data
//!   ([`inspect`]): its bytes must be valid, its manifest must be readable, every import must be one
//!   that this host gives to connectors. It gets `http`, `transfer` and `log`, and an empty WASI: no
//!   file system, no network, no environment, no clock.
//! - Each call is a fresh instance ([`call`](mod@call)) with limits on memory, time, requests and log
//!   lines ([`limits`]). An instance that trapped is dropped and never entered again.
//! - The files that it carries are known to it by their ids only ([`transfer`]); the bytes are in nobody's
//!   memory, and what a call fetched without returning it is let go at its end.
//! - A trap is a fault of the component ([`fault`]), never something that the remote system said.
//! - `unsafe` is in one module, the [`cache`] of compiled code, which says why that is sound.
//!
//! Component-model async is switched off: sync-shaped calls run on fibres, which is several times
//! cheaper per call and leaves the youngest part of wasmtime out of the trusted code.
#![deny(unsafe_code)]

mod bindings;
mod cache;
mod call;
mod component;
mod convert;
mod engine;
mod error;
mod fault;
mod inspect;
mod limits;
mod memory;
mod state;
mod stderr;
mod text;
mod ticker;
mod transfer;

pub use component::Component;
pub use engine::{Host, Options};
pub use error::{HostError, LoadError, Refusal};
pub use inspect::inspect;
pub use limits::Limits;
