//! Writes down the description of the API, and the page's types, which are made from it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::browser::PACKAGE;
use crate::cargo::{self, Workspace};
use crate::{page, say};

/// Where it lies; a test holds it against the code.
const FILE: &str = "host/api/openapi.json";

/// Builds the API and writes its description, if it has changed; with Node also the types.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    say::step("Building the API");
    // All packages, so that nothing is built with other features than usual.
    let artifacts = workspace.build(["--workspace", "--example", "openapi"])?;
    let program = cargo::executable(&artifacts, "openapi")?;
    let description = cargo::output(&mut Command::new(program))?;
    let file = workspace.root.join(Path::new(FILE));
    if std::fs::read(&file).is_ok_and(|kept| kept == description) {
        say::step("The description is current");
    } else {
        std::fs::write(&file, description).with_context(|| format!("{FILE} cannot be written"))?;
        say::step(&format!("{FILE} was written"));
    }
    if !page::has_node() {
        say::line("notice: the page's types were not made from it: that needs Node");
        return Ok(());
    }
    page::install(workspace, PACKAGE)?;
    page::npm(workspace, PACKAGE, &["run", "types"])
}

/// Whether the page's types are those of the description.
pub(crate) fn check_types(workspace: &Workspace) -> Result<()> {
    page::install(workspace, PACKAGE)?;
    say::step("Checking that the page's types are those of the API's description");
    page::npm(workspace, PACKAGE, &["run", "types:check"]).context("run `cargo xtask openapi`")
}
