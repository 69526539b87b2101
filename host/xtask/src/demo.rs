//! The demonstration: people from a Personio account appear in a reteach academy, and a second cycle
//! writes nothing.
//!
//! Everything is real but the two remote systems: the binary, the components, HTTP sockets, a database
//! file. The commands are those that a user would type.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::cargo::{self, Workspace};
use crate::sandbox::{SCIM_URL, Sandbox};
use crate::{connectors, say};

const FLOW: &str = "sync-employees";

/// The exit code of a run in which somebody failed, is staged or is ambiguous.
const PARTIAL: i32 = 6;

/// How the demonstration is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    people: u32,
    employees: Option<PathBuf>,
    json: bool,
    stay: bool,
}

impl Options {
    /// Reads them from arguments.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            people: 200,
            employees: None,
            json: false,
            stay: false,
        };
        let mut once = false;
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
                "--employees" => {
                    let file = PathBuf::from(value()?);
                    let found = std::path::absolute(&file)
                        .ok()
                        .filter(|file| file.is_file());
                    let missing = || format!("there is no file {}", file.display());
                    options.employees = Some(found.with_context(missing)?);
                }
                "--json" => options.json = true,
                "--once" => once = true,
                "--stay" => options.stay = true,
                other => {
                    bail!("`demo` does not know {other}; `cargo xtask help` lists its options")
                }
            }
        }
        if once && options.stay {
            bail!("--once and --stay contradict each other");
        }
        Ok(options)
    }

    fn sandbox(&self) -> Vec<String> {
        match &self.employees {
            Some(file) => vec![
                "--employees".to_owned(),
                file.to_string_lossy().into_owned(),
            ],
            None => vec!["--people".to_owned(), self.people.to_string()],
        }
    }
}

/// Builds everything and runs the flow twice.
///
/// # Errors
/// If anything fails, or the second cycle writes something.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = connectors::build(workspace)?;
    say::step("Building the sandbox and matricula; the first time takes some minutes");
    // The whole workspace, so that its dependencies have the features that the tests build them with: a
    // selection of packages would compile the WebAssembly runtime a second time.
    let artifacts = workspace.build(["--workspace", "--bins"])?;
    let sandbox = cargo::executable(&artifacts, "matricula-sandbox")?;
    let program = cargo::executable(&artifacts, "matricula")?;

    say::step("Starting the sandbox: a Personio account and a reteach academy on this machine");
    let sandbox = Sandbox::start(sandbox, &options.sandbox())?;
    let data = workspace.target.join("demo");
    if data.exists() {
        std::fs::remove_dir_all(&data)
            .with_context(|| format!("{} is in the way", data.display()))?;
    }
    let matricula = Matricula {
        program,
        workspace,
        folder: &folder,
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
    for name in ["personio", "academy"] {
        let tested = matricula.json(&["credential", "test", name, "--flow", FLOW], &[])?;
        let account = tested
            .get("account")
            .and_then(Value::as_str)
            .unwrap_or("yes");
        say::step(&format!("Credential {name} tested: connected as {account}"));
    }
    matricula.json(&["flow", "check", FLOW], &[])?;
    say::step(&format!("Flow {FLOW} checked"));
    let plan = matricula.json(&["plan", FLOW], &[])?;
    say::step(&format!(
        "Plan, nothing written yet: {}",
        plan_in_short(&plan)
    ));

    let mut cycles = Vec::new();
    for (name, arguments) in [
        ("First", &["run", FLOW][..]),
        ("Second", &["run", FLOW, "--full"]),
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
        say::out(&summaries(&cycles, &sandbox.stats()?))?;
        say::out(&some_accounts(&sandbox.accounts()?))?;
    }
    let (_, second, written) = cycles.last().context("nothing was run")?;
    if *written > 0 || counted_writes(second) > 0 {
        bail!(
            "the second cycle wrote to the academy ({written} requests); it should find nothing to do"
        );
    }
    say::step("The second cycle wrote nothing, as it should.");
    if options.stay {
        matricula.invite()?;
        return sandbox.wait();
    }
    Ok(())
}

/// The binary with the options that lead it to the sandbox.
struct Matricula<'a> {
    program: &'a Path,
    workspace: &'a Workspace,
    folder: &'a Path,
    data: &'a Path,
    sandbox: &'a Sandbox,
}

impl Matricula<'_> {
    fn options(&self) -> Result<Vec<String>> {
        let show = |path: &Path| self.workspace.show(path).to_string();
        let mut options = vec![
            "--data".to_owned(),
            show(self.data),
            "--connectors".to_owned(),
            show(self.folder),
            "--flows".to_owned(),
            "flows".to_owned(),
        ];
        options.extend(self.sandbox.map_origins()?);
        Ok(options)
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(self.program);
        command
            .current_dir(&self.workspace.root)
            .args(arguments)
            .args(self.options()?);
        // What is set for a store of the user's own must not reach this one.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MATRICULA_") {
                command.env_remove(name);
            }
        }
        Ok(command)
    }

    fn add(&self, connector: &str, name: &str, fields: Value) -> Result<()> {
        let mut command = self.command(&["credential", "add", connector, "--name", name])?;
        command.stdin(Stdio::piped()).stdout(std::io::stderr());
        let mut child = command.spawn().context("matricula cannot be started")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(fields.to_string().as_bytes())?;
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("the credential {name} was not added ({status})");
        }
        Ok(())
    }

    /// The JSON document that a command prints; `also` are exit codes that are no failure.
    fn json(&self, arguments: &[&str], also: &[i32]) -> Result<Value> {
        let mut command = self.command(arguments)?;
        command
            .arg("--json")
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        let Output { status, stdout, .. } =
            command.output().context("matricula cannot be started")?;
        if !status.success() && !status.code().is_some_and(|code| also.contains(&code)) {
            say::line(String::from_utf8_lossy(&stdout).trim_end());
            bail!("`matricula {}` failed ({status})", arguments.join(" "));
        }
        serde_json::from_slice(&stdout).with_context(|| {
            format!(
                "`matricula {}` printed no JSON document",
                arguments.join(" ")
            )
        })
    }

    /// What to try while the sandbox runs.
    fn invite(&self) -> Result<()> {
        let program = self.workspace.show(self.program);
        let mut text =
            format!("\nThe sandbox keeps running until Ctrl-C. To try:\n\n  alias m='{program}");
        for option in self.options()? {
            write!(text, " {option}")?;
        }
        text.push_str("'\n");
        for arguments in [
            format!("plan {FLOW}"),
            format!("run {FLOW}"),
            "runs".to_owned(),
            "run show 1".to_owned(),
            "connector inspect personio".to_owned(),
            "credential test academy".to_owned(),
        ] {
            writeln!(text, "  m {arguments}")?;
        }
        say::line(&text);
        Ok(())
    }
}

/// Counts by outcome, and how many for each reason.
fn plan_in_short(plan: &Value) -> String {
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for person in plan
        .get("people")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if let Some(code) = person.get("code").and_then(Value::as_str) {
            *reasons.entry(code).or_default() += 1;
        }
    }
    let mut said = counts(plan)
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect::<Vec<_>>()
        .join(", ");
    if !reasons.is_empty() {
        let reasons: Vec<_> = reasons
            .iter()
            .map(|(code, count)| format!("{count} {code}"))
            .collect();
        said.push_str(&format!("; among them {}", reasons.join(", ")));
    }
    said
}

fn counts(summary: &Value) -> impl Iterator<Item = (&str, u64)> {
    let counts = summary.get("counts").and_then(Value::as_object);
    counts
        .into_iter()
        .flatten()
        .map(|(name, count)| (name.as_str(), count.as_u64().unwrap_or(0)))
}

/// What a cycle says that it wrote.
fn counted_writes(summary: &Value) -> u64 {
    let written = ["created", "updated", "deactivated", "reactivated"];
    counts(summary)
        .filter(|(name, _)| written.contains(name))
        .map(|(_, count)| count)
        .sum()
}

/// How many write requests the academy itself saw.
fn writes(stats: &Value) -> Result<u64> {
    let seen = |name| stats.pointer(name).and_then(Value::as_u64);
    let sum = seen("/writes/scim")
        .zip(seen("/writes/reteach"))
        .map(|(scim, rest)| scim + rest);
    sum.context("the sandbox does not say how many writes it saw")
}

/// Both cycles side by side, and what the academy holds now.
fn summaries(cycles: &[(&str, Value, u64)], stats: &Value) -> String {
    let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "-".to_owned(),
    };
    let mut row = |name, cell: &dyn Fn(&Value) -> String| {
        rows.push((
            name,
            cycles.iter().map(|(_, summary, _)| cell(summary)).collect(),
        ));
    };
    row("cycle", &|summary| text(summary.get("cycle")));
    row("status", &|summary| text(summary.get("status")));
    for name in [
        "created",
        "updated",
        "unchanged",
        "deactivated",
        "reactivated",
        "skipped",
        "staged",
        "ambiguous",
        "failed",
    ] {
        row(name, &|summary| {
            text(summary.pointer(&format!("/counts/{name}")))
        });
    }
    row("requests to Personio", &|summary| {
        text(summary.pointer("/requests/source"))
    });
    row("requests to reteach", &|summary| {
        text(summary.pointer("/requests/target"))
    });
    row("milliseconds", &|summary| text(summary.get("elapsed_ms")));
    let mut page = format!("\n{:22}", FLOW);
    for (name, _, _) in cycles {
        page.push_str(&format!("{name:>12}"));
    }
    page.push('\n');
    for (name, cells) in rows {
        page.push_str(&format!("  {name:20}"));
        for cell in cells {
            page.push_str(&format!("{cell:>12}"));
        }
        page.push('\n');
    }
    let stat = |name: &str| text(stats.get(name));
    page.push_str(&format!(
        "\nThe academy now has {} accounts for {} people, {} of them blocked.\n",
        stat("accounts"),
        stat("people"),
        stat("blocked")
    ));
    page
}

/// A few of the accounts: some that can be used, some that are blocked.
fn some_accounts(accounts: &Value) -> String {
    let text = |account: &Value, at: &str| {
        let value = account.pointer(at).and_then(Value::as_str);
        value.unwrap_or("-").to_owned()
    };
    let of = |active: bool| {
        let accounts = accounts.as_array().into_iter().flatten();
        accounts
            .filter(move |account| account.get("active") == Some(&Value::Bool(active)))
            .take(4)
    };
    let mut page = String::from("\nSome of them:\n");
    for account in of(true).chain(of(false)) {
        let name = format!(
            "{} {}",
            text(account, "/name/givenName"),
            text(account, "/name/familyName")
        );
        let state = match account.get("active") {
            Some(Value::Bool(true)) => "active",
            _ => "blocked",
        };
        let enterprise = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department";
        page.push_str(&format!(
            "  {name:26} {:24} {:18} {state}\n",
            text(account, "/title"),
            text(account, enterprise)
        ));
    }
    page
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
                employees: None,
                json: true,
                stay: false
            }
        );
        assert_eq!(parse(&["--people=9"]).unwrap().sandbox(), ["--people", "9"]);
        for wrong in [
            &["--people"][..],
            &["--people", "x"],
            &["--fast"],
            &["--once", "--stay"],
            &["--employees", "no-such-file"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_write_in_a_summary_is_noticed() {
        let summary = |name: &str| json!({ "counts": { name: 1, "unchanged": 9, "failed": 3 } });
        for name in ["created", "updated", "deactivated", "reactivated"] {
            assert_eq!(counted_writes(&summary(name)), 1, "{name}");
        }
        assert_eq!(counted_writes(&summary("skipped")), 0);
    }

    #[test]
    fn the_academys_own_count_must_be_there() {
        let stats = json!({ "writes": { "personio": 9, "reteach": 1, "scim": 2 } });
        assert_eq!(writes(&stats).unwrap(), 3);
        assert!(writes(&json!({ "writes": 3 })).is_err());
    }

    #[test]
    fn a_plan_in_short_counts_reasons() {
        let plan = json!({
            "counts": { "created": 3, "updated": 0 },
            "people": [{ "code": "end-reached" }, { "code": "end-reached" }, { "code": null }],
        });
        assert_eq!(plan_in_short(&plan), "3 created; among them 2 end-reached");
    }
}
