//! Measures the schedule with 10 000 automations: `cargo run --release -p matricula-store --example schedule`.
//!
//! Prints what a look at what is due, a change, and a whole cycle without pages take, one after the other
//! and from many tasks at once. The store is a file in the folder given as argument, or in the folder for
//! temporary files: the disk decides how many changes there are in a second.
#![expect(
    clippy::print_stdout,
    reason = "an example that prints what it measures"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use matricula_core::agenda::{Agenda, Change};
use matricula_core::automation::{Automation, Memory};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::run::{CycleKind, Progress, RunStatus, Trigger};
use matricula_core::standing::{Lifecycle, Standing};
use matricula_core::store::{Commit, Store, StoreError};
use matricula_core::{AutomationId, Cadence, CredentialId, TenantId};
use matricula_store::{SqliteStore, Vault};

const AUTOMATIONS: u32 = 10_000;
const TIMES: u32 = 2_000;
const TASKS: u32 = 16;

fn time(millis: u32) -> Timestamp {
    Timestamp::from_millisecond(i64::from(millis)).unwrap_or_default()
}

fn id(number: u32) -> AutomationId {
    AutomationId::new(format!("automation-{number:05}"))
}

fn silent(standing: Standing) -> Change {
    Change {
        standing,
        journal: Vec::new(),
        notices: Vec::new(),
        withdrawn: Vec::new(),
    }
}

fn print(what: &str, times: u32, took: Duration) {
    let each = took / times;
    let second = f64::from(times) / took.as_secs_f64();
    println!("{what:<52} {:>9} µs {second:>9.0} /s", each.as_micros());
}

async fn set_up(store: &SqliteStore) -> Result<(), StoreError> {
    let credential = Credential {
        id: CredentialId::new("credential"),
        tenant: TenantId::new("acme"),
        connector: "personio".to_owned(),
        method: "client-credentials".to_owned(),
        name: "HR".to_owned(),
        public: std::collections::BTreeMap::new(),
        created_at: time(0),
    };
    store
        .add_credential(&credential, &Secrets::default())
        .await?;
    for number in 0..AUTOMATIONS {
        let automation = Automation {
            id: id(number),
            tenant: credential.tenant.clone(),
            flow: "sync-employees".to_owned(),
            source: credential.id.clone(),
            target: credential.id.clone(),
            settings: serde_json::Value::Null,
            file: None,
            salt: 1,
            created_at: time(0),
            memory: Memory::default(),
        };
        store.put_automation(&automation).await?;
        let standing = Standing {
            automation: automation.id,
            tenant: automation.tenant,
            flow: automation.flow,
            source: automation.source,
            target: automation.target,
            lifecycle: Lifecycle::Active,
            cadence: Cadence::Every { seconds: 300 },
            next_run_at: Some(time(1_000_000 + 30 * number)),
            demand: None,
            hold: None,
            failures: 0,
            last_run: None,
            last_started_at: None,
            last_ended_at: None,
            last_succeeded_at: None,
            overdue: false,
            version: 0,
        };
        store.enroll(&silent(standing)).await?;
    }
    Ok(())
}

async fn change(store: &SqliteStore, number: u32) -> Result<(), StoreError> {
    if let Some(mut standing) = store.standing(&id(number)).await? {
        standing.next_run_at = Some(time(2_000_000 + 30 * number));
        store.change(&silent(standing)).await?;
    }
    Ok(())
}

/// What a cycle without changes writes: lease, run, progress, end, how it stands, lease.
async fn cycle(store: &SqliteStore, number: u32) -> Result<(), StoreError> {
    let lease = store
        .acquire(&id(number), "node", time(1), time(60_000), &|_| false)
        .await?
        .ok_or(StoreError::LeaseLost)?;
    let mut run = store
        .begin(
            &lease,
            "sync-employees",
            &Trigger::Schedule,
            CycleKind::Incremental,
            time(1),
        )
        .await?;
    let page = Commit {
        run: run.clone(),
        progress: Progress::default(),
        links: Vec::new(),
        documents: Vec::new(),
        forgotten: Vec::new(),
        groups: Default::default(),
        outcomes: Vec::new(),
        seen: Vec::new(),
    };
    store.commit(&lease, page).await?;
    run.status = RunStatus::Succeeded;
    run.finished_at = Some(time(2));
    let memory = Memory::default();
    store.finish(&lease, &run, Some(&memory)).await?;
    change(store, number).await?;
    store.release(&lease).await
}

async fn at_once<F>(
    store: &Arc<SqliteStore>,
    work: impl Fn(Arc<SqliteStore>, u32) -> F,
) -> Result<(), StoreError>
where
    F: Future<Output = Result<(), StoreError>> + Send + 'static,
{
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(work(Arc::clone(store), task)))
        .collect();
    for task in tasks {
        task.await
            .map_err(|error| StoreError::Failed(error.to_string()))??;
    }
    Ok(())
}

async fn measure(path: PathBuf) -> Result<(), StoreError> {
    let store = Arc::new(SqliteStore::open(path, Vault::new(&[7; 32]))?);
    let start = Instant::now();
    set_up(&store).await?;
    print("put_automation and enroll", AUTOMATIONS, start.elapsed());

    let start = Instant::now();
    for _ in 0..TIMES {
        store.due(time(1_000_000 + 30 * 64), "me", 64).await?;
    }
    print("due, 64 of 10 000", TIMES, start.elapsed());
    let start = Instant::now();
    for _ in 0..TIMES {
        store.next_due().await?;
    }
    print("next_due", TIMES, start.elapsed());
    let start = Instant::now();
    for _ in 0..20 {
        store.overview(time(1_000_000)).await?;
    }
    print("overview", 20, start.elapsed());
    let start = Instant::now();
    let mut after = None;
    loop {
        let page = store.standings(None, after.as_ref(), 500).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.automation.clone());
    }
    print("standings, all 10 000", 1, start.elapsed());

    let start = Instant::now();
    for number in 0..TIMES {
        change(&store, number).await?;
    }
    print("standing and change", TIMES, start.elapsed());
    let start = Instant::now();
    at_once(&store, |store, task| async move {
        for number in 0..TIMES / TASKS {
            change(&store, task * 500 + number).await?;
        }
        Ok(())
    })
    .await?;
    print("standing and change, 16 tasks", TIMES, start.elapsed());
    let start = Instant::now();
    for number in 0..TIMES {
        cycle(&store, number).await?;
    }
    print("a cycle of six writes", TIMES, start.elapsed());
    let start = Instant::now();
    at_once(&store, |store, task| async move {
        for number in 0..TIMES / TASKS {
            cycle(&store, task * 500 + number).await?;
        }
        Ok(())
    })
    .await?;
    print("a cycle of six writes, 16 tasks", TIMES, start.elapsed());
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from)
        .join(format!("matricula-schedule-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let measured = runtime.block_on(measure(folder.join("matricula.db")));
    std::fs::remove_dir_all(&folder)?;
    Ok(measured?)
}
