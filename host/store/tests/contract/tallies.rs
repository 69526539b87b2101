//! What runs did, and which of them are wanted.

use matricula_core::agenda::{RunFilter, Tally};
use matricula_core::run::{Counts, CycleKind, Run, RunStatus};
use matricula_core::{AutomationId, RunId, TenantId};

use super::made_up::*;

/// A run that ended so; the next one can begin.
async fn ended(running: &Running, status: RunStatus, moment: i64, counts: Counts) -> Run {
    let Running { store, lease, .. } = running;
    if let Some((open, _)) = store.unfinished(&running.id).await.unwrap() {
        let ended = Run {
            status,
            finished_at: Some(at(moment)),
            counts,
            ..open
        };
        store.finish(lease, &ended, None).await.unwrap();
        return ended;
    }
    let run = store
        .begin(lease, FLOW, &manual(), CycleKind::Full, at(moment))
        .await
        .unwrap();
    let ended = Run {
        status,
        finished_at: Some(at(moment)),
        counts,
        ..run
    };
    store.finish(lease, &ended, None).await.unwrap();
    ended
}

pub async fn what_ended_in_a_span(store: AnyStore) {
    let running = Running::new(store).await;
    let neighbour = Running::of(running.store.clone(), "another").await;
    let counts = |number: u64| Counts {
        created: number,
        updated: 10 * number,
        unchanged: 100 * number,
        deactivated: 1,
        reactivated: 2,
        skipped: 3 + number,
        staged: number,
        ambiguous: number,
        failed: 4 * number,
    };
    use RunStatus::{Failed, Partial, Stopped, Succeeded};
    for (status, moment, number) in [
        (Succeeded, 1_999, 90),
        (Succeeded, 2_000, 1),
        (Failed, 2_500, 2),
        (Stopped, 2_600, 4),
        (Partial, 2_999, 8),
        (Succeeded, 3_000, 50),
    ] {
        ended(&running, status, moment, counts(number)).await;
    }
    ended(&neighbour, Succeeded, 2_500, counts(1_000)).await;
    let store = &running.store;
    let tally = store
        .tally(&running.id, at(2_000), at(3_000))
        .await
        .unwrap();
    let expected = Tally {
        runs: 4,
        failed: 1,
        counts: Counts {
            created: 15,
            updated: 150,
            deactivated: 4,
            reactivated: 8,
            unchanged: 800,
            skipped: 11,
            staged: 8,
            ambiguous: 8,
            failed: 32,
        },
    };
    assert_eq!(tally, expected);
    let none = store.tally(&running.id, at(3_001), at(9_000)).await;
    assert_eq!(none.unwrap(), Tally::default());
}

pub async fn the_newest_of_what_was_asked_for(store: AnyStore) {
    use RunStatus::{Failed, Partial, Running as Open, Stopped, Succeeded};
    let one = Running::of(store.clone(), "one").await;
    let two = Running::of(store.clone(), "two").await;
    let mut all = Vec::new();
    for (running, status) in [
        (&one, Failed),
        (&two, Succeeded),
        (&one, Succeeded),
        (&two, Stopped),
        (&one, Partial),
        (&two, Failed),
    ] {
        all.push(ended(running, status, 2_000, Counts::default()).await);
    }
    let open = store
        .begin(&one.lease, FLOW, &manual(), CycleKind::Full, at(3_000))
        .await
        .unwrap();
    all.push(open);
    all.sort_by_key(|run| std::cmp::Reverse(run.id));

    for limit in [1, 2, 99] {
        for automation in [None, Some(&one.id), Some(&two.id)] {
            for status in [
                None,
                Some(Open),
                Some(Succeeded),
                Some(Failed),
                Some(Stopped),
            ] {
                let wanted: Vec<Run> = all
                    .iter()
                    .filter(|run| {
                        automation.is_none_or(|id| run.automation == *id)
                            && status.is_none_or(|status| run.status == status)
                    })
                    .cloned()
                    .collect();
                let mut filter = RunFilter {
                    automation: automation.cloned(),
                    status,
                    before: None,
                    limit,
                };
                let mut found = Vec::new();
                loop {
                    let page = store.runs_of(&tenant(), &filter).await.unwrap();
                    let Some(last) = page.last() else { break };
                    assert!(page.len() <= limit as usize);
                    filter.before = Some(last.id);
                    found.extend(page);
                }
                assert_eq!(found, wanted, "{filter:?}");
            }
        }
    }
    let filter = |automation: Option<&AutomationId>| RunFilter {
        automation: automation.cloned(),
        limit: 9,
        ..RunFilter::default()
    };
    let other = TenantId::new("other");
    assert_eq!(store.runs_of(&other, &filter(None)).await.unwrap(), []);
    assert_eq!(
        store.runs_of(&other, &filter(Some(&one.id))).await.unwrap(),
        []
    );
    let before_all = RunFilter {
        before: Some(RunId(1)),
        ..filter(None)
    };
    assert_eq!(store.runs_of(&tenant(), &before_all).await.unwrap(), []);
}
