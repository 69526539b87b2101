//! The demonstration: people from a Personio account appear in a reteach academy, their certificates in
//! their files in Personio, and a second cycle of either writes nothing.
//!
//! Everything is real but the two remote systems: the binary, the components, HTTP sockets, a database
//! file. The commands are those that a user would type. At the end the page is there to be looked at.

mod matricula;
mod page;
mod tables;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::cargo::Workspace;
use crate::sandbox::{SCIM_URL, Sandbox};
use crate::served::Programs;
use crate::{connectors, say};
use matricula::Matricula;
use tables::{academy, counted_writes, documents, plan_in_short, some_accounts, summaries, writes};

const EMPLOYEES: &str = "sync-employees";
const CERTIFICATES: &str = "sync-certificates";

/// The exit code of a run in which somebody failed, is staged or is ambiguous.
const PARTIAL: i32 = 6;

/// How the demonstration is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    people: u32,
    certificates: u32,
    employees: Option<PathBuf>,
    json: bool,
    once: bool,
    stay: bool,
}

impl Options {
    /// Reads them from arguments.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            people: 200,
            certificates: 50,
            employees: None,
            json: false,
            once: false,
            stay: false,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (argument.as_str(), None),
            };
            let mut value = || {
                inline
                    .or_else(|| arguments.next().map(String::as_str))
                    .with_context(|| format!("{name} needs a value"))
            };
            match name {
                "--people" => {
                    let text = value()?;
                    options.people = text
                        .parse()
                        .with_context(|| format!("--people {text} is no number"))?;
                }
                "--certificates" => {
                    let text = value()?;
                    options.certificates = text
                        .parse()
                        .with_context(|| format!("--certificates {text} is no number"))?;
                }
                "--employees" => {
                    let file = PathBuf::from(value()?);
                    let found = std::path::absolute(&file)
                        .ok()
                        .filter(|file| file.is_file());
                    let missing = || format!("there is no file {}", file.display());
                    options.employees = Some(found.with_context(missing)?);
                }
                "--json" => options.json = true,
                "--once" => options.once = true,
                "--stay" => options.stay = true,
                other => {
                    bail!("`demo` does not know {other}; `cargo xtask help` lists its options")
                }
            }
        }
        if options.once && options.stay {
            bail!("--once and --stay contradict each other");
        }
        Ok(options)
    }

    fn sandbox(&self) -> Vec<String> {
        let (name, value) = match &self.employees {
            Some(file) => ("--employees", file.to_string_lossy().into_owned()),
            None => ("--people", self.people.to_string()),
        };
        vec![
            name.to_owned(),
            value,
            "--certificates".to_owned(),
            self.certificates.to_string(),
        ]
    }
}

/// Builds everything, runs both flows, each twice, and shows the page.
///
/// # Errors
/// If anything fails, or a second cycle writes something.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = connectors::build(workspace)?;
    // The program carries what it finds of the page.
    crate::page::build(workspace)?;
    say::step("Building the sandbox and matricula; the first time takes some minutes");
    // The whole workspace, so that its dependencies have the features that the tests build them with: a
    // selection of packages would compile the WebAssembly runtime a second time.
    let artifacts = workspace.build(["--workspace", "--bins"])?;
    let programs = Programs::of(&artifacts, folder)?;

    say::step("Starting the sandbox: a Personio account and a reteach academy on this machine");
    let sandbox = Sandbox::start(&programs.sandbox, &options.sandbox())?;
    let data = workspace.target.join("demo/cli");
    if data.exists() {
        std::fs::remove_dir_all(&data)
            .with_context(|| format!("{} is in the way", data.display()))?;
    }
    let matricula = Matricula {
        program: &programs.matricula,
        workspace,
        folder: &programs.connectors,
        data: &data,
        sandbox: &sandbox,
    };

    say::step("Adding the credentials; secrets go over standard input");
    matricula.add(
        "personio",
        "personio",
        json!({
            "client_id": "sandbox-personio-id",
            "client_secret": "sandbox-personio-secret",
        }),
    )?;
    matricula.add(
        "reteach",
        "academy",
        json!({
            "scim_url": SCIM_URL,
            "scim_token": "sandbox-scim-token",
            "client_id": "sandbox-reteach-id",
            "client_secret": "sandbox-reteach-secret",
            "client_code": "sandbox-reteach-code",
        }),
    )?;
    for flow in [EMPLOYEES, CERTIFICATES] {
        matricula.json(&["flow", "check", flow], &[])?;
        say::step(&format!("Flow {flow} checked"));
        for name in ["personio", "academy"] {
            let tested = matricula.json(&["credential", "test", name, "--flow", flow], &[])?;
            let account = tested.get("account").and_then(Value::as_str);
            say::step(&format!(
                "Credential {name} tested: connected as {}",
                account.unwrap_or("yes")
            ));
        }
    }
    two_cycles(&matricula, &sandbox, options, EMPLOYEES)?;
    if !options.json {
        say::out(&academy(&sandbox.stats()?))?;
        say::out(&some_accounts(&sandbox.accounts()?))?;
    }
    two_cycles(&matricula, &sandbox, options, CERTIFICATES)?;
    if !options.json {
        say::out(&documents(&sandbox.documents()?, &sandbox.categories()?))?;
    }
    match page::start(workspace, &programs, options)? {
        Some(served) => page::show(served, options.stay, || matricula.invite()),
        None => Ok(()),
    }
}

/// Shows what a flow would do, then runs it twice; the second time must find nothing to do.
fn two_cycles(
    matricula: &Matricula<'_>,
    sandbox: &Sandbox,
    options: &Options,
    flow: &'static str,
) -> Result<()> {
    let plan = matricula.json(&["plan", flow], &[])?;
    say::step(&format!(
        "Plan of {flow}, nothing written yet: {}",
        plan_in_short(&plan)
    ));
    let mut cycles = Vec::new();
    for (name, arguments) in [
        ("First", &["run", flow][..]),
        ("Second", &["run", flow, "--full"]),
    ] {
        say::step(&format!("{name} cycle: matricula {}", arguments.join(" ")));
        let before = writes(&sandbox.stats()?)?;
        let summary = matricula.json(arguments, &[PARTIAL])?;
        let written = writes(&sandbox.stats()?)?.saturating_sub(before);
        if options.json {
            say::out(&format!("{summary}\n"))?;
        }
        cycles.push((name, summary, written));
    }
    if !options.json {
        say::out(&summaries(flow, &cycles))?;
    }
    let (_, second, written) = cycles.last().context("nothing was run")?;
    if *written > 0 || counted_writes(second) > 0 {
        bail!(
            "the second cycle of {flow} wrote ({written} requests); it should find nothing to do"
        );
    }
    say::step(&format!(
        "The second cycle of {flow} wrote nothing, as it should."
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(
            &arguments
                .iter()
                .map(|argument| (*argument).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn options_are_read_and_nonsense_is_refused() {
        let options = parse(&["--people", "7", "--json", "--once"]).unwrap();
        assert_eq!(
            options,
            Options {
                people: 7,
                certificates: 50,
                employees: None,
                json: true,
                once: true,
                stay: false
            }
        );
        assert_eq!(
            parse(&["--people=9"]).unwrap().sandbox(),
            ["--people", "9", "--certificates", "50"]
        );
        for wrong in [
            &["--people"][..],
            &["--people", "x"],
            &["--certificates", "-1"],
            &["--fast"],
            &["--once", "--stay"],
            &["--employees", "no-such-file"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
