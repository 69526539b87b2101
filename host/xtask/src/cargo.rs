//! Calls cargo, and reads from it what the workspace holds and what was built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Selects all programs. Always the whole workspace: cargo chooses the features of dependencies for what is
/// built together, and another selection would compile wasmtime once more.
pub(crate) const PROGRAMS: [&str; 2] = ["--workspace", "--bins"];

/// The workspace, as `cargo metadata` describes it.
pub(crate) struct Workspace {
    /// Where Cargo.toml lies.
    pub(crate) root: PathBuf,
    /// Where cargo builds.
    pub(crate) target: PathBuf,
    metadata: Value,
}

/// Something that cargo built.
pub(crate) struct Artifact {
    /// The folder of its package.
    pub(crate) folder: PathBuf,
    /// The name of the target within the package.
    pub(crate) name: String,
    /// Whether the target is an example.
    pub(crate) example: bool,
    /// The files.
    pub(crate) files: Vec<PathBuf>,
    /// The program, where it is one.
    pub(crate) executable: Option<PathBuf>,
}

impl Workspace {
    /// The workspace that this program belongs to.
    pub(crate) fn find() -> Result<Self> {
        let mut command = cargo();
        // Set by `cargo run` where this program is started as meant; else the present folder counts.
        if let Some(folder) = std::env::var_os("CARGO_MANIFEST_DIR") {
            command.current_dir(folder);
        }
        command.args(["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: Value = serde_json::from_slice(&output(&mut command)?)?;
        let path = |name: &str| {
            let path = metadata.get(name).and_then(Value::as_str);
            path.map(PathBuf::from)
                .with_context(|| format!("cargo metadata gives no {name}"))
        };
        Ok(Self {
            root: path("workspace_root")?,
            target: path("target_directory")?,
            metadata,
        })
    }

    /// A path as it is best shown: from the root of the workspace on.
    pub(crate) fn show<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }

    /// The packages under a folder of the workspace that make a component: name, and whether the library
    /// and which examples are of crate type cdylib.
    pub(crate) fn components_under(&self, folder: &str) -> Vec<ComponentPackage> {
        let root = self.root.join(folder);
        let packages = self.metadata.get("packages").and_then(Value::as_array);
        packages
            .into_iter()
            .flatten()
            .filter_map(|package| ComponentPackage::of(package, &root))
            .collect()
    }

    /// `cargo <arguments>` at the root of the workspace, its output shown.
    pub(crate) fn cargo<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Result<()> {
        let mut command = cargo();
        command.current_dir(&self.root).args(arguments);
        // Standard output is for results; some of them are read by programs.
        command.stdout(std::io::stderr());
        status(&mut command)
    }

    /// `cargo build <arguments>`: what was built.
    pub(crate) fn build<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<Artifact>> {
        let mut command = cargo();
        command.current_dir(&self.root).arg("build").args(arguments);
        command.arg("--message-format=json-render-diagnostics");
        let messages = output(&mut command)?;
        let messages = messages.split(|byte| *byte == b'\n');
        Ok(messages
            .filter_map(|line| Artifact::of(&serde_json::from_slice(line).ok()?))
            .collect())
    }
}

/// The program of this name among what was built.
pub(crate) fn executable<'a>(artifacts: &'a [Artifact], name: &str) -> Result<&'a Path> {
    artifacts
        .iter()
        .filter(|artifact| artifact.name == name)
        .find_map(|artifact| artifact.executable.as_deref())
        .with_context(|| format!("cargo built no program `{name}`"))
}

/// A package with a component.
pub(crate) struct ComponentPackage {
    /// The package.
    pub(crate) name: String,
    /// Whether its library is one.
    pub(crate) library: bool,
    /// Those of its examples that are one each.
    pub(crate) examples: Vec<String>,
}

impl ComponentPackage {
    fn of(package: &Value, root: &Path) -> Option<Self> {
        let manifest = Path::new(package.get("manifest_path")?.as_str()?);
        if !manifest.starts_with(root) {
            return None;
        }
        let mut found = Self {
            name: package.get("name")?.as_str()?.to_owned(),
            library: false,
            examples: Vec::new(),
        };
        for target in package.get("targets")?.as_array()? {
            if !names(target, "crate_types").any(|kind| kind == "cdylib") {
                continue;
            }
            if names(target, "kind").any(|kind| kind == "example") {
                found
                    .examples
                    .push(target.get("name")?.as_str()?.to_owned());
            } else {
                found.library = true;
            }
        }
        (found.library || !found.examples.is_empty()).then_some(found)
    }
}

impl Artifact {
    fn of(message: &Value) -> Option<Self> {
        if message.get("reason")?.as_str()? != "compiler-artifact" {
            return None;
        }
        let target = message.get("target")?;
        let manifest = Path::new(message.get("manifest_path")?.as_str()?);
        Some(Self {
            folder: manifest.parent()?.to_path_buf(),
            name: target.get("name")?.as_str()?.to_owned(),
            example: names(target, "kind").any(|kind| kind == "example"),
            files: names(message, "filenames").map(PathBuf::from).collect(),
            executable: message
                .get("executable")
                .and_then(Value::as_str)
                .map(PathBuf::from),
        })
    }
}

fn names<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a str> {
    let list = value.get(field).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// Cargo as a user calls it. `cargo run` tells this program about its own package by variables; build
/// scripts that watch these would run again at every change between a plain cargo and this one.
fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end; an error if it fails.
pub(crate) fn status(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command
        .status()
        .with_context(|| format!("`{shown}` cannot be started"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status}); what it says above tells why");
    }
    Ok(())
}

/// Runs a command to its end; its standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let shown = show(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let output = command
        .output()
        .with_context(|| format!("`{shown}` cannot be started"))?;
    if !output.status.success() {
        bail!(
            "`{shown}` failed ({}); what it says above tells why",
            output.status
        );
    }
    Ok(output.stdout)
}

/// A command as one would type it.
pub(crate) fn show(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str());
    let mut shown = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.to_string_lossy());
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(path: &str, targets: Value) -> Value {
        json!({ "name": "p", "manifest_path": path, "targets": targets })
    }

    #[test]
    fn a_component_is_known_by_its_crate_type() {
        let library =
            json!([{ "name": "p", "kind": ["cdylib", "rlib"], "crate_types": ["cdylib", "rlib"] }]);
        let found = ComponentPackage::of(
            &package("/w/connectors/p/Cargo.toml", library.clone()),
            Path::new("/w/connectors"),
        );
        let found = found.unwrap();
        assert!(found.library && found.examples.is_empty());
        let elsewhere = ComponentPackage::of(
            &package("/w/host/p/Cargo.toml", library),
            Path::new("/w/connectors"),
        );
        assert!(elsewhere.is_none());
        let examples = json!([
            { "name": "p", "kind": ["lib"], "crate_types": ["lib"] },
            { "name": "panics", "kind": ["example"], "crate_types": ["cdylib"] },
            { "name": "native", "kind": ["example"], "crate_types": ["bin"] },
        ]);
        let found = ComponentPackage::of(
            &package("/w/tests/fixtures/Cargo.toml", examples),
            Path::new("/w/tests/fixtures"),
        )
        .unwrap();
        assert!(!found.library);
        assert_eq!(found.examples, ["panics"]);
        let plain = json!([{ "name": "p", "kind": ["lib"], "crate_types": ["lib"] }]);
        assert!(
            ComponentPackage::of(&package("/w/p/Cargo.toml", plain), Path::new("/w")).is_none()
        );
    }

    #[test]
    fn what_was_built_is_read_from_cargos_messages() {
        let built = Artifact::of(&json!({
            "reason": "compiler-artifact",
            "manifest_path": "/w/tests/sandbox/Cargo.toml",
            "target": { "name": "matricula-sandbox", "kind": ["bin"] },
            "filenames": ["/t/debug/matricula-sandbox"],
            "executable": "/t/debug/matricula-sandbox",
        }))
        .unwrap();
        assert_eq!(built.folder, Path::new("/w/tests/sandbox"));
        assert!(!built.example);
        assert_eq!(
            executable(&[built], "matricula-sandbox").unwrap(),
            Path::new("/t/debug/matricula-sandbox")
        );
        assert!(executable(&[], "matricula").is_err());
        assert!(Artifact::of(&json!({ "reason": "build-finished" })).is_none());
    }

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("/some/where/cargo");
        command.args(["build", "--bins"]);
        assert_eq!(show(&command), "cargo build --bins");
    }
}
