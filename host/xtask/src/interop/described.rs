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
    /// How many people there are.
    people: &'static str,
    /// Beginnings of paths that none of the files has, though the vendor documents them elsewhere.
    undescribed: &'static [&'static str],
    /// What is asked, in order.
    steps: &'static [Step],
    /// Whether customers connect to it in a window, which is then tried too.
    connects: bool,
    /// What must have been asked for the check to show anything: method, and how the path begins; `*` is whatever
    /// comes before the rest.
    wants: &'static [(&'static str, &'static str)],
    /// What must have been in the body of one such request: method, how the path begins, and the part of the body.
    bodies: &'static [(&'static str, &'static str, &'static str)],
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
    /// The first of the people has the second for a supervisor, who works there too.
    Supervised,
    /// The program forgets everything: what follows begins with an empty data folder.
    Forget,
}

/// Somebody who works there, whatever was made up.
const WORKS: &str = r#"{"status": "active", "hire_date": "2020-01-01T00:00:00+01:00", "contract_end_date": null,
    "termination_date": null}"#;
/// The same person elsewhere and under another name.
const MOVES: &str = r#"{"first_name": "Renamed", "position": "Head of Learning",
    "department": {"type": "Department", "attributes": {"id": 990017, "name": "Moved & Merged"}}}"#;
const LEAVES: &str = r#"{"status": "inactive"}"#;
/// Everything of them that may be empty is.
const EMPTIED: &str = r#"{"hire_date": null, "position": null, "office": null, "department": null,
    "subcompany": null, "supervisor": null}"#;
/// Values of attributes of the organisation's own, by title and by key: those of the sandbox. Whoever was renamed has
/// none any more.
const OWN: &str = concat!(
    r#"$map={"custom_attributes": "{\"custom-attribute-d3b49\": 7, "#,
    r#"\"Cost center\": e.first_name == \"Renamed\" ? null : string(e.id), "#,
    r#"\"Languages\": e.first_name == \"Renamed\" ? null : [\"English\"]}"}"#
);
/// The sandbox has no limits here either, and a minute's worth of requests is passed.
const FAST: &str = "--no-documented-limits";

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
        people: "40",
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
        bodies: &[],
        wrong: ("GET", "/v1/company/employees?page=1"),
    },
    System {
        name: "engagedly",
        origin: "https://api.engagedly.com",
        files: &["engagedly-openapi.yaml"],
        // More of them work than a page of users has.
        people: "70",
        undescribed: &[],
        steps: &[
            Step::Credential("personio", None),
            Step::Credential("engagedly", None),
            Step::Test("engagedly", "sync-employees-to-engagedly"),
            Step::Change(WORKS),
            Step::Run("sync-employees-to-engagedly", &["--setting", OWN, FAST]),
            Step::Change(MOVES),
            Step::Run("sync-employees-to-engagedly", &[FAST]),
            Step::Change(LEAVES),
            Step::Run("sync-employees-to-engagedly", &[FAST]),
            Step::Change(WORKS),
            Step::Run("sync-employees-to-engagedly", &["--full", FAST]),
            Step::Supervised,
            Step::Run("sync-employees-to-engagedly", &[FAST]),
            Step::Change(EMPTIED),
            Step::Run("sync-employees-to-engagedly", &[FAST]),
            // Everybody is there and has to be found again.
            Step::Forget,
            Step::Credential("personio", None),
            Step::Credential("engagedly", None),
            Step::Run(
                "sync-employees-to-engagedly",
                &["--setting", "identifier=employee_id", FAST],
            ),
        ],
        connects: false,
        wants: &[
            ("GET", "/beta/user-attributes"),
            ("GET", "/beta/users/block-reason-codes"),
            ("GET", "/beta/users?page=1&size=50"),
            ("GET", "/beta/users?page=2&size=50"),
            ("POST", "/beta/users"),
            ("PATCH", "/beta/users/"),
            ("PUT", "/beta/users/*/deactivate"),
            ("PUT", "/beta/users/*/activate"),
            ("POST", "/beta/departments"),
            ("POST", "/beta/businesses"),
            ("POST", "/beta/locations"),
            ("POST", "/beta/job_titles"),
        ],
        bodies: &[
            ("PUT", "/beta/users/", r#""block_reason_code":"not_known""#),
            ("POST", "/beta/users", r#""custom-attribute-93cbf":"1"#),
            (
                "POST",
                "/beta/users",
                r#""custom-attribute-5d2c8":["English"]"#,
            ),
            ("POST", "/beta/users", r#""custom-attribute-d3b49":7"#),
            ("PATCH", "/beta/users/", r#""custom-attribute-93cbf":"""#),
            ("PATCH", "/beta/users/", r#""custom-attribute-5d2c8":[]"#),
            ("PATCH", "/beta/users/", r#""departments":[]"#),
            ("PATCH", "/beta/users/", r#""businesses":[]"#),
            ("PATCH", "/beta/users/", r#""location":"""#),
            ("PATCH", "/beta/users/", r#""job_title":"""#),
            ("PATCH", "/beta/users/", r#""manager_id":"""#),
        ],
        wrong: ("GET", "/beta/users?per_page=3"),
    },
    System {
        name: "kombo",
        origin: "https://api.kombo.dev",
        files: &["kombo-openapi.json"],
        people: "40",
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
        bodies: &[],
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
        let population = [
            "--people",
            self.people,
            "--certificates",
            "8",
            "--no-limits",
        ];
        let sandbox = Sandbox::start(&programs.sandbox, &population.map(str::to_owned))?;
        let mut origins = sandbox.origins()?;
        let led = origins.iter_mut().find(|(real, _)| real == self.origin);
        let (_, led) = led.with_context(|| format!("the sandbox has no {}", self.name))?;
        let mut arguments = vec!["--origin".to_owned(), self.origin.to_owned()];
        if !self.bodies.is_empty() {
            arguments.push("--bodies".to_owned());
        }
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
        let mut product = Product::new(workspace, programs, &folder, origins)?;
        for step in self.steps {
            if matches!(step, Step::Forget) {
                product = Product::new(workspace, programs, &folder, product.origins)?;
            }
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
        let bodies = self.bodies.iter();
        let bodies = bodies.map(|(method, path, part)| (*method, *path, *part));
        for (method, path, part) in wants.iter().map(|&(m, p)| (m, p, "")).chain(bodies) {
            let (begin, rest) = path.split_once('*').unwrap_or((path, ""));
            let is_it = |one: &Asked| {
                let after = one.target.strip_prefix(begin);
                one.method == method
                    && after.is_some_and(|after| after.contains(rest))
                    && one.body.contains(part)
            };
            if !asked.iter().any(is_it) {
                bail!(
                    "{} was not asked {method} {path} {part}, so that was not checked",
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
                let (first, _) = first_two(sandbox)?;
                sandbox.change(first, &serde_json::from_str(values)?)
            }
            Self::Supervised => {
                let (first, second) = first_two(sandbox)?;
                sandbox.change(second, &serde_json::from_str(WORKS)?)?;
                sandbox.change(first, &json!({ "supervisor": second }))
            }
            Self::Forget => Ok(()),
        }
    }
}

fn first_two(sandbox: &Sandbox) -> Result<(u64, u64)> {
    match sandbox.people()?.as_slice() {
        [first, second, ..] => Ok((*first, *second)),
        _ => bail!("the sandbox has hardly anybody"),
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
