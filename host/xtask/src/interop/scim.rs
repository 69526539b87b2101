//! A SCIM server that is not ours, filled by the connector for any SCIM service.
//!
//! It is filled twice: as it comes, with a thousand people, and with an extension of its own that the connector has to
//! learn of. Each time what it holds is compared with the source, then changed, compared again, and everything that it
//! was sent goes to the judges.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::FOLDER;
use super::product::Product;
use super::proxy::{Asked, Proxy};
use crate::cargo::{self, Workspace};
use crate::process::Process;
use crate::python::Environment;
use crate::sandbox::Sandbox;
use crate::served::Programs;
use crate::{http, say};

const FLOW: &str = "sync-employees-to-scim";
const TOKEN: &str = "made-up-token";
/// Where the connector believes the server to be.
const ORIGIN: &str = "https://academy.example.com";

/// What the server's own extension is called, as `scim_extension.py` has it.
const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:academy:2.0:User";

/// A test of a credential that finds something missing: attributes that the server does not have.
const MISSING: i32 = 5;

/// One server to be filled.
struct Filling {
    name: &'static str,
    people: u32,
    /// Whether it has an extension of its own.
    extension: bool,
}

/// A running `scim2-server`.
struct Server {
    _process: Process,
    /// Such as `http://127.0.0.1:4711`; its base is `/v2`.
    origin: String,
}

/// Fills both and compares.
pub(super) fn check(
    workspace: &Workspace,
    environment: &Environment,
    programs: &Programs,
) -> Result<()> {
    let fillings = [
        Filling {
            name: "scim",
            people: 1000,
            extension: false,
        },
        Filling {
            name: "scim-extension",
            people: 120,
            extension: true,
        },
    ];
    examine(&Scripts {
        workspace,
        environment,
    })?;
    for filling in &fillings {
        filling
            .check(workspace, environment, programs)
            .with_context(|| format!("scim2-server ({}) does not do", filling.name))?;
    }
    Ok(())
}

/// Has scim2-tester examine the server that is taken for the judge.
fn examine(scripts: &Scripts<'_>) -> Result<()> {
    let folder = scripts.workspace.target.join("interop-runs/examined");
    std::fs::create_dir_all(&folder)?;
    let server = Server::start(scripts, &folder, false)?;
    let output = Command::new(scripts.environment.program("scim2"))
        .args(["--url", &format!("{}/v2", server.origin), "test"])
        .env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {TOKEN}"))
        .stdin(Stdio::null())
        .output()
        .context("scim2 cannot be started")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let count = |word: &str| said.lines().filter(|line| line.starts_with(word)).count();
    let (fine, wrong) = (count("SUCCESS"), count("ERROR") + count("CRITICAL"));
    if fine == 0 || wrong > 0 {
        say::line(said.trim_end());
        bail!("scim2-tester finds {wrong} faults in scim2-server, and {fine} things right");
    }
    say::step(&format!(
        "scim2-tester finds scim2-server, which is to judge, without fault in {fine} tests"
    ));
    Ok(())
}

impl Filling {
    fn check(
        &self,
        workspace: &Workspace,
        environment: &Environment,
        programs: &Programs,
    ) -> Result<()> {
        let with = if self.extension {
            ", with an extension of its own"
        } else {
            ""
        };
        say::step(&format!(
            "Filling scim2-server with {} people{with}",
            self.people
        ));
        let folder = workspace.target.join("interop-runs").join(self.name);
        std::fs::create_dir_all(&folder)?;
        let scripts = Scripts {
            workspace,
            environment,
        };
        let server = Server::start(&scripts, &folder, self.extension)?;
        let schemas = folder.join("schemas.json");
        let shown = http::call(&server.origin, "GET", "/v2/Schemas", Some(TOKEN), None)?;
        std::fs::write(&schemas, shown.to_string())?;
        let population = [
            "--people".to_owned(),
            self.people.to_string(),
            "--no-limits".to_owned(),
        ];
        let sandbox = Sandbox::start(&programs.sandbox, &population)?;
        let record = folder.join("asked.jsonl");
        let bodies = ["--bodies".to_owned()];
        let proxy = Proxy::start(workspace, environment, record, &server.origin, &bodies)?;
        let mut origins = sandbox.origins()?;
        origins.retain(|(real, _)| real != ORIGIN);
        origins.push((ORIGIN.to_owned(), proxy.origin.clone()));
        let product = Product::new(workspace, programs, &folder, origins)?;
        product.add("personio", None, &personio())?;
        let scim = json!({ "scim_url": format!("{ORIGIN}/v2"), "token": TOKEN });
        product.add("scim", Some("bearer"), &scim)?;
        product.json(&["credential", "test", "scim", "--flow", FLOW], &[MISSING])?;

        settle(&sandbox)?;
        let run = |more: &[&str]| -> Result<Value> {
            let groups = "teams_from=[\"department\",\"office\",\"supervisor\"]";
            let mut arguments = vec!["run", FLOW, "--setting", groups];
            arguments.extend(more);
            product.json(&arguments, &[])
        };
        let compare = || scripts.compare(&sandbox, &server, self.extension);
        run(&[])?;
        compare()?;
        let before = writes(&proxy.asked()?);
        run(&["--full"])?;
        let again = writes(&proxy.asked()?) - before;
        if again > 0 {
            bail!("the second cycle wrote ({again} requests), though nothing had changed");
        }
        say::step("The second cycle wrote nothing, as it should");
        disturb(&sandbox)?;
        run(&[])?;
        compare()?;
        if self.extension {
            let (set, removed) = below(EXTENSION, &proxy.record)?;
            if set == 0 || removed == 0 {
                bail!(
                    "of the extension's own attributes {set} were changed and {removed} cleared by PATCH, though \
                     there was reason for both"
                );
            }
            say::step(&format!(
                "Of the extension's own attributes {set} were changed and {removed} cleared by PATCH"
            ));
        }
        let judged = scripts
            .script("scim_payloads.py")
            .arg(&proxy.record)
            .arg(&schemas)
            .output()?;
        let said = String::from_utf8_lossy(&judged.stdout);
        if !judged.status.success() {
            say::line(String::from_utf8_lossy(&judged.stderr).trim_end());
            bail!("scim-sanity or scim2-models refuse what was sent");
        }
        say::step(&format!(
            "scim-sanity and scim2-models accept what was sent: {}",
            said.trim()
        ));
        Ok(())
    }
}

/// Two people of whom everything is known that only an extension has.
fn settle(sandbox: &Sandbox) -> Result<()> {
    let [.., fifth, sixth] = affected(sandbox)?;
    let known = json!({ "gender": "male", "employment_type": "internal", "hire_date": "2019-04-01T00:00:00+02:00" });
    sandbox.change(fifth, &known)?;
    sandbox.change(sixth, &known)
}

/// Whom something happens to.
fn affected(sandbox: &Sandbox) -> Result<[u64; 6]> {
    let people = sandbox.people()?;
    let first = people.first_chunk();
    first.copied().context("the sandbox has too few people")
}

/// What happens in a company: somebody moves, somebody is renamed, somebody leaves, somebody has another manager. Of
/// others the HR system knows something else of what only an extension has, or nothing any more.
fn disturb(sandbox: &Sandbox) -> Result<()> {
    let [first, second, third, fourth, fifth, sixth] = affected(sandbox)?;
    let department =
        json!({"type": "Department", "attributes": {"id": 990_017, "name": "Moved & Merged"}});
    sandbox.change(first, &json!({ "department": department }))?;
    sandbox.change(
        second,
        &json!({ "last_name": "O'Néill-Łukasz \"Q\"", "position": null }),
    )?;
    sandbox.change(third, &json!({ "status": "inactive" }))?;
    sandbox.change(fourth, &json!({ "supervisor": null }))?;
    let other = json!({ "gender": "diverse", "hire_date": "2019-05-02T00:00:00+02:00" });
    sandbox.change(fifth, &other)?;
    let unknown =
        json!({ "gender": null, "employment_type": null, "hire_date": null, "office": null });
    sandbox.change(sixth, &unknown)
}

/// How many attributes of an extension were given a value by PATCH, and how many were removed.
fn below(extension: &str, record: &Path) -> Result<(usize, usize)> {
    let text = std::fs::read_to_string(record)
        .with_context(|| format!("{} cannot be read", record.display()))?;
    let (mut set, mut removed) = (0, 0);
    for line in text.lines() {
        let entry: Value = serde_json::from_str(line)?;
        if entry["method"] != "PATCH" {
            continue;
        }
        let body: Value = serde_json::from_str(entry["body"].as_str().unwrap_or_default())?;
        for operation in body["Operations"].as_array().into_iter().flatten() {
            let path = operation["path"].as_str().unwrap_or_default();
            let attribute = path.strip_prefix(extension).unwrap_or_default();
            match operation["op"].as_str() {
                _ if !attribute.starts_with(':') => {}
                Some("remove") => removed += 1,
                _ => set += 1,
            }
        }
    }
    Ok((set, removed))
}

/// Requests that change something.
fn writes(asked: &[Asked]) -> usize {
    asked.iter().filter(|one| one.method != "GET").count()
}

fn personio() -> Value {
    json!({ "client_id": "sandbox-personio-id", "client_secret": "sandbox-personio-secret" })
}

struct Scripts<'a> {
    workspace: &'a Workspace,
    environment: &'a Environment,
}

impl Scripts<'_> {
    fn script(&self, name: &str) -> Command {
        let mut command = self.environment.python();
        command.arg(self.workspace.root.join(FOLDER).join(name));
        command
    }

    fn compare(&self, sandbox: &Sandbox, server: &Server, extension: bool) -> Result<()> {
        let mut command = self.script("scim_compare.py");
        command.args([sandbox.admin()?, &format!("{}/v2", server.origin), TOKEN]);
        if extension {
            command.arg("--extension");
        }
        command.stdout(std::io::stderr());
        cargo::status(&mut command).context("the server does not hold what the source has")
    }
}

impl Server {
    fn start(scripts: &Scripts<'_>, folder: &Path, extension: bool) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(scripts.environment.program("scim2-server"));
        command
            .args([
                "--hostname",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--bearer-token",
                TOKEN,
            ])
            .stdin(Stdio::null())
            // A line for each request.
            .stderr(File::create(folder.join("server.log"))?);
        if extension {
            let made: [PathBuf; 2] =
                ["server-schemas.json", "server-types.json"].map(|name| folder.join(name));
            cargo::status(scripts.script("scim_extension.py").args(&made))?;
            let [schemas, types] = made;
            command
                .arg("--schema")
                .arg(schemas)
                .arg("--resource-type")
                .arg(types);
        }
        let (process, _) = Process::start("scim2-server", &mut command)?;
        Ok(Self {
            _process: process,
            origin: format!("http://127.0.0.1:{port}"),
        })
    }
}

/// One that nobody listens on at this moment; scim2-server cannot choose by itself.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
