//! What happens for each call and each record.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_trait::async_trait;
use matricula_component::{Host, Options};
use matricula_core::connector::{Call, Connector as _, ReadRequest};
use matricula_core::egress::{Egress, Request, Response, SendError};
use matricula_flow::{Flow, FlowFile};
use serde_json::{Value, json};

use crate::Places;
use crate::table::Table;

/// Rounds of a thousand calls.
const ROUNDS: usize = 40;

struct NoNetwork;

#[async_trait]
impl Egress for NoNetwork {
    async fn send(&self, _: Request, _: Duration) -> Result<Response, SendError> {
        Err(SendError::Timeout)
    }

    fn requests(&self) -> u64 {
        0
    }
}

pub(crate) fn measure(places: &Places, table: &mut Table) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let host = Host::new(Options {
        cache_dir: Some(folder.path().join("compiled")),
        ..Options::default()
    })?;
    let component = host.load(&places.connectors.join("fixtures/fixtures.wasm"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let read = |records: u32, rounds: usize| -> Result<Vec<Duration>> {
        let call = Call {
            config: "{}".into(),
            now_ms: 0,
            idempotency_key: "bench".to_owned(),
            egress: Arc::new(NoNetwork),
            deadline: Duration::from_secs(30),
        };
        let request = ReadRequest {
            stream: format!("people-{records}"),
            limit: records,
            ..ReadRequest::default()
        };
        runtime.block_on(async {
            let mut times = Vec::with_capacity(rounds);
            for _ in 0..rounds {
                let begin = Instant::now();
                std::hint::black_box(component.read(&call, &request).await?);
                times.push(begin.elapsed());
            }
            times.sort_unstable();
            Ok(times)
        })
    };
    read(1, 500)?;
    let at = |times: &[Duration], share: f64| {
        let place = (times.len() as f64 * share) as usize;
        times
            .get(place)
            .map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    };
    // The machine has other things to do now and then, for some milliseconds at a time: the round in the
    // middle says what the product takes.
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let one = read(1, 1_000)?;
        rounds.push((at(&one, 0.99), at(&one, 0.5)));
    }
    rounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (slow, median) = rounds
        .get(ROUNDS / 2)
        .copied()
        .unwrap_or((f64::NAN, f64::NAN));
    table.tell("instance and first call: median", median, "µs");
    table.hold("instance and first call: 99 of 100 below", slow, "µs", 50.0);

    let thousand = read(1_000, 300)?;
    let boundary = at(&thousand, 0.5) / 1_000.0;
    let mapping = map(places)?;
    table.tell("boundary, per record", boundary, "µs");
    table.tell("parse, check and map, per record", mapping, "µs");
    table.hold(
        "boundary and mapping, per record",
        boundary + mapping,
        "µs",
        5.0,
    );
    Ok(())
}

/// Microseconds to make a person of a record by the flow that is shipped.
fn map(places: &Places) -> Result<f64> {
    let host = Host::new(Options::default())?;
    let source = host.load(&places.connectors.join("personio.wasm"))?;
    let target = host.load(&places.connectors.join("reteach.wasm"))?;
    let text = std::fs::read_to_string(places.flows.join("sync-employees.flow.yaml"))?;
    let file = FlowFile::parse("sync-employees.flow.yaml", &text)?;
    let flow = Flow::check(file, source.manifest(), target.manifest())?;
    let program = flow.program(&json!({}))?;
    let record = json!({
        "id": 4711, "first_name": "Ada", "last_name": "Example", "email": "Ada.Example@example.com",
        "gender": "female", "status": "active", "position": "Engineer", "employment_type": "internal",
        "hire_date": "2020-02-01", "contract_end_date": null, "termination_date": null,
        "supervisor": {"id": 12}, "department": {"id": 1, "name": "IT"},
        "office": {"id": 2, "name": "Berlin"}, "subcompany": {"id": 3, "name": "Example GmbH"},
    })
    .to_string();
    let rounds = 50_000;
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let begin = Instant::now();
        for _ in 0..rounds {
            let record: Value = serde_json::from_str(&record)?;
            let person = program
                .evaluate(&record)
                .ok()
                .context("the record is not accepted")?;
            std::hint::black_box(person);
        }
        best = best.min(begin.elapsed().as_secs_f64() * 1e6 / f64::from(rounds));
    }
    Ok(best)
}
