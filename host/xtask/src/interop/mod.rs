//! What others' code says of what the connectors send.
//!
//! The sandbox is ours as the connectors are, so both could share a misreading. Here the other side is somebody else's:
//! a SCIM server that knows nothing of us is filled and compared with the source, two judges of SCIM read what it was
//! sent, and requests to Personio, Engagedly and Kombo are held against the vendors' own `OpenAPI` files. Those
//! files are not ours to hand on: they are read where they are, and without them that part is left out with a notice.
//!
//! The judges are Python's; the scripts in `tests/interop` say why these.

mod connect;
mod described;
mod product;
mod proxy;
mod scim;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::cargo::{self, Workspace};
use crate::python::{Environment, WANTED};
use crate::say;
use crate::served::Programs;

/// The scripts, and the versions of what they are made of.
const FOLDER: &str = "tests/interop";
/// Where the vendors' files are looked for unless it is said, from the root of the workspace.
const SPECS: &str = "../shared/specs";
/// Names another folder.
const VARIABLE: &str = "MATRICULA_SPECS";

/// How the checks are asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    specs: Option<PathBuf>,
}

impl Options {
    /// Reads them from arguments.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let folder = match argument.split_once('=') {
                Some(("--specs", folder)) => Some(folder),
                None if argument == "--specs" => arguments.next().map(String::as_str),
                _ => bail!(
                    "`interop` does not know {argument}; `cargo xtask help` lists its options"
                ),
            };
            let folder = PathBuf::from(folder.context("--specs needs a folder")?);
            let found = std::path::absolute(&folder)
                .ok()
                .filter(|path| path.is_dir());
            options.specs =
                Some(found.with_context(|| format!("there is no folder {}", folder.display()))?);
        }
        Ok(options)
    }

    /// The folder of the vendors' files, where there is one.
    fn specs(self, workspace: &Workspace) -> Option<PathBuf> {
        let named = || std::env::var_os(VARIABLE).map(PathBuf::from);
        let usual = || Some(workspace.root.join(SPECS)).filter(|folder| folder.is_dir());
        self.specs.or_else(named).or_else(usual)
    }
}

/// Runs all of it; with a notice where something it needs is missing.
///
/// # Errors
/// If anything that was sent is wrong, or a system does not hold what it should.
pub(crate) fn run(workspace: &Workspace, programs: &Programs, options: Options) -> Result<()> {
    let list = format!("{FOLDER}/requirements.txt");
    let Some(environment) = Environment::of(workspace, "interop", &list)? else {
        say::step(&format!(
            "What the connectors send was not checked by others: that needs {WANTED}"
        ));
        return Ok(());
    };
    say::step("Checking that the checks can fail: python -m unittest in tests/interop");
    let mut command = environment.python();
    command
        .current_dir(workspace.root.join(FOLDER))
        .args(["-m", "unittest", "--quiet"])
        .stdout(std::io::stderr());
    cargo::status(&mut command)?;
    match options.specs(workspace) {
        Some(specs) => described::check(workspace, &environment, programs, &specs)?,
        None => say::step(&format!(
            "Requests were not held against the vendors' OpenAPI files, which are not part of this repository: \
             name their folder by --specs or {VARIABLE}"
        )),
    }
    scim::check(workspace, &environment, programs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        let owned: Vec<String> = arguments.iter().map(|&one| one.to_owned()).collect();
        Options::parse(&owned)
    }

    #[test]
    fn a_folder_that_is_not_there_is_refused() {
        assert_eq!(parse(&[]).unwrap(), Options::default());
        assert!(parse(&["--specs", "."]).unwrap().specs.is_some());
        assert!(parse(&["--specs=."]).unwrap().specs.is_some());
        for wrong in [
            &["--specs"][..],
            &["--specs", "no-such-folder"],
            &["--fast"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
