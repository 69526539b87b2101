//! Kombo as a source of people and as the place for their certificates.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use matricula_sandbox::{
    Account, Builder, Entry, Fault, FaultKind, Holder, Issue, Kind, Sandbox, Setup, Status, System,
};
use serde_json::{Value, json};

use crate::cycle::{may_come_in, today};
use crate::served::Server;
use crate::world::World;

const PEOPLE: &str = "sync-employees-from-kombo";
const CERTIFICATES: &str = "sync-certificates-to-kombo";

fn started(builder: Builder) -> World {
    World::start_for(&["kombo", "reteach"], builder.limits(None))
}

fn account(world: &World, id: u64) -> Account {
    let id = world.sandbox.kombo().id(id);
    let all = world.sandbox.accounts().list();
    let mut found = all
        .into_iter()
        .filter(|account| account.external_id.as_deref() == Some(id.as_str()));
    let account = found.next();
    assert!(found.next().is_none(), "two accounts of {id}");
    account.unwrap_or_else(|| panic!("no account of {id}"))
}

/// Everybody has exactly one account, with the right address.
fn assert_in_step(world: &World) {
    let (people, kombo) = (world.sandbox.people(), world.sandbox.kombo());
    let wanted = people.ids().into_iter();
    let mut wanted: Vec<(String, String)> = wanted
        .map(|id| (kombo.id(id), people.text(id, "email").to_lowercase()))
        .collect();
    let held = world.sandbox.accounts().list().into_iter();
    let mut held: Vec<(String, String)> = held
        .map(|account| (account.external_id.unwrap_or_default(), account.user_name))
        .collect();
    wanted.sort();
    held.sort();
    assert_eq!(wanted.len(), held.len());
    assert_eq!(wanted, held);
}

/// An incremental run that must succeed; its counts.
fn run(world: &World) -> Value {
    let (run, code) = world.run_flow(PEOPLE, &[]);
    assert_eq!((code, &run["status"]), (0, &json!("succeeded")), "{run:#}");
    run
}

#[test]
fn everybody_has_an_account_and_an_unchanged_cycle_writes_nothing() {
    let world = started(Sandbox::builder().people(600).seed(5));
    let first = run(&world);
    assert_eq!(first["cycle"], "full");
    assert_eq!(first["counts"]["created"], 600, "{first:#}");
    // The connection once, and three pages.
    assert_eq!(first["requests"]["source"], 4, "{first:#}");
    assert_in_step(&world);
    let id = world.sandbox.people().ids()[0];
    let resource = account(&world, id).resource;
    let people = world.sandbox.people();
    let name = |key: &str| people.value(id, key).unwrap()["attributes"]["name"].clone();
    let enterprise = &resource["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
    assert_eq!(enterprise["department"], name("department"));
    assert_eq!(enterprise["organization"], name("subcompany"));
    let with_manager = people.ids().into_iter().find_map(|id| {
        let boss = people.value(id, "supervisor")?["attributes"]["id"]["value"].as_u64()?;
        Some((id, boss))
    });
    let (id, boss) = with_manager.unwrap();
    let enterprise =
        account(&world, id).resource["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]
            .clone();
    assert_eq!(enterprise["manager"]["value"], account(&world, boss).id);

    world.sandbox.journal().clear();
    let second = run(&world);
    assert_eq!(second["cycle"], "incremental");
    assert_eq!(world.writes(), 0);
    assert_eq!(second["requests"]["source"], 2, "{second:#}");
    assert_eq!(world.counts_of(PEOPLE, &[])["unchanged"], 600);
    assert_eq!(world.writes(), 0);
}

#[test]
fn changes_leavers_the_deleted_and_rehires_follow() {
    let world = started(Sandbox::builder().people(40));
    run(&world);
    let people = world.sandbox.people();
    let mut ids = people
        .ids()
        .into_iter()
        .filter(|id| may_come_in(&world, *id));
    let (married, leaver, deleted) = (
        ids.next().unwrap(),
        ids.next().unwrap(),
        ids.next().unwrap(),
    );
    let before = people.get(deleted).unwrap();
    world.sandbox.journal().clear();
    people.set_email(married, "new.name@example.com");
    people.terminate(leaver, today().yesterday().unwrap());
    let changed = run(&world);
    assert_eq!(changed["cycle"], "incremental");
    assert_eq!(
        (
            &changed["counts"]["updated"],
            &changed["counts"]["deactivated"]
        ),
        (&json!(1), &json!(1)),
        "{changed:#}"
    );
    assert_eq!(account(&world, married).user_name, "new.name@example.com");
    assert!(!account(&world, leaver).active);
    assert_eq!(world.sandbox.journal().creates(), 0);

    // Deleted in the HR system: told by Kombo, and believed at once.
    people.remove(deleted);
    let gone = run(&world);
    assert_eq!(gone["counts"]["deactivated"], 1, "{gone:#}");
    assert!(!account(&world, deleted).active);

    people.rehire(leaver, today());
    people.add(&[("id", deleted.into())]);
    for (key, value) in before.iter().filter(|(key, _)| *key != "id") {
        people.set(deleted, key, value.clone());
    }
    let back = run(&world);
    assert_eq!(back["counts"]["reactivated"], 2, "{back:#}");
    assert!(account(&world, leaver).active && account(&world, deleted).active);
    assert_eq!(world.sandbox.journal().creates(), 0, "the old accounts");
    assert_in_step(&world);
}

#[test]
fn one_whom_the_academy_refuses_leaves_the_others_in_peace() {
    let world = started(Sandbox::builder().people(30));
    let people = world.sandbox.people();
    let id = people.ids()[3];
    let address = people.text(id, "email");
    people.set_email(id, "");
    let (partial, code) = world.run_flow(PEOPLE, &[]);
    assert_eq!((code, &partial["status"]), (6, &json!("partial")));
    assert_eq!(partial["counts"]["failed"], 1, "{partial:#}");
    assert_eq!(partial["counts"]["created"], 29);
    people.set_email(id, &address);
    let (fixed, code) = world.run_flow(PEOPLE, &["--full"]);
    assert_eq!(
        (code, &fixed["counts"]["created"]),
        (0, &json!(1)),
        "{fixed:#}"
    );
    assert_in_step(&world);
}

#[test]
fn a_rate_limit_and_a_forgotten_cursor_are_got_over() {
    let world = started(Sandbox::builder().people(600));
    let faults = world.sandbox.faults();
    faults.add(
        Fault::new(FaultKind::TooManyRequests(Some(1)))
            .system(System::Kombo)
            .path("/v1/hris/employees")
            .nth(2),
    );
    // While the third page is asked for, Kombo loses its cursors.
    let kombo = world.sandbox.kombo();
    world.sandbox.on_request(
        |entry: &Entry| entry.system == System::Kombo && entry.kind == Kind::Page && entry.nth == 4,
        move |_: &Entry| kombo.forget_cursors(),
    );
    let first = run(&world);
    assert_eq!(first["counts"]["created"], 600, "{first:#}");
    assert_in_step(&world);
}

#[test]
fn nothing_happens_before_kombo_has_read_the_hr_system_and_then_it_goes_on() {
    let world = started(Sandbox::builder().people(20));
    let kombo = world.sandbox.kombo();
    kombo.set_setup(Setup::SyncPending);
    // The wizard's test of the credential has nothing to complain of.
    let said = world.matricula(&["credential", "test", "kombo"]);
    assert_eq!(said.code, 0, "{said:?}");
    let (pending, code) = world.run_flow(PEOPLE, &[]);
    assert_ne!(code, 0);
    assert_eq!(pending["status"], "failed", "{pending:#}");
    assert_eq!(pending["error"]["code"], "INTEGRATION.SETUP_SYNC_PENDING");
    let message = pending["error"]["message"].as_str().unwrap();
    assert!(message.contains("for the first time"), "{message}");
    assert!(!message.contains("log"), "{message}");
    assert!(world.sandbox.accounts().list().is_empty());
    kombo.set_setup(Setup::Completed);
    assert_eq!(run(&world)["counts"]["created"], 20);

    // Nobody goes on with what Kombo read before it lost its access.
    for status in [Status::Inactive, Status::Invalid] {
        kombo.set_status(status);
        let (refused, code) = world.run_flow(PEOPLE, &[]);
        assert_ne!(code, 0);
        assert_eq!(refused["error"]["kind"], "auth", "{refused:#}");
    }
    let said = world.matricula(&["credential", "test", "kombo"]);
    assert_ne!(said.code, 0, "{said:?}");
}

#[test]
fn what_the_connection_does_not_deliver_clears_nothing_and_is_named() {
    let world = started(Sandbox::builder().people(30));
    run(&world);
    let id = world.sandbox.people().ids()[0];
    let before = account(&world, id).resource;
    let kombo = world.sandbox.kombo();
    kombo.withhold("job_title", true);
    kombo.withhold("gender", false);
    world.sandbox.journal().clear();
    assert_eq!(world.counts_of(PEOPLE, &[])["unchanged"], 30);
    assert_eq!(world.writes(), 0);
    assert_eq!(account(&world, id).resource, before);
    let said = world.matricula(&["credential", "test", "kombo"]);
    assert_eq!(said.code, 5, "{said:?}");
    for part in ["Job title", "was left out", "Gender", "does not get"] {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
}

#[test]
fn data_that_is_out_of_date_makes_nobody_a_leaver() {
    let world = started(Sandbox::builder().people(30));
    run(&world);
    let kombo = world.sandbox.kombo();
    kombo.set_expired(true);
    let gone = world.sandbox.people().ids()[0];
    world.sandbox.people().remove(gone);
    for _ in 0..3 {
        let (full, code) = world.run_flow(PEOPLE, &["--full"]);
        assert_eq!(
            (code, &full["counts"]["deactivated"]),
            (0, &json!(0)),
            "{full:#}"
        );
    }
    kombo.set_expired(false);
    world.counts_of(PEOPLE, &[]);
    world.counts_of(PEOPLE, &[]);
    assert!(!account(&world, gone).active);
}

#[test]
fn an_event_that_kombo_has_signed_sets_off_a_cycle_and_another_does_not() {
    let world = started(Sandbox::builder().people(20));
    let said = world.matricula(&["start", PEOPLE, "--yes", "--every", "1h"]);
    assert_eq!(said.code, 0, "{said:?}");
    let server = Server::start(&world);
    let ended = || {
        let said = world.matricula(&["automation", "show", PEOPLE, "--json"]);
        let standing: Value = serde_json::from_str(&said.out).unwrap();
        standing["demand"].is_null() && !standing["last_succeeded_at"].is_null()
    };
    patiently("the first cycle", ended);
    assert_in_step(&world);

    let people = world.sandbox.people();
    let id = people.ids()[0];
    people.set_email(id, "new.name@example.com");
    let kombo = world.sandbox.kombo();
    let to = format!("http://{}/hooks/connector/kombo", server.address);
    let event = kombo.data_changed("personio:SandboxConnection1");
    let requests = || world.sandbox.journal().requests(System::Kombo);
    let before = requests();
    let other = kombo.data_changed("personio:SandboxConnection2");
    for (body, signature) in [
        (&event, "wrong".to_owned()),
        (&event, kombo.signature(&other)),
    ] {
        assert_eq!(kombo.send(&to, body, &signature).unwrap(), 401);
    }
    assert_eq!((requests(), ended()), (before, true));

    let status = kombo.send(&to, &event, &kombo.signature(&event));
    assert_eq!(status.unwrap(), 202);
    patiently("the change", || {
        account(&world, id).user_name == "new.name@example.com"
    });
    drop(server);
}

/// Looks again and again, for a minute at most.
fn patiently(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < until, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}

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
    let pid = Arc::new(AtomicU32::new(0));
    let victim = Arc::clone(&pid);
    let kill = move |_: &Entry| {
        // The request may come before the parent knows the child's id.
        while victim.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let id = victim.load(Ordering::SeqCst).to_string();
        let _ = Command::new("kill").args(["-9", &id]).status();
    };
    let upload = move |entry: &Entry| {
        entry.system == System::Kombo && entry.kind == Kind::Write && entry.nth == nth
    };
    if answered {
        world.sandbox.on_answer(upload, kill);
    } else {
        world.sandbox.on_request(upload, kill);
    }
    let child = world.spawn(&["run", CERTIFICATES]);
    pid.store(child.id(), Ordering::SeqCst);
    let status = child.wait_with_output().unwrap().status;
    world.sandbox.clear_hooks();
    status.signal() == Some(9)
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
