//! A sandbox, a data folder, and the binary.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use matricula_sandbox::{Account, Builder, Sandbox, System};
use serde_json::Value;
use tempfile::TempDir;

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
    /// A sandbox with credentials for both systems stored.
    pub fn start(sandbox: Builder) -> Self {
        let world = Self::without_credentials(sandbox);
        world.add_credentials();
        world
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

    pub fn add_credentials(&self) {
        let credentials = self.sandbox.credentials().clone();
        let personio = self.with_input(
            &[
                "credential",
                "add",
                "personio",
                "--name",
                "hr",
                "--set",
                &format!("client_id={}", credentials.personio_client_id),
            ],
            &format!("client_secret={}\n", credentials.personio_client_secret),
        );
        assert_eq!(personio.code, 0, "{personio:?}");
        let reteach = self.with_input(
            &[
                "credential",
                "add",
                "reteach",
                "--name",
                "academy",
                "--set",
                "scim_url=https://academy.example.com/scim/v2",
                "--set",
                &format!("client_id={}", credentials.reteach_client_id),
            ],
            &format!(
                "scim_token={}\nclient_secret={}\nclient_code={}\n",
                credentials.scim_token,
                credentials.reteach_client_secret,
                credentials.reteach_client_code
            ),
        );
        assert_eq!(reteach.code, 0, "{reteach:?}");
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let origin = |url: &str| url.trim_end_matches("/scim/v2").to_owned();
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .arg("--data")
            .arg(self.data.path())
            .arg("--connectors")
            .arg(&self.connectors)
            .arg("--flows")
            .arg(&self.flows)
            .arg("--map-origin")
            .arg(format!(
                "https://api.personio.de={}",
                origin(self.sandbox.personio_url())
            ))
            .arg("--map-origin")
            .arg(format!(
                "https://api.reteach.io={}",
                origin(self.sandbox.reteach_url())
            ))
            .arg("--map-origin")
            .arg(format!(
                "https://academy.example.com={}",
                origin(self.sandbox.scim_url())
            ))
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

    /// One run; its JSON and its exit code.
    pub fn run(&self, arguments: &[&str]) -> (Value, i32) {
        let mut all = vec!["run", "sync-employees", "--json"];
        all.extend(arguments);
        let said = self.matricula(&all);
        let json = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
        (json, said.code)
    }

    /// A full run that must succeed; its counts.
    pub fn counts(&self) -> Value {
        let (run, code) = self.run(&["--full"]);
        assert_eq!(
            (code, &run["status"]),
            (0, &Value::from("succeeded")),
            "{run:#}"
        );
        run["counts"].clone()
    }

    /// The one account of a person.
    pub fn account(&self, id: u64) -> Account {
        let id = id.to_string();
        let found: Vec<Account> = self
            .sandbox
            .accounts()
            .list()
            .into_iter()
            .filter(|account| account.external_id.as_deref() == Some(id.as_str()))
            .collect();
        assert_eq!(found.len(), 1, "accounts of {id}");
        found.into_iter().next().unwrap()
    }

    /// Everybody has exactly one account, with the right address.
    pub fn assert_in_step(&self) {
        let people = self.sandbox.people();
        let mut wanted: Vec<(String, String)> = people
            .ids()
            .into_iter()
            .map(|id| (id.to_string(), people.text(id, "email").to_lowercase()))
            .collect();
        let mut held: Vec<(String, String)> = self
            .sandbox
            .accounts()
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

    /// Changes since the journal was last cleared.
    pub fn writes(&self) -> u64 {
        self.sandbox.journal().writes(System::Scim)
    }
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
