//! The product and the sandbox as processes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;
use wait4::Wait4;

use crate::Places;

/// A sandbox without limits, ended when dropped.
pub(crate) struct Sandbox {
    child: Child,
    pub(crate) addresses: Value,
}

impl Sandbox {
    pub(crate) fn start(places: &Places, people: u64) -> Result<Self> {
        Self::start_with(places, people, &[])
    }

    pub(crate) fn start_with(places: &Places, people: u64, more: &[&str]) -> Result<Self> {
        let mut child = Command::new(&places.sandbox)
            .args(["--no-limits", "--people", &people.to_string()])
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the sandbox cannot be started")?;
        let stdout = child.stdout.take().context("the sandbox has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let addresses =
            serde_json::from_str(&line).context("the sandbox does not say where it is")?;
        Ok(Self { child, addresses })
    }

    pub(crate) fn address(&self, system: &str) -> &str {
        self.addresses[system].as_str().unwrap_or_default()
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu_of(&format!("/proc/{}/stat", self.child.id()))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time of a process, to a hundredth of a second.
pub(crate) fn cpu_of(stat: &str) -> Result<Duration> {
    let text = std::fs::read_to_string(stat)?;
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> = after_name
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // Without pid, name and state, utime and stime are the eleventh and twelfth field.
    let ticks = fields.get(10).copied().unwrap_or(0) + fields.get(11).copied().unwrap_or(0);
    Ok(Duration::from_millis(ticks * 10))
}

/// A data folder and the sandbox that it belongs to.
pub(crate) struct Product<'a> {
    places: &'a Places,
    sandbox: &'a Sandbox,
    pub(crate) data: TempDir,
}

/// What one process used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    pub(crate) resident: u64,
}

impl<'a> Product<'a> {
    pub(crate) fn new(places: &'a Places, sandbox: &'a Sandbox) -> Result<Self> {
        let product = Self {
            places,
            sandbox,
            data: TempDir::new()?,
        };
        product.add_credential(
            "personio",
            &["client_id=sandbox-personio-id"],
            "client_secret=sandbox-personio-secret\n",
        )?;
        product.add_credential(
            "reteach",
            &[
                "scim_url=https://academy.example.com/scim/v2",
                "client_id=sandbox-reteach-id",
            ],
            "scim_token=sandbox-scim-token\nclient_secret=sandbox-reteach-secret\n\
             client_code=sandbox-reteach-code\n",
        )?;
        Ok(product)
    }

    fn add_credential(&self, connector: &str, public: &[&str], secrets: &str) -> Result<()> {
        let fields = public.iter().flat_map(|field| ["--set", field]);
        let mut child = self
            .command(&["credential", "add", connector, "--name", connector])
            .args(fields)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(secrets.as_bytes())?;
        }
        if !child.wait()?.success() {
            bail!("the credential for {connector} was not taken");
        }
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let scim = self.sandbox.address("scim").trim_end_matches("/scim/v2");
        let mut command = Command::new(&self.places.matricula);
        command
            .args(arguments)
            .arg("--no-documented-limits")
            .args([Path::new("--data"), self.data.path()])
            .args([Path::new("--connectors"), &self.places.connectors])
            .args([Path::new("--flows"), &self.places.flows])
            .arg("--map-origin")
            .arg(format!(
                "https://api.personio.de={}",
                self.sandbox.address("personio")
            ))
            .arg("--map-origin")
            .arg(format!("https://academy.example.com={scim}"))
            .arg("--map-origin")
            .arg(format!(
                "https://api.reteach.io={}",
                self.sandbox.address("reteach")
            ));
        command
    }

    /// One cycle of the employee flow as a process; its summary and what it used.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<(Value, Used)> {
        self.run_flow("sync-employees", arguments)
    }

    /// One cycle of a flow.
    pub(crate) fn run_flow(&self, flow: &str, arguments: &[&str]) -> Result<(Value, Used)> {
        let mut all = vec!["run", flow, "--json"];
        all.extend(arguments);
        let begin = Instant::now();
        let mut child = self
            .command(&all)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().context("the product has no output")?;
        let summary: Value = serde_json::from_reader(stdout).context("the run says nothing")?;
        let used = child.wait4()?;
        let wall = begin.elapsed();
        if summary["status"] != "succeeded" {
            bail!("the run did not succeed: {summary:#}");
        }
        let cpu = used.rusage.utime + used.rusage.stime;
        Ok((
            summary,
            Used {
                wall,
                cpu,
                resident: used.rusage.maxrss,
            },
        ))
    }
}
