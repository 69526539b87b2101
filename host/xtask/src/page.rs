//! Builds the page and the script that embeds it, by npm.
//!
//! Without Node there is no page, and everything else builds all the same: whoever works on connectors or runs the
//! command line need not have it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::cargo::{self, Workspace};
use crate::say;

/// The oldest Node that the tools run on.
const OLDEST: u32 = 20;
/// In this order: the page's build empties the folder into which both go.
const PACKAGES: [&str; 2] = ["host/page/web", "host/page/embed"];

/// Builds both if their sources are newer than what there is; `false` without Node.
pub(crate) fn build(workspace: &Workspace) -> Result<bool> {
    if !has_node() {
        say::line(&format!(
            "notice: Node {OLDEST} or newer with npm is not installed; everything but the page is built"
        ));
        return Ok(false);
    }
    let dist = workspace.root.join("host/page/dist");
    let built = ["index.html", "embed.js"].map(|name| modified(&dist.join(name)));
    let oldest = built.into_iter().min().flatten();
    let newest = PACKAGES
        .iter()
        .map(|package| newest(&workspace.root.join(package)));
    if oldest.is_some() && oldest >= newest.max().flatten() {
        return Ok(true);
    }
    for package in PACKAGES {
        install(workspace, package)?;
        say::step(&format!("Building {package}: npm run build"));
        npm(workspace, package, &["run", "build"])?;
    }
    Ok(true)
}

/// Installs what a package's lock file names, if it is not there.
pub(crate) fn install(workspace: &Workspace, package: &str) -> Result<()> {
    let folder = workspace.root.join(package);
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= modified(&folder.join("package-lock.json")) {
        return Ok(());
    }
    say::step(&format!("Fetching what {package} is built with: npm ci"));
    npm(
        workspace,
        package,
        &["ci", "--no-audit", "--no-fund", "--loglevel=error"],
    )
}

/// Checks the types of both, and runs their own tests.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    for package in PACKAGES {
        install(workspace, package)?;
        say::step(&format!("Testing {package}: npm run check, npm test"));
        npm(workspace, package, &["run", "check"])?;
        npm(workspace, package, &["test"])?;
    }
    Ok(())
}

/// `npm <arguments>` in a package's folder.
pub(crate) fn npm(workspace: &Workspace, package: &str, arguments: &[&str]) -> Result<()> {
    let mut command = command(workspace, package, arguments);
    cargo::status(&mut command).with_context(|| format!("in {package}"))
}

/// The same, not run yet. What it says goes to standard error: standard output is for results.
pub(crate) fn command(workspace: &Workspace, package: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(NPM);
    command
        .current_dir(workspace.root.join(package))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(std::io::stderr());
    command
}

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Whether Node and npm are there, and new enough.
pub(crate) fn has_node() -> bool {
    let version = |program: &str| {
        let output = Command::new(program)
            .arg("--version")
            .stderr(Stdio::null())
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        major(&String::from_utf8_lossy(&output.stdout))
    };
    version("node").is_some_and(|major| major >= OLDEST) && version(NPM).is_some()
}

fn major(version: &str) -> Option<u32> {
    let number = version.trim().trim_start_matches('v');
    number.split('.').next()?.parse().ok()
}

/// When the newest source of a package was changed.
fn newest(folder: &Path) -> Option<SystemTime> {
    let mut newest = None;
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            let made = ["node_modules", "dist"]
                .iter()
                .any(|name| path.ends_with(name));
            match path.is_dir() {
                true if made => {}
                true => folders.push(path),
                false => newest = newest.max(modified(&path)),
            }
        }
    }
    newest
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata()
        .and_then(|metadata| metadata.modified())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_known_by_its_first_number() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("11.19.1"), Some(11));
        assert_eq!(major("nightly"), None);
    }
}
