//! Requests made up from the API's own description, by schemathesis: no answer may be a fault of the server's, and
//! none may be off the description.
//!
//! It is Python's and comes from its package index, so it has an environment of its own in the target folder.

use std::process::Command;

use anyhow::{Result, bail};
use serde_json::json;

use crate::cargo::{self, Workspace};
use crate::process::without_settings;
use crate::python::{Environment, WANTED};
use crate::say;
use crate::served::{Programs, Served};

/// Its configuration, its hooks and the versions of what it is made of.
const FOLDER: &str = "tests/api-fuzz";
/// Few people, so that the runs that it asks for are over at once.
const SANDBOX: [&str; 5] = ["--people", "12", "--certificates", "6", "--no-limits"];

/// Starts the product and lets it be asked.
pub(crate) fn run(workspace: &Workspace, programs: &Programs) -> Result<()> {
    let list = format!("{FOLDER}/requirements.txt");
    let Some(environment) = Environment::of(workspace, "schemathesis", &list)? else {
        bail!("the tests of the API need {WANTED}");
    };
    say::step(
        "Starting `matricula serve` with two automations, to be asked what its description allows",
    );
    let folder = workspace.target.join("api-fuzz");
    let served = Served::start(workspace, programs, &folder, &SANDBOX.map(str::to_owned))?;
    let personio = served.add_credential("personio")?;
    let academy = served.add_credential("reteach")?;
    let none = json!({});
    let employees = served.start_automation("sync-employees", &personio, &academy, &none)?;
    served.start_automation("sync-certificates", &academy, &personio, &none)?;
    let automation = employees.get("id").and_then(|id| id.as_str());
    say::step("Testing the API: schemathesis run /api/v1/openapi.json");
    let ours = workspace.root.join(FOLDER);
    let mut command = Command::new(environment.program("schemathesis"));
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
