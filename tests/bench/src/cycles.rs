//! Whole cycles of many people.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use futures::{StreamExt, stream};
use serde_json::json;

use crate::Places;
use crate::process::{Product, Sandbox, Used};
use crate::table::Table;

const MIB: f64 = 1024.0 * 1024.0;

pub(crate) fn measure(places: &Places, size: u64, table: &mut Table) -> Result<()> {
    let sandbox = Sandbox::start(places, size)?;
    let product = Product::new(places, &sandbox)?;
    let before = sandbox.cpu()?;
    let (summary, first) = product.run(&[])?;
    let sandbox_cpu = sandbox.cpu()? - before;
    ensure!(summary["counts"]["created"] == size, "{summary:#}");
    table.tell(
        format!("{size} people, first cycle: wall"),
        first.wall.as_secs_f64(),
        "s",
    );
    table.tell(
        format!("{size} people, first cycle: CPU"),
        first.cpu.as_secs_f64(),
        "s",
    );
    table.tell(
        format!("{size} people, first cycle: CPU of the sandbox"),
        sandbox_cpu.as_secs_f64(),
        "s",
    );
    table.tell(
        format!("{size} people, first cycle: resident"),
        first.resident as f64 / MIB,
        "MiB",
    );
    table.tell(
        format!("{size} people, first cycle: accounts made"),
        size as f64 / first.wall.as_secs_f64(),
        "/s",
    );

    let mut unchanged: Vec<Used> = Vec::new();
    for _ in 0..5 {
        let (summary, used) = product.run(&["--full"])?;
        ensure!(summary["counts"]["unchanged"] == size, "{summary:#}");
        unchanged.push(used);
    }
    let wall = median(unchanged.iter().map(|used| used.wall.as_secs_f64()));
    let cpu = median(unchanged.iter().map(|used| used.cpu.as_secs_f64()));
    let resident = median(unchanged.iter().map(|used| used.resident as f64 / MIB));
    let scale = size as f64 / 10_000.0;
    // Budgets for 10 000 and 50 000; smaller sizes are held to those of 10 000.
    let (wall_budget, cpu_budget) = if scale > 1.0 { (2.0, 2.0) } else { (0.6, 0.4) };
    table.hold(
        format!("{size} people, unchanged: wall"),
        wall,
        "s",
        wall_budget,
    );
    table.hold(
        format!("{size} people, unchanged: CPU"),
        cpu,
        "s",
        cpu_budget,
    );
    table.hold(
        format!("{size} people, unchanged: resident"),
        resident,
        "MiB",
        60.0,
    );
    Ok(())
}

/// Milliseconds that an academy takes for an answer, a quick one.
const SLOW: &str = "slow=10,system=scim";

/// Who is waited for: beside an academy that takes its time for each answer, a first cycle must be nearly as
/// fast as a client that does nothing but ask, with as many requests at a time.
pub(crate) fn measure_waiting(places: &Places, size: u64, table: &mut Table) -> Result<()> {
    let sandbox = Sandbox::start_with(places, size, &["--fault", SLOW])?;
    let (summary, used) = Product::new(places, &sandbox)?.run(&[])?;
    drop(sandbox);
    ensure!(summary["counts"]["created"] == size, "{summary:#}");
    let asked = summary["requests"]["target"].as_u64().unwrap_or_default();
    let ours = asked as f64 / used.wall.as_secs_f64();
    let bare_slow = bare(places, asked, &["--fault", SLOW])?;
    table.tell("requests/s to an academy that takes 10 ms", ours, "/s");
    table.tell("the same by a bare HTTP client", bare_slow, "/s");
    table.hold_at_least("of what the academy can take", ours / bare_slow, "", 0.8);
    let rate = bare(places, 5_000, &[])?;
    table.tell("accounts that a bare HTTP client makes", rate, "/s");
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// How many accounts a second the sandbox makes for a client that does nothing but ask for them, as many at
/// a time as the connector's manifest allows.
fn bare(places: &Places, count: u64, more: &[&str]) -> Result<f64> {
    let sandbox = Sandbox::start_with(places, 0, more)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let url: Arc<str> = format!("{}/Users", sandbox.address("scim")).into();
    runtime.block_on(async {
        let client = reqwest::Client::builder().build()?;
        let begin = Instant::now();
        let mut answers = stream::iter(0..count)
            .map(|number| {
                let request = client
                    .post(&*url)
                    .bearer_auth("sandbox-scim-token")
                    .header("content-type", "application/scim+json")
                    .body(
                        json!({
                            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                            "userName": format!("person{number}@example.com"),
                            "externalId": number.to_string(),
                            "name": {"givenName": "Made", "familyName": "Up"},
                            "active": true,
                        })
                        .to_string(),
                    );
                async move { anyhow::Ok(request.send().await?.error_for_status()?.bytes().await?) }
            })
            .buffer_unordered(16);
        while let Some(answer) = answers.next().await {
            answer?;
        }
        Ok(count as f64 / begin.elapsed().as_secs_f64())
    })
}
