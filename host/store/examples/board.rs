//! Measures what people look at: `cargo run --release -p matricula-store --example board [FOLDER] [keep]`.
//!
//! The store has ten thousand automations of one tenant, and twenty of another one, each with forty runs; every
//! sixth needs somebody. Prints the time of a page of fifty, of each kind, and of the other questions, and ends
//! with an error if the slowest hundredth takes longer than five milliseconds.
//!
//! With `keep` the store stays in the folder as `matricula.db`, to be served and measured from outside; its key
//! is thirty-two times the byte seven.
#![expect(
    clippy::print_stdout,
    reason = "an example that prints what it measures"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use matricula_core::board::{Board, CardFilter, CardPosition, Reservation};
use matricula_core::standing::Lifecycle;
use matricula_core::{AutomationId, TenantId};
use matricula_store::{SqliteStore, Vault};

const KEY: [u8; 32] = [7; 32];
const ROUNDS: u32 = 7;
const TIMES: u32 = 400;
const PAGE: u32 = 50;
const BUDGET: Duration = Duration::from_millis(5);

/// Past the port, since so many runs one after the other would take minutes. The triggers make the cards.
const FILL: &str = r#"
    INSERT INTO credential (id, tenant, connector, method, name, public, created_at)
        SELECT printf('%s-%d', tenant, n.value), tenant, 'personio', 'client-credentials', 'HR ' || n.value, '{}', 0
        FROM (SELECT 'local' AS tenant UNION ALL SELECT 'acme') CROSS JOIN json_each('[1,2,3,4,5,6,7,8]') AS n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10020)
    INSERT INTO automation (number, id, tenant, flow, source, target, settings, salt, created_at)
        SELECT i, printf('automation-%05d', i * 7919 % 10037), iif(i % 501 = 0, 'acme', 'local'),
            CASE i % 3 WHEN 0 THEN 'sync-employees' WHEN 1 THEN 'file-certificates' ELSE 'sync-guests' END,
            printf('%s-%d', iif(i % 501 = 0, 'acme', 'local'), i % 4 + 1),
            printf('%s-%d', iif(i % 501 = 0, 'acme', 'local'), i % 4 + 5), '{}', 0, 0
        FROM n;
    INSERT INTO lease (automation, owner, until, fence)
        SELECT number, iif(number % 100 = 0, 'node', NULL), 2000000000000, 1 FROM automation;
    INSERT INTO population (automation, linked, active) SELECT number, 0, 0 FROM automation;
    INSERT INTO standing (automation, lifecycle, next_run_at, overdue, failures, version, cadence, hold)
        SELECT number, CASE number % 24 WHEN 0 THEN 1 WHEN 1 THEN 2 ELSE 0 END, 2000000000000,
            number % 24 = 2, 0, 1, '{"kind":"every","seconds":300}',
            iif(number % 24 IN (0, 3), '{"failure":{"kind":"unavailable","message":"no answer","effect":"none"},
                "since":"2026-11-22T07:00:00Z","attempts":4}', NULL)
        FROM automation;
    INSERT INTO link (automation, key, missed, in_scope, active, leaving_action, leaving_reason, leaving_decision,
            access_until, last_day_open, barred, zone, target, record, applied)
        SELECT number, n.value, 0, 1, 1, 0, 0, 1, x'', 0, 0, 'Europe/Berlin', n.value, zeroblob(16), x''
        FROM automation CROSS JOIN json_each('[1,2,3,4,5,6,7,8]') AS n WHERE number % 24 = 4;
    INSERT INTO document (automation, key, state, record, sent, attempts)
        SELECT number, n.value, n.value % 2 * 5, zeroblob(16), x'', 0
        FROM automation CROSS JOIN json_each('[1,2,3,4,5,6,7,8]') AS n WHERE number % 24 = 5;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO run (automation, tenant, flow, started_by, cycle, status, started_at, finished_at, counts,
            requests, notes)
        SELECT number, tenant, flow, '{"kind":"schedule"}', 1, 1 + i % 3, 1763000000000 + 300000 * i,
            1763000001000 + 300000 * i,
            '{"created":1,"updated":2,"unchanged":3,"deactivated":0,"reactivated":0,"skipped":0,"staged":0,"ambiguous":0,"failed":0}',
            '{"source":2,"target":1}', '[]'
        FROM n CROSS JOIN automation;
    INSERT INTO notice (kind, tenant, automation, reason, at, facts, stands, addressed)
        SELECT 6, tenant, number, '2026-11-21', 0, '{}', 1, 1 FROM automation;
"#;

fn fill(path: &Path) -> Result<(), Box<dyn Error>> {
    drop(SqliteStore::open(path, Vault::new(&KEY))?);
    let db = rusqlite::Connection::open(path)?;
    db.execute_batch(&format!("BEGIN; {FILL} COMMIT;"))?;
    db.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Prints how long the question takes; an error if the slowest hundredth is over the budget. There are rounds,
/// and the one in the middle counts: what else the machine does is not what is measured.
async fn ask<F>(what: &str, question: impl Fn(u32) -> F) -> Result<(), Box<dyn Error>>
where
    F: Future<Output = Result<usize, Box<dyn Error>>>,
{
    let mut rounds = Vec::new();
    let mut rows = 0;
    for round in 0..ROUNDS {
        let mut took = Vec::new();
        for time in 0..TIMES {
            let begun = Instant::now();
            rows = question(round * TIMES + time).await?;
            took.push(begun.elapsed());
        }
        took.sort_unstable();
        let share = |share: f64| took[((f64::from(TIMES) - 1.0) * share) as usize];
        rounds.push([0.99, 0.5].map(share));
    }
    rounds.sort_unstable();
    let [most, half] = rounds[ROUNDS as usize / 2];
    println!("{what:<44} {rows:>6} rows  half {half:>9.1?}  99 of 100 {most:>9.1?}");
    if most > BUDGET {
        return Err(format!("{what}: over the budget of {BUDGET:?}").into());
    }
    Ok(())
}

async fn measure(path: &Path) -> Result<(), Box<dyn Error>> {
    let store = SqliteStore::open(path, Vault::new(&KEY))?;
    let (large, small) = (TenantId::new("local"), TenantId::new("acme"));
    let now = Timestamp::from_millisecond(1_763_100_000_000)?;
    let all = CardFilter {
        limit: PAGE,
        ..CardFilter::default()
    };

    // Every page there is, so that the middle is not kinder than the beginning.
    let mut starts = vec![None];
    loop {
        let filter = CardFilter {
            after: starts.last().cloned().flatten(),
            ..all.clone()
        };
        let page = store.cards(&large, &filter, now).await?;
        let Some(last) = page.last() else { break };
        starts.push(Some(CardPosition {
            attention: last.attention,
            flow: last.standing.flow.clone(),
            automation: last.standing.automation.clone(),
        }));
    }
    let cards = async |tenant: &TenantId, filter: CardFilter| -> Result<usize, Box<dyn Error>> {
        Ok(store.cards(tenant, &filter, now).await?.len())
    };
    ask("cards, the first page of 10 000", |_| {
        cards(&large, all.clone())
    })
    .await?;
    ask("cards, each page of 10 000 in turn", |time| {
        let after = starts[time as usize % (starts.len() - 1)].clone();
        cards(
            &large,
            CardFilter {
                after,
                ..all.clone()
            },
        )
    })
    .await?;
    for (flow, lifecycle) in [
        ("sync-employees", Lifecycle::Active),
        ("sync-employees", Lifecycle::Paused),
        ("file-certificates", Lifecycle::Deactivated),
    ] {
        ask(&format!("cards of {flow}, {lifecycle:?}"), |_| {
            let filter = CardFilter {
                flow: Some(flow.to_owned()),
                lifecycle: Some(lifecycle),
                ..all.clone()
            };
            cards(&large, filter)
        })
        .await?;
    }
    ask("cards, a tenant with 20 beside 10 000", |_| {
        cards(&small, all.clone())
    })
    .await?;
    ask("one card", |time| {
        let id = AutomationId::new(format!("automation-{:05}", time + 1));
        let store = &store;
        async move { Ok(usize::from(store.card(&id, now).await?.is_some())) }
    })
    .await?;
    ask("automations_by_flow of 10 000", |_| async {
        Ok(store.automations_by_flow(&large).await?.len())
    })
    .await?;
    ask("notices, a page", |time| {
        let before = Some(i64::from(time) * 5);
        let notices = store.notices(&large, before, PAGE);
        async { Ok(notices.await?.len()) }
    })
    .await?;
    ask("uses of a tenant with 20", |_| async {
        Ok(store.uses(&small).await?.len())
    })
    .await?;
    ask("tested", |_| async {
        Ok(store.tested(&large).await?.len())
    })
    .await?;
    ask("reserve", |time| {
        let key = format!("key-{time}");
        let (store, large) = (&store, &large);
        async move {
            let until = now + Duration::from_secs(60);
            let taken = store.reserve(large, &key, [1; 32], now, until).await?;
            Ok(usize::from(taken == Reservation::Taken))
        }
    })
    .await?;
    // A tenant's whole answer: the budget is that of a page and does not hold for it.
    let begun = Instant::now();
    let uses = store.uses(&large).await?.len();
    println!(
        "uses of a tenant with 10 000: {uses} rows {:.1?}",
        begun.elapsed()
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let parent = arguments
        .next()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let keep = arguments.next().is_some_and(|word| word == "keep");
    let folder = match keep {
        true => parent,
        false => parent.join(format!("matricula-board-{}", std::process::id())),
    };
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("matricula.db");
    let begun = Instant::now();
    fill(&path)?;
    println!("filled in {:.1?}", begun.elapsed());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let measured = runtime.block_on(measure(&path));
    if !keep {
        std::fs::remove_dir_all(&folder)?;
    }
    measured
}
