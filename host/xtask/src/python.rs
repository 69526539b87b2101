//! Programs of Python's, each in an environment of its own in the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::{self, Workspace};
use crate::say;

/// Said where there is no Python.
pub(crate) const WANTED: &str =
    "Python 3.10 or newer with venv (Debian: apt-get install python3 python3-venv)";

/// An environment with what a list of requirements names.
pub(crate) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// Installs what the list names into `target/<name>`, unless that has been done with these versions; none where
    /// there is no Python. `list` is a path from the root of the workspace.
    ///
    /// # Errors
    /// If the environment cannot be made, or what the list names cannot be had.
    pub(crate) fn of(workspace: &Workspace, name: &str, list: &str) -> Result<Option<Self>> {
        let list = workspace.root.join(list);
        let wanted = std::fs::read_to_string(&list)
            .with_context(|| format!("{} cannot be read", list.display()))?;
        let folder = workspace.target.join(name);
        let made = folder.join("made");
        let environment = Self { folder };
        let is_made = std::fs::read_to_string(&made).is_ok_and(|text| text == wanted);
        if is_made && environment.program("python").exists() {
            return Ok(Some(environment));
        }
        let Some(python) = python() else {
            return Ok(None);
        };
        say::step(&format!(
            "Fetching what the checks by {name} need from PyPI into target/{name}"
        ));
        let mut command = Command::new(python);
        command
            .args(["-m", "venv", "--clear"])
            .arg(&environment.folder);
        cargo::output(&mut command)
            .context("install Python's venv module (Debian: python3-venv)")?;
        let mut command = environment.python();
        command
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(&list)
            .stdout(std::io::stderr());
        cargo::status(&mut command)?;
        std::fs::write(&made, wanted)?;
        Ok(Some(environment))
    }

    /// One of the programs that were installed.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let scripts = if cfg!(windows) { "Scripts" } else { "bin" };
        self.folder.join(scripts).join(name)
    }

    /// Its Python, which leaves no compiled files beside what it reads.
    pub(crate) fn python(&self) -> Command {
        let mut command = Command::new(self.program("python"));
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn python() -> Option<&'static Path> {
    let check = "import sys; sys.exit(sys.version_info < (3, 10))";
    ["python3", "python"]
        .into_iter()
        .map(Path::new)
        .find(|name| {
            Command::new(name)
                .args(["-c", check])
                .output()
                .is_ok_and(|output| output.status.success())
        })
}
