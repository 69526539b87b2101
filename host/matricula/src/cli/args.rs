//! The command line.

mod automation;
mod server;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use automation::{AutomationCommand, CadenceArgs, ContactArgs, StartArgs, Which};
pub(crate) use server::{
    EraseArgs, KeysCommand, LocalSignIn, MailArgs, RetentionArgs, ServeArgs, TestMailArgs,
    WebhookCommand,
};

use crate::exit;

/// Keeps an academy's people and an HR system's files true to each other.
#[derive(Debug, Parser)]
#[command(name = "matricula", version, after_help = exit::TABLE)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Where credentials, links and runs are kept
    #[arg(
        long,
        value_name = "DIR",
        env = "MATRICULA_DATA",
        default_value = "./matricula-data"
    )]
    #[arg(global = true, hide_env_values = true)]
    pub(crate) data: PathBuf,

    /// Where the connectors lie [default: the folder `connectors` beside that of this program]
    #[arg(
        long,
        value_name = "DIR",
        env = "MATRICULA_CONNECTORS",
        global = true,
        hide_env_values = true
    )]
    pub(crate) connectors: Option<PathBuf>,

    /// Where the flow files lie
    #[arg(
        long,
        value_name = "DIR",
        env = "MATRICULA_FLOWS",
        default_value = "./flows"
    )]
    #[arg(global = true, hide_env_values = true)]
    pub(crate) flows: PathBuf,

    /// Connect requests for one origin to another one; may be repeated
    #[arg(long, value_name = "FROM=TO", global = true, value_parser = pair)]
    pub(crate) map_origin: Vec<(String, String)>,

    /// Let an origin lie in a private network or on this machine; may be repeated
    #[arg(long, value_name = "ORIGIN", global = true)]
    pub(crate) allow_private: Vec<String>,

    /// Close an origin, whatever connectors and other options say; may be repeated
    #[arg(long, value_name = "ORIGIN", global = true)]
    pub(crate) deny: Vec<String>,

    /// Ignore the rate limits that the remote systems document, for systems of your own
    #[arg(long, global = true)]
    pub(crate) no_documented_limits: bool,

    /// The key of the stored credentials: 64 hexadecimal digits [default: the variable `MATRICULA_KEY`,
    /// else the file `key` in the data folder, which is made at first use]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) key_file: Option<PathBuf>,

    /// A command that prints the key, run by the shell
    #[arg(
        long,
        value_name = "COMMAND",
        global = true,
        conflicts_with = "key_file"
    )]
    pub(crate) key_command: Option<String>,

    /// Keys that were in use before, for secrets that are still encrypted under them; may be repeated
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) previous_key_file: Vec<PathBuf>,

    /// Print JSON: one document, or one object a line where there are several; errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// What is logged on standard error: off, error, warn, info, debug, trace, or by module
    #[arg(
        long,
        value_name = "FILTER",
        env = "MATRICULA_LOG",
        default_value = "warn"
    )]
    #[arg(global = true, hide_env_values = true)]
    pub(crate) log: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check and test flow files
    #[command(subcommand)]
    Flow(FlowCommand),
    /// Look at connectors
    #[command(subcommand)]
    Connector(ConnectorCommand),
    /// Keep access to remote systems
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Show what a run would do, and write nothing
    Plan(PlanArgs),
    /// Run one cycle of a flow, or go on with the one that was cut off
    Run(RunArgs),
    /// List runs, the newest first
    Runs(RunsArgs),
    /// Show or decide the deactivations that the guard holds back
    Staged(StagedArgs),
    /// Show documents that are not delivered, or decide about those that nobody knows of
    Documents(DocumentsArgs),
    /// Start a flow: from then on its cycles come by themselves while `matricula serve` runs
    Start(StartArgs),
    /// Look at and change the automations that were started
    #[command(subcommand)]
    Automation(AutomationCommand),
    /// Run what is due, until interrupted
    Serve(ServeArgs),
    /// Keep addresses that are told of what happens, after the Standard Webhooks specification
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Send a test mail
    TestMail(TestMailArgs),
    /// Remove everything that is kept about one person of a source
    Erase(EraseArgs),
    /// Show or set for how long runs are kept
    Retention(RetentionArgs),
    /// Write a copy of the store, also while it is in use
    Backup {
        /// The file, which must not exist
        file: PathBuf,
    },
    /// Encrypt all secrets under a new key
    ///
    /// The key in use is named as always (--key-file, `MATRICULA_KEY`, --key-command). The new one becomes
    /// the content of the key file in the data folder, and the former one is kept beside it.
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum FlowCommand {
    /// Check a flow file against the connectors that it names
    Check {
        /// A path, or a name in the folder of flows
        #[arg(value_name = "FILE")]
        flow: String,
    },
    /// Run the tests beside a flow file (`x.test.yaml` for `x.flow.yaml`)
    Test {
        /// A path, or a name in the folder of flows
        #[arg(value_name = "FILE")]
        flow: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConnectorCommand {
    /// List the connectors
    List,
    /// Show what a connector is and may do
    Inspect {
        /// A name in the folder of connectors, or the path of a component
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Add a credential
    ///
    /// Secrets are asked for without showing them. Where standard input is no terminal, they are read
    /// from there: one JSON object, or lines of the form field=value.
    ///
    /// With --replace, a secret that was renewed or mistyped is put in place of the old one.
    Add(CredentialAddArgs),
    /// List the credentials, without their secrets
    List,
    /// Test whether a credential is accepted and has the rights that flows need
    Test {
        /// The credential
        name: String,
        /// Only the rights that this flow needs [default: those of all flows in the folder]
        #[arg(long, value_name = "FLOW")]
        flow: Option<String>,
    },
    /// Remove a credential that no automation uses
    Remove {
        /// The credential
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CredentialAddArgs {
    /// The connector that it is for
    pub(crate) connector: String,
    /// What you call it
    #[arg(long)]
    pub(crate) name: String,
    /// How to authenticate, where the connector knows several ways
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// Write all fields of the credential of this name anew; what was linked with it stays linked, so it
    /// must be for the same account of the same system
    #[arg(long)]
    pub(crate) replace: bool,
    /// A field that is no secret; may be repeated
    #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
}

/// A flow, the credentials and the settings.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    /// The source's credential [default: the only one for its connector]
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// The target's credential [default: the only one for its connector]
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// A name in the folder of flows, or a path
    pub(crate) flow: String,
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// A setting of the flow, as JSON or else as text; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) setting: Vec<(String, String)>,
    /// Show all instead of the first 50
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct RunArgs {
    #[command(subcommand)]
    pub(crate) command: Option<RunCommand>,
    /// A name in the folder of flows, or a path
    #[arg(required = true)]
    pub(crate) flow: Option<String>,
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// A setting of the flow, as JSON or else as text; kept for later runs; may be repeated. `null` takes
    /// one back to its default
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) setting: Vec<(String, String)>,
    /// Read everything even if only the changes are due
    #[arg(long)]
    pub(crate) full: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunCommand {
    /// Show a run with what became of each person or document; those unchanged have no row
    Show {
        /// The run's number
        id: i64,
        /// Only these outcomes, separated by commas (failed,staged)
        #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = kind)]
        only: Vec<matricula_core::run::OutcomeKind>,
        /// Show all instead of the first 50
        #[arg(long)]
        all: bool,
        /// Print these rows as CSV, for a spreadsheet
        #[arg(long, conflicts_with = "json")]
        csv: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// The most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u32,
    /// Only runs older than this one
    #[arg(long, value_name = "RUN")]
    pub(crate) before: Option<i64>,
    /// Only runs that ended so: running, succeeded, partial, failed or stopped
    #[arg(long, value_name = "STATUS", value_parser = status)]
    pub(crate) status: Option<matricula_core::run::RunStatus>,
    /// Only runs of this automation, by its id
    #[arg(long, value_name = "ID")]
    pub(crate) automation: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct StagedArgs {
    /// A name in the folder of flows, or a path
    pub(crate) flow: String,
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// Let the next run apply all of them
    #[arg(long, conflicts_with = "discard")]
    pub(crate) approve: bool,
    /// Keep these people's access; asked again only when the reason changes
    #[arg(long)]
    pub(crate) discard: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DocumentsArgs {
    /// A name in the folder of flows, or a path
    pub(crate) flow: String,
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// The doubtful ones lie in the people's files and are not sent again; without --key: all of them
    #[arg(long, conflicts_with = "send_again")]
    pub(crate) arrived: bool,
    /// The doubtful ones are not there and are sent again by the next run; without --key: all of them
    #[arg(long)]
    pub(crate) send_again: bool,
    /// Decide only about this one; may be repeated
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,
    /// Decide about all without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("the form NAME=VALUE is needed".to_owned()),
    }
}

fn status(text: &str) -> Result<matricula_core::run::RunStatus, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "one of running, succeeded, partial, failed, stopped is needed".to_owned())
}

fn kind(text: &str) -> Result<matricula_core::run::OutcomeKind, String> {
    serde_json::from_value(text.into()).map_err(|_| {
        "one of created, updated, deactivated, reactivated, skipped, staged, ambiguous, failed is needed"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_takes_a_flow_or_a_subcommand() {
        let run = |arguments: &[&str]| {
            let cli = Cli::try_parse_from(["matricula", "run"].iter().chain(arguments))?;
            let Command::Run(run) = cli.command else {
                panic!("run was parsed as something else")
            };
            Ok::<_, clap::Error>((run, cli.common))
        };
        let (args, common) = run(&["sync", "--full", "--json", "--setting", "a=[1]"]).unwrap();
        assert_eq!(
            (args.flow.as_deref(), args.full, common.json),
            (Some("sync"), true, true)
        );
        assert_eq!(args.setting, [("a".to_owned(), "[1]".to_owned())]);
        let (args, _) = run(&["show", "7", "--only", "failed,staged"]).unwrap();
        let Some(RunCommand::Show { id, only, all, .. }) = args.command else {
            panic!("no show")
        };
        assert_eq!((id, only.len(), all), (7, 2, false));
        assert!(run(&[]).is_err());
        assert!(run(&["sync", "--setting", "a"]).is_err());
        assert!(run(&["show", "7", "--only", "gone"]).is_err());
    }

    #[test]
    fn help_reads_as_it_should() {
        let mut command = Cli::command().term_width(100);
        command.build();
        let mut pages = String::new();
        page(&mut command, &mut pages);
        insta::assert_snapshot!("help", pages);
    }

    /// The long help of a command and of all below it; the common options only once.
    fn page(command: &mut clap::Command, pages: &mut String) {
        let text = command.render_long_help().to_string();
        let own = match (pages.is_empty(), text.split_once("\nCommon options:")) {
            (false, Some((own, _))) => own,
            _ => &text,
        };
        pages.push_str(own.trim_end());
        pages.push_str("\n\n----\n\n");
        for below in command
            .get_subcommands_mut()
            .filter(|below| below.get_name() != "help")
        {
            page(below, pages);
        }
    }
}
