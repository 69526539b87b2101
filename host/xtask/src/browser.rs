//! The page's tests in Chromium, through the example of a vendor's page, with everything real behind it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::cargo::{self, Workspace};
use crate::served::Programs;
use crate::{page, say};

/// The package of the tests.
pub(crate) const PACKAGE: &str = "tests/page";
/// Names a Chromium that is not in the search path.
const VARIABLE: &str = "MATRICULA_CHROMIUM";
/// What it is called where it is installed.
const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Checks the types of the tests and runs them.
pub(crate) fn test(workspace: &Workspace, programs: &Programs) -> Result<()> {
    let chromium = chromium()?;
    page::install(workspace, PACKAGE)?;
    say::step("Checking the types of the tests in the browser");
    page::npm(workspace, PACKAGE, &["run", "check"])?;
    say::step("Testing the page in Chromium, in a vendor's page: npm test in tests/page");
    let mut command = page::command(workspace, PACKAGE, &["test"]);
    command
        .env(VARIABLE, chromium)
        .env("MATRICULA_TEST_PROGRAM", &programs.matricula)
        .env("MATRICULA_TEST_SANDBOX", &programs.sandbox)
        .env("MATRICULA_TEST_CONNECTORS", &programs.connectors)
        .env(
            "MATRICULA_TEST_RESULTS",
            workspace.target.join("page-tests"),
        );
    cargo::status(&mut command)
}

/// A Chromium, installed if that can be done without asking.
fn chromium() -> Result<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    if in_path("apt-get").is_some() && is_root() {
        say::step("Installing Chromium for the tests of the page: apt-get install chromium");
        let mut command = Command::new("apt-get");
        command
            .args([
                "install",
                "-y",
                "-qq",
                "--no-install-recommends",
                "chromium",
            ])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(std::io::stderr());
        cargo::status(&mut command)?;
        if let Some(found) = find() {
            return Ok(found);
        }
    }
    bail!(
        "the tests of the page need Chromium: install it (Debian: apt-get install chromium), name it by {VARIABLE}, \
         or leave them out with `cargo xtask test --no-browser`"
    )
}

fn find() -> Option<PathBuf> {
    match std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => Some(PathBuf::from(path)),
        None => NAMES.iter().find_map(|name| in_path(name)),
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    in_folders(std::env::split_paths(&path), name)
}

fn in_folders(folders: impl Iterator<Item = PathBuf>, name: &str) -> Option<PathBuf> {
    folders
        .map(|folder| folder.join(name))
        .find(|file| Path::is_file(file))
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").stderr(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_the_first_folder_that_has_it() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = || [sources.to_owned(), sources.join("src")].into_iter();
        let found = in_folders(folders(), "browser.rs").unwrap();
        assert_eq!(found, sources.join("src/browser.rs"));
        // A folder of that name is no program.
        assert_eq!(in_folders(folders(), "src"), None);
    }
}
