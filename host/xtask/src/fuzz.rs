//! Requests made up from the API's own description, by schemathesis: no answer may be a fault of the server's, and
//! none may be off the description.
//!
//! It is Python's and comes from its package index, so it has an environment of its own in the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{self, Workspace};
use crate::process::without_settings;
use crate::say;
use crate::served::{Programs, Served};

/// Its configuration, its hooks and the versions of what it is made of.
const FOLDER: &str = "tests/api-fuzz";
/// Few people, so that the runs that it asks for are over at once.
const SANDBOX: [&str; 5] = ["--people", "12", "--certificates", "6", "--no-limits"];

/// Starts the product and lets it be asked.
pub(crate) fn run(workspace: &Workspace, programs: &Programs) -> Result<()> {
    let schemathesis = environment(workspace)?;
    say::step(
        "Starting `matricula serve` with two automations, to be asked what its description allows",
    );
    let folder = workspace.target.join("api-fuzz");
    let served = Served::start(workspace, programs, &folder, &SANDBOX.map(str::to_owned))?;
    let (personio, academy) = served.add_credentials()?;
    let employees = served.start_automation("sync-employees", &personio, &academy)?;
    served.start_automation("sync-certificates", &academy, &personio)?;
    let automation = employees.get("id").and_then(|id| id.as_str());
    say::step("Testing the API: schemathesis run /api/v1/openapi.json");
    let ours = workspace.root.join(FOLDER);
    let mut command = Command::new(schemathesis);
    without_settings(&mut command)
        .current_dir(&folder)
        .arg("--config-file")
        .arg(ours.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/api/v1/openapi.json", served.origin))
        .env("SCHEMATHESIS_HOOKS", ours.join("hooks.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("MATRICULA_FUZZ_VENDOR", &served.vendor.address)
        .env("MATRICULA_FUZZ_AUTOMATION", automation.unwrap_or_default())
        .env("MATRICULA_FUZZ_CREDENTIAL", &personio)
        .env("MATRICULA_FUZZ_TARGET", &academy)
        .stdout(std::io::stderr());
    cargo::status(&mut command)
}

/// The program, installed into an environment of its own unless that has been done with these versions.
fn environment(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("schemathesis");
    let list = workspace.root.join(FOLDER).join("requirements.txt");
    let wanted = std::fs::read_to_string(&list)
        .with_context(|| format!("{} cannot be read", list.display()))?;
    let made = folder.join("made");
    let scripts = if cfg!(windows) { "Scripts" } else { "bin" };
    let program = folder.join(scripts).join("schemathesis");
    if std::fs::read_to_string(&made).is_ok_and(|text| text == wanted) && program.exists() {
        return Ok(program);
    }
    say::step("Fetching schemathesis from PyPI into target/schemathesis");
    let python = python()?;
    let mut command = Command::new(python);
    command.args(["-m", "venv", "--clear"]).arg(&folder);
    cargo::output(&mut command).context("install Python's venv module (Debian: python3-venv)")?;
    let mut command = Command::new(folder.join(scripts).join("python"));
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
    Ok(program)
}

fn python() -> Result<&'static Path> {
    let check = "import sys; sys.exit(sys.version_info < (3, 10))";
    for name in ["python3", "python"] {
        let mut command = Command::new(name);
        if command
            .args(["-c", check])
            .output()
            .is_ok_and(|output| output.status.success())
        {
            return Ok(Path::new(name));
        }
    }
    bail!(
        "the tests of the API need Python 3.10 or newer (Debian: apt-get install python3 python3-venv)"
    )
}
