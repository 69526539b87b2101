//! The arguments of what is done with automations.

use clap::{Args, Subcommand};

use super::{Chosen, pair};

#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// A name in the folder of flows, or a path
    pub(crate) flow: String,
    #[command(flatten)]
    pub(crate) chosen: Chosen,
    /// A setting of the flow, as JSON or else as text; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) setting: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) cadence: CadenceArgs,
    #[command(flatten)]
    pub(crate) contacts: ContactArgs,
    /// Start although a credential lacks rights that the flow could use
    #[arg(long)]
    pub(crate) accept_findings: bool,
    /// Start without showing what the first cycle would do and asking
    #[arg(long)]
    pub(crate) yes: bool,
}

/// When cycles are due.
#[derive(Debug, Args)]
pub(crate) struct CadenceArgs {
    /// At an interval: 5m, 30m, 2h [default: as the flow says]
    #[arg(long, value_name = "SPAN", conflicts_with_all = ["cron", "on_demand"])]
    pub(crate) every: Option<String>,
    /// At times of the day: minute, hour, day of the month, month, day of the week
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "on_demand")]
    pub(crate) cron: Option<String>,
    /// The time zone of --cron
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    pub(crate) time_zone: String,
    /// Only when asked
    #[arg(long)]
    pub(crate) on_demand: bool,
}

/// Who is told.
#[derive(Debug, Args)]
pub(crate) struct ContactArgs {
    /// Is told of pauses, staged changes and recoveries; EMAIL or EMAIL:de; may be repeated
    #[arg(long, value_name = "EMAIL[:LANGUAGE]")]
    pub(crate) alert: Vec<String>,
    /// Gets the daily report; EMAIL or EMAIL:de; may be repeated
    #[arg(long, value_name = "EMAIL[:LANGUAGE]")]
    pub(crate) report: Vec<String>,
}

/// Which automation: its id, the beginning of it, or its flow where there is only one of it.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The automation's id, the beginning of it, or the name of its flow
    #[arg(value_name = "AUTOMATION")]
    pub(crate) which: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AutomationCommand {
    /// List the automations
    List,
    /// Show how an automation stands
    Show(Which),
    /// Show who changed what, the newest first
    History(Which),
    /// Run a cycle as soon as possible
    Run {
        #[command(flatten)]
        which: Which,
        /// Read everything even if only the changes are due
        #[arg(long)]
        full: bool,
    },
    /// Stop an automation; a cycle under way ends after the page in hand; accounts and documents stay
    /// as they are
    Deactivate(Which),
    /// Start a stopped automation again
    Activate(Which),
    /// Change settings, schedule, credentials or contacts
    Set {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        chosen: Chosen,
        /// A setting of the flow, as JSON or else as text; may be repeated. `null` takes one back
        #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
        setting: Vec<(String, String)>,
        #[command(flatten)]
        cadence: CadenceArgs,
        #[command(flatten)]
        contacts: ContactArgs,
        /// Tell nobody any more
        #[arg(long, conflicts_with_all = ["alert", "report"])]
        no_contacts: bool,
    },
    /// Run with the version of the flow's file that lies in the folder now
    Adopt {
        #[command(flatten)]
        which: Which,
        /// Adopt without showing what changes and asking
        #[arg(long)]
        yes: bool,
    },
    /// Make the secret address for webhooks anew; what is sent there begins a cycle
    Hook(Which),
    /// Try at once whoever or whatever failed
    Retry(Which),
    /// Evaluate all people or documents anew; what was delivered is not sent again
    Reevaluate(Which),
    /// Forget which account belongs to one person, so that the next full cycle matches them anew
    Forget {
        #[command(flatten)]
        which: Which,
        /// The person's key in the source
        key: String,
    },
    /// Remove an automation with its links and runs; accounts and documents stay as they are
    ///
    /// Which documents were delivered is forgotten too. Started again, the automation recognises them only if
    /// the target's credential may read documents; otherwise they are sent a second time.
    Remove {
        #[command(flatten)]
        which: Which,
        /// Remove without asking
        #[arg(long)]
        yes: bool,
    },
}
