//! The last part of the demonstration: the page inside a vendor's own, with the flows started by the vendor's customer.
//!
//! The customer has a sandbox of their own: to the one of the command line nothing would be left to do.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Options;
use crate::cargo::Workspace;
use crate::served::{Programs, Served};
use crate::{page, say};

/// Starts all of it; nothing without Node, or if the page is not wanted.
pub(super) fn start(
    workspace: &Workspace,
    programs: &Programs,
    options: &Options,
) -> Result<Option<Served>> {
    if options.once || (options.json && !options.stay) {
        return Ok(None);
    }
    if !page::has_node() {
        say::line("notice: without Node there is no page to show; the demonstration ends here");
        return Ok(None);
    }
    say::step("Starting `matricula serve`, and the example of a vendor's page that has it in it");
    let folder = workspace.target.join("demo/vendor");
    let served = Served::start(workspace, programs, &folder, &options.sandbox())?;
    say::step("Adding the credentials of the vendor's customer, by the API");
    let mut credentials = HashMap::new();
    for &connector in options.system.connectors {
        credentials.insert(connector, served.add_credential(connector)?);
    }
    let of = |connector: &str| {
        let id = credentials.get(connector).map(String::as_str);
        id.with_context(|| format!("no credential for {connector} was added"))
    };
    for flow in options.system.flows {
        let (source, target) = (of(flow.source)?, of(flow.target)?);
        let automation = served.start_automation(flow.name, source, target, &flow.settings())?;
        say::step(&format!(
            "Started {}: {}",
            flow.name,
            first_run(&automation)
        ));
    }
    Ok(Some(served))
}

/// What the first run did.
fn first_run(automation: &Value) -> String {
    let counts = automation.pointer("/last_run/counts");
    let counts = counts.and_then(Value::as_object).into_iter().flatten();
    let mut said = String::new();
    for (name, count) in counts.filter(|(_, count)| count.as_u64().unwrap_or(0) > 0) {
        let comma = if said.is_empty() { "" } else { ", " };
        // Writing into a string cannot fail.
        let _ = write!(said, "{comma}{count} {name}");
    }
    said
}

/// Says where the page is, and keeps all running where somebody can look at it.
pub(super) fn show(served: Served, stay: bool, invite: impl FnOnce() -> Result<()>) -> Result<()> {
    let address = served.vendor.address.clone();
    let terminal = std::io::stdout().is_terminal();
    say::out(&format!(
        "\nNorthwind Academy, with My Flows in its settings: {address}\n"
    ))?;
    if !stay && !terminal {
        say::line(
            "It ends here, as nobody is at a terminal; `cargo xtask demo --stay` keeps it running.",
        );
        return Ok(());
    }
    invite()?;
    if terminal {
        open(&address);
    }
    say::line("Everything runs until Ctrl-C.");
    served.wait()
}

/// Opens the page where there is a desktop; the address has been printed, whether or not that works.
fn open(address: &str) {
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    if desktop {
        let _ = Command::new("xdg-open")
            .arg(address)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }
}
