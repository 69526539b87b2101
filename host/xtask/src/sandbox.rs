//! The fakes of the remote systems as a process of our own, which ends with this one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

/// The address under which the connectors know the academy's SCIM service.
pub(crate) const SCIM_URL: &str = "https://academy.example.com/scim/v2";

/// What the connectors call, and the name of the fake that takes its place.
const ORIGINS: [(&str, &str); 3] = [
    ("https://api.personio.de", "personio"),
    ("https://api.reteach.io", "reteach"),
    ("https://academy.example.com", "scim"),
];

/// A running sandbox.
pub(crate) struct Sandbox {
    child: Child,
    /// The sandbox ends when this is closed, also if this process is killed.
    _stdin: Option<ChildStdin>,
    addresses: Value,
}

impl Sandbox {
    /// Starts the program on free ports and waits until it listens.
    pub(crate) fn start(program: &Path, arguments: &[String]) -> Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .args(["--public-scim-url", SCIM_URL, "--exit-with-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take();
        let mut sandbox = Self {
            child,
            _stdin: stdin,
            addresses: Value::Null,
        };
        let mut line = String::new();
        BufReader::new(stdout.context("the sandbox has no standard output")?)
            .read_line(&mut line)?;
        sandbox.addresses = serde_json::from_str(&line)
            .context("the sandbox did not start; what it says above tells why")?;
        Ok(sandbox)
    }

    /// The options that lead requests for the real systems to the fakes.
    pub(crate) fn map_origins(&self) -> Result<Vec<String>> {
        let mut options = Vec::new();
        for (real, name) in ORIGINS {
            options.push("--map-origin".to_owned());
            options.push(format!("{real}={}", origin(self.address(name)?)?));
        }
        Ok(options)
    }

    /// What the sandbox counted: `people`, `accounts`, `blocked`, and requests.
    pub(crate) fn stats(&self) -> Result<Value> {
        self.get("/stats")
    }

    /// The academy's accounts, as SCIM shows them.
    pub(crate) fn accounts(&self) -> Result<Value> {
        self.get("/accounts")
    }

    /// What lies in the files of Personio's people.
    pub(crate) fn documents(&self) -> Result<Value> {
        self.get("/documents")
    }

    /// The categories that documents are put into.
    pub(crate) fn categories(&self) -> Result<Value> {
        self.get("/categories")
    }

    fn get(&self, path: &str) -> Result<Value> {
        let origin = origin(self.address("admin")?)?;
        let host = origin.trim_start_matches("http://");
        let mut connection = TcpStream::connect(host)?;
        connection.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        let (_, body) = answer
            .split_once("\r\n\r\n")
            .context("the sandbox gave no answer")?;
        serde_json::from_str(body).with_context(|| format!("the sandbox gave no {path}"))
    }

    /// Waits until the sandbox ends, which it does by Ctrl-C.
    pub(crate) fn wait(mut self) -> Result<()> {
        self.child.wait()?;
        Ok(())
    }

    fn address(&self, name: &str) -> Result<&str> {
        let address = self.addresses.get(name).and_then(Value::as_str);
        address.with_context(|| format!("the sandbox does not say where {name} listens"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end and nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Scheme, host and port of an address.
fn origin(address: &str) -> Result<&str> {
    let rest = address
        .strip_prefix("http://")
        .with_context(|| format!("{address} is not http"))?;
    let host = rest.split('/').next().unwrap_or(rest);
    Ok(&address[..address.len() - rest.len() + host.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_ends_before_the_path() {
        assert_eq!(
            origin("http://127.0.0.1:80/scim/v2").unwrap(),
            "http://127.0.0.1:80"
        );
        assert_eq!(
            origin("http://127.0.0.1:80").unwrap(),
            "http://127.0.0.1:80"
        );
        assert!(origin("127.0.0.1:80").is_err());
    }
}
