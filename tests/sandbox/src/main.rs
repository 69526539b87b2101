//! The fakes as a process of their own.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use matricula_sandbox::{Credentials, Fault, Language, Limits, PatchAnswer, Sandbox, ScimSchemas};

/// Faithful fakes of Personio and of a reteach academy, on four loopback ports.
///
/// When ready, prints one JSON line: {"personio":URL,"reteach":URL,"scim":URL,"admin":URL}. Ends with
/// the process, by Ctrl-C, or with its standard input if asked to.
#[derive(Parser)]
#[command(name = "matricula-sandbox", version)]
struct Options {
    /// How many people are made up.
    #[arg(long, default_value_t = 34)]
    people: usize,
    /// The seed of the population and of faults with a probability.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A captured answer of Personio's employees call, served instead of made-up people.
    #[arg(long, value_name = "FILE")]
    employees: Option<PathBuf>,
    /// No rate limits in Personio.
    #[arg(long)]
    no_limits: bool,
    /// The academy offers no extension of its own.
    #[arg(long)]
    no_extension: bool,
    /// The academy answers 404 for /Schemas.
    #[arg(long, conflicts_with = "no_extension")]
    no_schemas: bool,
    /// The academy answers a PATCH by 204 without a body.
    #[arg(long)]
    patch_no_content: bool,
    /// The labels in Personio are German.
    #[arg(long)]
    german: bool,
    /// An attribute that the Personio credential may not read; may be given again.
    #[arg(long, value_name = "KEY")]
    hide: Vec<String>,
    /// The most accounts on a SCIM page.
    #[arg(long, default_value_t = 100)]
    scim_page: usize,
    /// How long a Personio token is valid, in seconds.
    #[arg(long, default_value_t = 86_400, value_name = "SECONDS")]
    personio_token_life: u64,
    /// How long an access token of the academy's REST API is valid, in seconds.
    #[arg(long, default_value_t = 3_600, value_name = "SECONDS")]
    reteach_token_life: u64,
    /// The base that SCIM locations are written with.
    #[arg(long, value_name = "URL")]
    public_scim_url: Option<String>,
    /// Stops the clock of the fakes at a moment.
    #[arg(long, value_name = "TIMESTAMP")]
    now: Option<jiff::Timestamp>,
    /// A fault: KIND[=VALUE][,system=S][,method=M][,path=P][,nth=N][,every=N][,probability=F]
    /// [,times=N][,handled]; may be given again.
    #[arg(long)]
    fault: Vec<Fault>,
    /// Personio's client id.
    #[arg(long, default_value_t = Credentials::default().personio_client_id)]
    personio_client_id: String,
    /// Personio's client secret.
    #[arg(long, default_value_t = Credentials::default().personio_client_secret)]
    personio_client_secret: String,
    /// The academy's SCIM token.
    #[arg(long, default_value_t = Credentials::default().scim_token)]
    scim_token: String,
    /// The academy's REST client id.
    #[arg(long, default_value_t = Credentials::default().reteach_client_id)]
    reteach_client_id: String,
    /// The academy's REST client secret.
    #[arg(long, default_value_t = Credentials::default().reteach_client_secret)]
    reteach_client_secret: String,
    /// The academy's REST client code.
    #[arg(long, default_value_t = Credentials::default().reteach_client_code)]
    reteach_client_code: String,
    /// Where the JSON line is written instead of standard output; the file appears when complete.
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
    /// End when standard input ends, so that the fakes do not outlive who started them.
    #[arg(long)]
    exit_with_stdin: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut builder = Sandbox::builder()
        .people(options.people)
        .seed(options.seed)
        .limits((!options.no_limits).then(Limits::default))
        .language(if options.german {
            Language::German
        } else {
            Language::English
        })
        .schemas(match (options.no_extension, options.no_schemas) {
            (true, _) => ScimSchemas::WithoutExtension,
            (_, true) => ScimSchemas::NotFound,
            _ => ScimSchemas::WithExtension,
        })
        .patch_answer(if options.patch_no_content {
            PatchAnswer::NoContent
        } else {
            PatchAnswer::Account
        })
        .scim_page(options.scim_page)
        .personio_token_life(Duration::from_secs(options.personio_token_life))
        .rest_token_life(Duration::from_secs(options.reteach_token_life))
        .credentials(Credentials {
            personio_client_id: options.personio_client_id,
            personio_client_secret: options.personio_client_secret,
            scim_token: options.scim_token,
            reteach_client_id: options.reteach_client_id,
            reteach_client_secret: options.reteach_client_secret,
            reteach_client_code: options.reteach_client_code,
        });
    if let Some(file) = options.employees {
        builder = builder.employees_file(file);
    }
    if let Some(url) = options.public_scim_url {
        builder = builder.public_scim_url(url);
    }
    if let Some(now) = options.now {
        builder = builder.now(now);
    }
    for key in options.hide {
        builder = builder.hide_attribute(key);
    }
    for fault in options.fault {
        builder = builder.fault(fault);
    }
    let sandbox = builder.start_blocking()?;
    let line = serde_json::to_string(sandbox.addresses())?;
    match options.port_file {
        None => {
            let mut out = std::io::stdout();
            writeln!(out, "{line}")
                .and_then(|()| out.flush())
                .context("standard output is closed")?;
        }
        Some(file) => {
            let part = file.with_extension("part");
            std::fs::write(&part, line)
                .and_then(|()| std::fs::rename(&part, &file))
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
    }
    if options.exit_with_stdin {
        // An unreadable standard input has ended, too.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        return Ok(());
    }
    // The servers run on threads of their own; a signal ends the process.
    loop {
        std::thread::park();
    }
}
