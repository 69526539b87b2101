//! Runs all tests.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::cargo::{self, Workspace};
use crate::served::Programs;
use crate::{browser, connectors, fuzz, interop, openapi, page, say};

/// Builds what the tests need, then runs them; `arguments` go to the runner of the Rust tests, but for our own one.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let (ours, arguments): (Vec<&str>, Vec<&str>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|argument| *argument == "--no-browser");
    let all = arguments.is_empty();
    if !all && !ours.is_empty() {
        bail!("--no-browser is for all tests; with other arguments only the Rust tests are run");
    }
    let folder = connectors::build(workspace)?;
    // Before the programs, which carry what they find of the page.
    let with_page = all && page::build(workspace)?;
    say::step("Building the tests and the programs that they drive");
    workspace.cargo(["build", "--tests"].into_iter().chain(cargo::PROGRAMS))?;
    rust(workspace, &arguments)?;
    if !all {
        say::step("These tests have passed.");
        return Ok(());
    }
    let programs = Programs::of(&workspace.build(cargo::PROGRAMS)?, folder)?;
    if !with_page {
        interop::run(workspace, &programs, interop::Options::default())?;
        say::step("These tests have passed. Those of the page were left out: they need Node.");
        return Ok(());
    }
    openapi::check_types(workspace)?;
    page::test(workspace)?;
    if ours.is_empty() {
        browser::test(workspace, &programs)?;
    }
    fuzz::run(workspace, &programs)?;
    interop::run(workspace, &programs, interop::Options::default())?;
    say::step(match ours.is_empty() {
        true => "All tests have passed.",
        false => "All tests but those in the browser have passed.",
    });
    Ok(())
}

/// Only what is made up from the API's description.
pub(crate) fn fuzz(workspace: &Workspace) -> Result<()> {
    let folder = connectors::build(workspace)?;
    let programs = Programs::of(&workspace.build(cargo::PROGRAMS)?, folder)?;
    fuzz::run(workspace, &programs)
}

/// Only what others' code says of what the connectors send.
pub(crate) fn interop(workspace: &Workspace, options: interop::Options) -> Result<()> {
    let folder = connectors::build(workspace)?;
    let programs = Programs::of(&workspace.build(cargo::PROGRAMS)?, folder)?;
    interop::run(workspace, &programs, options)
}

fn rust(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let given = arguments.iter().copied();
    if has_nextest() {
        say::step("Testing: cargo nextest run --workspace");
        workspace.cargo(["nextest", "run", "--workspace"].into_iter().chain(given))?;
        if arguments.is_empty() {
            say::step("Testing the documentation's examples: cargo test --workspace --doc");
            workspace.cargo(["test", "--workspace", "--doc", "--quiet"])?;
        }
        return Ok(());
    }
    say::step("Testing: cargo test --workspace (cargo-nextest, if installed, is faster)");
    workspace.cargo(["test", "--workspace"].into_iter().chain(given))
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
