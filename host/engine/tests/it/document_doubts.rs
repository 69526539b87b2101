//! Documents of which it is not known whether they have arrived: they are delivered once all the same.

use std::time::Duration;

use matricula_core::clock::Clock as _;
use matricula_core::document::DocumentDecision;
use matricula_core::run::{CycleKind, OutcomeKind, RunStatus};
use matricula_core::store::Store;
use matricula_core::{Failure, FailureKind};
use matricula_engine::Stop;

use crate::archive::{Fault, World};
use crate::documents::{pairs, two_people};

#[tokio::test]
async fn a_lost_answer_is_resolved_by_asking() {
    let world = two_people().await;
    for (id, title) in [("c1", "One"), ("c2", "Two"), ("c3", "Three")] {
        world.remotes.issue(id, "a1", title);
    }
    world.remotes.fault("One", Fault::LoseAfter);
    world.remotes.fault("Two", Fault::LoseBefore);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Partial);
    let code = |code: &str| Some(code.to_owned());
    assert_eq!(
        world.told_by(&run).await,
        [
            ("c1".to_owned(), OutcomeKind::Created, code("arrived")),
            ("c2".to_owned(), OutcomeKind::Failed, code("lost")),
            ("c3".to_owned(), OutcomeKind::Created, None),
        ]
    );
    // It is not sent again before everything that was under way has had its time.
    world.clock.advance(Duration::from_secs(300));
    let run = world.try_run(true, Stop::default()).await.unwrap();
    assert_eq!((run.counts.created, run.counts.failed), (0, 1));
    let run = world.run().await;
    assert_eq!((run.status, run.counts.created), (RunStatus::Succeeded, 1));
    assert_eq!(
        world.remotes.archive(),
        pairs(&[("7", "One"), ("7", "Two"), ("7", "Three")])
    );
}

#[tokio::test]
async fn a_list_that_lags_behind_makes_no_double() {
    let world = two_people().await;
    world.remotes.issue("c1", "a1", "One");
    world.remotes.fault("One", Fault::LoseAfter);
    // The personnel file is listed before it is sent, and after its answer was lost.
    *world.remotes.lag.lock().unwrap() = 2;
    let run = world.run().await;
    assert_eq!((run.status, run.counts.failed), (RunStatus::Partial, 1));
    let run = world.run().await;
    assert_eq!((run.status, run.counts.created), (RunStatus::Succeeded, 1));
    assert_eq!(world.remotes.archive(), pairs(&[("7", "One")]));
}

#[tokio::test]
async fn two_alike_in_doubt_are_not_taken_for_one() {
    let world = two_people().await;
    world.remotes.issue("c1", "a1", "Same");
    world.remotes.issue("c2", "a1", "Same");
    *world.remotes.tells_comments.lock().unwrap() = false;
    world.remotes.fault("Same", Fault::LoseAfter);
    world.remotes.fault("Same", Fault::LoseBefore);
    let run = world.run().await;
    assert_eq!((run.counts.created, run.counts.failed), (1, 1));
    let run = world.run().await;
    assert_eq!(run.counts.created, 1);
    assert_eq!(
        world.remotes.archive(),
        pairs(&[("7", "Same"), ("7", "Same")])
    );
}

#[tokio::test]
async fn a_personnel_file_that_cannot_be_listed_keeps_nobody_else_waiting() {
    let world = two_people().await;
    world.remotes.issue("c1", "a1", "One");
    world.told().await;
    world.remotes.issue("c2", "a1", "Two");
    world.remotes.fault("Two", Fault::LoseAfter);
    let broken = Failure::new(FailureKind::Protocol, "a document without an id");
    *world.remotes.unreadable.lock().unwrap() = Some(broken);
    let run = world.run().await;
    assert_eq!((run.status, run.counts.failed), (RunStatus::Partial, 1));
    world.remotes.issue("c3", "a2", "Three");
    let run = world.run().await;
    assert_eq!(run.counts.created, 1, "{run:?}");
    *world.remotes.unreadable.lock().unwrap() = None;
    let run = world.run().await;
    assert_eq!((run.status, run.counts.created), (RunStatus::Succeeded, 1));
    assert_eq!(
        world.remotes.archive(),
        pairs(&[("7", "One"), ("7", "Two"), ("8", "Three")])
    );
}

#[tokio::test]
async fn alike_documents_are_told_apart() {
    let world = two_people().await;
    // The same course on the same day, twice: only the number in the comment differs.
    world.remotes.issue("c1", "a1", "Same");
    world.told().await;
    world.remotes.issue("c2", "a1", "Same");
    world.remotes.fault("Same", Fault::LoseBefore);
    let run = world.run().await;
    assert_eq!(run.counts.failed, 1);
    assert_eq!(world.run().await.counts.created, 1);
    assert_eq!(
        world.remotes.archive(),
        pairs(&[("7", "Same"), ("7", "Same")])
    );
}

#[tokio::test]
async fn without_the_right_to_ask_an_owner_decides() {
    let world = two_people().await;
    for (id, title) in [("c1", "One"), ("c2", "Two"), ("c3", "Three")] {
        world.remotes.issue(id, "a1", title);
    }
    let denied = Failure::new(FailureKind::Permission, "documents may not be read");
    *world.remotes.unreadable.lock().unwrap() = Some(denied);
    world.remotes.fault("One", Fault::LoseAfter);
    world.remotes.fault("Two", Fault::LoseBefore);
    let run = world.run().await;
    assert_eq!((run.status, run.counts.ambiguous), (RunStatus::Partial, 2));
    assert_eq!(run.counts.created, 1);
    // They wait, whatever is run.
    world.clock.advance(Duration::from_secs(86_400));
    let run = world.run().await;
    assert_eq!((run.counts.ambiguous, run.counts.created), (2, 0));

    let decide = |key: &'static str, decision| {
        let store = world.store.clone();
        async move {
            let keys = [matricula_core::SourceKey::new(key)];
            store
                .decide_documents(&World::id(), Some(&keys), decision)
                .await
                .unwrap()
        }
    };
    assert_eq!(decide("c1", DocumentDecision::Arrived).await, 1);
    assert_eq!(decide("c2", DocumentDecision::SendAgain).await, 1);
    assert_eq!(
        decide("c3", DocumentDecision::SendAgain).await,
        0,
        "nothing to decide"
    );
    let run = world.run().await;
    assert_eq!((run.status, run.counts.created), (RunStatus::Succeeded, 1));
    assert_eq!(
        world.remotes.archive(),
        pairs(&[("7", "One"), ("7", "Two"), ("7", "Three")])
    );
}

/// Kombo is such a target: the manifest says so, nothing is asked, and only the ledger keeps what was sent.

#[tokio::test]
async fn where_nobody_can_ask_nothing_is_sent_twice() {
    let world = World::that_lists_nothing().await;
    world.link("7", "a1").await;
    for (id, title) in [("c1", "One"), ("c2", "Two"), ("c3", "Three")] {
        world.remotes.issue(id, "a1", title);
    }
    world.remotes.fault("One", Fault::LoseAfter);
    world.remotes.fault("Two", Fault::LoseBefore);
    // It would be seen if it were asked.
    let broken = Failure::new(FailureKind::Protocol, "a document without an id");
    *world.remotes.unreadable.lock().unwrap() = Some(broken);
    let began = world.clock.now();
    let run = world.run().await;
    assert_eq!((run.status, run.counts.ambiguous), (RunStatus::Partial, 2));
    assert_eq!(run.counts.created, 1);
    let said = "Archive does not let documents be listed";
    let notes: Vec<_> = run.notes.iter().map(|note| note.get("en")).collect();
    assert!(notes.iter().any(|note| note.starts_with(said)), "{notes:?}");
    // Waiting would teach nothing: half an hour passes before a run, and none in it.
    let passed = world.clock.now().duration_since(began);
    assert_eq!(passed.as_secs(), 30 * 60);

    // They wait, whatever is run.
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(86_400));
        let run = world.run().await;
        assert_eq!((run.cycle, run.counts.ambiguous), (CycleKind::Full, 2));
        assert_eq!((run.counts.created, run.counts.unchanged), (0, 1));
    }
    assert_eq!(
        world.remotes.archive(),
        pairs(&[("7", "One"), ("7", "Three")])
    );
    let keys = ["c2"].map(matricula_core::SourceKey::new);
    let again = DocumentDecision::SendAgain;
    let decided = world
        .store
        .decide_documents(&World::id(), Some(&keys), again)
        .await;
    assert_eq!(decided.unwrap(), 1);
    assert_eq!(world.run().await.counts.created, 1);
    assert_eq!(world.remotes.archive().len(), 3);
}

#[tokio::test]
async fn a_process_cut_off_at_any_await_leaves_no_gap_and_no_double() {
    // The future of the run is dropped after more and more steps, as a killed process would be.
    for steps in 1..400 {
        let world = two_people().await;
        for id in 1..=9 {
            world
                .remotes
                .issue(&format!("c{id}"), "a1", &format!("Course {id}"));
        }
        world.remotes.fault("Course 3", Fault::LoseAfter);
        world.remotes.fault("Course 7", Fault::LoseBefore);
        let finished = {
            let run = world.try_run(false, Stop::default());
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
        // Tasks of the process end with it.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        world.remotes.held.lock().unwrap().clear();
        let mut run = world.run().await;
        let resumed = run.clone();
        // What was lost on the way is sent by a later cycle.
        for _ in 0..2 {
            if run.status != RunStatus::Succeeded {
                run = world.run().await;
            }
        }
        assert_eq!(run.status, RunStatus::Succeeded, "after {steps}: {run:?}");
        let expected: Vec<_> = (1..=9)
            .map(|id| ("7".to_owned(), format!("Course {id}")))
            .collect();
        assert_eq!(world.remotes.archive(), expected, "after {steps}");
        if matches!(finished, Some(Ok(_))) {
            return;
        }
        // One that was cut off in its very last step has told everything already.
        if resumed.cycle == CycleKind::Full {
            let counts = resumed.counts;
            assert_eq!(counts.total(), 9, "after {steps}: {counts:?}");
        }
    }
    panic!("the run never came to its end");
}
