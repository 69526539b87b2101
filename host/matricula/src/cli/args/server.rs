//! The arguments of a server and of what keeps a store in order.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct MailArgs {
    /// The mail server: `smtps://user@host:465` or `smtp://user@host:587` (STARTTLS). The password is read from
    /// the variable `MATRICULA_SMTP_PASSWORD`
    #[arg(
        long,
        value_name = "URL",
        env = "MATRICULA_SMTP",
        hide_env_values = true
    )]
    pub(crate) smtp: Option<String>,
    /// Who mails are from
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MATRICULA_MAIL_FROM",
        hide_env_values = true
    )]
    #[arg(default_value = "Matricula <matricula@localhost.localdomain>")]
    pub(crate) mail_from: String,
    /// A certificate (PEM) to trust beside the usual ones
    #[arg(long, value_name = "FILE")]
    pub(crate) smtp_certificate: Option<PathBuf>,
    /// The time zone of times in mails
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    pub(crate) mail_time_zone: String,
    /// Where an automation is shown, for the button in mails; {tenant} and {automation} stand for its ids
    #[arg(long, value_name = "URL")]
    pub(crate) link: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen for the page, the API, health, metrics and webhooks
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: std::net::SocketAddr,
    /// Who may embed the page and sign sessions: a TOML file with [[vendor]] entries
    #[arg(long, value_name = "FILE", env = "MATRICULA_VENDORS")]
    pub(crate) vendors: Option<PathBuf>,
    /// Whether to print a link by which you sign in to the page without a vendor. `auto`: if there are no vendors and
    /// only this machine is listened on
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = LocalSignIn::Auto)]
    pub(crate) sign_in_link: LocalSignIn,
    /// Cycles at a time
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) cycles: usize,
    /// Cycles of one credential at a time
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(crate) cycles_per_credential: usize,
    /// For how many days runs are kept where a tenant has not chosen
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    pub(crate) retention_days: u32,
    /// Write logs as JSON, one object a line
    #[arg(long)]
    pub(crate) log_json: bool,
    /// Send traces by OTLP over HTTP to this address
    #[arg(
        long,
        value_name = "URL",
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        hide_env_values = true
    )]
    pub(crate) otlp: Option<String>,
    #[command(flatten)]
    pub(crate) mail: MailArgs,
}

/// Whether there is a local sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LocalSignIn {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Add an address; prints the secret by which signatures are checked
    Add {
        /// What you call it
        name: String,
        /// Where to
        url: String,
    },
    /// List the addresses
    List,
    /// Remove an address
    Remove {
        /// What you call it
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TestMailArgs {
    /// Whom to; EMAIL or EMAIL:de
    #[arg(value_name = "EMAIL[:LANGUAGE]")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) mail: MailArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    /// The person's key in the source
    #[arg(long, value_name = "KEY")]
    pub(crate) person: String,
    /// Only in automations that read from this connector
    #[arg(long, value_name = "CONNECTOR")]
    pub(crate) connector: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RetentionArgs {
    /// Keep runs for so many days; 0: as long as the server does by itself
    pub(crate) days: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a new key, or take the one in a file, and encrypt all secrets under it
    Rotate {
        /// The new key [default: a new one is made]
        #[arg(long, value_name = "FILE")]
        new_key_file: Option<PathBuf>,
    },
}
