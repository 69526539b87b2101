//! Remotes and components that fail.

use std::time::Duration;

use matricula_core::run::{Counts, CycleKind, RunStatus};
use matricula_core::{Effect, Failure, FailureKind};

use crate::source::{Fault as SourceFault, person};
use crate::target::Fault;
use crate::world::World;

fn unavailable() -> Failure {
    Failure::new(FailureKind::Unavailable, "out of order")
}

async fn world_of(size: u64) -> World {
    let world = World::new().await;
    for id in 1..=size {
        world.source.put(person(id, &format!("Person{id}")));
    }
    world
}

#[tokio::test]
async fn a_page_that_fails_for_a_while_is_read_again() {
    let world = world_of(7).await;
    world.source.fault(2, SourceFault::Fail(unavailable()));
    world.source.fault(
        3,
        SourceFault::Fail(
            Failure::new(FailureKind::RateLimited, "slow down")
                .with_retry_after(Duration::from_secs(9)),
        ),
    );
    let before = world.clock_now();
    assert_eq!(
        world.counts().await,
        Counts {
            created: 7,
            ..Counts::default()
        }
    );
    let waited = world.clock_now().duration_since(before);
    assert!(waited.as_secs() >= 9, "{waited:?}");
}

#[tokio::test]
async fn an_outage_of_the_source_keeps_the_position() {
    let world = world_of(9).await;
    for nth in 3..=8 {
        world.source.fault(nth, SourceFault::Fail(unavailable()));
    }
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.error.unwrap().message, "out of order");
    assert_eq!(world.academy.take_journal().len(), 6);

    let reads = world.source.reads.load(std::sync::atomic::Ordering::SeqCst);
    let resumed = world.run().await;
    assert_eq!(resumed.status, RunStatus::Succeeded);
    assert!(resumed.id > run.id);
    assert_eq!(
        resumed.counts,
        Counts {
            created: 3,
            ..Counts::default()
        }
    );
    assert_eq!(
        world.source.reads.load(std::sync::atomic::Ordering::SeqCst) - reads,
        1
    );
    // The pages of both runs together are the whole population: nobody is missed.
    assert_eq!(world.run().await.cycle, CycleKind::Incremental);
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 9,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn rejected_credentials_stop_at_once_and_write_nothing() {
    let world = world_of(3).await;
    let rejected = Failure::new(FailureKind::Auth, "HR did not accept the credentials");
    world.source.fault(1, SourceFault::Fail(rejected.clone()));
    let run = world.run().await;
    assert_eq!(
        (run.status, run.error),
        (RunStatus::Failed, Some(rejected.clone()))
    );
    assert_eq!(
        world.source.reads.load(std::sync::atomic::Ordering::SeqCst),
        1
    );

    *world.academy.prepare_fails.lock().unwrap() = Some(rejected.clone());
    let run = world.run().await;
    assert_eq!((run.status, run.error), (RunStatus::Failed, Some(rejected)));
    assert_eq!(world.academy.take_journal(), []);

    *world.academy.prepare_fails.lock().unwrap() = None;
    assert_eq!(
        world.counts().await,
        Counts {
            created: 3,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn a_write_that_fails_for_a_while_is_repeated() {
    let world = world_of(3).await;
    world
        .academy
        .fault("person2@example.com", Fault::Fail(unavailable()));
    world
        .academy
        .fault("person2@example.com", Fault::Fail(unavailable()));
    assert_eq!(
        world.counts().await,
        Counts {
            created: 3,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn a_lost_answer_to_a_creation_makes_no_second_account() {
    let world = world_of(6).await;
    for id in [1, 2, 5] {
        world
            .academy
            .fault(&format!("person{id}@example.com"), Fault::Lose);
    }
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(
        run.counts,
        Counts {
            created: 6,
            ..Counts::default()
        }
    );
    assert_eq!(world.academy.accounts.lock().unwrap().len(), 6);
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 6,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn a_refused_record_is_retried_with_growing_distance() {
    let world = world_of(2).await;
    let refused = || {
        Fault::Fail(
            Failure::new(FailureKind::Input, "not a valid address").with_code("invalidValue"),
        )
    };
    for _ in 0..2 {
        world.academy.fault("person1@example.com", refused());
    }
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            created: 1,
            failed: 1,
            ..Counts::default()
        }
    );
    assert_eq!(world.told(&run).await[0].2.as_deref(), Some("invalidValue"));

    world.clock.advance(Duration::from_secs(200));
    let early = world.run().await;
    assert_eq!(
        (early.cycle, early.counts),
        (CycleKind::Incremental, Counts::default())
    );
    world.clock.advance(Duration::from_secs(200));
    let second = world.run().await;
    assert_eq!(second.cycle, CycleKind::Full);
    assert_eq!(
        second.counts,
        Counts {
            unchanged: 1,
            failed: 1,
            ..Counts::default()
        }
    );
    world.clock.advance(Duration::from_secs(400));
    assert_eq!(world.run().await.cycle, CycleKind::Incremental);
    world.clock.advance(Duration::from_secs(600));
    let third = world.run().await;
    assert_eq!(
        third.counts,
        Counts {
            unchanged: 1,
            created: 1,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn a_component_that_traps_on_one_change_does_not_take_the_others_along() {
    let world = world_of(7).await;
    world.academy.fault("person2@example.com", Fault::Trap);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(
        run.counts,
        Counts {
            created: 6,
            failed: 1,
            ..Counts::default()
        }
    );
    assert_eq!(
        world
            .told(&run)
            .await
            .iter()
            .filter(|(_, _, c)| c.as_deref() == Some("component.panicked"))
            .count(),
        1
    );
    world.clock.advance(Duration::from_secs(3600));
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 6,
            created: 1,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn a_source_component_that_traps_fails_the_run_and_the_next_one_works() {
    let world = world_of(5).await;
    let trap =
        Failure::new(FailureKind::Fault, "hr 1.0.0 panicked").with_code("component.panicked");
    world.source.fault(2, SourceFault::Fail(trap));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(
        run.error.unwrap().code.as_deref(),
        Some("component.panicked")
    );
    let next = world.run().await;
    assert_eq!(next.status, RunStatus::Succeeded);
    assert_eq!(world.academy.accounts.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn an_outage_of_the_target_leaves_the_run_and_the_next_one_goes_on() {
    let world = world_of(9).await;
    for _ in 0..6 {
        let lost = unavailable().with_effect(Effect::None);
        world
            .academy
            .fault("person5@example.com", Fault::Fail(lost));
    }
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Failed);
    let next = world.run().await;
    assert_eq!(next.status, RunStatus::Succeeded, "{next:?}");
    assert_eq!(world.academy.accounts.lock().unwrap().len(), 9);
    assert_eq!(
        world.counts().await,
        Counts {
            unchanged: 9,
            ..Counts::default()
        }
    );
}

#[tokio::test]
async fn a_long_rest_is_not_sat_out_and_nobody_is_asked_in_it() {
    for kind in [FailureKind::RateLimited, FailureKind::Unavailable] {
        let world = world_of(9).await;
        let rest = Failure::new(kind, "come back later").with_retry_after(Duration::from_secs(180));
        let fault = Fault::Fail(rest.clone());
        world.academy.fault("person5@example.com", fault);
        let before = world.clock_now();
        let run = world.run().await;
        assert_eq!((run.status, run.error), (RunStatus::Failed, Some(rest)));
        assert_eq!(world.clock_now(), before, "{kind:?}");
        let next = world.run().await;
        assert_eq!(next.status, RunStatus::Succeeded, "{next:?}");
        assert_eq!(world.academy.accounts.lock().unwrap().len(), 9);
    }
}

#[tokio::test]
async fn a_position_that_fails_by_itself_is_not_read_from_again() {
    let world = world_of(9).await;
    let stuck = Failure::new(FailureKind::Protocol, "this position is none of mine");
    world.source.fault(2, SourceFault::Fail(stuck));
    assert_eq!(world.run().await.status, RunStatus::Failed);
    let run = world.run().await;
    assert_eq!(
        run.counts,
        Counts {
            created: 6,
            unchanged: 3,
            ..Counts::default()
        }
    );
}
