//! Certificates into personnel files over Kombo, which says nothing of what lies there.

use matricula_sandbox::{Entry, Fault, FaultKind, Holder, Issue, Kind, Sandbox, System};
use serde_json::{Value, json};

use super::{run, started};
use crate::cycle::may_come_in;
use crate::kill::{run_killed, was_killed};
use crate::world::World;

const CERTIFICATES: &str = "sync-certificates-to-kombo";

/// A world whose people have accounts and certificates.
fn with_certificates(people: usize, certificates: usize) -> World {
    let builder = Sandbox::builder().people(people).certificates(certificates);
    let world = started(builder);
    run(&world);
    world
}

fn deliver(world: &World, arguments: &[&str]) -> (Value, i32) {
    world.run_flow(CERTIFICATES, arguments)
}

/// Every certificate lies in the right file, under the right name and with the right bytes, once.
fn assert_delivered(world: &World, number: usize) {
    let mut wanted: Vec<_> = world
        .sandbox
        .certificates()
        .list(true)
        .into_iter()
        .map(|one| {
            let name = format!(
                "{}, {} ({}).pdf",
                one.course.replace(':', " -"),
                one.completed_on,
                one.id
            );
            (
                one.employee.unwrap_or_default(),
                name,
                one.sha256.unwrap_or_default(),
            )
        })
        .collect();
    let documents = world.sandbox.documents();
    let mut held: Vec<_> = documents
        .list()
        .into_iter()
        .map(|one| (one.employee.to_string(), one.title, one.sha256))
        .collect();
    wanted.sort();
    held.sort();
    assert_eq!(held.len(), number);
    let other = wanted
        .iter()
        .zip(&held)
        .find(|(wanted, held)| wanted != held);
    assert_eq!(other, None);
    assert_eq!(wanted.len(), number);
    let categories = documents.categories();
    let category = categories
        .iter()
        .find(|one| one.name == "Learning certificates")
        .unwrap();
    assert!(
        documents
            .list()
            .iter()
            .all(|one| one.category == category.id)
    );
}

#[test]
fn each_certificate_arrives_once_and_it_is_said_that_nothing_can_be_listed() {
    let world = with_certificates(20, 60);
    let (first, code) = deliver(&world, &[]);
    assert_eq!(
        (code, &first["counts"]["created"]),
        (0, &json!(60)),
        "{first:#}"
    );
    let notes = first["notes"].to_string();
    assert!(
        notes.contains("Kombo does not let documents be listed"),
        "{notes}"
    );
    assert_delivered(&world, 60);
    let holder = world.sandbox.documents().list()[0].employee.to_string();
    let issue = Issue::to(Holder::Employee(holder));
    world.sandbox.certificates().issue(&issue);
    assert_eq!(deliver(&world, &[]).0["counts"]["created"], 1);
    let (full, code) = deliver(&world, &["--full"]);
    assert_eq!(
        (code, &full["counts"]["unchanged"]),
        (0, &json!(61)),
        "{full:#}"
    );
    assert_delivered(&world, 61);
}

#[test]
fn others_who_fill_the_thirty_places_are_waited_for() {
    let world = with_certificates(5, 5);
    world.sandbox.kombo().occupy(30);
    let kombo = world.sandbox.kombo();
    world.sandbox.on_answer(
        |entry: &Entry| entry.system == System::Kombo && entry.status == Some(429),
        move |_: &Entry| kombo.occupy(0),
    );
    let (delivered, code) = deliver(&world, &[]);
    assert_eq!(code, 0, "{delivered:#}");
    assert_delivered(&world, 5);
}

/// Runs, killed at the upload of this number; whether it was.
fn killed(world: &World, nth: u64, answered: bool) -> bool {
    let upload = move |entry: &Entry| {
        entry.system == System::Kombo && entry.kind == Kind::Write && entry.nth == nth
    };
    was_killed(&run_killed(world, &["run", CERTIFICATES], answered, upload))
}

#[test]
fn what_is_in_doubt_is_told_and_never_sent_twice() {
    let world = with_certificates(30, 120);
    let faults = world.sandbox.faults();
    let upload = |kind| Fault::new(kind).system(System::Kombo).method("POST");
    faults.add(upload(FaultKind::LostAnswer).every(11));
    faults.add(upload(FaultKind::Status(504)).every(17));
    assert!(killed(&world, 20, true) && killed(&world, 50, false));
    faults.clear();
    let (partial, code) = deliver(&world, &["--full"]);
    assert_eq!(
        (code, &partial["status"]),
        (6, &json!("partial")),
        "{partial:#}"
    );
    let doubtful = partial["counts"]["ambiguous"].as_u64().unwrap();
    assert!(doubtful >= 5, "{partial:#}");
    // However often it runs, nobody but a person decides.
    let (again, _) = deliver(&world, &["--full"]);
    assert_eq!(again["counts"]["ambiguous"], doubtful, "{again:#}");
    let there: Vec<String> = world
        .sandbox
        .documents()
        .list()
        .into_iter()
        .map(|one| one.title)
        .collect();
    let mut once = there.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), there.len(), "none is there twice");

    let said = world.matricula(&["documents", CERTIFICATES, "--json"]);
    let listed: Vec<Value> = said
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len() as u64, doubtful);
    for document in listed {
        assert_eq!(document["state"], "doubtful");
        let key = document["key"].as_str().unwrap();
        let arrived = there
            .iter()
            .any(|name| name.ends_with(&format!("({key}).pdf")));
        let decision = if arrived { "--arrived" } else { "--send-again" };
        let said = world.matricula(&["documents", CERTIFICATES, decision, "--key", key]);
        assert_eq!(said.code, 0, "{said:?}");
    }
    let (last, code) = deliver(&world, &[]);
    assert_eq!(code, 0, "{last:#}");
    assert_delivered(&world, 120);
}

/// Starts the automation, so that an owner can have what failed tried again without waiting.
fn begin(world: &World) {
    let said = world.matricula(&["start", CERTIFICATES, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
}

fn retry(world: &World) {
    let said = world.matricula(&["automation", "retry", CERTIFICATES]);
    assert_eq!(said.code, 0, "{said:?}");
}

/// What a run told of the documents that failed.
fn told(world: &World, run: &Value) -> Vec<Value> {
    let id = run["run"].to_string();
    let said = world.matricula(&["run", "show", &id, "--json", "--all"]);
    let shown: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let outcomes = shown["outcomes"].as_array().unwrap().clone().into_iter();
    outcomes.filter(|one| one["kind"] == "failed").collect()
}

#[test]
fn one_that_is_refused_holds_up_no_other_and_is_delivered_once_by_the_next_run() {
    let world = with_certificates(10, 30);
    begin(&world);
    let fault = Fault::new(FaultKind::Status(400)).system(System::Kombo);
    let fault = fault.method("POST").path("/documents").nth(7).times(1);
    let fault = world.sandbox.faults().add(fault);
    let (partial, code) = deliver(&world, &[]);
    assert_eq!(
        (code, &partial["status"]),
        (6, &json!("partial")),
        "{partial:#}"
    );
    let counts = &partial["counts"];
    assert_eq!(
        (&counts["created"], &counts["failed"], &counts["ambiguous"]),
        (&json!(29), &json!(1), &json!(0)),
        "a refusal leaves no doubt: {partial:#}"
    );
    assert_eq!(world.sandbox.faults().fired(fault), 1);
    assert_eq!(world.sandbox.documents().list().len(), 29);
    assert_eq!(told(&world, &partial).len(), 1);

    retry(&world);
    let (next, code) = deliver(&world, &[]);
    assert_eq!(
        (code, &next["counts"]["created"]),
        (0, &json!(1)),
        "{next:#}"
    );
    assert_delivered(&world, 30);
    let (full, code) = deliver(&world, &["--full"]);
    assert_eq!(
        (code, &full["counts"]["unchanged"]),
        (0, &json!(30)),
        "{full:#}"
    );
    assert_delivered(&world, 30);
}

#[test]
fn certificates_of_somebody_who_is_gone_are_told_and_the_others_arrive() {
    let world = with_certificates(10, 30);
    begin(&world);
    let people = world.sandbox.people();
    let mut ids = people.ids().into_iter();
    let gone = ids.find(|&id| may_come_in(&world, id)).unwrap();
    let before = people.get(gone).unwrap();
    people.remove(gone);
    assert_eq!(run(&world)["counts"]["deactivated"], 1);

    let (partial, code) = deliver(&world, &[]);
    assert_eq!(
        (code, &partial["status"]),
        (6, &json!("partial")),
        "{partial:#}"
    );
    let counts = &partial["counts"];
    assert_eq!(
        (&counts["created"], &counts["failed"], &counts["ambiguous"]),
        (&json!(27), &json!(3), &json!(0)),
        "{partial:#}"
    );
    for outcome in told(&world, &partial) {
        let reason = outcome["reason"].as_str().unwrap();
        assert!(reason.contains("employee"), "{reason}");
    }
    // However often it is tried, nothing comes twice, and nobody else waits.
    retry(&world);
    let (again, _) = deliver(&world, &["--full"]);
    assert_eq!(
        (&again["counts"]["failed"], &again["counts"]["unchanged"]),
        (&json!(3), &json!(27)),
        "{again:#}"
    );
    let held = world.sandbox.documents().list();
    assert_eq!(held.len(), 27);
    assert!(held.iter().all(|one| one.employee != gone));

    // Kombo has the employee again, and what was left out follows.
    people.add(&[("id", gone.into())]);
    for (key, value) in before.iter().filter(|(key, _)| *key != "id") {
        people.set(gone, key, value.clone());
    }
    assert_eq!(run(&world)["counts"]["reactivated"], 1);
    retry(&world);
    let (last, code) = deliver(&world, &[]);
    assert_eq!(
        (code, &last["counts"]["created"]),
        (0, &json!(3)),
        "{last:#}"
    );
    assert_delivered(&world, 30);
}
