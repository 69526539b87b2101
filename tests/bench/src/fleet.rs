//! Ten thousand automations on one machine: `matricula serve` as a process, each automation with a tenant and
//! credentials of its own, every five minutes. The first round is the first cycle of all of them; the second,
//! in which nothing has changed, is measured.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use matricula_core::agenda::{Agenda as _, Change};
use matricula_core::automation::{Automation, Memory};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::standing::Standing;
use matricula_core::store::Store as _;
use matricula_core::{AutomationId, Cadence, CredentialId, TenantId};
use matricula_engine::schedule::spread;
use matricula_store::{SqliteStore, Vault};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Places;
use crate::process::{Sandbox, cpu_of};
use crate::table::Table;

const INTERVAL: Duration = Duration::from_secs(300);
/// People of each tenant.
const PEOPLE: u64 = 20;
const KEY: [u8; 32] = [7; 32];

pub(crate) fn measure(places: &Places, automations: u64, table: &mut Table) -> Result<()> {
    let sandbox = Sandbox::start(places, PEOPLE)?;
    let data = TempDir::new()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(enroll(places, &data, automations))?;
    drop(runtime);

    let server = Server::start(places, &sandbox, &data)?;
    let settled = INTERVAL + Duration::from_secs(20);
    std::thread::sleep(settled);
    let before = server.metrics()?;
    ensure!(
        before.cycles >= automations as f64 * 0.99,
        "only {} of {automations} first cycles in {settled:?}",
        before.cycles
    );
    let cpu_before = server.cpu()?;
    let began = Instant::now();
    std::thread::sleep(INTERVAL);
    let after = server.metrics()?;
    let wall = began.elapsed().as_secs_f64();
    let cpu = (server.cpu()? - cpu_before).as_secs_f64();
    let cycles = after.cycles - before.cycles;
    let failed = after.bad - before.bad;
    ensure!(failed == 0.0, "{failed} cycles did not succeed");

    let what = |text: &str| format!("{automations} automations, every 5 min: {text}");
    table.tell(what("cycles/s"), cycles / wall, "/s");
    table.hold(
        what("99 of 100 begin within"),
        after.percentile(&before, 0.99),
        "s",
        30.0,
    );
    table.hold(what("resident"), server.resident()?, "MiB", 250.0);
    table.tell(what("CPU for a cycle"), cpu / cycles * 1e3, "ms");
    table.tell(what("share of two cores"), cpu / wall / 2.0 * 100.0, "%");
    let carried = 2.0 * INTERVAL.as_secs_f64() / (cpu / cycles);
    table.tell("automations every 5 min that two cores carry", carried, "");
    Ok(())
}

/// As if all had been started: without asking the two systems ten thousand times whether they could be.
async fn enroll(places: &Places, data: &TempDir, automations: u64) -> Result<()> {
    std::fs::write(
        data.path().join("key"),
        KEY.iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>(),
    )?;
    let store = SqliteStore::open(data.path().join("matricula.db"), Vault::new(&KEY))?;
    let flow = std::fs::read_to_string(places.flows.join("sync-employees.flow.yaml"))?;
    let file = store.keep_file(&flow).await?;
    let now = Timestamp::now();
    let store = &store;
    let file = &file;
    let all = (0..automations).map(|number| async move {
        let tenant = TenantId::new(format!("tenant-{number}"));
        let mut ids = Vec::new();
        for (connector, method, public, secret) in [
            (
                "personio",
                "api-credentials",
                ("client_id", "sandbox-personio-id"),
                ("client_secret", "sandbox-personio-secret"),
            ),
            (
                "reteach",
                "academy",
                ("scim_url", "https://academy.example.com/scim/v2"),
                ("scim_token", "sandbox-scim-token"),
            ),
        ] {
            let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            let credential = Credential {
                id: CredentialId::new(format!("{connector}-{number}")),
                tenant: tenant.clone(),
                connector: connector.to_owned(),
                method: method.to_owned(),
                name: connector.to_owned(),
                public: BTreeMap::from([own(public)]),
                created_at: now,
            };
            store
                .add_credential(&credential, &Secrets::new([own(secret)]))
                .await?;
            ids.push(credential.id);
        }
        let target = ids.pop().context("no target")?;
        let source = ids.pop().context("no source")?;
        let id = AutomationId::new(format!("automation-{number}"));
        let cadence = Cadence::every(INTERVAL);
        let automation = Automation {
            id: id.clone(),
            tenant: tenant.clone(),
            flow: "sync-employees".to_owned(),
            source: source.clone(),
            target: target.clone(),
            settings: json!({}),
            file: Some(file.clone()),
            salt: number,
            created_at: now,
            memory: Memory::default(),
        };
        store.put_automation(&automation).await?;
        let next = cadence.next(now, spread(&id))?;
        let change = Change::to(Standing::new(&automation, cadence, next));
        anyhow::Ok(store.enroll(&change).await?)
    });
    stream::iter(all).buffer_unordered(32).try_collect().await
}

/// `matricula serve` as a process, ended when dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(places: &Places, sandbox: &Sandbox, data: &TempDir) -> Result<Self> {
        let scim = sandbox.address("scim").trim_end_matches("/scim/v2");
        let mut child = Command::new(&places.matricula)
            .args(["serve", "--json", "--listen", "127.0.0.1:0"])
            .arg("--no-documented-limits")
            .args([std::ffi::OsStr::new("--data"), data.path().as_os_str()])
            .args([
                std::ffi::OsStr::new("--connectors"),
                places.connectors.as_os_str(),
            ])
            .args([std::ffi::OsStr::new("--flows"), places.flows.as_os_str()])
            .arg("--map-origin")
            .arg(format!(
                "https://api.personio.de={}",
                sandbox.address("personio")
            ))
            .arg("--map-origin")
            .arg(format!("https://academy.example.com={scim}"))
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).context("the server does not listen")?;
        let address = said["listening"].as_str().unwrap_or_default().to_owned();
        Ok(Self { child, address })
    }

    fn cpu(&self) -> Result<Duration> {
        cpu_of(&format!("/proc/{}/stat", self.child.id()))
    }

    /// The most that was resident so far, in MiB.
    fn resident(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kib.context("no VmHWM")?.parse::<f64>()? / 1024.0)
    }

    fn metrics(&self) -> Result<Metrics> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok(Metrics::parse(&text))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the server says of itself.
struct Metrics {
    /// Cycles that ended.
    cycles: f64,
    /// Those that did not succeed.
    bad: f64,
    /// Begun within so many seconds: bound, count; ascending.
    lag: Vec<(f64, f64)>,
}

impl Metrics {
    fn parse(text: &str) -> Self {
        let mut metrics = Self {
            cycles: 0.0,
            bad: 0.0,
            lag: Vec::new(),
        };
        for line in text.lines() {
            let Some((name, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let Ok(value) = value.parse::<f64>() else {
                continue;
            };
            if let Some(label) = name.strip_prefix("matricula_cycles_total{status=\"") {
                metrics.cycles += value;
                if !label.starts_with("succeeded") {
                    metrics.bad += value;
                }
            }
            if let Some(bound) = name.strip_prefix("matricula_begin_lag_seconds_bucket{le=\"") {
                let bound = bound.trim_end_matches("\"}");
                metrics
                    .lag
                    .push((bound.parse().unwrap_or(f64::INFINITY), value));
            }
        }
        metrics
    }

    /// The bound under which this share of the cycles since `before` was begun.
    fn percentile(&self, before: &Self, share: f64) -> f64 {
        let since: Vec<(f64, f64)> = self
            .lag
            .iter()
            .zip(&before.lag)
            .map(|((bound, now), (_, then))| (*bound, now - then))
            .collect();
        let all = since.last().map_or(0.0, |(_, count)| *count);
        since
            .iter()
            .find(|(_, count)| *count >= all * share)
            .map_or(f64::NAN, |(bound, _)| *bound)
    }
}
