//! The fakes as a process of their own.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use matricula_sandbox::{
    Credentials, Fault, Language, Limits, PatchAnswer, Sandbox, ScimSchemas, Trouble,
};

/// Faithful fakes of Personio, of a reteach academy and of the other systems, each on a loopback port.
///
/// When ready, prints one JSON line: {"admin":URL,"personio":URL,"reteach":URL,"scim":URL,…}. Ends with
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
    /// How many certificates the academy has issued, to the people in turn; it shows those of people
    /// who have an account by now.
    #[arg(long, default_value_t = 0, value_name = "N")]
    certificates: usize,
    /// The size of a certificate's PDF: bytes, or KiB or MiB with `k` or `M`.
    #[arg(long, default_value = "24k", value_name = "SIZE", value_parser = size)]
    certificate_bytes: u64,
    /// The seed of the certificates, if not that of the population.
    #[arg(long, value_name = "SEED")]
    certificate_seed: Option<u64>,
    /// So many certificates more, each for an account that no employee has.
    #[arg(long, default_value_t = 0, value_name = "K")]
    certificates_for_nobody: usize,
    /// Something wrong with the n-th certificate, from 1: no-pdf, empty, large, gone, revoked, expired
    /// or replaced; may be given again.
    #[arg(long, value_name = "KIND=ORDINAL", value_parser = trouble)]
    certificate_trouble: Vec<(Trouble, usize)>,
    /// The origin that the addresses of certificates' files are written with.
    #[arg(long, value_name = "URL", default_value = "https://api.reteach.io")]
    public_reteach_url: String,
    /// The origin that the addresses of next pages of Personio's API v2 are written with.
    #[arg(long, value_name = "URL", default_value = "https://api.personio.de")]
    public_personio_url: String,
    /// The Personio credential may not read documents.
    #[arg(long)]
    no_documents_read: bool,
    /// A category of documents in place of the usual three; may be given again.
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,
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

fn size(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 1 << 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    let number: Option<u64> = digits.parse().ok();
    let bytes = number.and_then(|n| n.checked_mul(unit));
    bytes.ok_or_else(|| format!("`{text}` is no size; write 20000, 20k or 20M"))
}

fn trouble(text: &str) -> Result<(Trouble, usize), String> {
    let (kind, ordinal) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` wants KIND=ORDINAL, such as gone=3"))?;
    let ordinal = ordinal.parse().ok();
    let ordinal = ordinal.ok_or_else(|| format!("`{text}` wants a number after `=`"))?;
    Ok((kind.parse()?, ordinal))
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
        .certificates(options.certificates)
        .certificate_bytes(options.certificate_bytes)
        .certificates_for_nobody(options.certificates_for_nobody)
        .public_reteach_url(options.public_reteach_url)
        .public_personio_url(options.public_personio_url)
        .personio_token_life(Duration::from_secs(options.personio_token_life))
        .rest_token_life(Duration::from_secs(options.reteach_token_life))
        .credentials(Credentials {
            personio_client_id: options.personio_client_id,
            personio_client_secret: options.personio_client_secret,
            scim_token: options.scim_token,
            reteach_client_id: options.reteach_client_id,
            reteach_client_secret: options.reteach_client_secret,
            reteach_client_code: options.reteach_client_code,
            ..Credentials::default()
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
    if let Some(seed) = options.certificate_seed {
        builder = builder.certificate_seed(seed);
    }
    for (trouble, ordinal) in options.certificate_trouble {
        builder = builder.certificate_trouble(trouble, ordinal);
    }
    if options.no_documents_read {
        builder = builder.no_documents_read();
    }
    for name in options.category {
        builder = builder.category(name);
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
