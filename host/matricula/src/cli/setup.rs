//! Makes the library's parts from the common options and the environment.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use matricula_api::telemetry::{self, Telemetry};
use matricula_component::{Host, Options as HostOptions};
use matricula_core::TenantId;
use matricula_core::clock::Clock;
use matricula_egress::{Gateway, Policy, Watch};
use matricula_engine::Options;
use matricula_service::{Connectors, Flows, Matricula, Parts, SystemClock};
use matricula_store::{SqliteStore, Vault};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};
use zeroize::Zeroizing;

use crate::args::Common;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::key::{Key, Places};
use crate::{key, output, owner, progress};

/// The shortest interval that a schedule may have.
const SHORTEST: Duration = Duration::from_secs(60);

/// Whose everything is that the command line keeps.
pub(crate) fn tenant() -> TenantId {
    TenantId::from("local")
}

/// The folder of flows.
pub(crate) fn flows(common: &Common) -> Flows {
    Flows::new(&common.flows)
}

/// The connectors, without a store: for commands that keep nothing.
pub(crate) fn connectors(common: &Common) -> Result<Connectors, Fault> {
    let cache = common.data.is_dir().then(|| common.data.join("cache"));
    let options = HostOptions {
        cache_dir: cache,
        ..HostOptions::default()
    };
    let host =
        Host::new(options).map_err(|error| Fault::new(Exit::Unexpected, "host.failed", error))?;
    Ok(Connectors::new(host, connectors_folder(common)?))
}

/// The product over the store that there is.
pub(crate) fn open(common: &Common) -> Result<Matricula, Fault> {
    if !store_file(common).exists() {
        let message = format!("there is nothing in {} yet", common.data.display());
        return Err(Fault::new(Exit::Store, "store.missing", message).with_hint(
            "Begin with `matricula credential add`, or name another folder with --data DIR.",
        ));
    }
    assemble(common, None)
}

/// The same, and makes store and key where there are none.
pub(crate) fn open_or_make(common: &Common) -> Result<Matricula, Fault> {
    open_watched(common, None)
}

/// The same, with somebody who watches all requests.
pub(crate) fn open_watched(
    common: &Common,
    watch: Option<Arc<dyn Watch>>,
) -> Result<Matricula, Fault> {
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(&common.data).map_err(|error| {
        let message = format!("{} cannot be made: {error}", common.data.display());
        Fault::new(Exit::Store, "store.folder", message)
    })?;
    // A new key would not open what is there.
    let made_here = key_from_environment().is_none()
        && common.key_file.is_none()
        && common.key_command.is_none();
    if made_here && !store_file(common).exists() {
        let file = key_file(common);
        if key::make(&file)? {
            output::error_line(&format!(
                "A new key was made: {}. Keep a copy in a safe place: without it the stored credentials \
                 cannot be read.",
                file.display()
            ));
        }
    }
    assemble(common, watch)
}

fn assemble(common: &Common, watch: Option<Arc<dyn Watch>>) -> Result<Matricula, Fault> {
    let store = open_store(common)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // Beside the store: what lies in a folder for temporary files often lies in memory.
    let mut gateway = Gateway::new(policy(common)?, Arc::clone(&clock))
        .map_err(|error| Fault::new(Exit::Unexpected, "gateway.failed", error))?
        .with_hold(common.data.clone());
    if let Some(watch) = watch {
        gateway = gateway.with_watch(watch);
    }
    Ok(Matricula::new(Parts {
        store: Arc::new(store),
        clock,
        connectors: connectors(common)?,
        gateway,
        flows: Some(flows(common)),
        options: Options::default(),
        shortest_interval: SHORTEST,
        owner: owner::name(),
        gone: Arc::new(owner::gone),
    }))
}

/// The store, opened with every key that there is.
pub(crate) fn open_store(common: &Common) -> Result<SqliteStore, Fault> {
    let keys = read_keys(common)?;
    let mut keys = keys.iter();
    let Some(active) = keys.next() else {
        return Err(Fault::new(Exit::Store, "key.missing", "there is no key"));
    };
    let mut vault = Vault::new(active);
    for key in keys {
        vault = vault.with_previous(key);
    }
    if let Some(file) = key_places(common).file() {
        // A server goes on when another process has rotated the key.
        let file = file.to_owned();
        vault = vault.with_source(move || key::read(None, &file).ok());
    }
    Ok(SqliteStore::open(store_file(common), vault).map_err(matricula_service::Error::from)?)
}

/// Every key that there is, the active one first.
pub(crate) fn read_keys(common: &Common) -> Result<Vec<Key>, Fault> {
    let active = match &common.key_command {
        Some(command) => key::from_command(command)?,
        None => key::read(key_from_environment(), &key_file(common))?,
    };
    let mut keys = vec![active];
    for file in &common.previous_key_file {
        keys.push(key::read(None, file)?);
    }
    let places = key_places(common);
    for file in [places.previous(), places.next()] {
        if file.exists() {
            keys.push(key::read(None, &file)?);
        }
    }
    Ok(keys)
}

/// Where keys lie.
pub(crate) fn key_places(common: &Common) -> Places {
    let elsewhere = common.key_command.is_some() || key_from_environment().is_some();
    Places::new(&common.data, (!elsewhere).then(|| key_file(common)))
}

fn policy(common: &Common) -> Result<Policy, Fault> {
    let mut policy = Policy::default();
    for (from, to) in &common.map_origin {
        policy.map_origin(from, to).map_err(Fault::usage)?;
    }
    for origin in &common.allow_private {
        policy.allow_private(origin).map_err(Fault::usage)?;
    }
    for origin in &common.deny {
        policy.deny(origin).map_err(Fault::usage)?;
    }
    policy.ignore_documented_limits(common.no_documented_limits);
    Ok(policy)
}

/// As given, else beside the folder of this program: `bin/matricula` and `connectors/personio.wasm`.
fn connectors_folder(common: &Common) -> Result<PathBuf, Fault> {
    if let Some(folder) = &common.connectors {
        return Ok(folder.clone());
    }
    let program = std::env::current_exe()
        .and_then(std::fs::canonicalize)
        .map_err(|error| {
            Fault::usage(format!(
                "this program cannot find itself ({error}); give --connectors DIR"
            ))
        })?;
    let folder = program.ancestors().nth(2).unwrap_or(&program);
    Ok(folder.join("connectors"))
}

pub(crate) fn store_file(common: &Common) -> PathBuf {
    common.data.join("matricula.db")
}

fn key_file(common: &Common) -> PathBuf {
    common
        .key_file
        .clone()
        .unwrap_or_else(|| common.data.join("key"))
}

/// None if the variable is empty: that is how an unset one comes out of a container's configuration.
fn key_from_environment() -> Option<Zeroizing<String>> {
    let text = std::env::var(key::VARIABLE).ok().map(Zeroizing::new);
    text.filter(|text| !text.trim().is_empty())
}

/// Logs go to standard error, above the progress bar.
pub(crate) fn start_log(filter: &str) -> Result<(), Fault> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Fault::usage(format!("--log {filter} cannot be understood: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(Screen)
        .try_init()
        .map_err(|error| Fault::new(Exit::Unexpected, "log.failed", error))
}

/// The log of a server: lines or JSON on standard error, and spans to a collector.
pub(crate) fn start_server_log(
    filter: &str,
    json: bool,
    telemetry: Option<&Telemetry>,
) -> Result<(), Fault> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Fault::usage(format!("--log {filter} cannot be understood: {error}")))?;
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines = match json {
        true => telemetry::json(std::io::stderr).boxed(),
        false => lines.boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(telemetry.map(Telemetry::layer))
        .try_init()
        .map_err(|error| Fault::new(Exit::Unexpected, "log.failed", error))
}

/// Writes whole lines to standard error while the progress bar is away.
struct Screen;

impl std::io::Write for Screen {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        progress::SCREEN.suspend(|| std::io::stderr().lock().write_all(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().lock().flush()
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}
