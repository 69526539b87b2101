//! Measures what the constants of this crate were chosen by.
//!
//! ```text
//! cargo run --release -p matricula-component --example measure_component -- target/connectors/fixtures/fixtures.wasm
//! ```
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool for developers"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use matricula_component::{Component, Host, Limits, Options};
use matricula_core::connector::{Call, Connector as _, ReadRequest};
use matricula_core::egress::{Egress, Request, Response, SendError};

struct Answers;

#[async_trait]
impl Egress for Answers {
    async fn send(&self, _: Request, _: Duration) -> Result<Response, SendError> {
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: b"{}".as_slice().into(),
        })
    }

    fn requests(&self) -> u64 {
        0
    }
}

fn call() -> Call {
    Call {
        config: "{}".into(),
        now_ms: 0,
        idempotency_key: "key".into(),
        egress: Arc::new(Answers),
        deadline: Duration::from_secs(30),
    }
}

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let (best, half, most) = (at(0.0), at(0.5), at(0.99));
    println!("{what:<40} best {best:>9.2?}  p50 {half:>9.2?}  p99 {most:>9.2?}");
}

fn time<T>(rounds: usize, mut work: impl FnMut() -> T) -> Vec<Duration> {
    let one = |_| {
        let begin = Instant::now();
        std::hint::black_box(work());
        begin.elapsed()
    };
    (0..rounds).map(one).collect()
}

async fn read(component: &Component, stream: &str, limit: u32, rounds: usize) -> Vec<Duration> {
    let call = call();
    let request = ReadRequest {
        stream: stream.into(),
        limit,
        ..ReadRequest::default()
    };
    let mut times = Vec::with_capacity(rounds);
    for round in 0..rounds + rounds / 10 {
        let begin = Instant::now();
        let page = component.read(&call, &request).await.unwrap();
        let took = begin.elapsed();
        std::hint::black_box(page);
        if round >= rounds / 10 {
            times.push(took);
        }
    }
    times
}

async fn calls(title: &str, host: &Host, bytes: &[u8]) {
    let component = host.load_bytes("fixtures", bytes).unwrap();
    println!("\n{title}");
    print(
        "instantiation and first call, 1 record",
        read(&component, "people-1", 1, 20_000).await,
    );
    print(
        "the same with a request",
        read(&component, "request", 1, 20_000).await,
    );
    for records in [100, 1000] {
        let stream = format!("people-{records}");
        let times = read(&component, &stream, records, 2_000).await;
        let per_record: Vec<_> = times.iter().map(|time| *time / records).collect();
        print(&format!("a page of {records} records"), times);
        print(&format!("per record, pages of {records}"), per_record);
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let file = PathBuf::from(std::env::args_os().nth(1).unwrap());
    let bytes = std::fs::read(&file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cached = |limits| {
        let cache_dir = Some(folder.path().join("compiled"));
        Host::new(Options { cache_dir, limits }).unwrap()
    };
    println!("component of {} bytes", bytes.len());

    println!("\nloading");
    let plain = Host::new(Options::default()).unwrap();
    print("host", time(20, || Host::new(Options::default()).unwrap()));
    print(
        "inspection: every byte validated",
        time(50, || matricula_component::inspect("", &bytes)),
    );
    print(
        "compiled",
        time(5, || plain.load_bytes("fixtures", &bytes).unwrap()),
    );
    let host = cached(Limits::default());
    host.load_bytes("fixtures", &bytes).unwrap();
    print(
        "from the cache",
        time(500, || host.load_bytes("fixtures", &bytes).unwrap()),
    );

    calls("pooled", &host, &bytes).await;
    let on_demand = cached(Limits {
        calls: 1_000_000,
        ..Limits::default()
    });
    assert!(host.is_pooled() && !on_demand.is_pooled());
    calls("on demand", &on_demand, &bytes).await;
}
