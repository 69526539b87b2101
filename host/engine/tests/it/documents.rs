//! Documents are delivered to the right people, and what cannot be delivered is told.

use std::time::Duration;

use matricula_core::run::{CycleKind, OutcomeKind, RunStatus};
use matricula_core::store::Store;
use matricula_core::{Effect, Failure, FailureKind, Text};
use matricula_engine::{EngineError, Stop};
use serde_json::json;

use crate::archive::{Content, Fault, World};

pub fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<_> = of
        .iter()
        .map(|(person, title)| ((*person).to_owned(), (*title).to_owned()))
        .collect();
    all.sort();
    all
}

pub async fn two_people() -> World {
    let world = World::new().await;
    world.link("7", "a1").await;
    world.link("8", "a2").await;
    world
}

#[tokio::test]
async fn everything_issued_is_delivered_once_to_the_right_person() {
    let world = two_people().await;
    world.remotes.issue("c1", "a1", "Fire safety");
    world.remotes.issue("c2", "a2", "Fire safety");
    world.remotes.issue("c3", "a1", "First aid");
    let run = world.run().await;
    assert_eq!((run.status, run.counts.created), (RunStatus::Succeeded, 3));
    assert_eq!(run.cycle, CycleKind::Full);
    assert_eq!(
        run.notes,
        [Text::said(
            "category: nothing was chosen, so \"Certificates\" of Archive was taken",
            "Kategorie: nichts gewählt, deshalb wird „Certificates“ aus Archive verwendet"
        )]
    );
    let all = pairs(&[
        ("7", "Fire safety"),
        ("8", "Fire safety"),
        ("7", "First aid"),
    ]);
    assert_eq!(world.remotes.archive(), all);
    let first = world.remotes.documents.lock().unwrap()[0].1.clone();
    assert_eq!(first["category"], "2");
    assert_eq!(first["date"], "2026-02-01");

    // What is new is found without reading the rest, and nothing is fetched again.
    world.remotes.issue("c4", "a2", "First aid");
    let run = world.run().await;
    assert_eq!((run.cycle, run.counts.created), (CycleKind::Incremental, 1));
    assert_eq!(
        world
            .remotes
            .fetches
            .load(std::sync::atomic::Ordering::SeqCst),
        4
    );
    world.clock.advance(Duration::from_secs(86_400));
    let run = world.run().await;
    assert_eq!((run.cycle, run.counts.unchanged), (CycleKind::Full, 4));
    assert_eq!(run.counts.total(), 4);
    assert_eq!(world.remotes.archive().len(), 4);
}

#[tokio::test]
async fn one_file_that_is_never_had_stops_nobody_else() {
    let world = two_people().await;
    for id in 10..50 {
        world
            .remotes
            .issue(&format!("c{id}"), "a1", &format!("Course {id}"));
    }
    world
        .remotes
        .contents
        .lock()
        .unwrap()
        .insert("file-c12".to_owned(), Content::Down);
    let failing = Failure::new(FailureKind::Unavailable, "error 500").with_effect(Effect::Unknown);
    for _ in 0..100 {
        world
            .remotes
            .fault("Course 15", Fault::Fail(failing.clone()));
    }
    for _ in 0..3 {
        world.run().await;
    }
    assert_eq!(world.remotes.archive().len(), 38);
}

#[tokio::test]
async fn what_lies_there_is_not_forgotten_because_its_record_is_unreadable_for_a_while() {
    let world = two_people().await;
    world.remotes.issue("c1", "a1", "One");
    world.told().await;
    world.remotes.change("c1", "id", json!(null));
    world.clock.advance(Duration::from_secs(86_400));
    let run = world.run().await;
    assert_eq!((run.status, run.counts.failed), (RunStatus::Partial, 1));
    world.remotes.change("c1", "id", json!("c1"));
    world.clock.advance(Duration::from_secs(86_400));
    world.run().await;
    assert_eq!(world.remotes.archive(), pairs(&[("7", "One")]));
}

#[tokio::test]
async fn an_automation_that_was_removed_and_started_again_sends_nothing_twice() {
    let world = two_people().await;
    for (id, account) in [("c1", "a1"), ("c2", "a1"), ("c3", "a2")] {
        world.remotes.issue(id, account, "Same");
    }
    world.told().await;
    world.start_anew().await;
    // Somebody has moved one to another category meanwhile.
    world.remotes.documents.lock().unwrap()[0].1["category"] = json!("1");
    world.remotes.issue("c4", "a2", "Same");
    let run = world.run().await;
    assert_eq!((run.counts.updated, run.counts.created), (3, 1), "{run:?}");
    let run = world.run().await;
    assert_eq!(run.counts.total(), 0);
    assert_eq!(world.remotes.archive().len(), 4);
}

#[tokio::test]
async fn who_is_not_linked_waits_for_the_employee_flow() {
    let world = two_people().await;
    world.remotes.issue("c1", "a3", "One");
    world.remotes.issue("c2", "a1", "Two");
    let told = world.told().await;
    let unknown = Some("person-unknown".to_owned());
    assert_eq!(told[0], ("c1".to_owned(), OutcomeKind::Skipped, unknown));
    // Told once, and not read again for it.
    let run = world.run().await;
    assert_eq!((run.cycle, run.counts.total()), (CycleKind::Incremental, 0));
    world.link("9", "a3").await;
    let run = world.run().await;
    assert_eq!((run.cycle, run.counts.created), (CycleKind::Full, 1));
    assert_eq!(
        world.remotes.archive(),
        pairs(&[("7", "Two"), ("9", "One")])
    );
}

#[tokio::test]
async fn each_unfit_file_has_its_own_outcome_and_the_others_arrive() {
    let world = two_people().await;
    for id in 1..=6 {
        world
            .remotes
            .issue(&format!("c{id}"), "a1", &format!("Course {id}"));
    }
    {
        let mut contents = world.remotes.contents.lock().unwrap();
        contents.insert("file-c1".to_owned(), Content::Pdf(0));
        contents.insert("file-c2".to_owned(), Content::Pdf(1001));
        contents.insert("file-c3".to_owned(), Content::Html);
        contents.insert("file-c4".to_owned(), Content::Gone);
    }
    world.remotes.change(
        "c5",
        "course",
        json!("a title that is longer than the archive takes"),
    );
    let run = world.run().await;
    assert_eq!((run.status, run.counts.created), (RunStatus::Partial, 1));
    let told = world.told_by(&run).await;
    let codes: Vec<_> = told
        .iter()
        .map(|(key, _, code)| (key.as_str(), code.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(
        codes,
        [
            ("c1", "file-empty"),
            ("c2", "file-too-large"),
            ("c3", "file-type"),
            ("c4", "file-gone"),
            ("c5", "invalid-value"),
            ("c6", ""),
        ]
    );
    // Put right, they are tried again by themselves.
    world.remotes.contents.lock().unwrap().clear();
    world.remotes.change("c5", "course", json!("Course 5"));
    let run = world.run().await;
    assert_eq!((run.status, run.counts.created), (RunStatus::Succeeded, 5));
}

#[tokio::test]
async fn what_becomes_of_a_certificate_afterwards_is_told_once() {
    let world = two_people().await;
    for id in ["c1", "c2", "c3", "c4"] {
        world.remotes.issue(id, "a1", id);
    }
    world.remotes.change("c3", "revoked", json!(true));
    world.remotes.change("c4", "replaced", json!(true));
    let told = world.told().await;
    let code = |code: &str| Some(code.to_owned());
    assert_eq!(
        told,
        [
            ("c1".to_owned(), OutcomeKind::Created, None),
            ("c2".to_owned(), OutcomeKind::Created, None),
            ("c3".to_owned(), OutcomeKind::Skipped, code("revoked")),
            ("c4".to_owned(), OutcomeKind::Created, code("replaced")),
        ]
    );
    world.remotes.change("c1", "revoked", json!(true));
    world.remotes.change("c2", "course", json!("Renamed"));
    world.clock.advance(Duration::from_secs(86_400));
    let told = world.told().await;
    assert_eq!(
        told,
        [
            (
                "c1".to_owned(),
                OutcomeKind::Skipped,
                code("revoked-after-delivery")
            ),
            (
                "c2".to_owned(),
                OutcomeKind::Skipped,
                code("changed-after-delivery")
            ),
        ]
    );
    world.clock.advance(Duration::from_secs(86_400));
    assert_eq!(world.told().await, []);
    assert_eq!(world.remotes.archive().len(), 3);
}

#[tokio::test]
async fn a_category_that_is_gone_ends_the_run_with_that_reason() {
    let mut world = two_people().await;
    world.remotes.issue("c1", "a1", "One");
    world.settings = json!({"category": "1"});
    world.told().await;
    world.remotes.issue("c2", "a1", "Two");
    world.remotes.categories.lock().unwrap().remove(0);
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Failed);
    let error = run.error.unwrap();
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (FailureKind::Config, Some("choice-gone"))
    );
    // Another category is where the next ones go; what was delivered stays as it is.
    world.settings = json!({"category": "2"});
    let run = world.run().await;
    assert_eq!((run.counts.created, run.counts.unchanged), (1, 1));
}

#[tokio::test]
async fn without_the_employee_flow_nothing_is_sent() {
    let mut world = two_people().await;
    world.remotes.issue("c1", "a1", "One");
    world.people = None;
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Failed);
    let error = run.error.unwrap();
    assert_eq!(error.code.as_deref(), Some("people-missing"));
    assert_eq!(error.kind, FailureKind::Config);
    assert_eq!(world.remotes.archive(), []);
}

#[tokio::test]
async fn an_outage_is_left_and_gone_on_with() {
    let world = two_people().await;
    for id in 10..40 {
        let title = format!("Course {id}");
        world.remotes.issue(&format!("c{id}"), "a1", &title);
        let down = Failure::new(FailureKind::Unavailable, "the archive is down");
        for _ in 0..6 {
            world.remotes.fault(&title, Fault::Fail(down.clone()));
        }
    }
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Failed);
    let tried = world
        .remotes
        .uploads
        .load(std::sync::atomic::Ordering::SeqCst);
    assert!(tried <= 6 * 6, "{tried}");
    world.remotes.faults.lock().unwrap().clear();
    let run = world.run().await;
    assert_eq!(run.status, RunStatus::Succeeded, "{run:?}");
    assert_eq!(world.remotes.archive().len(), 30);
}

#[tokio::test]
async fn a_second_run_of_the_same_process_is_refused() {
    let world = two_people().await;
    world.remotes.issue("c1", "a1", "One");
    let first = world.try_run(false, Stop::default());
    let second = world.try_run(false, Stop::default());
    let (first, second) = tokio::join!(first, second);
    // Whichever comes first.
    let (ran, refused) = if first.is_ok() {
        (first, second)
    } else {
        (second, first)
    };
    assert!(ran.is_ok(), "{ran:?}");
    assert!(matches!(refused, Err(EngineError::Busy)), "{refused:?}");
    assert_eq!(world.remotes.archive().len(), 1);
}

#[tokio::test]
async fn a_run_is_halted_between_two_documents() {
    let world = two_people().await;
    for id in 1..=9 {
        world
            .remotes
            .issue(&format!("c{id}"), "a1", &format!("Course {id}"));
    }
    let stop = Stop::default();
    *world.remotes.halt_after.lock().unwrap() = Some((2, stop.clone()));
    assert!(world.try_run(false, stop).await.is_err());
    let first = world.remotes.archive().len();
    assert!((2..=4).contains(&first), "{first}");
    *world.remotes.halt_after.lock().unwrap() = None;
    let run = world.run().await;
    assert_eq!((run.status, run.counts.created), (RunStatus::Succeeded, 9));
    assert_eq!((run.counts.unchanged, run.counts.total()), (0, 9));
    assert_eq!(run.notes.len(), 1, "{:?}", run.notes);
    assert_eq!(world.remotes.archive().len(), 9);
}

#[tokio::test]
async fn a_preview_delivers_nothing_and_agrees_with_the_run_after_it() {
    let world = two_people().await;
    world.remotes.issue("c1", "a1", "One");
    world.remotes.issue("c2", "a3", "Two");
    let preview = world.preview().await;
    assert_eq!((preview.counts.created, preview.counts.skipped), (1, 1));
    let shown = &preview.people[0];
    assert_eq!(
        (shown.key.as_str(), shown.who.as_deref()),
        ("c1", Some("7"))
    );
    assert!(shown.changes.iter().any(|change| change.new == "One"));
    assert_eq!(world.remotes.archive(), []);
    assert_eq!(world.run().await.counts, preview.counts);
    let figures = world
        .store
        .document_figures(&World::id(), world.people.as_ref(), world.now())
        .await
        .unwrap();
    assert_eq!((figures.delivered, figures.waiting, figures.due), (1, 1, 0));
}
