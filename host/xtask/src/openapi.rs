//! Writes down the description of the API, from which the page's types are made.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::{self, Workspace};
use crate::say;

/// Where it lies; a test holds it against the code.
const FILE: &str = "host/api/openapi.json";

/// Builds the API and writes its description, if it has changed.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    say::step("Building the API");
    // All packages, so that nothing is built with other features than usual.
    let artifacts = workspace.build(["--workspace", "--example", "openapi"])?;
    let program = cargo::executable(&artifacts, "openapi")?;
    let description = cargo::output(&mut Command::new(program))?;
    let file = workspace.root.join(Path::new(FILE));
    if std::fs::read(&file).is_ok_and(|kept| kept == description) {
        say::step("The description is current");
        return Ok(());
    }
    std::fs::write(&file, description).with_context(|| format!("{FILE} cannot be written"))?;
    say::step(&format!("{FILE} was written"));
    Ok(())
}
