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
const FILL: &str = include_str!("board.sql");

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
