//! Programs that run beside this one and end with it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result, bail};

/// A running program, ended when dropped.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    /// Some programs end when this is closed, also if this one is killed.
    _stdin: Option<ChildStdin>,
}

impl Process {
    /// Starts a program that prints one line when it is ready; gives that line.
    pub(crate) fn start(name: &'static str, command: &mut Command) -> Result<(Self, String)> {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        let stdout = child.stdout.take();
        let process = Self {
            name,
            _stdin: child.stdin.take(),
            child,
        };
        let mut line = String::new();
        BufReader::new(stdout.with_context(|| format!("{name} has no standard output"))?)
            .read_line(&mut line)?;
        if line.trim().is_empty() {
            bail!("{name} did not start; what it says above tells why");
        }
        Ok((process, line))
    }

    /// Waits until it ends by itself, or by Ctrl-C, which reaches all programs of a terminal.
    pub(crate) fn wait(&mut self) -> Result<()> {
        let status = self.child.wait()?;
        if !status.success() && status.code().is_some() {
            bail!("{} has ended ({status})", self.name);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end and nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes away what is set for a store of the user's own.
pub(crate) fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MATRICULA_") {
            command.env_remove(name);
        }
    }
    command
}
