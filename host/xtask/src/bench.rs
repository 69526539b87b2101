//! Measures the budgets of the design.

use std::process::Command;

use anyhow::Result;

use crate::cargo::{self, Workspace};
use crate::{connectors, page, say};

/// Builds everything in release and runs the measuring program; `arguments` go to it.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    connectors::build(workspace)?;
    if page::build(workspace)? {
        page::install(workspace, "tests/page")?;
    }
    say::step("Building in release; the first time takes some minutes");
    let release = ["--release"].into_iter();
    let artifacts = workspace.build(release.chain(cargo::PROGRAMS))?;
    let bench = cargo::executable(&artifacts, "matricula-bench")?;
    say::step("Measuring");
    cargo::status(
        Command::new(bench)
            .current_dir(&workspace.root)
            .args(arguments),
    )
}
