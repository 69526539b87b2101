//! Runs all tests.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::cargo::{self, Workspace};
use crate::{connectors, say};

/// Builds what the tests need, then runs them; `arguments` go to the runner.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    connectors::build(workspace)?;
    say::step("Building the tests and the programs that they drive");
    workspace.cargo(["build", "--tests"].into_iter().chain(cargo::PROGRAMS))?;
    let arguments = arguments.iter().map(String::as_str);
    let all = arguments.len() == 0;
    if has_nextest() {
        say::step("Testing: cargo nextest run --workspace");
        workspace.cargo(
            ["nextest", "run", "--workspace"]
                .into_iter()
                .chain(arguments),
        )?;
        if all {
            say::step("Testing the documentation's examples: cargo test --workspace --doc");
            workspace.cargo(["test", "--workspace", "--doc", "--quiet"])?;
        }
    } else {
        say::step("Testing: cargo test --workspace (cargo-nextest, if installed, is faster)");
        workspace.cargo(["test", "--workspace"].into_iter().chain(arguments))?;
    }
    say::step("All tests have passed.");
    Ok(())
}

fn has_nextest() -> bool {
    Command::new("cargo-nextest")
        .args(["nextest", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
