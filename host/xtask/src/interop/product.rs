//! The binary, as a user would call it, led to whatever takes the place of the real systems.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo::Workspace;
use crate::process::without_settings;
use crate::say;
use crate::served::Programs;

/// The binary with a data folder of its own.
pub(super) struct Product<'a> {
    workspace: &'a Workspace,
    programs: &'a Programs,
    data: PathBuf,
    /// Origins of real systems and where they are led to.
    pub(super) origins: Vec<(String, String)>,
}

impl<'a> Product<'a> {
    /// With nothing in its data folder, `folder/data`.
    pub(super) fn new(
        workspace: &'a Workspace,
        programs: &'a Programs,
        folder: &Path,
        origins: Vec<(String, String)>,
    ) -> Result<Self> {
        let data = folder.join("data");
        if data.exists() {
            std::fs::remove_dir_all(&data)
                .with_context(|| format!("{} is in the way", data.display()))?;
        }
        Ok(Self {
            workspace,
            programs,
            data,
            origins,
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.programs.matricula);
        command
            .current_dir(&self.workspace.root)
            .args(arguments)
            .args(["--flows", "flows", "--data"])
            .arg(&self.data)
            .arg("--connectors")
            .arg(&self.programs.connectors);
        for (real, local) in &self.origins {
            command.arg("--map-origin").arg(format!("{real}={local}"));
        }
        without_settings(&mut command);
        command
    }

    /// Stores a credential; its fields go over standard input.
    pub(super) fn add(&self, connector: &str, method: Option<&str>, fields: &Value) -> Result<()> {
        let mut arguments = vec!["credential", "add", connector, "--name", connector];
        if let Some(method) = method {
            arguments.extend(["--method", method]);
        }
        let mut command = self.command(&arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().context("matricula cannot be started")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(fields.to_string().as_bytes())?;
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("the credential for {connector} was not added ({status})");
        }
        Ok(())
    }

    /// The JSON document that a command prints, which must end well or with one of the exit codes `also`.
    pub(super) fn json(&self, arguments: &[&str], also: &[i32]) -> Result<Value> {
        let mut command = self.command(arguments);
        command
            .arg("--json")
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        let output = command.output().context("matricula cannot be started")?;
        let shown = arguments.join(" ");
        let code = output.status.code();
        if !output.status.success() && !code.is_some_and(|code| also.contains(&code)) {
            say::line(String::from_utf8_lossy(&output.stdout).trim_end());
            bail!("`matricula {shown}` failed ({})", output.status);
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`matricula {shown}` printed no JSON document"))
    }
}
