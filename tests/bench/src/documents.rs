//! Certificates on their way from the academy into the personnel files in Personio.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::Places;
use crate::process::{Product, Sandbox};
use crate::table::Table;

const MIB: f64 = 1024.0 * 1024.0;
const FLOW: &str = "sync-certificates";

/// Milliseconds that Personio takes for an upload, in the second measurement.
const SLOW_MS: u32 = 50;
/// Says how many uploads there may be at a time.
const MANIFEST: &str = include_str!("../../../connectors/personio/manifest.json");

pub(crate) fn measure(places: &Places, quick: bool, table: &mut Table) -> Result<()> {
    large(places, if quick { 60 } else { 500 }, table)?;
    waiting(places, if quick { 200 } else { 800 }, table)
}

/// Large files must pass without staying in memory.
fn large(places: &Places, files: u64, table: &mut Table) -> Result<()> {
    let count = files.to_string();
    let more = ["--certificates", &count, "--certificate-bytes", "20M"];
    let sandbox = Sandbox::start_with(places, 50, &more)?;
    let product = Product::new(places, &sandbox)?;
    product.run(&[])?;
    let (summary, used) = product.run_flow(FLOW, &[])?;
    ensure!(summary["counts"]["created"] == files, "{summary:#}");
    let (summary, idle) = product.run_flow(FLOW, &["--full"])?;
    ensure!(summary["counts"]["unchanged"] == files, "{summary:#}");
    let growth = used.resident.saturating_sub(idle.resident) as f64 / MIB;
    table.hold(
        format!("{files} files of 20 MB: resident beyond a cycle without files"),
        growth,
        "MiB",
        30.0,
    );
    table.tell(
        format!("{files} files of 20 MB: passed"),
        files as f64 * 20.0 / used.wall.as_secs_f64(),
        "MB/s",
    );
    table.tell(
        format!("{files} files of 20 MB: CPU"),
        used.cpu.as_secs_f64(),
        "s",
    );
    Ok(())
}

/// The remote is waited for, not we: as many uploads as it takes at a time, all the time.
fn waiting(places: &Places, files: u32, table: &mut Table) -> Result<()> {
    let manifest: Value = serde_json::from_str(MANIFEST)?;
    let at_a_time = manifest["operations"]["upload-document"]["concurrency"]
        .as_u64()
        .context("Personio's manifest does not say how many uploads there may be at a time")?;
    let fault = format!("slow={SLOW_MS},system=personio,method=POST,path=/documents");
    let count = files.to_string();
    let more = ["--certificates", &count, "--fault", &fault];
    let sandbox = Sandbox::start_with(places, 50, &more)?;
    let product = Product::new(places, &sandbox)?;
    product.run(&[])?;
    let (summary, used) = product.run_flow(FLOW, &[])?;
    ensure!(summary["counts"]["created"] == files, "{summary:#}");
    let rate = f64::from(files) / used.wall.as_secs_f64();
    let most = at_a_time as f64 * 1000.0 / f64::from(SLOW_MS);
    table.tell(
        format!("uploads to a Personio that takes {SLOW_MS} ms, {at_a_time} at a time"),
        rate,
        "/s",
    );
    table.hold_at_least("of what that Personio can take", rate / most, "", 0.8);
    Ok(())
}
