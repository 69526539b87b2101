//! Measures the budgets of the design.

use std::process::Command;

use anyhow::Result;

use crate::cargo::{self, Workspace};
use crate::{connectors, say};

/// Builds everything in release and runs the measuring program; `arguments` go to it.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    connectors::build(workspace)?;
    say::step("Building in release; the first time takes some minutes");
    // One build for all three: cargo chooses the features of dependencies for what is built together, and
    // another choice would compile them once more.
    let artifacts = workspace.build([
        "--release",
        "--package=matricula",
        "--package=matricula-sandbox",
        "--package=matricula-bench",
        "--bins",
    ])?;
    let bench = cargo::executable(&artifacts, "matricula-bench")?;
    say::step("Measuring");
    cargo::status(
        Command::new(bench)
            .current_dir(&workspace.root)
            .args(arguments),
    )
}
