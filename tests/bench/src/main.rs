//! Measures the budgets of the design (§10) and holds the product to them.
//!
//! The sandbox is a process of its own, so that its work is not taken for ours. What a user waits for is
//! measured as a user meets it, on the whole process; what happens millions of times is measured alone.
//! Prints a table, writes `target/bench.json`, and ends with 1 if a budget is missed.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a table"
)]

mod calls;
mod cycles;
mod documents;
mod fleet;
mod page;
mod process;
mod quiet;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::table::Table;

/// Where everything lies that is measured.
pub(crate) struct Places {
    pub(crate) matricula: PathBuf,
    pub(crate) sandbox: PathBuf,
    pub(crate) connectors: PathBuf,
    pub(crate) flows: PathBuf,
}

impl Places {
    /// Everything relative to the target folder that this program lies in.
    fn find() -> Result<Self> {
        let here = std::env::current_exe()?;
        let profile = here.parent().context("the program lies in no folder")?;
        let target = profile
            .parent()
            .context("the profile's folder lies in no folder")?;
        let places = Self {
            matricula: profile.join("matricula"),
            sandbox: profile.join("matricula-sandbox"),
            connectors: target.join("connectors"),
            flows: PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../flows")),
        };
        for needed in [&places.matricula, &places.sandbox, &places.connectors] {
            if !needed.exists() {
                bail!("{} is missing: run `cargo xtask bench`", needed.display());
            }
        }
        Ok(places)
    }
}

fn main() -> Result<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let asked = |name: &str| given.iter().any(|argument| argument == name);
    if let Some(unknown) = given.iter().find(|argument| {
        !["--quick", "--fleet", "--no-fleet", "--page"].contains(&argument.as_str())
    }) {
        bail!(
            "there is no {unknown}; --quick measures small sizes, --fleet only ten thousand automations, which \
             takes twelve minutes, --no-fleet everything else, --page only what the page waits for"
        );
    }
    let places = Places::find()?;
    // Nothing here is encrypted, but clients want to know how it would be; it was not set before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut table = Table::default();
    if asked("--page") {
        page::measure(&places, &mut table)?;
    } else if !asked("--fleet") {
        measure(&places, asked("--quick"), &mut table)?;
    }
    if !asked("--quick") && !asked("--no-fleet") && !asked("--page") {
        fleet::measure(&places, 10_000, &mut table)?;
    }
    println!("{table}");
    let file = places.connectors.with_file_name("bench.json");
    std::fs::write(&file, format!("{:#}\n", table.json()))?;
    println!("written to {}", file.display());
    if table.is_exceeded() {
        bail!("a budget is missed");
    }
    Ok(())
}

fn measure(places: &Places, quick: bool, table: &mut Table) -> Result<()> {
    // Whole processes first: a child's peak of memory begins with what this process holds when it starts it.
    let sizes: &[u64] = if quick { &[1_000] } else { &[10_000, 50_000] };
    for size in sizes {
        cycles::measure(places, *size, table)?;
    }
    cycles::measure_waiting(places, if quick { 1_000 } else { 3_000 }, table)?;
    documents::measure(places, quick, table)?;
    quiet::measure(places, table)?;
    page::measure(places, table)?;
    calls::measure(places, table)
}
