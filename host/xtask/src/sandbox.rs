//! The fakes of the remote systems as a process of our own, which ends with this one.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::http;
use crate::process::Process;

/// The address under which the connectors know the academy's SCIM service.
pub(crate) const SCIM_URL: &str = "https://academy.example.com/scim/v2";

/// The same of the other systems whose address is part of a credential.
pub(crate) const EDYOUCATED_URL: &str = "https://edyoucated.example.com/scim/v2";
pub(crate) const WINNINGTEMP_URL: &str = "https://scim.prod.winningtemp.com/api/scim";
pub(crate) const KOMBO_URL: &str = "https://api.kombo.dev";

/// What the connectors call, and the name of the fake that takes its place.
const ORIGINS: [(&str, &str); 8] = [
    ("https://api.personio.de", "personio"),
    ("https://api.reteach.io", "reteach"),
    ("https://academy.example.com", "scim"),
    ("https://edyoucated.example.com", "edyoucated"),
    ("https://api.winningtemp.com", "winningtemp"),
    ("https://scim.prod.winningtemp.com", "winningtemp-scim"),
    ("https://api.engagedly.com", "engagedly"),
    ("https://api.kombo.dev", "kombo"),
];

/// A running sandbox.
pub(crate) struct Sandbox {
    _process: Process,
    addresses: Value,
}

impl Sandbox {
    /// Starts the program on free ports and waits until it listens.
    pub(crate) fn start(program: &Path, arguments: &[String]) -> Result<Self> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .args(["--public-scim-url", SCIM_URL, "--exit-with-stdin"])
            .stdin(Stdio::piped());
        let (process, line) = Process::start("the sandbox", &mut command)?;
        Ok(Self {
            _process: process,
            addresses: serde_json::from_str(&line).context("the sandbox did not start")?,
        })
    }

    /// The options that lead requests for the real systems to the fakes.
    pub(crate) fn map_origins(&self) -> Result<Vec<String>> {
        let mut options = Vec::new();
        for (real, local) in self.origins()? {
            options.push("--map-origin".to_owned());
            options.push(format!("{real}={local}"));
        }
        Ok(options)
    }

    /// The origins of the real systems, each with that of its fake.
    pub(crate) fn origins(&self) -> Result<Vec<(String, String)>> {
        let each = ORIGINS.iter().map(|&(real, name)| {
            let local = http::origin(self.address(name)?)?;
            Ok((real.to_owned(), local.to_owned()))
        });
        each.collect()
    }

    /// Where the fakes are inspected and driven.
    pub(crate) fn admin(&self) -> Result<&str> {
        http::origin(self.address("admin")?)
    }

    /// The ids of Personio's people.
    pub(crate) fn people(&self) -> Result<Vec<u64>> {
        let ids = self.get("/people")?;
        serde_json::from_value(ids).context("the sandbox does not say who there is")
    }

    /// Gives attributes of one of Personio's people other values.
    pub(crate) fn change(&self, person: u64, values: &Value) -> Result<()> {
        let path = format!("/people/{person}");
        http::call(self.admin()?, "PATCH", &path, None, Some(values)).map(drop)
    }

    /// What the sandbox counted: `people`, `accounts`, `blocked`, and requests.
    pub(crate) fn stats(&self) -> Result<Value> {
        self.get("/stats")
    }

    /// The accounts of a SCIM service, as SCIM shows them.
    pub(crate) fn accounts(&self, service: &str) -> Result<Value> {
        self.get(&format!("/accounts?system={service}"))
    }

    /// The groups of a SCIM service, as SCIM shows them.
    pub(crate) fn groups(&self, service: &str) -> Result<Value> {
        self.get(&format!("/groups?system={service}"))
    }

    /// The users of Engagedly, as its API shows them.
    pub(crate) fn engagedly_users(&self) -> Result<Value> {
        self.get("/engagedly/users")
    }

    /// What lies in the files of Personio's people.
    pub(crate) fn documents(&self) -> Result<Value> {
        self.get("/documents")
    }

    /// The categories that documents are put into.
    pub(crate) fn categories(&self) -> Result<Value> {
        self.get("/categories")
    }

    /// Does what a customer does in Kombo's window behind a link; what the window gives for it.
    pub(crate) fn sign_in_to_kombo(&self, link: &Value) -> Result<Value> {
        let body = serde_json::json!({ "link": link });
        http::call(self.admin()?, "POST", "/kombo/sign-in", None, Some(&body))
    }

    fn get(&self, path: &str) -> Result<Value> {
        http::call(
            http::origin(self.address("admin")?)?,
            "GET",
            path,
            None,
            None,
        )
    }

    fn address(&self, name: &str) -> Result<&str> {
        let address = self.addresses.get(name).and_then(Value::as_str);
        address.with_context(|| format!("the sandbox does not say where {name} listens"))
    }
}
