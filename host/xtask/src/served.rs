//! The whole product, running: a sandbox, a server, and a vendor whose page has it in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::cargo::{self, Artifact, Workspace};
use crate::demo::{access, lacking};
use crate::http;
use crate::process::{Process, without_settings};
use crate::sandbox::Sandbox;
use crate::vendor::{Prepared, Vendor};

/// How long the first run of an automation may take.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often it is looked at.
const PAUSE: Duration = Duration::from_millis(200);

/// What is started.
pub(crate) struct Programs {
    pub(crate) sandbox: PathBuf,
    pub(crate) matricula: PathBuf,
    /// The folder of components.
    pub(crate) connectors: PathBuf,
}

impl Programs {
    /// Those that cargo has built.
    pub(crate) fn of(artifacts: &[Artifact], connectors: PathBuf) -> Result<Self> {
        let program = |name| cargo::executable(artifacts, name).map(Path::to_owned);
        Ok(Self {
            sandbox: program("matricula-sandbox")?,
            matricula: program("matricula")?,
            connectors,
        })
    }
}

/// All of it, ended when dropped.
pub(crate) struct Served {
    /// The vendor, who signs its customer's sessions.
    pub(crate) vendor: Vendor,
    server: Process,
    /// Scheme, host and port of the server.
    pub(crate) origin: String,
    _sandbox: Option<Sandbox>,
}

impl Served {
    /// Starts all of it on free ports; `folder`, which is emptied, takes data, key and vendors.
    pub(crate) fn start(
        workspace: &Workspace,
        programs: &Programs,
        folder: &Path,
        sandbox: &[String],
    ) -> Result<Self> {
        let sandbox = Sandbox::start(&programs.sandbox, sandbox)?;
        let origins = sandbox.origins()?;
        let mut served = Self::over(workspace, programs, folder, &origins, ("", &[]))?;
        served._sandbox = Some(sandbox);
        Ok(served)
    }

    /// Starts all of it but the systems: those are where `origins` lead. The vendor gives what further sections of
    /// its file say, with the files that these name.
    pub(crate) fn over(
        workspace: &Workspace,
        programs: &Programs,
        folder: &Path,
        origins: &[(String, String)],
        (gives, files): (&str, &[(&str, &str)]),
    ) -> Result<Self> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)
                .with_context(|| format!("{} is in the way", folder.display()))?;
        }
        std::fs::create_dir_all(folder)?;
        let prepared = Prepared::new(workspace, folder, gives)?;
        for (name, content) in files {
            std::fs::write(folder.join(name), content)?;
        }
        let mut command = Command::new(&programs.matricula);
        command
            .current_dir(&workspace.root)
            .args(["serve", "--json", "--listen", "127.0.0.1:0"])
            .args(["--flows", "flows", "--log", "warn", "--vendors"])
            .arg(folder.join("vendors.toml"))
            .arg("--data")
            .arg(folder.join("data"))
            .arg("--connectors")
            .arg(&programs.connectors)
            .stdin(Stdio::null());
        for (real, local) in origins {
            command.arg("--map-origin").arg(format!("{real}={local}"));
        }
        let (server, line) = Process::start("matricula serve", without_settings(&mut command))?;
        let said: Value = serde_json::from_str(&line)
            .with_context(|| format!("matricula serve said {line:?}"))?;
        let listening = said.get("listening").and_then(Value::as_str);
        let origin = format!(
            "http://{}",
            listening.context("matricula serve does not say where it listens")?
        );
        Ok(Self {
            vendor: prepared.start(workspace, folder, &origin)?,
            server,
            origin,
            _sandbox: None,
        })
    }

    /// Asks the API as the vendor's customer.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let path = format!("/api/v1{path}");
        let token = self.vendor.token()?;
        http::call(&self.origin, method, &path, Some(&token), body)
    }

    /// Adds the credential that the sandbox accepts from a connector, as the customer would; its id.
    pub(crate) fn add_credential(&self, connector: &str) -> Result<String> {
        let access = access(connector)?;
        let body = json!({
            "name": access.name,
            "connector": connector,
            "method": access.method,
            "public": access.public,
            "secrets": access.secrets,
        });
        let id = id(&self.call("POST", "/credentials", Some(&body))?)?;
        let tested = self.call("POST", &format!("/credentials/{id}/test"), Some(&json!({})))?;
        lacking(&tested).with_context(|| format!("the test of the credential for {connector}"))?;
        Ok(id)
    }

    /// Starts a flow, as the customer would, after a test where the flow wants one, and waits until its
    /// first run has ended well; the automation.
    pub(crate) fn start_automation(
        &self,
        flow: &str,
        source: &str,
        target: &str,
        settings: &Value,
    ) -> Result<Value> {
        let subject = json!({
            "flow": flow,
            "source": source,
            "target": target,
            "settings": settings,
        });
        let shown = self.call("GET", &format!("/flows/{flow}"), None)?;
        let tested = shown.get("activation").and_then(Value::as_str) == Some("tested");
        let mut wish = subject.clone();
        wish["contacts"] = json!([]);
        // Rights that a flow could use and does not have are no reason to stop: the run says what is left out.
        wish["accept_findings"] = json!(true);
        if tested {
            wish["plan"] = json!(self.plan(&subject)?);
        }
        let id = id(&self.call("POST", "/automations", Some(&wish))?)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let automation = self.call("GET", &format!("/automations/{id}"), None)?;
            if automation
                .get("last_succeeded_at")
                .is_some_and(Value::is_string)
            {
                return Ok(automation);
            }
            let held = automation.get("hold").is_some_and(Value::is_object);
            if held || Instant::now() > until {
                bail!("the first run of {flow} has not succeeded: {automation}");
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Has a plan made, as a customer does who tests; its id.
    fn plan(&self, subject: &Value) -> Result<String> {
        let id = id(&self.call("POST", "/plans", Some(subject))?)?;
        let until = Instant::now() + PATIENCE;
        loop {
            let plan = self.call("GET", &format!("/plans/{id}"), None)?;
            match plan.get("status").and_then(Value::as_str) {
                Some("done") => return Ok(id),
                Some("running") if Instant::now() < until => std::thread::sleep(PAUSE),
                _ => bail!("the test has not succeeded: {plan}"),
            }
        }
    }

    /// Waits until the server ends.
    pub(crate) fn wait(mut self) -> Result<()> {
        self.server.wait()
    }
}

fn id(made: &Value) -> Result<String> {
    let id = made.get("id").and_then(Value::as_str);
    Ok(id.context("what was made has no id")?.to_owned())
}
