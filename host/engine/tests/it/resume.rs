//! Two processes, and processes that are cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use matricula_core::run::{Counts, RunStatus};
use matricula_core::store::Store;
use matricula_engine::EngineError;

use crate::source::person;
use crate::world::World;

#[tokio::test]
async fn an_automation_is_run_by_one_process_at_a_time() {
    let mut world = World::new().await;
    world.source.put(person(1, "Ada"));
    let id = world.automation().await.id;
    let now = world.clock_now();
    let until = now + Duration::from_secs(600);
    let lease = world
        .store
        .acquire(&id, "somebody", now, until, &|_| false)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(world.try_run(false).await, Err(EngineError::Busy)));

    // One that is known to be no more is not waited for.
    let dead = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&dead);
    world.engine = world
        .engine
        .clone()
        .with_gone(Arc::new(move |_: &str| gone.load(Ordering::SeqCst)));
    assert!(matches!(world.try_run(false).await, Err(EngineError::Busy)));
    dead.store(true, Ordering::SeqCst);
    assert_eq!(world.run().await.status, RunStatus::Succeeded);

    // And it cannot write any more.
    assert!(world.store.renew(&lease, until).await.is_err());
}

#[tokio::test]
async fn a_cycle_cut_off_at_any_await_is_resumed_without_gap_or_duplicate() {
    // The future of the run is dropped after more and more steps, as a killed process would be.
    for steps in (1..400).step_by(7) {
        let world = World::new().await;
        for id in 1..=8 {
            world.source.put(person(id, &format!("Person{id}")));
        }
        for id in 1..=4 {
            world
                .source
                .set(id, "supervisor", serde_json::json!({"id": 8}));
        }
        let finished = {
            let run = world.try_run(false);
            let mut run = std::pin::pin!(run);
            let mut left = steps;
            std::future::poll_fn(|cx| {
                left -= 1;
                match run.as_mut().poll(cx) {
                    std::task::Poll::Ready(result) => std::task::Poll::Ready(Some(result)),
                    std::task::Poll::Pending if left <= 0 => std::task::Poll::Ready(None),
                    std::task::Poll::Pending => std::task::Poll::Pending,
                }
            })
            .await
        };
        // The lease of a process that is gone runs out.
        world.clock.advance(Duration::from_secs(600));
        let run = world.run().await;
        assert_eq!(run.status, RunStatus::Succeeded, "after {steps}: {run:?}");
        assert_eq!(
            world.academy.accounts.lock().unwrap().len(),
            8,
            "after {steps}"
        );
        for id in 1..=4 {
            let account = world.academy.by_email(&format!("person{id}@example.com"));
            assert!(
                account.contains_key("manager"),
                "after {steps}: {account:?}"
            );
        }
        world.academy.take_journal();
        assert_eq!(
            world.counts().await,
            Counts {
                unchanged: 8,
                ..Counts::default()
            },
            "after {steps}"
        );
        assert_eq!(world.academy.take_journal(), []);
        if matches!(finished, Some(Ok(_))) {
            return;
        }
    }
    panic!("the run never came to its end");
}
