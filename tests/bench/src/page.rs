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
const TIMES: usize = 1_000;
const ROUNDS: usize = 5;

/// A server, ended when dropped.
struct Server {
    child: Child,
    address: String,
    code: String,
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
        let link = said["sign_in"].as_str().unwrap_or_default();
        let code = link.rsplit('=').next().unwrap_or_default().to_owned();
        let address = format!("http://{}", said["listening"].as_str().unwrap_or_default());
        Ok(Self {
            child,
            address,
            code,
        })
    }
}

/// Measures it.
pub(crate) fn measure(places: &Places, table: &mut Table) -> Result<()> {
    let data = TempDir::new()?;
    let file = data.path().join("matricula.db");
    drop(SqliteStore::open(&file, Vault::new(&KEY))?);
    let store = rusqlite::Connection::open(&file)?;
    store.execute_batch(&format!("BEGIN; {FILL} COMMIT;"))?;
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
    first_paint(places, &server, table)
}

/// The slowest hundredth of the round in the middle.
async fn list(server: &Server) -> Result<Duration> {
    let client = Client::builder().no_proxy().build()?;
    let signed = client
        .post(format!("{}/api/v1/session/local", server.address))
        .header("content-type", "application/json")
        .body(json!({ "code": server.code }).to_string())
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

/// Until something is painted, in a browser that has not seen the page before. Without Node or a browser it is left out,
/// and said.
fn first_paint(places: &Places, server: &Server, table: &mut Table) -> Result<()> {
    let script = places.flows.with_file_name("tests/page/paint.mjs");
    let measured = Command::new("node")
        .arg(&script)
        .arg(format!("{}/app/", server.address))
        .stderr(Stdio::inherit())
        .output();
    let measured = measured.ok().filter(|output| output.status.success());
    let Some(measured) = measured else {
        eprintln!(
            "notice: the first paint was not measured; `cargo xtask test` installs what it needs"
        );
        return Ok(());
    };
    let paint: f64 = String::from_utf8(measured.stdout)?.trim().parse()?;
    table.hold(
        "first paint of the page on loopback, median",
        paint,
        "ms",
        300.0,
    );
    Ok(())
}
