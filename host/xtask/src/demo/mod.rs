//! The demonstration: people from an HR system appear in another system, an academy's certificates in their
//! files, and a second cycle of either writes nothing.
//!
//! Everything is real but the remote systems: the binary, the components, HTTP sockets, a database
//! file. The commands are those that a user would type. At the end the page is there to be looked at.

mod matricula;
mod page;
mod systems;
mod tables;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo::Workspace;
use crate::sandbox::Sandbox;
use crate::served::Programs;
use crate::{connectors, say};
use matricula::Matricula;
pub(crate) use systems::access;
use systems::{Flow, SYSTEMS, Shows, System};
use tables::{
    counted_writes, documents, engagedly_users, groups, plan_in_short, scim_accounts, summaries,
    writes,
};

/// The exit code of a run in which somebody failed, is staged or is ambiguous.
const PARTIAL: i32 = 6;

/// The exit code of a test of a credential that found something missing.
const LACKING: i32 = 5;

/// How the demonstration is asked for.
#[derive(Debug)]
pub(crate) struct Options {
    system: &'static System,
    /// The system's own number unless it is given.
    people: Option<u32>,
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
            system: SYSTEMS.first().context("there is nothing to show")?,
            people: None,
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
                "--system" => options.system = systems::find(value()?)?,
                "--people" => {
                    let text = value()?;
                    let number = text.parse();
                    options.people =
                        Some(number.with_context(|| format!("--people {text} is no number"))?);
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
            None => {
                let people = self.people.unwrap_or(self.system.people);
                ("--people", people.to_string())
            }
        };
        vec![
            name.to_owned(),
            value,
            "--certificates".to_owned(),
            self.certificates.to_string(),
        ]
    }
}

/// Builds everything, runs the system's flows, each twice, and shows the page.
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

    let system = options.system;
    say::step(&format!(
        "Starting the sandbox: a Personio account and {} on this machine",
        system.title
    ));
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
    for connector in system.connectors {
        matricula.add(connector)?;
    }
    for flow in system.flows {
        matricula.json(&["flow", "check", flow.name], &[])?;
        say::step(&format!("Flow {} checked", flow.name));
        for connector in [flow.source, flow.target] {
            let test = ["credential", "test", connector, "--flow", flow.name];
            let tested = matricula.json(&test, &[LACKING])?;
            let account = tested.get("account").and_then(Value::as_str);
            say::step(&format!(
                "Credential {connector} tested: connected as {}{}",
                account.unwrap_or("yes"),
                left_out(&lacking(&tested)?)
            ));
        }
        two_cycles(&matricula, &sandbox, options, flow)?;
        if !options.json {
            look(&sandbox, flow.shows)?;
        }
    }
    match page::start(workspace, &programs, options)? {
        Some(served) => page::show(served, options.stay, || matricula.invite(system)),
        None => Ok(()),
    }
}

/// What a test of a credential found missing that a run can do without, by the names that owners know.
///
/// # Errors
/// The credential itself was not accepted, which is the first thing that a test looks at.
pub(crate) fn lacking(report: &Value) -> Result<Vec<&str>> {
    let findings = report.get("findings").and_then(Value::as_array);
    let findings = findings.context("the test of a credential says nothing")?;
    let fine = |finding: &&Value| finding.get("ok").and_then(Value::as_bool) == Some(true);
    if findings.first().is_some_and(|first| !fine(&first)) {
        bail!("the credential was not accepted: {report}");
    }
    let missing = findings.iter().filter(|finding| !fine(finding));
    Ok(missing
        .filter_map(|finding| finding.get("subject")?.as_str())
        .collect())
}

fn left_out(lacking: &[&str]) -> String {
    if lacking.is_empty() {
        return String::new();
    }
    format!("; not offered there and left out: {}", lacking.join(", "))
}

/// Shows what a flow has brought about.
fn look(sandbox: &Sandbox, shows: Shows) -> Result<()> {
    let people = || -> Result<u64> {
        let people = sandbox.stats()?.get("people").and_then(Value::as_u64);
        people.context("the sandbox does not say how many people there are")
    };
    let page = match shows {
        Shows::Accounts(service) => scim_accounts(people()?, &sandbox.accounts(service)?),
        Shows::Groups(service) => {
            let mut page = scim_accounts(people()?, &sandbox.accounts(service)?);
            page.push_str(&groups(&sandbox.groups(service)?));
            page
        }
        Shows::Engagedly => engagedly_users(people()?, &sandbox.engagedly_users()?),
        Shows::Documents => documents(&sandbox.documents()?, &sandbox.categories()?),
    };
    say::out(&page)
}

/// Shows what a flow would do, then runs it twice; the second time must find nothing to do.
fn two_cycles(
    matricula: &Matricula<'_>,
    sandbox: &Sandbox,
    options: &Options,
    flow: &'static Flow,
) -> Result<()> {
    let settings: Vec<String> = flow
        .settings
        .iter()
        .map(|(name, json)| format!("{name}={json}"))
        .collect();
    let with_settings = |arguments: &[&'static str]| {
        let mut all = arguments.to_vec();
        for setting in &settings {
            all.extend(["--setting", setting]);
        }
        all.iter()
            .map(|&argument| argument.to_owned())
            .collect::<Vec<String>>()
    };
    let flow = flow.name;
    let plan = matricula.json(&texts(&with_settings(&["plan", flow])), &[])?;
    say::step(&format!(
        "Plan of {flow}, nothing written yet: {}",
        plan_in_short(&plan)
    ));
    let mut cycles = Vec::new();
    for (name, arguments) in [
        ("First", with_settings(&["run", flow])),
        ("Second", with_settings(&["run", flow, "--full"])),
    ] {
        say::step(&format!("{name} cycle: matricula {}", arguments.join(" ")));
        let before = writes(&sandbox.stats()?)?;
        let summary = matricula.json(&texts(&arguments), &[PARTIAL])?;
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

fn texts(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
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
    fn what_is_missing_is_told_from_what_is_not_accepted() {
        let report = |first: bool| {
            serde_json::json!({ "findings": [
                { "ok": first, "subject": "Token" },
                { "ok": false, "subject": "Birthday" },
                { "ok": true, "subject": "E-mail" },
            ] })
        };
        assert_eq!(lacking(&report(true)).unwrap(), ["Birthday"]);
        assert!(lacking(&report(false)).is_err());
        assert!(lacking(&Value::Null).is_err());
        assert_eq!(
            left_out(&["Birthday"]),
            "; not offered there and left out: Birthday"
        );
    }

    #[test]
    fn options_are_read_and_nonsense_is_refused() {
        let options = parse(&["--people", "7", "--json", "--once"]).unwrap();
        assert_eq!(
            (
                options.system.name,
                options.people,
                options.json,
                options.once,
                options.stay
            ),
            ("reteach", Some(7), true, true, false)
        );
        assert_eq!(
            parse(&["--people=9"]).unwrap().sandbox(),
            ["--people", "9", "--certificates", "50"]
        );
        let engagedly = parse(&["--system", "engagedly"]).unwrap();
        assert_eq!(engagedly.sandbox()[..2], ["--people", "30"]);
        for wrong in [
            &["--people"][..],
            &["--people", "x"],
            &["--certificates", "-1"],
            &["--fast"],
            &["--system"],
            &["--system", "moodle"],
            &["--once", "--stay"],
            &["--employees", "no-such-file"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
