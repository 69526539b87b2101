//! The `matricula` binary: arguments, environment and terminal around the library.
//!
//! What a command finds goes to standard output, as text or as JSON; what it says while it works, and why
//! it did not work, goes to standard error. How it ended is the exit code, see [`exit::Exit`].
#![forbid(unsafe_code)]

mod args;
mod commands;
mod exit;
mod fault;
mod fields;
mod key;
mod mail;
mod output;
mod owner;
mod progress;
mod sessions;
mod setup;
mod table;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use args::Cli;
use exit::Exit;
use fault::Fault;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error).into(),
    };
    // A server has a log of its own, which may go elsewhere as well.
    let logging = match &cli.command {
        args::Command::Serve(_) => Ok(()),
        _ => setup::start_log(&cli.common.log),
    };
    let ended = logging.and_then(|()| commands::dispatch(&cli));
    ended
        .unwrap_or_else(|fault| {
            fault.report(cli.common.json);
            fault.exit
        })
        .into()
}

/// Help and version are answers; anything else that clap says is a wrong use.
fn refused(error: &clap::Error) -> Exit {
    let answer = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if wants_json && !answer {
        let message = error.render().to_string();
        let message = message.trim_start_matches("error: ").trim_end();
        Fault::usage(message).report(true);
    } else {
        // If not even this can be printed, nobody is there to read.
        let _ = error.print();
    }
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
        _ => Exit::Usage,
    }
}
