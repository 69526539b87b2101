//! The binary, as a user would call it, led to the sandbox.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::systems::{Shows, System, access};
use crate::cargo::Workspace;
use crate::process::without_settings;
use crate::sandbox::Sandbox;
use crate::say;

/// The binary with the options that lead it to the sandbox.
pub(super) struct Matricula<'a> {
    pub(super) program: &'a Path,
    pub(super) workspace: &'a Workspace,
    pub(super) folder: &'a Path,
    pub(super) data: &'a Path,
    pub(super) sandbox: &'a Sandbox,
}

impl Matricula<'_> {
    fn options(&self) -> Result<Vec<String>> {
        let show = |path: &Path| self.workspace.show(path).to_string();
        let mut options = vec![
            "--data".to_owned(),
            show(self.data),
            "--connectors".to_owned(),
            show(self.folder),
            "--flows".to_owned(),
            "flows".to_owned(),
        ];
        options.extend(self.sandbox.map_origins()?);
        Ok(options)
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(self.program);
        command
            .current_dir(&self.workspace.root)
            .args(arguments)
            .args(self.options()?);
        without_settings(&mut command);
        Ok(command)
    }

    /// Adds what the sandbox accepts from a connector, under the connector's own name.
    pub(super) fn add(&self, connector: &str) -> Result<()> {
        let access = access(connector)?;
        let mut arguments = vec!["credential", "add", connector, "--name", connector];
        arguments.extend(access.method.into_iter().flat_map(|m| ["--method", m]));
        let mut fields = access.public;
        if let (Some(all), Value::Object(secrets)) = (fields.as_object_mut(), access.secrets) {
            all.extend(secrets);
        }
        let mut command = self.command(&arguments)?;
        command.stdin(Stdio::piped()).stdout(std::io::stderr());
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

    /// The JSON document that a command prints; `also` are exit codes that are no failure.
    pub(super) fn json(&self, arguments: &[&str], also: &[i32]) -> Result<Value> {
        let mut command = self.command(arguments)?;
        command
            .arg("--json")
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        let Output { status, stdout, .. } =
            command.output().context("matricula cannot be started")?;
        if !status.success() && !status.code().is_some_and(|code| also.contains(&code)) {
            say::line(String::from_utf8_lossy(&stdout).trim_end());
            bail!("`matricula {}` failed ({status})", arguments.join(" "));
        }
        serde_json::from_slice(&stdout).with_context(|| {
            format!(
                "`matricula {}` printed no JSON document",
                arguments.join(" ")
            )
        })
    }

    /// What to try while the sandbox runs.
    pub(super) fn invite(&self, system: &System) -> Result<()> {
        let program = self.workspace.show(self.program);
        let mut text =
            format!("\nThe command line has a sandbox of its own. To try:\n\n  alias m='{program}");
        for option in self.options()? {
            write!(text, " {option}")?;
        }
        text.push_str("'\n");
        for flow in system.flows {
            writeln!(text, "  m plan {0}\n  m run {0}", flow.name)?;
            if flow.shows == Shows::Documents {
                writeln!(text, "  m documents {}", flow.name)?;
            }
        }
        text.push_str("  m runs\n  m run show 1\n");
        for connector in system.connectors {
            writeln!(
                text,
                "  m connector inspect {connector}\n  m credential test {connector}"
            )?;
        }
        say::line(&text);
        Ok(())
    }
}
