//! What somebody waits for who opens the page: the list of a tenant's automations, over HTTP, with ten thousand of
//! them in the store; and the page itself.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use matricula_store::{SqliteStore, Vault};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Places;
use crate::table::Table;

/// Shared with the example that measures the store alone.
const FILL: &str = include_str!("../../../host/store/examples/board.sql");
const KEY: [u8; 32] = [7; 32];
/// A run of very many people, of the first automation.
const LONG_RUN: &str = r#"
INSERT INTO run (id, automation, tenant, flow, started_by, cycle, status, started_at, finished_at, counts, requests, notes)
    SELECT 50000000, number, tenant, flow, '{"kind":"schedule"}', 0, 1, unixepoch() * 1000 - 100000, unixepoch() * 1000,
        '{"created":0,"updated":50000,"unchanged":0,"deactivated":0,"reactivated":0,"skipped":0,"staged":0,"ambiguous":0,"failed":0}',
        '{"source":250,"target":50000}', '[]'
    FROM automation WHERE number = 1;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
INSERT INTO outcome (run, number, kind, key, target, code, reason, changed)
    SELECT 50000000, i, 1, printf('%d', 400000 + i), printf('account-%d', i), NULL, NULL, '["position","department"]' FROM n;
"#;
const LONG_RUN_AT: &str = "/automations/automation-07919/runs/50000000";
const LONG_RUN_ROWS: usize = 50_000;
const TIMES: usize = 1_000;
const ROUNDS: usize = 5;

/// A server, ended when dropped.
struct Server {
    child: Child,
    address: String,
    sign_in: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(places: &Places, data: &TempDir) -> Result<Self> {
        let mut child = Command::new(&places.matricula)
            .args([
                "serve",
                "--json",
                "--log",
                "error",
                "--listen",
                "127.0.0.1:0",
            ])
            .arg("--data")
            .arg(data.path())
            .arg("--connectors")
            .arg(&places.connectors)
            .arg("--flows")
            .arg(&places.flows)
            .stdout(Stdio::piped())
            .spawn()
            .context("the server cannot be started")?;
        let mut line = String::new();
        let out = child.stdout.take().context("the server has no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).context("the server did not start")?;
        let sign_in = said["sign_in"].as_str().unwrap_or_default().to_owned();
        let address = format!("http://{}", said["listening"].as_str().unwrap_or_default());
        Ok(Self {
            child,
            address,
            sign_in,
        })
    }

    /// Good once.
    fn code(&self) -> &str {
        self.sign_in.rsplit('=').next().unwrap_or_default()
    }
}

/// Measures it.
pub(crate) fn measure(places: &Places, table: &mut Table) -> Result<()> {
    let data = TempDir::new()?;
    let file = data.path().join("matricula.db");
    drop(SqliteStore::open(&file, Vault::new(&KEY))?);
    let store = rusqlite::Connection::open(&file)?;
    store.execute_batch(&format!("BEGIN; {FILL} {LONG_RUN} COMMIT;"))?;
    drop(store);
    let key: String = KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(data.path().join("key"), key)?;
    let server = Server::start(places, &data)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let p99 = runtime.block_on(list(&server))?;
    table.hold(
        "GET /automations, a tenant with 10000, p99",
        p99.as_secs_f64() * 1e3,
        "ms",
        10.0,
    );
    first_paint(places, &server, table)?;
    drop(server);
    // Another sign-in needs another link.
    scroll(places, &Server::start(places, &data)?, table)
}

/// The slowest hundredth of the round in the middle.
async fn list(server: &Server) -> Result<Duration> {
    let client = Client::builder().no_proxy().build()?;
    let signed = client
        .post(format!("{}/api/v1/session/local", server.address))
        .header("content-type", "application/json")
        .body(json!({ "code": server.code() }).to_string())
        .send()
        .await?
        .error_for_status()?;
    let signed: Value = serde_json::from_slice(&signed.bytes().await?)?;
    let token = signed["token"].as_str().unwrap_or_default();
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let mut took = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let begin = Instant::now();
            let answer = client
                .get(format!("{}/api/v1/automations", server.address))
                .bearer_auth(token)
                .send()
                .await?
                .error_for_status()?
                .bytes()
                .await?;
            took.push(begin.elapsed());
            ensure!(answer.len() > 10_000, "the list is too short");
        }
        took.sort_unstable();
        rounds.push(took.get(TIMES * 99 / 100).copied().unwrap_or_default());
    }
    rounds.sort_unstable();
    Ok(rounds.get(ROUNDS / 2).copied().unwrap_or_default())
}

/// Runs one of the programs that drive a browser; none without Node or a browser, which is said.
fn browse(places: &Places, script: &str, arguments: &[&str]) -> Result<Option<String>> {
    let script = places.flows.with_file_name("tests/page").join(script);
    let output = Command::new("node")
        .arg(&script)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(Some(String::from_utf8(output.stdout)?)),
        _ => {
            let script = script.display();
            eprintln!("notice: {script} did not run; `cargo xtask test` installs what it needs");
            Ok(None)
        }
    }
}

/// How a run of fifty thousand people scrolls from its first row to its last, each page asked for on the way.
fn scroll(places: &Places, server: &Server, table: &mut Table) -> Result<()> {
    let rows = LONG_RUN_ROWS.to_string();
    let arguments = [server.sign_in.as_str(), LONG_RUN_AT, rows.as_str()];
    let Some(measured) = browse(places, "scroll.mjs", &arguments)? else {
        return Ok(());
    };
    let measured: Value = serde_json::from_str(&measured)?;
    ensure!(
        measured["rows"] == LONG_RUN_ROWS,
        "the run was not scrolled to its end: {measured}"
    );
    let of = |name: &str| measured[name].as_f64().unwrap_or(f64::INFINITY);
    let what = "a run of 50000 scrolled to its end, between two frames";
    table.tell(format!("{what}, median"), of("median"), "ms");
    table.hold(format!("{what}, p99"), of("p99"), "ms", 100.0);
    table.tell(format!("{what}, worst"), of("worst"), "ms");
    Ok(())
}

/// Until something is painted, in a browser that has not seen the page before.
fn first_paint(places: &Places, server: &Server, table: &mut Table) -> Result<()> {
    let Some(measured) = browse(places, "paint.mjs", &[&format!("{}/app/", server.address)])?
    else {
        return Ok(());
    };
    let paint: f64 = measured.trim().parse()?;
    table.hold(
        "first paint of the page on loopback, median",
        paint,
        "ms",
        300.0,
    );
    Ok(())
}
