//! What one call's store holds, and the imports that the component calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use matricula_core::connector::Call;
use matricula_core::egress::{Egress, Request, Response, SendError};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::bindings::{composition, http, log, transfer};
use crate::call::Purpose;
use crate::limits::{HANDLES, LOG_FIELDS, LOG_LINE, Limits};
use crate::memory::MemoryLimit;
use crate::stderr::Stderr;
use crate::text;
use crate::transfer::Held;

/// What must be known of a call after its store is gone.
pub(crate) struct Meter {
    /// Requests that were handed to the egress.
    sent: AtomicU32,
    /// Those of them that may have changed something at the remote.
    changes: AtomicU32,
    pub(crate) stderr: Stderr,
    /// Files that were fetched; those that are left here are let go with it.
    pub(crate) held: Held,
}

impl Meter {
    pub(crate) fn new(egress: Arc<dyn Egress>) -> Self {
        Self {
            sent: AtomicU32::new(0),
            changes: AtomicU32::new(0),
            stderr: Stderr::default(),
            held: Held::new(egress),
        }
    }

    /// Whether anything may have been changed at the remote so far. A component has no other way out
    /// than its requests, so this is certain when it says no.
    pub(crate) fn may_have_changed(&self) -> bool {
        self.changes.load(Ordering::Relaxed) > 0
    }
}

/// Whether a request with this method changes nothing (RFC 9110, 9.2.1).
fn is_safe(method: &str) -> bool {
    ["GET", "HEAD", "OPTIONS", "TRACE"]
        .iter()
        .any(|safe| safe.eq_ignore_ascii_case(method))
}

/// Whether an error says that nothing left this machine.
fn was_not_sent(error: &SendError) -> bool {
    match error {
        SendError::OriginNotAllowed(_)
        | SendError::AddressBlocked(_)
        | SendError::BudgetExhausted(_)
        | SendError::Connect(_)
        | SendError::Tls(_)
        | SendError::Unauthenticated(_) => true,
        SendError::TooLarge(_) | SendError::Timeout | SendError::Interrupted(_) => false,
    }
}

/// The data of one call's store.
pub(crate) struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    pub(crate) memory: MemoryLimit,
    pub(crate) egress: Arc<dyn Egress>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) connector: Arc<str>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) purpose: Purpose,
    ends: Instant,
    lines: u32,
}

impl State {
    pub(crate) fn new(
        call: &Call,
        connector: Arc<str>,
        limits: Arc<Limits>,
        meter: Arc<Meter>,
        purpose: Purpose,
        ends: Instant,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        let wasi = WasiCtxBuilder::new()
            .stderr(meter.stderr.clone())
            .insecure_random_seed(seed(&call.idempotency_key))
            .build();
        Self {
            table,
            wasi,
            memory: MemoryLimit::new(limits.memory),
            egress: Arc::clone(&call.egress),
            meter,
            connector,
            limits,
            purpose,
            ends,
            lines: 0,
        }
    }
}

/// What a guest's hash maps are seeded with. Rust's `HashMap` asks for it; taken from the call, so that
/// a connector stays a function of what it is given.
fn seed(idempotency_key: &str) -> u128 {
    let digest = Sha256::digest(idempotency_key.as_bytes());
    digest
        .iter()
        .take(16)
        .fold(0, |seed, byte| seed << 8 | u128::from(*byte))
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

struct Io;

impl HasData for Io {
    type Data<'a> = &'a mut ResourceTable;
}

/// Everything that a component can import, and nothing else: what [`crate::inspect`] lets pass is here,
/// and what it refuses could not be linked either.
pub(crate) fn add_imports(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    use wasmtime_wasi::cli::{WasiCli, WasiCliView};
    use wasmtime_wasi::p2::bindings::{cli, random};
    use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
    use wasmtime_wasi_io::bindings::wasi::io;

    http::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    transfer::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    composition::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    log::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;

    io::error::add_to_linker::<State, Io>(linker, |state| &mut state.table)?;
    io::poll::add_to_linker::<State, Io>(linker, |state| &mut state.table)?;
    io::streams::add_to_linker::<State, Io>(linker, |state| &mut state.table)?;

    cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;

    random::insecure_seed::add_to_linker::<State, WasiRandom>(linker, State::random)
}

/// What is kept back of a call's time when a request may take all of it: enough for the component to
/// turn a remote that does not answer into a failure of its own, instead of being ended as if the fault
/// were the component's.
fn reserve(remaining: Duration) -> Duration {
    (remaining / 10).min(Duration::from_secs(1))
}

impl http::Host for State {
    async fn send(&mut self, request: http::Request) -> Result<http::Response, http::SendError> {
        if let Some(body) = &request.body {
            self.fits(body.len())?;
        }
        let Outgoing {
            request,
            remaining,
            changing,
        } = self.admit(request)?;
        let sent = self.egress.send(request, remaining).await;
        self.answer(self.came(changing, sent)?)
    }
}

/// A request that may be sent, and is counted as sent.
pub(crate) struct Outgoing {
    pub(crate) request: Request,
    /// The most that it may take.
    pub(crate) remaining: Duration,
    /// What it adds to the requests that may have changed something.
    pub(crate) changing: u32,
}

impl State {
    /// Whether a body is as small as one must be.
    pub(crate) fn fits(&self, body: usize) -> Result<(), http::SendError> {
        if body > self.limits.request_body {
            return Err(http::SendError::Denied(http::Denied::TooLarge));
        }
        Ok(())
    }

    /// Lets a request pass if there is time left and the call has not sent too many.
    pub(crate) fn admit(&self, request: http::Request) -> Result<Outgoing, http::SendError> {
        use http::{Denied, SendError as Wit};

        let remaining = self.ends.saturating_duration_since(Instant::now());
        let remaining = remaining.saturating_sub(reserve(remaining));
        if remaining.is_zero() {
            return Err(Wit::Timeout);
        }
        if self.meter.sent.load(Ordering::Relaxed) >= self.limits.requests {
            tracing::warn!(
                connector = &*self.connector,
                requests = self.limits.requests,
                "A call has sent as many requests as it may; no more are sent."
            );
            return Err(Wit::Denied(Denied::BudgetExhausted));
        }
        let asked = request
            .timeout_ms
            .map(|ms| Duration::from_millis(ms.into()));
        let request = Request {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body.map(Bytes::from),
            timeout: Some(asked.map_or(remaining, |asked| asked.min(remaining))),
        };
        self.meter.sent.fetch_add(1, Ordering::Relaxed);
        // Counted before it is sent: the call may be ended while it waits there.
        let changing = u32::from(!is_safe(&request.method));
        self.meter.changes.fetch_add(changing, Ordering::Relaxed);
        Ok(Outgoing {
            request,
            remaining,
            changing,
        })
    }

    /// What came of a request: one that was not sent has changed nothing.
    pub(crate) fn came<T>(
        &self,
        changing: u32,
        result: Result<T, SendError>,
    ) -> Result<T, http::SendError> {
        result.map_err(|error| {
            if was_not_sent(&error) {
                self.meter.changes.fetch_sub(changing, Ordering::Relaxed);
            }
            self.convert(error)
        })
    }

    /// The answer as the component gets it.
    pub(crate) fn answer(&self, response: Response) -> Result<http::Response, http::SendError> {
        if response.body.len() > self.limits.response_body {
            return Err(http::SendError::Denied(http::Denied::TooLarge));
        }
        Ok(http::Response {
            status: response.status,
            headers: response.headers,
            body: response.body.into(),
        })
    }

    fn convert(&self, error: SendError) -> http::SendError {
        use http::{Denied, SendError as Wit};

        // The contract has no room for the reason of a denial; whoever runs the host needs it.
        let denied = |denied, reason: String| {
            tracing::warn!(
                connector = &*self.connector,
                "A request was denied: {reason}."
            );
            Wit::Denied(denied)
        };
        match error {
            SendError::OriginNotAllowed(reason) => denied(Denied::OriginNotAllowed, reason),
            SendError::AddressBlocked(reason) => denied(Denied::AddressBlocked, reason),
            SendError::TooLarge(reason) => denied(Denied::TooLarge, reason),
            SendError::BudgetExhausted(reason) => denied(Denied::BudgetExhausted, reason),
            SendError::Timeout => Wit::Timeout,
            SendError::Connect(reason) => Wit::Connect(reason),
            SendError::Tls(reason) => Wit::Tls(reason),
            SendError::Unauthenticated(reason) => Wit::Unauthenticated(reason),
            SendError::Interrupted(reason) => Wit::Interrupted(reason),
        }
    }
}

impl log::Host for State {
    fn emit(&mut self, level: log::Level, message: String, fields: Vec<(String, String)>) {
        self.lines = self.lines.saturating_add(1);
        if self.lines > self.limits.log_lines {
            if self.lines == self.limits.log_lines + 1 {
                let (connector, lines) = (&*self.connector, self.limits.log_lines);
                tracing::warn!(
                    target: "matricula::connector", connector, lines,
                    "A call has logged as much as it may; the rest of its lines is dropped."
                );
            }
            return;
        }
        macro_rules! emit {
            ($level:ident) => {
                if tracing::enabled!(target: "matricula::connector", tracing::Level::$level) {
                    let values = tracing::Level::$level >= tracing::Level::DEBUG;
                    tracing::event!(
                        target: "matricula::connector",
                        tracing::Level::$level,
                        connector = &*self.connector,
                        "{}",
                        line(&message, &fields, values)
                    );
                }
            };
        }
        match level {
            log::Level::Trace => emit!(TRACE),
            log::Level::Debug => emit!(DEBUG),
            log::Level::Info => emit!(INFO),
            log::Level::Warn => emit!(WARN),
            log::Level::Error => emit!(ERROR),
        }
    }
}

/// A log line. Values of fields may be personal data: unless the operator asked for details, only short
/// numbers and truth values are shown (a status, a count), of the others only the name.
fn line(message: &str, fields: &[(String, String)], values: bool) -> String {
    let mut line = text::scrub(message);
    for (name, value) in fields.iter().take(LOG_FIELDS) {
        let plain =
            value.len() <= 6 && value.parse::<i64>().is_ok() || value.parse::<bool>().is_ok();
        let value = if values || plain {
            text::scrub(value)
        } else {
            "…".to_owned()
        };
        line.push_str(&format!(" {}={}", text::scrub(name), text::cut(value, 256)));
    }
    text::cut(line, LOG_LINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_fields_are_hidden_unless_asked_for() {
        let fields = [
            ("status", "429"),
            ("name", "Ada Lovelace"),
            ("mail", "ada@example.com"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            line("slow\ndown", &fields, false),
            "slow down status=429 name=… mail=…"
        );
        assert_eq!(
            line("slow down", &fields, true),
            "slow down status=429 name=Ada Lovelace mail=<e-mail>"
        );
        assert_eq!(line(&"x".repeat(10_000), &[], true).len(), LOG_LINE);
    }

    #[test]
    fn a_request_leaves_time_to_report_that_there_was_no_answer() {
        assert_eq!(reserve(Duration::from_secs(60)), Duration::from_secs(1));
        assert_eq!(
            reserve(Duration::from_millis(100)),
            Duration::from_millis(10)
        );
    }
}
