//! Measures the store with 50 000 people, three memberships of each and as many documents: `cargo run --release -p matricula-store --example measure`.
//!
//! Prints a table: time that passed, time on the processor in all threads (Linux only; what counts on a
//! machine that does other things as well), and the budget of the latter where there is one. The store is
//! a file in the folder given as argument, or in the folder for temporary files.
#![expect(
    clippy::print_stdout,
    reason = "an example that prints what it measures"
)]

mod documents;
mod groups;
mod table;

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::civil::Date;
use matricula_core::automation::{Automation, Memory};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::link::{
    Access, Decision, Leaving, LeavingAction, LeavingReason, Link, PendingReference, Trouble,
};
use matricula_core::run::{CycleKind, Outcome, OutcomeKind, Progress, Run, RunStatus, Trigger};
use matricula_core::store::{Commit, Lease, LinkWrite, OutcomeFilter, Store, StoreError};
use matricula_core::{AutomationId, CredentialId, Person, SourceKey, TargetId, TenantId};
use matricula_store::{SqliteStore, Vault};

use self::table::{Clock, Table, Took, resident};

const PEOPLE: u32 = 50_000;
const PAGE: u32 = 100;

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or_default()
}

fn key(number: u32) -> SourceKey {
    SourceKey::new((1_000_000 + number).to_string())
}

fn account(number: u32) -> TargetId {
    TargetId::new(format!("5f7c3c1e-0000-4000-8000-{number:012}"))
}

/// As a link is after a first cycle: twelve attributes, a contract that ends for one in five, and for one in
/// fifty `now` is past the day.
fn person(number: u32) -> Link {
    let mut link = Link::new(key(number));
    for attribute in 0..12_u32 {
        link.applied
            .set(attribute.wrapping_mul(0x9E37_79B1), u64::from(number) << 20);
    }
    let limited = number.is_multiple_of(5);
    Link {
        target: Some(account(number)),
        active: true,
        record: u128::from(number) << 64 | 1,
        access: Access {
            from: Some(Date::constant(2020, 1, 1)),
            until: vec![limited.then(|| Date::constant(2027, 12, 31))],
            zone: "Europe/Berlin".to_owned(),
            ..Access::default()
        },
        access_changes_at: limited.then(|| time(i64::from(number % 50) + 1)),
        ..link
    }
}

struct Bench {
    store: SqliteStore,
    id: AutomationId,
    lease: Lease,
    run: Run,
}

impl Bench {
    async fn new(path: PathBuf) -> Result<Self, StoreError> {
        let store = SqliteStore::open(path, Vault::new(&[7; 32]))?;
        let tenant = TenantId::new("acme");
        let id = AutomationId::new("automation");
        let credential = Credential {
            id: CredentialId::new("credential"),
            tenant: tenant.clone(),
            connector: "personio".to_owned(),
            method: "client-credentials".to_owned(),
            name: "Personio".to_owned(),
            public: Default::default(),
            created_at: time(0),
        };
        store
            .add_credential(&credential, &Secrets::default())
            .await?;
        let automation = Automation {
            id: id.clone(),
            tenant,
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
        let lease = store
            .acquire(&id, "node", time(0), time(1_000), &|_| false)
            .await?
            .ok_or(StoreError::LeaseLost)?;
        let by = Person::named("owner".to_owned());
        let run = store
            .begin(
                &lease,
                "sync-employees",
                &Trigger::Manual { by },
                CycleKind::Full,
                time(0),
            )
            .await?;
        Ok(Self {
            store,
            id,
            lease,
            run,
        })
    }

    fn commit(&self, links: Vec<LinkWrite>, kind: Option<OutcomeKind>) -> Commit {
        let outcome = |kind, link: &LinkWrite| Outcome {
            key: link.link.key.clone(),
            target: link.link.target.clone(),
            kind,
            code: None,
            reason: None,
            changed: vec!["first_name".to_owned(), "last_name".to_owned()],
        };
        Commit {
            run: self.run.clone(),
            progress: Progress::default(),
            outcomes: kind
                .map(|kind| links.iter().map(|link| outcome(kind, link)).collect())
                .unwrap_or_default(),
            seen: (0..links.len() as u64).collect(),
            links,
            documents: Vec::new(),
            forgotten: Vec::new(),
            groups: Default::default(),
        }
    }

    /// Writes everybody, page by page; the mean of a page and the slowest.
    async fn write_all(
        &self,
        kind: Option<OutcomeKind>,
        change: impl Fn(u32, Link) -> LinkWrite,
    ) -> Result<[Took; 2], StoreError> {
        let (mut all, mut slowest) = (Took::default(), Took::default());
        for page in 0..PEOPLE / PAGE {
            let numbers = page * PAGE..(page + 1) * PAGE;
            let links = numbers
                .map(|number| change(number, person(number)))
                .collect();
            let commit = self.commit(links, kind);
            let start = Clock::start();
            self.store.commit(&self.lease, commit).await?;
            let took = start.elapsed();
            all = Took {
                wall: all.wall + took.wall,
                cpu: all.cpu + took.cpu,
            };
            slowest.wall = slowest.wall.max(took.wall);
            slowest.cpu = slowest.cpu.max(took.cpu);
        }
        let mean = Took {
            wall: all.wall / (PEOPLE / PAGE),
            cpu: all.cpu / (PEOPLE / PAGE),
        };
        Ok([mean, slowest])
    }

    async fn read(&self, table: &mut Table) -> Result<(), StoreError> {
        let Self { store, id, run, .. } = self;
        let start = Clock::start();
        for page in 0..PEOPLE / PAGE {
            let keys: Vec<SourceKey> = (page * PAGE..(page + 1) * PAGE).map(key).collect();
            let known = store.links(id, &keys).await?.iter().flatten().count();
            assert_eq!(known, keys.len());
        }
        let took = start.elapsed();
        table.line("links(): 500 pages of 100", took, Some(150.0));

        // Pages whose keys lie all over the table, as a source sorted by name has them.
        let start = Clock::start();
        for page in 0..PEOPLE / PAGE {
            let keys: Vec<SourceKey> = (0..PAGE)
                .map(|row| key((page * PAGE + row).wrapping_mul(7_919) % PEOPLE))
                .collect();
            store.links(id, &keys).await?;
        }
        table.line("links(): the same, keys in no order", start.elapsed(), None);

        let start = Clock::start();
        let mut after = None;
        let mut count = 0;
        loop {
            let keys = store.keys(id, after.as_ref(), 1_000).await?;
            count += keys.len();
            let Some((last, _)) = keys.into_iter().last() else {
                break;
            };
            after = Some(last);
        }
        assert_eq!(count, PEOPLE as usize);
        table.line("keys(): 50 pages of 1 000", start.elapsed(), Some(50.0));

        let start = Clock::start();
        for page in 0..PEOPLE / PAGE {
            let targets: Vec<TargetId> = (page * PAGE..(page + 1) * PAGE).map(account).collect();
            let found = store
                .linked_to(id, &targets)
                .await?
                .iter()
                .flatten()
                .count();
            assert_eq!(found, targets.len());
        }
        table.line("linked_to(): 500 pages of 100", start.elapsed(), None);

        let start = Clock::start();
        let population = store.population(id, time(0)).await?;
        assert_eq!((population.linked, population.active), (50_000, 50_000));
        table.line("population()", start.elapsed(), None);

        let start = Clock::start();
        store.resolvable(id, None, 100).await?;
        table.line("resolvable(): nothing", start.elapsed(), None);
        let start = Clock::start();
        store.access_due(id, time(0), None, 100).await?;
        table.line("access_due(): nobody of 10 000", start.elapsed(), None);
        for (now, people) in [(1, 1_000), (50, 10_000)] {
            let start = Clock::start();
            let mut after = None;
            let mut count = 0;
            loop {
                let due = store.access_due(id, time(now), after.as_ref(), 100).await?;
                count += due.len();
                let Some(last) = due.into_iter().last() else {
                    break;
                };
                after = Some(last.key);
            }
            assert_eq!(count, people);
            table.line(
                format!("access_due(): {people} people, pages of 100"),
                start.elapsed(),
                None,
            );
        }
        let start = Clock::start();
        let filter = OutcomeFilter {
            kinds: vec![OutcomeKind::Failed],
            after: None,
            limit: 100,
        };
        assert_eq!(store.outcomes(run.id, &filter).await?.len(), 0);
        table.line(
            "outcomes(): no failed one among 50 000",
            start.elapsed(),
            None,
        );
        let start = Clock::start();
        assert_eq!(store.seen(run.id).await?.len(), PEOPLE as usize);
        table.line("seen(): 50 000", start.elapsed(), None);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), StoreError> {
    let folder = std::env::args()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join(format!("matricula-measure-{}.db", std::process::id()));
    let mut table = Table::default();
    let bench = Bench::new(path.clone()).await?;

    let plain = |_, link| LinkWrite {
        link,
        references: None,
        resolved: Vec::new(),
    };
    let [mean, slowest] = bench.write_all(Some(OutcomeKind::Created), plain).await?;
    table.line(
        "commit(): 100 new links and outcomes, mean",
        mean,
        Some(3.0),
    );
    table.line("commit(): the slowest of 500", slowest, None);
    bench.read(&mut table).await?;

    let manager = |number, link| LinkWrite {
        link,
        references: Some(vec![PendingReference {
            attribute: "manager".to_owned(),
            wants: if number % 2 == 0 {
                key(number / 2)
            } else {
                SourceKey::new("nobody")
            },
        }]),
        resolved: Vec::new(),
    };
    let [mean, _] = bench.write_all(None, manager).await?;
    table.line(
        "commit(): 100 changed links with a manager, mean",
        mean,
        Some(3.0),
    );
    let start = Clock::start();
    let mut after = None;
    let mut count = 0;
    loop {
        let found = bench
            .store
            .resolvable(&bench.id, after.as_ref(), 100)
            .await?;
        count += found.len();
        let Some(last) = found.into_iter().last() else {
            break;
        };
        after = Some(last.link.key);
    }
    assert_eq!(count, 25_000);
    table.line(
        "resolvable(): 25 000 of 50 000, pages of 100",
        start.elapsed(),
        None,
    );

    let staged = |_, link| LinkWrite {
        link: Link {
            leaving: Some(Leaving {
                action: LeavingAction::Block,
                reason: LeavingReason::Gone,
                decision: Decision::Staged,
            }),
            trouble: Some(Trouble {
                ambiguous: false,
                attempts: 1,
                not_before: Some(time(1)),
            }),
            ..link
        },
        references: Some(Vec::new()),
        resolved: Vec::new(),
    };
    bench.write_all(None, staged).await?;
    let start = Clock::start();
    let population = bench.store.population(&bench.id, time(1)).await?;
    assert_eq!(
        (population.leaving, population.retries_due),
        (50_000, 50_000)
    );
    table.line(
        "population(): everybody staged and failed",
        start.elapsed(),
        None,
    );
    let start = Clock::start();
    assert_eq!(
        bench.store.decide(&bench.id, Decision::Approved).await?,
        50_000
    );
    table.line("decide(): 50 000", start.elapsed(), None);
    bench.groups(&mut table).await?;
    bench.documents(&mut table).await?;

    let start = Clock::start();
    let ended = Run {
        status: RunStatus::Succeeded,
        ..bench.run.clone()
    };
    bench.store.finish(&bench.lease, &ended, None).await?;
    table.line("finish()", start.elapsed(), None);
    let file = std::fs::metadata(&path)
        .map(|file| file.len())
        .unwrap_or_default();
    drop(bench);

    let start = Clock::start();
    drop(SqliteStore::open(&path, Vault::new(&[7; 32]))?);
    table.line("open() and close", start.elapsed(), None);
    table.print();
    println!(
        "file {} MiB; most memory resident {:?} KiB",
        file >> 20,
        resident()
    );
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        // The log and its index are gone already after closing.
        let _ = std::fs::remove_file(name);
    }
    Ok(())
}
