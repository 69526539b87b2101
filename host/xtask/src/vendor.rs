//! The example vendor: what Matricula is told about it, and its backend as a process of our own.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::cargo::{self, Workspace};
use crate::http;
use crate::process::Process;

/// The example's folder.
const FOLDER: &str = "tests/vendor";
/// The customer of the vendor who is signed in.
const TENANT: &str = "acme";

/// The vendor before its backend runs: Matricula has to know the address of its page when it starts, and the
/// backend has to know Matricula's.
pub(crate) struct Prepared {
    /// Keeps the port until the backend takes it.
    port: TcpListener,
}

/// The vendor's backend, running.
pub(crate) struct Vendor {
    _process: Process,
    /// Where its page is.
    pub(crate) address: String,
}

impl Prepared {
    /// Makes a key pair and a file of vendors in `folder`, for a page on a free port. `gives` are further sections
    /// about the vendor.
    pub(crate) fn new(workspace: &Workspace, folder: &Path, gives: &str) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        let script = workspace.root.join(FOLDER).join("make-key.mjs");
        cargo::output(Command::new("node").arg(script).arg(folder))?;
        let vendors = vendors(port.local_addr()?.port()) + gives;
        std::fs::write(folder.join("vendors.toml"), vendors)
            .with_context(|| format!("{} cannot be written to", folder.display()))?;
        Ok(Self { port })
    }

    /// Starts the backend with the key in `folder`; `matricula` is the server's origin.
    pub(crate) fn start(
        self,
        workspace: &Workspace,
        folder: &Path,
        matricula: &str,
    ) -> Result<Vendor> {
        let port = self.port.local_addr()?.port().to_string();
        drop(self.port);
        let mut command = Command::new("node");
        command
            .arg(workspace.root.join(FOLDER).join("server.mjs"))
            .arg("--key")
            .arg(folder.join("private.pem"))
            .args(["--matricula", matricula, "--port", &port])
            .args(["--tenant", TENANT, "--locale", language()])
            .stdin(Stdio::null());
        let (process, line) = Process::start("the vendor's backend", &mut command)?;
        let address = line.trim().to_owned();
        http::origin(&address)?;
        Ok(Vendor {
            _process: process,
            address,
        })
    }
}

impl Vendor {
    /// A session token for the person who is signed in, as the page would get it.
    pub(crate) fn token(&self) -> Result<String> {
        let origin = http::origin(&self.address)?;
        let answer = http::call(origin, "POST", "/matricula-token", None, None)?;
        let token = answer.get("token").and_then(|token| token.as_str());
        Ok(token
            .context("the vendor's backend gave no token")?
            .to_owned())
    }
}

/// What the operator of Matricula writes down about the vendor.
fn vendors(port: u16) -> String {
    format!(
        r#"[[vendor]]
id = "northwind"
title = {{ en = "Northwind Academy", de = "Northwind Akademie" }}
origins = ["http://127.0.0.1:{port}"]

[[vendor.key]]
kid = "example"
alg = "EdDSA"
public_file = "public.pem"
"#
    )
}

/// The language of the person at this terminal, if the example speaks it.
fn language() -> &'static str {
    let tag = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|tag| !tag.is_empty()));
    match tag {
        Some(tag) if tag.starts_with("de") => "de",
        _ => "en",
    }
}
