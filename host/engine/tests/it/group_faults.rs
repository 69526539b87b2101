//! Groups where something goes wrong: members and groups that are refused, lost answers, outages, processes that die.

use std::time::Duration;

use matricula_core::run::{CycleKind, OutcomeKind, Run, RunStatus};
use matricula_core::{Effect, Failure, FailureKind, SourceKey};
use serde_json::{Value, json};

use crate::groups::{
    IT, SALES, account, counts, department, flow, forget, four, four_in_step, members, settled,
};
use crate::source::person;
use crate::teams::Fault;
use crate::world::World;

#[tokio::test]
async fn one_member_who_is_refused_fails_alone() {
    let world = World::with_flow(&flow()).await;
    for id in 1..=130 {
        world.source.put(person(id, &format!("Person{id}")));
    }
    world.source.set(130, "status", json!("inactive"));
    world.run().await;
    assert_eq!(members(&world, IT).len(), 129);
    let person77 = account(&world, "Person77");
    let mut world = world;
    world
        .academy
        .teams
        .unwelcome
        .lock()
        .unwrap()
        .insert(person77.clone());
    world.set_settings(json!({"teams": ["title"]}));
    forget(&world);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(
        (run.counts.updated, run.counts.failed),
        (128, 1),
        "{:?}",
        run.counts
    );
    assert_eq!(members(&world, "Engineer").len(), 128);
    let failed: Vec<_> = world
        .outcomes(&run)
        .await
        .into_iter()
        .filter(|outcome| outcome.kind == OutcomeKind::Failed)
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].key, SourceKey::new("77"));
    assert_eq!(failed[0].code.as_deref(), Some("group-failed"));
    assert_eq!(failed[0].reason.as_deref(), Some("there is no such member"));

    // Counted as failed until it is tried again.
    forget(&world);
    let run = world.run_full().await;
    assert_eq!(run.counts.failed, 1, "{:?}", run.counts);
    assert_eq!(run.counts.unchanged, 129);
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 0);
    world.clock.advance(Duration::from_secs(400));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Unchanged, 129), (OutcomeKind::Failed, 1)])
    );
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 1);
    world.academy.teams.unwelcome.lock().unwrap().clear();
    world.clock.advance(Duration::from_secs(1000));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Unchanged, 129), (OutcomeKind::Updated, 1)])
    );
    settled(&world, 130).await;
}

#[tokio::test]
async fn a_group_that_takes_nobody_is_not_asked_for_each_of_many() {
    let mut world = World::with_flow(&flow()).await;
    *world.source.page.lock().unwrap() = 100;
    for id in 1..=450 {
        world.source.put(person(id, &format!("Person{id}")));
    }
    world.set_settings(json!({"teams": []}));
    world.run().await;
    world.academy.teams.insert(IT, &[]);
    world
        .academy
        .teams
        .closed
        .lock()
        .unwrap()
        .insert(IT.to_owned());
    world.set_settings(json!({"teams": ["department"]}));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(run.counts, counts(&[(OutcomeKind::Failed, 450)]));
    // Five changes, and the first one's members.
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 105);
    assert_eq!(world.outcomes(&run).await.len(), 450);
}

#[tokio::test]
async fn lost_answers_make_nothing_twice() {
    let world = four().await;
    world.academy.teams.fault(IT, Fault::Lose);
    world.academy.teams.fault("g1", Fault::Lose);
    world.academy.teams.fault("g2", Fault::Lose);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(world.academy.teams.names(), [IT, SALES]);
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn a_group_that_cannot_be_made_fails_its_people_alone() {
    let world = four().await;
    let refused = Failure::new(FailureKind::Permission, "the key may not write groups");
    world.academy.teams.fault(IT, Fault::Fail(refused));
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Created, 2), (OutcomeKind::Failed, 2)])
    );
    assert_eq!(world.academy.accounts.lock().unwrap().len(), 4);
    assert_eq!(members(&world, SALES), ["Cy"]);
    world.clock.advance(Duration::from_secs(400));
    assert_eq!(world.run().await.status, RunStatus::Succeeded);
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn an_outage_while_groups_are_written_is_gone_on_with() {
    let world = four().await;
    for _ in 0..6 {
        let down = Failure::new(FailureKind::Unavailable, "down").with_effect(Effect::None);
        world.academy.teams.fault("g1", Fault::Fail(down));
    }
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Failed);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    assert_eq!(members(&world, SALES), ["Cy"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn an_outage_of_groups_keeps_nobody_from_an_account() {
    let world = four().await;
    for _ in 0..12 {
        let down = Failure::new(FailureKind::Unavailable, "down").with_effect(Effect::None);
        world.academy.teams.fault("g1", Fault::Fail(down));
    }
    assert_eq!(world.run().await.status, RunStatus::Failed);
    world.source.put(person(5, "Eve"));
    let run = world.run().await;
    assert_eq!(
        (run.status, run.counts.created),
        (RunStatus::Failed, 1),
        "{run:?}"
    );
    assert_eq!(run.error.as_ref().unwrap().message, "down");
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(members(&world, IT), ["Ada", "Bob", "Eve"]);
    settled(&world, 5).await;
}

#[tokio::test]
async fn a_group_that_cannot_be_made_for_a_while_keeps_nobody_from_an_account() {
    let world = four().await;
    *world.source.page.lock().unwrap() = 1;
    for _ in 0..6 {
        let down = Failure::new(FailureKind::Unavailable, "down").with_effect(Effect::None);
        world.academy.teams.fault(IT, Fault::Fail(down));
    }
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.error.as_ref().unwrap().message, "down");
    assert_eq!(run.counts, counts(&[(OutcomeKind::Created, 4)]));
    let run = world.run().await;
    assert_eq!(
        (run.status, run.cycle),
        (RunStatus::Succeeded, CycleKind::Full),
        "{run:?}"
    );
    assert_eq!(world.academy.teams.names(), [IT, SALES]);
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    assert_eq!(members(&world, SALES), ["Cy"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn a_group_that_is_refused_is_not_tried_for_every_page() {
    let world = four().await;
    *world.source.page.lock().unwrap() = 1;
    let refused = Failure::new(FailureKind::Permission, "the key may not write groups");
    world.academy.teams.fault(IT, Fault::Fail(refused));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Created, 2), (OutcomeKind::Failed, 2)])
    );
    assert_eq!(world.academy.teams.names(), [SALES]);
    world.clock.advance(Duration::from_secs(400));
    world.run().await;
    assert_eq!(members(&world, IT), ["Ada", "Bob"]);
    settled(&world, 4).await;
}

#[tokio::test]
async fn a_member_who_is_not_found_is_not_taken_for_a_group_that_is_gone() {
    let world = four_in_step().await;
    let it = world.academy.teams.id_of(IT);
    let bob = account(&world, "Bob");
    world.academy.teams.missing.lock().unwrap().insert(bob);
    world.source.set(1, "department", Value::Null);
    world.source.set(2, "department", department(2, "Sales"));
    let run = world.run().await;
    assert_eq!(
        run.counts,
        counts(&[(OutcomeKind::Updated, 1), (OutcomeKind::Failed, 1)])
    );
    assert_eq!(members(&world, IT), ["Bob"]);
    // Both of IT, each of them, and Bob for sales.
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 4);

    forget(&world);
    assert_eq!(world.run().await.counts.updated, 0);
    assert_eq!(*world.academy.teams.asked.lock().unwrap(), 0, "not yet");
    world.academy.teams.missing.lock().unwrap().clear();
    world.clock.advance(Duration::from_secs(400));
    world.run().await;
    assert_eq!(members(&world, IT), [""; 0]);
    assert_eq!(members(&world, SALES), ["Bob", "Cy"]);
    assert_eq!(world.academy.teams.id_of(IT), it);
    settled(&world, 4).await;
}

#[tokio::test]
async fn whoever_was_put_into_a_group_before_it_vanished_is_put_in_again() {
    let world = World::with_flow(&flow()).await;
    *world.source.page.lock().unwrap() = 250;
    for id in 1..=250 {
        world.source.put(person(id, &format!("Person{id}")));
    }
    world.academy.teams.fault("g1", Fault::Vanish);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(run.counts, counts(&[(OutcomeKind::Created, 250)]));
    assert_eq!(members(&world, IT).len(), 250);
    settled(&world, 250).await;
}

#[tokio::test]
async fn somebody_whose_group_alone_has_changed_is_counted_once_after_a_kill() {
    let world = four_in_step().await;
    world.source.set(2, "department", department(3, "IT"));
    // One makes the group.
    assert!(die_after(&world, 2, 1).await);
    let run = world.run().await;
    assert_eq!(run.cycle, CycleKind::Incremental);
    assert_eq!(run.counts, counts(&[(OutcomeKind::Updated, 1)]));
    settled(&world, 4).await;
}

/// Drops the future of a run after so many steps, as a killed process would be; whether it came to its end.
async fn cut_off(world: &World, steps: i32, hours: u64) -> bool {
    let run = world.try_run(false);
    let mut run = std::pin::pin!(run);
    let mut left = steps;
    let ended: Option<Run> = std::future::poll_fn(|cx| {
        left -= 1;
        match run.as_mut().poll(cx) {
            std::task::Poll::Ready(result) => std::task::Poll::Ready(result.ok()),
            std::task::Poll::Pending if left <= 0 => std::task::Poll::Ready(None),
            std::task::Poll::Pending => std::task::Poll::Pending,
        }
    })
    .await;
    // The lease of a process that is gone runs out.
    world.clock.advance(Duration::from_secs(hours * 3600));
    ended.is_some()
}

#[tokio::test]
async fn a_cycle_cut_off_at_any_await_makes_no_group_twice_and_loses_nobody() {
    for steps in 1..600 {
        let world = four().await;
        let first = cut_off(&world, steps, 1).await;
        let run = world.run().await;
        assert_eq!(run.status, RunStatus::Succeeded, "after {steps}: {run:?}");
        assert_eq!(world.academy.teams.names(), [IT, SALES], "after {steps}");
        assert_eq!(members(&world, IT), ["Ada", "Bob"], "after {steps}");
        assert_eq!(members(&world, SALES), ["Cy"], "after {steps}");

        // People move, leave and come while cycles are cut off, and change their minds in between.
        world.source.set(1, "department", department(2, "Sales"));
        world.source.set(2, "status", json!("inactive"));
        world.source.set(4, "department", department(1, "IT"));
        // One half of them is gone on with, the other is begun anew, since it is too long ago.
        let hours = if steps % 2 == 0 { 1 } else { 25 };
        let second = cut_off(&world, steps, hours).await;
        world.source.set(1, "department", department(1, "IT"));
        world.source.set(2, "status", json!("active"));
        world.source.set(4, "department", department(3, "Law"));
        let run = world.run().await;
        assert_eq!(run.status, RunStatus::Succeeded, "after {steps}: {run:?}");
        let run = world.run_full().await;
        assert_eq!(run.status, RunStatus::Succeeded, "after {steps}: {run:?}");
        assert_eq!(members(&world, IT), ["Ada", "Bob"], "after {steps}");
        assert_eq!(members(&world, SALES), ["Cy"], "after {steps}");
        assert_eq!(members(&world, "Department Law"), ["Di"], "after {steps}");
        settled(&world, 4).await;
        if first && second {
            return;
        }
    }
    panic!("the run never came to its end");
}

/// Runs until a process that writes groups dies; whether it did.
async fn die_after(world: &World, writes: u64, hours: u64) -> bool {
    let teams = &world.academy.teams;
    *teams.dies_after.lock().unwrap() = Some(writes);
    let died = tokio::select! {
        _ = world.try_run(false) => false,
        () = teams.died.notified() => true,
    };
    *teams.dies_after.lock().unwrap() = None;
    world.clock.advance(Duration::from_secs(hours * 3600));
    died
}

#[tokio::test]
async fn a_process_that_dies_after_any_write_loses_nobody() {
    for hours in [1, 25] {
        for writes in 1.. {
            let at = format!("after {writes} writes and {hours} hours");
            let world = four().await;
            let first = die_after(&world, writes, hours).await;
            // What was written is taken back before anybody knows of it.
            world.source.set(1, "department", department(2, "Sales"));
            let run = world.run().await;
            assert_eq!(run.status, RunStatus::Succeeded, "{at}: {run:?}");
            world.run_full().await;
            assert_eq!(world.academy.teams.names(), [IT, SALES], "{at}");
            assert_eq!(members(&world, IT), ["Bob"], "{at}");
            assert_eq!(members(&world, SALES), ["Ada", "Cy"], "{at}");

            world.source.set(1, "department", department(1, "IT"));
            world.source.set(2, "status", json!("inactive"));
            world.source.set(4, "department", department(1, "IT"));
            let second = die_after(&world, writes, hours).await;
            world.source.set(1, "department", department(2, "Sales"));
            world.source.set(2, "status", json!("active"));
            world.source.set(4, "department", Value::Null);
            let run = world.run().await;
            assert_eq!(run.status, RunStatus::Succeeded, "{at}: {run:?}");
            world.run_full().await;
            assert_eq!(members(&world, IT), ["Bob"], "{at}");
            assert_eq!(members(&world, SALES), ["Ada", "Cy"], "{at}");
            settled(&world, 4).await;
            if !first && !second {
                assert!(writes > 2, "it dies somewhere");
                break;
            }
        }
    }
}
