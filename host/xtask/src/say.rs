//! What is said: steps and errors on standard error, results on standard output.

use std::io::Write as _;
use std::sync::LazyLock;
use std::time::Instant;

use anyhow::Result;

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// One step, with the time since the first one.
pub(crate) fn step(text: &str) {
    let seconds = BEGAN.elapsed().as_secs_f64();
    line(&format!("[{seconds:6.1} s] {text}"));
}

/// A line on standard error; nobody is left to be told where that fails.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// An error with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    line(&format!("error: {error:#}"));
}

/// Text on standard output, as it is.
pub(crate) fn out(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
