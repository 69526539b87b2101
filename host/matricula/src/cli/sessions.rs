//! Who may use the page of this server: vendors by a file, or one person alone by a link.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use matricula_core::clock::Clock;
use matricula_service::Matricula;
use matricula_session::{Fetch, HttpFetch, Local, Locale, Reference, Sessions, Vendors};
use zeroize::Zeroizing;

use crate::args::{LocalSignIn, ServeArgs};
use crate::exit::Exit;
use crate::fault::Fault;

/// The sessions of a server, whose vendors' gifts are taken to it, with its local sign-in where there is one.
pub(crate) fn open(
    args: &ServeArgs,
    matricula: &Matricula,
    clock: Arc<dyn Clock>,
) -> Result<(Arc<Sessions>, Option<Arc<Local>>), Fault> {
    let vendors = match &args.vendors {
        Some(file) => read(file)?,
        None => Vendors::default(),
    };
    matricula.give(vendors.given())?;
    let alone = match args.sign_in_link {
        LocalSignIn::Always => true,
        LocalSignIn::Never => false,
        LocalSignIn::Auto => vendors.is_empty() && args.listen.ip().is_loopback(),
    };
    let unexpected = |error: &dyn std::fmt::Display| {
        Fault::new(Exit::Unexpected, "sessions.failed", error.to_string())
    };
    let fetch: Arc<dyn Fetch> = Arc::new(HttpFetch::new().map_err(|error| unexpected(&error))?);
    let sessions = Sessions::new(vendors, &fetch, Arc::clone(&clock));
    if !alone {
        return Ok((Arc::new(sessions), None));
    }
    let local = Local::new(clock).map_err(|error| unexpected(&error))?;
    let local = local.named(&name()).locale(locale());
    let local = Arc::new(local);
    let sessions = sessions.with_local(Arc::clone(&local));
    Ok((Arc::new(sessions), Some(local)))
}

/// The link, with a code that is good once.
pub(crate) fn link(local: &Local, address: SocketAddr) -> Result<Zeroizing<String>, Fault> {
    let code = local
        .code()
        .map_err(|error| Fault::new(Exit::Unexpected, "sessions.failed", error))?;
    // Listening on every address of the machine is no address that a browser could open.
    let host = match address.ip() {
        ip if ip.is_unspecified() => "localhost".to_owned(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        std::net::IpAddr::V4(ip) => ip.to_string(),
    };
    let port = address.port();
    Ok(Zeroizing::new(format!(
        "http://{host}:{port}/app/#sign-in={}",
        code.as_str()
    )))
}

fn read(file: &Path) -> Result<Vendors, Fault> {
    let fault = |problem: String| {
        Fault::new(
            Exit::Usage,
            "vendors.wrong",
            format!("{}: {problem}", file.display()),
        )
        .with_hint("host/session/README.md shows what the file of vendors may hold.")
    };
    let text = std::fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let resolve = |reference: Reference<'_>| match reference {
        Reference::File(name) => std::fs::read_to_string(folder.join(name))
            .map(Zeroizing::new)
            .map_err(|error| error.to_string()),
        Reference::Variable(name) => std::env::var(name)
            .map(Zeroizing::new)
            .map_err(|_| "there is no such variable".to_owned()),
    };
    Vendors::parse(&text, resolve).map_err(|error| fault(error.to_string()))
}

/// Whoever runs this program.
fn name() -> String {
    let name = ["USER", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|name| !name.trim().is_empty());
    name.unwrap_or_else(|| "owner".to_owned())
}

/// The language of this person's terminal.
fn locale() -> Locale {
    let tag = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|tag| !tag.is_empty()));
    Locale::of(&tag.unwrap_or_default())
}
