//! The proxy that writes down what a connector asks, and judges it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::Value;

use super::FOLDER;
use crate::cargo::Workspace;
use crate::process::Process;
use crate::python::Environment;

/// A running proxy, ended when dropped.
pub(super) struct Proxy {
    _process: Process,
    /// Where it listens, such as `http://127.0.0.1:4711`.
    pub(super) origin: String,
    /// What it was asked, a JSON document a line.
    pub(super) record: PathBuf,
}

/// One request that it was asked.
pub(super) struct Asked {
    /// Such as `GET`.
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    /// As text; empty where it was not asked for or is none.
    pub(super) body: String,
    /// What is wrong with it; none where no description is about it.
    pub(super) problems: Option<Vec<String>>,
}

impl Proxy {
    /// Starts it in front of `upstream`; `arguments` are the program's.
    pub(super) fn start(
        workspace: &Workspace,
        environment: &Environment,
        record: PathBuf,
        upstream: &str,
        arguments: &[String],
    ) -> Result<Self> {
        let mut command = environment.python();
        command
            .arg(workspace.root.join(FOLDER).join("proxy.py"))
            .args(["--upstream", upstream, "--record"])
            .arg(&record)
            .args(arguments)
            .stdin(Stdio::piped());
        let (process, line) = Process::start("the recording proxy", &mut command)?;
        let said: Value = serde_json::from_str(&line)
            .with_context(|| format!("the recording proxy said {line:?}"))?;
        let origin = said.get("origin").and_then(Value::as_str);
        Ok(Self {
            _process: process,
            origin: origin
                .context("the recording proxy does not say where it listens")?
                .to_owned(),
            record,
        })
    }

    /// What it was asked so far, in order.
    pub(super) fn asked(&self) -> Result<Vec<Asked>> {
        read(&self.record)
    }
}

fn read(record: &Path) -> Result<Vec<Asked>> {
    let text = std::fs::read_to_string(record)
        .with_context(|| format!("{} cannot be read", record.display()))?;
    let lines = text.lines().map(|line| {
        let entry: Value = serde_json::from_str(line)?;
        let text = |name: &str| {
            let text = entry.get(name).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let problems = entry.get("problems").and_then(Value::as_array);
        let shown = |problem: &Value| problem.as_str().unwrap_or_default().to_owned();
        Ok(Asked {
            method: text("method"),
            target: text("target"),
            body: text("body"),
            problems: problems.map(|all| all.iter().map(shown).collect()),
        })
    });
    lines.collect()
}
