//! How much a component may use. The limits that an operator may have reasons to change are fields of
//! [`Limits`]; the others are constants, because no well-behaved connector comes near them.

use std::time::Duration;

/// What one call of a component may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one call, in bytes, all memories of the component together.
    pub memory: usize,
    /// The longest that one call may take, waiting for the remote system included. A call's own
    /// deadline can only be shorter; it is so for every call that moves no file.
    pub deadline: Duration,
    /// HTTP requests of one call, transfers of files included.
    pub requests: u32,
    /// Bytes of one request's body, held files not counted.
    pub request_body: usize,
    /// Bytes of one answer's body.
    pub response_body: usize,
    /// Log lines of one call; more are dropped.
    pub log_lines: u32,
    /// Calls that run at the same time, over all components; more wait for their turn.
    pub calls: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Measured with the fixtures: a page of 1 000 records of 340 bytes needs at most 1.75 MiB,
            // an answer of the largest size 17.25 MiB before anything is done with it.
            memory: 32 * MIB,
            // Thirty megabytes over a line of half a megabit take eight minutes.
            deadline: Duration::from_secs(600),
            requests: 200,
            request_body: 4 * MIB,
            response_body: 16 * MIB,
            log_lines: 1_000,
            calls: 64,
        }
    }
}

pub(crate) const KIB: usize = 1024;
pub(crate) const MIB: usize = 1024 * KIB;

/// A component's file. The fixtures are 235 KiB.
pub(crate) const COMPONENT_FILE: usize = 64 * MIB;
/// The manifest, schemas and icon included.
pub(crate) const MANIFEST: usize = 512 * KIB;

/// What a guest may hand to the host at once: a request, or a page. Wasmtime counts the bytes that it
/// would allocate, so a guest cannot make the host hold more than it may itself.
pub(crate) const TRANSFER: usize = 16 * MIB;
/// Live resource handles. Far below wasmtime's 100 000; not chosen by a measurement.
pub(crate) const HANDLES: usize = 1024;
/// Core instances of a component; the fixtures, as rustc and `wasm-component-ld` make them, have three.
pub(crate) const INSTANCES: u32 = 8;
/// Linear memories; the fixtures have one.
pub(crate) const MEMORIES: u32 = 2;
/// Tables; the fixtures have two.
pub(crate) const TABLES: u32 = 4;
/// Elements of each table; those of the fixtures have 95 and 11.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;

/// Files that a call may fetch, of which it returns one: it may have to try twice, but not fill the disk.
pub(crate) const FILES: usize = 4;

/// A position, a state or a preparation: they are kept in the store and handed back with each call.
pub(crate) const TOKEN: usize = 64 * KIB;
/// The identity of a record or an account, or the name of a file.
pub(crate) const IDENTITY: usize = KIB;
/// A failure's message and what is kept of a panic's.
pub(crate) const MESSAGE: usize = 4 * KIB;
/// A failure's code.
pub(crate) const CODE: usize = 64;
/// One log line.
pub(crate) const LOG_LINE: usize = 4 * KIB;
/// Fields of one log line.
pub(crate) const LOG_FIELDS: usize = 16;
/// What is kept of a call's standard error: the end of it, where a panic's message is.
pub(crate) const STDERR: usize = 8 * KIB;
/// The longest that a remote can ask the host to wait.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);
