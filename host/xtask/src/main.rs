//! The project's own commands: `cargo xtask <command>`.
//!
//! A plain program beside the workspace, so that a fresh clone needs nothing but cargo. It builds in
//! seconds because it depends on nothing heavy, and it says each step before it takes it.
#![forbid(unsafe_code)]

mod bench;
mod browser;
mod cargo;
mod connectors;
mod demo;
mod fuzz;
mod http;
mod interop;
mod openapi;
mod page;
mod process;
mod python;
mod sandbox;
mod say;
mod served;
mod test;
mod vendor;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const HELP: &str = "\
The project's own commands.

Usage: cargo xtask <COMMAND>

Commands:
  demo        Build everything, start the sandbox, run a system's flows twice each, then show the page in a vendor's
  test        Build what the tests need, then run all of them
  bench       Build in release and measure the budgets of the design
  connectors  Build the connector components into target/connectors
  fuzz        Ask a server what the description of its API allows; a part of `test`
  interop     Let others' code judge what the connectors send; a part of `test`
  openapi     Write down the description of the API, and the types that the page has of it
  page        Build the page and the script that embeds it into host/page/dist; needs Node
  help        Print this

cargo xtask demo [OPTIONS]
  --system NAME     Which system's flows are shown: reteach (the default), scim, edyoucated, winningtemp, engagedly
                    or kombo
  --people N        How many people the sandbox makes up [default: 200; 30 for Engagedly, which is slow]
  --certificates N  How many certificates its academy has issued [default: 50]
  --employees FILE  Take the people from a captured Personio answer instead
  --json            One JSON object per cycle on standard output, nothing else; there is no page then
  --once            End when the cycles are done, without the page
  --stay            Keep the page running until Ctrl-C, and print commands to try. This is the default at a
                    terminal; elsewhere the address of the page is printed, and everything ends
  The page needs Node; without it the demonstration is what the command line shows.

cargo xtask interop [--specs FOLDER]
  Fills scim2-server (of PyPI) and compares it with the source, has scim-sanity and scim2-models judge what was sent,
  and holds requests against the vendors' OpenAPI files. Needs Python 3 with venv; without it nothing is checked.
  --specs FOLDER    Where the vendors' files are, else MATRICULA_SPECS, else ../shared/specs if that exists. Without
                    them that part is left out

cargo xtask test [--no-browser] [ARGS]
  Runs the Rust tests; then, with Node, the page's own tests, its tests in Chromium, and requests made up
  from the API's description (these need Python 3 with venv); then `interop`.
  --no-browser      Leave out the tests in Chromium
  ARGS go to `cargo nextest run --workspace` where cargo-nextest is installed, else to
  `cargo test --workspace`. With ARGS only the Rust tests are run, without those of the documentation.

cargo xtask bench [ARGS]
  ARGS go to the measuring program.
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(|argument| {
        argument
            .into_string()
            .map_err(|argument| anyhow::anyhow!("the argument {argument:?} is not UTF-8"))
    });
    let command = arguments.next().transpose()?;
    let rest = arguments.collect::<Result<Vec<_>>>()?;
    let asks_help = rest
        .iter()
        .any(|argument| argument == "--help" || argument == "-h");
    match command.as_deref() {
        None | Some("help" | "--help" | "-h") => return say::out(HELP),
        Some("demo" | "connectors" | "fuzz" | "interop" | "openapi" | "page") if asks_help => {
            return say::out(HELP);
        }
        _ => {}
    }
    let workspace = cargo::Workspace::find().context("the workspace cannot be read")?;
    match command.as_deref() {
        Some("demo") => demo::run(&workspace, &demo::Options::parse(&rest)?),
        Some("test") => test::run(&workspace, &rest),
        Some("bench") => bench::run(&workspace, &rest),
        Some("connectors") if rest.is_empty() => connectors::build(&workspace).map(drop),
        Some("openapi") if rest.is_empty() => openapi::write(&workspace),
        Some("fuzz") if rest.is_empty() => test::fuzz(&workspace),
        Some("interop") => test::interop(&workspace, interop::Options::parse(&rest)?),
        Some("fuzz") => bail!("`fuzz` takes no arguments"),
        Some("page") if rest.is_empty() => match page::build(&workspace)? {
            true => Ok(()),
            false => bail!("the page was not built"),
        },
        Some("openapi") => bail!("`openapi` takes no arguments"),
        Some("page") => bail!("`page` takes no arguments"),
        Some("connectors") => bail!("`connectors` takes no arguments"),
        Some(other) => bail!("there is no command `{other}`; `cargo xtask help` lists them"),
        None => Ok(()),
    }
}
