//! Runs, outcomes, and what a run has seen.

use std::time::Duration;

use matricula_core::automation::Memory;
use matricula_core::run::{
    Counts, CycleKind, Outcome, OutcomeKind, Phase, Progress, Requests, Run, RunStatus, Trigger,
};
use matricula_core::store::{Commit, OutcomeFilter, StoreError};
use matricula_core::{
    Effect, Failure, FailureKind, Person, RunId, SourceKey, TargetId, TenantId, Text,
};
use proptest::prelude::*;

use super::made_up::*;

pub async fn a_run_from_begin_to_finish(store: AnyStore) {
    let Running {
        store,
        id,
        lease,
        run,
    } = &Running::new(store).await;
    assert_eq!(
        (run.status, run.cycle, run.started_at),
        (RunStatus::Running, CycleKind::Full, at(1_000))
    );
    assert_eq!((&run.trigger, run.flow.as_str()), (&manual(), FLOW));
    let started = Some((run.clone(), Progress::default()));
    assert_eq!(store.unfinished(id).await.unwrap(), started);

    let mut run = run.clone();
    run.counts.created = 3;
    run.requests = Requests {
        source: 2,
        target: 7,
    };
    let progress = Progress {
        phase: Phase::Leave,
        position: Some("page 2".to_owned()),
        state: Some("state".to_owned()),
        complete: true,
        read: 200,
        total: Some(201),
        program: "c0ffee".to_owned(),
    };
    let page = Commit {
        run: run.clone(),
        progress: progress.clone(),
        links: Vec::new(),
        documents: Vec::new(),
        forgotten: Vec::new(),
        outcomes: Vec::new(),
        groups: Default::default(),
        seen: Vec::new(),
    };
    store.commit(lease, page).await.unwrap();
    assert_eq!(
        store.unfinished(id).await.unwrap(),
        Some((run.clone(), progress))
    );

    run.status = RunStatus::Succeeded;
    run.finished_at = Some(at(1_500));
    let memory = Memory {
        state: Some("state".to_owned()),
        ..Memory::default()
    };
    store.finish(lease, &run, Some(&memory)).await.unwrap();
    assert_eq!(store.unfinished(id).await.unwrap(), None);
    assert_eq!(store.run(run.id).await.unwrap(), Some(run.clone()));
    assert_eq!(
        store.automations(&tenant()).await.unwrap()[0].memory,
        memory
    );

    let next = store
        .begin(
            lease,
            FLOW,
            &Trigger::Schedule,
            CycleKind::Incremental,
            at(1_600),
        )
        .await
        .unwrap();
    assert!(next.id > run.id);
    store
        .finish(
            lease,
            &Run {
                status: RunStatus::Failed,
                ..next
            },
            None,
        )
        .await
        .unwrap();
    assert_eq!(
        store.automations(&tenant()).await.unwrap()[0].memory,
        memory,
        "left alone"
    );
    assert_eq!(store.run(RunId(next.id.0 + 1)).await.unwrap(), None);
}

pub async fn one_run_at_a_time(store: AnyStore) {
    let Running {
        store,
        id,
        lease,
        run,
    } = &Running::new(store).await;
    let error = store
        .begin(lease, FLOW, &manual(), CycleKind::Full, at(1))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StoreError::Exists(text) if text.contains("has not ended")),
        "{error}"
    );
    assert_eq!(store.unfinished(id).await.unwrap().unwrap().0, *run);
    assert_eq!(store.runs(&tenant(), 10).await.unwrap().len(), 1);
}

pub async fn an_ended_run_is_over(store: AnyStore) {
    let running = Running::new(store).await;
    let Running {
        store, lease, run, ..
    } = &running;
    let other = Running::of(store.clone(), "another").await;
    let foreign = Commit {
        run: other.run.clone(),
        ..running.page()
    };
    let error = store.commit(lease, foreign).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
    let error = store.finish(lease, &other.run, None).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");

    let ended = Run {
        status: RunStatus::Failed,
        ..run.clone()
    };
    store.finish(lease, &ended, None).await.unwrap();
    let late = Commit {
        links: vec![written(member("1"), None)],
        ..running.page()
    };
    let error = store.commit(lease, late).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
    assert_eq!(running.link("1").await, None);
    assert_eq!(store.run(run.id).await.unwrap(), Some(ended));
    assert_eq!(
        store.unfinished(&other.id).await.unwrap().unwrap().0,
        other.run
    );
}

prop_compose! {
    fn any_failure()(
        message in any::<String>(),
        code in proptest::option::of(any::<String>()),
        wait in proptest::option::of(any::<Duration>()),
    ) -> Failure {
        let mut failure = Failure::new(FailureKind::RateLimited, message).with_effect(Effect::Unknown);
        failure.code = code;
        failure.retry_after = wait;
        failure
    }
}

prop_compose! {
    fn any_person()(
        name in any::<String>(),
        email in proptest::option::of(any::<String>()),
        picture in proptest::option::of(any::<String>()),
    ) -> Person {
        Person { name, email, picture }
    }
}

prop_compose! {
    fn any_text()(by_language in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..3)) -> Text {
        Text(by_language)
    }
}

pub async fn any_run_survives(store: AnyStore) {
    let Running {
        store, lease, run, ..
    } = Running::new(store).await;
    let strategy = (
        any::<[u64; 3]>(),
        proptest::option::of(any_failure()),
        proptest::collection::vec(any_text(), 0..4),
        proptest::option::of(any_time()),
        (any_person(), any::<bool>()),
    );
    property(
        strategy,
        64,
        async move |(numbers, error, notes, finished_at, (by, full))| {
            let [created, failed, target] = numbers;
            let changed = Run {
                status: if error.is_some() {
                    RunStatus::Failed
                } else {
                    RunStatus::Partial
                },
                cycle: if full {
                    CycleKind::Full
                } else {
                    CycleKind::Incremental
                },
                trigger: Trigger::Manual { by },
                counts: Counts {
                    created,
                    failed,
                    ..Counts::default()
                },
                requests: Requests { source: 1, target },
                error,
                notes,
                finished_at,
                ..run.clone()
            };
            store.finish(&lease, &changed, None).await.unwrap();
            prop_assert_eq!(store.run(run.id).await.unwrap(), Some(changed));
            Ok(())
        },
    )
    .await;
}

pub async fn the_newest_first(store: AnyStore) {
    let mut begun = Vec::new();
    for id in ["a", "b", "c"] {
        begun.push(Running::of(store.clone(), id).await.run);
    }
    begun.reverse();
    assert_eq!(store.runs(&tenant(), 10).await.unwrap(), begun);
    assert_eq!(store.runs(&tenant(), 2).await.unwrap(), begun[..2]);
    assert_eq!(store.runs(&TenantId::new("other"), 10).await.unwrap(), []);
}

pub async fn seen_adds_up(store: AnyStore) {
    let running = Running::new(store).await;
    let Running {
        store, lease, run, ..
    } = &running;
    for seen in [vec![3, u64::MAX], vec![], vec![0, 3]] {
        store
            .commit(
                lease,
                Commit {
                    seen,
                    ..running.page()
                },
            )
            .await
            .unwrap();
    }
    let mut seen = store.seen(run.id).await.unwrap();
    seen.sort_unstable();
    assert_eq!(seen, [0, 3, 3, u64::MAX]);
    let other = Running::of(store.clone(), "another").await;
    assert!(store.seen(other.run.id).await.unwrap().is_empty());

    store
        .finish(
            lease,
            &Run {
                status: RunStatus::Succeeded,
                ..run.clone()
            },
            None,
        )
        .await
        .unwrap();
    assert!(store.seen(run.id).await.unwrap().is_empty());
}

fn outcome(key: u32, kind: OutcomeKind) -> Outcome {
    let known = kind != OutcomeKind::Failed;
    Outcome {
        key: SourceKey::new(key.to_string()),
        target: known.then(|| TargetId::new(format!("account-{key}"))),
        kind,
        code: (!known).then(|| "missing-attribute".to_owned()),
        reason: (!known).then(|| "the record has no e-mail address".to_owned()),
        changed: if known {
            vec!["first_name".to_owned(), "a, b".to_owned()]
        } else {
            Vec::new()
        },
    }
}

pub async fn outcomes_in_pages(store: AnyStore) {
    use OutcomeKind::{
        Ambiguous, Created, Deactivated, Failed, Reactivated, Skipped, Staged, Updated,
    };
    let kinds = [
        Created,
        Updated,
        Deactivated,
        Reactivated,
        Skipped,
        Staged,
        Ambiguous,
        Failed,
    ];
    let all: Vec<Outcome> = (0..40)
        .zip(kinds.into_iter().cycle())
        .map(|(key, kind)| outcome(key, kind))
        .collect();
    let running = Running::new(store).await;
    let Running {
        store, lease, run, ..
    } = &running;
    for page in all.chunks(7) {
        let outcomes = page.to_vec();
        store
            .commit(
                lease,
                Commit {
                    outcomes,
                    ..running.page()
                },
            )
            .await
            .unwrap();
    }

    let read = async |kinds: &[OutcomeKind], limit| {
        let mut filter = OutcomeFilter {
            kinds: kinds.to_vec(),
            after: None,
            limit,
        };
        let mut found = Vec::new();
        loop {
            let page = store.outcomes(run.id, &filter).await.unwrap();
            assert!(page.len() <= limit as usize);
            let Some((row, _)) = page.last() else {
                return found;
            };
            filter.after = Some(*row);
            found.extend(page.into_iter().map(|(_, outcome)| outcome));
        }
    };
    assert_eq!(read(&[], 11).await, all);
    let wanted: Vec<Outcome> = all
        .iter()
        .filter(|outcome| matches!(outcome.kind, Failed | Created))
        .cloned()
        .collect();
    assert_eq!(wanted.len(), 10);
    assert_eq!(read(&[Failed, Created], 3).await, wanted);
    assert_eq!(read(&[OutcomeKind::Unchanged], 3).await, []);
    let other = Running::of(store.clone(), "another").await;
    let filter = OutcomeFilter {
        limit: 10,
        ..OutcomeFilter::default()
    };
    assert_eq!(store.outcomes(other.run.id, &filter).await.unwrap(), []);
}
