//! Requests to systems whose vendors publish `OpenAPI` files, held against those by a proxy in front of the sandbox.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::connect;
use super::product::Product;
use super::proxy::{Asked, Proxy};
use crate::cargo::Workspace;
use crate::python::Environment;
use crate::sandbox::{SCIM_URL, Sandbox};
use crate::served::Programs;
use crate::{http, page, say};

/// A run in which somebody failed; what was asked counts all the same.
const PARTIAL: i32 = 6;
/// A test of a credential that finds something missing; likewise.
const MISSING: i32 = 5;

/// A system with files that describe it.
struct System {
    /// The connector, and the name in the sandbox's addresses.
    name: &'static str,
    /// Where the real one is.
    origin: &'static str,
    /// The files, in the folder of the vendors' files.
    files: &'static [&'static str],
    /// Beginnings of paths that none of the files has, though the vendor documents them elsewhere.
    undescribed: &'static [&'static str],
    /// What is asked, in order.
    steps: &'static [Step],
    /// Whether customers connect to it in a window, which is then tried too.
    connects: bool,
    /// What must have been asked for the check to show anything: method, and how the path begins; `*` is whatever
    /// comes before the rest.
    wants: &'static [(&'static str, &'static str)],
    /// A request that the files do not have. It is asked at the end, and must be found.
    wrong: (&'static str, &'static str),
}

/// Something that an owner does, or that happens in the source.
enum Step {
    /// A credential is added: connector and method.
    Credential(&'static str, Option<&'static str>),
    /// The credential of a connector is tested for a flow.
    Test(&'static str, &'static str),
    /// A cycle of a flow, with these options.
    Run(&'static str, &'static [&'static str]),
    /// Attributes of the first of the people get other values: an object as JSON.
    Change(&'static str),
}

/// Somebody who works there, whatever was made up.
const WORKS: &str = r#"{"status": "active", "hire_date": "2020-01-01T00:00:00+01:00", "contract_end_date": null,
    "termination_date": null}"#;
/// The same person elsewhere and under another name.
const MOVES: &str = r#"{"first_name": "Renamed", "position": "Head of Learning",
    "department": {"type": "Department", "attributes": {"id": 990017, "name": "Moved & Merged"}}}"#;
const LEAVES: &str = r#"{"status": "inactive"}"#;

const SYSTEMS: [System; 3] = [
    System {
        name: "personio",
        origin: "https://api.personio.de",
        files: &[
            "personio-auth-api.yaml",
            "personio-personnel-data-api-oa3.yaml",
            "credentials-service-api-v2.json",
            "persons-service-api-v2.json",
            "employment-contract-v2.json",
        ],
        undescribed: &["/v2/document-management"],
        steps: &[
            Step::Credential("personio", None),
            Step::Credential("reteach", None),
            Step::Credential("winningtemp", None),
            Step::Test("personio", "sync-employees"),
            Step::Test("personio", "sync-certificates"),
            Step::Run("sync-employees", &[]),
            Step::Change(MOVES),
            Step::Run("sync-employees", &[]),
            Step::Run("sync-certificates", &[]),
            Step::Run("sync-certificates", &["--full"]),
            // Reads an attribute that each account keeps under a key of its own.
            Step::Run("sync-employees-to-winningtemp", &[]),
        ],
        connects: false,
        wants: &[
            ("POST", "/v1/auth"),
            ("GET", "/v1/company/employees?limit=100&offset=0&attributes"),
            ("GET", "/v1/company/employees/attributes"),
            ("GET", "/v1/company/document-categories"),
            ("POST", "/v1/company/documents"),
            ("POST", "/v2/auth/token"),
        ],
        wrong: ("GET", "/v1/company/employees?page=1"),
    },
    System {
        name: "engagedly",
        origin: "https://api.engagedly.com",
        files: &["engagedly-openapi.yaml"],
        undescribed: &[],
        steps: &[
            Step::Credential("personio", None),
            Step::Credential("engagedly", None),
            Step::Test("engagedly", "sync-employees-to-engagedly"),
            Step::Change(WORKS),
            Step::Run("sync-employees-to-engagedly", &[]),
            Step::Change(MOVES),
            Step::Run("sync-employees-to-engagedly", &[]),
            Step::Change(LEAVES),
            Step::Run("sync-employees-to-engagedly", &[]),
            Step::Change(WORKS),
            Step::Run("sync-employees-to-engagedly", &["--full"]),
        ],
        connects: false,
        wants: &[
            ("GET", "/beta/users"),
            ("POST", "/beta/users"),
            ("PATCH", "/beta/users/"),
            ("PUT", "/beta/users/*/deactivate"),
            ("PUT", "/beta/users/*/activate"),
            ("POST", "/beta/departments"),
            ("POST", "/beta/businesses"),
            ("POST", "/beta/locations"),
            ("POST", "/beta/job_titles"),
        ],
        wrong: ("GET", "/beta/users?per_page=3"),
    },
    System {
        name: "kombo",
        origin: "https://api.kombo.dev",
        files: &["kombo-openapi.json"],
        undescribed: &[],
        steps: &[
            Step::Credential("kombo", Some("key")),
            Step::Credential("reteach", None),
            Step::Test("kombo", "sync-employees-from-kombo"),
            Step::Run("sync-employees-from-kombo", &[]),
            Step::Change(MOVES),
            Step::Run("sync-employees-from-kombo", &[]),
            Step::Run("sync-certificates-to-kombo", &[]),
        ],
        connects: true,
        wants: &[
            ("GET", "/v1/hris/employees"),
            ("GET", "/v1/hris/employee-document-categories"),
            ("POST", "/v1/hris/employees/*/documents"),
        ],
        wrong: ("GET", "/v1/hris/employees?per_page=3"),
    },
];

/// Holds what each system is asked against its files.
pub(super) fn check(
    workspace: &Workspace,
    environment: &Environment,
    programs: &Programs,
    specs: &Path,
) -> Result<()> {
    for system in &SYSTEMS {
        let shown = || format!("what {} is asked cannot be checked", system.name);
        system
            .check(workspace, environment, programs, specs)
            .with_context(shown)?;
    }
    Ok(())
}

impl System {
    fn check(
        &self,
        workspace: &Workspace,
        environment: &Environment,
        programs: &Programs,
        specs: &Path,
    ) -> Result<()> {
        say::step(&format!(
            "Holding what {} is asked against its vendor's files",
            self.name
        ));
        let folder = workspace.target.join("interop-runs").join(self.name);
        std::fs::create_dir_all(&folder)?;
        let population = ["--people", "40", "--certificates", "8", "--no-limits"];
        let sandbox = Sandbox::start(&programs.sandbox, &population.map(str::to_owned))?;
        let mut origins = sandbox.origins()?;
        let led = origins.iter_mut().find(|(real, _)| real == self.origin);
        let (_, led) = led.with_context(|| format!("the sandbox has no {}", self.name))?;
        let mut arguments = vec!["--origin".to_owned(), self.origin.to_owned()];
        for file in self.files {
            let file = specs.join(file);
            if !file.is_file() {
                bail!("there is no file {}", file.display());
            }
            arguments.extend(["--description".to_owned(), file.display().to_string()]);
        }
        for path in self.undescribed {
            arguments.extend(["--undescribed".to_owned(), (*path).to_owned()]);
        }
        let record = folder.join("asked.jsonl");
        let proxy = Proxy::start(workspace, environment, record, led, &arguments)?;
        led.clone_from(&proxy.origin);
        let product = Product::new(workspace, programs, &folder, origins)?;
        for step in self.steps {
            step.take(&product, &sandbox)?;
        }
        let mut wants = self.wants.to_vec();
        if self.connects && page::has_node() {
            connect::exercise(workspace, programs, &folder, &product.origins, &sandbox)?;
            wants.extend(connect::WANTS);
        } else if self.connects {
            say::step("Connecting in a window was left out: the example vendor needs Node");
        }
        self.judge(&proxy.asked()?, &wants)?;
        // The fake refuses it as well; what counts is what the record says.
        let (method, target) = self.wrong;
        let _ = http::call(&proxy.origin, method, target, None, None);
        let found = proxy.asked()?.pop().and_then(|last| last.problems);
        if found.is_none_or(|problems| problems.is_empty()) {
            bail!(
                "{method} {target} was let pass, which the files do not have: the check shows nothing"
            );
        }
        Ok(())
    }

    fn judge(&self, asked: &[Asked], wants: &[(&str, &str)]) -> Result<()> {
        let problems: BTreeSet<String> = asked
            .iter()
            .flat_map(|one| {
                let path = one.target.split('?').next().unwrap_or_default();
                let problems = one.problems.iter().flatten();
                problems.map(move |problem| format!("{} {path}: {problem}", one.method))
            })
            .collect();
        for problem in &problems {
            say::line(&format!("  {problem}"));
        }
        if !problems.is_empty() {
            bail!(
                "{} was asked what its vendor's files do not have",
                self.name
            );
        }
        for (method, path) in wants {
            let (begin, rest) = path.split_once('*').unwrap_or((path, ""));
            let is_it = |one: &Asked| {
                let after = one.target.strip_prefix(begin);
                one.method == *method && after.is_some_and(|after| after.contains(rest))
            };
            if !asked.iter().any(is_it) {
                bail!(
                    "{} was not asked {method} {path}, so that was not checked",
                    self.name
                );
            }
        }
        let described = asked.iter().filter(|one| one.problems.is_some()).count();
        say::step(&format!(
            "{described} requests to {} are as its vendor's files have them; {} are described nowhere",
            self.name,
            asked.len() - described
        ));
        Ok(())
    }
}

impl Step {
    fn take(&self, product: &Product<'_>, sandbox: &Sandbox) -> Result<()> {
        match self {
            Self::Credential(connector, method) => {
                product.add(connector, *method, &credential(connector)?)
            }
            Self::Test(connector, flow) => product
                .json(
                    &["credential", "test", connector, "--flow", flow],
                    &[MISSING],
                )
                .map(drop),
            Self::Run(flow, options) => {
                let mut arguments = vec!["run", flow];
                arguments.extend(*options);
                product.json(&arguments, &[PARTIAL]).map(drop)
            }
            Self::Change(values) => {
                let first = sandbox.people()?.first().copied();
                let first = first.context("the sandbox has nobody")?;
                sandbox.change(first, &serde_json::from_str(values)?)
            }
        }
    }
}

/// What the sandbox accepts.
fn credential(connector: &str) -> Result<Value> {
    Ok(match connector {
        "personio" => json!({
            "client_id": "sandbox-personio-id",
            "client_secret": "sandbox-personio-secret",
        }),
        "reteach" => json!({
            "scim_url": SCIM_URL,
            "scim_token": "sandbox-scim-token",
            "client_id": "sandbox-reteach-id",
            "client_secret": "sandbox-reteach-secret",
            "client_code": "sandbox-reteach-code",
        }),
        "engagedly" => json!({
            "client_key": "sandbox-engagedly-client",
            "secret_key": "sandbox-engagedly-secret",
        }),
        "kombo" => json!({
            "api_url": "https://api.kombo.dev",
            "api_key": "sandbox-kombo-key",
            "integration_id": "personio:SandboxConnection1",
        }),
        "winningtemp" => json!({
            "scim_url": "https://scim.prod.winningtemp.com/api/scim",
            "scim_token": "sandbox-winningtemp-token",
        }),
        other => bail!("nothing says how the sandbox's {other} is signed in to"),
    })
}
