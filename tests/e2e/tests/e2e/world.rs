//! A sandbox, a data folder, and the binary.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use matricula_sandbox::{Account, Builder, Sandbox, System};
use serde_json::Value;
use tempfile::TempDir;

use crate::access::{access, method};

pub struct World {
    pub sandbox: Sandbox,
    pub data: TempDir,
    connectors: PathBuf,
    flows: PathBuf,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// The target folder that this test was built into.
fn target() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/<profile>/deps/e2e-…
    test.ancestors().nth(3).unwrap().to_owned()
}

pub fn connectors() -> PathBuf {
    let folder = target().join("connectors");
    assert!(
        folder.join("personio.wasm").exists(),
        "run `cargo xtask connectors` first"
    );
    folder
}

fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap().join("matricula");
    assert!(binary.exists(), "run `cargo build -p matricula` first");
    binary
}

impl World {
    /// A sandbox with credentials for Personio and the academy stored.
    pub fn start(sandbox: Builder) -> Self {
        Self::start_for(&["personio", "reteach"], sandbox)
    }

    pub fn without_credentials(sandbox: Builder) -> Self {
        Self {
            sandbox: sandbox.start_blocking().unwrap(),
            data: TempDir::new().unwrap(),
            connectors: connectors(),
            flows: root().join("flows"),
        }
    }

    pub fn people(count: usize) -> Self {
        Self::start(Sandbox::builder().people(count))
    }

    /// Other connectors than those of the product.
    pub fn with_connectors(mut self, folder: &Path) -> Self {
        self.connectors = folder.to_owned();
        self
    }

    pub fn with_flows(mut self, folder: &Path) -> Self {
        self.flows = folder.to_owned();
        self
    }

    /// A sandbox with the credentials of these connectors stored.
    pub fn start_for(connectors: &[&str], sandbox: Builder) -> Self {
        let world = Self::without_credentials(sandbox);
        for connector in connectors {
            world.add_credential(connector);
        }
        world
    }

    /// Stores the credential that `access.rs` has for a connector.
    pub fn add_credential(&self, connector: &str) {
        let (name, fields) = access(connector, self.sandbox.credentials());
        self.credential(connector, method(connector), name, &fields);
    }

    /// Stores a credential: an object with all fields, secret or not. The method is named where the
    /// connector knows several.
    pub fn credential(&self, connector: &str, method: Option<&str>, name: &str, fields: &Value) {
        let mut arguments = vec!["credential", "add", connector, "--name", name];
        arguments.extend(method.into_iter().flat_map(|method| ["--method", method]));
        let said = self.with_input(&arguments, &fields.to_string());
        assert_eq!(said.code, 0, "{said:?}");
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .arg("--data")
            .arg(self.data.path())
            .arg("--connectors")
            .arg(&self.connectors)
            .arg("--flows")
            .arg(&self.flows);
        for (real, fake) in self.sandbox.origins() {
            command.arg("--map-origin").arg(format!("{real}={fake}"));
        }
        command
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn matricula(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    pub fn with_input(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses its arguments does not read.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        said(child.wait_with_output().unwrap())
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// One run of the employee flow; its JSON and its exit code.
    pub fn run(&self, arguments: &[&str]) -> (Value, i32) {
        self.run_flow("sync-employees", arguments)
    }

    /// One run of a flow; its JSON and its exit code.
    pub fn run_flow(&self, flow: &str, arguments: &[&str]) -> (Value, i32) {
        let mut all = vec!["run", flow, "--json"];
        all.extend(arguments);
        let said = self.matricula(&all);
        let json = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
        (json, said.code)
    }

    /// A full run of the employee flow that must succeed; its counts.
    pub fn counts(&self) -> Value {
        self.counts_of("sync-employees", &[])
    }

    /// A full run of a flow that must succeed; its counts.
    pub fn counts_of(&self, flow: &str, arguments: &[&str]) -> Value {
        let mut all = vec!["--full"];
        all.extend(arguments);
        let (run, code) = self.run_flow(flow, &all);
        assert_eq!(
            (code, &run["status"]),
            (0, &Value::from("succeeded")),
            "{run:#}"
        );
        run["counts"].clone()
    }

    /// The one account of a person in the academy.
    pub fn account(&self, id: u64) -> Account {
        self.account_at(System::Scim, id)
    }

    /// The one account of a person at a SCIM service.
    pub fn account_at(&self, system: System, id: u64) -> Account {
        let id = id.to_string();
        let found: Vec<Account> = self
            .sandbox
            .accounts_of(system)
            .list()
            .into_iter()
            .filter(|account| account.external_id.as_deref() == Some(id.as_str()))
            .collect();
        assert_eq!(found.len(), 1, "accounts of {id}");
        found.into_iter().next().unwrap()
    }

    /// Everybody has exactly one account in the academy, with the right address.
    pub fn assert_in_step(&self) {
        self.assert_in_step_at(System::Scim);
    }

    /// The same at any SCIM service.
    pub fn assert_in_step_at(&self, system: System) {
        let people = self.sandbox.people();
        let mut wanted: Vec<(String, String)> = people
            .ids()
            .into_iter()
            .map(|id| (id.to_string(), people.text(id, "email").to_lowercase()))
            .collect();
        let mut held: Vec<(String, String)> = self
            .sandbox
            .accounts_of(system)
            .list()
            .into_iter()
            .map(|account| {
                (
                    account.external_id.clone().unwrap_or_default(),
                    account.user_name.to_lowercase(),
                )
            })
            .collect();
        wanted.sort();
        held.sort();
        assert_eq!(wanted.len(), held.len());
        assert_eq!(wanted, held);
    }

    /// Changes to the academy since the journal was last cleared.
    pub fn writes(&self) -> u64 {
        self.writes_to(System::Scim)
    }

    /// Changes to a system since the journal was last cleared.
    pub fn writes_to(&self, system: System) -> u64 {
        self.sandbox.journal().writes(system)
    }
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
