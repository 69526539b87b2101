//! Builds the connector components.
//!
//! What is built is found, not listed: a member of the workspace under `connectors` or `tests/fixtures`
//! whose library or example is of crate type cdylib. A library's component is named by its folder, an
//! example's by the example.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cargo::{self, Artifact, ComponentPackage, Workspace};
use crate::say;

const TARGET: &str = "wasm32-wasip2";

/// Builds the components of all connectors and fixtures; the folder of the connectors.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf> {
    ensure_target()?;
    let folder = workspace.target.join("connectors");
    build_into(workspace, "connectors", &folder)?;
    build_into(workspace, "tests/fixtures", &folder.join("fixtures"))?;
    Ok(folder)
}

/// The standard library for components: there, or fetched by rustup.
fn ensure_target() -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc
        .args(["--print", "target-libdir", "--target", TARGET])
        .stderr(Stdio::null());
    let printed = rustc
        .output()
        .context("`rustc` cannot be started; install Rust by rustup")?;
    let libraries = String::from_utf8_lossy(&printed.stdout);
    if printed.status.success() && Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    say::step(&format!(
        "Fetching Rust's {TARGET} target: rustup target add {TARGET}"
    ));
    cargo::status(
        Command::new("rustup")
            .args(["target", "add", TARGET])
            .stdout(std::io::stderr()),
    )
    .with_context(|| format!("components are compiled to {TARGET}, which is not installed"))
}

fn build_into(workspace: &Workspace, from: &str, to: &Path) -> Result<()> {
    let packages = workspace.components_under(from);
    if packages.is_empty() {
        bail!("no member of the workspace under {from} has the crate type cdylib");
    }
    let count: usize = packages
        .iter()
        .map(|package| usize::from(package.library) + package.examples.len())
        .sum();
    say::step(&format!(
        "Building {count} components of {from} into {}",
        workspace.show(to)
    ));
    let artifacts = workspace.build(arguments(&packages))?;
    std::fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    let mut made = BTreeSet::new();
    for artifact in &artifacts {
        let Some(file) = artifact
            .files
            .iter()
            .find(|file| has_extension(file, "wasm"))
        else {
            continue;
        };
        let name = component_name(artifact).context("a component has no name")?;
        install(file, &to.join(&name))
            .with_context(|| format!("{} cannot be copied", file.display()))?;
        made.insert(name);
    }
    if made.len() != count {
        bail!(
            "{count} components were to be built from {from}, but cargo made {}",
            made.len()
        );
    }
    remove_others(to, &made)
}

fn arguments(packages: &[ComponentPackage]) -> Vec<&str> {
    let mut arguments = vec!["--target", TARGET, "--profile", "connector"];
    for package in packages {
        arguments.extend(["--package", &package.name]);
    }
    if packages.iter().any(|package| package.library) {
        arguments.push("--lib");
    }
    for example in packages.iter().flat_map(|package| &package.examples) {
        arguments.extend(["--example", example]);
    }
    arguments
}

fn component_name(artifact: &Artifact) -> Option<OsString> {
    let mut name = if artifact.example {
        OsString::from(&artifact.name)
    } else {
        artifact.folder.file_name()?.to_os_string()
    };
    name.push(".wasm");
    Some(name)
}

/// Puts a file in its place in one step, so that nobody reads half of it; left alone where it is the
/// same already.
fn install(from: &Path, to: &Path) -> std::io::Result<()> {
    let new = std::fs::read(from)?;
    if std::fs::read(to).is_ok_and(|old| old == new) {
        return Ok(());
    }
    let half = to.with_extension(format!("{}.half", std::process::id()));
    std::fs::write(&half, &new)?;
    std::fs::rename(&half, to)
}

/// A component whose source is gone must not be found any more.
fn remove_others(folder: &Path, keep: &BTreeSet<OsString>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if has_extension(&entry.path(), "wasm") && !keep.contains(&entry.file_name()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn artifact(folder: &str, name: &str, example: bool) -> Artifact {
        Artifact {
            folder: folder.into(),
            name: name.into(),
            example,
            files: vec![],
            executable: None,
        }
    }

    #[test]
    fn a_component_is_named_by_its_folder_or_its_example() {
        let library = artifact(
            "/w/connectors/personio",
            "matricula_connector_personio",
            false,
        );
        assert_eq!(component_name(&library).unwrap(), "personio.wasm");
        let example = artifact("/w/tests/fixtures", "panics", true);
        assert_eq!(component_name(&example).unwrap(), "panics.wasm");
    }

    #[test]
    fn cargo_is_asked_for_exactly_what_was_found() {
        let packages = [
            ComponentPackage {
                name: "a".into(),
                library: true,
                examples: vec![],
            },
            ComponentPackage {
                name: "b".into(),
                library: false,
                examples: vec!["x".into()],
            },
        ];
        assert_eq!(
            arguments(&packages).join(" "),
            "--target wasm32-wasip2 --profile connector --package a --package b --lib --example x"
        );
    }
}
